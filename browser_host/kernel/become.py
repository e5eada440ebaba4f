"""Becomes another user, for good, and then a program: `python become.py 61000 /path/of/program argument ...`.

For machines without util-linux's setpriv, which does the same faster. Standard library only; started by its path.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Become them; returns only by raising."""
    user = int(sys.argv[1])
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
