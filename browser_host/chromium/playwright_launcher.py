"""Starts browsers with Playwright: not more at once than cores, each in a directory of its own, one retry.

Implements `open_browser.Launcher`. Everything a browser writes lies under `<data dir>/browsers/<fence>-…`, which is
removed with it; what a killed host left there is swept by the next one. Where browsers run as users of their own, which
may not be able to get there, `browsers` is a link to a directory elsewhere.

A session is given a browser that waits in the pool when there is one of its spec, else one that is started for it; from
there on (`_hand_over`) both are the same. Each was looked at in the kernel's account before (`isolation`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import playwright
import psutil
from playwright.async_api import BrowserContext, Error

from browser_host import extensions
from browser_host.browser import BrowserError
from browser_host.chromium import playwright_extensions
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_downloads import PlaywrightDownloads
from browser_host.chromium.playwright_driver import Driver, Drivers
from browser_host.chromium.playwright_extensions import ExtensionNotLoaded
from browser_host.clock import Clock
from browser_host.extensions import Extension, ExtensionInvalid
from browser_host.guard import Guard, GuardianLost, Unguarded
from browser_host.kernel import cgroups, isolation, processes, session_directory
from browser_host.kernel.cgroups import BrowserCgroups, Cgroups, Limits, Roots
from browser_host.kernel.isolation import Isolation, NotIsolated
from browser_host.kernel.session_users import NoUserFree, SessionUsers
from browser_host.launch import (
    FoundBrowser,
    browser_arguments,
    browser_environment,
    dropped_arguments,
    egress_arguments,
    how_to_install,
)
from browser_host.messages import BrowserType, Network, Placement
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import Pattern
from browser_host.network.machine_network import default_proxy, private_destinations
from browser_host.network.upstream import ProxyFailed
from browser_host.open_browser import BrowserSpec, LaunchFailed, LaunchRequest, ProxyUnusable
from browser_host.warm_pool import PoolSettings, WarmPool

logger = logging.getLogger(__name__)

ATTEMPTS = 2
"""One launch in some hundred failed for no reason that could be found, and the next one did not."""
ATTEMPT_SECONDS = 20.0
FIRST_PAGE_SECONDS = 10.0
"""How long a launch waits for its first page; a slower one goes on loading in a browser that counts as up."""
_BROKEN_OFF = ("ERR_ABORTED", "Download is starting")
"""What Playwright says of a navigation that became a download; an answer without content is told so, too."""
_DOWNLOAD_SECONDS = 0.5
"""How long the browser may take then to tell of the download: closed before, the session would know of none."""
ABANDON_SECONDS = 10.0
"""A driver that does not answer for a launch, all of whose processes were killed, for so long is stuck."""
LONGEST_ROOT_PATH = 36
"""Chromium makes a socket in its temporary directory, and dies when the path of that is over 108 bytes: 46 are its
own, 26 at most are `/<fence>-<8 letters>/tmp`. For a longer root the temporary directories lie elsewhere."""
CLAIM_SECONDS = 1.0
"""How long a browser of the pool may take to answer before another one takes its place; it takes a millisecond."""
NO_LIMITS = Limits()
NO_POOL = PoolSettings()
NO_SANDBOX_SIGNS = ("No usable sandbox", "sandbox_host_linux", "Running as root without --no-sandbox", "credentials.cc")
LONGEST_MESSAGE = 2000
LAST_LINES = 10


class IsolationFailed(LaunchFailed):
    """A browser is not as apart as it should be here, or was not let be so; another try ends no other way."""


@dataclass(slots=True, eq=False)
class _Prepared:
    """A browser from the try at starting it to its end, and what is to be cleaned up then."""

    placement: Placement
    """Under which the guardian knows it; of the pool first, then of the session."""
    driver: Driver
    directory: Path
    temporary: Path
    cgroups: BrowserCgroups | None
    user: int
    egress: Egress
    extensions: list[str] = field(default_factory=list)
    """Those that are loaded."""

    @property
    def directories(self) -> list[Path]:
        """What the guardian removes."""
        return [self.directory, self.temporary]

    @property
    def unified(self) -> str:
        """The cgroup by which all its processes are found; empty where there is none."""
        return str(self.cgroups.unified) if self.cgroups and self.cgroups.unified else ""


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
        limits: Limits = NO_LIMITS,
        users: SessionUsers | None = None,
        offered: tuple[Extension, ...] = (),
        pool: PoolSettings = NO_POOL,
        guard: Guard | None = None,
        environ: Mapping[str, str] = os.environ,
        allow_private: tuple[Pattern, ...] | None = None,
    ) -> None:
        """Prepare; `open` must be awaited before the first launch.

        With `users` each browser runs as one of them, which needs root; without, as the host's own user.
        `allow_private` are the private destinations that all its browsers may reach; without it `environ` is asked.
        """
        self._allow_private = private_destinations(environ) if allow_private is None else allow_private
        self._default_proxy = default_proxy(environ)
        self._found: dict[BrowserType, FoundBrowser] = {}
        for browser in found:
            self._found.setdefault(browser.browser_type, browser)
        self._root = self._browsers = data_dir / "browsers"
        self._wrappers = data_dir / "launchers"
        self._short_link = data_dir / "temporary"
        """Where there is a root for temporary directories elsewhere, a link to it, so that the next host finds it."""
        self._short_root: Path | None = None
        self._cgroup_link = data_dir / "cgroup"
        """Where there are cgroups, links to the host's (cgroup, cgroup-1, …); for the same reason."""
        self._use_cgroups = use_cgroups
        self._limits = limits
        self._cgroups = Cgroups(Roots(), limits)
        self._users = users
        self._extensions = {extension.name: extension for extension in offered}
        self._guard: Guard = guard or Unguarded()
        self._clock = clock
        self._sandbox = sandbox
        self._environ = environ
        self._cold_launches = asyncio.Semaphore(concurrency)
        self._executables: dict[BrowserType, Path] = {}
        self._drivers = Drivers(None, self._guard)
        self._abandoned: set[asyncio.Task[None]] = set()
        self._starts: dict[PlaywrightBrowser, _Prepared] = {}
        self._kept_no = 0
        self._pool: WarmPool[PlaywrightBrowser] = WarmPool(
            self._start_for_pool, pool, clock, usual=self._usual(), free_memory=_free_memory
        )
        self._filling: asyncio.Task[None] | None = None

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
        await asyncio.to_thread(self._make_root)
        if len(os.fsencode(self._root)) > LONGEST_ROOT_PATH:
            self._short_root = session_directory.new_root()
            self._short_link.symlink_to(self._short_root)
        if self._use_cgroups:
            roots = await asyncio.to_thread(cgroups.make_roots, self._limits)
            for number, path in enumerate(roots.paths):
                self._cgroup_links(number).symlink_to(path)
                self._guard.cover_cgroup(path)
            self._cgroups = Cgroups(roots, self._limits)
        await self._write_wrappers()
        self._drivers.give_back(await self._take_driver())

    async def look(self) -> Isolation:
        """Start a browser and look how apart it is; call once, after `open`. It is the first of the pool."""
        usual, failure = self._usual(), ""
        if usual is not None:
            try:
                browser = await self._start_for_pool(usual)
            except IsolationFailed as error:
                failure = str(error)
            except LaunchFailed as error:
                # Not a fault of this kind, and perhaps none that stays; each session's start tells.
                logger.warning("no browser could be looked at", extra={"reason": str(error)})
            else:
                if not self._pool.add(usual, browser):
                    await browser.close()
        if not failure:
            self._filling = asyncio.create_task(self._pool.run())
        return replace(self._isolation(own_user=self._users is not None, limited=True), failure=failure)

    def _isolation(self, *, own_user: bool, limited: bool) -> Isolation:
        limits = self._cgroups.limits if limited else NO_LIMITS
        return Isolation(self._sandbox, own_user, limits.memory_bytes, limits.tasks, limits.cpu_percent)

    def _usual(self) -> BrowserSpec | None:
        browser_type = next(iter(self._found), None)
        return BrowserSpec(browser_type) if browser_type is not None else None

    def _make_root(self) -> None:
        """Make the directory of the browsers; elsewhere, with a link to it, where their users cannot get to it."""
        if self._users is None:
            self._root.mkdir(mode=0o700, parents=True)
            return
        self._root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if session_directory.others_can_reach(self._root.parent.parent):
            self._root.parent.chmod(0o711)
            self._root.mkdir(mode=0o711)
            self._root.chmod(0o711)
            return
        link, self._root = self._root, session_directory.new_root()
        link.symlink_to(self._root)

    def _cgroup_links(self, number: int) -> Path:
        return self._cgroup_link.with_name(f"cgroup-{number}") if number else self._cgroup_link

    async def _write_wrappers(self) -> None:
        dies = await asyncio.to_thread(processes.can_die_with_parent)
        if dies:
            node = self._environ.get("PLAYWRIGHT_NODEJS_PATH") or Path(playwright.__file__).parent / "driver" / "node"
            wrapper = processes.write_wrapper(self._wrappers, "node", Path(node), dies_with_parent=True)
            self._drivers = Drivers(wrapper, self._guard)
        else:
            logger.warning("no setpriv here: what is stuck when host and guardian are killed stays till the next start")
        self._executables = {browser_type: browser.executable for browser_type, browser in self._found.items()}
        if dies or self._cgroups.usable or self._users is not None:
            for browser_type, executable in self._executables.items():
                self._executables[browser_type] = processes.write_wrapper(
                    self._wrappers, browser_type, executable, dies_with_parent=dies
                )

    async def close(self) -> None:
        """End the pool and the drivers; every browser that was launched must have been closed before."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        await self._pool.close()
        for task in list(self._abandoned):
            task.cancel()
        await asyncio.gather(*self._abandoned, return_exceptions=True)
        await self._drivers.close()
        await self._sweep()

    async def _sweep(self) -> int:
        ended = await processes.sweep(self._browsers)
        for number in range(1 + len(cgroups.CONTROLLERS)):
            link = self._cgroup_links(number)
            if link.is_symlink():
                await cgroups.end((link.readlink(),))
                link.unlink()
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
        self._pool.session_starts(1)
        try:
            async with asyncio.timeout(request.timeout.total_seconds()):
                await self._try_network(request.network)
                self._pool.asked(self._wanted(request))
                browser = await self._claim(request)
                if browser is None:
                    browser = await self._attempts(request, found, give_up_at)
        except TimeoutError:
            raise LaunchFailed(f"{found.name} did not start within {request.timeout.total_seconds():g} s") from None
        finally:
            self._pool.session_starts(-1)
        if request.state is not None:
            await self._restore(browser, request.state, found, give_up_at)
        try:
            await self._set_page_options(browser, request, found)
            await self._load_extensions(browser, request.extensions)
        except BaseException:
            await browser.close()
            raise
        if request.url:
            await self._open_first_page(browser, request, give_up_at)
        return browser

    def _new_egress(self) -> Egress:
        return Egress(self._allow_private, default_proxy=self._default_proxy)

    async def _try_network(self, network: Network) -> None:
        """Look whether a session's proxy takes it, before a browser is started or claimed for it.

        Raises:
            LaunchFailed.
        """
        egress = self._new_egress()
        try:
            egress.set_network(network)
            await egress.probe()
        except ProxyFailed as error:
            raise ProxyUnusable(str(error)) from None
        except ValueError as error:
            raise LaunchFailed(str(error)) from None
        finally:
            await egress.close()

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

    async def _set_page_options(self, browser: PlaywrightBrowser, request: LaunchRequest, found: FoundBrowser) -> None:
        try:
            await browser.set_page_options(request.page_options)
        except Error as error:
            raise LaunchFailed(f"{found.name} did not take the session's page options: {_words(error)}") from None
        except TimeoutError:
            raise LaunchFailed(f"{found.name} did not take the session's page options in time") from None

    async def _load_extensions(self, browser: PlaywrightBrowser, names: tuple[str, ...]) -> None:
        """Load what it has not got of these; before any page, and only then is the browser up.

        Raises:
            LaunchFailed: one of them is not offered here, or is not in force.
        """
        start = self._starts[browser]
        for name in names:
            if name in start.extensions:
                continue
            extension = self._extensions.get(name)
            if extension is None:
                offered = ", ".join(sorted(self._extensions)) or "none"
                raise LaunchFailed(f"this host offers no extension {name}; offered are: {offered}")
            try:
                to = start.directory / "extensions"
                directory = await asyncio.to_thread(extensions.copy, extension, to, start.user)
                await playwright_extensions.load(browser.context, name, directory, has_rules=extension.has_rules)
            except (ExtensionInvalid, ExtensionNotLoaded, OSError) as error:
                raise LaunchFailed(str(error)) from None
            start.extensions.append(name)

    def _wanted(self, request: LaunchRequest) -> BrowserSpec:
        """What is just right for a request: its extensions are loaded already, as far as they may be beforehand."""
        if request.state is not None:
            return request.spec  # the state comes first
        offered = [self._extensions[name] for name in request.extensions if name in self._extensions]
        return replace(request.spec, extensions=tuple(one.name for one in offered if not one.has_scripts))

    async def _claim(self, request: LaunchRequest) -> PlaywrightBrowser | None:
        """A browser from the pool, as if it had been started for this request; None when there is none that works."""
        while (browser := self._pool.claim(self._wanted(request)) or self._pool.claim(request.spec)) is not None:
            began = self._clock.monotonic()
            try:
                if not await browser.answers(CLAIM_SECONDS):
                    raise LaunchFailed("it does not answer")
                await self._hand_over(browser, request)
            except BaseException as error:
                await self._discard(browser)
                self._guard.release(request.placement)
                if not isinstance(error, LaunchFailed | GuardianLost):
                    raise
                logger.warning("browser kept ready not used", extra={"pid": browser.pid, "reason": str(error)})
            else:
                duration_ms = round((self._clock.monotonic() - began) * 1000)
                logger.info(
                    "browser claimed", extra={**_fields(request.placement, browser.pid), "duration_ms": duration_ms}
                )
                return browser
        return None

    async def _discard(self, browser: PlaywrightBrowser) -> None:
        """End a browser that no session has; what cannot be ended now is the guardian's, with this process."""
        try:
            await browser.close()
        except Exception:
            logger.exception("browser not closed", extra={"pid": browser.pid})

    async def _hand_over(self, browser: PlaywrightBrowser, request: LaunchRequest) -> None:
        """Give a browser of the pool to a session: the guardian holds it to the session's time and lease from now on.

        Raises:
            GuardianLost.
        """
        start = self._starts[browser]
        now = self._clock.monotonic()
        await self._guard.cover(
            request.placement,
            self._deadline(request, now),
            start.directories,
            start.unified,
            user=start.user,
        )
        self._guard.identify(request.placement, browser.pid)
        # Only now: at no moment may nobody guard it.
        self._guard.release(start.placement)
        start.placement = request.placement
        browser.claimed(now, _fields(request.placement, browser.pid))
        browser.set_network(request.network)
        if browser.gone.done():
            raise LaunchFailed(browser.gone.result())

    async def _start_for_pool(self, spec: BrowserSpec) -> PlaywrightBrowser:
        """A browser that no session has.

        Raises:
            LaunchFailed.
        """
        found = self._found[spec.browser_type]
        self._kept_no += 1
        async with self._cold_launches:
            browser = await self._attempt(Placement(f"pool-{self._kept_no}", 0), spec, found, ATTEMPT_SECONDS, None)
            try:
                await self._load_extensions(browser, spec.extensions)
            except BaseException:
                await browser.close()
                raise
            return browser

    @staticmethod
    def _deadline(request: LaunchRequest, launch_time: float) -> float | None:
        return None if request.lifetime is None else launch_time + request.lifetime.total_seconds()

    async def _attempts(self, request: LaunchRequest, found: FoundBrowser, give_up_at: float) -> PlaywrightBrowser:
        attempt = 1
        while True:
            try:
                async with self._cold_launches:
                    # What held this one up may have been the start of one that is just right.
                    if (browser := await self._claim(request)) is not None:
                        return browser
                    seconds = min(ATTEMPT_SECONDS, give_up_at - self._clock.monotonic())
                    return await self._attempt(request.placement, request.spec, found, seconds, request)
            except LaunchFailed as failure:
                if attempt == ATTEMPTS:
                    raise
                attempt += 1
                fields = {"browser_session_id": request.placement.browser_session_id, "fence": request.placement.fence}
                logger.warning("launch failed, trying again", extra={**fields, "reason": str(failure)})

    async def _attempt(
        self,
        placement: Placement,
        spec: BrowserSpec,
        found: FoundBrowser,
        seconds: float,
        request: LaunchRequest | None,
    ) -> PlaywrightBrowser:
        """One try at starting a browser; `request` is the session's, None for the pool."""
        start = await self._prepare(placement)
        launch_time = self._clock.monotonic()
        deadline = None if request is None else self._deadline(request, launch_time)
        launching = asyncio.ensure_future(
            self._start(start, spec, found, seconds, deadline, leased=request is not None)
        )
        try:
            async with asyncio.timeout(seconds):
                context = await asyncio.shield(launching)
                downloads = PlaywrightDownloads(start.directory / "downloads", start.user)
                pid = _main_pid(start.directory)
                await asyncio.gather(
                    downloads.watch(context),
                    asyncio.to_thread(isolation.examine, pid, sandboxed=self._sandbox, user=start.user),
                )
            browser = self._started(start, spec, context, downloads, pid, found, launch_time)
            if request is not None:
                browser.set_network(request.network)
            return browser
        except BaseException as error:
            await self._abandon(launching, start)
            if isinstance(error, Error | OSError | TimeoutError | ValueError | GuardianLost | NotIsolated):
                raise self._failed(found, error, seconds) from None
            raise

    def _started(
        self,
        start: _Prepared,
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
        fields = _fields(start.placement, pid)
        logger.info(
            "browser started", extra={**fields, "duration_ms": round((self._clock.monotonic() - launch_time) * 1000)}
        )
        browser = PlaywrightBrowser(
            context,
            start.driver,
            pid=pid,
            directory=start.directory,
            cgroups=start.cgroups,
            user=start.user,
            isolation=self._isolation(own_user=start.user != 0, limited=start.cgroups is not None),
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

    async def _prepare(self, placement: Placement) -> _Prepared:
        """A directory, a driver, cgroups and a user for a browser; none of them is left when one cannot be had.

        Raises:
            LaunchFailed.
        """
        driver = await self._take_driver()
        user, directory, egress = 0, None, self._new_egress()
        try:
            await egress.open()
            user = self._users.take() if self._users is not None else 0
            directory = session_directory.make(self._root, f"{placement.fence}-", user)
            temporary = directory / "tmp" if self._short_root is None else self._short_root / directory.name
            made = self._cgroups.make(directory.name) if self._cgroups.usable else None
        except (OSError, NoUserFree) as error:
            await egress.close()
            self._drivers.give_back(driver)
            if directory is not None:
                processes.remove_tree(directory)
            if user and self._users is not None:
                self._users.give_back(user)
            raise LaunchFailed(f"no place for a browser: {error}") from None
        return _Prepared(placement, driver, directory, temporary, made, user, egress)

    async def _start(
        self,
        start: _Prepared,
        spec: BrowserSpec,
        found: FoundBrowser,
        seconds: float,
        deadline: float | None,
        *,
        leased: bool,
    ) -> BrowserContext:
        # Before the browser is there: this process may be stopped while it starts.
        await self._guard.cover(
            start.placement, deadline, start.directories, start.unified, user=start.user, leased=leased
        )
        home = session_directory.fill(start.directory, start.temporary, start.user)
        environment = browser_environment(self._environ, home, start.temporary)
        if start.cgroups is not None:
            environment["TABKEEP_ENTER_CGROUPS"] = "\n".join(map(str, start.cgroups.paths))
        if start.user:
            environment["TABKEEP_BECOME_USER"] = str(start.user)
        return await start.driver.playwright.chromium.launch_persistent_context(
            start.directory / "profile",
            executable_path=self._executables[spec.browser_type],
            args=[*browser_arguments(found), *egress_arguments(start.egress.port)],
            ignore_default_args=dropped_arguments(),
            chromium_sandbox=self._sandbox,
            env=environment,
            viewport={"width": spec.width, "height": spec.height},
            **_place(spec),
            downloads_path=start.directory / "downloads",
            artifacts_dir=start.directory / "artifacts",
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=seconds * 1000,
        )

    def _released(self, browser: PlaywrightBrowser) -> None:
        """Nothing of a browser lives any more, and its directory and cgroups are gone."""
        start = self._starts[browser]
        processes.remove_tree(start.temporary)
        del self._starts[browser]
        self._guard.release(start.placement)
        self._drivers.give_back(start.driver)
        if start.user and self._users is not None:
            self._users.give_back(start.user)

    async def _take_driver(self) -> Driver:
        try:
            return await self._drivers.take()
        except Exception as error:  # Playwright raises a bare Exception when its driver ends at once
            remedy = "install playwright again for this platform, or see `tabkeep doctor`"
            raise LaunchFailed(f"Playwright's driver did not start: {_words(error)}: {remedy}") from None

    async def _abandon(self, launching: asyncio.Future[BrowserContext], start: _Prepared) -> None:
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

    async def _end_launch(self, launching: asyncio.Future[BrowserContext], start: _Prepared) -> None:
        driver = start.driver
        # The driver may only now be about to start the browser, so this goes on until it has answered.
        loop = asyncio.get_running_loop()
        stuck_at = loop.time() + ABANDON_SECONDS
        while not launching.done() and not driver.exited.done():
            await self._end_processes(start)
            await asyncio.wait({launching}, timeout=0.1)
            if loop.time() >= stuck_at:
                logger.error("playwright driver stuck", extra={"pid": driver.pid, "browsers": driver.browsers})
                driver.kill()
        launching.cancel()
        await self._end_processes(start)
        await asyncio.gather(launching, return_exceptions=True)
        await self._clean_up(start)
        self._guard.release(start.placement)
        self._drivers.give_back(driver)

    @staticmethod
    async def _end_processes(start: _Prepared) -> None:
        await processes.end_processes_of(start.directory / "profile")
        if start.user:
            await processes.end_user(start.user)

    async def _clean_up(self, start: _Prepared) -> None:
        """Remove what was prepared for a browser of which nothing lives."""
        await start.egress.close()
        await asyncio.to_thread(processes.remove_tree, start.directory)
        await asyncio.to_thread(processes.remove_tree, start.temporary)
        if start.cgroups is not None:
            await cgroups.end(start.cgroups.paths)
        if start.user and self._users is not None:
            await processes.end_user(start.user)
            self._users.give_back(start.user)

    def _failed(self, found: FoundBrowser, error: Exception, seconds: float) -> LaunchFailed:
        if isinstance(error, TimeoutError):
            return LaunchFailed(f"{found.name} did not start within {seconds:g} s")
        words = _words(error)
        if isinstance(error, NotIsolated):
            return IsolationFailed(f"{found.name} is not isolated here: {words}")
        if any(sign in str(error) for sign in NO_SANDBOX_SIGNS):
            remedy = f"its sandbox cannot start: {isolation.HOW_TO_ALLOW_USER_NAMESPACES}"
            return IsolationFailed(f"{found.name} could not be started: {remedy}: {words}")
        if self._users is not None and not session_directory.others_can_reach(found.executable.resolve()):
            remedy = "install it where all can (PLAYWRIGHT_BROWSERS_PATH=/opt/browsers playwright install chromium)"
            return IsolationFailed(f"the users of sessions cannot get to {found.executable}: {remedy}: {words}")
        return LaunchFailed(f"{found.name} could not be started: {words}")

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
            if any(sign in reason for sign in _BROKEN_OFF):
                await browser.heard_of_download(_DOWNLOAD_SECONDS)
        except BaseException:
            await browser.close()
            raise


def _place(spec: BrowserSpec) -> dict[str, Any]:
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


def _fields(placement: Placement, pid: int) -> dict[str, object]:
    return {"browser_session_id": placement.browser_session_id, "fence": placement.fence, "pid": pid}


def _free_memory() -> int:
    return int(psutil.virtual_memory().available)


def _words(error: BaseException) -> str:
    """An error's own words, and what the browser itself wrote, without the rest of Playwright's log."""
    lines = str(error).splitlines()
    first = lines[0].removeprefix("BrowserType.launch_persistent_context: ") if lines else ""
    # "[pid=7][err] cannot open display"; from the end, because a browser complains of much before it says why it ends.
    written = [line.partition("[err]")[2].strip() for line in lines if "[err]" in line]
    words = [first or type(error).__name__, *written[-LAST_LINES:]]
    return " | ".join(word for word in words if word)[:LONGEST_MESSAGE]
