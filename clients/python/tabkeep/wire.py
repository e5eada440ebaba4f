"""Between the records of `tabkeep.records` and the messages of `tabkeep.v1`, both ways; nothing else converts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf import duration_pb2, struct_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tabkeep import records as r
from tabkeep.v1 import (
    actions_pb2,
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)

_E = TypeVar("_E", bound=StrEnum)

_LARGEST_EXACT = 2**53
"""JSON numbers travel as doubles; up to here a whole one is exact."""


class _Enumeration:
    """Translates one proto enum and its string enum; names are equal but for the proto's prefix."""

    def __init__(self, kind: type[StrEnum], proto: Any, prefix: str) -> None:
        self.kind = kind
        self.proto = proto
        self.to_record = {
            number: kind[name.removeprefix(prefix)]
            for name, number in proto.items()
            if number and name.removeprefix(prefix) in kind.__members__
        }
        self.to_proto: dict[str, int] = {member.value: number for number, member in self.to_record.items()}


ENUMERATIONS: Mapping[type[StrEnum], _Enumeration] = {
    kind: _Enumeration(kind, proto, prefix)
    for kind, proto, prefix in (
        (r.BrowserType, browser_sessions_pb2.BrowserType, "BROWSER_TYPE_"),
        (r.BrowserSessionState, browser_sessions_pb2.BrowserSessionState, "BROWSER_SESSION_STATE_"),
        (r.CloseReason, browser_sessions_pb2.CloseReason, "CLOSE_REASON_"),
        (r.ProfileSaveState, browser_sessions_pb2.ProfileSaveState, "PROFILE_SAVE_STATE_"),
        (r.BrowserSessionChange, browser_sessions_pb2.BrowserSessionChange, "BROWSER_SESSION_CHANGE_"),
        (r.DialogPolicy, browser_sessions_pb2.DialogPolicy, "DIALOG_POLICY_"),
        (r.CrashPolicy, browser_sessions_pb2.CrashPolicy, "CRASH_POLICY_"),
        (r.PageCloseCause, runs_pb2.PageCloseCause, "PAGE_CLOSE_CAUSE_"),
        (r.RunType, runs_pb2.RunType, "RUN_TYPE_"),
        (r.RunStatus, runs_pb2.RunStatus, "RUN_STATUS_"),
        (r.FailureReason, runs_pb2.FailureReason, "FAILURE_REASON_"),
        (r.StepOutcome, runs_pb2.StepOutcome, "STEP_OUTCOME_"),
        (r.ApprovalKind, runs_pb2.ApprovalKind, "APPROVAL_KIND_"),
        (r.Planner, runs_pb2.Planner, "PLANNER_"),
        (r.ReplayMode, runs_pb2.ReplayMode, "REPLAY_MODE_"),
        (r.RecordingState, recordings_pb2.RecordingState, "RECORDING_STATE_"),
        (r.RecordingFormat, recordings_pb2.RecordingFormat, "RECORDING_FORMAT_"),
        (r.IrreversiblePolicy, runs_pb2.IrreversiblePolicy, "IRREVERSIBLE_POLICY_"),
        (r.ScreenshotMode, runs_pb2.ScreenshotMode, "SCREENSHOT_MODE_"),
        (r.ArtifactType, artifacts_pb2.ArtifactType, "ARTIFACT_TYPE_"),
        (r.ArtifactState, artifacts_pb2.ArtifactState, "ARTIFACT_STATE_"),
        (r.HostState, hosts_pb2.HostState, "HOST_STATE_"),
        (r.KeyScope, keys_pb2.KeyScope, "KEY_SCOPE_"),
        (r.WebhookDeliveryState, webhooks_pb2.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_"),
    )
}


# What goes out.


def enum_to_proto(kind: type[StrEnum], value: StrEnum | str) -> Any:
    """Return the proto number of a string enum's member or of its word.

    Raises:
        ValueError: there is no such word.
    """
    numbers = ENUMERATIONS[kind].to_proto
    try:
        return numbers[str(value)]
    except KeyError:
        raise ValueError(f"{value!r} is not one of {', '.join(numbers)}") from None


def minutes_to_duration(value: timedelta | int) -> duration_pb2.Duration:
    """Return a session's timeout as a proto duration; a bare number counts minutes.

    Raises:
        TypeError: neither a timedelta nor a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, timedelta)):
        raise TypeError(f"timeout is {type(value).__name__}: give a timedelta or a whole number of minutes")
    return to_duration(value if isinstance(value, timedelta) else timedelta(minutes=value), "timeout")


def to_duration(value: timedelta, name: str) -> duration_pb2.Duration:
    """Return a length as a proto duration.

    Raises:
        TypeError: not a timedelta; a bare number would not say its unit.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} is {type(value).__name__}: give a datetime.timedelta")
    duration = duration_pb2.Duration()
    duration.FromTimedelta(value)
    return duration


