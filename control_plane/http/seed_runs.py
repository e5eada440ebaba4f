"""Runs as the seed's API shows them. Pure mappings from our protos; docs/http.md has the fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct
from tabkeep.v1 import artifacts_pb2, credentials_pb2, runs_pb2

from control_plane.http import seed_sessions, seed_values
from control_plane.http.seed_body import Body
from control_plane.http.seed_offers import refuse_what_is_not_offered

ARTIFACT_TYPES = {
    artifacts_pb2.ARTIFACT_TYPE_SCREENSHOT: "screenshot",
    artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD: "download",
    artifacts_pb2.ARTIFACT_TYPE_PDF: "pdf",
    artifacts_pb2.ARTIFACT_TYPE_CONSOLE_LOG: "browser_console_log",
    artifacts_pb2.ARTIFACT_TYPE_NETWORK_LOG: "har",
    artifacts_pb2.ARTIFACT_TYPE_RECORDING: "recording",
}
"""The seed's words for what runs leave behind."""
ONE_BLOCK = "one_block"
"""The label of tasks that the seed's API takes for a workflow of one block, with the kind of block."""
FINAL = frozenset(
    {
        runs_pb2.RUN_STATUS_COMPLETED,
        runs_pb2.RUN_STATUS_FAILED,
        runs_pb2.RUN_STATUS_TERMINATED,
        runs_pb2.RUN_STATUS_CANCELED,
        runs_pb2.RUN_STATUS_TIMED_OUT,
    }
)


def status(run: runs_pb2.Run) -> str:
    """The status in the seed's words, which are ours."""
    return seed_values.word(runs_pb2.RunStatus, "RUN_STATUS_", run.status) or "created"


def title(run: runs_pb2.Run) -> str:
    """What it does, in a line for people."""
    return run.prompt or (f"workflow {run.workflow_id}" if run.workflow_id else "typed actions")


def run_type(run: runs_pb2.Run) -> str:
    """The kind of run in the seed's words, which distinguish by engine what we do not."""
    return "workflow_run" if run.run_type == runs_pb2.RUN_TYPE_WORKFLOW else "task_v1"


def failure_code(run: runs_pb2.Run) -> str | None:
    """Why it did not complete, for programs."""
    reason = seed_values.word(runs_pb2.FailureReason, "FAILURE_REASON_", run.failure_reason)
    return reason.upper() if reason else None


def run(run: runs_pb2.Run, app_url: str | None, screenshot_urls: Sequence[str] | None = None) -> dict[str, Any]:
    """A run; `screenshot_urls` has the newest first, None where it was not asked for."""
    workflow = run.run_type == runs_pb2.RUN_TYPE_WORKFLOW
    code = failure_code(run)
    shown: dict[str, Any] = {
        "run_id": run.run_id,
        "organization_id": run.organization_id,
        "run_type": run_type(run),
        "status": status(run),
        "title": run.labels.get("title"),
        # The same under the names that lists have.
        "task_run_id": run.run_id,
        "task_run_type": run_type(run),
        "output": seed_values.output_of(run.output) if run.HasField("output") else None,
        "provenance": [_source(one) for one in run.provenance],
        "failure_reason": (run.failure_message or code.lower()) if code else None,
        "failure_code": code,
        "errors": [{"error_code": code, "reasoning": run.failure_message}] if code else [],
        "created_at": seed_values.time(run, "create_time"),
        "queued_at": seed_values.time(run, "create_time"),
        "started_at": seed_values.time(run, "start_time"),
        "finished_at": seed_values.time(run, "end_time"),
        "modified_at": seed_values.time(run, "update_time"),
        "app_url": app_url,
        "browser_session_id": run.browser_session_id,
        "browser_profile_id": None,
        "downloaded_files": None,
        "recording_url": None,
        "screenshot_urls": list(screenshot_urls) if screenshot_urls is not None else None,
        "step_count": run.step_count,
        "safe_to_retry": run.safe_to_retry,
        "pending_approval": _approval(run),
        "run_request": _workflow_request(run) if workflow else _task_request(run),
    }
    if workflow:
        shown |= {
            "workflow_run_id": run.run_id,
            "workflow_id": run.workflow_id,
            "workflow_permanent_id": run.workflow_id,
            "workflow_version": run.workflow_version,
            "run_with": "agent",
            "ai_fallback": False,
            "script_id": None,
        }
    return shown


def _source(one: runs_pb2.Provenance) -> dict[str, Any]:
    """Where one value of the output came from."""
    return {field.name: getattr(one, field.name) for field in one.DESCRIPTOR.fields}


def _approval(run: runs_pb2.Run) -> dict[str, Any] | None:
    if not run.HasField("pending_approval"):
        return None
    approval = run.pending_approval
    return {
        "approval_id": approval.approval_id,
        "message": approval.message,
        "created_at": seed_values.time(approval, "create_time"),
        "expires_at": seed_values.time(approval, "expire_time"),
    }


def _task_request(run: runs_pb2.Run) -> dict[str, Any] | None:
    if ONE_BLOCK in run.labels:
        return None  # its clients take it for a workflow's, which it has no request of
    return {
        "prompt": run.prompt,
        "url": run.url or None,
        "max_steps": run.max_steps,
        "browser_session_id": None if run.owns_browser_session else run.browser_session_id,
        "title": run.labels.get("title"),
    }


def _workflow_request(run: runs_pb2.Run) -> dict[str, Any]:
    return {
        "workflow_id": run.workflow_id,
        "agent_id": run.workflow_id,
        "parameters": seed_values.object_of(run.parameters),
        "browser_session_id": None if run.owns_browser_session else run.browser_session_id,
        "title": run.labels.get("title"),
    }


