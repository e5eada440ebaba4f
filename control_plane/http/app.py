"""The gateway as an ASGI application: the host names it answers to, its routes, and what is on no route."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from control_plane.http import openapi, transcoder
from control_plane.http.answers import JSON, Refused, json_answer
from control_plane.http.calls import Calls
from control_plane.http.cdp_socket import CdpSocket
from control_plane.http.endpoint import Ask, Operation, Resource
from control_plane.http.limits import Limits

_OF_THE_DOCUMENT = {
    "operationId": "GetDocument",
    "tags": ["Gateway"],
    "summary": "This document.",
    "responses": {
        "200": {"description": "An OpenAPI 3.1 document.", "content": {JSON: {"schema": {"type": "object"}}}}
    },
}
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


def all_resources(calls: Calls, seed: Sequence[Resource] = ()) -> list[Resource]:
    """Every route there is; `seed` are those of the seed's document, which need more than calls."""
    resources = [*seed, *transcoder.routes(calls)]
    document = functools.cache(lambda: json_answer(200, openapi.document(resources)))

    async def show(ask: Ask) -> Response:
        return document()

    resources.append(Resource("/openapi.json", GET=Operation(show, document=_OF_THE_DOCUMENT, open=True)))
    return resources


class Gateway:
    """All routes, behind one door."""

    def __init__(
        self, resources: Sequence[Resource], calls: Calls, hosts: Sequence[str], limits: Limits, sockets: CdpSocket
    ) -> None:
        """`hosts` are the names and addresses that requests may name, beside this machine's own; `sockets` serves the
        WebSockets."""
        for resource in resources:
            resource.open(calls, limits)
        self._hosts = {_bare(name) for name in (*LOCAL_NAMES, *hosts)}
        self._sockets = sockets
        self._router = Router(resources, redirect_slashes=False, default=_no_route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] not in ("http", "websocket"):
            return
        try:
            if (refused := self._check_host(HTTPConnection(scope))) is not None:
                await refused.answer()(scope, receive, send)
                return
            if scope["type"] == "websocket":
                await self._sockets(scope, receive, send)
                return
            scope["path"] = _without_slash(scope["path"])
            await self._router(scope, receive, send)
        except asyncio.CancelledError:
            return  # the peer is gone, or the control plane stops: nobody reads an answer

    def _check_host(self, request: HTTPConnection) -> Refused | None:
        """A page on another site may resolve its own name to this machine; it cannot change the Host header."""
        given = request.headers.getlist("host")
        name = _host_name(given[0]) if len(given) == 1 else ""
        if name and _bare(name) in self._hosts:
            return None
        shown = f"the host {name[:100]!r} is not served here" if name else "the request names no host, or several"
        return Refused(421, "HOST_NOT_ALLOWED", f"{shown}: the operator allows names with TABKEEP_HTTP_HOSTS")


async def _no_route(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"no route {str(scope['path'])[:200]}: /openapi.json lists them all"
    await Refused(404, "ROUTE_NOT_FOUND", detail).answer()(scope, receive, send)


def _without_slash(path: str) -> str:
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


def _host_name(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _bare(name: str) -> str:
    """A host name in the form in which they are compared."""
    name = name.strip().strip("[]").rstrip(".").lower()
    try:
        return ipaddress.ip_address(name).compressed
    except ValueError:
        return name
