import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Usage(_message.Message):
    __slots__ = ("organization_id", "month", "session_time", "session_minutes", "session_count", "open_session_count")
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    SESSION_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_MINUTES_FIELD_NUMBER: _ClassVar[int]
    SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_SESSION_COUNT_FIELD_NUMBER: _ClassVar[int]
    organization_id: str
    month: str
    session_time: _duration_pb2.Duration
    session_minutes: int
    session_count: int
    open_session_count: int
    def __init__(self, organization_id: _Optional[str] = ..., month: _Optional[str] = ..., session_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., session_minutes: _Optional[int] = ..., session_count: _Optional[int] = ..., open_session_count: _Optional[int] = ...) -> None: ...

class GetUsageRequest(_message.Message):
    __slots__ = ("month", "organization_id")
    MONTH_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    month: str
    organization_id: str
    def __init__(self, month: _Optional[str] = ..., organization_id: _Optional[str] = ...) -> None: ...

class GetUsageResponse(_message.Message):
    __slots__ = ("usage",)
    USAGE_FIELD_NUMBER: _ClassVar[int]
    usage: Usage
    def __init__(self, usage: _Optional[_Union[Usage, _Mapping]] = ...) -> None: ...
