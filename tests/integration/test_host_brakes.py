"""What holds hosts back: attaches per second, quarantine, the brake on mass loss, old streams, old control planes."""

from __future__ import annotations

import asyncio
import copy
import logging
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2, runs_pb2

from control_plane import first_keys
from control_plane.moves import host_moves
from control_plane.server import serve
from tests.api_calls import all_of, cancel_run, get_host, get_run, get_session, run_task, running_session, watch_run
from tests.clocks import SteppedClock
from tests.conftest import api_on
from tests.fake_host import FakeHost, run_finished, step_finished, step_started
from tests.refusals import refused

SUSPECT_AFTER = timedelta(seconds=16.15)
LOST_AFTER = timedelta(seconds=182.8)
READY, SUSPECT = hosts_pb2.HOST_STATE_READY, hosts_pb2.HOST_STATE_SUSPECT
QUARANTINED = hosts_pb2.HOST_STATE_QUARANTINED
LAUNCHING, PENDING = pb.BROWSER_SESSION_STATE_LAUNCHING, pb.BROWSER_SESSION_STATE_PENDING


async def release(api, host_id="host-a"):
    return (await api.hosts.ReleaseHost(hosts_pb2.ReleaseHostRequest(host_id=host_id))).host


async def create(api):
    return (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session


# Attaches per second


async def test_the_51st_host_within_a_second_is_told_when_to_come_again_and_then_taken_in(control_plane, another):
    for _ in range(50):
        control_plane.coordinator._admission.admit(control_plane.coordinator.clock.monotonic())
    late = another()
    refusal = await refused(late.attach())
    assert str(refusal) == "RESOURCE_EXHAUSTED/ATTACH_RATE"
    assert refusal.retry_seconds == 0.02
    assert refusal.message == "more than 50 hosts attach per second: come again in 0.02s"
    control_plane.coordinator.clock.advance(timedelta(seconds=0.02))
    await late.attach()


# Quarantine


async def break_the_protocol(host):
    """Send what no host may send, and attach again."""
    await host.send(hello=host.hello())
    ending = await host.ended()
    await host.attach()
    return ending


async def test_a_host_that_breaks_the_protocol_three_times_gets_no_new_sessions_and_keeps_its_old_one(api, host):
    launch = await running_session(api, host)
    for _ in range(2):
        assert str(await break_the_protocol(host)) == "INVALID_ARGUMENT/PROTOCOL"
        assert (await get_host(api)).state == READY
    await break_the_protocol(host)
    shown = await get_host(api)
    assert shown.state == QUARANTINED
    assert shown.state_message == (
        "the protocol was broken 3 times, the last time: host host-a sent a second Hello on one stream"
    )
    assert (await create(api)).state == PENDING
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1), step_finished(2), run_finished(3))
    assert (await get_run(api, run.run_id)).last_seq == 3
    assert [verdict.keep for verdict in host.welcome.verdicts] == [True]


async def test_every_way_to_break_the_protocol_counts(api, host):
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1))
    await host.report(command, step_started(1, step=2), wait=False)  # another event under the same seq
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    await host.attach()
    host._stream_no += 1
    await host.send(heartbeat=host_pb2.Heartbeat(heartbeat_no=9))
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    await host.attach()
    await host.send(event_batch=host_pb2.EventBatch(events=[host_pb2.HostedEvent()]))
    assert str(await host.ended()) == "INVALID_ARGUMENT/PROTOCOL"
    assert (await get_host(api)).state == QUARANTINED


async def test_what_a_host_says_of_a_session_of_another_host_is_refused_and_harms_nobody(api, host, another):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1))
    forger = another()
    await forger.attach()
    ids = {"browser_session_id": launch.browser_session_id, "fence": launch.fence}
    event = step_finished(2)
    event.run_id = run.run_id
    forged = (
        {"tombstone": host_pb2.Tombstone(**ids)},
        {"event_batch": host_pb2.EventBatch(events=[host_pb2.HostedEvent(event=event, **ids)])},
        {"page_report": host_pb2.PageReport(url="https://evil.example/", **ids)},
    )
    for message in forged:
        await forger.send(**message)
        ending = await forger.ended()
        assert str(ending) == "INVALID_ARGUMENT/PROTOCOL"
        assert ending.message.endswith(f"under fence {launch.fence}, which it was never given")
        await forger.attach()
    assert (await get_host(api, "host-b")).state == QUARANTINED
    session = await get_session(api, launch.browser_session_id)
    assert (session.state, session.current_url) == (pb.BROWSER_SESSION_STATE_RUNNING, "")
    assert (await get_run(api, run.run_id)).last_seq == 1
    assert (await get_host(api)).state == READY


