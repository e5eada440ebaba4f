import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from tabkeep.v1 import actions_pb2 as _actions_pb2
from tabkeep.v1 import browser_sessions_pb2 as _browser_sessions_pb2
from tabkeep.v1 import recordings_pb2 as _recordings_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_TYPE_UNSPECIFIED: _ClassVar[RunType]
    RUN_TYPE_TASK: _ClassVar[RunType]
    RUN_TYPE_WORKFLOW: _ClassVar[RunType]

class RunStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATUS_UNSPECIFIED: _ClassVar[RunStatus]
    RUN_STATUS_CREATED: _ClassVar[RunStatus]
    RUN_STATUS_QUEUED: _ClassVar[RunStatus]
    RUN_STATUS_RUNNING: _ClassVar[RunStatus]
    RUN_STATUS_PAUSED: _ClassVar[RunStatus]
    RUN_STATUS_COMPLETED: _ClassVar[RunStatus]
    RUN_STATUS_FAILED: _ClassVar[RunStatus]
    RUN_STATUS_TERMINATED: _ClassVar[RunStatus]
    RUN_STATUS_CANCELED: _ClassVar[RunStatus]
    RUN_STATUS_TIMED_OUT: _ClassVar[RunStatus]

class FailureReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_REASON_UNSPECIFIED: _ClassVar[FailureReason]
    FAILURE_REASON_NEEDS_MODEL: _ClassVar[FailureReason]
    FAILURE_REASON_NOT_FOUND: _ClassVar[FailureReason]
    FAILURE_REASON_AMBIGUOUS: _ClassVar[FailureReason]
    FAILURE_REASON_REJECTED_BY_PAGE: _ClassVar[FailureReason]
    FAILURE_REASON_MISSING_INPUT: _ClassVar[FailureReason]
    FAILURE_REASON_CREDENTIAL_REQUIRED: _ClassVar[FailureReason]
    FAILURE_REASON_BLOCKED_BY_POLICY: _ClassVar[FailureReason]
    FAILURE_REASON_NAVIGATION: _ClassVar[FailureReason]
    FAILURE_REASON_NO_EFFECT: _ClassVar[FailureReason]
    FAILURE_REASON_EXPECTATION_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_EXTRACT: _ClassVar[FailureReason]
    FAILURE_REASON_STEP_TIMEOUT: _ClassVar[FailureReason]
    FAILURE_REASON_STALLED: _ClassVar[FailureReason]
    FAILURE_REASON_PAGE_CRASHED: _ClassVar[FailureReason]
    FAILURE_REASON_MAX_STEPS: _ClassVar[FailureReason]
    FAILURE_REASON_RUN_TIMED_OUT: _ClassVar[FailureReason]
    FAILURE_REASON_CANCELED: _ClassVar[FailureReason]
    FAILURE_REASON_APPROVAL_REJECTED: _ClassVar[FailureReason]
    FAILURE_REASON_APPROVAL_TIMED_OUT: _ClassVar[FailureReason]
    FAILURE_REASON_SESSION_CLOSED: _ClassVar[FailureReason]
    FAILURE_REASON_SESSION_TIMED_OUT: _ClassVar[FailureReason]
    FAILURE_REASON_NO_CAPACITY: _ClassVar[FailureReason]
    FAILURE_REASON_LAUNCH_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_BROWSER_CRASHED: _ClassVar[FailureReason]
    FAILURE_REASON_HOST_LOST: _ClassVar[FailureReason]
    FAILURE_REASON_HOST_DRAINED: _ClassVar[FailureReason]
    FAILURE_REASON_INTERNAL: _ClassVar[FailureReason]
    FAILURE_REASON_MODEL_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_MODEL_BUDGET: _ClassVar[FailureReason]
    FAILURE_REASON_PROXY_FAILED: _ClassVar[FailureReason]
    FAILURE_REASON_CAPTCHA: _ClassVar[FailureReason]
    FAILURE_REASON_LOGIN_WALL: _ClassVar[FailureReason]
    FAILURE_REASON_CDP_CLIENT_STAYED: _ClassVar[FailureReason]
    FAILURE_REASON_FILE_UNAVAILABLE: _ClassVar[FailureReason]
    FAILURE_REASON_FILE_NOT_ACCEPTED: _ClassVar[FailureReason]
    FAILURE_REASON_STALE_RECORDING: _ClassVar[FailureReason]
    FAILURE_REASON_NO_RECORDING: _ClassVar[FailureReason]

