"""JSON to messages, after protobuf's JSON mapping, and what is wrong with the JSON in words that say what would work.

`json_format` does the conversion; before it, `mistakes` looks at everything, because `json_format` stops at the first
mistake, names the place in its own way, and passes over numbers of enums that do not exist.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from control_plane.http.answers import Refused

Mistake = dict[str, Any]
Place = list[str | int]

_SHOWN = 200
_MOST_MISTAKES = 20
_DEEPEST = 60
"""Deeper than any message of ours, and what a Struct may nest."""
_KIND = FieldDescriptor
_BOUNDS = {
    _KIND.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    _KIND.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    _KIND.CPPTYPE_UINT32: (0, 2**32 - 1),
    _KIND.CPPTYPE_UINT64: (0, 2**64 - 1),
}
"""The bounds of each kind of whole number."""
_NUMBER_WORDS = ("NaN", "Infinity", "-Infinity")
_WRITTEN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"-?[0-9]{1,1000}")


def read(descriptor: Descriptor, data: Any, where: str) -> Message:
    """The message that `data` says.

    Raises:
        Refused: something in it is wrong; all of that is named, beginning with `where`, "body" or "query".
    """
    wrong = []
    data = _with_spelled_masks(descriptor, data)
    for mistake in mistakes(descriptor, data, [where]):
        wrong.append(mistake)
        if len(wrong) == _MOST_MISTAKES:
            break
    if wrong:
        raise Refused(422, "FIELD_INVALID", wrong)
    message = GetMessageClass(descriptor)()
    try:
        json_format.ParseDict(data, message)
    except (json_format.ParseError, ValueError, TypeError, RecursionError) as error:
        raise Refused(422, "FIELD_INVALID", [_mistake([where], "value_error", str(error)[:500], None)]) from None
    return message


def _with_spelled_masks(descriptor: Descriptor, data: Any) -> Any:
    """`data` with the paths of its field masks as JSON spells them, also where they were written as in the protos."""
    if not isinstance(data, dict):
        return data
    masks = {
        name: re.sub(r"_([a-z])", lambda found: found[1].upper(), data[name])
        for field in descriptor.fields
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.FieldMask"
        for name in (field.name, field.json_name)
        if isinstance(data.get(name), str)
    }
    return data | masks


def mistakes(descriptor: Descriptor, data: Any, place: Place) -> Iterator[Mistake]:
    """What is wrong with `data` as a message, one by one."""
    if len(place) > _DEEPEST:
        yield _mistake(place, "too_deep", f"is nested deeper than {_DEEPEST} levels", None)
        return
    if (check := _WELL_KNOWN.get(descriptor.full_name)) is not None:
        yield from check(data, place)
        return
    if not isinstance(data, dict):
        yield _mistake(place, "object_type", f"must be an object, not {_kind_of(data)}", data)
        return
    names = fields_by_name(descriptor)
    given: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for name, value in data.items():
        field = names.get(name)
        if field is None:
            yield _unknown(descriptor, name, place, value)
            continue
        if field.name in given:
            yield _mistake([*place, name], "value_error", f"is given twice, also as {given[field.name]!r}", value)
            continue
        given[field.name] = name
        oneof = field.containing_oneof
        if value is not None and oneof is not None:
            if oneof.name in chosen:
                message = f"cannot be given together with {chosen[oneof.name]!r}: choose one of them"
                yield _mistake([*place, name], "value_error", message, value)
                continue
            chosen[oneof.name] = name
        if value is not None or _takes_null(field):
            yield from _field_mistakes(field, value, [*place, name])


def fields_by_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """The fields by both names that JSON may use: `runId` and `run_id`."""
    found = _NAMES.get(descriptor.full_name)
    if found is None:
        found = {field.name: field for field in descriptor.fields}
        found |= {field.json_name: field for field in descriptor.fields}
        _NAMES[descriptor.full_name] = found
    return found


_NAMES: dict[str, dict[str, FieldDescriptor]] = {}


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def map_key(field: FieldDescriptor) -> FieldDescriptor:
    """The keys of a map, as the field of an entry."""
    entry: Any = field.message_type
    key: FieldDescriptor = entry.fields_by_name["key"]
    return key


def map_value(field: FieldDescriptor) -> FieldDescriptor:
    """The values of a map, as the field of an entry."""
    entry: Any = field.message_type
    value: FieldDescriptor = entry.fields_by_name["value"]
    return value


def _takes_null(field: FieldDescriptor) -> bool:
    """Everywhere else null is the same as absence."""
    return field.message_type is not None and field.message_type.full_name == "google.protobuf.Value"


def _field_mistakes(field: FieldDescriptor, value: Any, place: Place) -> Iterator[Mistake]:
    if is_map(field):
        if not isinstance(value, dict):
            yield _mistake(place, "object_type", f"must be an object, not {_kind_of(value)}", value)
            return
        key_field, value_field = map_key(field), map_value(field)
        for key, one in value.items():
            if key_field.cpp_type != _KIND.CPPTYPE_STRING or _unwritable(key):
                yield from _value_mistakes(key_field, key, [*place, key])
            yield from _value_mistakes(value_field, one, [*place, key])
    elif field.is_repeated:
        if not isinstance(value, list):
            yield _mistake(place, "list_type", f"must be an array, not {_kind_of(value)}", value)
            return
        for position, one in enumerate(value):
            yield from _value_mistakes(field, one, [*place, position])
    else:
        yield from _value_mistakes(field, value, place)


def _value_mistakes(field: FieldDescriptor, value: Any, place: Place) -> Iterator[Mistake]:
    kind = field.cpp_type
    if field.message_type is not None:
        yield from mistakes(field.message_type, value, place)
    elif field.enum_type is not None:
        yield from _enum_mistakes(field.enum_type, value, place)
    elif kind in _BOUNDS:
        yield from _whole_mistakes(value, place, *_BOUNDS[kind])
    elif kind == _KIND.CPPTYPE_BOOL:
        if not isinstance(value, bool):
            yield _mistake(place, "bool_type", f"must be true or false, not {_kind_of(value)}", value)
    elif kind == _KIND.CPPTYPE_STRING:
        yield from (_bytes_mistakes if field.type == _KIND.TYPE_BYTES else _text_mistakes)(value, place)
    else:
        yield from _number_mistakes(value, place, narrow=kind == _KIND.CPPTYPE_FLOAT)


def _enum_mistakes(enum: EnumDescriptor, value: Any, place: Place) -> Iterator[Mistake]:
    numbers = {one.name: one.number for one in enum.values}  # not asked of the descriptor, which trips over surrogates
    known = value in numbers if isinstance(value, str) else type(value) is int and value in numbers.values()
    if not known:
        names = ", ".join(name for name, number in numbers.items() if number)
        yield _mistake(place, "enum", f"{_shown(value)} is not one of {names}", value)


def _whole_mistakes(value: Any, place: Place, lowest: int, highest: int) -> Iterator[Mistake]:
    number: int | None = None
    if type(value) is int:
        number = value
    elif (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and _WHOLE.fullmatch(value)):
        number = int(value)
    if number is None:
        yield _mistake(place, "int_type", f"must be a whole number, not {_kind_of(value)}", value)
    elif not lowest <= number <= highest:
        yield _mistake(place, "int_range", f"{_shown(number)} is not within {lowest} to {highest}", value)


def _number_mistakes(value: Any, place: Place, *, narrow: bool) -> Iterator[Mistake]:
    written = isinstance(value, str) and (value in _NUMBER_WORDS or _WRITTEN_NUMBER.fullmatch(value))
    if type(value) not in (int, float) and not written:
        yield _mistake(place, "float_type", f"must be a number, not {_kind_of(value)}", value)
        return
    if isinstance(value, str) and value in _NUMBER_WORDS:
        return
    try:
        size = abs(float(value))
    except OverflowError:
        size = float("inf")
    if size > (3.4028234663852886e38 if narrow else 1.7976931348623157e308):
        yield _mistake(place, "float_range", "is too large for a number", None)


def _text_mistakes(value: Any, place: Place) -> Iterator[Mistake]:
    if not isinstance(value, str):
        yield _mistake(place, "string_type", f"must be a string, not {_kind_of(value)}", value)
    elif _unwritable(value):
        yield _mistake(place, "string_unicode", "has half of a surrogate pair, which is no character", None)


def _unwritable(text: str) -> bool:
    """Whether JSON could spell it and UTF-8 cannot."""
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _bytes_mistakes(value: Any, place: Place) -> Iterator[Mistake]:
    try:
        text = value.replace("-", "+").replace("_", "/")
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (AttributeError, ValueError, binascii.Error):
        yield _mistake(place, "bytes_type", f"must be base64 in a string, not {_kind_of(value)}", None)


def _parsed_by(kind: Any, example: str) -> Callable[[Any, Place], Iterator[Mistake]]:
    """The check of a message that JSON writes as a string."""

    def check(data: Any, place: Place) -> Iterator[Mistake]:
        if not isinstance(data, str):
            yield _mistake(place, "string_type", f"must be a string such as {example}, not {_kind_of(data)}", data)
            return
        try:
            kind().FromJsonString(data)
        except (ValueError, OverflowError, json_format.ParseError, TypeError):
            yield _mistake(place, "value_error", f"{_shown(data)} is not understood: write it like {example}", data)

    return check


def _struct_mistakes(data: Any, place: Place) -> Iterator[Mistake]:
    if not isinstance(data, dict):
        yield _mistake(place, "object_type", f"must be an object, not {_kind_of(data)}", data)
        return
    yield from _json_mistakes(data, place)


def _list_mistakes(data: Any, place: Place) -> Iterator[Mistake]:
    if not isinstance(data, list):
        yield _mistake(place, "list_type", f"must be an array, not {_kind_of(data)}", data)
        return
    yield from _json_mistakes(data, place)


def _json_mistakes(data: Any, place: Place) -> Iterator[Mistake]:
    """What of a JSON value a Struct cannot hold: it has numbers of 64 bits only, and text."""
    if len(place) > _DEEPEST:
        yield _mistake(place, "too_deep", f"is nested deeper than {_DEEPEST} levels", None)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _text_mistakes(key, [*place, key])
            yield from _json_mistakes(value, [*place, key])
    elif isinstance(data, list):
        for position, value in enumerate(data):
            yield from _json_mistakes(value, [*place, position])
    elif isinstance(data, str):
        yield from _text_mistakes(data, place)
    elif type(data) in (int, float):
        yield from _number_mistakes(data, place, narrow=False)


_WELL_KNOWN: Mapping[str, Callable[[Any, Place], Iterator[Mistake]]] = {
    "google.protobuf.Duration": _parsed_by(Duration, '"90s"'),
    "google.protobuf.Timestamp": _parsed_by(Timestamp, '"2026-02-01T10:30:00Z"'),
    "google.protobuf.FieldMask": _parsed_by(FieldMask, '"proxy,pageOptions.maxPages"'),
    "google.protobuf.Struct": _struct_mistakes,
    "google.protobuf.ListValue": _list_mistakes,
    "google.protobuf.Value": _json_mistakes,
}


def _unknown(descriptor: Descriptor, name: str, place: Place, value: Any) -> Mistake:
    known = [field.json_name for field in descriptor.fields]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    hint = f"there are {', '.join(known)}" if known else "there are none"
    if near:
        hint = f"did you mean {near[0]!r}?"
    return _mistake([*place, name], "extra_forbidden", f"no such field: {hint}", value)


def _mistake(place: Place, kind: str, message: str, value: Any) -> Mistake:
    loc = [part[:_SHOWN] if isinstance(part, str) else part for part in place]
    found: Mistake = {"type": kind, "loc": loc, "msg": message}
    if isinstance(value, (bool, str)) or (type(value) in (int, float) and abs(value) < 1e300):
        found["input"] = value[:_SHOWN] if isinstance(value, str) else value
    return found


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, str)):
        return _shown(value)
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "null"


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)) or value is None:
        return _kind_of(value)
    if type(value) in (int, float) and abs(value) >= 1e30:
        return "a number so large"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
