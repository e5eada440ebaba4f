"""What goes wrong, when, and for how long. Each world gets a random few kinds of faults and its own rate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from browser_host.host import Host
from tests.simulation.network import USUAL_LATENCY

if TYPE_CHECKING:
    from tests.simulation.programs import HostProgram
    from tests.simulation.world import World


class Nemesis:
    """Plans the faults of one world, and heals them all."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.random("nemesis")
        self.counts: dict[str, int] = {}
        self._kinds: dict[str, Callable[[], None]] = {
            "cut one way": lambda: self._cut([self._rng.choice(["host", "control plane"])]),
            "cut both ways": lambda: self._cut(["host", "control plane"]),
            "cut all": self._cut_all,
            "reset": self._reset,
            "stall": self._stall,
            "forget": self._forget,
            "refuse": self._refuse,
            "slow network": self._slow_network,
            "host crash": self._host_crash,
            "host stop": self._host_stop,
            "host drain": self._host_drain,
            "control plane crash": self._control_plane_crash,
            "control plane stop": self._control_plane_stop,
            "slow disk": self._slow_disk,
            "wall clock": self._wall_clock,
            "browser crash": self._browser_crash,
        }
        self._healed = False

    def plan(self, seconds: float) -> None:
        """Choose the kinds and the moments."""
        names = list(self._kinds)
        chosen = sorted(self._rng.sample(names, self._rng.randint(2, len(names))), key=names.index)
        mean = self._rng.uniform(6.0, 20.0)
        self._world.trace(f"faults every {mean:.1f} s: {', '.join(chosen)}")
        time = 3.0
        while (time := time + self._rng.expovariate(1 / mean)) < seconds:
            name = self._rng.choice(chosen)
            self._world.at(time, partial(self._strike, name))

    def _strike(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        self._world.trace(f"fault: {name}")
        self._kinds[name]()

    def heal(self) -> None:
        """Undo everything."""
        self._healed = True
        world = self._world
        world.trace("heal")
        world.network.heal()
        world.network.mean_latency = USUAL_LATENCY
        control_plane = world.control_plane
        control_plane.disk.slow = 0.0
        self._start_control_plane()
        control_plane.resume()
        if self._rng.random() < 0.15:
            # The one fault that nothing heals: a machine that never comes back.
            host = self._host()
            world.trace(f"{host.host_id} is lost for good")
            host.lost_for_good = True
            if host.up:
                host.crash(half_open=True)
        for host in world.hosts:
            host.start_again()
            host.resume()

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

    def _stall(self) -> None:
        streams = [stream for stream in self._world.network.streams if stream.open]
        if streams:
            to = self._rng.choice(["host", "control plane"])
            self._world.network.stall(self._rng.choice(streams), to, self._seconds())

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
        if host.up:
            host.crash(half_open=self._rng.random() < 0.2)
            self._world.at(self._rng.uniform(0.5, 20.0), host.start_again)

    def _host_stop(self) -> None:
        host = self._host()
        if host.up:
            process = host.process
            host.stop()
            self._world.at(self._seconds(), lambda: host.resume() if host.process is process else None)

    def _host_drain(self) -> None:
        """SIGTERM: it drains, ends, and is started again."""
        host = self._host()
        if host.up and host.host is not None and host.process is not None and self._rng.random() < 0.3:
            timeout = self._rng.uniform(0.0, 30.0)
            self._world.loop.post(host.process, _drain, host.host, timeout)

    def _browser_crash(self) -> None:
        alive = self._world.site.alive()
        if alive:
            self._world.site.kill(self._rng.choice(alive), "crashed")

    # The control plane.

    def _control_plane_crash(self) -> None:
        control_plane = self._world.control_plane
        if control_plane.process is not None and not control_plane.process.dead:
            # At any moment, also between a commit and its effects: the disk takes a moment before and after each.
            control_plane.crash(half_open=self._rng.random() < 0.2)
            self._world.checkers.gone()
            self._world.at(self._rng.uniform(0.5, 25.0), self._start_control_plane)

    def _start_control_plane(self) -> None:
        process = self._world.control_plane.process
        if process is None or process.dead:
            self._world.control_plane.start()

    def _control_plane_stop(self) -> None:
        control_plane = self._world.control_plane
        process = control_plane.process
        if process is not None and process.runs:
            control_plane.stop()
            self._world.at(
                self._seconds(), lambda: control_plane.resume() if control_plane.process is process else None
            )

    def _slow_disk(self) -> None:
        disk = self._world.control_plane.disk
        disk.slow = self._rng.uniform(0.05, 2.0)
        self._world.at(self._rng.uniform(2.0, 20.0), lambda: setattr(disk, "slow", 0.0))

    def _wall_clock(self) -> None:
        machine = self._rng.choice([self._world.control_plane.machine, *(host.machine for host in self._world.hosts)])
        machine.wall_step += self._rng.choice([-86400.0, -3600.0, -1.0, 1.0, 3600.0, 86400.0])


def _drain(host: Host, timeout: float) -> None:
    host.drain(timedelta(seconds=timeout))
