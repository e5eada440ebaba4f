"""Deadlines over a restart of the control plane, with a wall clock that was set meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2, runs_pb2

from tests.api_calls import get_run, get_session, minutes, run_task, running_session
from tests.clocks import Machine
from tests.fake_host import run_finished
from tests.restarting import Restarting

HOUR = timedelta(hours=1)
RUNNING, CLOSED = pb.BROWSER_SESSION_STATE_RUNNING, pb.BROWSER_SESSION_STATE_CLOSED


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
async def restarting(config, machine):
    made = await Restarting(config, machine.clock).start()
    yield made
    await made.stop()


async def with_a_session(restarting, timeout):
    host = restarting.new_host()
    await host.attach()
    return host, await running_session(restarting.api, host, timeout=timeout)


async def after(restarting, machine, down, *, wall=timedelta(), reboot=False):
    """The API of the control plane after it was down for so long, with all that was due then done."""
    await restarting.stop()
    machine.pass_by(down)
    machine.wall += wall
    if reboot:
        machine.boot, machine.uptime = "another boot", 5.0
    api = (await restarting.start()).api
    await restarting.advance(timedelta())
    return api


async def test_what_was_due_while_the_control_plane_was_down_happens_at_once(restarting, machine):
    host, soon = await with_a_session(restarting, minutes(5))
    later = await running_session(restarting.api, host, timeout=minutes(6))
    before = await get_session(restarting.api, later.browser_session_id)
    await host.vanish()

    api = await after(restarting, machine, timedelta(minutes=5, seconds=1))

    assert (await get_session(api, soon.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT
    kept = await get_session(api, later.browser_session_id)
    assert (kept.state, kept.expire_time) == (RUNNING, before.expire_time)
    await restarting.advance(timedelta(seconds=58.9))
    assert (await get_session(api, later.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(seconds=0.1))
    assert (await get_session(api, later.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT


@pytest.mark.parametrize("wall", [HOUR, 24 * HOUR, -HOUR])
async def test_a_wall_clock_that_was_set_while_it_was_down_moves_no_deadline(restarting, machine, wall):
    host, launch = await with_a_session(restarting, minutes(5))
    run = await run_task(restarting.api, launch.browser_session_id, timeout=minutes(4))
    await host.vanish()

    api = await after(restarting, machine, timedelta(seconds=20), wall=wall)

    session = await get_session(api, launch.browser_session_id)
    assert session.state == RUNNING
    left = session.expire_time.ToDatetime() - restarting.clock.now().replace(tzinfo=None)
    assert left == timedelta(minutes=4, seconds=40)
    host.inventory[0].age.FromTimedelta(timedelta(seconds=20))
    await restarting.reattach(host)
    await restarting.advance(timedelta(minutes=3), heard=True)
    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_RUNNING
    await restarting.advance(timedelta(minutes=1, seconds=36), heard=True)
    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_TIMED_OUT
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(seconds=4), heard=True)
    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT
    await host.vanish()


async def test_a_drain_keeps_its_time_though_the_wall_clock_was_set(restarting, machine):
    host, launch = await with_a_session(restarting, minutes(60))
    await restarting.api.hosts.DrainHost(hosts_pb2.DrainHostRequest(host_id="host-a", drain_timeout=minutes(3)))
    await host.vanish()
    api = await after(restarting, machine, timedelta(seconds=20), wall=HOUR)
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(minutes=2, seconds=40))
    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_HOST_DRAINED


async def test_after_a_boot_with_another_wall_clock_a_session_waits_for_what_its_host_says(restarting, machine):
    host, launch = await with_a_session(restarting, minutes(5))
    run = await run_task(restarting.api, launch.browser_session_id, timeout=minutes(4))
    command = await host.begin_run()
    await host.vanish()

    api = await after(restarting, machine, timedelta(seconds=60), wall=24 * HOUR, reboot=True)
    await restarting.advance(timedelta(seconds=60))
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_RUNNING

    host.inventory[0].age.FromTimedelta(timedelta(minutes=2))
    await restarting.reattach(host)
    session = await get_session(api, launch.browser_session_id)
    assert session.expire_time.ToDatetime() - restarting.clock.now().replace(tzinfo=None) == timedelta(minutes=3)
    await host.report(command, run_finished(1))
    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_COMPLETED
    await restarting.advance(timedelta(minutes=2, seconds=59), heard=True)
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(seconds=1), heard=True)
    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT
    await host.vanish()


async def test_after_a_boot_a_session_whose_host_does_not_come_back_ends_with_the_holding_lease(restarting, machine):
    host, launch = await with_a_session(restarting, minutes(5))
    await host.vanish()
    api = await after(restarting, machine, timedelta(seconds=60), wall=24 * HOUR, reboot=True)
    await restarting.advance(timedelta(seconds=182))
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(seconds=0.8))
    assert (await get_session(api, launch.browser_session_id)).state == CLOSED


async def test_a_session_that_waited_for_its_host_is_due_when_it_always_was(restarting, machine):
    """The host says what was known: what was put off is put back."""
    host, launch = await with_a_session(restarting, minutes(5))
    await host.vanish()
    api = await after(restarting, machine, timedelta(minutes=4, seconds=50), reboot=True)
    host.inventory[0].age.FromTimedelta(timedelta(minutes=4, seconds=50))
    await restarting.reattach(host)
    await restarting.advance(timedelta(seconds=9.9))
    assert (await get_session(api, launch.browser_session_id)).state == RUNNING
    await restarting.advance(timedelta(seconds=0.1))
    assert (await get_session(api, launch.browser_session_id)).close_reason == pb.CLOSE_REASON_TIMED_OUT
    await host.vanish()
