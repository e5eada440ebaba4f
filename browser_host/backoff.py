"""Pauses between the tries at something that may work the next time."""

from __future__ import annotations

import asyncio
import random

FIRST_SECONDS, MOST_SECONDS = 0.2, 5.0


class Backoff:
    """The pauses of one undertaking: random, so that hosts do not try in step, and longer each time up to a bound."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._most = FIRST_SECONDS

    async def pause(self) -> None:
        """Wait until it is time for the next try."""
        await asyncio.sleep(self._rng.uniform(FIRST_SECONDS / 2, self._most))
        self._most = min(MOST_SECONDS, self._most * 2)
