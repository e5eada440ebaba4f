"""`python -m tests.simulation`: run seeds, replay one, or show that every rule of the protocol is needed."""

from __future__ import annotations

import argparse
import sys

from tests.simulation.campaign import RUN_TWICE_EVERY, Record, outcome_of, outcomes, replay, shrunk
from tests.simulation.mutants import MUTANTS


def main() -> int:
    """Returns the exit status: 1 when an invariant was broken, or a mutant was not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed and say what it came to")
    parser.add_argument("--trace", action="store_true", help="with --seed: print everything that happened")
    parser.add_argument("--only", help="with --seed: only the faults with these numbers, as 3,7 (0: none)")
    parser.add_argument("--shrink", action="store_true", help="with --seed: leave out every fault that is not needed")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="remove this rule first")
    parser.add_argument("--mutants", action="store_true", help="remove each rule in turn and see who notices")
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds (100)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=0, help="processes (one for each core)")
    parser.add_argument("--no-ledger", action="store_true", help="do not record the seeds in the ledger")
    options = parser.parse_args()
    if options.seed is not None:
        only = frozenset(map(int, options.only.split(","))) if options.only else None
        return _one(options.seed, options.mutant, only, trace=options.trace, shrink=options.shrink)
    if options.mutants:
        return _mutants(options.seeds, options.first, options.jobs)
    return _campaign(options.seeds, options.first, options.jobs, ledger=not options.no_ledger)


def _one(seed: int, mutant: str, only: frozenset[int] | None, *, trace: bool, shrink: bool) -> int:
    outcome = outcome_of(seed, mutant, keep_trace=trace, only=only)
    for line in outcome.trace:
        print(line)
    print(f"seed {seed} trace {outcome.trace_hash}")
    if outcome.violation is None:
        return 0
    if shrink:
        outcome, only = shrunk(outcome, mutant)
    print(replay(outcome, mutant, only))
    return 1


def _campaign(seeds: int, first: int, jobs: int, *, ledger: bool) -> int:
    record, hashes = Record(first), {}
    for outcome in outcomes(range(first, first + seeds), jobs=jobs):
        record.add(outcome)
        hashes[outcome.seed] = outcome.trace_hash
        if outcome.violation is not None:
            print(f"seed {outcome.seed}: {replay(outcome)}", flush=True)
    for outcome in outcomes(range(first, first + seeds, RUN_TWICE_EVERY), jobs=jobs):
        record.run_twice += 1
        if outcome.trace_hash != hashes[outcome.seed]:
            record.violations.append({"seed": outcome.seed, "invariant": "determinism", "text": "two courses"})
            print(f"seed {outcome.seed}: took two different courses")
    said = record.as_json()
    print(
        f"{seeds} seeds in {said['seconds']} s ({seeds / max(1, said['seconds']):.1f}/s): "
        f"{sum(record.faults.values())} faults, {record.sessions} sessions, "
        f"{record.effects} effects, {record.events} events, "
        f"{len(record.violations)} violations"
    )
    if ledger:
        record.append()
    return 1 if record.violations else 0


def _mutants(seeds: int, first: int, jobs: int) -> int:
    missed = 0
    print(f"{'rule removed':34} {'caught by':12} {'seed':>5}  what it led to")
    for name, mutant in MUTANTS.items():
        caught = None
        for outcome in outcomes(range(first, first + seeds), name, jobs=jobs):
            if outcome.violation is not None:
                caught = outcome
                break
        if caught is not None and caught.violation is not None:
            print(f"{name:34} {caught.violation.invariant:12} {caught.seed:5}  {caught.violation.text}", flush=True)
        elif mutant.not_caught:
            print(f"{name:34} {'argued':12} {'-':>5}  {mutant.not_caught}", flush=True)
        else:
            missed += 1
            print(f"{name:34} {'NOT CAUGHT':12} {'-':>5}  in {seeds} seeds", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