def to_viewport(value: r.Viewport | tuple[int, int]) -> browser_sessions_pb2.Viewport:
    """Return a visible area as its message; a pair is width and height."""
    width, height = (value.width, value.height) if isinstance(value, r.Viewport) else value
    return browser_sessions_pb2.Viewport(width=width, height=height)


def to_value(value: Any) -> struct_pb2.Value:
    """Return a JSON value as its message.

    Raises:
        TypeError: JSON does not know the type.
    """
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=to_struct(value))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[to_value(item) for item in value]))
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def to_struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a JSON object as its message; TypeError where JSON does not know a type."""
    return struct_pb2.Struct(fields={name: to_value(item) for name, item in value.items()})


def to_create_session(
    options: r.BrowserSessionOptions, request_id: str = ""
) -> browser_sessions_pb2.CreateBrowserSessionRequest:
    """Return the request for a session; what is None stays absent, so that the server's default counts."""
    request = browser_sessions_pb2.CreateBrowserSessionRequest(
        url=options.url or "",
        labels=dict(options.labels or {}),
        request_id=request_id,
        extensions=options.extensions or (),
        browser_profile_id=options.browser_profile_id or "",
        browser_profile_version=options.browser_profile_version or 0,
        save_profile=options.save_profile,
    )
    if options.timeout is not None:
        request.timeout.CopyFrom(minutes_to_duration(options.timeout))
    if options.browser_type is not None:
        request.browser_type = enum_to_proto(r.BrowserType, options.browser_type)
    if options.viewport is not None:
        request.viewport.CopyFrom(to_viewport(options.viewport))
    if options.queue_timeout is not None:
        request.queue_timeout.CopyFrom(to_duration(options.queue_timeout, "queue_timeout"))
    if options.proxy is not None:
        request.proxy.CopyFrom(to_proxy(options.proxy))
    request.proxy_location = options.proxy_location or ""
    request.allowed_domains.extend(_several(options.allowed_domains, "allowed_domains"))
    request.blocked_domains.extend(_several(options.blocked_domains, "blocked_domains"))
    pages = to_page_options(options)
    if pages.ListFields():
        request.page_options.CopyFrom(pages)
    return request


def to_page_options(options: r.BrowserSessionOptions) -> browser_sessions_pb2.PageOptions:
    """Return how a session's tabs and dialogs are to be dealt with; empty when nothing is said of it."""
    pages = browser_sessions_pb2.PageOptions(max_pages=options.max_pages or 0)
    if options.dialogs is not None:
        pages.dialogs = enum_to_proto(r.DialogPolicy, options.dialogs)
    if options.on_crash is not None:
        pages.on_crash = enum_to_proto(r.CrashPolicy, options.on_crash)
    if isinstance(options.permissions, str):
        raise TypeError("permissions takes a list, not one text")
    for grant in options.permissions:
        given = r.PermissionGrant(grant) if isinstance(grant, str) else grant
        pages.permissions.add(permission=given.permission, origin=given.origin)
    for login in options.http_credentials:
        pages.http_credentials.add(origin=login.origin, username=login.username, password=login.password)
    return pages


