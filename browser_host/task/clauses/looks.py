"""What shapes people mean when they say how they look: "the large red circle", "a letter", "small green items"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from browser_host.task.clauses.colours import NAMES, distance, is_shade_of, parsed
from browser_host.task.drawing import Shape
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed

_VERY_NEAR = 60.0
"""How far from the colour of a name, of 441, one may be that is called so before all other shades of it."""
_DIFFERENT = 1.25
"""From which ratio on two sizes are different to the eye."""
_ANYTHING = ("item", "object", "thing")
_POINT = 14.0
"""Up to so many pixels a circle is a point."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How something looks; parts that are empty are not asked for."""

    what: str = "item"
    """A kind, or the one letter or digit itself."""
    colour: str = ""
    size: str = ""
    """large or small beside the others; larger or smaller, largest or smallest: the one that is."""

    @property
    def words(self) -> str:
        """As people say it."""
        return " ".join(part for part in (self.size, self.colour, self.what) if part)

    @property
    def is_bare(self) -> bool:
        """It says nothing but what it is."""
        return not self.colour and not self.size

    @property
    def says_nothing(self) -> bool:
        """It says nothing at all of what it is."""
        return self.is_bare and self.what in _ANYTHING

    def among(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Those of the shapes that look so.

        Raises:
            Failed: AMBIGUOUS, all are of one size and a size is asked for.
        """
        found = [one for one in shapes if is_a(one, self.what)]
        if self.size in ("large", "small"):
            large = {one.id for one in _large(shapes)}
            found = [one for one in found if (one.id in large) == (self.size == "large")]
        if self.colour:
            found = _coloured(found, self.colour, shapes)
        if found and self.size and self.size not in ("large", "small"):
            extents = [one.extent for one in found]
            best = max(extents) if self.size.startswith(("large", "big")) else min(extents)
            found = [one for one in found if max(one.extent, best) < min(one.extent, best) * _DIFFERENT]
        return found

    def only(self, shapes: Sequence[Shape]) -> Shape:
        """The one that looks so.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        found = self.among(shapes)
        if not found:
            raise Failed(NOT_FOUND, f"no {self.words} is drawn on the page")
        if len(found) > 1:
            raise Failed(AMBIGUOUS, f"{len(found)} shapes look like the {self.words}: {listed(found)}")
        return found[0]


def is_a(shape: Shape, what: str) -> bool:
    """Whether a shape is what people call a circle, a letter, a point, …; or is this letter or digit."""
    kind = what.lower()
    if kind in _ANYTHING:
        return shape.kind not in ("line", "path", "polyline")
    if kind in ("shape", "figure"):
        return shape.kind not in ("text", "line", "path", "polyline")
    if kind == "letter":
        return shape.kind == "text" and len(shape.text) == 1 and shape.text.isalpha()
    if kind in ("digit", "number"):
        return shape.text.isdigit() and (kind == "number" or len(shape.text) == 1)
    if kind in ("point", "dot"):
        return shape.kind == "circle" and shape.extent <= _POINT
    if kind == "square":
        return shape.kind == "rectangle" and abs(shape.width - shape.height) <= 1
    if kind == "box":
        return shape.kind == "rectangle"
    if kind == "oval":
        return shape.kind == "ellipse"
    if len(what) == 1:
        return shape.kind == "text" and shape.text == what
    return shape.kind == kind


def listed(shapes: Iterable[Shape]) -> str:
    """Shapes in words, the first six."""
    words = [f"{one.called} at {one.middle[0]:.0f}, {one.middle[1]:.0f}" for one in shapes]
    return "; ".join(words[:6]) + (" …" if len(words) > 6 else "")


def _large(shapes: Sequence[Shape]) -> list[Shape]:
    """Of shapes of several sizes those that are nearer to the largest."""
    sizes = [one.extent for one in shapes if one.kind not in ("line", "path", "polyline")]
    if not sizes:
        return []
    least, most = min(sizes), max(sizes)
    if most < least * _DIFFERENT:
        raise Failed(AMBIGUOUS, "all shapes are of one size: none is large or small beside the others")
    return [one for one in shapes if one.extent**2 > least * most]


def _coloured(found: Sequence[Shape], name: str, all_shapes: Sequence[Shape]) -> list[Shape]:
    """Those of just this colour, if the drawing has it; else those of a shade of it."""
    wanted = NAMES[name]

    def near(one: Shape) -> bool:
        colour = parsed(one.fill or one.edge)
        return colour is not None and distance(colour, wanted) <= _VERY_NEAR

    if any(near(one) for one in all_shapes):
        return [one for one in found if near(one)]
    return [one for one in found if (colour := parsed(one.fill or one.edge)) and is_shade_of(colour, name)]
