"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tabkeep.records.run_events import (
    ApprovalRequested,
    ApprovalResolved,
    BlockFinished,
    BlockStarted,
    DialogShown,
    ModelCall,
    PageCloseCause,
    PageClosed,
    PageOpened,
    PlanMade,
    Replayed,
    RunEvent,
    RunEventDetail,
    RunFinished,
    RunStarted,
    RunWarning,
    StepFinished,
    StepHealed,
    StepOutcome,
    StepStarted,
    TaskRecorded,
)
from tabkeep.records.runs import FailureReason, RunStatus
from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.wire.enums import enum_if_any, enum_of
from tabkeep.wire.recordings import recorded_task
from tabkeep.wire.runs import approval, provenance
from tabkeep.wire.values import from_value, timestamp


def run_event(message: runs_pb2.RunEvent) -> RunEvent:
    """Return an event; one of a kind that a newer server knows has kind "unknown" and no detail."""
    kind = message.WhichOneof("kind")
    create_time = timestamp(message.create_time)
    if kind is None:
        return RunEvent(message.run_id, message.seq, create_time, "unknown", None)
    return RunEvent(message.run_id, message.seq, create_time, kind, _DETAILS[kind](getattr(message, kind)))


def _run_started(message: runs_pb2.RunStarted) -> RunStarted:
    return RunStarted(message.url, message.title)


def _plan_made(message: runs_pb2.PlanMade) -> PlanMade:
    return PlanMade(message.planner, tuple(message.clauses), message.recording_id or None)


def _block_started(message: runs_pb2.BlockStarted) -> BlockStarted:
    return BlockStarted(message.block_id, message.block_type)


def _block_finished(message: runs_pb2.BlockFinished) -> BlockFinished:
    return BlockFinished(message.block_id, enum_of(StepOutcome, message.outcome), from_value(message.output))


def _step_started(message: runs_pb2.StepStarted) -> StepStarted:
    action = actions_pb2.Action()
    action.CopyFrom(message.action)
    return StepStarted(
        step=message.step,
        action=action,
        description=message.description,
        source=message.source,
        url=message.url,
        block_id=message.block_id or None,
    )


def _step_finished(message: runs_pb2.StepFinished) -> StepFinished:
    return StepFinished(
        step=message.step,
        outcome=enum_of(StepOutcome, message.outcome),
        failure_reason=enum_if_any(FailureReason, message.failure_reason),
        message=message.message,
        duration=message.duration.ToTimedelta(),
        url=message.url,
        title=message.title,
        target=message.target or None,
        screenshot_artifact_id=message.screenshot_artifact_id or None,
        output=from_value(message.output),
        provenance=tuple(map(provenance, message.provenance)),
    )


def _approval_requested(message: runs_pb2.ApprovalRequested) -> ApprovalRequested:
    return ApprovalRequested(approval(message.approval))


def _approval_resolved(message: runs_pb2.ApprovalResolved) -> ApprovalResolved:
    return ApprovalResolved(message.approval_id, message.approved, message.timed_out, message.comment)


def _warning(message: runs_pb2.Warning) -> RunWarning:
    return RunWarning(message.code, message.message)


def _model_call(message: runs_pb2.ModelCall) -> ModelCall:
    return ModelCall(
        message.model,
        message.attempt,
        message.input_tokens,
        message.output_tokens,
        message.duration.ToTimedelta(),
        message.error,
    )


def _task_recorded(message: runs_pb2.TaskRecorded) -> TaskRecorded:
    return TaskRecorded(
        recording_id=message.recording_id or None,
        confirmed=message.confirmed,
        mended=message.mended,
        task=recorded_task(message.task) if message.HasField("task") else None,
    )


def _replayed(message: runs_pb2.Replayed) -> Replayed:
    return Replayed(
        recording_id=message.recording_id,
        version=message.version,
        verified=message.verified,
        stale=message.stale,
        message=message.message,
    )


def _step_healed(message: runs_pb2.StepHealed) -> StepHealed:
    return StepHealed(step=message.step, recorded=message.recorded, found=message.found, by=message.by)


def _dialog_shown(message: runs_pb2.DialogShown) -> DialogShown:
    return DialogShown(
        message.dialog_type,
        message.message,
        message.answer == actions_pb2.DIALOG_ANSWER_ACCEPT,
        message.by_action,
        message.page_id,
        message.url,
    )


def _page_opened(message: runs_pb2.PageOpened) -> PageOpened:
    return PageOpened(message.page_id, message.opener_page_id or None)


def _page_closed(message: runs_pb2.PageClosed) -> PageClosed:
    cause = enum_of(PageCloseCause, message.cause)
    return PageClosed(message.page_id, cause, message.url, message.replaced_by_page_id or None)


def _run_finished(message: runs_pb2.RunFinished) -> RunFinished:
    return RunFinished(
        enum_of(RunStatus, message.status),
        enum_if_any(FailureReason, message.failure_reason),
        message.failure_message,
        from_value(message.output),
        tuple(map(provenance, message.provenance)),
    )


_DETAILS: Mapping[str, Callable[[Any], RunEventDetail]] = {
    "run_started": _run_started,
    "plan_made": _plan_made,
    "block_started": _block_started,
    "block_finished": _block_finished,
    "step_started": _step_started,
    "step_finished": _step_finished,
    "approval_requested": _approval_requested,
    "approval_resolved": _approval_resolved,
    "warning": _warning,
    "model_call": _model_call,
    "task_recorded": _task_recorded,
    "replayed": _replayed,
    "step_healed": _step_healed,
    "dialog_shown": _dialog_shown,
    "page_opened": _page_opened,
    "page_closed": _page_closed,
    "run_finished": _run_finished,
}