def to_update_session(
    browser_session_id: str,
    proxy: r.Proxy | str | None,
    proxy_location: str | None,
    allowed_domains: Sequence[str] | None,
    blocked_domains: Sequence[str] | None,
    page_options: Mapping[str, Any],
) -> browser_sessions_pb2.UpdateBrowserSessionRequest:
    """Return the request for other settings of a session; what is None stays as it is."""
    request = browser_sessions_pb2.UpdateBrowserSessionRequest(browser_session_id=browser_session_id)
    if proxy is not None:
        request.update_mask.paths.append("proxy")
        if proxy != "":
            request.proxy.CopyFrom(to_proxy(proxy))
    if proxy_location is not None:
        request.update_mask.paths.append("proxy_location")
        request.proxy_location = proxy_location
    if allowed_domains is not None:
        request.update_mask.paths.append("allowed_domains")
        request.allowed_domains.extend(_several(allowed_domains, "allowed_domains"))
    if blocked_domains is not None:
        request.update_mask.paths.append("blocked_domains")
        request.blocked_domains.extend(_several(blocked_domains, "blocked_domains"))
    if given := {name: value for name, value in page_options.items() if value is not None}:
        request.page_options.CopyFrom(to_page_options(r.BrowserSessionOptions(**given)))
        request.update_mask.paths.extend(f"page_options.{name}" for name in given)
    return request


def to_proxy(proxy: r.Proxy | str) -> browser_sessions_pb2.ProxyServer:
    """Return a proxy; a text is a URL that may have user and password in it."""
    given = r.Proxy.from_url(proxy) if isinstance(proxy, str) else proxy
    return browser_sessions_pb2.ProxyServer(
        url=given.url,
        username=given.username,
        password=given.password,
        bypass=_several(given.bypass, "bypass"),
    )


def _several(texts: Sequence[str], name: str) -> Sequence[str]:
    if isinstance(texts, str):
        raise TypeError(f"{name} takes a list of texts, not one text")
    return texts


# What comes in.


def from_value(value: struct_pb2.Value) -> r.Json:
    """Return a JSON value; a whole number that a double holds exactly comes back as an int."""
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number
        case "string_value":
            return value.string_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [from_value(item) for item in value.list_value.values]
    return None


def from_struct(value: struct_pb2.Struct) -> dict[str, r.Json]:
    """Return a JSON object, its names sorted: the wire keeps no order, and the same answer is to look the same."""
    return {name: from_value(item) for name, item in sorted(value.fields.items())}


def browser_session(message: browser_sessions_pb2.BrowserSession) -> r.BrowserSession:
    """Return a session."""
    viewport = message.viewport
    return r.BrowserSession(
        browser_session_id=message.browser_session_id,
        organization_id=message.organization_id,
        state=_enum(r.BrowserSessionState, message.state),
        close_reason=_reason(r.CloseReason, message.close_reason),
        close_message=message.close_message,
        timeout=message.timeout.ToTimedelta(),
        queue_timeout=message.queue_timeout.ToTimedelta(),
        browser_type=_enum(r.BrowserType, message.browser_type),
        url=message.url or None,
        viewport=r.Viewport(viewport.width, viewport.height) if message.HasField("viewport") else None,
        labels=dict(message.labels),
        create_time=_time(message.create_time),
        start_time=_optional_time(message, "start_time"),
        expire_time=_optional_time(message, "expire_time"),
        close_time=_optional_time(message, "close_time"),
        update_time=_time(message.update_time),
        browser_gone_time=_optional_time(message, "browser_gone_time"),
        host_id=message.host_id or None,
        active_run_id=message.active_run_id or None,
        current_url=message.current_url or None,
        page_title=message.page_title or None,
        tab_count=message.tab_count,
        conditions=_conditions(message.conditions),
        browser_version=message.browser_version or None,
        sandboxed=message.sandboxed,
        isolation=_session_isolation(message.isolation) if message.HasField("isolation") else None,
        warm_start=message.warm_start,
        extensions=tuple(message.extensions),
        proxy=_proxy(message.proxy) if message.HasField("proxy") else None,
        proxy_location=message.proxy_location or None,
        allowed_domains=tuple(message.allowed_domains),
        blocked_domains=tuple(message.blocked_domains),
        time_zone=message.time_zone or None,
        locale=message.locale or None,
        geolocation=_geolocation(message.geolocation) if message.HasField("geolocation") else None,
        browser_profile_id=message.browser_profile_id or None,
        browser_profile_version=message.browser_profile_version or None,
        save_profile=message.save_profile,
        profile_save=_profile_save(message.profile_save) if message.HasField("profile_save") else None,
        cdp_url=message.cdp_url or None,
        cdp_attach_time=_optional_time(message, "cdp_attach_time"),
        page_options=_page_options(message.page_options) if message.HasField("page_options") else None,
    )


def _session_isolation(message: browser_sessions_pb2.SessionIsolation) -> r.SessionIsolation:
    return r.SessionIsolation(
        own_user=message.own_user,
        memory_limit_bytes=message.memory_limit_bytes,
        task_limit=message.task_limit,
        cpu_percent_limit=message.cpu_percent_limit,
    )


