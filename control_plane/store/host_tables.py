"""The questions asked of the tables of hosts and of their commands."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from control_plane.entities.hosts import Host, HostState
from control_plane.entities.records import CommandKind, CommandRow
from control_plane.store.rows import Table, time_text

_HOSTS = Table(Host, "hosts", ["host_id"], guard="state")
_COMMANDS = Table(CommandRow, "commands", ["host_id", "command_id"])
_HAS_EXTENSION = " AND json_extract(extensions, ?) IS NOT NULL"


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


def _paths(names: Sequence[str]) -> list[str]:
    """Of the members of a JSON object; names are letters, digits and hyphens."""
    return [f'$."{name}"' for name in names]
