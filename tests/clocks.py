"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SteppedClock:
    """Starts on a fixed day, so that stored times are the same in every run."""

    def __init__(self, not_before: datetime | None = None) -> None:
        self._now = not_before or datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._now

    def advance(self, length: timedelta) -> None:
        """Move on."""
        self._now += length
        self._monotonic += length.total_seconds()
