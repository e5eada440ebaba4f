"""What the client hands out: frozen records with Python's own types.

Times are aware datetimes in UTC, lengths are timedeltas, states are string enums that compare equal to their words
(`run.status == "completed"`). What is absent on the wire is None here. `tabkeep.wire` makes these records; nothing
else does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from tabkeep.v1 import actions_pb2, recordings_pb2

Json: TypeAlias = Any
"""What JSON can say, as Python's own types; whole numbers are ints. Not spelled out, so that callers need no casts."""


class BrowserType(StrEnum):
    """Which browser a session runs."""

    CHROME = "chrome"
    MSEDGE = "msedge"
    UNKNOWN = "unknown"
    """A kind that this version of the client does not know."""


class BrowserSessionState(StrEnum):
    """Where a session is in its life; CLOSED is final."""

    PENDING = "pending"
    LAUNCHING = "launching"
    RUNNING = "running"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class CloseReason(StrEnum):
    """Why a session is closed."""

    REQUESTED = "REQUESTED"
    TIMED_OUT = "TIMED_OUT"
    NO_CAPACITY = "NO_CAPACITY"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    BROWSER_CRASHED = "BROWSER_CRASHED"
    HOST_LOST = "HOST_LOST"
    HOST_DRAINED = "HOST_DRAINED"
    PROFILE_UNUSABLE = "PROFILE_UNUSABLE"
    PROXY_FAILED = "PROXY_FAILED"
    PAGE_CRASHED = "PAGE_CRASHED"
    UNKNOWN = "UNKNOWN"


class DialogPolicy(StrEnum):
    """How dialogs of the browser are answered that no action answers."""

    DISMISS = "dismiss"
    ACCEPT = "accept"
    UNKNOWN = "unknown"


class CrashPolicy(StrEnum):
    """What follows when a page's process crashes."""

    RELOAD = "reload"
    CLOSE_SESSION = "close_session"
    UNKNOWN = "unknown"


class PageCloseCause(StrEnum):
    """Why a tab is not there any more."""

    CLOSED = "closed"
    CRASHED = "crashed"
    TOO_MANY = "too_many"
    DIALOG_FLOOD = "dialog_flood"
    UNRESPONSIVE = "unresponsive"
    UNKNOWN = "unknown"


class ProfileSaveState(StrEnum):
    """What became of keeping a session's state."""

    PENDING = "pending"
    SAVED = "saved"
    SAVED_EARLIER = "saved_earlier"
    FAILED = "failed"
    UNKNOWN = "unknown"


class BrowserSessionChange(StrEnum):
    """Why a watched session was sent."""

    SNAPSHOT = "snapshot"
    UPDATED = "updated"
    PAGE = "page"
    EXPIRY_WARNING = "expiry_warning"
    UNKNOWN = "unknown"


class RunType(StrEnum):
    """What a run carries out."""

    TASK = "task"
    WORKFLOW = "workflow"
    UNKNOWN = "unknown"


