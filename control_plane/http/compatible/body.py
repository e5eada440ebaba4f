"""Reads the bodies of the compatible API's requests: types and bounds, all mistakes at once, each with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

_DEEPEST = 32
_SHOWN = 200
_LARGEST = 1.7976931348623157e308


class BodyInvalid(Exception):
    """A request that is not as it must be; nothing was stored. `details` are as FastAPI writes them."""

    def __init__(self, details: list[dict[str, Any]]) -> None:
        super().__init__("; ".join(str(detail["msg"]) for detail in details))
        self.details = details


class Body:
    """A JSON object, read field by field. Unknown fields are ignored; null is as good as absent."""

    def __init__(self, given: Any, place: str = "body") -> None:
        """`{"body": {…}}` is taken for what is in it: some of the published clients wrap it so."""
        self._place = [place]
        self._repeats = True
        self._details: list[dict[str, Any]] = []
        if isinstance(given, dict) and isinstance(given.get("body"), dict):
            given = given["body"]
        if given is None:
            given = {}
        if not isinstance(given, dict):
            raise BodyInvalid([{"type": "dict_type", "loc": [place], "msg": "the body must be a JSON object"}])
        self._fields: Mapping[str, Any] = given

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def raw(self, name: str) -> Any:
        """The field as it came; None when it is absent."""
        return self._fields.get(name)

    def wrong(self, name: str, kind: str, message: str, **context: Any) -> None:
        """Note a mistake."""
        detail: dict[str, Any] = {"type": kind, "loc": [*self._place, name], "msg": message}
        if context:
            detail["ctx"] = context
        value = self._fields.get(name)
        if not self._repeats:
            pass
        elif value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and abs(value) < 2**63):
            detail["input"] = value
        elif isinstance(value, str):
            detail["input"] = value[:_SHOWN]
        self._details.append(detail)

    def raise_if_wrong(self) -> None:
        """Raise BodyInvalid if any field was wrong."""
        if self._details:
            raise BodyInvalid(self._details)

    def secret_part(self, name: str) -> Body:
        """The object under a name, which must be there; its mistakes are this one's, and repeat nothing of it."""
        part, given = Body({}), self._fields.get(name)
        part._place, part._repeats = [*self._place, name], False
        if isinstance(given, dict):
            part._fields, part._details = given, self._details
        else:
            kind, message = ("missing", "must be given") if given is None else ("dict_type", "must be a JSON object")
            self._details.append({"type": kind, "loc": part._place, "msg": message})
        return part

    def whole(self, name: str, default: int | None, lowest: int, highest: int) -> int:
        """A whole number within bounds; `default` when it is absent, None: it must be there."""
        value = self._fields.get(name)
        if value is None:
            if default is None:
                self.wrong(name, "missing", "must be given")
            return default or 0
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(name, "int_type", f"must be a whole number from {lowest} to {highest}")
            return lowest
        if value < lowest:
            self.wrong(name, "greater_than_equal", f"must be at least {lowest}", ge=lowest)
        elif value > highest:
            self.wrong(name, "less_than_equal", f"must be at most {highest}", le=highest)
        return min(max(value, lowest), highest)

    def text(self, name: str, most: int, *, required: bool = False) -> str:
        """A text of at most `most` characters; "" when it is absent."""
        value = self._fields.get(name)
        if value is None:
            if required:
                self.wrong(name, "missing", "must be given")
            return ""
        if not isinstance(value, str):
            self.wrong(name, "string_type", "must be a text")
            return ""
        if len(value) > most:
            self.wrong(name, "string_too_long", f"must have at most {most} characters", max_length=most)
            return ""
        if not sayable(value):
            self.wrong(name, "string_unicode", "must be text that UTF-8 can write, without NUL")
            return ""
        if required and not value.strip():
            self.wrong(name, "string_too_short", "must not be empty", min_length=1)
        return value

    def flag(self, name: str) -> bool:
        """True or false; false when it is absent."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "bool_type", "must be true or false")
        return value is True

    def word(self, name: str, words: Sequence[str]) -> str:
        """One of some words; "" when it is absent."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if value not in words:
            self.wrong(name, "enum", f"must be one of {', '.join(words)}", expected=", ".join(words))
            return ""
        return str(value)

    def words(self, name: str, words: Sequence[str]) -> list[str]:
        """A list of some words, each once; empty when it is absent."""
        value = self._fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or any(item not in words for item in value):
            self.wrong(name, "enum", f"must be a list of {', '.join(words)}", expected=", ".join(words))
            return []
        return list(dict.fromkeys(value))

    def texts(self, name: str, most: int) -> list[str]:
        """A list of at most `most` texts; it must be there."""
        value = self._fields.get(name)
        if not isinstance(value, list) or not value or any(not isinstance(item, str) for item in value):
            self.wrong(name, "list_type", f"must be a list of 1 to {most} texts")
            return []
        if len(value) > most or any(len(item) > _SHOWN or not sayable(item) for item in value):
            self.wrong(name, "too_long", f"must be a list of 1 to {most} ids", max_length=most)
            return []
        return value

    def object(self, name: str) -> Struct | None:
        """A JSON object; None when it is absent."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(name, "dict_type", "must be a JSON object")
            return None
        try:
            return _value(value, _DEEPEST).struct_value
        except ValueError as error:
            self.wrong(name, "value_error", str(error))
            return None


def sayable(text: str) -> bool:
    """Whether UTF-8 and our store can hold the text: JSON can spell lone surrogates and NUL."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _value(given: Any, depth: int) -> Value:
    """A JSON value as a protobuf one.

    Raises:
        ValueError: protobuf cannot hold it.
    """
    if depth < 0:
        raise ValueError(f"must not be nested deeper than {_DEEPEST}")
    if given is None:
        return Value(null_value=0)  # type: ignore[arg-type]
    if isinstance(given, bool):
        return Value(bool_value=given)
    if isinstance(given, (int, float)):
        if not -_LARGEST <= given <= _LARGEST:
            raise ValueError("holds a number that is too large")
        return Value(number_value=float(given))
    if isinstance(given, str):
        if not sayable(given):
            raise ValueError("holds text that UTF-8 cannot write, or NUL")
        return Value(string_value=given)
    if isinstance(given, list):
        return Value(list_value=ListValue(values=[_value(item, depth - 1) for item in given]))
    if not all(sayable(name) for name in given):
        raise ValueError("holds a name that UTF-8 cannot write, or with NUL")
    return Value(struct_value=Struct(fields={name: _value(item, depth - 1) for name, item in given.items()}))


def request_id(header: str) -> str:
    """An Idempotency-Key as our request_id, which is shorter."""
    return header if len(header) <= 128 else hashlib.sha256(header.encode(errors="replace")).hexdigest()
