"""What a fault is done to: a control plane, hosts with real Chromium, the link between them, a client and a site.

`Scene.check` is the same for all faults. It asks the site's own log, the database and the process table: no step
happened twice, none without its stored start; every event that a watcher was shown is stored as it was; runs and
sessions ended with the reasons that the fault allows; nothing is left of a browser whose session is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tabkeep import Client, actions
from tabkeep.errors import TabkeepError
from tabkeep.records.run_events import RunEvent
from tabkeep.v1 import runs_pb2

from tests.chaos.control_plane_program import ControlPlaneProgram
from tests.chaos.fault_proxy import FaultProxy
from tests.chaos.host_process import HostProcess
from tests.chaos.site import CountingSite
from tests.waiting import until

PATIENCE = 60.0
"""Seconds that anything may take which must happen: machines are slow, and no fault here asks for speed."""
LEASES = {
    "TABKEEP_HEARTBEAT_INTERVAL_SECONDS": "0.3",
    "TABKEEP_ACTION_LEASE_SECONDS": "10",
    "TABKEEP_HOLDING_LEASE_SECONDS": "30",
}
SHORT_ACTION_LEASE = {"TABKEEP_ACTION_LEASE_SECONDS": "2"}
"""For faults that outlast it."""
FINAL = ("completed", "failed", "terminated", "canceled", "timed_out")


@dataclass
class Work:
    """A run that presses the site's buttons one after another, and what a watcher was shown of it."""

    run_id: str
    key: str
    presses: int
    shown: dict[int, RunEvent] = field(default_factory=dict)
    watching: asyncio.Task[None] | None = None


