"""What the task engine needs of the host around it: a place for its events, the right to act, and answers.

`live_session` implements it on top of the outbox and the leases; the engine's tests implement it in a list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import HeldFile


class ActionLeaseOver(Exception):
    """This host may not begin an action now: its control plane has not heard of it for too long."""


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """What a person answered."""

    approved: bool
    comment: str


class CredentialMissing(Exception):
    """There is no login to be had; the text says for what, and why."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored login, for pages of one origin."""

    username: str
    password: str = field(repr=False)
    one_time_code: str = field(repr=False)
    """Of this moment; empty where the login has none."""


class FileMissing(Exception):
    """A file that is to be given to a page is not to be had; the text says which, and why."""


class TurnNotBack(Exception):
    """Whoever was let in while a run waited for a person could not be made to leave."""


class Journal(Protocol):
    """The one way out for a run. It numbers the events; callers leave run_id, seq and create_time empty."""

    cancel_requested: asyncio.Event
    """Set when the run is to end at the next step boundary."""

    scrub: Callable[[str], str]
    """Takes the secrets that the run knows by now out of a text; the engine sets it."""

    lend_turn: Callable[[], AbstractAsyncContextManager[None]]
    """While in it the run does nothing, and a CDP client may have the browser. Leaving it, which ends in bounded time,
    raises TurnNotBack: nothing may act after that."""

    async def record(self, event: RunEvent) -> None:
        """Queue an event for the control plane, in order. Waits only while the outbox is full."""

    async def record_durably(self, event: RunEvent) -> None:
        """Queue an event and return when the control plane has stored it. Nothing may act before."""

    def allow_action(self) -> float:
        """Call at the last moment before each effect on the page: how many seconds an action may still take.

        Raises:
            ActionLeaseOver: none may begin now.
        """

    def keep_screenshot(self, jpeg: bytes) -> str:
        """Store a picture in the background; returns its artifact_id at once."""

    async def credential(self, origin: str, username: str) -> Credential:
        """The stored login for pages of `origin`; with no `username`, the only one there is.

        Raises:
            CredentialMissing.
        """

    def files(self, names: Sequence[str]) -> AbstractAsyncContextManager[list[HeldFile]]:
        """The organization's files of these ids or names, on this host's disk as long as the context lasts.

        Entering it raises FileMissing.
        """

    async def approval(self, approval_id: str) -> ApprovalAnswer:
        """Wait for a person's answer, without a bound of its own."""
