"""Small stored things that have no life of their own: commands, workflow versions, artifacts, files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CommandKind(StrEnum):
    """What a host can be told."""

    LAUNCH = "launch"
    CLOSE = "close"
    START_RUN = "start_run"
    CANCEL_RUN = "cancel_run"
    RESOLVE_APPROVAL = "resolve_approval"
    SET_TIMEOUT = "set_timeout"
    SET_NETWORK = "set_network"
    SET_PAGE_OPTIONS = "set_page_options"


@dataclass(frozen=True, slots=True)
class CommandRow:
    """A command a host has not answered yet."""

    host_id: str
    command_id: int
    browser_session_id: str
    fence: int
    kind: CommandKind
    arguments: dict[str, str]
    """close: reason; start_run, cancel_run: run_id; resolve_approval: run_id, approval_id."""
    create_time: datetime
    traceparent: str


@dataclass(frozen=True, slots=True)
class Workflow:
    """One version of a workflow."""

    organization_id: str
    workflow_id: str
    version: int
    title: str
    definition: str
    """YAML or JSON as it was given; valid, or it would not have been stored."""
    create_time: datetime
    """Of the workflow."""
    update_time: datetime
    """Of this version."""


class ArtifactState(StrEnum):
    """Whether the bytes of an artifact are there."""

    STORED = "stored"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Artifact:
    """The record of a stored file."""

    artifact_id: str
    organization_id: str
    browser_session_id: str
    run_id: str
    """Empty: it began while no run was under way."""
    artifact_type: str
    file_name: str
    content_type: str
    size: int
    sha256: str
    state: ArtifactState
    state_message: str
    on_disk: bool
    """There may be a file of it: an expired one's is removed after its record says so."""
    create_time: datetime
    expire_time: datetime | None
    """None: it was refused."""
    truncation: str = ""
    """What is missing from it, in words; empty: nothing is known to be."""


@dataclass(frozen=True, slots=True)
class File:
    """The record of a file that a caller has brought."""

    file_id: str
    organization_id: str
    file_name: str
    content_type: str
    size: int
    sha256: str
    create_time: datetime
