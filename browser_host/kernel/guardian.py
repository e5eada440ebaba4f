"""The guardian: a small process beside the host that ends browsers in time though the host cannot.

The host starts it by its path, tells it through a socket which browsers there are and until when each may live, and
renews that with every acknowledged heartbeat. When a browser's time is over, or the host is gone, the guardian kills
what belongs to the browser, looks until nothing of it lives, and removes its directories. It needs no answer of the
host, of Playwright's driver or of the browser for that, so it works while any of them is stopped.

Standard library only and nothing else of this package: it must start in a moment and have little that can fail. One
thread, one `poll`; nothing in it waits for anything but the kernel. Times are seconds on CLOCK_BOOTTIME, which counts
suspend. `poll` does not, so it never sleeps longer than half a second.

Lines of JSON from the host, each with its number `no`:

    {"no": 1, "hold_until": 1234.5}      how long browsers may live while the control plane is silent; renewed
    {"no": 2, "cover": key, ...}         a browser as it is now, see Cover; replaces what was said of the key before
    {"no": 3, "release": key}            nothing of it is left

To the host, when it does not read dropped:

    {"seen": no}                         the last line that counts by now; a later answer says the same
    {"seen": no, "kills": key, "for": …} before the first kill of a browser: its DEADLINE is over, or the LEASE
"""

from __future__ import annotations

import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE, LEASE = "deadline", "lease"
CLOSE_GRACE_SECONDS = 1.5
"""How long after its deadline a browser is still left to the host, which lets it end by itself: healthy ones take
0.15 s. The holding lease has no such grace: after it the session may live on another host."""
LONGEST_POLL = 0.5
KILLING_POLL = 0.01
MESSAGE_BYTES = 65536
COMPLAIN_SECONDS = 5.0
MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT = 1, 2, 4
"""Of mlockall on Linux: keep what is and will be in memory there, whatever a browser does to the rest of it."""


def boottime() -> float:
    """Seconds since the machine's start; where there is no clock that counts suspend, the next best."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


# What is to be guarded.


@dataclass(frozen=True)
class Cover:
    """One browser, or one helper process of the host, that may not outlive its time."""

    key: str
    session: str = ""
    fence: int = 0
    deadline: float | None = None
    """When the session's time is over; None: only the lease counts."""
    leased: bool = True
    """False for what may live as long as the host's process does."""
    directories: tuple[str, ...] = ()
    """Its own; processes with a user data directory in one of them are its own, too. Removed when it was killed."""
    cgroup: str = ""
    """Where it has one, the directory of its cgroup, which holds nothing else; removed like the others."""
    user: int = 0
    """Where it has one, the number of a user that nothing else runs as; 0: it runs as the host's own."""
    pid: int = 0
    """Its main process, which leads a process group; 0 while it is not known."""
    started: str = ""
    """What `started` said of that process: another one with its number is left alone, and so is its group."""

    @staticmethod
    def of(message: dict[str, Any]) -> Cover:
        """Read a "cover" line."""
        return Cover(
            key=message["cover"],
            session=message["session"],
            fence=message["fence"],
            deadline=message["deadline"],
            leased=message["leased"],
            directories=tuple(message["directories"]),
            cgroup=message["cgroup"],
            user=message["user"],
            pid=message["pid"],
            started=message["started"],
        )


class Covers:
    """All covers, and the time each has left."""

    def __init__(self) -> None:
        self.seen = 0
        """The number of the last line taken."""
        self.host_gone = False
        """No cover may live any longer."""
        self._covers: dict[str, Cover] = {}
        self._hold_until = 0.0

    def __len__(self) -> int:
        return len(self._covers)

    def __contains__(self, key: object) -> bool:
        return key in self._covers

    def take(self, message: dict[str, Any]) -> None:
        """Take a line of the host's; unknown ones only count as seen, so that a newer host can say more."""
        if "hold_until" in message:
            self._hold_until = message["hold_until"]
        elif "cover" in message:
            cover = Cover.of(message)
            self._covers[cover.key] = cover
        elif "release" in message:
            self.release(message["release"])
        self.seen = message["no"]

    def release(self, key: str) -> None:
        """Forget a cover."""
        self._covers.pop(key, None)

    def kill_at(self, cover: Cover) -> float:
        """When it must die."""
        if self.host_gone:
            return 0.0
        if not cover.leased:
            return float("inf")
        if cover.deadline is None:
            return self._hold_until
        return min(cover.deadline + CLOSE_GRACE_SECONDS, self._hold_until)

    def cause(self, cover: Cover) -> str:
        """Whether it is its deadline or the lease that ends it."""
        of_deadline = cover.deadline is not None and cover.deadline + CLOSE_GRACE_SECONDS <= self._hold_until
        return DEADLINE if of_deadline else LEASE

    def due(self, now: float) -> list[Cover]:
        """Those whose time is over."""
        return [cover for cover in self._covers.values() if self.kill_at(cover) <= now]

    def next_at(self, now: float) -> float:
        """When the next one's time is over, of those that have some left."""
        times = [self.kill_at(cover) for cover in self._covers.values()]
        return min((at for at in times if at > now), default=float("inf"))


