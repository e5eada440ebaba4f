"""What the pages of one browser download: watched over the browser's own DevTools session, whatever tab began it.

Bounds, for one session: 64 MiB for a file, 256 MiB for all, 100 downloads. What goes beyond is broken off, as soon as
the browser says how much there is, which it does twice a second. Of downloads beyond the hundredth only the first is
told of.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, Error

from browser_host.open_browser import Download, Downloaded, DownloadFailed

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 2**20
MAX_SESSION_BYTES = 256 * 2**20
MAX_DOWNLOADS = 100
_LONGEST_NAME = 255


class PlaywrightDownload:
    """Implements `open_browser.Download`."""

    def __init__(self, file_name: str) -> None:
        self._file_name = file_name
        self._ended: asyncio.Future[Downloaded] = asyncio.get_running_loop().create_future()
        self._ended.add_done_callback(_read)
        self.received = 0

    @property
    def file_name(self) -> str:
        return self._file_name

    @property
    def ended(self) -> asyncio.Future[Downloaded]:
        return self._ended

    def fail(self, why: str) -> None:
        """It is over; the first reason counts."""
        if not self._ended.done():
            self._ended.set_exception(DownloadFailed(why))


class PlaywrightDownloads:
    """All downloads of one browser."""

    def __init__(self, directory: Path, user: int) -> None:
        """`directory` is where the browser puts them, under names of its own; `user` is whose they are."""
        self._directory = directory
        self._user = user
        self._session: CDPSession | None = None
        self._by_guid: dict[str, PlaywrightDownload] = {}
        self._untold: list[PlaywrightDownload] = []
        self._begun: Callable[[Download], None] | None = None
        self._heard = asyncio.Event()
        self._count = 0
        self._end = ""
        """Why there can be no more of them; empty as long as the browser is to live."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(self, context: BrowserContext) -> None:
        """Begin, before the first page; raises Playwright's Error."""
        browser = context.browser
        if browser is None:
            raise Error("the browser has no DevTools session of its own")
        session = self._session = await browser.new_browser_cdp_session()
        session.on("Browser.downloadWillBegin", self._will_begin)
        session.on("Browser.downloadProgress", self._progress)
        # What Playwright has set already; said again for this session to be told of them.
        behavior = {"behavior": "allowAndName", "downloadPath": str(self._directory), "eventsEnabled": True}
        await session.send("Browser.setDownloadBehavior", behavior)

    def on_download(self, begun: Callable[[Download], None]) -> None:
        """Call `begun` for every download, those from before this call first."""
        self._begun = begun
        untold, self._untold = self._untold, []
        for download in untold:
            begun(download)

    async def heard_of(self, seconds: float) -> None:
        """Return when the first one has begun, or after so long: a navigation ends before its download is told of."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            pass  # it was no download that broke the navigation off

    def end(self, why: str) -> None:
        """The browser has ended or is about to: what is under way, or is only now heard of, fails for this reason."""
        self._end = self._end or why
        for download in self._by_guid.values():
            download.fail(why)
        for task in list(self._tasks):
            task.cancel()

    def _will_begin(self, event: dict[str, Any]) -> None:
        guid = event["guid"]
        self._heard.set()
        self._count += 1
        if self._count > MAX_DOWNLOADS + 1:
            self._cancel(guid)
            return
        download = self._by_guid[guid] = PlaywrightDownload(_clean(event.get("suggestedFilename") or ""))
        if self._begun is not None:
            self._begun(download)
        else:
            self._untold.append(download)
        if self._end:
            download.fail(self._end)
        elif self._count > MAX_DOWNLOADS:
            self._break_off(guid, f"the session has begun more than {MAX_DOWNLOADS} downloads: no more are taken")

    def _progress(self, event: dict[str, Any]) -> None:
        guid = event["guid"]
        download = self._by_guid.get(guid)
        if download is None or download.ended.done():
            return
        received = int(event["receivedBytes"])
        if event["state"] == "canceled":
            download.fail("the page, or the connection, broke it off")
            download.received = 0
            return
        download.received = max(download.received, received)
        if max(received, int(event["totalBytes"])) > MAX_FILE_BYTES:
            self._break_off(guid, f"it is larger than the {MAX_FILE_BYTES >> 20} MiB that are taken")
        elif sum(one.received for one in self._by_guid.values()) > MAX_SESSION_BYTES:
            self._break_off(guid, f"the session has downloaded more than {MAX_SESSION_BYTES >> 20} MiB")
        elif event["state"] == "completed":
            download.ended.set_result(Downloaded(self._directory / guid, self._user))

    def _break_off(self, guid: str, why: str) -> None:
        download = self._by_guid[guid]
        download.fail(why)
        download.received = 0
        self._cancel(guid)
        self._start(self._remove(self._directory / guid))

    def _cancel(self, guid: str) -> None:
        session = self._session
        if session is not None:
            self._start(_send(session, "Browser.cancelDownload", {"guid": guid}))

    async def _remove(self, path: Path) -> None:
        """One that was complete before it could be broken off."""
        await asyncio.to_thread(path.unlink, missing_ok=True)

    def _start(self, call: Any) -> None:
        task = asyncio.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("download not broken off", extra={"reason": str(error)})


async def _send(session: CDPSession, method: str, arguments: dict[str, Any]) -> None:
    try:
        await session.send(method, arguments)
    except Error:
        return  # it has ended meanwhile


def _clean(name: str) -> str:
    """A name without directories and control characters, never empty."""
    cleaned = "".join("_" if character in "/\\" or not character.isprintable() else character for character in name)
    return cleaned[:_LONGEST_NAME].strip() or "download"


def _read(future: asyncio.Future[Downloaded]) -> None:
    """So that asyncio does not complain of a failure that nobody asked for."""
    if not future.cancelled():
        future.exception()
