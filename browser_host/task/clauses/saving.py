"""Sending a form: the button that saves, and whether the page took what was sent.

A form counts as sent only when the page went on and said nothing against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import begun_form, settable
from browser_host.task.failures import (
    AMBIGUOUS,
    EXPECTATION_FAILED,
    MISSING_INPUT,
    NO_EFFECT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    Failed,
)
from browser_host.task.survey import OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_NOTHING_SHOWN = "the form was sent, and nothing on the page shows that it was taken"
_SAVE = (
    re.compile(r"^\W*(?:save|save changes?|save it|save page|save and close)\W*$", re.IGNORECASE),
    re.compile(
        r"^\W*(?:submit|create|insert|add|register|sign ?up|update|ok|done)"
        r"\b(?!.*\banother\b)",
        re.IGNORECASE,
    ),
    re.compile(r"^\W*save\b(?!.*\b(?:another|continue|as new|draft)\b)|\bsubmit\b", re.IGNORECASE),
)
_CHANGE = re.compile(r"^\W*(?:update|change|apply|submit|done|ok)\b", re.IGNORECASE)
_NOT_SAVE = re.compile(r"\b(?:cancel|delete|remove|search|log ?in|sign ?in|log ?out|language|preview)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Save:
    """Send the form of the page."""

    words: str = "save the form"

    async def carry_out(self, workspace: Workspace) -> None:
        """Press its button, and see that the page does not object."""
        await save(workspace)


@dataclass(frozen=True, slots=True)
class SaveChanges:
    """Send the form in which a record was changed; a page without a button for that has saved it already."""

    words: str = "save what was changed"

    async def carry_out(self, workspace: Workspace) -> None:
        """Press the form's only button, else the one that is called so.

        Raises:
            Failed: AMBIGUOUS, several buttons may save it; what `send` raises.
        """
        survey = await workspace.survey()
        form = begun_form(workspace, survey)
        own = [item for item in _savers(survey) if form is not None and form >= 0 and item.form == form]
        named = [item for item in own or _savers(survey) if _SAVE[0].search(item.name) or _CHANGE.search(item.name)]
        saving = own if len(own) == 1 else named
        if len(saving) == 1:
            await send(workspace, survey, await workspace.target(saving[0]))
        elif saving or own:
            offered = ", ".join(item.name for item in (saving or own)[:5])
            raise Failed(AMBIGUOUS, f"it was changed and not saved: several buttons may save it: {offered}")


def _savers(survey: Survey) -> list[Item]:
    buttons = [item for item in survey.items if item.role == "button" and not item.disabled]
    return [item for item in buttons if item.landmark not in OUTSIDE and not _NOT_SAVE.search(item.name)]


async def save(workspace: Workspace, form: int | None = None) -> None:
    """Send a form: the one given, else the page's main one.

    Raises:
        Failed: NOT_FOUND, REJECTED_BY_PAGE, MISSING_INPUT.
    """
    before, _ = await workspace.until(lambda page: save_button(page, form) is not None, timeout=_PATIENCE)
    button = save_button(before, begun_form(workspace, before) if form is None else form)
    if button is None:
        raise Failed(NOT_FOUND, "there is no button to save with on the page")
    await send(workspace, before, await workspace.target(button))


async def send(workspace: Workspace, before: Survey, button: actions_pb2.Target) -> Survey:
    """Press the button that sends a form, and see that the form was taken.

    Raises:
        Failed: REJECTED_BY_PAGE, MISSING_INPUT, with what the page says; EXPECTATION_FAILED, it shows nothing at all.
    """
    now = await workspace.steps.page()
    moves = now.effects_so_far()
    refused: Failed | None = None
    try:
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=button)))
    except Failed as failed:
        if failed.reason == NO_EFFECT:
            raise Failed(EXPECTATION_FAILED, _NOTHING_SHOWN) from None
        if failed.reason != REJECTED_BY_PAGE:
            raise
        refused = failed
    after, answered = await workspace.until(
        lambda page: (
            refused is not None
            or now.effects_so_far() > moves
            or page.url != before.url
            or page.text != before.text
            or bool(page.trouble(before))
        ),
        timeout=_PATIENCE,
    )
    if not answered:
        raise Failed(EXPECTATION_FAILED, _NOTHING_SHOWN)
    given = {item.names for item in before.items if item.filled}
    # A page that refuses a password shows its field empty again.
    lacking = [item for item in after.items if item.invalid and not item.filled and item.names not in given]
    trouble = after.trouble(before) if after.url == before.url else after.trouble()
    if lacking and trouble:
        names = ", ".join(f'"{item.name}"' for item in lacking)
        raise Failed(MISSING_INPUT, f"the page needs {names}, which the task does not give: {trouble}")
    if refused is not None:
        raise refused
    errors = [text for kind, text in after.messages if kind == "error"]
    taken = any(message not in before.messages and message[0] == "success" for message in after.messages)
    if (
        trouble
        and not (taken and not errors)
        and (errors or any(item.invalid for item in after.items) or after.url == before.url)
    ):
        raise Failed(REJECTED_BY_PAGE, f"the page refused: {trouble}")
    return after


def save_button(survey: Survey, form: int | None) -> Item | None:
    inner = _savers(survey)
    if form is not None and form >= 0:
        inner = [item for item in inner if item.form == form] or inner
    filled = {item.form for item in settable(survey) if item.form >= 0 and item.landmark not in OUTSIDE}
    with_fields = [item for item in inner if item.form in filled]
    for buttons in (with_fields, inner):
        for pattern in _SAVE:
            named = [item for item in buttons if pattern.search(item.name)]
            if named:
                in_dialog = [item for item in named if item.dialog]
                return (in_dialog or named)[0]
    return None
