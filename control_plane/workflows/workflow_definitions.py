"""Workflow definitions: the language of docs/workflows.md, read into a frozen `Definition`.

The blocks of a definition are the `Block` messages of host.proto, made of the actions of actions.proto. The
generated types are used here on purpose, though elsewhere in the control plane they stay in `wire` and the
services: what a block can say is defined once, in the protos, and a second vocabulary in between could only
differ from it. Nothing in here reads a clock, a file or the network.

Reading is plain computation, some milliseconds for a usual definition and at most about a second for the
largest hostile one; what it rests on is split by noun: `workflow_text` (lines, paths, mistakes),
`workflow_durations`, `workflow_parameters` (holes, the values of a run), `workflow_schemas`, `workflow_targets`,
`workflow_expectations`, `workflow_tabs`, `workflow_actions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import runs_pb2

from control_plane.workflows.workflow_actions import MAX_ACTIONS, read_action, read_extract, read_goto, read_wait
from control_plane.workflows.workflow_parameters import (
    IDENTIFIER,
    Holes,
    Parameter,
    ParametersInvalid,
    bind,
    read_parameters,
)
from control_plane.workflows.workflow_schemas import read_schema
from control_plane.workflows.workflow_text import DefinitionInvalid, Mistake, Place, compose, listing

__all__ = [
    "Definition",
    "DefinitionInvalid",
    "Mistake",
    "Parameter",
    "ParametersInvalid",
    "bind",
    "parse",
]

READING: Final = ("extract", "find_record")
"""The actions that bring an output."""
MAX_TITLE: Final = 200
MAX_BLOCKS: Final = 200
MAX_PROMPT: Final = 16_384
MAX_MESSAGE: Final = 2_000
BLOCK_TIMEOUT: Final = (timedelta(seconds=1), timedelta(hours=24))
DEFAULT_APPROVE_TIMEOUT: Final = timedelta(minutes=30)

_Reader = Callable[[Place, Holes, host_pb2.Block], None]


@dataclass(frozen=True, slots=True)
class Definition:
    """What a workflow does: a title, the parameters a run takes, and blocks in order (not to be changed)."""

    title: str
    parameters: tuple[Parameter, ...]
    blocks: tuple[host_pb2.Block, ...]


def parse(text: str) -> Definition:
    """Return the definition that `text` (YAML or JSON, at most 262,144 bytes) holds.

    Raises:
        DefinitionInvalid: with all mistakes, each with its line and path; the first 20 are kept.
    """
    root = compose(text)
    known = ("version", "title", "name", "parameters", "defaults", "blocks")
    fields = root.fields(known, required=["version", "blocks"])
    if fields is None:
        raise DefinitionInvalid(root.mistakes)
    _check_version(fields)
    title = _read_title(root, fields)
    parameters, holes = read_parameters(fields.get("parameters"))
    default_timeout = _read_default_timeout(fields.get("defaults"))
    items = fields["blocks"].items(MAX_BLOCKS, "blocks") if "blocks" in fields else None
    ids: dict[str, int] = {}
    blocks = [_read_block(item, holes, default_timeout, ids, number) for number, item in enumerate(items or [], 1)]
    if root.mistakes:
        raise DefinitionInvalid(root.mistakes)
    return Definition(title, parameters, tuple(blocks))


def _check_version(fields: Mapping[str, Place]) -> None:
    place = fields.get("version")
    if place is not None and (place.node.tag != "tag:yaml.org,2002:int" or place.source != "1"):
        place.mistake("must be 1, the only version of the language" + (f", {place.found()}"))


def _read_title(root: Place, fields: Mapping[str, Place]) -> str:
    given = [fields[name] for name in ("title", "name") if name in fields]
    if not given:
        Place(root.node, "title", root.mistakes).mistake("is missing")
    if len(given) == 2:
        given[1].mistake("means the same as title: leave one")
    return (given[0].text(MAX_TITLE) or "") if given else ""


def _read_default_timeout(place: Place | None) -> timedelta | None:
    fields = place.fields(("timeout",)) if place is not None else None
    return fields["timeout"].duration(*BLOCK_TIMEOUT) if fields and "timeout" in fields else None


def _read_block(
    place: Place, holes: Holes, default_timeout: timedelta | None, ids: dict[str, int], number: int
) -> host_pb2.Block:
    block = host_pb2.Block()
    before = len(place.mistakes)
    fields = place.fields((*BLOCK_KINDS, *_OF_ANY_BLOCK))
    if fields is None:
        return block
    kinds = [name for name in fields if name in BLOCK_KINDS]
    if len(kinds) > 1:
        place.mistake(f"is {' and '.join(kinds)} at once: make it {len(kinds)} blocks")
    elif not kinds and len(place.mistakes) == before:
        place.mistake(f"names no kind: one of {listing(BLOCK_KINDS)}")
    general: dict[str, Place] = {name: fields[name] for name in _OF_ANY_BLOCK if name in fields}
    for kind in kinds:
        BLOCK_KINDS[kind](fields[kind], holes, block)
        for name, value in _inside(fields[kind]).items():
            if name in general:
                value.mistake("stands beside the kind and inside it: leave one")
            general[name] = value
    block.block_id = _read_id(place, general.get("id"), ids, number)
    _set_timeout(block, general.get("timeout"), default_timeout)
    reads = any(action.WhichOneof("kind") in READING for action in block.actions.actions)
    holes.blocks[block.block_id] = reads or block.WhichOneof("kind") in ("task", "extract")
    return block


def _inside(place: Place) -> dict[str, Place]:
    """Return id and timeout when they stand inside the block's kind; its reader has reported what is wrong there."""
    entries = Place(place.node, place.path, []).entries()
    return {name: Place(value.node, value.path, place.mistakes) for name, _, value in entries if name in _OF_ANY_BLOCK}