class Planner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLANNER_UNSPECIFIED: _ClassVar[Planner]
    PLANNER_RULES: _ClassVar[Planner]
    PLANNER_MODEL: _ClassVar[Planner]

class ReplayMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLAY_MODE_UNSPECIFIED: _ClassVar[ReplayMode]
    REPLAY_MODE_ONLY: _ClassVar[ReplayMode]
    REPLAY_MODE_PLAN: _ClassVar[ReplayMode]
    REPLAY_MODE_OFF: _ClassVar[ReplayMode]

class IrreversiblePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IRREVERSIBLE_POLICY_UNSPECIFIED: _ClassVar[IrreversiblePolicy]
    IRREVERSIBLE_POLICY_ALLOW: _ClassVar[IrreversiblePolicy]
    IRREVERSIBLE_POLICY_APPROVE: _ClassVar[IrreversiblePolicy]
    IRREVERSIBLE_POLICY_DENY: _ClassVar[IrreversiblePolicy]

class ApprovalKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPROVAL_KIND_UNSPECIFIED: _ClassVar[ApprovalKind]
    APPROVAL_KIND_TAKE_OVER: _ClassVar[ApprovalKind]

class ScreenshotMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCREENSHOT_MODE_UNSPECIFIED: _ClassVar[ScreenshotMode]
    SCREENSHOT_MODE_EVERY_STEP: _ClassVar[ScreenshotMode]
    SCREENSHOT_MODE_ON_FAILURE: _ClassVar[ScreenshotMode]
    SCREENSHOT_MODE_NONE: _ClassVar[ScreenshotMode]

class PageCloseCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAGE_CLOSE_CAUSE_UNSPECIFIED: _ClassVar[PageCloseCause]
    PAGE_CLOSE_CAUSE_CLOSED: _ClassVar[PageCloseCause]
    PAGE_CLOSE_CAUSE_CRASHED: _ClassVar[PageCloseCause]
    PAGE_CLOSE_CAUSE_TOO_MANY: _ClassVar[PageCloseCause]
    PAGE_CLOSE_CAUSE_DIALOG_FLOOD: _ClassVar[PageCloseCause]
    PAGE_CLOSE_CAUSE_UNRESPONSIVE: _ClassVar[PageCloseCause]

class StepOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_OUTCOME_UNSPECIFIED: _ClassVar[StepOutcome]
    STEP_OUTCOME_DONE: _ClassVar[StepOutcome]
    STEP_OUTCOME_FAILED: _ClassVar[StepOutcome]
