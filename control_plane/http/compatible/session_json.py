"""Browser sessions as the compatible API asks for them and shows them. Pure mappings from and to our protos."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.http.compatible import value_json
from control_plane.http.compatible.body import Body, sayable
from control_plane.http.compatible.offers import refuse_what_is_not_offered

LEAST_MINUTES, MOST_MINUTES, DEFAULT_MINUTES = 5, 1440, 60
BROWSER_TYPES = {"chrome": pb.BROWSER_TYPE_CHROME, "msedge": pb.BROWSER_TYPE_MSEDGE}
EXTENSIONS = ("ad-blocker", "captcha-solver")
COUNTRIES = ("AR", "AU", "BR", "CA", "DE", "ES", "FR", "GB", "IE", "IN", "IT", "JP", "KR", "MX", "NL", "NZ", "PH", "SA",
             "TR", "ZA")  # fmt: skip
PROXY_LOCATIONS = (
    "RESIDENTIAL", "RESIDENTIAL_ISP", "NONE", "US-CA", "US-NY", "US-TX", "US-FL", "US-WA",
    *(f"RESIDENTIAL_{country}" for country in COUNTRIES),
)  # fmt: skip
OPEN = [
    pb.BROWSER_SESSION_STATE_PENDING,
    pb.BROWSER_SESSION_STATE_LAUNCHING,
    pb.BROWSER_SESSION_STATE_RUNNING,
]


def create_request(body: Body, request_id: str) -> pb.CreateBrowserSessionRequest:
    """What a request for a session asks for.

    Raises:
        BodyInvalid, NotOffered: nothing was stored.
    """
    minutes = body.whole("timeout", DEFAULT_MINUTES, LEAST_MINUTES, MOST_MINUTES)
    browser_type = body.word("browser_type", tuple(BROWSER_TYPES))
    extensions = body.words("extensions", EXTENSIONS)
    profile = body.text("browser_profile_id", 200)
    place, proxy = proxy_of(body)
    url = with_scheme(body.text("url", 8192))
    save_profile = body.flag("generate_browser_profile")
    body.flag("needs_live_view")
    body.raise_if_wrong()
    refuse_what_is_not_offered(
        body, "proxy_session_id", "needs_live_view",
    )  # fmt: skip
    request = pb.CreateBrowserSessionRequest(
        url=url, request_id=request_id, extensions=extensions, browser_profile_id=profile, save_profile=save_profile,
        proxy_location=place, proxy=proxy,
    )  # fmt: skip
    request.timeout.seconds = minutes * 60
    if browser_type:
        request.browser_type = BROWSER_TYPES[browser_type]
    return request


def proxy_of(body: Body) -> tuple[str, pb.ProxyServer | None]:
    """The operator's proxy that a request names, or the caller's own that it describes; neither: none."""
    location = body.raw("proxy_location")
    if not isinstance(location, dict):
        name = body.word("proxy_location", PROXY_LOCATIONS)
        return ("" if name == "NONE" else name), None
    if isinstance(location.get("url"), str):
        return "", _own_proxy(body, location["url"])
    return _location(body, location), None


def _own_proxy(body: Body, url: str) -> pb.ProxyServer | None:
    """A proxy as a URL that may have user and password; what else is wrong with it, the service says."""
    try:
        parts = urlsplit(url)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        server = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    except ValueError:
        user, password, server = "", "", ""
    if not server or not all(sayable(text) for text in (user, password, server)):
        body.wrong("proxy_location", "value_error", "url must be like http://user:password@proxy.example.com:8080")
        return None
    return pb.ProxyServer(url=server, username=user, password=password)


def _location(body: Body, location: dict[str, Any]) -> str:
    """The name of a place that is described by its country and, in the United States, its state."""
    country, state = location.get("country"), location.get("subdivision")
    name = f"RESIDENTIAL_{country}" if country != "US" else "RESIDENTIAL"
    if country == "US" and isinstance(state, str) and state:
        name = f"US-{state.removeprefix('US-')}"
    elif state is not None:
        name = ""
    if name not in PROXY_LOCATIONS or location.get("city") is not None:
        body.wrong("proxy_location", "value_error", f"is none of {', '.join(PROXY_LOCATIONS)}; a city cannot be named")
        return ""
    return name


def with_scheme(url: str) -> str:
    """A URL as people write it: without a scheme it gets https."""
    return url if not url or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", url) else f"https://{url}"


def session(shown: pb.BrowserSession, app_url: str | None) -> dict[str, Any]:
    """A session. `status` has its two words, `state` and what follows it is finer."""
    closed = shown.state == pb.BROWSER_SESSION_STATE_CLOSED
    run_id = shown.active_run_id
    return {
        "browser_session_id": shown.browser_session_id,
        "organization_id": shown.organization_id,
        "status": "closed" if closed else "running",
        "timeout": value_json.minutes(shown.timeout),
        "browser_type": value_json.word(pb.BrowserType, "BROWSER_TYPE_", shown.browser_type),
        "extensions": list(shown.extensions),
        "vnc_streaming_supported": False,
        "stream_transport": None,
        "app_url": app_url,
        "browser_address": shown.cdp_url or None,
        "browser_profile_id": shown.browser_profile_id or None,
        "generate_browser_profile": shown.save_profile,
        "proxy_location": shown.proxy_location or None,
        "profile_save": value_json.word(pb.ProfileSaveState, "PROFILE_SAVE_STATE_", shown.profile_save.state),
        "runnable_type": ("workflow_run" if run_id.startswith("wr_") else "task") if run_id else None,
        "runnable_id": run_id or None,
        "downloaded_files": None,
        "recordings": None,
        "started_at": value_json.time(shown, "start_time"),
        "created_at": value_json.time(shown, "create_time"),
        "modified_at": value_json.time(shown, "update_time"),
        "completed_at": value_json.time(shown, "close_time"),
        "deleted_at": None,
        "state": value_json.word(pb.BrowserSessionState, "BROWSER_SESSION_STATE_", shown.state),
        "close_reason": value_json.word(pb.CloseReason, "CLOSE_REASON_", shown.close_reason),
        "close_message": shown.close_message or None,
        "conditions": [
            {
                "type": condition.type,
                "message": condition.message,
                "since": value_json.time(condition, "since_time"),
            }
            for condition in shown.conditions
        ],
        "expires_at": value_json.time(shown, "expire_time"),
        "current_url": shown.current_url or None,
        "page_title": shown.page_title or None,
    }
