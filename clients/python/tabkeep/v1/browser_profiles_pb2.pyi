import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BrowserProfile(_message.Message):
    __slots__ = ("browser_profile_id", "organization_id", "name", "description", "version", "versions", "create_time", "update_time")
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    organization_id: str
    name: str
    description: str
    version: int
    versions: _containers.RepeatedCompositeFieldContainer[BrowserProfileVersion]
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, browser_profile_id: _Optional[str] = ..., organization_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[int] = ..., versions: _Optional[_Iterable[_Union[BrowserProfileVersion, _Mapping]]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BrowserProfileVersion(_message.Message):
    __slots__ = ("version", "browser_session_id", "browser_version", "state_time", "size", "cookie_count", "origin_count")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    COOKIE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    version: int
    browser_session_id: str
    browser_version: str
    state_time: _timestamp_pb2.Timestamp
    size: int
    cookie_count: int
    origin_count: int
    def __init__(self, version: _Optional[int] = ..., browser_session_id: _Optional[str] = ..., browser_version: _Optional[str] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., size: _Optional[int] = ..., cookie_count: _Optional[int] = ..., origin_count: _Optional[int] = ...) -> None: ...

class CreateBrowserProfileRequest(_message.Message):
    __slots__ = ("name", "description", "browser_session_id", "storage_state", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    STORAGE_STATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    browser_session_id: str
    storage_state: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., storage_state: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateBrowserProfileResponse(_message.Message):
    __slots__ = ("browser_profile",)
    BROWSER_PROFILE_FIELD_NUMBER: _ClassVar[int]
    browser_profile: BrowserProfile
    def __init__(self, browser_profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class GetBrowserProfileRequest(_message.Message):
    __slots__ = ("browser_profile_id",)
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    def __init__(self, browser_profile_id: _Optional[str] = ...) -> None: ...

class GetBrowserProfileResponse(_message.Message):
    __slots__ = ("browser_profile",)
    BROWSER_PROFILE_FIELD_NUMBER: _ClassVar[int]
    browser_profile: BrowserProfile
    def __init__(self, browser_profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class ListBrowserProfilesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBrowserProfilesResponse(_message.Message):
    __slots__ = ("browser_profiles", "next_page_token")
    BROWSER_PROFILES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    browser_profiles: _containers.RepeatedCompositeFieldContainer[BrowserProfile]
    next_page_token: str
    def __init__(self, browser_profiles: _Optional[_Iterable[_Union[BrowserProfile, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateBrowserProfileRequest(_message.Message):
    __slots__ = ("browser_profile_id", "name", "description", "update_mask")
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    name: str
    description: str
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, browser_profile_id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateBrowserProfileResponse(_message.Message):
    __slots__ = ("browser_profile",)
    BROWSER_PROFILE_FIELD_NUMBER: _ClassVar[int]
    browser_profile: BrowserProfile
    def __init__(self, browser_profile: _Optional[_Union[BrowserProfile, _Mapping]] = ...) -> None: ...

class DeleteBrowserProfileRequest(_message.Message):
    __slots__ = ("browser_profile_id",)
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    def __init__(self, browser_profile_id: _Optional[str] = ...) -> None: ...

class DeleteBrowserProfileResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportBrowserProfileRequest(_message.Message):
    __slots__ = ("browser_profile_id", "version")
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    version: int
    def __init__(self, browser_profile_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class ExportBrowserProfileResponse(_message.Message):
    __slots__ = ("storage_state", "chunk")
    STORAGE_STATE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    storage_state: ExportedStorageState
    chunk: bytes
    def __init__(self, storage_state: _Optional[_Union[ExportedStorageState, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ExportedStorageState(_message.Message):
    __slots__ = ("browser_profile_id", "version", "size", "sha256")
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    browser_profile_id: str
    version: int
    size: int
    sha256: str
    def __init__(self, browser_profile_id: _Optional[str] = ..., version: _Optional[int] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...
