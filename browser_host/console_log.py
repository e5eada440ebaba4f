"""What a run's pages write to their console: bounded, one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

MOST_ENTRIES = 10_000
MOST_BYTES = 4 * 2**20
LONGEST_TEXT = 4_096


class ConsoleLog:
    """The console of one run's pages."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._bytes = 0
        self.left_out = 0

    def add(self, time: datetime, kind: str, text: str, url: str, line: int) -> None:
        """Keep a message: `kind` is log, warning, error, … or exception; `url` and `line` are the script's."""
        text = text[:LONGEST_TEXT]
        size = 200 + len(text) + len(url)
        if len(self._entries) >= MOST_ENTRIES or self._bytes + size > MOST_BYTES:
            self.left_out += 1
            return
        self._bytes += size
        when = time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._entries.append({"time": when, "type": kind, "text": text, "url": url[:2_000], "line": line})

    @property
    def truncation(self) -> str:
        """What is missing, in words."""
        return f"the log was full: {self.left_out} more messages are left out" if self.left_out else ""

    def lines(self, scrub: Callable[[str], str]) -> bytes:
        """The log; where it was full, the last line says so."""
        entries = [{**one, "text": scrub(one["text"]), "url": scrub(one["url"])} for one in self._entries]
        if self.truncation:
            entries.append({"type": "truncated", "text": self.truncation})
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in entries).encode(errors="replace")
