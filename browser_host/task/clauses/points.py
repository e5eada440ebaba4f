"""Clauses about points and lines of a drawing: midpoints, right angles, halves of angles, lines through a point.

What is to be drawn is worked out from what the page shows; that it is there is read off the drawing afterwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.looks import Looks
from browser_host.task.drawing import Drawing, Point, Shape, Sheet
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.workspace import Workspace

_NEAR = 6.0
"""Pixels within which two places are one."""
_ANGLE = math.radians(5)
"""How far an angle may be off."""
_ARM = 40
"""Pixels from the vertex of an angle to a point that is added."""
_LEAST_ARM = 12


async def _click_at(workspace: Workspace, sheet: Sheet, place: Point) -> None:
    target = await workspace.target_of(sheet.ref, "the drawing")
    at = actions_pb2.Offset(x=round(place[0] - sheet.x), y=round(place[1] - sheet.y))
    await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target, at=at)))


def _near(one: Point, other: Point) -> bool:
    return math.dist(one, other) <= _NEAR


def _towards(start: Point, end: Point) -> Point:
    """The direction from one place to another, of length 1."""
    length = math.dist(start, end) or 1.0
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length


def _angle(vertex: Point, one: Point, other: Point) -> float:
    """The angle at the vertex, 0 to pi."""
    a, b = _towards(vertex, one), _towards(vertex, other)
    return math.acos(max(-1.0, min(1.0, a[0] * b[0] + a[1] * b[1])))


def _arm(sheet: Sheet, vertex: Point, way: Point) -> Point | None:
    """A place that way from the vertex, as far as there is room; None where there is none."""
    for length in range(_ARM, _LEAST_ARM - 1, -4):
        place = (vertex[0] + way[0] * length, vertex[1] + way[1] * length)
        if sheet.has(place):
            return place
    return None


def _far_ends(drawing: Drawing, vertex: Point) -> list[Point]:
    """Where the lines end that begin at a place."""
    ends = [one.ends for one in drawing.shapes if one.kind == "line"]
    return [b for a, b in ends if _near(a, vertex)] + [a for a, b in ends if _near(b, vertex)]


@dataclass(frozen=True, slots=True)
class ClickMidpoint:
    """Click half way between the only two that look so."""

    looks: Looks

    @property
    def words(self) -> str:
        """The clause."""
        return f"click half way between the two {self.looks.what}s"

    async def carry_out(self, workspace: Workspace) -> None:
        """Something must come to stand there."""
        before = await workspace.drawing()
        sheet, (one, other) = _two(before, self.looks)
        middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
        await _click_at(workspace, sheet, middle)
        drawn = (await workspace.drawing()).beyond(before)
        if drawn and not any(_near(shape.middle, middle) for shape in drawn):
            raise Failed(EXPECTATION_FAILED, "what was drawn does not lie half way between the two")


def _two(drawing: Drawing, looks: Looks) -> tuple[Sheet, tuple[Point, Point]]:
    """The middles of the only two that look so, and what they lie on.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    found = looks.among(drawing.shapes)
    if len(found) != 2 or found[0].sheet != found[1].sheet:
        reason = AMBIGUOUS if len(found) > 2 else NOT_FOUND
        raise Failed(reason, f"the page draws {len(found)} {looks.what}s, not two in one drawing")
    return drawing.sheets[found[0].sheet], (found[0].middle, found[1].middle)


@dataclass(frozen=True, slots=True)
class CompleteRightAngle:
    """Add a point to two so that there is a right angle at one of them."""

    words: str = "add a point for a right angle"

    async def carry_out(self, workspace: Workspace) -> None:
        """The page joins the new point with one of the two: if not with the first that was tried, with the other."""
        sheet, points = _two(await workspace.drawing(), Looks("point"))
        for vertex, other in (points[::-1], points):
            x, y = _towards(vertex, other)
            place = _arm(sheet, vertex, (-y, x)) or _arm(sheet, vertex, (y, -x))
            if place is None:
                continue
            await _click_at(workspace, sheet, place)
            now = await workspace.drawing()
            angles = [_angle(vertex, end, other) for end in _far_ends(now, vertex) if not _near(end, other)]
            if any(abs(angle - math.pi / 2) <= _ANGLE for angle in angles):
                return
        raise Failed(EXPECTATION_FAILED, "a point was added and the drawing has no right angle")


