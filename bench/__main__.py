"""`python -m bench [name ...] [--quick] [--json FILE]`: measure, print a table, write JSON.

Exit status: 0 when everything was measured, whether or not its aim was met; 1 when something could not be; 2 for a
name that is no question.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Report, Row
from bench.programs import Workshop, run_to_end

QUESTIONS = {
    "session_start": 420.0,
    "warm_start": 600.0,
    "forty_sessions": 420.0,
    "ad_blocker": 240.0,
    "steps": 300.0,
    "observation": 240.0,
    "egress": 300.0,
    "calls": 240.0,
    "dispatch": 240.0,
    "idle": 120.0,
    "volume": 420.0,
    "gateway": 300.0,
    "published_sdk": 180.0,
}
"""The questions, and how many seconds each may take before it is given up."""
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    """Measure what the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Figures, ours beside the floor's.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"which of {', '.join(QUESTIONS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="less of everything: for a look, not for a judgement")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the JSON goes (bench/results/<time>.json)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in QUESTIONS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such question, there are {', '.join(QUESTIONS)}")
    began = datetime.now(UTC)
    names = arguments.names or list(QUESTIONS)
    answers = [_answer(name, quick=arguments.quick) for name in names]
    path = arguments.json or RESULTS / f"{began:%Y%m%dT%H%M%SZ}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"begin_time": began.isoformat(), "quick": arguments.quick, "machine": _machine(), "answers": answers}
    path.write_text(json.dumps(result, indent=1) + "\n")
    _console().print(f"written to {path}", highlight=False)
    return 1 if any("failure" in answer for answer in answers) else 0


def _console() -> Console:
    """A terminal as wide as it is; a file or pipe as wide as the tables need."""
    return Console() if sys.stdout.isatty() else Console(width=140)


def _answer(name: str, *, quick: bool) -> dict[str, Any]:
    """Measure one question and print its table; a failure is told, not hidden."""
    module = importlib.import_module(f"bench.{name}")
    console = _console()
    began = time.monotonic()
    RESULTS.mkdir(parents=True, exist_ok=True)
    # Beside the results and not in the system's temporary directory, which is in memory on many machines: there a
    # commit would cost nothing.
    with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=RESULTS, ignore_cleanup_errors=True) as directory:
        workshop = Workshop(Path(directory), quick)
        try:
            report: Report = run_to_end(asyncio.wait_for(module.measure(workshop), QUESTIONS[name]))
        except Exception as failure:
            words = f"longer than {QUESTIONS[name]:g} s" if isinstance(failure, TimeoutError) else str(failure)
            console.print(f"[bold]{name}[/]: could not be measured", style="red", highlight=False)
            traceback.print_exception(failure)
            return {"name": name, "aim": module.AIM, "failure": f"{type(failure).__name__}: {words}"}
    seconds = time.monotonic() - began
    _print(console, report, module.AIM, seconds)
    return {"name": name, "aim": module.AIM, "seconds": seconds, **report.as_json()}


def _print(console: Console, report: Report, aim: str, seconds: float) -> None:
    table = Table(title=f"{report.question} ({seconds:.0f} s)", title_justify="left", title_style="bold")
    for name in ("", "figure", "unit"):
        table.add_column(name)
    for name in ("ours", "floor", "compared", "lowest … highest", "aim"):
        table.add_column(name, justify="right")
    case = ""
    for row in report.rows:
        table.add_row("" if row.case == case else row.case, row.figure, row.unit, *_cells(row))
        case = row.case
    console.print(table)
    for line in (f"ours:  {report.ours}", f"floor: {report.floor}", f"aim:   {aim}", *report.notes, ""):
        console.print(line, highlight=False, markup=False)


def _cells(row: Row) -> list[str]:
    def compared(value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:+.2f}" if row.difference else f"{value:.2f}x"

    aim = "" if row.aim is None else f"{row.aim.words} {'[green]met' if row.met else '[red]missed'}[/]"
    floor = "" if row.floor is None else _number(row.floor)
    spread = f"{compared(row.lowest)} … {compared(row.highest)}" if row.lowest is not None else ""
    return [_number(row.ours), floor, compared(row.compared), spread, aim]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _machine() -> dict[str, Any]:
    packages = ("grpcio", "protobuf", "aiosqlite", "uvloop", "playwright")
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


if __name__ == "__main__":
    sys.exit(main())
