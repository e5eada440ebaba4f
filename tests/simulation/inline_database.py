"""SQLite without a thread: the store's own code on a connection that runs every function where it stands.

A process that is killed loses what was not committed and nothing else: what SQLite wrote is in the file. So the
file is never synced here; power loss is not simulated. A disk that is full or fails does so at the commit, with the
error that SQLite gives then.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import sqlite3
from collections.abc import Callable, Generator
from types import SimpleNamespace
from typing import Any

import aiosqlite

from tests.simulation.virtual_loop import Process, current_process


class InlineConnection(aiosqlite.Connection):
    """An aiosqlite connection whose functions run inline, with a moment before and after each."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], disk: Disk) -> None:
        super().__init__(connector, 64)
        self.owner = current_process()
        self._disk = disk

    def __await__(self) -> Generator[Any, None, InlineConnection]:
        return self._open().__await__()

    async def _open(self) -> InlineConnection:
        self._connection = self._connector()
        self._disk.connections.append(self)
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._connection is None:
            raise ValueError("Connection closed")
        if args and args[0] == "PRAGMA synchronous=FULL":
            args = ("PRAGMA synchronous=OFF",)
        await self._disk.pause()
        try:
            result = fn(*args, **kwargs)
        finally:
            self._disk.changed()
        await self._disk.pause()
        return result

    async def close(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        """What the end of the process does: an open transaction is undone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Disk:
    """The control plane's disk; `changed` is called after every function that ran on a connection."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.connections: list[InlineConnection] = []
        self.slow = 0.0
        """Seconds that a function may take on top."""
        self.nearly_full = False
        self.full = False
        self.fsync_fails = False
        """The next commit: whether it is on the disk or not is then unknown."""
        self.errors = 0
        """How many commits have failed by now."""
        self.changed: Callable[[], None] = lambda: None

    @property
    def troubled(self) -> bool:
        """Whether something is wrong with it."""
        return bool(self.slow) or self.nearly_full or self.full or self.fsync_fails

    def heal(self) -> None:
        """Nothing is wrong any more."""
        self.slow = 0.0
        self.nearly_full = self.full = self.fsync_fails = False

    def connect(self, target: str, **options: Any) -> InlineConnection:
        def open_file() -> sqlite3.Connection:
            connection = sqlite3.connect(target, factory=_Connection, **options)
            connection.disk = self
            return connection

        return InlineConnection(open_file, self)

    async def pause(self) -> None:
        seconds = self._rng.uniform(0.0, 0.002)
        if self.slow:
            seconds += self._rng.uniform(0.0, self.slow)
        await asyncio.sleep(seconds)

    def usage(self, path: object) -> SimpleNamespace:
        """Stands in for `shutil.disk_usage`."""
        return SimpleNamespace(free=0 if self.nearly_full or self.full else 2**40)

    def refuse_commit(self, connection: sqlite3.Connection) -> None:
        """Fail a commit as a full disk or a failed fsync does."""
        self.errors += 1
        error = sqlite3.OperationalError("database or disk is full" if self.full else "disk I/O error")
        if self.full:
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
        else:
            self.fsync_fails = False
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        written = not self.full and self._rng.random() < 0.5
        sqlite3.Connection.execute(connection, "COMMIT" if written else "ROLLBACK")
        raise error

    def crash(self, process: Process | None) -> None:
        """The process is gone, and all its connections with it; None: all are."""
        for connection in self.connections:
            if process is None or connection.owner is process:
                connection.let_go()
        self.connections = [one for one in self.connections if process is not None and one.owner is not process]


class _Connection(sqlite3.Connection):
    """A connection whose commits fail when the disk is to."""

    disk: Disk

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and (self.disk.full or self.disk.fsync_fails):
            self.disk.refuse_commit(self)
        return super().execute(sql, *parameters)


class Locks:
    """Stands in for `fcntl` in the store: the lock on the database goes when its process does."""

    LOCK_EX, LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

    def __init__(self) -> None:
        self._held: list[tuple[Process | None, int]] = []

    def flock(self, descriptor: int, how: int) -> None:
        fcntl.flock(descriptor, how)
        self._held.append((current_process(), descriptor))

    def release(self, process: Process | None) -> None:
        """The process that holds a lock is gone; None: all are."""
        for owner, descriptor in self._held:
            if process is None or owner is process:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        self._held = [held for held in self._held if process is not None and held[0] is not process]

    def forget(self, process: Process | None) -> None:
        """The process has let go of its lock itself."""
        self._held = [held for held in self._held if held[0] is not process]
