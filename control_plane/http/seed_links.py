"""The links that answers carry: to a session's page and its pictures, openable by a person for an hour."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from tabkeep.v1 import artifacts_pb2
from tabkeep.v1.artifacts_pb2 import Artifact

from control_plane.clock import Clock
from control_plane.http import seed_values
from control_plane.http.view_tokens import ViewTokens


class Links:
    """Makes links; `base` is how this server is reached from outside, empty: as the request reached it."""

    def __init__(self, tokens: ViewTokens, clock: Clock, base: str) -> None:
        self._tokens = tokens
        self._clock = clock
        self.base = base.rstrip("/")

    def session(self, request: Request, browser_session_id: str) -> str:
        """The session's page."""
        return f"{self._start(request)}{self.path(browser_session_id)}"

    def screenshot(self, request: Request, browser_session_id: str, artifact_id: str) -> str:
        """A picture on that page."""
        return f"{self._start(request)}{self.path(browser_session_id, artifact_id)}"

    def file(self, request: Request, browser_session_id: str, artifact_id: str) -> str:
        """Another artifact of the session, as a download."""
        return f"{self._start(request)}{self.path(browser_session_id, artifact_id, 'files')}"

    def artifact(self, request: Request, artifact: Artifact) -> str:
        """An artifact, the way it is to be opened: a picture on the session's page, or a download."""
        picture = artifact.artifact_type == artifacts_pb2.ARTIFACT_TYPE_SCREENSHOT
        link = self.screenshot if picture else self.file
        return link(request, artifact.browser_session_id, artifact.artifact_id)

    def file_info(self, request: Request, artifact: Artifact) -> dict[str, Any]:
        """An artifact as one of the files that a run or session shows."""
        return {
            "url": self.artifact(request, artifact),
            "checksum": artifact.sha256,
            "filename": artifact.file_name,
            "file_size": artifact.size,
            "modified_at": seed_values.time(artifact, "create_time"),
            "artifact_id": artifact.artifact_id,
        }

    def stored_file(self, request: Request, file_id: str) -> str:
        """A file that a caller has brought, as a download."""
        token = self._tokens.make(file_id, self._clock.now().timestamp())
        return f"{self._start(request)}/files/{quote(file_id, safe='')}?view={token}"

    def path(self, browser_session_id: str, artifact_id: str = "", kind: str = "screenshots") -> str:
        """The path of the page, or of a picture on it, or another artifact, with a token that opens it."""
        picture = f"/{kind}/{quote(artifact_id, safe='')}" if artifact_id else ""
        token = self._tokens.make(browser_session_id, self._clock.now().timestamp())
        return f"/browser-session/{quote(browser_session_id, safe='')}{picture}?view={token}"

    def opens(self, token: str, opened: str) -> bool:
        """Whether the token opens the page of this session, or this file, now."""
        return self._tokens.good(token, opened, self._clock.now().timestamp())

    def _start(self, request: Request) -> str:
        # The gateway answers only to host names that the operator allows, so the request's own may be given back.
        return self.base or f"{request.url.scheme}://{request.headers['host']}"
