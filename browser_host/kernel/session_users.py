"""System users for browsers: each session's browser runs as one that nothing else runs as (Linux, a host run as root).

They are numbers from a range and need no entry in /etc/passwd. Two hosts on one machine may be given the same range:
a number is held by binding a name that the kernel gives to one process of the machine's network namespace and takes
back when that process ends; and one that somebody has or that a process runs as is passed over.
"""

from __future__ import annotations

import pwd
import socket
from collections import deque

from browser_host.kernel.guardian import pids_of_user


class NoUserFree(Exception):
    """Every user of the range is taken."""


class SessionUsers:
    """The users of one host's browsers."""

    def __init__(self, first: int, last: int) -> None:
        self._first, self._last = first, last
        self._free = deque(range(first, last + 1))
        self._held: dict[int, socket.socket] = {}

    def take(self) -> int:
        """The number of a user that nothing runs as; give it back when nothing runs as it any more.

        The one that was given back longest ago comes first, so that what a session may have left behind in the
        machine is not at once another one's.

        Raises:
            NoUserFree.
        """
        for _ in range(len(self._free)):
            user = self._free.popleft()
            if self._hold(user):
                return user
            self._free.append(user)
        raise NoUserFree(
            f"all users from {self._first} to {self._last} are taken, {len(self._held)} of them by this host's "
            "browsers: give it a larger range with TABKEEP_SESSION_USERS"
        )

    def give_back(self, user: int) -> None:
        """Nothing runs as this user any more."""
        self._held.pop(user).close()
        self._free.append(user)

    def _hold(self, user: int) -> bool:
        """Whether nobody had it; then it is ours."""
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0tabkeep-session-user-{user}")
        except OSError:
            name.close()
            return False
        if _is_somebodys(user) or pids_of_user(user):
            name.close()
            return False
        self._held[user] = name
        return True


def _is_somebodys(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True
