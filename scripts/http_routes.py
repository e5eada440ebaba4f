"""Writes the table of routes in docs/http.md, as the gateway serves them: part of `make gen`. With --check it only says
whether the table is what it should be."""

import argparse
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "clients/python")]

from control_plane.http import openapi  # noqa: E402
from control_plane.http.app import all_resources  # noqa: E402
from control_plane.http.calls import Calls  # noqa: E402

PAGE = ROOT / "docs/http.md"
HEADING = "## Routes\n\n"


def main() -> int:
    """Write or check; the exit status is 1 when the table is to be written and was only checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the table is out of date")
    check: bool = parser.parse_args().check
    page = PAGE.read_text(encoding="utf-8")
    written = with_table(page, table(openapi.document(all_resources(every_call()))))
    if written == page:
        print("routes: the table in docs/http.md is up to date")
    elif check:
        print("routes: the table in docs/http.md is out of date, run `make gen` and commit the result", file=sys.stderr)
        return 1
    else:
        PAGE.write_text(written, encoding="utf-8")
        print("routes: the table in docs/http.md was written")
    return 0


def every_call() -> Calls:
    """Every public call by name; they are described here and not called."""
    names: dict[str, Any] = {}
    for proto in sorted((ROOT / "protos/tabkeep/v1").glob("*.proto")):
        module = importlib.import_module(f"tabkeep.v1.{proto.stem}_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            names |= {f"{service.full_name}/{method.name}": None for method in service.methods}
    nobody: Any = None
    return Calls(nobody, names)


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
