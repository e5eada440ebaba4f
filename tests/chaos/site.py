"""A site that counts: each press of a button is one POST, and its log is what really happened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Self

_PRESSES = """<!doctype html><title>presses</title><p id=said>nothing pressed</p>
<script>
  // Synchronous, so that a press is over only when the site has counted it.
  function press(n) {{
    const request = new XMLHttpRequest();
    request.open("POST", "/effect/{key}/" + n, false);
    request.send();
    document.getElementById("said").textContent = "pressed " + n;
  }}
</script>
{buttons}"""
_HANG = "<!doctype html><title>hang</title><script>setTimeout(() => { while (true); }, 50)</script>"
_STILL = "<!doctype html><title>still</title>"


class CountingSite:
    """A web server on a free port of this machine, in the caller's event loop.

    /press/KEY/COUNT has COUNT buttons "press 1", "press 2", …; /hang runs an endless loop; / is still.
    """

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.effects: Counter[tuple[str, int]] = Counter()
        """How often each button of each key was pressed."""
        self.url = ""
        self._address = address
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, self._address, 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def pressed(self, key: str) -> int:
        """How many presses there were for a key."""
        return sum(count for (of, _), count in self.effects.items() if of == key)

    async def until_pressed(self, key: str, presses: int, seconds: float = 60) -> None:
        """Return when there were so many presses for a key."""
        async with asyncio.timeout(seconds):
            while self.pressed(key) < presses:
                self._changed.clear()
                await self._changed.wait()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            head = await reader.readuntil(b"\r\n\r\n")
            method, path, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            body = self._page(method, path.strip("/").split("/")).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nCache-Control: no-store\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            await writer.drain()
        writer.close()

    def _page(self, method: str, path: list[str]) -> str:
        match method, path:
            case "POST", ["effect", key, number]:
                self.effects[key, int(number)] += 1
                self._changed.set()
                return ""
            case "GET", ["press", key, count]:
                buttons = "".join(f"<button onclick='press({n})'>press {n}</button>" for n in range(1, int(count) + 1))
                return _PRESSES.format(key=key, buttons=buttons)
            case "GET", ["hang"]:
                return _HANG
            case _:
                return _STILL
