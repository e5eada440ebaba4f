"""Control groups (Linux, version 2), where the host may make them: one for each browser, so that all it ever started
is found and killed at once, whatever process group, name or parent it has taken on.

They are made below the host's own group. Only their killing is used, no controller and no limit. Where there is no
such thing, or it is read-only as in most containers, process groups and user data directories do instead.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from pathlib import Path

from browser_host import guardian

POLL_SECONDS = 0.01


class Cgroups:
    """The cgroups of one host's browsers, below one of its own."""

    def __init__(self, root: Path | None) -> None:
        """`root` is the host's own one, or None where there are none."""
        self._root = root

    @property
    def usable(self) -> bool:
        """Whether browsers get cgroups here."""
        return self._root is not None

    def make(self, name: str) -> Path | None:
        """A new one for a browser; None where there are none, or the kernel gives no more of them."""
        if self._root is None:
            return None
        cgroup = self._root / name
        try:
            cgroup.mkdir()
        except OSError:
            return None
        return cgroup


def make_root() -> Path | None:
    """A new cgroup that processes of this host may enter, or None. Blocks for some milliseconds."""
    parent = own_cgroup()
    if parent is None:
        return None
    try:
        root = Path(tempfile.mkdtemp(prefix="tabkeep-", dir=parent))
    except OSError:
        return None
    if _can_enter(root):
        return root
    guardian.remove_cgroup(root)
    return None


def own_cgroup() -> Path | None:
    """The directory of this process's own cgroup of version 2; None when it is not to be seen here."""
    try:
        memberships = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    own = next((line[3:] for line in memberships if line.startswith("0::")), None)
    if own is None:
        return None
    for mount in mounts:
        # "36 35 0:31 /root /mount/point options … - type source options"
        described, _, kind = mount.partition(" - ")
        if kind.split()[0] != "cgroup2":
            continue
        root, mount_point = described.split()[3:5]
        if os.path.commonpath([root, own]) == root:
            return Path(mount_point) / os.path.relpath(own, root)
    return None


async def end(cgroup: Path) -> None:
    """Kill all that is in a cgroup and remove it; nothing when there is none.

    Does not return while the kernel cannot end a process.
    """
    while os.path.isdir(cgroup):  # noqa: ASYNC240, PTH112 (the kernel answers from memory)
        guardian.kill_cgroup(str(cgroup))
        for process in guardian.list_processes() if (pids := guardian.cgroup_pids(str(cgroup))) else []:
            if process.pid in pids:
                guardian.kill(process)
        try:
            guardian.remove_cgroup(cgroup)
        except OSError:
            await asyncio.sleep(POLL_SECONDS)


def _can_enter(cgroup: Path) -> bool:
    command = ["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs"', str(cgroup)]
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True
