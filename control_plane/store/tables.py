"""The questions the control plane asks of its tables. One method, one question; all SQL but the schema is here."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from control_plane.entities.hosts import Host, HostState
from control_plane.entities.keys import Key
from control_plane.entities.records import CommandKind, CommandRow, Workflow
from control_plane.entities.runs import Run, RunStatus
from control_plane.entities.sessions import Session, SessionState
from control_plane.errors import Conflict
from control_plane.store.artifact_tables import Artifacts
from control_plane.store.credential_tables import Credentials
from control_plane.store.file_tables import Files
from control_plane.store.profile_tables import Profiles
from control_plane.store.recording_tables import Recordings
from control_plane.store.rows import Table, time_text
from control_plane.store.usage_tables import Usage
from control_plane.store.webhook_tables import Webhooks

_SESSIONS = Table(Session, "sessions", ["browser_session_id"], guard="state")
_RUNS = Table(Run, "runs", ["run_id"], guard="status")
_HOSTS = Table(Host, "hosts", ["host_id"], guard="state")
_KEYS = Table(Key, "keys", ["key_id"])
_COMMANDS = Table(CommandRow, "commands", ["host_id", "command_id"])
_WORKFLOWS = Table(Workflow, "workflows", ["organization_id", "workflow_id", "version"])


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions a list holds."""

    states: tuple[SessionState, ...] = ()
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs a list holds."""

    browser_session_id: str = ""
    workflow_id: str = ""
    statuses: tuple[RunStatus, ...] = ()


@dataclass(slots=True)
class Progress:
    """How far a run is, and where its session is placed."""

    run_id: str
    status: RunStatus
    last_seq: int
    step_count: int
    step_open: bool
    browser_session_id: str
    host_id: str
    fence: int


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


class Runs:
    """The table of runs and that of their events."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, run_id: str) -> Run | None:
        return _RUNS.one(self._connection, "WHERE run_id = ?", (run_id,))

    def of_organization(self, organization_id: str, run_id: str) -> Run | None:
        run = self.get(run_id)
        return run if run and run.organization_id == organization_id else None

    def insert(self, run: Run) -> None:
        _RUNS.insert(self._connection, run)

    def update(self, old: Run, new: Run) -> Run:
        """Write `new` over `old`; returns `new`. Raises Conflict when the status is not `old`'s any more."""
        _RUNS.update(self._connection, old, new)
        return new

    def due(self, now: datetime, limit: int) -> list[Run]:
        return _RUNS.all(
            self._connection,
            "WHERE due_time IS NOT NULL AND due_time <= ? ORDER BY due_time LIMIT ?",
            (time_text(now), limit),
        )

    def with_deadline(self) -> list[Run]:
        """All for which something is due some time."""
        return _RUNS.all(self._connection, "WHERE due_time IS NOT NULL ORDER BY rowid")

    def waiting_in(self, browser_session_id: str, limit: int = -1) -> list[Run]:
        """The oldest first."""
        return _RUNS.all(
            self._connection,
            "WHERE browser_session_id = ? AND status IN ('created', 'queued') ORDER BY rowid LIMIT ?",
            (browser_session_id, limit),
        )

    def count_waiting_in(self, browser_session_id: str) -> int:
        (count,) = self._connection.execute(
            "SELECT count(*) FROM runs WHERE browser_session_id = ? AND status IN ('created', 'queued')",
            (browser_session_id,),
        ).fetchone()
        return int(count)

    def append_event(self, run_id: str, seq: int, body: bytes) -> None:
        self._connection.execute("INSERT INTO run_events (run_id, seq, body) VALUES (?, ?, ?)", (run_id, seq, body))

    def progress(self, run_id: str) -> Progress | None:
        """How far the run is and where it is placed: the few columns that most events need."""
        row = self._connection.execute(
            "SELECT run_id, status, last_seq, step_count, step_open, browser_session_id, host_id, fence"
            " FROM runs JOIN sessions USING (browser_session_id) WHERE run_id = ?",
            (run_id,),
        ).fetchone()
        return None if row is None else Progress(row[0], RunStatus(row[1]), row[2], row[3], bool(row[4]), *row[5:])

    def record(self, events: Sequence[tuple[str, int, bytes]], progress: Iterable[Progress]) -> None:
        """Append events (run_id, seq, body), and write how far their runs are by now.

        Raises:
            Conflict: a run has another status than its progress says.
        """
        self._connection.executemany("INSERT INTO run_events (run_id, seq, body) VALUES (?, ?, ?)", events)
        rows = [(p.last_seq, p.step_count, int(p.step_open), p.run_id, p.status.value) for p in progress]
        written = self._connection.executemany(
            "UPDATE runs SET last_seq = ?, step_count = ?, step_open = ? WHERE run_id = ? AND status = ?", rows
        )
        if written.rowcount != len(rows):
            raise Conflict("a row of runs is not what it was")

    def event(self, run_id: str, seq: int) -> bytes | None:
        row = self._connection.execute(
            "SELECT body FROM run_events WHERE run_id = ? AND seq = ?", (run_id, seq)
        ).fetchone()
        return row[0] if row else None

    def events_after(self, run_id: str, seq: int, limit: int) -> list[tuple[int, bytes]]:
        return self._connection.execute(
            "SELECT seq, body FROM run_events WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?", (run_id, seq, limit)
        ).fetchall()

    def page(self, organization_id: str, matching: RunFilter, before: str, limit: int) -> list[Run]:
        """Newest first, those older than the run `before` ("" for all)."""
        where, arguments = ["organization_id = ?"], [organization_id]
        if before:
            where.append("rowid < (SELECT rowid FROM runs WHERE run_id = ?)")
            arguments.append(before)
        if matching.browser_session_id:
            where.append("browser_session_id = ?")
            arguments.append(matching.browser_session_id)
        if matching.workflow_id:
            where.append("workflow_id = ?")
            arguments.append(matching.workflow_id)
        if matching.statuses:
            where.append(f"status IN ({', '.join('?' * len(matching.statuses))})")
            arguments += [status.value for status in matching.statuses]
        return _RUNS.all(
            self._connection,
            f"WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT ?",
            (*arguments, limit),
        )


