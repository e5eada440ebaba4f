"""A session's page for a person: its state, its runs, their steps and pictures. Plain HTML that needs no script.

It is opened by a link with a view token, or by a program with its key in the header.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane.coordinator import Coordinator
from control_plane.entities.records import Artifact, ArtifactState
from control_plane.errors import DataLoss
from control_plane.http import seed_runs, seed_sessions
from control_plane.http.answers import Pieces
from control_plane.http.calls import CallFailed
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.seed_links import Links
from control_plane.keeping.blobs import Blobs
from control_plane.store import RunFilter, Tables
from control_plane.wire import run_wire, session_wire

_RUNS = 50
_EVENTS = 1000
_HEADERS = {
    # Pictures come from here; the style stands in the page. Nothing else is loaded, and nobody frames it.
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1d1d1f }
h1 { font-size: 1.3rem; overflow-wrap: anywhere } h2 { font-size: 1.05rem; margin: 2rem 0 .3rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem } dt { color: #666 } dd { margin: 0 }
dd, li { overflow-wrap: anywhere } ol { padding-left: 1.5rem } li { margin: .5rem 0 } small { color: #666 }
img { display: block; max-width: 20rem; max-height: 14rem; border: 1px solid #ccc; margin: .3rem 0 }
.failed { color: #a40000 } .paused { background: #fff3c4; padding: .5rem .8rem }
"""
_DOCUMENT = {
    "summary": "A session's page, for people.",
    "tags": ["compatibility"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such session.", "content": {"text/html": {}, "application/json": {}}},
    },
}
_PICTURE = {
    "summary": "A picture on a session's page.",
    "tags": ["compatibility"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The picture.", "content": {"image/jpeg": {}, "image/png": {}, "image/webp": {}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such picture.", "content": {"text/html": {}, "application/json": {}}},
    },
}
_FILE = {
    "summary": "A download, log or recording of a session, to be saved.",
    "tags": ["compatibility"],
    "parameters": [{"name": "view", "in": "query", "schema": {"type": "string"}}],
    "responses": {
        "200": {"description": "The bytes.", "content": {"*/*": {}}},
        "403": {"description": "No good link.", "content": {"text/html": {"schema": {"type": "string"}}}},
        "404": {"description": "No such file.", "content": {"text/html": {}, "application/json": {}}},
    },
}


