"""The questions asked of the tables of workflows: all versions, and which is the newest."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from control_plane.entities.records import Workflow
from control_plane.store.rows import Table, time_text

_WORKFLOWS = Table(Workflow, "workflows", ["organization_id", "workflow_id", "version"])


class Workflows:
    """The tables of workflows: all versions, and which is the newest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def newest_version(self, organization_id: str, workflow_id: str) -> int:
        """0 when there is no such workflow, or it was deleted."""
        row = self._connection.execute(
            "SELECT version FROM workflow_heads WHERE organization_id = ? AND workflow_id = ? AND delete_time IS NULL",
            (organization_id, workflow_id),
        ).fetchone()
        return row[0] if row else 0

    def get(self, organization_id: str, workflow_id: str, version: int = 0) -> Workflow | None:
        """A version of a workflow that is not deleted; 0 for the newest."""
        newest = self.newest_version(organization_id, workflow_id)
        if not newest:
            return None
        return _WORKFLOWS.one(
            self._connection,
            "WHERE organization_id = ? AND workflow_id = ? AND version = ?",
            (organization_id, workflow_id, version or newest),
        )

    def taken(self, organization_id: str, workflow_id: str) -> bool:
        """The id is in use, or was: ids of deleted workflows are not given again."""
        return bool(
            self._connection.execute(
                "SELECT 1 FROM workflow_heads WHERE organization_id = ? AND workflow_id = ?",
                (organization_id, workflow_id),
            ).fetchone()
        )

    def add_version(self, workflow: Workflow) -> None:
        _WORKFLOWS.insert(self._connection, workflow)
        self._connection.execute(
            "INSERT INTO workflow_heads (organization_id, workflow_id, version, create_time) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET version = excluded.version",
            (workflow.organization_id, workflow.workflow_id, workflow.version, time_text(workflow.create_time)),
        )

    def delete(self, organization_id: str, workflow_id: str, now: datetime) -> None:
        self._connection.execute(
            "UPDATE workflow_heads SET delete_time = ? WHERE organization_id = ? AND workflow_id = ?",
            (time_text(now), organization_id, workflow_id),
        )

    def page(self, organization_id: str, before: tuple[str, str] | None, limit: int) -> list[Workflow]:
        """The newest versions, newest workflow first, those older than `before` (create_time, workflow_id)."""
        return _WORKFLOWS.all(
            self._connection,
            "WHERE (organization_id, workflow_id, version) IN (SELECT organization_id, workflow_id, version"
            " FROM workflow_heads WHERE organization_id = ? AND delete_time IS NULL"
            " AND (create_time, workflow_id) < (?, ?) ORDER BY create_time DESC, workflow_id DESC LIMIT ?)"
            " ORDER BY create_time DESC, workflow_id DESC",
            (organization_id, *(before or ("9", "")), limit),
        )
