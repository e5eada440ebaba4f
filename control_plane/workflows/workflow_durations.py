"""Lengths of time as people write them in a workflow definition: 500ms, 90s, 5m, 1h30m."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Final

_PARTS: Final = re.compile(
    r"(?:(?P<hours>\d{1,9}(?:\.\d{1,6})?)h)?"
    r"(?:(?P<minutes>\d{1,9}(?:\.\d{1,6})?)m(?!s))?"
    r"(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)s)?"
    r"(?:(?P<milliseconds>\d{1,9}(?:\.\d{1,3})?)ms)?",
    re.ASCII,
)
_MICROSECONDS: Final = {"hours": 3_600_000_000, "minutes": 60_000_000, "seconds": 1_000_000, "milliseconds": 1_000}


def parse_duration(text: str) -> timedelta | None:
    """Return the length that `text` names, hours before minutes before seconds; None when it names none."""
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        return None
    total = sum(Decimal(part) * _MICROSECONDS[unit] for unit, part in match.groupdict().items() if part)
    return timedelta(microseconds=int(total))


def show_duration(length: timedelta) -> str:
    """Return the length in the words `parse_duration` reads, to the millisecond."""
    rest = length // timedelta(milliseconds=1)
    words = ""
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)):
        count, rest = divmod(rest, size)
        words += f"{count}{unit}" if count else ""
    return words or "0s"
