"""`tabkeep run`: start, follow, answer and end tasks and workflows."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import click

from tabkeep import actions as action_builders
from tabkeep.cli import run_view
from tabkeep.cli.connection import calls_control_plane, labels
from tabkeep.cli.durations import DURATION
from tabkeep.cli.listing import MOST_OF_PAGE, first, limit_option
from tabkeep.cli.output import Output
from tabkeep.client import Client
from tabkeep.errors import NoApprovalPending, NotFound
from tabkeep.records.run_events import ApprovalRequested, RunEvent, StepFinished
from tabkeep.records.runs import Run
from tabkeep.records.sessions import BrowserSessionOptions
from tabkeep.records.workflows import Workflow


@click.group()
def run() -> None:
    """Start, follow, answer and end runs of tasks and workflows."""


def _run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option("--session", "browser_session_id", help="The session to run in.  [default: one of its own]"),
        click.option("--profile", "browser_profile_id", help="A browser profile, for a session of its own."),
        click.option("--browser", type=click.Choice(["chrome", "msedge"]), help="For a session of its own."),
        click.option("--session-timeout", type=DURATION, help="For a session of its own."),
        click.option("--max-steps", type=click.IntRange(1, 500)),
        click.option("--timeout", type=DURATION, help="How long the run may take."),
        click.option("--fail-if-busy", is_flag=True, help="Do not wait behind other runs of the session."),
        click.option("--label", "label", multiple=True, metavar="KEY=VALUE", help="May be given several times."),
        click.option("--screenshots", type=click.Choice(["every_step", "on_failure", "none"])),
        click.option("--record-console", is_flag=True, help="Keep what pages write to their console."),
        click.option("--record-network", is_flag=True, help="Keep which requests pages make, as HAR."),
        click.option("--record", "screen_recording", is_flag=True, help="Keep moving pictures of the page."),
        click.option("--planner", type=click.Choice(["rules", "model"]), help="[default: rules, then the model]"),
        click.option(
            "--irreversible",
            "irreversible_policy",
            type=click.Choice(["allow", "approve", "deny"]),
            help="Before paying, ordering, deleting, sending.  [default: what the prompt names is done]",
        ),
        click.option("--request-id", help="The same id returns the same run."),
        click.option(
            "--watch/--no-watch", default=None, help="Show the steps live.  [default: unless --wait or --json]"
        ),
        click.option("--wait", is_flag=True, help="Return when the run is over."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@run.command()
@click.argument("prompt", required=False)
@click.option("--actions", type=click.File(encoding="utf-8"), help="JSON array of actions; - for standard input.")
@click.option("--url", help="Opened first.  [default: go on on the session's current page]")
@click.option("--schema", type=click.File(encoding="utf-8"), help="JSON Schema for the output.")
@click.option(
    "--replay",
    "replay_mode",
    type=click.Choice(["only", "plan", "off"]),
    help="By a recording only, planned anew, or not recorded either.  [default: by a trusted recording, else planned]",
)
@_run_options
@calls_control_plane
async def task(
    client: Client,
    output: Output,
    prompt: str | None,
    actions: TextIO | None,
    schema: TextIO | None,
    watch: bool | None,
    wait: bool,
    **options: Any,
) -> int:
    """Run a task: a PROMPT in words, or --actions."""
    if (prompt is None) == (actions is None):
        raise click.UsageError("give a PROMPT or --actions, not both and not neither")
    steps = _parse_actions(actions) if actions else []
    schema_given = _load_object(schema, "--schema") if schema else None
    started = await client.run_task(
        prompt, actions=steps, data_extraction_schema=schema_given, **_request_options(options)
    )
    return await _go_on(client, output, started, watch, wait)


@run.command()
@click.argument("workflow_id")
@click.option("--version", "workflow_version", type=click.IntRange(1), help="[default: the newest]")
@click.option("--param", "param", multiple=True, metavar="NAME=VALUE", help="May be given several times.")
@click.option("--params", type=click.File(encoding="utf-8"), help="JSON object of parameters; - for standard input.")
@_run_options
@calls_control_plane
async def workflow(
    client: Client,
    output: Output,
    workflow_id: str,
    workflow_version: int | None,
    param: tuple[str, ...],
    params: TextIO | None,
    watch: bool | None,
    wait: bool,
    **options: Any,
) -> int:
    """Run a stored workflow."""
    parameters = _load_object(params, "--params") if params else {}
    if param:
        declared = await client.get_workflow(workflow_id, version=workflow_version)
        parameters |= _parse_parameters(declared, param)
    started = await client.run_workflow(
        workflow_id, parameters=parameters, workflow_version=workflow_version, **_request_options(options)
    )
    return await _go_on(client, output, started, watch, wait)


@run.command()
@click.argument("run_id")
@click.option("--wait", type=DURATION, help="Not before it is over, at most this long.")
@calls_control_plane
async def get(client: Client, output: Output, run_id: str, wait: timedelta | None) -> int:
    """Show one run. Exit status 1 when it is over and did not complete."""
    found = await client.get_run(run_id, wait_timeout=wait)
    _show(output, found)
    return run_view.exit_status(found)


@run.command("list")
@click.option("--session", "browser_session_id", help="Only runs of this session.")
@click.option("--workflow", "workflow_id", help="Only runs of this workflow.")
@click.option("--status", "statuses", multiple=True, help="Only these; may be given several times.")
@limit_option
@calls_control_plane
async def list_runs(
    client: Client,
    output: Output,
    browser_session_id: str | None,
    workflow_id: str | None,
    statuses: tuple[str, ...],
    limit: int,
) -> None:
    """List runs, newest first."""
    try:
        listed = client.list_runs(
            browser_session_id=browser_session_id,
            workflow_id=workflow_id,
            statuses=statuses,
            page_size=min(limit, MOST_OF_PAGE),
        )
        found = await first(limit, listed)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--status") from error
    columns = ("RUN", "STATUS", "REASON", "STEPS", "SESSION", "CREATED", "TASK")
    rows = [
        (
            r.run_id,
            r.status.value,
            r.failure_reason,
            r.step_count,
            r.browser_session_id,
            r.create_time,
            r.workflow_id or r.prompt,
        )
        for r in found
    ]
    output.table(found, columns, rows)


@run.command()
@click.argument("run_id")
@click.option("--after-seq", type=click.IntRange(0), default=0, help="Only events after this one.")
@calls_control_plane
async def watch(client: Client, output: Output, run_id: str, after_seq: int) -> int:
    """Follow a run until it is over. Exit status 1 when it did not complete."""
    return await run_view.follow(output, client.watch_run(run_id, after_seq=after_seq))


@run.command()
@click.argument("run_id")
@calls_control_plane
async def cancel(client: Client, output: Output, run_id: str) -> None:
    """End a run."""
    _show(output, await client.cancel_run(run_id))


@run.command()
@click.argument("run_id")
@click.option("--approval-id", help="[default: the one the run waits for]")
@click.option("--comment", default="", help="Who answers and why.")
@calls_control_plane
async def approve(client: Client, output: Output, run_id: str, approval_id: str | None, comment: str) -> None:
    """Say yes to what a paused run asks."""
    await _resolve(client, output, run_id, approval_id, comment, approved=True)


@run.command()
@click.argument("run_id")
@click.option("--approval-id", help="[default: the one the run waits for]")
@click.option("--comment", default="", help="Who answers and why.")
@calls_control_plane
async def reject(client: Client, output: Output, run_id: str, approval_id: str | None, comment: str) -> None:
    """Say no to what a paused run asks."""
    await _resolve(client, output, run_id, approval_id, comment, approved=False)


@run.command()
@click.argument("run_id")
@click.option("--step", type=click.IntRange(1), help="The step to show.  [default: the newest picture]")
@click.option("-o", "--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="[default: RUN_ID.jpg]")
@calls_control_plane
async def screenshot(client: Client, output: Output, run_id: str, step: int | None, file: Path | None) -> None:
    """Save the picture of the page after a step."""
    artifact_id = await _screenshot_id(client, run_id, step)
    data = await client.get_artifact(artifact_id)
    suffix = "png" if data.startswith(b"\x89PNG") else "jpg"
    path = file or Path(f"{run_id}-step-{step}.{suffix}" if step else f"{run_id}.{suffix}")
    path.write_bytes(data)
    output.record(
        {"run_id": run_id, "artifact_id": artifact_id, "file": str(path), "size": len(data)},
        (("screenshot", str(path)), ("bytes", len(data))),
    )


async def _go_on(client: Client, output: Output, started: Run, watch: bool | None, wait: bool) -> int:
    if not (output.as_json or wait) if watch is None else watch:
        return await run_view.follow(output, client.watch_run(started.run_id))
    if wait:
        started = await client.wait_for_run(started.run_id)
    _show(output, started)
    return run_view.exit_status(started)


def _show(output: Output, r: Run) -> None:
    approval = r.pending_approval
    fields = (
        ("run", r.run_id),
        ("status", r.status.value),
        ("failure reason", r.failure_reason),
        ("failure message", r.failure_message),
        ("approval", f"{approval.approval_id}: {approval.message}" if approval else None),
        ("output", r.output),
        ("session", r.browser_session_id),
        ("prompt", r.prompt),
        ("workflow", f"{r.workflow_id} version {r.workflow_version}" if r.workflow_id else None),
        ("url", r.url),
        ("steps", f"{r.step_count} of at most {r.max_steps}"),
        ("created", r.create_time),
        ("started", r.start_time),
        ("ended", r.end_time),
        ("safe to retry", "yes" if r.is_final and r.safe_to_retry else None),
        ("labels", dict(r.labels)),
        ("conditions", "; ".join(f"{c.type}: {c.message}" for c in r.conditions)),
    )
    output.record(r, fields)


def _request_options(options: dict[str, Any]) -> dict[str, Any]:
    browser, session_timeout = options.pop("browser"), options.pop("session_timeout")
    if browser or session_timeout:
        if options["browser_session_id"]:
            raise click.UsageError("--browser and --session-timeout are for a session of its own: drop --session")
        options["browser_session"] = BrowserSessionOptions(browser_type=browser, timeout=session_timeout)
    options["labels"] = labels(options.pop("label"))
    return options


def _load(source: TextIO, hint: str) -> Any:
    try:
        return json.load(source)
    except ValueError as error:
        raise click.BadParameter(f"{source.name} is not JSON: {error}", param_hint=hint) from error


def _load_object(source: TextIO, hint: str) -> dict[str, Any]:
    loaded = _load(source, hint)
    if not isinstance(loaded, dict):
        raise click.BadParameter(f"{source.name} has no JSON object", param_hint=hint)
    return loaded


def _parse_actions(source: TextIO) -> list[action_builders.Action]:
    loaded = _load(source, "--actions")
    if not isinstance(loaded, list):
        raise click.BadParameter(f"{source.name} has no JSON array", param_hint="--actions")
    try:
        return action_builders.from_json(loaded)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--actions") from error


def _parse_parameters(declared: Workflow, pairs: tuple[str, ...]) -> dict[str, Any]:
    types = {parameter.name: parameter.type for parameter in declared.parameters}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--param")
        values[name] = text
        if types.get(name, "string") != "string":
            # A text that is no JSON goes as it is: the control plane says what it expects there.
            try:
                values[name] = json.loads(text)
            except ValueError:
                continue
    return values


async def _resolve(
    client: Client, output: Output, run_id: str, approval_id: str | None, comment: str, *, approved: bool
) -> None:
    if approval_id is None:
        waiting = await client.get_run(run_id)
        if waiting.pending_approval is None:
            message = f"run {run_id} is {waiting.status.value} and waits for no approval"
            raise NoApprovalPending(message, code="FAILED_PRECONDITION", reason="NO_APPROVAL_PENDING")
        approval_id = waiting.pending_approval.approval_id
    _show(output, await client.resolve_approval(run_id, approval_id, approved, comment=comment))


async def _screenshot_id(client: Client, run_id: str, step: int | None) -> str:
    found: str | None = None
    seen = await client.get_run(run_id)
    if seen.last_seq:
        async with aclosing(client.watch_run(run_id)) as updates:
            async for update in updates:
                if isinstance(update, RunEvent):
                    found = _picture(update, step) or found
                    if update.seq >= seen.last_seq:
                        break
    if found is None:
        what = f"step {step} of run {run_id}" if step else f"run {run_id}"
        raise NotFound(f"{what} has no screenshot", code="NOT_FOUND", reason="ARTIFACT_NOT_FOUND")
    return found


def _picture(event: RunEvent, step: int | None) -> str | None:
    match event.detail:
        case StepFinished() as finished if step in (None, finished.step):
            return finished.screenshot_artifact_id
        case ApprovalRequested() as asked if step is None:
            return asked.approval.screenshot_artifact_id
    return None
