"""Callers that wait for the state of a live browser, or a picture of its page, and what its host brings for them.

Nothing here is stored.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Captured:
    """A state, or why there is none."""

    content: bytes
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Capture:
    """One that is waited for."""

    capture_id: str
    browser_session_id: str
    fence: int
    answer: asyncio.Future[Captured]


class Captures:
    """Those that are waited for now, by their ids."""

    def __init__(self) -> None:
        self._waiting: dict[str, Capture] = {}

    @contextmanager
    def wait_for(self, browser_session_id: str, fence: int, prefix: str = "") -> Iterator[Capture]:
        """Wait for something of a placement; the id, which begins with `prefix`, is unguessable."""
        capture = Capture(
            prefix + secrets.token_hex(16), browser_session_id, fence, asyncio.get_running_loop().create_future()
        )
        self._waiting[capture.capture_id] = capture
        try:
            yield capture
        finally:
            del self._waiting[capture.capture_id]

    def answer(self, capture_id: str, browser_session_id: str, fence: int, captured: Captured) -> bool:
        """Hand over what a host brought; False when nobody waits for it any more."""
        capture = self._waiting.get(capture_id)
        if capture is None or (capture.browser_session_id, capture.fence) != (browser_session_id, fence):
            return False
        if not capture.answer.done():
            capture.answer.set_result(captured)
        return True
