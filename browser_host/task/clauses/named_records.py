"""Records that have a name: open one, to see it or to change it, where need be by way of the list of such things."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.survey import BUTTONS, OUTSIDE, Item, Survey
from browser_host.task.workspace import Subject, Workspace

_PATIENCE = 5.0
_EDITING = ("edit", "change", "modify")
KINDS_OF_RECORDS = frozenset(
    {"user", "group", "customer", "member", "person", "issue", "ticket", "bug", "order", "record", "row", "entry",
     "account", "contact", "event", "project", "calendar", "collection"}
)  # fmt: skip
"""Kinds of things whose page is a form: what is changed there counts once it is saved."""
ROWS = frozenset({"row", "entry", "line", "record"})
"""Kinds that are no page of their own but a part of a table or list."""
_MOST_LEVELS = 2
"""A section of the site and, in it, a list."""
_KINDS = (
    "user|group|customer|member|person|issue|ticket|bug|table|order|page|article|post|product|category|item|record|"
    "row|entry|file|folder|project|task|todo|site|database|collection|calendar|contact|account|event|note|section|"
    "topic|menu|view|list|wiki page|flat page"
)
KIND = rf"(?:{_KINDS})"
"""Nouns for things that have a page of their own."""


@dataclass(frozen=True, slots=True)
class OpenNamed:
    """Open a thing by its name, where need be by way of the list of such things."""

    names_subject: ClassVar[bool] = True
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
        workspace.subject = Subject(self.name, self.kind)


@dataclass(frozen=True, slots=True)
class EditNamed:
    """Open a thing by its name so that it can be changed: by what edits it in its row or card, else by its link."""

    names_subject: ClassVar[bool] = True
    name: str
    kind: str = ""
    verb: str = ""
    """What it is to be changed by, where not every way to change it will do."""

    @property
    def words(self) -> str:
        """The clause."""
        return f'{self.verb or "edit"} {self.kind + " " if self.kind else ""}"{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press what edits it; only rows and cards that have its whole name as a part are about it."""
        editing = await in_entry(workspace, self.name, (self.verb,) if self.verb else _EDITING)
        if editing is not None:
            await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=editing)))
        elif self.kind in ROWS or self.verb:
            raise Failed(NOT_FOUND, f'no {self.kind} of "{self.name}" has anything to {self.verb or "edit"} it with')
        else:
            await open_named(workspace, self.name, self.kind)
        workspace.subject = Subject(self.name, self.kind)


@dataclass(frozen=True, slots=True)
class EditWhere:
    """Open the entry that has this value under this label so that it can be changed."""

    label: str
    value: str
    kind: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'edit the {self.kind} whose {self.label} is "{self.value}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press what edits it in its row.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        editing = await in_entry(workspace, self.value, _EDITING, under=self.label)
        if editing is None:
            raise Failed(NOT_FOUND, f'no {self.kind} whose {self.label} is "{self.value}" can be edited here')
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=editing)))


