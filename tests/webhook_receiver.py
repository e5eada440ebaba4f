"""A real HTTP server on loopback that receives webhooks and answers as a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.fake_host import PATIENCE


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each request with the next of `answers`; the last one stands for all that follow."""

    answers: list[bytes]
    port: int = 0
    received: list[Received] = field(default_factory=list)
    dialled: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    """A request whose answer is HOLD hangs until this is set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=secret-in-the-url"

    async def requests(self, count: int) -> list[Received]:
        """The first requests, as soon as there are so many."""
        async with asyncio.timeout(PATIENCE * 4), self.news:
            await self.news.wait_for(lambda: len(self.received) >= count)
        return self.received[:count]

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dialled += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            async with self.news:
                self.received.append(Received(line, headers, body))
                self.news.notify_all()
            if answer == HOLD:
                await self.let_go.wait()
                answer = OK
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answer(status: str, body: str = "", *headers: str) -> bytes:
    """An HTTP answer as bytes."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", "connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


OK = answer("200 OK", "thanks")
HOLD = b"hold"


@asynccontextmanager
async def receiving(*answers: bytes, port: int = 0) -> AsyncIterator[Receiver]:
    """A receiver that listens on loopback while the context is entered."""
    receiver = Receiver(list(answers) or [OK])
    server = await asyncio.start_server(receiver.take, "127.0.0.1", port)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        server.close()
        await server.wait_closed()
