"""How long a program waits for a short task that uses the published SDK of Skyvern's API, which asks every 10 s."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import runs_pb2 as runs

from bench.browsing import product
from bench.figures import Report, Row, Sample, at_most_more, interleaved, median
from bench.programs import ControlPlane, Program, ProgramFailed, Workshop

AIM = "a task of 2 s is answered within 2.2 s by the unmodified SDK"
SECONDS = 2
PROMPT = f"Wait {SECONDS} seconds"
PYTHON = Path(__file__).parents[1] / ".tools" / "skyvern" / "bin" / "python"


async def measure(workshop: Workshop) -> Report:
    """Run the same task through both, in one open session."""
    report = Report(
        "published_sdk",
        f'client.run_task("{PROMPT}", wait_for_completion=True) of the published Python SDK',
        "RunTask and a held GetRun over gRPC",
    )
    async with (
        workshop.control_plane(TABKEEP_HTTP_ADDRESS="127.0.0.1:0") as control_plane,
        workshop.browser_host(control_plane, capacity=2),
        product(control_plane) as api,
        _sdk(workshop, control_plane) as sdk,
    ):
        session_id = await api.open_session()

        async def by_sdk() -> Sample:
            answer = await sdk.ask(prompt=PROMPT, browser_session_id=session_id)
            if answer["status"] != "completed":
                raise RuntimeError(f"the task ended {answer['status']}")
            return Sample(answer["seconds"], [answer["seconds"]])

        async def by_grpc() -> Sample:
            begin = time.monotonic()
            request = runs.RunTaskRequest(prompt=PROMPT, browser_session_id=session_id)
            made = (await api.runs.RunTask(request, metadata=api.metadata)).run
            held = runs.GetRunRequest(run_id=made.run_id, wait_timeout=Duration(seconds=10 * SECONDS))
            run = (await api.runs.GetRun(held, metadata=api.metadata)).run
            if run.status != runs.RUN_STATUS_COMPLETED:
                raise RuntimeError(f"run {run.run_id} did not complete: {run.failure_message}")
            seconds = time.monotonic() - begin
            return Sample(seconds, [seconds])

        pairs = await interleaved(workshop.some(15, 3), by_sdk, by_grpc)
        await api.close_session(session_id)
    case = f"a task of {SECONDS} s"
    report.add(case, "until its answer", "ms", pairs, median)
    more = [pair.ours.seconds * 1000 - SECONDS * 1000 for pair in pairs]
    report.rows.append(
        Row(
            case, "the longest, beside the task's own time", "ms", max(more) + SECONDS * 1000, SECONDS * 1000,
            max(more), min(more), max(more), difference=True, aim=at_most_more(200),
        )
    )  # fmt: skip
    return report


@contextlib.asynccontextmanager
async def _sdk(workshop: Workshop, control_plane: ControlPlane) -> AsyncIterator[Program]:
    if not PYTHON.exists():
        raise ProgramFailed("the published SDK is not installed: make setup")
    environ = {
        "TABKEEP_URL": f"http://{control_plane.program.ready['http_address']}",
        "SKYVERN_API_KEY": control_plane.api_key,
    }
    async with workshop.program("published-sdk", "bench.skyvern_sdk", environ=environ, python=PYTHON) as program:
        yield program
