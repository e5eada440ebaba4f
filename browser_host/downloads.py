"""Downloads of sessions on their way to the control plane: out of the browser's hands, then up.

A download that has come to its end is copied into a directory of the host's own, because its browser's directory goes
with the session, and because a browser that was broken into could put a link where its file is. The copy is removed
once it is stored. At most 1 GiB of copies wait on this host. One that failed goes up as a record that says why. The
records of runs go the same way.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging
import mimetypes
import os
import shutil
import stat
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from browser_host.messages import KeptFile, Picture, Placement
from browser_host.open_browser import Download, Downloaded, DownloadFailed
from browser_host.uploads import Uploads

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 64 * 2**20
MAX_WAITING_BYTES = 2**30
_COPY_BYTES = 2**20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copied:
    """A file in the host's own directory."""

    path: Path
    size: int
    sha256: str


class Downloads:
    """Those of all sessions of this host. `run` ends what is under way when the host ends."""

    def __init__(self, uploads: Uploads, directory: Path, new_artifact_id: Callable[[], str]) -> None:
        """`directory` is emptied: it is this process's alone."""
        self._uploads = uploads
        self._directory = directory
        self.new_artifact_id = new_artifact_id
        self._numbers = itertools.count()
        self.settled: Callable[[], None] = lambda: None
        """Called when a download was brought up or given up."""
        self._waiting = 0
        self._copying: dict[asyncio.Task[Copied], Placement] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Until cancelled; then what is under way is given up."""
        await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.to_thread(shutil.rmtree, self._directory, ignore_errors=True)

    @property
    def pending(self) -> bool:
        """Whether some are still on their way."""
        return bool(self._tasks)

    def bring(self, picture: Picture) -> None:
        """Bring up a picture that somebody asked for, beside the others."""
        self._uploads.add(picture)

    def new_path(self) -> Path:
        """Where a file may be written that is to be brought up; raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self._directory / f"record-{next(self._numbers)}"

    def bring_kept(self, kept: KeptFile) -> asyncio.Future[str]:
        """Bring up a file of the host's own and remove it; the future gets "" once it is stored, or why not."""
        return self.carry(self._brought(kept))

    async def _brought(self, kept: KeptFile) -> str:
        try:
            return await self._uploads.add(kept) or kept.failure
        finally:
            if kept.path is not None:
                with contextlib.suppress(OSError):
                    kept.path.unlink(missing_ok=True)

    def carry(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do something that ends with the bringing up of a file; the host waits for it before it ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def begun(self, placement: Placement, run_id: str, download: Download) -> asyncio.Future[str]:
        """Bring a download up when it has come to its end; the future gets "" once it is stored, or why it is not."""
        settled: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        name = download.file_name
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        kept = KeptFile(placement, run_id, self.new_artifact_id(), name, content_type, None, 0, "")
        self.carry(self._bring(kept, download, settled))
        return settled

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self.settled()

    async def _bring(self, kept: KeptFile, download: Download, settled: asyncio.Future[str]) -> None:
        fields = {
            "browser_session_id": kept.placement.browser_session_id,
            "run_id": kept.run_id,
            "artifact_id": kept.artifact_id,
        }
        why, size = "the host ended", 0
        try:
            try:
                copied = await self._copied(kept, await asyncio.shield(download.ended))
            except (DownloadFailed, OSError) as error:
                why = str(error) or type(error).__name__
                logger.warning("download refused", extra={**fields, "reason": why})
                await self._uploads.add(replace(kept, failure=why))
                return
            size = copied.size
            kept = replace(kept, path=copied.path, size=size, sha256=copied.sha256)
            why = await self._uploads.add(kept)
            if not why:
                logger.info("download stored", extra={**fields, "size": size})
        finally:
            self._waiting -= size
            if kept.path is not None:
                with contextlib.suppress(OSError):
                    kept.path.unlink(missing_ok=True)
            if not settled.done():
                settled.set_result(why)

    async def _copied(self, kept: KeptFile, downloaded: Downloaded) -> Copied:
        if self._waiting >= MAX_WAITING_BYTES:
            raise DownloadFailed("too many downloads of this host wait for the control plane")
        copying = asyncio.create_task(asyncio.to_thread(_copy, downloaded, self._directory / kept.artifact_id))
        self._copying[copying] = kept.placement
        try:
            copied = await copying
        finally:
            del self._copying[copying]
        self._waiting += copied.size
        return copied

    async def leave(self, placement: Placement, seconds: float) -> None:
        """Return when no download that has come to its end is in the browser's directory, or the time is over."""
        await asyncio.sleep(0)  # one that has ended just now begins to be copied
        copying = {task for task, owner in self._copying.items() if owner == placement}
        if copying:
            await asyncio.wait(copying, timeout=seconds)


def _copy(downloaded: Downloaded, target: Path) -> Copied:
    """Move a file out of its browser's hands: it must be a file of the browser's own user, and no link to another.

    Raises:
        DownloadFailed, OSError: nothing is left in `target`.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A browser may put a pipe there, which must not hold the host up.
    descriptor = os.open(downloaded.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as source:
        found = os.fstat(descriptor)
        owner = downloaded.user or os.geteuid()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_uid != owner:
            raise DownloadFailed("what the browser left in its place is not the browser's own file")
        digest, size = hashlib.sha256(), 0
        try:
            with target.open("xb") as file:
                while chunk := source.read(_COPY_BYTES):
                    size += len(chunk)
                    if size > MAX_FILE_BYTES:
                        raise DownloadFailed(f"it is larger than the {MAX_FILE_BYTES >> 20} MiB that are taken")
                    digest.update(chunk)
                    file.write(chunk)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    with contextlib.suppress(OSError):
        downloaded.path.unlink()
    return Copied(target, size, digest.hexdigest())
