"""The `tabkeep` command.

Exit status: 0 done, 1 a run that did not complete or any other failure, 2 wrong usage or a refused field, 3 not found,
4 no valid key or a missing scope, 5 not possible in the present state, 6 the control plane cannot be reached or did
not answer in time, 130 interrupted. `commands` has the command tree; this file stays light, because `tied` starts
programs through it.
"""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit status."""
    import sys

    from tabkeep.cli import commands

    sys.exit(commands.run(sys.argv[1:]))
