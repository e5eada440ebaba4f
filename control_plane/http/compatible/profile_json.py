"""Browser profiles as the compatible API asks for them and shows them. Pure mappings from and to our protos."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import browser_profiles_pb2 as pb

from control_plane.http.compatible import value_json
from control_plane.http.compatible.body import Body, BodyInvalid
from control_plane.http.compatible.offers import refuse_what_is_not_offered

_NAME, _DESCRIPTION = 200, 1000


def create_request(body: Body, browser_session_id: str, request_id: str) -> pb.CreateBrowserProfileRequest:
    """What a request for a profile asks for; `browser_session_id` is where its state comes from, "" for a blank one."""
    request = pb.CreateBrowserProfileRequest(
        name=body.text("name", _NAME, required=True),
        description=body.text("description", _DESCRIPTION),
        request_id=request_id,
    )
    body.raise_if_wrong()
    refuse_what_is_not_offered(body, "proxy_location", "proxy_session_id")
    if browser_session_id:
        request.browser_session_id = browser_session_id
    return request


def sources(body: Body) -> tuple[str, str]:
    """The session and the workflow's run that a request names as where the state comes from; one of them, or none.

    Raises:
        BodyInvalid: both, or something that is no id.
    """
    session, run = body.text("browser_session_id", 200), body.text("workflow_run_id", 200)
    if session and run:
        body.wrong("workflow_run_id", "value_error", "cannot be used together with browser_session_id: choose one")
    body.raise_if_wrong()
    return session, run


def update_request(body: Body, browser_profile_id: str) -> pb.UpdateBrowserProfileRequest:
    """What a request to change a profile asks for; null is no change.

    Raises:
        BodyInvalid: it changes nothing.
    """
    request = pb.UpdateBrowserProfileRequest(browser_profile_id=browser_profile_id)
    if body.has("name"):
        request.name = body.text("name", _NAME, required=True)
        request.update_mask.paths.append("name")
    if body.has("description"):
        request.description = body.text("description", _DESCRIPTION)
        request.update_mask.paths.append("description")
    body.raise_if_wrong()
    refuse_what_is_not_offered(body, "proxy_location", "proxy_session_id")
    if not request.update_mask.paths:
        raise BodyInvalid([{"type": "missing", "loc": ["body", "name"], "msg": "give a name or a description"}])
    return request


def profile(shown: pb.BrowserProfile) -> dict[str, Any]:
    """A profile."""
    return {
        "browser_profile_id": shown.browser_profile_id,
        "organization_id": shown.organization_id,
        "name": shown.name,
        "description": shown.description or None,
        "source_browser_type": None,
        "proxy_location": None,
        "is_managed": False,
        "version": shown.version,
        "created_at": value_json.time(shown, "create_time"),
        "modified_at": value_json.time(shown, "update_time"),
        "deleted_at": None,
    }
