"""How a session's browser state is kept: within one transaction each.

A session that is to save writes one state of its own, which each later save replaces; nobody else sees it before the
session is over. Then it becomes the current version of the profile, or stays with the session for a day when there is
no profile. What was saved earlier counts when the state at the end cannot be had, and the session says so. A save that
is over is never opened again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from control_plane.entities.profiles import MOST_VERSIONS, SAVE_WAIT, SNAPSHOT_RETENTION, BrowserProfile, BrowserState
from control_plane.entities.sessions import CloseReason, ProfileSaveState, Session
from control_plane.errors import NotFound, PreconditionFailed
from control_plane.moves.effects import Due, Log
from control_plane.moves.turns import save_session
from control_plane.store import Tables, Transaction


@dataclass(frozen=True, slots=True)
class BroughtState:
    """What a host says of a state that it brings."""

    host_id: str
    browser_session_id: str
    fence: int
    state_no: int
    last: bool
    state_time: datetime


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session's state goes."""

    organization_id: str
    owner_id: str
    version: int
    browser_session_id: str


def not_found(browser_profile_id: str, version: int = 0) -> NotFound:
    """The answer for a profile, or a version of it, that is not there or is not the caller's."""
    which = f"version {version} of browser profile" if version else "browser profile"
    return NotFound(
        f"{which} {browser_profile_id} does not exist",
        reason="PROFILE_NOT_FOUND",
        browser_profile_id=browser_profile_id,
    )


def placed_session(tables: Tables, host_id: str, browser_session_id: str, fence: int) -> Session:
    """The session that is or was last placed on the host under this fence.

    Raises:
        PreconditionFailed: STALE_FENCE.
    """
    session = tables.sessions.get(browser_session_id)
    if session is None or (session.host_id, session.fence) != (host_id, fence):
        raise PreconditionFailed(
            f"session {browser_session_id} is not placed on host {host_id} under fence {fence}", reason="STALE_FENCE"
        )
    return session


def _saving(tables: Tables, brought: BroughtState) -> Session:
    session = placed_session(tables, brought.host_id, brought.browser_session_id, brought.fence)
    if session.profile_save_state is not ProfileSaveState.PENDING:
        state = session.profile_save_state.value if session.profile_save_state else "not asked for"
        raise PreconditionFailed(
            f"the save of session {brought.browser_session_id} is {state}: nothing more is taken for it",
            reason="STALE_FENCE",
        )
    return session


def begin(tx: Transaction, brought: BroughtState) -> Target | None:
    """Where the state goes; None when a newer one of this session is stored already.

    Raises:
        PreconditionFailed: STALE_FENCE.
        NotFound: the profile was deleted.
    """
    session = _saving(tx, brought)
    if brought.state_no <= session.profile_save_no:
        return None
    owner_id, version = session.browser_profile_id or session.browser_session_id, 1
    if session.browser_profile_id:
        profile = tx.profiles.get(session.browser_profile_id)
        if profile is None:
            if brought.last:
                _over(tx, session, ProfileSaveState.FAILED, _deleted(session))
            raise not_found(session.browser_profile_id)
        version = session.profile_save_version
        if not version:
            version = profile.last_version + 1
            tx.profiles.update(profile, replace(profile, last_version=version))
            save_session(tx, session, replace(session, profile_save_version=version, update_time=tx.now))
    return Target(session.organization_id, owner_id, version, session.browser_session_id)


def keep(tx: Transaction, brought: BroughtState, state: BrowserState) -> list[str]:
    """A state's bytes are on the disk: store it, and end the save if it is the last. Returns states to drop.

    Raises:
        PreconditionFailed: STALE_FENCE; by now the save is over.
        NotFound: the profile was deleted.
    """
    session = _saving(tx, brought)
    if brought.state_no <= session.profile_save_no:
        return [state.state_id]
    if session.browser_profile_id and tx.profiles.get(session.browser_profile_id) is None:
        raise not_found(session.browser_profile_id)
    replaced = tx.profiles.put_state(state)
    session = save_session(
        tx,
        session,
        replace(session, profile_save_time=state.state_time, profile_save_no=brought.state_no, update_time=tx.now),
    )
    dropped = [replaced] if replaced else []
    return dropped + _over(tx, session, ProfileSaveState.SAVED, "") if brought.last else dropped


