"""Whether a full database makes calls slower."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial

from bench.figures import Report, Sample, at_least, at_most, interleaved, median, p99, rate
from bench.filling import fill
from bench.loading import Load, Served, load
from bench.programs import Program, Workshop

AIM = (
    "flat: with 1,000,000 stored events, a call takes at most 1.2 times as long at the median, and calls come at no "
    "less than 1 / 1.2 of the rate"
)
EVENTS_PER_RUN = 100
PAGE = 50
"""Runs that a list returns: the small database holds so many, so that both sides answer with the same."""
SESSIONS = 400
_CALLS = {"get_run": "GetRun", "run_task": "RunTask", "list_runs": "ListRuns", "watch_run": "WatchRun"}


async def measure(workshop: Workshop) -> Report:
    """Compare four calls at 8 in flight."""
    runs = workshop.some(10_000, 1_000)
    events = runs * EVENTS_PER_RUN
    report = Report(
        "volume",
        f"a database with {events:,} events of {runs:,} runs",
        f"the same with {PAGE * EVENTS_PER_RUN:,} events of {PAGE} runs, as many as a list shows",
    )
    began = time.monotonic()
    full_ids = await fill(workshop.directory / "full", runs, EVENTS_PER_RUN)
    filled_in = time.monotonic() - began
    few_ids = await fill(workshop.directory / "few", PAGE, EVENTS_PER_RUN)
    size = (workshop.directory / "full" / "tabkeep.db").stat().st_size
    report.notes.append(
        f"Filled in {filled_in:.0f} s; {size / 2**20:.0f} MiB. GetRun and WatchRun ask for any of the runs."
    )
    async with (
        workshop.control_plane("full") as full,
        workshop.control_plane("few") as few,
        workshop.simulated_hosts(
            full.address, full.host_token, hosts=4, capacity=SESSIONS, name="full-hosts"
        ) as full_hosts,
        workshop.simulated_hosts(
            few.address, few.host_token, hosts=4, capacity=SESSIONS, name="few-hosts"
        ) as few_hosts,
        load(workshop) as calls,
    ):
        sides = [
            (Served(full.program, full.address, full.api_key), full_hosts, full_ids[:: max(1, runs // 1000)]),
            (Served(few.program, few.address, few.api_key), few_hosts, few_ids),
        ]
        sessions: list[list[str]] = []
        for server, hosts, _ in sides:
            _, made = await calls.calls(server, "create_browser_session", count=SESSIONS, in_flight=8)
            await hosts.ask(what="launched", count=SESSIONS)
            sessions.append(made["made"])
        for call, name in _CALLS.items():
            count = workshop.some({"get_run": 800, "run_task": SESSIONS, "list_runs": 150, "watch_run": 150}[call], 100)

            def side(number: int, call: str = call, count: int = count) -> Callable[[], Awaitable[Sample]]:
                server, hosts, run_ids = sides[number]
                ids = sessions[number] if call == "run_task" else run_ids
                return partial(_calls, calls, server, hosts, call, count, ids)

            pairs = await interleaved(workshop.some(7, 2), side(0), side(1))
            report.add(f"{name}, 8 in flight", "median", "ms", pairs, median, aim=at_most(1.2))
            report.add(f"{name}, 8 in flight", "p99", "ms", pairs, p99)
            report.add(f"{name}, 8 in flight", "calls per second", "/s", pairs, rate, aim=at_least(1 / 1.2))
    return report


async def _calls(calls: Load, server: Served, hosts: Program, call: str, count: int, ids: list[str]) -> Sample:
    sample, _ = await calls.calls(server, call, count=count, in_flight=8, ids=ids)
    if call == "run_task":
        await hosts.ask(what="acknowledged", count=count)
        await hosts.ask(what="finish_runs")
    return sample
