"""How runs begin, go on and end: order, bounds, workflows, approvals, data."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.browser import BrowserGone
from browser_host.clock import SystemClock
from browser_host.pages import Dialogs, PageLog
from browser_host.task import runner
from browser_host.task.journal import ApprovalAnswer, Credential
from tests.integration.task_fixtures import Desk, ListJournal, Outcome, PageServer, act, struct

ORDER = {
    "type": "object",
    "properties": {
        "order_number": {"type": "string"},
        "customer_email": {"type": "string"},
        "order_total": {"type": "number"},
        "paid": {"type": "boolean"},
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "product": {"type": "string"},
                    "quantity": {"type": "integer"},
                    "unitPrice": {"type": "number"},
                },
                "required": ["product", "quantity"],
            },
        },
    },
    "required": ["order_number", "customer_email", "order_total", "lines"],
}


def block(block_id: str, timeout: float | None = None, **kind: object) -> host_pb2.Block:
    made = host_pb2.Block(block_id=block_id, **kind)  # type: ignore[arg-type]
    if timeout is not None:
        made.timeout.FromNanoseconds(int(timeout * 1e9))
    return made


def approve(timeout: float = 5) -> host_pb2.Block:
    question = host_pb2.ApproveBlock(message="Place the order?")
    question.timeout.FromNanoseconds(int(timeout * 1e9))
    return block("ok", approve=question)


async def test_a_step_acts_only_after_it_is_stored_and_allowed(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("click", target={"name": "Newsletter"}))
    log = outcome.journal.log
    assert log[:4] == ["run_started", "step_started", "stored", "allowed"]
    assert log[-3:] == ["allowed", "step_finished", "run_finished"]


async def test_nothing_is_done_before_the_step_is_stored(desk: Desk) -> None:
    page = await desk.open("/clicks.html")
    journal = ListJournal()
    stored = asyncio.Event()

    async def record_durably(event: runs_pb2.RunEvent) -> None:
        await journal.record(event)
        await stored.wait()

    journal.record_durably = record_durably  # type: ignore[method-assign]
    running = asyncio.ensure_future(desk.run(act("click", target={"name": "Live"}), journal=journal))
    await journal.until("step_started")
    said = "() => document.getElementById('out').textContent"
    assert await page.evaluate(said, timeout=2) == "nothing yet"
    assert "allowed" not in journal.log
    stored.set()
    assert (await running).status == "COMPLETED"
    assert await page.evaluate(said, timeout=2) == "live"


async def test_a_host_without_a_lease_waits_with_its_step(desk: Desk) -> None:
    await desk.open("/clicks.html")
    journal = ListJournal()
    journal.lease_over = 3
    outcome = await desk.run(act("click", target={"name": "Live"}), journal=journal)
    assert outcome.status == "COMPLETED"
    assert journal.log.count("lease over") == 3


async def test_the_first_failure_ends_the_run_and_what_was_read_comes_back(desk: Desk) -> None:
    await desk.open("/data.html")
    outcome = await desk.run(
        act("extract", within="Lines"), act("click", target={"name": "Nowhere"}, timeout=0.3), act("reload")
    )
    assert (outcome.status, outcome.reason, len(outcome.steps)) == ("FAILED", "NOT_FOUND", 2)
    assert outcome.output["tables"][0]["rows"][0] == {"Product": "Mug", "Qty": "2", "Unit price": "$18.00"}


async def test_max_steps_terminates(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(*[act("reload")] * 3, max_steps=2)
    assert (outcome.status, outcome.reason, len(outcome.steps)) == ("TERMINATED", "MAX_STEPS", 2)


async def test_the_runs_timeout_ends_it_in_the_middle_of_a_step(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("wait", condition={"text": "never"}), timeout=0.5)
    assert (outcome.status, outcome.reason) == ("TIMED_OUT", "RUN_TIMED_OUT")
    assert [step.outcome for step in outcome.steps] == [runs_pb2.STEP_OUTCOME_FAILED]


async def test_cancel_ends_a_wait_at_once(desk: Desk) -> None:
    await desk.open("/form.html")
    journal = ListJournal()
    running = asyncio.ensure_future(desk.run(act("wait", duration="30s", timeout=40), act("reload"), journal=journal))
    await journal.until("step_started")
    journal.cancel_requested.set()
    outcome = await asyncio.wait_for(running, 2)
    assert (outcome.status, outcome.reason, len(outcome.steps)) == ("CANCELED", "CANCELED", 1)


async def test_cancel_ends_a_step_that_looks_for_something_within_five_seconds(desk: Desk) -> None:
    await desk.open("/form.html")
    journal = ListJournal()
    running = asyncio.ensure_future(desk.run(act("click", target={"name": "Nowhere"}, timeout=60), journal=journal))
    await journal.until("step_started")
    journal.cancel_requested.set()
    assert (await asyncio.wait_for(running, 5)).status == "CANCELED"


async def test_a_stopped_run_records_nothing_more(desk: Desk) -> None:
    await desk.open("/form.html")
    journal = ListJournal()
    running = asyncio.ensure_future(desk.run(act("wait", duration="30s"), journal=journal))
    await journal.until("step_started")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not {"step_finished", "run_finished", "warning"} & set(journal.log)


async def test_a_browser_that_is_gone_is_the_hosts_to_report(desk: Desk) -> None:
    class Gone:
        page_log, dialogs = PageLog(), Dialogs()

        async def current_page(self) -> None:
            raise BrowserGone("killed")

    journal = ListJournal()
    start = host_pb2.StartRun(blocks=[host_pb2.Block(goto=actions_pb2.Goto(url=desk.url))])
    with pytest.raises(BrowserGone):
        await runner.carry_out(start, Gone(), journal, SystemClock())  # type: ignore[arg-type]
    assert journal.events == []


async def test_a_fault_of_our_own_ends_the_run_with_an_incident_id(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(blocks=[host_pb2.Block(block_id="empty")])
    assert (outcome.status, outcome.reason) == ("FAILED", "INTERNAL")
    [record] = [record for record in caplog.records if record.message == "task engine failed"]
    assert record.incident_id in outcome.message  # type: ignore[attr-defined]
    assert "Traceback" not in outcome.message


@pytest.mark.parametrize(
    ("mode", "pictures"),
    [
        (runs_pb2.SCREENSHOT_MODE_UNSPECIFIED, 2),
        (runs_pb2.SCREENSHOT_MODE_EVERY_STEP, 2),
        (runs_pb2.SCREENSHOT_MODE_ON_FAILURE, 1),
        (runs_pb2.SCREENSHOT_MODE_NONE, 0),
    ],
)
async def test_pictures_are_kept_as_asked(desk: Desk, mode: int, pictures: int) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("reload"), act("click", target={"name": "Nowhere"}, timeout=0.2), screenshots=mode)
    assert len(outcome.journal.pictures) == pictures
    assert all(picture.startswith(b"\xff\xd8") for picture in outcome.journal.pictures)
    assert bool(outcome.steps[1].screenshot_artifact_id) == (pictures > 0)


# Workflows


async def test_a_workflow_tells_its_blocks_and_keys_its_output_by_them(desk: Desk) -> None:
    goto = block("open", goto=actions_pb2.Goto(url=desk.url + "/{{page}}"))
    steps = host_pb2.ActionsBlock(actions=[act("wait", condition={"text": "Order total"})])
    extract = block("data", extract=actions_pb2.Extract(schema=struct(ORDER)))
    task = block("again", task=host_pb2.TaskBlock(prompt="Extract the customer"))
    outcome = await desk.run(
        blocks=[goto, block("seen", actions=steps), extract, task], workflow=True, parameters={"page": "data.html"}
    )
    assert outcome.status == "COMPLETED", outcome
    assert set(outcome.output) == {"data", "again"}
    assert outcome.output["again"] == {"customer": "Ada Lovelace"}
    started = outcome.journal.of("block_started")
    assert [(one.block_id, one.block_type) for one in started] == [
        ("open", "goto"), ("seen", "actions"), ("data", "extract"), ("again", "task"),
    ]  # fmt: skip
    assert [one.block_id for one in outcome.journal.of("step_started")] == ["open", "seen", "data", "again"]
    assert outcome.journal.of("step_started")[0].action.goto.url == desk.url + "/data.html"
    assert all(one.outcome == runs_pb2.STEP_OUTCOME_DONE for one in outcome.journal.of("block_finished"))


async def test_a_block_that_fails_ends_the_workflow_with_what_came_before(desk: Desk) -> None:
    await desk.open("/data.html")
    extract = block("data", extract=actions_pb2.Extract(within="Lines"))
    slow = block("slow", 0.4, wait=actions_pb2.Wait(condition=actions_pb2.Expect(text="never")))
    late = block("late", 0.4, actions=host_pb2.ActionsBlock(actions=[act("click", target={"name": "Nowhere"})]))
    for failing in (slow, late):
        outcome = await desk.run(blocks=[extract, failing, extract], workflow=True)
        assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT"), outcome
        assert set(outcome.output) == {"data"}
        assert [one.outcome for one in outcome.journal.of("block_finished")] == [
            runs_pb2.STEP_OUTCOME_DONE,
            runs_pb2.STEP_OUTCOME_FAILED,
        ]
        assert len(outcome.steps) == 2


async def answered(desk: Desk, approved: bool) -> Outcome:
    journal = ListJournal()
    running = asyncio.ensure_future(
        desk.run(blocks=[approve(), block("then", wait=wait())], workflow=True, journal=journal)
    )
    asked = (await journal.until("approval_requested")).approval_requested.approval
    assert asked.message == "Place the order?"
    assert asked.screenshot_artifact_id
    assert asked.expire_time.ToMicroseconds() - asked.create_time.ToMicroseconds() == 5_000_000
    journal.answer(asked.approval_id).set_result(ApprovalAnswer(approved, "said Kim"))
    outcome = await running
    [resolved] = journal.of("approval_resolved")
    assert (resolved.approval_id, resolved.approved, resolved.comment) == (asked.approval_id, approved, "said Kim")
    return outcome


def wait() -> actions_pb2.Wait:
    return actions_pb2.Wait(condition=actions_pb2.Expect(title="form"))


async def test_an_approved_run_goes_on(desk: Desk) -> None:
    await desk.open("/form.html")
    assert (await answered(desk, True)).status == "COMPLETED"


async def test_a_rejected_run_is_terminated(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await answered(desk, False)
    assert (outcome.status, outcome.reason, outcome.steps) == ("TERMINATED", "APPROVAL_REJECTED", [])
    assert "said Kim" in outcome.message


async def test_an_approval_no_one_gives_fails_the_run(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(blocks=[approve(0.2)], workflow=True)
    assert (outcome.status, outcome.reason) == ("FAILED", "APPROVAL_TIMED_OUT")
    assert outcome.journal.of("approval_resolved")[0].timed_out


async def test_cancel_ends_an_approval_at_once(desk: Desk) -> None:
    await desk.open("/form.html")
    journal = ListJournal()
    running = asyncio.ensure_future(desk.run(blocks=[approve(60)], workflow=True, journal=journal))
    await journal.until("approval_requested")
    journal.cancel_requested.set()
    assert (await asyncio.wait_for(running, 2)).status == "CANCELED"


# Data


async def test_a_schema_is_filled_from_what_the_page_shows(desk: Desk) -> None:
    await desk.open("/data.html")
    outcome = await desk.run(act("extract", schema=ORDER))
    assert outcome.status == "COMPLETED", outcome
    assert outcome.output == {
        "order_number": "A-1001",
        "customer_email": "ada@example.com",
        "order_total": 1090.5,
        "paid": True,
        "lines": [
            {"product": "Mug", "quantity": 2, "unitPrice": 18},
            {"product": "Lamp", "quantity": 1, "unitPrice": 1054.5},
        ],
    }
    assert outcome.steps[0].HasField("output")


async def test_required_data_that_is_not_there_is_named_and_never_made_up(desk: Desk) -> None:
    await desk.open("/data.html")
    schema = {
        "type": "object",
        "properties": {"customer": {"type": "string"}, "iban": {"type": "string"}, "paid": {"type": "number"}},
        "required": ["customer", "iban", "paid"],
    }
    outcome = await desk.run(act("extract", schema=schema))
    assert (outcome.status, outcome.reason) == ("FAILED", "EXTRACT")
    assert "iban" in outcome.message
    assert "paid" in outcome.message
    assert "Ada Lovelace" in outcome.message


async def test_without_a_schema_the_page_comes_as_it_is_and_without_passwords(desk: Desk) -> None:
    await desk.open("/data.html")
    outcome = await desk.run(act("extract"))
    assert outcome.output["pairs"]["Email address"] == "ada@example.com"
    assert outcome.output["pairs"]["Coupon"] == "TEN"
    assert outcome.output["lists"] == [["Leave at the door", "Ring twice"]]
    assert "hunter2" not in outcome.journal.text


async def test_the_schema_of_a_task_of_actions_is_read_at_its_end(desk: Desk) -> None:
    schema = {"type": "object", "properties": {"customer": {"type": "string"}}, "required": ["customer"]}
    outcome = await desk.run(act("goto", url=desk.url + "/data.html"), schema=schema)
    assert outcome.output == {"customer": "Ada Lovelace"}


async def test_before_an_act_that_cannot_be_undone_a_person_is_asked_where_the_run_says_so(
    desk: Desk, page_server: PageServer
) -> None:
    body = '<button onclick="document.title = `Deleted`; this.remove()">Delete</button>'
    page = await desk.open(f"{page_server.url}/text?{urlencode({'body': body})}")
    journal = ListJournal()
    running = asyncio.create_task(
        desk.run(prompt="Click 'Delete'", journal=journal, irreversible_policy=runs_pb2.IRREVERSIBLE_POLICY_APPROVE)
    )

    asked = (await journal.until("approval_requested")).approval_requested.approval
    title_when_asked = await page.title(timeout=5)
    journal.answer(asked.approval_id).set_result(ApprovalAnswer(approved=True, comment="Ada says yes"))
    outcome = await running

    assert '"Delete" would delete something' in asked.message
    assert title_when_asked != "Deleted"
    assert outcome.status == "COMPLETED", outcome
    assert await page.title(timeout=5) == "Deleted"
    assert outcome.journal.of("approval_resolved")[0].comment == "Ada says yes"


async def test_what_the_run_denies_is_not_pressed_also_not_by_enter(desk: Desk, page_server: PageServer) -> None:
    body = '<form action="/text"><label>Note <input name=body></label><button>Send message</button></form>'
    page = await desk.open(f"{page_server.url}/text?{urlencode({'body': body})}")
    before = page.url
    fill = act("fill", target={"name": "Note"}, value={"literal": "x"}, submit=True)

    outcome = await desk.run(fill, irreversible_policy=runs_pb2.IRREVERSIBLE_POLICY_DENY)

    assert (outcome.status, outcome.reason) == ("FAILED", "BLOCKED_BY_POLICY")
    assert '"Send message"' in outcome.message
    assert page.url == before


CODE_LOGIN = """<title>Sign in</title><h1>Sign in</h1><form onsubmit="return next()">
 <label>Username <input name=u></label><label>Password <input name=p type=password></label><button>Sign in</button>
 </form><script>
 function next() {
   document.body.innerHTML = `<h1>One more step</h1><form onsubmit="return last()"><label>One-time code
     <input name=c></label><button>Continue</button></form>`;
   return false;
 }
 function last() {
   const right = document.querySelector("input").value * 1 === 400000 + 92039;
   document.body.innerHTML = right ? "<h1>Hello</h1><a href=#>Log out</a>" : "<h1>Nothing here</h1>";
   return false;
 }</script>"""


async def test_a_one_time_code_comes_from_the_stored_credential(desk: Desk, page_server: PageServer) -> None:
    page = await desk.open(f"{page_server.url}/text?{urlencode({'body': CODE_LOGIN})}")
    journal = ListJournal()
    journal.credentials[page_server.url] = [Credential("ada", "pass-1234", "492039")]

    outcome = await desk.run(prompt="Sign in as ada", journal=journal)

    assert outcome.status == "COMPLETED", outcome
    assert await page.evaluate("() => document.body.innerText.includes('Hello')", timeout=5)
    assert "492039" not in journal.text
