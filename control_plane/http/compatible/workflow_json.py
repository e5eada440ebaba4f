"""Workflows as the compatible API asks for them and shows them. Pure mappings from and to our protos."""

from __future__ import annotations

import json
from typing import Any

from tabkeep.v1 import workflows_pb2 as pb

from control_plane.http.compatible import value_json
from control_plane.http.compatible.body import Body, sayable


def definition(body: Body) -> str:
    """The definition that a request carries, as text in our own language (docs/workflows.md).

    Raises:
        BodyInvalid: there is none, or it is in another language.
    """
    given = [name for name in ("yaml_definition", "json_definition") if body.has(name)]
    if len(given) != 1:
        body.wrong("yaml_definition", "value_error", "give either yaml_definition or json_definition")
    body.raise_if_wrong()
    if given == ["yaml_definition"]:
        text = body.text("yaml_definition", 262_144, required=True)
    else:
        raw = body.raw("json_definition")
        if not isinstance(raw, dict):
            body.wrong("json_definition", "dict_type", "must be a JSON object")
        elif "workflow_definition" in raw:
            body.wrong(
                "json_definition",
                "value_error",
                "is in another language: this server takes title, parameters and blocks as docs/workflows.md says",
            )
        text = json.dumps(raw, ensure_ascii=False)
        if not sayable(text):
            body.wrong("json_definition", "string_unicode", "must be text that UTF-8 can write")
    body.raise_if_wrong()
    return text


def workflow(shown: pb.Workflow) -> dict[str, Any]:
    """A workflow. The blocks stand in `definition`: the published clients know only blocks of another language."""
    return {
        "workflow_id": shown.workflow_id,
        "agent_id": shown.workflow_id,
        "workflow_permanent_id": shown.workflow_id,
        "organization_id": shown.organization_id,
        "title": shown.title,
        "description": None,
        "version": shown.version,
        "is_saved_task": False,
        "is_template": False,
        "status": "published",
        "workflow_definition": {"version": 1, "parameters": [], "blocks": []},
        "definition": shown.definition,
        "parameters": [
            {
                "key": parameter.name,
                "type": parameter.type,
                "required": parameter.required,
                "description": parameter.description or None,
            }
            for parameter in shown.parameters
        ],
        "created_at": value_json.time(shown, "create_time"),
        "modified_at": value_json.time(shown, "update_time"),
        "deleted_at": None,
    }