@dataclass(frozen=True, slots=True)
class _RunOnPage:
    run: runs_pb2.Run
    events: list[runs_pb2.RunEvent]
    pictures: set[str]


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
                GET=Operation(self._picture, _PICTURE, open=True),
            ),
            Resource(
                "/browser-session/{browser_session_id}/files/{artifact_id}",
                GET=Operation(self._file, _FILE, open=True),
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

        def query(tables: Tables) -> tuple[browser_sessions_pb2.BrowserSession, list[_RunOnPage]] | None:
            session = tables.sessions.get(browser_session_id)
            if session is None:
                return None
            host = tables.hosts.get(session.host_id) if session.open and session.host_id else None
            matching = RunFilter(browser_session_id=browser_session_id)
            runs = []
            for run in tables.runs.page(session.organization_id, matching, "", _RUNS):
                events = [
                    runs_pb2.RunEvent.FromString(body) for _, body in tables.runs.events_after(run.run_id, 0, _EVENTS)
                ]
                stored = (one for one in tables.artifacts.of_run(run.run_id) if one.state is ArtifactState.STORED)
                pictures = {artifact.artifact_id for artifact in stored}
                runs.append(_RunOnPage(run_wire.run(run), events, pictures))
            return session_wire.browser_session(session, host), runs

        found = await self._database.read(query)
        if found is None:
            return _refusal(404, "There is no such session", f"session {browser_session_id} does not exist")
        session, runs = found
        return _html(200, session.browser_session_id, self._body(session, runs), _is_open(session))

    def _body(self, session: browser_sessions_pb2.BrowserSession, runs: list[_RunOnPage]) -> str:
        shown = seed_sessions.session(session, None)
        names = (
            "state", "close_message", "browser_type", "current_url", "page_title", "created_at", "started_at",
            "expires_at", "completed_at",
        )  # fmt: skip
        rows = [(name.replace("_", " "), shown[name]) for name in names]
        rows += [("note", condition["message"]) for condition in shown["conditions"]]
        parts = [_facts(rows)]
        parts += [self._run(session.browser_session_id, one) for one in runs]
        if not runs:
            parts.append("<p>Nothing has run in it yet.</p>")
        elif len(runs) == _RUNS:
            parts.append(f"<p><small>Older runs than these {_RUNS} are not shown.</small></p>")
        return "\n".join(parts)

    def _run(self, browser_session_id: str, one: _RunOnPage) -> str:
        run = one.run
        shown = seed_runs.run(run, None)
        parts = [
            f"<h2>{escape(seed_runs.title(run))}</h2>",
            f'<p class="{escape(shown["status"])}">{escape(shown["status"])} <small>{escape(run.run_id)}</small></p>',
        ]
        if shown["failure_reason"]:
            parts.append(f'<p class="failed">{escape(shown["failure_reason"])}</p>')
        if shown["pending_approval"]:
            asks = f"It asks: {escape(shown['pending_approval']['message'])}"
            if run.pending_approval.kind == runs_pb2.APPROVAL_KIND_TAKE_OVER:
                asks += f"<br>To take over: <code>tabkeep session take-over {escape(browser_session_id)}</code>"
            parts.append(f'<p class="paused">{asks}</p>')
        parts.append(f"<ol>{''.join(self._steps(browser_session_id, one))}</ol>")
        return "\n".join(parts)

    def _steps(self, browser_session_id: str, one: _RunOnPage) -> list[str]:
        begun: dict[int, str] = {}
        ended: dict[int, runs_pb2.StepFinished] = {}
        for event in one.events:
            if event.WhichOneof("kind") == "step_started":
                begun[event.step_started.step] = event.step_started.description
            elif event.WhichOneof("kind") == "step_finished":
                ended[event.step_finished.step] = event.step_finished
        return [self._step(browser_session_id, one, text, ended.get(step)) for step, text in begun.items()]

    def _step(self, browser_session_id: str, one: _RunOnPage, text: str, finished: runs_pb2.StepFinished | None) -> str:
        if finished is None:
            return f"<li>{escape(text)} <small>under way</small></li>"
        parts = [escape(text)]
        if finished.outcome != runs_pb2.STEP_OUTCOME_DONE:
            parts.append(f'<span class="failed">{escape(finished.message)}</span>')
        parts.append(f"<small>{finished.duration.ToTimedelta().total_seconds():.1f} s</small>")
        if finished.screenshot_artifact_id in one.pictures:
            path = self._links.path(browser_session_id, finished.screenshot_artifact_id)
            parts.append(f'<a href="{escape(path)}"><img src="{escape(path)}" alt="the page after it"></a>')
        return f"<li>{' '.join(parts)}</li>"

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
            content = b"".join([piece async for piece in self._blobs.get(artifact)])
        except DataLoss as lost:
            return _refusal(404, "The picture is lost", lost.message)
        return Response(content, 200, headers=_HEADERS, media_type=artifact.content_type)

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
        pieces = self._blobs.get(artifact)
        try:
            first = await anext(pieces, b"")
        except DataLoss as lost:
            return _refusal(404, "The file is lost", lost.message)
        # It is saved and never shown: a site may have written it.
        name = quote(artifact.file_name or artifact.artifact_id, safe="")
        headers = _HEADERS | {
            "content-length": str(artifact.size),
            "content-disposition": f"attachment; filename*=UTF-8''{name}",
        }
        return Pieces(_all(first, pieces), "application/octet-stream", headers)


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for piece in rest:
        yield piece


def _is_open(session: browser_sessions_pb2.BrowserSession) -> bool:
    return session.state != browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED


def _facts(rows: list[tuple[str, Any]]) -> str:
    return (
        f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>' for name, value in rows if value)}</dl>"
    )


def _refusal(status: int, title: str, text: str) -> Response:
    return _html(status, title, f"<p>{escape(text)}</p>", fresh=False)


def _html(status: int, title: str, body: str, fresh: bool) -> Response:
    """A whole page; `fresh` lets the browser load it again every few seconds."""
    again = '<meta http-equiv="refresh" content="5">' if fresh else ""
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>\n{body}</body></html>"
    )
    return Response(text.encode(errors="replace"), status, headers=_HEADERS, media_type="text/html")