async def test_what_a_host_says_late_of_its_own_session_is_no_violation(api, host):
    launch = await running_session(api, host)
    await host.bury(launch, pb.CLOSE_REASON_BROWSER_CRASHED)
    await host.send(page_report=host_pb2.PageReport(browser_session_id=launch.browser_session_id, fence=launch.fence))
    await host.bury(launch)
    await host.heartbeat()
    assert (await get_host(api)).state == READY


async def test_a_run_on_a_host_in_quarantine_is_canceled_at_its_step_boundary(api, host):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1))
    for _ in range(3):
        await break_the_protocol(host)
    assert (await get_host(api)).state == QUARANTINED
    assert (await cancel_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_RUNNING
    await host.command("cancel_run")


async def fail_launches(api, host, count):
    for _ in range(count):
        session = await create(api)
        await host.fail(await host.command("launch"), "LAUNCH_FAILED", "no display")
        assert (await get_session(api, session.browser_session_id)).close_reason == pb.CLOSE_REASON_LAUNCH_FAILED


async def test_five_launches_that_fail_in_a_row_bring_a_host_into_quarantine(api, host):
    await fail_launches(api, host, 4)
    launch = await running_session(api, host)
    await host.bury(launch)
    await fail_launches(api, host, 4)
    assert (await get_host(api)).state == READY
    await fail_launches(api, host, 1)
    shown = await get_host(api)
    assert shown.state == QUARANTINED
    assert shown.state_message == "5 launches failed in a row, the last one: no display"


async def quarantine(api, host):
    await fail_launches(api, host, 5)
    assert (await get_host(api)).state == QUARANTINED


async def test_an_operator_releases_a_host_and_what_waited_is_placed_on_it(api, host):
    await quarantine(api, host)
    waiting = await create(api)
    shown = await release(api)
    assert (shown.state, shown.state_message) == (READY, "released by an operator")
    await host.launch()
    assert (await get_session(api, waiting.browser_session_id)).host_id == "host-a"
    await fail_launches(api, host, 4)
    assert (await get_host(api)).state == READY


async def test_a_host_that_is_in_no_quarantine_is_released_without_a_change(api, host):
    before = await get_host(api)
    assert await release(api) == before
    assert str(await refused(release(api, "nobody"))) == "NOT_FOUND/HOST_NOT_FOUND"


async def test_a_quarantine_ends_with_a_new_process_and_not_with_a_new_stream(api, host):
    await quarantine(api, host)
    await host.vanish()
    await host.attach()
    shown = await get_host(api)
    assert (shown.state, shown.state_message) == (QUARANTINED, "5 launches failed in a row, the last one: no display")
    await host.send(goodbye=host_pb2.Goodbye(reason="restart"))
    await host.nothing_more_after_goodbye()
    host.incarnation = "f" * 32
    await host.attach()
    assert (await get_host(api)).state == READY
    await host.launch() if (await create(api)).state == LAUNCHING else pytest.fail("not placed")


async def test_a_quarantine_lasts_through_silence_and_loss(api, host, advance):
    await quarantine(api, host)
    await advance(SUSPECT_AFTER, silent=True)
    assert (await get_host(api)).state == SUSPECT
    await host.heartbeat()
    assert (await get_host(api)).state == QUARANTINED
    await host.vanish()
    await advance(LOST_AFTER, silent=True)
    assert (await get_host(api)).state == hosts_pb2.HOST_STATE_LOST
    await host.attach()
    assert (await get_host(api)).state == QUARANTINED


async def test_a_quarantine_lasts_through_a_restart_of_the_control_plane(config):
    async with serve(config, SteppedClock) as running:
        host = FakeHost(running.address, first_keys.host_token_file(config.data_dir).read_text().strip())
        async with grpc.aio.insecure_channel(running.address) as channel:
            await host.attach()
            await quarantine(api_on(channel, first_keys.api_key_file(config.data_dir).read_text().strip()), host)
        await host.vanish()
    async with serve(config, SteppedClock) as running:
        host._address = running.address
        async with grpc.aio.insecure_channel(running.address) as channel:
            api = api_on(channel, first_keys.api_key_file(config.data_dir).read_text().strip())
            assert (await get_host(api)).state == hosts_pb2.HOST_STATE_RECOVERING
            await host.attach()
            assert (await get_host(api)).state == QUARANTINED
        await host.vanish()


# The brake


@pytest.fixture
async def four_hosts(host, another):
    made = [host, another("host-b"), another("host-c"), another("host-d")]
    for fake in made[1:]:
        await fake.attach()
    return made


async def fall_silent(advance, *speaking, length=SUSPECT_AFTER):
    """Let time pass in which only some hosts speak."""
    half = length / 2
    for _ in range(2):
        await advance(half, silent=True)
        for fake in speaking:
            await fake.heartbeat()


async def test_nothing_is_placed_while_most_hosts_are_silent_and_everything_when_half_are_back(
    api, four_hosts, advance, caplog
):
    _, _, c, d = four_hosts
    with caplog.at_level(logging.INFO):
        await fall_silent(advance, d)
    shown = {fake.host_id: await get_host(api, fake.host_id) for fake in four_hosts}
    assert [one.state for one in shown.values()] == [SUSPECT, SUSPECT, SUSPECT, READY]
    brake = "3 of 4 attached hosts fell silent within 15s: nothing is placed until half of them are back or lost"
    assert shown["host-d"].state_message == brake
    assert shown["host-a"].state_message == f"no heartbeat for 16s; {brake}"
    alarms = [record for record in caplog.records if record.message == "placing stopped"]
    assert [(record.levelname, record.reason) for record in alarms] == [("ERROR", brake)]
    waiting = await create(api)
    assert waiting.state == PENDING

    await c.heartbeat()

    assert (await get_session(api, waiting.browser_session_id)).state == LAUNCHING
    assert "placing goes on" in caplog.text
    assert (await get_host(api, "host-d")).state_message == ""


async def test_the_brake_ends_when_the_silent_hosts_are_lost(api, four_hosts, advance):
    d = four_hosts[3]
    await fall_silent(advance, d)
    waiting = (
        await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(queue_timeout={"seconds": 600}))
    ).browser_session
    for _ in range(11):
        await fall_silent(advance, d)
    assert (await get_host(api, "host-a")).state == hosts_pb2.HOST_STATE_LOST
    assert (await get_session(api, waiting.browser_session_id)).host_id == "host-d"


