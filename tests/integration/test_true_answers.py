"""What callers are told about sessions and runs whose host is out of reach, draining, or has not answered yet."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2, runs_pb2

from tests.api_calls import cancel_run, drain_host, get_host, get_run, get_session, minutes, run_task, running_session
from tests.fake_host import step_started
from tests.refusals import refused

SILENT = timedelta(seconds=17)


def conditions(record):
    return [condition.type for condition in record.conditions]


async def extend(api, launch, timeout):
    request = pb.ExtendBrowserSessionRequest(browser_session_id=launch.browser_session_id, timeout=timeout)
    return (await api.sessions.ExtendBrowserSession(request)).browser_session


# Another timeout


async def test_a_session_gets_no_longer_timeout_while_its_host_cannot_be_told(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    await advance(SILENT, silent=True)

    refusal = await refused(extend(api, launch, minutes(10)))

    assert str(refusal) == "UNAVAILABLE/HOST_UNREACHABLE"
    assert refusal.message == (
        f"host host-a of session {launch.browser_session_id} is out of reach: until it is back its browser ends at "
        "2026-01-01T12:05:00Z"
    )
    assert refusal.retry_seconds == 3
    assert (await get_session(api, launch.browser_session_id)).timeout == minutes(5)
    await host.heartbeat()
    await extend(api, launch, minutes(10))
    assert (await host.command("set_timeout")).set_timeout.timeout == minutes(10)


async def test_a_session_gets_no_longer_timeout_while_its_draining_host_is_silent(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    await drain_host(api, drain_timeout=minutes(10))
    await advance(SILENT, silent=True)
    assert str(await refused(extend(api, launch, minutes(10)))) == "UNAVAILABLE/HOST_UNREACHABLE"


async def test_a_shorter_timeout_is_taken_though_the_host_is_out_of_reach(api, host, advance):
    """Whatever the host does, the session ends no later than it says."""
    launch = await running_session(api, host, timeout=minutes(60))
    await advance(SILENT, silent=True)
    shown = await extend(api, launch, minutes(5))
    assert conditions(shown) == ["HOST_UNREACHABLE", "TIMEOUT_UNCONFIRMED"]
    assert shown.expire_time.ToDatetime() - shown.start_time.ToDatetime() == timedelta(minutes=5)


async def test_a_new_timeout_is_called_unconfirmed_until_the_host_has_answered(api, host):
    launch = await running_session(api, host, timeout=minutes(5))
    watch = api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    )
    await watch.read()

    shown = await extend(api, launch, minutes(10))

    (condition,) = shown.conditions
    assert condition.type == "TIMEOUT_UNCONFIRMED"
    assert condition.message == (
        "host host-a has not confirmed the timeout of 600s yet: until then the browser ends at its earlier deadline"
    )
    assert conditions((await asyncio.wait_for(watch.read(), 5)).browser_session) == ["TIMEOUT_UNCONFIRMED"]
    await host.done(await host.command("set_timeout"))
    assert conditions((await asyncio.wait_for(watch.read(), 5)).browser_session) == []
    listed = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())
    assert conditions(listed.browser_sessions[0]) == []
    watch.cancel()


async def test_a_browser_that_ended_at_its_old_deadline_closes_its_session_timed_out(api, host, advance):
    """The host was cut off before it heard of the new one, and nobody knew yet."""
    launch = await running_session(api, host, timeout=minutes(5))
    await extend(api, launch, minutes(10))
    await advance(timedelta(minutes=5))
    await host.bury(launch, pb.CLOSE_REASON_TIMED_OUT)
    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT


# A draining host


async def test_what_runs_on_a_draining_host_that_falls_silent_says_both(api, host, advance):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    await drain_host(api, drain_timeout=minutes(10))
    watch = api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    )
    assert conditions((await asyncio.wait_for(watch.read(), 5)).browser_session) == ["HOST_DRAINING"]

    await advance(SILENT, silent=True)

    both = ["HOST_UNREACHABLE", "HOST_DRAINING"]
    assert conditions((await asyncio.wait_for(watch.read(), 5)).browser_session) == both
    assert conditions(await get_run(api, run.run_id)) == both
    shown = await get_host(api)
    assert shown.state == hosts_pb2.HOST_STATE_DRAINING
    assert shown.state_message == "drained by an operator; not heard since 2026-01-01T12:00:17Z"

    await host.heartbeat()
    assert conditions((await asyncio.wait_for(watch.read(), 5)).browser_session) == ["HOST_DRAINING"]
    assert (await get_host(api)).state_message == "drained by an operator"
    watch.cancel()


async def test_a_silent_host_that_is_told_to_drain_is_still_out_of_reach_until_it_attaches_again(api, host, advance):
    launch = await running_session(api, host)
    await advance(SILENT, silent=True)
    await drain_host(api, drain_timeout=minutes(10))
    assert conditions(await get_session(api, launch.browser_session_id)) == ["HOST_UNREACHABLE", "HOST_DRAINING"]
    await host.attach()
    assert conditions(await get_session(api, launch.browser_session_id)) == ["HOST_DRAINING"]


async def test_a_run_on_a_silent_draining_host_is_canceled_at_once(api, host, advance):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    await drain_host(api, drain_timeout=minutes(10))
    await advance(SILENT, silent=True)
    assert (await cancel_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_CANCELED


# Answers that carry conditions


async def test_every_answer_about_a_run_or_session_says_that_its_host_is_out_of_reach(api, host, advance):
    launch = await running_session(api, host, request_id="again")
    await run_task(api, launch.browser_session_id)
    await advance(SILENT, silent=True)

    queued = await run_task(api, launch.browser_session_id)
    same = await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(request_id="again"))
    runs = await api.runs.ListRuns(runs_pb2.ListRunsRequest())
    sessions = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())

    for record in (queued, same.browser_session, *runs.runs, *sessions.browser_sessions):
        assert conditions(record) == ["HOST_UNREACHABLE"]
    assert conditions(await cancel_run(api, queued.run_id)) == []  # final


async def test_a_full_queue_says_when_to_come_again(api, host, control_plane):
    launch = await running_session(api, host)
    for _ in range(control_plane.config.max_waiting_runs + 1):
        await run_task(api, launch.browser_session_id)
    refusal = await refused(run_task(api, launch.browser_session_id))
    assert str(refusal) == "RESOURCE_EXHAUSTED/QUEUE_FULL"
    assert refusal.retry_seconds == 5


@pytest.mark.parametrize(("began", "safe"), [(True, False), (False, True)])
async def test_a_run_that_was_lost_with_its_host_says_whether_a_step_had_begun(api, host, advance, began, safe):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    waiting = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    if began:
        await host.report(command, step_started(1, 1))
    await advance(timedelta(seconds=183), silent=True)

    lost = await get_run(api, run.run_id)

    assert (lost.status, lost.failure_reason) == (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_HOST_LOST)
    assert lost.safe_to_retry is safe
    assert ("what its step 1 did is unknown" in lost.failure_message) is began
    never_began = await get_run(api, waiting.run_id)
    assert (never_began.failure_reason, never_began.safe_to_retry) == (runs_pb2.FAILURE_REASON_HOST_LOST, True)