class RunStatus(StrEnum):
    """Where a run is; COMPLETED and what follows it are final."""

    CREATED = "created"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    TERMINATED = "terminated"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether this status never changes again."""
        return self in _FINAL


_FINAL = frozenset(
    {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TERMINATED, RunStatus.CANCELED, RunStatus.TIMED_OUT}
)


class FailureReason(StrEnum):
    """Why a run, or a step of it, did not do what was asked; the proto file says what each one means."""

    NEEDS_MODEL = "NEEDS_MODEL"
    NOT_FOUND = "NOT_FOUND"
    AMBIGUOUS = "AMBIGUOUS"
    REJECTED_BY_PAGE = "REJECTED_BY_PAGE"
    MISSING_INPUT = "MISSING_INPUT"
    CREDENTIAL_REQUIRED = "CREDENTIAL_REQUIRED"
    BLOCKED_BY_POLICY = "BLOCKED_BY_POLICY"
    NAVIGATION = "NAVIGATION"
    NO_EFFECT = "NO_EFFECT"
    EXPECTATION_FAILED = "EXPECTATION_FAILED"
    EXTRACT = "EXTRACT"
    STEP_TIMEOUT = "STEP_TIMEOUT"
    STALLED = "STALLED"
    PAGE_CRASHED = "PAGE_CRASHED"
    MAX_STEPS = "MAX_STEPS"
    RUN_TIMED_OUT = "RUN_TIMED_OUT"
    CANCELED = "CANCELED"
    APPROVAL_REJECTED = "APPROVAL_REJECTED"
    APPROVAL_TIMED_OUT = "APPROVAL_TIMED_OUT"
    SESSION_CLOSED = "SESSION_CLOSED"
    SESSION_TIMED_OUT = "SESSION_TIMED_OUT"
    NO_CAPACITY = "NO_CAPACITY"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    BROWSER_CRASHED = "BROWSER_CRASHED"
    HOST_LOST = "HOST_LOST"
    HOST_DRAINED = "HOST_DRAINED"
    INTERNAL = "INTERNAL"
    MODEL_FAILED = "MODEL_FAILED"
    MODEL_BUDGET = "MODEL_BUDGET"
    PROXY_FAILED = "PROXY_FAILED"
    FILE_UNAVAILABLE = "FILE_UNAVAILABLE"
    FILE_NOT_ACCEPTED = "FILE_NOT_ACCEPTED"
    STALE_RECORDING = "STALE_RECORDING"
    NO_RECORDING = "NO_RECORDING"
    CAPTCHA = "CAPTCHA"
    LOGIN_WALL = "LOGIN_WALL"
    CDP_CLIENT_STAYED = "CDP_CLIENT_STAYED"
    UNKNOWN = "UNKNOWN"


class ApprovalKind(StrEnum):
    """What a person is asked for."""

    TAKE_OVER = "take_over"
    UNKNOWN = "unknown"


class StepOutcome(StrEnum):
    """Whether a step did what it says."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ScreenshotMode(StrEnum):
    """Which steps of a run get a screenshot."""

    EVERY_STEP = "every_step"
    ON_FAILURE = "on_failure"
    NONE = "none"
    UNKNOWN = "unknown"


class Planner(StrEnum):
    """Who turns a prompt into steps; not given: the rules, and the model for what they do not understand."""

    RULES = "rules"
    MODEL = "model"
    UNKNOWN = "unknown"


class ReplayMode(StrEnum):
    """What recordings are to a run; not given: a trusted one is replayed, else the prompt is planned and recorded."""

    ONLY = "only"
    PLAN = "plan"
    OFF = "off"
    UNKNOWN = "unknown"


class RecordingState(StrEnum):
    """How far a recording is to be trusted; only a trusted one is replayed without being asked for."""

    CANDIDATE = "candidate"
    TRUSTED = "trusted"
    DEMOTED = "demoted"
    UNKNOWN = "unknown"


class RecordingFormat(StrEnum):
    """What a recording is exported as."""

    WORKFLOW_YAML = "workflow_yaml"
    PLAYWRIGHT_PYTHON = "playwright_python"
    UNKNOWN = "unknown"


class IrreversiblePolicy(StrEnum):
    """What happens before an act that cannot be undone: paying, ordering, deleting, sending, publishing."""

    ALLOW = "allow"
    APPROVE = "approve"
    DENY = "deny"
    UNKNOWN = "unknown"


class ArtifactType(StrEnum):
    """What an artifact is."""

    SCREENSHOT = "screenshot"
    DOWNLOAD = "download"
    PDF = "pdf"
    CONSOLE_LOG = "console_log"
    NETWORK_LOG = "network_log"
    RECORDING = "recording"
    UNKNOWN = "unknown"


class ArtifactState(StrEnum):
    """Whether the bytes of an artifact are there: they were removed when EXPIRED, never taken when REFUSED."""

    STORED = "stored"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class HostState(StrEnum):
    """Where a host is in its life."""

    READY = "ready"
    SUSPECT = "suspect"
    LOST = "lost"
    DRAINING = "draining"
    GONE = "gone"
    RECOVERING = "recovering"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"