def _page_options(message: browser_sessions_pb2.PageOptions) -> r.PageOptions:
    return r.PageOptions(
        dialogs=_enum(r.DialogPolicy, message.dialogs),
        on_crash=_enum(r.CrashPolicy, message.on_crash),
        max_pages=message.max_pages,
        permissions=tuple(r.PermissionGrant(one.permission, one.origin) for one in message.permissions),
        http_credentials=tuple(r.HttpCredential(one.origin) for one in message.http_credentials),
    )


def browser_page(message: browser_sessions_pb2.BrowserPage) -> r.BrowserPage:
    """Return an open tab."""
    return r.BrowserPage(message.page_id, message.url, message.title, message.opener_page_id or None, message.current)


def take_over_link(message: browser_sessions_pb2.CreateTakeOverLinkResponse) -> r.TakeOverLink:
    """Return a link with which a person takes over."""
    return r.TakeOverLink(message.url, _time(message.expire_time))


def browser_profile(message: browser_profiles_pb2.BrowserProfile) -> r.BrowserProfile:
    """Return a browser profile."""
    return r.BrowserProfile(
        browser_profile_id=message.browser_profile_id,
        organization_id=message.organization_id,
        name=message.name,
        description=message.description,
        version=message.version,
        versions=tuple(
            r.BrowserProfileVersion(
                version=v.version,
                browser_session_id=v.browser_session_id or None,
                browser_version=v.browser_version or None,
                state_time=_time(v.state_time),
                size=v.size,
                cookie_count=v.cookie_count,
                origin_count=v.origin_count,
            )
            for v in message.versions
        ),
        create_time=_time(message.create_time),
        update_time=_time(message.update_time),
    )


def _profile_save(message: browser_sessions_pb2.ProfileSave) -> r.ProfileSave:
    return r.ProfileSave(
        state=_enum(r.ProfileSaveState, message.state),
        message=message.message,
        browser_profile_version=message.browser_profile_version or None,
        state_time=_optional_time(message, "state_time"),
    )


def _proxy(message: browser_sessions_pb2.ProxyServer) -> r.Proxy:
    return r.Proxy(url=message.url, bypass=tuple(message.bypass))


def _geolocation(message: browser_sessions_pb2.Geolocation) -> r.Geolocation:
    return r.Geolocation(message.latitude, message.longitude, message.accuracy)


def browser_session_update(message: browser_sessions_pb2.WatchBrowserSessionResponse) -> r.BrowserSessionUpdate:
    """Return what a session's watch sent."""
    change = _enum(r.BrowserSessionChange, message.change)
    return r.BrowserSessionUpdate(change, browser_session(message.browser_session))


def run(message: runs_pb2.Run) -> r.Run:
    """Return a run."""
    return r.Run(
        run_id=message.run_id,
        organization_id=message.organization_id,
        run_type=_enum(r.RunType, message.run_type),
        status=_enum(r.RunStatus, message.status),
        failure_reason=_reason(r.FailureReason, message.failure_reason),
        failure_message=message.failure_message,
        output=from_value(message.output),
        browser_session_id=message.browser_session_id or None,
        owns_browser_session=message.owns_browser_session,
        prompt=message.prompt or None,
        url=message.url or None,
        workflow_id=message.workflow_id or None,
        workflow_version=message.workflow_version or None,
        labels=dict(message.labels),
        step_count=message.step_count,
        max_steps=message.max_steps,
        last_seq=message.last_seq,
        create_time=_time(message.create_time),
        start_time=_optional_time(message, "start_time"),
        end_time=_optional_time(message, "end_time"),
        timeout=message.timeout.ToTimedelta(),
        safe_to_retry=message.safe_to_retry,
        pending_approval=_approval(message.pending_approval) if message.HasField("pending_approval") else None,
        conditions=_conditions(message.conditions),
        update_time=_time(message.update_time),
        parameters=from_struct(message.parameters),
        provenance=tuple(map(_provenance, message.provenance)),
    )


