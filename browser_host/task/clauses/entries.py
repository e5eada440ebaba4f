"""Entries of lists that are found by who or what they are of, and what is done with one, some or all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import click, fill
from browser_host.task.clauses.revealing import next_pages
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.scene import Scene, Thing, folded, only
from browser_host.task.workspace import Workspace

_PATIENCE = 3.0
_MOST_PAGES = 50


async def press_in_row(workspace: Workspace, who: str, name: str = "", nth: int = 0) -> None:
    """Press what is called `name` in the entry that is of `who`, or the entry itself; the n-th of theirs, if asked for.

    Raises:
        Failed: NOT_FOUND; AMBIGUOUS, several entries are of `who`.
    """
    pick = actions_pb2.PickRow(where=[actions_pb2.RowIs(equals=who)], nth=nth)
    if name:
        pick.press.name = name
    await workspace.do(actions_pb2.Action(pick_row=pick))


async def soon(workspace: Workspace, wanted: str) -> bool:
    """Whether something that is called so shows within a few seconds."""
    end = workspace.steps.clock.monotonic() + _PATIENCE
    while True:
        if (await workspace.scene()).all(lambda one: folded(one.called) == folded(wanted)):
            return True
        if workspace.steps.clock.monotonic() >= end:
            return False
        await workspace.pause()


@dataclass(frozen=True, slots=True)
class PressInEntry:
    """Press something in the entry of somebody; what is not there may be in the entry's own menu."""

    words: str
    who: str
    names: tuple[str, ...]
    """How it may be called, the likeliest first."""
    nth: int = 0
    """Which of their entries, where it may be any; 0 where there must be only one."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Prove which entry it is, then press in it."""
        rows = await workspace.rows({"label": "", "equals": self.who})
        if not rows:
            raise Failed(NOT_FOUND, f'there is no entry of "{self.who}" on the page')
        for name in self.names:
            if await workspace.rows({"label": "", "equals": self.who}, press=name):
                await press_in_row(workspace, self.who, name, self.nth)
                return
        if not await workspace.rows({"label": "", "equals": self.who}, press="more"):
            raise Failed(NOT_FOUND, f'the entry of "{self.who}" has no "{self.names[0]}"')
        await press_in_row(workspace, self.who, "more", self.nth)
        await press_in_row(workspace, self.who, self.names[0], self.nth)


@dataclass(frozen=True, slots=True)
class PressInEntries:
    """Press something in all entries of somebody, or in some of them."""

    words: str
    who: str
    name: str
    count: int = 0
    """How many; 0 for all."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Count them first."""
        found = await workspace.rows({"label": "", "equals": self.who}, press=self.name)
        if len(found) < max(self.count, 1):
            raise Failed(NOT_FOUND, f'{len(found)} entries of "{self.who}" have a "{self.name}"')
        for target in found[: self.count or None]:
            await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """Open the message of somebody and forward it, or reply to it with a text."""

    words: str
    who: str
    verb: str
    """forward or reply."""
    text: str
    """To whom it is forwarded, or what is replied."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Open, press, fill the one field that is for it, send."""
        await press_in_row(workspace, self.who)
        if not await soon(workspace, self.verb):
            raise Failed(NOT_FOUND, f'the message of "{self.who}" was opened and offers no way to {self.verb}')
        await workspace.do(
            actions_pb2.Action(click=actions_pb2.Click(target=actions_pb2.Target(name=self.verb.capitalize())))
        )
        await workspace.until(lambda survey: any(item.is_field for item in survey.items))
        fields = (await workspace.scene()).text_fields(large=self.verb == "reply")
        if self.verb == "forward":
            fields = [one for one in fields if re.search(r"\bto\b|recipient", one.name, re.IGNORECASE)] or fields
        await fill(workspace, only(fields, f"field to {self.verb} with"), self.text)
        sending = (await workspace.scene()).all(
            lambda one: (one.acts or one.icon) and not one.disabled and not one.editable and _sends(one)
        )
        await click(workspace, only(sending, "button to send with"))


