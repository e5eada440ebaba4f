"""Shapes that a page draws, told by how they look: clicked, counted, dragged; done means that the page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.task_fixtures import Desk


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
