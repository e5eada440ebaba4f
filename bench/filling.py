"""Fills a database with past runs and their events, through the store's own tables, before a control plane opens it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2, runs_pb2

from control_plane import first_keys
from control_plane.config import Config
from control_plane.entities.runs import Run, RunStatus, RunType
from control_plane.entities.sessions import CloseReason, Session, SessionState
from control_plane.fields import Fields
from control_plane.store import Database, Transaction
from control_plane.wire import session_wire

RUNS_PER_SESSION = 10
_RUNS_PER_MOVE = 100
_STEP = timedelta(milliseconds=400)


async def fill(data_dir: Path, runs: int, events_per_run: int) -> list[str]:
    """Store so many finished runs with so many events each, ten to a closed session; returns their ids."""
    database = await Database.open(Config(data_dir=data_dir, minimum_free_bytes=0))
    writer = asyncio.create_task(database.serve())
    try:
        # The control plane would make the keys when it finds none; made here, both sides start alike.
        await first_keys.open_keys(database, data_dir, await first_keys.pepper(database, data_dir))
        bodies = [_event(seq, events_per_run) for seq in range(1, events_per_run + 1)]
        run_ids: list[str] = []
        while len(run_ids) < runs:
            count = min(_RUNS_PER_MOVE, runs - len(run_ids))
            run_ids += await database.write(partial(_add, count=count, events=bodies))
        return run_ids
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        await database.close()


def _event(seq: int, last: int) -> runs_pb2.RunEvent:
    """A run of steps that begin and end, and the end of the run."""
    event = runs_pb2.RunEvent(seq=seq)
    if seq == last:
        event.run_finished.status = runs_pb2.RUN_STATUS_COMPLETED
    elif seq % 2:
        event.step_started.step = (seq + 1) // 2
        event.step_started.description = 'click button "Save address"'
        event.step_started.source = "rules"
        event.step_started.url = "https://shop.example/customers/4711"
    else:
        event.step_finished.step = seq // 2
        event.step_finished.outcome = runs_pb2.STEP_OUTCOME_DONE
        event.step_finished.duration.FromTimedelta(_STEP)
        event.step_finished.url = "https://shop.example/customers/4711"
        event.step_finished.target = 'button "Save address"'
        event.step_finished.screenshot_artifact_id = "art_00000000000000000000000000"
    return event


def _add(tx: Transaction, count: int, events: list[runs_pb2.RunEvent]) -> list[str]:
    run_ids: list[str] = []
    session: Session | None = None
    for number in range(count):
        if session is None or number % RUNS_PER_SESSION == 0:
            session = _session(tx)
            tx.sessions.insert(session)
        run = _run(tx, session, len(events))
        tx.runs.insert(run)
        for event in events:
            event.run_id = run.run_id
            tx.runs.append_event(run.run_id, event.seq, event.SerializeToString(deterministic=True))
        run_ids.append(run.run_id)
    return run_ids


def _session(tx: Transaction) -> Session:
    request = browser_sessions_pb2.CreateBrowserSessionRequest()
    spec = session_wire.session_spec(Fields(), request, first_keys.ORGANIZATION_ID, "")
    session = Session(
        browser_session_id=tx.new_id("pbs"), organization_id=spec.organization_id, state=SessionState.PENDING,
        timeout=spec.timeout, queue_timeout=spec.queue_timeout, browser_type=spec.browser_type, url=spec.url,
        viewport_width=spec.viewport_width, viewport_height=spec.viewport_height, labels={"team": "support"},
        create_time=tx.now, update_time=tx.now, due_time=None,
    )  # fmt: skip
    return replace(
        session, state=SessionState.CLOSED, close_reason=CloseReason.REQUESTED, close_message="closed on request",
        close_time=tx.now,
    )  # fmt: skip


def _run(tx: Transaction, session: Session, events: int) -> Run:
    prompt = "Find customer with email 'ada@example.com' and save the new address"
    plan = host_pb2.StartRun(max_steps=50)
    plan.blocks.add(block_id="task").task.prompt = prompt
    return Run(
        run_id=tx.new_id("tsk"), organization_id=session.organization_id, run_type=RunType.TASK,
        status=RunStatus.COMPLETED, browser_session_id=session.browser_session_id, owns_browser_session=False,
        plan=plan.SerializeToString(), prompt=prompt, url="", labels={"team": "support"}, max_steps=50,
        timeout=timedelta(minutes=10), create_time=tx.now, update_time=tx.now, step_count=(events - 1) // 2,
        last_seq=events, start_time=tx.now, end_time=tx.now,
    )  # fmt: skip
