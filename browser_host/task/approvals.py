"""Asks a person in the middle of a run, and waits for the answer."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Protocol

from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import Page
from browser_host.task.failures import Failed, Stopped, canceled
from browser_host.task.journal import ApprovalAnswer, Journal, TurnNotBack
from browser_host.task.values import Secrets


class _Now(Protocol):
    def now(self) -> datetime:
        """The time of day."""

    def monotonic(self) -> float:
        """Seconds that only grow."""


class Asker(Protocol):
    """What asking needs of a run: `steps.Steps`."""

    @property
    def journal(self) -> Journal:
        """Where the question is recorded and the answer comes from."""

    @property
    def secrets(self) -> Secrets:
        """What no question may show."""

    @property
    def clock(self) -> _Now:
        """When the question was asked."""

    async def page(self) -> Page:
        """The page that the question is about."""

    async def picture(self, page: Page) -> str:
        """Keep a picture of it."""

    def check(self) -> None:
        """Raise if the run is canceled or its time is over."""


async def ask(
    run: Asker,
    approval_id: str,
    question: str,
    limit: float,
    kind: runs_pb2.ApprovalKind = runs_pb2.APPROVAL_KIND_UNSPECIFIED,
) -> str:
    """Ask, and return once a person has said yes: what they wrote. `limit` is how long to wait, in seconds.

    A person who is asked to take over may do so with a CDP client, which is gone when this returns or raises.

    Raises:
        Stopped: a person said no, the run was canceled, its time is over, or the client could not be made to leave.
        Failed: no one answered in time.
    """
    approval = runs_pb2.Approval(
        approval_id=approval_id,
        message=run.secrets.scrub(question),
        kind=kind,
        screenshot_artifact_id=await run.picture(await run.page()),
    )
    approval.create_time.FromDatetime(run.clock.now())
    approval.expire_time.FromMicroseconds(approval.create_time.ToMicroseconds() + int(limit * 1e6))
    lent = run.journal.lend_turn if kind == runs_pb2.APPROVAL_KIND_TAKE_OVER else contextlib.nullcontext
    try:
        async with lent():  # before the question is heard of: who hears of it may come at once
            await run.journal.record_durably(RunEvent(approval_requested=runs_pb2.ApprovalRequested(approval=approval)))
            answer = await _answer(run, approval_id, limit)
    except TurnNotBack as error:
        raise Stopped(runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_CDP_CLIENT_STAYED, str(error)) from None
    resolved = runs_pb2.ApprovalResolved(approval_id=approval_id)
    if answer is None:
        resolved.timed_out = True
    else:
        resolved.approved = answer.approved
        resolved.comment = answer.comment
    await run.journal.record(RunEvent(approval_resolved=resolved))
    if answer is None:
        run.check()
        raise Failed(runs_pb2.FAILURE_REASON_APPROVAL_TIMED_OUT, f"no one answered within {limit:g} s")
    if not answer.approved:
        said = f": {answer.comment}" if answer.comment else ""
        raise Stopped(
            runs_pb2.RUN_STATUS_TERMINATED,
            runs_pb2.FAILURE_REASON_APPROVAL_REJECTED,
            f"the approval was rejected{said}",
        )
    return answer.comment


async def _answer(run: Asker, approval_id: str, limit: float) -> ApprovalAnswer | None:
    """The person's answer; None when the time is over.

    Raises:
        Stopped: the run was canceled.
    """
    answering = asyncio.ensure_future(run.journal.approval(approval_id))
    canceling = asyncio.ensure_future(run.journal.cancel_requested.wait())
    try:
        await asyncio.wait({answering, canceling}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            return answering.result()
        if canceling.done():
            raise canceled()
        return None
    finally:
        for task in (answering, canceling):
            task.cancel()
        await asyncio.gather(answering, canceling, return_exceptions=True)
