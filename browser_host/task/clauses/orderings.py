"""Clauses that compare, order or move things by what they say: numbers, tickets, entries of lists that are dragged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import choose_suggestion, click, fill, text_field
from browser_host.task.clauses.shapes import click_shape
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, STALLED, Failed
from browser_host.task.likeness import likeness
from browser_host.task.scene import Scene, Thing, folded, only
from browser_host.task.workspace import Workspace

_NUMBER = re.compile(r"\s*[-\u2212]?\d+(?:\.\d+)?\s*")
_MOST_TRIES = 100
_SURE = 54
_LABEL_MARGIN = 10


def number_of(one: Thing) -> float | None:
    """The number that is all that something says."""
    text = one.text or one.name
    return float(text.strip().replace("\u2212", "-")) if text and _NUMBER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class ClickInOrder:
    """Click all numbers of the page, the least or the greatest first."""

    words: str
    descending: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Read them all, then click; each click must do something. A number that hides is clicked where it stood."""
        numbers = [(number_of(one), one) for one in (await workspace.scene()).things if one.own and not one.editable]
        found = sorted(
            ((number, one) for number, one in numbers if number is not None),
            key=lambda pair: pair[0],
            reverse=self.descending,
        )
        if len(found) < 2:
            raise Failed(NOT_FOUND, "there are no numbers to click on the page")
        for number, stood in found:
            # What was clicked may go, and what is left is counted anew.
            await self._click_number(workspace, number, stood)

    async def _click_number(self, workspace: Workspace, number: float, stood: Thing) -> None:
        end = workspace.steps.clock.monotonic() + 2.0
        middle = (stood.x + stood.width / 2, stood.y + stood.height / 2)
        while True:
            left = [one for one in (await workspace.scene()).things if one.own and number_of(one) == number]
            cover = None if left else (await workspace.drawing()).upon(middle)
            if cover is not None:
                await click_shape(workspace, cover)
                return
            if left or workspace.steps.clock.monotonic() >= end:
                await click(workspace, only(left, f"number {number:g}"))
                return
            await workspace.pause()


