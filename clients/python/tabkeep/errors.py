"""What a call can raise: one class per kind of failure, each with the server's stable `reason`.

The server sends `google.rpc.Status` details with every error; `from_rpc_error` reads them back into these classes.
Catch a class for a kind of failure (`NotFound`), look at `reason` for the exact one (`RUN_NOT_FOUND`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import grpc
    from google.rpc import status_pb2  # type: ignore[import-untyped,unused-ignore]

__all__ = [
    "Aborted",
    "AlreadyExists",
    "AuthenticationError",
    "BrowserNotOffered",
    "Canceled",
    "DataLoss",
    "DeadlineExceeded",
    "ExtensionNotOffered",
    "FailedPrecondition",
    "FieldViolation",
    "FileQuotaFull",
    "HostNotAttached",
    "Internal",
    "InvalidArgument",
    "LastOperatorKey",
    "NoApprovalPending",
    "NotFound",
    "OutOfRange",
    "PermissionDenied",
    "ProfileDamaged",
    "ProfileNameTaken",
    "ProfileNotSaved",
    "QueueFull",
    "RequestIdReused",
    "ResourceExhausted",
    "SessionBusy",
    "SessionClosed",
    "TabkeepError",
    "Unavailable",
    "Unimplemented",
    "VersionConflict",
    "WorkflowExists",
    "from_rpc_error",
]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that was refused, and why."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class _Details:
    """What the details of a status said."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_delay: timedelta | None = None
    field_violations: tuple[FieldViolation, ...] = ()


class TabkeepError(Exception):
    """A call failed.

    `code` is the gRPC status code's name, `reason` a stable word for the exact cause, `metadata` the names and
    numbers in the message, `retry_delay` how long the server asks to wait before another try.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_delay: timedelta | None = None,
        field_violations: Sequence[FieldViolation] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.retry_delay = retry_delay
        self.field_violations = tuple(field_violations)

    def __str__(self) -> str:
        """Return the message, the fields it does not name yet, and code and reason in brackets."""
        text = self.message or "the call failed"
        unnamed = [v for v in self.field_violations if v.description not in text]
        if unnamed:
            text += ": " + "; ".join(f"{v.field}: {v.description}" for v in unnamed)
        return f"{text} [{self.code}/{self.reason}]" if self.reason else f"{text} [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        """Let errors cross process boundaries whole."""
        return _rebuilt, (type(self), self.message, {k: v for k, v in vars(self).items() if k != "message"})


class AuthenticationError(TabkeepError):
    """No API key was given, or it is not valid (any more)."""


class PermissionDenied(TabkeepError):
    """The key does not have the scope that this call needs."""


class NotFound(TabkeepError):
    """There is no such session, run, workflow, artifact, host or key in the caller's organization."""


class InvalidArgument(TabkeepError):
    """The request is wrong in itself; `field_violations` name the fields. Nothing was stored."""


class OutOfRange(TabkeepError):
    """A position lies beyond what is there."""


class FailedPrecondition(TabkeepError):
    """The thing exists but is not in a state for this call; the message says which state it is in."""


class SessionClosed(FailedPrecondition):
    """The session takes no more runs; the message says when and why it closed."""


class SessionBusy(FailedPrecondition):
    """Another run has its turn in the session, and `fail_if_busy` was set."""


class ExtensionNotOffered(FailedPrecondition):
    """No attached host offers the browser with these extensions; the message says who offers which."""


class BrowserNotOffered(FailedPrecondition):
    """No attached host offers the browser type; the message says who offers what."""


class ProfileNotSaved(FailedPrecondition):
    """The closed session has no state to make a profile of; the message says why."""


class NoApprovalPending(FailedPrecondition):
    """The run does not wait for this approval."""


class HostNotAttached(FailedPrecondition):
    """The host is lost or gone."""


class LastOperatorKey(FailedPrecondition):
    """Without this key nobody could make keys any more."""


class AlreadyExists(TabkeepError):
    """The name or request id is taken."""


class RequestIdReused(AlreadyExists):
    """The request_id was used before with another request."""


class WorkflowExists(AlreadyExists):
    """The workflow_id is taken."""


class ProfileNameTaken(AlreadyExists):
    """Another browser profile of the organization has this name."""


class Aborted(TabkeepError):
    """Somebody else was faster: read again, then decide again."""


class VersionConflict(Aborted):
    """`expected_version` is not the newest version of the workflow."""