async def test_half_of_the_hosts_are_not_most(api, four_hosts, advance):
    await fall_silent(advance, *four_hosts[2:])
    assert [(await get_host(api, fake.host_id)).state for fake in four_hosts] == [SUSPECT, SUSPECT, READY, READY]
    assert (await create(api)).state == LAUNCHING


async def test_one_host_alone_is_no_mass(api, host, advance):
    await fall_silent(advance)
    assert (await get_host(api)).state_message == "no heartbeat for 16s"


async def test_hosts_that_fall_silent_long_after_each_other_are_no_mass_loss(api, four_hosts, advance):
    _, b, c, d = four_hosts
    await fall_silent(advance, b, c, d, length=timedelta(seconds=20))
    await fall_silent(advance, c, d, length=timedelta(seconds=20))
    await fall_silent(advance, d, length=timedelta(seconds=20))
    assert [(await get_host(api, fake.host_id)).state for fake in four_hosts] == [SUSPECT, SUSPECT, SUSPECT, READY]
    assert (await create(api)).state == LAUNCHING


async def test_a_session_that_waited_in_vain_behind_the_brake_says_so(api, four_hosts, advance):
    await fall_silent(advance, four_hosts[3])
    waiting = await create(api)
    for _ in range(4):
        await fall_silent(advance, four_hosts[3])
    closed = await get_session(api, waiting.browser_session_id)
    assert closed.close_reason == pb.CLOSE_REASON_NO_CAPACITY
    assert closed.close_message.startswith("no session was placed: 3 of 4 attached hosts fell silent")


# Old streams


