"""What an episode came to, and the sums over many."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a run and its page agree."""

    SOLVED = "solved"
    """The run says done, and the page gave a reward above 0."""
    REFUSED = "refused"
    """The run says that it does not understand the prompt, before it did anything."""
    FAILED = "failed"
    """The run says that it did not do it, and the page gave no reward."""
    UNCLAIMED = "unclaimed"
    """The page gave a reward, and the run says that it failed."""
    FALSE_SUCCESS = "false success"
    """The run says done, and the page gave no reward above 0."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One episode, with what the run said and what the page said."""

    task: str
    seed: int
    utterance: str
    completed: bool
    reason: str
    message: str
    reward: float | None
    seconds: float
    """From the call that creates the run to the record of its end."""
    steps: int
    run_id: str

    @property
    def verdict(self) -> Verdict:
        rewarded = self.reward is not None and self.reward > 0
        if self.completed:
            return Verdict.SOLVED if rewarded else Verdict.FALSE_SUCCESS
        if rewarded:
            return Verdict.UNCLAIMED
        return Verdict.REFUSED if self.reason == "NEEDS_MODEL" and not self.steps else Verdict.FAILED

    def as_json(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Sum:
    """Some episodes together."""

    name: str
    outcomes: tuple[Outcome, ...]

    def count(self, verdict: Verdict) -> int:
        """How many came to this."""
        return sum(outcome.verdict is verdict for outcome in self.outcomes)

    def share(self, *verdicts: Verdict) -> float:
        """Which part of them, 0 to 1."""
        return sum(self.count(verdict) for verdict in verdicts) / max(len(self.outcomes), 1)

    def seconds(self, *verdicts: Verdict) -> list[float]:
        """How long those took, in order of length."""
        return sorted(outcome.seconds for outcome in self.outcomes if outcome.verdict in verdicts)

    @property
    def median_seconds(self) -> float:
        return statistics.median(outcome.seconds for outcome in self.outcomes)

    @property
    def reasons(self) -> str:
        """Why those that were not solved ended as they did, the commonest first."""
        counted = Counter(outcome.reason for outcome in self.outcomes if outcome.reason)
        return ", ".join(f"{reason} {count}" if count > 1 else reason for reason, count in counted.most_common())


def by_task(outcomes: Iterable[Outcome]) -> list[Sum]:
    """One sum for each task, by name."""
    grouped: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.task, []).append(outcome)
    return [Sum(task, tuple(grouped[task])) for task in sorted(grouped)]
