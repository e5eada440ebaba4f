"""What the simulation found in the control plane, each tested directly over real gRPC and SQLite."""

from datetime import timedelta

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2

from control_plane import coordinator as coordinator_module
from control_plane.moves import host_moves
from tests.api_calls import get_session, minutes, running_session

HOST = "host-a"


async def state_of(api):
    return (await api.hosts.GetHost(hosts_pb2.GetHostRequest(host_id=HOST))).host.state


async def test_a_lease_judged_over_before_an_attach_takes_nothing_from_the_host_after_it(api, host, control_plane):
    launch = await running_session(api, host)
    earlier = control_plane.coordinator.pulses[HOST].stream_no
    await host.attach()

    lost = await control_plane.coordinator.move(host_moves.lease_over, HOST, earlier, timedelta(seconds=200))

    assert not lost
    assert await state_of(api) == hosts_pb2.HOST_STATE_READY
    assert (await get_session(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING
    await host.heartbeat()  # it is still listened to


async def test_a_silence_judged_before_an_attach_makes_no_host_suspect_after_it(api, host, control_plane):
    earlier = control_plane.coordinator.pulses[HOST].stream_no
    await host.attach()

    await control_plane.coordinator.move(host_moves.fall_silent, HOST, earlier, timedelta(seconds=20))

    assert await state_of(api) == hosts_pb2.HOST_STATE_READY


async def test_a_host_that_was_out_of_reach_until_its_drain_was_over_is_told_to_drain(api, host, advance):
    await host.vanish()
    await api.hosts.DrainHost(hosts_pb2.DrainHostRequest(host_id=HOST, drain_timeout=minutes(1)))
    await advance(timedelta(minutes=2), silent=True)

    await host.attach()

    drain: host_pb2.Drain = await host.receive("drain")
    assert drain.drain_timeout == minutes(0)


async def test_what_a_host_said_during_a_pause_of_the_control_plane_counts_before_anything_falls_due(
    api, host, control_plane, monkeypatch
):
    monkeypatch.setattr(coordinator_module, "_HEAR_FIRST", 3.0)
    coordinator = control_plane.coordinator
    session = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    coordinator.clock.advance(control_plane.config.launch_timeout + timedelta(seconds=10))
    coordinator._awake_at -= 40.0  # as after SIGSTOP and SIGCONT

    coordinator._sooner.set()
    for _ in range(3):
        await coordinator.move(lambda tx: None)
    await host.launch(age=timedelta(seconds=35))

    running = await get_session(api, session.browser_session_id)
    assert running.state == pb.BROWSER_SESSION_STATE_RUNNING


async def test_a_control_plane_that_was_stopped_gives_its_hosts_that_time(host, control_plane):
    coordinator = control_plane.coordinator
    stopped_for = control_plane.config.silent_for_lost() + timedelta(seconds=10)

    coordinator.clock.advance(stopped_for)
    coordinator._awake_at -= stopped_for.total_seconds()
    coordinator._notice_pause()

    assert coordinator.clock.monotonic() - coordinator.pulses[HOST].heard_at < 5.0
