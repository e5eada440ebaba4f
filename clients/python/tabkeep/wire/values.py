"""Times, lengths, JSON, and what several records share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import duration_pb2, struct_pb2
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tabkeep.records.values import Condition, Json
from tabkeep.v1 import browser_sessions_pb2

_LARGEST_EXACT = 2**53
"""JSON numbers travel as doubles; up to here a whole one is exact."""


def minutes_to_duration(value: timedelta | int) -> duration_pb2.Duration:
    """Return a session's timeout as a proto duration; a bare number counts minutes.

    Raises:
        TypeError: neither a timedelta nor a whole number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, timedelta)):
        raise TypeError(f"timeout is {type(value).__name__}: give a timedelta or a whole number of minutes")
    return to_duration(value if isinstance(value, timedelta) else timedelta(minutes=value), "timeout")


def to_duration(value: timedelta, name: str) -> duration_pb2.Duration:
    """Return a length as a proto duration.

    Raises:
        TypeError: not a timedelta; a bare number would not say its unit.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} is {type(value).__name__}: give a datetime.timedelta")
    duration = duration_pb2.Duration()
    duration.FromTimedelta(value)
    return duration


def to_value(value: Any) -> struct_pb2.Value:
    """Return a JSON value as its message.

    Raises:
        TypeError: JSON does not know the type.
    """
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=to_struct(value))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[to_value(item) for item in value]))
    raise TypeError(f"{type(value).__name__} is not a JSON type")


def to_struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return a JSON object as its message; TypeError where JSON does not know a type."""
    return struct_pb2.Struct(fields={name: to_value(item) for name, item in value.items()})


def from_value(value: struct_pb2.Value) -> Json:
    """Return a JSON value; a whole number that a double holds exactly comes back as an int."""
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number
        case "string_value":
            return value.string_value
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [from_value(item) for item in value.list_value.values]
    return None


def from_struct(value: struct_pb2.Struct) -> dict[str, Json]:
    """Return a JSON object, its names sorted: the wire keeps no order, and the same answer is to look the same."""
    return {name: from_value(item) for name, item in sorted(value.fields.items())}


def timestamp(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def optional_timestamp(message: Message, field: str) -> datetime | None:
    return timestamp(getattr(message, field)) if message.HasField(field) else None


def conditions(messages: Iterable[browser_sessions_pb2.Condition]) -> tuple[Condition, ...]:
    return tuple(Condition(m.type, optional_timestamp(m, "since_time"), m.message) for m in messages)
