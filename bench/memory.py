"""What browsers take of the machine's memory."""

from __future__ import annotations

import contextlib
from pathlib import Path

from browser_host.kernel import processes


def pss_mib(directory: Path) -> float:
    """MiB of all processes whose directories lie below `directory`, what they share counted once (PSS)."""
    total = 0
    groups = processes.groups_of(processes.processes_of(directory))
    for pid in {pid for group in groups for pid in processes.group_members(group)}:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024
