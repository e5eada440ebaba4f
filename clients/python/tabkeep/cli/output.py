"""How results look: colours and tables on a terminal, tab-separated or plain lines in a pipe, JSON with --json.

Text that comes from web pages is cleaned of control characters, so that a page cannot drive the reader's terminal.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import click
from google.protobuf import json_format
from google.protobuf.message import Message
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tabkeep.cli import durations
from tabkeep.records.run_events import RunEvent
from tabkeep.records.sessions import BrowserSession

_COLOURS = {
    "running": "green",
    "ready": "green",
    "completed": "green",
    "done": "green",
    "pending": "yellow",
    "launching": "yellow",
    "created": "yellow",
    "queued": "yellow",
    "paused": "yellow",
    "draining": "yellow",
    "recovering": "yellow",
    "suspect": "yellow",
    "failed": "red",
    "terminated": "red",
    "timed_out": "red",
    "lost": "red",
    "quarantined": "red",
    "canceled": "dim",
    "closed": "dim",
    "gone": "dim",
}


class Output:
    """Writes a command's results to standard output."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    @property
    def is_live(self) -> bool:
        """Whether a person watches: a terminal, and no JSON asked for."""
        return self.console.is_terminal and not self.as_json

    def json_line(self, value: Any) -> None:
        """Write one JSON document on one line, at once."""
        click.echo(json.dumps(to_json(value), ensure_ascii=False))

    def line(self, text: str | Text) -> None:
        """Write one line."""
        if self.console.is_terminal:
            self.console.print(text)
        else:
            click.echo(text.plain if isinstance(text, Text) else text)

    def record(self, record: Any, fields: Sequence[tuple[str, Any]]) -> None:
        """Write one record: all of it as JSON, or the named fields that have a value, one per line."""
        if self.as_json:
            self.json_line(record)
            return
        present = [(name, show(value)) for name, value in fields if value not in (None, "", (), {})]
        if not self.console.is_terminal:
            for name, text in present:
                click.echo(f"{name}\t{text}")
            return
        grid = Table.grid(padding=(0, 2))
        for name, text in present:
            grid.add_row(Text(name, style="dim"), coloured(text))
        self.console.print(grid)

    def table(self, records: Sequence[Any], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write several records: all of them as one JSON array, or the columns as a table."""
        if self.as_json:
            self.json_line(records)
            return
        if not self.console.is_terminal:
            click.echo("\t".join(columns))
            for row in rows:
                click.echo("\t".join(show(cell) for cell in row))
            return
        cells = [[_short(cell) for cell in row] for row in rows]
        # Ids are there to be copied: only the last column, a title or address, gives way on a narrow terminal.
        widths = [max(map(cell_len, column)) for column in zip(columns, *cells, strict=True)][:-1]
        room = max(10, self.console.width - sum(widths) - 2 * len(widths))
        self._row([Text(name, style="dim") for name in columns], widths, room)
        for row in cells:
            self._row([coloured(cell) for cell in row], widths, room)

    def _row(self, cells: Sequence[Text], widths: Sequence[int], room: int) -> None:
        line = Text()
        for cell, width in zip(cells, widths, strict=False):
            cell.pad_right(width + 2 - cell.cell_len)
            line.append_text(cell)
        cells[-1].truncate(room, overflow="ellipsis")
        self.console.print(line.append_text(cells[-1]))


def coloured(text: str) -> Text:
    """Return a text, in its colour when it is the word of a state."""
    return Text(text, style=_COLOURS.get(text, ""))


def show(value: Any) -> str:
    """Return a value on one line for a person: local time, short lengths, JSON for what is nested."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, timedelta):
        return durations.show(value)
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, (Mapping, list, tuple)) or dataclasses.is_dataclass(value):
        return clean(json.dumps(to_json(value), ensure_ascii=False))
    return str(value)


def _short(value: Any) -> str:
    if isinstance(value, datetime):
        local = value.astimezone()
        return local.strftime("%H:%M:%S" if local.date() == datetime.now(UTC).astimezone().date() else "%Y-%m-%d")
    return show(value)


def clean(text: str) -> str:
    """Return a text on one line and without control and format characters."""
    return "".join(c if unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") else " " for c in text).strip()


def to_json(value: Any) -> Any:
    """Return a record as JSON types: times as RFC 3339 in UTC, lengths as "90s", messages in proto's JSON form."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.9f}".rstrip("0").rstrip(".") + "s"
    if isinstance(value, Message):
        return json_format.MessageToDict(value, preserving_proto_field_name=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        if isinstance(value, BrowserSession):
            fields["status"] = value.status
        if isinstance(value, RunEvent):
            fields[value.kind] = fields.pop("detail")
        return fields
    if isinstance(value, Mapping):
        return {str(name): to_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value


def fail(text: str) -> None:
    """Write one line about a failure to standard error, in red on a terminal."""
    console = Console(file=sys.stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)
    if console.is_terminal:
        console.print(Text.assemble(("error: ", "bold red"), clean(text)))
    else:
        click.echo(f"error: {clean(text)}", err=True)


def fail_block(text: str) -> None:
    """Write a failure of several lines to standard error, each line cleaned by itself."""
    first, *more = text.splitlines() or [""]
    fail(first)
    for line in more:
        click.echo(f"  {clean(line)}", err=True)
