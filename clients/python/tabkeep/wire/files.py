"""Artifacts of runs, and the files of sessions."""

from __future__ import annotations

from tabkeep.records.files import Artifact, ArtifactState, ArtifactType, File
from tabkeep.v1 import artifacts_pb2, files_pb2
from tabkeep.wire.enums import enum_of
from tabkeep.wire.values import optional_timestamp, timestamp


def artifact(message: artifacts_pb2.Artifact) -> Artifact:
    """Return an artifact's record."""
    return Artifact(
        artifact_id=message.artifact_id,
        browser_session_id=message.browser_session_id,
        run_id=message.run_id or None,
        artifact_type=enum_of(ArtifactType, message.artifact_type),
        file_name=message.file_name,
        content_type=message.content_type,
        size=message.size,
        sha256=message.sha256,
        state=enum_of(ArtifactState, message.state),
        state_message=message.state_message,
        create_time=timestamp(message.create_time),
        expire_time=optional_timestamp(message, "expire_time"),
        truncation=message.truncation,
    )


def file(message: files_pb2.File) -> File:
    """Return the record of a file that a caller has brought."""
    return File(
        file_id=message.file_id,
        file_name=message.file_name,
        content_type=message.content_type,
        size=message.size,
        sha256=message.sha256,
        create_time=timestamp(message.create_time),
    )