def run_event(message: runs_pb2.RunEvent) -> r.RunEvent:
    """Return an event; one of a kind that a newer server knows has kind "unknown" and no detail."""
    kind = message.WhichOneof("kind")
    create_time = _time(message.create_time)
    if kind is None:
        return r.RunEvent(message.run_id, message.seq, create_time, "unknown", None)
    return r.RunEvent(message.run_id, message.seq, create_time, kind, _DETAILS[kind](getattr(message, kind)))


def workflow(message: workflows_pb2.Workflow) -> r.Workflow:
    """Return one version of a workflow."""
    return r.Workflow(
        workflow_id=message.workflow_id,
        organization_id=message.organization_id,
        version=message.version,
        title=message.title,
        definition=message.definition,
        parameters=tuple(r.WorkflowParameter(p.name, p.type, p.required, p.description) for p in message.parameters),
        create_time=_time(message.create_time),
        update_time=_time(message.update_time),
    )


def artifact(message: artifacts_pb2.Artifact) -> r.Artifact:
    """Return an artifact's record."""
    return r.Artifact(
        artifact_id=message.artifact_id,
        browser_session_id=message.browser_session_id,
        run_id=message.run_id or None,
        artifact_type=_enum(r.ArtifactType, message.artifact_type),
        file_name=message.file_name,
        content_type=message.content_type,
        size=message.size,
        sha256=message.sha256,
        state=_enum(r.ArtifactState, message.state),
        state_message=message.state_message,
        create_time=_time(message.create_time),
        expire_time=_optional_time(message, "expire_time"),
        truncation=message.truncation,
    )


def file(message: files_pb2.File) -> r.File:
    """Return the record of a file that a caller has brought."""
    return r.File(
        file_id=message.file_id,
        file_name=message.file_name,
        content_type=message.content_type,
        size=message.size,
        sha256=message.sha256,
        create_time=_time(message.create_time),
    )


def to_screen_recording(recording: r.ScreenRecording) -> runs_pb2.ScreenRecording:
    """Return what is wanted of a run's moving pictures."""
    message = runs_pb2.ScreenRecording(frames_per_second=recording.frames_per_second or 0)
    if recording.max_duration is not None:
        message.max_duration.CopyFrom(to_duration(recording.max_duration, "max_duration"))
    return message


def host(message: hosts_pb2.Host) -> r.Host:
    """Return a host."""
    return r.Host(
        host_id=message.host_id,
        state=_enum(r.HostState, message.state),
        state_message=message.state_message,
        capacity=message.capacity,
        sessions=message.sessions,
        browsers=tuple(r.BrowserOffer(_enum(r.BrowserType, b.browser_type), b.version) for b in message.browsers),
        build=message.build,
        incarnation=message.incarnation,
        attach_time=_optional_time(message, "attach_time"),
        heartbeat_time=_optional_time(message, "heartbeat_time"),
        drain_expire_time=_optional_time(message, "drain_expire_time"),
        sandboxed=message.sandboxed,
        extensions=tuple(r.ExtensionOffer(e.name, e.version, e.sha256) for e in message.extensions),
        isolation=r.HostIsolation(
            user_per_session=message.isolation.user_per_session,
            session_memory_limit_bytes=message.isolation.session_memory_limit_bytes,
            session_task_limit=message.isolation.session_task_limit,
            session_cpu_percent_limit=message.isolation.session_cpu_percent_limit,
        ),
        load_average=message.load_average,
        available_memory_bytes=message.available_memory_bytes,
    )


def key(message: keys_pb2.Key) -> r.Key:
    """Return a key without its text."""
    return r.Key(
        key_id=message.key_id,
        organization_id=message.organization_id or None,
        scope=_enum(r.KeyScope, message.scope),
        display_name=message.display_name,
        create_time=_time(message.create_time),
        revoke_time=_optional_time(message, "revoke_time"),
        host_id=message.host_id or None,
    )


def credential(message: credentials_pb2.Credential) -> r.Credential:
    """Return a stored login."""
    return r.Credential(
        credential_id=message.credential_id,
        organization_id=message.organization_id,
        origin=message.origin,
        username=message.username,
        has_totp=message.has_totp,
        create_time=_time(message.create_time),
    )


def created_key(message: keys_pb2.CreateKeyResponse) -> r.CreatedKey:
    """Return a new key with its text."""
    return r.CreatedKey(key(message.key), message.secret)


