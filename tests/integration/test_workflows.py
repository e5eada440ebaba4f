"""Workflows: stored, versioned, listed, deleted, and what of them reaches a host."""

from __future__ import annotations

import pytest
from google.protobuf.struct_pb2 import Struct
from tabkeep.v1 import runs_pb2
from tabkeep.v1 import workflows_pb2 as pb

from tests.api_calls import get_run, minutes, running_session
from tests.fake_host import run_finished
from tests.refusals import refused

REPORT = """\
version: 1
title: Order report
parameters:
  email: {type: string, description: The customer to look up}
  password: {type: string, secret: true}
  max_price: {type: number, default: 100}
blocks:
  - goto: "https://shop.example/login"
  - actions:
      id: sign_in
      steps:
        - fill: {name: Password, value: "{{ password }}"}
        - click: {role: button, name: Sign in}
  - task: "Find wireless headphones under ${{ max_price }}"
  - extract:
      id: cart
  - wait: 2s
  - approve:
      id: ask
      message: "Place the order for {{ email }}?"
"""
SECOND = REPORT.replace("Order report", "Order report, again")


def parameters(**values) -> Struct:
    made = Struct()
    made.update(values)
    return made


async def create(api, definition=REPORT, **fields):
    return (await api.workflows.CreateWorkflow(pb.CreateWorkflowRequest(definition=definition, **fields))).workflow


async def get(api, workflow_id, version=0):
    request = pb.GetWorkflowRequest(workflow_id=workflow_id, version=version)
    return (await api.workflows.GetWorkflow(request)).workflow


async def update(api, workflow_id, definition=SECOND, expected_version=0):
    request = pb.UpdateWorkflowRequest(
        workflow_id=workflow_id, definition=definition, expected_version=expected_version
    )
    return (await api.workflows.UpdateWorkflow(request)).workflow


async def delete(api, workflow_id):
    return await api.workflows.DeleteWorkflow(pb.DeleteWorkflowRequest(workflow_id=workflow_id))


async def run(api, workflow_id, given=None, **fields):
    request = runs_pb2.RunWorkflowRequest(workflow_id=workflow_id, parameters=given, **fields)
    return (await api.runs.RunWorkflow(request)).run


async def test_a_workflow_is_stored_as_it_was_given_with_its_title_and_parameters(api):
    made = await create(api)
    assert made.workflow_id.startswith("wf_")
    assert (made.version, made.title, made.definition) == (1, "Order report", REPORT)
    assert [(one.name, one.type, one.required) for one in made.parameters] == [
        ("email", "string", True),
        ("password", "string", True),
        ("max_price", "number", False),
    ]
    assert await get(api, made.workflow_id) == made
    named = await create(api, workflow_id="wf_orders")
    assert named.workflow_id == "wf_orders"


async def test_a_taken_id_is_refused_also_after_its_workflow_was_deleted(api):
    await create(api, workflow_id="wf_orders")
    assert str(await refused(create(api, workflow_id="wf_orders"))) == "ALREADY_EXISTS/WORKFLOW_EXISTS"
    await delete(api, "wf_orders")
    assert str(await refused(create(api, workflow_id="wf_orders"))) == "ALREADY_EXISTS/WORKFLOW_EXISTS"
    assert set((await refused(create(api, workflow_id="orders"))).fields) == {"workflow_id"}


async def test_the_same_request_id_stores_one_workflow(api):
    first = await create(api, request_id="r-1")
    assert await create(api, request_id="r-1") == first
    assert str(await refused(create(api, SECOND, request_id="r-1"))) == "ALREADY_EXISTS/REQUEST_ID_REUSED"


async def test_an_update_is_the_next_version_and_older_ones_can_still_be_read_and_run(api, host):
    first = await create(api)

    second = await update(api, first.workflow_id)

    assert (second.version, second.title, second.create_time) == (2, "Order report, again", first.create_time)
    assert await get(api, first.workflow_id) == second
    assert await get(api, first.workflow_id, 1) == first
    assert str(await refused(get(api, first.workflow_id, 3))) == "NOT_FOUND/WORKFLOW_NOT_FOUND"
    given = parameters(email="a@b.example", password="x")
    assert (await run(api, first.workflow_id, given)).workflow_version == 2
    assert (await run(api, first.workflow_id, given, workflow_version=1)).workflow_version == 1


async def test_an_update_of_another_version_than_the_newest_is_refused(api):
    made = await create(api)
    await update(api, made.workflow_id, expected_version=1)
    refusal = await refused(update(api, made.workflow_id, expected_version=1))
    assert str(refusal) == "ABORTED/VERSION_CONFLICT"
    assert refusal.metadata["version"] == "2"
    assert (await get(api, made.workflow_id)).version == 2


