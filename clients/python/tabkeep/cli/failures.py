"""What a failed command says, and with which exit status it ends."""

from __future__ import annotations

from tabkeep import errors

FAILED = 1
USAGE = 2
NOT_FOUND = 3
NOT_ALLOWED = 4
WRONG_STATE = 5
UNREACHABLE = 6
INTERRUPTED = 130

_EXIT_CODES: tuple[tuple[type[errors.TabkeepError], int], ...] = (
    (errors.InvalidArgument, USAGE),
    (errors.OutOfRange, USAGE),
    (errors.NotFound, NOT_FOUND),
    (errors.AuthenticationError, NOT_ALLOWED),
    (errors.PermissionDenied, NOT_ALLOWED),
    (errors.FailedPrecondition, WRONG_STATE),
    (errors.AlreadyExists, WRONG_STATE),
    (errors.Aborted, WRONG_STATE),
    (errors.ResourceExhausted, WRONG_STATE),
    (errors.Unavailable, UNREACHABLE),
    (errors.DeadlineExceeded, UNREACHABLE),
)


def exit_code(error: errors.TabkeepError) -> int:
    """Return the exit status for an error of the client."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), FAILED)


def as_json(error: errors.TabkeepError) -> dict[str, object]:
    """Return an error as the JSON object that --json writes to stderr."""
    return {
        "error": {
            "code": error.code,
            "reason": error.reason,
            "message": error.message,
            "metadata": dict(error.metadata),
            "field_violations": [{"field": v.field, "description": v.description} for v in error.field_violations],
        }
    }
