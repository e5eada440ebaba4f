"""Files that sessions leave behind, one per artifact, under the data directory. The only place that touches them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from control_plane.errors import DataLoss, HostProtocolError, Unavailable
from control_plane.records import Artifact

CHUNK_BYTES = 256 * 1024
MAX_BYTES = 16 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 64 * 1024 * 1024


class BlobInvalid(HostProtocolError):
    """A blob is not what its header says; the sender's fault."""

    reason = "BLOB_INVALID"


class Blobs:
    """Blobs by artifact id. A blob is written whole and synced before its artifact's row is."""

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
        path = self._path(artifact.artifact_id)
        # Two puts of one artifact may overlap, when a host tries again; the last whole one stays.
        temporary = path.with_suffix(f".{next(self._numbers)}")
        digest, size = hashlib.sha256(), 0
        try:
            file = await asyncio.to_thread(_create, temporary)
            try:
                with file:
                    async for chunk in chunks:
                        size += len(chunk)
                        if size > artifact.size:
                            break
                        digest.update(chunk)
                        await asyncio.to_thread(file.write, chunk)
                    if size != artifact.size or digest.hexdigest() != artifact.sha256:
                        raise BlobInvalid(
                            f"artifact {artifact.artifact_id}: size or checksum are not those of its header"
                        )
                    await asyncio.to_thread(_sync, file)
                temporary.replace(path)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink()
        except OSError as error:
            raise Unavailable(f"the blob could not be written: {error.strerror}", reason="STORAGE_FULL") from error

    async def get(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """The blob in pieces.

        Raises:
            DataLoss: the file is gone or is not what was stored; before the first piece.
        """
        try:
            file = await asyncio.to_thread(self._open_checked, artifact)
        except OSError:
            file = None
        if file is None:
            raise DataLoss(
                f"artifact {artifact.artifact_id} is damaged on the control plane's disk",
                reason="ARTIFACT_DAMAGED",
                artifact_id=artifact.artifact_id,
            )
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk

    def _open_checked(self, artifact: Artifact) -> BinaryIO | None:
        file = self._path(artifact.artifact_id).open("rb")
        if hashlib.file_digest(file, "sha256").hexdigest() != artifact.sha256:
            file.close()
            return None
        file.seek(0)
        return file

    async def drop(self, artifact: Artifact) -> None:
        """Remove a blob; nothing when it is gone already."""
        await asyncio.to_thread(self._path(artifact.artifact_id).unlink, missing_ok=True)


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path.open("wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