def could_not(tx: Transaction, brought: BroughtState, message: str) -> list[str]:
    """A host could not take the state at the end; what was saved before counts. Returns states to drop.

    Raises:
        PreconditionFailed: STALE_FENCE.
    """
    return _settle(tx, _saving(tx, brought), message)


def at_close(tx: Transaction, session: Session) -> Session:
    """A session has just closed: wait for its state, or do with what there is when none can come."""
    if session.profile_save_state is not ProfileSaveState.PENDING:
        return session
    if session.start_time is None:
        _over(tx, session, ProfileSaveState.FAILED, "the session's browser never ran")
    elif session.close_reason is CloseReason.HOST_LOST:
        _settle(tx, session, f"the state at the end is lost: {session.close_message}")
    else:
        due = tx.now + SAVE_WAIT
        tx.effects.add(Due(due))
        save_session(tx, session, replace(session, profile_due_time=due))
    return tx.sessions.get(session.browser_session_id) or session


def expire(tx: Transaction, limit: int) -> bool:
    """End the saves that are overdue, forget what nobody made a profile of; True when there may be more."""
    due = tx.sessions.profile_saves_due(tx.now, limit)
    for session in due:
        minutes = SAVE_WAIT.total_seconds() / 60
        _settle(tx, session, f"its host did not bring the state within {minutes:g} minutes after the end")
    tx.profiles.forget_snapshots_before(tx.now - SNAPSHOT_RETENTION)
    return len(due) == limit


def _settle(tx: Transaction, session: Session, why: str) -> list[str]:
    """The state at the end cannot be had: an earlier one counts, if there is one."""
    if session.profile_save_time is None:
        return _over(tx, session, ProfileSaveState.FAILED, why)
    return _over(tx, session, ProfileSaveState.SAVED_EARLIER, why)


def _over(tx: Transaction, session: Session, state: ProfileSaveState, message: str) -> list[str]:
    """End a session's save; what it stored, if anything, is for others from now on. Returns states to drop."""
    dropped: list[str] = []
    if state is not ProfileSaveState.FAILED:
        if session.browser_profile_id:
            profile = tx.profiles.get(session.browser_profile_id)
            if profile is None:
                state, message = ProfileSaveState.FAILED, _deleted(session)
            else:
                dropped = publish(tx, profile, session.profile_save_version)
        else:
            _finish(tx, session.browser_session_id, 1)
    new = replace(
        session,
        profile_save_state=state,
        profile_save_message=message,
        profile_save_time=None if state is ProfileSaveState.FAILED else session.profile_save_time,
        profile_due_time=None,
        update_time=tx.now,
    )
    save_session(tx, session, new)
    fields = {"browser_session_id": session.browser_session_id, "browser_profile_id": session.browser_profile_id}
    tx.effects.add(Log("profile save over", {**fields, "state": state.value, "reason": message}))
    return dropped


def publish(tx: Transaction, profile: BrowserProfile, version: int) -> list[str]:
    """Make a stored version the current one; returns the states that are too many by now, dropped already."""
    _finish(tx, profile.browser_profile_id, version)
    last = max(version, profile.last_version)
    tx.profiles.update(profile, replace(profile, version=version, last_version=last, update_time=tx.now))
    old = [one for one in tx.profiles.finished_states(profile.browser_profile_id) if one.version != version]
    for state in old[MOST_VERSIONS - 1 :]:
        tx.profiles.drop_state(state.state_id)
    return [state.state_id for state in old[MOST_VERSIONS - 1 :]]


def _finish(tx: Transaction, owner_id: str, version: int) -> None:
    state = tx.profiles.state(owner_id, version)
    if state is not None:
        tx.profiles.update_state(state, replace(state, finished=True))


def _deleted(session: Session) -> str:
    return f"browser profile {session.browser_profile_id} was deleted meanwhile"
