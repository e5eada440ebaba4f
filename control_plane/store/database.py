"""One SQLite file, written by one connection whose transactions are grouped, read by another.

"Stored" means on the disk: journal_mode=WAL with synchronous=FULL. Every write goes through one queue and one task,
which commits all that waits together, each move in a savepoint of its own, so that one caller's failure does not undo
the others. That connection also makes every checkpoint: SQLite before 3.51.3 can lose commits when two connections
checkpoint and write at once.

Moves run on the event loop's thread; only what waits for the disk, the commit and the checkpoint, runs in the writer's.
A move is a handful of statements of some microseconds, and SQLite lets go of the interpreter's lock in each: run in a
thread of their own beside a busy loop, they would wait for that lock up to 5 ms every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import aiosqlite

from control_plane.clock import Clock, SystemClock
from control_plane.config import Config
from control_plane.entities.ids import Ids
from control_plane.errors import StoreUnusable, TabkeepError, Unavailable
from control_plane.store import schema
from control_plane.store.integrity import is_whole
from control_plane.store.tables import Tables

logger = logging.getLogger(__name__)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Connect = Callable[..., aiosqlite.Connection]
"""Opens a connection when awaited; takes what aiosqlite.connect takes."""

_MAX_BATCH = 500
_CHECK_SECONDS = 0.7
"""How long a start, which is to take less than 3 s, waits for the file's check; what takes longer is done beside the
serving."""
_MAX_QUEUE = 20_000
_CHECKPOINT_AFTER = 1_000
"""Rows changed between checkpoints by the writer itself: what waits meanwhile waits some 5 ms. After 4,000 rows it was
36 ms with 180 MiB stored, for the same time in all."""
_LONGEST_TURN = 0.02
"""Seconds of moves in one transaction, about: the event loop does nothing else meanwhile."""


class Effects:
    """What is to happen once a move is on the disk, in order. The coordinator gives it a meaning."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def add(self, effect: Any) -> None:
        self.items.append(effect)


class Transaction(Tables):
    """All tables within one move, the move's one `now`, the settings, new ids, and its effects."""

    def __init__(self, connection: sqlite3.Connection, now: datetime, ids: Ids, config: Config) -> None:
        super().__init__(connection)
        self.begin(now)
        self.config = config
        self.new_id = ids.new

    def begin(self, now: datetime) -> None:
        """Turn to the next move: its `now`, and no effects yet."""
        self.now = now
        self.effects = Effects()


class Move(Protocol[T_co]):
    """A change: reads, decides and writes within one transaction, without waiting for anything.

    It may be made twice, the first time undone; so it keeps nothing but what it writes, returns and adds to `effects`.
    """

    def __call__(self, tx: Transaction, /) -> T_co: ...


class _HalfDone(Exception):
    """A move failed after it wrote something, and there is no savepoint to go back to."""


class _Pending(Generic[T]):
    """A move that waits for its commit."""

    __slots__ = ("effects", "error", "future", "move", "result")

    def __init__(self, move: Move[T], future: asyncio.Future[T]) -> None:
        self.move = move
        self.future = future
        self.effects: Effects | None = None
        self.error: BaseException | None = None
        self.result: T | None = None


