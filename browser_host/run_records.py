"""The records of one run: what its pages write to the console, ask of the network, and show, as artifacts of the run.

A run never fails for them. What could not be kept, or not to the end, says so: in the file, on the artifact, and in a
warning of the run where nothing came of it at all. Secrets of the run are taken out of the texts at the end, when all
of them are known; pictures show what the page shows.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from importlib import metadata
from pathlib import Path

from tabkeep.host.v1.host_pb2 import StartRun

from browser_host.clock import Clock
from browser_host.console_log import ConsoleLog
from browser_host.downloads import Downloads
from browser_host.file_shelf import MINIMUM_FREE_BYTES
from browser_host.messages import KeptFile, Placement
from browser_host.motion_jpeg import MotionJpeg
from browser_host.network_log import Exchange, NetworkLog
from browser_host.open_browser import OpenBrowser, StopRecords

logger = logging.getLogger(__name__)

MAX_RECORDING_BYTES = 60 * 2**20
_END_SECONDS = 5.0

Scrub = Callable[[str], str]


def wanted(start: StartRun) -> bool:
    """Whether a run is to have any records."""
    return start.record_console or start.record_network or start.HasField("screen_recording")


class RunRecords:
    """Implements `open_browser.RecordSink`."""

    def __init__(
        self,
        placement: Placement,
        start: StartRun,
        browser: OpenBrowser,
        downloads: Downloads,
        clock: Clock,
        viewport: tuple[int, int],
    ) -> None:
        self._viewport = viewport
        self._placement = placement
        self._start = start
        self._browser = browser
        self._downloads = downloads
        self._clock = clock
        self._console = ConsoleLog() if start.record_console else None
        self._network = NetworkLog() if start.record_network else None
        self._pictures: MotionJpeg | None = None
        self._pictures_path = Path()
        self._pictures_end = ""
        """Why there are no more pictures."""
        self._began = clock.monotonic()
        self._stop: StopRecords | None = None
        self._ending: asyncio.Task[list[tuple[str, asyncio.Future[str]]]] | None = None

    async def begin(self) -> None:
        """Begin all that is wanted; what cannot begin says so at the end."""
        recording = self._start.screen_recording if self._start.HasField("screen_recording") else None
        rate = 0
        if recording is not None:
            try:
                self._pictures_path = self._downloads.new_path()
                self._pictures = MotionJpeg(self._pictures_path, recording.frames_per_second, self._viewport)
                rate = recording.frames_per_second
            except OSError as error:
                self._pictures_end = f"the session's host could not write it: {error.strerror or error}"
        self._began = self._clock.monotonic()
        try:
            self._stop = await self._browser.record(
                self, console=self._console is not None, network=self._network is not None, frames_per_second=rate
            )
        except Exception as error:
            logger.warning("records not begun", extra={"run_id": self._start.run_id, "reason": str(error)})
            self._pictures_end = self._pictures_end or "the browser did not begin"

    # What happens.

    def console(self, time: datetime, kind: str, text: str, url: str, line: int) -> None:
        """Keep a message."""
        if self._console is not None:
            self._console.add(time, kind, text, url, line)

    def requested(self, exchange: Exchange) -> bool:
        """Keep a request."""
        return self._network is not None and self._network.add(exchange)

    def answered(self, exchange: Exchange) -> None:
        """Keep its answer."""
        if self._network is not None:
            self._network.answered(exchange)

    def frame(self, jpeg: bytes) -> None:
        """Keep a picture, as long as there is time and room."""
        pictures = self._pictures
        if pictures is None or self._pictures_end:
            return
        at = self._clock.monotonic() - self._began
        longest = self._start.screen_recording.max_duration.ToTimedelta().total_seconds()
        try:
            if at > longest:
                self._pictures_end = f"it ends after {longest:g} s, as was asked for"
            elif pictures.size + 2 * len(jpeg) > MAX_RECORDING_BYTES:
                self._pictures_end = (
                    f"it ends after {at:.0f} s: it has {MAX_RECORDING_BYTES >> 20} MiB, the most there may be"
                )
            elif shutil.disk_usage(self._pictures_path.parent).free < MINIMUM_FREE_BYTES + len(jpeg):
                self._pictures_end = f"it ends after {at:.0f} s: the disk of the session's host was nearly full"
            else:
                pictures.add(jpeg, at)
        except OSError as error:
            self._pictures_end = f"it ends after {at:.0f} s: the host could not write it: {error.strerror or error}"

    def pictures_ended(self, why: str) -> None:
        """The browser gives no more pictures."""
        at = self._clock.monotonic() - self._began
        self._pictures_end = self._pictures_end or f"it ends after {at:.0f} s: the browser gave no more pictures: {why}"

    # The end.

    async def end(self, scrub: Scrub) -> list[tuple[str, asyncio.Future[str]]]:
        """End all, and bring what there is up: each record's name, with when it is stored or why it is not."""
        if self._ending is None:
            self._ending = self._downloads.carry(self._end(scrub))
        return await asyncio.shield(self._ending)

    def end_soon(self, scrub: Scrub) -> None:
        """End all without waiting for it: the run was cut off."""
        if self._ending is None:
            self._ending = self._downloads.carry(self._end(scrub))

    async def _end(self, scrub: Scrub) -> list[tuple[str, asyncio.Future[str]]]:
        over = self._clock.monotonic() - self._began
        if self._stop is not None:
            try:
                async with asyncio.timeout(_END_SECONDS):
                    await self._stop()
            except Exception as error:
                logger.warning("records not ended", extra={"run_id": self._start.run_id, "reason": str(error)})
        brought = []
        if self._console is not None:
            content = self._console.lines(scrub)
            brought.append(await self._text("console_log", "console.jsonl", "application/jsonl", content))
        if self._network is not None:
            content = self._network.archive(metadata.version("tabkeep"), self._browser.version, scrub)
            brought.append(await self._text("network_log", "network.har", "application/json", content))
        if self._start.HasField("screen_recording"):
            brought.append(await self._recording(over))
        return brought

    async def _text(
        self, artifact_type: str, name: str, content_type: str, content: bytes
    ) -> tuple[str, asyncio.Future[str]]:
        log = self._console if artifact_type == "console_log" else self._network
        assert log is not None
        kept = self._kept(artifact_type, name, content_type, log.truncation)
        try:
            path = self._downloads.new_path()
            await asyncio.to_thread(path.write_bytes, content)
        except OSError as error:
            failure = f"the session's host could not write it: {error.strerror or error}"
            return name, self._downloads.bring_kept(replace(kept, failure=failure))
        sha256 = hashlib.sha256(content).hexdigest()
        return name, self._downloads.bring_kept(replace(kept, path=path, size=len(content), sha256=sha256))

    async def _recording(self, over: float) -> tuple[str, asyncio.Future[str]]:
        name, pictures, why = "recording.avi", self._pictures, self._pictures_end
        kept = self._kept("recording", name, "video/x-msvideo", "")
        failure = why or "the page gave no pictures"
        if pictures is not None:
            try:
                if pictures.empty:
                    pictures.close()
                    await asyncio.to_thread(self._pictures_path.unlink, missing_ok=True)
                else:
                    if pictures.left_out:
                        more = f"{pictures.left_out} pictures of another size are left out"
                        why = f"{why}; {more}" if why else more
                    longest = self._start.screen_recording.max_duration.ToTimedelta().total_seconds()
                    pictures.finish(min(over, longest))
                    size, sha256 = await asyncio.to_thread(_measured, self._pictures_path)
                    kept = replace(kept, path=self._pictures_path, size=size, sha256=sha256, truncation=why)
                    return name, self._downloads.bring_kept(kept)
            except OSError as error:
                failure = f"the session's host could not write it: {error.strerror or error}"
                pictures.close()
                await asyncio.to_thread(_forget, self._pictures_path)
        return name, self._downloads.bring_kept(replace(kept, failure=failure))

    def _kept(self, artifact_type: str, name: str, content_type: str, truncation: str) -> KeptFile:
        return KeptFile(
            self._placement,
            self._start.run_id,
            self._downloads.new_artifact_id(),
            name,
            content_type,
            None,
            0,
            "",
            artifact_type=artifact_type,
            truncation=truncation,
        )


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), digest


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        logger.warning("recording not removed", extra={"path": path.name})
