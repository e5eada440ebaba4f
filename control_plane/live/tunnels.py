"""CDP clients and the browsers they are joined to: what each says to the other, in bounded queues. Nothing stored."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

FRAME_BYTES = 256 * 1024
MOST_FRAMES = 8
"""Of each direction. Who speaks waits when so many were not read yet; a message is never dropped."""
LONGEST_TO_CLIENT = 64 * 2**20
"""Bytes of a message; a tunnel that carries a longer one ends. The socket bounds those of the client."""


class Frame(NamedTuple):
    """A message, or a part of one."""

    content: bytes
    last: bool


class TunnelEnded(Exception):
    """Nothing more comes or goes; the text says why."""


class Tunnel:
    """One client and one browser."""

    def __init__(self, browser_session_id: str, fence: int) -> None:
        self.tunnel_id = secrets.token_hex(16)
        self.placement = (browser_session_id, fence)
        loop = asyncio.get_running_loop()
        self.joined: asyncio.Future[str] = loop.create_future()
        """Done when the host has dialed: with why the browser takes no client, or ""."""
        self._ended: asyncio.Future[str] = loop.create_future()
        self._to_browser: asyncio.Queue[Frame] = asyncio.Queue(MOST_FRAMES)
        self._to_client: asyncio.Queue[Frame] = asyncio.Queue(MOST_FRAMES)

    def end(self, cause: str) -> None:
        """End it; the first cause counts."""
        if not self._ended.done():
            self._ended.set_result(cause)

    async def ended(self) -> str:
        """Wait for its end; returns the cause."""
        return await asyncio.shield(self._ended)

    async def tell_browser(self, message: bytes) -> None:
        """Say a message to the browser; waits while the host does not read. Raises TunnelEnded."""
        for start in range(0, max(1, len(message)), FRAME_BYTES):
            last = start + FRAME_BYTES >= len(message)
            await self._unless_ended(self._to_browser.put(Frame(message[start : start + FRAME_BYTES], last)))

    async def heard_by_browser(self) -> Frame:
        """What the host is to carry next. Raises TunnelEnded."""
        return await self._unless_ended(self._to_browser.get())

    async def tell_client(self, frame: Frame) -> None:
        """Take in what the browser says; waits while the client does not read. Raises TunnelEnded."""
        await self._unless_ended(self._to_client.put(frame))

    async def heard_by_client(self) -> bytes:
        """The browser's next message. Raises TunnelEnded."""
        message = bytearray()
        while True:
            frame = await self._unless_ended(self._to_client.get())
            message += frame.content
            if len(message) > LONGEST_TO_CLIENT:
                self.end(f"the browser sent a message of more than {LONGEST_TO_CLIENT >> 20} MiB")
            elif frame.last:
                return bytes(message)

    async def _unless_ended(self, call: Coroutine[Any, Any, T]) -> T:
        calling = asyncio.ensure_future(call)
        waited_for: set[asyncio.Future[Any]] = {calling, self._ended}
        try:
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                raise TunnelEnded(self._ended.result())
            return calling.result()
        finally:
            calling.cancel()


class Tunnels:
    """Those whose client is here, by their ids."""

    def __init__(self) -> None:
        self._tunnels: dict[str, Tunnel] = {}

    @contextmanager
    def waiting(self, browser_session_id: str, fence: int) -> Iterator[Tunnel]:
        """A tunnel to a placement's browser, which ends with the context."""
        tunnel = Tunnel(browser_session_id, fence)
        self._tunnels[tunnel.tunnel_id] = tunnel
        try:
            yield tunnel
        finally:
            del self._tunnels[tunnel.tunnel_id]
            tunnel.end("the client has gone")

    def join(self, tunnel_id: str, browser_session_id: str, fence: int, failure: str) -> Tunnel | None:
        """Hand a tunnel to the host that dials; None when no client waits for it, or another host has it."""
        tunnel = self._tunnels.get(tunnel_id)
        if tunnel is None or tunnel.placement != (browser_session_id, fence) or tunnel.joined.done():
            return None
        tunnel.joined.set_result(failure)
        return tunnel
