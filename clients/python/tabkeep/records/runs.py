"""Runs of tasks and workflows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tabkeep.errors import TabkeepError
from tabkeep.records.values import Condition, Json


class RunType(StrEnum):
    """What a run carries out."""

    TASK = "task"
    WORKFLOW = "workflow"
    UNKNOWN = "unknown"


class RunStatus(StrEnum):
    """Where a run is; COMPLETED and what follows it are final."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether this status never changes again."""
        return self in _FINAL


_FINAL = frozenset(
    {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TERMINATED, RunStatus.CANCELED, RunStatus.TIMED_OUT}
)


class FailureReason(StrEnum):
    """Why a run, or a step of it, did not do what was asked; the proto file says what each one means."""

    NEEDS_MODEL = "NEEDS_MODEL"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"
    REJECTED_BY_PAGE = "REJECTED_BY_PAGE"
    MISSING_INPUT = "MISSING_INPUT"
    CREDENTIAL_REQUIRED = "CREDENTIAL_REQUIRED"
    BLOCKED_BY_POLICY = "BLOCKED_BY_POLICY"
    NAVIGATION = "NAVIGATION"
    NO_EFFECT = "NO_EFFECT"
    EXPECTATION_FAILED = "EXPECTATION_FAILED"
    EXTRACT = "EXTRACT"
    STEP_TIMEOUT = "STEP_TIMEOUT"
    STALLED = "STALLED"
    PAGE_CRASHED = "PAGE_CRASHED"
    MAX_STEPS = "MAX_STEPS"
    RUN_TIMED_OUT = "RUN_TIMED_OUT"
    CANCELED = "CANCELED"
    APPROVAL_REJECTED = "APPROVAL_REJECTED"
    APPROVAL_TIMED_OUT = "APPROVAL_TIMED_OUT"
    SESSION_CLOSED = "SESSION_CLOSED"
    SESSION_TIMED_OUT = "SESSION_TIMED_OUT"
    NO_CAPACITY = "NO_CAPACITY"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    BROWSER_CRASHED = "BROWSER_CRASHED"
    HOST_LOST = "HOST_LOST"
    HOST_DRAINED = "HOST_DRAINED"
    INTERNAL = "INTERNAL"
    MODEL_FAILED = "MODEL_FAILED"
    MODEL_BUDGET = "MODEL_BUDGET"
    PROXY_FAILED = "PROXY_FAILED"
    FILE_UNAVAILABLE = "FILE_UNAVAILABLE"
    FILE_NOT_ACCEPTED = "FILE_NOT_ACCEPTED"
    STALE_RECORDING = "STALE_RECORDING"
    NO_RECORDING = "NO_RECORDING"
    CAPTCHA = "CAPTCHA"
    LOGIN_WALL = "LOGIN_WALL"
    CDP_CLIENT_STAYED = "CDP_CLIENT_STAYED"
    UNKNOWN = "UNKNOWN"


class ApprovalKind(StrEnum):
    """What a person is asked for."""

    TAKE_OVER = "take_over"
    UNKNOWN = "unknown"


class ScreenshotMode(StrEnum):
    """Which steps of a run get a screenshot."""

    EVERY_STEP = "every_step"
    ON_FAILURE = "on_failure"
    NONE = "none"
    UNKNOWN = "unknown"


class Planner(StrEnum):
    """Who turns a prompt into steps; not given: the rules, and the model for what they do not understand."""

    RULES = "rules"
    MODEL = "model"
    UNKNOWN = "unknown"


class ReplayMode(StrEnum):
    """What recordings are to a run; not given: a trusted one is replayed, else the prompt is planned and recorded."""

    ONLY = "only"
    PLAN = "plan"
    OFF = "off"
    UNKNOWN = "unknown"


class IrreversiblePolicy(StrEnum):
    """What happens before an act that cannot be undone: paying, ordering, deleting, sending, publishing."""

    ALLOW = "allow"
    APPROVE = "approve"
    DENY = "deny"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A question to a person that a paused run waits for."""

    approval_id: str
    message: str
    create_time: datetime
    expire_time: datetime | None
    screenshot_artifact_id: str | None
    kind: ApprovalKind | None
    """None: a yes or a no."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a value of an output came from."""

    path: str
    text: str
    selector: str
    label: str
    url: str
    ungrounded: bool


class RunFailed(TabkeepError):
    """A run ended without COMPLETED; `run` is that run, `reason` its failure reason."""

    def __init__(self, run: Run) -> None:
        text = run.failure_message or "no message"
        reason = run.failure_reason.value if run.failure_reason else run.status.value.upper()
        super().__init__(f"run {run.run_id} ended {run.status.value}: {text}", code=run.status.value, reason=reason)
        self.run = run

    def __reduce__(self) -> tuple[type[RunFailed], tuple[Run]]:
        """Let the error cross process boundaries with its run."""
        return RunFailed, (self.run,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A task or workflow in a session."""

    run_id: str
    organization_id: str
    run_type: RunType
    status: RunStatus
    failure_reason: FailureReason | None
    failure_message: str
    output: Json
    browser_session_id: str | None
    owns_browser_session: bool
    prompt: str | None
    url: str | None
    workflow_id: str | None
    workflow_version: int | None
    labels: Mapping[str, str]
    step_count: int
    max_steps: int
    last_seq: int
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    timeout: timedelta
    safe_to_retry: bool
    pending_approval: Approval | None
    conditions: tuple[Condition, ...]
    update_time: datetime
    parameters: Mapping[str, Json]
    provenance: tuple[Provenance, ...]
    """Where the output's values came from, once the run is over; empty in lists of runs."""
    irreversible_policy: IrreversiblePolicy | None
    """What happens before acts that cannot be undone, where it was asked for."""

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.status.is_final

    def raise_for_failure(self) -> Run:
        """Return the run itself when it has not failed.

        Raises:
            RunFailed: it is over and not COMPLETED.
        """
        if self.is_final and self.status is not RunStatus.COMPLETED:
            raise RunFailed(self)
        return self


@dataclass(frozen=True, slots=True)
class ScreenRecording:
    """Moving pictures of a run, as an artifact."""

    frames_per_second: int | None = None
    """At most; 1 to 10, 4 when not given."""
    max_duration: timedelta | None = None
    """At most 1 hour, 10 minutes when not given."""
