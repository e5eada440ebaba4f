"""The fields of a page's form: which one is meant by the words of a prompt, and how it is set.

What a field is called is looked for on the page at the moment it is needed; nothing is set before all have been found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.likeness import field_likeness, words_of
from browser_host.task.survey import OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_AGAIN = re.compile(r"\b(?:again|confirm\w*|repeat|retype|re-?enter|once more|second time|verify)\b", re.IGNORECASE)
_NAMES = (
    "name",
    "new name",
    "rename to",
    "title",
    "username",
    "user name",
    "summary",
    "subject",
    "label",
    "displayname",
    "display name",
)
SWITCH = {"on": True, "true": True, "yes": True, "checked": True, "off": False, "false": False, "no": False}
"""Words that turn a box on or off."""


@dataclass(frozen=True, slots=True)
class Part:
    """A field and its text, as far as the words alone tell them apart."""

    field: str
    """Empty where the text begins with the field's name, and only the page tells how much of it that is."""
    text: str
    secret: bool = False

    @property
    def words(self) -> str:
        """Without the text where it is secret."""
        return self.field if self.field else "•••" if self.secret else self.text


@dataclass(frozen=True, slots=True)
class SetParts:
    """Set several fields of the page's form."""

    parts: tuple[Part, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return f"set {', '.join(part.words for part in self.parts)}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the fields, then set one after another."""
        await workspace.until(lambda page: all(_is_there(page, part) for part in self.parts), timeout=_PATIENCE)
        await set_parts(workspace, self.parts)


def _is_there(survey: Survey, part: Part) -> bool:
    """Whether the page has a field that a part may mean, or several."""
    try:
        field_of(survey, part)
    except Failed as failed:
        return failed.reason == AMBIGUOUS
    return True


@dataclass(frozen=True, slots=True)
class SetName:
    """Give the record whose form is open another name."""

    name: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'rename it to "{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Set the one field that is for the name; where the thing itself has become a field, that."""
        survey, _ = await workspace.until(_can_be_renamed, timeout=_PATIENCE)
        old = workspace.subject.name if workspace.subject is not None else ""
        inline = survey.fields(lambda item: bool(old) and item.value == old and item.form < 0)
        if len(inline) == 1:
            await workspace.fill(inline[0], self.name, submit=True)
            return
        await set_parts(workspace, [Part(name_label(survey, ""), self.name)])


def _can_be_renamed(survey: Survey) -> bool:
    try:
        return bool(name_label(survey, ""))
    except Failed:
        return False


def name_label(survey: Survey, noun: str) -> str:
    """What the field for the name of such a thing is called.

    Raises:
        Failed: NOT_FOUND.
    """
    fields = [item for item in settable(survey) if item.landmark not in OUTSIDE] or settable(survey)
    # A field in no form is there to look for something.
    fields = [item for item in fields if item.form >= 0] or fields
    for label in (f"{noun} name".strip(), *_NAMES):
        if any(rating >= 90 for rating, _ in rated(fields, label)):
            return label
    for label in _NAMES:
        if len(rated(fields, label)) == 1:
            return label
    raise Failed(NOT_FOUND, f"the form has no field for the name{f' of a {noun}' if noun else ''}")


async def set_parts(workspace: Workspace, parts: Sequence[Part], purpose: str = "") -> Item | None:
    """Set fields; the last one that was set. Nothing is set before all have been found.

    `purpose` tells forms apart that have the same fields: a word of the one's button.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS for a field.
    """
    for part in parts:
        if part.field and part.text.lower() not in SWITCH:
            await enabled(workspace, part.field)
    survey = await workspace.survey()
    # Found first, all of them: a form that is half filled in is nobody's wish.
    form = form_for(survey, parts, purpose, begun_form(workspace, survey))
    last = None
    for part in parts:
        now = await workspace.survey()
        item, text = field_of(now, part, form)
        last = await set_item(workspace, item, text, secret=part.secret)
        for other in _confirmations(now, item) if item.secret and not _is_old(item) else []:
            if not any(field_of(now, one, form)[0].id == other.id for one in parts if one is not part):
                await set_item(workspace, other, text, secret=True)
    if last is not None:
        workspace.form = (survey.url, last.form)
    return last


def begun_form(workspace: Workspace, survey: Survey) -> int | None:
    """The form of this page that an earlier clause has begun to fill in."""
    return workspace.form[1] if workspace.form is not None and workspace.form[0] == survey.url else None


def form_for(survey: Survey, parts: Sequence[Part], purpose: str, begun: int | None = None) -> int | None:
    """The form that has all the fields, where the page as a whole leaves open which is meant; None: no matter which.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    try:
        for part in parts:
            field_of(survey, part)
        return None
    except Failed as failed:
        if failed.reason != AMBIGUOUS:
            raise
        ambiguous = failed
    fitting = []
    for form in dict.fromkeys(item.form for item in settable(survey) if item.form >= 0):
        try:
            for part in parts:
                field_of(survey, part, form)
        except Failed:
            continue
        fitting.append(form)
    if begun in fitting:
        return begun
    if len(fitting) > 1 and purpose:
        fitting = [form for form in fitting if _sends(survey, form, purpose)]
    if len(fitting) != 1:
        raise ambiguous
    return fitting[0]


def _sends(survey: Survey, form: int, purpose: str) -> bool:
    """Whether the form's button says what it is for."""
    wanted = set(words_of(purpose))
    if "account" in wanted:
        wanted |= {"register", "join", "sign", "up"}
    names = [item.name for item in survey.items if item.form == form and item.role == "button"]
    return any(set(words_of(name)) & wanted and not re.match(r"\W*(?:log|sign) ?in", name, re.I) for name in names)


async def enabled(workspace: Workspace, label: str) -> None:
    """Make a field that is called so ready: a box in its own row may have to be ticked first."""
    survey = await workspace.survey()
    if rated([item for item in settable(survey) if item.is_field], label):
        return
    barred = [item for item in survey.items if item.disabled and field_likeness(label, item.name) >= 90]
    boxes = [
        item
        for item in settable(survey)
        if item.role == "checkbox" and not item.checked and barred and item.form == barred[0].form
        and any(field_likeness(label, name) for name in item.names)
    ]  # fmt: skip
    if len(barred) == 1 and len(boxes) == 1:
        state = actions_pb2.SetChecked(target=await workspace.target(boxes[0]), checked=True)
        await workspace.do(actions_pb2.Action(set_checked=state))


async def set_item(workspace: Workspace, item: Item, text: str, *, secret: bool) -> Item:
    """Set a field for text, a list or a box.

    Raises:
        Failed.
    """
    target = await workspace.target(item)
    if item.role in ("checkbox", "switch") or (item.role == "radio" and text.lower() in SWITCH):
        if text.lower() not in SWITCH:
            raise Failed(NOT_FOUND, f'"{item.name}" is on or off, it cannot be "{text}"')
        state = actions_pb2.SetChecked(target=target, checked=SWITCH[text.lower()])
        await workspace.do(actions_pb2.Action(set_checked=state))
    elif item.type.startswith("select"):
        option = actions_pb2.Value(literal=text)
        await workspace.do(actions_pb2.Action(select=actions_pb2.Select(target=target, option=option)))
    else:
        await workspace.fill(item, text, sensitive=secret or item.secret)
    return item


def settable(survey: Survey) -> list[Item]:
    """Fields, lists and boxes that a person could set."""
    roles = ("checkbox", "switch")
    return [
        item
        for item in survey.items
        if item.type != "hidden"
        and not item.disabled
        and not item.readonly
        and (item.is_field or item.type.startswith("select") or item.role in roles)
    ]


def field_of(survey: Survey, part: Part, form: int | None = None) -> tuple[Item, str]:
    """The field a part means, in this form where one is given, and its text.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    fields = [item for item in settable(survey) if form is None or item.form == form]
    if part.text.lower() not in SWITCH:
        fields = [item for item in fields if item.role not in ("checkbox", "switch")] if part.field else fields
    if part.field:
        # "Redirect to /new/": the word before the value may be the label's last.
        if not any(rating >= 90 for rating, _ in rated(fields, part.field)):
            longer = f"{part.field} to"
            if any(rating >= 90 for rating, _ in rated(fields, longer)):
                return _one_field(fields, longer, longer), part.text
        radio = _radio(survey, part.field, part.text, form)
        return (radio, "on") if radio else (_one_field(fields, part.field, part.field), part.text)
    words = part.text.split(" ")
    for count in range(min(len(words) - 1, 4), 0, -1):
        label = " ".join(words[:count])
        if radio := _radio(survey, label, " ".join(words[count:]), form):
            return radio, "on"
        if rated(fields, label):
            return _one_field(fields, label, label), " ".join(words[count:])
    known = ", ".join(dict.fromkeys(f'"{item.name or item.names[0]}"' for item in fields if item.names)) or "none"
    shown = "•••" if part.secret else part.text[:60]
    raise Failed(NOT_FOUND, f'no field of the page is meant by "{shown}"; there are: {known[:300]}')


def _radio(survey: Survey, label: str, text: str, form: int | None) -> Item | None:
    """The one radio button called so in the group that a label means; None where that is none."""
    found = [
        item
        for item in survey.items
        if item.role == "radio" and not item.disabled and form in (None, item.form)
        and field_likeness(text, item.name) >= 90
        and any(field_likeness(label, name) for name in (item.group, *item.names))
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None


def _one_field(fields: Sequence[Item], label: str, shown: str) -> Item:
    found = rated(fields, label)
    if not found:
        known = ", ".join(dict.fromkeys(f'"{item.name or item.names[0]}"' for item in fields if item.names)) or "none"
        raise Failed(NOT_FOUND, f'no field "{shown}" on the page; there are: {known[:300]}')
    best = max(rating for rating, _ in found)
    choice = [item for rating, item in found if rating == best]
    inner = [item for item in choice if item.landmark not in OUTSIDE]
    choice = inner or choice
    if len(choice) > 1 and any(item.secret for item in choice):
        choice = [item for item in choice if not _says_again(item)] or choice
    if len(choice) > 1:
        raise Failed(AMBIGUOUS, f'{len(choice)} fields are called "{shown}": {", ".join(i.name for i in choice[:6])}')
    return choice[0]


def rated(fields: Sequence[Item], label: str) -> list[tuple[int, Item]]:
    """Fields that a label may mean, each with how well."""
    fitting = []
    for item in fields:
        visible = [item.name, *item.names]
        best = max((field_likeness(label, name) for name in visible if name), default=0)
        if best:
            fitting.append((best, item))
    return fitting


def _says_again(item: Item) -> bool:
    return any(_AGAIN.search(name) for name in item.names) or any(re.search(r"2$", name) for name in item.names)


def _is_old(password: Item) -> bool:
    """Whether the field asks for the password that is in force."""
    return any(re.search(r"\b(?:old|current)\b", name, re.IGNORECASE) for name in password.names)


def _confirmations(survey: Survey, password: Item) -> list[Item]:
    """Empty fields of the same form that want a password once more."""
    return [
        item
        for item in survey.items
        if item.secret and item.form == password.form and item.id != password.id and not item.filled
        and not item.disabled and item.type == "password" and (_says_again(item) or item.ref == password.ref + 1)
        and not _is_old(item)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ChooseFrom:
    """Choose an option of the list that is called so, or that says so while nothing is chosen."""

    option: str
    of: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'choose "{self.option}" from the list of {self.of}'

    async def carry_out(self, workspace: Workspace) -> None:
        """Choose it, and read it back."""
        survey, _ = await workspace.until(lambda page: bool(self._lists(page)), timeout=_PATIENCE)
        lists = self._lists(survey)
        if len(lists) != 1:
            reason = AMBIGUOUS if lists else NOT_FOUND
            raise Failed(reason, f'{len(lists) or "no"} lists on the page are of "{self.of}"')
        select = actions_pb2.Select(
            target=await workspace.target(lists[0]), option=actions_pb2.Value(literal=self.option)
        )
        await workspace.do(actions_pb2.Action(select=select))

    def _lists(self, survey: Survey) -> list[Item]:
        lists = [item for item in survey.items if item.type.startswith("select") and not item.disabled]
        asked = words_of(self.of)[-1]
        named = [item for item in lists if any(asked in words_of(name) for name in item.names)]
        return named or [item for item in lists if asked in words_of(item.value)]
