"""Recordings of tasks that succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tabkeep.v1 import actions_pb2, recordings_pb2


class RecordingState(StrEnum):
    """How far a recording is to be trusted; only a trusted one is replayed without being asked for."""

    CANDIDATE = "candidate"
    TRUSTED = "trusted"
    DEMOTED = "demoted"
    UNKNOWN = "unknown"


class RecordingFormat(StrEnum):
    """What a recording is exported as."""

    WORKFLOW_YAML = "workflow_yaml"
    PLAYWRIGHT_PYTHON = "playwright_python"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedValue:
    """A hole of a recorded task; one that is `fixed` holds only for its `text`."""

    name: str
    secret: bool
    fixed: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A recorded step: what was done, with what element, and what was true afterwards."""

    action: actions_pb2.Action
    elements: tuple[recordings_pb2.RecordedElement, ...]
    seen: tuple[actions_pb2.Expect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPart:
    """A clause of a recorded task; one that `looks_again` has no steps, the rules do it anew."""

    clause: str
    looks_again: bool
    steps: tuple[RecordedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTask:
    """What is recorded of a task; lists of recordings leave the parts out."""

    template: str
    origin: str
    start: str
    values: tuple[RecordedValue, ...]
    parts: tuple[RecordedPart, ...]
    planner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A task that was done, kept so that it can be done again with other values."""

    recording_id: str
    organization_id: str
    state: RecordingState
    version: int
    run_id: str
    success_count: int
    failure_count: int
    create_time: datetime
    update_time: datetime
    task: RecordedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRecording:
    """A recording as a program."""

    content: str
    file_name: str
    content_type: str
