"""Drags, ranges, dates, selections, rows, repeated clicks on a page of our own: done means that the page shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.task_fixtures import Desk, act


async def js(desk: Desk, expression: str) -> Any:
    page = await desk.browser.current_page()
    return await page.evaluate(f"() => {expression}", timeout=2)


@pytest.mark.parametrize(
    ("which", "value", "shown"),
    [
        ({"name": "Volume"}, 37, "document.getElementById('volume').value"),
        ({"name": "Amount"}, 7, "document.getElementById('amount').value"),
        ({"role": "slider", "name": "Brightness"}, 17, "document.getElementById('bright').textContent"),
        ({"role": "slider", "name": "Brightness"}, 0, "document.getElementById('bright').textContent"),
    ],
)
async def test_a_slider_or_spinner_is_set_and_read_back(desk: Desk, which, value, shown) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("set_range", target=which, value=value, timeout=10))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, shown) == str(value)


@pytest.mark.parametrize(
    ("which", "value", "reason", "words"),
    [
        ({"name": "Amount"}, 12, "NOT_FOUND", "takes 1 to 9"),
        ({"role": "slider", "name": "Brightness"}, 25, "EXPECTATION_FAILED", "does not go beyond 20"),
        ({"role": "slider", "name": "Stuck"}, 4, "EXPECTATION_FAILED", "does not go beyond 3"),
    ],
)
async def test_a_number_that_is_not_reached_is_no_success(desk: Desk, which, value, reason, words) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("set_range", target=which, value=value, timeout=10))
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome
    assert words in outcome.message


@pytest.mark.parametrize(
    ("name", "date", "shown"),
    [
        ("Arrival", "2026-11-22", "2026-11-22"),
        ("Birthday", "1985-02-03", "03.02.1985"),
        ("Meeting", "2026-03-09", "3/9/2026"),
        ("Meeting", "2025-12-30", "12/30/2025"),
    ],
)
async def test_a_date_is_typed_or_chosen_in_the_calendar(desk: Desk, name, date, shown) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("set_date", target={"name": name}, date=date, timeout=10))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, f"document.getElementById('{name.lower()}').value") == shown


async def test_text_is_selected_whole_or_in_part(desk: Desk) -> None:
    await desk.open("/gestures.html")
    for text, selected in (
        ("", "The quick brown fox jumps over the lazy dog. The dog sleeps."),
        ("lazy dog", "lazy dog"),
    ):
        outcome = await desk.run(act("select_text", target={"css": "#story"}, text=text))
        assert outcome.status == "COMPLETED", outcome
        assert await js(desk, "getSelection().toString()") == selected


@pytest.mark.parametrize(("text", "reason"), [("cat", "NOT_FOUND"), ("dog", "AMBIGUOUS")])
async def test_text_that_is_not_there_once_is_not_selected(desk: Desk, text: str, reason: str) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("select_text", target={"css": "#story"}, text=text, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome


@pytest.mark.parametrize(
    ("drag", "order"),
    [
        ({"target": {"name": "Ann"}, "after": {"name": "Cid"}}, "Bob Cid Ann Dot"),
        ({"target": {"name": "Dot"}, "before": {"name": "Bob"}}, "Ann Dot Bob Cid"),
        ({"target": {"name": "Cid"}, "before": {"name": "Ann"}}, "Cid Ann Bob Dot"),
        ({"target": {"name": "Bob"}, "after": {"name": "Dot"}}, "Ann Cid Dot Bob"),
    ],
)
async def test_an_entry_is_dragged_to_its_place(desk: Desk, drag, order) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("drag", **drag))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "[...document.querySelectorAll('#order li')].map((li) => li.textContent).join(' ')") == order


async def test_a_parcel_is_dropped_and_a_box_resized(desk: Desk) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(
        act("drag", target={"css": "#parcel"}, onto={"css": "#bin"}),
        act("drag", target={"css": "#box"}, by={"x": 40, "y": 30}, byCorner=True),
    )
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.getElementById('out').textContent") == "parcel in the bin"
    assert await js(desk, "document.getElementById('box').offsetWidth > 140") is True


async def test_a_drag_of_what_cannot_be_dragged_is_no_success(desk: Desk) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("drag", target={"css": "h1"}, by={"x": 50, "y": 50}))
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome


async def test_clicks_are_repeated_and_every_match_is_clicked(desk: Desk) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(
        act("click", target={"name": "Plus"}, times=3), act("click", target={"name": "Like", "exact": True}, every=True)
    )
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.getElementById('count').textContent") == "3"
    assert await js(desk, "document.querySelectorAll('.like:disabled').length") == 3


async def test_several_options_are_chosen_and_no_others(desk: Desk) -> None:
    await desk.open("/gestures.html")
    option = {"option": {"literal": "Rye"}, "moreOptions": [{"literal": "Ham"}]}
    outcome = await desk.run(act("select", target={"name": "Toppings"}, **option))
    assert outcome.status == "COMPLETED", outcome
    assert (
        await js(desk, "[...document.getElementById('toppings').selectedOptions].map((o) => o.text).join()")
        == "Ham,Rye"
    )


@pytest.mark.parametrize(
    ("pick", "booked"),
    [
        ({"orderBy": "Price"}, "B2"),
        ({"orderBy": "Price", "descending": True}, "C3"),
        ({"orderBy": "Duration"}, "C3"),
        ({"orderBy": "Duration", "nth": 2}, "A1"),
        ({"where": [{"label": "Price", "lessThan": 100}]}, "B2"),
        ({"where": [{"label": "Flight", "equals": "a1"}]}, "A1"),
    ],
)
async def test_a_row_is_found_by_what_it_says(desk: Desk, pick, booked) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("pick_row", **pick, press={"role": "button", "name": "Book"}))
    assert outcome.status == "COMPLETED", outcome
    assert await js(desk, "document.getElementById('out').textContent") == f"booked {booked}"


@pytest.mark.parametrize(
    ("pick", "reason"),
    [
        ({"where": [{"label": "Price", "greaterThan": 100}]}, "AMBIGUOUS"),
        ({"where": [{"label": "Price", "lessThan": 10}]}, "NOT_FOUND"),
        ({"where": [{"label": "Airline", "equals": "X"}]}, "NOT_FOUND"),
    ],
)
async def test_a_row_that_is_not_the_only_one_is_not_pressed(desk: Desk, pick, reason) -> None:
    await desk.open("/gestures.html")
    outcome = await desk.run(act("pick_row", **pick, press={"role": "button", "name": "Book"}, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome
    assert await js(desk, "document.getElementById('out').textContent") == "nothing yet"


async def test_a_number_of_the_page_is_waited_for(desk: Desk) -> None:
    await desk.open("/gestures.html")
    soon = {"number": {"label": "Stock price", "lessThan": 45}}
    assert (await desk.run(act("wait", condition=soon, timeout=10))).status == "COMPLETED"
    never = {"number": {"label": "Stock price", "greaterThan": 99}}
    outcome = await desk.run(act("wait", condition=never, timeout=0.5))
    assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT")
