"""Tells who sends a request, before any page sees it, and logs each page that is asked for."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.site.accounts import User
from demo.site.log import Event, LogEntry
from demo.site.state import SiteState, Visit

VISITOR_COOKIE = "tk_visitor"
SESSION_COOKIE = "tk_session"


@dataclass(frozen=True)
class Caller:
    """Who sends a request: a browser, perhaps with a user signed in."""

    site: SiteState
    visit: Visit
    user: User | None

    def record(self, event: Event, **details: Any) -> LogEntry:
        """Log something this caller did."""
        user = self.user.email if self.user else None
        return self.site.log.record(event, visitor=self.visit.visitor, user=user, **details)


def caller_of(request: Request) -> Caller:
    """Return who sent the request."""
    caller: Caller = request.state.caller
    return caller


class VisitMiddleware:
    """Puts the `Caller` on every request, gives new browsers their visitor cookie, and logs pages but not assets."""

    def __init__(self, app: ASGIApp, site: SiteState) -> None:
        """Stand between the server and `app`."""
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http":
            cookies = HTTPConnection(scope).cookies
            visit = self._site.visits.of(cookies.get(VISITOR_COOKIE, ""))
            caller = Caller(self._site, visit, self._site.sign_ins.user(cookies.get(SESSION_COOKIE, "")))
            scope.setdefault("state", {})["caller"] = caller
            if not _is_asset(scope["path"]):
                if scope["method"] == "GET":
                    caller.record("page", path=scope["path"])
                if cookies.get(VISITOR_COOKIE) != visit.visitor:
                    send = _with_visitor_cookie(send, visit.visitor)
        await self._app(scope, receive, send)


def _is_asset(path: str) -> bool:
    """Whether browsers ask for the path by themselves."""
    return path.startswith(("/static/", "/ad_banner/")) or path == "/favicon.ico"


def _with_visitor_cookie(send: Send, visitor: str) -> Send:
    """Wrap `send` so that the response sets the visitor cookie, for as long as the browser lives."""

    async def send_with_cookie(message: Message) -> None:
        if message["type"] == "http.response.start":
            cookie = f"{VISITOR_COOKIE}={visitor}; HttpOnly; Path=/; SameSite=Lax"
            MutableHeaders(scope=message).append("set-cookie", cookie)
        await send(message)

    return send_with_cookie
