"""Files that runs leave behind, one per artifact, under the data directory. The only place that touches them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from control_plane.errors import DataLoss, HostProtocolError, Unavailable
from control_plane.records import Artifact

CHUNK_BYTES = 256 * 1024
MAX_BYTES = 16 * 1024 * 1024


class BlobInvalid(HostProtocolError):
    """A blob is not what its header says; the sender's fault."""

    reason = "BLOB_INVALID"


class Blobs:
    """Blobs by artifact id. A blob is written whole and synced before its artifact's row is."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, artifact_id: str) -> Path:
        digest = hashlib.sha256(artifact_id.encode()).hexdigest()
        return self._root / digest[:2] / digest

    async def put(self, artifact: Artifact, content: bytes) -> None:
        """Write a blob.

        Raises:
            BlobInvalid: its size or checksum is not the artifact's.
            Unavailable: STORAGE_FULL.
        """
        if len(content) != artifact.size or hashlib.sha256(content).hexdigest() != artifact.sha256:
            raise BlobInvalid(f"artifact {artifact.artifact_id}: size or checksum are not those of its header")
        try:
            await asyncio.to_thread(self._write, self._path(artifact.artifact_id), content)
        except OSError as error:
            raise Unavailable(f"the blob could not be written: {error.strerror}", reason="STORAGE_FULL") from error

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    async def get(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """The blob in pieces.

        Raises:
            DataLoss: the file is gone or is not what was stored; before the first piece.
        """
        try:
            content = await asyncio.to_thread(self._path(artifact.artifact_id).read_bytes)
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            raise DataLoss(
                f"artifact {artifact.artifact_id} is damaged on the control plane's disk",
                reason="ARTIFACT_DAMAGED",
                artifact_id=artifact.artifact_id,
            )
        for start in range(0, len(content), CHUNK_BYTES):
            yield content[start : start + CHUNK_BYTES]
