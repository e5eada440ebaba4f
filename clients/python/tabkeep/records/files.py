"""Artifacts of runs, and the files of sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ArtifactType(StrEnum):
    """What an artifact is."""

    SCREENSHOT = "screenshot"
    DOWNLOAD = "download"
    PDF = "pdf"
    CONSOLE_LOG = "console_log"
    NETWORK_LOG = "network_log"
    RECORDING = "recording"
    UNKNOWN = "unknown"


class ArtifactState(StrEnum):
    """Whether the bytes of an artifact are there: they were removed when EXPIRED, never taken when REFUSED."""

    STORED = "stored"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The record of a file that a session or one of its runs left behind."""

    artifact_id: str
    browser_session_id: str
    run_id: str | None
    """None: it began while no run was under way."""
    artifact_type: ArtifactType
    file_name: str
    """As the site named a download, without directories; of logs and recordings one of ours; empty for others."""
    content_type: str
    size: int
    sha256: str
    state: ArtifactState
    state_message: str
    """Why its bytes are not there."""
    create_time: datetime
    expire_time: datetime | None
    """When its bytes are to be removed, at the latest."""
    truncation: str = ""
    """What is missing from a log or recording; empty: nothing is known to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that callers have brought for runs to give to pages."""

    file_id: str
    file_name: str
    """The name that pages see."""
    content_type: str
    size: int
    sha256: str
    create_time: datetime