def usage(message: usage_pb2.Usage) -> r.Usage:
    """Return what was used."""
    return r.Usage(
        organization_id=message.organization_id,
        month=message.month,
        session_time=message.session_time.ToTimedelta(),
        session_minutes=message.session_minutes,
        session_count=message.session_count,
        open_session_count=message.open_session_count,
    )


def webhook_delivery(message: webhooks_pb2.WebhookDelivery) -> r.WebhookDelivery:
    """Return a delivery with what it holds of its attempts."""
    return r.WebhookDelivery(
        webhook_delivery_id=message.webhook_delivery_id,
        run_id=message.run_id,
        webhook_url=message.webhook_url,
        state=_enum(r.WebhookDeliveryState, message.state),
        replay=message.replay,
        attempt_count=message.attempt_count,
        create_time=_time(message.create_time),
        next_attempt_time=_optional_time(message, "next_attempt_time"),
        end_time=_optional_time(message, "end_time"),
        attempts=tuple(
            r.WebhookAttempt(
                attempt=attempt.attempt,
                create_time=_time(attempt.create_time),
                duration=attempt.duration.ToTimedelta(),
                status_code=attempt.status_code or None,
                error=attempt.error or None,
                response_body=attempt.response_body,
            )
            for attempt in message.attempts
        ),
    )


def _run_started(message: runs_pb2.RunStarted) -> r.RunStarted:
    return r.RunStarted(message.url, message.title)


def _plan_made(message: runs_pb2.PlanMade) -> r.PlanMade:
    return r.PlanMade(message.planner, tuple(message.clauses), message.recording_id or None)


def _block_started(message: runs_pb2.BlockStarted) -> r.BlockStarted:
    return r.BlockStarted(message.block_id, message.block_type)


def _block_finished(message: runs_pb2.BlockFinished) -> r.BlockFinished:
    return r.BlockFinished(message.block_id, _enum(r.StepOutcome, message.outcome), from_value(message.output))


def _step_started(message: runs_pb2.StepStarted) -> r.StepStarted:
    action = actions_pb2.Action()
    action.CopyFrom(message.action)
    return r.StepStarted(
        step=message.step,
        action=action,
        description=message.description,
        source=message.source,
        url=message.url,
        block_id=message.block_id or None,
    )


def _step_finished(message: runs_pb2.StepFinished) -> r.StepFinished:
    return r.StepFinished(
        step=message.step,
        outcome=_enum(r.StepOutcome, message.outcome),
        failure_reason=_reason(r.FailureReason, message.failure_reason),
        message=message.message,
        duration=message.duration.ToTimedelta(),
        url=message.url,
        title=message.title,
        target=message.target or None,
        screenshot_artifact_id=message.screenshot_artifact_id or None,
        output=from_value(message.output),
        provenance=tuple(map(_provenance, message.provenance)),
    )


def _provenance(message: runs_pb2.Provenance) -> r.Provenance:
    return r.Provenance(
        path=message.path,
        text=message.text,
        selector=message.selector,
        label=message.label,
        url=message.url,
        ungrounded=message.ungrounded,
    )


def _approval(message: runs_pb2.Approval) -> r.Approval:
    return r.Approval(
        approval_id=message.approval_id,
        message=message.message,
        create_time=_time(message.create_time),
        expire_time=_optional_time(message, "expire_time"),
        screenshot_artifact_id=message.screenshot_artifact_id or None,
        kind=_reason(r.ApprovalKind, message.kind),
    )


def _approval_requested(message: runs_pb2.ApprovalRequested) -> r.ApprovalRequested:
    return r.ApprovalRequested(_approval(message.approval))


def _approval_resolved(message: runs_pb2.ApprovalResolved) -> r.ApprovalResolved:
    return r.ApprovalResolved(message.approval_id, message.approved, message.timed_out, message.comment)


def _warning(message: runs_pb2.Warning) -> r.RunWarning:
    return r.RunWarning(message.code, message.message)


def _model_call(message: runs_pb2.ModelCall) -> r.ModelCall:
    return r.ModelCall(
        message.model,
        message.attempt,
        message.input_tokens,
        message.output_tokens,
        message.duration.ToTimedelta(),
        message.error,
    )


def _task_recorded(message: runs_pb2.TaskRecorded) -> r.TaskRecorded:
    return r.TaskRecorded(
        recording_id=message.recording_id or None,
        confirmed=message.confirmed,
        mended=message.mended,
        task=_recorded_task(message.task) if message.HasField("task") else None,
    )


