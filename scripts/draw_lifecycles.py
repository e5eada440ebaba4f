"""Draws the three lifecycles of the control plane as Mermaid pictures, from the tables that the program runs on.

`python scripts/draw_lifecycles.py` writes them into control_plane/LIFECYCLES.md, between its marks; a test fails when
the page is not what the tables say.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from control_plane.entities import hosts, runs, sessions

PAGE = Path(__file__).parents[1] / "control_plane" / "LIFECYCLES.md"
PICTURES: Mapping[str, tuple[Mapping[StrEnum, Mapping[StrEnum, StrEnum]], StrEnum]] = {
    "sessions": (sessions.TRANSITIONS, sessions.SessionState.PENDING),  # type: ignore[dict-item]
    "runs": (runs.TRANSITIONS, runs.RunStatus.CREATED),  # type: ignore[dict-item]
    "hosts": (hosts.TRANSITIONS, hosts.HostState.GONE),  # type: ignore[dict-item]
}
"""Each noun's table and the state it begins in."""


def draw(table: Mapping[StrEnum, Mapping[StrEnum, StrEnum]], first: StrEnum) -> str:
    """The table as a Mermaid state diagram; events that lead from one state to one other share an arrow."""
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for state, moves in table.items():
        arrows: dict[StrEnum, list[str]] = {}
        for event, target in moves.items():
            arrows.setdefault(target, []).append(event.value)
        lines += [f"    {state} --> {target}: {', '.join(events)}" for target, events in arrows.items()]
        if not moves:
            lines.append(f"    {state} --> [*]")
    return "\n".join(lines)


def filled(page: str) -> str:
    """The page with the pictures between its marks."""
    for name, (table, first) in PICTURES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(end)
        page = f"{before}{begin}```mermaid\n{draw(table, first)}\n```\n{end}{after}"
    return page


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text()))


if __name__ == "__main__":
    main()
