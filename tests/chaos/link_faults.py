"""What is done to the link between a host with real Chromium and its control plane.

`FaultProxy` holds, cuts, resets and slows what it carries; where root may, a host is put into a network namespace whose
interface goes down or drops. All of it is on this machine, in what the fault itself made.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Literal

from tests.chaos.fault_proxy import BOTH, Direction, FaultProxy
from tests.chaos.faulty_host import SILENCE
from tests.chaos.outcomes import NotPossibleHere
from tests.chaos.scene import PATIENCE, SHORT_ACTION_LEASE, a_scene
from tests.chaos.site import CountingSite
from tests.waiting import until

Fault = Callable[[Path, random.Random], Awaitable[str]]
Side = Literal["host", "control plane"]
SHORT_LEASES = {**SHORT_ACTION_LEASE, "TABKEEP_HOLDING_LEASE_SECONDS": "6"}
QUIET = {SILENCE: "3"}
"""The host gives a silent stream up after 3 s in place of 10: as long as a lease of 2 s makes sense."""


def held(*directions: Direction) -> Fault:
    """Nothing is carried for longer than the action lease, nobody is told; new connections are held as well."""

    async def fault(folder: Path, rng: random.Random) -> str:
        async with a_scene(folder, rng, **SHORT_ACTION_LEASE) as scene:
            host = await scene.start_host(**QUIET)
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            seconds = rng.uniform(3.5, 8.0)
            scene.link.hold(*directions)
            await asyncio.sleep(2.5)
            pressed = scene.site.pressed(work.key)
            await asyncio.sleep(seconds - 2.5)
            # 2 s after the last acknowledged heartbeat no step begins; a press takes a fraction of that.
            assert scene.site.pressed(work.key) == pressed, "steps went on without a lease"
            scene.link.heal()
            ended = await scene.over(work)
            assert scene.session(session)["state"] == "running"
            await scene.completed(await scene.work(session, 2))
            await scene.close(session)
            lost = len(host.said("stream lost"))
            await scene.check()
            await scene.finish()
        return f"for {seconds:.1f} s: steps waited, {lost} streams lost, the run {ended}"

    return fault


async def cut_beyond_the_holding_lease(folder: Path, rng: random.Random) -> str:
    """The host ends its browser by its own clock before the control plane may place the session elsewhere."""
    async with a_scene(folder, rng, **SHORT_LEASES) as scene:
        host = await scene.start_host("host-a", **QUIET)
        session = await scene.a_session()
        work = await scene.work(session, 20)
        await scene.under_way(work)
        fence = scene.fence(session)
        scene.link.hold(*BOTH)
        cut = time.monotonic()
        while host.browsers(fence):
            assert scene.session(session)["state"] == "running", "given up while its browser lives"
            assert time.monotonic() - cut < PATIENCE, "its browser lives on"
            await asyncio.sleep(0.02)
        gone = time.monotonic() - cut
        pressed = scene.site.pressed(work.key)
        await scene.until_session(session, "closed")
        lost = time.monotonic() - cut
        scene.link.reset()
        scene.link.heal()
        await scene.closed(session, "host_lost")
        await scene.failed(work, "host_lost")
        await scene.attached(host)
        await scene.serves()
        assert scene.site.pressed(work.key) == pressed
        await scene.check()
        await scene.finish()
    return f"cut for good, holding lease 6 s: browser gone after {gone:.2f} s, session closed after {lost:.2f} s"


async def reset_storm(folder: Path, rng: random.Random) -> str:
    """Resets in both directions, several a second, under a run."""
    async with a_scene(folder, rng) as scene:
        await scene.start_host(**QUIET)
        session = await scene.a_session()
        work = await scene.work(session, 20)
        await scene.under_way(work)
        resets = 0
        for _ in range(25):
            resets += scene.link.reset()
            await asyncio.sleep(rng.uniform(0.05, 0.4))
        ended = await scene.over(work)
        await scene.close(session)
        connections = scene.link.connections
        await scene.check()
        await scene.finish()
    return f"{resets} connections reset, {connections} made, the run {ended}"


async def half_open(folder: Path, rng: random.Random) -> str:
    """The old connection is held for ever and never closed; new ones work: the host must leave it by itself."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host(**QUIET)
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        streams = len(host.said("attached"))
        scene.link.hold_what_is_open()
        began = time.monotonic()
        await until(lambda: len(host.said("attached")) > streams, "another stream", PATIENCE)
        took = time.monotonic() - began
        ended = await scene.over(work)
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"attached anew after {took:.1f} s, the run {ended}"


