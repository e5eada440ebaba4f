"""What the egress proxy costs: a page through it and without it, and how much passes through it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import psutil
from playwright.async_api import BrowserContext, async_playwright

from bench.browsing import executable, new_directory
from bench.figures import Report, Sample, at_most, cpu_microseconds, interleaved, median
from bench.programs import Workshop
from browser_host.launch import egress_arguments
from browser_host.messages import DIRECT
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import patterns
from tests.network_site import a_certificate

AIM = "a page through the proxy takes at most 1.25 times as long as without"

IMAGES = 60
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc330000"
    "000049454e44ae426082"
)
_BULK = 256 * 1024 * 1024
_PATIENCE = 60_000.0


class _Site:
    """A page with pictures, and a large body."""

    def __init__(self) -> None:
        self.visit = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1]
                if path.startswith(b"/bulk"):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % _BULK)
                    chunk = bytes(1024 * 1024)
                    for _ in range(_BULK // len(chunk)):
                        writer.write(chunk)
                        await writer.drain()
                    continue
                body, kind = (_PIXEL, b"image/png") if path.startswith(b"/picture") else (self._page(), b"text/html")
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\n\r\n%s"
                    % (kind, len(body), body)
                )
                await writer.drain()
        writer.close()

    def _page(self) -> bytes:
        self.visit += 1
        pictures = "".join(f"<img src=/picture/{self.visit}/{number}>" for number in range(IMAGES))
        return f"<!doctype html><title>page</title>{pictures}".encode()


async def measure(workshop: Workshop) -> Report:
    """Load a page so many times, and fetch a large body, each with and without."""
    site = _Site()
    plain = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    secure = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=_tls(workshop.directory))
    ports = {"http": plain.sockets[0].getsockname()[1], "https": secure.sockets[0].getsockname()[1]}
    report = Report(
        "What does the egress proxy cost?",
        ours="Chromium through the egress proxy, which judges each connection and dials directly",
        floor="the same Chromium without a proxy",
    )
    loads, repetitions = workshop.some(20, 4), workshop.some(5, 2)
    try:
        async with _browser(workshop, through_egress=True) as ours, _browser(workshop, through_egress=False) as floor:
            for scheme, port in ports.items():
                address = f"{scheme}://127.0.0.1:{port}/"
                pairs = await interleaved(
                    repetitions, partial(_load, ours, address, loads), partial(_load, floor, address, loads)
                )
                case = f"{scheme}, {IMAGES} pictures"
                report.add(case, "page loaded, p50", "ms", pairs, median, aim=at_most(1.25))
                report.add(case, "CPU of this process per page (proxy and site)", "µs", pairs, cpu_microseconds)
            address = f"http://127.0.0.1:{ports['http']}/bulk"
            times = workshop.some(3, 1)
            pairs = await interleaved(times, lambda: _fetch(ours, address), lambda: _fetch(floor, address))
            report.add("one body of 256 MiB", "MiB/s", "MiB/s", pairs, lambda sample: _BULK / 2**20 / sample.seconds)
    finally:
        plain.close()
        secure.close()
    report.notes.append("site and proxy share one process and one event loop")
    return report


@contextlib.asynccontextmanager
async def _browser(workshop: Workshop, *, through_egress: bool) -> AsyncIterator[BrowserContext]:
    egress = Egress(patterns(["127.0.0.1"]))
    arguments = ["--ignore-certificate-errors"]
    if through_egress:
        await egress.open()
        egress.set_network(DIRECT)
        arguments += egress_arguments(egress.port)
    with new_directory(workshop.directory) as directory:
        async with async_playwright() as playwright:
            context = await playwright.chromium.launch_persistent_context(
                directory, executable_path=executable(), headless=True, chromium_sandbox=os.geteuid() != 0,
                args=arguments,
            )  # fmt: skip
            if through_egress:
                egress.serve(int(str((Path(directory) / "SingletonLock").readlink()).rpartition("-")[2]))
            try:
                yield context
            finally:
                await context.close()
                await egress.close()


async def _load(context: BrowserContext, address: str, times: int) -> Sample:
    page = context.pages[0]
    latencies = []
    process = psutil.Process()
    cpu = sum(process.cpu_times()[:2])
    began = time.perf_counter()
    for _ in range(times):
        start = time.perf_counter()
        await page.goto(address, wait_until="load", timeout=_PATIENCE)
        latencies.append(time.perf_counter() - start)
    seconds = time.perf_counter() - began
    return Sample(seconds, latencies, sum(process.cpu_times()[:2]) - cpu)


async def _fetch(context: BrowserContext, address: str) -> Sample:
    page = context.pages[0]
    await page.goto(address.replace("/bulk", "/"), timeout=_PATIENCE)
    script = """async address => { const reader = (await fetch(address)).body.getReader(); let size = 0;
        while (true) { const {done, value} = await reader.read(); if (done) return size; size += value.length; } }"""
    began = time.perf_counter()
    size = await page.evaluate(script, address)
    seconds = time.perf_counter() - began
    if size != _BULK:
        raise RuntimeError(f"{size} bytes arrived, not {_BULK}")
    return Sample(seconds, [seconds])


def _tls(directory: Path) -> ssl.SSLContext:
    return a_certificate(directory / "certificate", "localhost")[0]
