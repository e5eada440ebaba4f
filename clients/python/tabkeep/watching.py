"""Watches that come back by themselves after a broken stream, without losing or repeating anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

from tabkeep import wire
from tabkeep.calls import Calls
from tabkeep.errors import Internal, TabkeepError
from tabkeep.records.run_events import RunUpdate
from tabkeep.records.runs import Run
from tabkeep.records.sessions import BrowserSession, BrowserSessionChange, BrowserSessionState, BrowserSessionUpdate
from tabkeep.v1 import browser_sessions_pb2, runs_pb2


class _Patience:
    """Decides how long a watch that receives nothing tries to come back.

    One that never received anything gives up as soon as an ordinary call would.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._failures = 0
        self._give_up: float | None = None
        self._began = False

    def progressed(self) -> None:
        """Something new was received: the next failure is a first one again."""
        self._failures = 0
        self._give_up = None
        self._began = True

    async def wait(self, error: TabkeepError) -> None:
        """Wait before the next try; raise `error` when the patience is at its end."""
        now = asyncio.get_running_loop().time()
        if self._give_up is None:
            self._give_up = now + self._calls.retry.watch_patience.total_seconds()
        self._failures += 1
        if now >= self._give_up or (not self._began and self._failures >= self._calls.retry.max_attempts):
            raise error
        await self._calls.pause(self._failures, error)


async def watch_run(calls: Calls, run_id: str, after_seq: int) -> AsyncGenerator[RunUpdate, None]:
    """Yield the run's events from after_seq + 1 on, each once and in order, and the run after each change.

    Ends after the final run, once every event before it was yielded.
    """
    seq = after_seq
    shown: Run | None = None
    patience = _Patience(calls)
    while True:
        trouble: TabkeepError = _ended_early(run_id)
        request = runs_pb2.WatchRunRequest(run_id=run_id, after_seq=seq)
        async with aclosing(calls.stream("RunService/WatchRun", request, runs_pb2.WatchRunResponse)) as stream:
            try:
                async for message in stream:
                    if message.HasField("event"):
                        if message.event.seq <= seq:
                            continue
                        if message.event.seq > seq + 1:
                            trouble = _events_missing(run_id, seq, message.event.seq)
                            break
                        seq = message.event.seq
                        patience.progressed()
                        yield wire.run_event(message.event)
                    elif message.HasField("run"):
                        run = wire.run(message.run)
                        if run.is_final and run.last_seq > seq:
                            trouble = _events_missing(run_id, seq, run.last_seq + 1)
                            break
                        if run != shown:
                            shown = run
                            patience.progressed()
                            yield run
                        if run.is_final:
                            return
            except TabkeepError as error:
                if not calls.broken(error):
                    raise
                trouble = error
        await patience.wait(trouble)


async def watch_browser_session(
    calls: Calls, browser_session_id: str, expiry_warning: timedelta | None
) -> AsyncGenerator[BrowserSessionUpdate, None]:
    """Yield the session as it is now and after each change, until it is closed."""
    request = browser_sessions_pb2.WatchBrowserSessionRequest(browser_session_id=browser_session_id)
    if expiry_warning is not None:
        request.expiry_warning.CopyFrom(wire.to_duration(expiry_warning, "expiry_warning"))
    shown: BrowserSession | None = None
    patience = _Patience(calls)
    while True:
        trouble: TabkeepError = _ended_early(browser_session_id)
        answers = calls.stream(
            "BrowserSessionService/WatchBrowserSession", request, browser_sessions_pb2.WatchBrowserSessionResponse
        )
        async with aclosing(answers) as stream:
            try:
                async for message in stream:
                    update = wire.browser_session_update(message)
                    # Each stream begins with the present state, which may have been shown already.
                    repeated = update.browser_session == shown
                    if not repeated or update.change is BrowserSessionChange.EXPIRY_WARNING:
                        shown = update.browser_session
                        patience.progressed()
                        yield update
                    if update.browser_session.state is BrowserSessionState.CLOSED:
                        return
            except TabkeepError as error:
                if not calls.broken(error):
                    raise
                trouble = error
        await patience.wait(trouble)


def _ended_early(name: str) -> TabkeepError:
    return Internal(f"the watch of {name} ended before it was over", code="INTERNAL", reason="WATCH_ENDED")


def _events_missing(run_id: str, seq: int, next_seq: int) -> TabkeepError:
    message = f"events {seq + 1} to {next_seq - 1} of run {run_id} were not sent"
    return Internal(message, code="INTERNAL", reason="EVENTS_MISSING")
