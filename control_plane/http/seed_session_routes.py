"""The seed's routes of browser sessions."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from tabkeep.v1 import artifacts_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.http import seed_schemas, seed_sessions
from control_plane.http.answers import Refused
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import key_of, listed, operation
from control_plane.http.seed_body import Body
from control_plane.http.seed_links import Links
from control_plane.http.seed_queries import PAGING, paging

_SERVICE = "tabkeep.v1.BrowserSessionService/"
_MOST_LISTED = 10_000
_FILES = {
    "downloaded_files": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD,
    "recordings": artifacts_pb2.ARTIFACT_TYPE_RECORDING,
}
"""Where a session's answer has a place for its artifacts."""


class SessionRoutes:
    """Create, list, get, change, extend and close."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def resources(self) -> list[Resource]:
        """The routes."""
        one, many = seed_schemas.SESSION, seed_schemas.array(seed_schemas.SESSION)
        return [
            Resource(
                "/v1/browser_sessions",
                GET=operation(self._list_open, "List the sessions that are open, newest first.", many),
                POST=operation(
                    self._create,
                    "Open a browser session.",
                    one,
                    body=seed_schemas.CREATE_SESSION,
                    refused=(400, 404, 409, 503),
                ),
            ),
            Resource(
                "/v1/browser_sessions/history",
                GET=operation(self._history, "List all sessions, newest first, a page at a time.", many, query=PAGING),
            ),
            Resource(
                "/v1/browser_sessions/{browser_session_id}",
                GET=operation(self._get, "Get a session.", one, refused=(404,)),
                PATCH=operation(
                    self._change,
                    "Change a session.",
                    one,
                    body=seed_schemas.CHANGE_SESSION,
                    refused=(404, 409),
                ),
            ),
            Resource(
                "/v1/browser_sessions/{browser_session_id}/close",
                POST=operation(
                    self._close,
                    "Close a session; closing a closed one changes nothing.",
                    seed_schemas.MESSAGE,
                    refused=(404, 503),
                ),
            ),
            Resource(
                "/v1/browser_sessions/{browser_session_id}/extend",
                POST=operation(
                    self._extend,
                    "Give a session more time.",
                    one,
                    body=seed_schemas.EXTEND_SESSION,
                    refused=(404, 410, 503),
                ),
            ),
        ]

    def _shown(self, ask: Ask, session: pb.BrowserSession) -> dict[str, Any]:
        """A session without its files, which are a question of their own: in lists, and when it is new."""
        return seed_sessions.session(session, self._links.session(ask.request, session.browser_session_id))

    async def _shown_whole(self, ask: Ask, session: pb.BrowserSession) -> dict[str, Any]:
        """A session with what its pages downloaded and what was recorded of it, the newest first."""
        request = artifacts_pb2.ListArtifactsRequest(
            browser_session_id=session.browser_session_id, artifact_types=list(_FILES.values())
        )
        answer = await ask.call("tabkeep.v1.ArtifactService/ListArtifacts", request)
        stored = [one for one in reversed(answer.artifacts) if one.state == artifacts_pb2.ARTIFACT_STATE_STORED]
        return self._shown(ask, session) | {
            field: [self._links.file_info(ask.request, one) for one in stored if one.artifact_type == artifact_type]
            for field, artifact_type in _FILES.items()
        }

    async def _create(self, ask: Ask) -> Any:
        request = seed_sessions.create_request(Body(ask.json()), key_of(ask))
        answer = await ask.call(_SERVICE + "CreateBrowserSession", request)
        return self._shown(ask, answer.browser_session)

    async def _list_open(self, ask: Ask) -> Any:
        request = pb.ListBrowserSessionsRequest(states=seed_sessions.OPEN)
        found = await listed(ask, _SERVICE + "ListBrowserSessions", request, "browser_sessions", 0, _MOST_LISTED)
        return [self._shown(ask, session) for session in found]

    async def _history(self, ask: Ask) -> Any:
        request = pb.ListBrowserSessionsRequest()
        found = await listed(ask, _SERVICE + "ListBrowserSessions", request, "browser_sessions", *paging(ask))
        return [self._shown(ask, session) for session in found]

    async def _read(self, ask: Ask) -> pb.BrowserSession:
        request = pb.GetBrowserSessionRequest(browser_session_id=ask.path["browser_session_id"])
        answer = await ask.call(_SERVICE + "GetBrowserSession", request)
        session: pb.BrowserSession = answer.browser_session
        return session

    async def _get(self, ask: Ask) -> Any:
        return await self._shown_whole(ask, await self._read(ask))

    async def _change(self, ask: Ask) -> Any:
        body = Body(ask.json())
        body.flag("generate_browser_profile")
        body.raise_if_wrong()
        session = await self._read(ask)
        if body.has("generate_browser_profile") and body.raw("generate_browser_profile") != session.save_profile:
            detail = "whether a session keeps its state is said when it is made: generate_browser_profile"
            raise Refused(409, "PRECONDITION_FAILED", detail)
        return await self._shown_whole(ask, session)

    async def _close(self, ask: Ask) -> Any:
        request = pb.CloseBrowserSessionRequest(browser_session_id=ask.path["browser_session_id"])
        await ask.call(_SERVICE + "CloseBrowserSession", request)
        return {"message": "Browser session closed"}

    async def _extend(self, ask: Ask) -> Any:
        body = Body(ask.json())
        more = body.whole("additional_minutes", None, 1, seed_sessions.MOST_MINUTES)
        body.raise_if_wrong()
        session = await self._read(ask)
        wanted = math.ceil(session.timeout.ToTimedelta() / timedelta(minutes=1)) + more
        minutes = min(wanted, seed_sessions.MOST_MINUTES)
        request = pb.ExtendBrowserSessionRequest(browser_session_id=session.browser_session_id)
        request.timeout.seconds = minutes * 60
        answer = await ask.call(_SERVICE + "ExtendBrowserSession", request)
        shown = await self._shown_whole(ask, answer.browser_session)
        if minutes < wanted:
            shown["warning"] = f"a session lasts at most {minutes} minutes from its start: it got these, not {wanted}"
        return shown
