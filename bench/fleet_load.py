"""`make load`: a fleet of 1,000 hosts with 10,000 sessions and their events on one control plane, and what it kept.

    python -m bench.fleet_load [--minutes 10] [--hosts 1000] [--sessions 10000] [--events-per-second 5000]

The exit status is 1 when an event was lost or stored twice or differently, or when an aim was missed; the events are
compared in the database itself, byte for byte, after the control plane has ended.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench.fleet_events import stored
from bench.programs import ControlPlane, Program, Workshop, run_to_end

LEAST_EVENTS_PER_SECOND = 5_000
MOST_ACK_MILLISECONDS = 250
MOST_MEBIBYTES = 800
_SETUP_SECONDS = 900.0
RESULTS = Path(__file__).parent / "results"


@dataclass
class Watched:
    """What the processes took while events were sent."""

    most_resident: int = 0
    cpu_seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """What the database holds beside what was acknowledged."""

    stored: int
    lost: int
    """Acknowledged and not there."""
    wrong: int
    """There twice, out of place or with other bytes."""


async def watch(programs: Mapping[str, Program], into: Watched) -> None:
    """Look at the memory until cancelled."""
    before = {name: program.cpu_seconds() for name, program in programs.items()}
    process = psutil.Process(programs["control plane"].pid)
    try:
        while True:
            into.most_resident = max(into.most_resident, process.memory_info().rss)
            await asyncio.sleep(0.5)
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):  # then what went wrong is told elsewhere
            into.cpu_seconds = {name: program.cpu_seconds() - before[name] for name, program in programs.items()}


def check(database: Path, acknowledged: Mapping[str, int]) -> Checked:
    """Compare every stored event with the one that was sent."""
    found: Counter[str] = Counter()
    wrong = 0
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as reader:
        (verdict,) = reader.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise RuntimeError(f"the database is damaged: {verdict}")
        for run_id, seq, body in reader.execute("SELECT run_id, seq, body FROM run_events ORDER BY run_id, seq"):
            found[run_id] += 1
            wrong += seq != found[run_id] or body != stored(run_id, seq)
        last = dict(reader.execute("SELECT run_id, last_seq FROM runs"))
    wrong += sum(last[run_id] != count for run_id, count in found.items())
    lost = sum(max(seq - found[run_id], 0) for run_id, seq in acknowledged.items())
    return Checked(sum(found.values()), lost, wrong)


def percentile(latencies: Mapping[str, int], share: float) -> float:
    """The milliseconds within which so many of all were."""
    left = share * sum(latencies.values())
    for milliseconds, count in sorted((int(name), count) for name, count in latencies.items()):
        left -= count
        if left <= 0:
            return float(milliseconds)
    return 0.0


async def measure(directory: Path, arguments: argparse.Namespace) -> int:
    """Run it all and print the figures; returns the exit status."""
    workshop, watched = Workshop(directory, quick=False), Watched()
    async with workshop.control_plane(TABKEEP_LOG_LEVEL="WARNING") as plane, _fleet(workshop, plane) as fleet:
        capacity = -(-arguments.sessions // arguments.hosts)
        attached = await fleet.ask(timeout=_SETUP_SECONDS, what="attach", hosts=arguments.hosts, capacity=capacity)
        opened = await fleet.ask(timeout=_SETUP_SECONDS, what="open", sessions=arguments.sessions)
        print(
            f"{arguments.hosts} hosts in {attached['seconds']:.0f} s, {arguments.sessions} sessions with a run each in "
            f"{opened['seconds']:.0f} s",
            flush=True,
        )
        pace = arguments.events_per_second
        await fleet.ask(what="send", seconds=5.0, events_per_second=pace)  # caches, the allocator, the log's size
        watching = asyncio.create_task(watch({"control plane": plane.program, "fleet": fleet}, watched))
        began = time.monotonic()
        sent = await fleet.ask(
            timeout=arguments.minutes * 60 + 300, what="send", seconds=arguments.minutes * 60, events_per_second=pace
        )
        took = time.monotonic() - began
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        acknowledged = (await fleet.ask(what="account"))["runs"]
    checked = await asyncio.to_thread(check, directory / "control-plane" / "tabkeep.db", acknowledged)
    size = (directory / "control-plane" / "tabkeep.db").stat().st_size
    per_second, p99 = sent["acknowledged"] / took, percentile(sent["latencies"], 0.99)
    resident = watched.most_resident / 2**20
    cpu = {name: seconds / took * 100 for name, seconds in watched.cpu_seconds.items()}
    worst = max(int(name) for name in sent["latencies"])
    print(
        f"{sent['acknowledged']:,} events in {took:.0f} s: {per_second:,.0f} durable events a second\n"
        f"ack: median {percentile(sent['latencies'], 0.5):.0f} ms, p99 {p99:.0f} ms, at worst {worst} ms; "
        f"heartbeat ack: p99 {percentile(sent['heartbeats'], 0.99):.0f} ms\n"
        f"control plane: {resident:.0f} MiB resident at most, {cpu['control plane']:.0f} % of a core "
        f"({watched.cpu_seconds['control plane'] / max(sent['acknowledged'], 1) * 1e6:.0f} µs an event); fleet: "
        f"{cpu['fleet']:.0f} % of a core; load average {os.getloadavg()[0]:.1f}\n"
        f"the fleet was up to {sent['late_seconds']:.2f} s late and held {sent['held_back']} batches back\n"
        f"database: {checked.stored:,} events, {size / 2**20:.0f} MiB; {checked.lost} lost, {checked.wrong} doubled or "
        "wrong",
        flush=True,
    )
    aims = {
        f"at least {LEAST_EVENTS_PER_SECOND:,} durable events a second": per_second >= LEAST_EVENTS_PER_SECOND,
        f"ack p99 under {MOST_ACK_MILLISECONDS} ms": p99 < MOST_ACK_MILLISECONDS,
        f"less than {MOST_MEBIBYTES} MiB resident": resident < MOST_MEBIBYTES,
        "nothing lost": checked.lost == 0,
        "nothing doubled or wrong": checked.wrong == 0,
    }
    for aim, met in aims.items():
        print(f"{'met   ' if met else 'MISSED'} {aim}")
    return 0 if all(aims.values()) else 1


@contextlib.asynccontextmanager
async def _fleet(workshop: Workshop, plane: ControlPlane) -> Any:
    environ = {"BENCH_HOST_TOKEN": plane.host_token, "BENCH_API_KEY": plane.api_key}
    async with workshop.program("fleet", "bench.fleet", plane.address, environ=environ) as fleet:
        yield fleet


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--hosts", type=int, default=1_000)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--events-per-second", type=float, default=5_200)
    arguments = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="load-", dir=RESULTS, ignore_cleanup_errors=True) as directory:
        return run_to_end(measure(Path(directory), arguments))


if __name__ == "__main__":
    sys.exit(main())
