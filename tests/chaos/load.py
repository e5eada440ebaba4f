"""Calls and events without pause, and a record of every one that was acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import grpc
from tabkeep.v1 import browser_sessions_pb2 as pb

from tests.api_calls import close_session, minutes, run_task
from tests.chaos.control_plane_program import ControlPlaneProgram
from tests.conftest import Api
from tests.fake_host import FakeHost, step_finished, step_started

_CALLERS = 4
_EVENTS_PER_BATCH = 10


@dataclass
class Acknowledged:
    """What the control plane said is stored. Grows over many lives of it."""

    sessions: dict[str, str] = field(default_factory=dict)
    """request_id to browser_session_id."""
    closed: set[str] = field(default_factory=set)
    last_seq: dict[str, int] = field(default_factory=dict)
    """Of each run, by run_id: the last event acknowledged to the host."""

    def rows(self) -> int:
        """How many rows that are."""
        return len(self.sessions) + len(self.closed) + sum(self.last_seq.values())

    def lost(self, program: ControlPlaneProgram) -> list[str]:
        """What of it the running control plane's database does not hold, in words."""
        states = dict(program.query("SELECT browser_session_id, state FROM sessions"))
        ids = ", ".join(f"'{run_id}'" for run_id in self.last_seq)
        found = f"SELECT run_id, count(*), max(seq) FROM run_events WHERE run_id IN ({ids}) GROUP BY run_id"
        events = {run_id: (count, last) for run_id, count, last in program.query(found)}
        lost = [f"session {one}" for one in self.sessions.values() if one not in states]
        lost += [
            f"the close of {one}, which is {states.get(one)}" for one in self.closed if states.get(one) != "closed"
        ]
        for run_id, seq in self.last_seq.items():
            count, last = events.get(run_id, (0, 0))
            if last < seq:
                lost.append(f"events {last + 1} to {seq} of {run_id}")
            if count != last:
                lost.append(f"run {run_id} has {count} events up to {last}")
        return lost


class Load:
    """Some callers and one host, for one life of the control plane."""

    def __init__(self, program: ControlPlaneProgram, acknowledged: Acknowledged, name: str) -> None:
        self._program = program
        self._acknowledged = acknowledged
        self._name = name
        self.begun = asyncio.Event()
        """Set once a call and an event were acknowledged."""
        self.over = False
        """Set before `run` is cancelled: before Python 3.12, asyncio.wait_for may swallow a cancellation."""

    async def run(self) -> None:
        """Go on until cancelled, or until the control plane answers nothing any more."""
        host = self._program.host(capacity=1)
        try:
            async with self._program.api() as api:
                await host.attach()
                live = await api.sessions.CreateBrowserSession(
                    pb.CreateBrowserSessionRequest(request_id=f"{self._name}-live", queue_timeout=minutes(60))
                )
                self._acknowledged.sessions[f"{self._name}-live"] = live.browser_session.browser_session_id
                launch = await host.launch()  # of that session, or of one that waits since an earlier life
                callers = [self._call(api, number) for number in range(_CALLERS)]
                reporter = self._report(api, host, launch.browser_session_id)
                begun = await asyncio.gather(reporter, *callers, return_exceptions=True)
                for error in begun:
                    if error is not None and not isinstance(error, (grpc.aio.AioRpcError, asyncio.CancelledError)):
                        raise error
        except (grpc.aio.AioRpcError, grpc.aio.UsageError):
            pass
        finally:
            await host.vanish()

    async def _call(self, api: Api, caller: int) -> None:
        """Create sessions that wait for a browser no host has room for, and close every other one."""
        number = 0
        while not self.over:
            number += 1
            request_id = f"{self._name}-{caller}-{number}"
            request = pb.CreateBrowserSessionRequest(request_id=request_id, queue_timeout=minutes(60))
            created = (await api.sessions.CreateBrowserSession(request, timeout=30)).browser_session
            self._acknowledged.sessions[request_id] = created.browser_session_id
            if number % 2:
                await close_session(api, created.browser_session_id)
                self._acknowledged.closed.add(created.browser_session_id)

    async def _report(self, api: Api, host: FakeHost, browser_session_id: str) -> None:
        """Report events of one run, batch after batch."""
        run = await run_task(api, browser_session_id)
        command = await host.begin_run()
        seq = 0
        with contextlib.suppress(AssertionError, grpc.aio.UsageError, asyncio.InvalidStateError):  # the stream ended
            while not self.over:
                steps = range(seq + 1, seq + 1 + _EVENTS_PER_BATCH)
                events = [step_started(n, n) if n % 2 else step_finished(n, n - 1) for n in steps]
                await host.report(command, *events)
                seq = steps[-1]
                self._acknowledged.last_seq[run.run_id] = seq
                self.begun.set()
