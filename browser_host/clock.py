"""Where this process gets the time from; logic takes a `Clock`, so that tests can turn it by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from browser_host.kernel import guardian


class Clock(Protocol):
    """Tells how much time has passed, and what time it is."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back, and counts the time the machine was suspended."""

    def now(self) -> datetime:
        """The time in UTC; may jump."""


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds since the machine's start, on the clock that the guardian counts on."""
        return guardian.boottime()

    def now(self) -> datetime:
        """The wall clock's time in UTC."""
        return datetime.now(UTC)
