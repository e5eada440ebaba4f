"""Lengths of time as people write them: 90s, 30m, 2h, 1h30m, 250ms."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    _ParamType = click.ParamType[timedelta]
else:
    _ParamType = click.ParamType  # generic only in newer releases

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")


def parse(text: str) -> timedelta:
    """Return the length that a text names.

    Raises:
        ValueError: it names none; a bare number would not say its unit.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a length of time: write for example 90s, 30m or 1h30m")
    return sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())


def show(length: timedelta) -> str:
    """Return a length as short text: milliseconds below a second, else at most its two largest units."""
    seconds = length.total_seconds()
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + "s"
    whole = round(seconds)
    parts = [(whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    return "".join([f"{number}{unit}" for number, unit in parts if number][:2])


class DurationType(_ParamType):
    """A command line parameter that is a length of time."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length; a wrong one is a usage error."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = DurationType()
