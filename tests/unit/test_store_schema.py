"""Which files the store takes for its own."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from control_plane.config import Config
from control_plane.errors import StoreUnusable
from control_plane.store import Database, schema


@pytest.fixture
def path(tmp_path):
    """A database of this program's, closed."""
    with changed(tmp_path / "tabkeep.db") as database:
        database.executescript(f"{schema.TEXT}; PRAGMA user_version={schema.VERSION};")
    return tmp_path / "tabkeep.db"


@contextlib.contextmanager
def changed(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        yield database
        database.commit()


async def refused_and_untouched(path):
    """The words with which a file is refused that must stay as it is, byte for byte."""
    before = path.read_bytes()
    with pytest.raises(StoreUnusable) as refusal:
        await Database.open(Config(data_dir=path.parent))
    assert path.read_bytes() == before
    assert not (path.parent / "tabkeep.db-wal").exists()
    return str(refusal.value).removeprefix(f"database {path} ")


ADVICE = (
    ". Nothing was changed. Use the version of Tabkeep that wrote it, or give this one an empty TABKEEP_DATA_DIR; "
    "there is no way yet to take the data over"
)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE credentials", "it lacks credentials"),
        ("ALTER TABLE hosts ADD COLUMN colour TEXT", "it has other columns or rules in hosts"),
        ("CREATE TABLE profiles (profile_id TEXT)", "it has besides profiles"),
        ("DROP INDEX runs_due", "it lacks runs_due"),
    ],
)
async def test_a_file_of_the_same_version_with_other_tables_is_refused_by_name(path, statement, words):
    with changed(path) as database:
        database.execute(statement)
    expected = f"is of version 1, but of another build than this program: {words}"
    assert await refused_and_untouched(path) == expected + ADVICE


async def test_a_file_of_a_newer_version_is_refused(path):
    with changed(path) as database:
        database.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    expected = "is of version 2, this program knows up to 1: a newer Tabkeep wrote it"
    assert await refused_and_untouched(path) == expected + ADVICE


async def test_a_file_of_another_program_is_refused(path):
    path.unlink()
    with changed(path) as database:
        database.execute("CREATE TABLE moz_places (url TEXT)")
    expected = "is no database of Tabkeep: it has other tables (moz_places)"
    assert await refused_and_untouched(path) == expected + ADVICE


def test_a_file_of_an_older_version_is_named_so(monkeypatch):
    monkeypatch.setattr(schema, "VERSION", 2)
    assert schema.difference(1, {"hosts": ""}) == "is of version 1, this program needs 2: an older Tabkeep wrote it"


async def test_comments_and_blanks_do_not_make_another_schema(path):
    with changed(path) as database:
        database.execute("DROP INDEX runs_due")
        database.execute("CREATE INDEX runs_due ON runs (due_time) -- soon\n   WHERE due_time IS NOT NULL")
    await (await Database.open(Config(data_dir=path.parent))).close()
