"""The site's own log of what visitors really did: the ground truth of the demo and the end-to-end tests."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

Event = Literal[
    "page",
    "advertisement_shown",
    "login",
    "login_failed",
    "logout",
    "product_search",
    "customer_search",
    "customer_viewed",
    "added_to_cart",
    "removed_from_cart",
    "checkout_started",
    "payment_declined",
    "order_placed",
    "order_resubmitted",
    "report_viewed",
    "report_exported",
    "report_downloaded",
]
EVENTS: frozenset[str] = frozenset(get_args(Event))
LONGEST_TEXT = 500  # characters of a detail; a visitor's text may be as long as a request


@dataclass(frozen=True)
class LogEntry:
    """One thing a visitor did; `visitor` is the same for everything one browser did."""

    number: int
    time: datetime
    visitor: str
    user: str | None
    event: Event
    details: dict[str, Any]

    def as_json(self) -> str:
        """Write the entry as one line of JSON."""
        return json.dumps(asdict(self) | {"time": self.time.isoformat()})


class SiteLog:
    """Everything that happened on one site, in order and never shortened; details never hold a password."""

    def __init__(self, path: Path | None = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin an empty log, also in the file at `path` if one is given; what the file held is gone."""
        self._entries: list[LogEntry] = []
        self._path = path
        self._now = now
        self._news = asyncio.Event()
        if path is not None:
            path.write_text("")

    def record(self, event: Event, *, visitor: str, user: str | None, **details: Any) -> LogEntry:
        """Add one entry and, if the log has a file, write it there before returning."""
        clipped = {name: value[:LONGEST_TEXT] if isinstance(value, str) else value for name, value in details.items()}
        entry = LogEntry(len(self._entries) + 1, self._now(), visitor, user, event, clipped)
        self._entries.append(entry)
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(entry.as_json() + "\n")
        self._news.set()
        self._news = asyncio.Event()
        return entry

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """Everything so far, oldest first."""
        return tuple(self._entries)

    def events(self, *events: str, visitor: str | None = None, since: int = 0) -> list[LogEntry]:
        """Return the entries of these events (of all, if none is named) with a number above `since`, oldest first.

        Raises:
            ValueError: a name that the site never logs, so that a misspelt test cannot pass.
        """
        if unknown := set(events) - EVENTS:
            raise ValueError(f"no such event: {', '.join(sorted(unknown))}; the site logs {', '.join(sorted(EVENTS))}")
        return [
            entry
            for entry in self._entries[max(since, 0) :]
            if (not events or entry.event in events) and visitor in (None, entry.visitor)
        ]

    def count(self, event: str, *, visitor: str | None = None) -> int:
        """Count how often the event happened."""
        return len(self.events(event, visitor=visitor))

    def last(self, event: str, *, visitor: str | None = None) -> LogEntry | None:
        """Return the newest entry of the event, or None if it never happened."""
        entries = self.events(event, visitor=visitor)
        return entries[-1] if entries else None

    async def wait_for(self, event: str, *, since: int = 0, **details: Any) -> LogEntry:
        """Return the first entry of the event above `since` that has these details, as soon as there is one.

        It waits without end: put `asyncio.timeout` around it.
        """
        while True:
            for entry in self.events(event, since=since):
                if details.items() <= entry.details.items():
                    return entry
            await self._news.wait()

    def visitors(self) -> list[str]:
        """Return every visitor in the log, in the order of their first entries."""
        return list(dict.fromkeys(entry.visitor for entry in self._entries))
