"""Clauses that drag shapes: some way, or into a box that the page draws. Done means that they lie there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.looks import Looks, listed
from browser_host.task.drawing import Point, Shape
from browser_host.task.failures import EXPECTATION_FAILED, NOT_FOUND, Failed
from browser_host.task.workspace import Workspace

_STEP = 40.0
"""Pixels of a drag for which nobody said how far."""
_LEAST = 4.0
"""Pixels from which on a shape has moved."""
_WAYS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


async def _drag(workspace: Workspace, shape: Shape, by: Point) -> Shape:
    """Drag a shape that the last drawing showed; the same shape afterwards.

    Raises:
        Failed: EXPECTATION_FAILED, it is gone.
    """
    target = await workspace.target_of(shape.ref, shape.called)
    offset = actions_pb2.Offset(x=round(by[0]), y=round(by[1]))
    await workspace.do(actions_pb2.Action(drag=actions_pb2.Drag(target=target, by=offset)))
    now = (await workspace.drawing()).again(shape)
    if now is None:
        raise Failed(EXPECTATION_FAILED, f"the {shape.called} was dragged and is gone")
    return now


@dataclass(frozen=True, slots=True)
class MoveShape:
    """Drag the one that looks so to the left, to the right, up or down."""

    looks: Looks
    way: str
    distance: int = 0
    """In pixels; 0: as far as there is room, 40 at most."""

    @property
    def words(self) -> str:
        """The clause."""
        return f"drag the {self.looks.words} {self.way}"

    async def carry_out(self, workspace: Workspace) -> None:
        """See that it lies further that way."""
        drawing = await workspace.drawing()
        shape = self.looks.only(drawing.shapes)
        dx, dy = _WAYS[self.way]
        sheet = drawing.sheets[shape.sheet]
        room = {
            "left": shape.x - sheet.x, "right": sheet.x + sheet.width - shape.x - shape.width,
            "up": shape.y - sheet.y, "down": sheet.y + sheet.height - shape.y - shape.height,
        }[self.way]  # fmt: skip
        length = self.distance or min(_STEP, max(room, _LEAST * 2))
        now = await _drag(workspace, shape, (dx * length, dy * length))
        moved = (now.middle[0] - shape.middle[0]) * dx + (now.middle[1] - shape.middle[1]) * dy
        if moved < _LEAST or (self.distance and abs(moved - length) > max(_LEAST, length / 4)):
            raise Failed(EXPECTATION_FAILED, f"the {shape.called} was dragged {self.way} and moved by {moved:.0f} px")


@dataclass(frozen=True, slots=True)
class BoxLooks:
    """Which box of the page: how it looks, or on which side it is of the only other one."""

    looks: Looks
    side: str = ""

    @property
    def words(self) -> str:
        """As people say it."""
        return f"{self.side} {self.looks.words}".strip()

    def among(self, boxes: Sequence[Shape]) -> Shape:
        """The one that is meant.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        if not self.side:
            return self.looks.only(boxes)
        if len(boxes) != 2:
            raise Failed(NOT_FOUND, f"there are {len(boxes)} boxes, so none is the {self.words}")
        along = 0 if self.side in ("left", "right") else 1
        first, last = sorted(boxes, key=lambda one: one.middle[along])
        return first if self.side in ("left", "top", "upper") else last


@dataclass(frozen=True, slots=True)
class DragInto:
    """Drag what looks so into a box, and all else into another one where that is said."""

    looks: Looks
    every: bool
    box: BoxLooks
    other_box: BoxLooks | None = None

    @property
    def words(self) -> str:
        """The clause."""
        rest = f", all else into the {self.other_box.words}" if self.other_box else ""
        return f"drag {'every' if self.every else 'the'} {self.looks.words} into the {self.box.words}{rest}"

    async def carry_out(self, workspace: Workspace) -> None:
        """Find all of them and the boxes before the first is moved; at the end each lies in its box, as a whole."""
        shapes = (await workspace.drawing()).shapes
        hollow = [one for one in shapes if one.kind == "rectangle" and not one.fill]
        boxes = hollow or [one for one in shapes if one.kind == "rectangle"]
        movable = [one for one in Looks("shape").among(shapes) if one not in hollow]
        chosen = self.looks.among(movable) if self.every else [self.looks.only(movable)]
        if not hollow:
            boxes = [one for one in boxes if one not in chosen]
        goals = [(self.box.among(boxes), chosen)]
        if self.other_box is not None:
            goals.append((self.other_box.among(boxes), [one for one in movable if one not in chosen]))
        if not any(placed for _, placed in goals):
            raise Failed(NOT_FOUND, f"no {self.looks.words} is drawn on the page")
        for box, placed in goals:
            for shape, place in zip(placed, _places(box, placed), strict=True):
                if not box.holds(shape):
                    await self._put(workspace, shape, place)
        now = await workspace.drawing()
        outside = [
            shape
            for box, placed in goals
            for shape in placed
            if (one := now.again(shape)) is None or not (now.again(box) or box).holds(one)
        ]
        if outside:
            raise Failed(EXPECTATION_FAILED, f"not all of it lies in its box now: {listed(outside)}")

    async def _put(self, workspace: Workspace, shape: Shape, place: Point) -> None:
        """Drag a shape to a place; a page may take it at another point than the middle, so look and correct once."""
        for _ in range(2):
            now = (await workspace.drawing()).again(shape)
            if now is None:
                raise Failed(EXPECTATION_FAILED, f"the {shape.called} is gone")
            away = (place[0] - now.middle[0], place[1] - now.middle[1])
            if max(map(abs, away)) <= _LEAST:
                return
            await _drag(workspace, now, away)


def _places(box: Shape, shapes: Sequence[Shape]) -> list[Point]:
    """Where the middles of the shapes may lie in a box, side by side as far as there is room."""
    cell = max((one.extent for one in shapes), default=0.0) + 2 * _LEAST
    columns, rows = max(1, int(box.width // cell)), max(1, int(box.height // cell))
    return [
        (
            box.x + box.width * (at % columns + 0.5) / columns,
            box.y + box.height * (at // columns % rows + 0.5) / rows,
        )
        for at in range(len(shapes))
    ]
