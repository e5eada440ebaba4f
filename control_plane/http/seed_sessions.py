"""Browser sessions as the seed's API asks for them and shows them. Pure mappings from and to our protos."""

from __future__ import annotations

import re
from typing import Any

from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.http import seed_values
from control_plane.http.seed_body import Body
from control_plane.http.seed_offers import refuse_what_is_not_offered

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
    body.text("browser_profile_id", 100)
    check_proxy_location(body)
    url = with_scheme(body.text("url", 8192))
    for name in ("generate_browser_profile", "needs_live_view"):
        body.flag(name)
    body.raise_if_wrong()
    refuse_what_is_not_offered(
        body, "proxy_location", "proxy_session_id", "browser_profile_id", "generate_browser_profile",
        "needs_live_view",
    )  # fmt: skip
    request = pb.CreateBrowserSessionRequest(url=url, request_id=request_id, extensions=extensions)
    request.timeout.seconds = minutes * 60
    if browser_type:
        request.browser_type = BROWSER_TYPES[browser_type]
    return request


def check_proxy_location(body: Body) -> None:
    """A location's name, or an object that describes one."""
    location = body.raw("proxy_location")
    if isinstance(location, dict):
        if not isinstance(location.get("country", location.get("url")), str):
            body.wrong("proxy_location", "value_error", "must have a country, or the url of a proxy")
    else:
        body.word("proxy_location", PROXY_LOCATIONS)


def with_scheme(url: str) -> str:
    """A URL as people write it: without a scheme it gets https."""
    return url if not url or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)", url) else f"https://{url}"


def session(shown: pb.BrowserSession, app_url: str | None) -> dict[str, Any]:
    """A session. `status` has the seed's two words, `state` and what follows it is finer."""
    closed = shown.state == pb.BROWSER_SESSION_STATE_CLOSED
    run_id = shown.active_run_id
    return {
        "browser_session_id": shown.browser_session_id,
        "organization_id": shown.organization_id,
        "status": "closed" if closed else "running",
        "timeout": seed_values.minutes(shown.timeout),
        "browser_type": seed_values.word(pb.BrowserType, "BROWSER_TYPE_", shown.browser_type),
        "extensions": list(shown.extensions),
        "vnc_streaming_supported": False,
        "stream_transport": None,
        "app_url": app_url,
        "browser_address": shown.cdp_url or None,
        "browser_profile_id": None,
        "generate_browser_profile": False,
        "runnable_type": ("workflow_run" if run_id.startswith("wr_") else "task") if run_id else None,
        "runnable_id": run_id or None,
        "downloaded_files": [],
        "recordings": [],
        "started_at": seed_values.time(shown, "start_time"),
        "created_at": seed_values.time(shown, "create_time"),
        "modified_at": seed_values.time(shown, "update_time"),
        "completed_at": seed_values.time(shown, "close_time"),
        "deleted_at": None,
        "state": seed_values.word(pb.BrowserSessionState, "BROWSER_SESSION_STATE_", shown.state),
        "close_reason": seed_values.word(pb.CloseReason, "CLOSE_REASON_", shown.close_reason),
        "close_message": shown.close_message or None,
        "conditions": [
            {
                "type": condition.type,
                "message": condition.message,
                "since": seed_values.time(condition, "since_time"),
            }
            for condition in shown.conditions
        ],
        "expires_at": seed_values.time(shown, "expire_time"),
        "current_url": shown.current_url or None,
        "page_title": shown.page_title or None,
    }
