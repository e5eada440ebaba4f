"""`async with client.browser_session()` closes its session whatever happens."""

from __future__ import annotations

import asyncio

import grpc
import pytest
import tabkeep
from tabkeep import Client
from tabkeep.v1 import browser_sessions_pb2

from tests.client_fixtures import client, plane
from tests.scripted_control_plane import HANG, Failure, Held, ScriptedControlPlane, a_session

__all__ = ["client", "plane"]

CREATE = "BrowserSessionService/CreateBrowserSession"
CLOSE = "BrowserSessionService/CloseBrowserSession"
CREATED = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session())
CLOSED = browser_sessions_pb2.CloseBrowserSessionResponse(
    browser_session=a_session(state=browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED)
)


@pytest.fixture(autouse=True)
def answers(plane: ScriptedControlPlane) -> None:
    plane.answers(CREATE, CREATED)
    plane.answers(CLOSE, CLOSED)


def closed(plane: ScriptedControlPlane) -> list[str]:
    return [request.browser_session_id for request in plane.requests(CLOSE)]


async def test_it_is_closed_at_the_end_of_the_block(plane: ScriptedControlPlane, client: Client) -> None:
    async with client.browser_session(timeout=30) as session:
        assert session.browser_session_id == "pbs_1"
        assert closed(plane) == []
    assert closed(plane) == ["pbs_1"]
    assert plane.requests(CREATE)[0].timeout.seconds == 1800


async def test_it_is_closed_when_the_block_fails(plane: ScriptedControlPlane, client: Client) -> None:
    with pytest.raises(ZeroDivisionError):
        async with client.browser_session():
            raise ZeroDivisionError
    assert closed(plane) == ["pbs_1"]


async def test_it_is_closed_when_the_block_is_canceled(plane: ScriptedControlPlane, client: Client) -> None:
    opened = asyncio.Event()

    async def work() -> None:
        async with client.browser_session():
            opened.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await opened.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed(plane) == ["pbs_1"]


async def test_a_second_cancellation_does_not_stop_the_closing(plane: ScriptedControlPlane, client: Client) -> None:
    opened = asyncio.Event()

    async def work() -> None:
        async with client.browser_session():
            opened.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await opened.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed(plane) == ["pbs_1"]


async def test_a_session_whose_opening_is_canceled_is_closed(plane: ScriptedControlPlane, client: Client) -> None:
    answer = Held(CREATED)
    plane.answers(CREATE, answer)
    entered = False

    async def work() -> None:
        nonlocal entered
        async with client.browser_session():
            entered = True

    task = asyncio.create_task(work())
    await asyncio.to_thread(plane.wait_for, CREATE)
    task.cancel()
    answer.let_go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not entered
    assert closed(plane) == ["pbs_1"]


async def test_an_opening_that_fails_closes_nothing(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers(CREATE, Failure(grpc.StatusCode.FAILED_PRECONDITION, "BROWSER_NOT_OFFERED"))
    with pytest.raises(tabkeep.BrowserNotOffered):
        async with client.browser_session(browser_type="msedge"):
            pytest.fail("there is no session")
    assert closed(plane) == []


async def test_a_closing_that_fails_is_raised(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers(CLOSE, Failure(grpc.StatusCode.INTERNAL, "INTERNAL"))
    with pytest.raises(tabkeep.Internal):
        async with client.browser_session():
            pass


async def test_a_closing_that_fails_does_not_hide_the_block_s_error(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.answers(CLOSE, Failure(grpc.StatusCode.INTERNAL, "INTERNAL", "incident 42"))
    with pytest.raises(ZeroDivisionError) as raised:
        async with client.browser_session():
            raise ZeroDivisionError
    assert raised.value.__notes__ == ["browser session pbs_1 could not be closed: incident 42 [INTERNAL/INTERNAL]"]


async def test_cancellation_ends_a_call_that_hangs(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers("RunService/GetRun", HANG)
    task = asyncio.create_task(client.get_run("tsk_1"))
    await asyncio.to_thread(plane.wait_for, "RunService/GetRun")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
