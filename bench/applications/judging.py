"""What a run's end is called, given what the application says."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tabkeep.v1 import runs_pb2

from bench.applications.prompts import Prompt


class Verdict(enum.Enum):
    """How a prompt ended. SOLVED, also for what cannot be done and was refused for a reason that fits."""

    SOLVED = "solved"
    FAILED = "failed"
    """Not done, and the run says so with a typed reason."""
    FALSE_SUCCESS = "FALSE SUCCESS"
    """COMPLETED, and the application disagrees; or it could not be done at all."""
    UNTYPED = "UNTYPED"
    """Not done, and no reason or a fault of Tabkeep's own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One prompt's run, judged."""

    prompt: Prompt
    verdict: Verdict
    reason: str
    """The run's failure reason; empty when it has none."""
    remark: str
    """What the application says against it, or the run itself."""
    seconds: float


_NOT_TYPED = (runs_pb2.FAILURE_REASON_UNSPECIFIED, runs_pb2.FAILURE_REASON_INTERNAL)


def judged(prompt: Prompt, run: runs_pb2.Run, disagreement: str, seconds: float) -> Outcome:
    """Name a run's end; `disagreement` is what the application's judge said, empty when it agrees."""
    completed = run.status == runs_pb2.RUN_STATUS_COMPLETED
    reason = "" if completed else runs_pb2.FailureReason.Name(run.failure_reason).removeprefix("FAILURE_REASON_")
    remark = "; ".join(part for part in (disagreement, run.failure_message) if part)
    if completed and prompt.refusals:
        verdict, remark = Verdict.FALSE_SUCCESS, disagreement or "it cannot be done"
    elif completed:
        verdict = Verdict.FALSE_SUCCESS if disagreement else Verdict.SOLVED
    elif run.failure_reason in _NOT_TYPED:
        verdict = Verdict.UNTYPED
    elif run.failure_reason in prompt.refusals and not disagreement:
        verdict = Verdict.SOLVED
    else:
        verdict = Verdict.FAILED
    return Outcome(prompt, verdict, reason, remark, seconds)
