"""One placement of a session on this host: its launch, its browser, and its end; what it is on is in `session_runs`.

    LAUNCHING --> LIVE --> ENDING --> gone (a tombstone)
        \\--------------------^

One task, started by the host, carries the placement through this life (`live`). Whatever happens is told to it by
`end`; the first reason counts. Nothing else closes the browser, and nothing but the tombstone says that it is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tabkeep import telemetry
from tabkeep.host.v1.host_pb2 import StartRun

from browser_host import page_captures
from browser_host.cdp_guest import CdpGuest, TunnelLink
from browser_host.clock import Clock
from browser_host.downloads import Downloads
from browser_host.guard import Guard
from browser_host.kernel import guardian
from browser_host.messages import (
    Done,
    EndReason,
    Failure,
    InventoryItem,
    Launch,
    Launched,
    Network,
    Outcome,
    PageOptions,
    PageReport,
    Placement,
    Tombstone,
)
from browser_host.open_browser import (
    Download,
    Launcher,
    LaunchFailed,
    LaunchRequest,
    OpenBrowser,
    ProfileUnusable,
    ProxyUnusable,
)
from browser_host.pages import Trouble
from browser_host.session_runs import CarryOut, NewJournal, SessionRuns
from browser_host.state_saves import StateSaves
from browser_host.states import StateNotFetched, States

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 0.5
"""How long the end of a session waits for finished downloads to be out of its browser's directory."""
CLOSE_AGAIN_SECONDS = 1.0
"""How long after an attempt to end a browser that broke the next one begins."""
REPORT_SECONDS = 0.25
"""Four page reports a second at most."""
TITLE_SECONDS = 3.0
"""How often a page is asked for its title, which it can change without a word: once a heartbeat."""
LONGEST_URL, LONGEST_TITLE = 8192, 1000
"""Of a page report: a data: URL can be as large as its page."""
LONGEST_SLEEP = 1.0
"""Deadlines are looked at this often at least: timers of the event loop do not count suspend, the clock does."""

LEASE_OVER = "the host's holding lease was over: it heard of no control plane"


