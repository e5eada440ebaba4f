"""One connection of the browser's to its way out: its requests, one after the other, and what is answered to them.

It lives in the event loop's callbacks. A request, and the answer to it, is passed on in the moment in which it comes,
as one piece where it came as one; only a connection that is still to be made has a task.
"""

from __future__ import annotations

import asyncio
import html
from enum import Enum
from typing import Protocol

from browser_host.messages import Proxy
from browser_host.network.egress_policy import Refused
from browser_host.network.line import BUFFER, LONGEST_HEAD, Line
from browser_host.network.proxied_http import Answer, Body, Request
from browser_host.network.upstream import ProxyFailed, Unreachable, proxy_address

HEAD_SECONDS = 30.0
"""How long a connection may wait for its next request; Chromium opens them ahead of need and leaves them silent."""

_HEAD_END = b"\r\n\r\n"


class Gate(Protocol):
    """What decides about a connection's requests, and counts what passes."""

    requests: int
    bytes_sent: int
    bytes_received: int

    def way(self, host: str, port: int) -> Proxy | None:
        """The proxy for a destination; None for directly."""

    def judge(self, request: Request, proxy: Proxy | None, kept: Line | None) -> None:
        """Whether a request may go there this way now, over a connection that is there already if there is one.

        Raises:
            Refused.
        """

    async def reach(self, request: Request, proxy: Proxy | None) -> Line:
        """A new connection for a request.

        Raises:
            Refused, ProxyFailed, Unreachable.
        """

    def was_reached(self, request: Request) -> None:
        """Its destination is known to be reached."""

    def was_not_reached(self, request: Request, error: Refused | ProxyFailed | Unreachable) -> None:
        """Its destination is known not to be reached, and why."""

    def has_ended(self, connection: BrowserConnection) -> None:
        """There is nothing left of it."""


class _Stage(Enum):
    WAITING = "for the next request"
    DIALLING = "a connection for the request is being made"
    PASSING = "the request and its answer pass"
    TUNNEL = "whatever comes passes, both ways"
    OVER = "nothing passes any more"


