"""The life of a run: its statuses, what moves it, and what each move changes. Pure; no I/O.

Who may move what: the control plane gives turns, cancels and times out; the host reports pauses and ends. A final
status never changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from control_plane.entities.sessions import CloseReason
from control_plane.errors import Conflict


class RunType(StrEnum):
    """What a run carries out."""

    TASK = "task"
    WORKFLOW = "workflow"


class RunStatus(StrEnum):
    """Where a run is."""

    CREATED = "created"
    """Its session's browser is not up yet."""
    QUEUED = "queued"
    """Waits its turn."""
    RUNNING = "running"
    """Has its turn; due: its timeout and some overtime, or the end of the grace after a cancel."""
    PAUSED = "paused"
    """Waits for a person; due like RUNNING."""
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"

    @property
    def final(self) -> bool:
        return self in FINAL

    @property
    def waiting(self) -> bool:
        return self in (RunStatus.CREATED, RunStatus.QUEUED)

    @property
    def active(self) -> bool:
        return self in (RunStatus.RUNNING, RunStatus.PAUSED)


class RunEvent(StrEnum):
    """What can happen to a run."""

    BROWSER_UP = "browser_up"
    TURN = "turn"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    FAIL = "fail"
    TERMINATE = "terminate"
    CANCEL = "cancel"
    TIME_OUT = "time_out"


R, E = RunStatus, RunEvent
FINAL = frozenset({R.COMPLETED, R.FAILED, R.TERMINATED, R.CANCELED, R.TIMED_OUT})
_ENDS = {E.FAIL: R.FAILED, E.CANCEL: R.CANCELED, E.TIME_OUT: R.TIMED_OUT}

TRANSITIONS: dict[RunStatus, dict[RunEvent, RunStatus]] = {
    R.CREATED: {E.BROWSER_UP: R.QUEUED, E.TURN: R.RUNNING, **_ENDS},
    R.QUEUED: {E.TURN: R.RUNNING, **_ENDS},
    R.RUNNING: {E.PAUSE: R.PAUSED, E.COMPLETE: R.COMPLETED, E.TERMINATE: R.TERMINATED, **_ENDS},
    R.PAUSED: {E.RESUME: R.RUNNING, E.COMPLETE: R.COMPLETED, E.TERMINATE: R.TERMINATED, **_ENDS},
    R.COMPLETED: {},
    R.FAILED: {},
    R.TERMINATED: {},
    R.CANCELED: {},
    R.TIMED_OUT: {},
}

ENDING = {
    R.COMPLETED: E.COMPLETE,
    R.FAILED: E.FAIL,
    R.TERMINATED: E.TERMINATE,
    R.CANCELED: E.CANCEL,
    R.TIMED_OUT: E.TIME_OUT,
}
"""The event that leads to each final status."""

SESSION_ENDED: dict[CloseReason, tuple[RunStatus, str]] = {
    CloseReason.REQUESTED: (R.CANCELED, "session_closed"),
    CloseReason.TIMED_OUT: (R.TIMED_OUT, "session_timed_out"),
    CloseReason.NO_CAPACITY: (R.FAILED, "no_capacity"),
    CloseReason.LAUNCH_FAILED: (R.FAILED, "launch_failed"),
    CloseReason.BROWSER_CRASHED: (R.FAILED, "browser_crashed"),
    CloseReason.HOST_LOST: (R.FAILED, "host_lost"),
    CloseReason.HOST_DRAINED: (R.FAILED, "host_drained"),
    CloseReason.PROXY_FAILED: (R.FAILED, "proxy_failed"),
    CloseReason.PROFILE_UNUSABLE: (R.FAILED, "launch_failed"),
    CloseReason.PAGE_CRASHED: (R.FAILED, "page_crashed"),
}
"""How a run ends when its session closes under it: status and failure reason."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as stored; the meaning of each field is the proto's."""

    run_id: str
    organization_id: str
    run_type: RunType
    status: RunStatus
    browser_session_id: str
    owns_browser_session: bool
    plan: bytes
    """What the host is told to do: a tabkeep.host.v1.StartRun without its run_id, sealed; forgotten when final."""
    prompt: str
    url: str
    labels: dict[str, str]
    max_steps: int
    timeout: timedelta
    create_time: datetime
    update_time: datetime
    workflow_id: str = ""
    workflow_version: int = 0
    parameters: bytes = b""
    """A workflow's parameters that may be shown, a serialized google.protobuf.Struct; empty for none."""
    failure_reason: str = ""
    """A value of the proto's FailureReason in lower case; empty for none."""
    failure_message: str = ""
    output: bytes = b""
    """A serialized google.protobuf.Value; empty for none."""
    step_count: int = 0
    last_seq: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    due_time: datetime | None = None
    cancel_time: datetime | None = None
    """When CancelRun was called."""
    approval: bytes = b""
    """The pending approval, a serialized tabkeep.v1.Approval; empty for none."""
    approval_id: str = ""
    approval_answer: str = ""
    """"approved" or "rejected" and the comment, once ResolveApproval was called; empty before."""
    traceparent: str = ""
    step_open: bool = False
    """Its last step began and is not known to have ended."""
    turn_lent: bool = False
    """It waits for a person to take over: until it is answered or canceled a CDP client may have its browser."""
    irreversible_policy: str = ""
    """A value of the proto's IrreversiblePolicy in lower case; empty where none was asked for."""


def _move(run: Run, event: RunEvent) -> RunStatus:
    status = TRANSITIONS[run.status].get(event)
    if status is None:
        raise Conflict(f"run {run.run_id} is {run.status.value}: {event.value} does not apply")
    return status


def browser_up(run: Run, now: datetime) -> Run:
    """Its session's browser is up; the run waits its turn."""
    return replace(run, status=_move(run, E.BROWSER_UP), update_time=now)


def turn(run: Run, now: datetime, overtime: timedelta) -> Run:
    """It is the run's turn; its time counts from here."""
    return replace(
        run, status=_move(run, E.TURN), start_time=now, due_time=now + run.timeout + overtime, update_time=now
    )


def paused(run: Run, approval_id: str, approval: bytes, now: datetime, *, turn_lent: bool) -> Run:
    """The run waits for a person, and lends its turn meanwhile where the person is to take over."""
    return replace(
        run,
        status=_move(run, E.PAUSE),
        approval=approval,
        approval_id=approval_id,
        approval_answer="",
        turn_lent=turn_lent and run.cancel_time is None,
        update_time=now,
    )


def answered(run: Run, answer: str, now: datetime) -> Run:
    """The person has answered; the run does not know it yet."""
    return replace(run, approval_answer=answer, turn_lent=False, update_time=now)


def resumed(run: Run, now: datetime) -> Run:
    """The run goes on: the person has answered, or nobody did."""
    return replace(run, status=_move(run, E.RESUME), approval=b"", turn_lent=False, update_time=now)


def cancel_requested(run: Run, now: datetime, due: datetime) -> Run:
    """The host is asked to end the run until `due`."""
    return replace(run, cancel_time=now, due_time=due, turn_lent=False, update_time=now)


def ended(
    run: Run, status: RunStatus, now: datetime, *, reason: str = "", message: str = "", output: bytes = b""
) -> Run:
    """The run is final; `output` replaces what it brought so far only when given."""
    return replace(
        run,
        status=_move(run, ENDING[status]),
        failure_reason=reason,
        failure_message=message,
        output=output or run.output,
        end_time=now,
        update_time=now,
        due_time=None,
        approval=b"",
        turn_lent=False,
        plan=b"",
    )
