"""`make soak`: the real programs under load with a random fault every few seconds, then what must be true, and leaks.

    python -m tests.soak [--minutes 10] [--real-hosts 2] [--simulated-hosts 10] [--seed 1]

The exit status is 1 when anything was lost, doubled, stuck or leaked. The last third of the time spares the control
plane's own process and the first host's, so that what they leak adds up.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
from tabkeep.v1 import hosts_pb2

from bench.site import Site, site
from tests.conftest import Api, api_on
from tests.soak import checks
from tests.soak.callers import Account, Caller
from tests.soak.faults import OF_CONTROL_PLANE, OF_HOSTS, World
from tests.soak.programs import ControlPlanes, RealHost, end, held
from tests.soak.simulated import SimulatedHost

_CALM_SECONDS = 180.0
"""After which what has not settled is stuck: the slowest is a queue timeout."""


class Soak:
    """One soak from its start to its verdict."""

    def __init__(self, world: World, api: Api, pages: Site) -> None:
        self.world = world
        self.account = Account()
        self.faults: Counter[str] = Counter()
        self._api = api
        self._pages = pages

    async def load(self, real: int, simulated: int, during: asyncio.Future[None]) -> None:
        """Callers until `during` is over; then they end what they began."""
        callers = [Caller(self._api, self.account, self._pages, 0.5) for _ in range(real)]
        callers += [Caller(self._api, self.account, None, 0.05) for _ in range(simulated)]
        tasks = [asyncio.create_task(caller.run()) for caller in callers]
        await asyncio.wait([during, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for caller in callers:
            caller.over = True
        async with asyncio.timeout(_CALM_SECONDS + 300):
            await asyncio.gather(*tasks)
        await during

    async def hurt(self, minutes: float) -> None:
        """A random fault every few seconds."""
        rng, begun = self.world.rng, time.monotonic()
        everything = {**OF_CONTROL_PLANE, **OF_HOSTS}
        spared = self.world.real[0]
        while (passed := (time.monotonic() - begun) / 60) < minutes:
            await asyncio.sleep(rng.uniform(1, 5))
            last_third = passed > minutes * 2 / 3
            name = rng.choice(sorted(OF_HOSTS if last_third else everything))
            world = self.world
            if last_third and world.real[1:]:
                others = [host for host in world.real if host is not spared]
                world = World(world.control_planes, others, world.simulated, rng)
            print(f"{passed * 60:6.1f} s: {name}", file=sys.stderr, flush=True)
            await everything[name](world)
            self.faults[name] += 1
            for host in self.world.real:
                if not host.running:
                    ended = f"{host.name} ended by itself with {await host.ended()}: {host.last_words()}"
                    print(ended, file=sys.stderr, flush=True)
                    self.account.problems.append(ended)
                    await host.start()

    async def calm(self) -> None:
        """Wait until all hosts are READY and nothing is open."""
        names = {host.name for host in self.world.real}
        await self._until("all hosts are READY", lambda: self._ready(names))
        query = "SELECT (SELECT count(*) FROM sessions WHERE state != 'closed'), "
        query += "(SELECT count(*) FROM placements WHERE release_time IS NULL), (SELECT count(*) FROM commands)"

        async def nothing_open() -> bool:
            return await asyncio.to_thread(self.world.control_planes.program.query, query) == [(0, 0, 0)]

        await self._until("every session is closed and every browser gone", nothing_open)

    async def _ready(self, names: set[str]) -> bool:
        with contextlib.suppress(grpc.aio.AioRpcError):
            hosts = (await self._api.hosts.ListHosts(hosts_pb2.ListHostsRequest(), timeout=10)).hosts
            ready = {host.host_id for host in hosts if host.state == hosts_pb2.HOST_STATE_READY}
            return names <= ready and all(host.attached for host in self.world.simulated)
        return False

    async def _until(self, what: str, reached: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(_CALM_SECONDS):
                while not await reached():  # type: ignore[misc]  # noqa: ASYNC110
                    await asyncio.sleep(0.5)
        except TimeoutError:
            self.account.problems.append(f"after {_CALM_SECONDS:g} s it is not so that {what}")

    async def measured(self) -> dict[str, dict[str, float]]:
        """What each program holds, once it holds no less than a moment before."""
        control_planes = self.world.control_planes
        now = {"control plane": await held(control_planes.program.pid, control_planes.log)}
        for host in self.world.real:
            now[host.name] = await held(host.pid, host.log)
            now[host.name]["files"] = len(host.files())
        return now

    async def settled(self, baseline: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        """What is held once it is no more than at the baseline, or after half a minute."""
        for _ in range(15):
            now = await self.measured()
            if not checks.leaks(baseline, now):
                break
            await asyncio.sleep(2)
        return now


async def soak(folder: Path, arguments: argparse.Namespace) -> int:
    """Run it and print the verdict; returns the exit status."""
    rng = random.Random(arguments.seed)
    control_planes = ControlPlanes(folder)
    await control_planes.start()
    real = [RealHost(folder, f"real-{number}", control_planes) for number in range(arguments.real_hosts)]
    token, key = ((control_planes.data_dir / name).read_text().strip() for name in ("host-token", "api-key"))
    simulated = [
        SimulatedHost(control_planes.address, token, f"simulated-{number}", random.Random(rng.random()))
        for number in range(arguments.simulated_hosts)
    ]
    running = [asyncio.create_task(host.run()) for host in simulated]
    try:
        for host in real:
            await host.start()
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 1000)]
        async with site() as pages, grpc.aio.insecure_channel(control_planes.address, options=options) as channel:
            one = Soak(World(control_planes, real, simulated, rng), api_on(channel, key), pages)
            return await _course(one, arguments)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await end(control_planes, real)


async def _course(one: Soak, arguments: argparse.Namespace) -> int:
    callers = (2 * arguments.real_hosts, arguments.simulated_hosts)
    await one.calm()
    await one.load(*callers, asyncio.ensure_future(asyncio.sleep(arguments.warm_up)))
    await one.calm()
    baseline = await one.measured()
    begun = time.monotonic()
    await one.load(*callers, asyncio.ensure_future(one.hurt(arguments.minutes)))
    minutes = (time.monotonic() - begun) / 60
    await one.calm()
    now = await one.settled(baseline)
    program, account = one.world.control_planes.program, one.account
    wrong = [
        *account.problems,
        *(problem for host in one.world.simulated for problem in host.problems),
        *await asyncio.to_thread(checks.of_database, program, account, one.world.simulated),
        *checks.of_site(program, account, one._pages),
        *checks.of_hosts(one.world.real),
        *(f"leak: {leak}" for leak in checks.leaks(baseline, now)),
    ]
    events = sum(sum(host.acknowledged.values()) for host in one.world.simulated)
    ends = Counter(status for run in account.runs.values() for status in [run.status])
    print(
        f"{minutes:.1f} minutes, {sum(one.faults.values())} faults, {len(account.sessions)} sessions, "
        f"{len(account.runs)} runs ({ends[5]} completed), {len(account.visits)} of them in real browsers, {events} "
        f"events acknowledged to simulated hosts, {account.repeated} calls made again\n"
    )
    print("\n".join(f"| {name} | {count} |" for name, count in sorted(one.faults.items())))
    print(f"\n{checks.table(baseline, now)}\n")
    print("\n".join(f"WRONG: {line}" for line in wrong[:50]) or "nothing lost, doubled, stuck or leaked")
    return 1 if wrong else 0


async def _until_told(course: Coroutine[Any, Any, int]) -> int:
    """The course, ended in order by SIGTERM: it has programs to end."""
    task = asyncio.ensure_future(course)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    """Soak as the command line says."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--real-hosts", type=int, default=2)
    parser.add_argument("--simulated-hosts", type=int, default=10)
    parser.add_argument("--warm-up", type=float, default=20, help="seconds of load before the baseline is taken")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        return asyncio.run(_until_told(soak(Path(folder), arguments)))


if __name__ == "__main__":
    sys.exit(main())