class BrowserConnection:
    """Serves one connection, and the one connection to a server that belongs to it."""

    def __init__(self, gate: Gate, line: Line) -> None:
        self.host, self.port = "", 0
        """Where its last request went; nowhere yet."""
        self.through: Proxy | None = None
        """Which way."""
        self.dialling: asyncio.Task[None] | None = None
        self.line = line
        self._gate = gate
        self._stage = _Stage.WAITING
        self._heard = bytearray()
        """What the browser said that was not passed on yet."""
        self._body_left: int | None = 0
        """Of the request, what the browser is still to say; None: whatever it says."""
        self._server: _Server | None = None
        self._waits_since = asyncio.get_running_loop().time()
        self._clock = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._look_at_clock)
        line.hand_to(self)

    def cut(self) -> None:
        """End it at once, with what it leads to; the rest of an answer is missing, and not taken for its end."""
        if self._stage is _Stage.PASSING:
            self.line.reset()
        else:
            self.line.abort()
        self.end(broken=True)

    # What the browser says.

    def received(self, data: bytes) -> None:
        if self._stage is _Stage.TUNNEL:
            assert self._server is not None
            self._gate.bytes_sent += len(data)
            self._server.line.write(data)
            return
        self._heard += data
        if self._stage is _Stage.WAITING:
            self._next_request()
        elif self._stage is _Stage.PASSING:
            self._pass_body()
        if len(self._heard) > BUFFER:
            self.pace()

    def said_all(self) -> None:
        if self._stage is not _Stage.TUNNEL:
            self.end(broken=self._stage is not _Stage.WAITING)  # nobody waits for an answer any more
        elif self._server is not None and self._server.line.said_all:
            self.end()
        elif self._server is not None:
            self._server.line.say_no_more()

    def lost(self, error: Exception | None) -> None:
        self.end(broken=error is not None)
        self._gate.has_ended(self)

    def pause_writing(self) -> None:
        self.pace()

    def resume_writing(self) -> None:
        self.pace()

    def _next_request(self) -> None:
        end = self._heard.find(_HEAD_END) + len(_HEAD_END)
        if end < len(_HEAD_END) and len(self._heard) <= LONGEST_HEAD:
            return
        try:
            if not len(_HEAD_END) <= end <= LONGEST_HEAD:
                raise ValueError("a request's head is too long")
            request = Request.read(bytes(self._heard[:end]))
        except ValueError:
            self.end()  # it is no HTTP
            return
        del self._heard[:end]
        self._gate.requests += 1
        self._begin(request)

    def _begin(self, request: Request) -> None:
        """Judge a request as if there had been none before it, and send it on where it may go."""
        before = self.host, self.port, self.through
        self.host, self.port = request.host, request.port
        self.through = self._gate.way(request.host, request.port)
        if before != (self.host, self.port, self.through):
            self.leave_server()
        try:
            self._gate.judge(request, self.through, None if self._server is None else self._server.line)
        except Refused as error:
            self.refuse(request, error)
            return
        if self._server is None:
            self._stage = _Stage.DIALLING
            self.dialling = asyncio.create_task(self._dial(request))
        else:
            self._send(request, self._server)

    async def _dial(self, request: Request) -> None:
        line, failure = None, None
        try:
            line = await self._gate.reach(request, self.through)
        except (Refused, ProxyFailed, Unreachable) as error:
            failure = error
        except (OSError, ValueError) as error:
            failure = Unreachable(f"{request.host} cannot be reached: {error}")
        self.dialling = None
        if line is not None:
            self._server = server = _Server(self, self._gate, line)
            self._send(request, server)
            line.hand_to(server)
            self.pace()
        elif failure is not None:
            self.refuse(request, failure)

    def _send(self, request: Request, server: _Server) -> None:
        self._gate.was_reached(request)
        if request.tunnel:
            self._stage = _Stage.TUNNEL
            server.tunnel()
            self.line.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            early, self._heard = bytes(self._heard), bytearray()
            if early:
                self.received(early)
        else:
            self._stage = _Stage.PASSING
            self._body_left = request.body_length
            server.expect(request)
            self._pass_body(request.head())
        self.pace()

    def _pass_body(self, head: bytes = b"") -> None:
        """Say what belongs to the request under way, and not a byte more."""
        assert self._server is not None
        body = bytes(self._heard if self._body_left is None else self._heard[: self._body_left])
        if body:
            del self._heard[: len(body)]
            self._gate.bytes_sent += len(body)
            if self._body_left is not None:
                self._body_left -= len(body)
        if head or body:
            self._server.line.write(head + body)

    def pace(self) -> None:
        """Read from either side while there is room for what it says."""
        server = self._server
        if len(self._heard) > BUFFER or (server is not None and server.line.full):
            self.line.pause_reading()
        else:
            self.line.resume_reading()
        if server is not None and self.line.full:
            server.line.pause_reading()
        elif server is not None:
            server.line.resume_reading()

    def _look_at_clock(self) -> None:
        """End it when it has waited for too long."""
        loop = asyncio.get_running_loop()
        until = (self._waits_since if self._stage is _Stage.WAITING else loop.time()) + HEAD_SECONDS
        if until <= loop.time():
            self.end()
        elif self._stage is not _Stage.OVER:
            self._clock = loop.call_at(until, self._look_at_clock)

    # What becomes of a request.

    def refuse(self, request: Request, error: Refused | ProxyFailed | Unreachable) -> None:
        """Answer that it does not get there, and end."""
        self._gate.was_not_reached(request, error)
        self.line.write(page("403 Forbidden" if isinstance(error, Refused) else "502 Bad Gateway", str(error)))
        self.end()

    def answered(self, *, goes_on: bool, server_goes_on: bool) -> None:
        """The answer is passed on whole; a connection goes on to the next request, or ends with it."""
        if not server_goes_on:
            self.leave_server()
        if not goes_on or self._body_left != 0:
            self.end()
            return
        self._stage = _Stage.WAITING
        self._waits_since = asyncio.get_running_loop().time()
        self.pace()
        if self._heard:
            self._next_request()

    def end(self, *, broken: bool = False) -> None:
        """End both sides: the server's at once if it is `broken`, the browser's after what was said."""
        self._stage = _Stage.OVER
        self._clock.cancel()
        if self.dialling is not None:
            self.dialling.cancel()
        self.leave_server(broken=broken)
        self.line.close()

    def leave_server(self, *, broken: bool = False) -> None:
        """End that side; the next request gets a new connection."""
        server, self._server = self._server, None
        if server is None:
            return
        server.leave()
        if broken:
            server.line.abort()
        else:
            server.line.close()
        self.pace()