@dataclass(frozen=True, slots=True)
class PickGreatest:
    """Pick the card with the greatest or least number, turning cards over where their numbers do not show."""

    words: str
    least: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Look at each card, then pick."""
        cards = _cards(await workspace.scene())
        seen: dict[int, float] = {}
        for card in cards:
            now = _shown_on(await workspace.scene(), card)
            if now is None:
                await click(workspace, await self._again(workspace, card))
                now = _shown_on(await workspace.scene(), card)
            if now is None:
                raise Failed(NOT_FOUND, "a card shows no number, also when it is turned over")
            seen[card.id] = now
        best = (min if self.least else max)(seen.values())
        if list(seen.values()).count(best) > 1:
            raise Failed(AMBIGUOUS, f"several cards have the number {best:g}")
        chosen = next(card for card in cards if seen[card.id] == best)
        if chosen is not cards[-1] or _shown_on(await workspace.scene(), cards[0]) is not None:
            await click(workspace, await self._again(workspace, chosen))

    async def _again(self, workspace: Workspace, card: Thing) -> Thing:
        return only([one for one in (await workspace.scene()).things if one.id == card.id], "card")


def _cards(scene: Scene) -> list[Thing]:
    cards = [
        one for one in scene.things if re.search(r"\bcard\b", one.words) and not re.search(r"\bvalue\b", one.words)
    ]
    if len(cards) < 2:
        raise Failed(NOT_FOUND, "there are no cards on the page")
    return cards


def _shown_on(scene: Scene, card: Thing) -> float | None:
    for one in scene.things:
        inside = (
            card.x <= one.x + one.width / 2 <= card.x + card.width
            and card.y <= one.y + one.height / 2 <= card.y + card.height
        )
        if inside and one.own and number_of(one) is not None:
            return number_of(one)
    return None


@dataclass(frozen=True, slots=True)
class PressUntil:
    """Press a button until the number that it changes is as asked."""

    words: str
    button: str
    wanted: Callable[[float], bool]

    async def carry_out(self, workspace: Workspace) -> None:
        """The number is the only one of the page."""
        for _ in range(_MOST_TRIES):
            scene = await workspace.scene()
            numbers = [number_of(one) for one in scene.things if one.own and number_of(one) is not None]
            if len(numbers) > 1:
                raise Failed(AMBIGUOUS, "the page shows several numbers")
            if numbers and self.wanted(numbers[0] or 0.0):
                return
            button = only(scene.named(self.button), f'button "{self.button}"')
            try:
                await click(workspace, button)
            except Failed as failed:
                # The same number may come again.
                if failed.reason != NO_EFFECT:
                    raise
        raise Failed(STALLED, f'"{self.button}" was pressed {_MOST_TRIES} times in vain')


@dataclass(frozen=True, slots=True)
class GuessNumber:
    """Guess a number by halves, from what the page says to each guess."""

    words: str
    least: int
    most: int

    async def carry_out(self, workspace: Workspace) -> None:
        """Go on until the page says neither lower nor higher."""
        least, most = self.least, self.most
        while least <= most:
            guess = (least + most) // 2
            scene = await workspace.scene()
            await fill(workspace, text_field(scene), str(guess))
            await click(workspace, (await workspace.scene()).sender("submit"))
            said = [one.text.lower() for one in (await workspace.scene()).things if one.own]
            if any(re.search(r"\bis (lower|less|smaller)\b|\btoo (high|large|big)\b", text) for text in said):
                most = guess - 1
            elif any(re.search(r"\bis (higher|greater|larger|bigger)\b|\btoo (low|small)\b", text) for text in said):
                least = guess + 1
            else:
                return
        raise Failed(EXPECTATION_FAILED, f"no number from {self.least} to {self.most} was right")


@dataclass(frozen=True, slots=True)
class MarkOddOrEven:
    """Mark each number of the page as odd or even with the button beside it."""

    words: str = "mark each number as odd or even"

    async def carry_out(self, workspace: Workspace) -> None:
        """The button is the one of that name in the same row."""
        scene = await workspace.scene()
        numbers = [one for one in scene.things if one.own and not one.acts and number_of(one) is not None]
        if not numbers:
            raise Failed(NOT_FOUND, "there are no numbers on the page")
        pressed = []
        for one in numbers:
            word = "even" if round(number_of(one) or 0) % 2 == 0 else "odd"
            beside = [
                b
                for b in scene.named(word)
                if abs(b.y + b.height / 2 - one.y - one.height / 2) < max(one.height, b.height)
            ]
            pressed.append(only(beside, f'button "{word}" beside {one.text}'))
        targets = [await workspace.target_of(button.ref, button.called) for button in pressed]
        for target in targets:
            await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))


# Rows


@dataclass(frozen=True, slots=True)
class PickByOrder:
    """Press the button of the row that is the first in some order: the cheapest, the shortest, …"""

    words: str
    order_by: str
    descending: bool
    button: str

    async def carry_out(self, workspace: Workspace) -> None:
        """A row is compared by the value with this label."""
        press = actions_pb2.Target(role="button", name=self.button)
        pick = actions_pb2.PickRow(order_by=self.order_by, descending=self.descending, press=press)
        await workspace.do(actions_pb2.Action(pick_row=pick))


@dataclass(frozen=True, slots=True)
class BookTrip:
    """Look up a trip from one place to another on a day, and book the first in some order."""

    words: str
    start: str
    end: str
    date: str
    order_by: str
    descending: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Fill places from what the fields suggest, the date, search, pick."""
        for label, place in (("from", self.start), ("to", self.end)):
            fields = (await workspace.scene()).text_fields()
            named = [one for one in fields if re.match(rf"\W*{label}\b", one.name, re.IGNORECASE)]
            field = only(named, f'field "{label}"')
            chosen = await choose_suggestion(workspace, field, place, lambda text, place=place: is_place(text, place))
            after = [one for one in (await workspace.scene()).things if one.id == field.id]
            if after and not is_place(after[0].value, place):
                raise Failed(EXPECTATION_FAILED, f'"{label}" shows "{after[0].value[:60]}" and not "{chosen[:60]}"')
        dates = (await workspace.scene()).all(
            lambda one: (
                one.tag == "input" and not one.disabled and (one.readonly or one.type == "date" or "date" in one.words)
            )
        )
        day = only(dates, "field for the date")
        target = await workspace.target_of(day.ref, day.called or day.role)
        await workspace.do(actions_pb2.Action(set_date=actions_pb2.SetDate(target=target, date=self.date)))
        await click(workspace, (await workspace.scene()).sender("search"))
        press = actions_pb2.Target(role="button", name="Book")
        pick = actions_pb2.PickRow(order_by=self.order_by, descending=self.descending, press=press)
        await workspace.do(actions_pb2.Action(pick_row=pick))


