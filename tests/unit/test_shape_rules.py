"""How shapes are told from one another by what people say of them, and which prompts are about shapes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf import struct_pb2

from browser_host.task.clauses.looks import Looks
from browser_host.task.clauses.moved_shapes import BoxLooks, DragInto, MoveShape
from browser_host.task.clauses.points import BisectAngle, ClickMidpoint, CompleteRightAngle, DrawLine
from browser_host.task.clauses.shapes import ClickCoordinate, ClickEachShape, ClickShape, CountShapes, EnterCount
from browser_host.task.drawing import Drawing, Shape
from browser_host.task.failures import AMBIGUOUS, NEEDS_MODEL, NOT_FOUND, Failed
from browser_host.task.rules.rules import RulesPlanner
from browser_host.task.values import Parameters

RED, BLUE, LINK_BLUE, GREEN = "rgb(255, 0, 0)", "rgb(0, 0, 255)", "rgb(13, 110, 253)", "rgb(0, 128, 0)"


def shape(kind: str, fill: str = RED, extent: float = 10.0, text: str = "", **more: float) -> Shape:
    shape.count += 1  # type: ignore[attr-defined]
    place = {"x": 0.0, "y": 0.0, "width": extent, "height": extent, **more}
    number: int = shape.count  # type: ignore[attr-defined]
    return Shape(number, number, kind, text, "", fill, "", 1, extent=extent, ends=(), **place)


shape.count = 0  # type: ignore[attr-defined]


def found(looks: Looks, *shapes: Shape) -> list[int]:
    """At which places the shapes are that look so."""
    return [shapes.index(one) for one in looks.among(shapes)]


@pytest.mark.parametrize(
    ("looks", "places"),
    [
        (Looks("circle"), [0, 1]),
        (Looks("rectangle"), [2, 3]),
        (Looks("square"), [3]),
        (Looks("letter"), [4]),
        (Looks("number"), [5, 6]),
        (Looks("digit"), [5]),
        (Looks("Q"), []),
        (Looks("q"), [4]),
        (Looks("shape"), [0, 1, 2, 3]),
        (Looks("item"), [0, 1, 2, 3, 4, 5, 6]),
        (Looks("item", "red", "large"), [2, 6]),
        (Looks("circle", "", "small"), [0, 1]),
        (Looks("rectangle", "", "larger"), [2]),
        (Looks("item", "blue"), [1]),
        (Looks("item", "purple"), []),
    ],
)
def test_a_shape_is_told_by_its_kind_colour_and_size(looks: Looks, places: list[int]):
    shapes = (
        shape("circle"), shape("circle", BLUE), shape("rectangle", extent=40, height=20), shape("rectangle", GREEN),
        shape("text", GREEN, text="q"), shape("text", GREEN, text="7"), shape("text", extent=30, text="12"),
        shape("line"),
    )  # fmt: skip
    assert found(looks, *shapes) == places


def test_a_shade_has_a_name_only_where_nothing_has_the_colour_itself():
    assert found(Looks("circle", "blue"), shape("circle", LINK_BLUE), shape("circle")) == [0]
    assert found(Looks("circle", "blue"), shape("circle", LINK_BLUE), shape("circle", BLUE)) == [1]


def test_none_is_large_where_all_are_of_one_size():
    with pytest.raises(Failed) as failed:
        Looks("circle", "", "large").among([shape("circle"), shape("circle", extent=11)])
    assert failed.value.reason == AMBIGUOUS


@pytest.mark.parametrize(("count", "reason"), [(0, NOT_FOUND), (2, AMBIGUOUS)])
def test_the_one_is_neither_none_nor_several(count: int, reason: int):
    with pytest.raises(Failed) as failed:
        Looks("circle").only([shape("circle")] * count)
    assert failed.value.reason == reason


def test_a_box_is_told_by_its_side_only_beside_one_other():
    left, right = shape("rectangle"), shape("rectangle", x=50.0)
    assert BoxLooks(Looks("box"), "right").among([left, right]) == right
    with pytest.raises(Failed):
        BoxLooks(Looks("box"), "right").among([left, right, shape("rectangle", x=90.0)])


def test_what_lies_uppermost_at_a_place_is_found_and_hollow_shapes_are_seen_through():
    lower, upper = shape("rectangle"), shape("circle")
    drawing = Drawing((lower, upper, replace(shape("rectangle"), fill="")), {})
    assert drawing.upon((5, 5)) == upper
    assert drawing.upon((50, 5)) is None


@pytest.mark.parametrize(
    ("prompt", "meaning"),
    [
        ("Click the large red circle", ClickShape(Looks("circle", "red", "large"))),
        ("Click on a tiny Q", ClickShape(Looks("Q", "", "small"), True)),
        ("Find and click on the center of the circle", ClickShape(Looks("circle"))),
        ("Click all blue coloured squares", ClickEachShape(Looks("square", "blue"))),
        ("Click every small box", ClickEachShape(Looks("box", "", "small"))),
        ("Click the point (2.5, -1)", ClickCoordinate(("2.5", "-1"))),
        ("How many small green items are there?", CountShapes(Looks("item", "green", "small"), "small green items")),
        ("How many 7s are there?", CountShapes(Looks("7"), "7s")),
        ("Type the total number of blocks into the textbox", EnterCount("blocks", None)),
        ("Enter the number of red circles in the text field", EnterCount("red circles", Looks("circle", "red"))),
        ("Click the midpoint between the two dots", ClickMidpoint(Looks("dot"))),
        ("Add a third point to create a right angle", CompleteRightAngle()),
        ("Draw a line that halves the angle", BisectAngle()),
        ("Draw a vertical line that runs through the red dot", DrawLine(Looks("dot", "red"), True)),
        ("Drag the item up", MoveShape(Looks("item"), "up")),
        ("Move the red square to the left by 20 px", MoveShape(Looks("square", "red"), "left", 20)),
        (
            "Drag all circles into the left box, and everything else into the right box",
            DragInto(Looks("circle"), True, BoxLooks(Looks("box"), "left"), BoxLooks(Looks("box"), "right")),
        ),
        (
            "Drag the smaller box so that it is completely inside the larger box",
            DragInto(Looks("box", "", "smaller"), False, BoxLooks(Looks("box", "", "larger"))),
        ),
    ],
)
def test_a_prompt_about_shapes_is_understood(prompt: str, meaning: object):
    intents = RulesPlanner().plan(prompt, Parameters(struct_pb2.Struct())).intents
    assert intents[0] == meaning


@pytest.mark.parametrize(
    "prompt",
    ["Drag the red circle somewhere nice", "How many circles would fit?", "Click the point (a, b)",
     "Draw a pretty circle", "Click the circle unless it is red"],
)  # fmt: skip
def test_what_says_more_is_left_to_a_model(prompt: str):
    with pytest.raises(Failed) as failed:
        RulesPlanner().plan(prompt, Parameters(struct_pb2.Struct()))
    assert failed.value.reason == NEEDS_MODEL
