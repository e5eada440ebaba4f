"""Hosts: how they are taken in, fall silent, come back, leave, and what becomes of what they hold."""

from __future__ import annotations

import asyncio
import copy
import random
import threading
from datetime import timedelta

import grpc
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2, runs_pb2

from tests.api_calls import (
    cancel_run,
    close_session,
    drain_host,
    get_host,
    get_run,
    get_session,
    minutes,
    next_of,
    run_task,
    running_session,
    seconds,
)
from tests.fake_host import run_finished, step_started
from tests.refusals import refused

SUSPECT_AFTER = timedelta(seconds=16.15)
LOST_AFTER = timedelta(seconds=182.8)


async def created_session(api, **fields):
    return (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(**fields))).browser_session


def conditions(record):
    return [condition.type for condition in record.conditions]


# Being taken in


async def test_an_attached_host_is_shown_with_all_it_said(api, host):
    shown = await get_host(api)
    assert shown.state == hosts_pb2.HOST_STATE_READY
    assert (shown.capacity, shown.sessions, shown.build, shown.sandboxed) == (4, 0, "fake", True)
    assert [(offer.browser_type, offer.version) for offer in shown.browsers] == [
        (pb.BROWSER_TYPE_CHROME, "Chromium 1.2.3")
    ]
    assert shown.incarnation == host.incarnation
    assert host.welcome.heartbeat_no == host.heartbeat_no
    assert host.welcome.holding_lease == seconds(180)
    assert list((await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts) == [shown]


async def test_a_session_shows_what_its_host_said_of_its_browser_also_once_it_is_closed(api, host):
    request = pb.CreateBrowserSessionRequest()
    made = (await api.sessions.CreateBrowserSession(request)).browser_session
    assert not made.HasField("isolation")
    command = await host.command("launch")
    apart = pb.SessionIsolation(own_user=True, memory_limit_bytes=2**31, cpu_percent_limit=150)
    launched = host_pb2.Launched(isolation=apart, warm_start=True)
    await host.send(command_result=host_pb2.CommandResult(command_id=command.command_id, launched=launched))
    await host.receive("command_result_ack")
    await api.sessions.CloseBrowserSession(pb.CloseBrowserSessionRequest(browser_session_id=made.browser_session_id))
    get = pb.GetBrowserSessionRequest(browser_session_id=made.browser_session_id)
    shown = (await api.sessions.GetBrowserSession(get)).browser_session
    assert (shown.isolation, shown.warm_start, shown.sandboxed) == (apart, True, True)


async def test_a_host_whose_browsers_are_not_isolated_is_quarantined_until_it_is_started_anew(api, another):
    fake = another()
    hello = fake.hello()
    hello.fault = "Chromium 1.2.3 could not be started: its sandbox cannot start"
    hello.isolation.user_per_session = True
    hello.isolation.session_memory_limit_bytes = 2**31
    await fake.attach(hello)
    shown = await get_host(api, fake.host_id)
    assert shown.state == hosts_pb2.HOST_STATE_QUARANTINED
    assert shown.state_message == hello.fault
    assert shown.isolation == hello.isolation
    # Released, it is back in quarantine as soon as it says the same again.
    await api.hosts.ReleaseHost(hosts_pb2.ReleaseHostRequest(host_id=fake.host_id))
    hello.heartbeat_no += 1
    await fake.attach(hello)
    assert (await get_host(api, fake.host_id)).state == hosts_pb2.HOST_STATE_QUARANTINED
    session = await created_session(api)
    assert session.state == pb.BROWSER_SESSION_STATE_PENDING
    await fake.send(goodbye=host_pb2.Goodbye(reason="stopped"))
    await fake.nothing_more_after_goodbye()
    hello.fault, hello.incarnation, hello.heartbeat_no = "", "b" * 32, 1
    await fake.attach(hello)
    assert (await get_host(api, fake.host_id)).state == hosts_pb2.HOST_STATE_READY


async def test_a_session_with_extensions_goes_to_the_host_that_offers_them_all(api, host, another):
    refusal = await refused(created_session(api, extensions=["ad-blocker"]))
    assert str(refusal) == "FAILED_PRECONDITION/EXTENSION_NOT_OFFERED"
    assert "no host offers chrome with ad-blocker; extensions offered are: host-a: none; a host" in refusal.message
    other = another()
    hello = other.hello()
    for name in ("ad-blocker", "captcha-solver", "Not A Name"):
        hello.extensions.add(name=name, version="1.0", sha256="ab" * 32)
    await other.attach(hello)
    shown = await get_host(api, other.host_id)
    assert list(shown.extensions) == list(hello.extensions[:2])
    for _ in range(3):
        session = await created_session(api, extensions=["captcha-solver", "ad-blocker", "ad-blocker"])
        assert (session.host_id, list(session.extensions)) == (other.host_id, ["ad-blocker", "captcha-solver"])
        assert list((await other.command("launch")).launch.extensions) == ["ad-blocker", "captcha-solver"]
    # The fourth place is taken, too, and the next one waits, though another host has room; one without goes there.
    await created_session(api, extensions=["ad-blocker"])
    waiting = await created_session(api, extensions=["ad-blocker"])
    assert waiting.state == pb.BROWSER_SESSION_STATE_PENDING
    assert (await created_session(api)).host_id == host.host_id


@pytest.mark.parametrize("names", [["Ad Blocker"], [""], ["a" * 64], ["a,b"], [f"e{number}" for number in range(9)]])
async def test_wrong_names_of_extensions_are_refused_by_field(api, host, names):
    refusal = await refused(created_session(api, extensions=names))
    assert str(refusal) == "INVALID_ARGUMENT/FIELD_INVALID"
    assert all(field.startswith("extensions") for field in refusal.fields)


@pytest.mark.parametrize(
    ("token", "refusal"), [("", "UNAUTHENTICATED/KEY_MISSING"), ("tk_host_x_y", "UNAUTHENTICATED/KEY_INVALID")]
)
async def test_a_host_without_a_valid_token_is_refused(another, token, refusal):
    assert str(await refused(another(token=token).attach())) == refusal


async def test_a_host_with_an_api_key_is_refused(another, api_key):
    assert str(await refused(another(token=api_key).attach())) == "PERMISSION_DENIED/SCOPE_MISSING"


async def test_a_host_of_another_protocol_version_is_refused_and_told_both(api, another):
    fake = another()
    hello = fake.hello()
    hello.protocol_min = hello.protocol_max = 2
    refusal = await refused(fake.attach(hello))
    assert str(refusal) == "FAILED_PRECONDITION/PROTOCOL_VERSION"
    assert refusal.message == ("host host-b speaks versions 2 to 2, this control plane 1: upgrade the older of both")
    assert not (await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts


@pytest.mark.parametrize(
    "wrong", [{"host_id": ""}, {"host_id": "a/b"}, {"incarnation": "x"}, {"capacity": -1}, {"capacity": 10_001}]
)
async def test_a_host_that_introduces_itself_wrongly_is_refused(another, wrong):
    fake = another()
    hello = fake.hello()
    for name, value in wrong.items():
        setattr(hello, name, value)
    assert str(await refused(fake.attach(hello))) == "INVALID_ARGUMENT/PROTOCOL"


async def test_a_host_that_does_not_introduce_itself_is_refused(another):
    fake = another()
    opening = fake.attach(host_pb2.Hello())
    assert str(await refused(opening)) == "INVALID_ARGUMENT/PROTOCOL"


async def test_a_host_that_has_seen_a_later_control_plane_is_refused(another):
    fake = another()
    hello = fake.hello()
    hello.highest_control_epoch = 1_000
    assert (await refused(fake.attach(hello))).reason == "CONTROL_EPOCH"


async def test_a_second_process_with_the_id_of_a_live_one_is_refused_and_the_first_keeps_its_browsers(
    api, host, another
):
    launch = await running_session(api, host)
    refusal = await refused(another("host-a").attach())
    assert str(refusal) == "ALREADY_EXISTS/HOST_ID_TAKEN"
    await host.heartbeat()
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING


async def test_a_second_process_is_taken_in_once_the_first_is_silent_and_the_firsts_browsers_count_as_gone(
    api, host, another, advance
):
    launch = await running_session(api, host)
    await advance(timedelta(seconds=7.5), silent=True)
    second = another("host-a")

    await second.attach()

    assert str(await host.ended()) == "ABORTED/STREAM_REPLACED"
    session = await get_session(api, launch.browser_session_id)
    assert (session.close_reason, session.close_message) == (pb.CLOSE_REASON_HOST_LOST, "host host-a was started again")
    assert (await get_host(api)).incarnation == second.incarnation
    assert (await get_host(api)).sessions == 0


async def test_a_newer_stream_of_a_host_replaces_the_older_one_and_keeps_its_browsers(api, host):
    launch = await running_session(api, host)
    older = copy.copy(host)
    await host.attach()
    assert str(await older.ended()) == "ABORTED/STREAM_REPLACED"
    await host.heartbeat()
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING
    assert [verdict.keep for verdict in host.welcome.verdicts] == [True]


async def test_a_message_with_another_stream_number_ends_the_stream(host):
    host._stream_no += 1
    await host.send(heartbeat=host_pb2.Heartbeat(heartbeat_no=9))
    ending = await host.ended()
    assert str(ending) == "INVALID_ARGUMENT/PROTOCOL"
    assert "sent stream_no 2 on stream 1" in ending.message


async def test_a_second_hello_and_an_empty_message_end_the_stream(host):
    await host.send(hello=host.hello())
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    await host.attach()
    await host.send()
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"


# Silence


async def test_a_silent_host_is_suspect_its_sessions_and_runs_say_so_and_it_gets_no_new_ones_until_it_speaks(
    api, host, advance
):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    watch = api.runs.WatchRun(runs_pb2.WatchRunRequest(run_id=run.run_id))
    assert conditions((await next_of(watch)).run) == []
    await advance(SUSPECT_AFTER - timedelta(seconds=0.1), silent=True)
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_READY

    await advance(timedelta(seconds=0.1), silent=True)

    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_SUSPECT
    session = await get_session(api, launch.browser_session_id)
    assert conditions(session) == ["HOST_UNREACHABLE"]
    assert session.conditions[0].message == "host host-a: no heartbeat for 16s"
    assert session.state == pb.BROWSER_SESSION_STATE_RUNNING
    assert conditions(await get_run(api, run.run_id)) == ["HOST_UNREACHABLE"]
    assert conditions((await next_of(watch)).run) == ["HOST_UNREACHABLE"]
    waiting = await created_session(api)
    assert waiting.state == pb.BROWSER_SESSION_STATE_PENDING

    await host.heartbeat()

    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_READY
    assert conditions(await get_session(api, launch.browser_session_id)) == []
    assert conditions((await next_of(watch)).run) == []
    assert (await host.command("launch")).browser_session_id == waiting.browser_session_id


async def test_watchers_learn_that_a_suspect_host_came_back_on_a_new_stream(api, host, advance):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    request = pb.WatchBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    session_watch = api.sessions.WatchBrowserSession(request)
    run_watch = api.runs.WatchRun(runs_pb2.WatchRunRequest(run_id=run.run_id))
    for expected in ([], ["HOST_UNREACHABLE"]):
        assert conditions((await next_of(session_watch)).browser_session) == expected
        assert conditions((await next_of(run_watch)).run) == expected
        await host.vanish()
        await advance(SUSPECT_AFTER, silent=True)
    host.inventory[0].age.FromTimedelta(2 * SUSPECT_AFTER)
    await host.attach()
    assert conditions((await next_of(session_watch)).browser_session) == []
    assert conditions((await next_of(run_watch)).run) == []


async def test_a_host_silent_for_its_holding_lease_is_lost_with_its_sessions_and_runs(api, host, advance):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1))
    waiting = await run_task(api, launch.browser_session_id)
    await advance(LOST_AFTER - timedelta(seconds=0.1), silent=True)
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING

    await advance(timedelta(seconds=0.1), silent=True)

    assert str(await host.ended()) == "ABORTED/HOST_SILENT"
    shown = await get_host(api)
    assert (shown.state, shown.sessions) == (hosts_pb2.HOST_STATE_LOST, 0)
    session = await get_session(api, launch.browser_session_id)
    assert (session.close_reason, session.close_message) == (
        pb.CLOSE_REASON_HOST_LOST,
        "host host-a was silent for 183s",
    )
    assert not session.HasField("browser_gone_time")
    for run_id, safe in ((run.run_id, False), (waiting.run_id, True)):
        failed = await get_run(api, run_id)
        assert (failed.status, failed.failure_reason) == (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_HOST_LOST)
        assert failed.safe_to_retry is safe


