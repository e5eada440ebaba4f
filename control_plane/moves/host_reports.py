"""What a host says of its sessions: how its commands ended, which browsers are gone, what pages show.

Every move of these is within one transaction, and everything is checked against what is stored: the session must be
placed on this host, under this fence.
"""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities import runs
from control_plane.entities.records import CommandKind
from control_plane.entities.sessions import CloseReason, SessionState
from control_plane.live.host_messages import CommandResult, CommandResultAck, PageReport, Tombstone, TombstoneAck
from control_plane.moves import run_moves, session_moves
from control_plane.moves.effects import Log, Send, Wake
from control_plane.moves.forgery import refuse_forged
from control_plane.moves.turns import save_session
from control_plane.store import Transaction


def command_result(tx: Transaction, host_id: str, result: CommandResult, *, acknowledge: bool = True) -> None:
    """A host has answered a command; a repeated answer is acknowledged again."""
    if acknowledge:
        tx.effects.add(Send(host_id, CommandResultAck(result.command_id)))
    row = tx.hosts.command(host_id, result.command_id)
    if row is None:
        return
    tx.hosts.drop_command(host_id, result.command_id)
    if row.kind is CommandKind.SET_TIMEOUT:
        tx.effects.add(Wake(row.browser_session_id))  # it says no longer that the timeout is not confirmed
    if row.kind is not CommandKind.LAUNCH and not result.failure:
        return  # done; events and tombstones say what came of it
    session = tx.sessions.get(row.browser_session_id)
    if session is None or (session.host_id, session.fence) != (host_id, row.fence):
        return
    if row.kind is CommandKind.LAUNCH:
        if result.launched and session.state is SessionState.LAUNCHING:
            if result.state_notes:
                session = save_session(tx, session, replace(session, browser_profile_notes=result.state_notes))
            session_moves.launched(
                tx, session, result.age, result.browser_version, result.isolation, warm_start=result.warm_start
            )
        elif result.failure == "PROXY_FAILED" and session.state in (SessionState.LAUNCHING, SessionState.ABORTING):
            session_moves.proxy_failed(tx, session, result.message)
        elif result.failure == "PROFILE_UNUSABLE" and session.state in (SessionState.LAUNCHING, SessionState.ABORTING):
            session_moves.profile_unusable(tx, session, result.message)
        elif result.failure and session.state in (SessionState.LAUNCHING, SessionState.ABORTING):
            session_moves.launch_failed(tx, session, result.message)
    elif row.kind is CommandKind.START_RUN and result.failure:
        run = tx.runs.get(row.arguments["run_id"])
        if run is not None and run.status.active:
            run_moves.finish(
                tx, run, runs.RunStatus.FAILED, reason="internal",
                message=f"the host did not begin the run: {result.failure}: {result.message}",
            )  # fmt: skip
    elif row.kind is CommandKind.CLOSE and result.failure == "UNKNOWN_SESSION":
        bury(
            tx, host_id, Tombstone(session.browser_session_id, row.fence, CloseReason.REQUESTED, ""), acknowledge=False
        )
    if result.failure:
        tx.effects.add(
            Log(
                "command failed",
                {
                    "host_id": host_id,
                    "command_id": result.command_id,
                    "browser_session_id": row.browser_session_id,
                    "reason": result.failure,
                },
            )
        )


def bury(tx: Transaction, host_id: str, tombstone: Tombstone, *, acknowledge: bool = True) -> None:
    """A browser is gone: its place is free, and its session ends if it was still open."""
    if acknowledge:
        tx.effects.add(Send(host_id, TombstoneAck(tombstone.browser_session_id, tombstone.fence)))
    session = tx.sessions.get(tombstone.browser_session_id)
    if session is None or (session.host_id, session.fence) != (host_id, tombstone.fence):
        if acknowledge:
            refuse_forged(tx, host_id, tombstone.browser_session_id, tombstone.fence)
        return
    if session.state in (SessionState.LAUNCHING, SessionState.ABORTING):
        session_moves.launch_failed(tx, session, tombstone.message or "the browser ended while it was being started")
        session = tx.sessions.get(tombstone.browser_session_id)
        if session is None or session.open:
            return
    session_moves.release(tx, session.browser_session_id, session.fence)
    if session.state is SessionState.RUNNING:
        reason = tombstone.reason
        if reason in (CloseReason.REQUESTED, CloseReason.LAUNCH_FAILED, CloseReason.NO_CAPACITY):
            reason = CloseReason.BROWSER_CRASHED
        session = session_moves.close(tx, session, reason, tombstone.message or "the browser ended")
    tx.hosts.drop_commands_of_session(session.browser_session_id)
    if session.browser_gone_time is None:
        save_session(tx, session, replace(session, browser_gone_time=tx.now, update_time=tx.now))
    session_moves.place_pending(tx)


def show_page(tx: Transaction, host_id: str, report: PageReport) -> None:
    """Store what a session's pages show now; a report under an old fence is dropped."""
    session = tx.sessions.get(report.browser_session_id)
    refuse_forged(tx, host_id, report.browser_session_id, report.fence)
    if session is None or not session.open or (session.host_id, session.fence) != (host_id, report.fence):
        return
    shown = replace(
        session,
        current_url=report.url,
        page_title=report.title,
        tab_count=report.tab_count,
        pages=report.pages,
        page_conditions=report.conditions,
    )
    tx.sessions.update(session, shown)
    tx.effects.add(Wake(session.browser_session_id))
