"""Between the public protos and this program: both ways, with the checks of every field. Nothing else converts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from google.protobuf import struct_pb2
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import (
    actions_pb2,
    artifacts_pb2,
    browser_sessions_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    runs_pb2,
    workflows_pb2,
)

from control_plane.entities.hosts import Host, HostState
from control_plane.entities.keys import Key, Scope
from control_plane.entities.records import Artifact, File, Workflow
from control_plane.entities.runs import Run, RunStatus, RunType
from control_plane.entities.sessions import Session, SessionState
from control_plane.fields import Fields
from control_plane.moves.requests import Request
from control_plane.moves.run_moves import RunSpec
from control_plane.moves.session_moves import SessionSpec
from control_plane.prompt_secrets import secrets_in, without_secrets
from control_plane.workflows.action_bounds import check_gesture, names_an_element
from control_plane.workflows.workflow_definitions import READING, Definition
from control_plane.workflows.workflow_parameters import ParameterValue

E = TypeVar("E", bound=StrEnum)

EXTENSION_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST_EXTENSIONS = 8
BROWSER_TYPES = {
    browser_sessions_pb2.BROWSER_TYPE_UNSPECIFIED: "chrome",
    browser_sessions_pb2.BROWSER_TYPE_CHROME: "chrome",
    browser_sessions_pb2.BROWSER_TYPE_MSEDGE: "msedge",
}
BROWSER_TYPE_VALUES = {
    "chrome": browser_sessions_pb2.BROWSER_TYPE_CHROME,
    "msedge": browser_sessions_pb2.BROWSER_TYPE_MSEDGE,
}
HOST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_LONGEST_PROVENANCE = 65_536
"""Bytes of what a run tells of where its output came from."""
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where the store will put the time."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=24)


class EnumPair:
    """The values of a proto enum and of ours, by their names: RUN_STATUS_TIMED_OUT and "timed_out"."""

    def __init__(self, proto: EnumTypeWrapper, prefix: str) -> None:
        self._values = {name.removeprefix(prefix).lower(): value for name, value in proto.items()}
        self._names = {value: name for name, value in self._values.items()}

    def value(self, ours: str | None) -> Any:
        """The proto's value; 0 for None or ""."""
        return self._values[ours] if ours else 0

    def name(self, value: int) -> str:
        """Our value; "" for 0 and for values this program does not know."""
        return "" if value == 0 else self._names.get(value, "")

    def possible(self) -> str:
        """All values, as a caller writes them without the prefix."""
        return ", ".join(name.upper() for name, value in self._values.items() if value)


RUN_STATUS = EnumPair(runs_pb2.RunStatus, "RUN_STATUS_")
RUN_TYPE = EnumPair(runs_pb2.RunType, "RUN_TYPE_")
FAILURE_REASON = EnumPair(runs_pb2.FailureReason, "FAILURE_REASON_")
SESSION_STATE = EnumPair(browser_sessions_pb2.BrowserSessionState, "BROWSER_SESSION_STATE_")
PROFILE_SAVE_STATE = EnumPair(browser_sessions_pb2.ProfileSaveState, "PROFILE_SAVE_STATE_")
CLOSE_REASON = EnumPair(browser_sessions_pb2.CloseReason, "CLOSE_REASON_")
HOST_STATE = EnumPair(hosts_pb2.HostState, "HOST_STATE_")
SCOPE = EnumPair(keys_pb2.KeyScope, "KEY_SCOPE_")
ARTIFACT_TYPE = EnumPair(artifacts_pb2.ArtifactType, "ARTIFACT_TYPE_")
ARTIFACT_STATE = EnumPair(artifacts_pb2.ArtifactState, "ARTIFACT_STATE_")
SCREENSHOT_MODE = EnumPair(runs_pb2.ScreenshotMode, "SCREENSHOT_MODE_")