class LiveSession:
    """One placement, from the command that launches it to its tombstone."""

    def __init__(
        self,
        placement: Placement,
        launch: Launch,
        *,
        launcher: Launcher,
        carry_out: CarryOut,
        new_journal: NewJournal,
        report: Callable[[PageReport], None],
        clock: Clock,
        guard: Guard,
        lease_over: Callable[[], bool],
        states: States,
        tunnels: TunnelLink | None = None,
        downloads: Downloads | None = None,
        traceparent: str = "",
    ) -> None:
        self.placement = placement
        self._guest = CdpGuest(placement, tunnels)
        self._states = states
        self._downloads = downloads
        self._saves = StateSaves(placement, states, clock)
        self._guard = guard
        self._lease_over = lease_over
        self._traceparent = traceparent
        self._launch = launch
        self._launcher = launcher
        self._report = report
        self._clock = clock
        self._browser: OpenBrowser | None = None
        self._launched_at = clock.monotonic()
        self._timeout = launch.timeout
        self._network = launch.network
        self._page_options = launch.page_options
        self._timeout_changed = asyncio.Event()
        self._end: asyncio.Future[tuple[EndReason, str]] = asyncio.get_running_loop().create_future()
        self.runs = SessionRuns(
            placement,
            self._end,
            self._guest,
            downloads,
            carry_out=carry_out,
            new_journal=new_journal,
            clock=clock,
            viewport=(launch.width, launch.height),
            over=self._run_over,
        )
        self._page_changed = asyncio.Event()
        self._last_report: PageReport | None = None
        self._troubled_since: dict[str, datetime] = {}

    # What the host asks and tells.

    def inventory_item(self) -> InventoryItem:
        """This placement as Hello names it."""
        age = max(0.0, self._clock.monotonic() - self._launched_at)
        return InventoryItem(self.placement, self._browser is not None and not self.ending(), timedelta(seconds=age))

    def end(self, reason: EndReason, message: str) -> None:
        """Begin to end this placement; the first reason counts, and before all of them what the guardian did.

        A host that was stopped learns many things at once when it goes on, in no order: that its browser is dead,
        that its lease was over or, by an ack that had waited for it, that it was not.
        """
        if self._end.done():
            return
        match self._guard.killed_for(self.placement):
            case guardian.DEADLINE:
                reason, message = EndReason.TIMED_OUT, self._timeout_over()
            case guardian.LEASE:
                reason, message = EndReason.HOST_LOST, LEASE_OVER
        self._end.set_result((reason, message))

    def ending(self) -> bool:
        """Whether `end` was called."""
        return self._end.done()

    def set_timeout(self, timeout: timedelta) -> None:
        """Give the session another lifetime, counted from its launch."""
        self._timeout = timeout
        self._timeout_changed.set()
        self._guard.set_deadline(self.placement, self._deadline())

    def set_network(self, network: Network) -> Outcome:
        """Let the browser reach this, this way; one that is being started gets it once it is up."""
        try:
            if self._browser is not None:
                self._browser.set_network(network)
        except ValueError as error:
            return Failure("UNSUPPORTED", str(error))
        self._network = network
        return Done()

    def set_page_options(self, page_options: PageOptions) -> None:
        """Deal with tabs and dialogs like this; one that is being started gets it once it is up."""
        self._page_options = page_options
        if self._browser is not None:
            self._browser.change_page_options(page_options)

    def start_run(self, start: StartRun, traceparent: str) -> Outcome:
        """Begin a run."""
        return self.runs.start(start, self._browser, traceparent)

    async def capture(self, capture_id: str) -> None:
        """Bring the browser's state for somebody who waits for it, or why there is none."""
        await self._saves.capture(None if self.ending() else self._browser, capture_id)

    def let_in(self, tunnel_id: str) -> None:
        """Join a CDP client to the browser, after the run that is just ending."""
        if self._browser is not None and not self.ending():
            self._guest.let_in(self._browser, tunnel_id, self.runs.task)

    async def capture_page(self, artifact_id: str, *, pdf: bool) -> None:
        """Bring a picture or print of the page for somebody who waits for it, or why there is none."""
        browser = None if self.ending() else self._browser
        picture = await page_captures.capture(browser, self.placement, artifact_id, pdf=pdf)
        if self._downloads is not None:
            self._downloads.bring(picture)

    def report_again(self) -> None:
        """Say what the page shows once more: a new stream knows nothing of it."""
        self._last_report = None
        self._page_changed.set()

    # The life of the placement.

    async def live(self, launched: Callable[[Outcome], None]) -> Tombstone:
        """Launch the browser, keep it until `end`, end it; returns when nothing of it is left.

        `launched` is called once, with the outcome of the launch.
        """
        failure = await self._open()
        if failure is not None:
            # Only now: the control plane may place the session anew as soon as it hears of the failure.
            await self._close()
            launched(failure)
            reason, message = await asyncio.shield(self._end)
            return Tombstone(self.placement, reason, message)
        browser = self._browser
        assert browser is not None
        age = timedelta(seconds=max(0.0, self._clock.monotonic() - self._launched_at))
        launched(Launched(age, browser.version, browser.state_notes, browser.isolation, browser.warm_start))
        watchers = [
            asyncio.create_task(self._end_at_deadline()),
            asyncio.create_task(self._end_when_gone(browser)),
            asyncio.create_task(self._report_pages(browser)),
        ]
        saving = self._launch.save_state
        if saving:
            watchers.append(asyncio.create_task(self._saves.keep(browser, self._deadline)))
        try:
            reason, message = await asyncio.shield(self._end)
            await self.runs.end(reason, message)
        finally:
            self.runs.abandon()
            for watcher in watchers:
                watcher.cancel()
            await asyncio.wait(watchers)
            if (leaving := self._guest.send_away("the session ends")) is not None:
                await asyncio.wait({leaving})
            try:
                if saving and self._end.done():
                    await self._saves.bring_last(browser, *self._end.result())
                if self._downloads is not None:
                    await self._downloads.leave(self.placement, LEAVE_SECONDS)
            finally:
                await self._close()
        return Tombstone(self.placement, reason, message)

    async def _open(self) -> Failure | None:
        launch = self._launch
        request = LaunchRequest(
            self.placement,
            launch.browser_type,
            launch.url,
            launch.width,
            launch.height,
            launch.launch_timeout,
            self._timeout,
            extensions=launch.extensions,
            network=self._network,
            page_options=self._page_options,
        )
        task = asyncio.create_task(self._launch_traced(request))
        try:
            waited_for: set[asyncio.Future[Any]] = {task, self._end}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        try:
            self._browser = task.result()
            self._browser.on_download(self._download_begun)
            self._browser.on_fatal_crash(lambda what: self.end(EndReason.PAGE_CRASHED, what))
        except LaunchFailed as error:
            kind = EndReason.PROXY_FAILED if isinstance(error, ProxyUnusable) else EndReason.LAUNCH_FAILED
            self.end(kind, str(error))
            reason = "PROFILE_UNUSABLE" if isinstance(error, ProfileUnusable) else error.reason
            return Failure(reason, str(error))
        except asyncio.CancelledError:
            return Failure("LAUNCH_FAILED", f"the launch was ended: {self._end.result()[1]}")
        if self._network is not request.network:
            self._browser.set_network(self._network)
        if self._page_options is not request.page_options:
            self._browser.change_page_options(self._page_options)
        self._launched_at = self._browser.launch_time
        self._guard.set_deadline(self.placement, self._deadline())
        if self._end.done():
            return Failure("LAUNCH_FAILED", f"the session was ended during its launch: {self._end.result()[1]}")
        return None

    async def _launch_traced(self, request: LaunchRequest) -> OpenBrowser:
        with telemetry.tracer().start_as_current_span(
            "host.launch",
            context=telemetry.extract(self._traceparent),
            attributes={"browser_session_id": self.placement.browser_session_id},
        ):
            if self._launch.from_state:
                request = replace(request, state=await self._fetch_state(request.timeout))
            return await self._launcher.launch(request)

    async def _fetch_state(self, timeout: timedelta) -> bytes:
        """What the browser is to start from; without it there is none."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._states.fetch(self.placement)
        except TimeoutError:
            raise LaunchFailed("the state of the session's profile did not come in time") from None
        except StateNotFetched as error:
            raise LaunchFailed(f"the state of the session's profile did not come: {error}") from None

    async def _close(self) -> None:
        """End the browser; returns only when nothing of it is left, because the tombstone that follows says so."""
        while self._browser is not None:
            try:
                await self._browser.close()
                return
            except Exception:
                # Out of descriptors or memory, or a file that cannot be removed. The guardian does not need this
                # process for the killing.
                logger.exception("browser not closed, trying again", extra={"fence": self.placement.fence})
                self._guard.set_deadline(self.placement, 0.0)
                await asyncio.sleep(CLOSE_AGAIN_SECONDS)

    async def _end_at_deadline(self) -> None:
        while True:
            self._timeout_changed.clear()
            remaining = self._deadline() - self._clock.monotonic()
            if remaining <= 0:
                self.end(EndReason.TIMED_OUT, self._timeout_over())
                return
            try:
                async with asyncio.timeout(min(remaining, LONGEST_SLEEP)):
                    await self._timeout_changed.wait()
            except TimeoutError:
                pass

    async def _end_when_gone(self, browser: OpenBrowser) -> None:
        cause = await asyncio.shield(browser.gone)
        # The guardian may have been first, above all when this process was stopped. Whatever ended a browser whose
        # time was over, the session has timed out.
        if self._deadline() <= self._clock.monotonic():
            self.end(EndReason.TIMED_OUT, self._timeout_over())
        elif self._lease_over():
            self.end(EndReason.HOST_LOST, LEASE_OVER)
        else:
            self.end(EndReason.BROWSER_CRASHED, cause)

    def _deadline(self) -> float:
        return self._launched_at + self._timeout.total_seconds()

    def _timeout_over(self) -> str:
        return f"the session's timeout of {self._timeout.total_seconds() / 60:g} minutes was over"

    def _download_begun(self, download: Download) -> None:
        """Bring it up, for the run that is under way if there is one."""
        if self._downloads is None:
            return
        run = self.runs.under_way
        settled = self._downloads.begun(self.placement, run.run_id if run else "", download)
        if run is not None:
            run.journal.await_file(download.file_name, settled)

    def _run_over(self) -> None:
        self._page_changed.set()
        self._saves.run_over()

    async def _report_pages(self, browser: OpenBrowser) -> None:
        browser.on_change(self._page_changed.set)
        while True:
            self._page_changed.clear()
            shown = await browser.shown()
            url, title = shown.url[:LONGEST_URL], shown.title[:LONGEST_TITLE]
            pages, troubles = await browser.pages(), self._troubles(browser)
            report = PageReport(self.placement, url, title, shown.tab_count, tuple(pages), troubles)
            if report != self._last_report:
                self._last_report = report
                self._report(report)
            await asyncio.sleep(REPORT_SECONDS)
            try:
                async with asyncio.timeout(TITLE_SECONDS - REPORT_SECONDS):
                    await self._page_changed.wait()
            except TimeoutError:
                pass

    def _troubles(self, browser: OpenBrowser) -> tuple[tuple[Trouble, datetime], ...]:
        """What its pages have done to the session, with since when it is so."""
        troubles = browser.troubles()
        for trouble in troubles:
            self._troubled_since.setdefault(trouble.kind, self._clock.now())
        return tuple((trouble, self._troubled_since[trouble.kind]) for trouble in troubles)
