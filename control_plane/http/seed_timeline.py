"""A run's blocks and their steps as the seed's API shows them, the newest first. Pure mappings from our events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tabkeep.v1 import actions_pb2, runs_pb2

from control_plane.http import seed_runs, seed_values

_BLOCK_TYPES = {
    "goto": "goto_url",
    "actions": "action",
    "extract": "extraction",
    "approve": "human_interaction",
}
"""Their words for our kinds of blocks, where they differ."""
_ACTION_TYPES = {
    "goto": "goto_url",
    "fill": "input_text",
    "select": "select_option",
    "set_checked": "checkbox",
    "press_key": "keypress",
    "find_record": "extract",
    "back": "go_back",
    "reload": "reload_page",
    "upload": "upload_file",
    "pick_row": "click",
}
"""Their words for our kinds of actions, where they have one and it differs."""
_TABS = {"switch_to": "switch_tab", "open": "new_tab", "close": "close_page"}
_UNKNOWN = "the run ended before this step did: what it did is not known"


@dataclass
class _Step:
    begun: runs_pb2.RunEvent
    ended: runs_pb2.RunEvent | None = None


@dataclass
class _Block:
    block_id: str
    block_type: str
    begun: runs_pb2.RunEvent | None = None
    ended: runs_pb2.RunEvent | None = None
    last: runs_pb2.RunEvent | None = None
    """The last event within it."""
    question: str = ""
    steps: dict[int, _Step] = field(default_factory=dict)


def timeline(run: runs_pb2.Run, events: Sequence[runs_pb2.RunEvent]) -> list[dict[str, Any]]:
    """The blocks that have begun; of a task, whose steps belong to no block, one that is the task."""
    blocks = _blocks(run, events)
    entries = []
    for block in reversed(blocks):
        shown = _block(run, block, ends_the_run=block is blocks[-1])
        times = {name: shown[name] for name in ("created_at", "modified_at")}
        entries.append({"type": "block", "block": shown, "thought": None, "children": [], **times})
    return entries


def _blocks(run: runs_pb2.Run, events: Sequence[runs_pb2.RunEvent]) -> list[_Block]:
    """The events sorted into the blocks and steps that they tell of, in the order in which these began."""
    found: list[_Block] = []
    if run.run_type == runs_pb2.RUN_TYPE_TASK and run.HasField("start_time"):
        found.append(_Block("task", "task"))
    for event in events:
        kind = event.WhichOneof("kind")
        if kind == "block_started":
            found.append(_Block(event.block_started.block_id, event.block_started.block_type, begun=event))
        if not found:
            continue
        block = found[-1]
        block.last = event
        if kind == "block_finished":
            block.ended = event
        elif kind == "step_started":
            block.steps[event.step_started.step] = _Step(event)
        elif kind == "step_finished" and event.step_finished.step in block.steps:
            block.steps[event.step_finished.step].ended = event
        elif kind == "approval_requested":
            block.question = event.approval_requested.approval.message
    return found


def _block(run: runs_pb2.Run, block: _Block, *, ends_the_run: bool) -> dict[str, Any]:
    is_task = run.run_type == runs_pb2.RUN_TYPE_TASK
    status = _status(run, block, ends_the_run=ends_the_run)
    failed = status not in ("completed", "running")
    code = seed_runs.failure_code(run) if failed else None
    began = _time(block.begun, run, "start_time")
    output = run.output if is_task else block.ended.block_finished.output if block.ended else None
    first = next(iter(block.steps.values()), None)
    return {
        "workflow_run_block_id": f"{run.run_id}.{block.block_id}",
        "workflow_run_id": run.run_id,
        "organization_id": run.organization_id,
        "parent_workflow_run_block_id": None,
        "block_type": _BLOCK_TYPES.get(block.block_type, block.block_type),
        "label": block.block_id,
        "status": status,
        "output": seed_values.output_of(output) if output is not None else None,
        "continue_on_failure": False,
        "failure_reason": (run.failure_message or code.lower()) if code else None,
        "error_codes": [code] if code else [],
        "task_id": run.run_id if is_task else None,
        "url": (first.begun.step_started.url or None) if first else None,
        "navigation_goal": (run.prompt or None) if is_task else None,
        "instructions": block.question or None,
        "actions": [_action(run, step) for step in reversed(block.steps.values())],
        "created_at": began,
        "modified_at": _time(block.ended or block.last, run, "end_time", "start_time") or began,
        "duration": _seconds(run, block),
    }


def _status(run: runs_pb2.Run, block: _Block, *, ends_the_run: bool) -> str:
    """How it went: a block that is not done when the run is over shows how the run ended, which it made it do."""
    if block.ended is not None and block.ended.block_finished.outcome == runs_pb2.STEP_OUTCOME_DONE:
        return "completed"
    if run.status in seed_runs.FINAL and ends_the_run:
        return seed_runs.status(run)
    return "running" if block.ended is None else "failed"


def _seconds(run: runs_pb2.Run, block: _Block) -> float | None:
    """How long it took, once it is over."""
    if block.begun is None:  # a task
        begun, ended = run.start_time, run.end_time if run.HasField("end_time") else None
    else:
        begun, ended = block.begun.create_time, block.ended.create_time if block.ended else None
    return round((ended.ToDatetime() - begun.ToDatetime()).total_seconds(), 3) if ended is not None else None


def _action(run: runs_pb2.Run, step: _Step) -> dict[str, Any]:
    begun = step.begun.step_started
    ended = step.ended.step_finished if step.ended is not None else None
    is_task = run.run_type == runs_pb2.RUN_TYPE_TASK
    status, response = _outcome(run, ended)
    return {
        "action_type": _action_type(begun.action),
        "status": status,
        "action_id": f"{run.run_id}.{begun.step}",
        "organization_id": run.organization_id,
        "workflow_run_id": None if is_task else run.run_id,
        "task_id": run.run_id if is_task else None,
        "step_id": str(begun.step),
        "step_order": begun.step,
        "action_order": 0,
        "description": begun.description or None,
        "intention": begun.action.note or None,
        "response": response,
        "text": _text(begun.action),
        "target": (ended.target or None) if ended else None,
        "screenshot_artifact_id": (ended.screenshot_artifact_id or None) if ended else None,
        "output": seed_values.output_of(ended.output) if ended and ended.HasField("output") else None,
        "url": (ended.url if ended else begun.url) or None,
        "created_by": begun.source or None,
        "created_at": _time(step.begun, run, "start_time"),
        "modified_at": _time(step.ended or step.begun, run, "start_time"),
    }


def _outcome(run: runs_pb2.Run, ended: runs_pb2.StepFinished | None) -> tuple[str | None, str | None]:
    """A step's status and what was said of it; no status where nobody knows."""
    if ended is not None:
        done = ended.outcome == runs_pb2.STEP_OUTCOME_DONE
        return "completed" if done else "failed", ended.message or None
    return (None, _UNKNOWN) if run.status in seed_runs.FINAL else ("pending", None)


def _action_type(action: actions_pb2.Action) -> str:
    kind = action.WhichOneof("kind") or "null_action"
    if kind == "tab":
        return _TABS.get(action.tab.WhichOneof("what") or "", kind)
    return _ACTION_TYPES.get(kind, kind)


def _text(action: actions_pb2.Action) -> str | None:
    """What was typed, if that may be shown: events have no secrets."""
    shown = action.WhichOneof("kind") == "fill" and not action.fill.value.sensitive
    return action.fill.value.literal or None if shown else None


def _time(event: runs_pb2.RunEvent | None, run: runs_pb2.Run, *instead: str) -> str | None:
    """When an event was; where it does not say, a time of the run's own."""
    if event is not None and event.HasField("create_time"):
        return seed_values.time(event, "create_time")
    times = (seed_values.time(run, name) for name in (*instead, "create_time"))
    return next(time for time in times if time is not None)
