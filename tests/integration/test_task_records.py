"""Records in rows, lists to pick from, tables that are sorted: done only where the page shows it, else refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.task_fixtures import Desk, PageServer, impatient

LISTS = """<form><select id=have multiple aria-label="Available groups"><option>Editors<option>Staff</select>
<button type=button onclick="move()">Choose selected groups</button><button type=button>Add another group</button>
<select id=chosen multiple aria-label="Chosen groups"></select></form>
<script>function move() { chosen.append(...have.selectedOptions) }</script>"""
ROWS = """<table id=people><tr><th>Name<th>City<th></tr><tr><td>Anna Berg<td>Bergen<td><button>Delete</button></tr>
<tr><td>Tom Field<td>York<td><button>Delete</button></tr></table>
<dialog id=ask>Are you sure?<button id=yes>Yes</button><button id=no>No</button></dialog>
<script>let row;
people.onclick = (e) => { if (e.target.matches('button')) { row = e.target.closest('tr'); ask.showModal() } };
no.onclick = () => ask.close(); yes.onclick = () => { ask.close(); WHAT }</script>"""
TABLE = """<table id=t><thead><tr><th><button onclick="turn()">Population</button><th>Name<tbody></table>
<script>let down = true; const rows = [[3, 'Bergen'], [12, 'Oslo'], [5, 'Malm']];
function turn() { down = !down; rows.sort((a, b) => SIGN * (a[0] - b[0])); draw() }
function draw() { t.tBodies[0].innerHTML = rows.map((row) => `<tr><td>${row[0]}<td>${row[1]}`).join('') }
draw()</script>"""


async def run(desk: Desk, page_server: PageServer, body: str, prompt: str) -> Any:
    await desk.open(f"{page_server.url}/text?{urlencode({'body': f'<title>Records</title>{body}'})}")
    return await desk.run(prompt=prompt)


async def read(desk: Desk, script: str) -> Any:
    return await desk.context.pages[-1].evaluate(script)


async def test_entries_go_over_into_the_list_of_those_chosen(desk: Desk, page_server: PageServer) -> None:
    outcome = await run(desk, page_server, LISTS, "Put him in the groups Editors and Staff")
    assert outcome.status == "COMPLETED", outcome
    assert await read(desk, "[...chosen.options].map((one) => one.text)") == ["Editors", "Staff"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (LISTS.replace("chosen.append(...have.selectedOptions)", "have.blur()"), "NO_EFFECT"),
        (LISTS.replace("chosen.append(...have.selectedOptions)", "have.after('!')"), "EXPECTATION_FAILED"),
        (LISTS.replace("Choose selected groups", "Help"), "NOT_FOUND"),
    ],
    ids=["a dead arrow", "an arrow that does something else", "no arrow"],
)
async def test_what_is_only_marked_among_those_available_is_not_chosen(desk: Desk, page_server, broken, reason) -> None:
    with impatient():
        outcome = await run(desk, page_server, broken, "Put him in the group Editors")
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome


async def test_a_row_is_deleted_with_its_own_button(desk: Desk, page_server: PageServer) -> None:
    outcome = await run(desk, page_server, ROWS.replace("WHAT", "row.remove()"), "Delete the row of Tom Field")
    assert outcome.status == "COMPLETED", outcome
    assert await read(desk, "people.innerText.includes('Anna') && !people.innerText.includes('Tom')")


async def test_a_row_that_stays_was_not_deleted(desk: Desk, page_server: PageServer) -> None:
    with impatient():
        outcome = await run(desk, page_server, ROWS.replace("WHAT", "row.append('!')"), "Delete the row of Tom Field")
    assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED"), outcome


async def test_a_table_is_sorted_until_it_is_in_that_order(desk: Desk, page_server: PageServer) -> None:
    prompt = "Sort the table by population in descending order and tell me the name of the first row"
    outcome = await run(desk, page_server, TABLE.replace("SIGN", "(down ? -1 : 1)"), prompt)
    assert (outcome.status, outcome.output) == ("COMPLETED", {"name": "Oslo"}), outcome
    with impatient():
        wrong = await run(desk, page_server, TABLE.replace("SIGN", "1"), prompt)
    assert (wrong.status, wrong.reason) == ("FAILED", "EXPECTATION_FAILED"), wrong


async def test_a_button_is_not_made_to_work_by_the_field_that_loses_the_focus(desk: Desk, page_server) -> None:
    body = "<label>Amount<input></label><button type=button onclick='1'>Update</button>"
    with impatient():
        outcome = await run(desk, page_server, body, "Set Amount to 2 and click 'Update'")
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome


async def test_the_top_of_no_results_is_nothing_to_buy(desk: Desk, page_server: PageServer) -> None:
    shop = """<header><div><h4><a href=/text>Shop</a></h4><p>Total: $0.00</p><a href=/text>View basket</a></div>
    </header><main><h1>No results</h1></main>"""
    outcome = await run(desk, page_server, shop, "Add the first result to the basket")
    assert (outcome.status, outcome.reason) == ("FAILED", "NOT_FOUND"), outcome
