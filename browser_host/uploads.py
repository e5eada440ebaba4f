"""Screenshots and downloads on their way to the control plane, beside the control stream.

At most 64 of them wait, and 64 MiB of pictures, which are in memory (downloads are on the disk, `downloads` bounds
them); one that finds no room is dropped, as is one that the control plane refuses or that could not be brought there in
two minutes. What is dropped is logged, and the run says so.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from browser_host.backoff import Backoff
from browser_host.clock import Clock
from browser_host.messages import KeptFile, Picture

logger = logging.getLogger(__name__)

MAX_PICTURES = 64
MAX_BYTES = 64 * 2**20
WORKERS = 2
"""Two, so that one slow upload does not hold up all others; more would only compete for the same line."""
GIVE_UP_SECONDS = 120.0
HOST_ENDED = "the host ended"


class UploadFailed(Exception):
    """A picture was not stored; trying again may help."""


class UploadRefused(Exception):
    """A picture was not stored and never will be."""


Upload = Picture | KeptFile
Put = Callable[[Upload], Awaitable[None]]
"""Stores one picture or file; raises UploadFailed or UploadRefused."""


class Uploads:
    """The pictures that wait, and the workers that bring them."""

    def __init__(self, put: Put, clock: Clock, rng: random.Random) -> None:
        self._put = put
        self._clock = clock
        self._rng = rng
        self._queue: asyncio.Queue[Upload] = asyncio.Queue(MAX_PICTURES)
        self._bytes = 0
        self._open: dict[str, asyncio.Future[str]] = {}

    def add(self, picture: Upload) -> asyncio.Future[str]:
        """Bring the picture in the background; the future gets "" once it is stored, or why it was dropped."""
        settled: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if self._queue.full() or self._bytes + _memory(picture) > MAX_BYTES:
            self._settle(picture, settled, "too many files wait for the control plane")
            return settled
        self._bytes += _memory(picture)
        self._open[picture.artifact_id] = settled
        self._queue.put_nowait(picture)
        return settled

    async def run(self) -> None:
        """Bring pictures until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(WORKERS):
                    group.create_task(self._work())
        finally:
            while not self._queue.empty():
                picture = self._queue.get_nowait()
                self._settle(picture, self._open.pop(picture.artifact_id), HOST_ENDED)

    async def _work(self) -> None:
        while True:
            picture = await self._queue.get()
            why = HOST_ENDED
            try:
                why = await self._bring(picture)
            finally:
                self._bytes -= _memory(picture)
                self._settle(picture, self._open.pop(picture.artifact_id), why)

    async def _bring(self, picture: Upload) -> str:
        give_up_at = self._clock.monotonic() + GIVE_UP_SECONDS
        backoff = Backoff(self._rng)
        while True:
            try:
                await self._put(picture)
                return ""
            except UploadRefused as error:
                return str(error)
            except UploadFailed as error:
                if self._clock.monotonic() >= give_up_at:
                    return str(error)
            await backoff.pause()

    @staticmethod
    def _settle(picture: Upload, settled: asyncio.Future[str], why: str) -> None:
        if why:
            logger.warning(
                "screenshot dropped" if isinstance(picture, Picture) else "download dropped",
                extra={
                    "browser_session_id": picture.placement.browser_session_id,
                    "run_id": picture.run_id,
                    "artifact_id": picture.artifact_id,
                    "reason": why,
                },
            )
        if not settled.done():
            settled.set_result(why)


def _memory(upload: Upload) -> int:
    return len(upload.jpeg) if isinstance(upload, Picture) else 0
