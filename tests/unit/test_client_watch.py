"""Watches survive broken streams: nothing is lost, nothing comes twice, and they end when the thing ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import grpc
import pytest
import tabkeep
from tabkeep import Client, RunEvent
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from tests.client_fixtures import QUICK, client, plane
from tests.scripted_control_plane import (
    BROKEN,
    HANG,
    Failure,
    ScriptedControlPlane,
    a_run,
    a_session,
    a_warning,
    shows,
)

__all__ = ["client", "plane"]

RUNNING = shows(a_run("RUNNING"))


def completed(last_seq: int) -> runs_pb2.WatchRunResponse:
    return shows(a_run("COMPLETED", last_seq=last_seq))


async def seen(client: Client, after_seq: int = 0) -> list[Any]:
    """Return what a watch yields: seqs of events, statuses of the run."""
    return [
        update.seq if isinstance(update, RunEvent) else update.status.value
        async for update in client.watch_run("tsk_1", after_seq=after_seq)
    ]


@pytest.mark.parametrize(
    "trouble",
    [
        BROKEN,
        Failure(grpc.StatusCode.UNAVAILABLE, "DRAINING"),
        Failure(grpc.StatusCode.INTERNAL, message="Failed execute_batch"),
        Failure(grpc.StatusCode.CANCELLED, message="server stopped"),
        Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "WATCHER_TOO_SLOW"),
        None,
    ],
    ids=["broken", "draining", "lost", "canceled by the server", "too slow", "ended early"],
)
async def test_a_watch_goes_on_after_the_last_event_it_received(
    plane: ScriptedControlPlane, client: Client, trouble: Failure | None
) -> None:
    cut = [] if trouble is None else [trouble]
    plane.streams(
        "RunService/WatchRun",
        [RUNNING, a_warning(1), a_warning(2), *cut],
        [RUNNING, a_warning(3), *cut],
        [RUNNING, *cut],
        [RUNNING, a_warning(4), completed(4)],
    )
    assert await seen(client) == ["running", 1, 2, 3, 4, "completed"]
    assert [request.after_seq for request in plane.requests("RunService/WatchRun")] == [0, 2, 3, 3]


async def test_a_watch_may_begin_in_the_middle(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams("RunService/WatchRun", [RUNNING, a_warning(6), BROKEN], [RUNNING, a_warning(7), completed(7)])
    assert await seen(client, after_seq=5) == ["running", 6, 7, "completed"]
    assert [request.after_seq for request in plane.requests("RunService/WatchRun")] == [5, 6]


async def test_an_event_that_is_sent_again_is_not_shown_again(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams(
        "RunService/WatchRun",
        [RUNNING, a_warning(1), a_warning(2), BROKEN],
        [RUNNING, a_warning(1), a_warning(2), a_warning(3), completed(3)],
    )
    assert await seen(client) == ["running", 1, 2, 3, "completed"]


async def test_a_gap_is_asked_for_again(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams(
        "RunService/WatchRun",
        [RUNNING, a_warning(1), a_warning(3), completed(3)],
        [RUNNING, a_warning(2), a_warning(3), completed(3)],
    )
    assert await seen(client) == ["running", 1, 2, 3, "completed"]
    assert [request.after_seq for request in plane.requests("RunService/WatchRun")] == [0, 1]


async def test_a_final_run_does_not_hide_events_that_are_missing(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams("RunService/WatchRun", [RUNNING, a_warning(1), completed(2)], [RUNNING, a_warning(2), completed(2)])
    assert await seen(client) == ["running", 1, 2, "completed"]


async def test_events_that_never_come_end_the_watch_with_an_error(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams("RunService/WatchRun", [RUNNING, a_warning(1), completed(3)])
    with pytest.raises(tabkeep.Internal, match="events 2 to 3 of run tsk_1 were not sent"):
        await seen(client)


async def test_a_watch_that_receives_nothing_new_gives_up_after_its_patience(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.streams("RunService/WatchRun", [RUNNING, BROKEN])
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(tabkeep.Unavailable):
        await seen(client)
    assert loop.time() - began >= QUICK.watch_patience.total_seconds()
    assert len(plane.requests("RunService/WatchRun")) > 2


async def test_a_watch_that_never_began_gives_up_like_a_call(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams("RunService/WatchRun", [BROKEN])
    with pytest.raises(tabkeep.Unavailable):
        await seen(client)
    assert len(plane.requests("RunService/WatchRun")) == QUICK.max_attempts


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Failure(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND"), tabkeep.NotFound),
        (Failure(grpc.StatusCode.OUT_OF_RANGE, "SEQ_BEYOND_LOG"), tabkeep.OutOfRange),
        (Failure(grpc.StatusCode.INTERNAL, "INTERNAL"), tabkeep.Internal),
    ],
)
async def test_what_the_control_plane_refuses_is_not_tried_again(
    plane: ScriptedControlPlane, client: Client, failure: Failure, kind: type[Exception]
) -> None:
    plane.streams("RunService/WatchRun", [failure])
    with pytest.raises(kind):
        await seen(client)
    assert len(plane.requests("RunService/WatchRun")) == 1


async def test_a_watch_that_is_left_ends_its_call(plane: ScriptedControlPlane, client: Client) -> None:
    plane.streams("RunService/WatchRun", [RUNNING, HANG])
    async with aclosing(client.watch_run("tsk_1")) as updates:
        assert (await anext(updates)).status == "running"  # type: ignore[union-attr]
    # The next call is served by the same connection, on which nothing of the watch is left.
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run()))
    assert (await client.get_run("tsk_1")).status == "running"


def watched(state: str, change: str = "UPDATED", **fields: Any) -> browser_sessions_pb2.WatchBrowserSessionResponse:
    number = browser_sessions_pb2.BrowserSessionState.Value(f"BROWSER_SESSION_STATE_{state}")
    return browser_sessions_pb2.WatchBrowserSessionResponse(
        change=f"BROWSER_SESSION_CHANGE_{change}",
        browser_session=a_session(state=number, **fields),
    )


async def test_a_session_s_watch_comes_back_and_does_not_repeat_its_state(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.streams(
        "BrowserSessionService/WatchBrowserSession",
        [watched("PENDING", "SNAPSHOT"), watched("RUNNING"), BROKEN],
        [watched("RUNNING", "SNAPSHOT"), watched("RUNNING", "PAGE", current_url="https://a.example/"), BROKEN],
        [watched("CLOSED", "SNAPSHOT")],
    )
    updates = [update async for update in client.watch_browser_session("pbs_1")]
    assert [(u.change.value, u.browser_session.state.value) for u in updates] == [
        ("snapshot", "pending"),
        ("updated", "running"),
        ("page", "running"),
        ("snapshot", "closed"),
    ]


async def test_an_expiry_warning_is_shown_though_nothing_else_changed(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.streams(
        "BrowserSessionService/WatchBrowserSession",
        [watched("RUNNING", "SNAPSHOT"), watched("RUNNING", "EXPIRY_WARNING"), watched("CLOSED")],
    )
    changes = [update.change.value async for update in client.watch_browser_session("pbs_1")]
    assert changes == ["snapshot", "expiry_warning", "updated"]
