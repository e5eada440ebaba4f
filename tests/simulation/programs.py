"""The two programs under test, each started on a simulated machine from its real parts."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.attachment import Attachment, AttachRefused, StreamLost
from browser_host.epochs import Epochs
from browser_host.host import Host, Means
from browser_host.kernel.isolation import Isolation
from browser_host.leases import Leases
from browser_host.messages import BrowserType, Identity, Placement
from browser_host.open_browser import LaunchFailed, LaunchRequest
from browser_host.outbox import Outbox
from browser_host.run_journal import RunJournal
from browser_host.task.journal import Credential, CredentialMissing
from browser_host.uploads import Upload, UploadFailed, Uploads
from control_plane.clock import Clock as ControlPlaneClock
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from control_plane.entities.ids import Ids
from control_plane.entities.keys import KeyBook
from control_plane.errors import StoreUnusable, TabkeepError, Unavailable
from control_plane.sealing.seals import Seals
from control_plane.services.host_control_service import HostControlService
from control_plane.store import Database
from tests.simulation.browsers import SimulatedBrowser, SimulatedLauncher
from tests.simulation.engine import SimulatedEngine
from tests.simulation.guardians import SimulatedGuard
from tests.simulation.inline_database import Disk, Locks
from tests.simulation.network import Stream
from tests.simulation.virtual_loop import Machine, Process, current_process

if TYPE_CHECKING:
    from tests.simulation.world import World

PLANS = Seals(b"pepper", "plans")
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
    """The control plane's program: one process that counts, and perhaps one of earlier that does not any more."""

    def __init__(self, world: World, data_dir: Path) -> None:
        self.world = world
        self.machine = Machine("control plane", world.clock_rate(), world.rng.uniform(0.0, 1e4))
        self.config = replace(Config(data_dir / "1"), holding_lease=timedelta(seconds=60))
        self.disk = Disk(world.random("disk"))
        self.locks = Locks()
        self.process: Process | None = None
        self.coordinator: Coordinator | None = None
        self.clock: ControlPlaneClock | None = None
        self.ready_since: float | None = None
        """True time since which it has served without a break; None while it does not."""
        self.replaced = 0
        """How often another one took its place, on a copy of the database."""
        self.calls: dict[asyncio.Task[None], None] = {}
        """Of clients, under way."""
        self._served: Process | None = None
        """The last process that has come to serve."""
        self._leave: asyncio.Event | None = None
        self._lives = 0
        self._copies = 1

    @property
    def serving(self) -> bool:
        return self.ready_since is not None and self.process is not None and self.process.runs

    @property
    def up(self) -> bool:
        return self.process is not None and not self.process.dead

    def start(self) -> None:
        self._lives += 1
        self.process = self.world.process(f"cp#{self._lives}", self.machine)
        self.world.trace(f"{self.process} starts")
        self.calls = {}
        self.world.loop.spawn(self.process, self._live(self.process))

    def start_again(self) -> None:
        """What the machine's supervisor does."""
        if not self.up:
            self.start()

    async def _live(self, process: Process) -> None:
        """Run, and end as the program does when its disk fails or it is told to."""
        try:
            await self._run(process)
            self.world.trace(f"{process} ends in order")
        except (StoreUnusable, TabkeepError, sqlite3.Error) as error:
            self.world.trace(f"{process} ends: {getattr(error, 'reason', type(error).__name__)}")
            if not self.disk.errors:
                raise
        self.end(process)
        if process is self.process:
            self.world.at(self.world.rng.uniform(0.5, 3.0), self.start_again)

    async def _run(self, process: Process) -> None:
        rng = self.world.random(f"ids {self._lives}")
        machine_clock = MachineClock(self.world, self.machine)
        try:
            database = await Database.open(
                self.config,
                lambda last: SteadyClock(machine_clock, last),
                connect=self.disk.connect,
                ids_from=lambda clock: Ids(clock, rng.getrandbits),
            )
        except StoreUnusable:
            self.locks.forget(process)
            raise
        self.world.checkers.watch(database._writer._conn)
        writer = asyncio.create_task(database.serve())
        coordinator = Coordinator(database, KeyBook(b"pepper"), self.config)
        await coordinator.start()
        self.coordinator, self.clock = coordinator, coordinator.clock
        service = HostControlService(coordinator, PLANS)

        async def serve(stream: Stream) -> None:
            context: Any = None  # Attach does not look at it
            await stream.serve(service.Attach(stream.requests(), context))

        self.world.network.open_door(process, serve)
        self._served = process
        self.ready_since = self.world.loop.true_time
        self.world.trace(f"{process} serves epoch {coordinator.control_epoch}")
        self._leave = leave = asyncio.Event()
        deadlines, told = asyncio.create_task(coordinator.serve_deadlines()), asyncio.create_task(leave.wait())
        await asyncio.wait([writer, deadlines, database.failed, told], return_when=asyncio.FIRST_COMPLETED)
        for task in (writer, deadlines, database.failed):
            if task.done():
                task.result()
        await self._end_in_order(coordinator, database, deadlines, writer)

    async def _end_in_order(
        self, coordinator: Coordinator, database: Database, deadlines: asyncio.Task[None], writer: asyncio.Task[None]
    ) -> None:
        """What `server.serve` does when it is left."""
        self.ready_since = None
        coordinator.draining = True
        coordinator.feed.close()
        stopping = Unavailable(
            "the control plane is being stopped", reason="DRAINING", retry_after=timedelta(seconds=1)
        )
        coordinator.links.end_all(stopping)
        await asyncio.sleep(self.world.rng.uniform(0.0, 2.0))
        tasks = [*self.calls, *self.world.network.handlers(current_process()), deadlines]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        await database.close()
        self.locks.forget(current_process())

    def leave(self) -> None:
        """SIGTERM."""
        assert self.process is not None
        if self._leave is not None and self.serving:
            self.world.loop.post(self.process, self._leave.set)

    def end(self, process: Process, *, half_open: bool = False) -> None:
        """A process is gone, and all it held."""
        loop = self.world.loop
        loop.kill(process)
        self.disk.crash(process)
        self.locks.release(process)
        self.world.network.close_door(process)
        self.world.network.lose_streams_of(process, half_open=half_open)
        if process is self.process:
            self.ready_since = None
            self.world.checkers.gone()

    def crash(self, *, half_open: bool = False) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.end(self.process, half_open=half_open)

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
            if self._served is self.process:
                self.ready_since = self.world.loop.true_time
            self.world.loop.resume(self.process)

    def copy(self) -> Path:
        """Copy what is committed, as a backup does; returns the copy's directory."""
        self._copies += 1
        directory = self.config.data_dir.with_name(str(self._copies))
        directory.mkdir()
        source, target = (sqlite3.connect(place / "tabkeep.db") for place in (self.config.data_dir, directory))
        source.backup(target)
        source.close()
        target.close()
        return directory

    def replace(self) -> Process:
        """Start another one on a copy of the database, in the place of one that is stopped; returns the old one."""
        old = self.process
        assert old is not None
        self.replaced += 1
        for call in self.calls:
            call.cancel()  # its clients have gone to the new one by the time it comes back
        self.config = replace(self.config, data_dir=self.copy())
        self.world.checkers.gone()
        self.start()
        return old

    async def second(self) -> None:
        """What a second control plane on the same database comes to."""
        try:
            await Database.open(self.config, connect=self.disk.connect)
        except StoreUnusable as refusal:
            self.world.trace(f"second control plane is refused: {type(refusal).__name__}")
        else:
            self.world.checkers.fail("I9", "two control planes have opened one database")


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
        self.epochs = Epochs()
        self.guard: SimulatedGuard | None = None
        self._doubles = 0
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
        self.epochs = Epochs(highest=self.epochs.highest)  # from the machine's disk
        leases, outbox = Leases(self.clock), WatchedOutbox(world, process)
        uploads = Uploads(self._put, self.clock, rng)

        async def no_credential(placement: Placement, run_id: str, origin: str, username: str) -> Credential:
            raise CredentialMissing("simulated runs log in nowhere")

        def new_journal(placement: Placement, run_id: str) -> RunJournal:
            return RunJournal(
                placement,
                run_id,
                outbox=outbox,
                leases=leases,
                uploads=uploads,
                clock=self.clock,
                new_artifact_id=lambda: f"art_{rng.getrandbits(104):026x}",
                credentials=no_credential,
            )

        identity = Identity(
            host_id=self.host_id,
            incarnation=f"{rng.getrandbits(128):032x}",
            boot_id="boot",
            build="simulated",
            capacity=CAPACITY,
            browsers=((BrowserType.CHROME, "Simulated 1.0"),),
            isolation=Isolation(sandboxed=True, user_per_session=False),
        )
        self.guard = SimulatedGuard(self, process)
        launcher = SimulatedLauncher(world.site, process, self.clock, rng, self.guard)
        engine = SimulatedEngine(rng)
        means = Means(launcher, engine.carry_out, new_journal, self.clock, self.guard)
        self.host = Host(identity, means, leases, outbox)
        self.attachment = Attachment(
            self.host, lambda: world.network.dial(process), lambda: (0.5, 2**30), rng, self.epochs
        )
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

    async def _put(self, picture: Upload) -> None:
        await asyncio.sleep(self.world.network.latency())
        if not self.world.control_plane.serving:
            raise UploadFailed("UNAVAILABLE")

    def start_again(self) -> None:
        """What the machine's supervisor does."""
        if not self.up and not self.lost_for_good:
            self.start()

    def crash(self, *, half_open: bool = False) -> None:
        """SIGKILL: its browsers die with it, by the guardian or else by the kernel (PDEATHSIG), within moments."""
        process = self.process
        assert process is not None
        self.world.loop.kill(process)
        self.world.network.lose_streams_of(process, half_open=half_open)
        if self.guard is not None and self.guard.host_died():
            return
        for browser in self.world.site.alive():
            if browser.host is process:
                seconds = self.world.rng.uniform(0.0, 2.5)
                self.world.at(seconds, partial(self.world.site.end, browser, "its host died"))

    def lose_machine(self) -> None:
        """The machine is gone, and all that ran on it."""
        assert self.process is not None
        self.lost_for_good = True
        self.world.loop.kill(self.process)
        self.world.network.lose_streams_of(self.process, half_open=True)
        if self.guard is not None and self.guard.guardian is not None:
            self.world.loop.kill(self.guard.guardian.process)
        for browser in self.world.site.alive():
            if browser.host.machine is self.machine:
                self.world.site.end(browser, "its machine is gone")

    def stop(self) -> None:
        """SIGSTOP; its browsers go on."""
        assert self.process is not None
        self.world.loop.freeze(self.process)
        self.world.network.stopped(self.process)

    def resume(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        if self.process.stopped and not self.process.dead and not self.machine.suspended:
            self.world.loop.resume(self.process)

    def suspend(self) -> None:
        """The whole machine stands still, browsers and all; its clock goes on."""
        self.stop()
        self.machine.suspended = True
        if self.guard is not None and self.guard.guardian is not None:
            self.world.loop.freeze(self.guard.guardian.process)

    def awake(self) -> None:
        """The machine goes on."""
        if self.machine.suspended:
            self.machine.suspended = False
            self.machine.awake_since = self.world.loop.true_time
            if self.guard is not None and self.guard.guardian is not None:
                self.world.loop.resume(self.guard.guardian.process)
            self.resume()

    def has_met(self, control_plane: ControlPlane) -> bool:
        """Whether this process knows the newest control epoch there is."""
        if not self.up or self.attachment is None or not control_plane.serving or control_plane.coordinator is None:
            return False
        return bool(self.epochs.highest >= control_plane.coordinator.control_epoch)

    @property
    def stands_still(self) -> bool:
        """Whether neither the host nor its guardian runs though its machine does: then nobody can end a browser."""
        guardian = self.guard.guardian if self.guard is not None else None
        process = self.process
        return process is not None and process.stopped and (guardian is None or guardian.process.held)

    def start_double(self) -> None:
        """Another machine comes with this one's host_id, as the copy of a machine does; it tries once."""
        self._doubles += 1
        rng = self.world.random(f"{self.host_id} double {self._doubles}")
        machine = Machine(f"{self.host_id} double", self.world.clock_rate(), 0.0)
        process = self.world.process(f"{self.host_id}'{self._doubles}", machine)
        self.world.loop.spawn(process, self._run_double(process, MachineClock(self.world, machine), rng))

        def end() -> None:
            self.world.loop.kill(process)
            self.world.network.lose_streams_of(process, half_open=False)

        self.world.at(2.0, end)

    async def _run_double(self, process: Process, clock: MachineClock, rng: Random) -> None:
        assert self.host is not None
        identity = replace(self.host.identity, incarnation=f"{rng.getrandbits(128):032x}", boot_id="another")

        async def no_launch(request: LaunchRequest) -> SimulatedBrowser:
            raise LaunchFailed("a double")

        means = Means(SimpleNamespace(launch=no_launch), None, None, clock)  # type: ignore[arg-type]
        host = Host(identity, means, Leases(clock), Outbox())
        attachment = Attachment(host, lambda: self.world.network.dial(process), lambda: (0.5, 2**30), rng, Epochs())
        try:
            await attachment._one_stream()
            self.world.checkers.fail("I9", f"a double of {self.host_id} was taken in and let go")
        except AttachRefused as refused:
            self.world.trace(f"{process} is refused: {refused.reason}")
        except StreamLost as lost:
            self.world.trace(f"{process} finds no control plane: {lost}")
