"""ArtifactService: read and convert."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import artifacts_pb2 as pb
from tabkeep.v1 import artifacts_pb2_grpc as pb_grpc

from control_plane import run_moves, wire
from control_plane.blobs import Blobs
from control_plane.coordinator import Coordinator
from control_plane.errors import NotFound
from control_plane.interceptors import caller
from control_plane.records import Artifact
from control_plane.store import Tables

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


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
        yield pb.GetArtifactResponse(artifact=wire.artifact(artifact))
        async for chunk in self._blobs.get(artifact):
            yield pb.GetArtifactResponse(chunk=chunk)

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Context) -> pb.ListArtifactsResponse:
        organization_id = caller.get().organization_id

        def query(tables: Tables) -> list[Artifact]:
            if tables.runs.of_organization(organization_id, request.run_id) is None:
                raise run_moves.not_found(request.run_id)
            return tables.artifacts.of_run(request.run_id)

        found = await self._database.read(query)
        return pb.ListArtifactsResponse(artifacts=[wire.artifact(artifact) for artifact in found])
