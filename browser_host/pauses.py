"""Tells whether this process was stopped for a while, or the machine's clock was set."""

from __future__ import annotations

import asyncio

from browser_host.clock import Clock

SAMPLE_SECONDS = 0.5
LONGEST_GAP = 2.0
"""Between two samples; more means that this process did not run: stopped, suspended, or starved."""
LARGEST_STEP = 1.0
"""How far the wall clock may move against the monotonic one between two samples."""


class PauseDetector:
    """Samples both clocks every half second, and whenever somebody asks. Before `run` it has seen nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: tuple[float, float] | None = None
        self._resumed_at: float | None = None

    def resumed_at(self) -> float | None:
        """When the last pause was noticed, on the monotonic clock; looks now, so nobody acts in ignorance of one."""
        if self._last is not None:
            self._sample(self._last)
        return self._resumed_at

    async def run(self) -> None:
        """Sample until cancelled."""
        self._last = self._read()
        try:
            while True:
                await asyncio.sleep(SAMPLE_SECONDS)
                self.resumed_at()
        finally:
            self._last = None

    def _sample(self, last: tuple[float, float]) -> None:
        now, offset = self._last = self._read()
        if now - last[0] > LONGEST_GAP or abs(offset - last[1]) > LARGEST_STEP:
            self._resumed_at = now

    def _read(self) -> tuple[float, float]:
        now = self._clock.monotonic()
        return now, self._clock.now().timestamp() - now