async def test_a_lost_host_that_comes_back_is_told_to_close_what_it_still_holds_and_takes_new_sessions(
    api, host, advance
):
    launch = await running_session(api, host)
    await host.vanish()
    await advance(LOST_AFTER, silent=True)

    await host.attach()

    (verdict,) = host.welcome.verdicts
    assert (verdict.browser_session_id, verdict.fence, verdict.keep) == (
        launch.browser_session_id,
        launch.fence,
        False,
    )
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_READY
    await host.bury(launch)
    assert (await get_host(api)).sessions == 0
    assert (await running_session(api, host)).fence > launch.fence


async def test_a_session_that_was_launching_on_a_lost_host_is_launched_on_another(api, host, another, advance):
    session = await created_session(api, queue_timeout=minutes(10))
    lost = await host.command("launch")
    await host.vanish()
    other = another()
    await other.attach()
    # The launch's own timeout comes first; only its host can say that the browser is gone.
    await advance(timedelta(seconds=30), silent=True)
    await other.heartbeat()
    await advance(timedelta(seconds=100), silent=True)
    await other.heartbeat()
    assert (await get_session(api, session.browser_session_id)).state == pb.BROWSER_SESSION_STATE_LAUNCHING
    await advance(timedelta(seconds=53), silent=True)

    launch = await other.command("launch")

    assert launch.browser_session_id == session.browser_session_id
    assert launch.fence > lost.fence
    assert (await get_session(api, session.browser_session_id)).host_id == "host-b"


