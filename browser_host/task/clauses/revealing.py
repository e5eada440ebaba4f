"""Finding what does not show yet: behind tabs, collapsed parts, folders, menus and further pages.

What is looked for is named whole. Nothing is pressed on the way but what opens: tabs, headers of collapsed parts,
folders, entries of menus that have a menu of their own, and links to further pages of the same list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import click
from browser_host.task.failures import NO_EFFECT, NOT_FOUND, STALLED, Failed
from browser_host.task.scene import Scene, Thing, folded, listed, only
from browser_host.task.workspace import Workspace

_MOST_OPENED = 60
_NEXT_PAGE = re.compile(r"^\W*(next|more|older|load more|show more)\b|^[>\u203a\u00bb\u2192]$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FindAndClick:
    """Click what is called so, opening one part of the page after the other until it shows."""

    words: str
    name: str
    kind: str = ""
    """link, button, item, …; empty for anything."""
    turns_pages: bool = False
    """Further pages of a list are looked through as well."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Open, look, click."""
        thing = await revealed(workspace, self._fitting, f'"{self.name}"', turns_pages=self.turns_pages)
        await click(workspace, thing)

    def _fitting(self, scene: Scene) -> list[Thing]:
        wanted = folded(self.name)
        named = scene.all(lambda one: folded(one.called) == wanted or folded(one.text) == wanted)
        named = [one for one in named if not one.disabled and not one.covered and one.role not in ("tab", "tabpanel")]
        exactly = [one for one in named if self.name in (one.name, one.text)]
        named = exactly or named
        if self.kind == "link":
            links = [one for one in named if one.role == "link" or re.search(r"link\b", one.words) or one.acts]
            named = links or named
        return innermost(named)


def innermost(things: Sequence[Thing]) -> list[Thing]:
    """Things without those that only hold another of them: of those in one place the last is the inner one."""
    kept: list[Thing] = []
    for one in reversed(things):
        x, y = one.x, one.y
        holds = any(
            x - 1 <= inner.x and y - 1 <= inner.y and inner.x + inner.width <= x + one.width + 1
            and inner.y + inner.height <= y + one.height + 1
            for inner in kept
        )  # fmt: skip
        if not holds:
            kept.append(one)
    return kept[::-1]


async def revealed(
    workspace: Workspace, fitting: Callable[[Scene], list[Thing]], what: str, *, turns_pages: bool = False
) -> Thing:
    """What fits, once it shows; parts of the page are opened in page order until then.

    Raises:
        Failed: NOT_FOUND, nothing is left to open; AMBIGUOUS, several fit.
    """
    tried: set[int] = set()
    opened: list[str] = []
    for _ in range(_MOST_OPENED):
        scene = await workspace.scene()
        found = fitting(scene)
        if found:
            return only(found, what)
        closed = scene.all(lambda one: _opens(one) and one.id not in tried and not _leads_away(one))
        if not closed and turns_pages:
            closed = next_pages(scene)
        if not closed:
            raise Failed(NOT_FOUND, f"{what} is not on the page; looked behind {', '.join(opened[:8]) or 'nothing'}")
        one = closed[0]
        tried.add(one.id)
        opened.append(f'"{one.called[:30]}"')
        if one.role == "menuitem":
            target = await workspace.target_of(one.ref, one.called)
            await workspace.do(actions_pb2.Action(hover=actions_pb2.Hover(target=target)))
            await workspace.until(lambda survey: True, timeout=0)
            await workspace.pause()
            continue
        try:
            await click(workspace, one)
        except Failed as failed:
            if failed.reason != NO_EFFECT:
                raise
        await _opened(workspace)
    raise Failed(STALLED, f"{what} did not show after {_MOST_OPENED} parts of the page were opened")


def _opens(one: Thing) -> bool:
    """A tab, a header, a menu's entry; or a sign that stands for more."""
    return not one.disabled and (one.opens or (one.text in ("+", "\u2630", "\u22ef", "\u2026") and not one.covered))


