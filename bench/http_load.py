"""The load over HTTP, a process of its own: makes calls, holds polls, and says how long each took.

Requests have a "what":

- calls: {"address", "key", "call", "in_flight", "count", "ids"}; answers {"seconds", "latencies", "made"}.
- hold: {"address", "key", "ids"}: a held poll for each id, on a connection of its own; answers {"held"} once all are.
- release: ends what is held; answers {"answered"}.
- keep_on: {"address", "key", "call", "rate", "ids"}: so many calls a second until `rest`; answers {} at once.
- rest: answers {"count"}, how many were made.

The client is as bare as can be, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from bench import json_lines

_TIMEOUT = 30.0
"""Seconds after which a call, and with it the measurement, has failed."""


class Connection:
    """One kept-alive connection."""

    def __init__(self, address: str, key: str) -> None:
        self._address = address.rpartition(":")
        self._head = f"host: {address}\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, path: str, body: bytes = b"") -> None:
        """Send a request."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._address[0], int(self._address[2]))
        head = f"{method} /v1/tabkeep/{path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        self._streams[1].write(head.encode() + body)

    async def answer(self) -> Any:
        """Read the answer's JSON; it must be 200."""
        assert self._streams is not None
        head = (await self._streams[0].readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        body = json.loads(await self._streams[0].readexactly(length))
        if not head.startswith("http/1.1 200 "):
            raise RuntimeError(f"the server answered {body}")
        return body

    async def ask(self, method: str, path: str, body: bytes = b"") -> Any:
        """Send a request and read its answer."""
        async with asyncio.timeout(_TIMEOUT):
            await self.send(method, path, body)
            return await self.answer()

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def call(connection: Connection, name: str, about: str) -> str:
    """One call about an id; returns the id of what it made, or ""."""
    if name == "get_run":
        await connection.ask("GET", f"runs/{about}")
        return ""
    if name == "create_browser_session":
        body = json.dumps({"requestId": str(uuid.uuid4())}).encode()
        return str((await connection.ask("POST", "browserSessions", body))["browserSessionId"])
    raise ValueError(name)


class Work:
    """What is asked for, and what is under way meanwhile."""

    def __init__(self) -> None:
        self._held: list[Connection] = []
        self._keeping_on: asyncio.Task[None] | None = None
        self._made_meanwhile = 0

    async def calls(
        self, address: str, key: str, call: str, in_flight: int, count: int, ids: Sequence[str]
    ) -> dict[str, Any]:
        """So many calls, so many of them at a time."""
        about = itertools.islice(itertools.cycle(ids or [""]), count)
        latencies: list[float] = []
        made: list[str] = []
        first = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(_one_after_another(Connection(address, key), call, about, latencies, made))
        return {"seconds": time.monotonic() - first, "latencies": latencies, "made": made}

    async def hold(self, address: str, key: str, ids: Sequence[str]) -> dict[str, Any]:
        """A held poll for each id."""
        for run_id in ids:
            connection = Connection(address, key)
            await connection.send("GET", f"runs/{run_id}?waitTimeout=600s")
            self._held.append(connection)
        return {"held": len(self._held)}

    async def release(self) -> dict[str, Any]:
        """End what is held."""
        for connection in self._held:
            connection.close()
        released = len(self._held)
        self._held.clear()
        return {"released": released}

    async def keep_on(self, address: str, key: str, call: str, rate: float, ids: Sequence[str]) -> dict[str, Any]:
        """So many calls a second from now on, each begun at its time whether or not those before it are answered."""
        self._made_meanwhile = 0
        self._keeping_on = asyncio.create_task(self._keep_on(address, key, call, rate, itertools.cycle(ids or [""])))
        return {}

    async def rest(self) -> dict[str, Any]:
        """No more of them."""
        assert self._keeping_on is not None
        self._keeping_on.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeping_on
        return {"count": self._made_meanwhile}

    async def _keep_on(self, address: str, key: str, name: str, rate: float, about: Iterable[str]) -> None:
        idle: list[Connection] = []

        async def one(each: str) -> None:
            connection = idle.pop() if idle else Connection(address, key)
            await call(connection, name, each)
            self._made_meanwhile += 1
            idle.append(connection)

        began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                for number, each in enumerate(about):
                    await asyncio.sleep(began + number / rate - time.monotonic())
                    group.create_task(one(each))
        finally:
            for connection in idle:
                connection.close()


async def _one_after_another(
    connection: Connection, name: str, about: Iterable[str], latencies: list[float], made: list[str]
) -> None:
    for each in about:
        begin = time.monotonic()
        result = await call(connection, name, each)
        latencies.append(time.monotonic() - begin)
        made.append(result)
    connection.close()


async def main() -> None:
    """Answer requests until the end."""
    work = Work()
    json_lines.say(event="ready")
    async for request in json_lines.requests():
        json_lines.say(**await getattr(work, request.pop("what"))(**request))


if __name__ == "__main__":
    json_lines.run(main())
