"""Runs a program tied to the process that started it: `python -m tabkeep.cli.tied control_plane`.

Its standard input is a pipe that only the starter holds open. When the starter ends, however it ends, the pipe ends
too; then the program gets SIGTERM, and SIGKILL if it is still there after GRACE_SECONDS. That needs no polling and no
feature of one operating system.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 20.0


def main() -> None:
    """Run the module that the first argument names as the main program, until its starter ends."""
    module, *arguments = sys.argv[1:]
    threading.Thread(target=_watch, args=(sys.stdin.fileno(),), name="tied", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(pipe: int) -> None:
    try:
        while os.read(pipe, 4096):
            pass
    except OSError:
        pass  # a closed standard input says the same as its end
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


if __name__ == "__main__":
    main()