class Database:
    """The open database. Made by `open`; `serve` must run while it is written to; `close` ends it."""

    def __init__(
        self,
        config: Config,
        lock: int,
        writer: aiosqlite.Connection,
        reader: aiosqlite.Connection,
        ids: Ids,
        *,
        checked: bool,
    ) -> None:
        self._config = config
        self._checked = checked
        self._lock = lock
        self._writer = writer
        self._reader = reader
        self._clock = ids.clock
        self._ids = ids
        self._queue: asyncio.Queue[_Pending[Any]] = asyncio.Queue(_MAX_QUEUE)
        self._publish: Callable[[Effects], None] = lambda effects: None
        self._reader_tables: Tables | None = None
        self._checkpointed_at = 0
        """How many rows the connection had changed at its last checkpoint."""
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Set with an exception when the disk failed a commit, or the file is damaged: the process must end."""

    @classmethod
    async def open(
        cls,
        config: Config,
        clock_after: Callable[[datetime | None], Clock] = SystemClock,
        *,
        connect: Connect = aiosqlite.connect,
        ids_from: Callable[[Clock], Ids] = Ids,
    ) -> Database:
        """Open or create the database; `clock_after` makes the clock, given the last time the database saw.

        `connect` opens a connection as aiosqlite does; the simulation gives one that needs no thread.

        Raises:
            StoreUnusable: in use by another process, unreadable, damaged, or of a newer version.
        """
        path = _path(config)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = os.open(path.with_suffix(path.suffix + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnusable(f"database {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise StoreUnusable(
                f"database {path} is in use by another control plane: stop that one, or give this one another "
                "TABKEEP_DATA_DIR"
            ) from None
        writer = reader = None
        try:
            writer = await _connect(connect, path, read_only=False)
            last, checked = await _prepare(writer, path)
            reader = await _connect(connect, path, read_only=True)
        except (sqlite3.Error, OSError, StoreUnusable) as error:
            for connection in (writer, reader):
                if connection is not None:
                    await connection.close()
            os.close(lock)
            raise _unusable(path, error) from error
        clock = clock_after(last)
        logger.info("database opened", extra={"path": str(path), "sqlite_version": sqlite3.sqlite_version})
        return cls(config, lock, writer, reader, ids_from(clock), checked=checked)

    @property
    def clock(self) -> Clock:
        """The clock all stored times come from."""
        return self._clock

    def new_id(self, prefix: str) -> str:
        """A new id, for what is written beside the database before its row is."""
        return self._ids.new(prefix)

    def on_commit(self, publish: Callable[[Effects], None]) -> None:
        """Call `publish` with each move's effects, in the order of their commits, before its caller goes on."""
        self._publish = publish

    async def write(self, move: Move[T]) -> T:
        """Run `move` and return its result once it is on the disk.

        A caller that is cancelled while it waits does not undo the move. Waits while 20,000 moves wait already.

        Raises:
            Unavailable: STORAGE_FULL, nothing was written; STORAGE_FAILED, the outcome is unknown.
            Whatever `move` raises; then nothing of it was written.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Pending(move, future))
        # Cancelling the caller cancels the future only; the move stays in the queue and is committed.
        return await future

    async def read(self, query: Callable[[Tables], T]) -> T:
        """Run `query` on the reading connection, on what is committed."""
        return await _in_thread(self._reader, self._read, query)

    def _read(self, query: Callable[[Tables], T]) -> T:
        if self._reader_tables is None:
            self._reader_tables = Tables(self._reader._conn)
        return query(self._reader_tables)

    async def check(self) -> None:
        """Read the file through if the start had not the time for it; damage sets `failed`."""
        if self._checked:
            return
        path = _path(self._config)
        connection = await _connect(aiosqlite.connect, path, read_only=True)
        try:
            await is_whole(connection, path)
            logger.info("database checked", extra={"path": str(path)})
        except (sqlite3.Error, StoreUnusable) as error:
            logger.error("database damaged", extra={"path": str(path), "reason": str(error)})
            if not self.failed.done():
                self.failed.set_exception(_unusable(path, error))
                self.failed.exception()
        finally:
            await connection.close()

    async def serve(self) -> None:
        """Commit what is queued, until cancelled; a transaction that has begun is finished first."""
        while True:
            first = await self._queue.get()
            committing = asyncio.ensure_future(self._commit([first]))
            try:
                await asyncio.shield(committing)
            except asyncio.CancelledError:
                await committing
                raise

    async def _commit(self, batch: list[_Pending[Any]]) -> None:
        """Make these moves and as many of those that wait as one transaction takes, and commit them."""
        failure: BaseException | None = None
        left_in_log: sqlite3.Error | None = None
        if self.failed.done():
            # What the failed fsync was to write may be dropped by now, and a later one would succeed all the same.
            failure = Unavailable("the control plane's disk failed: it has to start again", reason="STORAGE_FAILED")
        else:
            try:
                self._apply(batch)
                left_in_log = await _in_thread(self._writer, self._finish)
            except sqlite3.Error as broken:
                failure = _storage_error(broken)
            except Exception as broken:
                failure = broken
        for pending in batch:
            error: BaseException | None = failure or pending.error
            if error is None and pending.effects is not None:
                self._announce(pending.effects)
            if pending.future.done():
                continue
            if error is None:
                pending.future.set_result(pending.result)
            else:
                pending.future.set_exception(error)
                pending.future.exception()  # a caller that went away has nobody to read it
        if failure is not None:
            logger.error("commit failed", extra={"reason": type(failure).__name__}, exc_info=failure)
        elif left_in_log is not None:
            # What was committed is on the disk, in the log, and its callers have been told so.
            logger.warning("log not written back", extra={"reason": str(left_in_log)})
            failure = _storage_error(left_in_log)
        full = isinstance(failure, Unavailable) and failure.reason == "STORAGE_FULL"
        if failure is not None and not full and not self.failed.done():
            self.failed.set_exception(failure)
            self.failed.exception()

    def _announce(self, effects: Effects) -> None:
        """Publish; the move is stored, so a fault in what follows must end neither it nor the writer."""
        try:
            self._publish(effects)
        except Exception:
            logger.exception("effects failed")

    def _apply(self, batch: list[_Pending[Any]]) -> None:
        """Begin a transaction and make the batch's moves in it, and those of the queue, which join the batch.

        Savepoints are two statements more for each move, and only a move that fails after it wrote needs one; when
        there is such a move, the batch is undone and made again with savepoints.
        """
        try:
            self._make(self._joining(batch), savepoints=False)
        except _HalfDone:
            self._make(batch, savepoints=True)

    def _joining(self, batch: list[_Pending[Any]]) -> Iterator[_Pending[Any]]:
        """The batch, and what waits in the queue for as long as there is room and time in one transaction."""
        until = self._clock.monotonic() + _LONGEST_TURN
        yield from tuple(batch)
        while len(batch) < _MAX_BATCH and not self._queue.empty() and self._clock.monotonic() < until:
            batch.append(self._queue.get_nowait())
            yield batch[-1]

    def _finish(self) -> sqlite3.Error | None:
        """In the writer's thread: commit, and checkpoint when it is time; returns why the checkpoint failed."""
        connection: sqlite3.Connection = self._writer._conn
        try:
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise
        if connection.total_changes - self._checkpointed_at >= _CHECKPOINT_AFTER:
            self._checkpointed_at = connection.total_changes
            try:
                self._checkpoint(connection)
            except sqlite3.Error as error:
                return error
        return None

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _make(self, moves: Iterable[_Pending[Any]], *, savepoints: bool) -> None:
        connection: sqlite3.Connection = self._writer._conn
        execute = connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            tx = Transaction(connection, self._clock.now(), self._ids, self._config)
            for pending in moves:
                tx.begin(self._clock.now())
                pending.error = None
                written = connection.total_changes
                if savepoints:
                    execute("SAVEPOINT move")
                try:
                    pending.result = pending.move(tx)
                    pending.effects = tx.effects
                except Exception as error:
                    if isinstance(error, sqlite3.Error) and _is_storage_error(error):
                        raise
                    if savepoints:
                        execute("ROLLBACK TO move")
                    elif connection.total_changes != written:
                        raise _HalfDone from error
                    pending.error = error
                if savepoints:
                    execute("RELEASE move")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise

    async def close(self) -> None:
        """Commit what is queued, write the log back into the file and let go of it; after a failure only let go."""
        while not self._queue.empty():
            await self._commit([self._queue.get_nowait()])
        await self._reader.close()
        try:
            if not self.failed.done():
                await self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            logger.warning("log not written back", extra={"reason": str(error)})  # the next start does it
        finally:
            with contextlib.suppress(sqlite3.Error):
                await self._writer.close()
            os.close(self._lock)