def webhook_body(final: runs_pb2.Run, http_url: str) -> bytes:
    """What a webhook tells of a final run: the run, and the older names of some of its fields; compact JSON.

    The same bytes in every attempt: so its link, under `http_url` if that is set, has no token that ends.
    """
    told = run(final, f"{http_url}/browser-session/{final.browser_session_id}" if http_url else None)
    if final.run_type != runs_pb2.RUN_TYPE_WORKFLOW:
        told |= {"task_id": final.run_id, "prompt": final.prompt, "url": final.url or None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


# What is asked for.

_NOT_OFFERED_TO_RUNS = (
    "browser_address", "cdp_connect_headers", "extra_http_headers",
    "totp_identifier", "totp_url", "error_code_mapping", "start_fresh_browser", "publish_workflow",
    "reuse_browser_session",
)  # fmt: skip


def task_request(body: Body, request_id: str) -> runs_pb2.RunTaskRequest:
    """What a request for a task asks for. A task without `url` goes on where its session is.

    Raises:
        BodyInvalid, NotOffered: nothing was stored.
    """
    prompt = body.text("prompt", 16_384, required=True)
    url = seed_sessions.with_scheme(body.text("url", 8192))
    request = runs_pb2.RunTaskRequest(prompt=prompt, url=url, request_id=request_id)
    schema = _schema(body)
    _fill(body, request)
    if schema is not None:
        request.data_extraction_schema.CopyFrom(schema)
    return request


def login_request(body: Body, login: credentials_pb2.Credential, request_id: str) -> runs_pb2.RunTaskRequest:
    """What a request to log in asks for: a task that does it with a stored login, as its username says. Which password
    goes into a page, the page's origin decides; where the login's is not said, the task begins at the login's.

    Raises:
        BodyInvalid, NotOffered: nothing was stored.
    """
    url = seed_sessions.with_scheme(body.text("url", 8192))
    if not url and not body.has("browser_session_id"):
        url = login.origin
    prompt = body.text("prompt", 16_384) or _login_prompt(body, login.username)
    request = runs_pb2.RunTaskRequest(prompt=prompt, url=url, request_id=request_id)
    request.labels[ONE_BLOCK] = "login"
    _fill(body, request)
    return request


def _login_prompt(body: Body, username: str) -> str:
    for opening, closing in ("''", '""', "“”", "«»"):
        if not {opening, closing, "\n", "\r"} & set(username):
            return f"Log in as {opening}{username}{closing}"
    body.wrong("credential_id", "value_error", "this login's username cannot be written into a prompt: give the prompt")
    return ""


def workflow_request(body: Body, request_id: str, max_steps: str) -> runs_pb2.RunWorkflowRequest:
    """What a request for a workflow's run asks for; `max_steps` is the header x-max-steps-override.

    Raises:
        BodyInvalid, NotOffered: nothing was stored.
    """
    name = "agent_id" if body.has("agent_id") and not body.has("workflow_id") else "workflow_id"
    workflow_id = body.text(name, 100, required=True)
    request = runs_pb2.RunWorkflowRequest(workflow_id=workflow_id, request_id=request_id)
    parameters = body.object("parameters")
    minutes = body.whole("max_elapsed_time_minutes", 60, 1, 480)
    steps = steps_override(body, max_steps)
    _fill(body, request)
    request.max_steps = steps or request.max_steps
    if parameters is not None:
        request.parameters.CopyFrom(parameters)
    request.timeout.seconds = minutes * 60
    return request


def steps_override(body: Body, header: str) -> int:
    """What the header x-max-steps-override says; 0 where it is not given, or is wrong, which the body notes."""
    if header and not (header.isascii() and header.isdigit() and 1 <= int(header[:9]) <= 500):
        body.wrong("max_steps", "value_error", "the header x-max-steps-override must be a whole number from 1 to 500")
        return 0
    return int(header or 0)


def _fill(body: Body, request: runs_pb2.RunTaskRequest | runs_pb2.RunWorkflowRequest) -> None:
    """The fields that both have. Raises for all that was wrong with the body."""
    request.browser_session_id = body.text("browser_session_id", 200)
    request.browser_profile_id = body.text("browser_profile_id", 200)
    if request.browser_session_id and request.browser_profile_id:
        body.wrong(
            "browser_profile_id",
            "value_error",
            "Cannot specify both browser_session_id and browser_profile_id: choose one",
        )
    request.max_steps = body.whole("max_steps", 0, 1, 500) if body.has("max_steps") else 0
    request.webhook_url = body.text("webhook_url", 8192)
    request.fail_if_busy = body.flag("fail_if_busy")
    if title := body.text("title", 255):
        request.labels["title"] = title
    place, proxy = seed_sessions.proxy_of(body)
    if request.browser_session_id and (place or proxy):
        body.wrong("proxy_location", "value_error", "belongs to the session: give it when that is created")
    body.raise_if_wrong()
    if place:
        request.browser_session.proxy_location = place
    elif proxy:
        request.browser_session.proxy.CopyFrom(proxy)
    refuse_what_is_not_offered(body, *_NOT_OFFERED_TO_RUNS)


def _schema(body: Body) -> Struct | None:
    """The schema of the output: an object, or the text of one."""
    given = body.raw("data_extraction_schema")
    if not isinstance(given, str):
        return body.object("data_extraction_schema")
    try:
        return Body({"schema": json.loads(given)}).object("schema")
    except (ValueError, RecursionError):
        body.wrong("data_extraction_schema", "json_invalid", "is a text that is not the JSON of a schema")
        return None
