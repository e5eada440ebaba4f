"""Clauses that change one value of a thing that they name, and those that say where on a page something is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import Part, SetName, rated, set_parts, settable
from browser_host.task.clauses.named_records import EditNamed, links_to, open_named
from browser_host.task.clauses.saving import SaveChanges, send
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import BUTTONS, OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class ChangeOf:
    """Change a value of a thing: open the thing so that it can be changed, and set the field."""

    part: Part
    name: str
    kind: str = ""
    save: bool = False
    """Save it too: the prompt says no more than the change."""
    verb: str = ""
    """What the list must offer for it: "rename"."""

    @property
    def words(self) -> str:
        """The clause."""
        shown = "•••" if self.part.secret else f'"{self.part.text}"'
        return f'change {self.part.field} of {self.kind + " " if self.kind else ""}"{self.name}" to {shown}'

    async def carry_out(self, workspace: Workspace) -> None:
        """A field of this page may be called by all of these words: then nothing is opened."""
        whole = f"{self.part.field} of {self.name}"
        survey = await workspace.survey()
        if rated(settable(survey), whole):
            await set_parts(workspace, [Part(whole, self.part.text, self.part.secret)])
            return
        await EditNamed(self.name, self.kind, self.verb).carry_out(workspace)
        if self.verb == "rename":
            await SetName(self.part.text).carry_out(workspace)
        else:
            await workspace.until(lambda page: bool(rated(settable(page), self.part.field)), timeout=_PATIENCE)
            await set_parts(workspace, [self.part])
        if self.save:
            await SaveChanges(must_send=True).carry_out(workspace)


@dataclass(frozen=True, slots=True)
class Within:
    """Go to the part of the site or the page where the rest of the prompt takes place."""

    name: str
    kind: str = ""

    @property
    def words(self) -> str:
        """The clause."""
        return f'in "{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open what is closed, stay where the page has such a part, else follow the link.

        Raises:
            Failed: NOT_FOUND.
        """
        survey, _ = await workspace.until(lambda page: self._there(page) or bool(self._ways(page)), timeout=_PATIENCE)
        opening = [item for item in self._ways(survey) if item.role == "tab" or item.expanded or "#" in item.href]
        if len(opening) == 1 and opening[0].expanded != "true":
            await workspace.click(opening[0])
        elif not self._there(survey):
            await open_named(workspace, self.name, self.kind)

    def _ways(self, survey: Survey) -> list[Item]:
        links = [item for item in links_to(survey, self.name) if item.role in (*BUTTONS, "")]
        return [item for item in links if words_of(item.name) == words_of(self.name)]

    def _there(self, survey: Survey) -> bool:
        asked = words_of(self.name)
        groups = {" ".join(words_of(item.group)) for item in survey.items if item.group}
        lines = {" ".join(words_of(line)) for line in survey.lines() if len(line) <= 80}
        links = {" ".join(words_of(item.name)) for item in survey.items if item.role in BUTTONS}
        said = " ".join(asked)
        return said in groups or set(asked) <= set(words_of(survey.title)) or said in lines - links


_CODE = re.compile(r"\b(?:voucher|coupon|promo\w*|discount|gift)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class UseCode:
    """Give a shop the code of a voucher."""

    code: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'use the code "{self.code}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the field for it, where need be behind a link that says so, send it, and see that it was taken.

        Raises:
            Failed: NOT_FOUND, there is no field for one; REJECTED_BY_PAGE.
        """
        survey, _ = await workspace.until(
            lambda page: bool(_code_fields(page) or page.buttons(_CODE)), timeout=_PATIENCE
        )
        fields = _code_fields(survey)
        if not fields and (ways := survey.buttons(_CODE)):
            known = {item.id for item in survey.fields(lambda item: True)}
            await workspace.click(ways[0])
            # The field that appears is what the link is for, whatever it is called.
            survey, _ = await workspace.until(
                lambda page: bool(page.fields(lambda item: item.id not in known)), timeout=_PATIENCE
            )
            fields = survey.fields(lambda item: item.id not in known)
        if len(fields) != 1:
            reason = AMBIGUOUS if fields else NOT_FOUND
            raise Failed(reason, f"{len(fields) or 'no'} fields of the page are for the code of a voucher")
        await workspace.fill(fields[0], self.code)
        survey = await workspace.survey()
        buttons = [
            item
            for item in survey.items
            if item.role == "button" and item.form == fields[0].form and not item.disabled
            and not re.search(r"\bcancel\b", item.name, re.IGNORECASE)
        ]  # fmt: skip
        if len(buttons) != 1:
            raise Failed(AMBIGUOUS if buttons else NOT_FOUND, "it is not clear what sends the code of the voucher")
        await send(workspace, survey, await workspace.target(buttons[0]))


def _code_fields(survey: Survey) -> list[Item]:
    return survey.fields(lambda item: any(_CODE.search(name) for name in item.names))


@dataclass(frozen=True, slots=True)
class CheckOther:
    """Tick the one entry of a list that is left, after what the prompt said before."""

    words: str = "mark the other one"

    async def carry_out(self, workspace: Workspace) -> None:
        """Only where one box is not ticked.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        survey = await workspace.survey()
        boxes = [
            item
            for item in survey.items
            if item.role == "checkbox" and not item.disabled and not item.checked and item.landmark not in OUTSIDE
            and not any(re.search(r"\b(?:all|everything)\b", name, re.IGNORECASE) for name in item.names)
        ]  # fmt: skip
        if len(boxes) != 1:
            raise Failed(AMBIGUOUS if boxes else NOT_FOUND, f'"the other one" may be any of {len(boxes)} entries')
        state = actions_pb2.SetChecked(target=await workspace.target(boxes[0]), checked=True)
        await workspace.do(actions_pb2.Action(set_checked=state))
