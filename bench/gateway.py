"""What HTTP costs beside gRPC, and what it costs gRPC, with which it shares a process and an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import runs_pb2, runs_pb2_grpc

from bench.figures import Report, Row, Sample, at_most, cpu_microseconds, interleaved, median, p99
from bench.http_load import Connection
from bench.loading import Load, Served, load
from bench.programs import ControlPlane, Program, Workshop

AIM = "gRPC's median latency with the gateway under load is at most 1.2 times that without"
HELD = 1_000
RATE = 250.0
"""HTTP requests a second that count as load."""


async def measure(workshop: Workshop) -> Report:
    """Measure both doors of one control plane, and each beside the other."""
    report = Report(
        "gateway",
        "over HTTP/JSON, with a bare client; in the cases about gRPC, gRPC while HTTP is under load",
        "the same calls over gRPC; in the cases about gRPC, gRPC alone",
    )
    async with (
        workshop.control_plane(TABKEEP_HTTP_ADDRESS="127.0.0.1:0") as control_plane,
        workshop.program("http-load", "bench.http_load") as http,
        load(workshop) as calls,
    ):
        server = Served(control_plane.program, control_plane.address, control_plane.api_key)
        over_http = Served(control_plane.program, control_plane.program.ready["http_address"], control_plane.api_key)
        _, sessions = await calls.calls(server, "create_browser_session", count=20, in_flight=4)
        _, runs = await calls.calls(server, "run_task", count=20, in_flight=4, ids=sessions["made"])
        run_ids = runs["made"]
        await _latencies(workshop, report, calls, http, server, over_http, run_ids, "get_run", workshop.some(1000, 200))
        await _held_polls(workshop, report, control_plane, over_http)
        await _beside_grpc(workshop, report, calls, http, server, over_http, run_ids)
        # At the end: what is made waits for a host in vain, and gives up while the next case would be measured.
        create = "create_browser_session"
        await _latencies(workshop, report, calls, http, server, over_http, run_ids, create, workshop.some(500, 100))
    return report


async def _latencies(
    workshop: Workshop,
    report: Report,
    calls: Load,
    http: Program,
    server: Served,
    over_http: Served,
    ids: list[str],
    call: str,
    times: int,
) -> None:
    for in_flight in (1, 16):
        pairs = await interleaved(
            workshop.some(7, 2),
            partial(_over_http, http, over_http, call, times, in_flight, ids),
            partial(_over_grpc, calls, server, call, times, in_flight, ids),
        )
        case = f"{'create' if call.startswith('create') else 'get'}, {in_flight} in flight"
        report.add(case, "median", "ms", pairs, median)
        report.add(case, "p99", "ms", pairs, p99)
        report.add(case, "server's processor time", "µs each", pairs, cpu_microseconds)


async def _over_http(http: Program, server: Served, call: str, count: int, in_flight: int, ids: list[str]) -> Sample:
    before = server.program.cpu_seconds()
    answer = await http.ask(
        what="calls", address=server.address, key=server.key, call=call, in_flight=in_flight, count=count, ids=ids
    )
    return Sample(answer["seconds"], answer["latencies"], server.program.cpu_seconds() - before)


async def _over_grpc(calls: Load, server: Served, call: str, count: int, in_flight: int, ids: list[str]) -> Sample:
    sample, _ = await calls.calls(server, call, count=count, in_flight=in_flight, ids=ids)
    return sample


async def _held_polls(workshop: Workshop, report: Report, plane: ControlPlane, over_http: Served) -> None:
    """From the call that cancels a run to the answer of the poll that was held for it."""
    times = workshop.some(40, 10)
    metadata = (("x-api-key", plane.api_key),)
    async with grpc.aio.insecure_channel(plane.address) as channel:
        stub: Any = runs_pb2_grpc.RunServiceStub(channel)
        connection = Connection(over_http.address, over_http.key)

        async def by_http(run_id: str) -> None:
            await connection.ask("GET", f"runs/{run_id}?waitTimeout=20s")

        async def by_grpc(run_id: str) -> None:
            await stub.GetRun(
                runs_pb2.GetRunRequest(run_id=run_id, wait_timeout=Duration(seconds=20)), metadata=metadata
            )

        async def sample(poll: Any) -> Sample:
            latencies = []
            for _ in range(times):
                made = await stub.RunTask(runs_pb2.RunTaskRequest(prompt="x"), metadata=metadata)
                held = asyncio.create_task(poll(made.run.run_id))
                await asyncio.sleep(0.02)  # until it is held
                begin = time.monotonic()
                await stub.CancelRun(runs_pb2.CancelRunRequest(run_id=made.run.run_id), metadata=metadata)
                await held
                latencies.append(time.monotonic() - begin)
            return Sample(sum(latencies), latencies)

        pairs = await interleaved(workshop.some(5, 2), partial(sample, by_http), partial(sample, by_grpc))
        connection.close()
    report.add("held poll, from CancelRun to its answer", "median", "ms", pairs, median)
    report.add("held poll, from CancelRun to its answer", "p99", "ms", pairs, p99)


async def _beside_grpc(
    workshop: Workshop, report: Report, calls: Load, http: Program, server: Served, over_http: Served, ids: list[str]
) -> None:
    times = workshop.some(1000, 300)
    alone = partial(_over_grpc, calls, server, "get_run", times, 1, ids)

    async def under_load() -> Sample:
        await http.ask(what="keep_on", address=over_http.address, key=over_http.key, call="get_run", rate=RATE, ids=ids)
        try:
            return await alone()
        finally:
            await http.ask(what="rest")

    pairs = await interleaved(workshop.some(11, 3), under_load, alone)
    case = f"gRPC's GetRun while HTTP answers {RATE:g} GETs a second"
    report.add(case, "median", "ms", pairs, median, aim=at_most(1.2))
    report.add(case, "p99", "ms", pairs, p99)

    before = server.program.memory_bytes()
    await _hold(http, over_http, ids)
    memory = server.program.memory_bytes() - before
    cpu_seconds, began = server.program.cpu_seconds(), time.monotonic()
    await asyncio.sleep(workshop.some(10, 3))
    share = (server.program.cpu_seconds() - cpu_seconds) / (time.monotonic() - began)
    await http.ask(what="release")

    async def while_held() -> Sample:
        await _hold(http, over_http, ids)
        try:
            return await alone()
        finally:
            await http.ask(what="release")

    pairs = await interleaved(workshop.some(5, 2), while_held, alone)
    report.add(f"gRPC's GetRun while {HELD:,} polls are held", "median", "ms", pairs, median, aim=at_most(1.2))
    case = f"{HELD:,} held polls, each on a connection of its own"
    report.rows += [
        Row(case, "memory", "KiB each", memory / HELD / 1024, None),
        Row(case, "processor time", "% of a core", share * 100, None),
    ]
    report.notes.append(
        "The load is paced. Both doors share one event loop, so HTTP at the rate that fills it would slow gRPC down "
        "as more gRPC does."
    )


async def _hold(http: Program, server: Served, ids: Sequence[str]) -> None:
    """Hold the polls, and let the server come to all of them."""
    many = [ids[number % len(ids)] for number in range(HELD)]
    await http.ask(what="hold", address=server.address, key=server.key, ids=many)
    connection = Connection(server.address, server.key)
    await connection.ask("GET", "hosts")
    await asyncio.sleep(1.0)
    connection.close()
