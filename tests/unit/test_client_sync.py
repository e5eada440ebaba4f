"""The synchronous client is the asynchronous one without await."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import grpc
import pytest
import tabkeep
from tabkeep import RunEvent, sync
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from tests.client_fixtures import QUICK, plane
from tests.scripted_control_plane import (
    API_KEY,
    BROKEN,
    HANG,
    Failure,
    ScriptedControlPlane,
    a_run,
    a_session,
    a_warning,
    shows,
)

__all__ = ["plane"]

CLOSE = "BrowserSessionService/CloseBrowserSession"


@pytest.fixture
def client(plane: ScriptedControlPlane) -> Iterator[sync.Client]:
    with sync.Client(API_KEY, plane.address, retry=QUICK) as opened:
        yield opened


def public(kind: type[object]) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_it_has_every_method_of_the_asynchronous_client_with_its_documentation() -> None:
    assert public(sync.Client) == public(tabkeep.Client)
    for name in public(tabkeep.Client) - {"address"}:
        assert inspect.getdoc(getattr(sync.Client, name)) == inspect.getdoc(getattr(tabkeep.Client, name))
    assert inspect.signature(sync.Client) == inspect.signature(tabkeep.Client)


def test_a_method_returns_the_result(plane: ScriptedControlPlane, client: sync.Client) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    plane.answers("RunService/GetRun", BROKEN, runs_pb2.GetRunResponse(run=a_run("COMPLETED")))
    run = client.run_task("Step 1", browser_session_id="pbs_1", wait_for_completion=True)
    assert run.status == "completed"
    assert client.address == plane.address


def test_an_error_has_its_type(plane: ScriptedControlPlane, client: sync.Client) -> None:
    plane.answers("RunService/GetRun", Failure(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND"))
    with pytest.raises(tabkeep.NotFound):
        client.get_run("tsk_1")


def test_a_watch_is_an_iterator_that_comes_back(plane: ScriptedControlPlane, client: sync.Client) -> None:
    final = shows(a_run("COMPLETED", last_seq=2))
    plane.streams("RunService/WatchRun", [a_warning(1), BROKEN], [a_warning(2), final])
    updates = list(client.watch_run("tsk_1"))
    assert [update.seq for update in updates if isinstance(update, RunEvent)] == [1, 2]


def test_a_watch_that_is_left_ends_its_call(plane: ScriptedControlPlane, client: sync.Client) -> None:
    plane.streams("RunService/WatchRun", [a_warning(1), HANG])
    updates = client.watch_run("tsk_1")
    assert next(updates) is not None
    updates.close()  # type: ignore[attr-defined]
    assert list(updates) == []


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_a_session_s_block_closes_it(
    plane: ScriptedControlPlane, client: sync.Client, error: type[Exception] | None
) -> None:
    answer = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session())
    plane.answers("BrowserSessionService/CreateBrowserSession", answer)
    plane.answers(CLOSE, browser_sessions_pb2.CloseBrowserSessionResponse(browser_session=a_session()))
    seen = None
    try:
        with client.browser_session(timeout=timedelta(minutes=30)) as session:
            assert session.browser_session_id == "pbs_1"
            if error:
                raise error
    except ZeroDivisionError as raised:
        seen = type(raised)
    assert seen is error
    assert [request.browser_session_id for request in plane.requests(CLOSE)] == ["pbs_1"]


def test_several_threads_may_share_a_client(plane: ScriptedControlPlane, client: sync.Client) -> None:
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run()))
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda number: client.get_run(f"tsk_{number}"), range(40)))
    assert len(runs) == 40
    assert {request.run_id for request in plane.requests("RunService/GetRun")} == {f"tsk_{n}" for n in range(40)}


def test_its_own_loop_may_not_wait_for_it(plane: ScriptedControlPlane, client: sync.Client) -> None:
    async def inside() -> None:
        client.get_run("tsk_1")

    with pytest.raises(RuntimeError, match="cannot be used from its own loop"):
        sync._thread.run(inside())


def test_ctrl_c_closes_the_session_before_the_program_ends(plane: ScriptedControlPlane) -> None:
    answer = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session())
    plane.answers("BrowserSessionService/CreateBrowserSession", answer)
    plane.answers(CLOSE, browser_sessions_pb2.CloseBrowserSessionResponse(browser_session=a_session()))
    plane.answers("RunService/GetRun", HANG)
    program = (
        "from tabkeep.sync import Client\n"
        f"with Client('{API_KEY}', '{plane.address}') as client, client.browser_session():\n"
        "    client.get_run('tsk_1')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE)
    try:
        plane.wait_for("RunService/GetRun")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert b"KeyboardInterrupt" in said
    assert [request.browser_session_id for request in plane.requests(CLOSE)] == ["pbs_1"]


def test_all_synchronous_clients_share_one_thread(plane: ScriptedControlPlane, client: sync.Client) -> None:
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run()))
    client.get_run("tsk_1")
    with sync.Client(API_KEY, plane.address) as second:
        second.get_run("tsk_1")
    assert [thread.name for thread in threading.enumerate()].count("tabkeep-client") == 1
