"""What keeps a browser from the machine and from other sessions, read from the kernel's own account of its processes.

Nothing here believes a setting: that the sandbox is on, that a browser runs as a user of its own, that nothing listens
is read from /proc of each browser that was started, before a page is opened in it. Where there is no /proc nothing can
be read and nothing is claimed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECCOMP_FILTER = "2"
WITHOUT_SANDBOX = "TABKEEP_ALLOW_UNSANDBOXED=1"
HOW_TO_ALLOW_USER_NAMESPACES = (
    "allow user namespaces here: in Docker with a seccomp profile that allows clone and unshare (docs/browsers.md), on "
    "Ubuntu with sysctl kernel.apparmor_restrict_unprivileged_userns=0, elsewhere with sysctl "
    f"user.max_user_namespaces; or set {WITHOUT_SANDBOX} to do without the sandbox, which every session then shows"
)


class NotIsolated(Exception):
    """A browser is not as apart as it should be; the text says in what, as the kernel tells it."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How apart a host's browsers are, or one of them is."""

    sandboxed: bool
    """Chromium's sandbox is on."""
    user_per_session: bool
    """Each browser runs as a system user of its own; False: as the host's own, who can read the files of all."""
    memory_bytes: int = 0
    """The most memory of a browser; 0: no limit is in force."""
    tasks: int = 0
    """The most processes and threads of a browser, likewise."""
    cpu_percent: int = 0
    """The most processor time of a browser in percent of one core, likewise."""
    failure: str = ""
    """Why the look at the start of the host says that it may run no browser; empty when it may."""


UNKNOWN = Isolation(sandboxed=False, user_per_session=False)
"""Of a browser that nobody has looked at."""


def examine(pid: int, *, sandboxed: bool, user: int) -> None:
    """Look at a browser whose main process is `pid`; `user` is the one it was given, 0 for the host's own.

    Some milliseconds. Nothing on systems without /proc.

    Raises:
        NotIsolated.
        ProcessLookupError: it has ended meanwhile.
    """
    if not Path("/proc/self/status").exists():
        return
    group = _group(pid)
    main = next((process for process in group if process.pid == pid), None)
    if main is None:
        raise ProcessLookupError(f"no process {pid}")
    if user:
        _examine_user(group, user)
    debugging = [argument for argument in main.arguments if argument.startswith("--remote-debugging-port")]
    if debugging:
        raise NotIsolated(f"the browser listens for debuggers: {debugging[0]}")
    if listening := _listening(group):
        raise NotIsolated(f"the browser listens on a TCP port: {listening}")
    if sandboxed:
        _examine_sandbox(main, group)


def sandbox_is_possible() -> bool:
    """Whether this machine lets an ordinary user make the namespaces of Chromium's sandbox; some milliseconds.

    For a word before a host is started. What counts is what its browsers then show (`examine`).
    """
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return True
    somebody: dict[str, Any] = {"user": 61999, "group": 61999, "extra_groups": []} if os.geteuid() == 0 else {}
    command = ["unshare", "--user", "--pid", "--net", "--fork", "true"]
    silent = subprocess.DEVNULL
    done = subprocess.run(command, cwd="/", stdin=silent, stdout=silent, stderr=silent, check=False, **somebody)
    return done.returncode == 0


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    status: dict[str, str]
    arguments: tuple[str, ...]


def _examine_user(group: list[_Process], user: int) -> None:
    for process in group:
        for ids in ("Uid", "Gid"):
            if set(process.status[ids].split()) != {str(user)}:
                raise NotIsolated(f"process {process.pid} has {ids} {process.status[ids]} and not {user} alone")
        if process.status["Groups"] not in ("", str(user)):
            raise NotIsolated(f"process {process.pid} is in the groups {process.status['Groups']}")
        if process.status["NoNewPrivs"] != "1":
            raise NotIsolated(f"process {process.pid} may gain privileges: NoNewPrivs {process.status['NoNewPrivs']}")


def _examine_sandbox(main: _Process, group: list[_Process]) -> None:
    if "--no-sandbox" in main.arguments:
        raise NotIsolated("the browser runs with --no-sandbox")
    renderers = [process for process in group if "--type=renderer" in process.arguments]
    if not renderers:
        raise NotIsolated("the browser has no process for pages whose sandbox could be looked at")
    for process in renderers:
        said = {name: process.status.get(name, "") for name in ("Seccomp", "NoNewPrivs", "CapEff")}
        if said["Seccomp"] != SECCOMP_FILTER or said["NoNewPrivs"] != "1" or int(said["CapEff"] or "0", 16):
            raise NotIsolated(f"page process {process.pid} is not confined: {said}: {HOW_TO_ALLOW_USER_NAMESPACES}")
        # "22 3 1": its number here, and in each namespace of processes that is nested in ours.
        if len(process.status.get("NSpid", "").split()) < 2:
            raise NotIsolated(f"page process {process.pid} sees all processes: {HOW_TO_ALLOW_USER_NAMESPACES}")
        if _namespace(process.pid, "net") == _namespace(os.getpid(), "net") != "":
            raise NotIsolated(f"page process {process.pid} is in the host's network: {HOW_TO_ALLOW_USER_NAMESPACES}")


def _group(leader: int) -> list[_Process]:
    """The living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or os.getpgid(int(entry.name)) != leader:
                continue
            status = (entry / "status").read_text(encoding="utf-8", errors="replace")
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in status.splitlines())}
        # Chromium's children show their command line as one text, other programs as texts that end with a zero byte.
        arguments = tuple(os.fsdecode(one) for one in command.replace(b" --", b"\0--").split(b"\0") if one)
        if not fields["State"].startswith(("Z", "X")):
            found.append(_Process(int(entry.name), fields, arguments))
    return found


def _listening(group: list[_Process]) -> str:
    """The TCP address on which one of these processes listens, as the kernel writes it; "" when none does."""
    inodes = set()
    for process in group:
        try:
            inodes |= {str(entry.readlink()) for entry in Path(f"/proc/{process.pid}/fd").iterdir()}
        except OSError:
            continue  # what may not be read is a page process, which has no network
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                return fields[1]
    return ""


def _namespace(pid: int, kind: str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/{kind}").readlink())
    except OSError:
        return ""
