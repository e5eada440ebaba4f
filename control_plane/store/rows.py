"""Frozen dataclasses as table rows: one column per field, in the field's order and name."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from control_plane.errors import Conflict

T = TypeVar("T")
_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def time_text(time: datetime) -> str:
    """A time as stored: UTC, microseconds, always 32 characters."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _same(value: Any) -> Any:
    return value


def _codec(kind: Any) -> _Codec:
    """How values of a field's type are written to and read from SQLite."""
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is dict:
        return lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True), json.loads
    if kind is datetime:
        return time_text, datetime.fromisoformat
    if kind is timedelta:
        return lambda value: round(value / timedelta(milliseconds=1)), lambda value: timedelta(milliseconds=value)
    if kind is bool:
        return int, bool
    if isinstance(kind, type) and issubclass(kind, Enum):
        return lambda value: value.value, kind
    if kind in (str, int, float, bytes):
        return _same, _same
    raise TypeError(f"no column type for {kind}")


class Table(Generic[T]):
    """Reads and writes rows of one table as `record_type`; plain columns only, no joins."""

    def __init__(self, record_type: type[T], name: str, key: Sequence[str], guard: str = "") -> None:
        """`guard` names the column whose old value every update expects: a miss raises Conflict."""
        self._type = record_type
        self._name = name
        self._fields = tuple(field.name for field in dataclasses.fields(record_type))  # type: ignore[arg-type]
        hints = get_type_hints(record_type)
        codecs = [_codec(hints[field]) for field in self._fields]
        self._encoders = dict(zip(self._fields, (encode for encode, _ in codecs), strict=True))
        self._decoders = [decode for _, decode in codecs]
        self._key = tuple(key)
        self._guards = (*self._key, guard) if guard else self._key
        columns = ", ".join(self._fields)
        self.columns = columns
        self.select = f"SELECT {columns} FROM {name} "
        self._insert = f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(self._fields))})"
        self._updates: dict[tuple[str, ...], str] = {}

    def decode(self, row: Sequence[Any]) -> T:
        """The record in `row`, whose columns are `columns`."""
        return self._type(
            *[None if value is None else decode(value) for decode, value in zip(self._decoders, row, strict=True)]
        )

    def encode(self, record: T, field: str) -> Any:
        """One field of `record` as stored."""
        value = getattr(record, field)
        return None if value is None else self._encoders[field](value)

    def one(self, connection: sqlite3.Connection, where: str, arguments: Sequence[Any]) -> T | None:
        """The first record that matches."""
        row = connection.execute(self.select + where, arguments).fetchone()
        return None if row is None else self.decode(row)

    def all(self, connection: sqlite3.Connection, where: str = "", arguments: Sequence[Any] = ()) -> list[T]:
        """All records that match."""
        return [self.decode(row) for row in connection.execute(self.select + where, arguments)]

    def insert(self, connection: sqlite3.Connection, record: T) -> None:
        """Add a row."""
        connection.execute(self._insert, [self.encode(record, field) for field in self._fields])

    def update(self, connection: sqlite3.Connection, old: T, new: T) -> None:
        """Write the fields in which `new` differs from `old`, where the row is still as `old` says.

        Raises:
            Conflict: the row has another state than `old`, or is not there.
        """
        changed = tuple(field for field in self._fields if getattr(old, field) != getattr(new, field))
        if not changed:
            return
        statement = self._updates.get(changed) or self._updates.setdefault(changed, self._update(changed))
        arguments = [self.encode(new, field) for field in changed]
        arguments += [self.encode(old, field) for field in self._guards]
        if connection.execute(statement, arguments).rowcount != 1:
            raise Conflict(f"a row of {self._name} is not what it was")

    def _update(self, changed: Iterable[str]) -> str:
        assignments = ", ".join(f"{field} = ?" for field in changed)
        return f"UPDATE {self._name} SET {assignments} WHERE {' AND '.join(f'{field} = ?' for field in self._guards)}"
