"""The processes and directories of browsers, as the operating system sees them: watching, ending, sweeping."""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from browser_host.kernel import become, guardian
from browser_host.kernel.guardian import remove_tree

__all__ = [
    "ProcessWatch",
    "can_die_with_parent",
    "end_group",
    "end_processes_of",
    "end_user",
    "group_members",
    "processes_of",
    "remove_tree",
    "succeeds",
    "sweep",
    "write_wrapper",
]

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.01
_WATCH_POLL_SECONDS = 0.2


class ProcessWatch:
    """Tells when a process has ended, whoever's child it is: at once where the kernel can, else within 0.2 s."""

    def __init__(self, pid: int) -> None:
        """Watch `pid`; a process that is gone already counts as ended."""
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self._pidfd: int | None = None
        self._poll: asyncio.Task[None] | None = None
        if not hasattr(os, "pidfd_open"):
            self._poll = asyncio.create_task(self._poll_until_gone(pid))
            return
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            self.exited.set_result(None)
        except OSError:  # no descriptor is left to watch with
            self._poll = asyncio.create_task(self._poll_until_gone(pid))
        else:
            loop.add_reader(self._pidfd, self._on_exit)

    def close(self) -> None:
        """Stop watching."""
        if self._poll is not None:
            self._poll.cancel()
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _on_exit(self) -> None:
        self.close()
        if not self.exited.done():
            self.exited.set_result(None)

    async def _poll_until_gone(self, pid: int) -> None:
        while _is_alive(pid):  # noqa: ASYNC110
            await asyncio.sleep(_WATCH_POLL_SECONDS)
        if not self.exited.done():
            self.exited.set_result(None)


def group_members(process_group: int) -> list[int]:
    """The living processes of a group."""
    members = []
    for pid in psutil.pids():
        try:
            if os.getpgid(pid) == process_group and _is_alive(pid):
                members.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return members


async def end_group(process_group: int) -> None:
    """Kill a process group and return when none of it lives; 13 to 43 ms for a browser.

    Also when its leader is gone: children keep the group. Does not return while the kernel cannot end a process.
    """
    loop = asyncio.get_running_loop()
    warn_at = loop.time() + 1.0
    while members := group_members(process_group):
        try:
            os.killpg(process_group, signal.SIGKILL)
        except ProcessLookupError:
            return
        if loop.time() >= warn_at:
            logger.error("processes cannot be ended", extra={"process_group": process_group, "pids": members})
            warn_at = loop.time() + 5.0
        await asyncio.sleep(POLL_SECONDS)


def processes_of(directory: Path) -> list[psutil.Process]:
    """Living processes with a user data directory that is, or lies under, `directory`.

    Chromium's crash handlers are among them: they leave the browser's group, and outlive it for a moment.
    """
    prefixes = [f"--user-data-dir={directory}", f"--database={directory}"]
    within = tuple(prefix + os.sep for prefix in prefixes)
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
        except psutil.Error:
            continue
        if any(argument in prefixes or argument.startswith(within) for argument in arguments):
            found.append(process)
    return found


def groups_of(processes: Iterable[psutil.Process]) -> set[int]:
    """Their process groups, never our own."""
    groups = set()
    for process in processes:
        try:
            groups.add(os.getpgid(process.pid))
        except ProcessLookupError:
            continue
    return groups - {os.getpgrp()}


async def end_processes_of(directory: Path) -> int:
    """End all browsers whose user data directory is, or lies under, `directory`; returns how many groups there were."""
    groups = groups_of(processes_of(directory))
    for group in sorted(groups):
        await end_group(group)
    return len(groups)


async def sweep(root: Path) -> int:
    """End whatever a former host left running under `root`, and remove it; returns how many groups were ended.

    A link is followed, and removed with what it leads to.
    """
    directory = _followed(root)
    ended = await end_processes_of(directory)
    await asyncio.to_thread(remove_tree, directory)
    if directory != root:
        os.unlink(root)  # noqa: PTH108
    return ended


def _followed(path: Path) -> Path:
    return path.readlink() if path.is_symlink() else path


def can_die_with_parent() -> bool:
    """Whether processes can be started such that the kernel kills them when their parent ends (Linux, util-linux)."""
    if shutil.which("setpriv") is None:
        return False
    return succeeds(["setpriv", "--pdeathsig", "KILL", "--", "true"])


def succeeds(command: list[str]) -> bool:
    """Whether a command, run to look what is possible here, ends with success; it has 5 seconds."""
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


def write_wrapper(directory: Path, name: str, executable: Path, *, dies_with_parent: bool) -> Path:
    """A script that becomes `executable`; no process stays between it and whoever starts it.

    It enters the cgroups that TABKEEP_ENTER_CGROUPS names, one on a line, and fails where it cannot; it becomes the
    user whose number is TABKEEP_BECOME_USER, from which nothing can lead back; it keeps both from the executable.
    With `dies_with_parent` the kernel kills it with its parent; without it a browser that is stuck while its driver
    is killed would be left to the guardian, and to the next host's sweep.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    new = directory / f"{name}.new"
    program = shlex.quote(str(executable))
    as_user = f"{shlex.quote(sys.executable)} -I -S {shlex.quote(become.__file__)} $user"
    as_self = ""
    if dies_with_parent:
        as_user = "setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs --pdeathsig KILL --"
        as_self = "setpriv --pdeathsig KILL -- "
    new.write_text(
        "#!/bin/sh\n"
        "set -f; IFS='\n'\n"
        'for cgroup in $TABKEEP_ENTER_CGROUPS; do echo 0 > "$cgroup/cgroup.procs" || exit 126; done\n'
        "unset IFS; user=$TABKEEP_BECOME_USER\n"
        "unset TABKEEP_ENTER_CGROUPS TABKEEP_BECOME_USER\n"
        f'if [ -z "$user" ]; then exec {as_self}{program} "$@"; fi\n'
        # A user of its own may not be where the host is, and what dies leaves no image of its memory.
        "cd /; umask 077; ulimit -c 0\n"
        f'exec {as_user} {program} "$@"\n'
    )
    new.chmod(0o700)
    new.replace(path)
    return path


async def end_user(user: int) -> None:
    """Kill all that runs as a user, and return when nothing does.

    Does not return while the kernel cannot end a process.
    """
    loop = asyncio.get_running_loop()
    warn_at = loop.time() + 1.0
    while living := [pid for pid in guardian.pids_of_user(user) if _is_alive(pid)]:
        for process in guardian.list_processes():
            if process.pid in living:
                guardian.kill(process)
        if loop.time() >= warn_at:
            logger.error("processes cannot be ended", extra={"user": user, "pids": living})
            warn_at = loop.time() + 5.0
        await asyncio.sleep(POLL_SECONDS)


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.Error:
        return False