def set_time(target: Timestamp, time: datetime | None) -> None:
    """Write a time into a proto field; None leaves it absent."""
    if time is not None:
        # Timestamp.FromDatetime does the same four times slower, and most answers hold several times.
        since = time - NO_TIME
        target.seconds = since.days * 86_400 + since.seconds
        target.nanos = since.microseconds * 1_000


def fingerprint(request: Message) -> bytes:
    """A digest of a request's body, the request_id left out."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()


def request_id(fields: Fields, organization_id: str, method: str, request: Any) -> Request | None:
    """What makes a retry of this call safe, if the caller asked for it."""
    if not request.request_id:
        return None
    fields.text("request_id", request.request_id, 128)
    return Request(organization_id, method, request.request_id, fingerprint(request))


# Sessions


def session_spec(
    fields: Fields,
    request: browser_sessions_pb2.CreateBrowserSessionRequest,
    organization_id: str,
    traceparent: str,
    prefix: str = "",
) -> SessionSpec:
    """What a CreateBrowserSessionRequest asks for."""
    if request.browser_type not in BROWSER_TYPES:
        fields.wrong(prefix + "browser_type", f"{request.browser_type} is unknown: use CHROME or MSEDGE")
    viewport = request.viewport
    if request.browser_profile_version and not request.browser_profile_id:
        fields.wrong(prefix + "browser_profile_version", "needs a browser_profile_id")
    if request.browser_profile_version < 0:
        fields.wrong(prefix + "browser_profile_version", f"{request.browser_profile_version} is negative")
    return SessionSpec(
        organization_id=organization_id,
        timeout=fields.duration(request, "timeout", 5 * _MINUTE, _DAY, _HOUR, prefix),
        queue_timeout=fields.duration(request, "queue_timeout", timedelta(), _HOUR, _MINUTE, prefix),
        browser_type=BROWSER_TYPES.get(request.browser_type, "chrome"),
        url=fields.url(prefix + "url", request.url),
        viewport_width=fields.number(prefix + "viewport.width", viewport.width, 320, 7680, 1280),
        viewport_height=fields.number(prefix + "viewport.height", viewport.height, 240, 4320, 720),
        labels=fields.labels(prefix + "labels", request.labels),
        traceparent=traceparent,
        browser_profile_id=fields.text(prefix + "browser_profile_id", request.browser_profile_id, 200),
        browser_profile_version=request.browser_profile_version,
        save_profile=request.save_profile,
        extensions=_extensions(fields, prefix + "extensions", request.extensions),
    )


def _extensions(fields: Fields, field: str, names: Sequence[str]) -> tuple[str, ...]:
    if len(names) > MOST_EXTENSIONS:
        fields.wrong(field, f"{len(names)} extensions are more than the maximum of {MOST_EXTENSIONS}")
    for place, name in enumerate(names[: MOST_EXTENSIONS + 1]):
        if not EXTENSION_NAME.fullmatch(name):
            what = f"{name[:80]!r} is no name of an extension: use 1 to 63 lower-case letters, digits and '-'"
            fields.wrong(f"{field}[{place}]", f"{what}, as ListHosts shows them")
    return tuple(sorted(set(names)))


def session_timeout(fields: Fields, request: browser_sessions_pb2.ExtendBrowserSessionRequest) -> timedelta:
    """The lifetime an ExtendBrowserSessionRequest asks for."""
    if not request.HasField("timeout"):
        fields.wrong("timeout", "must be given")
    return fields.duration(request, "timeout", 5 * _MINUTE, _DAY, _HOUR)


def browser_session(
    session: Session, host: Host | None = None, timeout_unconfirmed: datetime | None = None
) -> browser_sessions_pb2.BrowserSession:
    """A session as callers see it; `host` is the one it is placed on, which has not confirmed its timeout since."""
    state = SessionState.LAUNCHING if session.state is SessionState.ABORTING else session.state
    proto = browser_sessions_pb2.BrowserSession(
        browser_session_id=session.browser_session_id,
        organization_id=session.organization_id,
        state=SESSION_STATE.value(state.value),
        close_reason=CLOSE_REASON.value(session.close_reason),
        close_message=session.close_message,
        browser_type=BROWSER_TYPE_VALUES[session.browser_type],
        url=session.url,
        viewport=browser_sessions_pb2.Viewport(width=session.viewport_width, height=session.viewport_height),
        labels=session.labels,
        host_id=session.host_id,
        active_run_id=session.active_run_id,
        current_url=session.current_url,
        page_title=session.page_title,
        tab_count=session.tab_count,
        browser_version=session.browser_version,
        sandboxed=session.sandboxed,
        warm_start=session.warm_start,
        extensions=session.extension_names,
        conditions=_session_conditions(session, host, timeout_unconfirmed) if session.open else (),
        browser_profile_id=session.browser_profile_id,
        browser_profile_version=session.browser_profile_version,
        save_profile=session.save_profile,
    )
    if session.network:
        proto.MergeFromString(session.network)
    if session.page_options:
        proto.page_options.MergeFromString(session.page_options)
    if session.open and session.page_conditions:
        proto.MergeFromString(session.page_conditions)
    set_time(proto.cdp_attach_time, session.cdp_attach_time)
    if session.open and session.browser_profile_notes:
        notes = proto.conditions.add(type="PROFILE_INCOMPLETE", message=session.browser_profile_notes)
        set_time(notes.since_time, session.start_time)
    if session.profile_save_state is not None:
        save = proto.profile_save
        save.state = PROFILE_SAVE_STATE.value(session.profile_save_state.value)
        save.message = session.profile_save_message
        save.browser_profile_version = session.profile_save_version if session.profile_save_time else 0
        set_time(save.state_time, session.profile_save_time)
    if session.start_time is not None:
        proto.isolation.CopyFrom(_session_isolation(session.isolation))
    proto.timeout.FromTimedelta(session.timeout)
    proto.queue_timeout.FromTimedelta(session.queue_timeout)
    set_time(proto.create_time, session.create_time)
    set_time(proto.update_time, session.update_time)
    for name in ("start_time", "expire_time", "close_time", "browser_gone_time"):
        set_time(getattr(proto, name), getattr(session, name))
    return proto


def _session_isolation(said: dict[str, int]) -> browser_sessions_pb2.SessionIsolation:
    return browser_sessions_pb2.SessionIsolation(
        own_user=bool(said.get("own_user")),
        memory_limit_bytes=said.get("memory_limit_bytes", 0),
        task_limit=said.get("task_limit", 0),
        cpu_percent_limit=said.get("cpu_percent_limit", 0),
    )


def _session_conditions(
    session: Session, host: Host | None, timeout_unconfirmed: datetime | None
) -> list[browser_sessions_pb2.Condition]:
    found = conditions(host)
    if session.cdp_attach_time:
        message = "a CDP client has the session's turn: runs wait until it has gone"
        if session.active_run_id:
            message = f"a CDP client has the turn of run {session.active_run_id} until its question is answered"
        found.append(_condition("CDP_CLIENT_ATTACHED", session.cdp_attach_time, message))
    if host is not None and timeout_unconfirmed:
        message = (
            f"host {host.host_id} has not confirmed the timeout of {session.timeout.total_seconds():g}s yet: until "
            "then the browser ends at its earlier deadline"
        )
        found.append(_condition("TIMEOUT_UNCONFIRMED", timeout_unconfirmed, message))
    return found


def conditions(host: Host | None) -> list[browser_sessions_pb2.Condition]:
    """What else is true of what runs on `host`."""
    if host is None:
        return []
    found = []
    if host.state in (HostState.SUSPECT, HostState.RECOVERING):
        found.append(_condition("HOST_UNREACHABLE", host.state_time, f"host {host.host_id}: {host.state_message}"))
    elif host.silent_time:
        message = f"host {host.host_id}: not heard since its action lease was over"
        found.append(_condition("HOST_UNREACHABLE", host.silent_time, message))
    if host.state is HostState.DRAINING:
        found.append(_condition("HOST_DRAINING", host.state_time, f"host {host.host_id}: {host.state_message}"))
    return found


def _condition(kind: str, since: datetime, message: str) -> browser_sessions_pb2.Condition:
    condition = browser_sessions_pb2.Condition(type=kind, message=message)
    set_time(condition.since_time, since)
    return condition


# Runs


def task_spec(fields: Fields, request: runs_pb2.RunTaskRequest, organization_id: str, traceparent: str) -> RunSpec:
    """What a RunTaskRequest asks for."""
    fields.text("prompt", request.prompt, 16_384)
    if bool(request.prompt.strip()) == bool(request.actions):
        fields.wrong("prompt", "give either a prompt or actions")
    if request.planner and request.actions:
        fields.wrong("planner", "is for prompts: actions need no planner")
    mode = _known(fields, "replay_mode", request.replay_mode, runs_pb2.ReplayMode)
    if request.actions and mode:
        fields.wrong("replay_mode", "is for prompts: actions are done as they are")
    if request.planner and mode == runs_pb2.REPLAY_MODE_ONLY:
        fields.wrong("replay_mode", "ONLY leaves nothing to plan: leave planner out")
    if len(request.actions) > 500:
        fields.wrong("actions", f"{len(request.actions)} actions are more than the maximum of 500")
    for index, action in enumerate(request.actions):
        check_action(fields, f"actions[{index}]", action, request.actions[:index])
    schema = _schema(fields, "data_extraction_schema", request.data_extraction_schema)
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
        run_type=RunType.TASK, prompt=shown, url=url, max_steps=50, timeout=10 * _MINUTE,
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
        run_type=RunType.WORKFLOW, prompt="", url="", max_steps=200, timeout=_HOUR,
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
    limit = fields.duration(request, "timeout", timedelta(seconds=1), _DAY, timeout)
    plan.timeout.FromTimedelta(limit)
    if request.screenshots and not SCREENSHOT_MODE.name(request.screenshots):
        fields.wrong("screenshots", f"{request.screenshots} is unknown: use {SCREENSHOT_MODE.possible()}")
    plan.screenshots = request.screenshots
    session = session_spec(fields, request.browser_session, organization_id, traceparent, "browser_session.")
    if request.browser_profile_id:
        profile_id = fields.text("browser_profile_id", request.browser_profile_id, 200)
        session = replace(session, browser_profile_id=profile_id)
    plan.planner = _known(fields, "planner", request.planner, runs_pb2.Planner)
    plan.irreversible_policy = _known(
        fields, "irreversible_policy", request.irreversible_policy, runs_pb2.IrreversiblePolicy
    )
    plan.record_console, plan.record_network = request.record_console, request.record_network
    if request.HasField("screen_recording"):
        wanted, name = request.screen_recording, "screen_recording.frames_per_second"
        plan.screen_recording.frames_per_second = fields.number(name, wanted.frames_per_second, 1, 10, 4)
        longest = fields.duration(
            wanted, "max_duration", timedelta(seconds=1), _HOUR, 10 * _MINUTE, "screen_recording."
        )
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
    )


def _known(fields: Fields, field: str, value: int, kind: EnumTypeWrapper) -> Any:
    """A value of an enum that this server knows; a caller of a later release may send another."""
    if value not in kind.values():
        fields.wrong(field, f"{value} is no value of {kind.DESCRIPTOR.name}: use {', '.join(kind.keys())}")
        return 0
    return value


def _schema(fields: Fields, field: str, schema: struct_pb2.Struct) -> struct_pb2.Struct | None:
    if not schema.fields:
        return None
    if schema.ByteSize() > 65_536:
        fields.wrong(field, f"{schema.ByteSize()} bytes are more than the maximum of 65536")
        return None
    try:
        Draft202012Validator.check_schema(MessageToDict(schema))
    except SchemaError as error:
        fields.wrong(field, f"not a JSON Schema: {error.message} at {error.json_path}")
    return schema


def check_action(
    fields: Fields, field: str, action: actions_pb2.Action, earlier: Sequence[actions_pb2.Action] = ()
) -> None:
    """The bounds of one action; `earlier` are those before it in its list."""
    kind = action.WhichOneof("kind")
    if kind is None:
        fields.wrong(field, "says nothing to do: set one of goto, click, fill, …")
        return
    fields.duration(action, "timeout", timedelta(milliseconds=100), 10 * _MINUTE, _MINUTE, f"{field}.")
    fields.text(f"{field}.note", action.note, 500)
    if kind == "goto":
        if not action.goto.url:
            fields.wrong(f"{field}.goto.url", "must not be empty")
        fields.url(f"{field}.goto.url", action.goto.url)
    values = {"fill": action.fill.value, "select": action.select.option, "find_record": action.find_record.value}
    value = values.get(kind)
    if value is not None and value.WhichOneof("source") == "parameter":
        fields.wrong(
            f"{field}.{kind}", f"names the parameter {value.parameter[:100]!r}: only workflows have parameters"
        )
    if value is not None and value.WhichOneof("source") is None:
        fields.wrong(f"{field}.{kind}", "needs an option" if kind == "select" else "needs a text: set value.literal")
    if value is not None:
        fields.text(f"{field}.{kind}", value.literal, 65_536)
        _check_source(fields, f"{field}.{kind}.{'option' if kind == 'select' else 'value'}", value, earlier)
    check_gesture(fields, field, action)
    if kind in ("click", "fill", "select", "set_checked", "hover", "drag", "set_range", "set_date", "select_text"):
        target: actions_pb2.Target = getattr(action, kind).target
        if not names_an_element(target):
            fields.wrong(f"{field}.{kind}.target", "names no element: set role, name, css or test_id")
    if kind == "tab":
        _check_tab(fields, f"{field}.tab", action.tab)
    if kind == "dialog":
        _check_dialog(fields, f"{field}.dialog", action.dialog)
    if kind == "upload":
        _check_upload(fields, f"{field}.upload", action.upload)
    if kind == "press_key" and not action.press_key.key:
        fields.wrong(f"{field}.press_key.key", "must not be empty")
    if kind == "wait" and action.wait.WhichOneof("until") is None:
        fields.wrong(f"{field}.wait", "waits for nothing: set duration or condition")
    if kind == "find_record" and not action.find_record.label:
        fields.wrong(f"{field}.find_record.label", "must not be empty")
    if kind == "extract":
        _schema(fields, f"{field}.extract.schema", action.extract.schema)


MOST_FILES = 20


def _check_upload(fields: Fields, field: str, upload: actions_pb2.Upload) -> None:
    target = upload.target
    if upload.HasField("target") and not (target.role or target.name or target.css or target.test_id):
        fields.wrong(f"{field}.target", "names no element: set role, name, css or test_id, or leave it out")
    if not 1 <= len(upload.files) <= MOST_FILES:
        fields.wrong(f"{field}.files", f"{len(upload.files)} files are not within 1 to {MOST_FILES}")
    for place, name in enumerate(upload.files[:MOST_FILES]):
        fields.text(f"{field}.files[{place}]", name, 255, required=True)


def _check_source(fields: Fields, field: str, value: actions_pb2.Value, earlier: Sequence[actions_pb2.Action]) -> None:
    """That what a value refers to comes before it."""
    if value.HasField("from_step"):
        field, step = f"{field}.from_step", value.from_step
        fields.text(f"{field}.path", step.path, 500)
        if step.block_id:
            fields.wrong(f"{field}.block_id", "only workflows have blocks: name an action")
        elif not 1 <= step.action <= len(earlier):
            fields.wrong(f"{field}.action", f"{step.action} does not come before this action: use 1 to {len(earlier)}")
        elif earlier[step.action - 1].WhichOneof("kind") not in READING:
            fields.wrong(f"{field}.action", f"{step.action} brings nothing: only extract and find_record do")
    elif value.HasField("credential"):
        field = f"{field}.credential"
        fields.text(f"{field}.username", value.credential.username, 500)
        if value.credential.part not in (1, 2, 3):
            fields.wrong(f"{field}.part", "must be USERNAME, PASSWORD or ONE_TIME_CODE")


def _check_tab(fields: Fields, field: str, tab: actions_pb2.Tab) -> None:
    what = tab.WhichOneof("what")
    if what is None:
        fields.wrong(field, "says nothing to do: set one of switch_to, open, close")
    elif what == "open":
        fields.url(f"{field}.open.url", tab.open.url)
    else:
        which: actions_pb2.WhichTab = getattr(tab, what)
        by = which.WhichOneof("by")
        if by is None and what == "switch_to":
            fields.wrong(f"{field}.switch_to", "names no tab: set one of index, title, url, page_id, previous")
        if by == "index" and not (which.index == -1 or 1 <= which.index <= 100):
            fields.wrong(f"{field}.{what}.index", f"{which.index} is no place: use 1 to 100, or -1 for the newest tab")
        if by in ("title", "url", "page_id"):
            fields.text(f"{field}.{what}.{by}", getattr(which, by), 2000, required=True)
        if by == "previous" and not which.previous:
            fields.wrong(f"{field}.{what}.previous", "must be true, or another way to name the tab be used")


def _check_dialog(fields: Fields, field: str, dialog: actions_pb2.Dialog) -> None:
    if dialog.answer not in (actions_pb2.DIALOG_ANSWER_ACCEPT, actions_pb2.DIALOG_ANSWER_DISMISS):
        fields.wrong(f"{field}.answer", f"{dialog.answer} is no answer: use ACCEPT or DISMISS")
    fields.text(f"{field}.message", dialog.message, 1000)
    if not dialog.HasField("text"):
        return
    if dialog.answer == actions_pb2.DIALOG_ANSWER_DISMISS:
        fields.wrong(f"{field}.text", "is for a prompt that is accepted: leave it out, or accept")
    if dialog.text.WhichOneof("source") == "parameter":
        fields.wrong(f"{field}.text", f"names the parameter {dialog.text.parameter[:100]!r}: only workflows have any")
    elif dialog.text.WhichOneof("source") != "literal":
        fields.wrong(f"{field}.text", "needs a text that is known before: set text.literal")
    fields.text(f"{field}.text", dialog.text.literal, 65_536)


def run(run: Run, host: Host | None = None) -> runs_pb2.Run:
    """A run as callers see it; `host` is the one its session is placed on."""
    proto = runs_pb2.Run(
        run_id=run.run_id,
        organization_id=run.organization_id,
        run_type=RUN_TYPE.value(run.run_type.value),
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


# Workflows, hosts, keys, artifacts


def workflow(workflow: Workflow, definition: Definition) -> workflows_pb2.Workflow:
    """A workflow version as callers see it."""
    proto = workflows_pb2.Workflow(
        workflow_id=workflow.workflow_id,
        organization_id=workflow.organization_id,
        version=workflow.version,
        title=workflow.title,
        definition=workflow.definition,
        parameters=[
            workflows_pb2.WorkflowParameter(
                name=parameter.name, type=parameter.type, required=parameter.required, description=parameter.description
            )
            for parameter in definition.parameters
        ],
    )
    proto.create_time.FromDatetime(workflow.create_time)
    proto.update_time.FromDatetime(workflow.update_time)
    return proto


def host(
    host: Host, load_average: float, available_memory_bytes: int, heartbeat_time: datetime | None
) -> hosts_pb2.Host:
    """A host as operators see it; `heartbeat_time` is better known than the stored one while it is attached."""
    proto = hosts_pb2.Host(
        host_id=host.host_id,
        state=HOST_STATE.value(host.state.value),
        state_message=_state_message(host),
        capacity=host.capacity,
        sessions=host.slots_used,
        browsers=[
            hosts_pb2.BrowserOffer(browser_type=BROWSER_TYPE_VALUES[name], version=version)
            for name, version in sorted(host.browsers.items())
            if name in BROWSER_TYPE_VALUES
        ],
        build=host.build,
        incarnation=host.incarnation,
        sandboxed=host.sandboxed,
        extensions=[
            hosts_pb2.ExtensionOffer(name=name, version=offer.rpartition(" ")[0], sha256=offer.rpartition(" ")[2])
            for name, offer in sorted(host.extensions.items())
        ],
        isolation=_isolation(host.isolation),
        load_average=load_average,
        available_memory_bytes=available_memory_bytes,
    )
    set_time(proto.attach_time, host.attach_time)
    set_time(proto.heartbeat_time, heartbeat_time or host.heartbeat_time)
    set_time(proto.drain_expire_time, host.drain_expire_time)
    return proto


def _isolation(said: dict[str, int]) -> hosts_pb2.HostIsolation:
    return hosts_pb2.HostIsolation(
        user_per_session=bool(said.get("user_per_session")),
        session_memory_limit_bytes=said.get("session_memory_limit_bytes", 0),
        session_task_limit=said.get("session_task_limit", 0),
        session_cpu_percent_limit=said.get("session_cpu_percent_limit", 0),
    )


def _state_message(host: Host) -> str:
    """Why the host is in its state, and that it is silent where the state does not say so."""
    if host.silent_time is None or host.state is not HostState.DRAINING:
        return host.state_message
    return f"{host.state_message}; not heard since {host.silent_time:%Y-%m-%dT%H:%M:%SZ}"


def key(key: Key) -> keys_pb2.Key:
    """A key without its text."""
    proto = keys_pb2.Key(
        key_id=key.key_id,
        organization_id=key.organization_id,
        scope=SCOPE.value(key.scope.value),
        display_name=key.display_name,
        host_id=key.host_id,
    )
    proto.create_time.FromDatetime(key.create_time)
    set_time(proto.revoke_time, key.revoke_time)
    return proto


def scope(fields: Fields, value: int) -> Scope:
    """A key's scope; API when not given."""
    name = SCOPE.name(value)
    if value and not name:
        fields.wrong("scope", f"{value} is unknown: use API, CDP, OPERATOR or HOST")
    return Scope(name or "api")


