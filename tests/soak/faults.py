"""What is done to the programs during the soak, one at a time; each leaves everything running again."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil

from tests.soak.programs import ControlPlanes, RealHost
from tests.soak.simulated import SimulatedHost
from tests.waiting import until


@dataclass
class World:
    """All that may be hurt."""

    control_planes: ControlPlanes
    real: list[RealHost]
    simulated: list[SimulatedHost]
    rng: random.Random


Fault = Callable[[World], Awaitable[None]]


async def kill_control_plane(world: World) -> None:
    await world.control_planes.program.kill()
    await asyncio.sleep(world.rng.uniform(0, 2))
    await world.control_planes.start()


async def restart_control_plane(world: World) -> None:
    world.control_planes.program.signal(signal.SIGTERM)
    status = await world.control_planes.program.ended()
    await world.control_planes.start()
    assert status == 0, f"the control plane ended with {status}"


async def stop_control_plane(world: World) -> None:
    program = world.control_planes.program
    program.signal(signal.SIGSTOP)
    await asyncio.sleep(world.rng.uniform(0.5, 6))
    program.signal(signal.SIGCONT)


async def kill_host(world: World) -> None:
    host = world.rng.choice(world.real)
    host.signal(signal.SIGKILL)
    await host.ended()
    await host.start()


async def drain_host(world: World) -> None:
    host = world.rng.choice(world.real)
    # One that is just being started ends as any program does; one that has ended by itself is told of by who hurts.
    await until(lambda: not host.running or host.minds(signal.SIGTERM), f"{host.name} minds signals", 60)
    if not host.running:
        return
    host.signal(signal.SIGTERM)
    status = await host.ended()
    await host.start()
    assert status == 0, f"{host.name} ended with {status}"


async def stop_host(world: World) -> None:
    """Sometimes for longer than its holding lease."""
    host = world.rng.choice(world.real)
    host.signal(signal.SIGSTOP)
    await asyncio.sleep(world.rng.choice([1.0, 4.0, 8.0, 25.0]))
    host.signal(signal.SIGCONT)


async def kill_guardian(world: World) -> None:
    _kill_one(world.rng, world.rng.choice(world.real).children("guardian.py"))


async def kill_browser(world: World) -> None:
    host = world.rng.choice(world.real)
    _kill_one(world.rng, [one for one in host.browsers() if "--type=" not in " ".join(_line(one))])


async def kill_renderer(world: World) -> None:
    _kill_one(world.rng, world.rng.choice(world.real).children("--type=renderer"))


async def kill_driver(world: World) -> None:
    _kill_one(world.rng, world.rng.choice(world.real).children("run-driver"))


async def cut_one_simulated_host(world: World) -> None:
    world.rng.choice(world.simulated).cut()


async def cut_all_simulated_hosts(world: World) -> None:
    for host in world.simulated:
        host.cut()


def _kill_one(rng: random.Random, processes: list[psutil.Process]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        if processes:
            rng.choice(processes).kill()


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


OF_CONTROL_PLANE: dict[str, Fault] = {
    "kill -9 of the control plane": kill_control_plane,
    "control plane restarted in order": restart_control_plane,
    "control plane stopped for some seconds": stop_control_plane,
}
OF_HOSTS: dict[str, Fault] = {
    "kill -9 of a host": kill_host,
    "host drained and started again": drain_host,
    "host stopped for 1 to 25 s": stop_host,
    "kill -9 of a guardian": kill_guardian,
    "kill -9 of a browser": kill_browser,
    "kill -9 of a renderer": kill_renderer,
    "kill -9 of Playwright's driver": kill_driver,
    "one simulated host cut off": cut_one_simulated_host,
    "all simulated hosts cut off at once": cut_all_simulated_hosts,
}