class Scene:
    """A control plane and its hosts; `a_scene` makes one."""

    def __init__(
        self, folder: Path, rng: random.Random, site: CountingSite, link: FaultProxy, front: FaultProxy
    ) -> None:
        self.folder = folder
        self.rng = rng
        self.site = site
        self.link = link
        """Between hosts and control plane; it leads to the newest one, whose port is another each time."""
        self.front = front
        """The same for the client. Nothing breaks it."""
        self.hosts: list[HostProcess] = []
        self.works: list[Work] = []
        self.control_plane: ControlPlaneProgram
        self.client: Client
        self._variables: dict[str, str] = {}

    async def start_control_plane(self, data_dir: str = "data", **variables: str) -> ControlPlaneProgram:
        """A control plane, which takes the link over. `variables` are for it only; others stay for the next ones."""
        program = ControlPlaneProgram(
            self.folder / data_dir, module="tests.chaos.faulty_control_plane", **{**self._variables, **variables}
        )
        self.control_plane = program
        await program.start()
        self.link.upstream = self.front.upstream = program.address
        return program

    async def restart_control_plane(self, **variables: str) -> None:
        """Another one in the place of one that has ended."""
        await self.control_plane.ended()
        await self.start_control_plane(**variables)

    async def start_host(
        self, host_id: str = "host-a", link: FaultProxy | None = None, **variables: str
    ) -> HostProcess:
        """A host, attached."""
        host = self.a_host(host_id, link, **variables)
        await host.start()
        await self.attached(host)
        return host

    def a_host(
        self, host_id: str = "host-a", link: FaultProxy | None = None, *, data_dir: Path | None = None, **variables: str
    ) -> HostProcess:
        """A host that is not started yet."""
        token_file = self.control_plane.data_dir / "host-token"
        address = (link or self.link).address
        directory = data_dir or self.folder / f"{host_id}-{len(self.hosts)}"
        host = HostProcess(directory, host_id, address, token_file, **variables)
        self.hosts.append(host)
        return host

    async def attached(self, host: HostProcess) -> None:
        """Return when the control plane has taken this life of the host in and holds it ready."""
        await until(
            lambda: host.attached_in_this_life() and self.host_state(host) == "ready",
            f"{host.host_id} ready: {host.last_words}",
            PATIENCE,
        )

    # What the database says.

    def query(self, statement: str, *arguments: object) -> list[Any]:
        """Read the database beside the running process."""
        return self.control_plane.query(statement, *arguments)

    def host_state(self, host: HostProcess) -> str:
        """The host's state; empty when it is unknown."""
        rows = self.query("SELECT state FROM hosts WHERE host_id = ?", host.host_id)
        return str(rows[0][0]) if rows else ""

    def session(self, browser_session_id: str) -> dict[str, Any]:
        """The session's row."""
        names = "state", "close_reason", "close_message", "fence", "host_id"
        columns = ", ".join(names)
        [row] = self.query(f"SELECT {columns} FROM sessions WHERE browser_session_id = ?", browser_session_id)
        return dict(zip(names, row, strict=True))

    def run(self, run_id: str) -> dict[str, Any]:
        """The run's row."""
        names = "status", "failure_reason", "failure_message", "step_count"
        [row] = self.query(f"SELECT {', '.join(names)} FROM runs WHERE run_id = ?", run_id)
        return dict(zip(names, row, strict=True))

    def events(self, run_id: str) -> dict[int, runs_pb2.RunEvent]:
        """The run's events by their seq."""
        rows = self.query("SELECT seq, body FROM run_events WHERE run_id = ? ORDER BY seq", run_id)
        return {seq: runs_pb2.RunEvent.FromString(body) for seq, body in rows}

    # Sessions and work.

    def begun(self, work: Work) -> set[int]:
        """The steps of it whose start is stored."""
        events = self.events(work.run_id).values()
        return {event.step_started.step for event in events if event.HasField("step_started")}

    async def a_session(self, **options: Any) -> str:
        """A session whose browser is up: its id."""
        session = await self.client.create_browser_session(queue_timeout=timedelta(minutes=5), **options)
        await self.until_session(session.browser_session_id, "running")
        return session.browser_session_id

    async def until_session(self, browser_session_id: str, state: str) -> dict[str, Any]:
        """Return the session's row once it has that state."""
        await until(
            lambda: self.session(browser_session_id)["state"] in (state, "closed"),
            f"{browser_session_id} {state}",
            PATIENCE,
        )
        row = self.session(browser_session_id)
        assert row["state"] == state, row
        return row

    def fence(self, browser_session_id: str) -> int:
        """The number of the session's placement."""
        return int(self.session(browser_session_id)["fence"])

    async def work(self, browser_session_id: str, presses: int = 12, *then: actions.Action) -> Work:
        """A run that presses so many buttons, and then does more, watched from its first event on."""
        key = f"k{len(self.works)}{self.rng.getrandbits(32):x}"
        steps = [actions.goto(f"{self.site.url}/press/{key}/{presses}")]
        steps += [actions.click(role="button", name=f"press {n}", exact=True) for n in range(1, presses + 1)]
        run = await self.client.run_task(actions=[*steps, *then], browser_session_id=browser_session_id)
        work = Work(run.run_id, key, presses)
        work.watching = asyncio.create_task(self._watch(work))
        self.works.append(work)
        return work

    async def under_way(self, work: Work, at_least: int = 1) -> None:
        """Return at a random moment while the work is under way, after some presses."""
        await self.site.until_pressed(work.key, self.rng.randint(at_least, max(at_least, work.presses // 2)), PATIENCE)
        await asyncio.sleep(self.rng.uniform(0.0, 0.15))

    async def _watch(self, work: Work) -> None:
        """Keep every event that is shown, through the deaths of the control plane."""
        while True:
            try:
                async for update in self.client.watch_run(work.run_id, after_seq=max(work.shown, default=0)):
                    if isinstance(update, RunEvent):
                        work.shown[update.seq] = update
                return
            except TabkeepError:
                await asyncio.sleep(0.1)

    async def final(self, work: Work) -> dict[str, Any]:
        """The run's row once it has ended."""
        await until(lambda: self.run(work.run_id)["status"] in FINAL, f"the end of {work.run_id}", PATIENCE)
        return self.run(work.run_id)

    async def completed(self, work: Work) -> None:
        """The run completes, and each of its buttons was pressed once."""
        row = await self.final(work)
        assert row["status"] == "completed", row
        assert self.site.pressed(work.key) == work.presses

    async def over(self, work: Work) -> str:
        """The run completes, or one step ran into the end of the lease or its own: how it ended, in words."""
        row = await self.final(work)
        if row["status"] == "completed":
            await self.completed(work)
            return "completed"
        await self.failed(work, "step_timeout", "navigation")
        return f"failed in words ({row['failure_reason']})"

    async def failed(self, work: Work, *reasons: str) -> dict[str, Any]:
        """The run ends without success, for one of these reasons, and says in words what happened."""
        row = await self.final(work)
        assert row["status"] != "completed", row
        assert row["failure_reason"] in reasons, row
        assert row["failure_message"], row
        return row

    async def closed(self, browser_session_id: str, *reasons: str) -> dict[str, Any]:
        """The session is closed for one of these reasons, in words too, and its browser counts as gone."""
        row = await self.until_session(browser_session_id, "closed")
        assert row["close_reason"] in reasons, row
        assert row["close_message"], row
        await until(lambda: not self._places(browser_session_id), f"the place of {browser_session_id} free", PATIENCE)
        return row

    def _places(self, browser_session_id: str) -> list[Any]:
        """What hosts still owe of the session."""
        taken = "SELECT fence FROM placements WHERE browser_session_id = ? AND release_time IS NULL"
        return self.query(taken, browser_session_id)

    async def close(self, browser_session_id: str) -> None:
        """Close the session; its browser is gone when this returns, whatever the host says."""
        row = self.session(browser_session_id)
        await self.client.close_browser_session(browser_session_id)
        await self.closed(browser_session_id, "requested")
        for host in self.hosts:
            if host.host_id == row["host_id"]:
                assert not host.browsers(row["fence"])

    async def serves(self) -> None:
        """A new session gets a browser, does its work, and closes: the fault is over."""
        browser_session_id = await self.a_session()
        await self.completed(await self.work(browser_session_id, 2))
        await self.close(browser_session_id)

    # Its end.

    async def check(self) -> None:
        """Raise if a step happened twice or unrecorded, or anything shown is not stored."""
        twice = {effect: count for effect, count in self.site.effects.items() if count > 1}
        assert not twice, f"pressed more than once: {twice}"
        for work in self.works:
            await self._check_work(work)
        assert self.query("PRAGMA integrity_check") == [("ok",)]
        open_places = self.query(
            "SELECT p.fence FROM placements p JOIN sessions s USING (browser_session_id) "
            "WHERE p.release_time IS NULL AND s.state = 'closed'"
        )
        assert not open_places, f"places of closed sessions that were not given back: {open_places}"

    async def _check_work(self, work: Work) -> None:
        await self.final(work)
        assert work.watching is not None
        await asyncio.wait_for(work.watching, PATIENCE)
        stored = self.events(work.run_id)
        assert list(stored) == list(range(1, len(stored) + 1)), f"gaps: {list(stored)}"
        assert set(work.shown) == set(stored), f"shown {sorted(work.shown)}, stored {sorted(stored)}"
        for seq, event in work.shown.items():
            assert event.kind == stored[seq].WhichOneof("kind"), (seq, event.kind)
        pressed = {number for key, number in self.site.effects if key == work.key}
        # Step 1 opens the page, step n + 1 presses button n.
        began = {step - 1 for step in self.begun(work)}
        done = {
            event.step_finished.step - 1
            for event in stored.values()
            if event.HasField("step_finished") and event.step_finished.outcome == runs_pb2.STEP_OUTCOME_DONE
        } & set(range(1, work.presses + 1))
        assert pressed <= began, f"pressed without a stored start: {pressed - began}"
        assert done <= pressed, f"said to be done, and not pressed: {done - pressed}"
        row = self.run(work.run_id)
        assert row["step_count"] == len(began), (row, began)
        if row["status"] == "completed":
            assert pressed == set(range(1, work.presses + 1)), pressed
        shown = await self.client.get_run(work.run_id)
        assert shown.safe_to_retry == (not began)

    async def finish(self) -> None:
        """End both programs in order; nothing of the hosts may be left."""
        for host in self.hosts:
            status = await host.stop()
            assert status == 0, f"{host.host_id} ended with {status}: {host.last_words}"
            await host.nothing_left()
            assert not list(host.temporary.iterdir()), f"{host.host_id} left temporary files"
            broken = [line for line in host.log if "exception" in line or line["message"] == "stream broke"]
            assert not broken, f"{host.host_id} logged a fault of its own: {broken[0]}"
        self.control_plane.signal(15)
        assert await self.control_plane.ended() == 0, self.control_plane.last_words()

    def set_variables(self, variables: dict[str, str]) -> None:
        """For control planes to come."""
        self._variables = variables


@contextlib.asynccontextmanager
async def a_scene(folder: Path, rng: random.Random, **variables: str) -> AsyncIterator[Scene]:
    """A control plane, one link to it and a site, no host yet. What is left at the end is ended."""
    async with CountingSite() as site, FaultProxy() as link, FaultProxy() as front:
        scene = Scene(folder, rng, site, link, front)
        scene.set_variables({**LEASES, **variables})
        try:
            program = await scene.start_control_plane()
            key = (program.data_dir / "api-key").read_text().strip()
            async with Client(api_key=key, address=front.address) as scene.client:
                yield scene
        finally:
            for work in scene.works:
                if work.watching is not None:
                    work.watching.cancel()
                    await asyncio.gather(work.watching, return_exceptions=True)
            for host in scene.hosts:
                await host.clear()
            await scene.control_plane.kill()
