"""Runs."""

from __future__ import annotations

from tabkeep.records.runs import (
    Approval,
    ApprovalKind,
    FailureReason,
    IrreversiblePolicy,
    Provenance,
    Run,
    RunStatus,
    RunType,
    ScreenRecording,
)
from tabkeep.v1 import runs_pb2
from tabkeep.wire.enums import enum_if_any, enum_of
from tabkeep.wire.values import conditions, from_struct, from_value, optional_timestamp, timestamp, to_duration


def run(message: runs_pb2.Run) -> Run:
    """Return a run."""
    return Run(
        run_id=message.run_id,
        organization_id=message.organization_id,
        run_type=enum_of(RunType, message.run_type),
        status=enum_of(RunStatus, message.status),
        failure_reason=enum_if_any(FailureReason, message.failure_reason),
        failure_message=message.failure_message,
        output=from_value(message.output),
        browser_session_id=message.browser_session_id or None,
        owns_browser_session=message.owns_browser_session,
        prompt=message.prompt or None,
        url=message.url or None,
        workflow_id=message.workflow_id or None,
        workflow_version=message.workflow_version or None,
        labels=dict(message.labels),
        step_count=message.step_count,
        max_steps=message.max_steps,
        last_seq=message.last_seq,
        create_time=timestamp(message.create_time),
        start_time=optional_timestamp(message, "start_time"),
        end_time=optional_timestamp(message, "end_time"),
        timeout=message.timeout.ToTimedelta(),
        safe_to_retry=message.safe_to_retry,
        pending_approval=approval(message.pending_approval) if message.HasField("pending_approval") else None,
        conditions=conditions(message.conditions),
        update_time=timestamp(message.update_time),
        parameters=from_struct(message.parameters),
        provenance=tuple(map(provenance, message.provenance)),
        irreversible_policy=enum_if_any(IrreversiblePolicy, message.irreversible_policy),
    )


def to_screen_recording(recording: ScreenRecording) -> runs_pb2.ScreenRecording:
    """Return what is wanted of a run's moving pictures."""
    message = runs_pb2.ScreenRecording(frames_per_second=recording.frames_per_second or 0)
    if recording.max_duration is not None:
        message.max_duration.CopyFrom(to_duration(recording.max_duration, "max_duration"))
    return message


def approval(message: runs_pb2.Approval) -> Approval:
    return Approval(
        approval_id=message.approval_id,
        message=message.message,
        create_time=timestamp(message.create_time),
        expire_time=optional_timestamp(message, "expire_time"),
        screenshot_artifact_id=message.screenshot_artifact_id or None,
        kind=enum_if_any(ApprovalKind, message.kind),
    )


def provenance(message: runs_pb2.Provenance) -> Provenance:
    return Provenance(
        path=message.path,
        text=message.text,
        selector=message.selector,
        label=message.label,
        url=message.url,
        ungrounded=message.ungrounded,
    )
