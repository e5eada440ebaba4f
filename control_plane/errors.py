"""What can go wrong, in the words of the person who reads it.

Each class carries a stable `reason`; `interceptors` turns the classes into gRPC codes with one table. An exception
that is not of this tree is a bug and leaves as INTERNAL, its text stays in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


class TabkeepError(Exception):
    """An error that a caller may see."""

    reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None, **metadata: str) -> None:
        """`metadata` holds every variable part of the message, for programs."""
        super().__init__(message)
        self.message = message
        if reason:
            self.reason = reason
        self.metadata: Mapping[str, str] = metadata


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request and what is wrong with it."""

    field: str
    description: str


class FieldInvalid(TabkeepError):
    """A request breaks a bound; nothing was stored."""

    reason = "FIELD_INVALID"

    def __init__(self, violations: list[FieldViolation]) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = violations


class Unauthenticated(TabkeepError):
    """The caller's key is missing, unknown or revoked."""

    reason = "KEY_INVALID"


class ScopeMissing(TabkeepError):
    """The caller's key may not do this."""

    reason = "SCOPE_MISSING"


class NotFound(TabkeepError):
    """No such thing in the caller's organization."""

    reason = "NOT_FOUND"


class AlreadyExists(TabkeepError):
    """The id or the request_id is taken."""

    reason = "ALREADY_EXISTS"


class PreconditionFailed(TabkeepError):
    """The thing is in a state that does not allow this."""

    reason = "PRECONDITION_FAILED"


class Conflict(TabkeepError):
    """Somebody else moved it first: read it again, then decide again."""

    reason = "CONFLICT"


class QueueFull(TabkeepError):
    """A bound on waiting work is reached."""

    reason = "QUEUE_FULL"
    retry_after = timedelta(seconds=5)
    """How soon a run that waits may have got its turn: nobody knows, and to ask more often is of no use."""


class QuotaFull(TabkeepError):
    """What an organization may keep is full; only deleting helps, and waiting does not."""

    reason = "QUOTA_FULL"


class AttachRate(TabkeepError):
    """More hosts attach at once than are taken in at once."""

    reason = "ATTACH_RATE"

    def __init__(self, message: str, *, retry_after: timedelta) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StreamReplaced(TabkeepError):
    """A host has a newer stream than this one: nothing that comes on this one counts."""

    reason = "STREAM_REPLACED"


class OutOfRange(TabkeepError):
    """A position lies beyond the end."""

    reason = "OUT_OF_RANGE"


class Unavailable(TabkeepError):
    """Not now; the same call may succeed later."""

    reason = "UNAVAILABLE"

    def __init__(self, message: str, *, reason: str, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class DataLoss(TabkeepError):
    """Stored bytes are not what they were."""

    reason = "DATA_LOSS"


class HostProtocolError(TabkeepError):
    """A host broke a rule of the protocol; the host's fault, and named so."""

    reason = "PROTOCOL"


class HostIdTaken(TabkeepError):
    """Another live process attaches under this host_id."""

    reason = "HOST_ID_TAKEN"


class StoreUnusable(Exception):
    """The database cannot be opened or trusted; the program stops with this text."""
