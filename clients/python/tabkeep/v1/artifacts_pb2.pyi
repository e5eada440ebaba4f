import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ArtifactType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARTIFACT_TYPE_UNSPECIFIED: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_SCREENSHOT: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_DOWNLOAD: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_PDF: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_CONSOLE_LOG: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_NETWORK_LOG: _ClassVar[ArtifactType]
    ARTIFACT_TYPE_RECORDING: _ClassVar[ArtifactType]

class ArtifactState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ARTIFACT_STATE_UNSPECIFIED: _ClassVar[ArtifactState]
    ARTIFACT_STATE_STORED: _ClassVar[ArtifactState]
    ARTIFACT_STATE_EXPIRED: _ClassVar[ArtifactState]
    ARTIFACT_STATE_REFUSED: _ClassVar[ArtifactState]
ARTIFACT_TYPE_UNSPECIFIED: ArtifactType
ARTIFACT_TYPE_SCREENSHOT: ArtifactType
ARTIFACT_TYPE_DOWNLOAD: ArtifactType
ARTIFACT_TYPE_PDF: ArtifactType
ARTIFACT_TYPE_CONSOLE_LOG: ArtifactType
ARTIFACT_TYPE_NETWORK_LOG: ArtifactType
ARTIFACT_TYPE_RECORDING: ArtifactType
ARTIFACT_STATE_UNSPECIFIED: ArtifactState
ARTIFACT_STATE_STORED: ArtifactState
ARTIFACT_STATE_EXPIRED: ArtifactState
ARTIFACT_STATE_REFUSED: ArtifactState

class Artifact(_message.Message):
    __slots__ = ("artifact_id", "run_id", "artifact_type", "content_type", "size", "sha256", "create_time", "browser_session_id", "file_name", "state", "state_message", "expire_time", "truncation")
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TRUNCATION_FIELD_NUMBER: _ClassVar[int]
    artifact_id: str
    run_id: str
    artifact_type: ArtifactType
    content_type: str
    size: int
    sha256: str
    create_time: _timestamp_pb2.Timestamp
    browser_session_id: str
    file_name: str
    state: ArtifactState
    state_message: str
    expire_time: _timestamp_pb2.Timestamp
    truncation: str
    def __init__(self, artifact_id: _Optional[str] = ..., run_id: _Optional[str] = ..., artifact_type: _Optional[_Union[ArtifactType, str]] = ..., content_type: _Optional[str] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., browser_session_id: _Optional[str] = ..., file_name: _Optional[str] = ..., state: _Optional[_Union[ArtifactState, str]] = ..., state_message: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., truncation: _Optional[str] = ...) -> None: ...

class GetArtifactRequest(_message.Message):
    __slots__ = ("artifact_id",)
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    artifact_id: str
    def __init__(self, artifact_id: _Optional[str] = ...) -> None: ...

class GetArtifactResponse(_message.Message):
    __slots__ = ("artifact", "chunk")
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    artifact: Artifact
    chunk: bytes
    def __init__(self, artifact: _Optional[_Union[Artifact, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class CapturePageRequest(_message.Message):
    __slots__ = ("browser_session_id", "artifact_type")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    artifact_type: ArtifactType
    def __init__(self, browser_session_id: _Optional[str] = ..., artifact_type: _Optional[_Union[ArtifactType, str]] = ...) -> None: ...

class CapturePageResponse(_message.Message):
    __slots__ = ("artifact",)
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    artifact: Artifact
    def __init__(self, artifact: _Optional[_Union[Artifact, _Mapping]] = ...) -> None: ...

class ListArtifactsRequest(_message.Message):
    __slots__ = ("run_id", "browser_session_id", "artifact_types")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_TYPES_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    browser_session_id: str
    artifact_types: _containers.RepeatedScalarFieldContainer[ArtifactType]
    def __init__(self, run_id: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., artifact_types: _Optional[_Iterable[_Union[ArtifactType, str]]] = ...) -> None: ...

class ListArtifactsResponse(_message.Message):
    __slots__ = ("artifacts",)
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    artifacts: _containers.RepeatedCompositeFieldContainer[Artifact]
    def __init__(self, artifacts: _Optional[_Iterable[_Union[Artifact, _Mapping]]] = ...) -> None: ...
