"""Frozen dataclasses as table rows: one column per field, in the field's order and name."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from operator import attrgetter
from types import UnionType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from control_plane.errors import Conflict

T = TypeVar("T")
_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_MILLISECOND = timedelta(milliseconds=1)
_write_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def time_text(time: datetime) -> str:
    """A time as stored: UTC, microseconds, always 32 characters."""
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat(timespec="microseconds")


def _dict_text(value: dict[str, Any]) -> str:
    return _write_json(value) if value else "{}"


def _dict(text: str) -> Any:
    return json.loads(text) if text != "{}" else {}


def _milliseconds(length: timedelta) -> int:
    return round(length / _MILLISECOND)


def _length(milliseconds: int) -> timedelta:
    return timedelta(milliseconds=milliseconds)


def _value(member: Enum) -> Any:
    return member.value


def _codec(kind: Any) -> _Codec | None:
    """How values of a field's type are written to and read from SQLite; None for those that are stored as they are."""
    if isinstance(kind, UnionType):
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is dict:
        return _dict_text, _dict
    if kind is datetime:
        return time_text, datetime.fromisoformat
    if kind is timedelta:
        return _milliseconds, _length
    if kind is bool:
        return int, bool
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _value, {member.value: member for member in kind}.__getitem__
    if kind in (str, int, float, bytes):
        return None
    raise TypeError(f"no column type for {kind}")


class Table(Generic[T]):
    """Reads and writes rows of one table as `record_type`; plain columns only, no joins."""

    def __init__(self, record_type: type[T], name: str, key: Sequence[str], guard: str = "") -> None:
        """`guard` names the column whose old value every update expects: a miss raises Conflict."""
        self._type = record_type
        self._name = name
        self._fields = tuple(field.name for field in dataclasses.fields(record_type))  # type: ignore[arg-type]
        hints = get_type_hints(record_type)
        # By the field's place in the row; most fields are stored as they are, and rows are read and written for
        # every call, so only the others are looked at.
        codecs = {place: codec for place, field in enumerate(self._fields) if (codec := _codec(hints[field]))}
        self._encoders = {place: encode for place, (encode, _) in codecs.items()}
        self._decoders = [(place, decode) for place, (_, decode) in codecs.items()]
        self._values = attrgetter(*self._fields)
        self._guards = [self._fields.index(field) for field in (*key, *([guard] if guard else []))]
        columns = ", ".join(self._fields)
        self.columns = columns
        self.select = f"SELECT {columns} FROM {name} "
        self._insert = f"INSERT INTO {name} ({columns}) VALUES ({', '.join('?' * len(self._fields))})"
        self._updates: dict[tuple[int, ...], str] = {}

    def decode(self, row: Sequence[Any]) -> T:
        """The record in `row`, whose columns are `columns`."""
        values = list(row)
        for place, decode in self._decoders:
            if (value := values[place]) is not None:
                values[place] = decode(value)
        return self._type(*values)

    def _encoded(self, values: Sequence[Any], places: Iterable[int]) -> list[Any]:
        """The fields of a record at these places, as stored."""
        encoders = self._encoders
        return [
            encoders[place](value) if (value := values[place]) is not None and place in encoders else value
            for place in places
        ]

    def one(self, connection: sqlite3.Connection, where: str, arguments: Sequence[Any]) -> T | None:
        """The first record that matches."""
        row = connection.execute(self.select + where, arguments).fetchone()
        return None if row is None else self.decode(row)

    def all(self, connection: sqlite3.Connection, where: str = "", arguments: Sequence[Any] = ()) -> list[T]:
        """All records that match."""
        return [self.decode(row) for row in connection.execute(self.select + where, arguments)]

    def insert(self, connection: sqlite3.Connection, record: T) -> None:
        """Add a row."""
        connection.execute(self._insert, self._encoded(self._values(record), range(len(self._fields))))

    def update(self, connection: sqlite3.Connection, old: T, new: T) -> None:
        """Write the fields in which `new` differs from `old`, where the row is still as `old` says.

        Raises:
            Conflict: the row has another state than `old`, or is not there.
        """
        before, after = self._values(old), self._values(new)
        pairs = enumerate(zip(before, after, strict=True))
        changed = tuple([place for place, (was, now) in pairs if was is not now and was != now])
        if not changed:
            return
        statement = self._updates.get(changed) or self._updates.setdefault(changed, self._update(changed))
        arguments = self._encoded(after, changed) + self._encoded(before, self._guards)
        if connection.execute(statement, arguments).rowcount != 1:
            raise Conflict(f"a row of {self._name} is not what it was")

    def _update(self, changed: Iterable[int]) -> str:
        assignments = ", ".join(f"{self._fields[place]} = ?" for place in changed)
        guards = " AND ".join(f"{self._fields[place]} = ?" for place in self._guards)
        return f"UPDATE {self._name} SET {assignments} WHERE {guards}"
