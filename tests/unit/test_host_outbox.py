"""The outbox: events in order, sent again until acknowledged, bounded without dropping."""

from __future__ import annotations

import asyncio

import pytest
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.messages import EventAck, Placement
from browser_host.outbox import MAX_EVENT_BYTES, EventTooLarge, Outbox, RunStopped
from tests.host_fakes import virtual_time

PLACEMENT = Placement("pbs_1", 7)


def an_event(run_id: str, seq: int, message: str = "") -> RunEvent:
    return RunEvent(run_id=run_id, seq=seq, warning=runs_pb2.Warning(code="TEST", message=message))


def sent(outbox: Outbox) -> list[tuple[str, int]]:
    batch = outbox.take_batch()
    return [(hosted.event.run_id, hosted.event.seq) for hosted in batch.events] if batch else []


@virtual_time
async def test_events_are_sent_once_on_a_stream_and_in_order() -> None:
    outbox = Outbox()
    for seq in (1, 2, 3):
        outbox.add(PLACEMENT, an_event("tsk_1", seq))
    assert sent(outbox) == [("tsk_1", 1), ("tsk_1", 2), ("tsk_1", 3)]
    assert sent(outbox) == []


@virtual_time
async def test_a_new_stream_carries_everything_that_is_not_acknowledged() -> None:
    outbox = Outbox()
    for seq in (1, 2, 3):
        outbox.add(PLACEMENT, an_event("tsk_1", seq))
    sent(outbox)
    outbox.acknowledged(EventAck("tsk_1", 2))
    outbox.resend_all()
    assert sent(outbox) == [("tsk_1", 3)]


@virtual_time
async def test_resend_starts_at_the_missing_event_and_keeps_what_was_never_sent() -> None:
    outbox = Outbox()
    for seq in (1, 2, 3):
        outbox.add(PLACEMENT, an_event("tsk_1", seq))
    sent(outbox)
    outbox.add(PLACEMENT, an_event("tsk_1", 4))
    outbox.resend("tsk_1", 2)
    assert sent(outbox) == [("tsk_1", 2), ("tsk_1", 3), ("tsk_1", 4)]


@virtual_time
async def test_an_ack_is_cumulative_and_a_late_one_takes_nothing_back() -> None:
    outbox = Outbox()
    for seq in (1, 2, 3):
        outbox.add(PLACEMENT, an_event("tsk_1", seq))
    outbox.acknowledged(EventAck("tsk_1", 2))
    outbox.acknowledged(EventAck("tsk_1", 1))
    assert [(run.run_id, run.last_seq) for run in outbox.progress()] == [("tsk_1", 3)]
    assert len(outbox) == 1
    outbox.acknowledged(EventAck("tsk_1", 3))
    assert outbox.progress() == ()


@virtual_time
async def test_a_batch_holds_at_most_256_events() -> None:
    outbox = Outbox()
    for seq in range(1, 301):
        outbox.add(PLACEMENT, an_event("tsk_1", seq))
    assert len(sent(outbox)) == 256
    assert sent(outbox)[0] == ("tsk_1", 257)


@virtual_time
async def test_a_batch_stays_below_a_megabyte() -> None:
    outbox = Outbox()
    for seq in (1, 2, 3):
        outbox.add(PLACEMENT, an_event("tsk_1", seq, "x" * 600_000))
    assert sent(outbox) == [("tsk_1", 1)]
    assert sent(outbox) == [("tsk_1", 2)]


@virtual_time
async def test_a_full_outbox_makes_runs_wait_and_drops_nothing() -> None:
    outbox = Outbox(max_events=2)
    outbox.add(PLACEMENT, an_event("tsk_1", 1))
    outbox.add(PLACEMENT, an_event("tsk_1", 2))
    waiting = asyncio.create_task(outbox.wait_for_room())
    await asyncio.sleep(3600)
    assert not waiting.done()
    outbox.acknowledged(EventAck("tsk_1", 1))
    await waiting
    assert len(outbox) == 1


@virtual_time
async def test_bytes_bound_the_outbox_too() -> None:
    outbox = Outbox(max_bytes=1000)
    outbox.add(PLACEMENT, an_event("tsk_1", 1, "x" * 2000))
    waiting = asyncio.create_task(outbox.wait_for_room())
    await asyncio.sleep(1)
    assert not waiting.done()
    outbox.drop("tsk_1")
    await waiting


@virtual_time
async def test_stored_returns_with_the_ack_and_not_before() -> None:
    outbox = Outbox()
    outbox.add(PLACEMENT, an_event("tsk_1", 1))
    outbox.add(PLACEMENT, an_event("tsk_1", 2))
    stored = asyncio.create_task(outbox.stored("tsk_1", 2))
    await asyncio.sleep(1)
    outbox.acknowledged(EventAck("tsk_1", 1))
    await asyncio.sleep(1)
    assert not stored.done()
    outbox.acknowledged(EventAck("tsk_1", 2))
    await stored
    await outbox.stored("tsk_1", 2)


@virtual_time
async def test_dropping_a_run_releases_whoever_waits_for_it() -> None:
    outbox = Outbox()
    outbox.add(PLACEMENT, an_event("tsk_1", 1))
    outbox.add(PLACEMENT, an_event("tsk_2", 1))
    stored = asyncio.create_task(outbox.stored("tsk_1", 1))
    await asyncio.sleep(0)
    outbox.drop("tsk_1")
    with pytest.raises(RunStopped):
        await stored
    assert sent(outbox) == [("tsk_2", 1)]


@virtual_time
async def test_an_event_that_no_message_could_carry_is_refused() -> None:
    outbox = Outbox()
    with pytest.raises(EventTooLarge, match=str(MAX_EVENT_BYTES)):
        outbox.add(PLACEMENT, an_event("tsk_1", 1, "x" * MAX_EVENT_BYTES))
    assert len(outbox) == 0
