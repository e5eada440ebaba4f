"""A TCP proxy that a test stands between a host and its control plane, and breaks.

Nothing here knows what is carried: bytes are held, slowed, cut off or followed by a reset.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import Literal, Self

Direction = Literal["to_control_plane", "to_host"]
BOTH: tuple[Direction, Direction] = ("to_control_plane", "to_host")
_CHUNK = 16 * 1024


class FaultProxy:
    """Forwards to `upstream`, which may be changed for connections to come; `async with` it."""

    def __init__(self, upstream: str = "", address: str = "127.0.0.1") -> None:
        self.upstream = upstream
        self.address = ""
        """Where it listens, host:port."""
        self.connections = 0
        """How many were made so far."""
        self.delay = 0.0
        """Seconds by which each piece is late, in each direction."""
        self.bytes_per_second = 0.0
        """In each direction of each connection; 0: as fast as it goes."""
        self._listen_on = address
        self._flows: dict[Direction, asyncio.Event] = {direction: asyncio.Event() for direction in BOTH}
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._dead: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.heal()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._listen_on, 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.reset()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def hold(self, *directions: Direction) -> None:
        """Carry nothing that way from now on, and tell nobody; new connections are accepted and held, too."""
        for direction in directions:
            self._flows[direction].clear()

    def hold_what_is_open(self) -> None:
        """Carry nothing on the connections that are open now, for good, and tell nobody; new ones work."""
        self._dead |= set(self._pairs)

    def heal(self) -> None:
        """Carry everything again, what was held first."""
        for flow in self._flows.values():
            flow.set()

    def reset(self) -> int:
        """End all connections with a TCP reset in both directions; what was held is lost. Returns how many."""
        pairs = list(self._pairs.items())
        for task, writers in pairs:
            for writer in writers:
                with contextlib.suppress(OSError):
                    connection = writer.get_extra_info("socket")
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            task.cancel()
        return len(pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._pairs[task] = [writer]
        try:
            host, _, port = self.upstream.rpartition(":")
            up_reader, up_writer = await asyncio.open_connection(host, int(port))
            self._pairs[task].append(up_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(task, reader, up_writer, "to_control_plane"))
                both.create_task(self._carry(task, up_reader, writer, "to_host"))
        except (OSError, BaseExceptionGroup, asyncio.CancelledError):
            pass  # one end is gone, or `reset` was called: the other one is told below
        finally:
            self._dead.discard(task)
            for one in self._pairs.pop(task):
                one.close()

    async def _carry(
        self,
        connection: asyncio.Task[None],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        direction: Direction,
    ) -> None:
        while piece := await reader.read(_CHUNK):
            if self.delay:
                await asyncio.sleep(self.delay)
            if self.bytes_per_second:
                await asyncio.sleep(len(piece) / self.bytes_per_second)
            await self._flows[direction].wait()
            if connection in self._dead:
                continue
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError  # ends the other direction, too
