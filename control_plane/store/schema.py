"""Which tables this program works with, and how those of a file differ from them.

The version alone does not tell: two builds between releases may both say 1 and have other columns. So the statements
that made a file's tables are compared with `schema.sql`, word for word.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from functools import cache
from importlib import resources

VERSION = 1
"""Kept in the file's user_version; a release that changes `schema.sql` has another one."""
TEXT = resources.files("control_plane.store").joinpath("schema.sql").read_text()
_NAMED = 5
"""How many tables and indexes a refusal names."""


def of(connection: sqlite3.Connection) -> dict[str, str]:
    """The statement that made each table and index of a file, by its name, blanks and comments aside."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    return {name: " ".join(_without_comments(statement).split()) for name, statement in rows}


def difference(version: int, found: Mapping[str, str]) -> str:
    """How a file of this version with these statements differs from this program's, in words; "" when it does not."""
    if version > VERSION:
        return f"is of version {version}, this program knows up to {VERSION}: a newer Tabkeep wrote it"
    if version == 0:
        return f"is no database of Tabkeep: it has other tables ({_names(found)})"
    if version < VERSION:
        return f"is of version {version}, this program needs {VERSION}: an older Tabkeep wrote it"
    wanted = _wanted()
    parts = {
        "it lacks": [name for name in wanted if name not in found],
        "it has other columns or rules in": [name for name in wanted if name in found and found[name] != wanted[name]],
        "it has besides": [name for name in found if name not in wanted],
    }
    words = [f"{what} {_names(names)}" for what, names in parts.items() if names]
    return f"is of version {version}, but of another build than this program: {'; '.join(words)}" if words else ""


def _names(names: Mapping[str, str] | list[str]) -> str:
    named = sorted(names)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more


def _without_comments(statement: str) -> str:
    return "\n".join(line.partition("--")[0] for line in statement.splitlines())


@cache
def _wanted() -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(":memory:")) as empty:
        empty.executescript(TEXT)
        return of(empty)
