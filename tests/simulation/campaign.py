"""Many seeds on all cores, and the record of them."""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulation.mutants import MUTANTS
from tests.simulation.world import Outcome, run_seed

LEDGER = Path(__file__).with_name("LEDGER.jsonl")
"""Only ever appended to."""
RUN_TWICE_EVERY = 50
"""Every so many seeds one is run twice, and must take the same course."""


def outcome_of(
    seed: int,
    mutant: str = "",
    *,
    keep_trace: bool = False,
    only: frozenset[int] | None = None,
    kinds: tuple[str, ...] = (),
) -> Outcome:
    """Run a seed, with a rule of the protocol removed if `mutant` names one; `only`, `kinds`: see World."""
    removed = MUTANTS[mutant].removed() if mutant else contextlib.nullcontext()
    with removed:
        return run_seed(seed, keep_trace=keep_trace, only=only, kinds=kinds)


def shrunk(outcome: Outcome, mutant: str = "", kinds: tuple[str, ...] = ()) -> tuple[Outcome, frozenset[int]]:
    """The same violated invariant with as few faults as leaving them out one by one gets to, the last ones first."""
    assert outcome.violation is not None
    invariant, kept = outcome.violation.invariant, frozenset(outcome.struck)
    for number in sorted(kept, reverse=True):
        without = outcome_of(outcome.seed, mutant, only=kept - {number}, kinds=kinds)
        if without.violation is not None and without.violation.invariant == invariant:
            outcome, kept = without, frozenset(without.struck)
    return outcome, kept


def pool_of(jobs: int = 0) -> ProcessPoolExecutor:
    """Processes to run worlds in; one for each core if `jobs` is 0."""
    return ProcessPoolExecutor(jobs or os.cpu_count() or 1, mp_context=multiprocessing.get_context("spawn"))


def outcomes(seeds: Iterable[int], *, jobs: int = 0) -> Iterator[Outcome]:
    """Run seeds on all cores, in order."""
    pool = pool_of(jobs)
    try:
        yield from pool.map(outcome_of, seeds, chunksize=1)
    finally:
        pool.shutdown(cancel_futures=True)


def catch(name: str, seeds: int, first: int = 0) -> Outcome | None:
    """The first outcome in which a mutant breaks an invariant that the whole program keeps in the same world."""
    mutant = MUTANTS[name]
    for seed in dict.fromkeys((*mutant.caught_by, *range(first, first + seeds))):
        outcome = outcome_of(seed, name, kinds=mutant.faults)
        if outcome.violation is not None and outcome_of(seed, kinds=mutant.faults).violation is None:
            return outcome
    return None


def replay(outcome: Outcome, mutant: str = "", only: frozenset[int] | None = None, kinds: tuple[str, ...] = ()) -> str:
    """One line: what was violated, on which commit, and the command that shows it again."""
    assert outcome.violation is not None
    options = f" --mutant '{mutant}'" if mutant else ""
    if kinds:
        options += f" --kinds '{','.join(kinds)}'"
    if only is not None:
        options += f" --only {','.join(map(str, sorted(only))) or '0'}"
    found = f"{outcome.violation.invariant} {outcome.violation.text}"
    return f"{found} | on {commit()}: python -m tests.simulation --seed {outcome.seed}{options} --trace"


class Record:
    """What a campaign has seen so far."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.seeds = 0
        self.faults: dict[str, int] = {}
        self.sessions = self.effects = self.events = self.run_twice = 0
        self.violations: list[dict[str, Any]] = []
        self._began = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.sessions += outcome.sessions
        self.effects += outcome.effects
        self.events += outcome.events
        for name, count in outcome.faults.items():
            self.faults[name] = self.faults.get(name, 0) + count
        if outcome.violation is not None:
            found = {"seed": outcome.seed, "invariant": outcome.violation.invariant, "text": outcome.violation.text}
            self.violations.append(found)

    def as_json(self) -> dict[str, Any]:
        return {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "seeds": [self.first, self.first + self.seeds - 1],
            "run_twice": self.run_twice,
            "seconds": round(time.monotonic() - self._began),
            "sessions": self.sessions,
            "effects": self.effects,
            "events": self.events,
            "faults": dict(sorted(self.faults.items())),
            "violations": self.violations,
        }

    def append(self) -> None:
        """Write it into the ledger."""
        with LEDGER.open("a", encoding="utf-8") as ledger:
            ledger.write(json.dumps(self.as_json()) + "\n")


@functools.cache
def commit() -> str:
    """The commit that ran; "+changes" when the files were not quite it."""
    parts = (":/control_plane", ":/browser_host", ":/tests/simulation/*.py")
    changed = _git("status", "--porcelain", "--untracked-files=no", *parts)
    return _git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, cwd=LEDGER.parent)
    return done.stdout.strip()
