"""Every move of a session: load, decide, write, within one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from control_plane.entities import runs, sessions
from control_plane.entities.hosts import Host
from control_plane.entities.records import CommandKind
from control_plane.entities.sessions import CloseReason, ProfileSaveState, Session, SessionState
from control_plane.errors import FieldInvalid, FieldViolation, NotFound, PreconditionFailed, Unavailable
from control_plane.moves import host_standing, placement, profile_saves
from control_plane.moves.effects import Due, Log
from control_plane.moves.requests import Request, answered, remember
from control_plane.moves.turns import command, end_run, give_turn, save_run, save_session
from control_plane.store import Tables, Transaction

_PENDING_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a caller asks for; bounds are checked already."""

    organization_id: str
    timeout: timedelta
    queue_timeout: timedelta
    browser_type: str
    url: str
    viewport_width: int
    viewport_height: int
    labels: dict[str, str]
    traceparent: str
    browser_profile_id: str = ""
    browser_profile_version: int = 0
    """0: the current one."""
    save_profile: bool = False
    extensions: tuple[str, ...] = ()
    network: bytes = b""
    network_sealed: bytes = b""
    page_options: bytes = b""
    page_options_sealed: bytes = b""


def find(tables: Tables, organization_id: str, browser_session_id: str) -> Session:
    """The organization's session.

    Raises:
        NotFound: there is none, whoever else may have one.
    """
    session = tables.sessions.of_organization(organization_id, browser_session_id)
    if session is None:
        raise not_found(browser_session_id)
    return session


def not_found(browser_session_id: str) -> NotFound:
    """The answer for a session that is not there, or is not the caller's."""
    return NotFound(
        f"session {browser_session_id} does not exist",
        reason="SESSION_NOT_FOUND",
        browser_session_id=browser_session_id,
    )


def refuse_closed(session: Session) -> None:
    """Raise SESSION_CLOSED, with when and why, unless the session is open."""
    if session.open:
        return
    assert session.close_reason is not None
    assert session.close_time is not None
    raise PreconditionFailed(
        f"session {session.browser_session_id} is closed ({session.close_message} at "
        f"{session.close_time:%Y-%m-%dT%H:%M:%SZ}): create a new one",
        reason="SESSION_CLOSED",
        browser_session_id=session.browser_session_id,
        close_reason=session.close_reason.value.upper(),
        close_time=session.close_time.isoformat(),
    )


def create(tx: Transaction, spec: SessionSpec, request: Request | None = None, owner_run_id: str = "") -> Session:
    """Store a new session and place it if a host has room.

    Raises:
        PreconditionFailed: BROWSER_NOT_OFFERED, hosts are attached and none has such a browser;
            EXTENSION_NOT_OFFERED, none has it with these extensions.
        NotFound: PROFILE_NOT_FOUND.
        AlreadyExists: the request_id was used with another body.
    """
    if earlier := answered(tx, request):
        return find(tx, spec.organization_id, earlier)
    version = _profile_version(tx, spec)
    if not tx.hosts.attached_offering(spec.browser_type):
        hosts = [host for host in tx.hosts.all() if host.state.value not in ("lost", "gone")]
        if refusal := placement.refusal(spec.browser_type, hosts):
            raise PreconditionFailed(refusal, reason="BROWSER_NOT_OFFERED", browser_type=spec.browser_type)
    if spec.extensions and not tx.hosts.attached_offering(spec.browser_type, spec.extensions):
        hosts = [host for host in tx.hosts.all() if host.state.value not in ("lost", "gone")]
        if refusal := placement.extension_refusal(spec.browser_type, spec.extensions, hosts):
            raise PreconditionFailed(refusal, reason="EXTENSION_NOT_OFFERED", extensions=",".join(spec.extensions))
    due = tx.now + spec.queue_timeout
    session = Session(
        browser_session_id=tx.new_id("pbs"),
        organization_id=spec.organization_id,
        state=SessionState.PENDING,
        timeout=spec.timeout,
        queue_timeout=spec.queue_timeout,
        browser_type=spec.browser_type,
        url=spec.url,
        viewport_width=spec.viewport_width,
        viewport_height=spec.viewport_height,
        labels=spec.labels,
        extensions=",".join(sorted(set(spec.extensions))),
        create_time=tx.now,
        update_time=tx.now,
        due_time=due,
        owner_run_id=owner_run_id,
        traceparent=spec.traceparent,
        network=spec.network,
        network_sealed=spec.network_sealed,
        page_options=spec.page_options,
        page_options_sealed=spec.page_options_sealed,
        browser_profile_id=spec.browser_profile_id,
        browser_profile_version=version,
        save_profile=spec.save_profile,
        profile_save_state=ProfileSaveState.PENDING if spec.save_profile else None,
    )
    tx.sessions.insert(session)
    remember(tx, request, session.browser_session_id)
    tx.effects.add(Due(due))
    tx.effects.add(Log("session created", {"browser_session_id": session.browser_session_id}))
    placed = place_pending(tx)
    return placed.get(session.browser_session_id, session)