async def _opened(workspace: Workspace) -> None:
    """Let what opens slowly come to rest: until the page shows the same twice, two seconds at most."""
    end = workspace.steps.clock.monotonic() + 2.0
    last: object = None
    while workspace.steps.clock.monotonic() < end:
        shown = [(one.id, one.x, one.y, one.height) for one in (await workspace.scene()).things]
        if shown == last:
            return
        last = shown
        await workspace.pause()


def _leads_away(one: Thing) -> bool:
    return one.landmark in ("nav", "navigation", "header", "banner", "footer", "contentinfo") and one.role == "link"


def next_pages(scene: Scene) -> list[Thing]:
    """What leads to the next page of a list."""
    return [
        one
        for one in scene.things
        if one.acts and not one.disabled and _NEXT_PAGE.search(one.called) and not re.search(r"disabled", one.words)
    ]


@dataclass(frozen=True, slots=True)
class ExpandAll:
    """Open the collapsed parts of the page: the only one, or all."""

    words: str
    every: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Press their headers, and see that they are open."""
        closed = _collapsed(await workspace.scene())
        if not self.every:
            closed = [only(closed, "collapsed part")]
        if not closed:
            raise Failed(NOT_FOUND, "there is no collapsed part on the page")
        for one in closed:
            await click(workspace, one)
        left = {one.id for one in _collapsed(await workspace.scene())} & {one.id for one in closed}
        if left:
            raise Failed(NO_EFFECT, f"{len(left)} parts were pressed and did not open")


def _collapsed(scene: Scene) -> list[Thing]:
    return [one for one in scene.all(lambda one: one.opens and not one.disabled) if one.called and not one.icon]


@dataclass(frozen=True, slots=True)
class OpenMenu:
    """Go through a menu, entry by entry, and choose the last: A > B > C."""

    words: str
    path: tuple[str, ...]

    async def carry_out(self, workspace: Workspace) -> None:
        """Hover over what opens a menu of its own, click the last entry."""
        for place, name in enumerate(self.path):
            last = place == len(self.path) - 1
            entry = await self._entry(workspace, name)
            if last:
                await click(workspace, entry)
                return
            target = await workspace.target_of(entry.ref, name)
            await workspace.do(actions_pb2.Action(hover=actions_pb2.Hover(target=target)))
            if not await self._shows(workspace, self.path[place + 1]):
                await click(workspace, entry)

    async def _entry(self, workspace: Workspace, name: str) -> Thing:
        await self._shows(workspace, name)
        found = (await workspace.scene()).all(lambda one: folded(one.called) == folded(name) and not one.disabled)
        if len(innermost(found)) > 1:
            found = [one for one in found if one.role in ("menuitem", "link", "button", "tab")] or found
        return only(innermost(found), f'entry "{name}"')

    async def _shows(self, workspace: Workspace, name: str) -> bool:
        end = workspace.steps.clock.monotonic() + 2.0
        while True:
            if (await workspace.scene()).all(lambda one: folded(one.called) == folded(name)):
                return True
            if workspace.steps.clock.monotonic() >= end:
                return False
            await workspace.pause()


@dataclass(frozen=True, slots=True)
class ClickIconItem:
    """Click the one entry of the open menu that has a picture."""

    words: str = "click the entry with an icon"

    async def carry_out(self, workspace: Workspace) -> None:
        """An entry has an icon when one lies within it and is no arrow of a further menu."""
        scene = await workspace.scene()
        entries = scene.all(lambda one: one.role in ("menuitem", "option", "listitem") and not one.disabled)
        icons = scene.all(lambda one: one.icon and not re.search(r"\b(caret|arrow|chevron|triangle)\b", one.words))
        having = [one for one in entries if any(_within(icon, one) for icon in icons)]
        if len(having) > 1:
            raise Failed(NOT_FOUND, f"several entries have an icon: {listed(having)}")
        await click(workspace, only(having, "entry with an icon"))


def _within(inner: Thing, outer: Thing) -> bool:
    x, y = inner.x + inner.width / 2, inner.y + inner.height / 2
    return outer.x <= x <= outer.x + outer.width and outer.y <= y <= outer.y + outer.height
