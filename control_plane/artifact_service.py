"""ArtifactService: read and convert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import artifacts_pb2 as pb
from tabkeep.v1 import artifacts_pb2_grpc as pb_grpc

from control_plane import run_moves, session_moves, wire
from control_plane.blobs import Blobs
from control_plane.coordinator import Coordinator
from control_plane.errors import NotFound, PreconditionFailed
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.records import Artifact, ArtifactState
from control_plane.store import Tables

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_MOST_LISTED = 10_000


class ArtifactService(pb_grpc.ArtifactServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, blobs: Blobs) -> None:
        self._database = coordinator.database
        self._blobs = blobs

    async def GetArtifact(
        self, request: pb.GetArtifactRequest, context: Context
    ) -> AsyncIterator[pb.GetArtifactResponse]:
        artifact = await self._database.read(lambda tables: tables.artifacts.get(request.artifact_id))
        if artifact is None or artifact.organization_id != caller.get().organization_id:
            raise NotFound(
                f"artifact {request.artifact_id} does not exist, or has not arrived yet",
                reason="ARTIFACT_NOT_FOUND",
                artifact_id=request.artifact_id,
            )
        if artifact.state is ArtifactState.EXPIRED:
            raise NotFound(
                f"the bytes of artifact {artifact.artifact_id} were removed: {artifact.state_message}",
                reason="ARTIFACT_EXPIRED",
                artifact_id=artifact.artifact_id,
            )
        if artifact.state is ArtifactState.REFUSED:
            raise PreconditionFailed(
                f"the bytes of artifact {artifact.artifact_id} were never taken: {artifact.state_message}",
                reason="ARTIFACT_REFUSED",
                artifact_id=artifact.artifact_id,
            )
        yield pb.GetArtifactResponse(artifact=wire.artifact(artifact))
        async for chunk in self._blobs.get(artifact):
            yield pb.GetArtifactResponse(chunk=chunk)

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Context) -> pb.ListArtifactsResponse:
        organization_id = caller.get().organization_id
        fields = Fields()
        if bool(request.run_id) == bool(request.browser_session_id):
            fields.wrong("run_id", "give this or browser_session_id, not both and not neither")
        types = [wire.ARTIFACT_TYPE.name(value) for value in request.artifact_types]
        if "" in types:
            fields.wrong("artifact_types", "holds a value that is unspecified or unknown")
        fields.raise_if_wrong()

        def query(tables: Tables) -> list[Artifact]:
            if request.run_id:
                if tables.runs.of_organization(organization_id, request.run_id) is None:
                    raise run_moves.not_found(request.run_id)
                return tables.artifacts.of_run(request.run_id, _MOST_LISTED)
            if tables.sessions.of_organization(organization_id, request.browser_session_id) is None:
                raise session_moves.not_found(request.browser_session_id)
            return tables.artifacts.of_session(request.browser_session_id, _MOST_LISTED)

        found = await self._database.read(query)
        shown = [wire.artifact(one) for one in found if not types or one.artifact_type in types]
        return pb.ListArtifactsResponse(artifacts=shown)
