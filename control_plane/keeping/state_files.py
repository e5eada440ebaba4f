"""The sealed bytes of browser states, one file each, under the data directory. The only place that touches them."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from control_plane.errors import Unavailable


class StateFiles:
    """Files by state_id. A file is written whole and synced before its row is, and never changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._unnamed: set[str] | None = None
        """Those that no row named at the last sweep."""

    def _path(self, state_id: str) -> Path:
        return self._root / state_id

    async def put(self, state_id: str, ciphertext: bytes) -> None:
        """Write a file.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        try:
            await asyncio.to_thread(self._write, self._path(state_id), ciphertext)
        except OSError as error:
            raise Unavailable(f"the state could not be written: {error.strerror}", reason="STORAGE_FULL") from error

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(".new")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    async def get(self, state_id: str) -> bytes:
        """The bytes; b"" when they cannot be read, which opens as little as damaged ones do."""
        try:
            return await asyncio.to_thread(self._path(state_id).read_bytes)
        except OSError:
            return b""

    async def drop(self, state_ids: Iterable[str]) -> None:
        """Remove files; one that cannot be removed now is swept later."""
        await asyncio.to_thread(self._drop, list(state_ids))

    def _drop(self, state_ids: list[str]) -> None:
        for state_id in state_ids:
            with contextlib.suppress(OSError):
                self._path(state_id).unlink()

    async def sweep(self, kept: set[str]) -> int:
        """Remove the files that no row names; returns how many.

        The first sweep comes before anything is written. Later ones spare what the one before has not seen: a file is
        written before its row, and may be about to get it.
        """
        return await asyncio.to_thread(self._sweep, kept)

    def _sweep(self, kept: set[str]) -> int:
        unnamed = {path.name for path in self._root.glob("*")} - kept
        old = unnamed if self._unnamed is None else unnamed & self._unnamed
        self._drop(sorted(old))
        self._unnamed = unnamed - old
        return len(old)
