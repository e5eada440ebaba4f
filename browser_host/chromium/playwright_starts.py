"""The starts of browsers: one try at a time, until the browser is up and was looked at in the kernel's account.

Nothing comes of a start that failed or is not wanted any more: it is seen to its end before another takes its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import playwright
from playwright.async_api import BrowserContext, Error

from browser_host.chromium.launch_failures import explained, words
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_downloads import PlaywrightDownloads
from browser_host.chromium.playwright_driver import Driver, Drivers
from browser_host.clock import Clock
from browser_host.guard import Guard, GuardianLost
from browser_host.kernel import isolation, processes, session_directory
from browser_host.kernel.browser_places import NO_LIMITS, BrowserPlace, BrowserPlaces
from browser_host.kernel.isolation import Isolation, NotIsolated
from browser_host.kernel.session_users import NoUserFree
from browser_host.launch import (
    FoundBrowser,
    browser_arguments,
    browser_environment,
    dropped_arguments,
    egress_arguments,
)
from browser_host.messages import BrowserType, Placement
from browser_host.network.egress import Egress
from browser_host.open_browser import BrowserSpec, LaunchFailed, LaunchRequest

logger = logging.getLogger(__name__)

ABANDON_SECONDS = 10.0
"""A driver that does not answer for a launch, all of whose processes were killed, for so long is stuck."""


@dataclass(slots=True, eq=False)
class Start:
    """A browser from the try at starting it to its end, and what is to be cleaned up then."""

    placement: Placement
    """Under which the guardian knows it; of the pool first, then of the session."""
    driver: Driver
    place: BrowserPlace
    egress: Egress
    extensions: list[str] = field(default_factory=list)
    """Those that are loaded."""


class PlaywrightStarts:
    """Starts browsers of this machine, and knows what each that lives was started with."""

    def __init__(
        self,
        places: BrowserPlaces,
        guard: Guard,
        clock: Clock,
        new_egress: Callable[[], Egress],
        *,
        sandbox: bool,
        environ: Mapping[str, str],
    ) -> None:
        """Prepare; `open` must be awaited before the first start."""
        self._places = places
        self._guard = guard
        self._clock = clock
        self._new_egress = new_egress
        self._sandbox = sandbox
        self._environ = environ
        self._executables: dict[BrowserType, Path] = {}
        self._drivers = Drivers(None, guard)
        self._abandoned: set[asyncio.Task[None]] = set()
        self._starts: dict[PlaywrightBrowser, Start] = {}

    async def open(self, executables: Mapping[BrowserType, Path], wrappers: Path) -> None:
        """Write the wrappers of Node.js and of the browsers into a directory, and start the first driver.

        Raises:
            LaunchFailed: Playwright does not work on this machine.
        """
        self._executables = dict(executables)
        dies = await asyncio.to_thread(processes.can_die_with_parent)
        if dies:
            node = self._environ.get("PLAYWRIGHT_NODEJS_PATH") or Path(playwright.__file__).parent / "driver" / "node"
            wrapper = processes.write_wrapper(wrappers, "node", Path(node), dies_with_parent=True)
            self._drivers = Drivers(wrapper, self._guard)
        else:
            logger.warning("no setpriv here: what is stuck when host and guardian are killed stays till the next start")
        if dies or self._places.have_entrances:
            for browser_type, executable in executables.items():
                self._executables[browser_type] = processes.write_wrapper(
                    wrappers, browser_type, executable, dies_with_parent=dies
                )
        self._drivers.give_back(await self._take_driver())

    async def close(self) -> None:
        """End the drivers; every browser that was started must have been closed before."""
        for task in list(self._abandoned):
            task.cancel()
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._drivers.close()

    def of(self, browser: PlaywrightBrowser) -> Start:
        """The start of a browser that lives."""
        return self._starts[browser]

    def isolation(self, *, own_user: bool, limited: bool) -> Isolation:
        """How apart a browser is that was started so."""
        limits = self._places.limits if limited else NO_LIMITS
        return Isolation(self._sandbox, own_user, limits.memory_bytes, limits.tasks, limits.cpu_percent)

    async def attempt(
        self,
        placement: Placement,
        spec: BrowserSpec,
        found: FoundBrowser,
        seconds: float,
        request: LaunchRequest | None,
    ) -> PlaywrightBrowser:
        """One try at starting a browser; `request` is the session's, None for the pool.

        Raises:
            LaunchFailed.
        """
        start = await self._prepare(placement)
        launch_time = self._clock.monotonic()
        deadline = None if request is None else request.deadline(launch_time)
        launching = asyncio.ensure_future(
            self._launch(start, spec, found, seconds, deadline, leased=request is not None)
        )
        try:
            async with asyncio.timeout(seconds):
                context = await asyncio.shield(launching)
                downloads = PlaywrightDownloads(start.place.directory / "downloads", start.place.user)
                pid = _main_pid(start.place.directory)
                await asyncio.gather(
                    downloads.watch(context),
                    asyncio.to_thread(isolation.examine, pid, sandboxed=self._sandbox, user=start.place.user),
                )
            browser = self._started(start, spec, context, downloads, pid, found, launch_time)
            if request is not None:
                browser.set_network(request.network)
            return browser
        except BaseException as error:
            await self._abandon(launching, start)
            if isinstance(error, Error | OSError | TimeoutError | ValueError | GuardianLost | NotIsolated):
                raise explained(found, error, seconds, own_user=self._places.have_users) from None
            raise

    async def _prepare(self, placement: Placement) -> Start:
        """A driver, a way out and a place for a browser; none of them is left when one cannot be had.

        Raises:
            LaunchFailed.
        """
        driver, egress = await self._take_driver(), self._new_egress()
        try:
            await egress.open()
            place = self._places.take(f"{placement.fence}-")
        except (OSError, NoUserFree) as error:
            await egress.close()
            self._drivers.give_back(driver)
            raise LaunchFailed(f"no place for a browser: {error}") from None
        return Start(placement, driver, place, egress)

    async def _take_driver(self) -> Driver:
        try:
            return await self._drivers.take()
        except Exception as error:  # Playwright raises a bare Exception when its driver ends at once
            remedy = "install playwright again for this platform, or see `tabkeep doctor`"
            raise LaunchFailed(f"Playwright's driver did not start: {words(error)}: {remedy}") from None

    async def _launch(
        self,
        start: Start,
        spec: BrowserSpec,
        found: FoundBrowser,
        seconds: float,
        deadline: float | None,
        *,
        leased: bool,
    ) -> BrowserContext:
        place = start.place
        # Before the browser is there: this process may be stopped while it starts.
        await self._guard.cover(
            start.placement, deadline, place.directories, place.unified, user=place.user, leased=leased
        )
        home = session_directory.fill(place.directory, place.temporary, place.user)
        return await start.driver.playwright.chromium.launch_persistent_context(
            place.directory / "profile",
            executable_path=self._executables[spec.browser_type],
            args=[*browser_arguments(found), *egress_arguments(start.egress.port)],
            ignore_default_args=dropped_arguments(),
            chromium_sandbox=self._sandbox,
            env={**browser_environment(self._environ, home, place.temporary), **place.entrance},
            viewport={"width": spec.width, "height": spec.height},
            **_whereabouts(spec),
            downloads_path=place.directory / "downloads",
            artifacts_dir=place.directory / "artifacts",
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=seconds * 1000,
        )

    def _started(
        self,
        start: Start,
        spec: BrowserSpec,
        context: BrowserContext,
        downloads: PlaywrightDownloads,
        pid: int,
        found: FoundBrowser,
        launch_time: float,
    ) -> PlaywrightBrowser:
        """The browser that an attempt has brought up."""
        self._guard.identify(start.placement, pid)
        start.egress.serve(pid)
        fields = {**start.placement.log_fields, "pid": pid}
        duration_ms = round((self._clock.monotonic() - launch_time) * 1000)
        logger.info("browser started", extra={**fields, "duration_ms": duration_ms})
        place = start.place
        browser = PlaywrightBrowser(
            context,
            start.driver,
            pid=pid,
            directory=place.directory,
            cgroups=place.cgroups,
            user=place.user,
            isolation=self.isolation(own_user=place.user != 0, limited=place.cgroups is not None),
            everywhere=_granted_everywhere(spec),
            egress=start.egress,
            version=found.name,
            launch_time=launch_time,
            downloads=downloads,
            released=lambda: self._released(browser),
            fields=fields,
        )
        self._starts[browser] = start
        return browser

    def _released(self, browser: PlaywrightBrowser) -> None:
        """Nothing of a browser lives any more, and its directory and cgroups are gone."""
        start = self._starts[browser]
        self._places.left(start.place)
        del self._starts[browser]
        self._guard.release(start.placement)
        self._drivers.give_back(start.driver)

    # What comes of a start that failed.

    async def _abandon(self, launching: asyncio.Future[BrowserContext], start: Start) -> None:
        """See to it that nothing comes of a launch that failed or is not wanted any more."""
        task = asyncio.create_task(self._end_launch(launching, start))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # A launch that is cancelled while it gives up must not return before its browser is gone.
            await asyncio.wait({task})
            raise

    async def _end_launch(self, launching: asyncio.Future[BrowserContext], start: Start) -> None:
        driver = start.driver
        # The driver may only now be about to start the browser, so this goes on until it has answered.
        loop = asyncio.get_running_loop()
        stuck_at = loop.time() + ABANDON_SECONDS
        while not launching.done() and not driver.exited.done():
            await start.place.end_processes()
            await asyncio.wait({launching}, timeout=0.1)
            if loop.time() >= stuck_at:
                logger.error("playwright driver stuck", extra={"pid": driver.pid, "browsers": driver.browsers})
                driver.kill()
        launching.cancel()
        await start.place.end_processes()
        await asyncio.gather(launching, return_exceptions=True)
        await start.egress.close()
        await self._places.clear(start.place)
        self._guard.release(start.placement)
        self._drivers.give_back(driver)


def _whereabouts(spec: BrowserSpec) -> dict[str, Any]:
    """What pages learn of where they are: what belongs to the session's proxy location."""
    options: dict[str, Any] = {}
    if spec.time_zone:
        options["timezone_id"] = spec.time_zone
    if spec.locale:
        options["locale"] = spec.locale
    if (place := spec.geolocation) is not None:
        where = {"latitude": place.latitude, "longitude": place.longitude, "accuracy": place.accuracy}
        options |= {"geolocation": where, "permissions": list(_granted_everywhere(spec))}
    return options


def _granted_everywhere(spec: BrowserSpec) -> tuple[str, ...]:
    return ("geolocation",) if spec.geolocation is not None else ()


def _main_pid(directory: Path) -> int:
    """The browser's main process, as it notes it in its profile: "machine-pid"."""
    try:
        noted = (directory / "profile" / "SingletonLock").readlink()
    except FileNotFoundError:
        raise ValueError("it is no whole browser, but a headless shell without a profile of its own") from None
    return int(str(noted).rpartition("-")[2])
