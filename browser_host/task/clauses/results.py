""" "Search for X and open the first result": follows the first link that the page gives as an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from browser_host.task.clauses.named_records import OpenNamed, links_to
from browser_host.task.clauses.plain_clauses import search, search_box
from browser_host.task.failures import NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import OUTSIDE, Item, Survey
from browser_host.task.workspace import Subject, Workspace

_NOTHING = re.compile(
    r"\b(?:no|0|zero) (?:\w+ ){0,3}(?:results?|matches|records?|entries|items?|hits?|pages?|users?)\b|"
    r"nothing (?:was )?found|not found|did(?: not|n['\u2019]t) match|no match",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"\bcreate (?:or edit )?(?:the |this |an? )?(?:new )?(?:wiki )?(?:page|article|entry|topic|note)\b|"
    r"\bdid(?:n['\u2019]t| not) find\b",
    re.IGNORECASE,
)
_BESIDE = OUTSIDE | {"aside"}
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class OpenResult:
    """Search for a text and open the first thing that is found."""

    names_subject: ClassVar[bool] = True
    text: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'search for "{self.text}" and open the first result'

    async def carry_out(self, workspace: Workspace) -> None:
        """Only a link whose own name, or whose row or card, has the words that were searched for is a result."""
        known = {item.href for item in (await workspace.survey()).items}
        await search(workspace, self.text)
        survey, _ = await workspace.until(
            lambda page: bool(self._results(page, known)) or bool(_NOTHING.search(page.text)), timeout=_PATIENCE
        )
        results = self._results(survey, known)
        if not results:
            words = next((line for line in survey.lines() if _NOTHING.search(line) and len(line) <= 160), "")
            raise Failed(NOT_FOUND, f'nothing was found for "{self.text}"{": " + words if words else ""}')
        await workspace.click(results[0])
        workspace.subject = Subject(results[0].name)

    def _results(self, survey: Survey, known: set[str]) -> list[Item]:
        asked = set(words_of(self.text))
        links = [
            item
            for item in survey.items
            if item.role == "link" and item.name and not item.disabled and item.landmark not in _BESIDE
            and not re.search(r"[?&](?:q|query|search|sort|order|page|o)=|#|javascript:", item.href.rpartition("/")[2])
        ]  # fmt: skip
        offers = [line for line in survey.lines() if _OFFER.search(line)]
        links = [item for item in links if not any(_is_offered(item, line) for line in offers)]
        named = [item for item in links if asked <= set(words_of(item.name))]
        # The cells of a row may stand in its text without a space between them.
        around = [item for item in links if all(word in f"{item.name} {item.context}".lower() for word in asked)]
        # Where nothing ties the link to the words that were found, it must be the only new one.
        new = [item for item in links if item.href not in known and not _NOTHING.search(survey.text)]
        alone = new if len({item.href for item in new}) == 1 else []
        return named or around or alone


@dataclass(frozen=True, slots=True)
class FindNamed:
    """Open a thing by its name, where it is not in sight by searching for it."""

    names_subject: ClassVar[bool] = True
    name: str
    kind: str = ""

    @property
    def words(self) -> str:
        """The clause."""
        return f'find {self.kind + " " if self.kind else ""}"{self.name}" and open it'

    async def carry_out(self, workspace: Workspace) -> None:
        """What the page shows comes first.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        survey = await workspace.survey()
        if links_to(survey, self.name, self.kind) or search_box(survey) is None:
            await OpenNamed(self.name, self.kind).carry_out(workspace)
        else:
            await OpenResult(self.name).carry_out(workspace)


def _is_offered(item: Item, line: str) -> bool:
    """Whether a line of the page offers to make what stands there as a link, because it was not found."""
    return item.name in line and bool(_OFFER.search(line.replace(item.name, "", 1)))
