"""Prompts that change, delete or ask for one of several things: the right one, or none."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.task_fixtures import Desk, PageServer, impatient

BILLS = """<a href='#' onclick="wrong = 'password'">Change password</a> <p>Signed in as ada</p>
<table><tr><th>What</th><th>Paid by</th><th>Amount</th><th></th></tr></table><script>
wrong = ''; bills = [['Dinner', 'Rosa', 90], ['Museum', 'Emil', 24], ['Train', 'Jack', 60]]
const draw = () => { document.querySelectorAll('tr + tr').forEach(row => row.remove())
  for (const bill of bills) {
    const row = document.querySelector('table').insertRow()
    for (const cell of bill) row.insertCell().textContent = cell
    const button = row.insertCell().appendChild(document.createElement('button'))
    button.title = 'delete'
    button.onclick = () => {
      if (!button.textContent) return button.textContent = 'Are you sure?'
      bills = bills.filter(one => one != bill); draw()
    } } }
draw()</script>"""
RENAMING = """<input placeholder='table name...'><h3>Columns</h3><table><tr><td>city</td><td>
<a href='#' onclick="form.hidden = false; this.remove(); return false">Rename</a></td></tr></table>
<form id=form hidden onsubmit="renamed = to.value; out.textContent = 'The column was renamed'; return false">
<label>Column <select><option>city</option></select></label><label>Rename to <input id=to></label>{button}</form>
<p id=out></p><script>renamed = ''</script>"""
MAKING = """
<form onsubmit="made = [kind.value, called.value]; this.remove(); out.textContent = 'Created'; return false">
<label>Title <input id=called></label><label>Type <select id=kind><option>Calendar<option>Addressbook</select></label>
<button>Create</button></form><p id=out></p><script>made = null</script>"""


async def value(desk: Desk, script: str) -> Any:
    return await desk.context.pages[-1].evaluate(script)


async def show(desk: Desk, server: PageServer, body: str) -> None:
    await desk.open(f"{server.url}/text?body={quote(body)}")


async def test_the_yes_to_a_question_is_given_in_the_row_that_asks(desk: Desk, page_server: PageServer) -> None:
    await show(desk, page_server, BILLS)
    prompt = "Delete the bill for the museum. If it asks whether you are sure, confirm."
    outcome = await desk.run(prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    assert [name for name, *_ in await value(desk, "bills")] == ["Dinner", "Train"]


async def test_what_would_change_something_else_on_the_page_is_not_pressed(desk: Desk, page_server: PageServer) -> None:
    await show(desk, page_server, BILLS)
    with impatient():
        outcome = await desk.run(prompt="Change Rosa's amount to 95")
    assert outcome.status == "FAILED", outcome
    assert await value(desk, "wrong") == ""


@pytest.mark.parametrize(("button", "status"), [("<button>Rename</button>", "COMPLETED"), ("", "FAILED")])
async def test_a_name_is_changed_in_the_form_for_it_and_only_once_it_is_sent(
    desk: Desk, page_server: PageServer, button: str, status: str
) -> None:
    await show(desk, page_server, RENAMING.format(button=button))
    outcome = await desk.run(prompt="Rename the column city to town")
    assert outcome.status == status, outcome
    assert await value(desk, "renamed") == ("town" if button else "")


async def test_a_form_for_several_kinds_makes_the_kind_that_was_asked_for(desk: Desk, page_server: PageServer) -> None:
    await show(desk, page_server, MAKING)
    outcome = await desk.run(prompt="Make a new address book titled Friends")
    assert outcome.status == "COMPLETED", outcome
    assert await value(desk, "made") == ["Addressbook", "Friends"]


@pytest.mark.parametrize(
    ("question", "output"),
    [
        ("Who paid for the museum?", {"answer": "Emil"}),
        ("Which bill has the largest amount?", {"bill": "Dinner"}),
        ("How many bills did Rosa pay?", None),
        ("Who paid for the museum in May?", None),
    ],
)
async def test_a_question_is_answered_only_where_the_table_accounts_for_all_its_words(
    desk: Desk, page_server: PageServer, question: str, output: dict[str, Any] | None
) -> None:
    await show(desk, page_server, BILLS.replace("<th>What", "<th>Bill"))
    with nullcontext() if output else impatient():
        outcome = await desk.run(prompt=question)
    assert (outcome.status, outcome.output) == (("COMPLETED", output) if output else ("FAILED", None)), outcome
