"""The questions asked of the tables of sessions and of their placements."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from control_plane.entities.hosts import Host
from control_plane.entities.sessions import Session, SessionState
from control_plane.store.rows import Table, time_text

_SESSIONS = Table(Session, "sessions", ["browser_session_id"], guard="state")


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a list holds."""

    states: tuple[SessionState, ...] = ()
    labels: Mapping[str, str] | None = None


class Sessions:
    """The table of sessions and that of their placements."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, browser_session_id: str) -> Session | None:
        return _SESSIONS.one(self._connection, "WHERE browser_session_id = ?", (browser_session_id,))

    def of_organization(self, organization_id: str, browser_session_id: str) -> Session | None:
        session = self.get(browser_session_id)
        return session if session and session.organization_id == organization_id else None

    def insert(self, session: Session) -> None:
        _SESSIONS.insert(self._connection, session)

    def update(self, old: Session, new: Session) -> Session:
        """Write `new` over `old`; returns `new`. Raises Conflict when the state is not `old`'s any more."""
        _SESSIONS.update(self._connection, old, new)
        return new

    def due(self, now: datetime, limit: int) -> list[Session]:
        return _SESSIONS.all(
            self._connection,
            "WHERE due_time IS NOT NULL AND due_time <= ? ORDER BY due_time LIMIT ?",
            (time_text(now), limit),
        )

    def profile_saves_due(self, now: datetime, limit: int) -> list[Session]:
        return _SESSIONS.all(
            self._connection,
            "WHERE profile_due_time IS NOT NULL AND profile_due_time <= ? ORDER BY profile_due_time LIMIT ?",
            (time_text(now), limit),
        )

    def with_deadline(self) -> list[Session]:
        """All for which something is due some time."""
        return _SESSIONS.all(self._connection, "WHERE due_time IS NOT NULL ORDER BY browser_session_id")

    def pending(self, limit: int) -> list[Session]:
        """The oldest first."""
        return _SESSIONS.all(self._connection, "WHERE state = 'pending' ORDER BY browser_session_id LIMIT ?", (limit,))

    def with_cdp_client(self) -> list[Session]:
        return _SESSIONS.all(self._connection, "WHERE cdp_client_id != '' ORDER BY browser_session_id")

    def placed_on(self, host_id: str) -> list[Session]:
        """Sessions whose place on the host is not released, CLOSED ones among them."""
        return _SESSIONS.all(
            self._connection,
            "WHERE browser_session_id IN (SELECT browser_session_id FROM placements"
            " WHERE host_id = ? AND release_time IS NULL) ORDER BY browser_session_id",
            (host_id,),
        )

    def place(self, browser_session_id: str, host: Host, now: datetime) -> int:
        """Store a placement; returns its fence, higher than all before."""
        cursor = self._connection.execute(
            "INSERT INTO placements (browser_session_id, host_id, incarnation, create_time) VALUES (?, ?, ?, ?)",
            (browser_session_id, host.host_id, host.incarnation, time_text(now)),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def was_placed(self, browser_session_id: str, fence: int, host_id: str) -> bool:
        """Whether the host was ever given the session under this fence."""
        row = self._connection.execute(
            "SELECT browser_session_id, host_id FROM placements WHERE fence = ?", (fence,)
        ).fetchone()
        return row is not None and tuple(row) == (browser_session_id, host_id)

    def number_fences_from(self, fence: int) -> None:
        """Let the next placement have at least this fence."""
        self._connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'placements', 0"
            " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'placements')"
        )
        self._connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'placements'", (fence - 1,))

    def release(self, browser_session_id: str, fence: int, now: datetime) -> str:
        """Release a placement; returns the host that owed it, "" when it was released before or never was."""
        row = self._connection.execute(
            "UPDATE placements SET release_time = ? WHERE fence = ? AND browser_session_id = ?"
            " AND release_time IS NULL RETURNING host_id",
            (time_text(now), fence, browser_session_id),
        ).fetchone()
        return row[0] if row else ""

    def place_of(self, browser_session_id: str) -> tuple[str, int] | None:
        """The host and fence of the session's place that is not released."""
        row = self._connection.execute(
            "SELECT host_id, fence FROM placements WHERE browser_session_id = ? AND release_time IS NULL",
            (browser_session_id,),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def page(self, organization_id: str, matching: SessionFilter, before: str, limit: int) -> list[Session]:
        """Newest first, those older than `before` ("" for all)."""
        where, arguments = ["organization_id = ?"], [organization_id]
        if before:
            where.append("browser_session_id < ?")
            arguments.append(before)
        if matching.states:
            where.append(f"state IN ({', '.join('?' * len(matching.states))})")
            arguments += [state.value for state in matching.states]
        for key, value in sorted((matching.labels or {}).items()):
            where.append("json_extract(labels, ?) = ?")
            arguments += [f"$.{json.dumps(key)}", value]
        return _SESSIONS.all(
            self._connection,
            f"WHERE {' AND '.join(where)} ORDER BY browser_session_id DESC LIMIT ?",
            (*arguments, limit),
        )
