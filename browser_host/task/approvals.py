"""Asks a person in the middle of a run, and waits for the answer."""

from __future__ import annotations

import asyncio

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.task.failures import Failed, Stopped
from browser_host.task.journal import ApprovalAnswer
from browser_host.task.steps import Steps, canceled


async def approve(steps: Steps, block: host_pb2.Block) -> None:
    """Ask, and return once a person has said yes.

    Raises:
        Stopped: a person said no, the run was canceled, or its time is over.
        Failed: no one answered in time.
    """
    limit = _timeout(steps, block)
    approval_id = f"{block.block_id}-{steps.begun}"
    approval = runs_pb2.Approval(
        approval_id=approval_id,
        message=steps.secrets.scrub(steps.parameters.fill(block.approve.message)),
        screenshot_artifact_id=await steps.picture(await steps.page()),
    )
    now = steps.clock.now()
    approval.create_time.FromDatetime(now)
    approval.expire_time.FromMicroseconds(approval.create_time.ToMicroseconds() + int(limit * 1e6))
    await steps.journal.record_durably(RunEvent(approval_requested=runs_pb2.ApprovalRequested(approval=approval)))
    answer = await _answer(steps, approval_id, limit)
    resolved = runs_pb2.ApprovalResolved(approval_id=approval_id)
    if answer is None:
        resolved.timed_out = True
    else:
        resolved.approved = answer.approved
        resolved.comment = answer.comment
    await steps.journal.record(RunEvent(approval_resolved=resolved))
    if answer is None:
        steps.check()
        raise Failed(runs_pb2.FAILURE_REASON_APPROVAL_TIMED_OUT, f"no one answered within {limit:g} s")
    if not answer.approved:
        said = f": {answer.comment}" if answer.comment else ""
        raise Stopped(
            runs_pb2.RUN_STATUS_TERMINATED,
            runs_pb2.FAILURE_REASON_APPROVAL_REJECTED,
            f"the approval was rejected{said}",
        )


def _timeout(steps: Steps, block: host_pb2.Block) -> float:
    """Seconds to wait: what the question says, else its block, never longer than the run."""
    for holder in (block.approve, block):
        if holder.HasField("timeout"):
            return min(holder.timeout.ToTimedelta().total_seconds(), max(steps.left(), 0.0))
    return max(steps.left(), 0.0)


async def _answer(steps: Steps, approval_id: str, limit: float) -> ApprovalAnswer | None:
    """The person's answer; None when the time is over.

    Raises:
        Stopped: the run was canceled.
    """
    answering = asyncio.ensure_future(steps.journal.approval(approval_id))
    canceling = asyncio.ensure_future(steps.journal.cancel_requested.wait())
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
