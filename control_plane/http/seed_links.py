"""The links that answers carry: to a session's page and its pictures, openable by a person for an hour."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request

from control_plane.clock import Clock
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

    def path(self, browser_session_id: str, artifact_id: str = "", kind: str = "screenshots") -> str:
        """The path of the page, or of a picture on it, or another artifact, with a token that opens it."""
        picture = f"/{kind}/{quote(artifact_id, safe='')}" if artifact_id else ""
        token = self._tokens.make(browser_session_id, self._clock.now().timestamp())
        return f"/browser-session/{quote(browser_session_id, safe='')}{picture}?view={token}"

    def opens(self, token: str, browser_session_id: str) -> bool:
        """Whether the token opens the session's page now."""
        return self._tokens.good(token, browser_session_id, self._clock.now().timestamp())

    def _start(self, request: Request) -> str:
        # The gateway answers only to host names that the operator allows, so the request's own may be given back.
        return self.base or f"{request.url.scheme}://{request.headers['host']}"
