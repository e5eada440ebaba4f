"""Serves the pages of MiniWoB++ so that each tells here, and not to the browser's side, how its episode went.

The pages come from the `miniwob` package; nothing of it is imported. To its core.js a script is added when it is
served: it seeds the page's chance, begins the episode at once, hides the instruction on the page (it is the prompt),
takes the time limit away, and reports the instruction and the first reward. When an episode is over a cover lies over
the page, as the pages' own does; it does not say whether the reward was good.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import mimetypes
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_SCRIPT = """
;(() => {
  const given = GIVEN;
  const shuffle = () => Math.seedrandom(String(given.seed));
  const tell = (what) => {
    fetch(given.path, { method: "POST", keepalive: true, body: JSON.stringify(what) }).catch(() => {});
  };
  const idle = () => {};
  let begun = false, over = false;
  shuffle();
  for (const name of ["createDisplay", "reloadDisplay", "updateDisplay", "hideDisplay", "countdownTimer", "clearTimer",
    "canvasDrawClick", "canvasDrawElementClick", "canvasClear"]) core[name] = idle;
  core.cover_div = document.createElement("div");
  Object.defineProperty(core, "EPISODE_MAX_TIME", { get: () => 2e9, set: idle });
  core.startEpisode = () => {
    if (begun) return;
    begun = true;
    shuffle();
    core.startEpisodeReal();
    const said = core.getUtterance();
    const query = document.getElementById("query");
    if (query) query.style.visibility = "hidden";
    tell({ utterance: typeof said === "string" ? said : said.utterance });
  };
  core.endEpisode = (reward) => {
    if (over) return;
    over = true;
    clearTimeout(core.EP_TIMER);
    core.EP_TIMER = null;
    WOB_RAW_REWARD_GLOBAL = WOB_REWARD_GLOBAL = reward;
    WOB_DONE_GLOBAL = true;
    tell({ reward });
    const cover = document.body.appendChild(core.cover_div);
    cover.style.cssText = "position: fixed; inset: 0; z-index: 99999; background: white";
    cover.textContent = "The episode is over";
  };
})();
"""


class NoPages(Exception):
    """The package with the pages is not installed."""


class Episode:
    """One task with one seed; the page reports to it."""

    def __init__(self, task: str, seed: int, url: str) -> None:
        self.task = task
        self.seed = seed
        self.url = url
        self.utterance = ""
        self.reward: float | None = None
        """The first that the page gave, not lessened by time; None while it gave none."""
        self.begun = asyncio.Event()
        self.over = asyncio.Event()

    def told(self, what: dict[str, Any]) -> None:
        """Take what the page reports; the first instruction and the first reward count."""
        if "utterance" in what and not self.begun.is_set():
            self.utterance = str(what["utterance"])
            self.begun.set()
        if "reward" in what and not self.over.is_set():
            self.reward = float(what["reward"])
            self.over.set()


class Episodes:
    """The pages, at an address of their own for each episode."""

    def __init__(self, root: Path) -> None:
        """`root` is the package's html folder."""
        self.root = root.resolve()
        self.address = ""
        self._episodes: dict[str, Episode] = {}
        self._connections: set[asyncio.StreamWriter] = set()

    def tasks(self) -> list[str]:
        """The names of all tasks."""
        return sorted(path.stem for path in (self.root / "miniwob").glob("*.html"))

    def new(self, task: str, seed: int) -> Episode:
        """An episode; its page begins when it is opened."""
        key = secrets.token_hex(8)
        episode = Episode(task, seed, f"http://{self.address}/{key}/miniwob/{task}.html")
        self._episodes[key] = episode
        return episode

    def forget(self, episode: Episode) -> None:
        """Answer nothing more for an episode."""
        self._episodes.pop(urlsplit(episode.url).path.split("/")[1], None)

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        key, _, rest = path.lstrip("/").partition("/")
        episode = self._episodes.get(key)
        if episode is None:
            return 404, "text/plain", b""
        if method == "POST" and rest == "told":
            episode.told(json.loads(body))
            return 200, "text/plain", b""
        file = (self.root / rest).resolve()
        if not file.is_relative_to(self.root) or not file.is_file():
            return 404, "text/plain", b""
        content = file.read_bytes()
        if rest == "core/core.js":
            given = json.dumps({"seed": episode.seed, "path": f"/{key}/told"})
            content += _SCRIPT.replace("GIVEN", given).encode()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return 200, kind + "; charset=utf-8" if kind.startswith("text/") else kind, content

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._connections.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                first, *lines = head.split("\r\n")
                method, target, _ = first.split(" ", 2)
                headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, kind, content = self._answer(method, unquote(urlsplit(target).path), body)
                writer.write(
                    f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nCache-Control: no-store\r\n"
                    f"Content-Length: {len(content)}\r\n\r\n".encode()
                    + content
                )
                await writer.drain()
        self._connections.discard(writer)
        writer.close()

    def hang_up(self) -> None:
        """Close the connections that browsers keep open."""
        for writer in list(self._connections):
            writer.close()


def pages() -> Path:
    """The html folder of the installed package.

    Raises:
        NoPages.
    """
    found = importlib.util.find_spec("miniwob")
    if found is None or not found.submodule_search_locations:
        raise NoPages("the package miniwob is not installed: `make miniwob` installs it")
    return Path(next(iter(found.submodule_search_locations))) / "html"


@contextlib.asynccontextmanager
async def served(root: Path) -> AsyncIterator[Episodes]:
    """The pages on a free port, until the context ends."""
    episodes = Episodes(root)
    server = await asyncio.start_server(episodes.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    episodes.address = f"{host}:{port}"
    try:
        yield episodes
    finally:
        server.close()
        episodes.hang_up()
        await server.wait_closed()
