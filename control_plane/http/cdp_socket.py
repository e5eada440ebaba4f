"""WebSockets of CDP clients: `/v1/tabkeep/browserSessions/{browser_session_id}/cdp`, with the key in a header.

A client has the session's turn from before its handshake is answered until its connection has ended, whatever ended
it. Its socket ends with the session, with its key, and when its peer does not answer for some seconds.

The page of a take-over link is such a client too, at `/take-over/{browser_session_id}/cdp`. A web page can set no
headers, so the link's token comes as a subprotocol; and it learns nothing of a handshake that was refused, so the
refusals that are not its own fault reach it as closing reasons.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from control_plane.coordinator import Coordinator
from control_plane.entities.keys import Key, refuse_without_hands
from control_plane.entities.sessions import Session
from control_plane.errors import PreconditionFailed, TabkeepError, Unavailable
from control_plane.http.answers import Refused, in_body, refusal
from control_plane.http.calls import failure
from control_plane.http.origins import refuse_other_origin
from control_plane.http.take_over_links import TakeOverLinks
from control_plane.live.host_messages import OpenTunnel
from control_plane.live.tunnels import Tunnel, TunnelEnded, Tunnels
from control_plane.moves import cdp_moves

logger = logging.getLogger(__name__)

JOIN_SECONDS = 15.0
"""How long the host may take to join the browser."""
LOOK_SECONDS = 1.0
"""How often a client's key is looked at."""
_AGAIN_SECONDS = 1.0
"""When the turn could not be taken back, because the store refused, it is tried again after so long."""
_PATH = re.compile(r"/v1/tabkeep/browserSessions/([^/:]+)/cdp")
_LINK_PATH = re.compile(r"/take-over/([^/:]+)/cdp")
_LINK_PROTOCOL, _LINK_TOKEN = "tabkeep.take-over", "tabkeep.token."
"""The subprotocols that a link's page offers: the one that is spoken, and the one that is its token."""
_LONGEST_REASON = 120
_GOING, _POLICY, _FAULT, _RESTART = 1001, 1008, 1011, 1012


def path_of(browser_session_id: str) -> str:
    """Where a session's CDP clients attach."""
    return f"/v1/tabkeep/browserSessions/{browser_session_id}/cdp"


class _End(NamedTuple):
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Visitor:
    """A client that may attach."""

    browser_session_id: str
    key: Key
    check: Callable[[], object]
    """Raises TabkeepError once it may go on no longer."""
    protocol: str | None = None
    """The WebSocket's subprotocol, where it is the page of a link."""


