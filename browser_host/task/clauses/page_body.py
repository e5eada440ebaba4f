"""Clauses about the one large text that a page is there to edit: a wiki page, a note, a query."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.named_records import PressWords
from browser_host.task.failures import AMBIGUOUS, NO_EFFECT, NOT_FOUND, REJECTED_BY_PAGE, Failed
from browser_host.task.survey import OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
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
        survey, open_ = await workspace.until(lambda page: body_of(page) is not None, timeout=1.0)
        if not open_:
            await PressWords(f"{self.verb or 'edit'} page").carry_out(workspace)
            survey, open_ = await workspace.until(lambda page: body_of(page) is not None, timeout=_PATIENCE)
        body = body_of(survey)
        if body is None:
            raise Failed(NOT_FOUND, "the page has no text to edit: there is no large field on it that may be changed")
        await workspace.fill(body, self.text)


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
