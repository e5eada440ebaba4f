"""What the host tells its guardian, and what it says of browsers that the guardian ended; on virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from browser_host.guard import Unguarded
from browser_host.kernel import guardian
from browser_host.messages import Close, EndReason, Failure, Placement, SetTimeout
from tests.host_fakes import FakeControlPlane, a_host, a_launch, attached, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)


class Told(Unguarded):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.held_until: list[float] = []
        self.deadlines: dict[Placement, float] = {}
        self.killed: dict[Placement, str] = {}

    def hold_until(self, at: float) -> None:
        self.held_until.append(at)

    def set_deadline(self, placement: Placement, at: float) -> None:
        self.deadlines[placement] = at

    def killed_for(self, placement: Placement) -> str:
        return self.killed.get(placement, "")


@virtual_time
async def test_every_acknowledged_heartbeat_renews_what_the_guardian_counts() -> None:
    told = Told()
    async with attached(a_host(guard=told)) as (parts, control_plane):
        assert len(told.held_until) == 1
        await asyncio.sleep(10)
        assert 3 <= len(told.held_until) <= 5
        assert told.held_until == sorted(told.held_until)
        assert parts.clock.monotonic() + 170 < told.held_until[-1] <= parts.clock.monotonic() + 180
        control_plane.answers_heartbeats = False
        last = told.held_until[-1]
        await asyncio.sleep(5)
        assert told.held_until[-1] == last


@virtual_time
async def test_the_guardian_knows_the_deadline_and_every_change_of_it() -> None:
    told = Told()
    async with attached(a_host(guard=told)) as (parts, control_plane):
        await control_plane.launch(ONE, a_launch(timeout=timedelta(minutes=5)))
        launched_at = parts.launcher.browsers[0].launch_time
        assert told.deadlines[ONE] == pytest.approx(launched_at + 300)
        await control_plane.result(control_plane.command(ONE, SetTimeout(timedelta(minutes=20))))
        assert told.deadlines[ONE] == pytest.approx(launched_at + 1200)


@virtual_time
async def test_a_browser_that_was_killed_after_its_deadline_has_timed_out() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE, a_launch(timeout=timedelta(minutes=1)))
        parts.launcher.browsers[0].crash()
        parts.clock.suspend(61)
        assert (await control_plane.tombstone(ONE)).reason is EndReason.TIMED_OUT


@virtual_time
async def test_a_browser_that_was_killed_after_the_lease_was_lost_with_its_host() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.launcher.browsers[0].crash()
        parts.clock.suspend(181)
        assert (await control_plane.tombstone(ONE)).reason is EndReason.HOST_LOST


@virtual_time
async def test_a_browser_that_was_killed_before_has_crashed() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.launcher.browsers[0].crash()
        assert (await control_plane.tombstone(ONE)).reason is EndReason.BROWSER_CRASHED


async def end_of_a_browser_killed_for(cause: str) -> EndReason:
    told = Told()
    async with attached(a_host(guard=told)) as (parts, control_plane):
        await control_plane.launch(ONE)
        told.killed[ONE] = cause
        # The host's own lease looks as if it went on: an ack that had waited was read before the death was.
        assert parts.host.leases.remaining_holding() > 0
        parts.launcher.browsers[0].crash()
        return (await control_plane.tombstone(ONE)).reason


@virtual_time
async def test_what_the_guardian_killed_a_browser_for_is_its_end_whatever_the_host_learns_first() -> None:
    assert await end_of_a_browser_killed_for(guardian.LEASE) is EndReason.HOST_LOST
    assert await end_of_a_browser_killed_for(guardian.DEADLINE) is EndReason.TIMED_OUT


@virtual_time
async def test_no_tombstone_says_that_a_browser_is_gone_which_could_not_be_ended() -> None:
    told = Told()
    async with attached(a_host(guard=told)) as (parts, control_plane):
        await control_plane.launch(ONE)
        browser = parts.launcher.browsers[0]
        close, failures = browser.close, [OSError(24, "Too many open files"), OSError(16, "Device or resource busy")]

        async def breaks_twice() -> None:
            if failures:
                raise failures.pop()
            await close()

        browser.close = breaks_twice  # type: ignore[method-assign]
        control_plane.command(ONE, Close())
        await asyncio.sleep(1.5)
        assert ONE not in control_plane.tombstones
        assert told.deadlines[ONE] == 0.0  # the guardian was told to kill it meanwhile
        assert (await control_plane.tombstone(ONE)).reason is EndReason.REQUESTED
        assert not browser.alive
        assert failures == []


@virtual_time
async def test_a_host_that_gives_up_ends_its_browsers_says_why_and_takes_no_more() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.host.give_up("no guardian")
        failure = await control_plane.launch(Placement("pbs_2", 8))
        assert isinstance(failure, Failure)
        tombstone = await control_plane.tombstone(ONE)
        assert (tombstone.reason, tombstone.message) == (EndReason.HOST_LOST, "no guardian")
        assert parts.launcher.alive() == []
        await until(parts.host.drained.is_set, "the end of the host")


@virtual_time
async def test_no_step_begins_after_a_pause_before_the_control_plane_was_heard_again() -> None:
    control_plane = FakeControlPlane()
    async with attached(control_plane=control_plane) as (parts, _):
        await asyncio.sleep(4)
        control_plane.answers_heartbeats = False
        parts.clock.suspend(3)
        assert parts.host.leases.remaining_action() <= 0
        await asyncio.sleep(4)
        assert parts.host.leases.remaining_action() <= 0
        assert parts.host.leases.remaining_holding() > 0
        control_plane.answers_heartbeats = True
        await until(lambda: parts.host.leases.remaining_action() > 0, "an acknowledged heartbeat", 5)
