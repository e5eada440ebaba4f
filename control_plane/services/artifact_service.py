"""ArtifactService: read and convert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import artifacts_pb2 as pb
from tabkeep.v1 import artifacts_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.records import Artifact, ArtifactState
from control_plane.entities.sessions import Session, SessionState
from control_plane.errors import NotFound, PreconditionFailed, Unavailable
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.keeping.blobs import Blobs
from control_plane.live.captures import Captures
from control_plane.live.host_messages import CapturePage
from control_plane.moves import run_moves, session_moves
from control_plane.store import Tables
from control_plane.wire import file_wire
from control_plane.wire.enums import ARTIFACT_TYPE

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_CAPTURE_SECONDS = 20.0
_MOST_LISTED = 10_000


class ArtifactService(pb_grpc.ArtifactServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, blobs: Blobs, captures: Captures) -> None:
        self._coordinator = coordinator
        self._database = coordinator.database
        self._blobs = blobs
        self._captures = captures

    async def CapturePage(self, request: pb.CapturePageRequest, context: Context) -> pb.CapturePageResponse:
        organization_id, fields = caller.get().organization_id, Fields()
        artifact_type = ARTIFACT_TYPE.name(request.artifact_type or pb.ARTIFACT_TYPE_SCREENSHOT)
        if artifact_type not in ("screenshot", "pdf"):
            fields.wrong("artifact_type", "use SCREENSHOT or PDF")
        fields.raise_if_wrong()
        session = await self._database.read(
            lambda tables: session_moves.find(tables, organization_id, request.browser_session_id)
        )
        if session.state is not SessionState.RUNNING:
            raise PreconditionFailed(
                f"session {session.browser_session_id} is {session.state.value}: there is no page to see",
                reason="SESSION_NOT_RUNNING" if session.open else "SESSION_CLOSED",
                browser_session_id=session.browser_session_id,
            )
        if self._coordinator.links.get(session.host_id) is None:
            raise _unreachable(session)
        with self._captures.wait_for(session.browser_session_id, session.fence, "art_") as capture:
            message = CapturePage(session.browser_session_id, session.fence, capture.capture_id, artifact_type)
            self._coordinator.links.send(session.host_id, message)
            try:
                async with asyncio.timeout(_CAPTURE_SECONDS):
                    captured = await capture.answer
            except TimeoutError:
                raise _unreachable(session) from None
        if captured.failure:
            raise PreconditionFailed(
                f"the page of session {session.browser_session_id} could not be captured: {captured.failure}",
                reason="CAPTURE_FAILED",
                browser_session_id=session.browser_session_id,
            )
        artifact = await self._database.read(lambda tables: tables.artifacts.get(capture.capture_id))
        assert artifact is not None
        return pb.CapturePageResponse(artifact=file_wire.artifact(artifact))

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
        yield pb.GetArtifactResponse(artifact=file_wire.artifact(artifact))
        async for chunk in self._blobs.get(artifact):
            yield pb.GetArtifactResponse(chunk=chunk)

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Context) -> pb.ListArtifactsResponse:
        organization_id = caller.get().organization_id
        fields = Fields()
        if bool(request.run_id) == bool(request.browser_session_id):
            fields.wrong("run_id", "give this or browser_session_id, not both and not neither")
        types = [ARTIFACT_TYPE.name(value) for value in request.artifact_types]
        if "" in types:
            possible = ARTIFACT_TYPE.possible()
            fields.wrong("artifact_types", f"holds a value that is unspecified or unknown: use {possible}")
        fields.raise_if_wrong()

        def query(tables: Tables) -> list[Artifact]:
            if request.run_id:
                run_moves.find(tables, organization_id, request.run_id)
                return tables.artifacts.of_run(request.run_id, _MOST_LISTED)
            session_moves.find(tables, organization_id, request.browser_session_id)
            return tables.artifacts.of_session(request.browser_session_id, _MOST_LISTED)

        found = await self._database.read(query)
        shown = [file_wire.artifact(one) for one in found if not types or one.artifact_type in types]
        return pb.ListArtifactsResponse(artifacts=shown)


def _unreachable(session: Session) -> Unavailable:
    return Unavailable(
        f"host {session.host_id} of session {session.browser_session_id} cannot be reached at the moment",
        reason="HOST_UNREACHABLE",
    )
