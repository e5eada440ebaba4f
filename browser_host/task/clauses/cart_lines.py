"""Clauses about what lies in the cart: put several things in, take one out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from browser_host.task.clauses.shopping import AddToCart
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import CART, Item, Survey
from browser_host.task.workspace import Workspace

_REMOVE = re.compile(r"^\W*(?:remove|delete|take out)\b", re.IGNORECASE)
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class AddAll:
    """Put several products into the cart."""

    additions: tuple[AddToCart, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return "; ".join(one.words for one in self.additions)

    async def carry_out(self, workspace: Workspace) -> None:
        """One after another; what the last one brought is not the whole, so all of it is the output."""
        added = []
        for one in self.additions:
            await one.carry_out(workspace)
            added.append(workspace.output)
        workspace.output = added


@dataclass(frozen=True, slots=True)
class RemoveFromCart:
    """Take a product out of the cart."""

    which: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'take "{self.which}" out of the cart'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open the cart, press what removes this product's line, and see the line gone."""
        survey = await workspace.survey()
        if not self._ways(survey):
            links = survey.buttons(CART)
            if not links:
                raise Failed(NOT_FOUND, "there is no link to the cart on the page")
            await workspace.click(links[0])
            survey, _ = await workspace.until(lambda page: bool(self._ways(page)), timeout=_PATIENCE)
        ways = self._ways(survey)
        if not ways:
            raise Failed(NOT_FOUND, f'nothing in the cart takes "{self.which}" out')
        if len(ways) > 1:
            raise Failed(AMBIGUOUS, f'{len(ways)} lines of the cart have "{self.which}"')
        lines = len(survey.buttons(_REMOVE))
        await workspace.click(ways[0])
        _, gone = await workspace.until(
            lambda page: not self._ways(page) and len(page.buttons(_REMOVE)) < lines, timeout=_PATIENCE
        )
        if not gone:
            raise Failed(EXPECTATION_FAILED, f'the cart still shows "{self.which}"')

    def _ways(self, survey: Survey) -> list[Item]:
        asked = set(words_of(self.which))
        removing = survey.buttons(_REMOVE)
        return [item for item in removing if all(word in f"{item.name} {item.context}".lower() for word in asked)]
