"""Clauses that are one action, or a choice of a few by what the page has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from google.protobuf import json_format, struct_pb2
from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import SWITCH, settable
from browser_host.task.failures import EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, STEP_TIMEOUT, Failed
from browser_host.task.likeness import field_likeness, words_of
from browser_host.task.survey import Item, Survey
from browser_host.task.wording import describe
from browser_host.task.workspace import Intent, Workspace

_SEARCH = re.compile(r"\b(search|find|look ?up|query|q|filter)\b", re.IGNORECASE)
_NAVIGATION = frozenset({"nav", "navigation"})
_ELEMENT_PATIENCE = 5.0
_ENTER_PATIENCE = 2.0
_LOAD_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class OneAction:
    """A clause that is one action."""

    repeatable: ClassVar[bool] = True
    words: str
    action: actions_pb2.Action

    async def carry_out(self, workspace: Workspace) -> None:
        """Do the action; what it reads is the output."""
        done = await workspace.do(self.action)
        if done.has_output:
            workspace.output = done.output


def answers_dialog(intent: Intent) -> bool:
    """Whether a clause answers a dialog that the one before it brings."""
    return isinstance(intent, OneAction) and intent.action.HasField("dialog")


@dataclass(frozen=True, slots=True)
class Fills:
    """Several fields that one clause fills."""

    repeatable: ClassVar[bool] = True
    fills: tuple[OneAction, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return ", ".join(fill.words for fill in self.fills)

    async def carry_out(self, workspace: Workspace) -> None:
        """Fill one after another; what pops up over the form meanwhile is sent away once."""
        for fill in self.fills:
            try:
                await fill.carry_out(workspace)
            except Failed as failed:
                if failed.reason not in (EXPECTATION_FAILED, STEP_TIMEOUT) or not await _sent_away(workspace):
                    raise
                await fill.carry_out(workspace)


_AWAY = re.compile(r"\W*(cancel|close|dismiss|no,? thanks|not now|later|x|\u00d7)\W*", re.IGNORECASE)


async def _sent_away(workspace: Workspace) -> bool:
    """Close a dialog that lies over the page, by the one button that only closes it; whether there was one."""
    closing = (await workspace.scene()).all(
        lambda one: one.dialog and one.acts and not one.disabled and _AWAY.fullmatch(one.called) is not None
    )
    if len(closing) != 1:
        return False
    target = await workspace.target_of(closing[0].ref, closing[0].called)
    await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))
    return True


@dataclass(frozen=True, slots=True)
class InTurn:
    """Several things that one clause says, one after another."""

    parts: tuple[Intent, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return ", then ".join(part.words for part in self.parts)

    async def carry_out(self, workspace: Workspace) -> None:
        """Do them in their order."""
        for part in self.parts:
            await part.carry_out(workspace)


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """Wait for the page to load. Every step does so anyway; what comes later by script is not waited for."""

    repeatable: ClassVar[bool] = True
    words: str = "wait until the page is loaded"

    async def carry_out(self, workspace: Workspace) -> None:
        """Wait while a navigation is under way."""
        page = await workspace.steps.page()
        await page.loaded(timeout=_LOAD_PATIENCE)


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose an option without saying in which control: a radio button, else an option of the one that has it."""

    repeatable: ClassVar[bool] = True
    words: str
    option: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Check the radio button, or click what is named so."""
        survey = await workspace.survey()
        role = "radio" if any(_means(item, self.option) for item in survey.items if item.role == "radio") else ""
        target = actions_pb2.Target(role=role, name=self.option)
        if role:
            action = actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True))
        else:
            action = actions_pb2.Action(click=actions_pb2.Click(target=target))
        await workspace.do(action)


@dataclass(frozen=True, slots=True)
class SetField:
    """ "Set FIELD to V": fill a field for text, choose in a list, check a box."""

    repeatable: ClassVar[bool] = True
    words: str
    field: str
    text: str
    """What `value` comes to."""
    value: actions_pb2.Value

    async def carry_out(self, workspace: Workspace) -> None:
        """Look what the field is, then set it."""
        survey, _ = await workspace.until(
            lambda page: any(_means(item, self.field) for item in page.items), timeout=_ELEMENT_PATIENCE
        )
        on_or_off = self.text.lower() in SWITCH
        chosen = [item for item in settable(survey) if _means(item, self.field) and (on_or_off or not _is_box(item))]
        target = actions_pb2.Target(name=self.field)
        chosen = _likeliest(chosen, self.field, workspace.subject.kind if workspace.subject else "")
        if len(chosen) == 1:
            # It may be meant by a word that no one sees, such as the field's name in the form.
            target = await workspace.target(chosen[0])
            workspace.form = (survey.url, chosen[0].form)
        if chosen and all(item.role in ("combobox", "listbox") and item.type.startswith("select") for item in chosen):
            action = actions_pb2.Action(select=actions_pb2.Select(target=target, option=self.value))
        elif chosen and all(_is_box(item) for item in chosen):
            state = actions_pb2.SetChecked(target=target, checked=SWITCH[self.text.lower()])
            action = actions_pb2.Action(set_checked=state)
        else:
            action = actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=self.value))
        await workspace.do(action)


def _is_box(item: Item) -> bool:
    return item.role in ("checkbox", "switch")


def _likeliest(fields: list[Item], label: str, kind: str) -> list[Item]:
    """Of several fields those that say no more than the label; else the one that names the kind of record too."""
    exactly = [item for item in fields if field_likeness(label, item.name) >= 90]
    about = [item for item in fields if kind and kind in words_of(item.name)]
    return fields if len(fields) < 2 else exactly or (about if len(about) == 1 else fields)


@dataclass(frozen=True, slots=True)
class SearchFor:
    """Put a text into the page's search box and send it."""

    repeatable: ClassVar[bool] = True
    words: str
    text: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Search, and see that the page answered."""
        await search(workspace, self.text)


async def search(workspace: Workspace, text: str, label: str = "") -> Survey:
    """Search for a text with the page's search box, and return the page that answers.

    Raises:
        Failed: NOT_FOUND, there is no search box; NO_EFFECT, the page did not answer.
    """
    before, found = await workspace.until(lambda page: search_box(page, label) is not None, timeout=_ELEMENT_PATIENCE)
    box = search_box(before, label)
    if not found or box is None:
        raise Failed(NOT_FOUND, "there is no search box on the page")
    page = await workspace.steps.page()
    moves = page.effects_so_far()

    def answers(survey: Survey) -> bool:
        # A search for what is searched for already shows the same page again.
        return page.effects_so_far() > moves or survey.url != before.url or survey.text != before.text

    await workspace.fill(box, text, submit=True, judged=False)
    after, answered = await workspace.until(answers, timeout=_ENTER_PATIENCE)
    if not answered:
        button = _search_button(after, box)
        if button is None:
            raise Failed(NO_EFFECT, "the page did not answer the search")
        await workspace.click(button, judged=False)
        after, answered = await workspace.until(answers)
        if not answered:
            raise Failed(NO_EFFECT, "the page did not answer the search")
    return after


def search_box(survey: Survey, label: str = "") -> Item | None:
    """The box to search with: one that says so, else one for the label where that is the only field for it."""
    boxes = survey.fields(lambda item: not item.secret and (item.role == "searchbox" or item.landmark == "search"))
    named = survey.fields(lambda item: not item.secret and any(_SEARCH.search(name) for name in item.names))
    # A box in the navigation finds places of the site, not what is in it.
    boxes = (
        [box for box in boxes if box.landmark not in _NAVIGATION]
        or [box for box in named if box.landmark not in _NAVIGATION]
        or boxes
        or named
    )
    if label and len(boxes) > 1:
        boxes = [box for box in boxes if any(label.lower() in name.lower() for name in box.names)] or boxes
    inner = [box for box in boxes if box.landmark not in ("header", "banner", "nav", "navigation")]
    if label and inner:
        boxes = inner
    if not boxes and label:
        fields = survey.fields(lambda item: any(label.lower() in name.lower() for name in item.names))
        passwords = any(item.secret for item in survey.items)
        boxes = fields if len(fields) == 1 and not passwords else []
    return boxes[0] if boxes else None


def _search_button(survey: Survey, box: Item) -> Item | None:
    buttons = [item for item in survey.buttons(_SEARCH) if item.role == "button"]
    same_form = [item for item in buttons if item.form == box.form]
    return next(iter(same_form or buttons), None)


def _means(item: Item, words: str) -> bool:
    wanted = words.lower()
    return any(re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", name.lower()) for name in item.names)


def one_action(action: actions_pb2.Action) -> OneAction:
    """A clause that is an action and is called like it."""
    return OneAction(describe(action), action)


def extract_action(properties: list[str], within: str) -> actions_pb2.Action:
    """Read these properties as text, all of them required; everything there is when none are named."""
    extract = actions_pb2.Extract(within=within)
    if properties:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: {"type": "string"} for name in properties},
            "required": properties,
        }
        extract.schema.CopyFrom(json_format.ParseDict(schema, struct_pb2.Struct()))
    return actions_pb2.Action(extract=extract)
