"""Runs on the host: events in order, one run at a time, cancelled, stopped, and ended with their session."""

from __future__ import annotations

import asyncio

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.messages import (
    CancelRun,
    Close,
    Done,
    Failure,
    Placement,
    ResolveApproval,
    StopRun,
)
from browser_host.outbox import MAX_EVENT_BYTES
from browser_host.task.journal import ActionLeaseOver, Journal
from browser_host.uploads import Upload, UploadRefused
from tests.host_fakes import FakeControlPlane, a_host, attached, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)


def start(run_id: str) -> StartRun:
    return StartRun(run_id=run_id)


def kinds(control_plane: FakeControlPlane, run_id: str) -> list[str | None]:
    return [event.WhichOneof("kind") for event in control_plane.events[run_id]]


@virtual_time
async def test_a_run_makes_numbered_events_that_end_with_run_finished() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.steps = 2
        assert await control_plane.result(control_plane.command(ONE, start("tsk_1"))) == Done()
        finished = await control_plane.finished("tsk_1")
        assert finished.status == runs_pb2.RUN_STATUS_COMPLETED
        assert kinds(control_plane, "tsk_1") == [
            "run_started",
            "step_started",
            "step_finished",
            "step_started",
            "step_finished",
            "run_finished",
        ]
        assert [event.seq for event in control_plane.events["tsk_1"]] == [1, 2, 3, 4, 5, 6]
        assert all(event.run_id == "tsk_1" and event.HasField("create_time") for event in control_plane.events["tsk_1"])


@virtual_time
async def test_no_step_acts_before_its_start_is_acknowledged() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        control_plane.answers_events = False
        control_plane.command(ONE, start("tsk_1"))
        await asyncio.sleep(60)
        assert parts.engine.acted == []


@virtual_time
async def test_the_same_start_command_twice_runs_once() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        first = control_plane.command(ONE, start("tsk_1"))
        await control_plane.finished("tsk_1")
        control_plane._command_id = first - 1
        control_plane.command(ONE, start("tsk_1"))
        control_plane.command(ONE, start("tsk_1"))
        await asyncio.sleep(5)
        assert parts.engine.acted == [("tsk_1", 1)]


@virtual_time
async def test_the_next_run_begins_only_when_the_one_before_has_ended() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        control_plane.command(ONE, start("tsk_2"))
        parts.engine.hold.set()
        assert (await control_plane.finished("tsk_2")).status == runs_pb2.RUN_STATUS_COMPLETED
        # The first one was superseded: nothing more of it is wanted, least of all a second effect.
        assert parts.engine.acted == [("tsk_1", 1), ("tsk_2", 1)]
        assert kinds(control_plane, "tsk_1")[-1] == "step_started"


@virtual_time
async def test_a_cancelled_run_ends_at_the_next_step_boundary() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.steps, parts.engine.hold = 3, asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        assert await control_plane.result(control_plane.command(ONE, CancelRun("tsk_1"))) == Done()
        parts.engine.hold.set()
        assert (await control_plane.finished("tsk_1", 2)).status == runs_pb2.RUN_STATUS_CANCELED
        assert parts.engine.acted == [("tsk_1", 1)]


@virtual_time
async def test_a_cancelled_run_that_reaches_no_boundary_is_broken_off_after_five_seconds() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        control_plane.command(ONE, CancelRun("tsk_1"))
        await asyncio.sleep(4.9)
        assert kinds(control_plane, "tsk_1")[-1] == "step_started"
        finished = await control_plane.finished("tsk_1", 1)
        assert finished.status == runs_pb2.RUN_STATUS_CANCELED
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_CANCELED


@virtual_time
async def test_a_stopped_run_says_nothing_more() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        control_plane.send(StopRun("tsk_1"))
        await asyncio.sleep(30)
        assert kinds(control_plane, "tsk_1") == ["run_started", "step_started"]
        assert len(parts.host.outbox) == 0
        parts.engine.hold.set()
        control_plane.command(ONE, start("tsk_2"))
        assert (await control_plane.finished("tsk_2")).status == runs_pb2.RUN_STATUS_COMPLETED


@virtual_time
async def test_a_run_that_is_stopped_in_the_moment_it_begins_leaves_the_session_usable() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        control_plane.command(ONE, start("tsk_1"))
        control_plane.send(StopRun("tsk_1"))
        control_plane.command(ONE, start("tsk_2"))
        assert (await control_plane.finished("tsk_2")).status == runs_pb2.RUN_STATUS_COMPLETED
        assert parts.engine.acted == [("tsk_2", 1)]


@virtual_time
async def test_a_run_whose_browser_crashes_fails_before_the_tombstone() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        parts.launcher.browsers[0].crash()
        await control_plane.tombstone(ONE, seconds=2)
        finished = await control_plane.finished("tsk_1", 0.1)
        assert finished.status == runs_pb2.RUN_STATUS_FAILED
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_BROWSER_CRASHED
        order = [type(message).__name__ for message in control_plane.received]
        assert order.index("Tombstone") > max(at for at, name in enumerate(order) if name == "EventBatch")


@virtual_time
async def test_a_run_in_a_session_that_is_closed_ends_canceled() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: parts.engine.acted, "the first step")
        control_plane.command(ONE, Close())
        finished = await control_plane.finished("tsk_1", 3)
        assert finished.status == runs_pb2.RUN_STATUS_CANCELED
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_SESSION_CLOSED


