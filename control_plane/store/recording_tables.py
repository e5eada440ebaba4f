"""The questions asked of the table of recordings."""

from __future__ import annotations

import sqlite3

from control_plane.entities.recordings import Recording
from control_plane.store.rows import Table

_RECORDINGS = Table(Recording, "recordings", ["recording_id"], guard="state")


class Recordings:
    """The table of recordings."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, recording: Recording) -> None:
        _RECORDINGS.insert(self._connection, recording)

    def update(self, old: Recording, new: Recording) -> None:
        _RECORDINGS.update(self._connection, old, new)

    def delete(self, recording_id: str) -> None:
        self._connection.execute("DELETE FROM recordings WHERE recording_id = ?", (recording_id,))

    def get(self, organization_id: str, recording_id: str) -> Recording | None:
        where = "WHERE organization_id = ? AND recording_id = ?"
        return _RECORDINGS.one(self._connection, where, (organization_id, recording_id))

    def of_task(self, organization_id: str, origin: str, template_key: bytes) -> Recording | None:
        where = "WHERE organization_id = ? AND template_key = ? AND origin = ?"
        return _RECORDINGS.one(self._connection, where, (organization_id, template_key, origin))

    def usable(self, organization_id: str, template_key: bytes, limit: int) -> list[Recording]:
        """Those of a task that are not demoted, on whatever site, the one used last first."""
        where = (
            "WHERE organization_id = ? AND template_key = ? AND state != 'demoted' "
            "ORDER BY update_time DESC, recording_id LIMIT ?"
        )
        return _RECORDINGS.all(self._connection, where, (organization_id, template_key, limit))

    def page(self, organization_id: str, origin: str, before: str, limit: int) -> list[Recording]:
        """The newest, from the one after `before` on; of all sites where `origin` is empty."""
        where = (
            "WHERE organization_id = ? AND (? = '' OR origin = ?) AND (? = '' OR recording_id < ?) "
            "ORDER BY recording_id DESC LIMIT ?"
        )
        arguments = (organization_id, origin, origin, before, before, limit)
        return _RECORDINGS.all(self._connection, where, arguments)

    def count(self, organization_id: str) -> int:
        query = "SELECT count(*) FROM recordings WHERE organization_id = ?"
        (count,) = self._connection.execute(query, (organization_id,)).fetchone()
        return int(count)

    def delete_oldest(self, organization_id: str) -> None:
        self._connection.execute(
            "DELETE FROM recordings WHERE recording_id = (SELECT recording_id FROM recordings "
            "WHERE organization_id = ? ORDER BY update_time, recording_id LIMIT 1)",
            (organization_id,),
        )
