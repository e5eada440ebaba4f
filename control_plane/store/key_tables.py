"""The questions asked of the table of keys."""

from __future__ import annotations

import sqlite3

from control_plane.entities.keys import Key
from control_plane.store.rows import Table

_KEYS = Table(Key, "keys", ["key_id"])


class Keys:
    """The table of keys."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, key_id: str) -> Key | None:
        return _KEYS.one(self._connection, "WHERE key_id = ?", (key_id,))

    def all(self) -> list[Key]:
        """Newest first."""
        return _KEYS.all(self._connection, "ORDER BY create_time DESC, key_id")

    def insert(self, key: Key) -> None:
        _KEYS.insert(self._connection, key)

    def update(self, old: Key, new: Key) -> None:
        _KEYS.update(self._connection, old, new)
