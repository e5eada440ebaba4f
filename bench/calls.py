"""How many calls per second the control plane answers, and how long each takes."""

from __future__ import annotations

from functools import partial

from bench.figures import Report, Sample, cpu_microseconds, interleaved, median, p99, rate
from bench.loading import Load, Served, load
from bench.programs import Program, Workshop

AIM = "none set: the distance to a bare grpc.aio server is what keys, checks, the store, the log and spans cost"
HOSTS = 10


async def measure(workshop: Workshop) -> Report:
    """Compare GetRun and CreateBrowserSession at 1, 16 and 64 calls in flight."""
    report = Report(
        "calls",
        f"the control plane with {HOSTS} simulated hosts that have room; a created session is launched",
        "a bare grpc.aio server that answers the same calls with a ready message",
    )
    counts = {1: workshop.some(500, 100), 16: workshop.some(2000, 300), 64: workshop.some(2000, 300)}
    async with (
        workshop.control_plane() as control_plane,
        workshop.program("echo-server", "bench.echo_server") as echo_server,
        workshop.simulated_hosts(
            control_plane.address, control_plane.host_token, hosts=HOSTS, capacity=10_000
        ) as hosts,
        load(workshop) as calls,
    ):
        ours = Served(control_plane.program, control_plane.address, control_plane.api_key)
        floor = Served(echo_server, echo_server.ready["grpc_address"])
        _, sessions = await calls.calls(ours, "create_browser_session", count=20, in_flight=4)
        await hosts.ask(what="launched", count=20)
        _, runs = await calls.calls(ours, "run_task", count=20, in_flight=4, ids=sessions["made"])
        for call in ("get_run", "create_browser_session"):
            creates = call == "create_browser_session"
            for in_flight, count in counts.items():
                # A write is dearer: half as many tell as much.
                times = count // 2 if creates else count

                ours_called = partial(_call, calls, ours, call, times, in_flight, runs["made"], hosts)
                floor_called = partial(_call, calls, floor, call, times, in_flight, runs["made"], None)
                pairs = await interleaved(workshop.some(7, 2), ours_called, floor_called)
                case = f"{'CreateBrowserSession' if creates else 'GetRun'}, {in_flight} in flight"
                report.add(case, "calls per second", "/s", pairs, rate)
                report.add(case, "median", "ms", pairs, median)
                report.add(case, "p99", "ms", pairs, p99)
                report.add(case, "server's processor time", "µs each", pairs, cpu_microseconds)
    return report


async def _call(
    calls: Load, server: Served, call: str, count: int, in_flight: int, run_ids: list[str], hosts: Program | None
) -> Sample:
    """So many calls; created sessions are up before anything else is measured."""
    sample, _ = await calls.calls(server, call, count=count, in_flight=in_flight, ids=run_ids)
    if hosts is not None and call == "create_browser_session":
        await hosts.ask(what="launched", count=count)
    return sample
