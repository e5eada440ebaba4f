"""Prompts in everyday words on a small library: what the page holds afterwards is the truth."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.integration.task_fixtures import Desk, PageServer, impatient

LIBRARY = [["Emma", "Jane Austen", "1815", "Lent"], ["Dracula", "Bram Stoker", "1897", "In"]]
ULYSSES = ["Ulysses", "James Joyce", "1922", "In"]


async def books(desk: Desk) -> Any:
    return await desk.context.pages[-1].evaluate("window.books")


async def test_a_record_is_made_changed_and_deleted_from_any_page(desk: Desk) -> None:
    await desk.open("/library.html")
    made = await desk.run(prompt="Create a new book titled 'Heidi' with author Johanna Spyri and year 1881")
    assert made.status == "COMPLETED", made
    assert await books(desk) == [*LIBRARY, ULYSSES, ["Heidi", "Johanna Spyri", "1881", "In"]]
    changed = await desk.run(prompt="Open the book 'Dracula'. Change its state to Lent, then save it.")
    assert changed.status == "COMPLETED", changed
    deleted = await desk.run(prompt="Delete the item Emma. Yes, I'm sure.")
    assert deleted.status == "COMPLETED", deleted
    assert await books(desk) == [
        ["Dracula", "Bram Stoker", "1897", "Lent"],
        ULYSSES,
        ["Heidi", "Johanna Spyri", "1881", "In"],
    ]


async def test_questions_are_answered_from_the_row_they_are_about(desk: Desk) -> None:
    await desk.open("/library.html#books")
    year = await desk.run(prompt="What is the year of Dracula?")
    assert (year.status, year.output) == ("COMPLETED", {"year": "1897"})
    several = await desk.run(prompt="What is the title of In?")
    assert (several.status, several.reason) == ("FAILED", "AMBIGUOUS")
    count = await desk.run(prompt="How many books are there?")
    assert (count.status, count.output) == ("COMPLETED", {"count": 3})
    with impatient():
        nothing = await desk.run(prompt="What is the price of Dracula?")
    assert (nothing.status, nothing.reason) == ("FAILED", "EXTRACT")


async def test_the_first_result_is_one_that_has_the_words_and_nothing_else_is_opened(desk: Desk) -> None:
    await desk.open("/library.html#books")
    found = await desk.run(prompt="Search for joyce and open the first result")
    assert found.status == "COMPLETED", found
    assert desk.context.pages[-1].url.endswith("#book/Ulysses")
    await desk.open("/library.html#books")
    with impatient():
        nothing = await desk.run(prompt="Search for zebediah and open the first result")
    assert (nothing.status, nothing.reason) == ("FAILED", "NOT_FOUND")


SEARCH = """<form onsubmit="out.innerHTML = found; return false"><input type=search aria-label=Search>
<button>Search</button></form><main id=out></main><script>found = `{found}`</script>"""
OFFER = "<p>If you didn't find it, you can create or edit the page <a href='/slow/1?made'>zebra page</a>.</p>"
RESULT = "<p><a href='/slow/1?found'>How to create a page for a zebra</a> in three steps</p>"


@pytest.mark.parametrize(("found", "status", "where"), [(OFFER, "FAILED", "/text"), (RESULT, "COMPLETED", "?found")])
async def test_an_offer_to_make_what_was_not_found_is_no_result(
    desk: Desk, page_server: PageServer, found: str, status: str, where: str
) -> None:
    await desk.open(f"{page_server.url}/text?{urlencode({'body': SEARCH.format(found=found)})}")
    with impatient() if status == "FAILED" else nullcontext():
        outcome = await desk.run(prompt="Search for 'zebra page' and open the first result")
    assert outcome.status == status, outcome
    assert where in desk.context.pages[-1].url


async def test_signing_out_is_done_once_and_not_twice(desk: Desk) -> None:
    await desk.open("/library.html")
    assert (await desk.run(prompt="Log out")).status == "COMPLETED"
    with impatient():
        again = await desk.run(prompt="Log out")
    assert (again.status, again.reason) == ("FAILED", "NOT_FOUND")


@pytest.mark.parametrize(
    ("mode", "reason"),
    [("refuse", "REJECTED_BY_PAGE"), ("deaf", "EXPECTATION_FAILED")],
    ids=["refused", "without effect"],
)
async def test_a_form_that_was_not_taken_is_no_success(desk: Desk, mode: str, reason: str) -> None:
    await desk.open(f"/library.html?{mode}#books")
    with impatient():
        made = await desk.run(prompt="Add a book called Heidi, with author Johanna Spyri")
    assert (made.status, made.reason) == ("FAILED", reason), made
    assert await books(desk) == [*LIBRARY, ULYSSES]


async def test_saving_is_no_success_where_the_page_shows_nothing_of_it(desk: Desk) -> None:
    await desk.open("/library.html?deaf#book/Emma")
    with impatient():
        saved = await desk.run(prompt="Set Year to 1816 and save")
    assert (saved.status, saved.reason) == ("FAILED", "EXPECTATION_FAILED"), saved


async def test_a_submit_that_the_page_answers_with_an_error_is_no_success(desk: Desk) -> None:
    form = """<form onsubmit="event.preventDefault(); out.textContent = 'Error: this name is taken'">
     <label>Name <input></label><button>Create account</button></form><p id=out role=alert></p>"""
    await desk.open(f"/text?body={quote(form)}")
    outcome = await desk.run(prompt="Fill Name with 'Ada' and submit the form")
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome
    assert "Error: this name is taken" in outcome.message
