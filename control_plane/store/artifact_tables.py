"""The questions the control plane asks of its tables of artifacts."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime

from control_plane.entities.records import Artifact, ArtifactState
from control_plane.store.rows import Table, time_text

_ARTIFACTS = Table(Artifact, "artifacts", ["artifact_id"])


class Artifacts:
    """The table of artifacts, and that of what they take of each organization's quota."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, artifact_id: str) -> Artifact | None:
        return _ARTIFACTS.one(self._connection, "WHERE artifact_id = ?", (artifact_id,))

    def of_run(self, run_id: str, limit: int = -1) -> list[Artifact]:
        return _ARTIFACTS.all(
            self._connection, "WHERE run_id = ? ORDER BY create_time, artifact_id LIMIT ?", (run_id, limit)
        )

    def of_session(self, browser_session_id: str, limit: int = -1) -> list[Artifact]:
        return _ARTIFACTS.all(
            self._connection,
            "WHERE browser_session_id = ? ORDER BY create_time, artifact_id LIMIT ?",
            (browser_session_id, limit),
        )

    def insert(self, artifact: Artifact) -> None:
        _ARTIFACTS.insert(self._connection, artifact)
        if artifact.state is ArtifactState.STORED:
            self._count(artifact.organization_id, artifact.size)

    def size_of_organization(self, organization_id: str) -> int:
        """What its stored artifacts take, in bytes."""
        row = self._connection.execute(
            "SELECT size FROM artifact_usage WHERE organization_id = ?", (organization_id,)
        ).fetchone()
        return int(row[0]) if row else 0

    def oldest(self, organization_id: str) -> Artifact | None:
        """The organization's oldest one that is stored."""
        return _ARTIFACTS.one(
            self._connection,
            "WHERE organization_id = ? AND state = 'stored' ORDER BY create_time LIMIT 1",
            (organization_id,),
        )

    def due(self, time: datetime, limit: int) -> list[Artifact]:
        """Stored ones whose time is over."""
        return _ARTIFACTS.all(
            self._connection,
            "WHERE state = 'stored' AND expire_time <= ? ORDER BY expire_time LIMIT ?",
            (time_text(time), limit),
        )

    def expire(self, artifact: Artifact, message: str) -> None:
        """Say of a stored one that its bytes go, and why."""
        _ARTIFACTS.update(
            self._connection, artifact, replace(artifact, state=ArtifactState.EXPIRED, state_message=message)
        )
        self._count(artifact.organization_id, -artifact.size)

    def to_remove(self, limit: int) -> list[Artifact]:
        """Expired ones whose file may still be there."""
        return _ARTIFACTS.all(
            self._connection, "WHERE state = 'expired' AND on_disk ORDER BY artifact_id LIMIT ?", (limit,)
        )

    def removed(self, artifact: Artifact) -> None:
        """There is no file of it any more."""
        _ARTIFACTS.update(self._connection, artifact, replace(artifact, on_disk=False))

    def _count(self, organization_id: str, size: int) -> None:
        self._connection.execute("INSERT OR IGNORE INTO artifact_usage VALUES (?, 0)", (organization_id,))
        self._connection.execute(
            "UPDATE artifact_usage SET size = size + ? WHERE organization_id = ?", (size, organization_id)
        )
