"""The page behind a take-over link, and what it asks: whose turn it is, what the run wants to know, a yes or a no.

The page itself is the same for everybody and tells nothing: its script takes the token from behind the "#" of its own
address, and shows it with each call and when it attaches (`cdp_socket`). So a call of another site's page, which
cannot set the header, does nothing, and nobody frames the page to catch a person's clicks.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from starlette.responses import Response
from tabkeep.v1 import runs_pb2

from control_plane.coordinator import Coordinator
from control_plane.entities.runs import Run, RunStatus
from control_plane.entities.sessions import Session, SessionState
from control_plane.errors import PreconditionFailed
from control_plane.http import seed_runs
from control_plane.http.answers import Refused, json_answer
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.origins import refuse_other_origin
from control_plane.http.seed_links import Links
from control_plane.http.take_over_links import TakeOver, TakeOverLinks
from control_plane.moves import run_moves, session_moves
from control_plane.store import Tables, Transaction
from control_plane.wire import run_wire

TOKEN_HEADER = "x-take-over-token"
_PARTS = ("page.html", "page.css", "page.js", "hands.js", "windows.js")
_ERROR = {"content": {"application/json": {"schema": {"type": "object"}}}}
_PARAMETERS = [{"name": TOKEN_HEADER, "in": "header", "schema": {"type": "string"}}]
_PAGE = {
    "operationId": "GetTakeOverPage",
    "tags": ["Take over"],
    "summary": "The page behind a take-over link, for people; the same for everybody.",
    "responses": {
        "200": {"description": "The page.", "content": {"text/html": {"schema": {"type": "string"}}}},
    },
}
_STATE = {
    "operationId": "GetTakeOverState",
    "tags": ["Take over"],
    "summary": "Whose turn it is in a session, and what its run asks; for the page behind a take-over link.",
    "parameters": _PARAMETERS,
    "responses": {
        "200": {"description": "The state.", "content": {"application/json": {"schema": {"type": "object"}}}},
        "403": {"description": "No good link.", **_ERROR},
        "404": {"description": "No such session.", **_ERROR},
    },
}
_ANSWER = {
    "operationId": "AnswerByTakeOverLink",
    "tags": ["Take over"],
    "summary": "Answers what the session's run asks; for the page behind a take-over link.",
    "parameters": _PARAMETERS,
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"approval_id": {"type": "string"}, "approved": {"type": "boolean"}},
                    "required": ["approval_id", "approved"],
                }
            }
        }
    },
    "responses": {
        "200": {"description": "It is stored.", "content": {"application/json": {"schema": {"type": "object"}}}},
        "403": {"description": "No good link.", **_ERROR},
        "404": {"description": "No such session.", **_ERROR},
        "409": {"description": "The run does not ask this.", **_ERROR},
        "422": {"description": "The body is not such an answer.", **_ERROR},
    },
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of a session decides who may act in it."""

    session: Session
    run: Run | None
    """The one that has the turn, or waits for it."""

    @property
    def turn(self) -> str:
        """Whose it is, in a word for the page."""
        session, run = self.session, self.run
        if not session.open:
            return "closed"
        if session.state is not SessionState.RUNNING:
            return "starting"
        if session.cdp_client_id:
            return "client"
        if run is None:
            return "free"
        return "lent" if run.turn_lent else "run"


class TakeOverPage:
    """The page and its calls."""

    def __init__(self, take_overs: TakeOverLinks, links: Links, coordinator: Coordinator) -> None:
        self._take_overs = take_overs
        self._links = links
        self._coordinator = coordinator

    def resources(self) -> list[Resource]:
        """The routes; the tokens admit to them, and no key does."""
        path = "/take-over/{browser_session_id}"
        answer = Operation(self._answer, _ANSWER, takes_body=True, open=True)
        return [
            Resource(path, GET=Operation(_page, _PAGE, open=True)),
            Resource(f"{path}/state", GET=Operation(self._state, _STATE, open=True)),
            Resource(f"{path}/answer", POST=answer),
        ]

    def _admit(self, ask: Ask) -> TakeOver:
        refuse_other_origin(ask.request, self._coordinator.config.http_url)
        return self._take_overs.admit(ask.request.headers.get(TOKEN_HEADER, ""), ask.path["browser_session_id"])

    async def _state(self, ask: Ask) -> Response:
        admitted, browser_session_id = self._admit(ask), ask.path["browser_session_id"]

        def query(tables: Tables) -> _Seen:
            session = tables.sessions.of_organization(admitted.key.organization_id, browser_session_id)
            if session is None:
                raise session_moves.not_found(browser_session_id)
            if session.active_run_id:
                return _Seen(session, tables.runs.get(session.active_run_id))
            return _Seen(session, next(iter(tables.runs.waiting_in(browser_session_id, limit=1)), None))

        seen = await self._coordinator.database.read(query)
        session = seen.session
        shown = {
            "turn": seen.turn,
            "close_message": session.close_message,
            "current_url": session.current_url,
            "lent": seen.run is not None and seen.run.turn_lent,
            "run": _run(seen.run) if seen.run else None,
            "page": self._links.path(browser_session_id),
            "link_ends_at": admitted.expire_time.isoformat(),
        }
        return json_answer(200, shown)

    async def _answer(self, ask: Ask) -> Response:
        admitted, browser_session_id = self._admit(ask), ask.path["browser_session_id"]
        match ask.json():
            case {"approval_id": str(approval_id), "approved": bool(approved)}:
                pass
            case _:
                raise Refused(422, "ANSWER_INVALID", "an answer is {'approval_id': '…', 'approved': true or false}")
        organization_id = admitted.key.organization_id

        def answer(tx: Transaction) -> None:
            session = session_moves.find(tx, organization_id, browser_session_id)
            if not session.active_run_id:
                raise PreconditionFailed("no run of this session asks anything now", reason="NO_APPROVAL_PENDING")
            run_moves.resolve_approval(
                tx, organization_id, session.active_run_id, approval_id, approved, "on the take-over page"
            )

        await self._coordinator.move(answer)
        return json_answer(200, {})


def _run(run: Run) -> dict[str, Any]:
    proto = run_wire.run(run)
    asked = proto.pending_approval if run.status is RunStatus.PAUSED and not run.approval_answer else None
    return {
        "run_id": run.run_id,
        "what": seed_runs.title(proto),
        "status": run.status.value,
        "asks": {
            "approval_id": asked.approval_id,
            "message": asked.message,
            "take_over": asked.kind == runs_pb2.APPROVAL_KIND_TAKE_OVER,
        }
        if asked
        else None,
    }


async def _page(ask: Ask) -> Response:
    html, headers = _document()
    return Response(html, 200, headers=headers, media_type="text/html")


@cache
def _document() -> tuple[bytes, dict[str, str]]:
    """The page with its style and script in it, and headers under which nothing but these two works."""
    folder = resources.files("control_plane.http") / "take_over"
    html, style, *scripts = (folder.joinpath(name).read_text(encoding="utf-8") for name in _PARTS)
    script = "\n".join(scripts)
    html = html.replace("/* style */", style).replace("/* script */", script)
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    headers = {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return html.encode(), headers


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
