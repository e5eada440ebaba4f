"""What a session costs: until it is ready, from the pool and without; processor time; memory."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

from bench.browsing import Product, product
from bench.figures import Report, Sample, at_most, interleaved, median
from bench.memory import pss_mib
from bench.programs import Program, Workshop, enter
from browser_host.kernel import cgroups, guardian

AIM = "from the pool at most 0.10 times a plain cold Playwright launch, cold at most 1.0, CPU 0.9, memory 1.0"
_CAPACITY = 8


async def measure(workshop: Workshop) -> Report:
    """Compare a host with a pool, then one without, with a plain Playwright that is up all the time."""
    report = Report(
        "warm_start",
        "CreateBrowserSession, watched until it is RUNNING; control plane and host are up",
        "launch_persistent_context until its page answers, in one Playwright that is up",
    )
    plain_root = workshop.directory / "plain"
    plain_root.mkdir()
    with cgroup() as ours_group, cgroup() as plain_group:
        async with (
            workshop.control_plane() as control_plane,
            product(control_plane) as api,
            workshop.program("plain", "bench.plain_browsers", str(plain_root)) as plain,
        ):
            host = partial(workshop.browser_host, control_plane, _CAPACITY)
            enter(plain_group, plain.pid)
            async with host(TABKEEP_WARM_BROWSERS="1"):
                await _from_pool(workshop, report, api, plain)
        # Again, so that what is counted in the cgroup is all of it: driver and browsers from their starts.
        async with (
            workshop.control_plane("control-plane-2") as control_plane,
            product(control_plane) as api,
            plain_in(workshop, plain_root, plain_group) as plain,
        ):
            host = partial(workshop.browser_host, control_plane, _CAPACITY)
            async with host(cgroup=ours_group, TABKEEP_WARM_BROWSERS="0"):
                await _cold(workshop, report, api, plain, ours_group, plain_group)
                await _memory(workshop, report, api, plain, plain_root)
    return report


async def _from_pool(workshop: Workshop, report: Report, api: Product, plain: Program) -> None:
    browsers = workshop.directory / "host" / "host" / "browsers"

    async def ours() -> Sample:
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(_is_filled, browsers):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
        began = time.monotonic()
        session_id = await api.open_session()
        seconds = time.monotonic() - began
        await api.close_session(session_id)
        return Sample(seconds, [seconds])

    pairs = await interleaved(workshop.some(15, 4), ours, partial(_plain, plain))
    report.add("from the pool", "create to page ready, median", "ms", pairs, median, aim=at_most(0.10))


async def _cold(
    workshop: Workshop, report: Report, api: Product, plain: Program, ours_group: Path | None, plain_group: Path | None
) -> None:
    async def ours() -> Sample:
        used = cpu_seconds(ours_group)
        began = time.monotonic()
        session_id = await api.open_session()
        seconds = time.monotonic() - began
        await api.close_session(session_id)
        return Sample(seconds, [seconds], cpu_seconds(ours_group) - used)

    async def floor() -> Sample:
        used = cpu_seconds(plain_group)
        sample = await _plain(plain)
        return Sample(sample.seconds, sample.latencies, cpu_seconds(plain_group) - used)

    pairs = await interleaved(workshop.some(15, 4), ours, floor)
    report.add("without a pool", "create to page ready, median", "ms", pairs, median, aim=at_most(1.0))
    if ours_group is not None:
        report.add(
            "without a pool", "processor time of host, driver and browser", "ms", pairs,
            lambda sample: sample.cpu_each * 1000, aim=at_most(0.9),
        )  # fmt: skip


async def _memory(workshop: Workshop, report: Report, api: Product, plain: Program, plain_root: Path) -> None:
    count = 4
    browsers = await asyncio.to_thread((workshop.directory / "host" / "host" / "browsers").resolve)

    async def ours() -> Sample:
        sessions = await asyncio.gather(*(api.open_session() for _ in range(count)))
        await asyncio.sleep(3.0)
        size = await asyncio.to_thread(pss_mib, browsers)
        await asyncio.gather(*(api.close_session(session) for session in sessions))
        return Sample(size / count, [])

    async def floor() -> Sample:
        await plain.ask(open=count)
        await asyncio.sleep(3.0)
        size = await asyncio.to_thread(pss_mib, plain_root)
        await plain.ask(close=True)
        return Sample(size / count, [])

    pairs = await interleaved(workshop.some(3, 1), ours, floor)
    report.add(
        f"{count} idle", "memory of a browser (PSS)", "MiB", pairs, lambda sample: sample.seconds, aim=at_most(1.0)
    )


async def _plain(plain: Program) -> Sample:
    [seconds] = (await plain.ask(open=1))["seconds"]
    await plain.ask(close=True)
    return Sample(seconds, [seconds])


@contextlib.asynccontextmanager
async def plain_in(workshop: Workshop, root: Path, group: Path | None) -> AsyncIterator[Program]:
    """A plain Playwright in a cgroup."""
    async with workshop.program("plain-2", "bench.plain_browsers", str(root), tells_ready=False) as program:
        enter(group, program.pid)
        await program.read(60.0)
        yield program


@contextlib.contextmanager
def cgroup() -> Iterator[Path | None]:
    """A cgroup of version 2, whose processor time is known also of what has ended; None where none can be made."""
    own = cgroups.own_cgroup()
    made = None
    with contextlib.suppress(OSError):
        made = Path(tempfile.mkdtemp(prefix="bench-", dir=own)) if own is not None else None
    try:
        yield made
    finally:
        if made is not None:
            guardian.remove_cgroup(made)


def cpu_seconds(group: Path | None) -> float:
    """What a cgroup's processes took so far."""
    if group is None:
        return 0.0
    lines = (group / "cpu.stat").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("usage_usec")) / 1e6


def _is_filled(browsers: Path) -> bool:
    return any((directory / "profile" / "SingletonLock").is_symlink() for directory in browsers.resolve().iterdir())
