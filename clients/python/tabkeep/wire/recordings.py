"""Recordings."""

from __future__ import annotations

from tabkeep.records.recordings import (
    ExportedRecording,
    RecordedPart,
    RecordedStep,
    RecordedTask,
    RecordedValue,
    Recording,
    RecordingState,
)
from tabkeep.v1 import recordings_pb2
from tabkeep.wire.enums import enum_of
from tabkeep.wire.values import timestamp


def recording(message: recordings_pb2.Recording) -> Recording:
    """Return a recording."""
    return Recording(
        recording_id=message.recording_id,
        organization_id=message.organization_id,
        state=enum_of(RecordingState, message.state),
        version=message.version,
        run_id=message.run_id,
        success_count=message.success_count,
        failure_count=message.failure_count,
        create_time=timestamp(message.create_time),
        update_time=timestamp(message.update_time),
        task=recorded_task(message.task),
    )


def exported_recording(message: recordings_pb2.ExportRecordingResponse) -> ExportedRecording:
    """Return a recording as a program."""
    return ExportedRecording(content=message.content, file_name=message.file_name, content_type=message.content_type)


def recorded_task(message: recordings_pb2.RecordedTask) -> RecordedTask:
    return RecordedTask(
        template=message.template,
        origin=message.origin,
        start=message.start,
        values=tuple(
            RecordedValue(name=one.name, secret=one.secret, fixed=one.fixed, text=one.text) for one in message.values
        ),
        parts=tuple(_recorded_part(one) for one in message.parts),
        planner=message.planner,
    )


def _recorded_part(message: recordings_pb2.RecordedPart) -> RecordedPart:
    steps = (
        RecordedStep(action=one.action, elements=tuple(one.elements), seen=tuple(one.seen)) for one in message.steps
    )
    return RecordedPart(clause=message.clause, looks_again=message.looks_again, steps=tuple(steps))
