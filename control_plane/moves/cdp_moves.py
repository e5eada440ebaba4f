"""Every move of a session's CDP client: it takes the session's turn as a run does, and gives it back.

A run that waits for a person to take over lends it the turn; the run's host takes it back before the run goes on.
"""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities.sessions import Session, SessionState
from control_plane.errors import PreconditionFailed
from control_plane.moves import session_moves
from control_plane.moves.effects import Log
from control_plane.moves.turns import give_turn, save_session
from control_plane.store import Transaction


def attach(tx: Transaction, organization_id: str, browser_session_id: str, client_id: str) -> Session:
    """Give a client the session's turn.

    Raises:
        NotFound: SESSION_NOT_FOUND.
        PreconditionFailed: SESSION_CLOSED; SESSION_NOT_RUNNING, its browser is not up; SESSION_BUSY, another client is
            attached, a run is active and lends its turn to nobody, or none is and one waits.
    """
    session = session_moves.find(tx, organization_id, browser_session_id)
    session_moves.refuse_closed(session)
    if session.state is not SessionState.RUNNING:
        raise PreconditionFailed(
            f"session {browser_session_id} is {session.state.value}: its browser is not up yet",
            reason="SESSION_NOT_RUNNING",
            browser_session_id=browser_session_id,
        )
    active = tx.runs.get(session.active_run_id) if session.active_run_id else None
    first = active or next(iter(tx.runs.waiting_in(browser_session_id, limit=1)), None)
    if session.cdp_client_id or (first is not None and not first.turn_lent):
        run_id = first.run_id if first else ""
        busy = "another CDP client is attached" if session.cdp_client_id else f"it is busy with run {run_id}"
        raise PreconditionFailed(
            f"session {browser_session_id} takes no CDP client now: {busy}; attach when that is over",
            reason="SESSION_BUSY",
            browser_session_id=browser_session_id,
            run_id=run_id,
        )
    tx.effects.add(Log("cdp client attached", {"browser_session_id": browser_session_id, "client_id": client_id}))
    new = replace(
        session,
        cdp_client_id=client_id,
        cdp_attach_time=tx.now,
        cdp_run_id=session.active_run_id,
        update_time=tx.now,
    )
    return save_session(tx, session, new)


def detach(tx: Transaction, browser_session_id: str, client_id: str) -> None:
    """Take the turn back from a client that has gone, and give it to the run that waits."""
    session = tx.sessions.get(browser_session_id)
    if session is None or session.cdp_client_id != client_id:
        return
    tx.effects.add(Log("cdp client detached", {"browser_session_id": browser_session_id, "client_id": client_id}))
    new = replace(session, cdp_client_id="", cdp_attach_time=None, cdp_run_id="", update_time=tx.now)
    give_turn(tx, save_session(tx, session, new))


def forget_clients(tx: Transaction) -> None:
    """The control plane has started: the clients of the one before have lost their connections."""
    for session in tx.sessions.with_cdp_client():
        detach(tx, session.browser_session_id, session.cdp_client_id)