_HAS_EXTENSION = " AND json_extract(extensions, ?) IS NOT NULL"


def _paths(names: Sequence[str]) -> list[str]:
    """Of the members of a JSON object; names are letters, digits and hyphens."""
    return [f'$."{name}"' for name in names]


class Hosts:
    """The table of hosts and that of their commands."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, host_id: str) -> Host | None:
        return _HOSTS.one(self._connection, "WHERE host_id = ?", (host_id,))

    def all(self) -> list[Host]:
        return _HOSTS.all(self._connection, "ORDER BY host_id")

    def in_states(self, *states: HostState) -> list[Host]:
        return _HOSTS.all(
            self._connection,
            f"WHERE state IN ({', '.join('?' * len(states))}) ORDER BY host_id",
            [state.value for state in states],
        )

    def drained_by(self, now: datetime) -> list[Host]:
        """Hosts whose drain timeout is over."""
        return _HOSTS.all(self._connection, "WHERE drain_expire_time <= ? ORDER BY host_id", (time_text(now),))

    def with_deadline(self) -> list[Host]:
        """All that are being drained until some time."""
        return _HOSTS.all(self._connection, "WHERE drain_expire_time IS NOT NULL ORDER BY host_id")

    def with_room(self, browser_type: str, extensions: Sequence[str] = (), limit: int = 16) -> list[Host]:
        """READY hosts that could take such a session, the least filled first."""
        return _HOSTS.all(
            self._connection,
            "WHERE state = 'ready' AND slots_used < capacity AND json_extract(browsers, ?) IS NOT NULL"
            f"{_HAS_EXTENSION * len(extensions)} ORDER BY CAST(slots_used AS REAL) / capacity, host_id LIMIT ?",
            (f"$.{browser_type}", *_paths(extensions), limit),
        )

    def any_room(self) -> bool:
        """Whether any READY host could take a session."""
        return bool(
            self._connection.execute(
                "SELECT 1 FROM hosts WHERE state = 'ready' AND slots_used < capacity LIMIT 1"
            ).fetchone()
        )

    def attached_offering(self, browser_type: str, extensions: Sequence[str] = ()) -> int:
        """How many hosts that are not LOST or GONE offer the browser with all of the extensions, counted up to 2."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM hosts WHERE state NOT IN ('lost', 'gone')"
            f" AND json_extract(browsers, ?) IS NOT NULL{_HAS_EXTENSION * len(extensions)} LIMIT 2)",
            (f"$.{browser_type}", *_paths(extensions)),
        ).fetchone()
        return int(count)

    def suspect_times(self) -> list[datetime]:
        """Since when each SUSPECT host is, the longest first."""
        rows = self._connection.execute("SELECT state_time FROM hosts WHERE state = 'suspect' ORDER BY state_time")
        return [datetime.fromisoformat(text) for (text,) in rows]

    def count_attached(self) -> int:
        """Hosts that are not LOST or GONE, nor still to come back after a restart of the control plane."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM hosts WHERE state NOT IN ('lost', 'gone', 'recovering')"
        ).fetchone()
        return int(count)

    def stream_no(self, host_id: str) -> int:
        """That of the host's newest stream; 0 when it never had one."""
        row = self._connection.execute("SELECT stream_no FROM hosts WHERE host_id = ?", (host_id,)).fetchone()
        return row[0] if row else 0

    def insert(self, host: Host) -> None:
        _HOSTS.insert(self._connection, host)

    def update(self, old: Host, new: Host) -> Host:
        """Write `new` over `old`; returns `new`. Raises Conflict when the state is not `old`'s any more."""
        _HOSTS.update(self._connection, old, new)
        return new

    def take_slot(self, host_id: str) -> None:
        self._connection.execute("UPDATE hosts SET slots_used = slots_used + 1 WHERE host_id = ?", (host_id,))

    def give_slot_back(self, host_id: str) -> None:
        self._connection.execute("UPDATE hosts SET slots_used = slots_used - 1 WHERE host_id = ?", (host_id,))

    def next_command_id(self, host_id: str) -> int:
        (command_id,) = self._connection.execute(
            "UPDATE hosts SET next_command_id = next_command_id + 1 WHERE host_id = ? RETURNING next_command_id - 1",
            (host_id,),
        ).fetchone()
        return int(command_id)

    def number_commands_from(self, command_id: int) -> None:
        """Let the next command of every host have at least this id."""
        self._connection.execute("UPDATE hosts SET next_command_id = max(next_command_id, ?)", (command_id,))

    def add_command(self, command: CommandRow) -> None:
        _COMMANDS.insert(self._connection, command)

    def command(self, host_id: str, command_id: int) -> CommandRow | None:
        return _COMMANDS.one(self._connection, "WHERE host_id = ? AND command_id = ?", (host_id, command_id))

    def pending_commands(self, host_id: str) -> list[CommandRow]:
        return _COMMANDS.all(self._connection, "WHERE host_id = ? ORDER BY command_id", (host_id,))

    def unanswered_since(self, browser_session_id: str, kind: CommandKind) -> datetime | None:
        """Since when the session's host has not answered a command of this kind; None when nothing is unanswered."""
        (text,) = self._connection.execute(
            "SELECT min(create_time) FROM commands WHERE browser_session_id = ? AND kind = ?",
            (browser_session_id, kind.value),
        ).fetchone()
        return datetime.fromisoformat(text) if text else None

    def drop_command(self, host_id: str, command_id: int) -> None:
        self._connection.execute("DELETE FROM commands WHERE host_id = ? AND command_id = ?", (host_id, command_id))

    def drop_commands_of_session(self, browser_session_id: str) -> None:
        self._connection.execute("DELETE FROM commands WHERE browser_session_id = ?", (browser_session_id,))

    def drop_commands_of_run(self, browser_session_id: str, run_id: str) -> None:
        self._connection.execute(
            "DELETE FROM commands WHERE browser_session_id = ? AND json_extract(arguments, '$.run_id') = ?",
            (browser_session_id, run_id),
        )

    def drop_commands_of_host(self, host_id: str) -> None:
        self._connection.execute("DELETE FROM commands WHERE host_id = ?", (host_id,))


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
