"""Checks of a request's fields. All mistakes are collected, then raised together, each with its field and bound."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from control_plane.errors import FieldInvalid, FieldViolation

_MOST_VIOLATIONS = 50
_LABEL_KEY = re.compile(r"[A-Za-z0-9._/-]{1,63}")


class Fields:
    """Reads fields of `request`; `raise_if_wrong` raises for all that were wrong."""

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def wrong(self, field: str, description: str) -> None:
        """Note a mistake; of very many the first are enough."""
        if len(self.violations) < _MOST_VIOLATIONS:
            self.violations.append(FieldViolation(field, description))

    def raise_if_wrong(self) -> None:
        """Raise FieldInvalid if any field was wrong."""
        if self.violations:
            raise FieldInvalid(self.violations)

    def duration(
        self, request: Message, name: str, lowest: timedelta, highest: timedelta, default: timedelta, prefix: str = ""
    ) -> timedelta:
        """A length within bounds; `default` when absent."""
        if not request.HasField(name):
            return default
        value: Duration = getattr(request, name)
        try:
            given = timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
        except OverflowError:
            given = timedelta.max
        if given < lowest:
            self.wrong(prefix + name, f"{words(given)} is below the minimum of {words(lowest)}")
        elif given > highest:
            self.wrong(prefix + name, f"{words(given)} is above the maximum of {words(highest)}")
        return given

    def update_mask(self, mask: FieldMask, changeable: Sequence[str]) -> tuple[str, ...]:
        """The fields that are to be changed, of those that can be."""
        possible = ", ".join(changeable)
        if not mask.paths:
            self.wrong("update_mask", f"must name what to change: {possible}")
        for path in mask.paths:
            if path not in changeable:
                self.wrong("update_mask", f"{path[:100]!r} cannot be changed: use {possible}")
        return tuple(path for path in mask.paths if path in changeable)

    def number(self, field: str, value: int, lowest: int, highest: int, default: int) -> int:
        """A number within bounds; `default` when 0."""
        if value == 0:
            return default
        if not lowest <= value <= highest:
            self.wrong(field, f"{value} is not within {lowest} to {highest}")
        return value

    def text(self, field: str, value: str, most: int, *, required: bool = False) -> str:
        """A text of at most `most` characters, without NUL."""
        if len(value) > most:
            self.wrong(field, f"{len(value)} characters are more than the maximum of {most}")
        if "\0" in value:
            self.wrong(field, "must not contain a NUL character")
        if required and not value.strip():
            self.wrong(field, "must not be empty")
        return value

    def url(self, field: str, value: str) -> str:
        """An absolute http or https URL of at most 8,192 characters, or ""."""
        if not value:
            return ""
        self.text(field, value, 8192)
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or re.search(r"[\s\x00-\x1f]", value):
            shown = value if len(value) <= 100 else value[:100] + "…"
            self.wrong(field, f"{shown!r} is not an absolute http or https URL")
        return value

    def labels(self, field: str, labels: Mapping[str, str]) -> dict[str, str]:
        """At most 32 labels with well-formed keys."""
        if len(labels) > 32:
            self.wrong(field, f"{len(labels)} labels are more than the maximum of 32")
            return {}
        for key, value in labels.items():
            if not _LABEL_KEY.fullmatch(key):
                self.wrong(f"{field}[{key[:80]}]", "the key must be 1 to 63 letters, digits, '-', '_', '.' or '/'")
            self.text(f"{field}[{key[:80]}]", value, 255)
        return dict(labels)

    def page_size(self, value: int) -> int:
        """How many to list: 0 means 50, more than 500 means 500."""
        if value < 0:
            self.wrong("page_size", f"{value} is negative")
        return min(value or 50, 500)


def words(length: timedelta) -> str:
    """A length as people write it: 90s, 5m, 24h."""
    seconds = length.total_seconds()
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:.12g}s"
