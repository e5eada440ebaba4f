"""SQLite without a thread: the store's own code on a connection that runs every function where it stands.

A process that is killed loses what was not committed and nothing else: what SQLite wrote is in the file. So the
file is never synced here; power loss is not simulated.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import sqlite3
from collections.abc import Callable, Generator
from typing import Any

import aiosqlite


class InlineConnection(aiosqlite.Connection):
    """An aiosqlite connection whose functions run inline, with a moment before and after each."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], disk: Disk) -> None:
        super().__init__(connector, 64)
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
        result = fn(*args, **kwargs)
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
    """How fast the control plane's disk is; `changed` is called after every function that ran on a connection."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.connections: list[InlineConnection] = []
        self.slow = 0.0
        """Seconds that a function may take on top."""
        self.changed: Callable[[], None] = lambda: None

    def connect(self, target: str, **options: Any) -> InlineConnection:
        return InlineConnection(lambda: sqlite3.connect(target, **options), self)

    async def pause(self) -> None:
        seconds = self._rng.uniform(0.0, 0.002)
        if self.slow:
            seconds += self._rng.uniform(0.0, self.slow)
        await asyncio.sleep(seconds)

    def crash(self) -> None:
        """The process is gone, and all its connections with it."""
        for connection in self.connections:
            connection.let_go()
        self.connections.clear()


class Locks:
    """Stands in for `fcntl` in the store: the lock on the database goes when its process does."""

    LOCK_EX, LOCK_NB = fcntl.LOCK_EX, fcntl.LOCK_NB

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def flock(self, descriptor: int, how: int) -> None:
        fcntl.flock(descriptor, how)
        self._descriptor = descriptor

    def release(self) -> None:
        """The process that holds the lock is gone."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