# Coming back


async def test_a_new_process_of_a_host_has_none_of_the_old_ones_sessions_and_launching_ones_are_placed_again(
    api, host, another
):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    launching = await created_session(api)
    first = await host.command("launch")
    await host.vanish()
    second = another("host-a")

    await second.attach()

    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_HOST_LOST
    assert (await get_run(api, run.run_id)).failure_reason == runs_pb2.FAILURE_REASON_HOST_LOST
    again = await second.command("launch")
    assert again.browser_session_id == launching.browser_session_id
    assert again.fence > first.fence
    await second.nothing_more("command")


async def test_a_host_that_is_back_keeps_what_is_placed_there_and_closes_everything_else(api, host):
    kept = await running_session(api, host)
    closed = await running_session(api, host)
    await host.vanish()
    await close_session(api, closed.browser_session_id)
    stale = host_pb2.InventoryItem(browser_session_id=kept.browser_session_id, fence=kept.fence + 100, live=True)
    foreign = host_pb2.InventoryItem(browser_session_id="pbs_never_seen", fence=1, live=True)
    host.inventory += [stale, foreign]

    await host.attach()

    verdicts = {(verdict.browser_session_id, verdict.fence): verdict.keep for verdict in host.welcome.verdicts}
    assert verdicts == {
        (kept.browser_session_id, kept.fence): True,
        (closed.browser_session_id, closed.fence): False,
        (kept.browser_session_id, kept.fence + 100): False,
        ("pbs_never_seen", 1): False,
    }
    assert (await host.command("close")).browser_session_id == closed.browser_session_id
    assert (await get_host(api)).sessions == 2


