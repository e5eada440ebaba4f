"""A host that was stopped, or whose clock was set, does nothing before it has heard from its control plane again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from browser_host.leases import Leases
from tests.host_fakes import LoopClock, virtual_time

A, H = timedelta(seconds=15), timedelta(seconds=180)


class SettableClock(LoopClock):
    """Its wall clock can be set."""

    wall_offset = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.wall_offset)


@asynccontextmanager
async def watched_leases(clock: LoopClock) -> AsyncIterator[Leases]:
    leases = Leases(clock)
    leases.set_lengths(A, H)
    watching = asyncio.create_task(leases.pauses.run())
    await asyncio.sleep(1)
    leases.acknowledged(leases.send_heartbeat())
    try:
        yield leases
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@virtual_time
async def test_after_a_pause_no_action_may_begin_before_a_new_heartbeat_is_acknowledged() -> None:
    clock = LoopClock()
    async with watched_leases(clock) as leases:
        assert leases.remaining_action() > 14
        clock.suspend(3)
        assert leases.remaining_action() <= 0
        assert leases.remaining_holding() == pytest.approx(177)
        await asyncio.sleep(5)
        assert leases.remaining_action() <= 0
        leases.acknowledged(leases.send_heartbeat())
        assert leases.remaining_action() == pytest.approx(15)


@virtual_time
async def test_a_heartbeat_that_was_sent_before_the_pause_does_not_end_it() -> None:
    clock = LoopClock()
    async with watched_leases(clock) as leases:
        sent_before = leases.send_heartbeat()
        clock.suspend(3)
        assert leases.acknowledged(sent_before)
        assert leases.remaining_action() <= 0


@virtual_time
async def test_a_short_gap_is_no_pause() -> None:
    clock = LoopClock()
    async with watched_leases(clock) as leases:
        clock.suspend(1.4)
        assert leases.remaining_action() == pytest.approx(13.6)


@virtual_time
async def test_quiet_minutes_are_no_pause() -> None:
    clock = LoopClock()
    async with watched_leases(clock) as leases:
        for _ in range(100):
            await asyncio.sleep(3)
            leases.acknowledged(leases.send_heartbeat())
            assert leases.remaining_action() == pytest.approx(15)


@pytest.mark.parametrize("step", [3600.0, -3600.0, 1.5])
def test_a_step_of_the_wall_clock_counts_as_a_pause(step: float) -> None:
    @virtual_time
    async def stepped() -> None:
        clock = SettableClock()
        async with watched_leases(clock) as leases:
            clock.wall_offset += step
            await asyncio.sleep(0.6)
            assert leases.remaining_action() <= 0
            leases.acknowledged(leases.send_heartbeat())
            assert leases.remaining_action() == pytest.approx(15)

    stepped()


@virtual_time
async def test_a_clock_that_is_slewed_is_not_stepped() -> None:
    clock = SettableClock()
    async with watched_leases(clock) as leases:
        for _ in range(20):
            clock.wall_offset += 0.2
            await asyncio.sleep(0.5)
        assert leases.remaining_action() == pytest.approx(5)
