import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BrowserType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BROWSER_TYPE_UNSPECIFIED: _ClassVar[BrowserType]
    BROWSER_TYPE_CHROME: _ClassVar[BrowserType]
    BROWSER_TYPE_MSEDGE: _ClassVar[BrowserType]

class BrowserSessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BROWSER_SESSION_STATE_UNSPECIFIED: _ClassVar[BrowserSessionState]
    BROWSER_SESSION_STATE_PENDING: _ClassVar[BrowserSessionState]
    BROWSER_SESSION_STATE_LAUNCHING: _ClassVar[BrowserSessionState]
    BROWSER_SESSION_STATE_RUNNING: _ClassVar[BrowserSessionState]
    BROWSER_SESSION_STATE_CLOSED: _ClassVar[BrowserSessionState]

class CloseReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLOSE_REASON_UNSPECIFIED: _ClassVar[CloseReason]
    CLOSE_REASON_REQUESTED: _ClassVar[CloseReason]
    CLOSE_REASON_TIMED_OUT: _ClassVar[CloseReason]
    CLOSE_REASON_NO_CAPACITY: _ClassVar[CloseReason]
    CLOSE_REASON_LAUNCH_FAILED: _ClassVar[CloseReason]
    CLOSE_REASON_BROWSER_CRASHED: _ClassVar[CloseReason]
    CLOSE_REASON_HOST_LOST: _ClassVar[CloseReason]
    CLOSE_REASON_HOST_DRAINED: _ClassVar[CloseReason]
    CLOSE_REASON_PROXY_FAILED: _ClassVar[CloseReason]
    CLOSE_REASON_PROFILE_UNUSABLE: _ClassVar[CloseReason]
    CLOSE_REASON_PAGE_CRASHED: _ClassVar[CloseReason]

class DialogPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIALOG_POLICY_UNSPECIFIED: _ClassVar[DialogPolicy]
    DIALOG_POLICY_DISMISS: _ClassVar[DialogPolicy]
    DIALOG_POLICY_ACCEPT: _ClassVar[DialogPolicy]

class CrashPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CRASH_POLICY_UNSPECIFIED: _ClassVar[CrashPolicy]
    CRASH_POLICY_RELOAD: _ClassVar[CrashPolicy]
    CRASH_POLICY_CLOSE_SESSION: _ClassVar[CrashPolicy]

class ProfileSaveState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROFILE_SAVE_STATE_UNSPECIFIED: _ClassVar[ProfileSaveState]
    PROFILE_SAVE_STATE_PENDING: _ClassVar[ProfileSaveState]
    PROFILE_SAVE_STATE_SAVED: _ClassVar[ProfileSaveState]
    PROFILE_SAVE_STATE_SAVED_EARLIER: _ClassVar[ProfileSaveState]
    PROFILE_SAVE_STATE_FAILED: _ClassVar[ProfileSaveState]