def is_place(text: str, place: str) -> bool:
    """Whether a text names a place, whole or first in it, or has it as its code: "LAR" is not Laredo."""
    words = folded(text)
    return re.match(rf"{re.escape(folded(place))}(?!\w)", words) is not None or f"({folded(place)})" in words


@dataclass(frozen=True, slots=True)
class SearchBy:
    """Fill several fields of a search by what they are for, and send it."""

    words: str
    facets: tuple[tuple[str, str], ...]
    """What a field is for, and its value."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Match all labels before the first field is filled."""
        scene = await workspace.scene()
        fields = scene.text_fields()
        chosen = [(_field_for(fields, facet), value) for facet, value in self.facets]
        if len({field.id for field, _ in chosen}) < len(chosen):
            raise Failed(AMBIGUOUS, "two of the values would go into the same field")
        for field, value in chosen:
            again = only([one for one in (await workspace.scene()).things if one.id == field.id], field.name)
            await fill(workspace, again, value)
        await click(workspace, (await workspace.scene()).sender("search"))


def _field_for(fields: list[Thing], facet: str) -> Thing:
    rated = sorted(
        ((max(likeness(word, one.name) for word in facet.split("|")), one) for one in fields), key=lambda pair: -pair[0]
    )
    if not rated or rated[0][0] < _SURE:
        raise Failed(NOT_FOUND, f'there is no field for "{facet.split("|")[0]}" on the page')
    if len(rated) > 1 and rated[0][0] - rated[1][0] < _LABEL_MARGIN:
        raise Failed(AMBIGUOUS, f'several fields may be for "{facet.split("|")[0]}"')
    return rated[0][1]


@dataclass(frozen=True, slots=True)
class PressWhen:
    """Press a button as soon as a number of the page is less or greater than another."""

    words: str
    button: str
    shown: str
    """What the page must show, so that it is the right one; may be empty."""
    label: str
    less: bool
    than: float

    async def carry_out(self, workspace: Workspace) -> None:
        """Wait as long as the run may take, then press at once."""
        scene = await workspace.scene()
        if self.shown and folded(self.shown) not in folded(scene.text):
            raise Failed(NOT_FOUND, f'the page does not show "{self.shown}"')
        button = await workspace.target_of(only(scene.named(self.button), f'button "{self.button}"').ref, self.button)
        number = actions_pb2.NumberIs(label=self.label)
        if self.less:
            number.less_than = self.than
        else:
            number.greater_than = self.than
        wait = actions_pb2.Wait(condition=actions_pb2.Expect(number=number))
        await workspace.do(
            actions_pb2.Action(wait=wait, timeout=Duration(seconds=int(max(min(workspace.steps.left(), 600), 1))))
        )
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=button)))