def artifact(artifact: Artifact) -> artifacts_pb2.Artifact:
    """The record of a stored file."""
    proto = artifacts_pb2.Artifact(
        artifact_id=artifact.artifact_id,
        browser_session_id=artifact.browser_session_id,
        run_id=artifact.run_id,
        artifact_type=ARTIFACT_TYPE.value(artifact.artifact_type),
        file_name=artifact.file_name,
        state=ARTIFACT_STATE.value(artifact.state.value),
        state_message=artifact.state_message,
        content_type=artifact.content_type,
        size=artifact.size,
        sha256=artifact.sha256,
        truncation=artifact.truncation,
    )
    proto.create_time.FromDatetime(artifact.create_time)
    set_time(proto.expire_time, artifact.expire_time)
    return proto


def file(file: File) -> files_pb2.File:
    """The record of a file that a caller has brought."""
    proto = files_pb2.File(
        file_id=file.file_id,
        file_name=file.file_name,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )
    set_time(proto.create_time, file.create_time)
    return proto


def statuses(fields: Fields, field: str, pair: EnumPair, ours: type[E], values: Iterable[int]) -> tuple[E, ...]:
    """The enum values of a filter."""
    names = [pair.name(value) for value in values]
    if "" in names:
        fields.wrong(field, f"holds a value that is unspecified or unknown: use {pair.possible()}")
    return tuple(ours(name) for name in names if name)


def session_states(fields: Fields, values: Iterable[int]) -> tuple[SessionState, ...]:
    """The states of a filter; LAUNCHING stands for ABORTING too."""
    states = statuses(fields, "states", SESSION_STATE, SessionState, values)
    return (*states, SessionState.ABORTING) if SessionState.LAUNCHING in states else states


def run_statuses(fields: Fields, values: Iterable[int]) -> tuple[RunStatus, ...]:
    """The statuses of a filter."""
    return statuses(fields, "statuses", RUN_STATUS, RunStatus, values)
