"""Clauses about records and their forms: open one, make a new one, set its fields, save or delete it.

What a field, a button or a record is called is looked for on the page at the moment it is needed. A form counts as
sent only when the page went on and said nothing against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.failures import (
    AMBIGUOUS,
    EXPECTATION_FAILED,
    MISSING_INPUT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    Failed,
)
from browser_host.task.likeness import words_of
from browser_host.task.survey import BUTTONS, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_MOST_LEVELS = 2
"""A section of the site and, in it, a list."""
_OUTSIDE = frozenset({"header", "banner", "footer", "contentinfo", "nav", "navigation", "search"})
_KINDS = (
    "user|group|customer|member|person|issue|ticket|bug|table|order|page|article|post|product|category|item|record|"
    "row|entry|file|folder|project|task|todo|site|database|collection|calendar|contact|account|event|note|section|"
    "topic|menu|view|list|wiki page|flat page"
)
KIND = rf"(?:{_KINDS})"
"""Nouns for things that have a page of their own."""
_NEW = re.compile(r"^\W*(?:(?:add|new|create|insert|register|sign ?up|make)\b|\+\W*$)", re.IGNORECASE)
_NEW_ANYWHERE = re.compile(r"\b(?:add|new|create|insert|register|sign ?up)\b", re.IGNORECASE)
_SAVE = (
    re.compile(r"^\W*(?:save|save changes?|save it|save page|save and close)\W*$", re.IGNORECASE),
    re.compile(
        r"^\W*(?:submit|create|insert|add|register|sign ?up|update|ok|done)"
        r"\b(?!.*\banother\b)",
        re.IGNORECASE,
    ),
    re.compile(r"^\W*save\b(?!.*\b(?:another|continue|as new|draft)\b)|\bsubmit\b", re.IGNORECASE),
)
_NOT_SAVE = re.compile(r"\b(?:cancel|delete|remove|search|log ?in|sign ?in|log ?out|language|preview)\b", re.IGNORECASE)
_DELETE = re.compile(r"^\W*(?:delete|drop|remove|retire)\b", re.IGNORECASE)
_SURE = re.compile(
    r"^\W*(?:yes\b|delete\b|drop\b|remove\b|confirm\b|ok\W*$|continue\W*$|i['\u2019]m sure)", re.IGNORECASE
)
_NO = re.compile(r"^\W*(?:no\b|cancel|back|keep)", re.IGNORECASE)
_AGAIN = re.compile(r"\b(?:again|confirm\w*|repeat|retype|re-?enter|once more|second time|verify)\b", re.IGNORECASE)
_NAMES = ("name", "title", "username", "user name", "summary", "subject", "label", "displayname", "display name")


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
        await workspace.until(lambda page: bool(settable(page)), timeout=_PATIENCE)
        await set_parts(workspace, self.parts)


async def set_parts(workspace: Workspace, parts: Sequence[Part], purpose: str = "") -> Item | None:
    """Set fields; the last one that was set. Nothing is set before all have been found.

    `purpose` tells forms apart that have the same fields: a word of the one's button.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS for a field.
    """
    survey = await workspace.survey()
    # Found first, all of them: a form that is half filled in is nobody's wish.
    form = _form_for(survey, parts, purpose, _begun(workspace, survey))
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


def _begun(workspace: Workspace, survey: Survey) -> int | None:
    """The form of this page that an earlier clause has begun to fill in."""
    return workspace.form[1] if workspace.form is not None and workspace.form[0] == survey.url else None


def _form_for(survey: Survey, parts: Sequence[Part], purpose: str, begun: int | None = None) -> int | None:
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


async def set_item(workspace: Workspace, item: Item, text: str, *, secret: bool) -> Item:
    """Set a field for text, a list or a box.

    Raises:
        Failed.
    """
    target = await workspace.target(item)
    if item.role in ("checkbox", "switch") or (item.role == "radio" and text.lower() in _SWITCH):
        if text.lower() not in _SWITCH:
            raise Failed(NOT_FOUND, f'"{item.name}" is on or off, it cannot be "{text}"')
        state = actions_pb2.SetChecked(target=target, checked=_SWITCH[text.lower()])
        await workspace.do(actions_pb2.Action(set_checked=state))
    elif item.type.startswith("select"):
        option = actions_pb2.Value(literal=text)
        await workspace.do(actions_pb2.Action(select=actions_pb2.Select(target=target, option=option)))
    else:
        await workspace.fill(item, text, sensitive=secret or item.secret)
    return item


_SWITCH = {"on": True, "true": True, "yes": True, "checked": True, "off": False, "false": False, "no": False}


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
    if part.field:
        return _one_field(fields, part.field, part.field), part.text
    words = part.text.split(" ")
    for count in range(min(len(words) - 1, 4), 0, -1):
        label = " ".join(words[:count])
        if _rated(fields, label):
            return _one_field(fields, label, label), " ".join(words[count:])
    known = ", ".join(dict.fromkeys(f'"{item.name or item.names[0]}"' for item in fields if item.names)) or "none"
    shown = "•••" if part.secret else part.text[:60]
    raise Failed(NOT_FOUND, f'no field of the page is meant by "{shown}"; there are: {known[:300]}')


def _one_field(fields: Sequence[Item], label: str, shown: str) -> Item:
    rated = _rated(fields, label)
    if not rated:
        known = ", ".join(dict.fromkeys(f'"{item.name or item.names[0]}"' for item in fields if item.names)) or "none"
        raise Failed(NOT_FOUND, f'no field "{shown}" on the page; there are: {known[:300]}')
    best = max(rating for rating, _ in rated)
    choice = [item for rating, item in rated if rating == best]
    inner = [item for item in choice if item.landmark not in _OUTSIDE]
    choice = inner or choice
    if len(choice) > 1 and any(item.secret for item in choice):
        choice = [item for item in choice if not _says_again(item)] or choice
    if len(choice) > 1:
        raise Failed(AMBIGUOUS, f'{len(choice)} fields are called "{shown}": {", ".join(i.name for i in choice[:6])}')
    return choice[0]


def _rated(fields: Sequence[Item], label: str) -> list[tuple[int, Item]]:
    """Fields that a label may mean, each with how well."""
    asked = words_of(label)
    rated = []
    for item in fields:
        visible = [item.name, *item.names]
        best = max((_label_rating(asked, name) for name in visible if name), default=0)
        if best:
            rated.append((best, item))
    return rated


def _label_rating(asked: list[str], name: str) -> int:
    theirs = words_of(re.sub(r"\(.*?\)|[*:]", " ", name))
    if not asked or not theirs:
        return 0
    if asked == theirs or "".join(asked) == "".join(theirs):
        return 100
    same = (
        {"mail", "email"},
        {"username", "user", "login"},
        {"telephone", "phone"},
        {"title", "displayname"},
        {"postcode", "zip", "zipcode"},
    )
    ours = {next((min(group) for group in same if word in group), word) for word in asked if word not in ("e", "the")}
    other = {next((min(group) for group in same if word in group), word) for word in theirs if word not in ("e", "the")}
    if ours == other:
        return 90
    if ours < other:
        return 60 - 5 * min(len(other) - len(ours), 6)
    return 0


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


@dataclass(frozen=True, slots=True)
class Save:
    """Send the form of the page."""

    words: str = "save the form"

    async def carry_out(self, workspace: Workspace) -> None:
        """Press its button, and see that the page does not object."""
        await save(workspace)


async def save(workspace: Workspace, form: int | None = None) -> None:
    """Send a form: the one given, else the page's main one.

    Raises:
        Failed: NOT_FOUND, REJECTED_BY_PAGE, MISSING_INPUT.
    """
    before, _ = await workspace.until(lambda page: _save_button(page, form) is not None, timeout=_PATIENCE)
    button = _save_button(before, _begun(workspace, before) if form is None else form)
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
    await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=button)))
    after, answered = await workspace.until(
        lambda page: (
            now.effects_so_far() > moves
            or page.url != before.url
            or page.text != before.text
            or bool(page.trouble(before))
        ),
        timeout=_PATIENCE,
    )
    if not answered:
        raise Failed(EXPECTATION_FAILED, "the form was sent, and nothing on the page shows that it was taken")
    lacking = [item for item in after.items if item.invalid and not item.filled]
    trouble = after.trouble(before) if after.url == before.url else after.trouble()
    if lacking and trouble:
        names = ", ".join(f'"{item.name}"' for item in lacking)
        raise Failed(MISSING_INPUT, f"the page needs {names}, which the task does not give: {trouble}")
    errors = [text for kind, text in after.messages if kind == "error"]
    if trouble and (errors or any(item.invalid for item in after.items) or after.url == before.url):
        raise Failed(REJECTED_BY_PAGE, f"the page refused: {trouble}")
    return after


def _save_button(survey: Survey, form: int | None) -> Item | None:
    inner = [item for item in survey.items if item.role == "button" and not item.disabled]
    inner = [item for item in inner if item.landmark not in _OUTSIDE and not _NOT_SAVE.search(item.name)]
    if form is not None and form >= 0:
        inner = [item for item in inner if item.form == form] or inner
    filled = {item.form for item in settable(survey) if item.form >= 0 and item.landmark not in _OUTSIDE}
    with_fields = [item for item in inner if item.form in filled]
    for buttons in (with_fields, inner):
        for pattern in _SAVE:
            named = [item for item in buttons if pattern.search(item.name)]
            if named:
                in_dialog = [item for item in named if item.dialog]
                return (in_dialog or named)[0]
    return None


@dataclass(frozen=True, slots=True)
class NewRecord:
    """Make a new record and save it."""

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
        last = await set_parts(workspace, parts, self.noun)
        before = await workspace.survey()
        if self.press:
            await send(workspace, before, actions_pb2.Target(role="button", name=self.press))
        else:
            await save(workspace, last.form if last is not None else None)
        after = await workspace.survey()
        if any(_is_field_still(after, before, item) for item in [last] if item is not None):
            raise Failed(EXPECTATION_FAILED, f"the form is as it was: it does not show that the {self.noun} was made")

    def _all_parts(self, survey: Survey) -> list[Part]:
        parts = list(self.parts)
        if self.name:
            parts.insert(0, Part(self._name_label(survey), self.name))
        return parts

    def _name_label(self, survey: Survey) -> str:
        fields = settable(survey)
        for label in (f"{self.noun} name", *_NAMES):
            if any(rating >= 90 for rating, _ in _rated(fields, label)):
                return label
        for label in _NAMES:
            if len(_rated(fields, label)) == 1:
                return label
        raise Failed(NOT_FOUND, f"the form has no field for the name of a {self.noun}")

    def _ready(self, survey: Survey) -> bool:
        """Whether the page has the form already."""
        try:
            parts = self._all_parts(survey)
            form = _form_for(survey, parts, self.noun)
            items = [field_of(survey, part, form)[0] for part in parts]
        except Failed:
            return False
        return (
            bool(items) and len({item.form for item in items}) == 1 and _save_button(survey, items[0].form) is not None
        )

    def _ways(self, survey: Survey) -> list[Item]:
        """Buttons and links that lead to the form, the surest kind only."""
        noun = set(words_of(self.noun))
        plain = [item for item in survey.items if item.role in BUTTONS and not item.disabled]
        named = [
            item
            for item in plain
            if any(_NEW_ANYWHERE.search(name) and noun <= set(words_of(name)) for name in (item.name, *item.names))
        ]
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


def _adders(survey: Survey) -> list[Item]:
    plain = [item for item in survey.items if item.role in BUTTONS and not item.disabled]
    return [item for item in plain if _NEW.search(item.name) and item.landmark not in _OUTSIDE]


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


@dataclass(frozen=True, slots=True)
class OpenNamed:
    """Open a thing by its name, where need be by way of the list of such things."""

    name: str
    """As the prompt has it: may have its kind before or after it."""
    kind: str = ""

    @property
    def words(self) -> str:
        """The clause."""
        return f'open {self.kind + " " if self.kind else ""}"{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Find its link and follow it."""
        await open_named(workspace, self.name, self.kind)


