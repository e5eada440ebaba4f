"""What narrows the lists of the seed's API: each filter that its clients send is kept to, none is ignored.

What this server has none of (folders, tags, templates, runs by other engines) is in no list that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from tabkeep.v1 import artifacts_pb2, browser_profiles_pb2, runs_pb2, workflows_pb2

from control_plane.http import seed_runs, seed_values
from control_plane.http.endpoint import Ask
from control_plane.http.seed_queries import PAGING, query_flag, query_text, query_texts, query_time, query_words

Query = tuple[tuple[str, Mapping[str, Any]], ...]

_TEXT, _FLAG, _TIME = {"type": "string"}, {"type": "boolean"}, {"type": "string", "format": "date-time"}
_TEXTS = {"type": "array", "items": _TEXT}
_STATUSES = {name.removeprefix("RUN_STATUS_").lower(): value for name, value in runs_pb2.RunStatus.items() if value}
_RUN_TYPES = {
    "task_v1": runs_pb2.RUN_TYPE_TASK,
    "workflow_run": runs_pb2.RUN_TYPE_WORKFLOW,
    **dict.fromkeys(("task_v2", "task_v3", "openai_cua", "anthropic_cua", "ui_tars", "yutori_navigator")),
}
_WORKFLOW_STATUSES = {
    "published": True,
    "draft": False,
    "auto_generated": False,
    "importing": False,
    "import_failed": False,
}
RUNS: Query = (
    *PAGING,
    ("status", {"type": "array", "items": {"enum": list(_STATUSES)}}),
    ("run_type", {"type": "array", "items": {"enum": list(_RUN_TYPES)}}),
    ("workflow_permanent_id", _TEXTS),
    ("search_key", _TEXT),
    ("error_code", _TEXT),
    ("created_at_start", _TIME),
    ("created_at_end", _TIME),
    ("tags", _TEXTS),
)
WORKFLOWS: Query = (
    *PAGING,
    ("status", {"type": "array", "items": {"enum": list(_WORKFLOW_STATUSES)}}),
    ("search_key", _TEXT),
    ("title", _TEXT),
    ("folder_id", _TEXT),
    ("tags", _TEXTS),
    ("only_saved_tasks", _FLAG),
    ("only_templates", _FLAG),
    ("template", _FLAG),
)
PROFILES: Query = (*PAGING, ("search_key", _TEXT), ("managed", _FLAG))
ARTIFACTS: Query = (("artifact_type", _TEXTS),)


def run_statuses(ask: Ask) -> list[Any]:
    """The statuses asked for; none: all."""
    return query_words(ask, "status", _STATUSES)


def of_runs(ask: Ask) -> Callable[[runs_pb2.Run], bool]:
    """Tells the runs that are asked for, but for their status."""
    types, workflows = query_words(ask, "run_type", _RUN_TYPES), query_texts(ask, "workflow_permanent_id")
    words, code, tagged = query_text(ask, "search_key"), query_text(ask, "error_code"), query_texts(ask, "tags")
    since, until = query_time(ask, "created_at_start"), query_time(ask, "created_at_end")

    def asked_for(run: runs_pb2.Run) -> bool:
        created = run.create_time.ToDatetime(UTC)
        return (
            not tagged
            and (not types or run.run_type in types)
            and (not workflows or run.workflow_id in workflows)
            and (not code or code == seed_runs.failure_code(run))
            and (since is None or created >= since)
            and (until is None or created < until)
            and _found(words, _texts(run))
        )

    return asked_for


def _texts(run: runs_pb2.Run) -> Iterator[str]:
    """What a run is found by. Secrets are in none of it."""
    yield from (run.run_id, run.prompt, run.url, run.workflow_id, run.labels.get("title", ""))
    for name, value in seed_values.object_of(run.parameters).items():
        yield from (name, str(value))


def of_workflows(ask: Ask) -> Callable[[workflows_pb2.Workflow], bool]:
    """Tells the workflows that are asked for."""
    words = query_text(ask, "search_key") or query_text(ask, "title")
    nothing = any(query_flag(ask, name) for name in ("only_saved_tasks", "only_templates", "template"))
    nothing = nothing or bool(query_texts(ask, "tags") or query_text(ask, "folder_id"))
    statuses = query_words(ask, "status", _WORKFLOW_STATUSES)

    def asked_for(workflow: workflows_pb2.Workflow) -> bool:
        described = [text for each in workflow.parameters for text in (each.name, each.description)]
        published = not statuses or any(statuses)
        return not nothing and published and _found(words, (workflow.title, workflow.workflow_id, *described))

    return asked_for


def of_profiles(ask: Ask) -> Callable[[browser_profiles_pb2.BrowserProfile], bool]:
    """Tells the profiles that are asked for; all of ours are their callers' own."""
    words, managed = query_text(ask, "search_key"), query_flag(ask, "managed")
    return lambda profile: not managed and _found(words, (profile.name, profile.description))


def of_artifacts(ask: Ask) -> Callable[[artifacts_pb2.Artifact], bool]:
    """Tells the artifacts that are asked for."""
    types = query_texts(ask, "artifact_type")
    return lambda artifact: not types or seed_runs.ARTIFACT_TYPES.get(artifact.artifact_type) in types


def _found(words: str, texts: Iterable[str]) -> bool:
    return not words or any(words.casefold() in text.casefold() for text in texts)
