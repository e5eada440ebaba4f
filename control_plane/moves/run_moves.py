"""Every move of a run: load, decide, write, within one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from control_plane.entities import runs
from control_plane.entities.hosts import Host
from control_plane.entities.records import CommandKind
from control_plane.entities.runs import Run, RunStatus, RunType
from control_plane.entities.sessions import CloseReason, Session, SessionState
from control_plane.errors import NotFound, PreconditionFailed, QueueFull
from control_plane.moves import session_moves, webhook_moves
from control_plane.moves.effects import Log
from control_plane.moves.requests import Request, answered, remember
from control_plane.moves.session_moves import SessionSpec
from control_plane.moves.turns import command, end_run, give_turn, save_run, save_session, stop_run
from control_plane.store import Tables, Transaction


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a caller asks for; bounds are checked already."""

    organization_id: str
    run_type: RunType
    browser_session_id: str
    """Empty: a session of its own, as `session` says."""
    session: SessionSpec
    plan: bytes
    prompt: str
    url: str
    labels: dict[str, str]
    max_steps: int
    timeout: timedelta
    fail_if_busy: bool
    traceparent: str
    workflow_id: str = ""
    workflow_version: int = 0
    parameters: bytes = b""
    irreversible_policy: str = ""
    webhook: bytes = b""
    """A sealed destination that is told of the run's end; empty for none."""


def find(tables: Tables, organization_id: str, run_id: str) -> Run:
    """The organization's run.

    Raises:
        NotFound: there is none, whoever else may have one.
    """
    run = tables.runs.of_organization(organization_id, run_id)
    if run is None:
        raise not_found(run_id)
    return run


def active_on(tables: Tables, host_id: str, browser_session_id: str, fence: int, run_id: str) -> Run:
    """The run that is active in a session which is placed on this host, under this fence.

    Raises:
        PreconditionFailed: STALE_FENCE.
    """
    session, run = tables.sessions.get(browser_session_id), tables.runs.get(run_id)
    placed = session is not None and (session.host_id, session.fence) == (host_id, fence)
    if not placed or session is None or run is None or session.active_run_id != run_id:
        raise PreconditionFailed(
            f"session {browser_session_id} is not on host {host_id} under fence {fence} with this run active in it",
            reason="STALE_FENCE",
        )
    return run


def shown(tables: Tables, run: Run) -> tuple[Run, Host | None]:
    """The run as callers may see it: with the host that its session is placed on while it is not final."""
    session = None if run.status.final else tables.sessions.get(run.browser_session_id)
    return run, tables.hosts.get(session.host_id) if session and session.host_id else None


def not_found(run_id: str) -> NotFound:
    """The answer for a run that is not there, or is not the caller's."""
    return NotFound(f"run {run_id} does not exist", reason="RUN_NOT_FOUND", run_id=run_id)


def create(tx: Transaction, spec: RunSpec, request: Request | None = None) -> Run:
    """Store a run; it starts at once if its session is up and idle.

    Raises:
        NotFound: no such session.
        PreconditionFailed: SESSION_CLOSED, SESSION_BUSY, BROWSER_NOT_OFFERED.
        QueueFull: too many runs wait in the session.
        AlreadyExists: the request_id was used with another body.
    """
    if earlier := answered(tx, request):
        return find(tx, spec.organization_id, earlier)
    run_id = tx.new_id("tsk" if spec.run_type is RunType.TASK else "wr")
    owns = not spec.browser_session_id
    session = session_moves.create(tx, spec.session, owner_run_id=run_id) if owns else _session_for_runs(tx, spec)
    run = Run(
        run_id=run_id,
        organization_id=spec.organization_id,
        run_type=spec.run_type,
        status=RunStatus.QUEUED if session.state is SessionState.RUNNING else RunStatus.CREATED,
        browser_session_id=session.browser_session_id,
        owns_browser_session=owns,
        plan=spec.plan,
        prompt=spec.prompt,
        url=spec.url,
        labels=spec.labels,
        max_steps=spec.max_steps,
        timeout=spec.timeout,
        create_time=tx.now,
        update_time=tx.now,
        workflow_id=spec.workflow_id,
        workflow_version=spec.workflow_version,
        parameters=spec.parameters,
        traceparent=spec.traceparent,
        irreversible_policy=spec.irreversible_policy,
    )
    idle = session.state is SessionState.RUNNING and not session.active_run_id and not session.cdp_client_id
    if idle:  # then nothing waits: whatever ends a run or a CDP client gives the next turn in the same move
        run = runs.turn(run, tx.now, tx.config.run_overtime)
        tx.runs.insert(run)
        command(tx, CommandKind.START_RUN, session, run)
        save_session(tx, session, replace(session, active_run_id=run_id, update_time=tx.now))
    else:
        tx.runs.insert(run)
    if spec.webhook:
        webhook_moves.ask(tx, run, spec.webhook)
    remember(tx, request, run_id)
    tx.effects.add(
        Log(
            "run created",
            {"run_id": run_id, "browser_session_id": session.browser_session_id, "state": run.status.value},
        )
    )
    return run


