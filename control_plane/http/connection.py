"""One connection of the gateway: uvicorn's, with bounds on its head and on every time that a slow peer could stretch.

Uvicorn bounds the pause between requests. It does not bound how long or how large a request's head may be, how long
its rest may take once it was answered, nor how long an answer may lie unread; a thousand such connections would cost
an attacker nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from control_plane.http.limits import Limits

logger = logging.getLogger(__name__)

_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class _Part(Enum):
    """What of a request is being read."""

    NONE = "none"
    HEAD = "head"
    BODY = "body"


_MOST_FOR_ONE_BYTE = 6
"""A body's byte in a chunk of its own."""


class BoundedConnection(HttpToolsProtocol):
    """A connection that keeps to the limits; `of` makes the class for some limits."""

    limits = Limits()

    @classmethod
    def of(cls, limits: Limits) -> type[BoundedConnection]:
        """The class of connections with these limits."""
        return type("BoundedConnection", (cls,), {"limits": limits})

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.access_log = False  # it would write URLs down, and has a mind of its own about when it is on
        self.parser = _Parser(self)
        self._part = _Part.NONE
        self._head_bytes = 0
        self._after_head_bytes = 0
        self._body_bytes = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._task: asyncio.Task[None] | None = None
        self._upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection in; one beyond twice the bound ends at once."""
        super().connection_made(transport)
        if len(self.connections) > 2 * self.limits.connections:
            transport.abort()
            return
        self._set_timer("head", self.limits.head_seconds, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what still works for a peer that is gone."""
        super().connection_lost(exc)
        for name in list(self._timers):
            self._end_timer(name)
        self._unset_keepalive_if_required()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take in bytes; what belongs to a head is counted."""
        part_before = self._part
        super().data_received(data)
        if self.transport.is_closing() or self._upgraded:
            return
        if self._part is _Part.HEAD and part_before is not _Part.BODY:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.head_bytes:
                self._refuse_head()
        elif self._part is _Part.BODY and part_before is _Part.BODY:
            self._after_head_bytes += len(data)
            if self._after_head_bytes > self.limits.head_bytes + _MOST_FOR_ONE_BYTE * self._body_bytes:
                self._refuse_head()  # chunks without a body, or trailers without an end
        elif self._part is _Part.NONE and self._answered() and "head" not in self._timers:
            # Empty lines, which begin nothing, have ended the wait for the next request.
            self._set_timer("head", self.limits.head_seconds, self._head_late)

    def handle_websocket_upgrade(self) -> None:
        """Give the connection away; it is a WebSocket from here on."""
        self._upgraded = True
        for name in list(self._timers):
            self._end_timer(name)
        self._unset_keepalive_if_required()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._part, self._head_bytes = _Part.HEAD, 0
        self._set_timer("head", self.limits.head_seconds, self._head_late)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; after the body it would be a trailer, which must not pass for one: nobody has looked at it."""
        if self._part is _Part.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A request's head is there."""
        if self.offers_other_protocol():
            return  # it is read once more
        self._part, self._after_head_bytes, self._body_bytes = _Part.BODY, 0, 0
        self._end_timer("head")
        self._set_timer("body", self.limits.body_seconds + 5, self.transport.abort)
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.head_bytes:
            self._refuse_head()
            raise httptools.HttpParserError("the head is too large")
        self._check_framing()
        self._take_host_from_target()
        if len(self.connections) > self.limits.connections:
            maximum = self.limits.connections
            self._refuse(503, "TOO_MANY_CONNECTIONS", f"{maximum} connections are open: try again in a second")
            raise httptools.HttpParserError("too many connections")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a request's body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is there whole."""
        if self._part is _Part.HEAD:
            return  # its head is read once more
        self._part = _Part.NONE
        self._end_timer("body")
        super().on_message_complete()

    def offers_other_protocol(self) -> bool:
        """Whether the request would rather go on in another protocol, but not in WebSocket."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT" and not self._should_upgrade()

    def head_without_upgrade(self) -> bytes:
        """The request's head as if it had offered none."""
        version = self.parser.get_http_version().encode()
        lines = [self.parser.get_method() + b" " + self.url + b" HTTP/" + version]
        lines += [name + b": " + value for name, value in self.headers if name != b"upgrade"]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _check_framing(self) -> None:
        """Refuse a body whose end somebody on the way could see elsewhere."""
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or self.parser.get_http_version() == "1.0"):
            self._refuse(400, "HTTP_MALFORMED", "the one transfer-encoding that is understood is chunked, of HTTP/1.1")
            raise httptools.HttpParserError("not chunked")
        if self.parser.get_method() == b"CONNECT":
            raise httptools.HttpParserError("no proxy")

    def _take_host_from_target(self) -> None:
        """Where the target is a whole URL, the host in it counts, and the header of that name does not."""
        if self.url.startswith(b"/") or b"://" not in self.url:
            return
        try:
            host = urlsplit(self.url.decode("ascii")).netloc.rpartition("@")[2].encode()
        except ValueError as error:
            raise httptools.HttpParserError("no URL") from error
        self.headers[:] = [(b"host", host), *(header for header in self.headers if header[0] != b"host")]

    def pause_writing(self) -> None:
        """The peer does not read."""
        super().pause_writing()
        self._set_timer("unread", self.limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._end_timer("unread")

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, unless it was refused for a better reason already."""
        self._refuse(400, "HTTP_MALFORMED", "this is not a valid HTTP/1.1 request")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Answer a request in a task that ends with the connection, and sees nothing of the request before it."""
        self._task = self.loop.create_task(cycle.run_asgi(app), context=contextvars.Context())
        self._task.add_done_callback(self.tasks.discard)
        self.tasks.add(self._task)

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _head_late(self) -> None:
        seconds = self.limits.head_seconds
        if self._part is _Part.HEAD:
            self._refuse(408, "HEAD_TOO_SLOW", f"the request's head was not there after {seconds:g} s")
        else:
            self.transport.close()

    def _refuse_head(self) -> None:
        maximum = self.limits.head_bytes
        self._refuse(431, "HEADERS_TOO_LARGE", f"request line and headers are larger than {maximum} bytes")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer without asking the application, and end the connection."""
        if self.transport.is_closing():
            return
        logger.info("http request refused", extra={"status": status, "code": code})
        body = json.dumps({"detail": detail, "code": code}).encode()
        later = "retry-after: 1\r\n" if status == 503 else ""
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\ncontent-type: application/json\r\n{later}"
            f"cache-control: no-store\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        if self._answered():  # never into the middle of another answer
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _set_timer(self, name: str, seconds: float, act: Any) -> None:
        self._end_timer(name)
        self._timers[name] = self.loop.call_later(seconds, act)

    def _end_timer(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()


class _Parser(httptools.HttpRequestParser):
    """A parser that takes no for an answer.

    Clients offer HTTP/2 with the header Upgrade (curl and Java do, by default); a server may go on as if they had not.
    httptools cannot: it takes the request for one without a body, and the body for the other protocol's first bytes.
    So the head is read a second time without the offer, by another parser: this one might have read its last request.
    """

    def __init__(self, connection: BoundedConnection) -> None:
        super().__init__(connection)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._connection = connection

    def feed_data(self, data: Any) -> None:
        """Take in bytes.

        Raises:
            HttpParserUpgrade: a WebSocket begins.
        """
        parser, rest = self, memoryview(data)
        while rest:
            try:
                httptools.HttpRequestParser.feed_data(parser, rest)
                return
            except httptools.HttpParserUpgrade as offer:
                if not self._connection.offers_other_protocol():
                    raise
                head, rest = self._connection.head_without_upgrade(), rest[offer.args[0] :]
                parser = self._connection.parser = _Parser(self._connection)
                httptools.HttpRequestParser.feed_data(parser, head)
