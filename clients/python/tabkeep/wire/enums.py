"""The string enums of the records and those of the protos."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from tabkeep.records.administration import HostState, KeyScope, WebhookDeliveryState
from tabkeep.records.files import ArtifactState, ArtifactType
from tabkeep.records.profiles import ProfileSaveState
from tabkeep.records.recordings import RecordingFormat, RecordingState
from tabkeep.records.run_events import PageCloseCause, StepOutcome
from tabkeep.records.runs import (
    ApprovalKind,
    FailureReason,
    IrreversiblePolicy,
    Planner,
    ReplayMode,
    RunStatus,
    RunType,
    ScreenshotMode,
)
from tabkeep.records.sessions import (
    BrowserSessionChange,
    BrowserSessionState,
    BrowserType,
    CloseReason,
    CrashPolicy,
    DialogPolicy,
)
from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, hosts_pb2, keys_pb2, recordings_pb2, runs_pb2, webhooks_pb2

_E = TypeVar("_E", bound=StrEnum)


class _Enumeration:
    """Translates one proto enum and its string enum; names are equal but for the proto's prefix."""

    def __init__(self, kind: type[StrEnum], proto: Any, prefix: str) -> None:
        self.kind = kind
        self.proto = proto
        self.to_record = {
            number: kind[name.removeprefix(prefix)]
            for name, number in proto.items()
            if number and name.removeprefix(prefix) in kind.__members__
        }
        self.to_proto: dict[str, int] = {member.value: number for number, member in self.to_record.items()}


ENUMERATIONS: Mapping[type[StrEnum], _Enumeration] = {
    kind: _Enumeration(kind, proto, prefix)
    for kind, proto, prefix in (
        (BrowserType, browser_sessions_pb2.BrowserType, "BROWSER_TYPE_"),
        (BrowserSessionState, browser_sessions_pb2.BrowserSessionState, "BROWSER_SESSION_STATE_"),
        (CloseReason, browser_sessions_pb2.CloseReason, "CLOSE_REASON_"),
        (ProfileSaveState, browser_sessions_pb2.ProfileSaveState, "PROFILE_SAVE_STATE_"),
        (BrowserSessionChange, browser_sessions_pb2.BrowserSessionChange, "BROWSER_SESSION_CHANGE_"),
        (DialogPolicy, browser_sessions_pb2.DialogPolicy, "DIALOG_POLICY_"),
        (CrashPolicy, browser_sessions_pb2.CrashPolicy, "CRASH_POLICY_"),
        (PageCloseCause, runs_pb2.PageCloseCause, "PAGE_CLOSE_CAUSE_"),
        (RunType, runs_pb2.RunType, "RUN_TYPE_"),
        (RunStatus, runs_pb2.RunStatus, "RUN_STATUS_"),
        (FailureReason, runs_pb2.FailureReason, "FAILURE_REASON_"),
        (StepOutcome, runs_pb2.StepOutcome, "STEP_OUTCOME_"),
        (ApprovalKind, runs_pb2.ApprovalKind, "APPROVAL_KIND_"),
        (Planner, runs_pb2.Planner, "PLANNER_"),
        (ReplayMode, runs_pb2.ReplayMode, "REPLAY_MODE_"),
        (RecordingState, recordings_pb2.RecordingState, "RECORDING_STATE_"),
        (RecordingFormat, recordings_pb2.RecordingFormat, "RECORDING_FORMAT_"),
        (IrreversiblePolicy, runs_pb2.IrreversiblePolicy, "IRREVERSIBLE_POLICY_"),
        (ScreenshotMode, runs_pb2.ScreenshotMode, "SCREENSHOT_MODE_"),
        (ArtifactType, artifacts_pb2.ArtifactType, "ARTIFACT_TYPE_"),
        (ArtifactState, artifacts_pb2.ArtifactState, "ARTIFACT_STATE_"),
        (HostState, hosts_pb2.HostState, "HOST_STATE_"),
        (KeyScope, keys_pb2.KeyScope, "KEY_SCOPE_"),
        (WebhookDeliveryState, webhooks_pb2.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_"),
    )
}


def enum_to_proto(kind: type[StrEnum], value: StrEnum | str) -> Any:
    """Return the proto number of a string enum's member or of its word.

    Raises:
        ValueError: there is no such word.
    """
    numbers = ENUMERATIONS[kind].to_proto
    try:
        return numbers[str(value)]
    except KeyError:
        raise ValueError(f"{value!r} is not one of {', '.join(numbers)}") from None


def enum_of(kind: type[_E], number: int) -> _E:
    # A number from a newer server has no member of its own; it must not break an older client.
    member = ENUMERATIONS[kind].to_record.get(number)
    return kind(member) if member is not None else kind["UNKNOWN"]


def enum_if_any(kind: type[_E], number: int) -> _E | None:
    return enum_of(kind, number) if number else None
