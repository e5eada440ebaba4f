"""The questions asked of the table of request ids."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from control_plane.store.rows import time_text


class Requests:
    """The table of request ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, organization_id: str, method: str, request_id: str) -> tuple[bytes, str] | None:
        """The fingerprint and resource_id of an earlier request."""
        row = self._connection.execute(
            "SELECT fingerprint, resource_id FROM requests WHERE organization_id = ? AND method = ? AND request_id = ?",
            (organization_id, method, request_id),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def insert(
        self, organization_id: str, method: str, request_id: str, fingerprint: bytes, resource_id: str, now: datetime
    ) -> None:
        self._connection.execute(
            "INSERT INTO requests (organization_id, method, request_id, fingerprint, resource_id, create_time)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (organization_id, method, request_id, fingerprint, resource_id, time_text(now)),
        )

    def forget_before(self, time: datetime, limit: int) -> None:
        self._connection.execute(
            "DELETE FROM requests WHERE (organization_id, method, request_id) IN (SELECT organization_id, method,"
            " request_id FROM requests WHERE create_time < ? ORDER BY create_time LIMIT ?)",
            (time_text(time), limit),
        )
