"""Where one browser reads the files that runs give to its pages: a directory of the host's beside the browser's own.

The browser's user may read what is there and change nothing, so that a browser that was broken into can neither put a
link in the host's way nor make room for more. Files stay until the session ends, because a page may read them late.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from browser_host.browser import FilesNotPlaced, HeldFile

MAX_SESSION_BYTES = 256 * 2**20
MINIMUM_FREE_BYTES = 128 * 2**20
"""What the disk must have left beside the files."""


class FileShelf:
    """The files of one browser."""

    def __init__(self, directory: Path, user: int) -> None:
        """`directory` is the host's; `user` is the browser's, 0 if it is the host's own."""
        self._directory = directory
        self._user = user
        self._size = 0
        self._number = 0

    async def place(self, files: Sequence[HeldFile]) -> list[Path]:
        """Copy files to where the browser reads them; two of one name are no trouble.

        Raises:
            FilesNotPlaced.
        """
        size = sum(one.size for one in files)
        if self._size + size > MAX_SESSION_BYTES:
            raise FilesNotPlaced(f"the session's uploads would take more than {MAX_SESSION_BYTES >> 20} MiB in all")
        self._size += size
        first = self._number
        self._number += len(files)
        try:
            check_room(self._directory, size)
            return await asyncio.to_thread(self._place, files, first)
        except OSError as error:
            self._size -= size
            raise FilesNotPlaced(f"the session's host could not write it: {error.strerror or error}") from None

    def _place(self, files: Sequence[HeldFile], first: int) -> list[Path]:
        placed: list[Path] = []
        try:
            for number, one in enumerate(files, first):
                folder = self._directory / str(number)
                folder.mkdir(mode=0o700)
                path = folder / one.file_name
                placed.append(path)
                shutil.copyfile(one.path, path)
                self._open_to_browser(path, 0o440)
                self._open_to_browser(folder, 0o710)
        except BaseException:
            for path in placed:
                shutil.rmtree(path.parent, ignore_errors=True)
            raise
        return placed

    def _open_to_browser(self, path: Path, mode: int) -> None:
        if self._user:
            os.chown(path, -1, self._user)
            path.chmod(mode)


def check_room(directory: Path, size: int) -> None:
    """Raise unless so many bytes fit on the disk and leave some.

    Raises:
        FilesNotPlaced.
    """
    free = shutil.disk_usage(directory).free
    if free < size + MINIMUM_FREE_BYTES:
        raise FilesNotPlaced(f"the disk of the session's host is nearly full: {free >> 20} MiB are free")