class CdpSocket:
    """All of them."""

    def __init__(self, coordinator: Coordinator, tunnels: Tunnels, links: TakeOverLinks) -> None:
        self._coordinator = coordinator
        self._tunnels = tunnels
        self._links = links

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client from its handshake to its end."""
        socket = WebSocket(scope, receive, send)
        await socket.receive()  # the handshake
        visitor: _Visitor | None = None
        try:
            try:
                visitor = self._admit(socket)
                await self._serve(socket, visitor)
            except (TabkeepError, Refused) as error:
                await _refuse(socket, error, visitor)
        except (WebSocketDisconnect, OSError):
            return  # the client was gone before its handshake was answered

    def _admit(self, socket: HTTPConnection) -> _Visitor:
        if matched := _LINK_PATH.fullmatch(socket.url.path):
            return self._admit_by_link(socket, matched[1])
        matched = _PATH.fullmatch(socket.url.path)
        if matched is None:
            raise Refused(404, "ROUTE_NOT_FOUND", "no WebSocket is served here: a session's cdp_url names one")
        if "origin" in socket.headers:
            raise Refused(403, "ORIGIN_NOT_ALLOWED", "web pages may not attach: connect from a program")
        text = socket.headers.get("x-api-key")
        if not text:
            raise Refused(403, "KEY_MISSING", "Invalid credentials: send a key in the header x-api-key")
        return _Visitor(matched[1], self._check(text), lambda: self._check(text))

    def _admit_by_link(self, socket: HTTPConnection, session_id: str) -> _Visitor:
        refuse_other_origin(socket, self._coordinator.config.http_url, needed=True)
        offered: list[str] = socket.scope["subprotocols"]
        token = next((one.removeprefix(_LINK_TOKEN) for one in offered if one.startswith(_LINK_TOKEN)), "")
        if _LINK_PROTOCOL not in offered:
            raise Refused(400, "SUBPROTOCOL_MISSING", f"offer the subprotocols {_LINK_PROTOCOL} and {_LINK_TOKEN}…")
        admitted = self._links.admit(token, session_id)
        return _Visitor(session_id, admitted.key, lambda: self._links.admit(token, session_id), _LINK_PROTOCOL)

    def _check(self, text: str) -> Key:
        key = self._coordinator.keys.check(text)
        refuse_without_hands(key)
        return key

    async def _serve(self, socket: WebSocket, visitor: _Visitor) -> None:
        session_id, key = visitor.browser_session_id, visitor.key
        client_id = f"cdp_{secrets.token_hex(13)}"
        fields = {"browser_session_id": session_id, "client_id": client_id, "key_id": key.key_id}
        session = await self._coordinator.admit(cdp_moves.attach, key.organization_id, session_id, client_id)
        try:
            with self._tunnels.waiting(session_id, session.fence) as tunnel:
                await self._join(tunnel, session)
                await socket.accept(visitor.protocol)
                logger.info("cdp client joined", extra=fields)
                end = await self._converse(socket, tunnel, client_id, visitor.check)
                logger.info("cdp client ends", extra={**fields, "code": end.code, "reason": end.reason})
        finally:
            await self._give_back(session_id, client_id)
        await _close(socket, end)

    async def _join(self, tunnel: Tunnel, session: Session) -> None:
        """Wait until the session's host has joined its browser.

        Raises:
            Unavailable: HOST_UNREACHABLE.
            PreconditionFailed: BROWSER_REFUSED.
        """
        self._coordinator.links.send(session.host_id, OpenTunnel(*tunnel.placement, tunnel.tunnel_id))
        try:
            async with asyncio.timeout(JOIN_SECONDS):
                failed = await tunnel.joined
        except TimeoutError:
            raise Unavailable(
                f"host {session.host_id} of session {session.browser_session_id} does not answer: attach again",
                reason="HOST_UNREACHABLE",
            ) from None
        if failed:
            raise PreconditionFailed(
                f"the browser of session {session.browser_session_id} takes no CDP client: {failed}",
                reason="BROWSER_REFUSED",
                browser_session_id=session.browser_session_id,
            )

    async def _converse(self, socket: WebSocket, tunnel: Tunnel, client_id: str, check: Callable[[], object]) -> _End:
        """Carry messages until something ends it; returns how to close the socket."""
        parts = [
            asyncio.create_task(_from_client(socket, tunnel)),
            asyncio.create_task(_to_client(socket, tunnel)),
            asyncio.create_task(self._watch(tunnel, client_id, check)),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            ends: list[Any] = await asyncio.gather(*parts, return_exceptions=True)
        found = [end for end in ends if isinstance(end, _End)]
        if found:
            # That the session has closed, or the key is revoked, says more than that the tunnel has ended.
            return found[-1]
        for end in ends:
            if isinstance(end, Exception):
                logger.error("cdp client broke", exc_info=end)
        return _End(_FAULT, "a fault of the control plane: its log has the cause")

    async def _watch(self, tunnel: Tunnel, client_id: str, check: Callable[[], object]) -> _End:
        """Return when the client may go on no longer."""
        session_id = tunnel.placement[0]
        with self._coordinator.feed.watch(session_id) as changed:
            while True:
                changed.clear()
                session = await self._coordinator.database.read(lambda tables: tables.sessions.get(session_id))
                if session is None or session.cdp_client_id != client_id:
                    closed = session.close_message if session else "it is gone"
                    return _End(_GOING, f"the session is closed: {closed}")
                if self._coordinator.feed.closing:
                    return _End(_RESTART, "the control plane is being stopped")
                while not changed.is_set():
                    try:
                        check()
                    except TabkeepError as error:
                        return _End(_POLICY, error.message)
                    try:
                        async with asyncio.timeout(LOOK_SECONDS):
                            await changed.wait()
                    except TimeoutError:
                        continue

    async def _give_back(self, session_id: str, client_id: str) -> None:
        """Take the turn back; while the store refuses, again and again, but not longer than this process lives."""
        while True:
            try:
                await self._coordinator.move(cdp_moves.detach, session_id, client_id)
                return
            except TabkeepError as error:
                logger.warning("turn not taken back", extra={"client_id": client_id, "reason": error.reason})
                if self._coordinator.draining:
                    return  # the next start does it
                await asyncio.sleep(_AGAIN_SECONDS)


async def _refuse(socket: WebSocket, error: TabkeepError | Refused, visitor: _Visitor | None) -> None:
    refused = error if isinstance(error, Refused) else refusal(failure(error), in_body)
    logger.info("websocket refused", extra={"status": refused.status, "code": refused.code})
    if visitor is None or visitor.protocol is None:
        await socket.send_denial_response(refused.answer())
        return
    await socket.accept(visitor.protocol)
    await _close(socket, _End(_POLICY, f"{refused.code}: {refused.detail}"))


async def _close(socket: WebSocket, end: _End) -> None:
    try:
        await socket.close(end.code, end.reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))
    except (RuntimeError, OSError):
        return  # the client was first


async def _from_client(socket: WebSocket, tunnel: Tunnel) -> _End:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return _End(_GOING, "the client has gone")
        text = message.get("text")
        if text is None:
            return _End(_POLICY, "CDP messages are text")
        try:
            await tunnel.tell_browser(text.encode(errors="replace"))
        except TunnelEnded as ended:
            return _End(_GOING, str(ended))


async def _to_client(socket: WebSocket, tunnel: Tunnel) -> _End:
    while True:
        try:
            message = await tunnel.heard_by_client()
        except TunnelEnded as ended:
            return _End(_GOING, str(ended))
        try:
            await socket.send_text(message.decode(errors="replace"))
        except (WebSocketDisconnect, RuntimeError, OSError):
            return _End(_GOING, "the client has gone")