# Processes.


@dataclass(frozen=True)
class Process:
    """A living process, as the system lists it."""

    pid: int
    group: int
    started: str
    dead: bool
    """A zombie: it does nothing any more, but its number is still its own."""
    arguments: tuple[str, ...]


def list_processes() -> list[Process]:
    """All processes of the machine, without this one."""
    if not Path("/proc/self/stat").exists():
        return _ask_ps()
    found = (_read_process(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and process.pid != os.getpid()]


def started(pid: int) -> str:
    """What, with the number, names a process for ever; empty when there is none."""
    if Path("/proc/self/stat").exists():
        process = _read_process(pid)
    else:
        process = next((process for process in _ask_ps() if process.pid == pid), None)
    return process.started if process is not None else ""


def _read_process(pid: int) -> Process | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything; after it come state, parent, group, … and, as the 20th, the start.
    fields = stat.rpartition(")")[2].split()
    arguments = tuple(os.fsdecode(argument) for argument in command.split(b"\0"))
    return Process(pid, int(fields[2]), fields[19], fields[0] in "ZX", arguments)


def _ask_ps() -> list[Process]:
    """The same where there is no /proc; starts are then known to the second."""
    columns = "pid=,pgid=,stat=,lstart=,command="
    try:
        listed = subprocess.run(
            ["ps", "-axww", "-o", columns],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
            timeout=2,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    found = []
    for line in listed.stdout.decode(errors="replace").splitlines():
        pid, group, state, *rest = line.split()
        # `lstart` is five words: "Sun Nov 22 12:00:00 2026".
        process = Process(int(pid), int(group), " ".join(rest[:5]), state[0] in "ZX", tuple(rest[5:]))
        if process.pid != os.getpid():
            found.append(process)
    return found


def members(cover: Cover, processes: Iterable[Process]) -> list[Process]:
    """Those of the processes that belong to a cover and live.

    The named process, and its process group while it is there; what names one of the directories in an option, as
    Chromium's children (--user-data-dir) and its crash handler (--database) do; what is in the cgroup; what runs as
    the user of its own.
    """
    processes = list(processes)
    named = any(process.pid == cover.pid and process.started == cover.started for process in processes)
    own = cgroup_pids(cover.cgroup) if cover.cgroup else set()
    own |= pids_of_user(cover.user) if cover.user else set()

    def belongs(process: Process) -> bool:
        if process.pid in own or (named and cover.pid in (process.pid, process.group)):
            return True
        values = [argument.partition("=")[2] + os.sep for argument in process.arguments if argument.startswith("--")]
        return any(value.startswith(directory + os.sep) for value in values for directory in cover.directories)

    return [process for process in processes if not process.dead and belongs(process)]


def cgroup_pids(cgroup: str) -> set[int]:
    """The processes in a cgroup and those below it."""
    pids: set[int] = set()
    for directory, _, _ in os.walk(cgroup):
        try:
            pids.update(map(int, Path(directory, "cgroup.procs").read_text(encoding="ascii").split()))
        except OSError:
            continue
    return pids - {os.getpid()}


def pids_of_user(user: int) -> set[int]:
    """The living processes that run as a user, by its real, effective or saved number; Linux only, 10 ms for 300."""
    pids = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # Not the owner of the entry: that is root for a process that may not be looked into.
            status = Path(entry, "status").read_bytes()
        except OSError:
            continue
        if b"\nState:\tZ" in status or b"\nState:\tX" in status:
            continue
        if str(user).encode() in status.partition(b"\nUid:")[2].partition(b"\n")[0].split():
            pids.add(int(entry.name))
    return pids


def kill(process: Process) -> None:
    """Kill this very process; nothing when it is gone, though another one may have its number by now."""
    if not hasattr(os, "pidfd_open"):
        if started(process.pid) == process.started:
            _send_kill(process.pid)
        return
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return
    try:
        # The descriptor holds on to one process; if that one is the one that is meant, no other can be hit.
        if started(process.pid) == process.started:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    except OSError:
        return
    finally:
        os.close(pidfd)


def _send_kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return


def kill_cgroup(cgroup: str) -> None:
    """Kill everything in a cgroup at once, where the kernel can (Linux 5.14); else `members` finds its processes."""
    try:
        Path(cgroup, "cgroup.kill").write_text("1", encoding="ascii")
    except OSError:
        return


# Directories.


def remove_tree(directory: Path) -> None:
    """Remove a directory and all in it; nothing when there is none.

    Raises:
        OSError: something of it is left.
    """
    # A process that was killed a moment ago may leave a file behind a directory that was listed before.
    for _ in range(3):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        if directory.exists():
            raise


def remove_cgroup(cgroup: Path) -> None:
    """Remove an empty cgroup and those below it; nothing when there is none.

    Raises:
        OSError: a process lives in it.
    """
    for directory, _, _ in os.walk(cgroup, topdown=False):
        try:
            Path(directory).rmdir()
        except FileNotFoundError:
            continue


def remove_all(cover: Cover) -> str:
    """Remove what a dead browser left; returns why something is left, or nothing."""
    removals = [functools.partial(remove_tree, Path(directory)) for directory in cover.directories]
    if cover.cgroup:
        removals.append(functools.partial(remove_cgroup, Path(cover.cgroup)))
    left = ""
    for remove in removals:
        try:
            remove()
        except FileNotFoundError:
            continue  # the host removes it in the same moment
        except OSError as error:
            left = str(error)
    return left


# The process.


class Guardian:
    """Reads the host's lines and kills in time; `run` returns when the host is gone and nothing is left to end."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._covers = Covers()
        self._unread = b""
        self._killing: dict[str, float] = {}
        """The keys of covers that are due and not yet gone, and when that began."""
        self._complained_at = 0.0

    def run(self) -> None:
        """Guard until the host is gone and all its browsers are."""
        self._channel.setblocking(False)
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        wait = 0.0
        while True:
            if poll.poll(wait * 1000):
                self._read()
                if self._covers.host_gone:
                    poll.unregister(self._channel)
                    self._channel.close()
            try:
                wait = self._end_what_is_due()
            except OSError:
                wait = KILLING_POLL  # the machine is out of something; there is nobody else who could go on
            if self._covers.host_gone:
                if not len(self._covers):
                    return
                time.sleep(wait)
                wait = 0.0

    def _read(self) -> None:
        try:
            received = self._channel.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._covers.host_gone = True
            return
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            self._covers.take(json.loads(line))
        for key in [key for key in self._killing if key not in self._covers]:
            del self._killing[key]
        self._answer()

    def _answer(self, **more: str) -> None:
        try:
            self._channel.send(json.dumps({"seen": self._covers.seen, **more}).encode() + b"\n")
        except OSError:
            return

    def _end_what_is_due(self) -> float:
        """Kill what is due, look whether it is gone and clean up; returns how long to wait before the next look."""
        now = boottime()
        due = self._covers.due(now)
        busy = False
        processes = list_processes() if due else []
        for cover in due:
            living = members(cover, processes)
            if living:
                busy = True
                if cover.key not in self._killing:
                    self._killing[cover.key] = now
                    # First, so that a host that sees the death can also read what it came of.
                    self._answer(**{"kills": cover.key, "for": self._covers.cause(cover)})
                if cover.cgroup:
                    kill_cgroup(cover.cgroup)
                for process in living:
                    kill(process)
                self._complain(cover, now, f"processes {[process.pid for process in living]} do not end")
                continue
            busy |= not self._clean_up(cover, now)
        if busy:
            return KILLING_POLL
        # One that is gone is looked at again as long as the host does not release it: a driver that was slow may
        # start the browser only now.
        return min(LONGEST_POLL, max(0.0, self._covers.next_at(now) - boottime()))

    def _clean_up(self, cover: Cover, now: float) -> bool:
        """Remove what is left of a cover without processes; False when that must be tried again."""
        if left := remove_all(cover):
            self._complain(cover, now, left)
            return False
        began = self._killing.pop(cover.key, None)
        if began is not None:
            why = "the host is gone" if self._covers.host_gone else "its time was over"
            late = 0.0 if self._covers.host_gone else began - self._covers.kill_at(cover)
            took = boottime() - began
            _say("warning", "browser ended by the guardian", cover, why=why, late_ms=_ms(late), duration_ms=_ms(took))
        if self._covers.host_gone:
            self._covers.release(cover.key)
        return True

    def _complain(self, cover: Cover, now: float, what: str) -> None:
        began = self._killing.setdefault(cover.key, now)
        if now - began >= 1.0 and now - self._complained_at >= COMPLAIN_SECONDS:
            self._complained_at = now
            _say("error", "browser cannot be ended", cover, text=what)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _say(level: str, words: str, cover: Cover, **fields: object) -> None:
    """Write a line into the host's log; nothing when that would have to wait for a reader."""
    moment = time.gmtime()
    line: dict[str, object] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", moment),
        "level": level,
        "service": "tabkeep-guardian",
        "logger": "browser_host.kernel.guardian",
        "message": words,
        "browser_session_id": cover.session,
        "fence": cover.fence,
        **fields,
    }
    ready = select.poll()
    ready.register(2, select.POLLOUT)
    try:
        if any(events & select.POLLOUT for _, events in ready.poll(0)):
            os.write(2, json.dumps(line).encode()[:4000] + b"\n")
    except OSError:
        return


def _protect() -> None:
    """Live on where others do not: no signal but SIGKILL ends the guardian, and the kernel takes it last."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    os.chdir("/")
    try:
        Path("/proc/self/oom_score_adj").write_text("-900", encoding="ascii")
    except OSError:
        pass  # only some may
    if sys.platform == "linux" and os.geteuid() == 0:
        import ctypes  # only here: it is as large as everything else

        ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)


def main() -> int:
    """Guard what the host says through the socket whose descriptor is the first argument."""
    _protect()
    Guardian(socket.socket(fileno=int(sys.argv[1]))).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
