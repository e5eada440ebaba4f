"""HostBlobService: takes in files that runs leave behind, hands out those they give to pages, moves browser states."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.host.v1 import host_pb2
from tabkeep.host.v1 import host_pb2_grpc as pb_grpc
from tabkeep.v1 import artifacts_pb2

from control_plane.coordinator import Coordinator
from control_plane.entities import browser_states, keys
from control_plane.entities.browser_states import StateInvalid
from control_plane.entities.profiles import BrowserState
from control_plane.entities.records import Artifact, ArtifactState
from control_plane.errors import PreconditionFailed, ScopeMissing
from control_plane.interceptors import caller
from control_plane.keeping.artifact_keeping import ArtifactKeeping
from control_plane.keeping.blobs import CHUNK_BYTES, MAX_BYTES, MAX_DOWNLOAD_BYTES, BlobInvalid, Blobs
from control_plane.keeping.state_keeping import StateKeeping
from control_plane.live.captures import Captured, Captures
from control_plane.moves import artifact_moves, file_moves, profile_saves
from control_plane.moves.profile_saves import BroughtState
from control_plane.store import Tables
from control_plane.wire import file_wire, profile_wire
from control_plane.wire.enums import ARTIFACT_TYPE
from control_plane.wire.times import NO_TIME

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_LARGE = ("download", "console_log", "network_log", "recording")
"""What may have as many bytes as a download, or none at all."""


class HostBlobService(pb_grpc.HostBlobServiceServicer):
    """See the proto for what each call does."""

    def __init__(
        self,
        coordinator: Coordinator,
        blobs: Blobs,
        artifacts: ArtifactKeeping,
        keeping: StateKeeping,
        captures: Captures,
        files: Blobs,
    ) -> None:
        """`files` are those that callers bring."""
        self._coordinator = coordinator
        self._files = files
        self._blobs = blobs
        self._artifacts = artifacts
        self._keeping = keeping
        self._captures = captures

    async def PutBlob(
        self, request_iterator: AsyncIterator[host_pb2.PutBlobRequest], context: Context
    ) -> host_pb2.PutBlobResponse:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise BlobInvalid("the first message must be the header")
        header = first.header
        artifact = _artifact(header)
        keys.refuse_other_host(caller.get(), header.host_id)
        placement = (header.host_id, header.fence)
        if await self._coordinator.database.read(lambda tables: _is_there(tables, artifact, *placement)):
            return host_pb2.PutBlobResponse()
        if artifact.state is ArtifactState.STORED:
            await self._blobs.put(artifact, _chunks(request_iterator))
        if await self._coordinator.move(artifact_moves.keep, artifact, *placement):
            self._artifacts.look()
        captured = Captured(b"", artifact.state_message)
        self._captures.answer(artifact.artifact_id, artifact.browser_session_id, header.fence, captured)
        return host_pb2.PutBlobResponse()

    async def GetBrowserState(
        self, request: host_pb2.GetBrowserStateRequest, context: Context
    ) -> AsyncIterator[host_pb2.GetBrowserStateResponse]:
        _refuse_others(request.host_id)
        state = await self._coordinator.database.read(lambda tables: _state_to_start_from(tables, request))
        content = await self._keeping.open(state)
        header = host_pb2.StoredBrowserState(size=len(content), sha256=hashlib.sha256(content).hexdigest())
        yield host_pb2.GetBrowserStateResponse(header=header)
        for start in range(0, len(content), CHUNK_BYTES):
            yield host_pb2.GetBrowserStateResponse(chunk=content[start : start + CHUNK_BYTES])

    async def GetRunFile(
        self, request: host_pb2.GetRunFileRequest, context: Context
    ) -> AsyncIterator[host_pb2.GetRunFileResponse]:
        _refuse_others(request.host_id)
        placement = (request.host_id, request.browser_session_id, request.fence)
        file = await self._coordinator.database.read(
            lambda tables: file_moves.for_run(tables, *placement, request.run_id, request.file)
        )
        yield host_pb2.GetRunFileResponse(file=file_wire.file(file))
        async for chunk in self._files.read(file.file_id, file.sha256, file_moves.damaged(file)):
            yield host_pb2.GetRunFileResponse(chunk=chunk)

    async def PutBrowserState(
        self, request_iterator: AsyncIterator[host_pb2.PutBrowserStateRequest], context: Context
    ) -> host_pb2.PutBrowserStateResponse:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise StateInvalid("the first message must be the header")
        header = first.header
        _refuse_others(header.host_id)
        brought = profile_wire.brought_state(header, self._coordinator.clock.now())
        content = b"" if header.failure else await _content(header, request_iterator)
        if header.capture_id:
            await self._answer_capture(header, content)
        elif header.failure:
            dropped = await self._coordinator.move(profile_saves.could_not, brought, header.failure[:1000])
            await self._keeping.drop(dropped)
        else:
            await self._keep(brought, content)
        return host_pb2.PutBrowserStateResponse()

    async def _answer_capture(self, header: host_pb2.BrowserStateHeader, content: bytes) -> None:
        placement = (header.browser_session_id, header.fence)
        await self._coordinator.database.read(
            lambda tables: profile_saves.placed_session(tables, header.host_id, *placement)
        )
        if content:
            browser_states.summary(content)
        captured = Captured(content, header.failure[:1000])
        if not self._captures.answer(header.capture_id, *placement, captured):
            raise PreconditionFailed(f"nobody waits for capture {header.capture_id[:64]}", reason="STALE_FENCE")

    async def _keep(self, brought: BroughtState, content: bytes) -> None:
        summary = browser_states.summary(content)
        target = await self._coordinator.move(profile_saves.begin, brought)
        if target is None:
            return
        state = await self._keeping.seal(
            content,
            summary,
            organization_id=target.organization_id,
            owner_id=target.owner_id,
            version=target.version,
            browser_session_id=target.browser_session_id,
            state_time=brought.state_time,
            finished=False,
        )
        try:
            dropped = await self._coordinator.move(profile_saves.keep, brought, state)
        except BaseException:
            await self._keeping.drop([state.state_id])
            raise
        await self._keeping.drop(dropped)


def _refuse_others(host_id: str) -> None:
    """Raise unless the caller's token is this host's: a token that nobody has attached with is no host's at all.

    Raises:
        ScopeMissing: HOST_TOKEN_BOUND.
    """
    keys.refuse_other_host(caller.get(), host_id)
    if not caller.get().host_id:
        raise ScopeMissing(f"no host has attached with this token: it is not {host_id}'s", reason="HOST_TOKEN_BOUND")


def _state_to_start_from(tables: Tables, request: host_pb2.GetBrowserStateRequest) -> BrowserState:
    """The state of a session that is placed on this host.

    Raises:
        PreconditionFailed: STALE_FENCE.
        NotFound: PROFILE_NOT_FOUND.
    """
    session = profile_saves.placed_session(tables, request.host_id, request.browser_session_id, request.fence)
    if not session.open or not session.browser_profile_id:
        raise PreconditionFailed(
            f"session {session.browser_session_id} is {session.state.value} and starts from no profile now",
            reason="STALE_FENCE",
        )
    state = tables.profiles.state(session.browser_profile_id, session.browser_profile_version)
    if state is None or not state.finished:
        raise profile_saves.not_found(session.browser_profile_id, session.browser_profile_version)
    return state


async def _content(
    header: host_pb2.BrowserStateHeader, requests: AsyncIterator[host_pb2.PutBrowserStateRequest]
) -> bytes:
    content = bytearray()
    async for request in requests:
        content += request.chunk
        if len(content) > header.size:
            raise StateInvalid("more bytes than the header says")
    if len(content) != header.size or hashlib.sha256(content).hexdigest() != header.sha256:
        raise StateInvalid("size or checksum are not those of the header")
    return bytes(content)


async def _chunks(requests: AsyncIterator[host_pb2.PutBlobRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request.chunk


def _is_there(tables: Tables, artifact: Artifact, host_id: str, fence: int) -> bool:
    artifact_moves.check(tables, artifact, host_id, fence)
    return tables.artifacts.get(artifact.artifact_id) is not None


def _artifact(header: host_pb2.BlobHeader) -> Artifact:
    """The artifact a header describes; its organization and time are not the host's to say."""
    proto = header.artifact
    if not proto.artifact_id or len(proto.artifact_id) > 200:
        raise BlobInvalid("artifact_id must be 1 to 200 characters")
    artifact_type = ARTIFACT_TYPE.name(proto.artifact_type) or "screenshot"
    refused = proto.state == artifacts_pb2.ARTIFACT_STATE_REFUSED
    lowest, highest = (0, 0) if refused else (1, MAX_BYTES)
    if artifact_type in _LARGE and not refused:
        lowest, highest = 0, MAX_DOWNLOAD_BYTES
    if not lowest <= proto.size <= highest:
        raise BlobInvalid(f"artifact {proto.artifact_id}: {proto.size} bytes are not within {lowest} to {highest}")
    return Artifact(
        artifact_id=proto.artifact_id,
        organization_id="",
        browser_session_id=header.browser_session_id,
        run_id=proto.run_id,
        artifact_type=artifact_type,
        file_name=proto.file_name[:255],
        content_type=proto.content_type[:100],
        size=proto.size,
        sha256=proto.sha256,
        state=ArtifactState.REFUSED if refused else ArtifactState.STORED,
        state_message=proto.state_message[:1000] if refused else "",
        on_disk=not refused,
        create_time=NO_TIME,
        expire_time=None,
        truncation=proto.truncation[:1000],
    )