class KeyScope(StrEnum):
    """What a key may do."""

    API = "api"
    CDP = "cdp"
    OPERATOR = "operator"
    HOST = "host"
    UNKNOWN = "unknown"


class WebhookDeliveryState(StrEnum):
    """Where a webhook delivery is."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Viewport:
    """The size of a page's visible area in CSS pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy for all that a session's browser sends."""

    url: str
    """http, https or socks5, host and port, without credentials."""
    username: str = field(default="", repr=False)
    """Never in an answer."""
    password: str = field(default="", repr=False)
    """Never in an answer."""
    bypass: Sequence[str] = ()
    """Destinations that do not go through it."""

    @classmethod
    def from_url(cls, url: str, *, bypass: Sequence[str] = ()) -> Proxy:
        """Take "http://user:password@host:port" apart; percent-encoded letters in user and password count as such."""
        parts = urlsplit(url)
        address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return cls(
            url=address,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            bypass=bypass,
        )


@dataclass(frozen=True, slots=True)
class Geolocation:
    """A place on Earth: degrees north and east, meters."""

    latitude: float
    longitude: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class PermissionGrant:
    """Something that pages may do which they may not by default; without an origin all of them."""

    permission: str
    """Such as geolocation, notifications, clipboard-read, camera."""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class HttpCredential:
    """A user and password that one origin is given when it asks by HTTP."""

    origin: str
    """Like "https://example.com"."""
    username: str = field(default="", repr=False)
    """Never in an answer."""
    password: str = field(default="", repr=False)
    """Never in an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOptions:
    """How a session's tabs and dialogs are dealt with."""

    dialogs: DialogPolicy
    on_crash: CrashPolicy
    max_pages: int
    permissions: tuple[PermissionGrant, ...] = ()
    http_credentials: tuple[HttpCredential, ...] = ()
    """Only their origins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIsolation:
    """What keeps a session's browser apart, beside Chromium's sandbox; a limit of 0 is none."""

    own_user: bool
    """It runs as a system user that nothing else runs as."""
    memory_limit_bytes: int
    task_limit: int
    cpu_percent_limit: int


@dataclass(frozen=True, slots=True)
class BrowserPage:
    """An open tab."""

    page_id: str
    url: str
    title: str
    """Empty until it is known."""
    opener_page_id: str | None
    """The tab whose page opened it, while that is open."""
    current: bool
    """It is in front: the next action acts in it."""


@dataclass(frozen=True, slots=True)
class TakeOverLink:
    """With it a person takes over a session's browser."""

    url: str = field(repr=False)
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is true now of a session or run and worth knowing, beside its state."""

    type: str
    since_time: datetime | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSessionOptions:
    """How to open the session that a run without `browser_session_id` gets; None takes the server's default."""

    timeout: timedelta | int | None = None
    """A bare number counts minutes, as in `create_browser_session`."""
    browser_type: BrowserType | str | None = None
    url: str | None = None
    viewport: Viewport | tuple[int, int] | None = None
    labels: Mapping[str, str] | None = None
    queue_timeout: timedelta | None = None
    extensions: Sequence[str] | None = None
    proxy: Proxy | str | None = None
    proxy_location: str | None = None
    allowed_domains: Sequence[str] = ()
    blocked_domains: Sequence[str] = ()
    browser_profile_id: str | None = None
    browser_profile_version: int | None = None
    save_profile: bool = False
    dialogs: DialogPolicy | str | None = None
    on_crash: CrashPolicy | str | None = None
    max_pages: int | None = None
    permissions: Sequence[PermissionGrant | str] = ()
    http_credentials: Sequence[HttpCredential] = ()


