"""New records and entries: what leads to the form for one, the form filled in and sent, an entry typed into a list."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import Part, field_of, form_for, name_label, set_parts
from browser_host.task.clauses.named_records import open_kind
from browser_host.task.clauses.saving import save, save_button, send
from browser_host.task.failures import EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import BUTTONS, OUTSIDE, Item, Survey
from browser_host.task.workspace import Subject, Workspace

_PATIENCE = 5.0
_NEW = re.compile(r"^\W*(?:(?:add|new|create|insert|register|sign ?up|make)\b|\+\W*$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\W*(?:select|choose|pick)\b|\W*$|-+", re.IGNORECASE)
"""What a list shows while nothing is chosen in it."""
_NEW_ANYWHERE = re.compile(r"\b(?:add|new|create|insert|register|sign ?up)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """Make a new record and save it."""

    names_subject: ClassVar[bool] = True
    noun: str
    name: str
    parts: tuple[Part, ...]
    press: str = ""
    """The name of the button to send it with, where the prompt says one."""

    @property
    def words(self) -> str:
        """The clause."""
        called = f' called "{self.name}"' if self.name else ""
        fields = f" with {', '.join(part.words for part in self.parts)}" if self.parts else ""
        return f"make a new {self.noun}{called}{fields} and save it"

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the form for such records, fill it in, send it, and see that it was taken."""
        survey, _ = await workspace.until(
            lambda page: self._ready(page) or bool(self._ways(page)) or _entry(page, self.noun) is not None,
            timeout=_PATIENCE,
        )
        entry = _entry(survey, self.noun)
        if entry is not None and self.name and not self.parts and not self._ways(survey):
            await add_entry(workspace, entry, self.name)
            return
        if not self._ready(survey):
            survey = await self._to_form(workspace, survey)
        parts = self._all_parts(survey)
        form = form_for(survey, parts, self.noun)
        forms = {field_of(survey, part, form)[0].form for part in parts}
        # Before the fields: what the prompt says of such a list itself comes after it.
        if len(forms) == 1:
            await self._choose_kind(workspace, forms.pop())
        last = await set_parts(workspace, parts, self.noun)
        before = await workspace.survey()
        if self.press:
            await send(workspace, before, actions_pb2.Target(role="button", name=self.press))
        else:
            await save(workspace, last.form if last is not None else None)
        workspace.subject = Subject(self.name, self.noun) if self.name else None
        after = await workspace.survey()
        if any(_is_field_still(after, before, item) for item in [last] if item is not None):
            raise Failed(EXPECTATION_FAILED, f"the form is as it was: it does not show that the {self.noun} was made")

    async def _choose_kind(self, workspace: Workspace, form: int) -> None:
        """Where one form makes things of several kinds, take the kind that was asked for."""
        things = (await workspace.scene()).things
        lists = {item.id for item in (await workspace.survey()).items if item.form == form}
        for one in things:
            options = [text for text in one.options if _says(text, self.noun) and not _PLACEHOLDER.match(text)]
            if one.id in lists and options and not one.disabled and not _says(one.value, self.noun):
                select = actions_pb2.Select(option=actions_pb2.Value(literal=min(options, key=len)))
                item = next(item for item in (await workspace.survey()).items if item.id == one.id)
                select.target.CopyFrom(await workspace.target(item))
                await workspace.do(actions_pb2.Action(select=select))

    def _all_parts(self, survey: Survey) -> list[Part]:
        parts = list(self.parts)
        if self.name:
            parts.insert(0, Part(name_label(survey, self.noun), self.name))
        return parts

    def _ready(self, survey: Survey) -> bool:
        """Whether the page has the form already."""
        try:
            parts = self._all_parts(survey)
            form = form_for(survey, parts, self.noun)
            items = [field_of(survey, part, form)[0] for part in parts]
        except Failed:
            return False
        return (
            bool(items) and len({item.form for item in items}) == 1 and save_button(survey, items[0].form) is not None
        )

    def _ways(self, survey: Survey) -> list[Item]:
        """Buttons and links that lead to the form, the surest kind only."""
        plain = [item for item in survey.items if item.role in BUTTONS and not item.disabled]
        named = [
            item
            for item in plain
            if any(_NEW_ANYWHERE.search(name) and _says(name, self.noun) for name in (item.name, *item.names))
        ]
        noun = set(words_of(self.noun))
        if "account" in noun:
            named = named or [item for item in plain if re.search(r"\b(?:register|sign ?up|join)\b", item.name, re.I)]
        if named:
            return [item for item in named if _NEW.search(item.name)] or named
        adding = [item for item in plain if _NEW.search(item.name)]
        placed = [item for item in adding if noun & set(words_of(item.context)) and len(item.context) <= 60]
        if placed:
            return placed
        return [item for item in adding if noun <= set(words_of(re.sub(r"[/_?=&.-]", " ", item.href)))]

    async def _to_form(self, workspace: Workspace, survey: Survey) -> Survey:
        ways = self._ways(survey) or _bare_adders(survey)
        if not ways:
            await open_kind(workspace, survey, self.noun)
            survey, _ = await workspace.until(
                lambda page: self._ready(page) or bool(self._ways(page) or _adders(page)), timeout=_PATIENCE
            )
            if self._ready(survey):
                return survey
            ways = self._ways(survey) or _adders(survey)
        if not ways:
            raise Failed(NOT_FOUND, f"nothing on the page leads to a new {self.noun}")
        await workspace.click(ways[0])
        survey, _ = await workspace.until(lambda page: self._ready(page), timeout=_PATIENCE)
        return survey