def _sends(one: Thing) -> bool:
    return re.search(r"^\W*send\b", one.called or one.words, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class ClickProperty:
    """Find somebody, on further pages too, and click a property of the one entry that is theirs."""

    words: str
    who: str
    label: str

    async def carry_out(self, workspace: Workspace) -> None:
        """Turn pages until the name shows, then take the first value with this label behind it."""
        name = await self._found(workspace)
        scene = await workspace.scene()
        behind = scene.things[[one.id for one in scene.things].index(name.id) + 1 :]
        for place, one in enumerate(behind):
            if one.tag.startswith("h") and one.tag[1:].isdigit():
                break
            before = behind[place - 1].called if place else ""
            labelled = re.match(rf"{re.escape(self.label)}\b", before, re.IGNORECASE) and before.rstrip().endswith(":")
            if one.text and (folded(one.words) == folded(self.label) or labelled):
                await click(workspace, one)
                return
        raise Failed(NOT_FOUND, f'"{self.who}" is shown without "{self.label}"')

    async def _found(self, workspace: Workspace) -> Thing:
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            scene = await workspace.scene()
            named = scene.all(lambda one: one.own and folded(one.text) == folded(self.who))
            if named:
                return only(named, f'entry "{self.who}"')
            further = next_pages(scene)
            if not further or scene.text in seen:
                break
            seen.add(scene.text)
            await click(workspace, further[0])
        raise Failed(NOT_FOUND, f'"{self.who}" is not on these pages')


@dataclass(frozen=True, slots=True)
class ClickResult:
    """Click the n-th result of a list that may go on over several pages."""

    words: str
    nth: int

    async def carry_out(self, workspace: Workspace) -> None:
        """Count through the pages."""
        passed = 0
        for _ in range(_MOST_PAGES):
            results = _results(await workspace.scene())
            if not results and not passed:
                await workspace.until(lambda survey: bool(survey.text.strip()), timeout=_PATIENCE)
                results = _results(await workspace.scene())
            if self.nth <= passed + len(results):
                await click(workspace, results[self.nth - passed - 1])
                return
            passed += len(results)
            further = next_pages(await workspace.scene())
            if not further or not results:
                break
            await click(workspace, further[0])
        raise Failed(NOT_FOUND, f"there are only {passed} results")


def _results(scene: Scene) -> list[Thing]:
    """The titles of results: links that look alike, in the largest group of them outside of menus and page numbers."""
    groups: dict[tuple[str, str], list[Thing]] = {}
    for one in scene.things:
        if one.tag != "a" or not one.text or one.landmark in ("nav", "navigation", "header", "banner", "footer"):
            continue
        if re.search(r"\bpag(e|er|ing|ination)\b", one.words) or re.fullmatch(
            r"\W*(\d+|first|last|next|previous)?\W*", one.text.lower()
        ):
            continue
        groups.setdefault((one.tag, one.words), []).append(one)
    return max(groups.values(), key=len, default=[])


@dataclass(frozen=True, slots=True)
class OrderItems:
    """Order some things of a list: these by name, or so many that are of a kind; then send the order."""

    words: str
    names: tuple[str, ...]
    count: int = 0
    kind: str = ""

    async def carry_out(self, workspace: Workspace) -> None:
        """Find all of them before the first is taken."""
        if self.kind:
            found = await workspace.rows({"label": "", "contains": self.kind}, press="+")
            if not found:
                raise Failed(NOT_FOUND, f'nothing is "{self.kind}"')
            # Where there are fewer than that, some are taken more than once.
            targets = [found[at % len(found)] for at in range(self.count)]
        else:
            targets = []
            for name in self.names:
                rows = await workspace.rows({"label": "", "equals": name}, press="+")
                if len(rows) != 1:
                    raise Failed(AMBIGUOUS if rows else NOT_FOUND, f'{len(rows)} things are called "{name}"')
                targets.append(rows[0])
        for target in targets:
            await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))
        buttons = (await workspace.scene()).all(lambda one: one.role == "button" and not one.disabled)
        ordering = [
            one for one in buttons if re.search(r"\b(order|submit|check ?out|buy)\b", one.called, re.IGNORECASE)
        ]
        await click(workspace, only(ordering, "button to order with"))