async def test_a_deleted_workflow_takes_no_runs_and_those_stored_before_go_on(api, host):
    made = await create(api)
    launch = await running_session(api, host)
    given = parameters(email="a@b.example", password="x")
    stored = await run(api, made.workflow_id, given, browser_session_id=launch.browser_session_id)
    await delete(api, made.workflow_id)
    for call in (get(api, made.workflow_id), update(api, made.workflow_id), delete(api, made.workflow_id)):
        assert str(await refused(call)) == "NOT_FOUND/WORKFLOW_NOT_FOUND"
    assert str(await refused(run(api, made.workflow_id, given))) == "NOT_FOUND/WORKFLOW_NOT_FOUND"
    await host.report(await host.begin_run(), run_finished(1))
    assert (await get_run(api, stored.run_id)).status == runs_pb2.RUN_STATUS_COMPLETED


async def test_workflows_are_listed_newest_first_in_pages_each_in_its_newest_version(api):
    ids = [(await create(api)).workflow_id for _ in range(5)]
    await update(api, ids[2])
    await delete(api, ids[3])
    first = await api.workflows.ListWorkflows(pb.ListWorkflowsRequest(page_size=2))
    rest = await api.workflows.ListWorkflows(pb.ListWorkflowsRequest(page_token=first.next_page_token))
    assert [one.workflow_id for one in (*first.workflows, *rest.workflows)] == [ids[4], ids[2], ids[1], ids[0]]
    assert [one.version for one in first.workflows] == [1, 2]
    assert rest.next_page_token == ""


async def test_a_run_brings_the_blocks_and_the_bound_parameters_to_the_host(api, host):
    made = await create(api)
    launch = await running_session(api, host)

    stored = await run(
        api,
        made.workflow_id,
        parameters(email="a@b.example", password="hunter2"),
        browser_session_id=launch.browser_session_id,
        max_steps=30,
        timeout=minutes(20),
    )

    assert stored.run_id.startswith("wr_")
    assert (stored.run_type, stored.workflow_id) == (runs_pb2.RUN_TYPE_WORKFLOW, made.workflow_id)
    start = (await host.begin_run()).start_run
    assert start.workflow
    assert [block.WhichOneof("kind") for block in start.blocks] == [
        "goto", "actions", "task", "extract", "wait", "approve",
    ]  # fmt: skip
    assert [block.block_id for block in start.blocks] == ["block_1", "sign_in", "block_3", "cart", "block_5", "ask"]
    assert start.blocks[1].actions.actions[0].fill.value.parameter == "password"
    assert dict(start.parameters) == {"email": "a@b.example", "password": "hunter2", "max_price": 100}
    assert (start.max_steps, start.timeout) == (30, minutes(20))


async def test_a_secret_parameter_is_never_shown(api, host, caplog):
    made = await create(api)
    stored = await run(api, made.workflow_id, parameters(email="a@b.example", password="hunter2"))
    shown = [stored, await get_run(api, stored.run_id), *(await api.runs.ListRuns(runs_pb2.ListRunsRequest())).runs]
    watch = api.runs.WatchRun(runs_pb2.WatchRunRequest(run_id=stored.run_id))
    shown.append((await watch.read()).run)
    for one in shown:
        assert dict(one.parameters) == {"email": "a@b.example", "max_price": 100}
        assert b"hunter2" not in one.SerializeToString()
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "parameters.email"),
        ({"email": 3}, "parameters.email"),
        ({"email": "x", "emial": "y"}, "parameters.emial"),
        ({"email": "x", "max_price": "100"}, "parameters.max_price"),
    ],
)
async def test_wrong_parameters_are_named_and_nothing_is_stored(api, given, field):
    made = await create(api)
    refusal = await refused(run(api, made.workflow_id, parameters(password="x", **given)))
    assert refusal.reason == "FIELD_INVALID"
    assert field in refusal.fields
    assert not (await api.runs.ListRuns(runs_pb2.ListRunsRequest())).runs


async def test_every_mistake_of_a_definition_is_named_with_its_line_and_path_and_nothing_is_stored(api):
    definition = 'version: 1\ntitle: Broken\nblocks:\n  - goto: "ftp://x"\n  - clickk: {name: Buy}\n'
    refusal = await refused(create(api, definition))
    assert refusal.reason == "FIELD_INVALID"
    first, second = refusal.message.split("; definition: ")
    assert first.startswith("definition: line 4, blocks[0].goto: ")
    assert second.startswith("line 5, blocks[1].clickk: unknown field")
    assert not (await api.workflows.ListWorkflows(pb.ListWorkflowsRequest())).workflows
    made = await create(api)
    await refused(update(api, made.workflow_id, definition))
    assert (await get(api, made.workflow_id)).version == 1


async def test_a_run_in_both_a_session_and_a_profile_is_refused(api, host):
    made = await create(api)
    given = parameters(email="a@b.example", password="x")
    call = run(api, made.workflow_id, given, browser_session_id="pbs_1", browser_profile_id="bp_1")
    assert set((await refused(call)).fields) == {"browser_profile_id"}


async def test_a_retried_run_is_answered_also_when_its_workflow_is_gone(api, host):
    made = await create(api)
    given = parameters(email="a@b.example", password="x")
    first = await run(api, made.workflow_id, given, request_id="r-1")
    await delete(api, made.workflow_id)
    again = await run(api, made.workflow_id, given, request_id="r-1")
    assert again.run_id == first.run_id
