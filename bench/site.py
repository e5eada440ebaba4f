"""A page for browsers to load and act on, served here, that tells when it was loaded and what was done on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

_PAGE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Customer desk</title>
<style>body { font: 16px sans-serif; margin: 2em } label { display: block; margin: .5em 0 } li { color: #246 }</style>
</head><body>
<h1>New customer</h1>
<form onsubmit="return false">
<label>Name <input name="name"></label>
<label>Email <input name="email" type="email"></label>
<label>Company <input name="company"></label>
<label>City <input name="city"></label>
<label>Country <select name="country">
<option>Austria</option><option>Norway</option><option>Spain</option></select></label>
<label><input type="checkbox" name="news"> Send news</label>
<label><input type="checkbox" name="terms"> Accept terms</label>
<button type="button" onclick="note('saved')">Save</button>
<button type="button" onclick="note('added')">Add another</button>
</form>
<ol id="log"></ol>
<script>
function note(text) {
  const line = document.createElement('li'); line.textContent = text; document.getElementById('log').append(line);
  fetch('/did' + location.search, { method: 'POST', keepalive: true });
}
addEventListener('load', () => fetch('/loaded' + location.search, { method: 'POST' }));
</script>
</body></html>
"""


class Site:
    """What the pages reported, by the visit that their address names."""

    def __init__(self) -> None:
        self.address = ""
        self.loaded: dict[str, asyncio.Event] = {}
        self.did: dict[str, int] = {}
        """How many clicks arrived."""
        self._connections: set[asyncio.StreamWriter] = set()

    def url(self, visit: str) -> str:
        """The address of the page for a visit."""
        self.loaded[visit] = asyncio.Event()
        self.did[visit] = 0
        return f"http://{self.address}/?visit={visit}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._connections.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = urlsplit(head.split(b" ", 2)[1].decode())
                visit = parse_qs(path.query).get("visit", [""])[0]
                body = _PAGE if path.path == "/" else b""
                if path.path == "/loaded" and visit in self.loaded:
                    self.loaded[visit].set()
                elif path.path == "/did" and visit in self.did:
                    self.did[visit] += 1
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
                    + f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        self._connections.discard(writer)
        writer.close()

    def hang_up(self) -> None:
        """Close the connections that browsers keep open."""
        for writer in list(self._connections):
            writer.close()


@contextlib.asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """The site on a free port, until the context ends."""
    pages = Site()
    server = await asyncio.start_server(pages.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    pages.address = f"{host}:{port}"
    try:
        yield pages
    finally:
        server.close()
        pages.hang_up()
        await server.wait_closed()