class BrowserSessionChange(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BROWSER_SESSION_CHANGE_UNSPECIFIED: _ClassVar[BrowserSessionChange]
    BROWSER_SESSION_CHANGE_SNAPSHOT: _ClassVar[BrowserSessionChange]
    BROWSER_SESSION_CHANGE_UPDATED: _ClassVar[BrowserSessionChange]
    BROWSER_SESSION_CHANGE_PAGE: _ClassVar[BrowserSessionChange]
    BROWSER_SESSION_CHANGE_EXPIRY_WARNING: _ClassVar[BrowserSessionChange]
BROWSER_TYPE_UNSPECIFIED: BrowserType
BROWSER_TYPE_CHROME: BrowserType
BROWSER_TYPE_MSEDGE: BrowserType
BROWSER_SESSION_STATE_UNSPECIFIED: BrowserSessionState
BROWSER_SESSION_STATE_PENDING: BrowserSessionState
BROWSER_SESSION_STATE_LAUNCHING: BrowserSessionState
BROWSER_SESSION_STATE_RUNNING: BrowserSessionState
BROWSER_SESSION_STATE_CLOSED: BrowserSessionState
CLOSE_REASON_UNSPECIFIED: CloseReason
CLOSE_REASON_REQUESTED: CloseReason
CLOSE_REASON_TIMED_OUT: CloseReason
CLOSE_REASON_NO_CAPACITY: CloseReason
CLOSE_REASON_LAUNCH_FAILED: CloseReason
CLOSE_REASON_BROWSER_CRASHED: CloseReason
CLOSE_REASON_HOST_LOST: CloseReason
CLOSE_REASON_HOST_DRAINED: CloseReason
CLOSE_REASON_PROXY_FAILED: CloseReason
CLOSE_REASON_PROFILE_UNUSABLE: CloseReason
CLOSE_REASON_PAGE_CRASHED: CloseReason
DIALOG_POLICY_UNSPECIFIED: DialogPolicy
DIALOG_POLICY_DISMISS: DialogPolicy
DIALOG_POLICY_ACCEPT: DialogPolicy
CRASH_POLICY_UNSPECIFIED: CrashPolicy
CRASH_POLICY_RELOAD: CrashPolicy
CRASH_POLICY_CLOSE_SESSION: CrashPolicy
PROFILE_SAVE_STATE_UNSPECIFIED: ProfileSaveState
PROFILE_SAVE_STATE_PENDING: ProfileSaveState
PROFILE_SAVE_STATE_SAVED: ProfileSaveState
PROFILE_SAVE_STATE_SAVED_EARLIER: ProfileSaveState
PROFILE_SAVE_STATE_FAILED: ProfileSaveState
BROWSER_SESSION_CHANGE_UNSPECIFIED: BrowserSessionChange
BROWSER_SESSION_CHANGE_SNAPSHOT: BrowserSessionChange
BROWSER_SESSION_CHANGE_UPDATED: BrowserSessionChange
BROWSER_SESSION_CHANGE_PAGE: BrowserSessionChange
BROWSER_SESSION_CHANGE_EXPIRY_WARNING: BrowserSessionChange

class PermissionGrant(_message.Message):
    __slots__ = ("permission", "origin")
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    permission: str
    origin: str
    def __init__(self, permission: _Optional[str] = ..., origin: _Optional[str] = ...) -> None: ...

class HttpCredential(_message.Message):
    __slots__ = ("origin", "username", "password")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    origin: str
    username: str
    password: str
    def __init__(self, origin: _Optional[str] = ..., username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class PageOptions(_message.Message):
    __slots__ = ("dialogs", "on_crash", "max_pages", "permissions", "http_credentials")
    DIALOGS_FIELD_NUMBER: _ClassVar[int]
    ON_CRASH_FIELD_NUMBER: _ClassVar[int]
    MAX_PAGES_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    HTTP_CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    dialogs: DialogPolicy
    on_crash: CrashPolicy
    max_pages: int
    permissions: _containers.RepeatedCompositeFieldContainer[PermissionGrant]
    http_credentials: _containers.RepeatedCompositeFieldContainer[HttpCredential]
    def __init__(self, dialogs: _Optional[_Union[DialogPolicy, str]] = ..., on_crash: _Optional[_Union[CrashPolicy, str]] = ..., max_pages: _Optional[int] = ..., permissions: _Optional[_Iterable[_Union[PermissionGrant, _Mapping]]] = ..., http_credentials: _Optional[_Iterable[_Union[HttpCredential, _Mapping]]] = ...) -> None: ...

class BrowserPage(_message.Message):
    __slots__ = ("page_id", "url", "title", "opener_page_id", "current")
    PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    OPENER_PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    page_id: str
    url: str
    title: str
    opener_page_id: str
    current: bool
    def __init__(self, page_id: _Optional[str] = ..., url: _Optional[str] = ..., title: _Optional[str] = ..., opener_page_id: _Optional[str] = ..., current: _Optional[bool] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("type", "since_time", "message")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    type: str
    since_time: _timestamp_pb2.Timestamp
    message: str
    def __init__(self, type: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., message: _Optional[str] = ...) -> None: ...

class Viewport(_message.Message):
    __slots__ = ("width", "height")
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    width: int
    height: int
    def __init__(self, width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class ProxyServer(_message.Message):
    __slots__ = ("url", "username", "password", "bypass")
    URL_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    BYPASS_FIELD_NUMBER: _ClassVar[int]
    url: str
    username: str
    password: str
    bypass: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, url: _Optional[str] = ..., username: _Optional[str] = ..., password: _Optional[str] = ..., bypass: _Optional[_Iterable[str]] = ...) -> None: ...

class Geolocation(_message.Message):
    __slots__ = ("latitude", "longitude", "accuracy")
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    latitude: float
    longitude: float
    accuracy: float
    def __init__(self, latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., accuracy: _Optional[float] = ...) -> None: ...

class SessionIsolation(_message.Message):
    __slots__ = ("own_user", "memory_limit_bytes", "task_limit", "cpu_percent_limit")
    OWN_USER_FIELD_NUMBER: _ClassVar[int]
    MEMORY_LIMIT_BYTES_FIELD_NUMBER: _ClassVar[int]
    TASK_LIMIT_FIELD_NUMBER: _ClassVar[int]
    CPU_PERCENT_LIMIT_FIELD_NUMBER: _ClassVar[int]
    own_user: bool
    memory_limit_bytes: int
    task_limit: int
    cpu_percent_limit: int
    def __init__(self, own_user: _Optional[bool] = ..., memory_limit_bytes: _Optional[int] = ..., task_limit: _Optional[int] = ..., cpu_percent_limit: _Optional[int] = ...) -> None: ...

class BrowserSession(_message.Message):
    __slots__ = ("browser_session_id", "organization_id", "state", "close_reason", "close_message", "timeout", "queue_timeout", "browser_type", "url", "viewport", "labels", "create_time", "start_time", "expire_time", "close_time", "update_time", "browser_gone_time", "host_id", "active_run_id", "current_url", "page_title", "tab_count", "conditions", "browser_version", "sandboxed", "isolation", "warm_start", "proxy", "proxy_location", "allowed_domains", "blocked_domains", "time_zone", "locale", "geolocation", "extensions", "browser_profile_id", "browser_profile_version", "save_profile", "profile_save", "cdp_url", "cdp_attach_time", "page_options")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CLOSE_REASON_FIELD_NUMBER: _ClassVar[int]
    CLOSE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    BROWSER_TYPE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    BROWSER_GONE_TIME_FIELD_NUMBER: _ClassVar[int]
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENT_URL_FIELD_NUMBER: _ClassVar[int]
    PAGE_TITLE_FIELD_NUMBER: _ClassVar[int]
    TAB_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    BROWSER_VERSION_FIELD_NUMBER: _ClassVar[int]
    SANDBOXED_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    WARM_START_FIELD_NUMBER: _ClassVar[int]
    PROXY_FIELD_NUMBER: _ClassVar[int]
    PROXY_LOCATION_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    GEOLOCATION_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_VERSION_FIELD_NUMBER: _ClassVar[int]
    SAVE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_SAVE_FIELD_NUMBER: _ClassVar[int]
    CDP_URL_FIELD_NUMBER: _ClassVar[int]
    CDP_ATTACH_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    organization_id: str
    state: BrowserSessionState
    close_reason: CloseReason
    close_message: str
    timeout: _duration_pb2.Duration
    queue_timeout: _duration_pb2.Duration
    browser_type: BrowserType
    url: str
    viewport: Viewport
    labels: _containers.ScalarMap[str, str]
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    close_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    browser_gone_time: _timestamp_pb2.Timestamp
    host_id: str
    active_run_id: str
    current_url: str
    page_title: str
    tab_count: int
    conditions: _containers.RepeatedCompositeFieldContainer[Condition]
    browser_version: str
    sandboxed: bool
    isolation: SessionIsolation
    warm_start: bool
    proxy: ProxyServer
    proxy_location: str
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    blocked_domains: _containers.RepeatedScalarFieldContainer[str]
    time_zone: str
    locale: str
    geolocation: Geolocation
    extensions: _containers.RepeatedScalarFieldContainer[str]
    browser_profile_id: str
    browser_profile_version: int
    save_profile: bool
    profile_save: ProfileSave
    cdp_url: str
    cdp_attach_time: _timestamp_pb2.Timestamp
    page_options: PageOptions
    def __init__(self, browser_session_id: _Optional[str] = ..., organization_id: _Optional[str] = ..., state: _Optional[_Union[BrowserSessionState, str]] = ..., close_reason: _Optional[_Union[CloseReason, str]] = ..., close_message: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., queue_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., browser_type: _Optional[_Union[BrowserType, str]] = ..., url: _Optional[str] = ..., viewport: _Optional[_Union[Viewport, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., close_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., browser_gone_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., host_id: _Optional[str] = ..., active_run_id: _Optional[str] = ..., current_url: _Optional[str] = ..., page_title: _Optional[str] = ..., tab_count: _Optional[int] = ..., conditions: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ..., browser_version: _Optional[str] = ..., sandboxed: _Optional[bool] = ..., isolation: _Optional[_Union[SessionIsolation, _Mapping]] = ..., warm_start: _Optional[bool] = ..., proxy: _Optional[_Union[ProxyServer, _Mapping]] = ..., proxy_location: _Optional[str] = ..., allowed_domains: _Optional[_Iterable[str]] = ..., blocked_domains: _Optional[_Iterable[str]] = ..., time_zone: _Optional[str] = ..., locale: _Optional[str] = ..., geolocation: _Optional[_Union[Geolocation, _Mapping]] = ..., extensions: _Optional[_Iterable[str]] = ..., browser_profile_id: _Optional[str] = ..., browser_profile_version: _Optional[int] = ..., save_profile: _Optional[bool] = ..., profile_save: _Optional[_Union[ProfileSave, _Mapping]] = ..., cdp_url: _Optional[str] = ..., cdp_attach_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_options: _Optional[_Union[PageOptions, _Mapping]] = ...) -> None: ...

class ProfileSave(_message.Message):
    __slots__ = ("state", "message", "browser_profile_version", "state_time")
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    state: ProfileSaveState
    message: str
    browser_profile_version: int
    state_time: _timestamp_pb2.Timestamp
    def __init__(self, state: _Optional[_Union[ProfileSaveState, str]] = ..., message: _Optional[str] = ..., browser_profile_version: _Optional[int] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CreateBrowserSessionRequest(_message.Message):
    __slots__ = ("timeout", "browser_type", "url", "viewport", "labels", "queue_timeout", "request_id", "proxy", "proxy_location", "allowed_domains", "blocked_domains", "extensions", "browser_profile_id", "save_profile", "browser_profile_version", "page_options")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    BROWSER_TYPE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROXY_FIELD_NUMBER: _ClassVar[int]
    PROXY_LOCATION_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    SAVE_PROFILE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_VERSION_FIELD_NUMBER: _ClassVar[int]
    PAGE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    browser_type: BrowserType
    url: str
    viewport: Viewport
    labels: _containers.ScalarMap[str, str]
    queue_timeout: _duration_pb2.Duration
    request_id: str
    proxy: ProxyServer
    proxy_location: str
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    blocked_domains: _containers.RepeatedScalarFieldContainer[str]
    extensions: _containers.RepeatedScalarFieldContainer[str]
    browser_profile_id: str
    save_profile: bool
    browser_profile_version: int
    page_options: PageOptions
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., browser_type: _Optional[_Union[BrowserType, str]] = ..., url: _Optional[str] = ..., viewport: _Optional[_Union[Viewport, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., queue_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., request_id: _Optional[str] = ..., proxy: _Optional[_Union[ProxyServer, _Mapping]] = ..., proxy_location: _Optional[str] = ..., allowed_domains: _Optional[_Iterable[str]] = ..., blocked_domains: _Optional[_Iterable[str]] = ..., extensions: _Optional[_Iterable[str]] = ..., browser_profile_id: _Optional[str] = ..., save_profile: _Optional[bool] = ..., browser_profile_version: _Optional[int] = ..., page_options: _Optional[_Union[PageOptions, _Mapping]] = ...) -> None: ...

class CreateBrowserSessionResponse(_message.Message):
    __slots__ = ("browser_session",)
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    browser_session: BrowserSession
    def __init__(self, browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...

class GetBrowserSessionRequest(_message.Message):
    __slots__ = ("browser_session_id",)
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    def __init__(self, browser_session_id: _Optional[str] = ...) -> None: ...

class GetBrowserSessionResponse(_message.Message):
    __slots__ = ("browser_session",)
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    browser_session: BrowserSession
    def __init__(self, browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...

class ListBrowserSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "states", "labels")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    states: _containers.RepeatedScalarFieldContainer[BrowserSessionState]
    labels: _containers.ScalarMap[str, str]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., states: _Optional[_Iterable[_Union[BrowserSessionState, str]]] = ..., labels: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ListBrowserSessionsResponse(_message.Message):
    __slots__ = ("browser_sessions", "next_page_token")
    BROWSER_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    browser_sessions: _containers.RepeatedCompositeFieldContainer[BrowserSession]
    next_page_token: str
    def __init__(self, browser_sessions: _Optional[_Iterable[_Union[BrowserSession, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchBrowserSessionRequest(_message.Message):
    __slots__ = ("browser_session_id", "expiry_warning")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_WARNING_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    expiry_warning: _duration_pb2.Duration
    def __init__(self, browser_session_id: _Optional[str] = ..., expiry_warning: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchBrowserSessionResponse(_message.Message):
    __slots__ = ("change", "browser_session")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    change: BrowserSessionChange
    browser_session: BrowserSession
    def __init__(self, change: _Optional[_Union[BrowserSessionChange, str]] = ..., browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...

class ExtendBrowserSessionRequest(_message.Message):
    __slots__ = ("browser_session_id", "timeout")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    timeout: _duration_pb2.Duration
    def __init__(self, browser_session_id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ExtendBrowserSessionResponse(_message.Message):
    __slots__ = ("browser_session",)
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    browser_session: BrowserSession
    def __init__(self, browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...

class UpdateBrowserSessionRequest(_message.Message):
    __slots__ = ("browser_session_id", "proxy", "proxy_location", "allowed_domains", "blocked_domains", "page_options", "update_mask")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    PROXY_FIELD_NUMBER: _ClassVar[int]
    PROXY_LOCATION_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    PAGE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    proxy: ProxyServer
    proxy_location: str
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    blocked_domains: _containers.RepeatedScalarFieldContainer[str]
    page_options: PageOptions
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, browser_session_id: _Optional[str] = ..., proxy: _Optional[_Union[ProxyServer, _Mapping]] = ..., proxy_location: _Optional[str] = ..., allowed_domains: _Optional[_Iterable[str]] = ..., blocked_domains: _Optional[_Iterable[str]] = ..., page_options: _Optional[_Union[PageOptions, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateBrowserSessionResponse(_message.Message):
    __slots__ = ("browser_session",)
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    browser_session: BrowserSession
    def __init__(self, browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...

class ListPagesRequest(_message.Message):
    __slots__ = ("browser_session_id",)
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    def __init__(self, browser_session_id: _Optional[str] = ...) -> None: ...

class ListPagesResponse(_message.Message):
    __slots__ = ("pages",)
    PAGES_FIELD_NUMBER: _ClassVar[int]
    pages: _containers.RepeatedCompositeFieldContainer[BrowserPage]
    def __init__(self, pages: _Optional[_Iterable[_Union[BrowserPage, _Mapping]]] = ...) -> None: ...

class CreateTakeOverLinkRequest(_message.Message):
    __slots__ = ("browser_session_id", "lifetime")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LIFETIME_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    lifetime: _duration_pb2.Duration
    def __init__(self, browser_session_id: _Optional[str] = ..., lifetime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CreateTakeOverLinkResponse(_message.Message):
    __slots__ = ("url", "expire_time")
    URL_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    url: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, url: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CloseBrowserSessionRequest(_message.Message):
    __slots__ = ("browser_session_id",)
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    def __init__(self, browser_session_id: _Optional[str] = ...) -> None: ...

class CloseBrowserSessionResponse(_message.Message):
    __slots__ = ("browser_session",)
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    browser_session: BrowserSession
    def __init__(self, browser_session: _Optional[_Union[BrowserSession, _Mapping]] = ...) -> None: ...
