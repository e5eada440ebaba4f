"""Programs that use the control plane: they create, run, close, cancel, extend and watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2 as pb

from control_plane.coordinator import Coordinator
from control_plane.entities.keys import Key, Scope
from control_plane.entities.runs import RunType
from control_plane.errors import TabkeepError
from control_plane.interceptors import caller
from control_plane.moves import host_moves, run_moves, session_moves
from control_plane.moves.requests import Request
from control_plane.moves.run_moves import RunSpec
from control_plane.moves.session_moves import SessionSpec
from control_plane.page_tokens import PageTokens
from control_plane.sealing.seals import Seals
from control_plane.services.run_service import RunService
from tests.simulation.checkers import SessionRecord
from tests.simulation.programs import EPOCH, PLANS

if TYPE_CHECKING:
    from tests.simulation.world import World

ORGANIZATION = "org_simulated"
MOST_OPEN = 7
_KEY = Key("key", ORGANIZATION, Scope.API, b"\0" * 32, "", EPOCH, None)
Call = Callable[[Coordinator], Awaitable[None]]


class Clients:
    """All clients; their calls run inside the control plane's process and end with it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.random("clients")
        self._requests = 0
        self._cursors: dict[str, int] = {}
        """Of the watchers: the last event each has seen of its run."""
        self._watching: set[str] = set()

    def plan(self, seconds: float) -> None:
        """Call at random moments until `seconds` are over."""
        time = 2.0
        while time < seconds:
            time += self._rng.expovariate(1 / 2.0)
            self._world.at(time, self._call)

    def _call(self) -> None:
        control_plane = self._world.control_plane
        if not control_plane.serving:
            return
        self._watch()
        sessions = [one.browser_session_id for one in self._open()]
        runs = [run.run_id for run in self._world.checkers.active_runs.values()]
        choice = self._rng.random()
        if choice < 0.35 and len(sessions) < MOST_OPEN:
            self._make(self._create)
        elif choice < 0.45 and len(sessions) < MOST_OPEN:
            self._make(lambda coordinator: self._run(coordinator, ""))
        elif choice < 0.75 and sessions:
            session = self._rng.choice(sessions)
            self._make(lambda coordinator: self._run(coordinator, session))
        elif choice < 0.85 and sessions:
            session = self._rng.choice(sessions)
            self._make(lambda coordinator: self._close(coordinator, session))
        elif choice < 0.93 and runs:
            run = self._rng.choice(runs)
            self._make(lambda coordinator: self._cancel(coordinator, run))
        elif choice < 0.97 and sessions:
            session = self._rng.choice(sessions)
            self._make(lambda coordinator: self._extend(coordinator, session))
        elif choice >= 0.995:
            host_id = self._rng.choice(self._world.hosts).host_id
            self._make(lambda coordinator: self._drain(coordinator, host_id))

    def _open(self) -> list[SessionRecord]:
        return list(self._world.checkers.open_sessions.values())

    def _make(self, call: Call, *, may_give_up: bool = True) -> None:
        control_plane = self._world.control_plane
        coordinator, process = control_plane.coordinator, control_plane.process
        assert coordinator is not None
        assert process is not None

        async def carry_out() -> None:
            try:
                await call(coordinator)
            except TabkeepError as error:
                self._world.trace(f"client refused: {error.reason}")

        calls = control_plane.calls

        gives_up_after = self._rng.uniform(0.0, 0.01) if self._rng.random() < 0.05 else None

        def begin() -> None:
            task = self._world.loop.spawn(process, carry_out())
            calls[task] = None
            task.add_done_callback(lambda _: calls.pop(task))
            if gives_up_after is not None and may_give_up:
                asyncio.get_running_loop().call_later(gives_up_after, task.cancel)

        self._world.loop.post(process, begin)

    def _session_spec(self) -> SessionSpec:
        timeout = timedelta(seconds=self._rng.choice([30, 60, 150]))
        return SessionSpec(ORGANIZATION, timeout, timedelta(seconds=60), "chrome", "", 1280, 720, {}, "")

    async def _create(self, coordinator: Coordinator) -> None:
        """Create a session; now and then the answer is lost and the call is made again, as a client does."""
        self._requests += 1
        request = Request(ORGANIZATION, "CreateBrowserSession", f"request {self._requests}", b"fingerprint")
        spec = self._session_spec()
        made = {(await coordinator.admit(session_moves.create, spec, request)).browser_session_id}
        if self._rng.random() < 0.2:
            again = [coordinator.admit(session_moves.create, spec, request) for _ in range(2)]
            made |= {session.browser_session_id for session in await asyncio.gather(*again)}
        for browser_session_id in made:
            self._world.checkers.told(browser_session_id, "")
        if len(made) > 1:
            self._world.checkers.fail("I11", f"one request_id has made the sessions {sorted(made)}")

    async def _run(self, coordinator: Coordinator, session_id: str) -> None:
        steps, timeout = self._rng.randint(1, 10), timedelta(seconds=self._rng.choice([20, 60, 120]))
        plan = StartRun(max_steps=steps)
        plan.timeout.FromTimedelta(timeout)
        spec = RunSpec(
            organization_id=ORGANIZATION,
            run_type=RunType.TASK,
            browser_session_id=session_id,
            session=self._session_spec(),
            plan=PLANS.seal(ORGANIZATION, plan.SerializeToString(deterministic=True)),
            prompt="",
            url="",
            labels={},
            max_steps=steps,
            timeout=timeout,
            fail_if_busy=self._rng.random() < 0.2,
            traceparent="",
        )
        run = await coordinator.admit(run_moves.create, spec)
        self._world.checkers.told(run.run_id, "")

    async def _close(self, coordinator: Coordinator, session_id: str) -> None:
        session = await coordinator.move(session_moves.close_requested, ORGANIZATION, session_id)
        self._world.checkers.told(session.browser_session_id, "closed")

    async def _cancel(self, coordinator: Coordinator, run_id: str) -> None:
        run = await coordinator.move(run_moves.cancel, ORGANIZATION, run_id)
        self._world.checkers.told(run.run_id, "")

    async def _extend(self, coordinator: Coordinator, session_id: str) -> None:
        timeout = timedelta(seconds=self._rng.choice([45, 100, 200]))
        await coordinator.move(session_moves.extend, ORGANIZATION, session_id, timeout)

    async def _drain(self, coordinator: Coordinator, host_id: str) -> None:
        await coordinator.move(host_moves.drain, host_id, timedelta(seconds=self._rng.uniform(0.0, 30.0)))

    # Watchers.

    def _watch(self) -> None:
        """A third of the runs is watched, each by one client that comes back after every break."""
        control_plane = self._world.control_plane
        process = control_plane.process
        for run_id in self._world.checkers.runs:
            if run_id not in self._cursors and self._rng.random() < 0.3:
                self._cursors[run_id] = 0
            elif run_id not in self._cursors:
                self._cursors[run_id] = -1
            watching = f"{process} {run_id}"
            if self._cursors[run_id] >= 0 and watching not in self._watching:
                self._watching.add(watching)
                self._make(partial(self._follow, run_id=run_id), may_give_up=False)

    async def _follow(self, coordinator: Coordinator, run_id: str) -> None:
        caller.set(_KEY)
        service = RunService(coordinator, PageTokens(b"pepper"), Seals(b"pepper", "webhooks"), PLANS)
        request = pb.WatchRunRequest(run_id=run_id, after_seq=self._cursors[run_id])
        async for response in service.WatchRun(request, None):  # type: ignore[arg-type]
            if response.WhichOneof("update") == "event":
                event = response.event
                self._world.checkers.watched(run_id, self._cursors[run_id], event.seq, event.SerializeToString())
                self._cursors[run_id] = event.seq

    def at_the_end(self) -> None:
        """Whoever watched to the end has seen everything."""
        for run in self._world.checkers.runs.values():
            seen = self._cursors.get(run.run_id, -1)
            watching = f"{self._world.control_plane.process} {run.run_id}"
            if seen >= 0 and run.final and watching in self._watching and seen != len(run.events):
                self._world.checkers.fail("I14", f"a client saw {seen} of {len(run.events)} events of run {run.run_id}")
