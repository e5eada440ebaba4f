import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabkeep.v1 import browser_sessions_pb2 as _browser_sessions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HostState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOST_STATE_UNSPECIFIED: _ClassVar[HostState]
    HOST_STATE_READY: _ClassVar[HostState]
    HOST_STATE_SUSPECT: _ClassVar[HostState]
    HOST_STATE_LOST: _ClassVar[HostState]
    HOST_STATE_DRAINING: _ClassVar[HostState]
    HOST_STATE_GONE: _ClassVar[HostState]
    HOST_STATE_RECOVERING: _ClassVar[HostState]
    HOST_STATE_QUARANTINED: _ClassVar[HostState]
HOST_STATE_UNSPECIFIED: HostState
HOST_STATE_READY: HostState
HOST_STATE_SUSPECT: HostState
HOST_STATE_LOST: HostState
HOST_STATE_DRAINING: HostState
HOST_STATE_GONE: HostState
HOST_STATE_RECOVERING: HostState
HOST_STATE_QUARANTINED: HostState

class BrowserOffer(_message.Message):
    __slots__ = ("browser_type", "version")
    BROWSER_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    browser_type: _browser_sessions_pb2.BrowserType
    version: str
    def __init__(self, browser_type: _Optional[_Union[_browser_sessions_pb2.BrowserType, str]] = ..., version: _Optional[str] = ...) -> None: ...

class ExtensionOffer(_message.Message):
    __slots__ = ("name", "version", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    sha256: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class HostIsolation(_message.Message):
    __slots__ = ("user_per_session", "session_memory_limit_bytes", "session_task_limit", "session_cpu_percent_limit")
    USER_PER_SESSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_MEMORY_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SESSION_TASK_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SESSION_CPU_PERCENT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    user_per_session: bool
    session_memory_limit_bytes: int
    session_task_limit: int
    session_cpu_percent_limit: int
    def __init__(self, user_per_session: _Optional[bool] = ..., session_memory_limit_bytes: _Optional[int] = ..., session_task_limit: _Optional[int] = ..., session_cpu_percent_limit: _Optional[int] = ...) -> None: ...

class Host(_message.Message):
    __slots__ = ("host_id", "state", "state_message", "capacity", "sessions", "browsers", "build", "incarnation", "attach_time", "heartbeat_time", "drain_expire_time", "sandboxed", "load_average", "available_memory_bytes", "extensions", "isolation")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    BROWSERS_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ATTACH_TIME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_TIME_FIELD_NUMBER: _ClassVar[int]
    DRAIN_EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    SANDBOXED_FIELD_NUMBER: _ClassVar[int]
    LOAD_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    state: HostState
    state_message: str
    capacity: int
    sessions: int
    browsers: _containers.RepeatedCompositeFieldContainer[BrowserOffer]
    build: str
    incarnation: str
    attach_time: _timestamp_pb2.Timestamp
    heartbeat_time: _timestamp_pb2.Timestamp
    drain_expire_time: _timestamp_pb2.Timestamp
    sandboxed: bool
    load_average: float
    available_memory_bytes: int
    extensions: _containers.RepeatedCompositeFieldContainer[ExtensionOffer]
    isolation: HostIsolation
    def __init__(self, host_id: _Optional[str] = ..., state: _Optional[_Union[HostState, str]] = ..., state_message: _Optional[str] = ..., capacity: _Optional[int] = ..., sessions: _Optional[int] = ..., browsers: _Optional[_Iterable[_Union[BrowserOffer, _Mapping]]] = ..., build: _Optional[str] = ..., incarnation: _Optional[str] = ..., attach_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., drain_expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sandboxed: _Optional[bool] = ..., load_average: _Optional[float] = ..., available_memory_bytes: _Optional[int] = ..., extensions: _Optional[_Iterable[_Union[ExtensionOffer, _Mapping]]] = ..., isolation: _Optional[_Union[HostIsolation, _Mapping]] = ...) -> None: ...

class ListHostsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListHostsResponse(_message.Message):
    __slots__ = ("hosts",)
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    hosts: _containers.RepeatedCompositeFieldContainer[Host]
    def __init__(self, hosts: _Optional[_Iterable[_Union[Host, _Mapping]]] = ...) -> None: ...

class GetHostRequest(_message.Message):
    __slots__ = ("host_id",)
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    def __init__(self, host_id: _Optional[str] = ...) -> None: ...

class GetHostResponse(_message.Message):
    __slots__ = ("host",)
    HOST_FIELD_NUMBER: _ClassVar[int]
    host: Host
    def __init__(self, host: _Optional[_Union[Host, _Mapping]] = ...) -> None: ...

class DrainHostRequest(_message.Message):
    __slots__ = ("host_id", "drain_timeout")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    DRAIN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    drain_timeout: _duration_pb2.Duration
    def __init__(self, host_id: _Optional[str] = ..., drain_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DrainHostResponse(_message.Message):
    __slots__ = ("host",)
    HOST_FIELD_NUMBER: _ClassVar[int]
    host: Host
    def __init__(self, host: _Optional[_Union[Host, _Mapping]] = ...) -> None: ...

class ReleaseHostRequest(_message.Message):
    __slots__ = ("host_id",)
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    def __init__(self, host_id: _Optional[str] = ...) -> None: ...

class ReleaseHostResponse(_message.Message):
    __slots__ = ("host",)
    HOST_FIELD_NUMBER: _ClassVar[int]
    host: Host
    def __init__(self, host: _Optional[_Union[Host, _Mapping]] = ...) -> None: ...