RUN_TYPE_UNSPECIFIED: RunType
RUN_TYPE_TASK: RunType
RUN_TYPE_WORKFLOW: RunType
RUN_STATUS_UNSPECIFIED: RunStatus
RUN_STATUS_CREATED: RunStatus
RUN_STATUS_QUEUED: RunStatus
RUN_STATUS_RUNNING: RunStatus
RUN_STATUS_PAUSED: RunStatus
RUN_STATUS_COMPLETED: RunStatus
RUN_STATUS_FAILED: RunStatus
RUN_STATUS_TERMINATED: RunStatus
RUN_STATUS_CANCELED: RunStatus
RUN_STATUS_TIMED_OUT: RunStatus
FAILURE_REASON_UNSPECIFIED: FailureReason
FAILURE_REASON_NEEDS_MODEL: FailureReason
FAILURE_REASON_NOT_FOUND: FailureReason
FAILURE_REASON_AMBIGUOUS: FailureReason
FAILURE_REASON_REJECTED_BY_PAGE: FailureReason
FAILURE_REASON_MISSING_INPUT: FailureReason
FAILURE_REASON_CREDENTIAL_REQUIRED: FailureReason
FAILURE_REASON_BLOCKED_BY_POLICY: FailureReason
FAILURE_REASON_NAVIGATION: FailureReason
FAILURE_REASON_NO_EFFECT: FailureReason
FAILURE_REASON_EXPECTATION_FAILED: FailureReason
FAILURE_REASON_EXTRACT: FailureReason
FAILURE_REASON_STEP_TIMEOUT: FailureReason
FAILURE_REASON_STALLED: FailureReason
FAILURE_REASON_PAGE_CRASHED: FailureReason
FAILURE_REASON_MAX_STEPS: FailureReason
FAILURE_REASON_RUN_TIMED_OUT: FailureReason
FAILURE_REASON_CANCELED: FailureReason
FAILURE_REASON_APPROVAL_REJECTED: FailureReason
FAILURE_REASON_APPROVAL_TIMED_OUT: FailureReason
FAILURE_REASON_SESSION_CLOSED: FailureReason
FAILURE_REASON_SESSION_TIMED_OUT: FailureReason
FAILURE_REASON_NO_CAPACITY: FailureReason
FAILURE_REASON_LAUNCH_FAILED: FailureReason
FAILURE_REASON_BROWSER_CRASHED: FailureReason
FAILURE_REASON_HOST_LOST: FailureReason
FAILURE_REASON_HOST_DRAINED: FailureReason
FAILURE_REASON_INTERNAL: FailureReason
FAILURE_REASON_MODEL_FAILED: FailureReason
FAILURE_REASON_MODEL_BUDGET: FailureReason
FAILURE_REASON_PROXY_FAILED: FailureReason
FAILURE_REASON_CAPTCHA: FailureReason
FAILURE_REASON_LOGIN_WALL: FailureReason
FAILURE_REASON_CDP_CLIENT_STAYED: FailureReason
FAILURE_REASON_FILE_UNAVAILABLE: FailureReason
FAILURE_REASON_FILE_NOT_ACCEPTED: FailureReason
FAILURE_REASON_STALE_RECORDING: FailureReason
FAILURE_REASON_NO_RECORDING: FailureReason
PLANNER_UNSPECIFIED: Planner
PLANNER_RULES: Planner
PLANNER_MODEL: Planner
REPLAY_MODE_UNSPECIFIED: ReplayMode
REPLAY_MODE_ONLY: ReplayMode
REPLAY_MODE_PLAN: ReplayMode
REPLAY_MODE_OFF: ReplayMode
IRREVERSIBLE_POLICY_UNSPECIFIED: IrreversiblePolicy
IRREVERSIBLE_POLICY_ALLOW: IrreversiblePolicy
IRREVERSIBLE_POLICY_APPROVE: IrreversiblePolicy
IRREVERSIBLE_POLICY_DENY: IrreversiblePolicy
APPROVAL_KIND_UNSPECIFIED: ApprovalKind
APPROVAL_KIND_TAKE_OVER: ApprovalKind
SCREENSHOT_MODE_UNSPECIFIED: ScreenshotMode
SCREENSHOT_MODE_EVERY_STEP: ScreenshotMode
SCREENSHOT_MODE_ON_FAILURE: ScreenshotMode
SCREENSHOT_MODE_NONE: ScreenshotMode
PAGE_CLOSE_CAUSE_UNSPECIFIED: PageCloseCause
PAGE_CLOSE_CAUSE_CLOSED: PageCloseCause
PAGE_CLOSE_CAUSE_CRASHED: PageCloseCause
PAGE_CLOSE_CAUSE_TOO_MANY: PageCloseCause
PAGE_CLOSE_CAUSE_DIALOG_FLOOD: PageCloseCause
PAGE_CLOSE_CAUSE_UNRESPONSIVE: PageCloseCause
STEP_OUTCOME_UNSPECIFIED: StepOutcome
STEP_OUTCOME_DONE: StepOutcome
STEP_OUTCOME_FAILED: StepOutcome

