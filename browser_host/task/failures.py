"""Why a step or a run did not do what was asked: one exception with a reason of the contract."""

from __future__ import annotations

from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import FailureReason

from browser_host.browser import NavigationBlocked, NavigationFailed, NavigationProxyFailed


class Failed(Exception):
    """A step or a run cannot go on; `message` is for people: what was wrong, what was seen, what would work."""

    def __init__(self, reason: FailureReason, message: str, *, target: str = "") -> None:
        """`target` is the element it failed at, where there is one."""
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.target = target


class Stopped(Failed):
    """The run ends here by a rule, not by a fault: its time, its steps, a person; `status` is the final one."""

    def __init__(self, status: runs_pb2.RunStatus, reason: FailureReason, message: str) -> None:
        """`status` is TERMINATED, CANCELED or TIMED_OUT, or FAILED where nothing else may be tried."""
        super().__init__(reason, message)
        self.status = status


def navigation(error: NavigationFailed) -> Failed:
    """A page that was not loaded, with the reason that belongs to why."""
    if isinstance(error, NavigationBlocked):
        return Failed(BLOCKED_BY_POLICY, str(error))
    return Failed(PROXY_FAILED if isinstance(error, NavigationProxyFailed) else NAVIGATION, str(error))


def canceled() -> Stopped:
    """The run was canceled."""
    return Stopped(runs_pb2.RUN_STATUS_CANCELED, runs_pb2.FAILURE_REASON_CANCELED, "the run was canceled")


NEEDS_MODEL = runs_pb2.FAILURE_REASON_NEEDS_MODEL
NOT_FOUND = runs_pb2.FAILURE_REASON_NOT_FOUND
AMBIGUOUS = runs_pb2.FAILURE_REASON_AMBIGUOUS
REJECTED_BY_PAGE = runs_pb2.FAILURE_REASON_REJECTED_BY_PAGE
MISSING_INPUT = runs_pb2.FAILURE_REASON_MISSING_INPUT
CREDENTIAL_REQUIRED = runs_pb2.FAILURE_REASON_CREDENTIAL_REQUIRED
BLOCKED_BY_POLICY = runs_pb2.FAILURE_REASON_BLOCKED_BY_POLICY
NAVIGATION = runs_pb2.FAILURE_REASON_NAVIGATION
NO_EFFECT = runs_pb2.FAILURE_REASON_NO_EFFECT
EXPECTATION_FAILED = runs_pb2.FAILURE_REASON_EXPECTATION_FAILED
EXTRACT = runs_pb2.FAILURE_REASON_EXTRACT
STEP_TIMEOUT = runs_pb2.FAILURE_REASON_STEP_TIMEOUT
STALLED = runs_pb2.FAILURE_REASON_STALLED
PROXY_FAILED = runs_pb2.FAILURE_REASON_PROXY_FAILED
PAGE_CRASHED = runs_pb2.FAILURE_REASON_PAGE_CRASHED
CAPTCHA = runs_pb2.FAILURE_REASON_CAPTCHA
LOGIN_WALL = runs_pb2.FAILURE_REASON_LOGIN_WALL
INTERNAL = runs_pb2.FAILURE_REASON_INTERNAL
FILE_UNAVAILABLE = runs_pb2.FAILURE_REASON_FILE_UNAVAILABLE
FILE_NOT_ACCEPTED = runs_pb2.FAILURE_REASON_FILE_NOT_ACCEPTED
MODEL_FAILED = runs_pb2.FAILURE_REASON_MODEL_FAILED
MODEL_BUDGET = runs_pb2.FAILURE_REASON_MODEL_BUDGET
STALE_RECORDING = runs_pb2.FAILURE_REASON_STALE_RECORDING
NO_RECORDING = runs_pb2.FAILURE_REASON_NO_RECORDING
