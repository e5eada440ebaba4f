"""The protocol on the stream: greeting, renewal, silence, reconnecting without loss or doubles, final refusals."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tabkeep.host.v1.host_pb2 import StartRun

from browser_host.attachment import AttachRefused, StreamLost
from browser_host.messages import Heartbeat, Hello, Placement
from tests.host_fakes import FakeControlPlane, a_host, a_launch, an_attachment, attached, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)


async def reattached(control_plane: FakeControlPlane) -> Hello:
    """Break the stream and wait for the next Hello."""
    assert control_plane.connection is not None
    before = len(control_plane.hellos)
    control_plane.connection.lose()
    await until(lambda: len(control_plane.hellos) > before, "the next hello")
    return control_plane.hellos[-1]


@virtual_time
async def test_hello_comes_first_and_heartbeats_follow_at_the_interval_of_the_welcome() -> None:
    async with attached() as (_, control_plane):
        await asyncio.sleep(30)
        assert isinstance(control_plane.received[0], Hello)
        heartbeats = [message for message in control_plane.received if isinstance(message, Heartbeat)]
        assert 9 <= len(heartbeats) <= 12
        assert [message.heartbeat_no for message in heartbeats] == list(range(2, len(heartbeats) + 2))
        assert control_plane.stream_no == 1


@virtual_time
async def test_hello_names_all_that_the_host_holds() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        control_plane.command(Placement("pbs_2", 8), a_launch())
        await asyncio.sleep(0.1)
        hello = await reattached(control_plane)
        assert [item.placement for item in hello.inventory] == [ONE, Placement("pbs_2", 8)]
        assert hello.inventory[0].live
        assert hello.inventory[0].age.total_seconds() == pytest.approx(
            parts.clock.monotonic() - parts.launcher.browsers[0].launch_time, abs=2
        )
        assert hello.highest_control_epoch == 1


@virtual_time
async def test_a_browser_that_is_not_to_be_kept_is_closed() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        control_plane.keeps = False
        await reattached(control_plane)
        await control_plane.tombstone(ONE)
        assert not parts.launcher.alive()


@virtual_time
async def test_events_arrive_once_and_in_order_however_often_the_stream_breaks() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.steps, parts.engine.step_seconds = 40, 0.1
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        for _ in range(10):
            control_plane.answers_events = False
            await asyncio.sleep(0.25)
            await reattached(control_plane)
            control_plane.answers_events = True
            await reattached(control_plane)
            await asyncio.sleep(0.15)
        assert len(parts.engine.acted) < 40, "the run was over before the streams broke"
        await control_plane.finished("tsk_1", 200)
        assert [event.seq for event in control_plane.events["tsk_1"]] == list(range(1, 83))
        assert parts.engine.acted == [("tsk_1", step) for step in range(1, 41)]


@virtual_time
async def test_results_and_tombstones_that_were_not_acknowledged_come_with_the_next_hello() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        assert control_plane.connection is not None
        control_plane.connection.black_hole = True
        parts.launcher.browsers[0].crash()
        await until(lambda: parts.host.session_count() == 0, "the end of the session")
        await asyncio.sleep(1)
        assert ONE not in control_plane.tombstones
        hello = await reattached(control_plane)
        assert [tombstone.placement for tombstone in hello.tombstones] == [ONE]
        await until(lambda: not parts.host.has_unacknowledged(), "all acks")
        assert (await reattached(control_plane)).tombstones == ()


@virtual_time
async def test_a_stream_without_acknowledged_heartbeats_is_given_up_after_ten_seconds() -> None:
    async with attached() as (parts, control_plane):
        control_plane.answers_heartbeats = False
        began = parts.clock.monotonic()
        await until(lambda: control_plane.stream_no == 2, "the second stream", 20)
        assert 9.9 <= parts.clock.monotonic() - began <= 10.5


@virtual_time
async def test_a_dead_connection_is_given_up_before_the_action_lease_is_over() -> None:
    async with attached() as (parts, control_plane):
        assert control_plane.connection is not None
        control_plane.connection.black_hole = True
        await until(lambda: control_plane.stream_no == 2, "the second stream", 20)
        await asyncio.sleep(0.1)
        assert parts.host.leases.remaining_action() > 14


@virtual_time
async def test_a_control_plane_older_than_one_already_seen_is_not_listened_to() -> None:
    async with attached() as (parts, control_plane):
        control_plane.control_epoch = 5
        await reattached(control_plane)
        control_plane.control_epoch = 4
        control_plane.command(ONE, a_launch())
        await until(lambda: control_plane.stream_no >= 4, "new streams")
        assert parts.launcher.browsers == []
        assert control_plane.hellos[-1].highest_control_epoch == 5


@virtual_time
async def test_reconnecting_backs_off_with_jitter_to_five_seconds_at_most() -> None:
    parts, control_plane = a_host(), FakeControlPlane()
    attempts: list[float] = []

    async def dial() -> None:
        attempts.append(parts.clock.monotonic())
        raise StreamLost("refused")

    attachment = an_attachment(parts, control_plane)
    attachment._dial = dial  # type: ignore[assignment]
    task = asyncio.create_task(attachment.run())
    await asyncio.sleep(120)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gaps = [later - earlier for earlier, later in itertools.pairwise(attempts)]
    assert max(gaps[:2]) <= 0.4
    assert max(gaps) <= 5.0
    assert 20 <= len(attempts) <= 120


@virtual_time
async def test_a_retry_delay_of_the_control_plane_is_honoured() -> None:
    parts, control_plane = a_host(), FakeControlPlane()
    attempts: list[float] = []

    async def dial() -> None:
        attempts.append(parts.clock.monotonic())
        raise StreamLost("too many", retry_after=30)

    attachment = an_attachment(parts, control_plane)
    attachment._dial = dial  # type: ignore[assignment]
    task = asyncio.create_task(attachment.run())
    await asyncio.sleep(100)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert all(later - earlier >= 30 for earlier, later in itertools.pairwise(attempts))


@virtual_time
async def test_a_fault_of_the_host_itself_costs_a_stream_and_no_browser() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        control_plane.send(None)  # type: ignore[arg-type]
        receive, parts.host.receive = parts.host.receive, None  # type: ignore[assignment,method-assign]
        control_plane.command(ONE, a_launch())
        await until(lambda: control_plane.stream_no == 2, "the second stream")
        parts.host.receive = receive  # type: ignore[method-assign]
        await asyncio.sleep(5)
        assert parts.launcher.alive()
        assert parts.host.leases.remaining_action() > 10


@virtual_time
async def test_a_final_refusal_ends_the_attachment() -> None:
    parts, control_plane = a_host(), FakeControlPlane()
    control_plane.refuse_with = AttachRefused("KEY_INVALID", "no such token")
    with pytest.raises(AttachRefused, match="no such token"):
        await an_attachment(parts, control_plane).run()
    assert control_plane.stream_no == 1