async def slow_link(folder: Path, rng: random.Random) -> str:
    """Every piece is 0.1 s to 0.4 s late, and 64 kB/s go through each connection, pictures among them."""
    async with a_scene(folder, rng) as scene:
        await scene.start_host(**QUIET)
        session = await scene.a_session()
        scene.link.delay, scene.link.bytes_per_second = rng.uniform(0.1, 0.4), 64_000
        work = await scene.work(session, 6)
        began = time.monotonic()
        await scene.completed(work)
        took = time.monotonic() - began
        assert scene.session(session)["state"] == "running"
        delay, scene.link.delay, scene.link.bytes_per_second = scene.link.delay, 0.0, 0.0
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"{delay * 1000:.0f} ms each way: the run took {took:.1f} s and completed"


async def an_old_control_plane_comes_back(folder: Path, rng: random.Random) -> str:
    """Another one took over on a copy of its data; then the link leads back to the old one, which is refused."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host(**QUIET)
        old = scene.control_plane
        old.signal(signal.SIGSTOP)
        await asyncio.to_thread(shutil.copytree, folder / "data", folder / "copy")
        scene.link.reset()
        new = await scene.start_control_plane("copy")
        try:
            scene.front.reset()
            await until(lambda: host.said("attached")[-1]["control_epoch"] == 2, "the host at the new one", PATIENCE)
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            old.signal(signal.SIGCONT)
            scene.link.upstream = old.address
            scene.link.reset()
            turned_away = len(host.said("stream lost"))
            await until(lambda: len(host.said("stream lost")) >= turned_away + 2, "the host turned away", PATIENCE)
            assert host.browsers(scene.fence(session)), "its browser died of an old control plane"
            assert host.said("attached")[-1]["control_epoch"] == 2, "the host let the old one have it"
            scene.link.upstream = new.address
            scene.link.reset()
            await scene.completed(work)
            await scene.close(session)
            await scene.check()
            await scene.finish()
        finally:
            with contextlib.suppress(ProcessLookupError):
                old.signal(signal.SIGCONT)
            await old.kill()
    return "refused, the host went back to the new one, the run completed"


# Network namespaces


@contextlib.asynccontextmanager
async def in_a_namespace(folder: Path) -> AsyncIterator[Namespace]:
    """A network namespace joined to this one by a pair of interfaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NotPossibleHere("no network namespaces: only root may make them, with iproute2")
    number = os.getpid() % 200 + 20
    namespace = Namespace(f"tk{os.getpid()}", f"10.213.{number}.1", f"10.213.{number}.2")
    try:
        await namespace.make()
        yield namespace
    finally:
        await namespace.remove()


