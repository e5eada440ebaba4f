"""The questions asked of the table of files that callers bring."""

from __future__ import annotations

import sqlite3

from control_plane.entities.records import File
from control_plane.store.rows import Table

_FILES = Table(File, "files", ["file_id"])


class Files:
    """The table of files."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, file: File) -> None:
        _FILES.insert(self._connection, file)

    def get(self, organization_id: str, file_id: str) -> File | None:
        where = "WHERE organization_id = ? AND file_id = ?"
        return _FILES.one(self._connection, where, (organization_id, file_id))

    def by_id(self, file_id: str) -> File | None:
        """The file, whoever's it is: for links, which open one by themselves."""
        return _FILES.one(self._connection, "WHERE file_id = ?", (file_id,))

    def named(self, organization_id: str, file_name: str, limit: int) -> list[File]:
        """Those of this name, newest first."""
        where = "WHERE organization_id = ? AND file_name = ? ORDER BY file_id DESC LIMIT ?"
        return _FILES.all(self._connection, where, (organization_id, file_name, limit))

    def page(self, organization_id: str, file_name: str, before: str, limit: int) -> list[File]:
        """Those before a file_id, newest first; of this name only, unless it is empty."""
        where = (
            "WHERE organization_id = ?1 AND (?2 = '' OR file_name = ?2) AND (?3 = '' OR file_id < ?3)"
            " ORDER BY file_id DESC LIMIT ?4"
        )
        return _FILES.all(self._connection, where, (organization_id, file_name, before, limit))

    def usage(self, organization_id: str) -> tuple[int, int]:
        """How many there are, and what they take in bytes."""
        query = "SELECT count(*), coalesce(sum(size), 0) FROM files WHERE organization_id = ?"
        count, size = self._connection.execute(query, (organization_id,)).fetchone()
        return int(count), int(size)

    def ids(self) -> list[str]:
        """Of all organizations."""
        return [row[0] for row in self._connection.execute("SELECT file_id FROM files")]

    def delete(self, file_id: str) -> None:
        self._connection.execute("DELETE FROM files WHERE file_id = ?", (file_id,))
