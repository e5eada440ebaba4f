"""Browser sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabkeep.records.sessions import (
    BrowserPage,
    BrowserSession,
    BrowserSessionChange,
    BrowserSessionOptions,
    BrowserSessionState,
    BrowserSessionUpdate,
    BrowserType,
    CloseReason,
    CrashPolicy,
    DialogPolicy,
    Geolocation,
    HttpCredential,
    PageOptions,
    PermissionGrant,
    Proxy,
    SessionIsolation,
    TakeOverLink,
    Viewport,
)
from tabkeep.v1 import browser_sessions_pb2
from tabkeep.wire.enums import enum_if_any, enum_of, enum_to_proto
from tabkeep.wire.profiles import profile_save
from tabkeep.wire.values import conditions, minutes_to_duration, optional_timestamp, timestamp, to_duration


def to_viewport(value: Viewport | tuple[int, int]) -> browser_sessions_pb2.Viewport:
    """Return a visible area as its message; a pair is width and height."""
    width, height = (value.width, value.height) if isinstance(value, Viewport) else value
    return browser_sessions_pb2.Viewport(width=width, height=height)


def to_create_session(
    options: BrowserSessionOptions, request_id: str = ""
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
        request.browser_type = enum_to_proto(BrowserType, options.browser_type)
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


def to_page_options(options: BrowserSessionOptions) -> browser_sessions_pb2.PageOptions:
    """Return how a session's tabs and dialogs are to be dealt with; empty when nothing is said of it."""
    pages = browser_sessions_pb2.PageOptions(max_pages=options.max_pages or 0)
    if options.dialogs is not None:
        pages.dialogs = enum_to_proto(DialogPolicy, options.dialogs)
    if options.on_crash is not None:
        pages.on_crash = enum_to_proto(CrashPolicy, options.on_crash)
    if isinstance(options.permissions, str):
        raise TypeError("permissions takes a list, not one text")
    for grant in options.permissions:
        given = PermissionGrant(grant) if isinstance(grant, str) else grant
        pages.permissions.add(permission=given.permission, origin=given.origin)
    for login in options.http_credentials:
        pages.http_credentials.add(origin=login.origin, username=login.username, password=login.password)
    return pages


def to_update_session(
    browser_session_id: str,
    proxy: Proxy | str | None,
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
        request.page_options.CopyFrom(to_page_options(BrowserSessionOptions(**given)))
        request.update_mask.paths.extend(f"page_options.{name}" for name in given)
    return request


def to_proxy(proxy: Proxy | str) -> browser_sessions_pb2.ProxyServer:
    """Return a proxy; a text is a URL that may have user and password in it."""
    given = Proxy.from_url(proxy) if isinstance(proxy, str) else proxy
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


def browser_session(message: browser_sessions_pb2.BrowserSession) -> BrowserSession:
    """Return a session."""
    viewport = message.viewport
    return BrowserSession(
        browser_session_id=message.browser_session_id,
        organization_id=message.organization_id,
        state=enum_of(BrowserSessionState, message.state),
        close_reason=enum_if_any(CloseReason, message.close_reason),
        close_message=message.close_message,
        timeout=message.timeout.ToTimedelta(),
        queue_timeout=message.queue_timeout.ToTimedelta(),
        browser_type=enum_of(BrowserType, message.browser_type),
        url=message.url or None,
        viewport=Viewport(viewport.width, viewport.height) if message.HasField("viewport") else None,
        labels=dict(message.labels),
        create_time=timestamp(message.create_time),
        start_time=optional_timestamp(message, "start_time"),
        expire_time=optional_timestamp(message, "expire_time"),
        close_time=optional_timestamp(message, "close_time"),
        update_time=timestamp(message.update_time),
        browser_gone_time=optional_timestamp(message, "browser_gone_time"),
        host_id=message.host_id or None,
        active_run_id=message.active_run_id or None,
        current_url=message.current_url or None,
        page_title=message.page_title or None,
        tab_count=message.tab_count,
        conditions=conditions(message.conditions),
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
        profile_save=profile_save(message.profile_save) if message.HasField("profile_save") else None,
        cdp_url=message.cdp_url or None,
        cdp_attach_time=optional_timestamp(message, "cdp_attach_time"),
        page_options=_page_options(message.page_options) if message.HasField("page_options") else None,
    )


def _session_isolation(message: browser_sessions_pb2.SessionIsolation) -> SessionIsolation:
    return SessionIsolation(
        own_user=message.own_user,
        memory_limit_bytes=message.memory_limit_bytes,
        task_limit=message.task_limit,
        cpu_percent_limit=message.cpu_percent_limit,
    )


def _page_options(message: browser_sessions_pb2.PageOptions) -> PageOptions:
    return PageOptions(
        dialogs=enum_of(DialogPolicy, message.dialogs),
        on_crash=enum_of(CrashPolicy, message.on_crash),
        max_pages=message.max_pages,
        permissions=tuple(PermissionGrant(one.permission, one.origin) for one in message.permissions),
        http_credentials=tuple(HttpCredential(one.origin) for one in message.http_credentials),
    )


def browser_page(message: browser_sessions_pb2.BrowserPage) -> BrowserPage:
    """Return an open tab."""
    return BrowserPage(message.page_id, message.url, message.title, message.opener_page_id or None, message.current)


def take_over_link(message: browser_sessions_pb2.CreateTakeOverLinkResponse) -> TakeOverLink:
    """Return a link with which a person takes over."""
    return TakeOverLink(message.url, timestamp(message.expire_time))


def _proxy(message: browser_sessions_pb2.ProxyServer) -> Proxy:
    return Proxy(url=message.url, bypass=tuple(message.bypass))


def _geolocation(message: browser_sessions_pb2.Geolocation) -> Geolocation:
    return Geolocation(message.latitude, message.longitude, message.accuracy)


def browser_session_update(message: browser_sessions_pb2.WatchBrowserSessionResponse) -> BrowserSessionUpdate:
    """Return what a session's watch sent."""
    change = enum_of(BrowserSessionChange, message.change)
    return BrowserSessionUpdate(change, browser_session(message.browser_session))