class ResourceExhausted(TabkeepError):
    """A limit is reached; `retry_delay` says when to try again, if that helps."""


class QueueFull(ResourceExhausted):
    """Too many runs already wait in the session."""


class FileQuotaFull(ResourceExhausted):
    """The organization's files are too many, or take too much space: delete some."""


class Unavailable(TabkeepError):
    """The control plane cannot be reached, starts, stops or cannot store anything now; it was tried again first."""


class DeadlineExceeded(TabkeepError):
    """No answer within the call's timeout. A call that changes something may still take effect."""


class Canceled(TabkeepError):
    """The call was ended before it was answered."""


class DataLoss(TabkeepError):
    """Stored bytes do not match their checksum."""


class ProfileDamaged(DataLoss):
    """The stored state of a browser profile is not what it was."""


class Unimplemented(TabkeepError):
    """The control plane does not know this call: it is older than this client."""


class Internal(TabkeepError):
    """A fault of the control plane; the message has the incident id under which its log has the cause."""


_BY_CODE: Mapping[str, type[TabkeepError]] = {
    "UNAUTHENTICATED": AuthenticationError,
    "PERMISSION_DENIED": PermissionDenied,
    "NOT_FOUND": NotFound,
    "INVALID_ARGUMENT": InvalidArgument,
    "OUT_OF_RANGE": OutOfRange,
    "FAILED_PRECONDITION": FailedPrecondition,
    "ALREADY_EXISTS": AlreadyExists,
    "ABORTED": Aborted,
    "RESOURCE_EXHAUSTED": ResourceExhausted,
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "CANCELLED": Canceled,
    "DATA_LOSS": DataLoss,
    "UNIMPLEMENTED": Unimplemented,
    "INTERNAL": Internal,
}

_BY_REASON: Mapping[str, type[TabkeepError]] = {
    "SESSION_CLOSED": SessionClosed,
    "SESSION_BUSY": SessionBusy,
    "BROWSER_NOT_OFFERED": BrowserNotOffered,
    "PROFILE_NOT_SAVED": ProfileNotSaved,
    "PROFILE_NAME_TAKEN": ProfileNameTaken,
    "PROFILE_DAMAGED": ProfileDamaged,
    "EXTENSION_NOT_OFFERED": ExtensionNotOffered,
    "NO_APPROVAL_PENDING": NoApprovalPending,
    "HOST_NOT_ATTACHED": HostNotAttached,
    "LAST_OPERATOR_KEY": LastOperatorKey,
    "REQUEST_ID_REUSED": RequestIdReused,
    "WORKFLOW_EXISTS": WorkflowExists,
    "VERSION_CONFLICT": VersionConflict,
    "QUEUE_FULL": QueueFull,
    "FILE_QUOTA_FULL": FileQuotaFull,
}


def from_rpc_error(error: grpc.RpcError) -> TabkeepError:
    """Return the typed error for what a call of any gRPC stub raised, synchronous or asynchronous."""
    call: Any = error
    code: str = call.code().name
    details = _read_details(call)
    kind = _BY_CODE.get(code, TabkeepError)
    exact = _BY_REASON.get(details.reason, kind)
    # A reason never moves an error out of its code's class, whatever a newer server sends.
    chosen = exact if issubclass(exact, kind) else kind
    return chosen(
        call.details() or "",
        code=code,
        reason=details.reason,
        metadata=details.metadata,
        retry_delay=details.retry_delay,
        field_violations=details.field_violations,
    )


def _read_details(call: Any) -> _Details:
    from google.protobuf.message import DecodeError
    from grpc_status import rpc_status

    try:
        status: status_pb2.Status | None = rpc_status.from_call(call)
    except (ValueError, DecodeError):
        # Details that contradict the status, or are no details: the status itself still tells the kind.
        return _Details()
    return _Details() if status is None else _unpack(status)


def _unpack(status: status_pb2.Status) -> _Details:
    from google.rpc import error_details_pb2  # type: ignore[import-untyped,unused-ignore]

    reason, metadata, retry_delay = "", {}, None
    violations: list[FieldViolation] = []
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad_request):
            violations.extend(FieldViolation(v.field, v.description) for v in bad_request.field_violations)
        elif detail.Unpack(retry):
            retry_delay = retry.retry_delay.ToTimedelta()
    return _Details(reason, metadata, retry_delay, tuple(violations))


def _rebuilt(kind: type[TabkeepError], message: str, fields: dict[str, Any]) -> TabkeepError:
    return kind(message, **fields)
