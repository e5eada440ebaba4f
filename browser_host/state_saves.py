"""What one live session does about its browser's state: checkpoints while it lives, the last one at its end.

A checkpoint is taken after each run, once a minute, and a few seconds before the session's deadline; it is what counts
when the state at the end cannot be had. The one at the end has a bound of its own, so that the browser is gone in time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from browser_host.clock import Clock
from browser_host.messages import EndReason, Placement, TakenState
from browser_host.open_browser import OpenBrowser, StateNotTaken
from browser_host.states import States

logger = logging.getLogger(__name__)

MAX_BYTES = 32 * 2**20
INTERVAL_SECONDS = 60.0
BEFORE_DEADLINE_SECONDS = 5.0
CHECKPOINT_SECONDS = 10.0
CAPTURE_SECONDS = 15.0
"""How long a caller waits for the state of a live browser."""
LAST_SECONDS = {EndReason.REQUESTED: 1.4, EndReason.HOST_DRAINED: 1.4, EndReason.TIMED_OUT: 0.8}
"""How long the state at the end may take: the browser is to be gone within 3 s, and within 1.5 s of its deadline, when
the guardian ends it. A session with two sites took 0.25 s. For other reasons there is no browser to ask."""


class StateSaves:
    """The states of one placement, numbered."""

    def __init__(self, placement: Placement, states: States, clock: Clock) -> None:
        self._placement = placement
        self._states = states
        self._clock = clock
        self._state_no = 0
        self._due = asyncio.Event()

    def run_over(self) -> None:
        """A run has ended: its state is worth a checkpoint."""
        self._due.set()

    async def keep(self, browser: OpenBrowser, deadline: Callable[[], float]) -> None:
        """Take checkpoints until cancelled; `deadline` is the session's end on the host's clock."""
        while True:
            self._due.clear()
            before_end = deadline() - BEFORE_DEADLINE_SECONDS - self._clock.monotonic()
            try:
                async with asyncio.timeout(min(INTERVAL_SECONDS, before_end) if before_end > 0 else INTERVAL_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                pass
            taken = await self._take(browser, CHECKPOINT_SECONDS)
            if taken.failure:
                logger.warning("checkpoint not taken", extra={**self._placement.log_fields, "reason": taken.failure})
            else:
                self._states.bring(taken)

    async def bring_last(self, browser: OpenBrowser, reason: EndReason, message: str) -> None:
        """Take the state at the end, if there is a browser to ask, and bring it, or why there is none."""
        seconds = LAST_SECONDS.get(reason)
        if seconds is None or browser.gone.done():
            self._states.bring(self._taken(b"", f"the browser could not be asked at the end: {message}", last=True))
        else:
            self._states.bring(await self._take(browser, seconds, last=True))

    async def capture(self, browser: OpenBrowser | None, capture_id: str) -> None:
        """Bring the state for somebody who waits for it, or why there is none."""
        if browser is None:
            failure = "there is no live browser"
            taken = self._taken(b"", failure, last=True, capture_id=capture_id)
        else:
            taken = await self._take(browser, CAPTURE_SECONDS, capture_id=capture_id)
        self._states.bring(taken)

    async def _take(
        self, browser: OpenBrowser, seconds: float, *, last: bool = False, capture_id: str = ""
    ) -> TakenState:
        content, failure = b"", ""
        try:
            content = await browser.take_state(timeout=seconds, last=last)
        except StateNotTaken as error:
            failure = str(error) or "the browser did not give its state"
        if len(content) > MAX_BYTES:
            content, failure = b"", f"the state has {len(content) >> 20} MiB, more than the {MAX_BYTES >> 20} kept"
        return self._taken(content, failure, last=last or bool(capture_id), capture_id=capture_id)

    def _taken(self, content: bytes, failure: str, *, last: bool, capture_id: str = "") -> TakenState:
        self._state_no += 1
        now = self._clock.monotonic()
        return TakenState(self._placement, self._state_no, last, capture_id, now, content, failure)
