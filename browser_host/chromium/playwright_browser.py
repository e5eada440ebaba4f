"""One Chromium for one session: what it is given, what it gives, its end. Implements `open_browser.OpenBrowser`.

Every wait for the browser is bounded; what a page does can hold up its own calls, never the host.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, Error
from playwright.async_api import Page as Tab

from browser_host.browser import BrowserGone, Page
from browser_host.chromium.playwright_cdp import PlaywrightCdp
from browser_host.chromium.playwright_downloads import PlaywrightDownloads
from browser_host.chromium.playwright_driver import Driver
from browser_host.chromium.playwright_life import BrowserLife
from browser_host.chromium.playwright_logins import PlaywrightLogins
from browser_host.chromium.playwright_page import AnswerDialog, PlaywrightPage
from browser_host.chromium.playwright_records import PlaywrightRecords
from browser_host.chromium.playwright_state import BrowserState
from browser_host.chromium.playwright_tabs import PlaywrightTabs
from browser_host.file_shelf import FileShelf
from browser_host.kernel import cgroups, processes, session_directory
from browser_host.kernel.cgroups import BrowserCgroups
from browser_host.kernel.isolation import Isolation
from browser_host.messages import USUAL_PAGES, Network, PageOptions
from browser_host.network.egress import Egress
from browser_host.open_browser import Download, RecordSink, Shown, StateNotTaken, StopRecords
from browser_host.pages import OpenPage, Trouble

logger = logging.getLogger(__name__)

SHORTEST_CLOSE_SECONDS = 0.5
"""What a browser has at least to end by itself after the last state took its time."""
CLOSE_SECONDS = 2.0
"""How long a browser may take to end by itself; healthy ones take 0.15 s, also with a page in an endless loop."""
OPTIONS_SECONDS = 5.0
"""How long a browser may take to grant permissions and the like."""


class PlaywrightBrowser:
    """A browser that `PlaywrightLauncher` has started."""

    def __init__(
        self,
        context: BrowserContext,
        driver: Driver,
        *,
        pid: int,
        directory: Path,
        cgroups: BrowserCgroups | None,
        user: int,
        isolation: Isolation,
        everywhere: Sequence[str],
        egress: Egress,
        version: str,
        launch_time: float,
        downloads: PlaywrightDownloads,
        released: Callable[[], None],
        fields: dict[str, object],
    ) -> None:
        """`pid` is of the main process, which leads a process group; `released` is called after the end.

        `user` is the number of the user that only this browser runs as, 0 if it is the host's own. Pages of every
        origin have the permissions `everywhere` from its start.
        """
        self._context = context
        self._driver = driver
        self._pid = pid
        self._directory = directory
        self._shelf = FileShelf(directory / session_directory.READ_BY_BROWSER, user)
        self._cgroups = cgroups
        self._user = user
        self._isolation = isolation
        self._everywhere = everywhere
        self._warm_start = False
        self._egress = egress
        self._version = version
        self._launch_time = launch_time
        self._released = released
        self._life = BrowserLife(fields)
        self._state = BrowserState(context, self._own_tab, version)
        self._state_notes = ""
        self._tabs = PlaywrightTabs(context, self._life, self._open_page, self._state.visited)
        self.dialogs, self.page_log = self._tabs.dialogs, self._tabs.log
        self._taken_options: PageOptions | None = USUAL_PAGES
        """As far as the browser itself has to do with them; None while it is being told, and when it did not take them
        all."""
        self._setting_options = asyncio.Lock()
        self._logins = PlaywrightLogins(context)
        self._closing: asyncio.Task[None] | None = None
        self._close_seconds = CLOSE_SECONDS
        self._downloads = downloads
        self._taking: asyncio.Future[bytes] | None = None
        self._watch = processes.ProcessWatch(pid)
        self._watch.exited.add_done_callback(lambda _: self._lost("the browser ended by itself or was killed"))
        driver.exited.add_done_callback(self._driver_lost)
        context.on("close", self._context_lost)
        self._tabs.watch()

    def _own_tab(self) -> AbstractAsyncContextManager[Tab]:
        return self._tabs.own_tab()

    def _open_page(self, tab: Tab, answer: AnswerDialog) -> Coroutine[Any, Any, PlaywrightPage]:
        return PlaywrightPage.open(tab, self._egress, answer, self._shelf)

    @property
    def pid(self) -> int:
        """Its main process, which leads its process group."""
        return self._pid

    @property
    def version(self) -> str:
        """Its product and version."""
        return self._version

    @property
    def launch_time(self) -> float:
        """When its process was started, or a session was given one that ran already."""
        return self._launch_time

    @property
    def user(self) -> int:
        """The number of the user that only this browser runs as; 0 if it is the host's own."""
        return self._user

    @property
    def isolation(self) -> Isolation:
        """How apart it is."""
        return self._isolation

    @property
    def warm_start(self) -> bool:
        """It was started before the session asked for one."""
        return self._warm_start

    def claimed(self, launch_time: float, fields: dict[str, object]) -> None:
        """A session has it from now on: its time counts from `launch_time`, and the log names it by `fields`."""
        self._warm_start = True
        self._launch_time = launch_time
        self._life.fields = fields

    @property
    def gone(self) -> asyncio.Future[str]:
        """Done when its main process has ended."""
        return self._life.gone

    @property
    def context(self) -> BrowserContext:
        """Playwright's own view of it."""
        return self._context

    @property
    def egress(self) -> Egress:
        """Its way out."""
        return self._egress

    def set_network(self, network: Network) -> None:
        """Let it reach this, this way, from now on."""
        self._egress.set_network(network)

    async def set_page_options(self, options: PageOptions) -> None:
        """Deal with its tabs and dialogs like this from now on.

        Raises:
            Error: Playwright's, it did not take the permissions or credentials.
            TimeoutError: it did not take them in time.
        """
        self._tabs.options = options
        self.dialogs.accept_by_default = options.accept_dialogs
        async with self._setting_options, asyncio.timeout(OPTIONS_SECONDS):
            before, self._taken_options = self._taken_options, None
            if before is None or options.permissions != before.permissions:
                await self._set_permissions(options, anew=before is None or before.permissions != ())
            if before is None or options.http_credentials != before.http_credentials:
                await self._logins.give(options.http_credentials)
            self._taken_options = options

    async def _set_permissions(self, options: PageOptions, *, anew: bool) -> None:
        if anew:
            await self._context.clear_permissions()
            await self._state.restore_permissions()
            if self._everywhere:
                await self._context.grant_permissions(self._everywhere)
        granted = {""} | {grant.origin for grant in options.permissions} if options.permissions else set()
        for origin in sorted(granted):
            # What is granted to one origin replaces for it what all have.
            names = [grant.permission for grant in options.permissions if grant.origin in ("", origin)]
            await self._context.grant_permissions([*self._everywhere, *names], origin=origin or None)

    def change_page_options(self, options: PageOptions) -> None:
        """Deal with its tabs and dialogs like this from now on; what it does not take becomes one of its troubles."""
        self._life.start(self._change_page_options(options))

    async def _change_page_options(self, options: PageOptions) -> None:
        kind = "PAGE_OPTIONS_NOT_TAKEN"
        self._tabs.troubles.pop(kind, None)
        try:
            await self.set_page_options(options)
        except (Error, TimeoutError) as error:
            why = str(error).partition("\n")[0] or f"it did not answer within {OPTIONS_SECONDS:g} s"
            logger.warning("page options not taken", extra={**self._life.fields, "reason": why})
            self._tabs.troubles[kind] = Trouble(
                kind, f"the browser did not take permissions or HTTP credentials: {why}"
            )
        self._tabs.changed()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call `callback` on every change of what it shows."""
        self._tabs.changed = callback

    def on_fatal_crash(self, callback: Callable[[str], None]) -> None:
        """Call `callback` when a page crashes and that is to end the session."""
        self._tabs.fatal_crash = callback

    def troubles(self) -> tuple[Trouble, ...]:
        """What its pages have done to the session."""
        return tuple(self._tabs.troubles.values())

    # Its state.

    @property
    def state_notes(self) -> str:
        """What of the state it started from could not be put into it."""
        return self._state_notes

    async def restore_state(self, content: bytes) -> None:
        """Put a state into it, whatever it has done before; raises ProfileUnusable, or Playwright's Error."""
        self._state_notes = await self._state.restore(content)

    async def take_state(self, *, timeout: float, last: bool = False) -> bytes:
        """Its state as it is now; raises StateNotTaken."""
        if self._life.over:
            raise StateNotTaken("the browser has ended")
        loop = asyncio.get_running_loop()
        began = loop.time()
        if last and self._taking is not None:
            self._taking.cancel()  # somebody else's; the last one has no time to wait for it
        taking = asyncio.ensure_future(self._state.take(timeout=timeout, free=self._tabs.free_pages if last else None))
        self._taking = taking
        waited_for: set[asyncio.Future[Any]] = {taking, self._life.gone}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                raise StateNotTaken("the browser has ended")
            if taking.cancelled():
                raise StateNotTaken("the session has ended")
            return taking.result()
        finally:
            taking.cancel()
            if last:
                # One that did not answer now will hardly end by itself.
                answered = taking.done() and not taking.cancelled() and taking.exception() is None
                left = CLOSE_SECONDS - (loop.time() - began) if answered else 0.0
                self._close_seconds = max(SHORTEST_CLOSE_SECONDS, left)

    # Tabs.

    async def current_page(self) -> Page:
        """The tab in front; a new one when none is left. Raises BrowserGone."""
        return await self._tabs.current_page()

    async def pages(self) -> list[OpenPage]:
        """The open tabs."""
        return await self._tabs.pages()

    async def show_page(self, page_id: str) -> None:
        """Bring a tab to the front."""
        await self._tabs.show_page(page_id)

    async def open_page(self) -> None:
        """Open a blank tab."""
        await self._tabs.open_page()

    async def close_page(self, page_id: str) -> None:
        """Close a tab."""
        await self._tabs.close_page(page_id)

    async def shown(self) -> Shown:
        """What the tab in front shows; the title as last known when the page does not answer within a second."""
        return await self._tabs.shown()

    async def answers(self, seconds: float) -> bool:
        """Whether its page answers within `seconds`."""
        return await self._tabs.answers(seconds)

    def on_download(self, begun: Callable[[Download], None]) -> None:
        """Call `begun` for every download, those from before this call first."""
        self._downloads.on_download(begun)

    async def heard_of_download(self, seconds: float) -> None:
        """Return when a download has begun, or after so long."""
        await self._downloads.heard_of(seconds)

    async def record(self, sink: RecordSink, *, console: bool, network: bool, frames_per_second: int) -> StopRecords:
        """Tell `sink` what happens."""
        records = PlaywrightRecords(self._context, lambda: self._tabs.in_front, sink)
        records.begin(console=console, network=network, frames_per_second=frames_per_second)
        return records.end

    async def open_cdp(self) -> PlaywrightCdp:
        """A CDP connection for a client; it ends with the browser.

        Raises:
            BrowserGone.
        """
        browser = self._context.browser
        self._life.refuse_over()
        if browser is None:
            raise BrowserGone("the browser is being closed")
        channel = await PlaywrightCdp.open(browser)
        self._life.gone.add_done_callback(lambda gone: channel.end(gone.result()))
        return channel

    # Its end.

    async def close(self) -> None:
        """End it: gracefully if it does so within 2 s, then by killing its process group, whatever is left of it.

        Raises:
            OSError, psutil.Error: something of it may be left; the next call tries again.
        """
        if self._closing is None or (self._closing.done() and self._failed_to_close(self._closing)):
            self._life.closing = True
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        how = "dead"
        self._downloads.end("the session ended before it was complete")
        self._logins.end()
        ending = asyncio.ensure_future(self._context.close())
        try:
            if not self._life.gone.done():
                waited_for: set[asyncio.Future[Any]] = {ending, self._life.gone}
                await asyncio.wait(waited_for, timeout=self._close_seconds, return_when=asyncio.FIRST_COMPLETED)
                how = "graceful" if ending.done() or self._life.gone.done() else "killed"
        finally:
            # Also after a graceful end: a child that was stuck stays behind, in the group.
            await processes.end_group(self._pid)
            await processes.end_processes_of(self._directory)
            if self._cgroups is not None:
                await cgroups.end(self._cgroups.paths)
            if self._user:
                await processes.end_user(self._user)
            ending.add_done_callback(_ignore)
            ending.cancel()
        await self._egress.close()
        self._life.end_tasks()
        self._watch.close()
        self._lost("the browser was closed")
        await asyncio.to_thread(processes.remove_tree, self._directory)
        self._released()
        duration_ms = round((loop.time() - began) * 1000)
        logger.info("browser closed", extra={**self._life.fields, "how": how, "duration_ms": duration_ms})

    def _failed_to_close(self, closing: asyncio.Task[None]) -> bool:
        return closing.cancelled() or closing.exception() is not None

    def _driver_lost(self, _: asyncio.Future[None]) -> None:
        self._lost("the browser's driver process ended")

    def _context_lost(self, _: BrowserContext) -> None:
        self._lost("the browser ended by itself or was killed")

    def _lost(self, cause: str) -> None:
        if not self._life.gone.done():
            self._life.gone.set_result(cause)
            self._downloads.end(f"the session ended before it was complete: {cause}")


def _ignore(future: asyncio.Future[Any]) -> None:
    """Read the result, so that asyncio does not complain that nobody did."""
    if not future.cancelled():
        future.exception()