def _profile_version(tx: Transaction, spec: SessionSpec) -> int:
    """The version of its profile that a session starts from; 0 without a profile."""
    if not spec.browser_profile_id:
        return 0
    profile = tx.profiles.of_organization(spec.organization_id, spec.browser_profile_id)
    if profile is None:
        raise profile_saves.not_found(spec.browser_profile_id)
    version = spec.browser_profile_version or profile.version
    state = tx.profiles.state(spec.browser_profile_id, version)
    if state is None or not state.finished:
        raise profile_saves.not_found(spec.browser_profile_id, version)
    return version


def place_pending(tx: Transaction, avoid: Mapping[str, str] = {}) -> dict[str, Session]:
    """Give waiting sessions, the oldest first, to hosts with room; returns those that were placed.

    A session that no host fits lets younger ones pass. Nothing is placed while most hosts have fallen silent at once.
    `avoid` names the host on which a session has just failed.
    """
    placed: dict[str, Session] = {}
    full: set[tuple[str, str]] = set()
    pending = tx.sessions.pending(_PENDING_AT_ONCE) if tx.hosts.any_room() else []
    if not pending or host_standing.mass_loss(tx, tx.config.action_lease):
        return placed
    for session in pending:
        wanted = (session.browser_type, session.extensions)
        if wanted in full:
            continue
        host = placement.choose_host(
            session,
            tx.hosts.with_room(session.browser_type, session.extension_names),
            avoid.get(session.browser_session_id, ""),
        )
        if host is None:
            full.add(wanted)
            continue
        fence = tx.sessions.place(session.browser_session_id, host, tx.now)
        tx.hosts.take_slot(host.host_id)
        due = tx.now + tx.config.launch_timeout
        new = save_session(tx, session, sessions.placed(session, host.host_id, fence, host.sandboxed, tx.now, due))
        command(tx, CommandKind.LAUNCH, new)
        placed[new.browser_session_id] = new
    return placed


def release(tx: Transaction, browser_session_id: str, fence: int) -> None:
    """A browser is gone, or must be presumed gone: its place is free for others."""
    if host_id := tx.sessions.release(browser_session_id, fence, tx.now):
        tx.hosts.give_slot_back(host_id)


def launched(
    tx: Transaction,
    session: Session,
    age: timedelta,
    browser_version: str,
    isolation: Mapping[str, int] = {},
    *,
    warm_start: bool = False,
) -> None:
    """The session's browser is up: its runs may have their turns."""
    host_standing.launch_worked(tx, session.host_id)
    up = sessions.launched(session, age, browser_version, tx.now, isolation, warm_start=warm_start)
    session = save_session(tx, session, up)
    for run in tx.runs.waiting_in(session.browser_session_id):
        if run.status is runs.RunStatus.CREATED:
            save_run(tx, run, runs.browser_up(run, tx.now))
    give_turn(tx, session)


