"""What must be true when the soak has calmed down: of the database, the site's own log, the processes and files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from tabkeep.v1 import runs_pb2

from bench.site import Site
from tests.chaos.control_plane_program import ControlPlaneProgram
from tests.soak.callers import Account
from tests.soak.programs import RealHost
from tests.soak.simulated import SimulatedHost, made

MOST_THREADS = float(min(32, (os.cpu_count() or 1) + 4))
"""More than at the baseline: asyncio's pool for blocking calls keeps the threads it once needed, at most this many."""
MOST_MEBIBYTES = {"control plane": 192.0, "host": 64.0}
"""More than at the baseline: the store's two caches may grow to 64 MiB each, and allocators keep what they had."""


def of_database(program: ControlPlaneProgram, account: Account, simulated: Iterable[SimulatedHost]) -> list[str]:
    """What of all that was acknowledged is lost, doubled or never ended."""
    wrong: list[str] = []
    if (verdict := program.query("PRAGMA integrity_check")) != [("ok",)]:
        wrong.append(f"the database is damaged: {verdict}")
    sessions = dict(program.query("SELECT browser_session_id, state FROM sessions"))
    runs = {row[0]: row[1:] for row in program.query("SELECT run_id, status, last_seq FROM runs")}
    wrong += [f"session {one} was acknowledged and is lost" for one in account.sessions.values() if one not in sessions]
    wrong += [f"session {one} was closed and is {sessions[one]}" for one in account.closed if sessions[one] != "closed"]
    wrong += [f"session {one} is {state} in the end" for one, state in sessions.items() if state != "closed"]
    for run_id, shown in account.runs.items():
        if run_id not in runs:
            wrong.append(f"run {run_id} was acknowledged and is lost")
        elif (status := runs_pb2.RunStatus.Name(shown.status).removeprefix("RUN_STATUS_").lower()) != runs[run_id][0]:
            wrong.append(f"run {run_id} was shown {status} in the end and is {runs[run_id][0]}")
    unreleased = program.query("SELECT fence FROM placements WHERE release_time IS NULL")
    wrong += [f"the place of fence {fence} is still taken" for (fence,) in unreleased]
    counts = program.query("SELECT run_id, count(*), max(seq) FROM run_events GROUP BY run_id")
    wrong += [f"run {run_id} has {count} events up to {last}" for run_id, count, last in counts if count != last]
    stored = {run_id: count for run_id, count, _ in counts}
    for host in simulated:
        for run_id, seq in host.acknowledged.items():
            if stored.get(run_id, 0) < seq:
                wrong.append(f"events of {run_id} up to {seq} were acknowledged, {stored.get(run_id, 0)} are stored")
            rows = program.query(f"SELECT seq, body FROM run_events WHERE run_id = '{run_id}'")
            if any(body != made(run_id, number).SerializeToString(deterministic=True) for number, body in rows):
                wrong.append(f"run {run_id} has an event that was not sent")
    return wrong


def of_site(program: ControlPlaneProgram, account: Account, site: Site) -> list[str]:
    """Whether what the pages saw is what the runs say."""
    wrong = []
    begun = dict(program.query("SELECT run_id, step_count FROM runs"))
    for run_id, visit in account.visits.items():
        clicks, run = site.did[visit], account.runs[run_id]
        if clicks > 1:
            wrong.append(f"run {run_id} clicked {clicks} times")
        if clicks and begun[run_id] < 2:
            wrong.append(f"run {run_id} clicked, and only {begun[run_id]} steps are stored")
        if run.status == runs_pb2.RUN_STATUS_COMPLETED and clicks != 1:
            wrong.append(f"run {run_id} is COMPLETED and clicked {clicks} times")
        if run.status != runs_pb2.RUN_STATUS_COMPLETED and run.safe_to_retry and clicks:
            wrong.append(f"run {run_id} is called safe to retry and clicked")
    return wrong


def of_hosts(hosts: Iterable[RealHost]) -> list[str]:
    """Browsers that outlived their sessions."""
    left = {host.name: host.browsers() for host in hosts}
    return [f"{name} still has {len(processes)} browser processes" for name, processes in left.items() if processes]


def leaks(baseline: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What a program holds more of than at the baseline."""
    found = []
    for name, before in baseline.items():
        kind = "control plane" if name == "control plane" else "host"
        for what, held in now[name].items():
            count = before.get(what, 0.0)
            allowed = count + {"MiB": MOST_MEBIBYTES[kind], "threads": MOST_THREADS}.get(what, 0.0)
            if held > allowed:
                found.append(f"{name}: {held:g} {what}, {count:g} at the baseline")
    return found


def table(baseline: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]) -> str:
    """Before and after of every program in Markdown; of single kinds of tasks only those that changed."""
    rows = [
        f"| {name} | {what} | {before.get(what, 0.0):.0f} | {held:.0f} |"
        for name, before in baseline.items()
        for what, held in now[name].items()
        if not what.startswith("tasks in ") or held != before.get(what, 0.0)
    ]
    return "\n".join(["| program | holds | before | after |", "|---|---|---:|---:|", *rows])
