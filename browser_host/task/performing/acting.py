"""What every action works with: its page, its time, its leave to act, and the page's script.

An action that returns has had its effect; everything else raises `Failed`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.browser import Document, DocumentReplaced, Page, PageClosed
from browser_host.clock import Clock
from browser_host.task.documents import Where
from browser_host.task.failures import (
    AMBIGUOUS,
    EXPECTATION_FAILED,
    FILE_NOT_ACCEPTED,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    STEP_TIMEOUT,
    Failed,
)
from browser_host.task.gate import Gate
from browser_host.task.journal import ActionLeaseOver, Journal
from browser_host.task.page_script import call, look
from browser_host.task.performing.tabs import Tabs
from browser_host.task.values import Parameters, Secrets
from browser_host.task.wording import script_target

_LEASE_POLL = 0.1
REASONS = {
    "NOT_FOUND": NOT_FOUND,
    "AMBIGUOUS": AMBIGUOUS,
    "STEP_TIMEOUT": STEP_TIMEOUT,
    "FILE_NOT_ACCEPTED": FILE_NOT_ACCEPTED,
    "REJECTED_BY_PAGE": REJECTED_BY_PAGE,
    "EXPECTATION_FAILED": EXPECTATION_FAILED,
}
"""What the page's script answers when it cannot do what it was asked."""


@dataclass(slots=True)
class Done:
    """What a successful action did."""

    target: str = ""
    message: str = ""
    title: str | None = None
    """The page's title afterwards, where it was seen in passing."""
    output: Any = None
    has_output: bool = False
    provenance: list[runs_pb2.Provenance] = field(default_factory=list)
    """Where the output's values came from."""
    element: dict[str, Any] | None = None
    """What the page's script says of its element, where the task is recorded."""


class Acting:
    """One action on one page; the classes over it know how to do the actions of one kind each."""

    def __init__(
        self,
        page: Page,
        journal: Journal,
        clock: Clock,
        parameters: Parameters,
        secrets: Secrets,
        timeout: float,
        gate: Gate,
        tabs: Tabs,
        *,
        recording: bool = False,
        judges: bool = True,
    ) -> None:
        """The action's time begins now; `gate` is asked at the last moment before each press.

        It `judges` whether the page refuses what a press sends, where nobody else does.
        """
        self._judges = judges
        self._recording = recording
        self._element: dict[str, Any] | None = None
        self._page = page
        self._where = Where(page)
        self._journal = journal
        self._clock = clock
        self._parameters = parameters
        self._secrets = secrets
        self._gate = gate
        self._tabs = tabs
        self._timeout = timeout
        self._deadline = clock.monotonic() + timeout

    def _left(self) -> float:
        return max(self._deadline - self._clock.monotonic(), 0.0)

    async def _allowed(self) -> float:
        """Wait until the host may act; how many seconds the next call may take."""
        while True:
            try:
                return min(self._journal.allow_action(), self._left())
            except ActionLeaseOver as over:
                if self._left() <= 0:
                    raise Failed(STEP_TIMEOUT, f"this host may not act now: {over}") from None
                await asyncio.sleep(_LEASE_POLL)

    async def _followed(self) -> bool:
        """Wait for the page that what was done leads to; whether it leads to one.

        A page that sends itself away says so before it answers what made it, so nothing needs to be waited for first.
        """
        try:
            return await self._page.loaded(timeout=self._left())
        except PageClosed:
            return True

    async def _look(self, name: str, argument: dict[str, Any] | None = None) -> Any:
        """Ask the document that is acted on something, waiting for it as long as the action may take."""
        return self._noted(await look(self._where.document, name, argument, timeout=self._left()))

    def _target(self, target: actions_pb2.Target) -> dict[str, Any]:
        """A target for the page's script, which also tells what it found where the task is recorded."""
        return {**script_target(target), "record": self._recording}

    def _noted(self, answer: Any) -> Any:
        """Keep what the script says of the action's element, which is the first one that was found."""
        if self._element is None and isinstance(answer, dict):
            self._element = answer.get("element")
        return answer

    async def _write(self, name: str, target: actions_pb2.Target, purpose: str, **argument: Any) -> Any:
        """Call a function of the script that acts once it has found its element; never past the lease.

        All of them set a state, so that a page which moves on meanwhile may be asked again.
        """
        wanted = {"target": self._target(target), **argument}

        async def attempt(document: Document, wait: float) -> dict[str, Any]:
            await self._may_type(document, argument.get("value", ""))
            allowed = await self._allowed()
            answer: dict[str, Any] = await call(document, name, wanted, wait=min(allowed, wait))
            return answer

        while True:
            try:
                answer = await self._where.seek(target, wanted["target"], purpose, attempt, self._left())
            except DocumentReplaced:
                await self._page.loaded(timeout=self._left())
                continue
            if answer.get("ok") or answer.get("final") or answer.get("reason") == "AMBIGUOUS" or self._left() <= 0.05:
                return self._noted(self._placed(answer))

    async def _may_type(self, document: Document, text: str) -> None:
        """Ask the gate before text goes into a frame of another origin."""
        if text and document is not self._page:
            self._gate.type_into(await call(document, "address"), text)

    def _placed(self, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer, with the frame that it is from."""
        if self._where.label and answer.get("label"):
            answer["label"] += f' in the frame "{self._where.label}"'
        return answer


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """The script's answer, if it did what it was asked.

    Raises:
        Failed.
    """
    if not answer.get("ok"):
        raise Failed(REASONS[answer["reason"]], answer["message"])
    return answer
