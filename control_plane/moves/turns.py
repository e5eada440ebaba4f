"""Small moves that the others are made of: save a session or run, command a host, give a session's next turn."""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities import runs
from control_plane.entities.records import CommandKind, CommandRow
from control_plane.entities.runs import Run, RunStatus
from control_plane.entities.sessions import Session, SessionState
from control_plane.live.feed import WEBHOOKS_DUE
from control_plane.live.host_messages import Command, StopRun
from control_plane.moves.effects import Due, Log, Send, Wake
from control_plane.store import Transaction


def save_session(tx: Transaction, old: Session, new: Session) -> Session:
    """Write a session and tell whoever watches it."""
    tx.sessions.update(old, new)
    tx.effects.add(Wake(new.browser_session_id))
    if new.due_time is not None and new.due_time != old.due_time:
        tx.effects.add(Due(new.due_time))
    if new.state is not old.state:
        tx.effects.add(
            Log(
                f"session {new.state.value}",
                {
                    "browser_session_id": new.browser_session_id,
                    "host_id": new.host_id or old.host_id,
                    "fence": new.fence or old.fence,
                    "state_from": old.state.value,
                    "state_to": new.state.value,
                    "reason": new.close_reason.value if new.close_reason else "",
                },
            )
        )
    return new


def save_run(tx: Transaction, old: Run, new: Run) -> Run:
    """Write a run and tell whoever watches it."""
    tx.runs.update(old, new)
    tx.effects.add(Wake(new.run_id))
    if new.due_time is not None and new.due_time != old.due_time:
        tx.effects.add(Due(new.due_time))
    if new.status is not old.status:
        tx.effects.add(
            Log(
                f"run {new.status.value}",
                {
                    "run_id": new.run_id,
                    "browser_session_id": new.browser_session_id,
                    "state_from": old.status.value,
                    "state_to": new.status.value,
                    "reason": new.failure_reason,
                },
            )
        )
    return new


def command(tx: Transaction, kind: CommandKind, session: Session, run: Run | None = None, **arguments: str) -> None:
    """Store a command for the session's host, to be sent once this is on the disk and again until answered."""
    row = CommandRow(
        host_id=session.host_id,
        command_id=tx.hosts.next_command_id(session.host_id),
        browser_session_id=session.browser_session_id,
        fence=session.fence,
        kind=kind,
        arguments={"run_id": run.run_id, **arguments} if run else arguments,
        create_time=tx.now,
        traceparent=run.traceparent if run else session.traceparent,
    )
    tx.hosts.add_command(row)
    tx.effects.add(Send(row.host_id, Command(row, session, run)))


def give_turn(tx: Transaction, session: Session) -> Session:
    """Start the session's next waiting run, if its browser is up, no run is active and no CDP client attached."""
    if session.state is not SessionState.RUNNING or session.active_run_id or session.cdp_client_id:
        return session
    for run in tx.runs.waiting_in(session.browser_session_id, limit=1):
        started = save_run(tx, run, runs.turn(run, tx.now, tx.config.run_overtime))
        command(tx, CommandKind.START_RUN, session, started)
        return save_session(tx, session, replace(session, active_run_id=run.run_id, update_time=tx.now))
    return session


def end_run(
    tx: Transaction, run: Run, status: RunStatus, *, reason: str = "", message: str = "", output: bytes = b""
) -> Run:
    """Make a run final and forget what its host was still to do for it; the caller sees to its session."""
    if run.status.active:
        tx.hosts.drop_commands_of_run(run.browser_session_id, run.run_id)
    if tx.webhooks.release(run.run_id, tx.now):
        tx.effects.add(Wake(WEBHOOKS_DUE))
    return save_run(tx, run, runs.ended(run, status, tx.now, reason=reason, message=message, output=output))


def stop_run(tx: Transaction, session: Session, run: Run) -> None:
    """Tell the host that a run is over, and that nothing more of it is wanted."""
    tx.effects.add(Send(session.host_id, StopRun(run.run_id)))
