"""Shapes that a page draws, told by how they look: clicked, counted, dragged; done means that the page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.task_fixtures import Desk, act, impatient


async def js(desk: Desk, expression: str) -> Any:
    page = await desk.browser.current_page()
    return await page.evaluate(f"() => {expression}", timeout=2)


@pytest.mark.parametrize(
    ("prompt", "clicked"),
    [
        ("Click the large red circle", "big-red"),
        ("Click the small red circle", "small-red"),
        ("Click the blue circle", "small-blue"),
        ("Click the triangle", "triangle"),
        ("Click on a q", "letter"),
        ("Click the small digit", "digit"),
        ("Find and click on the center of the green square", "square"),
        ("Click the point (3, -1)", "sales"),
    ],
)
async def test_a_shape_is_clicked_by_how_it_looks(desk: Desk, prompt: str, clicked: str) -> None:
    await desk.open("/drawing.html")
    outcome = await desk.run(prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.getElementById('out').textContent") == f"clicked {clicked}"


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Click the circle", "AMBIGUOUS"),
        ("Click the small circle", "AMBIGUOUS"),
        ("Click the purple circle", "NOT_FOUND"),
        ("Click the point (3, 1)", "NOT_FOUND"),
        ("Drag the triangle to the left", "NO_EFFECT"),
    ],
)
async def test_a_shape_that_is_not_the_one_is_no_success(desk: Desk, prompt: str, reason: str) -> None:
    await desk.open("/drawing.html")
    with impatient():
        outcome = await desk.run(prompt=prompt)
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome
    assert await js(desk, "document.getElementById('out').textContent") == "nothing yet"


@pytest.mark.parametrize(
    ("prompt", "count"),
    [
        ("How many red circles are there?", 2),
        ("How many small circles are there?", 3),
        ("How many purple shapes are there?", 0),
        ("How many letters are there?", 1),
    ],
)
async def test_shapes_are_counted(desk: Desk, prompt: str, count: int) -> None:
    await desk.open("/drawing.html")
    outcome = await desk.run(prompt=prompt)
    assert (outcome.status, outcome.output) == ("COMPLETED", {"count": count}), outcome


async def test_what_the_page_marks_as_something_is_counted_into_its_field(desk: Desk) -> None:
    await desk.open("/drawing.html")
    outcome = await desk.run(prompt="Type the number of stocks into the textbox")
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.querySelector('input').value") == "3"


INSIDE = """((one, other) => {
  const [a, b] = [one, other].map((css) => document.querySelector(css).getBoundingClientRect());
  return a.left >= b.left - 2 && a.top >= b.top - 2 && a.right <= b.right + 2 && a.bottom <= b.bottom + 2;
})"""


async def test_shapes_are_dragged_into_a_box_and_lie_in_it(desk: Desk) -> None:
    await desk.open("/drawing.html")
    outcome = await desk.run(prompt="Drag all red circles into the black box, then move the blue circle down by 30 px")
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, f"{INSIDE}('#big-red', '#frame') && {INSIDE}('#small-red', '#frame')")
    assert await js(desk, "document.getElementById('small-blue').style.transform") == "translate(0px, 30px)"


async def test_what_springs_back_is_not_in_its_box(desk: Desk) -> None:
    await desk.open("/drawing.html?stuck")
    outcome = await desk.run(prompt="Drag the blue circle into the black box")
    assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED"), outcome


@pytest.mark.parametrize(
    ("page", "prompt"),
    [
        ("points", "Find and click on the shortest mid-point between the two points"),
        ("points", "Add a third point to create a right angle"),
        ("angle", "Create a line that bisects the angle evenly in two"),
        ("dot", "Draw a vertical line that runs through the dot"),
        ("dot", "Draw a horizontal line through the point"),
    ],
)
async def test_a_point_or_line_is_drawn_where_it_must_be_and_nowhere_else(desk: Desk, page: str, prompt: str) -> None:
    await desk.open(f"/geometry.html?{page}")
    outcome = await desk.run(prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    await desk.open(f"/geometry.html?{page}&shifted")
    outcome = await desk.run(prompt=prompt)
    if prompt != "Draw a horizontal line through the point":  # shifted along itself it still goes through
        assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED"), outcome


async def test_an_element_is_pressed_and_taken_at_a_point_of_it(desk: Desk) -> None:
    await desk.open("/geometry.html?points")
    outcome = await desk.run(act("click", target={"css": "#sheet"}, at={"x": 20, "y": 180}))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.getElementById('out').textContent") == "20, 180"
    await desk.open("/geometry.html?dot")
    outcome = await desk.run(act("drag", target={"css": "#sheet"}, at={"x": 10, "y": 20}, by={"x": 50}))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.querySelector('path').getAttribute('d')") == "M10,20 L60,20"


async def test_a_point_outside_of_the_element_is_not_pressed(desk: Desk) -> None:
    await desk.open("/geometry.html?points")
    outcome = await desk.run(act("click", target={"css": "#sheet"}, at={"x": 20, "y": 280}, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT"), outcome
    assert await js(desk, "document.getElementById('out').textContent") == "nothing yet"