@dataclass(frozen=True, slots=True)
class ExpandNamed:
    """Open a collapsed part by its name."""

    name: str

    @property
    def words(self) -> str:
        """The clause."""
        return f'expand "{self.name}"'

    async def carry_out(self, workspace: Workspace) -> None:
        """Press what says that it is collapsed, else what is called so; what is open already stays so.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        survey, _ = await workspace.until(lambda page: bool(links_to(page, self.name)), timeout=_PATIENCE)
        ways = links_to(survey, self.name)
        pressed = [item for item in ways if item.role in BUTTONS]
        ways = [item for item in ways if item.expanded] or pressed or ways
        if not ways:
            raise Failed(NOT_FOUND, f'there is no part "{self.name}" on the page to expand')
        if len({item.href or item.id for item in ways}) > 1:
            raise Failed(AMBIGUOUS, f'{len(ways)} parts of the page are called "{self.name}"')
        if ways[0].expanded != "true":
            await workspace.click(ways[0])


async def in_entry(
    workspace: Workspace, name: str, verbs: Sequence[str], *, under: str = ""
) -> actions_pb2.Target | None:
    """What does one of these things in the one row, entry or card that is about a name; None where nothing does.

    `under` is the heading that the name must stand under.

    Raises:
        Failed: AMBIGUOUS, several entries are.
    """
    about = {"label": under, "equals": name}
    entries = await workspace.rows(about)
    if not entries:
        return None
    for hovered in (False, True):
        if hovered:
            # Many lists show what can be done with an entry only while the pointer is over it.
            if len(entries) > 1:
                return None
            await workspace.do(actions_pb2.Action(hover=actions_pb2.Hover(target=entries[0])))
        for verb, role in itertools.product(verbs, ("button", "link")):
            found = await workspace.rows(about, press=verb, role=role)
            if len(found) > 1:
                raise Failed(AMBIGUOUS, f'{len(found)} entries of "{name}" have something to {verb} them with')
            if found:
                return found[0]
    return None


async def open_named(workspace: Workspace, name: str, kind: str = "") -> None:
    """Follow the link of a thing.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    survey, found = await workspace.until(
        lambda page: bool(links_to(page, name, kind)), timeout=2.0 if kind else _PATIENCE
    )
    if not found and (own := await workspace.rows({"label": "", "equals": name}, press="", role="link")):
        # The list calls it so, and links to it by something else.
        if len(own) > 1:
            raise Failed(AMBIGUOUS, f'{len(own)} entries of the page are called "{name}"')
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=own[0])))
        return
    survey = await workspace.survey()
    followed: set[str] = set()
    while not found and kind not in ("", "menu") and len(followed) < _MOST_LEVELS:
        followed.add(await open_kind(workspace, survey, kind, followed))
        survey, found = await workspace.until(
            lambda page, been=frozenset(followed): bool(links_to(page, name) or _of_kind(page, kind, been)),  # type: ignore[misc]
            timeout=_PATIENCE,
        )
        found = bool(links_to(survey, name))
        if not found and not _of_kind(survey, kind, frozenset(followed)):
            break
    links = links_to(survey, name, kind)
    if not links:
        offered = ", ".join(f'"{item.name}"' for item in survey.items if item.role == "link" and item.name)
        raise Failed(NOT_FOUND, f'there is no link "{name}" on the page; there are: {offered[:300]}')
    if len({link.href or link.name for link in links}) > 1:
        raise Failed(AMBIGUOUS, f'several links are meant by "{name}": {", ".join(i.name for i in links[:6])}')
    await workspace.click(links[0])


def links_to(survey: Survey, name: str, kind: str = "") -> list[Item]:
    """The links that a name means: equal ones, else those whose words hold all of its words, else those in its row."""
    links = [item for item in survey.items if item.role in (*BUTTONS, "row", "treeitem", "") and not item.disabled]
    equal = [item for item in links if item.name.strip().lower() == name.strip().lower()]
    if not equal and kind:
        # "the user manager": what looks like the kind of thing may begin the name.
        equal = [item for item in links if words_of(item.name) == words_of(f"{kind} {name}")]
    if equal and kind == "menu":
        return [item for item in equal if item.landmark in OUTSIDE] or equal
    if equal:
        return [item for item in equal if item.landmark not in OUTSIDE] or equal
    asked = words_of(name)
    close = [item for item in links if item.role == "link" and set(asked) <= set(words_of(item.name))]
    return [item for item in close if item.landmark not in OUTSIDE] or close


def _of_kind(survey: Survey, kind: str, been: frozenset[str] | set[str]) -> list[Item]:
    """Links to lists of such things that were not followed yet, plurals first."""
    wanted = words_of(kind)
    links = [item for item in survey.items if item.role == "link" and words_of(item.name) == wanted]
    links = [item for item in links if item.href not in been]
    return sorted(links, key=lambda item: (item.name.strip().lower() == kind.lower(), item.landmark in OUTSIDE))


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
        if not found and self.phrase.startswith("all "):
            # "Show All": of what, only the page around it says.
            return survey.buttons(re.compile(r"^\W*(?:show|view|see|list) all\W*$", re.IGNORECASE))
        fewest = min((count for count, _ in found), default=0)
        return [item for count, item in found if count == fewest]
