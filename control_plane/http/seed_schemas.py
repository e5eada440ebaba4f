"""The seed's records and requests as JSON Schemas, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_TEXT_OR_NULL = {"type": ["string", "null"]}
_TIME = {"type": "string", "format": "date-time"}
_TIME_OR_NULL = {"type": ["string", "null"], "format": "date-time"}
_NUMBER = {"type": "integer"}
_NUMBER_OR_NULL = {"type": ["integer", "null"]}
_FLAG = {"type": "boolean"}
_OUTPUT = {"type": ["object", "array", "string", "null"]}


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def array(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of such records."""
    return {"type": "array", "items": schema}


NULL = {"type": "null"}
MESSAGE = _record({"message": _TEXT})
VERSION = _record({"version": _TEXT})

_FILE = _record(
    {
        "url": _TEXT,
        "checksum": _TEXT,
        "filename": _TEXT,
        "file_size": _NUMBER,
        "modified_at": _TIME,
        "artifact_id": _TEXT,
    }
)
SESSION = _record(
    {
        "browser_session_id": _TEXT,
        "organization_id": _TEXT,
        "status": {"enum": ["running", "closed"]},
        "timeout": _NUMBER,
        "browser_type": {"enum": ["chrome", "msedge"]},
        "extensions": array(_TEXT),
        "vnc_streaming_supported": _FLAG,
        "stream_transport": NULL,
        "app_url": _TEXT,
        "browser_address": _TEXT_OR_NULL,
        "browser_profile_id": _TEXT_OR_NULL,
        "generate_browser_profile": _FLAG,
        "proxy_location": _TEXT_OR_NULL,
        "profile_save": _TEXT_OR_NULL,
        "runnable_type": {"enum": ["task", "workflow_run", None]},
        "runnable_id": _TEXT_OR_NULL,
        "started_at": _TIME_OR_NULL,
        "created_at": _TIME,
        "modified_at": _TIME,
        "completed_at": _TIME_OR_NULL,
        "state": {"enum": ["pending", "launching", "running", "closed"]},
        "close_reason": _TEXT_OR_NULL,
        "close_message": _TEXT_OR_NULL,
        "conditions": array({"type": "object"}),
        "expires_at": _TIME_OR_NULL,
        "current_url": _TEXT_OR_NULL,
        "page_title": _TEXT_OR_NULL,
        "downloaded_files": {"type": ["array", "null"], "items": _FILE},
        "recordings": {"type": ["array", "null"], "items": _FILE},
    },
    {"warning": _TEXT},
)
RUN = _record(
    {
        "run_id": _TEXT,
        "organization_id": _TEXT,
        "run_type": {"enum": ["task_v1", "workflow_run"]},
        "status": {
            "enum": [
                "created",
                "queued",
                "running",
                "paused",
                "completed",
                "failed",
                "terminated",
                "canceled",
                "timed_out",
            ]
        },
        "output": _OUTPUT,
        "provenance": array({"type": "object"}),
        "failure_reason": _TEXT_OR_NULL,
        "failure_code": _TEXT_OR_NULL,
        "errors": array({"type": "object"}),
        "created_at": _TIME,
        "queued_at": _TIME,
        "started_at": _TIME_OR_NULL,
        "finished_at": _TIME_OR_NULL,
        "modified_at": _TIME,
        "app_url": _TEXT_OR_NULL,
        "browser_session_id": _TEXT,
        "screenshot_urls": {"type": ["array", "null"], "items": _TEXT},
        "step_count": _NUMBER,
        "safe_to_retry": _FLAG,
        "pending_approval": {"type": ["object", "null"]},
        "run_request": {"type": ["object", "null"]},
    }
)
_ACTION = _record(
    {
        "action_type": _TEXT,
        "status": {"enum": ["pending", "completed", "failed", None]},
        "action_id": _TEXT,
        "organization_id": _TEXT,
        "workflow_run_id": _TEXT_OR_NULL,
        "task_id": _TEXT_OR_NULL,
        "step_id": _TEXT,
        "step_order": _NUMBER,
        "action_order": _NUMBER,
        "description": _TEXT_OR_NULL,
        "response": _TEXT_OR_NULL,
        "text": _TEXT_OR_NULL,
        "target": _TEXT_OR_NULL,
        "screenshot_artifact_id": _TEXT_OR_NULL,
        "output": _OUTPUT,
        "url": _TEXT_OR_NULL,
        "created_by": _TEXT_OR_NULL,
        "created_at": _TIME,
        "modified_at": _TIME,
    }
)
_BLOCK = _record(
    {
        "workflow_run_block_id": _TEXT,
        "workflow_run_id": _TEXT,
        "organization_id": _TEXT,
        "block_type": _TEXT,
        "label": _TEXT,
        "status": {"enum": ["running", "completed", "failed", "terminated", "canceled", "timed_out"]},
        "output": _OUTPUT,
        "failure_reason": _TEXT_OR_NULL,
        "error_codes": array(_TEXT),
        "task_id": _TEXT_OR_NULL,
        "url": _TEXT_OR_NULL,
        "navigation_goal": _TEXT_OR_NULL,
        "instructions": _TEXT_OR_NULL,
        "actions": array(_ACTION),
        "created_at": _TIME,
        "modified_at": _TIME,
        "duration": {"type": ["number", "null"]},
    }
)
TIMELINE = _record(
    {
        "type": {"enum": ["block"]},
        "block": _BLOCK,
        "thought": NULL,
        "children": array({"type": "object"}),
        "created_at": _TIME,
        "modified_at": _TIME,
    }
)
WORKFLOW = _record(
    {
        "workflow_id": _TEXT,
        "agent_id": _TEXT,
        "workflow_permanent_id": _TEXT,
        "organization_id": _TEXT,
        "title": _TEXT,
        "version": _NUMBER,
        "is_saved_task": _FLAG,
        "workflow_definition": {"type": "object"},
        "definition": _TEXT,
        "parameters": array({"type": "object"}),
        "created_at": _TIME,
        "modified_at": _TIME,
    }
)
ARTIFACT = _record(
    {
        "artifact_id": _TEXT,
        "artifact_type": _TEXT,
        "uri": _TEXT,
        "signed_url": _TEXT,
        "run_id": _TEXT,
        "organization_id": _TEXT,
        "content_type": _TEXT,
        "file_size": _NUMBER,
        "checksum": _TEXT,
        "created_at": _TIME,
        "modified_at": _TIME,
    }
)
CANCELED = _record({"cancelled": array(_TEXT), "failed": array(_TEXT), "errors": array({"type": "object"})})
BYTES: dict[str, Any] = {}
WEBHOOK = _record(
    {
        "webhook_delivery_id": _TEXT,
        "run_id": _TEXT,
        "run_type": _TEXT,
        "target_webhook_url": _TEXT,
        "payload": _TEXT,
        "headers": {"type": "object"},
        "state": _TEXT,
        "status_code": _NUMBER_OR_NULL,
        "latency_ms": _NUMBER_OR_NULL,
        "response_body": _TEXT_OR_NULL,
        "error": _TEXT_OR_NULL,
    }
)