@dataclass(frozen=True, slots=True)
class ProfileSave:
    """What became of keeping a session's state."""

    state: ProfileSaveState
    message: str
    """Why it is not SAVED."""
    browser_profile_version: int | None
    """The version of the profile that the session made."""
    state_time: datetime | None
    """The moment whose state is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProfileVersion:
    """One saved state of a profile."""

    version: int
    browser_session_id: str | None
    browser_version: str | None
    state_time: datetime
    size: int
    cookie_count: int
    origin_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProfile:
    """A saved browser state with a name."""

    browser_profile_id: str
    organization_id: str
    name: str
    description: str
    version: int
    versions: tuple[BrowserProfileVersion, ...]
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSession:
    """A live browser, or the record of one that was."""

    browser_session_id: str
    organization_id: str
    state: BrowserSessionState
    close_reason: CloseReason | None
    close_message: str
    timeout: timedelta
    queue_timeout: timedelta
    browser_type: BrowserType
    url: str | None
    viewport: Viewport | None
    labels: Mapping[str, str]
    create_time: datetime
    start_time: datetime | None
    expire_time: datetime | None
    close_time: datetime | None
    update_time: datetime
    browser_gone_time: datetime | None
    host_id: str | None
    active_run_id: str | None
    current_url: str | None
    page_title: str | None
    tab_count: int
    conditions: tuple[Condition, ...]
    browser_version: str | None
    sandboxed: bool
    extensions: tuple[str, ...]
    browser_profile_id: str | None = None
    browser_profile_version: int | None = None
    save_profile: bool = False
    profile_save: ProfileSave | None = None
    cdp_url: str | None = None
    """Where a CDP client attaches while the session is running: `connect_over_cdp(cdp_url, headers={"x-api-key": key})`
    with a key that has the scope CDP or OPERATOR."""
    cdp_attach_time: datetime | None = None
    """Since when one is attached and has the session's turn."""
    proxy: Proxy | None = None
    proxy_location: str | None = None
    allowed_domains: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    time_zone: str | None = None
    locale: str | None = None
    geolocation: Geolocation | None = None
    page_options: PageOptions | None = None
    isolation: SessionIsolation | None = None
    """None until its browser was launched."""
    warm_start: bool = False
    """Its browser came from its host's pool of started ones."""

    @property
    def status(self) -> str:
        """Whether it takes runs: "running" from its creation on, "closed" afterwards; `state` is finer."""
        return "closed" if self.state is BrowserSessionState.CLOSED else "running"


@dataclass(frozen=True, slots=True)
class BrowserSessionUpdate:
    """A session as it is after a change."""

    change: BrowserSessionChange
    browser_session: BrowserSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A question to a person that a paused run waits for."""

    approval_id: str
    message: str
    create_time: datetime
    expire_time: datetime | None
    screenshot_artifact_id: str | None
    kind: ApprovalKind | None
    """None: a yes or a no."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a value of an output came from."""

    path: str
    text: str
    selector: str
    label: str
    url: str
    ungrounded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A task or workflow in a session."""

    run_id: str
    organization_id: str
    run_type: RunType
    status: RunStatus
    failure_reason: FailureReason | None
    failure_message: str
    output: Json
    browser_session_id: str | None
    owns_browser_session: bool
    prompt: str | None
    url: str | None
    workflow_id: str | None
    workflow_version: int | None
    labels: Mapping[str, str]
    step_count: int
    max_steps: int
    last_seq: int
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    timeout: timedelta
    safe_to_retry: bool
    pending_approval: Approval | None
    conditions: tuple[Condition, ...]
    update_time: datetime
    parameters: Mapping[str, Json]
    provenance: tuple[Provenance, ...]
    """Where the output's values came from, once the run is over; empty in lists of runs."""

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.status.is_final

    def raise_for_failure(self) -> Run:
        """Return the run itself when it has not failed.

        Raises:
            RunFailed: it is over and not COMPLETED.
        """
        from tabkeep.errors import RunFailed

        if self.is_final and self.status is not RunStatus.COMPLETED:
            raise RunFailed(self)
        return self


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The host began to carry out the run."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A prompt was understood whole; nothing has been done for it yet."""

    planner: str
    clauses: tuple[str, ...]
    recording_id: str | None = None
    """The recording that is replayed."""


