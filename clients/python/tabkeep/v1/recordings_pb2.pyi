import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabkeep.v1 import actions_pb2 as _actions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RecordingState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORDING_STATE_UNSPECIFIED: _ClassVar[RecordingState]
    RECORDING_STATE_CANDIDATE: _ClassVar[RecordingState]
    RECORDING_STATE_TRUSTED: _ClassVar[RecordingState]
    RECORDING_STATE_DEMOTED: _ClassVar[RecordingState]

class RecordingFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECORDING_FORMAT_UNSPECIFIED: _ClassVar[RecordingFormat]
    RECORDING_FORMAT_WORKFLOW_YAML: _ClassVar[RecordingFormat]
    RECORDING_FORMAT_PLAYWRIGHT_PYTHON: _ClassVar[RecordingFormat]
RECORDING_STATE_UNSPECIFIED: RecordingState
RECORDING_STATE_CANDIDATE: RecordingState
RECORDING_STATE_TRUSTED: RecordingState
RECORDING_STATE_DEMOTED: RecordingState
RECORDING_FORMAT_UNSPECIFIED: RecordingFormat
RECORDING_FORMAT_WORKFLOW_YAML: RecordingFormat
RECORDING_FORMAT_PLAYWRIGHT_PYTHON: RecordingFormat

class Recording(_message.Message):
    __slots__ = ("recording_id", "organization_id", "state", "version", "run_id", "success_count", "failure_count", "create_time", "update_time", "task")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    organization_id: str
    state: RecordingState
    version: int
    run_id: str
    success_count: int
    failure_count: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    task: RecordedTask
    def __init__(self, recording_id: _Optional[str] = ..., organization_id: _Optional[str] = ..., state: _Optional[_Union[RecordingState, str]] = ..., version: _Optional[int] = ..., run_id: _Optional[str] = ..., success_count: _Optional[int] = ..., failure_count: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., task: _Optional[_Union[RecordedTask, _Mapping]] = ...) -> None: ...

class RecordedTask(_message.Message):
    __slots__ = ("template", "origin", "start", "values", "parts", "planner")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    template: str
    origin: str
    start: str
    values: _containers.RepeatedCompositeFieldContainer[RecordedValue]
    parts: _containers.RepeatedCompositeFieldContainer[RecordedPart]
    planner: str
    def __init__(self, template: _Optional[str] = ..., origin: _Optional[str] = ..., start: _Optional[str] = ..., values: _Optional[_Iterable[_Union[RecordedValue, _Mapping]]] = ..., parts: _Optional[_Iterable[_Union[RecordedPart, _Mapping]]] = ..., planner: _Optional[str] = ...) -> None: ...

class RecordedValue(_message.Message):
    __slots__ = ("name", "secret", "fixed", "text")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    FIXED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    name: str
    secret: bool
    fixed: bool
    text: str
    def __init__(self, name: _Optional[str] = ..., secret: _Optional[bool] = ..., fixed: _Optional[bool] = ..., text: _Optional[str] = ...) -> None: ...

class RecordedPart(_message.Message):
    __slots__ = ("clause", "looks_again", "steps")
    CLAUSE_FIELD_NUMBER: _ClassVar[int]
    LOOKS_AGAIN_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    clause: str
    looks_again: bool
    steps: _containers.RepeatedCompositeFieldContainer[RecordedStep]
    def __init__(self, clause: _Optional[str] = ..., looks_again: _Optional[bool] = ..., steps: _Optional[_Iterable[_Union[RecordedStep, _Mapping]]] = ...) -> None: ...

class RecordedStep(_message.Message):
    __slots__ = ("action", "elements", "seen")
    ACTION_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    action: _actions_pb2.Action
    elements: _containers.RepeatedCompositeFieldContainer[RecordedElement]
    seen: _containers.RepeatedCompositeFieldContainer[_actions_pb2.Expect]
    def __init__(self, action: _Optional[_Union[_actions_pb2.Action, _Mapping]] = ..., elements: _Optional[_Iterable[_Union[RecordedElement, _Mapping]]] = ..., seen: _Optional[_Iterable[_Union[_actions_pb2.Expect, _Mapping]]] = ...) -> None: ...

class RecordedElement(_message.Message):
    __slots__ = ("role", "name", "test_id", "stable_id", "field_name", "placeholder", "css", "tag", "region")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEST_ID_FIELD_NUMBER: _ClassVar[int]
    STABLE_ID_FIELD_NUMBER: _ClassVar[int]
    FIELD_NAME_FIELD_NUMBER: _ClassVar[int]
    PLACEHOLDER_FIELD_NUMBER: _ClassVar[int]
    CSS_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    role: str
    name: str
    test_id: str
    stable_id: str
    field_name: str
    placeholder: str
    css: str
    tag: str
    region: str
    def __init__(self, role: _Optional[str] = ..., name: _Optional[str] = ..., test_id: _Optional[str] = ..., stable_id: _Optional[str] = ..., field_name: _Optional[str] = ..., placeholder: _Optional[str] = ..., css: _Optional[str] = ..., tag: _Optional[str] = ..., region: _Optional[str] = ...) -> None: ...

class ListRecordingsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "origin")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    origin: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., origin: _Optional[str] = ...) -> None: ...

class ListRecordingsResponse(_message.Message):
    __slots__ = ("recordings", "next_page_token")
    RECORDINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    recordings: _containers.RepeatedCompositeFieldContainer[Recording]
    next_page_token: str
    def __init__(self, recordings: _Optional[_Iterable[_Union[Recording, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetRecordingRequest(_message.Message):
    __slots__ = ("recording_id",)
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    def __init__(self, recording_id: _Optional[str] = ...) -> None: ...

class GetRecordingResponse(_message.Message):
    __slots__ = ("recording",)
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    recording: Recording
    def __init__(self, recording: _Optional[_Union[Recording, _Mapping]] = ...) -> None: ...

class DeleteRecordingRequest(_message.Message):
    __slots__ = ("recording_id",)
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    def __init__(self, recording_id: _Optional[str] = ...) -> None: ...

class DeleteRecordingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportRecordingRequest(_message.Message):
    __slots__ = ("recording_id", "format")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    format: RecordingFormat
    def __init__(self, recording_id: _Optional[str] = ..., format: _Optional[_Union[RecordingFormat, str]] = ...) -> None: ...

class ExportRecordingResponse(_message.Message):
    __slots__ = ("content", "file_name", "content_type")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    FILE_NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    content: str
    file_name: str
    content_type: str
    def __init__(self, content: _Optional[str] = ..., file_name: _Optional[str] = ..., content_type: _Optional[str] = ...) -> None: ...
