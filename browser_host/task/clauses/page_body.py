"""Clauses about the one large text that a page is there to edit: a wiki page, a note, a query."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.named_records import PressWords
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, REJECTED_BY_PAGE, Failed
from browser_host.task.survey import OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_MOST_TEXT = 20_000
"""Characters that a look at the page brings of a field."""
_EDIT = re.compile(r"^\W*edit( this)?( page)?\W*$", re.IGNORECASE)
_RUN = re.compile(r"^\W*(?:run|execute|submit|go)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EditBody:
    """Put a text in place of the page's own."""

    text: str
    verb: str = ""
    """ "edit" or "create" where the page has to be opened for that first."""

    @property
    def words(self) -> str:
        """The clause."""
        return f'{self.verb or "edit"} the page: "{self.text[:80]}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open the editor where it is not open, and fill it."""
        await workspace.fill(await _editor(workspace, self.verb or "edit"), self.text)


@dataclass(frozen=True, slots=True)
class AppendBody:
    """Put a line below the page's own text."""

    text: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'add to the end of the page: "{self.text[:80]}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open the editor where it is not open; what stands in it stays.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS; EXPECTATION_FAILED, its text cannot be read whole.
        """
        await _editor(workspace, "edit")
        shown = [one for one in (await workspace.scene()).things if one.tag == "textarea" and one.editable]
        body = body_of(await workspace.survey())
        if body is None or len(shown) != 1 or shown[0].id != body.id or len(shown[0].value) >= _MOST_TEXT:
            raise Failed(EXPECTATION_FAILED, "what stands in the page's text already cannot be read whole")
        old = shown[0].value.rstrip("\n")
        await workspace.fill(body, f"{old}\n\n{self.text}" if old else self.text)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Put a query into the page's field for one, and run it."""

    text: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'run the query "{self.text[:80]}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Fill it in, run it, and see the page answer."""
        survey, _ = await workspace.until(lambda page: body_of(page) is not None, timeout=_PATIENCE)
        body = body_of(survey)
        if body is None:
            raise Failed(NOT_FOUND, "there is no field for a query on the page")
        # An editor that draws its text itself takes what is typed in place of what is chosen in it.
        with contextlib.suppress(Failed):
            every = actions_pb2.PressKey(key="Control+A", target=await workspace.target(body))
            await workspace.do(actions_pb2.Action(press_key=every))
        await workspace.fill(body, self.text)
        survey = await workspace.survey()
        buttons = [item for item in survey.buttons(_RUN) if item.role == "button" and item.form == body.form]
        if not buttons:
            raise Failed(NOT_FOUND, "there is no button to run the query with")
        before = survey
        page = await workspace.steps.page()
        moves = page.effects_so_far()
        await workspace.click(buttons[0], judged=False)
        after, answered = await workspace.until(
            lambda now: page.effects_so_far() > moves or now.text != before.text, timeout=_PATIENCE
        )
        if not answered:
            raise Failed(NO_EFFECT, "the page did not answer the query")
        trouble = after.trouble(before)
        if trouble and any(kind == "error" for kind, _ in after.messages):
            raise Failed(REJECTED_BY_PAGE, f"the page refused the query: {trouble}")


def body_of(survey: Survey) -> Item | None:
    """The page's large text field.

    Raises:
        Failed: AMBIGUOUS, there are several.
    """
    large = [
        item
        for item in survey.items
        if item.is_field and item.type in ("textarea", "") and item.role == "textbox" and item.landmark not in OUTSIDE
    ]
    areas = [item for item in large if item.type == "textarea"] or large
    if len(areas) > 1:
        raise Failed(
            AMBIGUOUS, f"there are {len(areas)} large fields on the page: {', '.join(i.name for i in areas[:5])}"
        )
    return areas[0] if areas else None


async def _editor(workspace: Workspace, verb: str) -> Item:
    """The page's large text field, opened where it is not open.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    survey, open_ = await workspace.until(lambda page: body_of(page) is not None, timeout=1.0)
    if not open_:
        await PressWords(f"{verb} page").carry_out(workspace)
        survey, open_ = await workspace.until(lambda page: body_of(page) is not None, timeout=_PATIENCE)
    body = body_of(survey)
    if body is None:
        raise Failed(NOT_FOUND, "the page has no text to edit: there is no large field on it that may be changed")
    return body
