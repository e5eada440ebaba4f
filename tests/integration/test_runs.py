"""Runs through the public API, with a host that speaks the real protocol and does what a test tells it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct, Value
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, browser_sessions_pb2, workflows_pb2
from tabkeep.v1 import runs_pb2 as pb

from tests.api_calls import (
    all_of,
    cancel_run,
    close_session,
    get_run,
    get_session,
    minutes,
    next_of,
    run_task,
    running_session,
    seconds,
    watch_run,
)
from tests.fake_host import run_finished, step_finished, step_started
from tests.refusals import refused

WORKFLOW = """
version: 1
title: Visit
blocks:
  - goto: "https://shop.example/"
"""
UNKNOWN_STATUSES: Any = [99]


def approval_requested(seq: int, approval_id: str = "apr_1") -> pb.RunEvent:
    approval = pb.Approval(approval_id=approval_id, message="Place the order?")
    return pb.RunEvent(seq=seq, approval_requested=pb.ApprovalRequested(approval=approval))


def approval_resolved(seq: int, approval_id: str = "apr_1") -> pb.RunEvent:
    return pb.RunEvent(seq=seq, approval_resolved=pb.ApprovalResolved(approval_id=approval_id, approved=True))


async def resolve(api, run_id, approval_id="apr_1", *, approved=True, comment=""):
    request = pb.ResolveApprovalRequest(run_id=run_id, approval_id=approval_id, approved=approved, comment=comment)
    return (await api.runs.ResolveApproval(request)).run


async def started_run(api, host, **fields):
    """A session whose first run has begun: the StartRun command."""
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id, **fields)
    return await host.begin_run()


# Turns


async def test_a_run_in_an_idle_session_has_its_turn_in_the_answer_and_reaches_the_host_whole(api, host):
    launch = await running_session(api, host)

    run = await run_task(
        api,
        launch.browser_session_id,
        "Find customer with email 'a@b.example'",
        url="https://shop.example/",
        max_steps=7,
        timeout=minutes(2),
        screenshots=pb.SCREENSHOT_MODE_ON_FAILURE,
        labels={"team": "a"},
    )

    assert run.status == pb.RUN_STATUS_RUNNING
    assert run.run_id.startswith("tsk_")
    assert run.HasField("start_time")
    assert (run.max_steps, run.timeout, run.labels["team"]) == (7, minutes(2), "a")
    assert not run.owns_browser_session
    command = await host.begin_run()
    assert (command.browser_session_id, command.fence) == (launch.browser_session_id, launch.fence)
    start = command.start_run
    assert start.run_id == run.run_id
    assert [block.WhichOneof("kind") for block in start.blocks] == ["goto", "task"]
    assert start.blocks[0].goto.url == "https://shop.example/"
    assert start.blocks[1].task.prompt == "Find customer with email 'a@b.example'"
    assert (start.max_steps, start.timeout, start.screenshots) == (7, minutes(2), pb.SCREENSHOT_MODE_ON_FAILURE)
    assert not start.workflow
    assert (await get_session(api, launch.browser_session_id)).active_run_id == run.run_id


async def test_a_final_run_says_where_its_output_came_from_and_lists_of_runs_do_not(api, host):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    output = Value()
    output.struct_value.update({"total": 129.5})
    source = pb.Provenance(path="total", text="$129.50", selector="#total", label="Total", url="https://shop.example/")
    much = [pb.Provenance(path=str(number), text="x" * 300) for number in range(400)]
    await host.report(command, run_finished(1, output=output, provenance=[source, *much]))

    shown = (await api.runs.GetRun(pb.GetRunRequest(run_id=run.run_id))).run
    watch = api.runs.WatchRun(pb.WatchRunRequest(run_id=run.run_id))
    watched = [response.run async for response in watch if response.HasField("run")][-1]
    listed = (await api.runs.ListRuns(pb.ListRunsRequest())).runs

    assert shown.provenance[0] == source
    assert watched.provenance == shown.provenance
    assert sum(one.ByteSize() for one in shown.provenance) in range(60_000, 65_537)
    assert [list(one.provenance) for one in listed] == [[]]


async def test_a_run_is_created_before_the_browser_is_up_queued_behind_another_and_running_at_its_turn(api, host):
    session = (
        await api.sessions.CreateBrowserSession(browser_sessions_pb2.CreateBrowserSessionRequest())
    ).browser_session
    first = await run_task(api, session.browser_session_id)
    second = await run_task(api, session.browser_session_id)
    assert (first.status, second.status) == (pb.RUN_STATUS_CREATED, pb.RUN_STATUS_CREATED)

    await host.launch()

    assert (await get_run(api, first.run_id)).status == pb.RUN_STATUS_RUNNING
    assert (await get_run(api, second.run_id)).status == pb.RUN_STATUS_QUEUED
    assert not (await get_run(api, second.run_id)).HasField("start_time")
    command = await host.begin_run()
    await host.report(command, run_finished(1))
    assert (await get_run(api, second.run_id)).status == pb.RUN_STATUS_RUNNING


async def test_tasks_and_workflows_in_one_session_have_their_turns_first_in_first_out(api, host):
    workflow = (await api.workflows.CreateWorkflow(workflows_pb2.CreateWorkflowRequest(definition=WORKFLOW))).workflow
    launch = await running_session(api, host)
    expected = []
    for number in range(6):
        if number % 2:
            request = pb.RunWorkflowRequest(
                workflow_id=workflow.workflow_id, browser_session_id=launch.browser_session_id
            )
            expected.append((await api.runs.RunWorkflow(request)).run.run_id)
        else:
            expected.append((await run_task(api, launch.browser_session_id)).run_id)

    order = []
    for _ in expected:
        command = await host.begin_run()
        order.append(command.start_run.run_id)
        assert (await get_session(api, launch.browser_session_id)).active_run_id == order[-1]
        await host.report(command, run_finished(1))

    assert order == expected
    assert (await get_session(api, launch.browser_session_id)).active_run_id == ""
    listed = await api.runs.ListRuns(pb.ListRunsRequest(browser_session_id=launch.browser_session_id))
    assert [run.run_id for run in listed.runs] == expected[::-1]


async def test_a_run_without_a_session_opens_its_own_and_closes_it_afterwards(api, host):
    request = browser_sessions_pb2.CreateBrowserSessionRequest(timeout=minutes(7), labels={"a": "b"})
    run = await run_task(api, browser_session=request)
    assert run.owns_browser_session
    session = await get_session(api, run.browser_session_id)
    assert (session.timeout, session.labels["a"]) == (minutes(7), "b")
    await host.launch()
    command = await host.begin_run()

    await host.report(command, run_finished(1))

    session = await get_session(api, run.browser_session_id)
    assert session.close_reason == browser_sessions_pb2.CLOSE_REASON_REQUESTED
    assert session.close_message == f"its run {run.run_id} has ended"
    assert (await host.command("close")).browser_session_id == run.browser_session_id
    assert (await get_run(api, run.run_id)).status == pb.RUN_STATUS_COMPLETED


async def test_the_host_refusing_to_begin_a_run_fails_it_and_the_next_one_has_its_turn(api, host):
    launch = await running_session(api, host)
    first = await run_task(api, launch.browser_session_id)
    second = await run_task(api, launch.browser_session_id)

    await host.fail(await host.command("start_run"), "BUSY", "something else is under way")

    failed = await get_run(api, first.run_id)
    assert (failed.status, failed.failure_reason) == (pb.RUN_STATUS_FAILED, pb.FAILURE_REASON_INTERNAL)
    assert failed.failure_message == "the host did not begin the run: BUSY: something else is under way"
    assert (await host.begin_run()).start_run.run_id == second.run_id


# Events


async def test_events_are_stored_and_counted_and_a_watcher_sees_each_once_in_order_and_last_the_final_run(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    watch = watch_run(api, run_id)
    assert (await next_of(watch)).run.status == pb.RUN_STATUS_RUNNING
    events = [pb.RunEvent(seq=1, run_started=pb.RunStarted(url="https://shop.example/"))]
    for step in range(1, 4):
        events += [step_started(2 * step, step), step_finished(2 * step + 1, step)]
    await host.report(command, *events[:3])
    await host.report(command, *events[3:])
    middle = await get_run(api, run_id)
    assert (middle.last_seq, middle.step_count, middle.safe_to_retry) == (7, 3, False)
    await host.report(command, run_finished(8))

    updates = await all_of(watch)

    assert [update.event.seq for update in updates[:-1]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(update.event.run_id == run_id for update in updates[:-1])
    assert updates[-1].run == await get_run(api, run_id)
    assert updates[-1].run.status == pb.RUN_STATUS_COMPLETED


async def test_a_watcher_that_was_away_goes_on_after_the_last_event_it_saw(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    await host.report(command, step_started(1), step_finished(2))
    first = watch_run(api, run_id)
    assert [(await next_of(first)).WhichOneof("update") for _ in range(3)] == ["run", "event", "event"]
    first.cancel()
    await host.report(command, step_started(3, 2), step_finished(4, 2), run_finished(5))

    updates = await all_of(watch_run(api, run_id, after_seq=2))

    assert [update.event.seq for update in updates[:-1]] == [3, 4, 5]
    assert updates[-1].run.status == pb.RUN_STATUS_COMPLETED
    (only,) = await all_of(watch_run(api, run_id, after_seq=5))
    assert only.run.run_id == run_id


async def test_many_events_reach_a_watcher_in_order_over_several_reads_of_the_store(api, host):
    command = await started_run(api, host)
    for start in range(1, 601, 100):
        await host.report(command, *(step_started(seq, seq) for seq in range(start, start + 100)))
    await host.report(command, run_finished(601))
    updates = await all_of(watch_run(api, command.start_run.run_id))
    assert [update.event.seq for update in updates[:-1]] == list(range(1, 602))


async def test_watching_from_beyond_the_last_event_is_out_of_range(api, host):
    command = await started_run(api, host)
    await host.report(command, step_started(1))
    refusal = await refused(next_of(watch_run(api, command.start_run.run_id, after_seq=2)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "SEQ_BEYOND_LOG")
    assert refusal.metadata["last_seq"] == "1"
    refusal = await refused(next_of(watch_run(api, command.start_run.run_id, after_seq=-1)))
    assert refusal.fields == {"after_seq": "-1 is negative"}


async def test_an_event_that_comes_again_is_acknowledged_again_and_stored_once(api, host):
    command = await started_run(api, host)
    await host.report(command, step_started(1), step_finished(2))
    await host.report(command, step_started(1), step_finished(2))
    await host.report(command, run_finished(3))
    await host.report(command, run_finished(3))
    updates = await all_of(watch_run(api, command.start_run.run_id))
    assert [update.event.seq for update in updates[:-1]] == [1, 2, 3]


async def test_an_event_that_comes_again_with_another_body_ends_the_stream_and_stores_nothing(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    await host.report(command, step_started(1, step=1))

    await host.report(command, step_started(1, step=2), step_finished(2), wait=False)

    ending = await host.ended()
    assert (ending.code, ending.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PROTOCOL")
    assert ending.message == f"host host-a sent another event 1 of run {run_id} than before"
    assert (await get_run(api, run_id)).last_seq == 1


async def test_a_gap_is_answered_with_one_resend_and_nothing_after_it_is_stored(api, host):
    command = await started_run(api, host)
    await host.report(command, step_started(1))
    await host.report(command, step_started(3, 2), step_finished(4, 2), wait=False)
    resend = await host.receive("resend")
    assert (resend.run_id, resend.from_seq) == (command.start_run.run_id, 2)
    await host.nothing_more("resend")
    assert (await get_run(api, command.start_run.run_id)).last_seq == 1
    await host.report(command, step_finished(2), step_started(3, 2), step_finished(4, 2))
    assert (await get_run(api, command.start_run.run_id)).last_seq == 4


@pytest.mark.parametrize("wrong", [{"fence": 9}, {"fence": 9, "browser_session_id": "pbs_other"}])
async def test_events_under_another_placement_are_answered_with_stop_run_and_not_stored(api, host, wrong):
    command = await started_run(api, host)
    right = {"browser_session_id": command.browser_session_id, "fence": command.fence}
    events = [step_started(1), step_finished(2)]
    for event in events:
        event.run_id = command.start_run.run_id
    batch = host_pb2.EventBatch(events=[host_pb2.HostedEvent(**{**right, **wrong}, event=event) for event in events])

    await host.send(event_batch=batch)

    assert (await host.receive("stop_run")).run_id == command.start_run.run_id
    await host.nothing_more("stop_run")
    await host.nothing_more("event_ack")
    run = await get_run(api, command.start_run.run_id)
    assert (run.last_seq, run.status) == (0, pb.RUN_STATUS_RUNNING)


async def test_events_of_a_run_that_is_final_or_unknown_are_answered_with_stop_run_and_not_stored(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    await host.report(command, run_finished(1))
    await host.report(command, step_started(2), wait=False)
    assert (await host.receive("stop_run")).run_id == run_id
    assert (await get_run(api, run_id)).last_seq == 1

    command.start_run.run_id = "tsk_unknown"
    await host.report(command, step_started(1), wait=False)
    assert (await host.receive("stop_run")).run_id == "tsk_unknown"


async def test_events_of_a_run_that_waits_are_answered_with_stop_run_and_not_stored(api, host):
    command = await started_run(api, host)
    waiting = await run_task(api, command.browser_session_id)
    command.start_run.run_id = waiting.run_id
    await host.report(command, step_started(1), wait=False)
    assert (await host.receive("stop_run")).run_id == waiting.run_id
    assert (await get_run(api, waiting.run_id)).status == pb.RUN_STATUS_QUEUED


# Ends


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (pb.RUN_STATUS_COMPLETED, pb.FAILURE_REASON_UNSPECIFIED),
        (pb.RUN_STATUS_FAILED, pb.FAILURE_REASON_NEEDS_MODEL),
        (pb.RUN_STATUS_TERMINATED, pb.FAILURE_REASON_MAX_STEPS),
        (pb.RUN_STATUS_CANCELED, pb.FAILURE_REASON_CANCELED),
        (pb.RUN_STATUS_TIMED_OUT, pb.FAILURE_REASON_RUN_TIMED_OUT),
    ],
)
async def test_a_run_ends_as_the_host_says_with_its_reason_and_what_it_brought(api, host, status, reason):
    command = await started_run(api, host)
    output = Value()
    output.struct_value.update({"total": 129.5, "items": ["a", "b"]})
    message = "" if status == pb.RUN_STATUS_COMPLETED else "what was wrong"
    await host.report(command, run_finished(1, status, failure_reason=reason, failure_message=message, output=output))

    run = await get_run(api, command.start_run.run_id)

    assert (run.status, run.failure_reason, run.failure_message) == (status, reason, message)
    assert run.output == output
    assert run.HasField("end_time")
    assert run.safe_to_retry
    assert not run.HasField("pending_approval")


async def test_a_host_cannot_finish_a_run_with_a_status_that_is_not_final(api, host):
    command = await started_run(api, host)
    await host.report(command, run_finished(1, pb.RUN_STATUS_PAUSED), wait=False)
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    assert (await get_run(api, command.start_run.run_id)).status == pb.RUN_STATUS_RUNNING


async def test_a_run_is_safe_to_retry_until_a_step_began(api, host):
    command = await started_run(api, host)
    await host.report(command, pb.RunEvent(seq=1, run_started=pb.RunStarted()))
    assert (await get_run(api, command.start_run.run_id)).safe_to_retry
    await host.report(command, step_started(2))
    await host.bury(command, browser_sessions_pb2.CLOSE_REASON_BROWSER_CRASHED)
    run = await get_run(api, command.start_run.run_id)
    assert (run.status, run.failure_reason) == (pb.RUN_STATUS_FAILED, pb.FAILURE_REASON_BROWSER_CRASHED)
    assert not run.safe_to_retry


# Canceling


async def test_a_waiting_run_is_canceled_at_once_and_never_reaches_the_host(api, host):
    command = await started_run(api, host)
    waiting = await run_task(api, command.browser_session_id)

    canceled = await cancel_run(api, waiting.run_id)

    assert (canceled.status, canceled.failure_reason) == (pb.RUN_STATUS_CANCELED, pb.FAILURE_REASON_CANCELED)
    assert await cancel_run(api, waiting.run_id) == canceled
    await host.report(command, run_finished(1))
    await host.nothing_more("command")


async def test_a_running_run_is_canceled_when_the_host_says_so_and_the_session_stays_open(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    answer = await cancel_run(api, run_id)
    assert answer.status == pb.RUN_STATUS_RUNNING
    assert (await cancel_run(api, run_id)).status == pb.RUN_STATUS_RUNNING

    cancel = await host.command("cancel_run")
    assert cancel.cancel_run.run_id == run_id
    await host.done(cancel)
    await host.report(command, run_finished(1, pb.RUN_STATUS_CANCELED, failure_reason=pb.FAILURE_REASON_CANCELED))

    assert (await get_run(api, run_id)).status == pb.RUN_STATUS_CANCELED
    session = await get_session(api, command.browser_session_id)
    assert (session.state, session.active_run_id) == (browser_sessions_pb2.BROWSER_SESSION_STATE_RUNNING, "")
    await host.nothing_more("command")


async def test_a_host_that_does_not_end_a_canceled_run_in_time_is_told_to_stop_it_before_the_next_one_starts(
    api, host, advance
):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    following = await run_task(api, command.browser_session_id)
    await cancel_run(api, run_id)
    await advance(timedelta(seconds=4.9))
    assert (await get_run(api, run_id)).status == pb.RUN_STATUS_RUNNING

    await advance(timedelta(seconds=0.1))

    canceled = await get_run(api, run_id)
    assert (canceled.status, canceled.failure_reason) == (pb.RUN_STATUS_CANCELED, pb.FAILURE_REASON_CANCELED)
    assert "what its last step did is unknown" in canceled.failure_message
    assert (await get_run(api, following.run_id)).status == pb.RUN_STATUS_RUNNING
    told = await host.take_until("command", lambda command: command.WhichOneof("kind") == "start_run")
    assert [kind for kind in told if kind in ("stop_run", "start_run")] == ["stop_run", "start_run"]
    await host.report(command, run_finished(1, pb.RUN_STATUS_COMPLETED), wait=False)
    assert (await host.receive("stop_run")).run_id == run_id
    assert await get_run(api, run_id) == canceled


async def test_a_run_on_an_unreachable_host_is_canceled_at_once_and_does_not_begin_when_the_host_is_back(
    api, host, advance
):
    launch = await running_session(api, host)
    await host.vanish()
    await advance(timedelta(seconds=17), silent=True)
    run = await run_task(api, launch.browser_session_id)
    following = await run_task(api, launch.browser_session_id)
    assert run.status == pb.RUN_STATUS_RUNNING

    assert (await cancel_run(api, run.run_id)).status == pb.RUN_STATUS_CANCELED

    await host.attach()
    assert (await host.command("start_run")).start_run.run_id == following.run_id
    await host.nothing_more("command")


async def test_canceling_a_run_that_has_its_own_session_closes_that_session(api, host):
    run = await run_task(api)
    assert (await cancel_run(api, run.run_id)).status == pb.RUN_STATUS_CANCELED
    session = await get_session(api, run.browser_session_id)
    assert session.close_reason == browser_sessions_pb2.CLOSE_REASON_REQUESTED


# Deadlines


async def test_a_run_the_host_does_not_end_at_its_timeout_is_ended_for_it_after_the_overtime(api, host, advance):
    command = await started_run(api, host, timeout=seconds(30))
    run_id = command.start_run.run_id
    await host.report(command, step_started(1))
    await advance(timedelta(seconds=34.9))
    assert (await get_run(api, run_id)).status == pb.RUN_STATUS_RUNNING

    await advance(timedelta(seconds=0.1))

    run = await get_run(api, run_id)
    assert (run.status, run.failure_reason) == (pb.RUN_STATUS_TIMED_OUT, pb.FAILURE_REASON_RUN_TIMED_OUT)
    assert run.failure_message.startswith("timed out after 30s")
    assert not run.safe_to_retry
    assert (await host.receive("stop_run")).run_id == run_id
    assert (await get_session(api, command.browser_session_id)).active_run_id == ""


async def test_a_session_that_times_out_ends_its_runs_timed_out_and_they_stay_so(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    waiting = await run_task(api, launch.browser_session_id)

    await advance(timedelta(minutes=5))

    for run_id in (command.start_run.run_id, waiting.run_id):
        run = await get_run(api, run_id)
        assert (run.status, run.failure_reason) == (pb.RUN_STATUS_TIMED_OUT, pb.FAILURE_REASON_SESSION_TIMED_OUT)
        assert run.failure_message == f"session {launch.browser_session_id} closed: timed out after 5m"
    await host.report(command, run_finished(1), wait=False)
    assert (await host.receive("stop_run")).run_id == command.start_run.run_id


async def test_a_closed_session_cancels_the_run_under_way_and_those_that_wait(api, host):
    command = await started_run(api, host)
    waiting = await run_task(api, command.browser_session_id)
    watch = watch_run(api, waiting.run_id)
    await next_of(watch)

    await close_session(api, command.browser_session_id)

    for run_id in (command.start_run.run_id, waiting.run_id):
        run = await get_run(api, run_id)
        assert (run.status, run.failure_reason) == (pb.RUN_STATUS_CANCELED, pb.FAILURE_REASON_SESSION_CLOSED)
    assert (await all_of(watch))[-1].run.status == pb.RUN_STATUS_CANCELED


@pytest.mark.parametrize(
    ("queue_timeout", "reason"), [(60, pb.FAILURE_REASON_NO_CAPACITY), (3600, pb.FAILURE_REASON_LAUNCH_FAILED)]
)
async def test_a_run_whose_session_never_comes_up_fails_with_the_reason_of_the_session(
    api, host, advance, queue_timeout, reason
):
    if reason == pb.FAILURE_REASON_NO_CAPACITY:
        for _ in range(4):
            await running_session(api, host)
    request = browser_sessions_pb2.CreateBrowserSessionRequest(queue_timeout=seconds(queue_timeout))
    run = await run_task(api, browser_session=request)
    if reason == pb.FAILURE_REASON_LAUNCH_FAILED:
        await host.fail(await host.command("launch"), "LAUNCH_FAILED", "no chromium here")
    else:
        await advance(timedelta(seconds=queue_timeout))
    failed = await get_run(api, run.run_id)
    assert (failed.status, failed.failure_reason) == (pb.RUN_STATUS_FAILED, reason)
    assert failed.safe_to_retry


async def waited_for(api, control_plane, run_id, wait_timeout):
    """A GetRun that the control plane holds."""
    held = asyncio.ensure_future(get_run(api, run_id, wait_timeout=wait_timeout))
    while run_id not in control_plane.coordinator.feed._watchers:  # noqa: ASYNC110
        await asyncio.sleep(0)
    return held


async def test_get_run_with_a_wait_answers_when_the_run_is_final(api, host, control_plane):
    command = await started_run(api, host)
    waiting = await waited_for(api, control_plane, command.start_run.run_id, minutes(5))
    await host.report(command, step_started(1))
    assert not waiting.done()
    await host.report(command, run_finished(2))
    assert (await asyncio.wait_for(waiting, 5)).status == pb.RUN_STATUS_COMPLETED


async def test_get_run_with_a_wait_answers_with_the_run_as_it_is_when_the_time_is_over(
    api, host, advance, control_plane
):
    command = await started_run(api, host, timeout=minutes(60))
    waiting = await waited_for(api, control_plane, command.start_run.run_id, minutes(5))
    await host.report(command, step_started(1))
    await advance(timedelta(minutes=4))
    await host.report(command, step_finished(2))
    assert not waiting.done()
    await advance(timedelta(minutes=1))
    await host.report(command, step_started(3, 2))
    assert (await asyncio.wait_for(waiting, 5)).status == pb.RUN_STATUS_RUNNING
    refusal = await refused(get_run(api, command.start_run.run_id, wait_timeout=seconds(601)))
    assert refusal.fields == {"wait_timeout": "601s is above the maximum of 10m"}


# Refusals


async def test_a_closed_session_refuses_runs_and_says_when_and_why_it_closed(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    await advance(timedelta(minutes=5))

    refusal = await refused(run_task(api, launch.browser_session_id))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_CLOSED")
    assert refusal.message == (
        f"session {launch.browser_session_id} is closed (timed out after 5m at 2026-01-01T12:05:00Z): create a new one"
    )
    assert refusal.metadata["close_reason"] == "TIMED_OUT"


async def test_a_run_that_must_not_wait_is_refused_while_the_session_is_busy(api, host):
    command = await started_run(api, host)
    refusal = await refused(run_task(api, command.browser_session_id, fail_if_busy=True))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SESSION_BUSY")
    assert refusal.metadata["run_id"] == command.start_run.run_id
    await host.report(command, run_finished(1))
    accepted = await run_task(api, command.browser_session_id, fail_if_busy=True)
    assert accepted.status == pb.RUN_STATUS_RUNNING


async def test_the_hundred_and_first_waiting_run_is_refused_until_one_has_ended(api, host):
    command = await started_run(api, host)
    session_id = command.browser_session_id
    waiting = await asyncio.gather(*(run_task(api, session_id) for _ in range(100)))
    refusal = await refused(run_task(api, session_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL")
    await cancel_run(api, waiting[50].run_id)
    assert (await run_task(api, session_id)).status == pb.RUN_STATUS_QUEUED


def broken_schema() -> Struct:
    schema = Struct()
    schema.update({"type": "nonsense"})
    return schema


def click(**target: Any) -> actions_pb2.Action:
    return actions_pb2.Action(click=actions_pb2.Click(target=actions_pb2.Target(**target)))


@pytest.mark.parametrize(
    ("fields", "violations"),
    [
        (
            {"browser_session_id": "pbs_1", "browser_profile_id": "bp_1"},
            {"browser_profile_id": "cannot be used together with browser_session_id: choose one"},
        ),
        ({"prompt": "x" * 16_385}, {"prompt": "16385 characters are more than the maximum of 16384"}),
        ({"prompt": ""}, {"prompt": "give either a prompt or actions"}),
        ({"prompt": " \n"}, {"prompt": "give either a prompt or actions"}),
        ({"max_steps": 501}, {"max_steps": "501 is not within 1 to 500"}),
        ({"max_steps": -1}, {"max_steps": "-1 is not within 1 to 500"}),
        ({"timeout": seconds(0.5)}, {"timeout": "0.5s is below the minimum of 1s"}),
        ({"timeout": seconds(86_401)}, {"timeout": "86401s is above the maximum of 24h"}),
        ({"url": "ftp://shop.example/"}, {"url": "'ftp://shop.example/' is not an absolute http or https URL"}),
        ({"actions": [actions_pb2.Action()]}, {"actions[0]": "says nothing to do: set one of goto, click, fill, …"}),
        (
            {"actions": [click(name="Buy"), click()]},
            {"actions[1].click.target": "names no element: set role, name, css or test_id"},
        ),
        (
            {"actions": [actions_pb2.Action(goto=actions_pb2.Goto(url="javascript:alert(1)"))]},
            {"actions[0].goto.url": "'javascript:alert(1)' is not an absolute http or https URL"},
        ),
        (
            {"actions": [actions_pb2.Action(fill=actions_pb2.Fill(target=actions_pb2.Target(name="Email")))]},
            {"actions[0].fill": "needs a text: set value.literal"},
        ),
        (
            {
                "actions": [
                    actions_pb2.Action(
                        fill=actions_pb2.Fill(
                            target=actions_pb2.Target(name="Email"), value=actions_pb2.Value(parameter="email")
                        )
                    )
                ]
            },
            {"actions[0].fill": "names the parameter 'email': only workflows have parameters"},
        ),
        ({"actions": [click(name="Buy")] * 501}, {"actions": "501 actions are more than the maximum of 500"}),
        (
            {"browser_session": browser_sessions_pb2.CreateBrowserSessionRequest(timeout=seconds(1))},
            {"browser_session.timeout": "1s is below the minimum of 5m"},
        ),
        (
            {"browser_session": browser_sessions_pb2.CreateBrowserSessionRequest(), "browser_session_id": "pbs_1"},
            {"browser_session": "cannot be used together with browser_session_id: choose one"},
        ),
        ({"labels": {"": "x"}}, {"labels[]": "the key must be 1 to 63 letters, digits, '-', '_', '.' or '/'"}),
    ],
)
async def test_bad_input_names_the_field_and_the_bound_and_stores_nothing(api, host, fields, violations):
    refusal = await refused(run_task(api, **fields))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "FIELD_INVALID"
    assert dict(refusal.fields) == violations
    assert not (await api.runs.ListRuns(pb.ListRunsRequest())).runs
    listed = await api.sessions.ListBrowserSessions(browser_sessions_pb2.ListBrowserSessionsRequest())
    assert not listed.browser_sessions


async def test_a_prompt_and_actions_together_and_a_schema_that_is_none_are_both_named_in_one_answer(api, host):
    request = pb.RunTaskRequest(
        prompt="buy", actions=[click(name="Buy")], data_extraction_schema=broken_schema(), request_id="r"
    )
    refusal = await refused(api.runs.RunTask(request))
    assert set(refusal.fields) == {"prompt", "data_extraction_schema"}
    assert "not a JSON Schema" in refusal.fields["data_extraction_schema"]


async def test_the_same_request_id_returns_the_same_run_and_another_body_is_refused(api, host):
    launch = await running_session(api, host)
    first = await run_task(api, launch.browser_session_id, "buy", request_id="r-1")
    second = await run_task(api, launch.browser_session_id, "buy", request_id="r-1")
    assert first.run_id == second.run_id
    refusal = await refused(run_task(api, launch.browser_session_id, "sell", request_id="r-1"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert len((await api.runs.ListRuns(pb.ListRunsRequest())).runs) == 1


async def test_the_same_request_id_at_the_same_moment_makes_one_run(api, host):
    launch = await running_session(api, host)
    runs = await asyncio.gather(*(run_task(api, launch.browser_session_id, request_id="r") for _ in range(20)))
    assert len({run.run_id for run in runs}) == 1


async def test_a_request_id_is_forgotten_after_a_day(api, host, advance):
    first = await run_task(api, request_id="r-1")
    await advance(timedelta(hours=24, seconds=1))
    second = await run_task(api, request_id="r-1")
    assert first.run_id != second.run_id


async def test_runs_are_listed_in_pages_newest_first_and_filtered_by_status(api, host):
    command = await started_run(api, host)
    ids = [command.start_run.run_id]
    for _ in range(4):
        ids.append((await run_task(api, command.browser_session_id)).run_id)  # noqa: PERF401
    first = await api.runs.ListRuns(pb.ListRunsRequest(page_size=2))
    rest = await api.runs.ListRuns(pb.ListRunsRequest(page_size=3, page_token=first.next_page_token))
    assert [run.run_id for run in (*first.runs, *rest.runs)] == ids[::-1]
    assert rest.next_page_token == ""
    running = await api.runs.ListRuns(pb.ListRunsRequest(statuses=[pb.RUN_STATUS_RUNNING, pb.RUN_STATUS_PAUSED]))
    assert [run.run_id for run in running.runs] == ids[:1]
    refusal = await refused(api.runs.ListRuns(pb.ListRunsRequest(statuses=UNKNOWN_STATUSES)))
    assert set(refusal.fields) == {"statuses"}
    refusal = await refused(api.runs.ListRuns(pb.ListRunsRequest(page_size=-1)))
    assert refusal.fields == {"page_size": "-1 is negative"}


# Approvals


async def test_an_approval_pauses_the_run_and_the_answer_reaches_the_host_which_resumes_it(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    watch = watch_run(api, run_id)
    await host.report(command, approval_requested(1))
    paused = await get_run(api, run_id)
    assert paused.status == pb.RUN_STATUS_PAUSED
    assert (paused.pending_approval.approval_id, paused.pending_approval.message) == ("apr_1", "Place the order?")
    assert (await get_session(api, command.browser_session_id)).active_run_id == run_id

    answered = await resolve(api, run_id, comment="Ada: go ahead")

    assert answered.status == pb.RUN_STATUS_PAUSED
    answer = await host.command("resolve_approval")
    assert (answer.resolve_approval.run_id, answer.resolve_approval.approval_id) == (run_id, "apr_1")
    assert (answer.resolve_approval.approved, answer.resolve_approval.comment) == (True, "Ada: go ahead")
    await host.done(answer)
    await host.report(command, approval_resolved(2))
    resumed = await get_run(api, run_id)
    assert resumed.status == pb.RUN_STATUS_RUNNING
    assert not resumed.HasField("pending_approval")
    await host.report(command, run_finished(3))
    statuses = [update.run.status for update in await all_of(watch) if update.WhichOneof("update") == "run"]
    assert statuses[-1] == pb.RUN_STATUS_COMPLETED
    assert pb.RUN_STATUS_PAUSED in statuses


async def test_a_rejection_reaches_the_host_as_one_and_the_host_terminates_the_run(api, host):
    command = await started_run(api, host)
    await host.report(command, approval_requested(1))
    await resolve(api, command.start_run.run_id, approved=False)
    answer = await host.command("resolve_approval")
    assert not answer.resolve_approval.approved
    await host.report(
        command,
        approval_resolved(2),
        run_finished(3, pb.RUN_STATUS_TERMINATED, failure_reason=pb.FAILURE_REASON_APPROVAL_REJECTED),
    )
    assert (await get_run(api, command.start_run.run_id)).status == pb.RUN_STATUS_TERMINATED


async def test_the_same_answer_twice_is_one_answer_and_another_one_is_refused(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    await host.report(command, approval_requested(1))
    first = await resolve(api, run_id)
    assert await resolve(api, run_id) == first
    refusal = await refused(resolve(api, run_id, approved=False))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NO_APPROVAL_PENDING")
    assert "was answered already (approved)" in refusal.message
    await host.done(await host.command("resolve_approval"))
    await host.nothing_more("command")
    await host.report(command, approval_resolved(2))
    assert (await resolve(api, run_id)).status == pb.RUN_STATUS_RUNNING


async def test_an_answer_to_another_approval_or_to_none_is_refused_and_says_what_the_run_does(api, host):
    command = await started_run(api, host)
    run_id = command.start_run.run_id
    refusal = await refused(resolve(api, run_id))
    assert refusal.reason == "NO_APPROVAL_PENDING"
    assert f"run {run_id} is running" in refusal.message
    await host.report(command, approval_requested(1, "apr_2"))
    refusal = await refused(resolve(api, run_id, "apr_1"))
    assert f"run {run_id} waits for apr_2" in refusal.message
    refusal = await refused(resolve(api, run_id, ""))
    assert refusal.fields == {"approval_id": "must not be empty"}
    assert (await resolve(api, run_id, "apr_2")).status == pb.RUN_STATUS_PAUSED


async def test_a_paused_run_can_be_canceled_and_shows_no_approval_any_more(api, host, advance):
    command = await started_run(api, host)
    await host.report(command, approval_requested(1))
    assert (await cancel_run(api, command.start_run.run_id)).status == pb.RUN_STATUS_PAUSED
    assert (await host.command("cancel_run")).cancel_run.run_id == command.start_run.run_id
    await advance(timedelta(seconds=5))
    run = await get_run(api, command.start_run.run_id)
    assert run.status == pb.RUN_STATUS_CANCELED
    assert not run.HasField("pending_approval")


async def test_a_password_in_a_prompt_is_masked_for_people_sealed_on_the_disk_and_whole_for_the_host(
    api, host, control_plane
):
    prompt = "Log in as 'bob' with password 'correct horse 9'"

    start = await started_run(api, host, prompt=prompt)
    run = await get_run(api, start.start_run.run_id)
    files = list(control_plane.config.data_dir.glob("*.db*"))

    assert start.start_run.blocks[0].task.prompt == prompt
    assert list(start.start_run.secrets) == ["correct horse 9"]
    assert run.prompt == "Log in as 'bob' with password '•••'"
    assert files
    assert not [file for file in files if b"correct horse 9" in file.read_bytes()]
