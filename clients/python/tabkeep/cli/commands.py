"""The command tree, and what every command does with errors."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from tabkeep.calls import version
from tabkeep.cli import failures, output
from tabkeep.cli.artifacts import artifact
from tabkeep.cli.credentials import credential
from tabkeep.cli.doctor import doctor
from tabkeep.cli.files import file
from tabkeep.cli.hosts import host
from tabkeep.cli.keys import key
from tabkeep.cli.profiles import profile
from tabkeep.cli.programs import control_plane
from tabkeep.cli.recordings import recording
from tabkeep.cli.runs import run as run_group
from tabkeep.cli.sessions import session
from tabkeep.cli.up import up
from tabkeep.cli.usage import usage
from tabkeep.cli.workflows import workflow
from tabkeep.errors import TabkeepError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version(), prog_name="tabkeep")
def tabkeep() -> None:
    """Keep live browsers open for programs: sessions, tasks and workflows.

    Start with `tabkeep up`, then `tabkeep session create`. Commands that call a control plane take its address from
    --address or $TABKEEP_ADDRESS and the key from --api-key-file, $TABKEEP_API_KEY or $TABKEEP_API_KEY_FILE.

    Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 not possible in the present state,
    6 control plane unreachable, 130 interrupted.
    """


for command in (
    up,
    session,
    profile,
    run_group,
    workflow,
    recording,
    artifact,
    file,
    credential,
    usage,
    host,
    key,
    doctor,
    control_plane,
):
    tabkeep.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` and return its exit status; errors are one line on standard error."""
    # What is decoded from files and pages need not fit the terminal's encoding; it must not end the command.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own log lines are not for people
    try:
        result = tabkeep.main(args=list(arguments), prog_name="tabkeep", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return failures.USAGE
    except TabkeepError as error:
        _say(arguments, error)
        return failures.exit_code(error)
    except (KeyboardInterrupt, click.Abort):
        return failures.INTERRUPTED
    except OSError as error:
        output.fail(str(error))
        return failures.FAILED
    return result if isinstance(result, int) else 0


def _say(arguments: Sequence[str], error: TabkeepError) -> None:
    if "--json" in arguments:
        click.echo(json.dumps(failures.as_json(error), ensure_ascii=False), err=True)
    else:
        output.fail(str(error))
