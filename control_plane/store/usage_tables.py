"""What organizations have used, asked of the table of sessions."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from control_plane.store.rows import time_text


@dataclass(frozen=True, slots=True)
class SessionUsage:
    """For how long an organization's sessions were open within some time."""

    session_time: timedelta
    """To the millisecond."""
    session_count: int
    open_session_count: int


class Usage:
    """Sums over sessions."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_sessions(self, organization_id: str, start: datetime, end: datetime, now: datetime) -> SessionUsage:
        """What was open from `start` up to `end`; open sessions count up to `now`."""
        # julianday counts in whole milliseconds, so that the sum of the rounded differences is exact.
        milliseconds, count, still_open = self._connection.execute(
            "SELECT coalesce(sum(CAST(round((julianday(min(coalesce(close_time, :now), :end))"
            " - julianday(max(start_time, :start))) * 86400000) AS INTEGER)), 0), count(*),"
            " count(*) - count(close_time)"
            " FROM sessions WHERE organization_id = :organization_id AND start_time < :end AND start_time <= :now"
            " AND coalesce(close_time, :now) >= :start",
            {
                "organization_id": organization_id,
                "start": time_text(start),
                "end": time_text(end),
                "now": time_text(now),
            },
        ).fetchone()
        return SessionUsage(timedelta(milliseconds=milliseconds), count, still_open)