PROFILE = _record(
    {
        "browser_profile_id": _TEXT,
        "organization_id": _TEXT,
        "name": _TEXT,
        "description": _TEXT_OR_NULL,
        "version": _NUMBER,
        "created_at": _TIME,
        "modified_at": _TIME,
    }
)
CREATE_PROFILE = _record(
    {"name": _TEXT},
    {"description": _TEXT_OR_NULL, "browser_session_id": _TEXT_OR_NULL, "workflow_run_id": _TEXT_OR_NULL},
)
UPDATE_PROFILE = _record({}, {"name": _TEXT_OR_NULL, "description": _TEXT_OR_NULL})

CREDENTIAL = _record(
    {
        "credential_id": _TEXT,
        "organization_id": _TEXT,
        "name": _TEXT,
        "credential_type": {"enum": ["password"]},
        "credential": _record(
            {"username": _TEXT, "totp_type": {"enum": ["authenticator", "none"]}, "totp_identifier": NULL}
        ),
        "vault_type": {"enum": ["skyvern"]},
        "tested_url": _TEXT,
        "browser_profile_id": NULL,
    }
)
CREATE_CREDENTIAL = _record(
    {
        "name": _TEXT,
        "credential_type": {"enum": ["password"]},
        "credential": _record({"username": _TEXT, "password": _TEXT}, {"totp": _TEXT_OR_NULL}),
        "tested_url": _TEXT,
    },
    {"vault_type": {"enum": ["skyvern", None]}},
)
STORED_FILE = _record(
    {
        "s3_uri": _TEXT,
        "presigned_url": _TEXT,
        "file_id": _TEXT,
        "file_name": _TEXT,
        "content_type": _TEXT,
        "file_size": _NUMBER,
        "checksum": _TEXT,
        "created_at": _TIME,
        "expires_at": NULL,
    }
)
UPLOAD = _record({"file": {"type": "string", "format": "binary"}})
CREATE_SESSION = _record(
    {},
    {
        "timeout": {"type": ["integer", "null"], "minimum": 5, "maximum": 1440, "default": 60},
        "proxy_location": {"type": ["string", "object", "null"]},
        "browser_type": {"enum": ["chrome", "msedge", None]},
        "extensions": {"type": ["array", "null"], "items": {"enum": ["ad-blocker", "captcha-solver"]}},
        "browser_profile_id": _TEXT_OR_NULL,
        "generate_browser_profile": {"type": ["boolean", "null"]},
        "url": _TEXT_OR_NULL,
    },
)
EXTEND_SESSION = _record({"additional_minutes": {"type": "integer", "minimum": 1, "maximum": 1440}})
CHANGE_SESSION = _record({}, {"generate_browser_profile": {"type": ["boolean", "null"]}})
_RUN_OPTIONS = {
    "browser_session_id": _TEXT_OR_NULL,
    "browser_profile_id": _TEXT_OR_NULL,
    "max_steps": {"type": ["integer", "null"], "minimum": 1, "maximum": 500},
    "webhook_url": _TEXT_OR_NULL,
    "title": _TEXT_OR_NULL,
    "fail_if_busy": {"type": ["boolean", "null"]},
}
RUN_TASK = _record(
    {"prompt": _TEXT},
    {"url": _TEXT_OR_NULL, "data_extraction_schema": {"type": ["object", "string", "null"]}, **_RUN_OPTIONS},
)
RUN_WORKFLOW = _record(
    {}, {"workflow_id": _TEXT, "agent_id": _TEXT, "parameters": {"type": ["object", "null"]}, **_RUN_OPTIONS}
)
LOGIN = _record(
    {"credential_type": {"enum": ["skyvern"]}, "credential_id": _TEXT},
    {"url": _TEXT_OR_NULL, "prompt": _TEXT_OR_NULL, **_RUN_OPTIONS},
)
CANCEL_RUNS = _record({"run_ids": array(_TEXT)})
ANSWER = _record({}, {"comment": _TEXT_OR_NULL})
RETRY_WEBHOOK = _record({}, {"webhook_url": _TEXT_OR_NULL})
DEFINITION = _record({}, {"yaml_definition": _TEXT_OR_NULL, "json_definition": {"type": ["object", "null"]}})
