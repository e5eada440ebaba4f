"""Forty sessions at once on one host: opened, used, closed, and what is left of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from bench.browsing import product
from bench.figures import Report, Row
from bench.programs import Workshop
from bench.site import site
from browser_host.kernel import processes

AIM = "0 processes, directories and users left"
AT_ONCE = 40
_PATIENCE = 280.0
_OWN_USERS = "62000-62999"
"""Of which no other host of the machine takes one, unless it is told to."""


async def measure(workshop: Workshop) -> Report:
    """Open all, let each open a page, close all, end the host; then look."""
    report = Report("forty_sessions", "sessions of one host with a pool of one, each opens a page", "none")
    async with (
        workshop.control_plane(TABKEEP_LAUNCH_TIMEOUT_SECONDS="240") as control_plane,
        product(control_plane) as api,
    ):
        count = workshop.some(AT_ONCE, 8)
        own_users = _OWN_USERS if os.geteuid() == 0 else "off"
        host = workshop.browser_host(control_plane, AT_ONCE, TABKEEP_WARM_BROWSERS="1", TABKEEP_SESSION_USERS=own_users)
        async with site() as pages, host:
            roots = await asyncio.to_thread(_roots, workshop.directory / "host" / "host")
            browsers = roots[0]
            few = asyncio.Semaphore(4)  # a page has 10 s to load, which 40 at once on two cores do not keep

            async def use(session: str) -> None:
                async with few:
                    await api.use_session(session, pages.url(session), _PATIENCE)

            began = time.monotonic()
            sessions = await asyncio.gather(*(api.open_session(patience=_PATIENCE) for _ in range(count)))
            opened = time.monotonic() - began
            open_processes = await asyncio.to_thread(processes.processes_of, browsers)
            users = _users(open_processes) - {os.geteuid()}
            await asyncio.gather(*(use(session) for session in sessions))
            await asyncio.gather(*(api.close_session(session, _PATIENCE) for session in sessions))
            seconds = time.monotonic() - began
        left_processes = await asyncio.to_thread(processes.processes_of, browsers)
        left_users = users & await asyncio.to_thread(_users, psutil.process_iter())
        case = f"{count} at once"
        for figure, unit, value in (
            ("until all are open", "s", opened),
            ("until all were used and are gone", "s", seconds),
            ("processes while open", "", float(len(open_processes))),
            ("processes left", "", float(len(left_processes))),
            ("directories left", "", float(sum(root.exists() for root in roots))),
            ("users that something runs as", "", float(len(left_users))),
        ):
            report.rows.append(Row(case, figure, unit, value, None))
    return report


def _roots(host: Path) -> list[Path]:
    """Where a host keeps its browsers' directories, their temporary ones, and their cgroups: often behind links."""
    places = (host / "browsers", host / "temporary", *host.glob("cgroup*"))
    return [place.resolve() for place in places if place.exists()]


def _users(found: Iterable[psutil.Process]) -> set[int]:
    """Those that processes run as."""
    users = set()
    for process in found:
        with contextlib.suppress(psutil.Error):
            users.add(process.uids().real)
    return users
