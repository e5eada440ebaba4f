"""The two programs under test, each started on a simulated machine from its real parts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.attachment import Attachment, AttachRefused
from browser_host.host import Host, Means
from browser_host.leases import Leases
from browser_host.messages import BrowserType, Identity, Picture, Placement
from browser_host.outbox import Outbox
from browser_host.run_journal import RunJournal
from browser_host.uploads import UploadFailed, Uploads
from control_plane.clock import Clock as ControlPlaneClock
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from control_plane.host_control_service import HostControlService
from control_plane.ids import Ids
from control_plane.keys import KeyBook
from control_plane.store import Database
from tests.simulation.browsers import SimulatedLauncher
from tests.simulation.engine import SimulatedEngine
from tests.simulation.inline_database import Disk, Locks
from tests.simulation.network import Stream
from tests.simulation.virtual_loop import Machine, Process

if TYPE_CHECKING:
    from tests.simulation.world import World

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CAPACITY = 3


class MachineClock:
    """A machine's clocks as a host reads them: the wall clock can be set."""

    def __init__(self, world: World, machine: Machine) -> None:
        self._world = world
        self._machine = machine

    def monotonic(self) -> float:
        return self._machine.local(self._world.loop.true_time)

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self._world.loop.true_time + self._machine.wall_step)

    def now(self) -> datetime:
        return self.wall()


class SteadyClock:
    """A machine's clocks as the control plane reads them: the wall clock once, then the other (see `SystemClock`)."""

    origin = "the machine, which is never booted"

    def __init__(self, machine_clock: MachineClock, not_before: datetime | None) -> None:
        self._clock = machine_clock
        wall = machine_clock.wall()
        self._start = max(wall, not_before) if not_before else wall
        self._started_at = machine_clock.monotonic()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic() - self._started_at)


