"""Two applications over SQLite files: sqlite-web, which changes them, and Datasette, which shows them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from bench.applications.application import Application, Judge, Judges, Look, differs
from bench.applications.installing import Installation

editing = Judges()
showing = Judges()

_SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT);
INSERT INTO customers (name, city) VALUES ('Anna Berg', 'Bergen'), ('Ivan Petrov', 'Sofia'), ('Lucia Ruiz', 'Sevilla'),
  ('Tom Field', 'York');
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, amount INTEGER);
INSERT INTO orders (customer_id, amount) VALUES (1, 120), (2, 75), (2, 31), (4, 407);
CREATE TABLE scratch (note TEXT);
"""
_WORLD = """
CREATE TABLE cities (id INTEGER PRIMARY KEY, name TEXT, country TEXT, population INTEGER);
INSERT INTO cities (name, country, population) VALUES ('Oslo', 'Norway', 717710), ('Bergen', 'Norway', 291940),
  ('Trondheim', 'Norway', 212660), ('Malmö', 'Sweden', 362133), ('Uppsala', 'Sweden', 242140),
  ('Aarhus', 'Denmark', 290598), ('Odense', 'Denmark', 182387), ('Tampere', 'Finland', 255050);
"""


class SqliteSite(Application):
    """A server over one file."""

    def __init__(self, file: str, content: str, command: Sequence[str], judges: Mapping[str, Judge]) -> None:
        self._file = file
        self._content = content
        self._command = command
        self.judges = judges

    def prepare(self, installation: Installation, data: Path) -> None:
        with closing(sqlite3.connect(data / self._file)) as connection:
            connection.executescript(self._content)

    def command(self, installation: Installation, data: Path, port: int) -> Sequence[str]:
        program, *rest = self._command
        parts = [part.replace("PORT", str(port)) for part in rest]
        return (installation.program(program), *parts, str(data / self._file))


def sqlite_web() -> SqliteSite:
    return SqliteSite("db.sqlite3", _SHOP, ("sqlite_web", "-p", "PORT", "-x"), editing.table)


def datasette() -> SqliteSite:
    return SqliteSite("world.db", _WORLD, ("datasette", "serve", "-p", "PORT"), showing.table)


def tables(look: Look) -> list[str]:
    return look.place.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")


@editing
def sqlite_insert(look: Look) -> str:
    rows = look.place.rows("SELECT name, city FROM customers WHERE id > 4")
    return differs("new customers", rows, [("Zoe Park", "Oslo")])


@editing
def sqlite_query(look: Look) -> str:
    return "" if "633" in look.answer else f"the answer is {look.answer}"


@editing
def sqlite_drop(look: Look) -> str:
    return differs("tables", tables(look), ["customers", "orders"])


@editing
def sqlite_add_column(look: Look) -> str:
    columns = look.place.rows("SELECT name, type FROM pragma_table_info('customers')")
    wanted = [("id", "INTEGER"), ("name", "TEXT"), ("city", "TEXT"), ("phone", "VARCHAR")]
    return differs("columns", [(name, kind.upper().partition("(")[0]) for name, kind in columns], wanted)


@editing
def sqlite_read(look: Look) -> str:
    right = "Sofia" in look.answer and "York" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@editing
def sqlite_new_order(look: Look) -> str:
    rows = look.place.rows("SELECT customer_id, amount FROM orders WHERE id > 4")
    return differs("new orders", rows, [(3, 88)])


def cities(look: Look) -> list[tuple[str, str]]:
    return look.place.rows("SELECT name, city FROM customers ORDER BY id")


@editing
def sqlite_delete_customer(look: Look) -> str:
    wanted = [("Anna Berg", "Bergen"), ("Ivan Petrov", "Sofia"), ("Lucia Ruiz", "Sevilla")]
    return differs("customers", cities(look), wanted)


@editing
def sqlite_change_city(look: Look) -> str:
    wanted = [("Anna Berg", "Oslo"), ("Ivan Petrov", "Sofia"), ("Lucia Ruiz", "Sevilla"), ("Tom Field", "York")]
    return differs("customers", cities(look), wanted)


@showing
def datasette_population(look: Look) -> str:
    numbers = set(re.findall(r"\d{6,}", look.answer.replace(",", "")))
    return differs("populations in the answer", numbers, {"291940"})


@showing
def datasette_facet(look: Look) -> str:
    text = json.dumps(json.loads(look.answer or "null"), ensure_ascii=False).replace(",", "")
    there = all(part in text for part in ("Oslo", "717710", "Bergen", "291940", "Trondheim", "212660"))
    return "" if there and "Aarhus" not in text and "Uppsala" not in text else f"the answer is {look.answer}"


@showing
def datasette_sql(look: Look) -> str:
    return "" if "717710" in look.answer.replace(",", "") else f"the answer is {look.answer}"


@showing
def datasette_largest(look: Look) -> str:
    right = "Oslo" in look.answer and "Bergen" not in look.answer and "Malmö" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@editing
def sqlite_dearest_order(look: Look) -> str:
    return "" if "407" in look.answer and "120" not in look.answer else f"the answer is {look.answer}"


@showing
def datasette_rows(look: Look) -> str:
    return differs("the answer's numbers", set(map(float, re.findall(r"\d+(?:\.\d+)?", look.answer))), {8.0})


@editing
def sqlite_change_amount(look: Look) -> str:
    rows = look.place.rows("SELECT customer_id, amount FROM orders ORDER BY id")
    return differs("orders", rows, [(1, 120), (2, 75), (2, 35), (4, 407)])


@editing
def sqlite_rename_column(look: Look) -> str:
    columns = look.place.rows("SELECT name FROM pragma_table_info('customers')")
    count = look.place.rows("SELECT count(*) FROM customers")
    return differs("columns", columns, ["id", "name", "town"]) or differs("rows", count, [4])


@showing
def datasette_sweden(look: Look) -> str:
    text = json.dumps(json.loads(look.answer or "null"), ensure_ascii=False)
    there = "Malmö" in text and "Uppsala" in text
    others = ("Oslo", "Bergen", "Trondheim", "Aarhus", "Odense", "Tampere")
    return "" if there and not any(name in text for name in others) else f"the answer is {look.answer}"


@editing
def sqlite_who_lives_where(look: Look) -> str:
    right = "Tom Field" in look.answer and "Anna" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@showing
def datasette_how_many_danish(look: Look) -> str:
    return differs("the answer's numbers", set(map(float, re.findall(r"\d+(?:\.\d+)?", look.answer))), {2.0})
