"""HostBlobService: takes in the files that runs leave behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc
from tabkeep.host.v1 import host_pb2
from tabkeep.host.v1 import host_pb2_grpc as pb_grpc

from control_plane import host_moves, keys, wire
from control_plane.blobs import MAX_BYTES, BlobInvalid, Blobs
from control_plane.coordinator import Coordinator
from control_plane.interceptors import caller
from control_plane.records import Artifact

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class HostBlobService(pb_grpc.HostBlobServiceServicer):
    """See the proto for what the call does."""

    def __init__(self, coordinator: Coordinator, blobs: Blobs) -> None:
        self._coordinator = coordinator
        self._blobs = blobs

    async def PutBlob(
        self, request_iterator: AsyncIterator[host_pb2.PutBlobRequest], context: Context
    ) -> host_pb2.PutBlobResponse:
        first = await anext(request_iterator, None)
        if first is None or first.WhichOneof("part") != "header":
            raise BlobInvalid("the first message must be the header")
        header = first.header
        if not 0 < header.artifact.size <= MAX_BYTES:
            raise BlobInvalid(
                f"artifact {header.artifact.artifact_id}: {header.artifact.size} bytes are not within 1 to {MAX_BYTES}"
            )
        keys.refuse_other_host(caller.get(), header.host_id)
        content = bytearray()
        async for request in request_iterator:
            content += request.chunk
            if len(content) > header.artifact.size:
                raise BlobInvalid(f"artifact {header.artifact.artifact_id}: more bytes than its header says")
        placement = (header.host_id, header.browser_session_id, header.fence)
        artifact = _artifact(header)
        artifact = await self._coordinator.database.read(
            lambda tables: host_moves.check_artifact(tables, artifact, *placement)
        )
        await self._blobs.put(artifact, bytes(content))
        await self._coordinator.move(host_moves.keep_artifact, artifact, *placement)
        return host_pb2.PutBlobResponse()


def _artifact(header: host_pb2.BlobHeader) -> Artifact:
    """The artifact a header describes; its organization and time are not the host's to say."""
    proto = header.artifact
    if not proto.artifact_id or len(proto.artifact_id) > 200:
        raise BlobInvalid("artifact_id must be 1 to 200 characters")
    return Artifact(
        artifact_id=proto.artifact_id,
        organization_id="",
        run_id=proto.run_id,
        artifact_type=wire.ARTIFACT_TYPE.name(proto.artifact_type) or "screenshot",
        content_type=proto.content_type[:100],
        size=proto.size,
        sha256=proto.sha256,
        create_time=wire.NO_TIME,
    )