def _read_id(block: Place, place: Place | None, ids: dict[str, int], number: int) -> str:
    """Return the block's id, given or made of its number; its output stands under it, so it must be unique."""
    block_id = f"block_{number}" if place is None else place.text(64)
    place = place or block
    line = place.node.start_mark.line + 1
    if block_id is None:
        return ""
    if not IDENTIFIER.fullmatch(block_id):
        place.mistake("must be letters, digits and _, and not begin with a digit")
    elif block_id in ids:
        place.mistake(f'the id "{block_id}" is taken by the block in line {ids[block_id]}')
    else:
        ids[block_id] = line
    return block_id


def _set_timeout(block: host_pb2.Block, place: Place | None, default: timedelta | None) -> None:
    timeout = place.duration(*BLOCK_TIMEOUT) if place is not None else None
    if block.WhichOneof("kind") == "approve":
        # A person's time: the default for blocks does not count for it.
        block.approve.timeout.FromTimedelta(timeout or DEFAULT_APPROVE_TIMEOUT)
        return
    wait = block.wait.duration.ToTimedelta() if block.wait.HasField("duration") else timedelta()
    if place is not None and timeout is not None and timeout < wait:
        place.mistake("is shorter than the wait itself: leave it out")
    timeout = timeout or (None if wait else default)
    if timeout is not None:
        block.timeout.FromTimedelta(timeout)


def _goto(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.goto.CopyFrom(read_goto(place, holes, _OF_ANY_BLOCK))


def _extract(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.extract.CopyFrom(read_extract(place, holes, _OF_ANY_BLOCK))


def _wait(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.wait.CopyFrom(read_wait(place, holes, _OF_ANY_BLOCK))


def _task(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.task.SetInParent()
    known = ("prompt", *_TASK_SCHEMA, "max_steps", "replay", *_OF_ANY_BLOCK)
    fields = {"prompt": place} if place.is_short else place.fields(known, required=["prompt"]) or {}
    if "prompt" in fields:
        block.task.prompt = holes.filled(fields["prompt"], MAX_PROMPT) or ""
    if "max_steps" in fields:
        block.task.max_steps = fields["max_steps"].integer(1, 500) or 0
    if "replay" in fields and (mode := fields["replay"].text(20)) is not None:
        if mode not in _REPLAY_MODES:
            fields["replay"].mistake(f"must be {' or '.join(_REPLAY_MODES)}, {fields['replay'].found()}")
        block.task.recordings.mode = _REPLAY_MODES.get(mode, runs_pb2.REPLAY_MODE_UNSPECIFIED)
    schema = read_schema(place, fields)
    if schema is not None:
        block.task.data_extraction_schema.CopyFrom(schema)


def _actions(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.actions.SetInParent()
    fields = {"steps": place} if place.is_list else place.fields(("steps", *_OF_ANY_BLOCK), required=["steps"]) or {}
    holes.actions.clear()
    for step in (fields["steps"].items(MAX_ACTIONS, "actions") or []) if "steps" in fields else []:
        action = read_action(step, holes)
        block.actions.actions.append(action)
        holes.actions.append(action.WhichOneof("kind") in READING)


def _approve(place: Place, holes: Holes, block: host_pb2.Block) -> None:
    block.approve.SetInParent()
    known = ("message", *_OF_ANY_BLOCK)
    fields = {"message": place} if place.is_short else place.fields(known, required=["message"]) or {}
    if "message" in fields:
        block.approve.message = holes.filled(fields["message"], MAX_MESSAGE, shown=True) or ""


_OF_ANY_BLOCK: Final = ("id", "timeout")
_REPLAY_MODES: Final[Mapping[str, runs_pb2.ReplayMode]] = {
    "only": runs_pb2.REPLAY_MODE_ONLY,
    "plan": runs_pb2.REPLAY_MODE_PLAN,
    "off": runs_pb2.REPLAY_MODE_OFF,
}
_TASK_SCHEMA: Final = ("data_extraction_schema", "output_schema")
BLOCK_KINDS: Final[Mapping[str, _Reader]] = {
    "goto": _goto,
    "task": _task,
    "actions": _actions,
    "extract": _extract,
    "wait": _wait,
    "approve": _approve,
}
