"""Records that have a name: open one, where need be by way of the list of such things, and delete one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.saving import send
from browser_host.task.survey import BUTTONS, OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PATIENCE = 5.0
_MOST_LEVELS = 2
"""A section of the site and, in it, a list."""
_KINDS = (
    "user|group|customer|member|person|issue|ticket|bug|table|order|page|article|post|product|category|item|record|"
    "row|entry|file|folder|project|task|todo|site|database|collection|calendar|contact|account|event|note|section|"
    "topic|menu|view|list|wiki page|flat page"
)
KIND = rf"(?:{_KINDS})"
"""Nouns for things that have a page of their own."""
_DELETE = re.compile(r"^\W*(?:delete|drop|remove|retire)\b", re.IGNORECASE)
_SURE = re.compile(
    r"^\W*(?:yes\b|delete\b|drop\b|remove\b|confirm\b|ok\W*$|continue\W*$|i['\u2019]m sure)", re.IGNORECASE
)
_NO = re.compile(r"^\W*(?:no\b|cancel|back|keep)", re.IGNORECASE)


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


def _links(survey: Survey, name: str, kind: str = "") -> list[Item]:
    """The links that a name means: equal ones, else those whose words hold all of its words, else those in its row."""
    links = [item for item in survey.items if item.role in (*BUTTONS, "row", "treeitem", "") and not item.disabled]
    equal = [item for item in links if item.name.strip().lower() == name.strip().lower()]
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
