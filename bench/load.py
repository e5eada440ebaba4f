"""The load, a process of its own: makes calls, so many in flight at once, and says how long each took.

Requests: {"address", "key", "call", "in_flight", "count", "ids"}. `ids` are what the calls are about, taken in turn.
Answers: {"seconds", "begins", "latencies", "made"}; `begins` are on the machine's monotonic clock, `made` are the ids
of what was made.
"""

from __future__ import annotations

import os

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import asyncio
import itertools
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from tabkeep.v1 import browser_sessions_pb2 as sessions_pb
from tabkeep.v1 import browser_sessions_pb2_grpc as sessions_grpc
from tabkeep.v1 import runs_pb2 as runs_pb
from tabkeep.v1 import runs_pb2_grpc as runs_grpc

from bench import json_lines

PROMPT = (
    "Find customer with email 'ada@example.com', open the record, change the delivery address to the one in the last "
    "order and save; then go back to the list and wait until it shows the new address"
)
_TIMEOUT = 30.0
"""Seconds after which a call, and with it the measurement, has failed."""

Call = Callable[[str], Awaitable[str]]
"""Makes one call about an id; returns the id of what it made, or ""."""


class Target:
    """A server under load."""

    def __init__(self, address: str, key: str) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channel = grpc.aio.insecure_channel(address, options=options)
        self._sessions: Any = sessions_grpc.BrowserSessionServiceStub(self._channel)
        self._runs: Any = runs_grpc.RunServiceStub(self._channel)
        self._options: dict[str, Any] = {"metadata": (("x-api-key", key),), "timeout": _TIMEOUT}

    async def get_run(self, run_id: str) -> str:
        await self._runs.GetRun(runs_pb.GetRunRequest(run_id=run_id), **self._options)
        return ""

    async def list_runs(self, _: str) -> str:
        await self._runs.ListRuns(runs_pb.ListRunsRequest(page_size=50), **self._options)
        return ""

    async def watch_run(self, run_id: str) -> str:
        async for _ in self._runs.WatchRun(runs_pb.WatchRunRequest(run_id=run_id), **self._options):
            pass
        return ""

    async def run_task(self, browser_session_id: str) -> str:
        request = runs_pb.RunTaskRequest(
            prompt=PROMPT, browser_session_id=browser_session_id, request_id=str(uuid.uuid4())
        )
        response = await self._runs.RunTask(request, **self._options)
        return str(response.run.run_id)

    async def create_browser_session(self, _: str) -> str:
        request = sessions_pb.CreateBrowserSessionRequest(request_id=str(uuid.uuid4()))
        response = await self._sessions.CreateBrowserSession(request, **self._options)
        return str(response.browser_session.browser_session_id)

    async def close_browser_session(self, browser_session_id: str) -> str:
        request = sessions_pb.CloseBrowserSessionRequest(browser_session_id=browser_session_id)
        await self._sessions.CloseBrowserSession(request, **self._options)
        return ""

    async def close(self) -> None:
        await self._channel.close()


async def _measure(call: Call, ids: list[str], count: int, in_flight: int) -> dict[str, Any]:
    about = itertools.islice(itertools.cycle(ids or [""]), count)
    begins: list[float] = []
    latencies: list[float] = []
    made: list[str] = []

    async def one_after_another() -> None:
        for each in about:
            begin = time.monotonic()
            result = await call(each)
            latencies.append(time.monotonic() - begin)
            begins.append(begin)
            made.append(result)

    first = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one_after_another())
    seconds = time.monotonic() - first
    return {"seconds": seconds, "begins": begins, "latencies": latencies, "made": made}


async def main() -> None:
    """Answer requests until the end."""
    targets: dict[str, Target] = {}
    json_lines.say(event="ready")
    async for request in json_lines.requests():
        address = request["address"]
        target = targets.get(address) or targets.setdefault(address, Target(address, request["key"]))
        answer = await _measure(
            getattr(target, request["call"]), request["ids"], request["count"], request["in_flight"]
        )
        json_lines.say(**answer)
    for target in targets.values():
        await target.close()


if __name__ == "__main__":
    json_lines.run(main())