async def open_named(workspace: Workspace, name: str, kind: str = "") -> None:
    """Follow the link of a thing.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    survey, found = await workspace.until(
        lambda page: bool(_links(page, name, kind)), timeout=2.0 if kind else _PATIENCE
    )
    followed: set[str] = set()
    while not found and kind not in ("", "menu") and len(followed) < _MOST_LEVELS:
        followed.add(await open_kind(workspace, survey, kind, followed))
        survey, found = await workspace.until(
            lambda page, been=frozenset(followed): bool(_links(page, name) or _of_kind(page, kind, been)),  # type: ignore[misc]
            timeout=_PATIENCE,
        )
        found = bool(_links(survey, name))
        if not found and not _of_kind(survey, kind, frozenset(followed)):
            break
    links = _links(survey, name, kind)
    if not links:
        offered = ", ".join(f'"{item.name}"' for item in survey.items if item.role == "link" and item.name)
        raise Failed(NOT_FOUND, f'there is no link "{name}" on the page; there are: {offered[:300]}')
    if len({link.href or link.name for link in links}) > 1:
        raise Failed(AMBIGUOUS, f'several links are meant by "{name}": {", ".join(i.name for i in links[:6])}')
    await workspace.click(links[0])


def _called(survey: Survey, kind: str, name: str) -> list[Item]:
    """Links that are called by the kind and the name together."""
    whole = words_of(f"{kind} {name}")
    return [item for item in survey.items if kind and item.role == "link" and words_of(item.name) == whole]


def _links(survey: Survey, name: str, kind: str = "") -> list[Item]:
    """The links that a name means: equal ones, else those whose words hold all of its words, else those in its row."""
    links = [item for item in survey.items if item.role in (*BUTTONS, "row", "treeitem", "") and not item.disabled]
    equal = [item for item in links if item.name.strip().lower() == name.strip().lower()]
    if equal and kind == "menu":
        return [item for item in equal if item.landmark in _OUTSIDE] or equal
    if equal:
        return [item for item in equal if item.landmark not in _OUTSIDE] or equal
    asked = words_of(name)
    close = [item for item in links if item.role == "link" and set(asked) <= set(words_of(item.name))]
    return [item for item in close if item.landmark not in _OUTSIDE] or close


def _of_kind(survey: Survey, kind: str, been: frozenset[str] | set[str]) -> list[Item]:
    """Links to lists of such things that were not followed yet, plurals first."""
    wanted = words_of(kind)
    links = [item for item in survey.items if item.role == "link" and words_of(item.name) == wanted]
    links = [item for item in links if item.href not in been]
    return sorted(links, key=lambda item: (item.name.strip().lower() == kind.lower(), item.landmark in _OUTSIDE))


async def open_kind(workspace: Workspace, survey: Survey, kind: str, been: set[str] | None = None) -> str:
    """Go to the page that lists things of a kind; where it leads.

    Raises:
        Failed: NOT_FOUND.
    """
    links = _of_kind(survey, kind, been or set())
    if not links:
        raise Failed(NOT_FOUND, f'nothing on the page leads to a {kind}: there is no link "{kind}s"')
    await workspace.click(links[0])
    return links[0].href


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Delete a record, and say yes where the page asks whether that is meant."""

    name: str
    kind: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'delete the {self.kind} "{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Open it, press the button that deletes it, confirm, and see that it is gone."""
        survey, _ = await workspace.until(lambda page: bool(_links(page, self.name)), timeout=2.0)
        if not self._deleting(survey):
            await open_named(workspace, self.name, self.kind)
            survey, _ = await workspace.until(lambda page: bool(self._deleting(page)), timeout=_PATIENCE)
        buttons = self._deleting(survey)
        if not buttons:
            raise Failed(NOT_FOUND, f'there is nothing to delete the {self.kind} "{self.name}" with')
        if len({item.href or item.name for item in buttons}) > 1:
            # One that stands alone is about the page's own record; in a row, it is about what the row has.
            buttons = [item for item in buttons if words_of(item.context) in ([], words_of(item.name))] or buttons
        if len({item.href or item.name for item in buttons}) > 1:
            raise Failed(AMBIGUOUS, f"several buttons may be meant: {', '.join(item.name for item in buttons[:6])}")
        await workspace.click(buttons[0])
        after, _ = await workspace.until(
            lambda page: bool(self._sure(page)) or (page.url != survey.url and not self._names_it(page)),
            timeout=_PATIENCE,
        )
        sure = self._sure(after)
        if sure:
            after = await send(workspace, after, await workspace.target(sure[0]))
        after, gone = await workspace.until(lambda page: not self._names_it(page), timeout=_PATIENCE)
        if not gone:
            raise Failed(EXPECTATION_FAILED, f'the page still has a link to the {self.kind} "{self.name}"')

    def _deleting(self, survey: Survey) -> list[Item]:
        """What deletes this very record: on its own page, or in its row."""
        asked = set(words_of(self.name))
        # "Remove all permissions" removes something else.
        plain = {"delete", "drop", "remove", "retire", "this", *words_of(self.kind), *asked}
        deleting = [
            item
            for item in survey.buttons(_DELETE)
            if item.landmark not in ("header", "banner", "footer", "search") and set(words_of(item.name)) <= plain
        ]
        own = [item for item in deleting if asked <= set(words_of(item.name)) - {"delete", "drop", "remove"}]
        if own:
            return own
        in_row = [item for item in deleting if asked <= set(words_of(item.context))]
        if in_row and len(deleting) > 1:
            return in_row
        about = f"{survey.title} {survey.url} " + " ".join(list(survey.lines())[:40])
        ours = asked <= set(words_of(about)) and not self._names_it_in_list(survey)
        return deleting if ours else []

    def _names_it_in_list(self, survey: Survey) -> bool:
        """Whether the page lists such records, so that its buttons may be about several."""
        return any(item.role == "checkbox" and not item.name for item in survey.items)

    def _names_it(self, survey: Survey) -> bool:
        name = self.name.lower()
        return any(item.role == "link" and item.name.strip().lower() == name for item in survey.items) or bool(
            self._sure(survey) and name in survey.text.lower()
        )

    def _sure(self, survey: Survey) -> list[Item]:
        asks = re.search(
            r"\bare you sure\b|\bcannot be undone\b|\breally (?:delete|drop|remove)\b|\bconfirm\b", survey.text, re.I
        )
        if not asks:
            return []
        buttons = [i for i in survey.items if i.role in ("button", "link") and not i.disabled and _SURE.search(i.name)]
        buttons = [item for item in buttons if not _NO.search(item.name)]
        pressed = [item for item in buttons if item.role == "button"]
        return sorted(pressed or buttons, key=lambda item: (not item.dialog, item.ref))


