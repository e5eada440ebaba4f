"""Simulated browsers, and the truth about them: which processes live, and what the site saw them do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from browser_host.browser import BrowserGone, Page
from browser_host.cdp_guest import CdpChannel
from browser_host.clock import Clock
from browser_host.guard import Guard
from browser_host.kernel.isolation import UNKNOWN
from browser_host.messages import Network, PageOptions, Placement
from browser_host.open_browser import Download, LaunchFailed, LaunchRequest, Shown, StateNotTaken
from browser_host.pages import Dialogs, OpenPage, PageLog, Trouble
from tests.simulation.virtual_loop import Process, SimulatedLoop

CLOSE_SECONDS = 3.0
"""A browser that hangs is killed after this time."""


@dataclass
class BrowserProcess:
    """A browser as the process table shows it."""

    number: int
    placement: Placement
    host: Process
    started_at: float
    """True time."""
    started_at_local: float
    """On its host's monotonic clock."""
    ended_at: float | None = None
    hangs: bool = False
    gone: asyncio.Future[str] | None = None

    @property
    def alive(self) -> bool:
        return self.ended_at is None

    def __repr__(self) -> str:
        return f"browser {self.placement.browser_session_id[-6:]}/{self.placement.fence} on {self.host}"


@dataclass(frozen=True)
class Effect:
    """Something that a browser did to the site."""

    time: float
    browser_session_id: str
    run_id: str
    step: int


@dataclass
class Site:
    """The process tables of all machines and the site's own log. Nothing in the product can change it."""

    loop: SimulatedLoop
    trace: Callable[[str], None]
    living: dict[int, BrowserProcess] = field(default_factory=dict)
    """By their number, so in the order of their start."""
    started: int = 0
    effects: list[Effect] = field(default_factory=list)
    on_start: Callable[[BrowserProcess], None] = lambda browser: None
    on_effect: Callable[[Effect], None] = lambda effect: None

    def start(self, placement: Placement, host: Process, local_time: float) -> BrowserProcess:
        self.started += 1
        browser = BrowserProcess(self.started, placement, host, self.loop.true_time, local_time)
        self.living[browser.number] = browser
        self.trace(f"{browser} starts")
        self.on_start(browser)
        return browser

    def end(self, browser: BrowserProcess, why: str) -> None:
        if browser.ended_at is None:
            browser.ended_at = self.loop.true_time
            del self.living[browser.number]
            self.trace(f"{browser} ends: {why}")

    def kill(self, browser: BrowserProcess, why: str) -> None:
        """End it from outside; its host, if that still lives, is told as soon as it runs."""
        if browser.alive:
            self.end(browser, why)
            self.loop.post(browser.host, _tell_gone, browser, why)

    def act(self, browser: BrowserProcess, run_id: str, step: int) -> None:
        effect = Effect(self.loop.true_time, browser.placement.browser_session_id, run_id, step)
        self.effects.append(effect)
        self.trace(f"effect {run_id[-6:]} step {step}")
        self.on_effect(effect)

    def alive(self) -> list[BrowserProcess]:
        return list(self.living.values())


def _tell_gone(browser: BrowserProcess, why: str) -> None:
    if browser.gone is not None and not browser.gone.done():
        browser.gone.set_result(why)


class SimulatedBrowser:
    """Implements `OpenBrowser` on a BrowserProcess."""

    version = "Simulated 1.0"
    isolation = UNKNOWN
    warm_start = False
    state_notes = ""

    def __init__(self, process: BrowserProcess, site: Site, rng: random.Random, guard: Guard) -> None:
        self.process = process
        self.launch_time = process.started_at_local
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        process.gone = self.gone
        self._site = site
        self._guard = guard
        self._rng = rng
        self.dialogs = Dialogs()
        self.page_log = PageLog()
        if not process.alive:
            self.gone.set_result("it ended while it was being launched")

    def on_download(self, begun: Callable[[Download], None]) -> None:
        self.download_begun = begun

    def on_change(self, callback: Callable[[], None]) -> None:
        """Its page never changes by itself."""

    async def shown(self) -> Shown:
        return Shown("about:blank", "", 1)

    def set_network(self, network: Network) -> None:
        """It has no network."""

    def change_page_options(self, options: PageOptions) -> None:
        """It has no pages."""

    async def take_state(self, *, timeout: float, last: bool = False) -> bytes:
        raise StateNotTaken("a simulated browser has no state")

    async def open_cdp(self) -> CdpChannel:
        raise BrowserGone("a simulated browser speaks no CDP")

    async def current_page(self) -> Page:
        raise NotImplementedError("the simulated engine asks for no page")

    async def pages(self) -> list[OpenPage]:
        return []

    async def show_page(self, page_id: str) -> None:
        """It has no tabs."""

    async def open_page(self) -> None:
        """It has no tabs."""

    async def close_page(self, page_id: str) -> None:
        """It has no tabs."""

    def on_fatal_crash(self, callback: Callable[[str], None]) -> None:
        self.fatal_crash = callback

    def troubles(self) -> tuple[Trouble, ...]:
        return ()

    def act(self, run_id: str, step: int) -> None:
        """Do something to the site. Raises BrowserGone."""
        if not self.process.alive:
            raise BrowserGone("its process has ended")
        self._site.act(self.process, run_id, step)

    async def close(self) -> None:
        if self.process.alive:
            await asyncio.sleep(CLOSE_SECONDS if self.process.hangs else self._rng.uniform(0.0, 1.5))
            self._site.end(self.process, "closed")
        self._guard.release(self.process.placement)
        _tell_gone(self.process, "closed")


@dataclass
class SimulatedLauncher:
    """Implements `Launcher`: 0.1 to 40 seconds, sometimes in vain."""

    site: Site
    host: Process
    clock: Clock
    rng: random.Random
    guard: Guard

    async def launch(self, request: LaunchRequest) -> SimulatedBrowser:
        launch_time, lifetime = self.clock.monotonic(), request.lifetime
        deadline = None if lifetime is None else launch_time + lifetime.total_seconds()
        # Before the browser is there: this process may be stopped while it starts.
        await self.guard.cover(request.placement, deadline, [], "")
        try:
            return await self._launch(request)
        except BaseException:
            self.guard.release(request.placement)
            raise

    async def _launch(self, request: LaunchRequest) -> SimulatedBrowser:
        process = self.site.start(request.placement, self.host, self.clock.monotonic())
        process.hangs = self.rng.random() < 0.1
        seconds = self.rng.uniform(0.1, 3.0) if self.rng.random() < 0.9 else self.rng.uniform(3.0, 40.0)
        fails = self.rng.random() < 0.05
        timeout = request.timeout.total_seconds()
        try:
            await asyncio.sleep(min(seconds, timeout))
            if fails or seconds > timeout or not process.alive:
                await asyncio.sleep(self.rng.uniform(0.0, 1.0))
                self.site.end(process, "its launch failed")
                raise LaunchFailed("simulated")
        except asyncio.CancelledError:
            await asyncio.sleep(self.rng.uniform(0.0, 1.0))
            self.site.end(process, "its launch was cancelled")
            raise
        return SimulatedBrowser(process, self.site, self.rng, self.guard)
