"""What a thousand sessions that do nothing cost the control plane."""

from __future__ import annotations

import asyncio
import time

from bench.figures import Report, Row
from bench.loading import Served, load
from bench.programs import Program, Workshop

AIM = "none set: memory and processor time of 1,000 idle sessions on 50 hosts, beside a control plane without any"
HOSTS, SESSIONS_PER_HOST = 50, 20


async def measure(workshop: Workshop) -> Report:
    """Measure both control planes over the same seconds."""
    sessions = HOSTS * SESSIONS_PER_HOST
    report = Report(
        "idle",
        f"a control plane with {HOSTS} attached hosts that send heartbeats, and {SESSIONS_PER_HOST} sessions on each",
        "the same program with no host and no session",
    )
    async with workshop.control_plane() as busy, workshop.control_plane("empty") as empty, load(workshop) as calls:
        at_start = busy.program.memory_bytes()
        async with workshop.simulated_hosts(
            busy.address, busy.host_token, hosts=HOSTS, capacity=SESSIONS_PER_HOST
        ) as hosts:
            with_hosts = busy.program.memory_bytes()
            server = Served(busy.program, busy.address, busy.api_key)
            await calls.calls(server, "create_browser_session", count=sessions, in_flight=8)
            await hosts.ask(what="launched", count=sessions)
            await asyncio.sleep(1)  # lets what the creation left to do end before anything is measured
            seconds = float(workshop.some(20, 5))
            ours, floor = await asyncio.gather(_share(busy.program, seconds), _share(empty.program, seconds))
            memory = busy.program.memory_bytes()
        floor_memory = empty.program.memory_bytes()
    case = f"{sessions:,} sessions, {seconds:g} s"
    report.rows += [
        Row(case, "memory of its own", "MiB", memory / 2**20, floor_memory / 2**20, memory / floor_memory),
        Row(case, "more memory for each session", "KiB", (memory - with_hosts) / sessions / 1024, None),
        Row(case, "more memory for each host", "KiB", (with_hosts - at_start) / HOSTS / 1024, None),
        Row(case, "processor time", "% of a core", ours * 100, floor * 100, (ours - floor) * 100, difference=True),
    ]
    report.notes.append(
        "The memory of the sessions holds what their creation left behind: caches of the store and of the allocator."
    )
    return report


async def _share(program: Program, seconds: float) -> float:
    """The share of one core that a program takes, over so many seconds."""
    cpu_seconds, began = program.cpu_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    return (program.cpu_seconds() - cpu_seconds) / (time.monotonic() - began)