@dataclass(frozen=True, slots=True)
class BisectAngle:
    """Add a point, and with it a line, that halves the only angle of the drawing."""

    words: str = "halve the angle"

    async def carry_out(self, workspace: Workspace) -> None:
        """The new line must begin at the vertex and be as far from one arm as from the other."""
        before = await workspace.drawing()
        lines = [one for one in before.shapes if one.kind == "line"]
        if len(lines) != 2 or lines[0].sheet != lines[1].sheet:
            raise Failed(
                AMBIGUOUS if len(lines) > 2 else NOT_FOUND, f"the page draws {len(lines)} lines, not one angle"
            )
        vertex = next((a for a in lines[0].ends for b in lines[1].ends if _near(a, b)), None)
        if vertex is None:
            raise Failed(NOT_FOUND, "the two lines of the drawing do not meet")
        one, other = _far_ends(before, vertex)
        a, b = _towards(vertex, one), _towards(vertex, other)
        place = _arm(before.sheets[lines[0].sheet], vertex, _towards((0, 0), (a[0] + b[0], a[1] + b[1])))
        if place is None:
            raise Failed(NOT_FOUND, "there is no room for a line between the two")
        await _click_at(workspace, before.sheets[lines[0].sheet], place)
        drawn = Drawing((await workspace.drawing()).beyond(before), {})
        if not any(_halves(vertex, one, other, end) for end in _far_ends(drawn, vertex)):
            raise Failed(EXPECTATION_FAILED, "the drawing has no line that halves the angle")


def _halves(vertex: Point, one: Point, other: Point, end: Point) -> bool:
    half = _angle(vertex, one, other) / 2
    return all(abs(_angle(vertex, arm, end) - half) <= _ANGLE for arm in (one, other))


@dataclass(frozen=True, slots=True)
class DrawLine:
    """Draw an upright or a level line through a shape by dragging over the drawing."""

    looks: Looks
    upright: bool

    @property
    def words(self) -> str:
        """The clause."""
        return f"draw {'an upright' if self.upright else 'a level'} line through the {self.looks.words}"

    async def carry_out(self, workspace: Workspace) -> None:
        """From one side of the shape to the other; the new line must be straight and go through it."""
        before = await workspace.drawing()
        shape = self.looks.only(before.shapes)
        sheet = before.sheets[shape.sheet]
        way = (0.0, 1.0) if self.upright else (1.0, 0.0)
        start = _arm(sheet, shape.middle, (-way[0], -way[1]))
        end = _arm(sheet, shape.middle, way)
        if start is None or end is None:
            raise Failed(NOT_FOUND, f"there is no room for a line through the {shape.called}")
        target = await workspace.target_of(sheet.ref, "the drawing")
        at = actions_pb2.Offset(x=round(start[0] - sheet.x), y=round(start[1] - sheet.y))
        by = actions_pb2.Offset(x=round(end[0] - start[0]), y=round(end[1] - start[1]))
        await workspace.do(actions_pb2.Action(drag=actions_pb2.Drag(target=target, at=at, by=by)))
        drawn = (await workspace.drawing()).beyond(before)
        if not any(self._goes_through(line, shape) for line in drawn):
            raise Failed(EXPECTATION_FAILED, f"no line goes through the {shape.called} after it was drawn")

    def _goes_through(self, line: Shape, shape: Shape) -> bool:
        length, breadth = (line.height, line.width) if self.upright else (line.width, line.height)
        x, y = shape.middle
        over = line.x - _NEAR <= x <= line.x + line.width + _NEAR and line.y <= y <= line.y + line.height
        across = line.y - _NEAR <= y <= line.y + line.height + _NEAR and line.x <= x <= line.x + line.width
        return (over if self.upright else across) and length >= 2 * _LEAST_ARM and breadth <= length / 3
