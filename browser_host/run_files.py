"""Files that runs give to pages: from the control plane to this host's disk, for as long as a step needs them."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from browser_host.browser import FilesNotPlaced, HeldFile
from browser_host.file_shelf import check_room
from browser_host.messages import Placement
from browser_host.task.journal import FileMissing

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 2**20
_ATTEMPTS = 5
_PAUSE_SECONDS = 0.5


class FileNotFetched(Exception):
    """A file did not come; trying again may help unless it is `final`. The text is for people."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class FileLink(Protocol):
    """The way to the control plane."""

    async def get_file(self, placement: Placement, run_id: str, name: str, to: Path) -> HeldFile:
        """Write a file of the run's organization to `to`, checked against its checksum.

        Raises:
            FileNotFetched, FilesNotPlaced, OSError: what was written is left there.
        """


class RunFiles:
    """Those of all runs of this host."""

    def __init__(self, link: FileLink, directory: Path) -> None:
        """`directory` is emptied by the first use: it is this process's alone."""
        self._link = link
        self._directory = directory
        self._numbers = itertools.count()
        self._emptied = False

    @asynccontextmanager
    async def held(self, placement: Placement, run_id: str, names: Sequence[str]) -> AsyncIterator[list[HeldFile]]:
        """The files of these ids or names, as long as the context lasts.

        Raises:
            FileMissing: when it is entered.
        """
        folder = self._directory / str(next(self._numbers))
        try:
            if not self._emptied:
                self._emptied = True
                await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
            await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        except OSError as error:
            raise FileMissing(f"the session's host cannot hold files: {error.strerror or error}") from None
        try:
            yield [
                await self._fetched(placement, run_id, name, folder / str(place)) for place, name in enumerate(names)
            ]
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _fetched(self, placement: Placement, run_id: str, name: str, to: Path) -> HeldFile:
        for attempt in range(_ATTEMPTS):
            try:
                return await self._link.get_file(placement, run_id, name, to)
            except FileNotFetched as error:
                if error.final or attempt == _ATTEMPTS - 1:
                    raise FileMissing(str(error)) from None
                logger.warning("file not fetched", extra={"run_id": run_id, "reason": str(error)})
            except FilesNotPlaced as error:
                raise FileMissing(str(error)) from None
            except OSError as error:
                raise FileMissing(f"the session's host could not write it: {error.strerror or error}") from None
            await asyncio.sleep(_PAUSE_SECONDS)
        raise AssertionError


async def take(to: Path, file_name: str, size: int, sha256: str, chunks: AsyncIterator[bytes]) -> HeldFile:
    """Write a file as it comes in: bounded, and checked against what was said of it.

    Raises:
        FileNotFetched, FilesNotPlaced, OSError.
    """
    if size > MAX_FILE_BYTES:
        raise FileNotFetched(f"it has more than {MAX_FILE_BYTES >> 20} MiB", final=True)
    check_room(to.parent, size)
    digest, came = hashlib.sha256(), 0
    with await asyncio.to_thread(to.open, "wb") as file:
        async for chunk in chunks:
            came += len(chunk)
            if came > size:
                break
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    if came != size or digest.hexdigest() != sha256:
        raise FileNotFetched("size or checksum are not those of its record")
    return HeldFile(to, file_name, size)
