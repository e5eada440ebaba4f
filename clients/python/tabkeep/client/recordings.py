"""Calls about recordings of tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tabkeep import wire
from tabkeep.client.connection import PAGE_SIZE, Connection
from tabkeep.records.recordings import ExportedRecording, Recording, RecordingFormat
from tabkeep.v1 import recordings_pb2


class RecordingCalls(Connection):
    """Calls about recordings of tasks."""

    async def list_recordings(
        self, *, origin: str | None = None, page_size: int = PAGE_SIZE
    ) -> AsyncIterator[Recording]:
        """Yield what is recorded, or what is for the site of a URL, without its parts, newest first."""
        request = recordings_pb2.ListRecordingsRequest(page_size=page_size, origin=origin or "")
        while True:
            page = await self._calls.unary(
                "RecordingService/ListRecordings", request, recordings_pb2.ListRecordingsResponse
            )
            for one in page.recordings:
                yield wire.recording(one)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_recording(self, recording_id: str) -> Recording:
        """Return a recording with its parts.

        Raises:
            NotFound: no such recording in the caller's organization.
        """
        request = recordings_pb2.GetRecordingRequest(recording_id=recording_id)
        answer = await self._calls.unary("RecordingService/GetRecording", request, recordings_pb2.GetRecordingResponse)
        return wire.recording(answer.recording)

    async def delete_recording(self, recording_id: str) -> None:
        """Delete a recording; the next success records anew.

        Raises:
            NotFound: no such recording in the caller's organization.
        """
        request = recordings_pb2.DeleteRecordingRequest(recording_id=recording_id)
        await self._calls.unary("RecordingService/DeleteRecording", request, recordings_pb2.DeleteRecordingResponse)

    async def export_recording(
        self, recording_id: str, export_format: RecordingFormat | str = RecordingFormat.WORKFLOW_YAML
    ) -> ExportedRecording:
        """Return a recording as a workflow's definition, or as a script for Playwright alone.

        Raises:
            NotFound: no such recording in the caller's organization.
            FailedPrecondition: the format cannot say a part of it.
        """
        request = recordings_pb2.ExportRecordingRequest(
            recording_id=recording_id, format=wire.enum_to_proto(RecordingFormat, export_format)
        )
        answer = await self._calls.unary(
            "RecordingService/ExportRecording", request, recordings_pb2.ExportRecordingResponse
        )
        return wire.exported_recording(answer)
