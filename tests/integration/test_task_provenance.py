"""Every value that is read tells where it stands on the page."""

from __future__ import annotations

from urllib.parse import urlencode

from tabkeep.v1 import actions_pb2, runs_pb2

from tests.integration.task_fixtures import Desk, PageServer, struct
from tests.integration.test_model_planner import asked
from tests.model_stub import tool

ORDERS = """<title>Orders</title><h1>Orders</h1><table id=orders><tr><th>Number</th><th>Total</th></tr>
<tr><td>A-1</td><td>$20.00</td></tr><tr><td>A-2</td><td>$20.00</td></tr></table>
<dl><dt>Customer</dt><dd id=who>Ada Lovelace</dd></dl>"""
ORDER = {"type": "object", "properties": {"number": {"type": "string"}, "total": {"type": "number"}}}
SCHEMA = {
    "type": "object",
    "properties": {"orders": {"type": "array", "items": ORDER}, "customer": {"type": "string"}},
    "required": ["orders", "customer"],
}


async def show(desk: Desk, page_server: PageServer) -> None:
    await desk.open(f"{page_server.url}/text?{urlencode({'body': ORDERS})}")


async def test_each_value_of_an_extract_says_which_element_showed_it(desk: Desk, page_server: PageServer):
    await show(desk, page_server)
    extract = actions_pb2.Action()
    extract.extract.schema.CopyFrom(struct(SCHEMA))

    outcome = await desk.run(extract)

    assert outcome.status == "COMPLETED", outcome
    found = {one.path: one for one in outcome.journal.end.provenance}
    assert set(found) == {"orders.0.number", "orders.0.total", "orders.1.number", "orders.1.total", "customer"}
    tab = desk.context.pages[-1]
    for one in found.values():
        assert (await tab.locator(one.selector).inner_text()).strip() == one.text
    # The second row's total, though the first row shows the same.
    assert await tab.locator(found["orders.1.total"].selector).evaluate("el => el.parentElement.rowIndex") == 2
    assert (found["orders.1.total"].text, found["orders.1.total"].label) == ("$20.00", "Total")
    assert (found["customer"].selector, found["customer"].label) == ("#who", "Customer")
    assert list(outcome.steps[0].provenance) == list(outcome.journal.end.provenance)


async def test_a_record_that_a_prompt_found_says_so_too(desk: Desk, page_server: PageServer):
    await show(desk, page_server)
    outcome = await desk.run(prompt="Find the order with number 'A-2'")
    assert outcome.status == "COMPLETED", outcome
    found = {one.path: one.text for one in outcome.journal.end.provenance}
    assert found["number"] == "A-2"
    assert found["total"] == "$20.00"


async def test_what_a_model_made_up_is_marked(desk: Desk, page_server: PageServer):
    await show(desk, page_server)
    answer = tool("done", output={"customer": "Ada Lovelace", "mood": "cheerful"})
    async with asked(desk, answer) as (_, run):
        outcome = await run("What is the customer's mood?", planner=runs_pb2.PLANNER_MODEL)
    assert outcome.status == "COMPLETED", outcome
    found = {one.path: one for one in outcome.journal.end.provenance}
    assert (found["customer"].selector, found["customer"].ungrounded) == ("#who", False)
    assert (found["mood"].selector, found["mood"].ungrounded) == ("", True)
