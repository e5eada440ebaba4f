"""Clauses about what a page draws: shapes that are clicked, counted and named by how they look."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import click, fill, text_field
from browser_host.task.clauses.looks import Looks, is_a
from browser_host.task.clauses.questions import CountOf
from browser_host.task.drawing import Drawing, Shape
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.likeness import words_of
from browser_host.task.scene import Scene, Thing, only
from browser_host.task.workspace import Workspace

_NUMBER = r"-?\d+(?:\.\d+)?"
_PATIENCE = 2.0
"""Seconds in which a page that is still drawing may show what is meant."""
_DESCRIPTIONS = ("letter", "number", "digit", "circle", "square", "rectangle", "triangle", "ellipse", "oval",
                 "pentagon", "hexagon")  # fmt: skip
"""What a figure may be called, for buttons that say it."""


async def click_shape(workspace: Workspace, shape: Shape) -> None:
    """Press something the last drawing showed."""
    target = await workspace.target_of(shape.ref, shape.called)
    await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)))


async def _drawn(workspace: Workspace, looks: Looks) -> tuple[Shape, ...]:
    """What the page draws, once something of it looks so, or after a while."""
    end = workspace.steps.clock.monotonic() + _PATIENCE
    while True:
        shapes = (await workspace.drawing()).shapes
        if looks.among(shapes) or workspace.steps.clock.monotonic() >= end:
            return shapes
        await workspace.pause()


@dataclass(frozen=True, slots=True)
class ClickShape:
    """Click what looks so: the only one, or one of them where the prompt says "a"."""

    looks: Looks
    any: bool = False

    @property
    def words(self) -> str:
        """The clause."""
        return f"click {'a' if self.any else 'the'} {self.looks.words}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Something that can be pressed and is called like the kind comes first: a button "Circle"."""
        if self.looks.is_bare and (named := (await workspace.scene()).named(self.looks.what)):
            await click(workspace, only(named, f'"{self.looks.what}"'))
            return
        shapes = await _drawn(workspace, self.looks)
        found = self.looks.among(shapes)
        await click_shape(workspace, found[0] if self.any and found else self.looks.only(shapes))


@dataclass(frozen=True, slots=True)
class ClickEachShape:
    """Click all that look so, in page order."""

    looks: Looks

    @property
    def words(self) -> str:
        """The clause."""
        return f"click every {self.looks.words}"

    async def carry_out(self, workspace: Workspace) -> None:
        """A shape may go, or move, when another is clicked: each is looked for again."""
        found = self.looks.among(await _drawn(workspace, self.looks))
        if not found:
            raise Failed(NOT_FOUND, f"no {self.looks.words} is drawn on the page")
        for shape in found:
            now = (await workspace.drawing()).again(shape)
            if now is None:
                raise Failed(NOT_FOUND, f"the {shape.called} was there a moment ago and is gone")
            await click_shape(workspace, now)


@dataclass(frozen=True, slots=True)
class ClickCoordinate:
    """Click the point of a diagram that its markup calls by its coordinates: "(3, -1)"."""

    coordinates: tuple[str, ...]

    @property
    def words(self) -> str:
        """The clause."""
        return f"click the point ({', '.join(self.coordinates)})"

    async def carry_out(self, workspace: Workspace) -> None:
        """The name may say more than the coordinates, but no other ones."""
        shapes = (await workspace.drawing()).shapes
        called = [one for one in shapes if tuple(re.findall(_NUMBER, one.name)) == self.coordinates]
        if len(called) != 1:
            reason = AMBIGUOUS if called else NOT_FOUND
            raise Failed(reason, f"{len(called)} points of the drawing are called ({', '.join(self.coordinates)})")
        await click_shape(workspace, called[0])


@dataclass(frozen=True, slots=True)
class CountShapes:
    """How many shapes look so; a page that asks it itself, with nothing to press but numbers, is answered."""

    looks: Looks
    noun: str
    """As the prompt has it: where it says no colour and no size, records may be meant."""

    @property
    def words(self) -> str:
        """The clause."""
        return f"count the {self.noun}"

    async def carry_out(self, workspace: Workspace) -> None:
        """The page's own word about records of that name comes first."""
        if self.looks.is_bare and len(self.looks.what) > 1:
            try:
                await CountOf(self.noun).carry_out(workspace)
                return
            except Failed as failed:
                if failed.reason != NOT_FOUND:
                    raise
        count = _count(await workspace.drawing(), self.looks)
        buttons = (await workspace.scene()).all(lambda one: one.role == "button" and not one.disabled)
        if len(buttons) > 1 and all(button.called.isdigit() for button in buttons):
            await click(workspace, only([one for one in buttons if one.called == str(count)], f'button "{count}"'))
        workspace.output = {"count": count}


def _count(drawing: Drawing, looks: Looks) -> int:
    """
    Raises:
        Failed: NOT_FOUND, there are none, and the page has no drawing that shows that.
    """
    count = len(looks.among(drawing.shapes))
    if not count and not any(sheet.drawn for sheet in drawing.sheets.values()):
        raise Failed(NOT_FOUND, f"the page has no drawing with {looks.words}s to count")
    return count


@dataclass(frozen=True, slots=True)
class EnterCount:
    """Type how many of something the page shows into its text field."""

    noun: str
    looks: Looks | None

    @property
    def words(self) -> str:
        """The clause."""
        return f"type the number of {self.noun}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Count shapes that look so, or what the page's own markup calls so."""
        scene = await workspace.scene()
        count = _count(await workspace.drawing(), self.looks) if self.looks else len(self._marked(scene))
        await fill(workspace, text_field(scene), str(count))

    def _marked(self, scene: Scene) -> list[Thing]:
        """What is drawn and marked with the noun: class "addition-block" for blocks; all in the same way."""
        stem = words_of(self.noun)[-1]
        marked = scene.all(lambda one: not one.acts and words_of(one.words)[-1:] == [stem])
        if len({(one.tag, one.words) for one in marked}) != 1:
            raise Failed(NOT_FOUND, f"the page marks nothing, or several things, as {self.noun}")
        return marked


@dataclass(frozen=True, slots=True)
class DescribeFigure:
    """Press the button that says what the only figure of the page is."""

    words: str = "press the button that describes the figure"

    async def carry_out(self, workspace: Workspace) -> None:
        """What fits best is the most particular word: a square is a rectangle, too."""
        shapes = (await workspace.drawing()).shapes
        figure = Looks("item").only(shapes)
        buttons = (await workspace.scene()).all(lambda one: one.role == "button" and not one.disabled)
        named = {re.sub(r"\W+", "", one.called).lower(): one for one in buttons}
        fitting = [named[word] for word in _DESCRIPTIONS if word in named and is_a(figure, word)]
        if not fitting:
            raise Failed(NOT_FOUND, f"no button of the page describes a {figure.called}")
        await click(workspace, fitting[0])
