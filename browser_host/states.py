"""Browser states between this host and the control plane: fetched for a launch, brought while a session saves.

A state is in memory only, and in the browser's own directory. Of each session at most the newest one waits to be
brought, beside the one under way and those that somebody asked for; one that the control plane refuses, or that could
not be brought in two minutes, is given up and logged, and the control plane then says so on the session.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from browser_host.backoff import Backoff
from browser_host.clock import Clock, SystemClock
from browser_host.messages import Placement, TakenState
from browser_host.uploads import UploadFailed, UploadRefused

logger = logging.getLogger(__name__)

GIVE_UP_SECONDS = 120.0


class StateNotFetched(Exception):
    """A state did not come; trying again may help unless it is `final`."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class StateLink(Protocol):
    """The way to the control plane."""

    async def get_state(self, placement: Placement) -> bytes:
        """The state that a placement starts from. Raises ProfileUnusable, StateNotFetched."""

    async def put_state(self, taken: TakenState, age: timedelta) -> None:
        """Bring one state. Raises UploadFailed, UploadRefused."""


class States:
    """The states on their way. `run` ends what is under way when the host ends."""

    def __init__(
        self, link: StateLink | None = None, clock: Clock | None = None, rng: random.Random | None = None
    ) -> None:
        """Without a `link` nothing is fetched or brought: for hosts whose sessions have no profiles."""
        self._link = link
        self._clock = clock or SystemClock()
        self._rng = rng or random.Random()
        self.settled: Callable[[], None] = lambda: None
        """Called when a state was brought or given up."""
        self._newest: dict[Placement, int] = {}
        self._last: set[TakenState] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pending(self) -> bool:
        """Whether the last state of a session is still to be brought."""
        return bool(self._last)

    async def run(self) -> None:
        """Until cancelled; then what is under way is given up."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fetch(self, placement: Placement) -> bytes:
        """The state that a placement starts from; tries until it is there or the caller gives up.

        Raises:
            ProfileUnusable: it cannot be had from any host.
            StateNotFetched: not by this one.
        """
        if self._link is None:
            raise StateNotFetched("this host has no way to fetch browser states", final=True)
        backoff = Backoff(self._rng)
        while True:
            try:
                return await self._link.get_state(placement)
            except StateNotFetched as error:
                if error.final:
                    raise
                logger.warning("browser state not fetched", extra={**placement.log_fields, "reason": str(error)})
            await backoff.pause()

    def bring(self, taken: TakenState) -> None:
        """Bring a state in the background."""
        if not taken.capture_id:
            self._newest[taken.placement] = taken.state_no
        if taken.last:
            self._last.add(taken)
        task = asyncio.create_task(self._bring(taken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bring(self, taken: TakenState) -> None:
        try:
            why = await self._brought(taken)
        finally:
            self._last.discard(taken)
            if taken.last and not taken.capture_id:
                self._newest.pop(taken.placement, None)
            self.settled()
        if why:
            logger.warning("browser state not brought", extra={**taken.placement.log_fields, "reason": why})

    async def _brought(self, taken: TakenState) -> str:
        """Bring a state; returns why it was given up, or ""."""
        if self._link is None:
            return "this host has no way to bring browser states"
        give_up_at = self._clock.monotonic() + GIVE_UP_SECONDS
        backoff = Backoff(self._rng)
        while True:
            age = timedelta(seconds=max(0.0, self._clock.monotonic() - taken.taken_at))
            try:
                await self._link.put_state(taken, age)
                return ""
            except UploadRefused as error:
                return str(error)
            except UploadFailed as error:
                if self._clock.monotonic() >= give_up_at:
                    return str(error)
            await backoff.pause()
            if not taken.capture_id and self._newest.get(taken.placement, taken.state_no) > taken.state_no:
                return ""  # a newer one is on its way
