"""`python -m tests.simulation`: run seeds, replay one, or show that every rule of the protocol is needed."""

from __future__ import annotations

import argparse
import re
import sys

from tests.simulation.campaign import RUN_TWICE_EVERY, Record, catch, outcome_of, outcomes, pool_of, replay, shrunk
from tests.simulation.mutants import MUTANTS

_ANY_ID = re.compile(r"\b(?:tsk|pbs)_[0-9a-z]{26}\b")


def main() -> int:
    """Returns the exit status: 1 when an invariant was broken, or a mutant was not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed and say what it came to")
    parser.add_argument("--trace", action="store_true", help="with --seed: print everything that happened")
    parser.add_argument("--only", help="with --seed: only the faults with these numbers, as 3,7 (0: none)")
    parser.add_argument("--kinds", help="with --seed: these kinds of faults, by commas, and not a random few")
    parser.add_argument("--shrink", action="store_true", help="with --seed: leave out every fault that is not needed")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS], help="remove this rule first")
    parser.add_argument("--mutants", action="store_true", help="remove each rule in turn and see who notices")
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds (100)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=0, help="processes (one for each core)")
    parser.add_argument("--no-ledger", action="store_true", help="do not record the seeds in the ledger")
    options = parser.parse_args()
    if options.seed is None and (options.mutant or options.kinds or options.only or options.trace or options.shrink):
        parser.error("--mutant, --kinds, --only, --trace and --shrink are for one --seed: say which")
    kinds = (
        tuple(options.kinds.split(",")) if options.kinds else MUTANTS[options.mutant].faults if options.mutant else ()
    )
    if options.seed is not None:
        only = frozenset(map(int, options.only.split(","))) if options.only else None
        return _one(options.seed, options.mutant, only, kinds, trace=options.trace, shrink=options.shrink)
    if options.mutants:
        return _mutants(options.seeds, options.first, options.jobs)
    return _campaign(options.seeds, options.first, options.jobs, ledger=not options.no_ledger)


def _one(
    seed: int, mutant: str, only: frozenset[int] | None, kinds: tuple[str, ...], *, trace: bool, shrink: bool
) -> int:
    outcome = outcome_of(seed, mutant, keep_trace=trace, only=only, kinds=kinds)
    for line in outcome.trace:
        print(line)
    print(f"seed {seed} trace {outcome.trace_hash}")
    if outcome.violation is None:
        return 0
    if shrink:
        outcome, only = shrunk(outcome, mutant, kinds)
    print(replay(outcome, mutant, only, kinds))
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
    """A row for each rule; 1 when one is neither noticed nor argued."""
    missed, argued = [], 0
    print("| rule removed | noticed by | seed | what it led to |\n|---|---|---|---|")
    pool = pool_of(jobs)
    try:
        found = {name: pool.submit(catch, name, seeds, first) for name, one in MUTANTS.items() if not one.argument}
        for name, mutant in MUTANTS.items():
            outcome = found[name].result() if name in found else None
            if outcome is not None and outcome.violation is not None:
                text = _ANY_ID.sub("…", outcome.violation.text)
                print(f"| {name} | {outcome.violation.invariant} | {outcome.seed} | {text[:160]} |", flush=True)
            elif mutant.argument:
                argued += 1
                print(f"| {name} | `{mutant.test}` | - | {mutant.argument} |", flush=True)
            else:
                missed.append(name)
                print(f"| {name} | NOBODY | - | in {seeds} seeds |", flush=True)
    finally:
        pool.shutdown(cancel_futures=True)
    caught = len(MUTANTS) - argued - len(missed)
    print(f"\n{len(MUTANTS)} rules: {caught} noticed, {argued} argued and tested directly, {len(missed)} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
