"""A task engine that keeps the real one's order of things: tell, wait for the ack, ask the lease, act, tell.

What it does to the site is the truth that the checkers compare with.
"""

from __future__ import annotations

import asyncio
import random
from typing import cast

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import Browser
from browser_host.clock import Clock
from browser_host.task.journal import ActionLeaseOver, Journal
from tests.simulation.browsers import SimulatedBrowser

_POLL_SECONDS = 0.1


class SimulatedEngine:
    """Carries out `max_steps` steps, each with one effect."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    async def carry_out(self, start: StartRun, browser: Browser, journal: Journal, clock: Clock) -> None:
        page = cast(SimulatedBrowser, browser)
        ends_at = clock.monotonic() + start.timeout.ToTimedelta().total_seconds()
        await journal.record(RunEvent(run_started=runs_pb2.RunStarted()))
        for step in range(1, start.max_steps + 1):
            if journal.cancel_requested.is_set():
                await self._end(journal, runs_pb2.RUN_STATUS_CANCELED, runs_pb2.FAILURE_REASON_CANCELED)
                return
            await journal.record_durably(RunEvent(step_started=runs_pb2.StepStarted(step=step)))
            if not await self._act(start.run_id, step, page, journal, clock, ends_at):
                stopped = journal.cancel_requested.is_set()
                status = runs_pb2.RUN_STATUS_CANCELED if stopped else runs_pb2.RUN_STATUS_TIMED_OUT
                reason = runs_pb2.FAILURE_REASON_CANCELED if stopped else runs_pb2.FAILURE_REASON_RUN_TIMED_OUT
                await self._end(journal, status, reason)
                return
            finished = runs_pb2.StepFinished(step=step, outcome=runs_pb2.STEP_OUTCOME_DONE)
            if self._rng.random() < 0.2:
                finished.screenshot_artifact_id = journal.keep_screenshot(b"jpeg")
            await journal.record(RunEvent(step_finished=finished))
            await asyncio.sleep(self._rng.uniform(0.05, 0.5))
        await self._end(journal, runs_pb2.RUN_STATUS_COMPLETED)

    async def _act(
        self, run_id: str, step: int, page: SimulatedBrowser, journal: Journal, clock: Clock, ends_at: float
    ) -> bool:
        """Wait for what the step acts on, then act; False when the run is to end first."""
        ready_at = clock.monotonic() + self._rng.uniform(0.0, 2.0)
        while clock.monotonic() < ends_at and not journal.cancel_requested.is_set():
            await asyncio.sleep(_POLL_SECONDS)
            if clock.monotonic() < ready_at:
                continue
            try:
                journal.allow_action()
            except ActionLeaseOver:
                continue
            page.act(run_id, step)
            await asyncio.sleep(self._rng.uniform(0.1, 1.5))
            return True
        return False

    @staticmethod
    async def _end(journal: Journal, status: runs_pb2.RunStatus, reason: runs_pb2.FailureReason = 0) -> None:  # type: ignore[assignment]
        finished = runs_pb2.RunFinished(status=status, failure_reason=reason)
        await journal.record(RunEvent(run_finished=finished))
