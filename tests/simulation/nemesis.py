"""What goes wrong, when, and for how long. Each world gets a random few kinds of faults and its own rate.

Every fault draws from a generator of its own, so that one can be left out and the others stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from browser_host.host import Host
from tests.simulation.network import USUAL_LATENCY

if TYPE_CHECKING:
    from tests.simulation.programs import HostProgram
    from tests.simulation.virtual_loop import Process
    from tests.simulation.world import World

REPLACED_AFTER = 25.0
"""How long a control plane must have been stopped before another one takes its place: the hosts have given up its
streams by then. To start one beside a control plane that still speaks to its hosts is not safe, and not promised."""


class Nemesis:
    """Plans the faults of one world, and heals them all."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.random("nemesis")
        self.counts: dict[str, int] = {}
        self._healed = False
        self.struck: list[int] = []
        """The numbers of the faults that came."""
        self._kinds: dict[str, Callable[[], None]] = {
            "cut one way": lambda: self._cut([self._rng.choice(["host", "control plane"])]),
            "cut both ways": lambda: self._cut(["host", "control plane"]),
            "cut all": self._cut_all,
            "reset": self._reset,
            "reset storm": self._reset_storm,
            "stall": self._stall,
            "late, then cut": self._late_then_cut,
            "forget": self._forget,
            "refuse": self._refuse,
            "slow network": self._slow_network,
            "host crash": self._host_crash,
            "host stop": self._host_stop,
            "host drain": self._host_drain,
            "host suspend": self._host_suspend,
            "host double": self._host_double,
            "guardian crash": self._guardian_crash,
            "guardian stop": self._guardian_stop,
            "rolling restart": self._rolling_restart,
            "control plane crash": self._control_plane_crash,
            "control plane stop": self._control_plane_stop,
            "control plane replaced": self._control_plane_replaced,
            "control plane restart": self._control_plane_restart,
            "second control plane": self._second_control_plane,
            "slow disk": self._slow_disk,
            "full disk": self._full_disk,
            "nearly full disk": self._nearly_full_disk,
            "failed fsync": self._failed_fsync,
            "wall clock": self._wall_clock,
            "browser crash": self._browser_crash,
        }

    def plan(self, seconds: float) -> None:
        """Choose the kinds and the moments."""
        names = list(self._kinds)
        chosen = sorted(self._rng.sample(names, self._rng.randint(2, len(names))), key=names.index)
        mean = self._rng.uniform(6.0, 20.0)
        if self._world.kinds:
            chosen = list(self._world.kinds)
        self._world.trace(f"faults every {mean:.1f} s: {', '.join(chosen)}")
        time, number = 3.0, 0
        while (time := time + self._rng.expovariate(1 / mean)) < seconds:
            name = self._rng.choice(chosen)
            number += 1
            if self._world.only is None or number in self._world.only:
                self._world.at(time, partial(self._strike, number, name))

    def _strike(self, number: int, name: str) -> None:
        self._rng = self._world.random(f"fault {number}")
        self.struck.append(number)
        self.counts[name] = self.counts.get(name, 0) + 1
        self._world.trace(f"fault {number}: {name}")
        self._kinds[name]()

    def heal(self) -> None:
        """Undo everything."""
        self._healed = True
        self._rng = self._world.random("heal")
        world = self._world
        world.trace("heal")
        world.network.heal()
        world.network.mean_latency = USUAL_LATENCY
        control_plane = world.control_plane
        control_plane.disk.heal()
        control_plane.start_again()
        control_plane.resume()
        if self._rng.random() < 0.15:
            # The one fault that nothing heals: a machine that never comes back.
            host = self._host()
            world.trace(f"{host.host_id} is lost for good")
            host.awake()
            if host.up:
                host.lose_machine()
            host.lost_for_good = True
        for host in world.hosts:
            host.awake()
            host.start_again()
            host.resume()
            if host.guard is not None and host.guard.guardian is not None:
                world.loop.resume(host.guard.guardian.process)

    def _harm(self, seconds: float, callback: Callable[[], None]) -> None:
        """Do harm later, unless everything is healed by then."""
        self._world.at(seconds, lambda: None if self._healed else callback())

    def _seconds(self) -> float:
        return self._rng.choice([self._rng.uniform(0.5, 8.0), self._rng.uniform(5.0, 40.0), self._rng.uniform(40, 120)])

    def _host(self) -> HostProgram:
        return self._rng.choice(self._world.hosts)

    # The network.

    def _cut(self, directions: list[str]) -> None:
        host, seconds = self._host(), self._seconds()
        for to in directions:
            self._world.network.cut(host.machine.name, to, seconds)

    def _cut_all(self) -> None:
        seconds = self._seconds()
        for host in self._world.hosts:
            for to in ("host", "control plane"):
                self._world.network.cut(host.machine.name, to, seconds)

    def _reset(self) -> None:
        streams = [stream for stream in self._world.network.streams if stream.open]
        if streams:
            self._world.network.reset(self._rng.choice(streams))

    def _reset_storm(self) -> None:
        """All streams are reset, again and again."""
        world, time = self._world, 0.0
        for _ in range(self._rng.randint(5, 20)):
            time += self._rng.uniform(0.1, 2.0)
            self._harm(time, world.network.reset_all)

    def _stall(self) -> None:
        streams = [stream for stream in self._world.network.streams if stream.open]
        if streams:
            to = self._rng.choice(["host", "control plane"])
            self._world.network.stall(self._rng.choice(streams), to, self._seconds())

    def _late_then_cut(self) -> None:
        """What a host hears last comes late: acknowledgements above all; then it hears nothing for long."""
        host, late = self._host(), self._rng.uniform(4.0, 9.5)
        streams = [stream for stream in self._world.network.streams if stream.open and stream.host is host.process]
        for stream in streams:
            self._world.network.stall(stream, "host", late)
        for to in ("host", "control plane"):
            seconds = self._rng.uniform(60.0, 120.0)
            self._harm(late + 0.1, partial(self._world.network.cut, host.machine.name, to, seconds))

    def _forget(self) -> None:
        """The control plane does not know a stream any more that lives on."""
        control_plane = self._world.control_plane
        coordinator, process = control_plane.coordinator, control_plane.process
        if coordinator is None or process is None or process.dead:
            return
        link = coordinator.links.get(self._host().host_id)
        if link is not None:
            self._world.loop.post(process, coordinator.links.remove, link)

    def _refuse(self) -> None:
        self._world.network.refused_until = self._world.loop.true_time + self._rng.uniform(0.5, 20.0)

    def _slow_network(self) -> None:
        network = self._world.network
        network.mean_latency = self._rng.uniform(0.1, 1.0)
        self._world.at(self._rng.uniform(5.0, 40.0), lambda: setattr(network, "mean_latency", USUAL_LATENCY))

    # Hosts.

    def _host_crash(self) -> None:
        host = self._host()
        if host.up and not host.machine.suspended:
            host.crash(half_open=self._rng.random() < 0.2)
            self._world.at(self._rng.uniform(0.5, 20.0), host.start_again)

    def _host_stop(self) -> None:
        host = self._host()
        if host.up and not host.machine.suspended:
            process = host.process
            host.stop()
            self._world.at(self._seconds(), lambda: host.resume() if host.process is process else None)

    def _host_suspend(self) -> None:
        """The machine sleeps, browsers and all, and finds a later time on its clock."""
        host = self._host()
        if host.up and not host.machine.suspended:
            host.suspend()
            self._world.at(self._seconds(), host.awake)

    def _host_double(self) -> None:
        """Another process with the id of one that is in touch."""
        host = self._host()
        if self._world.checkers.in_touch(host):
            host.start_double()

    def _host_drain(self) -> None:
        """SIGTERM: it drains, ends, and is started again."""
        self._drain(self._host(), self._rng.uniform(0.0, 30.0))

    def _drain(self, host: HostProgram, timeout: float) -> None:
        if host.up and host.host is not None and host.process is not None:
            self._world.loop.post(host.process, _drain, host.host, timeout)

    def _guardian_crash(self) -> None:
        guard = self._host().guard
        if guard is not None and guard.guardian is not None and not guard.guardian.process.dead:
            guard.kill()

    def _guardian_stop(self) -> None:
        """It is stuck: after three seconds without an answer its host replaces it."""
        host = self._host()
        guard = host.guard
        if host.process is not None and host.process.runs and guard is not None and guard.guardian is not None:
            guardian = guard.guardian
            self._world.loop.freeze(guardian.process)
            self._world.at(3.0, lambda: guard.kill() if guard.guardian is guardian else None)

    def _browser_crash(self) -> None:
        alive = [browser for browser in self._world.site.alive() if not browser.host.machine.suspended]
        if alive:
            self._world.site.kill(self._rng.choice(alive), "crashed")

    # The control plane.

    def _control_plane_crash(self) -> None:
        control_plane = self._world.control_plane
        if control_plane.up:
            # At any moment, also between a commit and its effects: the disk takes a moment before and after each.
            control_plane.crash(half_open=self._rng.random() < 0.2)
            self._world.at(self._rng.uniform(0.5, 25.0), control_plane.start_again)

    def _control_plane_stop(self) -> None:
        control_plane = self._world.control_plane
        process = control_plane.process
        if process is not None and process.runs:
            control_plane.stop()
            self._world.at(
                self._seconds(), lambda: control_plane.resume() if control_plane.process is process else None
            )

    def _control_plane_replaced(self) -> None:
        """It is stopped, another one begins with a copy of its database, and then the old one comes back."""
        control_plane = self._world.control_plane
        process = control_plane.process
        if process is None or not process.runs or not control_plane.serving:
            return
        control_plane.stop()
        comes_back_after, lives = self._rng.uniform(0.0, 40.0), self._rng.uniform(1.0, 30.0)

        def replaced() -> None:
            if control_plane.process is process and not process.dead and process.stopped:
                control_plane.replace()
                self._world.at(comes_back_after, partial(self._old_one_back, process, lives))

        self._harm(REPLACED_AFTER, replaced)

    def _old_one_back(self, old: Process, seconds: float) -> None:
        """It is stopped for good only once the hosts have met its successor: before, they cannot know better."""
        world = self._world
        if self._healed:
            if not old.dead:
                world.control_plane.end(old)
            return
        met = [host.process for host in world.hosts if host.process is not None and host.has_met(world.control_plane)]
        if len(met) < len(world.hosts):
            world.at(5.0, partial(self._old_one_back, old, seconds))
            return
        world.trace(f"{old} comes back")
        world.network.lead_astray(met, seconds)
        world.loop.resume(old)
        world.at(seconds, lambda: world.control_plane.end(old) if not old.dead else None)

    def _control_plane_restart(self) -> None:
        """SIGTERM, and a new one at once."""
        self._world.control_plane.leave()

    def _rolling_restart(self) -> None:
        """The control plane first, then one host after the other."""
        self._world.control_plane.leave()
        timeout = self._rng.uniform(0.0, 15.0)
        for number, host in enumerate(self._world.hosts):
            self._harm(5.0 + number * (timeout + 10.0), partial(self._drain, host, timeout))

    def _second_control_plane(self) -> None:
        world = self._world
        if world.control_plane.serving:
            second = world.process("second control plane", world.control_plane.machine)
            world.loop.spawn(second, world.control_plane.second())

    def _slow_disk(self) -> None:
        disk = self._world.control_plane.disk
        disk.slow = self._rng.uniform(0.05, 2.0)
        self._world.at(self._rng.uniform(2.0, 20.0), lambda: setattr(disk, "slow", 0.0))

    def _full_disk(self) -> None:
        disk = self._world.control_plane.disk
        disk.full = True
        self._world.at(self._seconds(), lambda: setattr(disk, "full", False))

    def _nearly_full_disk(self) -> None:
        disk = self._world.control_plane.disk
        disk.nearly_full = True
        self._world.at(self._seconds(), lambda: setattr(disk, "nearly_full", False))

    def _failed_fsync(self) -> None:
        self._world.control_plane.disk.fsync_fails = True

    def _wall_clock(self) -> None:
        machine = self._rng.choice([self._world.control_plane.machine, *(host.machine for host in self._world.hosts)])
        machine.wall_step += self._rng.choice([-86400.0, -3600.0, -1.0, 1.0, 3600.0, 86400.0])


def _drain(host: Host, timeout: float) -> None:
    host.drain(timedelta(seconds=timeout))