class Run(_message.Message):
    __slots__ = ("run_id", "organization_id", "run_type", "status", "failure_reason", "failure_message", "output", "browser_session_id", "owns_browser_session", "prompt", "url", "workflow_id", "workflow_version", "labels", "step_count", "max_steps", "last_seq", "create_time", "start_time", "end_time", "timeout", "safe_to_retry", "pending_approval", "conditions", "update_time", "parameters", "provenance", "irreversible_policy")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ORGANIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OWNS_BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STEP_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    SAFE_TO_RETRY_FIELD_NUMBER: _ClassVar[int]
    PENDING_APPROVAL_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    IRREVERSIBLE_POLICY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    organization_id: str
    run_type: RunType
    status: RunStatus
    failure_reason: FailureReason
    failure_message: str
    output: _struct_pb2.Value
    browser_session_id: str
    owns_browser_session: bool
    prompt: str
    url: str
    workflow_id: str
    workflow_version: int
    labels: _containers.ScalarMap[str, str]
    step_count: int
    max_steps: int
    last_seq: int
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    timeout: _duration_pb2.Duration
    safe_to_retry: bool
    pending_approval: Approval
    conditions: _containers.RepeatedCompositeFieldContainer[_browser_sessions_pb2.Condition]
    update_time: _timestamp_pb2.Timestamp
    parameters: _struct_pb2.Struct
    provenance: _containers.RepeatedCompositeFieldContainer[Provenance]
    irreversible_policy: IrreversiblePolicy
    def __init__(self, run_id: _Optional[str] = ..., organization_id: _Optional[str] = ..., run_type: _Optional[_Union[RunType, str]] = ..., status: _Optional[_Union[RunStatus, str]] = ..., failure_reason: _Optional[_Union[FailureReason, str]] = ..., failure_message: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., browser_session_id: _Optional[str] = ..., owns_browser_session: _Optional[bool] = ..., prompt: _Optional[str] = ..., url: _Optional[str] = ..., workflow_id: _Optional[str] = ..., workflow_version: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., step_count: _Optional[int] = ..., max_steps: _Optional[int] = ..., last_seq: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., safe_to_retry: _Optional[bool] = ..., pending_approval: _Optional[_Union[Approval, _Mapping]] = ..., conditions: _Optional[_Iterable[_Union[_browser_sessions_pb2.Condition, _Mapping]]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., provenance: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ..., irreversible_policy: _Optional[_Union[IrreversiblePolicy, str]] = ...) -> None: ...

class Approval(_message.Message):
    __slots__ = ("approval_id", "message", "create_time", "expire_time", "screenshot_artifact_id", "kind")
    APPROVAL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOT_ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    approval_id: str
    message: str
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    screenshot_artifact_id: str
    kind: ApprovalKind
    def __init__(self, approval_id: _Optional[str] = ..., message: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., screenshot_artifact_id: _Optional[str] = ..., kind: _Optional[_Union[ApprovalKind, str]] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("path", "text", "selector", "label", "url", "ungrounded")
    PATH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SELECTOR_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    UNGROUNDED_FIELD_NUMBER: _ClassVar[int]
    path: str
    text: str
    selector: str
    label: str
    url: str
    ungrounded: bool
    def __init__(self, path: _Optional[str] = ..., text: _Optional[str] = ..., selector: _Optional[str] = ..., label: _Optional[str] = ..., url: _Optional[str] = ..., ungrounded: _Optional[bool] = ...) -> None: ...

class RunTaskRequest(_message.Message):
    __slots__ = ("prompt", "actions", "url", "browser_session_id", "browser_profile_id", "browser_session", "max_steps", "timeout", "data_extraction_schema", "fail_if_busy", "labels", "request_id", "screenshots", "planner", "irreversible_policy", "record_console", "record_network", "screen_recording", "replay_mode", "webhook_url")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    DATA_EXTRACTION_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    FAIL_IF_BUSY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOTS_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    IRREVERSIBLE_POLICY_FIELD_NUMBER: _ClassVar[int]
    RECORD_CONSOLE_FIELD_NUMBER: _ClassVar[int]
    RECORD_NETWORK_FIELD_NUMBER: _ClassVar[int]
    SCREEN_RECORDING_FIELD_NUMBER: _ClassVar[int]
    REPLAY_MODE_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_URL_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    actions: _containers.RepeatedCompositeFieldContainer[_actions_pb2.Action]
    url: str
    browser_session_id: str
    browser_profile_id: str
    browser_session: _browser_sessions_pb2.CreateBrowserSessionRequest
    max_steps: int
    timeout: _duration_pb2.Duration
    data_extraction_schema: _struct_pb2.Struct
    fail_if_busy: bool
    labels: _containers.ScalarMap[str, str]
    request_id: str
    screenshots: ScreenshotMode
    planner: Planner
    irreversible_policy: IrreversiblePolicy
    record_console: bool
    record_network: bool
    screen_recording: ScreenRecording
    replay_mode: ReplayMode
    webhook_url: str
    def __init__(self, prompt: _Optional[str] = ..., actions: _Optional[_Iterable[_Union[_actions_pb2.Action, _Mapping]]] = ..., url: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., browser_profile_id: _Optional[str] = ..., browser_session: _Optional[_Union[_browser_sessions_pb2.CreateBrowserSessionRequest, _Mapping]] = ..., max_steps: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., data_extraction_schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., fail_if_busy: _Optional[bool] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., screenshots: _Optional[_Union[ScreenshotMode, str]] = ..., planner: _Optional[_Union[Planner, str]] = ..., irreversible_policy: _Optional[_Union[IrreversiblePolicy, str]] = ..., record_console: _Optional[bool] = ..., record_network: _Optional[bool] = ..., screen_recording: _Optional[_Union[ScreenRecording, _Mapping]] = ..., replay_mode: _Optional[_Union[ReplayMode, str]] = ..., webhook_url: _Optional[str] = ...) -> None: ...

class ScreenRecording(_message.Message):
    __slots__ = ("frames_per_second", "max_duration")
    FRAMES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    MAX_DURATION_FIELD_NUMBER: _ClassVar[int]
    frames_per_second: int
    max_duration: _duration_pb2.Duration
    def __init__(self, frames_per_second: _Optional[int] = ..., max_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class RunTaskResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class RunWorkflowRequest(_message.Message):
    __slots__ = ("workflow_id", "workflow_version", "parameters", "browser_session_id", "browser_profile_id", "browser_session", "max_steps", "timeout", "fail_if_busy", "labels", "request_id", "screenshots", "planner", "irreversible_policy", "record_console", "record_network", "screen_recording", "webhook_url")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_VERSION_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_FIELD_NUMBER: _ClassVar[int]
    MAX_STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FAIL_IF_BUSY_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOTS_FIELD_NUMBER: _ClassVar[int]
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    IRREVERSIBLE_POLICY_FIELD_NUMBER: _ClassVar[int]
    RECORD_CONSOLE_FIELD_NUMBER: _ClassVar[int]
    RECORD_NETWORK_FIELD_NUMBER: _ClassVar[int]
    SCREEN_RECORDING_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_URL_FIELD_NUMBER: _ClassVar[int]
    workflow_id: str
    workflow_version: int
    parameters: _struct_pb2.Struct
    browser_session_id: str
    browser_profile_id: str
    browser_session: _browser_sessions_pb2.CreateBrowserSessionRequest
    max_steps: int
    timeout: _duration_pb2.Duration
    fail_if_busy: bool
    labels: _containers.ScalarMap[str, str]
    request_id: str
    screenshots: ScreenshotMode
    planner: Planner
    irreversible_policy: IrreversiblePolicy
    record_console: bool
    record_network: bool
    screen_recording: ScreenRecording
    webhook_url: str
    def __init__(self, workflow_id: _Optional[str] = ..., workflow_version: _Optional[int] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., browser_session_id: _Optional[str] = ..., browser_profile_id: _Optional[str] = ..., browser_session: _Optional[_Union[_browser_sessions_pb2.CreateBrowserSessionRequest, _Mapping]] = ..., max_steps: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., fail_if_busy: _Optional[bool] = ..., labels: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ..., screenshots: _Optional[_Union[ScreenshotMode, str]] = ..., planner: _Optional[_Union[Planner, str]] = ..., irreversible_policy: _Optional[_Union[IrreversiblePolicy, str]] = ..., record_console: _Optional[bool] = ..., record_network: _Optional[bool] = ..., screen_recording: _Optional[_Union[ScreenRecording, _Mapping]] = ..., webhook_url: _Optional[str] = ...) -> None: ...

class RunWorkflowResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("run_id", "wait_timeout", "or_paused")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    OR_PAUSED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    wait_timeout: _duration_pb2.Duration
    or_paused: bool
    def __init__(self, run_id: _Optional[str] = ..., wait_timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., or_paused: _Optional[bool] = ...) -> None: ...

class GetRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "browser_session_id", "workflow_id", "statuses")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    BROWSER_SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    browser_session_id: str
    workflow_id: str
    statuses: _containers.RepeatedScalarFieldContainer[RunStatus]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., browser_session_id: _Optional[str] = ..., workflow_id: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[RunStatus, str]]] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchRunRequest(_message.Message):
    __slots__ = ("run_id", "after_seq")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    after_seq: int
    def __init__(self, run_id: _Optional[str] = ..., after_seq: _Optional[int] = ...) -> None: ...