def launch_failed(tx: Transaction, session: Session, message: str) -> None:
    """The launch failed on its host: try another one, or give up."""
    release(tx, session.browser_session_id, session.fence)
    tx.hosts.drop_commands_of_session(session.browser_session_id)
    host_standing.launch_failed(tx, session.host_id, message)
    fitting = tx.hosts.with_room(session.browser_type, session.extension_names)
    others = [host for host in fitting if host.host_id != session.host_id]
    if session.launch_attempts >= tx.config.launch_attempts or not others:
        close(tx, session, CloseReason.LAUNCH_FAILED, f"the browser could not be started: {message}")
        place_pending(tx)
        return
    save_session(tx, session, sessions.launch_lost(session, tx.now))
    place_pending(tx, {session.browser_session_id: session.host_id})


def proxy_failed(tx: Transaction, session: Session, message: str) -> None:
    """The session's proxy lets nothing through: no other host would fare better, and this one is not to blame."""
    release(tx, session.browser_session_id, session.fence)
    close(tx, session, CloseReason.PROXY_FAILED, message)
    place_pending(tx)


def profile_unusable(tx: Transaction, session: Session, message: str) -> None:
    """The session's profile cannot be had or put into a browser, on whichever host: it must not start without."""
    release(tx, session.browser_session_id, session.fence)
    tx.hosts.drop_commands_of_session(session.browser_session_id)
    close(tx, session, CloseReason.PROFILE_UNUSABLE, message)
    place_pending(tx)


def close(tx: Transaction, session: Session, reason: CloseReason, message: str) -> Session:
    """Close a session: its runs end with it, its host is told to end the browser."""
    status, failure = runs.SESSION_ENDED[reason]
    waiting = tx.runs.waiting_in(session.browser_session_id)
    active = tx.runs.get(session.active_run_id) if session.active_run_id else None
    for run in [*([active] if active else []), *waiting]:
        ended = f"session {session.browser_session_id} closed: {message}"
        if run.step_open:
            ended += f"; what its step {run.step_count} did is unknown"
        end_run(tx, run, status, reason=failure, message=ended)
    tx.hosts.drop_commands_of_session(session.browser_session_id)
    session = save_session(tx, session, sessions.closed(session, reason, message, tx.now))
    session = profile_saves.at_close(tx, session)
    if tx.sessions.place_of(session.browser_session_id):
        command(tx, CommandKind.CLOSE, session, reason=reason.value)
    return session


def close_requested(tx: Transaction, organization_id: str, browser_session_id: str) -> Session:
    """Close a session on its owner's request; a closed one is returned unchanged."""
    session = find(tx, organization_id, browser_session_id)
    return close(tx, session, CloseReason.REQUESTED, "closed on request") if session.open else session


def extend(tx: Transaction, organization_id: str, browser_session_id: str, timeout: timedelta) -> Session:
    """Give a session another lifetime.

    Raises:
        PreconditionFailed: SESSION_CLOSED.
        FieldInvalid: the new deadline lies in the past.
        Unavailable: HOST_UNREACHABLE, its host would end the browser at the old deadline.
    """
    session = find(tx, organization_id, browser_session_id)
    refuse_closed(session)
    if timeout > session.timeout:
        _refuse_unreachable(tx, session)
    new = sessions.retimed(session, timeout, tx.now)
    if new.expire_time and new.expire_time <= tx.now:
        raise FieldInvalid(
            [FieldViolation("timeout", f"the session would have expired at {new.expire_time:%Y-%m-%dT%H:%M:%SZ}")]
        )
    new = save_session(tx, session, new)
    if new.state in (SessionState.LAUNCHING, SessionState.RUNNING):
        command(tx, CommandKind.SET_TIMEOUT, new)
    return new


