"""All tables, as one connection sees them; the questions that are asked of each are in a file of its own."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from control_plane.store.artifact_tables import Artifacts
from control_plane.store.credential_tables import Credentials
from control_plane.store.file_tables import Files
from control_plane.store.host_tables import Hosts
from control_plane.store.key_tables import Keys
from control_plane.store.profile_tables import Profiles
from control_plane.store.recording_tables import Recordings
from control_plane.store.request_tables import Requests
from control_plane.store.run_tables import Runs
from control_plane.store.session_tables import Sessions
from control_plane.store.usage_tables import Usage
from control_plane.store.webhook_tables import Webhooks
from control_plane.store.workflow_tables import Workflows


class Meta:
    """Single values: the control epoch and the clock's last stand."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def put(self, name: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (name, value),
        )


class Tables:
    """All tables, as seen through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.sessions = Sessions(connection)
        self.runs = Runs(connection)
        self.hosts = Hosts(connection)
        self.workflows = Workflows(connection)
        self.artifacts = Artifacts(connection)
        self.keys = Keys(connection)
        self.requests = Requests(connection)
        self.meta = Meta(connection)
        self.profiles = Profiles(connection)
        self.usage = Usage(connection)
        self.webhooks = Webhooks(connection)
        self.credentials = Credentials(connection)
        self.files = Files(connection)
        self.recordings = Recordings(connection)

    def next_due_time(self) -> datetime | None:
        """The earliest stored deadline."""
        (text,) = self._connection.execute(
            "SELECT min(due_time) FROM (SELECT min(due_time) AS due_time FROM sessions WHERE due_time IS NOT NULL"
            " UNION ALL SELECT min(due_time) FROM runs WHERE due_time IS NOT NULL"
            " UNION ALL SELECT min(profile_due_time) FROM sessions WHERE profile_due_time IS NOT NULL"
            " UNION ALL SELECT min(drain_expire_time) FROM hosts)"
        ).fetchone()
        return datetime.fromisoformat(text) if text else None
