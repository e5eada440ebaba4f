"""Browsers that were started before anybody asked for them, for the specs that are asked for most.

One is handed out once and never comes back: what a session has used ends with the session. They are refilled in the
background, one at a time, never while a session waits for a start, and only while enough memory is free. The owner
runs `run` in a task of its own and awaits `close`, after which none is left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from browser_host.clock import Clock
from browser_host.open_browser import BrowserSpec, LaunchFailed

logger = logging.getLogger(__name__)

HALF_LIFE_SECONDS = 600.0
"""After so long a wish counts half."""
MOST_SPECS = 50
"""So many specs are remembered; beyond, the least wanted one is forgotten."""
LONGEST_AGE_SECONDS = 3600.0
"""An older one is replaced: its program may have been updated meanwhile."""
LOOK_SECONDS = 5.0
"""How often memory and age are looked at when nothing happens."""
CALM_SECONDS = 0.25
"""How long after the last start of a session the refilling begins: a claim is rarely the only one."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""After a start that failed; each further one doubles it."""


class Startable(Protocol):
    """What the pool keeps."""

    @property
    def gone(self) -> asyncio.Future[str]:
        """Done when it has ended."""

    async def close(self) -> None:
        """End it."""


B = TypeVar("B", bound=Startable)


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How much is kept ready."""

    size: int = 0
    """How many browsers; 0: none."""
    minimum_free_bytes: int = 0
    """With less memory available none is started, and those there are end."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ready(Generic[B]):
    browser: B
    spec: BrowserSpec
    since: float


class WarmPool(Generic[B]):
    """The browsers that wait."""

    def __init__(
        self,
        start: Callable[[BrowserSpec], Awaitable[B]],
        settings: PoolSettings,
        clock: Clock,
        *,
        usual: BrowserSpec | None,
        free_memory: Callable[[], int],
    ) -> None:
        """`usual` is kept ready as long as nothing was asked for; `free_memory` tells available bytes."""
        self._start = start
        self._settings = settings
        self._clock = clock
        self._free_memory = free_memory
        self._wishes: dict[BrowserSpec, float] = {usual: 1.0} if usual is not None else {}
        self._counted_at = clock.monotonic()
        self._ready: list[_Ready[B]] = []
        self._busy = 0
        self._changed = asyncio.Event()
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready)

    def asked(self, spec: BrowserSpec) -> None:
        """Count a wish; what is asked for most is kept ready."""
        now = self._clock.monotonic()
        fading = 0.5 ** ((now - self._counted_at) / HALF_LIFE_SECONDS)
        self._counted_at = now
        self._wishes = {known: count * fading for known, count in self._wishes.items()}
        self._wishes[spec] = self._wishes.get(spec, 0.0) + 1.0
        if len(self._wishes) > MOST_SPECS:
            del self._wishes[min(self._wishes, key=self._wishes.__getitem__)]
        self._changed.set()

    def claim(self, spec: BrowserSpec) -> B | None:
        """One that waits, to be used and closed by whoever claims it; None when none of this spec does."""
        self._changed.set()
        for place, ready in enumerate(self._ready):
            if ready.spec == spec and not ready.browser.gone.done():
                del self._ready[place]
                return ready.browser
        return None

    def add(self, spec: BrowserSpec, browser: B) -> bool:
        """Keep one that was started for another purpose and used by nobody; whether there is room for it."""
        if self._closed or len(self._ready) >= self._settings.size:
            return False
        ready = _Ready(browser, spec, self._clock.monotonic())
        self._ready.append(ready)
        browser.gone.add_done_callback(lambda _: self._drop(ready, "ended by itself"))
        return True

    def session_starts(self, change: int) -> None:
        """A session's start has begun (1) or ended (-1): it has the machine to itself meanwhile."""
        self._busy += change
        self._changed.set()

    async def run(self) -> None:
        """Keep it filled until cancelled."""
        pause = 0.0
        while True:
            self._changed.clear()
            self._trim()
            spec = self._missing()
            if spec is None or self._busy:
                await self._wait(LOOK_SECONDS)
                continue
            await self._calm()
            if self._busy:
                continue
            try:
                await self._add_one(spec)
                pause = 0.0
            except LaunchFailed as failure:
                pause = min(LONGEST_PAUSE, pause * 2 or FIRST_PAUSE)
                logger.warning("browser not kept ready", extra={"reason": str(failure), "pause_s": pause})
                await asyncio.sleep(pause)

    async def close(self) -> None:
        """End all that wait; none is added any more."""
        self._closed = True
        for ready in list(self._ready):
            self._drop(ready, "")
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def _add_one(self, spec: BrowserSpec) -> None:
        browser = await self._start(spec)
        if not self.add(spec, browser):
            await browser.close()

    async def _calm(self) -> None:
        """Wait until no session has asked for a browser for a moment."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(CALM_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    # What is wanted.

    def _shares(self) -> dict[BrowserSpec, int]:
        """How many of each to have: every place goes to whose wishes, divided by its places and one more, are most."""
        shares = dict.fromkeys(self._wishes, 0)
        for _ in range(self._settings.size if shares else 0):
            most = max(shares, key=lambda spec: self._wishes[spec] / (shares[spec] + 1))
            shares[most] += 1
        return shares

    def _missing(self) -> BrowserSpec | None:
        if self._closed or len(self._ready) >= self._settings.size or not self._has_memory():
            return None
        shares = self._shares()
        for ready in self._ready:
            shares[ready.spec] = shares.get(ready.spec, 0) - 1
        return next((spec for spec, count in shares.items() if count > 0), None)

    def _has_memory(self) -> bool:
        return self._free_memory() >= self._settings.minimum_free_bytes

    # What ends.

    def _trim(self) -> None:
        """End what is too old, one that is not wanted while another is, and all when memory is short."""
        now = self._clock.monotonic()
        short = bool(self._ready) and not self._has_memory()
        shares = self._shares()
        for ready in list(self._ready):
            shares[ready.spec] = shares.get(ready.spec, 0) - 1
            if short:
                self._drop(ready, "memory is short")
            elif now - ready.since > LONGEST_AGE_SECONDS:
                self._drop(ready, "too old")
            elif shares[ready.spec] < 0:
                self._drop(ready, "others are wanted more")

    def _drop(self, ready: _Ready[B], why: str) -> None:
        """End one that waits; nothing when it was claimed."""
        if ready not in self._ready:
            return
        self._ready.remove(ready)
        if why:
            logger.info("browser kept ready ended", extra={"reason": why})
        task = asyncio.get_running_loop().create_task(self._end(ready.browser))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        self._changed.set()

    @staticmethod
    async def _end(browser: B) -> None:
        try:
            await browser.close()
        except Exception:
            # What cannot be ended now is the guardian's, with this process.
            logger.exception("browser kept ready not closed")
