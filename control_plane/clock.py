"""Time as the control plane sees it: one clock that never steps.

Nothing else in this package reads a clock, so tests and the simulation can put a virtual one in its place.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """A clock for deadlines and for the times that are stored."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; counts the time the machine was suspended and never steps."""

    def now(self) -> datetime:
        """UTC. Moves exactly like `monotonic`, so setting the machine's wall clock moves no deadline."""

    @property
    def origin(self) -> str:
        """What `monotonic` counts from: readings of two processes compare where it is the same and not empty."""


def _boottime() -> float:
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def _boot_id() -> str:
    """The kernel's name for this boot of the machine; empty where it gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class SystemClock:
    """The machine's clock, read once for the wall time and counted on from there."""

    def __init__(self, not_before: datetime | None = None) -> None:
        """Start at the wall clock's time, or at `not_before` if the wall clock was set back behind it."""
        wall = datetime.now(UTC)
        self._start = max(wall, not_before) if not_before else wall
        self._start_boottime = _boottime()
        self.origin = _boot_id()

    def monotonic(self) -> float:
        return _boottime()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=_boottime() - self._start_boottime)
