"""The questions asked of the table of credentials."""

from __future__ import annotations

import sqlite3

from control_plane.entities.credentials import Credential
from control_plane.store.rows import Table

_CREDENTIALS = Table(Credential, "credentials", ["credential_id"])


class Credentials:
    """The table of credentials."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, credential: Credential) -> None:
        _CREDENTIALS.insert(self._connection, credential)

    def get(self, organization_id: str, credential_id: str) -> Credential | None:
        where = "WHERE organization_id = ? AND credential_id = ?"
        return _CREDENTIALS.one(self._connection, where, (organization_id, credential_id))

    def of_origin(self, organization_id: str, origin: str) -> list[Credential]:
        where = "WHERE organization_id = ? AND origin = ? ORDER BY username"
        return _CREDENTIALS.all(self._connection, where, (organization_id, origin))

    def of_organization(self, organization_id: str) -> list[Credential]:
        where = "WHERE organization_id = ? ORDER BY origin, username"
        return _CREDENTIALS.all(self._connection, where, (organization_id,))

    def count(self, organization_id: str) -> int:
        query = "SELECT count(*) FROM credentials WHERE organization_id = ?"
        (count,) = self._connection.execute(query, (organization_id,)).fetchone()
        return int(count)

    def any(self) -> bool:
        (found,) = self._connection.execute("SELECT EXISTS (SELECT 1 FROM credentials)").fetchone()
        return bool(found)

    def sealed_under_others(self, key_id: str) -> list[Credential]:
        return _CREDENTIALS.all(self._connection, "WHERE key_id != ?", (key_id,))

    def update(self, old: Credential, new: Credential) -> None:
        _CREDENTIALS.update(self._connection, old, new)

    def delete(self, credential_id: str) -> None:
        self._connection.execute("DELETE FROM credentials WHERE credential_id = ?", (credential_id,))
