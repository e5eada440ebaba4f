"""What the ad blocker keeps away, and what it costs: the start of a session, and its browser's memory."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tabkeep.v1 import browser_sessions_pb2 as sessions_pb

from bench.browsing import Product, product
from bench.figures import Report, Row, Sample, interleaved, median
from bench.memory import pss_mib
from bench.programs import Workshop

AIM = "third-party adverts and trackers blocked, all else untouched; what a start and a browser cost more"

BUILT = Path(__file__).parents[1] / ".tools" / "ad-blocker"
"""Where `make ad-blocker` builds it, from EasyList and EasyPrivacy."""
_PAGE_HOST = "shop.example"
ADVERTS = (
    "securepubads.g.doubleclick.net/tag/js/gpt.js", "pagead2.googlesyndication.com/pagead/js/adsbygoogle.js",
    "www.google-analytics.com/analytics.js", "www.googletagmanager.com/gtag/js?id=UA-1",
    "connect.facebook.net/en_US/fbevents.js", "static.hotjar.com/c/hotjar-1.js", "cdn.taboola.com/libtrc/loader.js",
    "widgets.outbrain.com/outbrain.js", "static.criteo.net/js/ld/ld.js", "ib.adnxs.com/ttj?id=1",
    "sb.scorecardresearch.com/beacon.js", "bat.bing.com/bat.js", "cdn.mxpnl.com/libs/mixpanel-2-latest.min.js",
    "c.amazon-adsystem.com/aax2/apstag.js", "mc.yandex.ru/metrika/tag.js",
)  # fmt: skip
OTHERS = (
    "shop.example/app.js", "shop.example/cart.js", "shop.example/logo.png", "static.shop.example/theme.js",
    "code.jquery.com/jquery-3.7.1.min.js", "cdn.jsdelivr.net/npm/vue@3", "unpkg.com/react@18/umd/react.js",
    "cdnjs.cloudflare.com/ajax/libs/lodash.js/4.17.21/lodash.min.js", "images.unsplash.com/photo.png",
    "maps.googleapis.com/maps/api/js",
)  # fmt: skip
WITH_IT: dict[str, Any] = {"extensions": ["ad-blocker"]}
WITHOUT: dict[str, Any] = {}
_IDLE = 2


class _World:
    """Every site there is: the sessions' proxy, which answers for all hosts itself and notes which were asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        """Hosts, of plain requests and of tunnels."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
            parts = urlsplit(target if "://" in target else f"//{target}")
            self.asked.add(parts.hostname or "")
            if "://" not in target:  # a tunnel: that it was asked for is all there is to know
                writer.write(b"HTTP/1.1 502 No TLS here\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            else:
                body = _page() if parts.path == "/" else b""
                kind = b"text/html" if body else b"text/javascript"
                head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
                writer.write(head % (kind, len(body)) + body)
        writer.close()


def _page() -> bytes:
    asked = "".join(
        f"<img src=//{one}>" if one.endswith(".png") else f"<script src=//{one}></script>" for one in ADVERTS + OTHERS
    )
    return f"<!doctype html><title>shop</title>{asked}".encode()


async def measure(workshop: Workshop) -> Report:
    """Look what a page gets with it and without it, then compare sessions that have it with others of the same host."""
    if not (BUILT / "manifest.json").exists():
        raise RuntimeError(f"there is no ad blocker in {BUILT}: `make ad-blocker` builds it")
    report = Report("ad_blocker", "sessions with the ad blocker", "sessions of the same host without it")
    world = _World()
    serving = await asyncio.start_server(world.serve, "127.0.0.1", 0)
    proxy = f"http://127.0.0.1:{serving.sockets[0].getsockname()[1]}"
    browsers = workshop.directory / "host" / "host" / "browsers"
    async with workshop.control_plane() as control_plane, product(control_plane) as api:
        host = partial(workshop.browser_host, control_plane, 8, TABKEEP_EXTENSIONS=f"ad-blocker={BUILT}")
        async with host(TABKEEP_WARM_BROWSERS="0"):
            await _blocked(report, api, world, proxy)
            pairs = await interleaved(workshop.some(9, 3), partial(_start, api, WITH_IT), partial(_start, api, WITHOUT))
            report.add("without a pool", "create to page ready, median", "ms", pairs, median, difference=True)
            pairs = await interleaved(
                workshop.some(3, 1), partial(_idle, api, browsers, WITH_IT), partial(_idle, api, browsers, WITHOUT)
            )
            report.add(
                f"{_IDLE} idle", "memory of a browser (PSS)", "MiB", pairs, lambda sample: sample.seconds,
                difference=True,
            )  # fmt: skip
        async with host(TABKEEP_WARM_BROWSERS="2"):
            ready = partial(_two_kept_ready, browsers)
            pairs = await interleaved(
                workshop.some(9, 3), partial(_start, api, WITH_IT, ready), partial(_start, api, WITHOUT, ready)
            )
            report.add("from the pool", "create to page ready, median", "ms", pairs, median, difference=True)
    serving.close()
    return report


async def _blocked(report: Report, api: Product, world: _World, proxy: str) -> None:
    asked = []
    for fields in (WITH_IT, WITHOUT):
        world.asked.clear()
        through = sessions_pb.ProxyServer(url=proxy)
        session = await api.open_session(f"http://{_PAGE_HOST}/", proxy=through, **fields)
        await api.close_session(session)
        asked.append(set(world.asked))
    for case, urls in (("advert and tracker hosts", ADVERTS), ("other hosts of the page", OTHERS)):
        hosts = {urlsplit(f"//{url}").hostname or "" for url in urls}
        ours, floor = (float(len(hosts & one)) for one in asked)
        report.rows.append(Row("a page", f"{case} asked for, of {len(hosts)}", "", ours, floor))


async def _start(api: Product, fields: dict[str, Any], ready: Callable[[], Awaitable[None]] | None = None) -> Sample:
    if ready is not None:
        await ready()
    began = time.monotonic()
    session = await api.open_session(**fields)
    seconds = time.monotonic() - began
    await api.close_session(session)
    return Sample(seconds, [seconds])


async def _two_kept_ready(browsers: Path) -> None:
    """Wait until two browsers wait, and for a moment more."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(_two_are_up, browsers):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    await asyncio.sleep(2.0)


def _two_are_up(browsers: Path) -> bool:
    up = [one for one in browsers.resolve().iterdir() if (one / "profile" / "SingletonLock").is_symlink()]
    return len(up) == 2


async def _idle(api: Product, browsers: Path, fields: dict[str, Any]) -> Sample:
    sessions: Sequence[str] = await asyncio.gather(*(api.open_session(**fields) for _ in range(_IDLE)))
    await asyncio.sleep(3.0)
    size = await asyncio.to_thread(lambda: pss_mib(browsers.resolve()))
    await asyncio.gather(*(api.close_session(session) for session in sessions))
    return Sample(size / _IDLE, [])
