"""Which of the records that a page shows holds a value exactly: in tables, label-value pairs or repeated cards."""

from __future__ import annotations

import re
from typing import Any

from browser_host.task import extract
from browser_host.task.failures import AMBIGUOUS, Failed

Record = dict[str, str]


def matching(found: dict[str, Any], label: str, value: str) -> list[Record]:
    """The different records of what was read off a page that have the value under a label."""
    rows = [row for table in extract.tables_of(found) for row in table]
    records = [_keyed(row) for row in rows if _is_it(row, label, value)]
    if not records:
        pairs: Record = {}
        for name, text in found["pairs"]:
            pairs.setdefault(name, text)
        if _is_it(pairs, label, value):
            records = [_keyed(pairs)]
    if not records:
        records = [
            {"title": card["title"], "text": card["text"]}
            for card in found["cards"]
            if any(holds(line, value) for line in card["lines"])
        ]
    return [record for index, record in enumerate(records) if record not in records[:index]]


def only(matches: list[Record], label: str, value: str) -> Record:
    """The one record there is.

    Raises:
        Failed: AMBIGUOUS.
    """
    if len(matches) > 1:
        listed = "; ".join(", ".join(list(match.values())[:3]) for match in matches[:5])
        raise Failed(AMBIGUOUS, f'{len(matches)} records have {label} "{value}": {listed}')
    return matches[0]


def near(found: dict[str, Any], value: str) -> list[str]:
    """Values that look like the one asked for."""
    start = value.split("@")[0].lower()
    words = re.findall(r"[^\s,;()<>]+", found["text"])
    return [word for word in words if len(start) > 3 and word.lower().startswith(start) and "@" in word][:3]


def holds(text: str, value: str) -> bool:
    """Whether the text has the value as a word of its own; an address that goes on is another one."""
    edge = r"[\w@+/-]"
    pattern = rf"(?<!{edge})(?<![\w][.]){re.escape(value)}(?!{edge})(?![.]\w)"
    return re.search(pattern, text, re.IGNORECASE) is not None


def _is_it(row: Record, wanted: str, value: str) -> bool:
    """Whether the row has the value under its label; under any where no label is called so."""
    label = next((name for name in row if _key(name) == _key(wanted)), None)
    if label is None:
        label = next((name for name in row if _key(wanted) in _key(name).split("_")), None)
    cells = [row[label]] if label is not None else list(row.values())
    return any(_same(cell, value) for cell in cells)


def _same(cell: str, value: str) -> bool:
    """Whether a cell holds the value and nothing like it."""
    folded = " ".join(cell.split()).lower()
    return folded == " ".join(value.split()).lower() or ("@" in value and holds(cell, value))


def _keyed(row: Record) -> Record:
    return {_key(name): value for name, value in row.items() if value}


def _key(label: str) -> str:
    """A label as a JSON key: "Customer ID" is customer_id."""
    return "_".join(re.findall(r"\w+", label.lower())) or "value"
