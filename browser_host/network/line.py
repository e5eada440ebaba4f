"""One TCP connection, without a task of its own: what comes is handed on in the moment in which it comes.

Streams would cost a wake-up of a task, and a copy, for each piece of what passes; between a browser and a site most
pieces are small.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

BUFFER = 256 * 1024
"""How much may wait to be sent before the other side is not read any more."""
LONGEST_HEAD = 64 * 1024
"""Bytes of an HTTP message before its body."""


class Receiver(Protocol):
    """What a line tells, each from within the event loop; nothing of it may raise."""

    def received(self, data: bytes) -> None:
        """The other end said this."""

    def said_all(self) -> None:
        """The other end will say nothing more; it may still listen."""

    def lost(self, error: Exception | None) -> None:
        """The connection is gone, `error` says why where it did not end by itself; the last that is told."""

    def pause_writing(self) -> None:
        """More waits to be sent than `BUFFER`; what is written all the same waits too."""

    def resume_writing(self) -> None:
        """Little waits again."""


class Line(asyncio.Protocol):
    """Read with `until` and `exactly`, as a handshake is, until `hand_to` says who receives everything from then on."""

    def __init__(self, connected: Callable[[Line], None] | None = None) -> None:
        """`connected` is told when it is; before that it can do nothing."""
        self._connected = connected
        self._transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._unread = bytearray()
        self._more: asyncio.Future[None] | None = None
        self._lost = False
        self._error: Exception | None = None
        self.said_all = False
        """The other end will say nothing more."""
        self.full = False
        """More waits to be sent than `BUFFER`."""

    # For who uses it.

    @property
    def transport(self) -> asyncio.Transport:
        """The connection itself."""
        assert self._transport is not None, "not connected"
        return self._transport

    @cached_property
    def peer(self) -> IPv4Address | IPv6Address:
        """The other end's address."""
        return ip_address(self.transport.get_extra_info("peername")[0].partition("%")[0])

    def hand_to(self, receiver: Receiver) -> None:
        """Tell `receiver` everything from now on, first what came already."""
        self._receiver = receiver
        self.resume_reading()
        if self._unread:
            data, self._unread = bytes(self._unread), bytearray()
            receiver.received(data)
        if self.said_all and not self._lost:
            receiver.said_all()
        if self._lost:
            receiver.lost(self._error)

    async def until(self, end: bytes) -> bytes:
        """What comes, up to and with `end`.

        Raises:
            EOFError: it ended before.
            ValueError: that would be more than `LONGEST_HEAD`.
            OSError: the connection broke.
        """
        while (at := self._unread.find(end)) < 0:
            if len(self._unread) > LONGEST_HEAD:
                raise ValueError("a message's head is too long")
            await self._wait()
        if at + len(end) > LONGEST_HEAD:
            raise ValueError("a message's head is too long")
        return self._take(at + len(end))

    async def exactly(self, count: int) -> bytes:
        """The next so many bytes.

        Raises:
            EOFError: it ended before.
            OSError: the connection broke.
        """
        while len(self._unread) < count:
            await self._wait()
        return self._take(count)

    def write(self, data: bytes) -> None:
        """Say this, unless the other end is gone: then `lost` says so."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def say_no_more(self) -> None:
        """End this direction, after what was written; over TLS, where there is no such thing, the whole connection."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def close(self) -> None:
        """End it after what was written."""
        self.transport.close()

    def abort(self) -> None:
        """End it now; what was not sent yet is not."""
        self.transport.abort()

    def reset(self) -> None:
        """End it now, and so that the other end cannot take it for a good end."""
        if not self.transport.is_closing():
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def pause_reading(self) -> None:
        """Leave what comes with the kernel, which then slows the other end down."""
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    async def _wait(self) -> None:
        if self._error is not None:
            raise self._error
        if self.said_all or self._lost:
            raise EOFError
        self._more = asyncio.get_running_loop().create_future()
        try:
            await self._more
        finally:
            self._more = None

    def _wake(self) -> None:
        if self._more is not None and not self._more.done():
            self._more.set_result(None)

    # For the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=BUFFER)
        if self._connected is not None:
            self._connected(self)

    def data_received(self, data: bytes) -> None:
        if self._receiver is not None:
            self._receiver.received(data)
        else:
            self._unread += data
            if len(self._unread) > BUFFER:
                self.pause_reading()  # a handshake takes less: whoever says so much fails it
            self._wake()

    def eof_received(self) -> bool:
        self.said_all = True
        if self._receiver is not None:
            self._receiver.said_all()
        self._wake()
        return self.transport.can_write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        self._lost, self._error = True, error
        if self._receiver is not None:
            self._receiver.lost(error)
        self._wake()

    def pause_writing(self) -> None:
        self.full = True
        if self._receiver is not None:
            self._receiver.pause_writing()

    def resume_writing(self) -> None:
        self.full = False
        if self._receiver is not None:
            self._receiver.resume_writing()
