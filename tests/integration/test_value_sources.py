"""Where the text that goes into a field comes from, besides the text itself."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import grpc
import pytest
from tabkeep import actions as a
from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.task.journal import Credential
from control_plane.workflows import workflow_definitions
from tests.integration.task_fixtures import Desk, ListJournal
from tests.refusals import refused

TABLE = """<title>Orders</title><h1>Orders</h1><table><thead><tr><th>Order<th>Email<th>Paid</tr></thead><tbody>
<tr><td>A-1<td>ada@example.com<td>yes</tr><tr><td>A-2<td>bob@example.com<td>no</tr></tbody></table>
<label>Reply to <input id=to></label>
<label>Password <input type=password id=pw></label><label>Code <input id=code></label>
"""


async def shown(desk: Desk) -> str:
    await desk.open(f"/text?{urlencode({'body': TABLE})}")
    return desk.url


async def test_a_field_is_filled_with_what_an_earlier_action_brought(desk: Desk):
    await shown(desk)
    outcome = await desk.run(
        a.find_record("order", "A-2", noun="order"),
        a.extract(),
        a.fill(a.from_action(1, "email"), name="Reply to"),
    )
    assert outcome.status == "COMPLETED", outcome
    page = await desk.browser.current_page()
    assert await page.evaluate("() => document.querySelector('#to').value", timeout=5) == "bob@example.com"


@pytest.mark.parametrize(("path", "words"), [("phone", 'nothing at "phone"'), ("", "no single text")])
async def test_a_step_that_brought_nothing_there_is_named(desk: Desk, path: str, words: str):
    await shown(desk)
    outcome = await desk.run(
        a.find_record("order", "A-2", noun="order"), a.fill(a.from_action(1, path), name="Reply to")
    )
    assert (outcome.status, outcome.reason) == ("FAILED", "MISSING_INPUT"), outcome
    assert f"action 1 brought {words}" in outcome.message
    absent = await desk.run(a.find_record("order", "A-3", noun="order", timeout=timedelta(milliseconds=200)))
    assert (absent.reason, absent.message) == ("NOT_FOUND", 'no order with order "A-3" is shown')


async def test_a_workflow_takes_what_an_earlier_block_brought(desk: Desk):
    await shown(desk)
    definition = workflow_definitions.parse(
        """
        version: 1
        title: Reply
        parameters: {order: string}
        blocks:
        - actions: {id: find, steps: [find_record: {label: order, value: "{{ order }}"}]}
        - actions:
          - fill: {name: Reply to, value: {from_step: {block: find, path: email}}}
            expect: [{text: "{{ order }}"}]
        """
    )
    outcome = await desk.run(blocks=definition.blocks, workflow=True, parameters={"order": "A-1"})
    assert outcome.status == "COMPLETED", outcome
    page = await desk.browser.current_page()
    assert await page.evaluate("() => document.querySelector('#to').value", timeout=5) == "ada@example.com"


async def test_a_stored_password_goes_only_into_a_field_that_hides_it(desk: Desk):
    url = await shown(desk)
    journal = ListJournal()
    journal.credentials[url] = [Credential("ada@example.com", "stored-pass-1", "")]
    into_plain = await desk.run(a.fill(a.credential("password"), name="Reply to"), journal=journal)
    assert (into_plain.status, into_plain.reason) == ("FAILED", "BLOCKED_BY_POLICY"), into_plain
    page = await desk.browser.current_page()
    assert await page.evaluate("() => document.querySelector('#to').value", timeout=5) == ""

    journal = ListJournal()
    journal.credentials[url] = [Credential("ada@example.com", "stored-pass-1", "")]
    filled = await desk.run(
        a.fill(a.credential("username"), name="Reply to"),
        a.fill(a.credential("password", username="ada@example.com"), name="Password"),
        journal=journal,
    )
    assert filled.status == "COMPLETED", filled
    assert await page.evaluate("() => document.querySelector('#pw').value", timeout=5) == "stored-pass-1"
    assert "stored-pass-1" not in journal.text + into_plain.journal.text

    none = await desk.run(a.fill(a.credential("one_time_code"), name="Code"))
    assert none.reason == "CREDENTIAL_REQUIRED"


@pytest.mark.parametrize(
    ("actions", "field"),
    [
        ([a.fill(a.from_action(1), name="a")], "actions[0].fill.value.from_step.action"),
        ([a.extract(), a.fill(a.from_action(3), name="a"), a.extract()], "actions[1].fill.value.from_step.action"),
        ([a.back(), a.select(a.from_action(1), name="a")], "actions[1].select.option.from_step.action"),
        (
            [a.fill(a.Value(from_step=actions_pb2.StepOutput(block_id="find")), name="a")],
            "actions[0].fill.value.from_step.block_id",
        ),
        (
            [a.fill(a.Value(credential=actions_pb2.CredentialField()), name="a")],
            "actions[0].fill.value.credential.part",
        ),
    ],
)
async def test_what_does_not_come_earlier_is_refused_before_a_run_is_stored(api, actions, field):
    refusal = await refused(api.runs.RunTask(runs_pb2.RunTaskRequest(actions=actions)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in refusal.fields


@pytest.mark.parametrize(
    ("blocks", "mistake"),
    [
        ("[{actions: [fill: {name: a, value: {from_step: {action: 1}}}]}]", "action: 1 does not come before this"),
        ("[{actions: [{back: }, fill: {name: a, value: {from_step: {action: 1}}}]}]", "action: 1 brings nothing"),
        ("[{actions: [fill: {name: a, value: {from_step: {block: later}}}]}, {extract: {id: later}}]",
         'block: no block before this one is called "later"'),
        ("[{wait: 1s, id: pause}, {actions: [fill: {name: a, value: {from_step: {block: pause}}}]}]",
         'block: "pause" brings nothing'),
        ("[{actions: [fill: {name: a, value: {credential: pin}}]}]", "credential: must be username, password"),
    ],
)  # fmt: skip
def test_a_workflow_that_refers_to_what_is_not_there_is_refused_by_its_line(blocks: str, mistake: str):
    with pytest.raises(workflow_definitions.DefinitionInvalid) as refused:
        workflow_definitions.parse(f"version: 1\ntitle: a\nblocks: {blocks}\n")
    assert mistake in str(refused.value)
    assert "line 3" in str(refused.value)