class Namespace:
    """Where a host lives whose network can be taken away."""

    def __init__(self, name: str, outer: str, inner: str) -> None:
        self.name, self.outer, self.inner = name, outer, inner
        self.prefix = ("ip", "netns", "exec", name)
        """What runs a program within."""

    async def make(self) -> None:
        """Raises NotPossibleHere."""
        for command in (
            f"ip netns add {self.name}",
            f"ip link add {self.name}a type veth peer name {self.name}b netns {self.name}",
            f"ip addr add {self.outer}/24 dev {self.name}a",
            f"ip link set {self.name}a up",
            f"ip -n {self.name} addr add {self.inner}/24 dev {self.name}b",
            f"ip -n {self.name} link set {self.name}b up",
            f"ip -n {self.name} link set lo up",
        ):
            await self._do(command)

    async def set(self, state: str) -> None:
        """`up` or `down` of the interface on our side: packets vanish in both directions, nobody is told."""
        await self._do(f"ip link set {self.name}a {state}")

    async def drop(self, percent: int) -> None:
        """Lose so many of the packets that go to the host; 0: none."""
        verb = "replace" if percent else "del"
        loss = f" netem loss {percent}%" if percent else ""
        await self._do(f"tc qdisc {verb} dev {self.name}a root{loss}")

    async def swallow(self, side: Side, seconds: float) -> None:
        """Send for so long all that one side says to an address that nobody has."""
        if side == "host":
            command, other, within = f"ip -n {self.name} neigh", self.outer, "b"
            found = f"ip -json link show {self.name}a"
        else:
            command, other, within = "ip neigh", self.inner, "a"
            found = f"ip -json -n {self.name} link show {self.name}b"
        [interface] = json.loads(await self._do(found))
        replace = f"{command} replace {other} dev {self.name}{within} nud permanent lladdr"
        await self._do(f"{replace} 02:00:00:00:00:01")
        await asyncio.sleep(seconds)
        await self._do(f"{replace} {interface['address']}")

    async def remove(self) -> None:
        """End it; the interfaces go with it."""
        with contextlib.suppress(NotPossibleHere):
            await self._do(f"ip link del {self.name}a")
        with contextlib.suppress(NotPossibleHere):
            await self._do(f"ip netns del {self.name}")

    async def _do(self, command: str) -> str:
        done = await asyncio.to_thread(
            subprocess.run, command.split(), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise NotPossibleHere(f"{command}: {done.stderr.strip()}")
        return done.stdout


def without_a_network(disturb: Callable[[Namespace, float], Awaitable[None]], shortest: float, longest: float) -> Fault:
    """A host in a network namespace of its own, whose network is disturbed for some seconds under a run."""

    async def fault(folder: Path, rng: random.Random) -> str:
        async with (
            in_a_namespace(folder) as namespace,
            a_scene(folder, rng, **SHORT_ACTION_LEASE) as scene,
            FaultProxy(scene.control_plane.address, namespace.outer) as link,
            CountingSite(namespace.outer) as site,
        ):
            scene.site = site  # the browser lives in there, too
            host = scene.a_host("host-a", link, **QUIET)
            await host.start(*namespace.prefix)
            await scene.attached(host)
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            seconds = rng.uniform(shortest, longest)
            await disturb(namespace, seconds)
            ended = await scene.over(work)  # its page was cut off as well
            assert scene.session(session)["state"] == "running", scene.session(session)
            await scene.completed(await scene.work(session, 2))
            await scene.close(session)
            lost = len(host.said("stream lost"))
            await scene.check()
            await scene.finish()
        return f"for {seconds:.1f} s: {lost} streams lost, the run {ended}"

    return fault


async def down(namespace: Namespace, seconds: float) -> None:
    await namespace.set("down")
    await asyncio.sleep(seconds)
    await namespace.set("up")


async def lossy(namespace: Namespace, seconds: float) -> None:
    await namespace.drop(30)
    await asyncio.sleep(seconds)
    await namespace.drop(0)


async def deaf(namespace: Namespace, seconds: float) -> None:
    await namespace.swallow("control plane", seconds)


async def mute(namespace: Namespace, seconds: float) -> None:
    await namespace.swallow("host", seconds)


FAULTS: dict[str, Fault] = {
    "link holds everything": held(*BOTH),
    "link holds what the host says": held("to_control_plane"),
    "link holds what the control plane says": held("to_host"),
    "link cut for longer than the holding lease": cut_beyond_the_holding_lease,
    "link half open": half_open,
    "link reset again and again": reset_storm,
    "link slow": slow_link,
    "old control plane comes back to a host": an_old_control_plane_comes_back,
    "network of the host down": without_a_network(down, 3.0, 8.0),
    "network of the host loses what is sent to it": without_a_network(deaf, 3.0, 8.0),
    "network of the host loses what it sends": without_a_network(mute, 3.0, 8.0),
    "network of the host loses 30 % of what is sent to it": without_a_network(lossy, 5.0, 8.0),
}