@virtual_time
async def test_a_run_that_comes_while_its_session_ends_ends_with_it() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.launcher.browsers[0].close_seconds = 2
        control_plane.command(ONE, Close())
        assert await control_plane.result(control_plane.command(ONE, start("tsk_1"))) == Done()
        finished = await control_plane.finished("tsk_1", 1)
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_SESSION_CLOSED
        assert parts.engine.acted == []


@virtual_time
async def test_an_engine_that_breaks_ends_its_run_failed_internal() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.break_with = KeyError("secret page text")
        control_plane.command(ONE, start("tsk_1"))
        finished = await control_plane.finished("tsk_1")
        assert finished.status == runs_pb2.RUN_STATUS_FAILED
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_INTERNAL
        assert "tsk_1" in finished.failure_message
        assert "secret" not in finished.failure_message


@virtual_time
async def test_an_engine_that_forgets_the_end_does_not_leave_its_run_open() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)

        async def forgets(*_: object) -> None:
            return

        parts.engine.carry_out = forgets  # type: ignore[method-assign]
        control_plane.command(ONE, start("tsk_1"))
        assert (await control_plane.finished("tsk_1")).failure_reason == runs_pb2.FAILURE_REASON_INTERNAL


@virtual_time
async def test_an_output_that_is_too_large_fails_the_run_instead_of_being_lost() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)

        async def brings_too_much(_: StartRun, __: object, journal: Journal, ___: object) -> None:
            finished = runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)
            finished.output.string_value = "x" * MAX_EVENT_BYTES
            await journal.record(RunEvent(run_finished=finished))

        parts.engine.carry_out = brings_too_much  # type: ignore[method-assign,assignment]
        control_plane.command(ONE, start("tsk_1"))
        finished = await control_plane.finished("tsk_1")
        assert finished.status == runs_pb2.RUN_STATUS_FAILED
        assert "EventTooLarge" in finished.failure_message


@virtual_time
async def test_no_action_is_allowed_once_the_action_lease_is_over() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        allowed: list[float] = []
        refused = asyncio.Event()
        go_on = asyncio.Event()

        async def acts(_: StartRun, __: object, journal: Journal, ___: object) -> None:
            allowed.append(journal.allow_action())
            await go_on.wait()
            try:
                journal.allow_action()
            except ActionLeaseOver:
                refused.set()
            await asyncio.Event().wait()

        parts.engine.carry_out = acts  # type: ignore[method-assign,assignment]
        control_plane.command(ONE, start("tsk_1"))
        await until(lambda: allowed, "the first action")
        assert 0 < allowed[0] <= 15
        control_plane.reachable = False
        assert control_plane.connection is not None
        control_plane.connection.lose()
        await asyncio.sleep(15.1)
        go_on.set()
        await asyncio.wait_for(refused.wait(), 1)


@virtual_time
async def test_an_answer_reaches_the_run_that_asks_whenever_it_comes() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        answers: list[tuple[bool, str]] = []
        ask = asyncio.Event()

        async def asks(_: StartRun, __: object, journal: Journal, ___: object) -> None:
            for approval_id in ("late", "early"):
                answer = await journal.approval(approval_id)
                answers.append((answer.approved, answer.comment))
                await ask.wait()

        parts.engine.carry_out = asks  # type: ignore[method-assign,assignment]
        control_plane.command(ONE, start("tsk_1"))
        await asyncio.sleep(1)
        control_plane.command(ONE, ResolveApproval("tsk_1", "late", True, "fine"))
        control_plane.command(ONE, ResolveApproval("tsk_1", "early", False, "no"))
        await until(lambda: answers, "the first answer")
        ask.set()
        await control_plane.finished("tsk_1")
        assert answers == [(True, "fine"), (False, "no")]


@virtual_time
async def test_a_run_ends_only_when_its_pictures_have_arrived() -> None:
    arrived: list[str] = []

    async def slow(picture: Upload) -> None:
        await asyncio.sleep(3)
        arrived.append(picture.artifact_id)

    async with attached(a_host(put=slow)) as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.engine.steps = 2
        control_plane.command(ONE, start("tsk_1"))
        await control_plane.finished("tsk_1")
        named = [
            event.step_finished.screenshot_artifact_id
            for event in control_plane.events["tsk_1"]
            if event.HasField("step_finished")
        ]
        assert arrived == named


@virtual_time
async def test_a_picture_that_is_refused_is_said_in_the_run() -> None:
    async def refuses(_: Upload) -> None:
        raise UploadRefused("FAILED_PRECONDITION: STALE_FENCE")

    async with attached(a_host(put=refuses)) as (_, control_plane):
        await control_plane.launch(ONE)
        control_plane.command(ONE, start("tsk_1"))
        assert (await control_plane.finished("tsk_1")).status == runs_pb2.RUN_STATUS_COMPLETED
        warning = control_plane.events["tsk_1"][-2].warning
        assert warning.code == "SCREENSHOT_MISSING"
        assert "STALE_FENCE" in warning.message


@virtual_time
async def test_a_run_for_a_session_that_is_not_here_fails() -> None:
    async with attached() as (_, control_plane):
        outcome = await control_plane.result(control_plane.command(ONE, start("tsk_1")))
        assert isinstance(outcome, Failure)
        assert outcome.reason == "UNKNOWN_SESSION"