async def _in_thread(connection: aiosqlite.Connection, function: Callable[..., T], *arguments: Any) -> T:
    """Run a function in the connection's thread: aiosqlite has no public way to (0.22; the version is pinned)."""
    return await connection._execute(function, *arguments)  # type: ignore[no-any-return, no-untyped-call]


async def _connect(connect: Connect, path: Path, *, read_only: bool) -> aiosqlite.Connection:
    target = f"{path.as_uri()}?mode={'ro' if read_only else 'rwc'}"
    # Its thread and the event loop's take turns.
    connection = await connect(target, uri=True, isolation_level=None, cached_statements=512, check_same_thread=False)
    # None of these writes to the file: it may turn out to be somebody else's.
    pragmas = [
        "busy_timeout=5000",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cache_size=-65536",
        "wal_autocheckpoint=0",
        "query_only=ON" if read_only else "synchronous=FULL",
    ]
    try:
        for pragma in pragmas:
            await connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        await connection.close()  # its thread would keep the process from ending
        raise
    return connection


def _unusable(path: Path, error: Exception) -> StoreUnusable:
    if isinstance(error, StoreUnusable):
        return error
    return StoreUnusable(f"database {path} cannot be read: {error}; restore it from a backup")


def _path(config: Config) -> Path:
    return (config.data_dir / "tabkeep.db").absolute()


async def _prepare(writer: aiosqlite.Connection, path: Path) -> tuple[datetime | None, bool]:
    """Check the file and its version, create the schema.

    Returns the last time the database saw, and whether the check had the time to read all of it.
    """
    new = await _in_thread(writer, _refuse_other_schema, writer._conn, path)
    await asyncio.to_thread(path.chmod, 0o600)
    await _value(writer, "PRAGMA journal_mode=WAL")
    if new:
        await writer.executescript(f"BEGIN; {schema.TEXT}; PRAGMA user_version={schema.VERSION}; COMMIT;")
        return None, True
    checked = await is_whole(writer, path, seconds=_CHECK_SECONDS)
    last = await _value(writer, "SELECT (SELECT value FROM meta WHERE name = 'clock')")
    return (datetime.fromisoformat(last) if last else None), checked


def _refuse_other_schema(connection: sqlite3.Connection, path: Path) -> bool:
    """Raise StoreUnusable unless the tables are those of this program; True when there are none at all yet."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    found = schema.of(connection)
    if not version and not found:
        return True
    if difference := schema.difference(version, found):
        raise StoreUnusable(
            f"database {path} {difference}. Nothing was changed. Use the version of Tabkeep that wrote it, or give "
            "this one an empty TABKEEP_DATA_DIR; there is no way yet to take the data over"
        )
    return False


async def _value(connection: aiosqlite.Connection, statement: str) -> Any:
    async with connection.execute(statement) as cursor:
        row = await cursor.fetchone()
    return row[0] if row else None


def _is_storage_error(error: sqlite3.Error) -> bool:
    """The disk's fault, and so the whole batch's; anything else is the fault of one move."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in (
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_TOOBIG,
    )


def _storage_error(error: sqlite3.Error) -> TabkeepError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return Unavailable("the control plane's disk is full: nothing was stored", reason="STORAGE_FULL")
    return Unavailable(f"the control plane's disk failed ({error}): the outcome is unknown", reason="STORAGE_FAILED")
