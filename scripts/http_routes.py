"""Writes the table of routes in docs/http.md, as the gateway serves them: part of `make gen`. With --check it only says
whether the table is what it should be."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "clients/python")]

from control_plane.config import Config  # noqa: E402
from control_plane.server import serve  # noqa: E402

PAGE = ROOT / "docs/http.md"
HEADING = "## Routes\n\n"


def main() -> int:
    """Write or check; the exit status is 1 when the table is to be written and was only checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the table is out of date")
    check: bool = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    written = with_table(page, table(asyncio.run(served())))
    if written == page:
        print("routes: the table in docs/http.md is up to date")
    elif check:
        print("routes: the table in docs/http.md is out of date, run `make gen` and commit the result", file=sys.stderr)
        return 1
    else:
        PAGE.write_text(written, encoding="utf-8")
        print("routes: the table in docs/http.md was written")
    return 0


async def served() -> dict[str, Any]:
    """What a control plane says of its routes, asked over HTTP."""
    with tempfile.TemporaryDirectory(prefix="tabkeep-routes-") as folder:
        config = Config(data_dir=Path(folder), grpc_address="127.0.0.1:0", http_address="127.0.0.1:0")
        async with serve(config) as running, httpx.AsyncClient(base_url=f"http://{running.http_address}") as http:
            found: dict[str, Any] = (await http.get("/openapi.json")).raise_for_status().json()
            return found


def table(document: Mapping[str, Any]) -> list[str]:
    """The table's lines: sorted by path, each method with what it does in one sentence."""
    found = ["| method | path | what it does |", "|---|---|---|"]
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            summary = operation["summary"].split(". ")[0].rstrip(".").replace("|", "/")
            found.append(f"| {method.upper()} | `{path}` | {summary} |")
    return found


def with_table(page: str, lines: list[str]) -> str:
    """The page with this table in its place."""
    before, heading, after = page.partition(HEADING)
    if not heading:
        raise SystemExit(f"{PAGE} has no heading {HEADING.strip()!r}")
    _, next_heading, rest = after.partition("\n## ")
    return before + heading + "\n".join(lines) + "\n" + next_heading + rest


if __name__ == "__main__":
    sys.exit(main())
