"""What the store does after its disk failed once, without a real disk that fails; `tests/chaos` has those."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest

from control_plane.errors import Unavailable
from control_plane.store import Database
from tests.clocks import SteppedClock


def failure(code):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


@pytest.fixture
async def database(config):
    made = await Database.open(config, SteppedClock)
    writer = asyncio.create_task(made.serve())
    yield made
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await made.close()


def fail_once(database, code):
    original = database._apply

    def failing(batch):
        database._apply = original
        raise failure(code)

    database._apply = failing


async def test_after_a_failed_fsync_nothing_is_written_any_more_though_the_disk_would_take_it(database):
    await database.write(lambda tx: tx.meta.put("before", "x"))
    fail_once(database, sqlite3.SQLITE_IOERR_FSYNC)
    for name in ("failed", "after"):
        with pytest.raises(Unavailable) as raised:
            await database.write(lambda tx, name=name: tx.meta.put(name, "x"))
        assert raised.value.reason == "STORAGE_FAILED"
    assert database.failed.done()
    names = await database.read(
        lambda tables: [name for name in ("before", "failed", "after") if tables.meta.get(name)]
    )
    assert names == ["before"]


async def test_a_full_disk_refuses_one_commit_and_takes_the_next(database):
    fail_once(database, sqlite3.SQLITE_FULL)
    with pytest.raises(Unavailable) as raised:
        await database.write(lambda tx: tx.meta.put("refused", "x"))
    assert raised.value.reason == "STORAGE_FULL"
    await database.write(lambda tx: tx.meta.put("taken", "x"))
    assert not database.failed.done()
    assert await database.read(lambda tables: (tables.meta.get("refused"), tables.meta.get("taken"))) == (None, "x")


@pytest.mark.parametrize(
    ("code", "goes_on"), [(sqlite3.SQLITE_FULL, True), (sqlite3.SQLITE_IOERR_FSYNC, False)], ids=["full", "fsync"]
)
async def test_a_checkpoint_that_fails_does_not_undo_the_commit_before_it(database, monkeypatch, code, goes_on):
    monkeypatch.setattr("control_plane.store.database._CHECKPOINT_AFTER", 1)

    def failing(connection):
        raise failure(code)

    monkeypatch.setattr(database, "_checkpoint", failing)
    await database.write(lambda tx: tx.meta.put("stored", "x"))
    assert await database.read(lambda tables: tables.meta.get("stored")) == "x"
    assert database.failed.done() is not goes_on


async def test_a_writer_that_is_stopped_in_the_middle_of_a_commit_finishes_it_first(config):
    database = await Database.open(config, SteppedClock)
    writer = asyncio.create_task(database.serve())
    committing, go_on = threading.Event(), threading.Event()
    finish = database._finish

    def slow_finish():
        committing.set()
        assert go_on.wait(30)
        finish()

    database._finish = slow_finish
    first = asyncio.create_task(database.write(lambda tx: tx.meta.put("first", "x")))
    await asyncio.to_thread(committing.wait, 30)
    second = asyncio.create_task(database.write(lambda tx: tx.meta.put("second", "x")))
    await asyncio.sleep(0)  # it stands in the queue now

    writer.cancel()
    database._finish = finish
    go_on.set()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()

    await first
    await second
    again = await Database.open(config, SteppedClock)
    assert await again.read(lambda tables: [name for name in ("first", "second") if tables.meta.get(name)]) == [
        "first",
        "second",
    ]
    await again.close()
