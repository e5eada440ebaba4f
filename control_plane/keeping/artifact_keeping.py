"""Removes the bytes of artifacts whose time is over, or whose place others needed."""

from __future__ import annotations

import asyncio
import logging

from control_plane.coordinator import Coordinator
from control_plane.keeping.blobs import Blobs
from control_plane.moves import artifact_moves

logger = logging.getLogger(__name__)

_SWEEP_SECONDS = 60.0
_AT_ONCE = 200


class ArtifactKeeping:
    """Looks once a minute, and when it is told that there is something."""

    def __init__(self, coordinator: Coordinator, blobs: Blobs) -> None:
        self._coordinator = coordinator
        self.blobs = blobs
        self._due = asyncio.Event()

    def look(self) -> None:
        """Something has expired."""
        self._due.set()

    async def serve(self) -> None:
        """Until cancelled."""
        while True:
            self._due.clear()
            try:
                await self.sweep()
            except Exception:
                logger.exception("artifacts not swept")
            try:
                async with asyncio.timeout(_SWEEP_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass

    async def sweep(self) -> None:
        """Expire what is due, then remove the files of all that has expired."""
        while await self._coordinator.move(artifact_moves.expire, _AT_ONCE):
            pass
        count = 0
        while found := await self._coordinator.database.read(lambda tables: tables.artifacts.to_remove(_AT_ONCE)):
            for artifact in found:
                await self.blobs.drop(artifact.artifact_id)
            await self._coordinator.move(artifact_moves.removed, found)
            count += len(found)
        if count:
            logger.info("artifact files removed", extra={"files": count})