@dataclass(frozen=True, slots=True)
class PressWords:
    """Press the one button or link whose name has all these words, whatever others it has."""

    phrase: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'press what says "{self.phrase}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Find it and press it."""
        survey, _ = await workspace.until(lambda page: bool(self._meant(page)), timeout=_PATIENCE)
        meant = self._meant(survey)
        if not meant:
            offered = ", ".join(f'"{i.name}"' for i in survey.items if i.role in ("button", "link") and i.name)
            raise Failed(NOT_FOUND, f'nothing on the page says "{self.phrase}"; there are: {offered[:300]}')
        if len({(item.href, item.name) for item in meant}) > 1:
            raise Failed(AMBIGUOUS, f'several things say "{self.phrase}": {", ".join(i.name for i in meant[:6])}')
        await workspace.click(meant[0])

    def _meant(self, survey: Survey) -> list[Item]:
        asked = set(words_of(self.phrase)) - {"the", "a", "an", "this", "my", "me"}
        found = [
            (len(words_of(item.name)), item)
            for item in survey.items
            if item.role in BUTTONS and not item.disabled and asked <= set(words_of(item.name))
        ]
        fewest = min((count for count, _ in found), default=0)
        return [item for count, item in found if count == fewest]


def split_parts(texts: Iterable[str]) -> list[str]:
    """Parts without the words that join them."""
    return [one for one in (re.sub(r"^(?:and|with|,)\s+", "", text.strip(" ,")) for text in texts) if one]
