"""Whose connection it is: which process holds the other end of a loopback connection. The kernel says so.

This is how a session's egress proxy knows its own browser without a password: Chromium can be given one only by
intercepting all its requests, which turns its cache off, and a password on a command line is no secret.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from pathlib import Path

import psutil

from browser_host.kernel.processes import group_members

_SOCK_DIAG_BY_FAMILY, _NETLINK_SOCK_DIAG, _NLM_F_REQUEST = 20, 4, 1
_ANY_STATE, _NO_COOKIE = 0xFFFFFFFF, 0xFFFFFFFF
_HEADER_BYTES = 16
_ANSWER = struct.Struct("=64xII")
"""struct inet_diag_msg: nothing up to the uid, then uid and inode."""

Endpoint = tuple[str, int]


class BrowserProcesses:
    """The processes of one browser, which all belong to the process group `pid`."""

    def __init__(self, pid: int) -> None:
        """`pid` is of its main process."""
        self._pid = pid
        self._talker = pid
        """The one that was at the other end last time: Chromium's network service."""

    def hold(self, theirs: Endpoint, ours: Endpoint) -> bool | None:
        """Whether one of them holds the end `theirs` of a connection to `ours`; None: nobody does any more.

        About 0.2 ms.
        """
        if not sys.platform.startswith("linux"):
            return self._hold_elsewhere(theirs)
        owner = _owner(theirs, ours)
        if owner is None or not owner[1]:
            return None
        uid, inode = owner
        if self._has(self._talker, inode):
            return True
        hidden = False
        for pid in group_members(self._pid):
            try:
                if self._has(pid, inode, hidden_raises=True):
                    self._talker = pid
                    return True
            except PermissionError:
                hidden = True
        if _owner(theirs, ours) != owner:
            return None  # given up meanwhile
        # A sandboxed process hides what it holds from its own user. Its user is what is left to go by.
        return hidden and self._runs_as(uid)

    def _has(self, pid: int, inode: int, *, hidden_raises: bool = False) -> bool:
        wanted = f"socket:[{inode}]"
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        if os.readlink(entry.path) == wanted:  # noqa: PTH115
                            return True
        except PermissionError:
            if hidden_raises:
                raise
        except OSError:
            pass
        return False

    def _runs_as(self, uid: int) -> bool:
        try:
            return Path(f"/proc/{self._pid}").stat().st_uid == uid
        except OSError:
            return False

    def _hold_elsewhere(self, theirs: Endpoint) -> bool:
        for pid in group_members(self._pid):
            with contextlib.suppress(psutil.Error):
                if any(one.laddr[:2] == theirs for one in psutil.Process(pid).net_connections("tcp")):
                    return True
        return False


def _owner(theirs: Endpoint, ours: Endpoint) -> tuple[int, int] | None:
    """User and inode of the socket at the end `theirs`; None when there is none any more."""
    try:
        return _ask_kernel(theirs, ours)
    except OSError:
        return _read_table(theirs, ours)  # some containers have no socket diagnosis


def _ask_kernel(theirs: Endpoint, ours: Endpoint) -> tuple[int, int] | None:
    addresses = b"".join(socket.inet_aton(end[0]).ljust(16, b"\0") for end in (theirs, ours))
    ends = struct.pack("!HH", theirs[1], ours[1]) + addresses + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _ANY_STATE) + ends
    header = struct.pack("=IHHII", 16 + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as diagnosis:
        diagnosis.settimeout(1.0)
        diagnosis.send(header + request)
        answer = diagnosis.recv(4096)
    if len(answer) < _HEADER_BYTES + _ANSWER.size or struct.unpack_from("=H", answer, 4)[0] != _SOCK_DIAG_BY_FAMILY:
        return None
    uid, inode = _ANSWER.unpack_from(answer, _HEADER_BYTES)
    return uid, inode


def _read_table(theirs: Endpoint, ours: Endpoint) -> tuple[int, int] | None:
    local, remote = (f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}" for host, port in (theirs, ours))
    with Path("/proc/net/tcp").open(encoding="ascii") as table:
        next(table)
        for line in table:
            fields = line.split()
            if fields[1] == local and fields[2] == remote:
                return int(fields[7]), int(fields[9])
    return None