def change_settings(
    tx: Transaction, organization_id: str, browser_session_id: str, change: Callable[[Session], Session]
) -> Session:
    """Give a session's browser another network or other page options: `change` makes them, of the session as it is.

    Raises:
        PreconditionFailed: SESSION_CLOSED.
    """
    session = find(tx, organization_id, browser_session_id)
    refuse_closed(session)
    new = save_session(tx, session, replace(change(session), update_time=tx.now))
    if new.state in (SessionState.LAUNCHING, SessionState.RUNNING):
        # What was sealed anew differs, also where it says the same: a host that did not hear of it is told again.
        if new.network_sealed != session.network_sealed:
            command(tx, CommandKind.SET_NETWORK, new)
        if new.page_options_sealed != session.page_options_sealed:
            command(tx, CommandKind.SET_PAGE_OPTIONS, new)
    return new


def _refuse_unreachable(tx: Transaction, session: Session) -> None:
    """Raise when the session's host cannot be told that its browser is to live longer."""
    host = tx.hosts.get(session.host_id) if session.host_id else None
    if host is None or host.reachable:
        return
    assert session.open
    deadline = f" at {session.expire_time:%Y-%m-%dT%H:%M:%SZ}" if session.expire_time else " as before"
    raise Unavailable(
        f"host {host.host_id} of session {session.browser_session_id} is out of reach: until it is back its browser "
        f"ends{deadline}",
        reason="HOST_UNREACHABLE",
        retry_after=tx.config.heartbeat_interval,
    )


class Shown(NamedTuple):
    """A session with what its conditions are made of."""

    session: Session
    host: Host | None = None
    """The one it is placed on while it is open."""
    timeout_unconfirmed: datetime | None = None
    """Since when its host has not confirmed the timeout it has now."""


def shown(tables: Tables, session: Session) -> Shown:
    """The session as callers may see it."""
    if not session.open or not session.host_id:
        return Shown(session)
    unconfirmed = tables.hosts.unanswered_since(session.browser_session_id, CommandKind.SET_TIMEOUT)
    return Shown(session, tables.hosts.get(session.host_id), unconfirmed)


def fall_due(tx: Transaction, session: Session) -> None:
    """A session's due_time is over."""
    if session.state is SessionState.PENDING:
        close(tx, session, CloseReason.NO_CAPACITY, _why_no_capacity(tx, session))
    elif session.state is SessionState.LAUNCHING:
        command(tx, CommandKind.CLOSE, session, reason=CloseReason.LAUNCH_FAILED.value)
        save_session(tx, session, sessions.launch_overdue(session, tx.now, tx.now + tx.config.launch_timeout))
    elif session.state is SessionState.ABORTING:
        _abort_overdue(tx, session)
    elif session.state is SessionState.RUNNING:
        close(tx, session, CloseReason.TIMED_OUT, f"timed out after {_minutes(session.timeout)}")


def _abort_overdue(tx: Transaction, session: Session) -> None:
    """A host that is reachable and does not answer is not waited for; one that is not will come back or be lost."""
    host = tx.hosts.get(session.host_id)
    if host is not None and host.reachable:
        close(tx, session, CloseReason.LAUNCH_FAILED, "the browser was not up in time, and its host does not answer")
    else:
        save_session(tx, session, replace(session, due_time=tx.now + tx.config.launch_timeout))


def _why_no_capacity(tx: Transaction, session: Session) -> str:
    if braked := host_standing.mass_loss(tx, tx.config.action_lease):
        return f"no session was placed: {braked}"
    hosts = [host for host in tx.hosts.all() if placement.offers(host, session.browser_type, session.extension_names)]
    states = ", ".join(
        f"{host.host_id}: {host.state.value}, {host.slots_used} of {host.capacity} taken" for host in hosts
    )
    return (
        f"no host had room for {session.browser_type} within {session.queue_timeout.total_seconds():g}s "
        f"({states or 'no host offers it'})"
    )


def _minutes(timeout: timedelta) -> str:
    minutes = timeout / timedelta(minutes=1)
    return f"{minutes:g}m" if minutes >= 1 else f"{timeout.total_seconds():g}s"
