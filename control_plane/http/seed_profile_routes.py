"""The seed's routes of browser profiles."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from tabkeep.v1 import browser_profiles_pb2 as pb
from tabkeep.v1 import runs_pb2

from control_plane.http import seed_filters, seed_profiles, seed_schemas
from control_plane.http.answers import Refused
from control_plane.http.calls import CallFailed
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import key_of, listed, operation
from control_plane.http.seed_body import Body
from control_plane.http.seed_queries import paging

_SERVICE = "tabkeep.v1.BrowserProfileService/"
_MOST_LISTED = 10_000


def resources() -> list[Resource]:
    """The routes."""
    one = seed_schemas.PROFILE
    return [
        Resource(
            "/v1/browser_profiles",
            GET=operation(
                _list, "List browser profiles, newest first.", seed_schemas.array(one), query=seed_filters.PROFILES
            ),
            POST=operation(
                _create,
                "Make a browser profile of a session's state, or a blank one.",
                one,
                body=seed_schemas.CREATE_PROFILE,
                refused=(400, 404, 409, 429, 503),
            ),
        ),
        Resource(
            "/v1/browser_profiles/{browser_profile_id}",
            GET=operation(_get, "Get a browser profile.", one, refused=(404,)),
            PATCH=operation(
                _update,
                "Rename a browser profile.",
                one,
                body=seed_schemas.UPDATE_PROFILE,
                refused=(400, 404, 409, 503),
            ),
            DELETE=operation(_delete, "Delete a browser profile.", None, refused=(404, 503)),
        ),
    ]


async def _create(ask: Ask) -> Any:
    body = Body(ask.json())
    session_id, run_id = seed_profiles.sources(body)
    if run_id:
        run = await ask.call("tabkeep.v1.RunService/GetRun", runs_pb2.GetRunRequest(run_id=run_id))
        session_id = run.run.browser_session_id
    request = seed_profiles.create_request(body, session_id, key_of(ask))
    try:
        answer = await ask.call(_SERVICE + "CreateBrowserProfile", request)
    except CallFailed as failed:
        raise _refused(failed) from None
    return seed_profiles.profile(answer.browser_profile)


def _refused(failed: CallFailed) -> Exception:
    """Programs try again on a 400 whose text has the word "persisted"; so it stands only where that helps."""
    if failed.reason == "PROFILE_NOT_PERSISTED":
        detail = "Browser session does not have a persisted profile archive yet: wait a second, then try again"
        return Refused(400, failed.reason, detail)
    if failed.reason in ("PROFILE_NOT_SAVED", "SESSION_NOT_RUNNING", "CAPTURE_FAILED"):
        return Refused(400, failed.reason, failed.message.replace("persisted", "saved"))
    return failed


async def _list(ask: Ask) -> Any:
    paged = any(name in ("page", "page_size") for name, _ in ask.query)
    skip, size = paging(ask) if paged else (0, _MOST_LISTED)
    request = pb.ListBrowserProfilesRequest()
    asked_for = seed_filters.of_profiles(ask)
    found = await listed(ask, _SERVICE + "ListBrowserProfiles", request, "browser_profiles", skip, size, asked_for)
    return [seed_profiles.profile(profile) for profile in found]


async def _get(ask: Ask) -> Any:
    request = pb.GetBrowserProfileRequest(browser_profile_id=ask.path["browser_profile_id"])
    return seed_profiles.profile((await ask.call(_SERVICE + "GetBrowserProfile", request)).browser_profile)


async def _update(ask: Ask) -> Any:
    request = seed_profiles.update_request(Body(ask.json()), ask.path["browser_profile_id"])
    return seed_profiles.profile((await ask.call(_SERVICE + "UpdateBrowserProfile", request)).browser_profile)


async def _delete(ask: Ask) -> Any:
    request = pb.DeleteBrowserProfileRequest(browser_profile_id=ask.path["browser_profile_id"])
    await ask.call(_SERVICE + "DeleteBrowserProfile", request)
    return Response(status_code=204)
