"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SteppedClock:
    """Starts on a fixed day, so that stored times are the same in every run."""

    origin = ""
    """Each counts from a moment of its own."""

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


class Machine:
    """Whose clocks go on while a control plane is down, and whose wall clock can be set."""

    def __init__(self) -> None:
        self.boot = "first boot"
        self.uptime = 1000.0
        self.wall = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def pass_by(self, length: timedelta) -> None:
        """Time passes."""
        self.uptime += length.total_seconds()
        self.wall += length

    def clock(self, not_before: datetime | None) -> MachineClock:
        """The clock of a process that starts now."""
        return MachineClock(self, not_before)


class MachineClock(SteppedClock):
    """A stepped clock that moves its machine's."""

    def __init__(self, machine: Machine, not_before: datetime | None) -> None:
        super().__init__(max(machine.wall, not_before) if not_before else machine.wall)
        self._monotonic = machine.uptime
        self._machine = machine
        self.origin = machine.boot

    def advance(self, length: timedelta) -> None:
        super().advance(length)
        self._machine.pass_by(length)
