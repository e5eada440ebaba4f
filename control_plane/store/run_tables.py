"""The questions asked of the tables of runs and of their events."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from control_plane.entities.runs import Run, RunStatus
from control_plane.errors import Conflict
from control_plane.store.rows import Table, time_text

_RUNS = Table(Run, "runs", ["run_id"], guard="status")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list holds."""

    browser_session_id: str = ""
    workflow_id: str = ""
    statuses: tuple[RunStatus, ...] = ()


@dataclass(slots=True)
class Progress:
    """How far a run is, and where its session is placed."""

    run_id: str
    status: RunStatus
    last_seq: int
    step_count: int
    step_open: bool
    browser_session_id: str
    host_id: str
    fence: int


class Runs:
    """The table of runs and that of their events."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, run_id: str) -> Run | None:
        return _RUNS.one(self._connection, "WHERE run_id = ?", (run_id,))

    def of_organization(self, organization_id: str, run_id: str) -> Run | None:
        run = self.get(run_id)
        return run if run and run.organization_id == organization_id else None

    def insert(self, run: Run) -> None:
        _RUNS.insert(self._connection, run)

    def update(self, old: Run, new: Run) -> Run:
        """Write `new` over `old`; returns `new`. Raises Conflict when the status is not `old`'s any more."""
        _RUNS.update(self._connection, old, new)
        return new

    def due(self, now: datetime, limit: int) -> list[Run]:
        return _RUNS.all(
            self._connection,
            "WHERE due_time IS NOT NULL AND due_time <= ? ORDER BY due_time LIMIT ?",
            (time_text(now), limit),
        )

    def with_deadline(self) -> list[Run]:
        """All for which something is due some time."""
        return _RUNS.all(self._connection, "WHERE due_time IS NOT NULL ORDER BY rowid")

    def waiting_in(self, browser_session_id: str, limit: int = -1) -> list[Run]:
        """The oldest first."""
        return _RUNS.all(
            self._connection,
            "WHERE browser_session_id = ? AND status IN ('created', 'queued') ORDER BY rowid LIMIT ?",
            (browser_session_id, limit),
        )

    def count_waiting_in(self, browser_session_id: str) -> int:
        (count,) = self._connection.execute(
            "SELECT count(*) FROM runs WHERE browser_session_id = ? AND status IN ('created', 'queued')",
            (browser_session_id,),
        ).fetchone()
        return int(count)

    def append_event(self, run_id: str, seq: int, body: bytes) -> None:
        self._connection.execute("INSERT INTO run_events (run_id, seq, body) VALUES (?, ?, ?)", (run_id, seq, body))

    def progress(self, run_id: str) -> Progress | None:
        """How far the run is and where it is placed: the few columns that most events need."""
        row = self._connection.execute(
            "SELECT run_id, status, last_seq, step_count, step_open, browser_session_id, host_id, fence"
            " FROM runs JOIN sessions USING (browser_session_id) WHERE run_id = ?",
            (run_id,),
        ).fetchone()
        return None if row is None else Progress(row[0], RunStatus(row[1]), row[2], row[3], bool(row[4]), *row[5:])

    def record(self, events: Sequence[tuple[str, int, bytes]], progress: Iterable[Progress]) -> None:
        """Append events (run_id, seq, body), and write how far their runs are by now.

        Raises:
            Conflict: a run has another status than its progress says.
        """
        self._connection.executemany("INSERT INTO run_events (run_id, seq, body) VALUES (?, ?, ?)", events)
        rows = [(p.last_seq, p.step_count, int(p.step_open), p.run_id, p.status.value) for p in progress]
        written = self._connection.executemany(
            "UPDATE runs SET last_seq = ?, step_count = ?, step_open = ? WHERE run_id = ? AND status = ?", rows
        )
        if written.rowcount != len(rows):
            raise Conflict("a row of runs is not what it was")

    def event(self, run_id: str, seq: int) -> bytes | None:
        row = self._connection.execute(
            "SELECT body FROM run_events WHERE run_id = ? AND seq = ?", (run_id, seq)
        ).fetchone()
        return row[0] if row else None

    def events_after(self, run_id: str, seq: int, limit: int) -> list[tuple[int, bytes]]:
        return self._connection.execute(
            "SELECT seq, body FROM run_events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?", (run_id, seq, limit)
        ).fetchall()

    def page(self, organization_id: str, matching: RunFilter, before: str, limit: int) -> list[Run]:
        """Newest first, those older than the run `before` ("" for all)."""
        where, arguments = ["organization_id = ?"], [organization_id]
        if before:
            where.append("rowid < (SELECT rowid FROM runs WHERE run_id = ?)")
            arguments.append(before)
        if matching.browser_session_id:
            where.append("browser_session_id = ?")
            arguments.append(matching.browser_session_id)
        if matching.workflow_id:
            where.append("workflow_id = ?")
            arguments.append(matching.workflow_id)
        if matching.statuses:
            where.append(f"status IN ({', '.join('?' * len(matching.statuses))})")
            arguments += [status.value for status in matching.statuses]
        return _RUNS.all(
            self._connection,
            f"WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT ?",
            (*arguments, limit),
        )
