"""Deadlines over a restart of the control plane, though the wall clock was set while it was down.

Deadlines are stored as wall time, and a process reads the wall clock once, at its start. How long it was down says the
clock that never steps, as long as the machine was not booted meanwhile. Otherwise nothing here knows, and the hosts are
waited for, whose own clocks say how old their browsers are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from control_plane.clock import Clock
from control_plane.entities.hosts import Host
from control_plane.entities.sessions import SessionState, shifted
from control_plane.moves.effects import Log
from control_plane.moves.turns import save_run, save_session
from control_plane.store import Transaction

_NO_STEP = timedelta(seconds=1)
"""A smaller difference is two clocks running apart."""


def step(tx: Transaction, clock: Clock) -> timedelta | None:
    """How far the wall clock was set since the last start; None when that cannot be known. Remembers this start."""
    now, monotonic = clock.now(), clock.monotonic()
    began, origin, stood_at = (tx.meta.get(name) for name in ("start_time", "start_origin", "start_monotonic"))
    tx.meta.put("start_time", now.isoformat())
    tx.meta.put("start_origin", clock.origin)
    tx.meta.put("start_monotonic", repr(monotonic))
    if not began or not stood_at or not clock.origin or origin != clock.origin or monotonic < float(stood_at):
        return None
    expected = datetime.fromisoformat(began) + timedelta(seconds=monotonic - float(stood_at))
    found = now - expected
    return found if abs(found) >= _NO_STEP else timedelta()


def shift(tx: Transaction, by: timedelta) -> None:
    """Move every deadline with the wall clock, so that as much time is left as was."""
    for session in tx.sessions.with_deadline():
        save_session(tx, session, shifted(session, by, tx.now))
    for run in tx.runs.with_deadline():
        assert run.due_time is not None
        start = run.start_time + by if run.start_time else None
        save_run(tx, run, replace(run, due_time=run.due_time + by, start_time=start, update_time=tx.now))
    for host in tx.hosts.with_deadline():
        assert host.drain_expire_time is not None
        tx.hosts.update(host, replace(host, drain_expire_time=host.drain_expire_time + by))
    fields: dict[str, object] = {"duration_ms": round(by / timedelta(milliseconds=1))}
    tx.effects.add(Log("wall clock was set", fields, logging.WARNING))


def wait_for_hosts(tx: Transaction, hosts: Iterable[Host]) -> None:
    """Let no deadline of a session pass that its host, which may come back, has not spoken of.

    A host that does not come back within its holding lease is LOST, and its sessions with it.
    """
    until = tx.now + tx.config.silent_for_lost()
    for host in hosts:
        for session in tx.sessions.placed_on(host.host_id):
            if session.state is not SessionState.RUNNING or session.due_time is None or session.due_time >= until:
                continue
            save_session(tx, session, replace(session, due_time=until))
            run = tx.runs.get(session.active_run_id) if session.active_run_id else None
            if run is not None and run.due_time is not None and run.due_time < until:
                save_run(tx, run, replace(run, due_time=until))
