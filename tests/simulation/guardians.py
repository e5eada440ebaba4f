"""The guardian in the simulation: its real decisions (`browser_host.kernel.guardian.Covers`) in a process of its own.

What stands in is what the real one does with the kernel: the socket is a call that arrives in the guardian's process,
the process table is the simulated site, and a kill is an end there. It goes on while its host is stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from browser_host.kernel.guardian import KILLING_POLL, Cover, Covers
from browser_host.messages import Placement
from browser_host.open_browser import LaunchFailed
from tests.simulation.browsers import BrowserProcess
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.programs import HostProgram

CONFIRM_SECONDS = 5.0
CONFIRM_POLL = 0.01
_HOLD = "hold"


class GuardianProgram:
    """One life of a guardian."""

    def __init__(self, host: HostProgram, process: Process, say: Callable[[str, str], None]) -> None:
        """`say` tells the host which cover is about to be killed, and for what."""
        self.process = process
        self._say = say
        self.covers = Covers()
        self._host = host
        self._changed = asyncio.Event()

    def take(self, message: dict[str, Any]) -> None:
        """A line from the host has come."""
        self.covers.take(message)
        self._changed.set()

    def lose_host(self) -> None:
        """The socket has ended."""
        self.covers.host_gone = True
        self._changed.set()

    async def run(self) -> None:
        """Guard until the host is gone and all its browsers are."""
        while True:
            self._changed.clear()
            wait = self.end_what_is_due()
            if self.covers.host_gone and not len(self.covers):
                return
            try:
                async with asyncio.timeout(wait if wait < 1e6 else None):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def end_what_is_due(self) -> float:
        """Kill what is due and forget what is gone; returns how long to wait before the next look."""
        now, wait = self._host.clock.monotonic(), float("inf")
        for cover in self.covers.due(now):
            for browser in self._members(cover):
                self._say(cover.key, self.covers.cause(cover))
                self._host.world.site.kill(browser, "guardian")
                wait = KILLING_POLL
            if wait != KILLING_POLL and self.covers.host_gone:
                self.covers.release(cover.key)
        return min(wait, max(0.0, self.covers.next_at(now) - now))

    def _members(self, cover: Cover) -> list[BrowserProcess]:
        placement = Placement(cover.session, cover.fence)
        living = self._host.world.site.living.values()
        return [one for one in living if one.host.machine is self._host.machine and one.placement == placement]


class SimulatedGuard:
    """The host's side; implements `Guard`. A guardian that is killed is replaced and told everything anew."""

    def __init__(self, host: HostProgram, owner: Process) -> None:
        self._host = host
        self._owner = owner
        self._covers: dict[str, Cover] = {}
        self._killed: dict[str, str] = {}
        self._hold_until = 0.0
        self._no = 0
        self._lives = 0
        self.guardian: GuardianProgram | None = None
        self.restart()

    def restart(self) -> None:
        """Start a guardian, tell it all."""
        world = self._host.world
        self._lives += 1
        process = world.process(f"{self._owner}/guardian{self._lives}", self._host.machine)
        self.guardian = GuardianProgram(self._host, process, self._hear)
        world.loop.spawn(process, self.guardian.run())
        for key in (_HOLD, *self._covers):
            self._tell(key)

    def kill(self) -> None:
        """SIGKILL; the host, when it runs, sees the end of the socket at once."""
        assert self.guardian is not None
        loop = self._host.world.loop
        loop.kill(self.guardian.process)
        self.guardian = None
        loop.at(loop.true_time + 0.15, loop.post, self._owner, self.restart)

    def host_died(self) -> bool:
        """The socket ends with the host; False when there is no guardian that could see it."""
        if self.guardian is None or self.guardian.process.held:
            return False
        self._host.world.loop.post(self.guardian.process, self.guardian.lose_host)
        return True

    def hold_until(self, at: float) -> None:
        self._hold_until = at
        self._tell(_HOLD)

    async def cover(self, placement: Placement, deadline: float | None, directories: list[Path], cgroup: str) -> None:
        key = _key(placement)
        self._covers[key] = Cover(key, placement.browser_session_id, placement.fence, deadline=deadline)
        self._tell(key)
        give_up_at = self._host.clock.monotonic() + CONFIRM_SECONDS
        while self.guardian is None or key not in self.guardian.covers:
            if self._host.clock.monotonic() > give_up_at:
                self.release(placement)
                raise LaunchFailed("the guardian did not answer")
            await asyncio.sleep(CONFIRM_POLL)

    def identify(self, placement: Placement, pid: int) -> None:
        """Browsers are found by their placement here."""

    def set_deadline(self, placement: Placement, at: float) -> None:
        key = _key(placement)
        if key in self._covers:
            self._covers[key] = replace(self._covers[key], deadline=at)
            self._tell(key)

    def killed_for(self, placement: Placement) -> str:
        return self._killed.get(_key(placement), "")

    def release(self, placement: Placement) -> None:
        self._killed.pop(_key(placement), None)
        if self._covers.pop(_key(placement), None) is not None:
            self._tell(_key(placement))

    def cover_cgroup(self, cgroup: Path) -> None: ...

    def cover_helper(self, pid: int) -> None: ...

    def release_helper(self, pid: int) -> None: ...

    def _hear(self, key: str, cause: str) -> None:
        """A line from the guardian is on its way to the host."""
        self._host.world.loop.post(self._owner, self._note, key, cause)

    def _note(self, key: str, cause: str) -> None:
        if key in self._covers:
            self._killed[key] = cause

    def _tell(self, key: str) -> None:
        if self.guardian is None:
            return
        self._no += 1
        line: dict[str, Any] = {"no": self._no}
        if key == _HOLD:
            line["hold_until"] = self._hold_until
        elif (cover := self._covers.get(key)) is not None:
            told = asdict(cover)
            line |= {"cover": told.pop("key"), **told}
        else:
            line["release"] = key
        self._host.world.loop.post(self.guardian.process, self.guardian.take, line)


def _key(placement: Placement) -> str:
    return f"{placement.browser_session_id}/{placement.fence}"
