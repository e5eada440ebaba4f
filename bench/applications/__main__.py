"""`python -m bench.applications [application or prompt ...] [--set-up] [--verbose] [--json FILE]`.

Prints a line per prompt and a table. Exit status: 0 when every prompt could be tried, whatever came of it; 1 when the
bench itself failed on one; 2 for a name that is none.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.applications.installing import Installation
from bench.applications.judging import Outcome, Verdict
from bench.applications.prompts import ROUNDS, Prompt, read_prompts
from bench.applications.trial import APPLICATIONS, trial
from bench.programs import run_to_end

_ROOT = Path(__file__).parents[2]
FOLDER = _ROOT / ".tools" / "applications"
RESULTS = _ROOT / "bench" / "results"


def main() -> int:
    """Try what the command line names; returns the exit status."""
    prompts = read_prompts()
    parser = argparse.ArgumentParser(prog="python -m bench.applications", description="Prompts for real applications.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"prompts, or {', '.join(APPLICATIONS)}; none: all")
    parser.add_argument("--round", type=int, choices=ROUNDS, help="only prompts that were written together")
    parser.add_argument("--set-up", action="store_true", help="install the applications, and nothing else")
    parser.add_argument("--verbose", action="store_true", help="each run's steps and output")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there too")
    arguments = parser.parse_args()
    known = {*APPLICATIONS, *(prompt.name for prompt in prompts)}
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"{', '.join(unknown)}: no application and no prompt of that name")
    chosen = [
        prompt
        for prompt in prompts
        if arguments.round in (None, prompt.round)
        and (not arguments.names or {prompt.name, prompt.application} & set(arguments.names))
    ]
    installation = Installation(FOLDER)
    installation.complete(say=print)
    if arguments.set_up:
        return 0
    outcomes, failed = run_to_end(_try_all(chosen, installation, verbose=arguments.verbose))
    _print_table(outcomes)
    if arguments.json:
        arguments.json.write_text(json.dumps([_record(outcome) for outcome in outcomes], indent=1) + "\n")
    return 1 if failed else 0


async def _try_all(
    prompts: Sequence[Prompt], installation: Installation, *, verbose: bool
) -> tuple[list[Outcome], bool]:
    outcomes, failed = [], False
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="applications-", dir=RESULTS, ignore_cleanup_errors=True) as folder:
        async with trial(Path(folder), installation, verbose=verbose) as tried:
            for prompt in prompts:
                try:
                    outcome = await tried.judge(prompt)
                except Exception:
                    failed = True
                    print(f"{prompt.name}: the bench failed", flush=True)
                    traceback.print_exc(file=sys.stdout)
                    continue
                outcomes.append(outcome)
                line = f"{outcome.verdict.value:14}{prompt.name:34}{outcome.seconds:6.1f} s  {outcome.reason}"
                print(line, flush=True)
                if outcome.verdict is not Verdict.SOLVED:
                    print(f"{'':14}{outcome.remark}", flush=True)
    return outcomes, failed


def _print_table(outcomes: Sequence[Outcome]) -> None:
    table = Table("application", "prompts", *(verdict.value for verdict in Verdict), "solved %")
    groups = {application: [o for o in outcomes if o.prompt.application == application] for application in APPLICATIONS}
    groups |= {f"round {number}": [o for o in outcomes if o.prompt.round == number] for number in ROUNDS}
    for name, group in {**groups, "all": list(outcomes)}.items():
        if group:
            counts = Counter(outcome.verdict for outcome in group)
            share = 100 * counts[Verdict.SOLVED] / len(group)
            table.add_row(name, str(len(group)), *(str(counts[verdict]) for verdict in Verdict), f"{share:.1f}")
    (Console() if sys.stdout.isatty() else Console(width=110)).print(table)


def _record(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.prompt.name,
        "application": outcome.prompt.application,
        "round": outcome.prompt.round,
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "remark": outcome.remark,
        "seconds": round(outcome.seconds, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