class ControlPlane:
    """The control plane's program: one process at a time, one database for all of them."""

    def __init__(self, world: World, data_dir: Path) -> None:
        self.world = world
        self.machine = Machine("control plane", world.clock_rate(), world.rng.uniform(0.0, 1e4))
        self.config = replace(
            Config(data_dir),
            holding_lease=timedelta(seconds=60),
            minimum_free_bytes=0,
        )
        self.disk = Disk(world.random("disk"))
        self.locks = Locks()
        self.process: Process | None = None
        self.coordinator: Coordinator | None = None
        self.clock: ControlPlaneClock | None = None
        self.ready_since: float | None = None
        """True time since which it has served without a break; None while it does not."""
        self._lives = 0

    @property
    def serving(self) -> bool:
        return self.ready_since is not None and self.process is not None and self.process.runs

    def start(self) -> None:
        self._lives += 1
        self.process = self.world.process(f"cp#{self._lives}", self.machine)
        self.world.trace(f"{self.process} starts")
        self.world.loop.spawn(self.process, self._run(self.process))

    async def _run(self, process: Process) -> None:
        rng = self.world.random(f"ids {self._lives}")
        machine_clock = MachineClock(self.world, self.machine)
        database = await Database.open(
            self.config,
            lambda last: SteadyClock(machine_clock, last),
            connect=self.disk.connect,
            ids_from=lambda clock: Ids(clock, rng.getrandbits),
        )
        self.world.checkers.watch(database._writer._conn)
        writer = asyncio.create_task(database.serve())
        coordinator = Coordinator(database, KeyBook(b"pepper"), self.config)
        await coordinator.start()
        self.coordinator, self.clock = coordinator, coordinator.clock
        service = HostControlService(coordinator)

        async def serve(stream: Stream) -> None:
            context: Any = None  # Attach does not look at it
            await stream.serve(service.Attach(stream.requests(), context))

        self.world.network.control_plane, self.world.network.serve = process, serve
        self.ready_since = self.world.loop.true_time
        self.world.trace(f"{process} serves epoch {coordinator.control_epoch}")
        await asyncio.gather(writer, coordinator.serve_deadlines(), database.failed)

    def crash(self, *, half_open: bool = False) -> None:
        """SIGKILL."""
        process = self.process
        assert process is not None
        self.world.loop.kill(process)
        self.ready_since = None
        self.disk.crash()
        self.locks.release()
        self.world.network.control_plane = None
        self.world.network.lose_streams_of(process, half_open=half_open)

    def stop(self) -> None:
        """SIGSTOP."""
        assert self.process is not None
        self.world.loop.freeze(self.process)
        self.ready_since = None
        self.world.network.stopped(self.process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        if self.process.stopped and not self.process.dead:
            self.ready_since = self.world.loop.true_time
            self.world.loop.resume(self.process)


class WatchedOutbox(Outbox):
    """The real outbox; tells the checkers what a run has emitted, and under which life of the host."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__()
        self._world = world
        self._process = process

    def add(self, placement: Placement, event: RunEvent) -> None:
        super().add(placement, event)
        self._world.checkers.emitted(self._process, placement, event)


class HostProgram:
    """The browser host's program on one machine: one process at a time."""

    def __init__(self, world: World, number: int) -> None:
        self.world = world
        self.host_id = f"host-{number}"
        self.machine = Machine(self.host_id, world.clock_rate(), world.rng.uniform(0.0, 1e4))
        self.clock = MachineClock(world, self.machine)
        self.process: Process | None = None
        self.host: Host | None = None
        self.attachment: Attachment | None = None
        self.lost_for_good = False
        """Its machine is gone and does not come back."""
        self._lives = 0

    @property
    def up(self) -> bool:
        return self.process is not None and not self.process.dead

    def start(self) -> None:
        self._lives += 1
        self.process = self.world.process(f"{self.host_id}#{self._lives}", self.machine)
        self.world.trace(f"{self.process} starts")
        self.world.loop.spawn(self.process, self._run(self.process))

    async def _run(self, process: Process) -> None:
        world, rng = self.world, self.world.random(f"{self.host_id} {self._lives}")
        for browser in world.site.alive():
            if browser.host.machine is self.machine:
                # A new process ends what an earlier one left, before its first Hello.
                world.site.end(browser, "left over")
        leases, outbox = Leases(self.clock), WatchedOutbox(world, process)
        uploads = Uploads(self._put, self.clock, rng)

        def new_journal(placement: Placement, run_id: str) -> RunJournal:
            return RunJournal(
                placement,
                run_id,
                outbox=outbox,
                leases=leases,
                uploads=uploads,
                clock=self.clock,
                new_artifact_id=lambda: f"art_{rng.getrandbits(104):026x}",
            )

        identity = Identity(
            host_id=self.host_id,
            incarnation=f"{rng.getrandbits(128):032x}",
            boot_id="boot",
            build="simulated",
            capacity=CAPACITY,
            browsers=((BrowserType.CHROME, "Simulated 1.0"),),
            sandboxed=True,
        )
        launcher = SimulatedLauncher(world.site, process, self.clock, rng)
        engine = SimulatedEngine(rng)
        self.host = Host(identity, Means(launcher, engine.carry_out, new_journal, self.clock), leases, outbox)
        self.attachment = Attachment(self.host, lambda: world.network.dial(process), lambda: (0.5, 2**30), rng)
        own = [asyncio.create_task(self.host.run()), asyncio.create_task(uploads.run())]
        attached = asyncio.create_task(self.attachment.run())
        try:
            await asyncio.wait([attached, *own], return_when=asyncio.FIRST_COMPLETED)
            for task in own:
                if task.done():
                    task.result()
            attached.result()
            world.trace(f"{process} ends in order")
        except AttachRefused as refused:
            world.trace(f"{process} is refused: {refused.reason}")
        finally:
            for task in (attached, *own):
                task.cancel()
            await asyncio.gather(attached, *own, return_exceptions=True)
        if not process.dead:
            self.crash()
            world.at(5.0, self.start_again)

    async def _put(self, picture: Picture) -> None:
        await asyncio.sleep(self.world.network.latency())
        if not self.world.control_plane.serving:
            raise UploadFailed("UNAVAILABLE")

    def start_again(self) -> None:
        """What the machine's supervisor does."""
        if not self.up and not self.lost_for_good:
            self.start()

    def crash(self, *, half_open: bool = False) -> None:
        """SIGKILL: its browsers die with it, within moments."""
        process = self.process
        assert process is not None
        self.world.loop.kill(process)
        self.world.network.lose_streams_of(process, half_open=half_open)
        for browser in self.world.site.alive():
            if browser.host is process:
                seconds = self.world.rng.uniform(0.0, 2.5)
                self.world.at(seconds, partial(self.world.site.end, browser, "its host died"))

    def stop(self) -> None:
        """SIGSTOP; its browsers go on."""
        assert self.process is not None
        self.world.loop.freeze(self.process)
        self.world.network.stopped(self.process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        if self.process.stopped and not self.process.dead:
            self.world.loop.resume(self.process)

    def guard(self) -> None:
        """The guardian, simulated: while the host is stopped, browsers end at their deadline or the lease's end.

        The real one is a process of its own; here it looks at the stopped host's own numbers. It does nothing while
        the host runs, so that the host's own fencing and deadlines are what is tested.
        """
        process, host = self.process, self.host
        if process is None or host is None or process.dead or not process.stopped:
            return
        fenced = host.leases.remaining_holding() <= 0
        for browser in self.world.site.alive():
            if browser.host is not process:
                continue
            session = host._sessions.get(browser.placement.browser_session_id)
            timeout = session._timeout.total_seconds() if session is not None else 0.0
            if fenced or self.clock.monotonic() >= browser.started_at_local + timeout:
                self.world.site.kill(browser, "guardian")
