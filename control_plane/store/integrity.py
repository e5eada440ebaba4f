"""Whether the database's file is whole: SQLite reads it through and compares its pages."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import aiosqlite

from control_plane.errors import StoreUnusable


async def is_whole(connection: aiosqlite.Connection, path: Path, *, seconds: float | None = None) -> bool:
    """Read the file through; False when `seconds` were not enough for that.

    260 MiB, a million events, take 0.4 s from the machine's cache and may take many seconds from its disk. Cancelled,
    it leaves off at once.

    Raises:
        StoreUnusable: the file is damaged.
        sqlite3.Error: it cannot be read.
    """
    interrupt = connection._conn.interrupt
    alarm = asyncio.get_running_loop().call_later(seconds, interrupt) if seconds is not None else None
    try:
        async with connection.execute("PRAGMA quick_check(1)") as cursor:
            row = await cursor.fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False
    except asyncio.CancelledError:
        interrupt()
        raise
    finally:
        if alarm is not None:
            alarm.cancel()
    verdict = row[0] if row else "no answer"
    if verdict != "ok":
        raise StoreUnusable(f"database {path} is damaged ({verdict}): restore it from a backup")
    return True
