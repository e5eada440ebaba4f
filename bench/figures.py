"""What is measured, how two sides are compared, and whether the aim was met."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One repetition on one side."""

    seconds: float
    """From the first beginning to the last end."""
    latencies: list[float]
    """One for each thing that was done, in seconds."""
    cpu_seconds: float = 0.0
    """What the server took meanwhile, 0 where it was not measured."""

    @property
    def rate(self) -> float:
        """Things done per second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_each(self) -> float:
        """Seconds of the server's processor time for each thing done."""
        return self.cpu_seconds / len(self.latencies)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two repetitions, one right after the other."""

    ours: Sample
    floor: Sample


@dataclass(frozen=True, slots=True)
class Aim:
    """What a row should show."""

    words: str
    least: float = float("-inf")
    most: float = float("inf")

    def met(self, value: float) -> bool:
        return self.least <= value <= self.most


def at_most(times: float) -> Aim:
    """At most so many times the floor."""
    return Aim(f"≤ {times:g}x", most=times)


def at_least(times: float) -> Aim:
    """At least so many times the floor."""
    return Aim(f"≥ {times:.2g}x", least=times)


def at_most_more(amount: float) -> Aim:
    """At most so much more than the floor, in the row's unit."""
    return Aim(f"≤ +{amount:g}", most=amount)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, ours beside the floor's."""

    case: str
    figure: str
    unit: str
    ours: float
    floor: float | None
    compared: float | None = None
    """The median, over the repetitions, of ours / floor, or of ours - floor where `difference` is set."""
    lowest: float | None = None
    highest: float | None = None
    """The same of the repetition that compared lowest and highest."""
    difference: bool = False
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """None where there is no aim."""
        return None if self.aim is None or self.compared is None else self.aim.met(self.compared)


@dataclass(slots=True)
class Report:
    """The answer to one question."""

    question: str
    ours: str
    floor: str
    """What each side is, in words."""
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        case: str,
        figure: str,
        unit: str,
        pairs: Sequence[Pair],
        value: Callable[[Sample], float],
        *,
        difference: bool = False,
        aim: Aim | None = None,
    ) -> None:
        """Add the row of one figure, taken from every repetition of both sides by `value`."""
        ours, floor = [value(pair.ours) for pair in pairs], [value(pair.floor) for pair in pairs]
        each = [a - b if difference else a / b if b else float("inf") for a, b in zip(ours, floor, strict=True)]
        self.rows.append(
            Row(
                case, figure, unit, statistics.median(ours), statistics.median(floor),
                statistics.median(each), min(each), max(each), difference, aim,
            )
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Everything, for a file."""
        rows = [
            asdict(row) | {"aim": row.aim.words if row.aim else None, "met": row.met} for row in self.rows
        ]  # fmt: skip
        return {
            "question": self.question, "ours": self.ours, "floor": self.floor, "rows": rows, "notes": self.notes,
        }  # fmt: skip


def median(sample: Sample) -> float:
    """The median latency in milliseconds."""
    return statistics.median(sample.latencies) * 1000


def p99(sample: Sample) -> float:
    """The latency in milliseconds that 99 of 100 stay below."""
    ordered = sorted(sample.latencies)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000


def rate(sample: Sample) -> float:
    """Things done per second."""
    return sample.rate


def cpu_microseconds(sample: Sample) -> float:
    """The server's processor time for each thing done, in microseconds."""
    return sample.cpu_each * 1e6


async def interleaved(
    repetitions: int, ours: Callable[[], Awaitable[Sample]], floor: Callable[[], Awaitable[Sample]]
) -> list[Pair]:
    """So many pairs of repetitions, each side first in turn; one more pair before them warms up and is left out."""
    pairs: list[Pair] = []
    for number in range(repetitions + 1):
        if number % 2:
            second = await floor()
            first = await ours()
        else:
            first = await ours()
            second = await floor()
        pairs.append(Pair(first, second))
    return pairs[1:]
