"""The Node.js processes through which Playwright speaks to browsers, and their ends."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.async_api import Playwright, async_playwright

from browser_host.guard import Guard
from browser_host.kernel import processes

logger = logging.getLogger(__name__)

BROWSERS_EACH = 8
"""A driver is one thread, and its browsers end with it: more of them share the work and the harm."""
START_SECONDS = 30.0
STOP_SECONDS = 2.0


class Driver:
    """One driver, from its start to its end."""

    def __init__(self, playwright: Playwright, pid: int) -> None:
        self.playwright = playwright
        self.pid = pid
        self.browsers = 0
        self._watch = processes.ProcessWatch(pid)

    @property
    def exited(self) -> asyncio.Future[None]:
        """Done when its process has ended."""
        return self._watch.exited

    def kill(self) -> None:
        """End the process now, and with it the browsers it has."""
        if self.exited.done():
            return
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    async def stop(self) -> None:
        """End the process; at most 2 seconds, also when it is stuck."""
        stopping = asyncio.create_task(self.playwright.stop())
        await asyncio.wait({stopping, self.exited}, timeout=STOP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        self.kill()
        await asyncio.wait({stopping}, timeout=STOP_SECONDS)
        if stopping.done() and not stopping.cancelled():
            stopping.exception()  # the connection ends with the process
        stopping.cancel()
        self._watch.close()


class Drivers:
    """The drivers of this host: as many as its browsers need, a new one for one that has ended."""

    def __init__(self, wrapper: Path | None, guard: Guard) -> None:
        """`wrapper` starts Node.js such that it dies with this process; None where that is not possible."""
        self._wrapper = wrapper
        self._guard = guard
        self._drivers: list[Driver] = []
        self._starting = asyncio.Lock()

    async def take(self) -> Driver:
        """A driver with room for one more browser; give it back when that browser has ended."""
        async with self._starting:
            self._drivers = [driver for driver in self._drivers if not driver.exited.done()]
            for driver in self._drivers:
                if driver.browsers < BROWSERS_EACH:
                    driver.browsers += 1
                    return driver
            driver = await self._start()
            driver.browsers += 1
            self._drivers.append(driver)
            return driver

    def give_back(self, driver: Driver) -> None:
        """One of its browsers has ended."""
        driver.browsers -= 1

    async def close(self) -> None:
        """End all drivers."""
        drivers, self._drivers = self._drivers, []
        await asyncio.gather(*(driver.stop() for driver in drivers))

    async def _start(self) -> Driver:
        """Start one, and another where it was gone at once: whatever ended it may be over."""
        try:
            return await self._start_once()
        except TimeoutError:
            raise
        except Exception as error:  # Playwright raises a bare Exception when its driver ends at once
            logger.warning("playwright driver gone at its start", extra={"cause": str(error)})
            return await self._start_once()

    async def _start_once(self) -> Driver:
        before = _driver_pids()
        with _node(self._wrapper):
            async with asyncio.timeout(START_SECONDS):
                playwright = await async_playwright().start()
        started = _driver_pids() - before
        if len(started) != 1:
            await playwright.stop()
            raise RuntimeError(f"{len(started)} new Playwright drivers instead of one")
        driver = Driver(playwright, started.pop())
        logger.info("playwright driver started", extra={"pid": driver.pid})
        self._guard.cover_helper(driver.pid)
        driver.exited.add_done_callback(lambda _: self._guard.release_helper(driver.pid))
        return driver


def _driver_pids() -> set[int]:
    """Playwright's drivers among our children: it does not tell its process's id."""
    found = set()
    for child in psutil.Process().children():
        try:
            if child.cmdline()[-1:] == ["run-driver"]:
                found.add(child.pid)
        except psutil.Error:
            continue
    return found


@contextmanager
def _node(wrapper: Path | None) -> Iterator[None]:
    """Make Playwright start its driver through `wrapper`; the environment is the only way to tell it."""
    if wrapper is None:
        yield
        return
    variable = "PLAYWRIGHT_NODEJS_PATH"
    before = os.environ.get(variable)
    os.environ[variable] = str(wrapper)
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
