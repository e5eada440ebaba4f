"""Wakes whoever watches a session or run. Carries no data: watchers read the store again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

WEBHOOKS_DUE = "webhooks due"
"""The topic of whoever sends webhooks."""


class Feed:
    """Topics are session and run ids, ids of webhook deliveries, and WEBHOOKS_DUE."""

    def __init__(self) -> None:
        self._watchers: defaultdict[str, dict[asyncio.Event, None]] = defaultdict(dict)  # woken in the order they came
        self.closing = False
        """Set once the control plane stops: watchers end with UNAVAILABLE."""

    @contextmanager
    def watch(self, topic: str) -> Iterator[asyncio.Event]:
        """An event that is set at every change of `topic` from now on; clear it before reading the store."""
        event = asyncio.Event()
        watchers = self._watchers[topic]
        watchers[event] = None
        if self.closing:
            event.set()
        try:
            yield event
        finally:
            watchers.pop(event, None)
            if not watchers:
                self._watchers.pop(topic, None)

    def wake(self, topic: str) -> None:
        """Something about `topic` was stored."""
        for event in self._watchers.get(topic, ()):
            event.set()

    def close(self) -> None:
        """Wake everybody for the last time."""
        self.closing = True
        for topic in list(self._watchers):
            self.wake(topic)
