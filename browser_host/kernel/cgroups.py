"""Control groups (Linux), where the host may make them: for each browser one of version 2, so that all it ever started
is found and killed at once, whatever process group, name, user or parent it has taken on, and limits on its memory,
its processes and its processor time.

The limits come from version 2 where the controllers are given to the host (systemd: `Delegate=yes` and
`DelegateSubgroup=host`), or from version 1 where the machine has them there. What may not be made is done without:
process groups, users and user data directories find a browser too, and `limits` says what is in force.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from browser_host.kernel import guardian, processes

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.01
CPU_PERIOD_US = 100_000
CONTROLLERS = ("memory", "pids", "cpu")


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one browser; 0 means none."""

    memory_bytes: int = 0
    tasks: int = 0
    """Processes and threads."""
    cpu_percent: int = 0
    """Of one core."""

    def files(self, version: int) -> dict[str, list[tuple[str, str]]]:
        """What is to be written into which file, for each controller."""
        quota = self.cpu_percent * CPU_PERIOD_US // 100
        memory, tasks = str(self.memory_bytes), str(self.tasks)
        wanted: dict[str, list[tuple[str, str]]] = {}
        if self.memory_bytes:
            wanted["memory"] = [("memory.max", memory)] if version == 2 else [("memory.limit_in_bytes", memory)]
        if self.tasks:
            wanted["pids"] = [("pids.max", tasks)]
        if self.cpu_percent and version == 2:
            wanted["cpu"] = [("cpu.max", f"{quota} {CPU_PERIOD_US}")]
        elif self.cpu_percent:
            wanted["cpu"] = [("cpu.cfs_period_us", str(CPU_PERIOD_US)), ("cpu.cfs_quota_us", str(quota))]
        return wanted


@dataclass(frozen=True, slots=True)
class Roots:
    """The host's own cgroups, below which it makes those of its browsers."""

    unified: Path | None = None
    """Of version 2."""
    controlled: bool = False
    """That one has the controllers."""
    by_controller: tuple[tuple[str, Path], ...] = ()
    """Of version 1."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return (*([self.unified] if self.unified else []), *(path for _, path in self.by_controller))


@dataclass(frozen=True, slots=True)
class BrowserCgroups:
    """Those of one browser."""

    unified: Path | None
    paths: tuple[Path, ...]
    """All of them; a process must enter each."""


class Cgroups:
    """The cgroups of one host's browsers, below its own ones."""

    def __init__(self, roots: Roots, limits: Limits) -> None:
        self._roots = roots
        self._limits = limits

    @property
    def usable(self) -> bool:
        """Whether browsers get cgroups here."""
        return bool(self._roots.paths)

    @property
    def limits(self) -> Limits:
        """Those that are in force."""
        if self._roots.controlled:
            return self._limits
        there = {controller for controller, _ in self._roots.by_controller}
        return Limits(
            self._limits.memory_bytes if "memory" in there else 0,
            self._limits.tasks if "pids" in there else 0,
            self._limits.cpu_percent if "cpu" in there else 0,
        )

    def make(self, name: str) -> BrowserCgroups:
        """New ones for a browser, with its limits.

        Raises:
            OSError: the kernel gives no more of them, or refuses a limit; none is left.
        """
        made: list[Path] = []
        try:
            unified = None
            if self._roots.unified is not None:
                made.append(unified := self._roots.unified / name)
                unified.mkdir()
                if self._roots.controlled:
                    for files in self._limits.files(2).values():
                        _write_all(unified, files)
            for controller, root in self._roots.by_controller:
                made.append(cgroup := root / name)
                cgroup.mkdir()
                _write_all(cgroup, self._limits.files(1).get(controller, []))
        except OSError:
            for cgroup in made:
                guardian.remove_cgroup(cgroup)
            raise
        return BrowserCgroups(unified, tuple(made))


def make_roots(limits: Limits) -> Roots:
    """New cgroups that processes of this host may enter; blocks for some milliseconds."""
    unified, controlled = None, False
    wanted = set(limits.files(2))
    own = own_cgroup()
    if own is not None:
        # Where a service's processes are in a group below the one that is given to it, its controllers are there.
        for parent in (own, own.parent) if wanted else ():
            if _may_use(parent, wanted) and (unified := _new_below(parent)) is not None:
                controlled = _pass_on(unified, wanted)
                break
        unified = unified or _new_below(own)
    by_controller = []
    if not controlled:
        for controller in (name for name in CONTROLLERS if name in wanted):
            own_there = own_cgroup(controller)
            if own_there is not None and (root := _new_below(own_there)) is not None:
                by_controller.append((controller, root))
    roots = Roots(unified, controlled, tuple(by_controller))
    if wanted and not controlled and len(by_controller) < len(wanted):
        missing = sorted(wanted - {controller for controller, _ in by_controller})
        logger.warning("browsers run without limits", extra={"controllers": missing})
    return roots


def own_cgroup(controller: str = "") -> Path | None:
    """The directory of this process's own cgroup, of version 2 or of a controller of version 1; None: not seen here."""
    try:
        memberships = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    own = None
    for line in memberships:
        # "4:cpu,cpuacct:/path", and of version 2 "0::/path".
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            own = path
            break
    if own is None:
        return None
    for mount in mounts:
        # "36 35 0:31 /root /mount/point options … - type source options"
        described, _, kind = mount.partition(" - ")
        fstype, _, options = kind.split(" ", 2)
        if fstype != ("cgroup" if controller else "cgroup2") or (controller and controller not in options.split(",")):
            continue
        root, mount_point = described.split()[3:5]
        if os.path.commonpath([root, own]) == root:
            return Path(mount_point) / os.path.relpath(own, root)
    return None


async def end(cgroups: tuple[Path, ...]) -> None:
    """Kill all that is in these cgroups and remove them; nothing for one that is not there.

    Does not return while the kernel cannot end a process.
    """
    for cgroup in cgroups:
        while os.path.isdir(cgroup):  # noqa: ASYNC240, PTH112 (the kernel answers from memory)
            guardian.kill_cgroup(str(cgroup))
            for process in guardian.list_processes() if (pids := guardian.cgroup_pids(str(cgroup))) else []:
                if process.pid in pids:
                    guardian.kill(process)
            try:
                guardian.remove_cgroup(cgroup)
            except OSError:
                await asyncio.sleep(POLL_SECONDS)


def _may_use(parent: Path, controllers: set[str]) -> bool:
    """Whether groups below a group of version 2 have these controllers, or could now be given them."""
    try:
        there = set((parent / "cgroup.controllers").read_text(encoding="ascii").split())
        given = set((parent / "cgroup.subtree_control").read_text(encoding="ascii").split())
    except OSError:
        return False
    return controllers <= there and (controllers <= given or _pass_on(parent, controllers))


def _pass_on(cgroup: Path, controllers: set[str]) -> bool:
    try:
        (cgroup / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in sorted(controllers)))
    except OSError:
        return False  # not ours to give, or processes are in it
    return True


def _new_below(parent: Path) -> Path | None:
    """A new cgroup there that processes of this host may enter."""
    try:
        root = Path(tempfile.mkdtemp(prefix="tabkeep-", dir=parent))
    except OSError:
        return None
    if _can_enter(root):
        return root
    guardian.remove_cgroup(root)
    return None


def _write_all(cgroup: Path, files: list[tuple[str, str]]) -> None:
    for name, text in files:
        (cgroup / name).write_text(text, encoding="ascii")


def _can_enter(cgroup: Path) -> bool:
    return processes.succeeds(["/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs"', str(cgroup)])