class WatchRunResponse(_message.Message):
    __slots__ = ("event", "run")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    event: RunEvent
    run: Run
    def __init__(self, event: _Optional[_Union[RunEvent, _Mapping]] = ..., run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class CancelRunResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class ResolveApprovalRequest(_message.Message):
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

class ResolveApprovalResponse(_message.Message):
    __slots__ = ("run",)
    RUN_FIELD_NUMBER: _ClassVar[int]
    run: Run
    def __init__(self, run: _Optional[_Union[Run, _Mapping]] = ...) -> None: ...

class RunEvent(_message.Message):
    __slots__ = ("run_id", "seq", "create_time", "run_started", "plan_made", "block_started", "block_finished", "step_started", "step_finished", "approval_requested", "approval_resolved", "warning", "run_finished", "model_call", "task_recorded", "replayed", "step_healed", "dialog_shown", "page_opened", "page_closed")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    RUN_STARTED_FIELD_NUMBER: _ClassVar[int]
    PLAN_MADE_FIELD_NUMBER: _ClassVar[int]
    BLOCK_STARTED_FIELD_NUMBER: _ClassVar[int]
    BLOCK_FINISHED_FIELD_NUMBER: _ClassVar[int]
    STEP_STARTED_FIELD_NUMBER: _ClassVar[int]
    STEP_FINISHED_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_RESOLVED_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    RUN_FINISHED_FIELD_NUMBER: _ClassVar[int]
    MODEL_CALL_FIELD_NUMBER: _ClassVar[int]
    TASK_RECORDED_FIELD_NUMBER: _ClassVar[int]
    REPLAYED_FIELD_NUMBER: _ClassVar[int]
    STEP_HEALED_FIELD_NUMBER: _ClassVar[int]
    DIALOG_SHOWN_FIELD_NUMBER: _ClassVar[int]
    PAGE_OPENED_FIELD_NUMBER: _ClassVar[int]
    PAGE_CLOSED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    seq: int
    create_time: _timestamp_pb2.Timestamp
    run_started: RunStarted
    plan_made: PlanMade
    block_started: BlockStarted
    block_finished: BlockFinished
    step_started: StepStarted
    step_finished: StepFinished
    approval_requested: ApprovalRequested
    approval_resolved: ApprovalResolved
    warning: Warning
    run_finished: RunFinished
    model_call: ModelCall
    task_recorded: TaskRecorded
    replayed: Replayed
    step_healed: StepHealed
    dialog_shown: DialogShown
    page_opened: PageOpened
    page_closed: PageClosed
    def __init__(self, run_id: _Optional[str] = ..., seq: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., run_started: _Optional[_Union[RunStarted, _Mapping]] = ..., plan_made: _Optional[_Union[PlanMade, _Mapping]] = ..., block_started: _Optional[_Union[BlockStarted, _Mapping]] = ..., block_finished: _Optional[_Union[BlockFinished, _Mapping]] = ..., step_started: _Optional[_Union[StepStarted, _Mapping]] = ..., step_finished: _Optional[_Union[StepFinished, _Mapping]] = ..., approval_requested: _Optional[_Union[ApprovalRequested, _Mapping]] = ..., approval_resolved: _Optional[_Union[ApprovalResolved, _Mapping]] = ..., warning: _Optional[_Union[Warning, _Mapping]] = ..., run_finished: _Optional[_Union[RunFinished, _Mapping]] = ..., model_call: _Optional[_Union[ModelCall, _Mapping]] = ..., task_recorded: _Optional[_Union[TaskRecorded, _Mapping]] = ..., replayed: _Optional[_Union[Replayed, _Mapping]] = ..., step_healed: _Optional[_Union[StepHealed, _Mapping]] = ..., dialog_shown: _Optional[_Union[DialogShown, _Mapping]] = ..., page_opened: _Optional[_Union[PageOpened, _Mapping]] = ..., page_closed: _Optional[_Union[PageClosed, _Mapping]] = ...) -> None: ...

class DialogShown(_message.Message):
    __slots__ = ("dialog_type", "message", "answer", "by_action", "page_id", "url")
    DIALOG_TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    BY_ACTION_FIELD_NUMBER: _ClassVar[int]
    PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    dialog_type: str
    message: str
    answer: _actions_pb2.DialogAnswer
    by_action: bool
    page_id: str
    url: str
    def __init__(self, dialog_type: _Optional[str] = ..., message: _Optional[str] = ..., answer: _Optional[_Union[_actions_pb2.DialogAnswer, str]] = ..., by_action: _Optional[bool] = ..., page_id: _Optional[str] = ..., url: _Optional[str] = ...) -> None: ...

class PageOpened(_message.Message):
    __slots__ = ("page_id", "opener_page_id")
    PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    OPENER_PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    page_id: str
    opener_page_id: str
    def __init__(self, page_id: _Optional[str] = ..., opener_page_id: _Optional[str] = ...) -> None: ...

class PageClosed(_message.Message):
    __slots__ = ("page_id", "cause", "url", "replaced_by_page_id")
    PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    REPLACED_BY_PAGE_ID_FIELD_NUMBER: _ClassVar[int]
    page_id: str
    cause: PageCloseCause
    url: str
    replaced_by_page_id: str
    def __init__(self, page_id: _Optional[str] = ..., cause: _Optional[_Union[PageCloseCause, str]] = ..., url: _Optional[str] = ..., replaced_by_page_id: _Optional[str] = ...) -> None: ...

class RunStarted(_message.Message):
    __slots__ = ("url", "title")
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    url: str
    title: str
    def __init__(self, url: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class PlanMade(_message.Message):
    __slots__ = ("planner", "clauses", "recording_id")
    PLANNER_FIELD_NUMBER: _ClassVar[int]
    CLAUSES_FIELD_NUMBER: _ClassVar[int]
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    planner: str
    clauses: _containers.RepeatedScalarFieldContainer[str]
    recording_id: str
    def __init__(self, planner: _Optional[str] = ..., clauses: _Optional[_Iterable[str]] = ..., recording_id: _Optional[str] = ...) -> None: ...

class BlockStarted(_message.Message):
    __slots__ = ("block_id", "block_type")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCK_TYPE_FIELD_NUMBER: _ClassVar[int]
    block_id: str
    block_type: str
    def __init__(self, block_id: _Optional[str] = ..., block_type: _Optional[str] = ...) -> None: ...

class BlockFinished(_message.Message):
    __slots__ = ("block_id", "outcome", "output")
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    block_id: str
    outcome: StepOutcome
    output: _struct_pb2.Value
    def __init__(self, block_id: _Optional[str] = ..., outcome: _Optional[_Union[StepOutcome, str]] = ..., output: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class StepStarted(_message.Message):
    __slots__ = ("step", "action", "description", "source", "url", "block_id")
    STEP_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    step: int
    action: _actions_pb2.Action
    description: str
    source: str
    url: str
    block_id: str
    def __init__(self, step: _Optional[int] = ..., action: _Optional[_Union[_actions_pb2.Action, _Mapping]] = ..., description: _Optional[str] = ..., source: _Optional[str] = ..., url: _Optional[str] = ..., block_id: _Optional[str] = ...) -> None: ...

class StepFinished(_message.Message):
    __slots__ = ("step", "outcome", "failure_reason", "message", "duration", "url", "title", "target", "screenshot_artifact_id", "output", "provenance")
    STEP_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    SCREENSHOT_ARTIFACT_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    step: int
    outcome: StepOutcome
    failure_reason: FailureReason
    message: str
    duration: _duration_pb2.Duration
    url: str
    title: str
    target: str
    screenshot_artifact_id: str
    output: _struct_pb2.Value
    provenance: _containers.RepeatedCompositeFieldContainer[Provenance]
    def __init__(self, step: _Optional[int] = ..., outcome: _Optional[_Union[StepOutcome, str]] = ..., failure_reason: _Optional[_Union[FailureReason, str]] = ..., message: _Optional[str] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., url: _Optional[str] = ..., title: _Optional[str] = ..., target: _Optional[str] = ..., screenshot_artifact_id: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., provenance: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ...) -> None: ...

class ApprovalRequested(_message.Message):
    __slots__ = ("approval",)
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    approval: Approval
    def __init__(self, approval: _Optional[_Union[Approval, _Mapping]] = ...) -> None: ...

class ApprovalResolved(_message.Message):
    __slots__ = ("approval_id", "approved", "timed_out", "comment")
    APPROVAL_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    approval_id: str
    approved: bool
    timed_out: bool
    comment: str
    def __init__(self, approval_id: _Optional[str] = ..., approved: _Optional[bool] = ..., timed_out: _Optional[bool] = ..., comment: _Optional[str] = ...) -> None: ...

class ModelCall(_message.Message):
    __slots__ = ("model", "attempt", "input_tokens", "output_tokens", "duration", "error")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DURATION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    model: str
    attempt: int
    input_tokens: int
    output_tokens: int
    duration: _duration_pb2.Duration
    error: str
    def __init__(self, model: _Optional[str] = ..., attempt: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class TaskRecorded(_message.Message):
    __slots__ = ("recording_id", "confirmed", "task", "mended")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    MENDED_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    confirmed: bool
    task: _recordings_pb2.RecordedTask
    mended: bool
    def __init__(self, recording_id: _Optional[str] = ..., confirmed: _Optional[bool] = ..., task: _Optional[_Union[_recordings_pb2.RecordedTask, _Mapping]] = ..., mended: _Optional[bool] = ...) -> None: ...

class Replayed(_message.Message):
    __slots__ = ("recording_id", "version", "verified", "stale", "message")
    RECORDING_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    recording_id: str
    version: int
    verified: bool
    stale: bool
    message: str
    def __init__(self, recording_id: _Optional[str] = ..., version: _Optional[int] = ..., verified: _Optional[bool] = ..., stale: _Optional[bool] = ..., message: _Optional[str] = ...) -> None: ...

class StepHealed(_message.Message):
    __slots__ = ("step", "recorded", "found", "by")
    STEP_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    step: int
    recorded: str
    found: str
    by: str
    def __init__(self, step: _Optional[int] = ..., recorded: _Optional[str] = ..., found: _Optional[str] = ..., by: _Optional[str] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class RunFinished(_message.Message):
    __slots__ = ("status", "failure_reason", "failure_message", "output", "provenance")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    status: RunStatus
    failure_reason: FailureReason
    failure_message: str
    output: _struct_pb2.Value
    provenance: _containers.RepeatedCompositeFieldContainer[Provenance]
    def __init__(self, status: _Optional[_Union[RunStatus, str]] = ..., failure_reason: _Optional[_Union[FailureReason, str]] = ..., failure_message: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., provenance: _Optional[_Iterable[_Union[Provenance, _Mapping]]] = ...) -> None: ...