async def test_a_browser_that_the_host_no_longer_holds_closes_its_session_crashed(api, host):
    launch = await running_session(api, host)
    await host.vanish()
    host.inventory.clear()
    await host.attach()
    session = await get_session(api, launch.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_BROWSER_CRASHED
    assert session.close_message == "the host no longer has its browser"
    assert (await get_host(api)).sessions == 0


async def test_a_browser_that_came_up_while_the_stream_was_down_is_adopted_with_its_age(api, host):
    session = await created_session(api, timeout=minutes(5))
    command = await host.command("launch")
    await host.vanish()
    item = host_pb2.InventoryItem(browser_session_id=session.browser_session_id, fence=command.fence, live=True)
    item.age.FromTimedelta(timedelta(seconds=40))
    host.inventory.append(item)
    await host.attach()
    adopted = await get_session(api, session.browser_session_id)
    assert adopted.state == pb.BROWSER_SESSION_STATE_RUNNING
    assert adopted.create_time.ToDatetime() - adopted.start_time.ToDatetime() == timedelta(seconds=40)


async def test_a_browser_still_being_started_goes_on_when_its_host_is_back(api, host):
    session = await created_session(api)
    command = await host.command("launch")
    await host.vanish()
    host.inventory.append(
        host_pb2.InventoryItem(browser_session_id=session.browser_session_id, fence=command.fence, live=False)
    )
    await host.attach()
    assert [verdict.keep for verdict in host.welcome.verdicts] == [True]
    assert (await host.launch()).command_id == command.command_id
    assert (await get_session(api, session.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING


async def test_unanswered_commands_come_again_in_order_on_a_new_stream_and_answered_ones_do_not(api, host):
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    answered = await host.begin_run()
    request = pb.ExtendBrowserSessionRequest(browser_session_id=launch.browser_session_id, timeout=minutes(90))
    await api.sessions.ExtendBrowserSession(request)
    await cancel_run(api, answered.start_run.run_id)
    first = [await host.command("set_timeout"), await host.command("cancel_run")]
    await host.vanish()

    await host.attach()

    again = [await host.receive("command"), await host.receive("command")]
    assert again == first
    await host.nothing_more("command")


async def test_events_are_resent_from_where_the_welcome_says_and_final_runs_are_stopped(api, host):
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1), run_finished(2))
    following = await run_task(api, launch.browser_session_id)
    next_command = await host.begin_run()
    await host.report(next_command, step_started(1))
    await host.vanish()
    host.runs = [
        host_pb2.RunProgress(run_id=command.start_run.run_id, last_seq=5),
        host_pb2.RunProgress(run_id=following.run_id, last_seq=3),
        host_pb2.RunProgress(run_id="tsk_unknown", last_seq=3),
    ]
    await host.attach()
    assert [(ack.run_id, ack.seq) for ack in host.welcome.event_acks] == [(following.run_id, 1)]
    stopped = {(await host.receive("stop_run")).run_id, (await host.receive("stop_run")).run_id}
    assert stopped == {command.start_run.run_id, "tsk_unknown"}


async def test_tombstones_and_results_of_a_hello_are_taken_in_and_acknowledged_on_the_new_stream(api, host):
    crashed = await running_session(api, host)
    launching = await created_session(api)
    command = await host.command("launch")
    await host.vanish()
    host.inventory = [
        host_pb2.InventoryItem(browser_session_id=launching.browser_session_id, fence=command.fence, live=True)
    ]
    host.tombstones = [
        host_pb2.Tombstone(
            browser_session_id=crashed.browser_session_id,
            fence=crashed.fence,
            reason=pb.CLOSE_REASON_BROWSER_CRASHED,
            message="killed",
        )
    ]
    hello = host.hello()
    result = hello.command_results.add(command_id=command.command_id)
    result.launched.browser_version = "Chromium 9"

    await host.attach(hello)

    assert (await host.receive("tombstone_ack")).fence == crashed.fence
    assert (await host.receive("command_result_ack")).command_id == command.command_id
    session = await get_session(api, crashed.browser_session_id)
    assert (session.close_reason, session.close_message) == (pb.CLOSE_REASON_BROWSER_CRASHED, "killed")
    up = await get_session(api, launching.browser_session_id)
    assert (up.state, up.browser_version) == (pb.BROWSER_SESSION_STATE_RUNNING, "Chromium 9")
    assert [verdict.keep for verdict in host.welcome.verdicts] == [True]
    await host.nothing_more("command")


async def test_a_tombstone_under_an_old_fence_is_acknowledged_and_moves_nothing(api, host):
    launch = await running_session(api, host)
    stone = host_pb2.Tombstone(
        browser_session_id=launch.browser_session_id,
        fence=launch.fence - 1,
        reason=pb.CLOSE_REASON_BROWSER_CRASHED,
    )
    await host.send(tombstone=stone)
    await host.receive("tombstone_ack")
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING


@pytest.mark.parametrize(
    ("reported", "shown"),
    [
        (pb.CLOSE_REASON_TIMED_OUT, pb.CLOSE_REASON_TIMED_OUT),
        (pb.CLOSE_REASON_HOST_LOST, pb.CLOSE_REASON_HOST_LOST),
        (pb.CLOSE_REASON_HOST_DRAINED, pb.CLOSE_REASON_HOST_DRAINED),
        (pb.CLOSE_REASON_REQUESTED, pb.CLOSE_REASON_BROWSER_CRASHED),
        (99, pb.CLOSE_REASON_BROWSER_CRASHED),
    ],
)
async def test_a_browser_that_ends_by_itself_closes_its_session_with_the_hosts_reason(api, host, reported, shown):
    launch = await running_session(api, host)
    await host.bury(launch, reported)
    session = await get_session(api, launch.browser_session_id)
    assert session.close_reason == shown
    assert session.HasField("browser_gone_time")


# Leaving


async def test_a_host_that_says_goodbye_is_gone_at_once_and_waiting_sessions_go_elsewhere(api, host, another):
    await host.send(goodbye=host_pb2.Goodbye(reason="stopped by SIGTERM"))
    waiting = await created_session(api)
    other = another()
    await other.attach()
    assert (await other.command("launch")).browser_session_id == waiting.browser_session_id
    shown = await get_host(api)
    assert (shown.state, shown.state_message) == (hosts_pb2.HOST_STATE_GONE, "stopped by SIGTERM")


async def test_a_goodbye_is_stored_before_its_stream_ends(api, host, control_plane):
    busy, database = threading.Event(), control_plane.database
    finish = database._finish

    def slow_once():
        database._finish = finish
        busy.wait(5)
        finish()

    database._finish = slow_once
    writing = asyncio.ensure_future(database.write(lambda tx: True))
    asyncio.get_running_loop().call_later(0.2, busy.set)
    await host.send(goodbye=host_pb2.Goodbye(reason="x"))
    await host.nothing_more_after_goodbye()
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_GONE
    assert await writing


async def test_a_drained_host_keeps_its_sessions_takes_no_new_ones_and_is_told_how_long(api, host):
    launch = await running_session(api, host)

    shown = await drain_host(api, drain_timeout=minutes(3))

    assert shown.state == hosts_pb2.HOST_STATE_DRAINING
    assert shown.HasField("drain_expire_time")
    assert (await host.receive("drain")).drain_timeout == minutes(3)
    session = await get_session(api, launch.browser_session_id)
    assert session.state == pb.BROWSER_SESSION_STATE_RUNNING
    assert conditions(session) == ["HOST_DRAINING"]
    assert (await created_session(api)).state == pb.BROWSER_SESSION_STATE_PENDING
    assert (await run_task(api, launch.browser_session_id)).status == runs_pb2.RUN_STATUS_RUNNING


async def test_what_is_open_on_a_host_when_its_drain_time_is_over_closes_host_drained(api, host, advance):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    await drain_host(api, drain_timeout=minutes(3))
    await advance(timedelta(minutes=2))
    await drain_host(api, drain_timeout=minutes(2))
    await advance(timedelta(minutes=1, seconds=59))
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING

    await advance(timedelta(seconds=1))

    session = await get_session(api, launch.browser_session_id)
    assert (session.close_reason, session.close_message) == (pb.CLOSE_REASON_HOST_DRAINED, "host host-a was drained")
    assert (await get_run(api, run.run_id)).failure_reason == runs_pb2.FAILURE_REASON_HOST_DRAINED
    await host.done(await host.command("close"))
    await host.bury(launch)
    await host.send(goodbye=host_pb2.Goodbye(reason="drained"))
    await host.nothing_more_after_goodbye()
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_GONE


async def test_a_draining_host_that_attaches_again_is_told_again_with_what_is_left_of_its_time(api, host, advance):
    await drain_host(api, drain_timeout=minutes(3))
    await host.receive("drain")
    await advance(timedelta(minutes=1))
    await host.attach()
    assert (await host.receive("drain")).drain_timeout == minutes(2)
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_DRAINING


async def test_a_host_that_drains_itself_gets_no_new_sessions(api, host):
    host.heartbeat_no += 1
    await host.send(heartbeat=host_pb2.Heartbeat(heartbeat_no=host.heartbeat_no, draining=True))
    await host.receive("heartbeat_ack")
    shown = await get_host(api)
    assert (shown.state, shown.state_message) == (hosts_pb2.HOST_STATE_DRAINING, "the host is being stopped")
    assert (await created_session(api)).state == pb.BROWSER_SESSION_STATE_PENDING


async def test_only_hosts_that_may_hold_sessions_can_be_drained(api, host):
    refusal = await refused(drain_host(api, "host-x"))
    assert str(refusal) == "NOT_FOUND/HOST_NOT_FOUND"
    await host.send(goodbye=host_pb2.Goodbye(reason="x"))
    await host.nothing_more_after_goodbye()
    refusal = await refused(drain_host(api))
    assert str(refusal) == "FAILED_PRECONDITION/HOST_NOT_ATTACHED"
    refusal = await refused(drain_host(api, drain_timeout=seconds(86_401)))
    assert set(refusal.fields) == {"drain_timeout"}


async def test_a_host_that_is_gone_for_a_day_is_not_listed_any_more(api, host, advance):
    await host.send(goodbye=host_pb2.Goodbye(reason="x"))
    await host.nothing_more_after_goodbye()
    assert len((await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts) == 1
    await advance(timedelta(hours=24))
    assert not (await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_GONE


# Everything at once

INVARIANTS = {
    "a host's counter is the number of its places that are not released": """
        SELECT host_id FROM hosts h WHERE slots_used !=
        (SELECT count(*) FROM placements p WHERE p.host_id = h.host_id AND release_time IS NULL)""",
    "no host has more sessions than places": "SELECT host_id FROM hosts WHERE slots_used > capacity",
    "a session that launches or runs has the place it says": """
        SELECT browser_session_id FROM sessions s WHERE state IN ('launching', 'aborting', 'running') AND NOT EXISTS
        (SELECT 1 FROM placements p WHERE p.browser_session_id = s.browser_session_id AND p.fence = s.fence
         AND p.host_id = s.host_id AND release_time IS NULL)""",
    "a session that waits has no place": """
        SELECT s.browser_session_id FROM sessions s JOIN placements p USING (browser_session_id)
        WHERE s.state = 'pending' AND p.release_time IS NULL""",
    "a host that is lost or gone owes no place": """
        SELECT host_id FROM hosts WHERE state IN ('lost', 'gone') AND slots_used != 0""",
    "a closed session has no run that is not final": """
        SELECT run_id FROM runs r JOIN sessions s USING (browser_session_id)
        WHERE s.state = 'closed' AND r.end_time IS NULL""",
    "a session's active run is the one that is running or paused": """
        SELECT s.browser_session_id FROM sessions s WHERE s.active_run_id != coalesce((SELECT run_id FROM runs r
        WHERE r.browser_session_id = s.browser_session_id AND r.status IN ('running', 'paused')), '')""",
    "no run waits in a session that is up and idle": """
        SELECT r.run_id FROM runs r JOIN sessions s USING (browser_session_id)
        WHERE r.status IN ('created', 'queued') AND s.state = 'running' AND s.active_run_id = ''""",
    "created means that the browser is not up, queued that it is": """
        SELECT r.run_id FROM runs r JOIN sessions s USING (browser_session_id)
        WHERE (r.status = 'created' AND s.state = 'running') OR (r.status = 'queued' AND s.state != 'running')""",
    "a run's events are numbered from 1 to its last_seq": """
        SELECT run_id FROM runs r WHERE last_seq != (SELECT count(*) FROM run_events e WHERE e.run_id = r.run_id)
        OR last_seq != coalesce((SELECT max(seq) FROM run_events e WHERE e.run_id = r.run_id), 0)""",
    "a run that has its turn is due some time": """
        SELECT run_id FROM runs WHERE status IN ('running', 'paused') AND due_time IS NULL""",
    "no session waits while a ready host has room": """
        SELECT browser_session_id FROM sessions WHERE state = 'pending' AND EXISTS
        (SELECT 1 FROM hosts WHERE state = 'ready' AND slots_used < capacity)""",
    "commands are for the placement that their session has or had last": """
        SELECT c.command_id FROM commands c JOIN sessions s USING (browser_session_id) WHERE c.fence != s.fence""",
    "no command begins or steers a run that is final": """
        SELECT c.command_id FROM commands c JOIN runs r ON r.run_id = json_extract(c.arguments, '$.run_id')
        WHERE r.end_time IS NOT NULL""",
}


class Moves:
    """Random moves of two hosts and a caller; remembers just enough to make each one possible."""

    def __init__(self, seed, api, hosts, advance):
        self.random = random.Random(seed)
        self.api = api
        self.hosts = hosts
        self.advance = advance
        self.sessions: list[str] = []
        self.runs: list[str] = []
        self.commands: dict[str, dict[int, host_pb2.Command]] = {fake.host_id: {} for fake in hosts}
        self.begun: dict[str, list[tuple[host_pb2.Command, list[int]]]] = {fake.host_id: [] for fake in hosts}

    async def step(self):
        move = self.random.choices(
            [self.create, self.task, self.close, self.cancel, self.answer, self.report, self.crash, self.reattach,
             self.restart, self.wait, self.fall_silent],
            [5, 8, 3, 3, 20, 12, 2, 2, 1, 2, 1],
        )[0]  # fmt: skip
        await move()
        return move.__name__

    async def create(self):
        session = await created_session(self.api, queue_timeout=minutes(self.random.choice([0, 1, 60])))
        self.sessions.append(session.browser_session_id)

    async def task(self):
        session_id = self.random.choice([*self.sessions, ""])
        try:
            run = await run_task(self.api, session_id, timeout=minutes(self.random.choice([1, 10])))
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION  # noqa: PT017
            return
        self.runs.append(run.run_id)

    async def close(self):
        if self.sessions:
            await close_session(self.api, self.random.choice(self.sessions))

    async def cancel(self):
        if self.runs:
            await cancel_run(self.api, self.random.choice(self.runs))

    async def take_commands(self, fake):
        """What has come so far; a heartbeat's answer tells that there is no more."""
        await fake.heartbeat()
        for response in fake._unread:
            if response.WhichOneof("message") == "command":
                self.commands[fake.host_id][response.command.command_id] = response.command
            if response.WhichOneof("message") == "stop_run":
                self.forget_run(fake, response.stop_run.run_id)
        fake._unread.clear()

    def forget_run(self, fake, run_id):
        begun = self.begun[fake.host_id]
        begun[:] = [(command, seqs) for command, seqs in begun if command.start_run.run_id != run_id]

    async def answer(self):
        fake = self.random.choice(self.hosts)
        await self.take_commands(fake)
        commands = self.commands[fake.host_id]
        if not commands:
            return
        command = commands.pop(min(commands))
        kind = command.WhichOneof("kind")
        if kind == "launch" and self.random.random() < 0.8:
            fake.inventory.append(
                host_pb2.InventoryItem(browser_session_id=command.browser_session_id, fence=command.fence, live=True)
            )
            result = host_pb2.CommandResult(command_id=command.command_id)
            result.launched.browser_version = "x"
            await fake.send(command_result=result)
        elif kind == "launch":
            await fake.fail(command, "LAUNCH_FAILED", "no")
        elif kind == "close":
            await fake.done(command)
            await self.end_browser(fake, command, pb.CLOSE_REASON_REQUESTED)
        elif kind == "start_run" and self.random.random() < 0.9:
            await fake.done(command)
            self.begun[fake.host_id].append((command, [0]))
        elif kind == "start_run":
            await fake.fail(command, "UNKNOWN_SESSION", "no")
        else:
            await fake.done(command)

    async def end_browser(self, fake, command, reason):
        begun = self.begun[fake.host_id]
        begun[:] = [pair for pair in begun if pair[0].fence != command.fence]
        await fake.bury(command, reason)

    async def report(self):
        fake = self.random.choice(self.hosts)
        if not self.begun[fake.host_id]:
            return
        command, seqs = self.random.choice(self.begun[fake.host_id])
        seqs[0] += self.random.choice([1, 1, 1, 1, 2])
        ends = self.random.random() < 0.4
        event = run_finished(seqs[0]) if ends else step_started(seqs[0], seqs[0])
        await fake.report(command, event, wait=False)
        await fake.heartbeat()
        resends = [one.resend for one in fake._unread if one.WhichOneof("message") == "resend"]
        if resends:
            seqs[0] = resends[0].from_seq - 1
        elif ends:
            self.forget_run(fake, command.start_run.run_id)
        await self.take_commands(fake)

    async def crash(self):
        fake = self.random.choice(self.hosts)
        if fake.inventory:
            item = self.random.choice(fake.inventory)
            await self.end_browser(fake, item, pb.CLOSE_REASON_BROWSER_CRASHED)

    async def reattach(self):
        fake = self.random.choice(self.hosts)
        self.commands[fake.host_id].clear()
        await fake.vanish()
        await fake.attach()
        kept = {verdict.fence for verdict in fake.welcome.verdicts if verdict.keep}
        fake.inventory = [item for item in fake.inventory if item.fence in kept]
        await self.take_commands(fake)

    async def restart(self):
        fake = self.random.choice(self.hosts)
        fake.inventory.clear()
        self.begun[fake.host_id].clear()
        self.commands[fake.host_id].clear()
        await fake.vanish()
        await self.advance(timedelta(seconds=8), silent=True)
        fake.incarnation = f"{self.random.getrandbits(128):032x}"
        await fake.attach()
        for one in self.hosts:
            await self.take_commands(one)

    async def wait(self):
        await self.advance(timedelta(seconds=self.random.choice([1, 5, 30, 90, 300])))

    async def fall_silent(self):
        silent, other = self.random.sample(self.hosts, 2)
        await silent.vanish()
        for _ in range(self.random.choice([2, 13])):
            await self.advance(timedelta(seconds=15), silent=True)
            await other.heartbeat()
        self.commands[silent.host_id].clear()
        await silent.attach()
        kept = {verdict.fence for verdict in silent.welcome.verdicts if verdict.keep}
        silent.inventory = [item for item in silent.inventory if item.fence in kept]
        for one in self.hosts:
            await self.take_commands(one)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_every_one_of_many_random_moves_what_is_stored_holds_together(
    api, control_plane, another, advance, seed
):
    hosts = [another("host-a", capacity=3), another("host-b", capacity=2)]
    for fake in hosts:
        await fake.attach()
    moves = Moves(seed, api, hosts, advance)
    history = []
    for _ in range(400):
        history.append(await moves.step())
        broken = await control_plane.database.read(
            lambda tables: {
                sentence: rows
                for sentence, query in INVARIANTS.items()
                if (rows := tables._connection.execute(query).fetchall())
            }
        )
        assert not broken, history[-10:]
    assert len(set(history)) == 11, "every kind of move was made"
