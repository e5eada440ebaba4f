"""Files that sessions leave behind, and those that callers bring, under the data directory. The only place that touches
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from control_plane.entities.records import Artifact
from control_plane.errors import DataLoss, HostProtocolError, Unavailable

CHUNK_BYTES = 256 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024
"""Also of logs, recordings and what callers bring."""


class BlobInvalid(HostProtocolError):
    """A blob is not what its header says; the sender's fault."""

    reason = "BLOB_INVALID"


@dataclass(frozen=True, slots=True)
class Written:
    """A blob whose bytes are on the disk, not under its name yet."""

    temporary: Path
    size: int
    sha256: str


class Blobs:
    """Blobs by the id of an artifact or file. A blob is written whole and synced before its row is."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = itertools.count()

    def _path(self, artifact_id: str) -> Path:
        digest = hashlib.sha256(artifact_id.encode()).hexdigest()
        return self._root / digest[:2] / digest

    async def put(self, artifact: Artifact, chunks: AsyncIterator[bytes]) -> None:
        """Write a blob.

        Raises:
            BlobInvalid: its size or checksum is not the artifact's; nothing is left of it.
            Unavailable: STORAGE_FULL.
        """
        async with self.writing(artifact.artifact_id, chunks, artifact.size) as written:
            if (written.size, written.sha256) != (artifact.size, artifact.sha256):
                raise BlobInvalid(f"artifact {artifact.artifact_id}: size or checksum are not those of its header")
            await self.name(artifact.artifact_id, written)

    @contextlib.asynccontextmanager
    async def writing(self, blob_id: str, chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[Written]:
        """Write what comes and say what it was; unless it is given its name meanwhile, nothing is left of it.

        Of more than `most` bytes only so many and a piece are read: the size then says more than `most`.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        # Two puts of one artifact may overlap, when a host tries again; the last whole one stays.
        temporary = self._path(blob_id).with_suffix(f".{next(self._numbers)}")
        digest, size = hashlib.sha256(), 0
        try:
            with _storage():
                file = await asyncio.to_thread(_create, temporary)
            with file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > most:
                        break
                    digest.update(chunk)
                    with _storage():
                        await asyncio.to_thread(file.write, chunk)
                with _storage():
                    await asyncio.to_thread(_sync, file)
            yield Written(temporary, size, digest.hexdigest())
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()

    async def name(self, blob_id: str, written: Written) -> None:
        """Put what was written under its name.

        Raises:
            Unavailable: STORAGE_FULL.
        """
        with _storage():
            written.temporary.replace(self._path(blob_id))

    async def get(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """The blob in pieces.

        Raises:
            DataLoss: the file is gone or is not what was stored; before the first piece.
        """
        damaged = DataLoss(
            f"artifact {artifact.artifact_id} is damaged on the control plane's disk",
            reason="ARTIFACT_DAMAGED",
            artifact_id=artifact.artifact_id,
        )
        async for chunk in self.read(artifact.artifact_id, artifact.sha256, damaged):
            yield chunk

    async def read(self, blob_id: str, sha256: str, damaged: DataLoss) -> AsyncIterator[bytes]:
        """The blob in pieces; raises `damaged`, before the first piece, when it is gone or not what was stored."""
        try:
            file = await asyncio.to_thread(self._open_checked, blob_id, sha256)
        except OSError:
            file = None
        if file is None:
            raise damaged
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    def _open_checked(self, blob_id: str, sha256: str) -> BinaryIO | None:
        file = self._path(blob_id).open("rb")
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            file.close()
            return None
        file.seek(0)
        return file

    async def drop(self, blob_id: str) -> None:
        """Remove a blob; nothing when it is gone already."""
        await asyncio.to_thread(self._path(blob_id).unlink, missing_ok=True)

    async def sweep(self, kept: Iterable[str]) -> int:
        """Remove all other blobs and what was never finished; returns how many. Before anything is written."""
        return await asyncio.to_thread(self._sweep, {self._path(blob_id) for blob_id in kept})

    def _sweep(self, kept: set[Path]) -> int:
        old = [path for path in self._root.glob("*/*") if path not in kept]
        for path in old:
            with contextlib.suppress(OSError):
                path.unlink()
        return len(old)


@contextlib.contextmanager
def _storage() -> Iterator[None]:
    """Errors of the disk in our words, and no others."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"the blob could not be written: {error.strerror}", reason="STORAGE_FULL") from error


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