class _Server:
    """The other side: what a server says, as answers to one request after the other, or as it comes."""

    def __init__(self, connection: BrowserConnection, gate: Gate, line: Line) -> None:
        self.line = line
        self._connection: BrowserConnection | None = connection
        self._gate = gate
        self._tunnel = False
        self._request: Request | None = None
        """What it is to answer."""
        self._heard = b""
        """Of the answer's head."""
        self._answer: Answer | None = None
        self._body: Body | None = None

    def expect(self, request: Request) -> None:
        """Pass on the answer to this."""
        self._request = request

    def tunnel(self) -> None:
        """Pass on whatever comes."""
        self._tunnel = True

    def leave(self) -> None:
        """Pass on nothing more."""
        self._connection = None

    def received(self, data: bytes) -> None:
        if self._connection is None:
            return
        if self._tunnel:
            self._gate.bytes_received += len(data)
            self._connection.line.write(data)
        elif self._request is None:
            self._connection.leave_server()  # it says what nobody asked for
        elif self._body is None:
            self._heard += data
            self._read_heads(self._connection, self._request)
        else:
            self._pass(self._connection, b"", data)

    def said_all(self) -> None:
        if self._connection is None:
            return
        if self._tunnel and not self._connection.line.said_all:
            self._connection.line.say_no_more()
        elif self._tunnel:
            self._connection.end()
        elif self._request is None:
            self._connection.leave_server()
        elif self._body is not None and self._body.ends_with_connection:
            self._finish(self._connection, more=False)
        else:
            self._connection.end()  # in the middle of an answer, which the browser sees

    def lost(self, error: Exception | None) -> None:
        if self._connection is None:
            return
        if error is not None and (self._tunnel or self._request is not None):
            self._connection.cut()
        elif self._tunnel:
            self._connection.end()
        else:
            self.said_all()

    def pause_writing(self) -> None:
        if self._connection is not None:
            self._connection.pace()

    def resume_writing(self) -> None:
        if self._connection is not None:
            self._connection.pace()

    def _read_heads(self, connection: BrowserConnection, request: Request) -> None:
        """Read the head of the answer, and those of 1xx ones before it, as far as they are there."""
        while (end := self._heard.find(_HEAD_END) + len(_HEAD_END)) >= len(_HEAD_END):
            head, self._heard = self._heard[:end], self._heard[end:]
            try:
                if end > LONGEST_HEAD:
                    raise ValueError("a message's head is too long")
                answer = Answer.read(head, request.method)
            except ValueError as error:
                connection.refuse(request, Unreachable(f"{request.host} answered: {error}"))
                return
            if answer.status == 407:
                # Never passed on: Chromium would take it for ours.
                said = f"{answer.status} {answer.reason}".strip()
                connection.refuse(request, _unauthorized(request, connection.through, said))
                return
            said_on = answer.head(keep=request.keep and answer.certain)
            if answer.status >= 200:
                self._answer, self._body = answer, Body(answer)
                data, self._heard = self._heard, b""
                self._pass(connection, said_on, data)
                return
            connection.line.write(said_on)
        if len(self._heard) > LONGEST_HEAD:
            connection.refuse(request, Unreachable(f"{request.host} answered: a message's head is too long"))

    def _pass(self, connection: BrowserConnection, head: bytes, data: bytes) -> None:
        """Pass on what belongs to the answer, its head with the first of its body: two writes would be two wake-ups."""
        assert self._body is not None
        try:
            count = self._body.take(data)
        except ValueError:
            connection.end()
            return
        self._gate.bytes_received += count
        connection.line.write(head + data[:count] if head else data[:count])
        if self._body.ended:
            self._finish(connection, more=count < len(data))

    def _finish(self, connection: BrowserConnection, *, more: bool) -> None:
        request, answer = self._request, self._answer
        assert request is not None
        assert answer is not None
        self._request = self._answer = self._body = None
        connection.answered(
            goes_on=request.keep and answer.certain,
            server_goes_on=answer.keep and not request.absolute and not more,
        )


def _unauthorized(request: Request, proxy: Proxy | None, said: str) -> ProxyFailed | Unreachable:
    if not request.absolute or proxy is None:
        return Unreachable(f"{request.host} answered {said}, as only a proxy may")
    what = "refused the user and password" if request.authorization else "wants a user and password"
    return ProxyFailed(f"the proxy {proxy_address(proxy).shown} {what} ({said})")


def page(status: str, message: str) -> bytes:
    """An answer of ours, for people who see it in the browser."""
    body = (
        f"<!doctype html><title>{status}</title><style>body{{font:16px sans-serif;margin:3em}}</style>"
        f"<h1>Not reached</h1><p>{html.escape(message)}</p>"
    ).encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
        + body
    )
