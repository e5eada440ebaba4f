from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TunnelRequest(_message.Message):
    __slots__ = ("header", "frame", "end")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    header: TunnelHeader
    frame: TunnelFrame
    end: TunnelEnd
    def __init__(self, header: _Optional[_Union[TunnelHeader, _Mapping]] = ..., frame: _Optional[_Union[TunnelFrame, _Mapping]] = ..., end: _Optional[_Union[TunnelEnd, _Mapping]] = ...) -> None: ...

class TunnelResponse(_message.Message):
    __slots__ = ("frame",)
    FRAME_FIELD_NUMBER: _ClassVar[int]
    frame: TunnelFrame
    def __init__(self, frame: _Optional[_Union[TunnelFrame, _Mapping]] = ...) -> None: ...

class TunnelHeader(_message.Message):
    __slots__ = ("host_id", "browser_session_id", "fence", "tunnel_id", "failure")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    browser_session_id: str
    fence: int
    tunnel_id: str
    failure: str
    def __init__(self, host_id: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., tunnel_id: _Optional[str] = ..., failure: _Optional[str] = ...) -> None: ...

class TunnelFrame(_message.Message):
    __slots__ = ("content", "last")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    last: bool
    def __init__(self, content: _Optional[bytes] = ..., last: _Optional[bool] = ...) -> None: ...

class TunnelEnd(_message.Message):
    __slots__ = ("cause",)
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    cause: str
    def __init__(self, cause: _Optional[str] = ...) -> None: ...
