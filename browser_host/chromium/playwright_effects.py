"""What actions have brought about in one tab, as far as the browser tells: counted, and waited for."""

from __future__ import annotations

import asyncio
from typing import Any


class PlaywrightEffects:
    """The effects in one tab: navigations, dialogs, downloads, new tabs and the like."""

    def __init__(self) -> None:
        self._count = 0
        self._waiters: list[asyncio.Future[None]] = []

    def so_far(self) -> int:
        """How many there were."""
        return self._count

    async def after(self, seen: int) -> None:
        """Wait until there are more than `seen`."""
        while self._count <= seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def tell(self, *_: Any) -> None:
        """There was one; takes what an event brings, and does not look at it."""
        self._count += 1
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
