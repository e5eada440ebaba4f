"""What the load test's checker sees in a database."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from bench.fleet_events import stored
from bench.fleet_load import Checked, check, percentile


@pytest.fixture
def path(tmp_path):
    """A database with ten events of one run."""
    with contextlib.closing(sqlite3.connect(tmp_path / "tabkeep.db")) as database:
        database.execute("CREATE TABLE runs (run_id TEXT, last_seq INTEGER)")
        database.execute("CREATE TABLE run_events (run_id TEXT, seq INTEGER, body BLOB)")
        database.execute("INSERT INTO runs VALUES ('tsk_1', 10)")
        rows = [("tsk_1", seq, stored("tsk_1", seq)) for seq in range(1, 11)]
        database.executemany("INSERT INTO run_events VALUES (?, ?, ?)", rows)
        database.commit()
    return tmp_path / "tabkeep.db"


def change(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


def test_a_whole_database_holds_nothing_wrong(path):
    assert check(path, {"tsk_1": 10}) == Checked(stored=10, lost=0, wrong=0)


def test_an_acknowledged_event_that_is_not_there_is_lost(path):
    assert check(path, {"tsk_1": 12}).lost == 2
    assert check(path, {"tsk_1": 10, "tsk_2": 3}).lost == 3


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("INSERT INTO run_events SELECT * FROM run_events WHERE seq = 10", 2),
        ("UPDATE run_events SET body = x'00' WHERE seq = 4", 1),
        ("DELETE FROM run_events WHERE seq = 10", 1),
        ("UPDATE runs SET last_seq = 9", 1),
    ],
)
def test_an_event_that_is_there_twice_or_otherwise_is_wrong(path, statement, wrong):
    change(path, statement)
    assert check(path, {"tsk_1": 9}).wrong == wrong


def test_percentiles_are_those_of_all_samples():
    latencies = {"5": 98, "40": 1, "900": 1}
    assert [percentile(latencies, share) for share in (0.5, 0.99, 1.0)] == [5.0, 40.0, 900.0]