@dataclass(frozen=True, slots=True)
class BlockStarted:
    """A workflow's block began."""

    block_id: str
    block_type: str


@dataclass(frozen=True, slots=True)
class BlockFinished:
    """A workflow's block ended."""

    block_id: str
    outcome: StepOutcome
    output: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step is about to act; stored before it acts."""

    step: int
    action: actions_pb2.Action
    description: str
    source: str
    url: str
    block_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step acted, or could not."""

    step: int
    outcome: StepOutcome
    failure_reason: FailureReason | None
    message: str
    duration: timedelta
    url: str
    title: str
    target: str | None
    screenshot_artifact_id: str | None
    output: Json
    provenance: Sequence[Provenance]


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """The run pauses for a person."""

    approval: Approval


@dataclass(frozen=True, slots=True)
class ApprovalResolved:
    """A person answered, or nobody did in time."""

    approval_id: str
    approved: bool
    timed_out: bool
    comment: str


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One request to the model's endpoint; `error` says why there is no usable answer, and is empty when there is."""

    model: str
    attempt: int
    input_tokens: int
    output_tokens: int
    duration: timedelta
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedValue:
    """A hole of a recorded task; one that is `fixed` holds only for its `text`."""

    name: str
    secret: bool
    fixed: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """A recorded step: what was done, with what element, and what was true afterwards."""

    action: actions_pb2.Action
    elements: tuple[recordings_pb2.RecordedElement, ...]
    seen: tuple[actions_pb2.Expect, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPart:
    """A clause of a recorded task; one that `looks_again` has no steps, the rules do it anew."""

    clause: str
    looks_again: bool
    steps: tuple[RecordedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedTask:
    """What is recorded of a task; lists of recordings leave the parts out."""

    template: str
    origin: str
    start: str
    values: tuple[RecordedValue, ...]
    parts: tuple[RecordedPart, ...]
    planner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A task that was done, kept so that it can be done again with other values."""

    recording_id: str
    organization_id: str
    state: RecordingState
    version: int
    run_id: str
    success_count: int
    failure_count: int
    create_time: datetime
    update_time: datetime
    task: RecordedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedRecording:
    """A recording as a program."""

    content: str
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecorded:
    """The task was done and is recorded, or its recording was confirmed or mended; `task` is None where it stays."""

    recording_id: str | None
    confirmed: bool
    mended: bool
    task: RecordedTask | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How a recording fared."""

    recording_id: str
    version: int
    verified: bool
    stale: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepHealed:
    """A recorded step was done with an element that is not quite the recorded one."""

    step: int
    recorded: str
    found: str
    by: str


@dataclass(frozen=True, slots=True)
class DialogShown:
    """A dialog of the browser was shown and answered, by an action of the run or by the session's policy."""

    dialog_type: str
    """alert, confirm, prompt or beforeunload."""
    message: str
    accepted: bool
    by_action: bool
    page_id: str
    url: str


@dataclass(frozen=True, slots=True)
class PageOpened:
    """A tab was opened."""

    page_id: str
    opener_page_id: str | None


@dataclass(frozen=True, slots=True)
class PageClosed:
    """A tab is not there any more."""

    page_id: str
    cause: PageCloseCause
    url: str
    replaced_by_page_id: str | None


@dataclass(frozen=True, slots=True)
class RunWarning:
    """Something worth knowing that stops nothing."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The host is done with the run; always the last event."""

    status: RunStatus
    failure_reason: FailureReason | None
    failure_message: str
    output: Json
    provenance: Sequence[Provenance]


RunEventDetail: TypeAlias = (
    RunStarted
    | PlanMade
    | BlockStarted
    | BlockFinished
    | StepStarted
    | StepFinished
    | ApprovalRequested
    | ApprovalResolved
    | RunWarning
    | ModelCall
    | TaskRecorded
    | Replayed
    | StepHealed
    | DialogShown
    | PageOpened
    | PageClosed
    | RunFinished
)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run, stored before anybody sees it."""

    run_id: str
    seq: int
    """1, 2, 3, ... without gaps."""
    create_time: datetime
    kind: str
    """The detail's name on the wire, such as "step_finished"; "unknown" for what this client does not know."""
    detail: RunEventDetail | None


RunUpdate: TypeAlias = RunEvent | Run
"""What `watch_run` yields: the next event, or the run after a change of its status."""


@dataclass(frozen=True, slots=True)
class WorkflowParameter:
    """A value that a run of the workflow takes."""

    name: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """One version of a workflow."""

    workflow_id: str
    organization_id: str
    version: int
    title: str
    definition: str
    parameters: tuple[WorkflowParameter, ...]
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """The record of a file that a session or one of its runs left behind."""

    artifact_id: str
    browser_session_id: str
    run_id: str | None
    """None: it began while no run was under way."""
    artifact_type: ArtifactType
    file_name: str
    """As the site named a download, without directories; of logs and recordings one of ours; empty for others."""
    content_type: str
    size: int
    sha256: str
    state: ArtifactState
    state_message: str
    """Why its bytes are not there."""
    create_time: datetime
    expire_time: datetime | None
    """When its bytes are to be removed, at the latest."""
    truncation: str = ""
    """What is missing from a log or recording; empty: nothing is known to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that callers have brought for runs to give to pages."""

    file_id: str
    file_name: str
    """The name that pages see."""
    content_type: str
    size: int
    sha256: str
    create_time: datetime


@dataclass(frozen=True, slots=True)
class ScreenRecording:
    """Moving pictures of a run, as an artifact."""

    frames_per_second: int | None = None
    """At most; 1 to 10, 4 when not given."""
    max_duration: timedelta | None = None
    """At most 1 hour, 10 minutes when not given."""


@dataclass(frozen=True, slots=True)
class BrowserOffer:
    """A browser that a host can run."""

    browser_type: BrowserType
    version: str


@dataclass(frozen=True, slots=True)
class ExtensionOffer:
    """An extension that a host can load into a session's browser."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostIsolation:
    """How a host keeps the browsers of its sessions apart, beside Chromium's sandbox; a limit of 0 is none."""

    user_per_session: bool
    session_memory_limit_bytes: int
    session_task_limit: int
    session_cpu_percent_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine that runs browsers."""

    host_id: str
    state: HostState
    state_message: str
    capacity: int
    sessions: int
    browsers: tuple[BrowserOffer, ...]
    build: str
    incarnation: str
    attach_time: datetime | None
    heartbeat_time: datetime | None
    drain_expire_time: datetime | None
    sandboxed: bool
    extensions: tuple[ExtensionOffer, ...]
    isolation: HostIsolation
    load_average: float
    available_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A stored login without its secrets."""

    credential_id: str
    organization_id: str
    origin: str
    username: str
    has_totp: bool
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its text."""

    key_id: str
    organization_id: str | None
    scope: KeyScope
    display_name: str
    create_time: datetime
    revoke_time: datetime | None
    host_id: str | None = None
    """Of a host token: the host it is for, "*" for any; None until the first host has attached with it."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its text, which is shown only here."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out, so that it does not end up in logs."""
        return f"CreatedKey(key={self.key!r}, secret='***')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one organization used in one calendar month, in UTC."""

    organization_id: str
    month: str
    session_time: timedelta
    session_minutes: int
    session_count: int
    open_session_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """One try to send a delivery."""

    attempt: int
    create_time: datetime
    duration: timedelta
    status_code: int | None
    error: str | None
    response_body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One telling of one run's end; in lists without its attempts."""

    webhook_delivery_id: str
    run_id: str
    webhook_url: str
    state: WebhookDeliveryState
    replay: bool
    attempt_count: int
    create_time: datetime
    next_attempt_time: datetime | None
    end_time: datetime | None
    attempts: tuple[WebhookAttempt, ...]
