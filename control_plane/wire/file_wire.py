"""Between the protos of stored files and this program: what runs left behind, and what callers have brought."""

from __future__ import annotations

from tabkeep.v1 import artifacts_pb2, files_pb2

from control_plane.entities.records import Artifact, File
from control_plane.wire.enums import ARTIFACT_TYPE, EnumPair
from control_plane.wire.times import set_time

_ARTIFACT_STATE = EnumPair(artifacts_pb2.ArtifactState, "ARTIFACT_STATE_")


def artifact(artifact: Artifact) -> artifacts_pb2.Artifact:
    """The record of a stored file."""
    proto = artifacts_pb2.Artifact(
        artifact_id=artifact.artifact_id,
        browser_session_id=artifact.browser_session_id,
        run_id=artifact.run_id,
        artifact_type=ARTIFACT_TYPE.value(artifact.artifact_type),
        file_name=artifact.file_name,
        state=_ARTIFACT_STATE.value(artifact.state.value),
        state_message=artifact.state_message,
        content_type=artifact.content_type,
        size=artifact.size,
        sha256=artifact.sha256,
        truncation=artifact.truncation,
    )
    proto.create_time.FromDatetime(artifact.create_time)
    set_time(proto.expire_time, artifact.expire_time)
    return proto


def file(file: File) -> files_pb2.File:
    """The record of a file that a caller has brought."""
    proto = files_pb2.File(
        file_id=file.file_id,
        file_name=file.file_name,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
    )
    set_time(proto.create_time, file.create_time)
    return proto