def _replayed(message: runs_pb2.Replayed) -> r.Replayed:
    return r.Replayed(
        recording_id=message.recording_id,
        version=message.version,
        verified=message.verified,
        stale=message.stale,
        message=message.message,
    )


def _step_healed(message: runs_pb2.StepHealed) -> r.StepHealed:
    return r.StepHealed(step=message.step, recorded=message.recorded, found=message.found, by=message.by)


def recording(message: recordings_pb2.Recording) -> r.Recording:
    """Return a recording."""
    return r.Recording(
        recording_id=message.recording_id,
        organization_id=message.organization_id,
        state=_enum(r.RecordingState, message.state),
        version=message.version,
        run_id=message.run_id,
        success_count=message.success_count,
        failure_count=message.failure_count,
        create_time=_time(message.create_time),
        update_time=_time(message.update_time),
        task=_recorded_task(message.task),
    )


def exported_recording(message: recordings_pb2.ExportRecordingResponse) -> r.ExportedRecording:
    """Return a recording as a program."""
    return r.ExportedRecording(content=message.content, file_name=message.file_name, content_type=message.content_type)


def _recorded_task(message: recordings_pb2.RecordedTask) -> r.RecordedTask:
    return r.RecordedTask(
        template=message.template,
        origin=message.origin,
        start=message.start,
        values=tuple(
            r.RecordedValue(name=one.name, secret=one.secret, fixed=one.fixed, text=one.text) for one in message.values
        ),
        parts=tuple(_recorded_part(one) for one in message.parts),
        planner=message.planner,
    )


def _recorded_part(message: recordings_pb2.RecordedPart) -> r.RecordedPart:
    steps = (
        r.RecordedStep(action=one.action, elements=tuple(one.elements), seen=tuple(one.seen)) for one in message.steps
    )
    return r.RecordedPart(clause=message.clause, looks_again=message.looks_again, steps=tuple(steps))


def _dialog_shown(message: runs_pb2.DialogShown) -> r.DialogShown:
    return r.DialogShown(
        message.dialog_type,
        message.message,
        message.answer == actions_pb2.DIALOG_ANSWER_ACCEPT,
        message.by_action,
        message.page_id,
        message.url,
    )


def _page_opened(message: runs_pb2.PageOpened) -> r.PageOpened:
    return r.PageOpened(message.page_id, message.opener_page_id or None)


def _page_closed(message: runs_pb2.PageClosed) -> r.PageClosed:
    cause = _enum(r.PageCloseCause, message.cause)
    return r.PageClosed(message.page_id, cause, message.url, message.replaced_by_page_id or None)


def _run_finished(message: runs_pb2.RunFinished) -> r.RunFinished:
    return r.RunFinished(
        _enum(r.RunStatus, message.status),
        _reason(r.FailureReason, message.failure_reason),
        message.failure_message,
        from_value(message.output),
        tuple(map(_provenance, message.provenance)),
    )


_DETAILS: Mapping[str, Callable[[Any], r.RunEventDetail]] = {
    "run_started": _run_started,
    "plan_made": _plan_made,
    "block_started": _block_started,
    "block_finished": _block_finished,
    "step_started": _step_started,
    "step_finished": _step_finished,
    "approval_requested": _approval_requested,
    "approval_resolved": _approval_resolved,
    "warning": _warning,
    "model_call": _model_call,
    "task_recorded": _task_recorded,
    "replayed": _replayed,
    "step_healed": _step_healed,
    "dialog_shown": _dialog_shown,
    "page_opened": _page_opened,
    "page_closed": _page_closed,
    "run_finished": _run_finished,
}


def _enum(kind: type[_E], number: int) -> _E:
    # A number from a newer server has no member of its own; it must not break an older client.
    member = ENUMERATIONS[kind].to_record.get(number)
    return kind(member) if member is not None else kind["UNKNOWN"]


def _reason(kind: type[_E], number: int) -> _E | None:
    return _enum(kind, number) if number else None


def _time(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def _optional_time(message: Message, field: str) -> datetime | None:
    return _time(getattr(message, field)) if message.HasField(field) else None


def _conditions(messages: Iterable[browser_sessions_pb2.Condition]) -> tuple[r.Condition, ...]:
    return tuple(r.Condition(m.type, _optional_time(m, "since_time"), m.message) for m in messages)