def _says(name: str, noun: str) -> bool:
    """Whether a name has the words of a noun, written apart or as one."""
    wanted, words = words_of(noun), words_of(name)
    return set(wanted) <= set(words) or "".join(wanted) in words


def _adders(survey: Survey) -> list[Item]:
    plain = [item for item in survey.items if item.role in BUTTONS and not item.disabled]
    return [item for item in plain if _NEW.search(item.name) and item.landmark not in OUTSIDE]


def _bare_adders(survey: Survey) -> list[Item]:
    """What is called "Add" or "Insert" and nothing more, where there is one such thing."""
    bare = [item for item in _adders(survey) if re.fullmatch(r"\W*(?:add|new|create|insert)\W*", item.name, re.I)]
    return bare if len({item.href or item.name for item in bare}) == 1 else []


def _is_field_still(after: Survey, before: Survey, item: Item) -> bool:
    """Whether the very field that was sent is still there with its text: nothing came of the sending."""
    same = [one for one in after.items if one.id == item.id]
    return after.url == before.url and bool(same) and same[0].filled and after.text == before.text


def _entry(survey: Survey, noun: str) -> Item | None:
    """The one field in which new entries of a list are typed: it says so, or it is the only one of the page."""
    fields = survey.fields(lambda item: not item.secret and item.landmark not in ("search", "navigation", "nav"))
    asking = re.compile(rf"\bnew\b|\badd\b|needs? to be done|\b{re.escape(noun)}\b", re.IGNORECASE)
    named = [item for item in fields if any(asking.search(name) for name in item.names)]
    return named[0] if len(named) == 1 and len(fields) == 1 else None


@dataclass(frozen=True, slots=True)
class AddEntries:
    """Add entries to the list that the page is about."""

    names_subject: ClassVar[bool] = True
    noun: str
    entries: tuple[str, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return f"add the {self.noun}s {', '.join(self.entries)}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Type each into the field for new ones."""
        survey, _ = await workspace.until(lambda page: _entry(page, self.noun) is not None, timeout=_PATIENCE)
        entry = _entry(survey, self.noun)
        if entry is None:
            raise Failed(NOT_FOUND, f"there is no field for a new {self.noun} on the page")
        for text in self.entries:
            await add_entry(workspace, entry, text)
            entry = _entry(await workspace.survey(), self.noun) or entry
        workspace.subject = Subject(self.entries[0]) if len(self.entries) == 1 else None


async def add_entry(workspace: Workspace, entry: Item, text: str) -> None:
    """Type an entry and press Enter; it counts when the list shows it and the field is empty again.

    Raises:
        Failed: EXPECTATION_FAILED.
    """
    before = await workspace.survey()
    count = before.text.count(text)
    await workspace.fill(entry, text, submit=True)

    def taken(page: Survey) -> bool:
        field = next((item for item in page.items if item.id == entry.id), None)
        return page.text.count(text) > count and (field is None or field.value != text)

    _, shown = await workspace.until(taken, timeout=_PATIENCE)
    if not shown:
        raise Failed(EXPECTATION_FAILED, f'the list does not show "{text}"')
