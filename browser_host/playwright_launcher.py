"""Starts browsers with Playwright: not more at once than cores, each in a directory of its own, one retry.

Implements `open_browser.Launcher`. Everything a browser writes lies under `<data dir>/browsers/<fence>-…`, which is
removed with it; what a killed host left there is swept by the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import playwright
from playwright.async_api import BrowserContext, Error

from browser_host import cgroups, processes
from browser_host.browser import BrowserError
from browser_host.cgroups import Cgroups
from browser_host.clock import Clock
from browser_host.guard import Guard, GuardianLost, Unguarded
from browser_host.launch import (
    FoundBrowser,
    browser_arguments,
    browser_environment,
    dropped_arguments,
    how_to_install,
)
from browser_host.messages import BrowserType, Placement
from browser_host.open_browser import LaunchFailed, LaunchRequest
from browser_host.playwright_browser import PlaywrightBrowser
from browser_host.playwright_driver import Driver, Drivers

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""One launch in some hundred failed for no reason that could be found, and the next one did not."""
ATTEMPT_SECONDS = 20.0
FIRST_PAGE_SECONDS = 10.0
"""How long a launch waits for its first page; a slower one goes on loading in a browser that counts as up."""
ABANDON_SECONDS = 10.0
"""A driver that does not answer for a launch, all of whose processes were killed, for so long is stuck."""
LONGEST_ROOT_PATH = 36
"""Chromium makes a socket in its temporary directory, and dies when the path of that is over 108 bytes: 46 are its
own, 26 at most are `/<fence>-<8 letters>/tmp`. For a longer root the temporary directories lie elsewhere."""
LONGEST_MESSAGE = 2000
LAST_LINES = 10


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One try at starting a browser, and what is to be cleaned up when nothing comes of it."""

    placement: Placement
    driver: Driver
    directory: Path
    cgroup: Path | None


class PlaywrightLauncher:
    """Starts browsers of this machine."""

    def __init__(
        self,
        found: list[FoundBrowser],
        data_dir: Path,
        clock: Clock,
        *,
        sandbox: bool,
        concurrency: int,
        use_cgroups: bool = True,
        guard: Guard | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """Prepare; `open` must be awaited before the first launch."""
        self._found: dict[BrowserType, FoundBrowser] = {}
        for browser in found:
            self._found.setdefault(browser.browser_type, browser)
        self._root = data_dir / "browsers"
        self._wrappers = data_dir / "launchers"
        self._short_link = data_dir / "temporary"
        """Where there is a root for temporary directories elsewhere, a link to it, so that the next host finds it."""
        self._short_root: Path | None = None
        self._cgroup_link = data_dir / "cgroup"
        """Where there are cgroups, a link to the one that holds those of the browsers, for the same reason."""
        self._use_cgroups = use_cgroups
        self._cgroups = Cgroups(None)
        self._guard: Guard = guard or Unguarded()
        self._clock = clock
        self._sandbox = sandbox
        self._environ = environ
        self._cold_launches = asyncio.Semaphore(concurrency)
        self._executables: dict[BrowserType, Path] = {}
        self._drivers = Drivers(None, self._guard)
        self._abandoned: set[asyncio.Task[None]] = set()

    @property
    def offers(self) -> tuple[tuple[BrowserType, str], ...]:
        """The browsers it can start: type, and product with version."""
        return tuple((browser_type, browser.name) for browser_type, browser in self._found.items())

    async def open(self) -> None:
        """End and remove what a former host left, write the wrappers, and start the first driver.

        Raises:
            LaunchFailed: Playwright does not work on this machine.
        """
        if ended := await self._sweep():
            logger.warning("browsers of a former host ended", extra={"process_groups": ended})
        self._root.mkdir(mode=0o700, parents=True)
        if len(os.fsencode(self._root)) > LONGEST_ROOT_PATH:
            self._short_root = Path(tempfile.mkdtemp(prefix="tabkeep-"))
            self._short_link.symlink_to(self._short_root)
        if self._use_cgroups and (cgroup := await asyncio.to_thread(cgroups.make_root)) is not None:
            self._cgroup_link.symlink_to(cgroup)
            self._cgroups = Cgroups(cgroup)
            self._guard.cover_cgroup(cgroup)
        await self._write_wrappers()
        self._drivers.give_back(await self._take_driver())

    async def _write_wrappers(self) -> None:
        dies = await asyncio.to_thread(processes.can_die_with_parent)
        if dies:
            node = self._environ.get("PLAYWRIGHT_NODEJS_PATH") or Path(playwright.__file__).parent / "driver" / "node"
            wrapper = processes.write_wrapper(self._wrappers, "node", Path(node), dies_with_parent=True)
            self._drivers = Drivers(wrapper, self._guard)
        else:
            logger.warning("no setpriv here: what is stuck when host and guardian are killed stays till the next start")
        self._executables = {browser_type: browser.executable for browser_type, browser in self._found.items()}
        if dies or self._cgroups.usable:
            for browser_type, executable in self._executables.items():
                self._executables[browser_type] = processes.write_wrapper(
                    self._wrappers, browser_type, executable, dies_with_parent=dies
                )

    async def close(self) -> None:
        """End the drivers; every browser must have been closed before."""
        for task in list(self._abandoned):
            task.cancel()
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._drivers.close()
        await self._sweep()

    async def _sweep(self) -> int:
        ended = await processes.sweep(self._root)
        if self._cgroup_link.is_symlink():
            await cgroups.end(self._cgroup_link.readlink())
            self._cgroup_link.unlink()
        if self._short_link.is_symlink():
            await asyncio.to_thread(processes.remove_tree, self._short_link.readlink())
            self._short_link.unlink()
        return ended

    async def launch(self, request: LaunchRequest) -> PlaywrightBrowser:
        """Start a browser and open its first page.

        Raises:
            LaunchFailed.
        """
        found = self._found.get(request.browser_type)
        if found is None:
            remedy = how_to_install(request.browser_type)
            raise LaunchFailed(f"no {request.browser_type} was found on this host: {remedy}")
        if not await asyncio.to_thread(found.executable.exists):
            remedy = how_to_install(request.browser_type)
            raise LaunchFailed(f"{found.name} was found at {found.executable} and is not there any more: {remedy}")
        give_up_at = self._clock.monotonic() + request.timeout.total_seconds()
        try:
            async with asyncio.timeout(request.timeout.total_seconds()):
                browser = await self._attempts(request, found, give_up_at)
        except TimeoutError:
            raise LaunchFailed(f"{found.name} did not start within {request.timeout.total_seconds():g} s") from None
        if request.state is not None:
            await self._restore(browser, request.state, found, give_up_at)
        if request.url:
            await self._open_first_page(browser, request, give_up_at)
        return browser

    async def _restore(self, browser: PlaywrightBrowser, state: bytes, found: FoundBrowser, give_up_at: float) -> None:
        """Put a state into a browser that runs; without its state it is ended."""
        seconds = max(1.0, give_up_at - self._clock.monotonic())
        try:
            async with asyncio.timeout(seconds):
                await browser.restore_state(state)
        except BaseException as error:
            await browser.close()
            if isinstance(error, TimeoutError):
                raise LaunchFailed(f"{found.name} did not take the state of its profile in time") from None
            if isinstance(error, Error):
                raise LaunchFailed(f"{found.name} ended while it took the state of its profile") from None
            raise

    async def _attempts(self, request: LaunchRequest, found: FoundBrowser, give_up_at: float) -> PlaywrightBrowser:
        attempt = 1
        while True:
            try:
                async with self._cold_launches:
                    seconds = min(ATTEMPT_SECONDS, give_up_at - self._clock.monotonic())
                    return await self._attempt(request, found, seconds)
            except LaunchFailed as failure:
                if attempt == ATTEMPTS:
                    raise
                attempt += 1
                fields = {"browser_session_id": request.placement.browser_session_id, "fence": request.placement.fence}
                logger.warning("launch failed, trying again", extra={**fields, "reason": str(failure)})

    async def _attempt(self, request: LaunchRequest, found: FoundBrowser, seconds: float) -> PlaywrightBrowser:
        try:
            directory = Path(tempfile.mkdtemp(prefix=f"{request.placement.fence}-", dir=self._root))
        except OSError as error:
            raise LaunchFailed(f"no directory could be made for {found.name}: {error.strerror}") from None
        try:
            driver = await self._take_driver()
        except BaseException:
            processes.remove_tree(directory)
            raise
        launch_time = self._clock.monotonic()
        cgroup = self._cgroups.make(directory.name)
        attempt = _Attempt(request.placement, driver, directory, cgroup)
        launching = asyncio.ensure_future(self._start(attempt, request, found, seconds, launch_time))
        try:
            async with asyncio.timeout(seconds):
                context = await asyncio.shield(launching)
            return self._started(attempt, context, found, launch_time)
        except BaseException as error:
            await self._abandon(launching, attempt)
            if isinstance(error, Error | OSError | TimeoutError | ValueError | GuardianLost):
                raise LaunchFailed(self._explained(found, error, seconds)) from None
            raise

    def _started(
        self, attempt: _Attempt, context: BrowserContext, found: FoundBrowser, launch_time: float
    ) -> PlaywrightBrowser:
        """The browser that an attempt has brought up."""
        placement, driver, directory = attempt.placement, attempt.driver, attempt.directory
        pid = _main_pid(directory)
        self._guard.identify(placement, pid)
        temporary = self._temporary(directory)

        def released() -> None:
            processes.remove_tree(temporary)
            self._guard.release(placement)
            self._drivers.give_back(driver)

        fields: dict[str, object] = {
            "browser_session_id": placement.browser_session_id,
            "fence": placement.fence,
            "pid": pid,
        }
        logger.info(
            "browser started", extra={**fields, "duration_ms": round((self._clock.monotonic() - launch_time) * 1000)}
        )
        return PlaywrightBrowser(
            context,
            driver,
            pid=pid,
            directory=directory,
            cgroup=attempt.cgroup,
            version=found.name,
            launch_time=launch_time,
            released=released,
            fields=fields,
        )

    async def _start(
        self, attempt: _Attempt, request: LaunchRequest, found: FoundBrowser, seconds: float, launch_time: float
    ) -> BrowserContext:
        directory, cgroup = attempt.directory, str(attempt.cgroup or "")
        home, temporary = directory / "home", self._temporary(directory)
        deadline = None if request.lifetime is None else launch_time + request.lifetime.total_seconds()
        # Before the browser is there: this process may be stopped while it starts.
        await self._guard.cover(request.placement, deadline, [directory, temporary], cgroup)
        for path in (home, temporary):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = browser_environment(self._environ, home, temporary)
        if cgroup:
            environment["TABKEEP_ENTER_CGROUP"] = cgroup
        return await attempt.driver.playwright.chromium.launch_persistent_context(
            directory / "profile",
            executable_path=self._executables[request.browser_type],
            args=browser_arguments(found),
            ignore_default_args=dropped_arguments(),
            chromium_sandbox=self._sandbox,
            env=environment,
            viewport={"width": request.width, "height": request.height},
            downloads_path=directory / "downloads",
            artifacts_dir=directory / "artifacts",
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=seconds * 1000,
        )

    async def _take_driver(self) -> Driver:
        try:
            return await self._drivers.take()
        except Exception as error:  # Playwright raises a bare Exception when its driver ends at once
            remedy = "install playwright again for this platform, or see `tabkeep doctor`"
            raise LaunchFailed(f"Playwright's driver did not start: {_words(error)}: {remedy}") from None

    def _temporary(self, directory: Path) -> Path:
        return directory / "tmp" if self._short_root is None else self._short_root / directory.name

    async def _abandon(self, launching: asyncio.Future[BrowserContext], attempt: _Attempt) -> None:
        """See to it that nothing comes of a launch that failed or is not wanted any more."""
        task = asyncio.create_task(self._end_launch(launching, attempt))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # A launch that is cancelled while it gives up must not return before its browser is gone.
            await asyncio.wait({task})
            raise

    async def _end_launch(self, launching: asyncio.Future[BrowserContext], attempt: _Attempt) -> None:
        driver, directory = attempt.driver, attempt.directory
        # The driver may only now be about to start the browser, so this goes on until it has answered.
        loop = asyncio.get_running_loop()
        stuck_at = loop.time() + ABANDON_SECONDS
        while not launching.done() and not driver.exited.done():
            await processes.end_processes_of(directory / "profile")
            await asyncio.wait({launching}, timeout=0.1)
            if loop.time() >= stuck_at:
                logger.error("playwright driver stuck", extra={"pid": driver.pid, "browsers": driver.browsers})
                driver.kill()
        launching.cancel()
        await processes.end_processes_of(directory / "profile")
        await asyncio.gather(launching, return_exceptions=True)
        await asyncio.to_thread(processes.remove_tree, directory)
        await asyncio.to_thread(processes.remove_tree, self._temporary(directory))
        if attempt.cgroup is not None:
            await cgroups.end(attempt.cgroup)
        self._guard.release(attempt.placement)
        self._drivers.give_back(driver)

    def _explained(self, found: FoundBrowser, error: Exception, seconds: float) -> str:
        if isinstance(error, TimeoutError):
            return f"{found.name} did not start within {seconds:g} s"
        words = _words(error)
        if "No usable sandbox" in words or "sandbox_host_linux" in words:
            words = (
                "Chromium's sandbox cannot start here: allow unprivileged user namespaces for this host, or set "
                f"TABKEEP_ALLOW_UNSANDBOXED=1 to do without: {words}"
            )
        return f"{found.name} could not be started: {words}"

    async def _open_first_page(self, browser: PlaywrightBrowser, request: LaunchRequest, give_up_at: float) -> None:
        seconds = min(FIRST_PAGE_SECONDS, max(1.0, give_up_at - self._clock.monotonic()))
        try:
            page = await browser.current_page()
            await page.goto(request.url, timeout=seconds)
        except BrowserError as error:
            # The page shows it; a session whose first page does not load is a live browser all the same.
            # "net::ERR_… at <url>": a URL may hold secrets in its query.
            reason = _words(error).partition(" at ")[0]
            fields = {"browser_session_id": request.placement.browser_session_id, "reason": reason}
            logger.warning("first page not loaded", extra={**fields, "site": urlsplit(request.url).hostname})
        except BaseException:
            await browser.close()
            raise


def _main_pid(directory: Path) -> int:
    """The browser's main process, as it notes it in its profile: "machine-pid"."""
    return int(str((directory / "profile" / "SingletonLock").readlink()).rpartition("-")[2])


def _words(error: BaseException) -> str:
    """An error's own words, and what the browser itself wrote, without the rest of Playwright's log."""
    lines = str(error).splitlines()
    first = lines[0].removeprefix("BrowserType.launch_persistent_context: ") if lines else ""
    # "[pid=7][err] cannot open display"; from the end, because a browser complains of much before it says why it ends.
    written = [line.partition("[err]")[2].strip() for line in lines if "[err]" in line]
    words = [first or type(error).__name__, *written[-LAST_LINES:]]
    return " | ".join(word for word in words if word)[:LONGEST_MESSAGE]
