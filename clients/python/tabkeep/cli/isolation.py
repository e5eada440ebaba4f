"""How the limits of a browser are shown."""

from __future__ import annotations


def limits(memory_bytes: int, tasks: int, cpu_percent: int) -> str:
    """What a session's browser may take, as far as its host's kernel sees to it; 0 is no limit."""
    given = ((memory_bytes / 2**20, "MiB"), (tasks, "tasks"), (cpu_percent, "% of a core"))
    return ", ".join(f"{value:,.0f} {unit}" for value, unit in given if value) or "none"
