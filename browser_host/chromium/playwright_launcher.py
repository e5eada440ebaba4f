"""Starts browsers with Playwright: not more at once than cores, each in a place of its own, one retry.

Implements `open_browser.Launcher`. A session is given a browser that waits in the pool when there is one of its spec,
else one that is started for it; from there on (`_hand_over`) both are the same. Each was looked at in the kernel's
account before (`isolation`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

from browser_host.chromium import playwright_outfit
from browser_host.chromium.launch_failures import IsolationFailed
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_extensions import OfferedExtensions
from browser_host.chromium.playwright_starts import PlaywrightStarts
from browser_host.clock import Clock
from browser_host.extensions import Extension
from browser_host.guard import Guard, GuardianLost, Unguarded
from browser_host.kernel.browser_places import NO_LIMITS, BrowserPlaces
from browser_host.kernel.cgroups import Limits
from browser_host.kernel.isolation import Isolation
from browser_host.kernel.session_users import SessionUsers
from browser_host.launch import FoundBrowser, how_to_install
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
CLAIM_SECONDS = 1.0
"""How long a browser of the pool may take to answer before another one takes its place; it takes a millisecond."""
NO_POOL = PoolSettings()


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
        if allow_private is None:
            allow_private = private_destinations(environ)
        self._new_egress = partial(Egress, allow_private, default_proxy=default_proxy(environ))
        self._found: dict[BrowserType, FoundBrowser] = {}
        for browser in found:
            self._found.setdefault(browser.browser_type, browser)
        self._wrappers = data_dir / "launchers"
        self._guard: Guard = guard or Unguarded()
        self._clock = clock
        self._places = BrowserPlaces(data_dir, users, limits, use_cgroups=use_cgroups)
        self._starts = PlaywrightStarts(
            self._places, self._guard, clock, self._new_egress, sandbox=sandbox, environ=environ
        )
        self._extensions = OfferedExtensions(offered)
        self._cold_launches = asyncio.Semaphore(concurrency)
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
        if ended := await self._places.sweep():
            logger.warning("browsers of a former host ended", extra={"process_groups": ended})
        await self._places.open(self._guard.cover_cgroup)
        executables = {browser_type: browser.executable for browser_type, browser in self._found.items()}
        await self._starts.open(executables, self._wrappers)

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
        return replace(self._starts.isolation(own_user=self._places.have_users, limited=True), failure=failure)

    def _usual(self) -> BrowserSpec | None:
        browser_type = next(iter(self._found), None)
        return BrowserSpec(browser_type) if browser_type is not None else None

    async def close(self) -> None:
        """End the pool and the drivers; every browser that was launched must have been closed before."""
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
        await self._pool.close()
        await self._starts.close()
        await self._places.sweep()

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
        try:
            await self._fit_out(browser, request, give_up_at)
        except BaseException:
            await browser.close()
            raise
        return browser

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

    async def _fit_out(self, browser: PlaywrightBrowser, request: LaunchRequest, give_up_at: float) -> None:
        """Give a browser all that its session is to find in it.

        Raises:
            LaunchFailed: it did not take it.
        """
        if request.state is not None:
            await playwright_outfit.restore(browser, request.state, self._left_until(give_up_at))
        await playwright_outfit.set_page_options(browser, request.page_options)
        await self._load_extensions(browser, request.extensions)
        if request.url:
            await playwright_outfit.open_first_page(browser, request, self._left_until(give_up_at))

    def _left_until(self, give_up_at: float) -> float:
        """Seconds; one at least, for what is only begun when a browser is up."""
        return max(1.0, give_up_at - self._clock.monotonic())

    async def _load_extensions(self, browser: PlaywrightBrowser, names: tuple[str, ...]) -> None:
        start = self._starts.of(browser)
        await self._extensions.load(names, browser.context, start.extensions, start.place.directory, start.place.user)

    # Browsers of the pool.

    def _wanted(self, request: LaunchRequest) -> BrowserSpec:
        """What is just right for a request: its extensions are loaded already, as far as they may be beforehand."""
        if request.state is not None:
            return request.spec  # the state comes first
        return replace(request.spec, extensions=self._extensions.beforehand(request.extensions))

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
                fields = {**request.placement.log_fields, "pid": browser.pid}
                duration_ms = round((self._clock.monotonic() - began) * 1000)
                logger.info("browser claimed", extra={**fields, "duration_ms": duration_ms})
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
        start = self._starts.of(browser)
        now = self._clock.monotonic()
        place = start.place
        await self._guard.cover(
            request.placement, request.deadline(now), place.directories, place.unified, user=place.user
        )
        self._guard.identify(request.placement, browser.pid)
        # Only now: at no moment may nobody guard it.
        self._guard.release(start.placement)
        start.placement = request.placement
        browser.claimed(now, {**request.placement.log_fields, "pid": browser.pid})
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
        placement = Placement(f"pool-{self._kept_no}", 0)
        async with self._cold_launches:
            browser = await self._starts.attempt(placement, spec, found, ATTEMPT_SECONDS, None)
            try:
                await self._load_extensions(browser, spec.extensions)
            except BaseException:
                await browser.close()
                raise
            return browser

    # Browsers that are started for a session.

    async def _attempts(self, request: LaunchRequest, found: FoundBrowser, give_up_at: float) -> PlaywrightBrowser:
        attempt = 1
        while True:
            try:
                async with self._cold_launches:
                    # What held this one up may have been the start of one that is just right.
                    if (browser := await self._claim(request)) is not None:
                        return browser
                    seconds = min(ATTEMPT_SECONDS, give_up_at - self._clock.monotonic())
                    return await self._starts.attempt(request.placement, request.spec, found, seconds, request)
            except LaunchFailed as failure:
                if attempt == ATTEMPTS:
                    raise
                attempt += 1
                fields = {**request.placement.log_fields, "reason": str(failure)}
                logger.warning("launch failed, trying again", extra=fields)


def _free_memory() -> int:
    return int(psutil.virtual_memory().available)