# Dragging in lists


@dataclass(frozen=True, slots=True)
class DragEntry:
    """Drag an entry to another place of its list or grid."""

    words: str
    name: str
    place: str
    """up, down, left, right; top, bottom; a number from 1; or "top left" and so on in a grid."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Find the list by what looks like the entry."""
        entries = alike(await workspace.scene(), self.name)
        at = next(i for i, one in enumerate(entries) if folded(one.text) == folded(self.name))
        columns = len({round(one.x / 4) for one in entries})
        goal = self._goal(at, len(entries), columns)
        if not 0 <= goal < len(entries):
            raise Failed(NOT_FOUND, f'"{self.name}" cannot go there: it is number {at + 1} of {len(entries)}')
        await drag(workspace, entries[at], entries[goal], after=goal > at) if goal != at else None

    def _goal(self, at: int, count: int, columns: int) -> int:
        steps = {"up": -columns, "down": columns, "left": -1, "right": 1}
        if self.place in steps:
            if self.place in ("left", "right") and (at + steps[self.place]) // columns != at // columns:
                return -1
            return at + steps[self.place]
        if self.place.isdigit():
            return int(self.place) - 1
        if columns == 1:
            return {"top": 0, "bottom": count - 1}.get(self.place, -1)
        rows = -(-count // columns)
        words = self.place.split()
        row = 0 if "top" in words else rows - 1 if "bottom" in words else (rows - 1) // 2
        column = 0 if "left" in words else columns - 1 if "right" in words else (columns - 1) // 2
        return row * columns + column


def alike(scene: Scene, name: str) -> list[Thing]:
    """The entries of the list that has one of this name, in the order of their places: those that look like it.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    one = only([thing for thing in scene.things if thing.own and folded(thing.text) == folded(name)], f'entry "{name}"')
    entries = [other for other in scene.things if other.own and _looks_like(other, one)]
    return sorted(entries, key=lambda other: (round(other.y / 4), other.x))


def _looks_like(other: Thing, one: Thing) -> bool:
    return (other.tag, other.words, other.role) == (one.tag, one.words, one.role) and abs(other.height - one.height) < 3


async def drag(workspace: Workspace, one: Thing, other: Thing, *, after: bool) -> None:
    """Drag an entry before or after another."""
    target, place = [await workspace.target_of(thing.ref, thing.text) for thing in (one, other)]
    move = actions_pb2.Drag(target=target, after=place) if after else actions_pb2.Drag(target=target, before=place)
    await workspace.do(actions_pb2.Action(drag=move))


@dataclass(frozen=True, slots=True)
class SortByDragging:
    """Sort a list of numbers by dragging its entries."""

    words: str
    descending: bool

    async def carry_out(self, workspace: Workspace) -> None:
        """Bring one after the other to its place, and see that the order is right at the end."""
        for place in range(_MOST_TRIES):
            entries = self._entries(await workspace.scene())
            ordered = sorted(entries, key=lambda one: number_of(one) or 0.0, reverse=self.descending)
            wrong = [i for i, one in enumerate(entries) if number_of(one) != number_of(ordered[i])]
            if not wrong:
                return
            if place >= len(entries) * 2:
                break
            await drag(workspace, ordered[wrong[0]], entries[wrong[0]], after=False)
        raise Failed(EXPECTATION_FAILED, "the list is not in order after all was dragged")

    def _entries(self, scene: Scene) -> list[Thing]:
        numbers = [one for one in scene.things if one.own and not one.editable and number_of(one) is not None]
        if len(numbers) < 2:
            raise Failed(NOT_FOUND, "there is no list of numbers on the page")
        groups = {(one.tag, one.words) for one in numbers}
        if len(groups) > 1:
            raise Failed(AMBIGUOUS, "the page has several kinds of numbers")
        return sorted(numbers, key=lambda one: (round(one.y / 4), one.x))