def _session_for_runs(tx: Transaction, spec: RunSpec) -> Session:
    """The session the run is for, if it takes runs."""
    session = session_moves.find(tx, spec.organization_id, spec.browser_session_id)
    if session.state is SessionState.RUNNING and session.due_time and session.due_time <= tx.now:
        session_moves.fall_due(tx, session)
        session = session_moves.find(tx, spec.organization_id, spec.browser_session_id)
    session_moves.refuse_closed(session)
    if session.state is SessionState.RUNNING and not session.active_run_id and not session.cdp_client_id:
        return session
    waiting = tx.runs.count_waiting_in(session.browser_session_id)
    if spec.fail_if_busy and (session.active_run_id or session.cdp_client_id or waiting):
        busy = session.active_run_id or ("a CDP client" if session.cdp_client_id else "a run that waits")
        raise PreconditionFailed(
            f"session {session.browser_session_id} is busy with {busy}: wait for it, or queue without fail_if_busy",
            reason="SESSION_BUSY",
            browser_session_id=session.browser_session_id,
            run_id=session.active_run_id,
        )
    if waiting >= tx.config.max_waiting_runs:
        raise QueueFull(
            f"session {session.browser_session_id} has {waiting} waiting runs: wait until some have ended",
            reason="QUEUE_FULL",
            browser_session_id=session.browser_session_id,
        )
    return session


def finish(
    tx: Transaction, run: Run, status: RunStatus, *, reason: str = "", message: str = "", output: bytes = b""
) -> Run:
    """Make a run final; its own session closes, another one gives its next turn."""
    run = end_run(tx, run, status, reason=reason, message=message, output=output)
    session = tx.sessions.get(run.browser_session_id)
    if session is None or not session.open:
        return run
    if session.active_run_id == run.run_id:
        session = save_session(tx, session, replace(session, active_run_id="", update_time=tx.now))
    if run.owns_browser_session:
        session_moves.close(tx, session, CloseReason.REQUESTED, f"its run {run.run_id} has ended")
    else:
        give_turn(tx, session)
    return run


def cancel(tx: Transaction, organization_id: str, run_id: str) -> Run:
    """Cancel a run: at once where it waits or its host is out of reach, else at the next step boundary."""
    run = find(tx, organization_id, run_id)
    if run.status.final or (run.cancel_time and run.status.active):
        return run
    session = tx.sessions.get(run.browser_session_id)
    host = tx.hosts.get(session.host_id) if session and session.host_id else None
    reachable = host is not None and host.reachable
    if run.status.waiting or not reachable or session is None:
        if run.status.active and session is not None:
            stop_run(tx, session, run)
        return finish(tx, run, RunStatus.CANCELED, reason="canceled", message="canceled on request")
    run = save_run(tx, run, runs.cancel_requested(run, tx.now, tx.now + tx.config.cancel_grace))
    command(tx, CommandKind.CANCEL_RUN, session, run)
    return run


def fall_due(tx: Transaction, run: Run) -> None:
    """The host did not end the run in time: it is ended for it."""
    session = tx.sessions.get(run.browser_session_id)
    if session is not None:
        stop_run(tx, session, run)
    unknown = "the host did not reach a step boundary in time, what its last step did is unknown"
    if run.cancel_time:
        finish(tx, run, RunStatus.CANCELED, reason="canceled", message=f"canceled on request; {unknown}")
    else:
        message = f"timed out after {run.timeout.total_seconds():g}s; {unknown}"
        finish(tx, run, RunStatus.TIMED_OUT, reason="run_timed_out", message=message)


def resolve_approval(
    tx: Transaction, organization_id: str, run_id: str, approval_id: str, approved: bool, comment: str
) -> Run:
    """Store a person's answer and tell the host.

    Raises:
        PreconditionFailed: NO_APPROVAL_PENDING, the run waits for nothing, for another, or was answered otherwise.
    """
    run = find(tx, organization_id, run_id)
    answer = f"{'approved' if approved else 'rejected'} {comment}".rstrip()
    if run.approval_id == approval_id and run.approval_answer == answer:
        return run
    if run.status is not RunStatus.PAUSED or run.approval_id != approval_id or run.approval_answer:
        state = f"was answered already ({run.approval_answer.split(' ')[0]})" if run.approval_answer else (
            f"waits for {run.approval_id}" if run.status is RunStatus.PAUSED else f"is {run.status.value}"
        )  # fmt: skip
        raise PreconditionFailed(
            f"run {run_id} {state}: it waits for no answer to {approval_id or 'an approval without id'}",
            reason="NO_APPROVAL_PENDING",
            run_id=run_id,
            status=run.status.value.upper(),
        )
    session = tx.sessions.get(run.browser_session_id)
    assert session is not None
    run = save_run(tx, run, runs.answered(run, answer, tx.now))
    command(
        tx, CommandKind.RESOLVE_APPROVAL, session, run,
        approval_id=approval_id, approved="yes" if approved else "", comment=comment,
    )  # fmt: skip
    return run
