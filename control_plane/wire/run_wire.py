"""Between the protos of runs and this program, both ways, with the checks of every field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from google.protobuf import struct_pb2
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, runs_pb2

from control_plane.entities.hosts import Host
from control_plane.entities.records import Workflow
from control_plane.entities.runs import Run, RunStatus, RunType
from control_plane.fields import Fields
from control_plane.moves.run_moves import RunSpec
from control_plane.prompt_secrets import secrets_in, without_secrets
from control_plane.wire.action_wire import check_action, checked_schema
from control_plane.wire.enums import FAILURE_REASON, RUN_STATUS, EnumPair, known, statuses
from control_plane.wire.session_wire import conditions, session_spec
from control_plane.wire.times import DAY, HOUR, MINUTE, set_time
from control_plane.workflows.workflow_definitions import Definition
from control_plane.workflows.workflow_parameters import ParameterValue

_RUN_TYPE = EnumPair(runs_pb2.RunType, "RUN_TYPE_")
_IRREVERSIBLE_POLICY = EnumPair(runs_pb2.IrreversiblePolicy, "IRREVERSIBLE_POLICY_")
_SCREENSHOT_MODE = EnumPair(runs_pb2.ScreenshotMode, "SCREENSHOT_MODE_")
_LONGEST_PROVENANCE = 65_536
"""Bytes of what a run tells of where its output came from."""


def task_spec(fields: Fields, request: runs_pb2.RunTaskRequest, organization_id: str, traceparent: str) -> RunSpec:
    """What a RunTaskRequest asks for."""
    fields.text("prompt", request.prompt, 16_384)
    if bool(request.prompt.strip()) == bool(request.actions):
        fields.wrong("prompt", "give either a prompt or actions")
    if request.planner and request.actions:
        fields.wrong("planner", "is for prompts: actions need no planner")
    mode = known(fields, "replay_mode", request.replay_mode, runs_pb2.ReplayMode)
    if request.actions and mode:
        fields.wrong("replay_mode", "is for prompts: actions are done as they are")
    if request.planner and mode == runs_pb2.REPLAY_MODE_ONLY:
        fields.wrong("replay_mode", "ONLY leaves nothing to plan: leave planner out")
    if len(request.actions) > 500:
        fields.wrong("actions", f"{len(request.actions)} actions are more than the maximum of 500")
    for index, action in enumerate(request.actions):
        check_action(fields, f"actions[{index}]", action, request.actions[:index])
    schema = checked_schema(fields, "data_extraction_schema", request.data_extraction_schema)
    plan = host_pb2.StartRun()
    url = fields.url("url", request.url)
    if url:
        plan.blocks.add(block_id="open", goto=actions_pb2.Goto(url=url))
    block = plan.blocks.add(block_id="task")
    if request.actions:
        block.actions.actions.extend(request.actions)
    else:
        block.task.prompt = request.prompt
        block.task.recordings.mode = mode
        plan.secrets.extend(secrets_in(request.prompt))
    if schema is not None:
        plan.data_extraction_schema.CopyFrom(schema)
        if request.prompt:
            block.task.data_extraction_schema.CopyFrom(schema)
    shown = without_secrets(request.prompt, list(plan.secrets))
    return _run_spec(
        fields, request, plan, organization_id, traceparent,
        run_type=RunType.TASK, prompt=shown, url=url, max_steps=50, timeout=10 * MINUTE,
    )  # fmt: skip


def workflow_spec(
    fields: Fields,
    request: runs_pb2.RunWorkflowRequest,
    workflow: Workflow,
    definition: Definition,
    parameters: Mapping[str, ParameterValue],
    traceparent: str,
) -> RunSpec:
    """What a RunWorkflowRequest asks for; `parameters` are bound already."""
    plan = host_pb2.StartRun(blocks=definition.blocks, workflow=True)
    plan.parameters.update(parameters)
    secret = {parameter.name for parameter in definition.parameters if parameter.secret}
    plan.secret_parameters.extend(sorted(secret))
    shown = struct_pb2.Struct()
    shown.update({name: value for name, value in parameters.items() if name not in secret})
    return _run_spec(
        fields, request, plan, workflow.organization_id, traceparent,
        run_type=RunType.WORKFLOW, prompt="", url="", max_steps=200, timeout=HOUR,
        workflow_id=workflow.workflow_id, workflow_version=workflow.version,
        parameters=shown.SerializeToString(deterministic=True),
    )  # fmt: skip


def _run_spec(
    fields: Fields,
    request: runs_pb2.RunTaskRequest | runs_pb2.RunWorkflowRequest,
    plan: host_pb2.StartRun,
    organization_id: str,
    traceparent: str,
    *,
    run_type: RunType,
    prompt: str,
    url: str,
    max_steps: int,
    timeout: timedelta,
    workflow_id: str = "",
    workflow_version: int = 0,
    parameters: bytes = b"",
) -> RunSpec:
    if request.browser_session_id and request.browser_profile_id:
        fields.wrong("browser_profile_id", "cannot be used together with browser_session_id: choose one")
    elif request.browser_profile_id and request.browser_session.browser_profile_id not in (
        "",
        request.browser_profile_id,
    ):
        fields.wrong("browser_profile_id", "is another than browser_session.browser_profile_id: choose one")
    if request.browser_session_id and request.HasField("browser_session"):
        fields.wrong("browser_session", "cannot be used together with browser_session_id: choose one")
    plan.max_steps = fields.number("max_steps", request.max_steps, 1, 500, max_steps)
    limit = fields.duration(request, "timeout", timedelta(seconds=1), DAY, timeout)
    plan.timeout.FromTimedelta(limit)
    if request.screenshots and not _SCREENSHOT_MODE.name(request.screenshots):
        fields.wrong("screenshots", f"{request.screenshots} is unknown: use {_SCREENSHOT_MODE.possible()}")
    plan.screenshots = request.screenshots
    session = session_spec(fields, request.browser_session, organization_id, traceparent, "browser_session.")
    if request.browser_profile_id:
        profile_id = fields.text("browser_profile_id", request.browser_profile_id, 200)
        session = replace(session, browser_profile_id=profile_id)
    plan.planner = known(fields, "planner", request.planner, runs_pb2.Planner)
    plan.irreversible_policy = known(
        fields, "irreversible_policy", request.irreversible_policy, runs_pb2.IrreversiblePolicy
    )
    plan.record_console, plan.record_network = request.record_console, request.record_network
    if request.HasField("screen_recording"):
        wanted, name = request.screen_recording, "screen_recording.frames_per_second"
        plan.screen_recording.frames_per_second = fields.number(name, wanted.frames_per_second, 1, 10, 4)
        longest = fields.duration(wanted, "max_duration", timedelta(seconds=1), HOUR, 10 * MINUTE, "screen_recording.")
        plan.screen_recording.max_duration.FromTimedelta(longest)
    return RunSpec(
        organization_id=organization_id,
        run_type=run_type,
        browser_session_id=fields.text("browser_session_id", request.browser_session_id, 200),
        session=session,
        plan=plan.SerializeToString(),
        prompt=prompt,
        url=url,
        labels=fields.labels("labels", request.labels),
        max_steps=plan.max_steps,
        timeout=limit,
        fail_if_busy=request.fail_if_busy,
        traceparent=traceparent,
        workflow_id=workflow_id,
        workflow_version=workflow_version,
        parameters=parameters,
        irreversible_policy=_IRREVERSIBLE_POLICY.name(plan.irreversible_policy),
    )


def run(run: Run, host: Host | None = None) -> runs_pb2.Run:
    """A run as callers see it; `host` is the one its session is placed on."""
    proto = runs_pb2.Run(
        run_id=run.run_id,
        organization_id=run.organization_id,
        run_type=_RUN_TYPE.value(run.run_type.value),
        status=RUN_STATUS.value(run.status.value),
        failure_reason=FAILURE_REASON.value(run.failure_reason),
        failure_message=run.failure_message,
        browser_session_id=run.browser_session_id,
        owns_browser_session=run.owns_browser_session,
        prompt=run.prompt,
        url=run.url,
        workflow_id=run.workflow_id,
        workflow_version=run.workflow_version,
        labels=run.labels,
        step_count=run.step_count,
        max_steps=run.max_steps,
        last_seq=run.last_seq,
        safe_to_retry=run.step_count == 0,
        conditions=() if run.status.final else conditions(host),
        irreversible_policy=_IRREVERSIBLE_POLICY.value(run.irreversible_policy),
    )
    if run.output:
        proto.output.ParseFromString(run.output)
    if run.approval:
        proto.pending_approval.ParseFromString(run.approval)
    if run.parameters:
        proto.parameters.ParseFromString(run.parameters)
    proto.timeout.FromTimedelta(run.timeout)
    set_time(proto.create_time, run.create_time)
    set_time(proto.update_time, run.update_time)
    set_time(proto.start_time, run.start_time)
    set_time(proto.end_time, run.end_time)
    return proto


def add_provenance(proto: runs_pb2.Run, last_event: bytes) -> None:
    """Show where a run's output came from: its last event tells."""
    room = _LONGEST_PROVENANCE
    for one in runs_pb2.RunEvent.FromString(last_event).run_finished.provenance:
        room -= one.ByteSize()
        if room < 0:
            return
        proto.provenance.append(one)


def run_statuses(fields: Fields, values: Iterable[int]) -> tuple[RunStatus, ...]:
    """The statuses of a filter."""
    return statuses(fields, "statuses", RUN_STATUS, RunStatus, values)
