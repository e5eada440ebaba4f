"""A session's page for a person, its pictures and its files; `session_view` says what stands on it.

It is opened by a link with a view token, or by a program with its key in the header.
"""

from __future__ import annotations

from starlette.responses import Response
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane.coordinator import Coordinator
from control_plane.entities.records import Artifact, ArtifactState
from control_plane.entities.runs import Run
from control_plane.errors import DataLoss
from control_plane.http import stored_bytes
from control_plane.http.calls import CallFailed
from control_plane.http.compatible.links import Links
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.pages import session_view
from control_plane.http.pages.session_view import ShownRun
from control_plane.keeping.blobs import Blobs
from control_plane.store import RunFilter, Tables
from control_plane.wire import run_wire, session_wire

_RUNS = 50
_EVENTS = 1000
_HEADERS = {
    # Pictures come from here; the style stands in the page. Nothing else is loaded, and nobody frames it.
    "content-security-policy": "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
_DOCUMENT = {
    "summary": "A session's page, for people.",
    "tags": ["Pages"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such session.", "content": {"text/html": {}, "application/json": {}}},
    },
}
_PICTURE = {
    "summary": "A picture on a session's page.",
    "tags": ["Pages"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The picture.", "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such picture.", "content": {"text/html": {}, "application/json": {}}},
    },
}
_FILE = {
    "summary": "A download, log or recording of a session, to be saved.",
    "tags": ["Pages"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The bytes.", "content": {"*/*": {}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such file.", "content": {"text/html": {}, "application/json": {}}},
    },
}


class SessionPage:
    """The page and its pictures."""

    def __init__(self, links: Links, coordinator: Coordinator, blobs: Blobs) -> None:
        self._links = links
        self._database = coordinator.database
        self._blobs = blobs

    def resources(self) -> list[Resource]:
        """The routes."""
        return [
            Resource("/browser-session/{browser_session_id}", GET=Operation(self._page, _DOCUMENT, open=True)),
            Resource(
                "/browser-session/{browser_session_id}/screenshots/{artifact_id}",
                GET=Operation(self._picture, stored_bytes.documented(_PICTURE), open=True),
            ),
            Resource(
                "/browser-session/{browser_session_id}/files/{artifact_id}",
                GET=Operation(self._file, stored_bytes.documented(_FILE), open=True),
            ),
        ]

    async def _admitted(self, ask: Ask) -> Response | None:
        """None for who may see the session; else what the others get."""
        browser_session_id = ask.path["browser_session_id"]
        token = next((value for name, value in ask.query if name == "view"), "")
        if self._links.opens(token, browser_session_id):
            return None
        if "x-api-key" not in ask.metadata:
            return _refusal(
                403,
                "This link does not open the page, or not any more",
                "Links work for an hour. Ask the API for the session again: its app_url is a fresh one.",
            )
        request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=browser_session_id)
        try:
            await ask.call("tabkeep.v1.BrowserSessionService/GetBrowserSession", request)
        except CallFailed as failed:
            if failed.code == "NOT_FOUND":
                return _refusal(404, "There is no such session", failed.message)
            return _refusal(403, "This key does not open the page", failed.message)
        return None

    async def _page(self, ask: Ask) -> Response:
        if refusal := await self._admitted(ask):
            return refusal
        browser_session_id = ask.path["browser_session_id"]

        def query(tables: Tables) -> tuple[browser_sessions_pb2.BrowserSession, list[ShownRun]] | None:
            session = tables.sessions.get(browser_session_id)
            if session is None:
                return None
            host = tables.hosts.get(session.host_id) if session.open and session.host_id else None
            matching = RunFilter(browser_session_id=browser_session_id)
            runs = tables.runs.page(session.organization_id, matching, "", _RUNS)
            return session_wire.browser_session(session, host), [_shown(tables, run) for run in runs]

        found = await self._database.read(query)
        if found is None:
            return _refusal(404, "There is no such session", f"session {browser_session_id} does not exist")
        session, runs = found

        def link(artifact_id: str, kind: str) -> str:
            return self._links.path(browser_session_id, artifact_id, kind)

        return _html(200, session_view.session(session, runs, link, more=len(runs) == _RUNS))

    async def _picture(self, ask: Ask) -> Response:
        if refusal := await self._admitted(ask):
            return refusal
        artifact_id, artifact = ask.path["artifact_id"], await self._artifact(ask)
        # Only what hosts make themselves: what a site had the browser download could be a page with scripts.
        if artifact is None or artifact.artifact_type != "screenshot":
            return _refusal(404, "There is no such picture", f"artifact {artifact_id} is no picture of this session")
        if artifact.state is not ArtifactState.STORED:
            return _refusal(404, "The picture is not kept any more", artifact.state_message)
        try:
            return await stored_bytes.answer(
                ask.request,
                self._blobs.get(artifact),
                size=artifact.size,
                sha256=artifact.sha256,
                media_type=artifact.content_type,
                headers=_HEADERS,
            )
        except DataLoss as lost:
            return _refusal(404, "The picture is lost", lost.message)

    async def _artifact(self, ask: Ask) -> Artifact | None:
        """The session's artifact that the path names."""
        artifact_id, browser_session_id = ask.path["artifact_id"], ask.path["browser_session_id"]

        def query(tables: Tables) -> Artifact | None:
            artifact = tables.artifacts.get(artifact_id)
            return artifact if artifact and artifact.browser_session_id == browser_session_id else None

        return await self._database.read(query)

    async def _file(self, ask: Ask) -> Response:
        if refusal := await self._admitted(ask):
            return refusal
        artifact_id, artifact = ask.path["artifact_id"], await self._artifact(ask)
        if artifact is None:
            return _refusal(404, "There is no such file", f"artifact {artifact_id} is none of this session")
        if artifact.state is not ArtifactState.STORED:
            return _refusal(404, "The file is not kept", artifact.state_message)
        name, pieces = artifact.file_name or artifact.artifact_id, self._blobs.get(artifact)
        try:
            return await stored_bytes.saved(
                ask.request, pieces, name, size=artifact.size, sha256=artifact.sha256, headers=_HEADERS
            )
        except DataLoss as lost:
            return _refusal(404, "The file is lost", lost.message)


def _shown(tables: Tables, run: Run) -> ShownRun:
    workflow = (
        tables.workflows.get(run.organization_id, run.workflow_id, run.workflow_version) if run.workflow_id else None
    )
    return ShownRun(
        run=run_wire.run(run),
        workflow_title=workflow.title if workflow else "",
        events=[runs_pb2.RunEvent.FromString(body) for _, body in tables.runs.events_after(run.run_id, 0, _EVENTS)],
        artifacts=[one for one in tables.artifacts.of_run(run.run_id) if one.state is ArtifactState.STORED],
    )


def _refusal(status: int, title: str, text: str) -> Response:
    return _html(status, session_view.refusal(title, text))


def _html(status: int, page: str) -> Response:
    return Response(page.encode(errors="replace"), status, headers=_HEADERS, media_type="text/html")
