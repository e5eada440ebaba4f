"""Between the protos of browser sessions and this program, both ways, with the checks of every field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from tabkeep.v1 import browser_sessions_pb2

from control_plane.entities.hosts import EXTENSION_NAME, Host, HostState
from control_plane.entities.sessions import Session, SessionState
from control_plane.fields import Fields
from control_plane.moves.session_moves import SessionSpec
from control_plane.wire.enums import BROWSER_TYPE_VALUES, BROWSER_TYPES, CLOSE_REASON, EnumPair, statuses
from control_plane.wire.times import DAY, HOUR, MINUTE, set_time

_MOST_EXTENSIONS = 8
_SESSION_STATE = EnumPair(browser_sessions_pb2.BrowserSessionState, "BROWSER_SESSION_STATE_")
_PROFILE_SAVE_STATE = EnumPair(browser_sessions_pb2.ProfileSaveState, "PROFILE_SAVE_STATE_")


def session_spec(
    fields: Fields,
    request: browser_sessions_pb2.CreateBrowserSessionRequest,
    organization_id: str,
    traceparent: str,
    prefix: str = "",
) -> SessionSpec:
    """What a CreateBrowserSessionRequest asks for."""
    if request.browser_type not in BROWSER_TYPES:
        fields.wrong(prefix + "browser_type", f"{request.browser_type} is unknown: use CHROME or MSEDGE")
    viewport = request.viewport
    if request.browser_profile_version and not request.browser_profile_id:
        fields.wrong(prefix + "browser_profile_version", "needs a browser_profile_id")
    if request.browser_profile_version < 0:
        fields.wrong(prefix + "browser_profile_version", f"{request.browser_profile_version} is negative")
    return SessionSpec(
        organization_id=organization_id,
        timeout=fields.duration(request, "timeout", 5 * MINUTE, DAY, HOUR, prefix),
        queue_timeout=fields.duration(request, "queue_timeout", timedelta(), HOUR, MINUTE, prefix),
        browser_type=BROWSER_TYPES.get(request.browser_type, "chrome"),
        url=fields.url(prefix + "url", request.url),
        viewport_width=fields.number(prefix + "viewport.width", viewport.width, 320, 7680, 1280),
        viewport_height=fields.number(prefix + "viewport.height", viewport.height, 240, 4320, 720),
        labels=fields.labels(prefix + "labels", request.labels),
        traceparent=traceparent,
        browser_profile_id=fields.text(prefix + "browser_profile_id", request.browser_profile_id, 200),
        browser_profile_version=request.browser_profile_version,
        save_profile=request.save_profile,
        extensions=_extensions(fields, prefix + "extensions", request.extensions),
    )


def _extensions(fields: Fields, field: str, names: Sequence[str]) -> tuple[str, ...]:
    if len(names) > _MOST_EXTENSIONS:
        fields.wrong(field, f"{len(names)} extensions are more than the maximum of {_MOST_EXTENSIONS}")
    for place, name in enumerate(names[: _MOST_EXTENSIONS + 1]):
        if not EXTENSION_NAME.fullmatch(name):
            what = f"{name[:80]!r} is no name of an extension: use 1 to 63 lower-case letters, digits and '-'"
            fields.wrong(f"{field}[{place}]", f"{what}, as ListHosts shows them")
    return tuple(sorted(set(names)))


def session_timeout(fields: Fields, request: browser_sessions_pb2.ExtendBrowserSessionRequest) -> timedelta:
    """The lifetime an ExtendBrowserSessionRequest asks for."""
    if not request.HasField("timeout"):
        fields.wrong("timeout", "must be given")
    return fields.duration(request, "timeout", 5 * MINUTE, DAY, HOUR)


def session_states(fields: Fields, values: Iterable[int]) -> tuple[SessionState, ...]:
    """The states of a filter; LAUNCHING stands for ABORTING too."""
    states = statuses(fields, "states", _SESSION_STATE, SessionState, values)
    return (*states, SessionState.ABORTING) if SessionState.LAUNCHING in states else states


def browser_session(
    session: Session, host: Host | None = None, timeout_unconfirmed: datetime | None = None
) -> browser_sessions_pb2.BrowserSession:
    """A session as callers see it; `host` is the one it is placed on, which has not confirmed its timeout since."""
    state = SessionState.LAUNCHING if session.state is SessionState.ABORTING else session.state
    proto = browser_sessions_pb2.BrowserSession(
        browser_session_id=session.browser_session_id,
        organization_id=session.organization_id,
        state=_SESSION_STATE.value(state.value),
        close_reason=CLOSE_REASON.value(session.close_reason),
        close_message=session.close_message,
        browser_type=BROWSER_TYPE_VALUES[session.browser_type],
        url=session.url,
        viewport=browser_sessions_pb2.Viewport(width=session.viewport_width, height=session.viewport_height),
        labels=session.labels,
        host_id=session.host_id,
        active_run_id=session.active_run_id,
        current_url=session.current_url,
        page_title=session.page_title,
        tab_count=session.tab_count,
        browser_version=session.browser_version,
        sandboxed=session.sandboxed,
        warm_start=session.warm_start,
        extensions=session.extension_names,
        conditions=_session_conditions(session, host, timeout_unconfirmed) if session.open else (),
        browser_profile_id=session.browser_profile_id,
        browser_profile_version=session.browser_profile_version,
        save_profile=session.save_profile,
    )
    if session.network:
        proto.MergeFromString(session.network)
    if session.page_options:
        proto.page_options.MergeFromString(session.page_options)
    if session.open and session.page_conditions:
        proto.MergeFromString(session.page_conditions)
    set_time(proto.cdp_attach_time, session.cdp_attach_time)
    if session.open and session.browser_profile_notes:
        notes = proto.conditions.add(type="PROFILE_INCOMPLETE", message=session.browser_profile_notes)
        set_time(notes.since_time, session.start_time)
    if session.profile_save_state is not None:
        save = proto.profile_save
        save.state = _PROFILE_SAVE_STATE.value(session.profile_save_state.value)
        save.message = session.profile_save_message
        save.browser_profile_version = session.profile_save_version if session.profile_save_time else 0
        set_time(save.state_time, session.profile_save_time)
    if session.start_time is not None:
        proto.isolation.CopyFrom(_session_isolation(session.isolation))
    proto.timeout.FromTimedelta(session.timeout)
    proto.queue_timeout.FromTimedelta(session.queue_timeout)
    set_time(proto.create_time, session.create_time)
    set_time(proto.update_time, session.update_time)
    for name in ("start_time", "expire_time", "close_time", "browser_gone_time"):
        set_time(getattr(proto, name), getattr(session, name))
    return proto


def _session_isolation(said: dict[str, int]) -> browser_sessions_pb2.SessionIsolation:
    return browser_sessions_pb2.SessionIsolation(
        own_user=bool(said.get("own_user")),
        memory_limit_bytes=said.get("memory_limit_bytes", 0),
        task_limit=said.get("task_limit", 0),
        cpu_percent_limit=said.get("cpu_percent_limit", 0),
    )


def _session_conditions(
    session: Session, host: Host | None, timeout_unconfirmed: datetime | None
) -> list[browser_sessions_pb2.Condition]:
    found = conditions(host)
    if session.cdp_attach_time:
        message = "a CDP client has the session's turn: runs wait until it has gone"
        if session.active_run_id:
            message = f"a CDP client has the turn of run {session.active_run_id} until its question is answered"
        found.append(_condition("CDP_CLIENT_ATTACHED", session.cdp_attach_time, message))
    if host is not None and timeout_unconfirmed:
        message = (
            f"host {host.host_id} has not confirmed the timeout of {session.timeout.total_seconds():g}s yet: until "
            "then the browser ends at its earlier deadline"
        )
        found.append(_condition("TIMEOUT_UNCONFIRMED", timeout_unconfirmed, message))
    return found


def conditions(host: Host | None) -> list[browser_sessions_pb2.Condition]:
    """What else is true of what runs on `host`."""
    if host is None:
        return []
    found = []
    if host.state in (HostState.SUSPECT, HostState.RECOVERING):
        found.append(_condition("HOST_UNREACHABLE", host.state_time, f"host {host.host_id}: {host.state_message}"))
    elif host.silent_time:
        message = f"host {host.host_id}: not heard since its action lease was over"
        found.append(_condition("HOST_UNREACHABLE", host.silent_time, message))
    if host.state is HostState.DRAINING:
        found.append(_condition("HOST_DRAINING", host.state_time, f"host {host.host_id}: {host.state_message}"))
    return found


def _condition(kind: str, since: datetime, message: str) -> browser_sessions_pb2.Condition:
    condition = browser_sessions_pb2.Condition(type=kind, message=message)
    set_time(condition.since_time, since)
    return condition
