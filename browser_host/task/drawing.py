"""What a page draws at a moment: shapes of SVG drawings and plain boxes, by kind, colour, size and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Point = tuple[float, float]
"""x and y in CSS pixels of the page."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape that shows."""

    ref: int
    """Its number in this drawing."""
    id: int
    """Its number as long as its document lives."""
    kind: str
    """circle, ellipse, rectangle, triangle, quadrilateral, pentagon, hexagon, polygon, polyline, line, path or text."""
    text: str
    name: str
    """What its markup calls it: a label, a title or its id."""
    fill: str
    """The computed colour that it is filled with; empty where it is hollow."""
    edge: str
    """That of its outline; empty for none."""
    sheet: int
    """The `id` of the drawing, or of the part of the page, that it lies in."""
    x: float
    y: float
    width: float
    height: float
    extent: float
    """The longer side, or the size of the letters, by which people call it large or small."""
    ends: tuple[Point, ...]
    """Where a line begins and ends."""

    @property
    def middle(self) -> Point:
        """The middle of its box."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def called(self) -> str:
        """In words, for messages."""
        return f'{self.kind} "{self.text or self.name}"' if self.text or self.name else self.kind

    def holds(self, other: Shape, slack: float = 2.0) -> bool:
        """Whether another shape lies inside, all of it but for `slack` pixels."""
        return (
            self.x - slack <= other.x
            and self.y - slack <= other.y
            and other.x + other.width <= self.x + self.width + slack
            and other.y + other.height <= self.y + self.height + slack
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """What shapes lie on: a drawing, or a part of the page."""

    ref: int
    drawn: bool
    """It is a drawing: one of SVG."""
    x: float
    y: float
    width: float
    height: float

    def has(self, place: Point, margin: float = 6.0) -> bool:
        """Whether a place lies on it, and not at its very edge."""
        x, y = place[0] - self.x, place[1] - self.y
        return margin <= x <= self.width - margin and margin <= y <= self.height - margin


@dataclass(frozen=True, slots=True)
class Drawing:
    """All shapes of a page in page order."""

    shapes: tuple[Shape, ...]
    sheets: dict[int, Sheet]

    @classmethod
    def of(cls, found: dict[str, Any]) -> Drawing:
        """Out of the script's answer."""
        shapes = tuple(Shape(**{**one, "ends": tuple((x, y) for x, y in one["ends"])}) for one in found["shapes"])
        return cls(shapes, {int(number): Sheet(**sheet) for number, sheet in found["sheets"].items()})

    def again(self, shape: Shape) -> Shape | None:
        """The same shape as it is now; None where it is gone."""
        return next((one for one in self.shapes if one.id == shape.id), None)

    def beyond(self, earlier: Drawing) -> tuple[Shape, ...]:
        """What is new since an earlier look."""
        known = {one.id for one in earlier.shapes}
        return tuple(one for one in self.shapes if one.id not in known)

    def upon(self, place: Point) -> Shape | None:
        """The filled shape that lies uppermost at a place; None where there is none."""
        x, y = place
        there = [
            one
            for one in self.shapes
            if one.fill and one.x <= x <= one.x + one.width and one.y <= y <= one.y + one.height
        ]
        return there[-1] if there else None
