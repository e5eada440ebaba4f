"""RecordingService: convert, move or read, convert back."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import recordings_pb2 as pb
from tabkeep.v1 import recordings_pb2_grpc as pb_grpc

from control_plane import recording_exports
from control_plane.coordinator import Coordinator
from control_plane.entities import credentials
from control_plane.entities.recordings import Recording
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.moves import recording_moves
from control_plane.page_tokens import PageTokens
from control_plane.wire.enums import EnumPair
from control_plane.wire.times import set_time

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_STATE = EnumPair(pb.RecordingState, "RECORDING_STATE_")


class RecordingService(pb_grpc.RecordingServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, page_tokens: PageTokens) -> None:
        self._coordinator = coordinator
        self._page_tokens = page_tokens

    async def ListRecordings(self, request: pb.ListRecordingsRequest, context: Context) -> pb.ListRecordingsResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        origin = credentials.origin_of(request.origin) if request.origin else ""
        if request.origin and not origin:
            fields.wrong("origin", f"{request.origin[:100]!r} is no http or https URL")
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()
        found = await self._coordinator.database.read(
            lambda tables: tables.recordings.page(organization_id, origin, before, size + 1)
        )
        last = found[size - 1].recording_id if len(found) > size else ""
        return pb.ListRecordingsResponse(
            recordings=[_shown(one, whole=False) for one in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def GetRecording(self, request: pb.GetRecordingRequest, context: Context) -> pb.GetRecordingResponse:
        return pb.GetRecordingResponse(recording=_shown(await self._read(request.recording_id), whole=True))

    async def DeleteRecording(self, request: pb.DeleteRecordingRequest, context: Context) -> pb.DeleteRecordingResponse:
        await self._coordinator.move(recording_moves.delete, caller.get().organization_id, request.recording_id)
        return pb.DeleteRecordingResponse()

    async def ExportRecording(self, request: pb.ExportRecordingRequest, context: Context) -> pb.ExportRecordingResponse:
        fields = Fields()
        known = (pb.RECORDING_FORMAT_WORKFLOW_YAML, pb.RECORDING_FORMAT_PLAYWRIGHT_PYTHON)
        if request.format not in known:
            fields.wrong("format", "must be RECORDING_FORMAT_WORKFLOW_YAML or RECORDING_FORMAT_PLAYWRIGHT_PYTHON")
        fields.raise_if_wrong()
        recording = await self._read(request.recording_id)
        task = pb.RecordedTask.FromString(recording.task)
        recording_id = recording.recording_id
        if request.format == pb.RECORDING_FORMAT_WORKFLOW_YAML:
            text = recording_exports.workflow_yaml(recording_id, task)
            name, content_type = f"{recording_id}.yaml", "text/yaml"
        else:
            text = recording_exports.playwright_python(recording_id, recording.version, task)
            name, content_type = f"{recording_id}.py", "text/x-python"
        return pb.ExportRecordingResponse(content=text, file_name=name, content_type=content_type)

    async def _read(self, recording_id: str) -> Recording:
        organization_id = caller.get().organization_id
        return await self._coordinator.database.read(
            lambda tables: recording_moves.find(tables, organization_id, recording_id)
        )


def _shown(recording: Recording, *, whole: bool) -> pb.Recording:
    proto = pb.Recording(
        recording_id=recording.recording_id,
        organization_id=recording.organization_id,
        state=_STATE.value(recording.state.value),
        version=recording.version,
        run_id=recording.run_id,
        success_count=recording.success_count,
        failure_count=recording.failure_count,
        task=pb.RecordedTask.FromString(recording.task),
    )
    if not whole:
        del proto.task.parts[:]
    set_time(proto.create_time, recording.create_time)
    set_time(proto.update_time, recording.update_time)
    return proto
