"""What the simulation found in the host, each tested directly."""

import asyncio

import pytest
from tabkeep.host.v1.host_pb2 import StartRun

from browser_host.chromium.playwright_starts import PlaywrightStarts
from browser_host.messages import Placement
from tests.host_fakes import attached, virtual_time
from tests.waiting import until

PLACEMENT = Placement("pbs_1", 1)


@virtual_time
async def test_a_browser_that_hangs_is_gone_when_the_holding_lease_is_over() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(PLACEMENT)
        parts.launcher.browsers[0].close_seconds = 3.0
        await asyncio.sleep(1)
        renewed_at = max(parts.clock.monotonic() - 3.3, 0)
        control_plane.answers_heartbeats = control_plane.reachable = False

        await until(lambda: parts.host.leases.remaining_holding() <= 0, "the end of the lease", 200)

        assert parts.clock.monotonic() - renewed_at > 170
        assert not parts.launcher.alive()


async def test_a_launch_that_is_cancelled_while_it_gives_up_returns_only_when_its_browser_is_gone() -> None:
    may_end, gone = asyncio.Event(), []

    class Starts(PlaywrightStarts):
        def __init__(self) -> None:
            self._abandoned = set()

        async def _end_launch(self, launching, start) -> None:
            await may_end.wait()
            gone.append("browser")

    giving_up = asyncio.create_task(Starts()._abandon(None, None))
    for _ in range(3):
        await asyncio.sleep(0)
    giving_up.cancel()
    for _ in range(3):
        await asyncio.sleep(0)

    assert not giving_up.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await giving_up
    assert gone == ["browser"]


@virtual_time
async def test_a_run_that_was_over_when_its_host_came_back_does_not_act_again() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(PLACEMENT)
        parts.engine.steps, parts.engine.step_seconds = 50, 2.0
        control_plane.command(PLACEMENT, StartRun(run_id="tsk_1"))
        await until(lambda: len(parts.engine.acted) == 3, "three steps")
        await asyncio.sleep(1)  # everything is acknowledged, so only the session tells of the run
        assert not parts.host.outbox.progress()

        control_plane.over.add("tsk_1")
        assert control_plane.connection is not None
        control_plane.connection.lose("reset")
        await until(lambda: len(control_plane.hellos) == 2, "the next hello")
        await asyncio.sleep(30)

        assert [run.run_id for run in control_plane.hellos[1].runs] == ["tsk_1"]
        assert len(parts.engine.acted) == 3
