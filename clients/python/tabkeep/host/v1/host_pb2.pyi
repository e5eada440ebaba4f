import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from tabkeep.v1 import actions_pb2 as _actions_pb2
from tabkeep.v1 import artifacts_pb2 as _artifacts_pb2
from tabkeep.v1 import browser_sessions_pb2 as _browser_sessions_pb2
from tabkeep.v1 import files_pb2 as _files_pb2
from tabkeep.v1 import hosts_pb2 as _hosts_pb2
from tabkeep.v1 import recordings_pb2 as _recordings_pb2
from tabkeep.v1 import runs_pb2 as _runs_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetCredentialRequest(_message.Message):
    __slots__ = ("host_id", "browser_session_id", "fence", "run_id", "origin", "username")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    browser_session_id: str
    fence: int
    run_id: str
    origin: str
    username: str
    def __init__(self, host_id: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., run_id: _Optional[str] = ..., origin: _Optional[str] = ..., username: _Optional[str] = ...) -> None: ...

class GetCredentialResponse(_message.Message):
    __slots__ = ("username", "password", "one_time_code")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_CODE_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    one_time_code: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., one_time_code: _Optional[str] = ...) -> None: ...

class AttachRequest(_message.Message):
    __slots__ = ("stream_no", "hello", "heartbeat", "event_batch", "command_result", "page_report", "tombstone", "goodbye")
    STREAM_NO_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    EVENT_BATCH_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_FIELD_NUMBER: _ClassVar[int]
    PAGE_REPORT_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    stream_no: int
    hello: Hello
    heartbeat: Heartbeat
    event_batch: EventBatch
    command_result: CommandResult
    page_report: PageReport
    tombstone: Tombstone
    goodbye: Goodbye
    def __init__(self, stream_no: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., event_batch: _Optional[_Union[EventBatch, _Mapping]] = ..., command_result: _Optional[_Union[CommandResult, _Mapping]] = ..., page_report: _Optional[_Union[PageReport, _Mapping]] = ..., tombstone: _Optional[_Union[Tombstone, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ...) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("control_epoch", "stream_no", "welcome", "heartbeat_ack", "command", "event_ack", "resend", "stop_run", "tombstone_ack", "drain", "command_result_ack", "capture_state", "open_tunnel", "capture_page", "event_acks")
    CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    STREAM_NO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_ACK_FIELD_NUMBER: _ClassVar[int]
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    EVENT_ACK_FIELD_NUMBER: _ClassVar[int]
    RESEND_FIELD_NUMBER: _ClassVar[int]
    STOP_RUN_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONE_ACK_FIELD_NUMBER: _ClassVar[int]
    DRAIN_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULT_ACK_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_STATE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TUNNEL_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_PAGE_FIELD_NUMBER: _ClassVar[int]
    EVENT_ACKS_FIELD_NUMBER: _ClassVar[int]
    control_epoch: int
    stream_no: int
    welcome: Welcome
    heartbeat_ack: HeartbeatAck
    command: Command
    event_ack: EventAck
    resend: Resend
    stop_run: StopRun
    tombstone_ack: TombstoneAck
    drain: Drain
    command_result_ack: CommandResultAck
    capture_state: CaptureState
    open_tunnel: OpenTunnel
    capture_page: CapturePage
    event_acks: EventAcks
    def __init__(self, control_epoch: _Optional[int] = ..., stream_no: _Optional[int] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., heartbeat_ack: _Optional[_Union[HeartbeatAck, _Mapping]] = ..., command: _Optional[_Union[Command, _Mapping]] = ..., event_ack: _Optional[_Union[EventAck, _Mapping]] = ..., resend: _Optional[_Union[Resend, _Mapping]] = ..., stop_run: _Optional[_Union[StopRun, _Mapping]] = ..., tombstone_ack: _Optional[_Union[TombstoneAck, _Mapping]] = ..., drain: _Optional[_Union[Drain, _Mapping]] = ..., command_result_ack: _Optional[_Union[CommandResultAck, _Mapping]] = ..., capture_state: _Optional[_Union[CaptureState, _Mapping]] = ..., open_tunnel: _Optional[_Union[OpenTunnel, _Mapping]] = ..., capture_page: _Optional[_Union[CapturePage, _Mapping]] = ..., event_acks: _Optional[_Union[EventAcks, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("host_id", "incarnation", "boot_id", "protocol_min", "protocol_max", "build", "highest_control_epoch", "capacity", "browsers", "sandboxed", "inventory", "runs", "tombstones", "command_results", "heartbeat_no", "draining", "takes_event_acks", "extensions", "fault", "isolation")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    BOOT_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MIN_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_MAX_FIELD_NUMBER: _ClassVar[int]
    BUILD_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_CONTROL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    BROWSERS_FIELD_NUMBER: _ClassVar[int]
    SANDBOXED_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONES_FIELD_NUMBER: _ClassVar[int]
    COMMAND_RESULTS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_NO_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    TAKES_EVENT_ACKS_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    incarnation: str
    boot_id: str
    protocol_min: int
    protocol_max: int
    build: str
    highest_control_epoch: int
    capacity: int
    browsers: _containers.RepeatedCompositeFieldContainer[_hosts_pb2.BrowserOffer]
    sandboxed: bool
    inventory: _containers.RepeatedCompositeFieldContainer[InventoryItem]
    runs: _containers.RepeatedCompositeFieldContainer[RunProgress]
    tombstones: _containers.RepeatedCompositeFieldContainer[Tombstone]
    command_results: _containers.RepeatedCompositeFieldContainer[CommandResult]
    heartbeat_no: int
    draining: bool
    takes_event_acks: bool
    extensions: _containers.RepeatedCompositeFieldContainer[_hosts_pb2.ExtensionOffer]
    fault: str
    isolation: _hosts_pb2.HostIsolation
    def __init__(self, host_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., boot_id: _Optional[str] = ..., protocol_min: _Optional[int] = ..., protocol_max: _Optional[int] = ..., build: _Optional[str] = ..., highest_control_epoch: _Optional[int] = ..., capacity: _Optional[int] = ..., browsers: _Optional[_Iterable[_Union[_hosts_pb2.BrowserOffer, _Mapping]]] = ..., sandboxed: _Optional[bool] = ..., inventory: _Optional[_Iterable[_Union[InventoryItem, _Mapping]]] = ..., runs: _Optional[_Iterable[_Union[RunProgress, _Mapping]]] = ..., tombstones: _Optional[_Iterable[_Union[Tombstone, _Mapping]]] = ..., command_results: _Optional[_Iterable[_Union[CommandResult, _Mapping]]] = ..., heartbeat_no: _Optional[int] = ..., draining: _Optional[bool] = ..., takes_event_acks: _Optional[bool] = ..., extensions: _Optional[_Iterable[_Union[_hosts_pb2.ExtensionOffer, _Mapping]]] = ..., fault: _Optional[str] = ..., isolation: _Optional[_Union[_hosts_pb2.HostIsolation, _Mapping]] = ...) -> None: ...

class InventoryItem(_message.Message):
    __slots__ = ("browser_session_id", "fence", "live", "age")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    live: bool
    age: _duration_pb2.Duration
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., live: _Optional[bool] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RunProgress(_message.Message):
    __slots__ = ("run_id", "last_seq")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    last_seq: int
    def __init__(self, run_id: _Optional[str] = ..., last_seq: _Optional[int] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("protocol", "heartbeat_no", "heartbeat_interval", "action_lease", "holding_lease", "verdicts", "event_acks")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_NO_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    ACTION_LEASE_FIELD_NUMBER: _ClassVar[int]
    HOLDING_LEASE_FIELD_NUMBER: _ClassVar[int]
    VERDICTS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ACKS_FIELD_NUMBER: _ClassVar[int]
    protocol: int
    heartbeat_no: int
    heartbeat_interval: _duration_pb2.Duration
    action_lease: _duration_pb2.Duration
    holding_lease: _duration_pb2.Duration
    verdicts: _containers.RepeatedCompositeFieldContainer[Verdict]
    event_acks: _containers.RepeatedCompositeFieldContainer[EventAck]
    def __init__(self, protocol: _Optional[int] = ..., heartbeat_no: _Optional[int] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., action_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., holding_lease: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., verdicts: _Optional[_Iterable[_Union[Verdict, _Mapping]]] = ..., event_acks: _Optional[_Iterable[_Union[EventAck, _Mapping]]] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("browser_session_id", "fence", "keep")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    keep: bool
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., keep: _Optional[bool] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("heartbeat_no", "load_average", "available_memory_bytes", "draining")
    HEARTBEAT_NO_FIELD_NUMBER: _ClassVar[int]
    LOAD_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    heartbeat_no: int
    load_average: float
    available_memory_bytes: int
    draining: bool
    def __init__(self, heartbeat_no: _Optional[int] = ..., load_average: _Optional[float] = ..., available_memory_bytes: _Optional[int] = ..., draining: _Optional[bool] = ...) -> None: ...

class HeartbeatAck(_message.Message):
    __slots__ = ("heartbeat_no",)
    HEARTBEAT_NO_FIELD_NUMBER: _ClassVar[int]
    heartbeat_no: int
    def __init__(self, heartbeat_no: _Optional[int] = ...) -> None: ...

class Command(_message.Message):
    __slots__ = ("command_id", "browser_session_id", "fence", "traceparent", "launch", "close", "start_run", "cancel_run", "resolve_approval", "set_timeout", "set_network", "set_page_options")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    START_RUN_FIELD_NUMBER: _ClassVar[int]
    CANCEL_RUN_FIELD_NUMBER: _ClassVar[int]
    RESOLVE_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    SET_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SET_NETWORK_FIELD_NUMBER: _ClassVar[int]
    SET_PAGE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    command_id: int
    browser_session_id: str
    fence: int
    traceparent: str
    launch: Launch
    close: Close
    start_run: StartRun
    cancel_run: CancelRun
    resolve_approval: ResolveApproval
    set_timeout: SetTimeout
    set_network: Network
    set_page_options: _browser_sessions_pb2.PageOptions
    def __init__(self, command_id: _Optional[int] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., traceparent: _Optional[str] = ..., launch: _Optional[_Union[Launch, _Mapping]] = ..., close: _Optional[_Union[Close, _Mapping]] = ..., start_run: _Optional[_Union[StartRun, _Mapping]] = ..., cancel_run: _Optional[_Union[CancelRun, _Mapping]] = ..., resolve_approval: _Optional[_Union[ResolveApproval, _Mapping]] = ..., set_timeout: _Optional[_Union[SetTimeout, _Mapping]] = ..., set_network: _Optional[_Union[Network, _Mapping]] = ..., set_page_options: _Optional[_Union[_browser_sessions_pb2.PageOptions, _Mapping]] = ...) -> None: ...

class Launch(_message.Message):
    __slots__ = ("browser_type", "url", "viewport", "timeout", "launch_timeout", "from_state", "save_state", "extensions", "network", "page_options")
    BROWSER_TYPE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VIEWPORT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    LAUNCH_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    SAVE_STATE_FIELD_NUMBER: _ClassVar[int]
    EXTENSIONS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PAGE_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    browser_type: _browser_sessions_pb2.BrowserType
    url: str
    viewport: _browser_sessions_pb2.Viewport
    timeout: _duration_pb2.Duration
    launch_timeout: _duration_pb2.Duration
    from_state: bool
    save_state: bool
    extensions: _containers.RepeatedScalarFieldContainer[str]
    network: Network
    page_options: _browser_sessions_pb2.PageOptions
    def __init__(self, browser_type: _Optional[_Union[_browser_sessions_pb2.BrowserType, str]] = ..., url: _Optional[str] = ..., viewport: _Optional[_Union[_browser_sessions_pb2.Viewport, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., launch_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., from_state: _Optional[bool] = ..., save_state: _Optional[bool] = ..., extensions: _Optional[_Iterable[str]] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., page_options: _Optional[_Union[_browser_sessions_pb2.PageOptions, _Mapping]] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("proxy", "allowed_domains", "blocked_domains", "time_zone", "locale", "geolocation")
    PROXY_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_DOMAINS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    GEOLOCATION_FIELD_NUMBER: _ClassVar[int]
    proxy: Proxy
    allowed_domains: _containers.RepeatedScalarFieldContainer[str]
    blocked_domains: _containers.RepeatedScalarFieldContainer[str]
    time_zone: str
    locale: str
    geolocation: _browser_sessions_pb2.Geolocation
    def __init__(self, proxy: _Optional[_Union[Proxy, _Mapping]] = ..., allowed_domains: _Optional[_Iterable[str]] = ..., blocked_domains: _Optional[_Iterable[str]] = ..., time_zone: _Optional[str] = ..., locale: _Optional[str] = ..., geolocation: _Optional[_Union[_browser_sessions_pb2.Geolocation, _Mapping]] = ...) -> None: ...

class Proxy(_message.Message):
    __slots__ = ("url", "username", "password", "bypass", "trusted")
    URL_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    BYPASS_FIELD_NUMBER: _ClassVar[int]
    TRUSTED_FIELD_NUMBER: _ClassVar[int]
    url: str
    username: str
    password: str
    bypass: _containers.RepeatedScalarFieldContainer[str]
    trusted: bool
    def __init__(self, url: _Optional[str] = ..., username: _Optional[str] = ..., password: _Optional[str] = ..., bypass: _Optional[_Iterable[str]] = ..., trusted: _Optional[bool] = ...) -> None: ...

class Close(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: _browser_sessions_pb2.CloseReason
    def __init__(self, reason: _Optional[_Union[_browser_sessions_pb2.CloseReason, str]] = ...) -> None: ...

class StartRun(_message.Message):
    __slots__ = ("run_id", "blocks", "parameters", "data_extraction_schema", "max_steps", "timeout", "screenshots", "workflow", "planner", "irreversible_policy", "secrets", "secret_parameters", "record_console", "record_network", "screen_recording")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    DATA_EXTRACTION_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOTS_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    IRREVERSIBLE_POLICY_FIELD_NUMBER: _ClassVar[int]
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    SECRET_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    RECORD_CONSOLE_FIELD_NUMBER: _ClassVar[int]
    RECORD_NETWORK_FIELD_NUMBER: _ClassVar[int]
    SCREEN_RECORDING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    blocks: _containers.RepeatedCompositeFieldContainer[Block]
    parameters: _struct_pb2.Struct
    data_extraction_schema: _struct_pb2.Struct
    max_steps: int
    timeout: _duration_pb2.Duration
    screenshots: _runs_pb2.ScreenshotMode
    workflow: bool
    planner: _runs_pb2.Planner
    irreversible_policy: _runs_pb2.IrreversiblePolicy
    secrets: _containers.RepeatedScalarFieldContainer[str]
    secret_parameters: _containers.RepeatedScalarFieldContainer[str]
    record_console: bool
    record_network: bool
    screen_recording: _runs_pb2.ScreenRecording
    def __init__(self, run_id: _Optional[str] = ..., blocks: _Optional[_Iterable[_Union[Block, _Mapping]]] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_extraction_schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., max_steps: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., screenshots: _Optional[_Union[_runs_pb2.ScreenshotMode, str]] = ..., workflow: _Optional[bool] = ..., planner: _Optional[_Union[_runs_pb2.Planner, str]] = ..., irreversible_policy: _Optional[_Union[_runs_pb2.IrreversiblePolicy, str]] = ..., secrets: _Optional[_Iterable[str]] = ..., secret_parameters: _Optional[_Iterable[str]] = ..., record_console: _Optional[bool] = ..., record_network: _Optional[bool] = ..., screen_recording: _Optional[_Union[_runs_pb2.ScreenRecording, _Mapping]] = ...) -> None: ...

class Recordings(_message.Message):
    __slots__ = ("mode", "template", "values", "known")
    class Known(_message.Message):
        __slots__ = ("recording_id", "version", "trusted", "task")
        RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
        VERSION_FIELD_NUMBER: _ClassVar[int]
        TRUSTED_FIELD_NUMBER: _ClassVar[int]
        TASK_FIELD_NUMBER: _ClassVar[int]
        recording_id: str
        version: int
        trusted: bool
        task: _recordings_pb2.RecordedTask
        def __init__(self, recording_id: _Optional[str] = ..., version: _Optional[int] = ..., trusted: _Optional[bool] = ..., task: _Optional[_Union[_recordings_pb2.RecordedTask, _Mapping]] = ...) -> None: ...
    MODE_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    mode: _runs_pb2.ReplayMode
    template: str
    values: _containers.RepeatedCompositeFieldContainer[PromptValue]
    known: _containers.RepeatedCompositeFieldContainer[Recordings.Known]
    def __init__(self, mode: _Optional[_Union[_runs_pb2.ReplayMode, str]] = ..., template: _Optional[str] = ..., values: _Optional[_Iterable[_Union[PromptValue, _Mapping]]] = ..., known: _Optional[_Iterable[_Union[Recordings.Known, _Mapping]]] = ...) -> None: ...

class PromptValue(_message.Message):
    __slots__ = ("name", "text", "secret")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    secret: bool
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., secret: _Optional[bool] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("block_id", "timeout", "goto", "task", "actions", "extract", "wait", "approve")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    GOTO_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    EXTRACT_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    APPROVE_FIELD_NUMBER: _ClassVar[int]
    block_id: str
    timeout: _duration_pb2.Duration
    goto: _actions_pb2.Goto
    task: TaskBlock
    actions: ActionsBlock
    extract: _actions_pb2.Extract
    wait: _actions_pb2.Wait
    approve: ApproveBlock
    def __init__(self, block_id: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., goto: _Optional[_Union[_actions_pb2.Goto, _Mapping]] = ..., task: _Optional[_Union[TaskBlock, _Mapping]] = ..., actions: _Optional[_Union[ActionsBlock, _Mapping]] = ..., extract: _Optional[_Union[_actions_pb2.Extract, _Mapping]] = ..., wait: _Optional[_Union[_actions_pb2.Wait, _Mapping]] = ..., approve: _Optional[_Union[ApproveBlock, _Mapping]] = ...) -> None: ...

class TaskBlock(_message.Message):
    __slots__ = ("prompt", "data_extraction_schema", "max_steps", "recordings")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    DATA_EXTRACTION_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    RECORDINGS_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    data_extraction_schema: _struct_pb2.Struct
    max_steps: int
    recordings: Recordings
    def __init__(self, prompt: _Optional[str] = ..., data_extraction_schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., max_steps: _Optional[int] = ..., recordings: _Optional[_Union[Recordings, _Mapping]] = ...) -> None: ...

class ActionsBlock(_message.Message):
    __slots__ = ("actions",)
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    actions: _containers.RepeatedCompositeFieldContainer[_actions_pb2.Action]
    def __init__(self, actions: _Optional[_Iterable[_Union[_actions_pb2.Action, _Mapping]]] = ...) -> None: ...

class ApproveBlock(_message.Message):
    __slots__ = ("message", "timeout")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    message: str
    timeout: _duration_pb2.Duration
    def __init__(self, message: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CancelRun(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class ResolveApproval(_message.Message):
    __slots__ = ("run_id", "approval_id", "approved", "comment")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    approval_id: str
    approved: bool
    comment: str
    def __init__(self, run_id: _Optional[str] = ..., approval_id: _Optional[str] = ..., approved: _Optional[bool] = ..., comment: _Optional[str] = ...) -> None: ...

class SetTimeout(_message.Message):
    __slots__ = ("timeout",)
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    timeout: _duration_pb2.Duration
    def __init__(self, timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("command_id", "launched", "done", "failure")
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    LAUNCHED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    command_id: int
    launched: Launched
    done: Done
    failure: Failure
    def __init__(self, command_id: _Optional[int] = ..., launched: _Optional[_Union[Launched, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...

class Launched(_message.Message):
    __slots__ = ("age", "browser_version", "state_notes", "isolation", "warm_start")
    AGE_FIELD_NUMBER: _ClassVar[int]
    BROWSER_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_NOTES_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    WARM_START_FIELD_NUMBER: _ClassVar[int]
    age: _duration_pb2.Duration
    browser_version: str
    state_notes: str
    isolation: _browser_sessions_pb2.SessionIsolation
    warm_start: bool
    def __init__(self, age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., browser_version: _Optional[str] = ..., state_notes: _Optional[str] = ..., isolation: _Optional[_Union[_browser_sessions_pb2.SessionIsolation, _Mapping]] = ..., warm_start: _Optional[bool] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Failure(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class CommandResultAck(_message.Message):
    __slots__ = ("command_id",)
    COMMAND_ID_FIELD_NUMBER: _ClassVar[int]
    command_id: int
    def __init__(self, command_id: _Optional[int] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[HostedEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[HostedEvent, _Mapping]]] = ...) -> None: ...

class HostedEvent(_message.Message):
    __slots__ = ("browser_session_id", "fence", "event")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    event: _runs_pb2.RunEvent
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., event: _Optional[_Union[_runs_pb2.RunEvent, _Mapping]] = ...) -> None: ...

class EventAck(_message.Message):
    __slots__ = ("run_id", "seq")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    seq: int
    def __init__(self, run_id: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class EventAcks(_message.Message):
    __slots__ = ("acks",)
    ACKS_FIELD_NUMBER: _ClassVar[int]
    acks: _containers.RepeatedCompositeFieldContainer[EventAck]
    def __init__(self, acks: _Optional[_Iterable[_Union[EventAck, _Mapping]]] = ...) -> None: ...

class Resend(_message.Message):
    __slots__ = ("run_id", "from_seq")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    from_seq: int
    def __init__(self, run_id: _Optional[str] = ..., from_seq: _Optional[int] = ...) -> None: ...

class StopRun(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class PageReport(_message.Message):
    __slots__ = ("browser_session_id", "fence", "url", "title", "tab_count", "pages", "conditions")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TAB_COUNT_FIELD_NUMBER: _ClassVar[int]
    PAGES_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    url: str
    title: str
    tab_count: int
    pages: _containers.RepeatedCompositeFieldContainer[_browser_sessions_pb2.BrowserPage]
    conditions: _containers.RepeatedCompositeFieldContainer[_browser_sessions_pb2.Condition]
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., url: _Optional[str] = ..., title: _Optional[str] = ..., tab_count: _Optional[int] = ..., pages: _Optional[_Iterable[_Union[_browser_sessions_pb2.BrowserPage, _Mapping]]] = ..., conditions: _Optional[_Iterable[_Union[_browser_sessions_pb2.Condition, _Mapping]]] = ...) -> None: ...

class Tombstone(_message.Message):
    __slots__ = ("browser_session_id", "fence", "reason", "message")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    reason: _browser_sessions_pb2.CloseReason
    message: str
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., reason: _Optional[_Union[_browser_sessions_pb2.CloseReason, str]] = ..., message: _Optional[str] = ...) -> None: ...

class TombstoneAck(_message.Message):
    __slots__ = ("browser_session_id", "fence")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ...) -> None: ...

class Drain(_message.Message):
    __slots__ = ("drain_timeout",)
    DRAIN_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    drain_timeout: _duration_pb2.Duration
    def __init__(self, drain_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class PutBlobRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: BlobHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[BlobHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class BlobHeader(_message.Message):
    __slots__ = ("host_id", "incarnation", "browser_session_id", "fence", "artifact")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    incarnation: str
    browser_session_id: str
    fence: int
    artifact: _artifacts_pb2.Artifact
    def __init__(self, host_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., artifact: _Optional[_Union[_artifacts_pb2.Artifact, _Mapping]] = ...) -> None: ...

class PutBlobResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenTunnel(_message.Message):
    __slots__ = ("browser_session_id", "fence", "tunnel_id")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    TUNNEL_ID_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    tunnel_id: str
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., tunnel_id: _Optional[str] = ...) -> None: ...

class CaptureState(_message.Message):
    __slots__ = ("browser_session_id", "fence", "capture_id")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_ID_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    capture_id: str
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., capture_id: _Optional[str] = ...) -> None: ...

class CapturePage(_message.Message):
    __slots__ = ("browser_session_id", "fence", "artifact_id", "artifact_type")
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_TYPE_FIELD_NUMBER: _ClassVar[int]
    browser_session_id: str
    fence: int
    artifact_id: str
    artifact_type: _artifacts_pb2.ArtifactType
    def __init__(self, browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., artifact_id: _Optional[str] = ..., artifact_type: _Optional[_Union[_artifacts_pb2.ArtifactType, str]] = ...) -> None: ...

class GetBrowserStateRequest(_message.Message):
    __slots__ = ("host_id", "browser_session_id", "fence")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    browser_session_id: str
    fence: int
    def __init__(self, host_id: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ...) -> None: ...

class GetBrowserStateResponse(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: StoredBrowserState
    chunk: bytes
    def __init__(self, header: _Optional[_Union[StoredBrowserState, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class StoredBrowserState(_message.Message):
    __slots__ = ("size", "sha256")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    size: int
    sha256: str
    def __init__(self, size: _Optional[int] = ..., sha256: _Optional[str] = ...) -> None: ...

class PutBrowserStateRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: BrowserStateHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[BrowserStateHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class BrowserStateHeader(_message.Message):
    __slots__ = ("host_id", "incarnation", "browser_session_id", "fence", "state_no", "last", "capture_id", "age", "size", "sha256", "failure")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_NO_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_ID_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    incarnation: str
    browser_session_id: str
    fence: int
    state_no: int
    last: bool
    capture_id: str
    age: _duration_pb2.Duration
    size: int
    sha256: str
    failure: str
    def __init__(self, host_id: _Optional[str] = ..., incarnation: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., state_no: _Optional[int] = ..., last: _Optional[bool] = ..., capture_id: _Optional[str] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., size: _Optional[int] = ..., sha256: _Optional[str] = ..., failure: _Optional[str] = ...) -> None: ...

class PutBrowserStateResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRunFileRequest(_message.Message):
    __slots__ = ("host_id", "browser_session_id", "fence", "run_id", "file")
    HOST_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    host_id: str
    browser_session_id: str
    fence: int
    run_id: str
    file: str
    def __init__(self, host_id: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., fence: _Optional[int] = ..., run_id: _Optional[str] = ..., file: _Optional[str] = ...) -> None: ...

class GetRunFileResponse(_message.Message):
    __slots__ = ("file", "chunk")
    FILE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    file: _files_pb2.File
    chunk: bytes
    def __init__(self, file: _Optional[_Union[_files_pb2.File, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...
