"""Values as the compatible API writes them: times, lengths, enum words, JSON of protobuf values. Pure."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

_EXACT = 2**53


def time(message: Message, name: str) -> str | None:
    """A time as UTC with milliseconds and Z; None when it is absent. JavaScript takes a time without Z for local."""
    if not message.HasField(name):
        return None
    stamp: Timestamp = getattr(message, name)
    return f"{stamp.ToDatetime():%Y-%m-%dT%H:%M:%S}.{stamp.nanos // 1_000_000:03d}Z"


def minutes(length: Duration) -> int:
    """A length in minutes, a part of one counted as one."""
    return math.ceil(length.ToTimedelta() / timedelta(minutes=1))


def word(enum: EnumTypeWrapper, prefix: str, value: int) -> str | None:
    """An enum's word in lower case without its prefix; None for 0."""
    return enum.Name(value).removeprefix(prefix).lower() if value else None


def json_of(value: Value) -> Any:
    """A protobuf value as JSON has it; whole numbers are written without a fraction."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return number(value.number_value)
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return object_of(value.struct_value)
    if kind == "list_value":
        return list_of(value.list_value)
    return None


def output_of(value: Value) -> Any:
    """What a run or a part of it brought: an object, list, text or null. The published clients know no others, so a
    number, true and false are written as text."""
    found = json_of(value)
    return json.dumps(found) if isinstance(found, (bool, int, float)) else found


def object_of(struct: Struct) -> dict[str, Any]:
    """A protobuf struct as a JSON object."""
    return {name: json_of(value) for name, value in struct.fields.items()}


def list_of(values: ListValue) -> list[Any]:
    """A protobuf list as a JSON array."""
    return [json_of(value) for value in values.values]


def number(value: float) -> int | float | str:
    """A number as JSON can say it: whole ones as integers, and those that JSON has no word for as text."""
    if not math.isfinite(value):
        return str(value)
    return int(value) if value.is_integer() and abs(value) <= _EXACT else value
