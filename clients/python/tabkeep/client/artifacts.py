"""Calls about what sessions and runs leave behind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import aclosing

from tabkeep import wire
from tabkeep.client.connection import Connection
from tabkeep.errors import DataLoss, TabkeepError
from tabkeep.records.files import Artifact, ArtifactType
from tabkeep.v1 import artifacts_pb2


class ArtifactCalls(Connection):
    """Calls about what sessions and runs leave behind."""

    async def get_artifact(self, artifact_id: str) -> bytes:
        """Return an artifact's bytes, checked against its checksum.

        Raises:
            NotFound: no such artifact in the caller's organization, not arrived yet, or its bytes have expired.
            FailedPrecondition: its bytes were never taken.
            DataLoss: the bytes are not those that were stored.
        """
        return (await self.fetch_artifact(artifact_id))[1]

    async def fetch_artifact(self, artifact_id: str) -> tuple[Artifact, bytes]:
        """Return an artifact's record and its bytes; raises like `get_artifact`."""
        failures = 0
        while True:
            try:
                return await self._get_artifact(artifact_id)
            except TabkeepError as error:
                failures += 1
                if not self._calls.broken(error) or failures >= self._calls.retry.max_attempts:
                    raise
                await self._calls.pause(failures, error)

    async def capture_page(
        self, browser_session_id: str, artifact_type: ArtifactType | str = ArtifactType.SCREENSHOT
    ) -> Artifact:
        """Take a picture of what a live session's page shows, or print it (`"pdf"`); `get_artifact` has the bytes.

        Raises:
            NotFound: no such session in the caller's organization.
            FailedPrecondition: it is not running, or its page did not answer.
            Unavailable: its host cannot be reached.
            ValueError: the artifact_type is unknown.
        """
        request = artifacts_pb2.CapturePageRequest(
            browser_session_id=browser_session_id, artifact_type=wire.enum_to_proto(ArtifactType, artifact_type)
        )
        answer = await self._calls.unary("ArtifactService/CapturePage", request, artifacts_pb2.CapturePageResponse)
        return wire.artifact(answer.artifact)

    async def list_artifacts(
        self,
        run_id: str | None = None,
        *,
        browser_session_id: str | None = None,
        artifact_types: Iterable[ArtifactType | str] = (),
    ) -> list[Artifact]:
        """Return the artifacts of a run, or of a session and its runs, in the order of their creation.

        Raises:
            NotFound: no such run or session in the caller's organization.
            InvalidArgument: neither or both are given.
            ValueError: an artifact_type is unknown.
        """
        request = artifacts_pb2.ListArtifactsRequest(
            run_id=run_id or "",
            browser_session_id=browser_session_id or "",
            artifact_types=[wire.enum_to_proto(ArtifactType, one) for one in artifact_types],
        )
        answer = await self._calls.unary("ArtifactService/ListArtifacts", request, artifacts_pb2.ListArtifactsResponse)
        return [wire.artifact(artifact) for artifact in answer.artifacts]

    async def _get_artifact(self, artifact_id: str) -> tuple[Artifact, bytes]:
        request = artifacts_pb2.GetArtifactRequest(artifact_id=artifact_id)
        record: artifacts_pb2.Artifact | None = None
        data = bytearray()
        answers = self._calls.stream("ArtifactService/GetArtifact", request, artifacts_pb2.GetArtifactResponse)
        async with aclosing(answers) as stream:
            async for part in stream:
                if part.HasField("artifact"):
                    record = part.artifact
                else:
                    data += part.chunk
        if record is None or len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
            message = f"artifact {artifact_id} arrived damaged: {len(data)} bytes do not match its record"
            raise DataLoss(message, code="DATA_LOSS", reason="ARTIFACT_DAMAGED")
        return wire.artifact(record), bytes(data)
