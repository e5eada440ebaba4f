"""What a run tells while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from tabkeep.records.recordings import RecordedTask
from tabkeep.records.runs import Approval, FailureReason, Provenance, Run, RunStatus
from tabkeep.records.values import Json

if TYPE_CHECKING:
    from tabkeep.v1 import actions_pb2


class StepOutcome(StrEnum):
    """Whether a step did what it says."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PageCloseCause(StrEnum):
    """Why a tab is not there any more."""

    CLOSED = "closed"
    CRASHED = "crashed"
    TOO_MANY = "too_many"
    DIALOG_FLOOD = "dialog_flood"
    UNRESPONSIVE = "unresponsive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The host began to carry out the run."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A prompt was understood whole; nothing has been done for it yet."""

    planner: str
    clauses: tuple[str, ...]
    recording_id: str | None = None
    """The recording that is replayed."""


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A workflow's block began."""

    block_id: str
    block_type: str


@dataclass(frozen=True, slots=True)
class BlockFinished:
    """A workflow's block ended."""

    block_id: str
    outcome: StepOutcome
    output: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step is about to act; stored before it acts."""

    step: int
    action: actions_pb2.Action
    description: str
    source: str
    url: str
    block_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step acted, or could not."""

    step: int
    outcome: StepOutcome
    failure_reason: FailureReason | None
    message: str
    duration: timedelta
    url: str
    title: str
    target: str | None
    screenshot_artifact_id: str | None
    output: Json
    provenance: Sequence[Provenance]


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The run pauses for a person."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalResolved:
    """A person answered, or nobody did in time."""

    approval_id: str
    approved: bool
    timed_out: bool
    comment: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to the model's endpoint; `error` says why there is no usable answer, and is empty when there is."""

    model: str
    attempt: int
    input_tokens: int
    output_tokens: int
    duration: timedelta
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecorded:
    """The task was done and is recorded, or its recording was confirmed or mended; `task` is None where it stays."""

    recording_id: str | None
    confirmed: bool
    mended: bool
    task: RecordedTask | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a recording fared."""

    recording_id: str
    version: int
    verified: bool
    stale: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHealed:
    """A recorded step was done with an element that is not quite the recorded one."""

    step: int
    recorded: str
    found: str
    by: str


@dataclass(frozen=True, slots=True)
class DialogShown:
    """A dialog of the browser was shown and answered, by an action of the run or by the session's policy."""

    dialog_type: str
    """alert, confirm, prompt or beforeunload."""
    message: str
    accepted: bool
    by_action: bool
    page_id: str
    url: str


@dataclass(frozen=True, slots=True)
class PageOpened:
    """A tab was opened."""

    page_id: str
    opener_page_id: str | None


@dataclass(frozen=True, slots=True)
class PageClosed:
    """A tab is not there any more."""

    page_id: str
    cause: PageCloseCause
    url: str
    replaced_by_page_id: str | None


@dataclass(frozen=True, slots=True)
class RunWarning:
    """Something worth knowing that stops nothing."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The host is done with the run; always the last event."""

    status: RunStatus
    failure_reason: FailureReason | None
    failure_message: str
    output: Json
    provenance: Sequence[Provenance]


RunEventDetail: TypeAlias = (
    RunStarted
    | PlanMade
    | BlockStarted
    | BlockFinished
    | StepStarted
    | StepFinished
    | ApprovalRequested
    | ApprovalResolved
    | RunWarning
    | ModelCall
    | TaskRecorded
    | Replayed
    | StepHealed
    | DialogShown
    | PageOpened
    | PageClosed
    | RunFinished
)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run, stored before anybody sees it."""

    run_id: str
    seq: int
    """1, 2, 3, ... without gaps."""
    create_time: datetime
    kind: str
    """The detail's name on the wire, such as "step_finished"; "unknown" for what this client does not know."""
    detail: RunEventDetail | None


RunUpdate: TypeAlias = RunEvent | Run
"""What `watch_run` yields: the next event, or the run after a change of its status."""
