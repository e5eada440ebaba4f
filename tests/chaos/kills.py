"""kill -9 of the control plane at random moments, again and again on one database that holds a million events.

Each life begins with the recovery from the kill before: nothing acknowledged may be lost, it must serve again within
3 s, and hosts that were attached must be back within 10 s with all their browsers.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from pathlib import Path

from tabkeep.v1 import browser_sessions_pb2 as pb

from tests.api_calls import minutes
from tests.chaos.control_plane_faults import add_events, attach_when_told, check, loaded
from tests.chaos.control_plane_program import ControlPlaneProgram, running
from tests.chaos.load import Acknowledged
from tests.fake_host import FakeHost

SERVES_WITHIN = 3.0
HOSTS_BACK_WITHIN = 10.0
HOSTS = 20
"""Besides the one that reports events; each holds a browser over all the kills."""
_EVENTS_PER_RUN = 200


class Kills:
    """One database and its many lives."""

    def __init__(self, folder: Path, rng: random.Random, *, events: int = 1_000_000, hosts: int = HOSTS) -> None:
        self._data = folder / "data"
        self._rng = rng
        self._events = events
        self._count = hosts
        self._hosts: list[FakeHost] = []
        self._lives = 0
        self.acknowledged = Acknowledged()
        self.in_time = 0
        """Lives that served, and had their hosts back, as soon as they should."""
        self.slowest_start = 0.0
        self.slowest_return = 0.0

    async def prepare(self) -> None:
        """Fill the database, and give every host a browser."""
        async with running(self._data) as program:
            async with loaded(program, Acknowledged(), "first"):
                await asyncio.sleep(0.1)
            program.signal(signal.SIGTERM)
            assert await program.ended() == 0
        runs = -(-self._events // _EVENTS_PER_RUN)
        await asyncio.to_thread(add_events, self._data / "tabkeep.db", runs, _EVENTS_PER_RUN, self._rng)
        async with running(self._data) as program, program.api() as api:
            self._hosts = [program.host(f"held-{number}", capacity=1) for number in range(self._count)]
            await asyncio.gather(*(attach_when_told(host) for host in self._hosts))
            for number in range(self._count):
                request = pb.CreateBrowserSessionRequest(
                    request_id=f"held-{number}", timeout=minutes(1440), queue_timeout=minutes(60)
                )
                created = (await api.sessions.CreateBrowserSession(request)).browser_session
                self.acknowledged.sessions[f"held-{number}-live"] = created.browser_session_id
            await asyncio.gather(*(host.launch() for host in self._hosts))
            await program.kill()
        await asyncio.gather(*(host.vanish() for host in self._hosts))

    async def once(self) -> str:
        """A recovery, some load, and a kill somewhere in it."""
        self._lives += 1
        name = f"life-{self._lives}-{self._rng.getrandbits(32):x}"
        begun = time.monotonic()
        async with running(self._data) as program:
            await self._come_back(program)
            hosts_back = time.monotonic() - begun
            await check(program, self.acknowledged, thorough=False)
            async with loaded(program, self.acknowledged, name):
                await asyncio.sleep(self._rng.uniform(0.0, 1.0))
                await program.kill()
        await asyncio.gather(*(host.vanish() for host in self._hosts))
        self.slowest_start = max(self.slowest_start, program.ready_after)
        self.slowest_return = max(self.slowest_return, hosts_back)
        self.in_time += program.ready_after < SERVES_WITHIN and hosts_back < HOSTS_BACK_WITHIN
        return self.note()

    async def _come_back(self, program: ControlPlaneProgram) -> None:
        """Let all hosts attach at once; none may be told to close its browser."""
        for host in self._hosts:
            host._address = program.address
        await asyncio.gather(*(attach_when_told(host) for host in self._hosts))
        kept = [[verdict.keep for verdict in host.welcome.verdicts] for host in self._hosts if host.welcome]
        assert kept == [[True]] * self._count, f"browsers were lost: {kept}"

    def note(self) -> str:
        """The figures so far."""
        return (
            f"{self._lives} kills, {self.acknowledged.rows()} acknowledged rows, 0 lost, {self._count} browsers kept, "
            f"serving after {self.slowest_start:.2f} s at worst, hosts back after {self.slowest_return:.2f} s at worst"
        )

    async def finish(self) -> None:
        """The last recovery, and a look at every page of the file."""
        async with running(self._data) as program:
            await self._come_back(program)
            await check(program, self.acknowledged)
            await asyncio.gather(*(host.vanish() for host in self._hosts))


async def a_few_kills(folder: Path, rng: random.Random) -> str:
    """Three of them on a small database, for a look."""
    kills = Kills(folder, rng, events=20_000, hosts=3)
    await kills.prepare()
    for _ in range(3):
        await kills.once()
    await kills.finish()
    return kills.note()
