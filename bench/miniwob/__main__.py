"""`python -m bench.miniwob [--tasks name,…] [--episodes n] [--first-seed n]`: run the tasks, print what came of them.

Exit status: 0 when every episode was run, whatever came of it; 1 when something could not be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tabkeep.v1 import runs_pb2 as runs

from bench.browsing import Product, product
from bench.miniwob.episodes import Episode, Episodes, NoPages, pages, served
from bench.miniwob.verdicts import Outcome, Sum, Verdict, by_task
from bench.programs import Workshop, run_to_end

RESULTS = Path(__file__).parents[1] / "results"
BUILDING_SEEDS = 1
"""Where the seeds begin that rules may be written with; below `JUDGING_SEEDS`."""
JUDGING_SEEDS = 100_001
"""Where the seeds begin that only figures are made with."""
WORKERS = 2
MAX_STEPS = 150
RUN_SECONDS = 60
REWARD_GRACE = 0.7
"""Seconds in which a page that was told everything may still give its reward."""
CAVEAT = (
    "The rules were written with these tasks in sight (other seeds): the figures say what the rules do on pages of "
    "this kind, not what they do on pages that nobody has seen."
)


def main() -> int:
    """Run what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.miniwob", description="MiniWoB++ through the public API.")
    parser.add_argument("--tasks", default="", help="names, with commas between them; none: all")
    parser.add_argument("--episodes", type=int, default=5, help="how many seeds of each task (5)")
    parser.add_argument(
        "--first-seed", type=int, default=BUILDING_SEEDS,
        help=f"the first of them; from {JUDGING_SEEDS} on they are for judging only ({BUILDING_SEEDS})",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"sessions side by side ({WORKERS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where every episode goes (bench/results/…)")
    arguments = parser.parse_args()
    began = datetime.now(UTC)
    try:
        root = pages()
    except NoPages as missing:
        print(missing, file=sys.stderr)
        return 1
    wanted = [name for name in arguments.tasks.split(",") if name]
    outcomes = run_to_end(_run(root, wanted, arguments.episodes, arguments.first_seed, arguments.workers))
    path: Path = arguments.json or RESULTS / f"miniwob-{began:%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([outcome.as_json() for outcome in outcomes], indent=1) + "\n")
    _print(outcomes, arguments.first_seed)
    print(f"written to {path}")
    return 0


async def _run(root: Path, wanted: Sequence[str], episodes: int, first_seed: int, workers: int) -> list[Outcome]:
    """Every seed of every task, shared between the workers, each with a browser session of its own."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="miniwob-", dir=RESULTS, ignore_cleanup_errors=True) as directory:
        workshop = Workshop(Path(directory), quick=False)
        async with (
            served(root) as site,
            workshop.control_plane() as control_plane,
            workshop.browser_host(control_plane, capacity=workers),
            product(control_plane) as api,
        ):
            unknown = set(wanted) - set(site.tasks())
            if unknown:
                raise SystemExit(f"no such task: {', '.join(sorted(unknown))}")
            todo = [
                (task, seed) for seed in range(first_seed, first_seed + episodes) for task in (wanted or site.tasks())
            ]
            todo.reverse()
            outcomes: list[Outcome] = []
            working = [_work(api, site, todo, outcomes) for _ in range(workers)]
            await asyncio.gather(*working)
    return sorted(outcomes, key=lambda outcome: (outcome.task, outcome.seed))


async def _work(api: Product, site: Episodes, todo: list[tuple[str, int]], outcomes: list[Outcome]) -> None:
    session_id = await api.open_session()
    while todo:
        task, seed = todo.pop()
        episode = site.new(task, seed)
        await api.use_session(session_id, episode.url)
        await asyncio.wait_for(episode.begun.wait(), RUN_SECONDS)
        outcomes.append(await _play(api, session_id, episode))
        site.forget(episode)
        if sys.stderr.isatty() or len(outcomes) % 50 == 0:
            print(f"{len(outcomes)} episodes, {len(todo)} to go", file=sys.stderr)
    await api.close_session(session_id)


async def _play(api: Product, session_id: str, episode: Episode) -> Outcome:
    """Give the instruction as the prompt of a task where the page is open, and wait for the end of the run."""
    request = runs.RunTaskRequest(
        browser_session_id=session_id, prompt=episode.utterance, max_steps=MAX_STEPS,
        screenshots=runs.SCREENSHOT_MODE_NONE, irreversible_policy=runs.IRREVERSIBLE_POLICY_ALLOW,
        replay_mode=runs.REPLAY_MODE_OFF,
    )  # fmt: skip
    request.timeout.FromSeconds(RUN_SECONDS)
    began = time.perf_counter()
    run = (await api.runs.RunTask(request, metadata=api.metadata)).run
    watch = runs.WatchRunRequest(run_id=run.run_id)
    async for response in api.runs.WatchRun(watch, metadata=api.metadata, timeout=RUN_SECONDS * 2):
        if response.HasField("run"):
            run = response.run
    seconds = time.perf_counter() - began
    completed = run.status == runs.RUN_STATUS_COMPLETED
    if not episode.over.is_set() and (completed or run.step_count):
        try:
            await asyncio.wait_for(episode.over.wait(), REWARD_GRACE)
        except TimeoutError:
            pass  # the page gave nothing
    reason = runs.FailureReason.Name(run.failure_reason).removeprefix("FAILURE_REASON_") if not completed else ""
    return Outcome(
        episode.task, episode.seed, episode.utterance, completed, reason, run.failure_message, episode.reward, seconds,
        run.step_count, run.run_id,
    )  # fmt: skip


def _print(outcomes: Sequence[Outcome], first_seed: int) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=150)
    table = Table(title="MiniWoB++ through RunTask", title_justify="left", title_style="bold")
    table.add_column("task")
    for name in ("episodes", *Verdict, "median s"):
        table.add_column(name, justify="right")
    table.add_column("reasons")
    for task in by_task(outcomes):
        counts = [str(task.count(verdict) or "") for verdict in Verdict]
        table.add_row(task.name, str(len(task.outcomes)), *counts, f"{task.median_seconds:.2f}", task.reasons)
    console.print(table)
    whole = Sum("all", tuple(outcomes))
    kind = "judging" if first_seed >= JUDGING_SEEDS else "building"
    lines = [
        f"{len(outcomes)} episodes of {len(by_task(outcomes))} tasks, seeds from {first_seed} on, which are for {kind}",
        *(f"{verdict}: {whole.count(verdict)} ({whole.share(verdict):.1%})" for verdict in Verdict),
        f"rewarded by the page, whatever the run said: {whole.share(Verdict.SOLVED, Verdict.UNCLAIMED):.1%}",
    ]
    refusals = whole.seconds(Verdict.REFUSED)
    if refusals:
        late = refusals[min(len(refusals) - 1, len(refusals) * 99 // 100)]
        lines.append(
            f"a refusal took {refusals[len(refusals) // 2]:.2f} s at the median, {late:.2f} s at the 99th percentile"
        )
    for line in (*lines, CAVEAT):
        console.print(line, highlight=False, markup=False)


if __name__ == "__main__":
    sys.exit(main())
