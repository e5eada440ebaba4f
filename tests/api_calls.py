"""Calls that many tests of the control plane make, in as few words as they need."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import browser_sessions_pb2, hosts_pb2, runs_pb2

from tests.fake_host import PATIENCE, FakeHost


def seconds(count: float) -> Duration:
    """A proto length."""
    return Duration(seconds=int(count), nanos=int(count % 1 * 1e9))


def minutes(count: float) -> Duration:
    """A proto length."""
    return seconds(count * 60)


async def running_session(api, host: FakeHost, **fields: Any):
    """A session whose browser is up: its Launch command."""
    answer = await api.sessions.CreateBrowserSession(browser_sessions_pb2.CreateBrowserSessionRequest(**fields))
    launch = await host.launch()
    assert launch.browser_session_id == answer.browser_session.browser_session_id
    return launch


async def get_session(api, browser_session_id: str) -> Any:
    """The session now."""
    request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=browser_session_id)
    return (await api.sessions.GetBrowserSession(request)).browser_session


async def close_session(api, browser_session_id: str) -> Any:
    """Close the session."""
    request = browser_sessions_pb2.CloseBrowserSessionRequest(browser_session_id=browser_session_id)
    return (await api.sessions.CloseBrowserSession(request)).browser_session


async def run_task(api, browser_session_id: str = "", prompt: str = "open the shop", **fields: Any) -> Any:
    """Store a task."""
    if fields.get("actions"):
        prompt = ""
    request = runs_pb2.RunTaskRequest(browser_session_id=browser_session_id, prompt=prompt, **fields)
    return (await api.runs.RunTask(request)).run


async def get_run(api, run_id: str, **fields: Any) -> Any:
    """The run now."""
    return (await api.runs.GetRun(runs_pb2.GetRunRequest(run_id=run_id, **fields))).run


async def cancel_run(api, run_id: str) -> Any:
    """Cancel the run."""
    return (await api.runs.CancelRun(runs_pb2.CancelRunRequest(run_id=run_id))).run


def watch_run(api, run_id: str, after_seq: int = 0) -> Any:
    """A stream of the run's updates."""
    return api.runs.WatchRun(runs_pb2.WatchRunRequest(run_id=run_id, after_seq=after_seq))


async def next_of(stream: Any) -> Any:
    """The next message of a stream, waited for a bounded time."""
    return await asyncio.wait_for(stream.read(), PATIENCE)


async def all_of(stream: Any) -> list[Any]:
    """All messages until the stream ends, waited for a bounded time."""

    async def collect() -> list[Any]:
        messages = []
        while (message := await stream.read()) is not grpc.aio.EOF:
            messages.append(message)
        return messages

    return await asyncio.wait_for(collect(), PATIENCE)


async def get_host(api: Any, host_id: str = "host-a") -> Any:
    """The host now."""
    return (await api.hosts.GetHost(hosts_pb2.GetHostRequest(host_id=host_id))).host


async def drain_host(api: Any, host_id: str = "host-a", **fields: Any) -> Any:
    """Drain the host."""
    return (await api.hosts.DrainHost(hosts_pb2.DrainHostRequest(host_id=host_id, **fields))).host
