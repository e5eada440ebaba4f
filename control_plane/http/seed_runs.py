"""Runs as the seed's API shows them. Pure mappings from our protos; docs/http.md has the fields."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tabkeep.v1 import runs_pb2

from control_plane.http import seed_values

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


def run(run: runs_pb2.Run, app_url: str | None, screenshot_urls: Sequence[str] | None = None) -> dict[str, Any]:
    """A run; `screenshot_urls` has the newest first, None where it was not asked for."""
    workflow = run.run_type == runs_pb2.RUN_TYPE_WORKFLOW
    reason = seed_values.word(runs_pb2.FailureReason, "FAILURE_REASON_", run.failure_reason)
    shown: dict[str, Any] = {
        "run_id": run.run_id,
        "organization_id": run.organization_id,
        "run_type": "workflow_run" if workflow else "task_v1",
        "status": status(run),
        "output": seed_values.json_of(run.output) if run.HasField("output") else None,
        "failure_reason": (run.failure_message or reason) if reason else None,
        "failure_code": reason.upper() if reason else None,
        "errors": [{"error_code": reason.upper(), "reasoning": run.failure_message}] if reason else [],
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
        shown |= {"run_with": "agent", "ai_fallback": False, "script_id": None}
    return shown


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


def _task_request(run: runs_pb2.Run) -> dict[str, Any]:
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


def webhook_body(final: runs_pb2.Run, app_url: str | None = None) -> bytes:
    """What a webhook tells of a final run: the run, and the older names of some of its fields; compact JSON."""
    told = run(final, app_url)
    if final.run_type == runs_pb2.RUN_TYPE_WORKFLOW:
        told |= {
            "workflow_run_id": final.run_id,
            "workflow_id": final.workflow_id,
            "workflow_permanent_id": final.workflow_id,
            "workflow_version": final.workflow_version,
        }
    else:
        told |= {"task_id": final.run_id, "prompt": final.prompt, "url": final.url or None}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
