"""One seed, one world: the programs, the network, the clients and the nemesis; first it hurts, then it heals."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from tests.simulation.browsers import Site
from tests.simulation.checkers import Checkers, Violation
from tests.simulation.clients import Clients
from tests.simulation.nemesis import Nemesis
from tests.simulation.network import Network
from tests.simulation.programs import CAPACITY, ControlPlane, HostProgram
from tests.simulation.virtual_loop import Machine, Process, SimulatedLoop

SAFETY_SECONDS = 240.0
QUIET_SECONDS = 200.0
REST_SECONDS = 10.0
"""When nothing is left for so long that could be stuck or left over, the quiet time is over sooner."""
TICK_SECONDS = 0.5
CLOCK_ERROR = 0.004
"""How much faster or slower than true time a machine's clock may run; two of them are then within 1 %."""


@dataclass(frozen=True)
class Outcome:
    """What became of a seed."""

    seed: int
    violation: Violation | None
    trace_hash: str
    faults: dict[str, int]
    struck: tuple[int, ...]
    """The numbers of the faults that came."""
    sessions: int
    effects: int
    events: int
    trace: list[str] = field(default_factory=list)


class World:
    """Made and run once."""

    capacity = CAPACITY
    healed_at = 0.0

    def __init__(
        self,
        seed: int,
        data_dir: Path,
        *,
        keep_trace: bool = False,
        only: frozenset[int] | None = None,
        kinds: tuple[str, ...] = (),
    ) -> None:
        """`only`: the numbers of the faults that are to come; None for all. `kinds`: these, not a random few."""
        self.seed = seed
        self.kinds = kinds
        self.only = only
        self.rng = self.random("world")
        self.loop = SimulatedLoop()
        self._hash = hashlib.sha256()
        self._trace: list[str] = []
        self._keep_trace = keep_trace
        self.over = False
        self._processes: list[Process] = []
        self.site = Site(self.loop, self.trace)
        self.network = Network(self.loop, self.random("network"), self.trace)
        self.checkers = Checkers(self)
        self.site.on_start, self.site.on_effect = self.checkers.started, self.checkers.acted
        self.control_plane = ControlPlane(self, data_dir)
        self.control_plane.disk.changed = self.checkers.commits
        self.hosts = [HostProgram(self, number) for number in (1, 2)]
        self.clients = Clients(self)
        self.nemesis = Nemesis(self)

    # What the parts need.

    def random(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def clock_rate(self) -> float:
        return 1.0 + self.rng.uniform(-CLOCK_ERROR, CLOCK_ERROR)

    def trace(self, line: str) -> None:
        if self.over:
            return
        line = f"{self.loop.true_time - 1000.0:10.4f} {line}"
        self._hash.update(line.encode() + b"\n")
        if self._keep_trace:
            self._trace.append(line)

    def process(self, name: str, machine: Machine) -> Process:
        process = Process(name, machine)
        self._processes.append(process)
        return process

    def at(self, seconds: float, callback: Callable[[], object]) -> None:
        """Call back after `seconds`, whatever process asked."""
        self.network.at(self.loop.true_time + seconds, callback)

    # Its course.

    def run(self) -> Outcome:
        faults = _Faults(self)
        logger = logging.getLogger()
        level, logging.raiseExceptions = logger.level, True
        logger.setLevel(logging.ERROR)
        logger.addHandler(faults)
        gc.disable()
        try:
            self.loop.run_until_complete(self._course())
            self.over = True
            self.checkers.gone()
        finally:
            logger.removeHandler(faults)
            logger.setLevel(level)
            self.over = True
            self.loop.set_exception_handler(lambda *_: None)
            logging.disable(logging.CRITICAL)
            self.loop.dismantle(self._processes)
            logging.disable(logging.NOTSET)
            self.control_plane.disk.crash(None)
            self.control_plane.locks.release(None)
            gc.enable()
        return Outcome(
            self.seed,
            self.checkers.first,
            self._hash.hexdigest(),
            self.nemesis.counts,
            tuple(self.nemesis.struck),
            len(self.checkers.sessions),
            len(self.site.effects),
            self.checkers.events,
            self._trace,
        )

    async def _course(self) -> None:
        self.control_plane.start()
        for host in self.hosts:
            self.at(self.rng.uniform(0.1, 2.0), host.start_again)
        self.nemesis.plan(SAFETY_SECONDS)
        self.clients.plan(SAFETY_SECONDS)
        if not await self._pass(SAFETY_SECONDS):
            return
        self.healed_at = self.loop.true_time
        self.nemesis.heal()
        if not await self._pass(15.0):
            return
        self.checkers.soon_after_healing()
        if await self._pass(QUIET_SECONDS - 15.0, until_rest=True):
            self.checkers.at_the_end()
            self.clients.at_the_end()

    async def _pass(self, seconds: float, *, until_rest: bool = False) -> bool:
        """Let time pass, all of it or until nothing is left to happen; False as soon as an invariant is broken."""
        end = self.loop.true_time + seconds
        at_rest = 0.0
        while self.loop.true_time < end and at_rest < REST_SECONDS:
            await asyncio.sleep(TICK_SECONDS)
            at_rest = at_rest + TICK_SECONDS if until_rest and self.checkers.at_rest() else 0.0
            self.checkers.tick()
            if self.loop.faults:
                self.checkers.fail("fault", self.loop.faults[0])
            if self.checkers.first is not None:
                return False
        return True


_ALARMS = {"placing stopped"}
"""Errors for an operator that tell of what the nemesis did, not of a fault of the product."""
_OF_A_DISK = {"commit failed", "deadlines failed"}
_OF_AN_OLD_CONTROL_PLANE = {"control plane outlived"}


class _Faults(logging.Handler):
    """An error in the product's log that no simulated fault explains is a violation too."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.ERROR)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        message, control_plane = record.getMessage(), self._world.control_plane
        if (
            message in _ALARMS
            or (message in _OF_A_DISK and control_plane.disk.errors)
            or (message in _OF_AN_OLD_CONTROL_PLANE and control_plane.replaced)
        ):
            return
        if not self._world.over and record.name.startswith(("control_plane", "browser_host", "asyncio")):
            cause = record.exc_info[1] if record.exc_info else None
            self._world.checkers.fail("fault", f"{record.name}: {record.getMessage()}: {cause!r}")


def run_seed(
    seed: int, *, keep_trace: bool = False, only: frozenset[int] | None = None, kinds: tuple[str, ...] = ()
) -> Outcome:
    """Run one world."""
    with tempfile.TemporaryDirectory(prefix="tabkeep-sim-") as directory:
        world = World(seed, Path(directory), keep_trace=keep_trace, only=only, kinds=kinds)
        control_plane = world.control_plane
        with (
            mock.patch("control_plane.store.database.fcntl", control_plane.locks),
            mock.patch("control_plane.coordinator.shutil", SimpleNamespace(disk_usage=control_plane.disk.usage)),
        ):
            return world.run()