async def test_what_an_older_stream_brings_in_moves_nothing_once_a_newer_one_is_taken_in(api, host, control_plane):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    await host.begin_run()
    coordinator = control_plane.coordinator
    old_link = coordinator.links.get("host-a")
    older = copy.copy(host)
    await host.attach()
    assert str(await older.ended()) == "ABORTED/STREAM_REPLACED"
    for move, arguments in (
        (host_moves.goodbye, ("late",)),
        (host_moves.fall_silent, (timedelta(seconds=17),)),
    ):
        with pytest.raises(Exception, match="host host-a has stream 2 by now: stream 1 counts no more"):
            await coordinator.hear(old_link, move, *arguments)
    heard_at = coordinator.pulses["host-a"].heard_at
    coordinator.clock.advance(timedelta(seconds=1))
    await coordinator.heartbeat(old_link, host_pb2.Heartbeat(heartbeat_no=99))
    assert coordinator.pulses["host-a"].heard_at == heard_at
    assert (await get_host(api)).state == READY
    assert (await get_run(api, run.run_id)).last_seq == 0


async def waiting_moves(database, count):
    """Let the loop turn until so many moves wait."""
    while database._queue.qsize() < count:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def test_events_of_an_old_stream_that_wait_behind_the_new_attach_are_refused_and_taken_on_the_new_one(
    api, host, control_plane
):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    database = control_plane.database
    gate, entered = asyncio.Event(), asyncio.Event()
    commit = database._commit

    async def held(batch):
        entered.set()
        await gate.wait()
        await commit(batch)

    database._commit = held
    older = copy.copy(host)
    blocker = asyncio.ensure_future(database.write(lambda tx: None))
    await entered.wait()
    attaching = asyncio.ensure_future(host.attach())
    # The attach waits for its commit, and behind it the events.
    await waiting_moves(database, 1)
    await older.report(command, step_started(1), wait=False)
    await waiting_moves(database, 2)
    gate.set()
    await asyncio.gather(blocker, attaching)
    assert str(await older.ended()) == "ABORTED/STREAM_REPLACED"
    assert (await get_run(api, run.run_id)).last_seq == 0

    await host.report(command, step_started(1), step_finished(2), run_finished(3))

    updates = await all_of(watch_run(api, run.run_id))
    assert [update.event.seq for update in updates[:-1]] == [1, 2, 3]


# Old control planes and restored ones


async def test_a_host_that_has_seen_this_epoch_under_another_control_plane_is_refused(another):
    """Restored from a backup, a control plane begins with an epoch that another one has had."""
    fake = another()
    hello = fake.hello()
    hello.highest_control_epoch = 1
    refusal = await refused(fake.attach(hello))
    assert str(refusal) == "INVALID_ARGUMENT/CONTROL_EPOCH"
    assert refusal.message.endswith("start this one with TABKEEP_MINIMUM_CONTROL_EPOCH=2")
    assert refusal.metadata["control_epoch"] == "1"


async def test_a_host_that_saw_this_epoch_here_may_attach_again(host):
    hello = host.hello()
    hello.highest_control_epoch = 1
    await host.attach(hello)


async def test_an_operators_word_lifts_the_epoch_and_neither_fences_nor_command_ids_are_given_again(config):
    async with serve(config, SteppedClock) as running:
        host = FakeHost(running.address, first_keys.host_token_file(config.data_dir).read_text().strip())
        async with grpc.aio.insecure_channel(running.address) as channel:
            api = api_on(channel, first_keys.api_key_file(config.data_dir).read_text().strip())
            await host.attach()
            before = await running_session(api, host)
        await host.vanish()
    # The host goes on under control planes of which this database knows nothing.
    async with serve(replace(config, minimum_control_epoch=8), SteppedClock) as restored:
        assert restored.coordinator.control_epoch == 8
        host._address = restored.address
        hello = host.hello()
        hello.highest_control_epoch = 7
        hello.inventory.add(browser_session_id="pbs_of_the_lost_time", fence=before.fence + 1, live=True)
        await host.attach(hello)
        assert [verdict.keep for verdict in host.welcome.verdicts] == [True, False]
        async with grpc.aio.insecure_channel(restored.address) as channel:
            api = api_on(channel, first_keys.api_key_file(config.data_dir).read_text().strip())
            after = await running_session(api, host)
        assert after.fence >> 32 == after.command_id >> 32 == 8
        assert before.fence >> 32 == before.command_id >> 32 == 1
        await host.vanish()
    async with serve(replace(config, minimum_control_epoch=8), SteppedClock) as again:
        assert again.coordinator.control_epoch == 9
