"""`make chaos`: every fault many times, and a table of how many were survived.

    python -m tests.chaos [--times 10] [--kills 200] [--seed 1] [part of a fault's name ...]

The exit status is 1 when one was not survived. Each fault's seed is printed when it was not, and runs it again alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("TABKEEP_ALLOW_PRIVATE", "127.0.0.0/8,localhost")

from tests.chaos import control_plane_faults, deadlines, host_faults, link_faults
from tests.chaos.kills import SERVES_WITHIN, Kills
from tests.chaos.outcomes import NotPossibleHere, Outcome, table
from tests.chaos.power_loss import power_loss
from tests.conftest import passable_directory

FAULTS = {
    **control_plane_faults.FAULTS,
    "power of the control plane's machine lost, writes torn and out of order": power_loss,
    **host_faults.FAULTS,
    **link_faults.FAULTS,
    **deadlines.FAULTS,
}
KILLS = "kill -9 of the control plane under load, on one database with 1,000,000 events"


async def try_fault(outcome: Outcome, seed: int, folder: Path) -> None:
    """Do one fault once."""
    outcome.tried += 1
    try:
        note = await FAULTS[outcome.fault](folder, random.Random(seed))
    except NotPossibleHere as missing:
        outcome.tried -= 1
        outcome.notes.append(f"not possible here: {missing}")
    except Exception as error:
        traceback.print_exc()
        print(f"not survived: --seed {seed} --times 1 {outcome.fault!r}", file=sys.stderr, flush=True)
        outcome.notes.append(f"seed {seed}: {type(error).__name__}: {error}")
    else:
        outcome.survived += 1
        outcome.notes.append(note)


async def kill_many_times(times: int, seed: int) -> list[Outcome]:
    """kill -9 after kill -9 on one database: what was survived, and what of that in time."""
    outcome, in_time = Outcome(KILLS), Outcome(f"- of these serving within {SERVES_WITHIN:g} s, hosts back in time")
    with tempfile.TemporaryDirectory(prefix="tabkeep-chaos-") as folder:
        kills = Kills(Path(folder), random.Random(seed))
        await kills.prepare()
        for _ in range(times):
            outcome.tried += 1
            try:
                note = await kills.once()
            except Exception as error:
                traceback.print_exc()
                outcome.notes.append(f"kill {outcome.tried}: {type(error).__name__}: {error}")
                continue
            outcome.survived += 1
            print(f"{outcome.survived} of {outcome.tried} kills survived: {note}", file=sys.stderr, flush=True)
        await kills.finish()
        outcome.notes.append(kills.note())
        in_time.tried, in_time.survived = outcome.tried, kills.in_time
    return [outcome, in_time]


async def run(arguments: argparse.Namespace) -> list[Outcome]:
    """All faults that were asked for."""
    outcomes = []
    for fault in FAULTS:
        if arguments.fault and not any(part in fault for part in arguments.fault):
            continue
        outcome = Outcome(fault)
        outcomes.append(outcome)
        begun = time.monotonic()
        times = min(arguments.times, 1) if fault in deadlines.EXPENSIVE else arguments.times
        for seed in range(arguments.seed, arguments.seed + times):
            with passable_directory() as folder:
                await try_fault(outcome, seed, folder)
            if not outcome.tried:
                break
        took = time.monotonic() - begun
        print(f"{fault}: {outcome.survived} of {outcome.tried} in {took:.0f} s", file=sys.stderr, flush=True)
    if arguments.kills and (not arguments.fault or any(part in KILLS for part in arguments.fault)):
        outcomes += await kill_many_times(arguments.kills, arguments.seed)
    return outcomes


def main() -> int:
    """Run and print the table."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__.split("\n", 1)[0])
    parser.add_argument("fault", nargs="*", help="part of the name of a fault; all when none is given")
    parser.add_argument("--times", type=int, default=10, help="how often each is done")
    parser.add_argument("--kills", type=int, default=0, help="how many kill -9 on a database with 1,000,000 events")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    names = [*FAULTS, KILLS]
    for part in arguments.fault:
        if not any(part in name for name in names):
            # An empty table with status 0 would look like a fault that was survived.
            parser.error(f"no fault has {part!r} in its name; they are:\n  " + "\n  ".join(names))
    outcomes = asyncio.run(run(arguments))
    print(table(outcomes))
    return int(any(one.survived < one.tried for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
