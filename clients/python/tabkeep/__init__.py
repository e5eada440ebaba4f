"""Tabkeep's Python client: live browsers that keep their state between tasks.

    import asyncio
    from tabkeep import Client

    async def main():
        async with Client() as client, client.browser_session(timeout=30) as session:
            run = await client.run_task(
                "Find customer with email 'customer@example.com'",
                url="https://dashboard.example.com",
                browser_session_id=session.browser_session_id,
                wait_for_completion=True,
            )
            print(run.status, run.output)

    asyncio.run(main())

`tabkeep.sync.Client` is the same without `await`; `tabkeep.actions` builds typed actions; `tabkeep.v1` has the
generated stubs. The names below are imported when they are first used, because the control plane and the host need
only the stubs and `tabkeep.telemetry` of this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabkeep import actions, sync
    from tabkeep.calls import RetryPolicy
    from tabkeep.client import Client
    from tabkeep.errors import (
        Aborted,
        AlreadyExists,
        AuthenticationError,
        BrowserNotOffered,
        Canceled,
        DataLoss,
        DeadlineExceeded,
        ExtensionNotOffered,
        FailedPrecondition,
        FieldViolation,
        FileQuotaFull,
        HostNotAttached,
        Internal,
        InvalidArgument,
        LastOperatorKey,
        NoApprovalPending,
        NotFound,
        OutOfRange,
        PermissionDenied,
        ProfileDamaged,
        ProfileNameTaken,
        ProfileNotSaved,
        QueueFull,
        RequestIdReused,
        ResourceExhausted,
        SessionBusy,
        SessionClosed,
        TabkeepError,
        Unavailable,
        Unimplemented,
        VersionConflict,
        WorkflowExists,
        from_rpc_error,
    )
    from tabkeep.records.administration import (
        BrowserOffer,
        CreatedKey,
        Credential,
        ExtensionOffer,
        Host,
        HostIsolation,
        HostState,
        Key,
        KeyScope,
        Usage,
        WebhookAttempt,
        WebhookDelivery,
        WebhookDeliveryState,
    )
    from tabkeep.records.files import Artifact, ArtifactState, ArtifactType, File
    from tabkeep.records.profiles import BrowserProfile, BrowserProfileVersion, ProfileSave, ProfileSaveState
    from tabkeep.records.recordings import (
        ExportedRecording,
        RecordedPart,
        RecordedStep,
        RecordedTask,
        RecordedValue,
        Recording,
        RecordingFormat,
        RecordingState,
    )
    from tabkeep.records.run_events import (
        ApprovalRequested,
        ApprovalResolved,
        BlockFinished,
        BlockStarted,
        DialogShown,
        ModelCall,
        PageCloseCause,
        PageClosed,
        PageOpened,
        PlanMade,
        Replayed,
        RunEvent,
        RunEventDetail,
        RunFinished,
        RunStarted,
        RunUpdate,
        RunWarning,
        StepFinished,
        StepHealed,
        StepOutcome,
        StepStarted,
        TaskRecorded,
    )
    from tabkeep.records.runs import (
        Approval,
        ApprovalKind,
        FailureReason,
        IrreversiblePolicy,
        Planner,
        Provenance,
        ReplayMode,
        Run,
        RunFailed,
        RunStatus,
        RunType,
        ScreenRecording,
        ScreenshotMode,
    )
    from tabkeep.records.sessions import (
        BrowserPage,
        BrowserSession,
        BrowserSessionChange,
        BrowserSessionOptions,
        BrowserSessionState,
        BrowserSessionUpdate,
        BrowserType,
        CloseReason,
        CrashPolicy,
        DialogPolicy,
        Geolocation,
        HttpCredential,
        PageOptions,
        PermissionGrant,
        Proxy,
        SessionIsolation,
        TakeOverLink,
        Viewport,
    )
    from tabkeep.records.values import Condition, Json
    from tabkeep.records.workflows import Workflow, WorkflowParameter

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Approval",
    "ApprovalKind",
    "ApprovalRequested",
    "ApprovalResolved",
    "Artifact",
    "ArtifactState",
    "ArtifactType",
    "AuthenticationError",
    "BlockFinished",
    "BlockStarted",
    "BrowserNotOffered",
    "BrowserOffer",
    "BrowserPage",
    "BrowserProfile",
    "BrowserProfileVersion",
    "BrowserSession",
    "BrowserSessionChange",
    "BrowserSessionOptions",
    "BrowserSessionState",
    "BrowserSessionUpdate",
    "BrowserType",
    "Canceled",
    "Client",
    "CloseReason",
    "Condition",
    "CrashPolicy",
    "CreatedKey",
    "Credential",
    "DataLoss",
    "DeadlineExceeded",
    "DialogPolicy",
    "DialogShown",
    "ExportedRecording",
    "ExtensionNotOffered",
    "ExtensionOffer",
    "FailedPrecondition",
    "FailureReason",
    "FieldViolation",
    "File",
    "FileQuotaFull",
    "Geolocation",
    "Host",
    "HostIsolation",
    "HostNotAttached",
    "HostState",
    "HttpCredential",
    "Internal",
    "InvalidArgument",
    "IrreversiblePolicy",
    "Json",
    "Key",
    "KeyScope",
    "LastOperatorKey",
    "ModelCall",
    "NoApprovalPending",
    "NotFound",
    "OutOfRange",
    "PageCloseCause",
    "PageClosed",
    "PageOpened",
    "PageOptions",
    "PermissionDenied",
    "PermissionGrant",
    "PlanMade",
    "Planner",
    "ProfileDamaged",
    "ProfileNameTaken",
    "ProfileNotSaved",
    "ProfileSave",
    "ProfileSaveState",
    "Provenance",
    "Proxy",
    "QueueFull",
    "RecordedPart",
    "RecordedStep",
    "RecordedTask",
    "RecordedValue",
    "Recording",
    "RecordingFormat",
    "RecordingState",
    "ReplayMode",
    "Replayed",
    "RequestIdReused",
    "ResourceExhausted",
    "RetryPolicy",
    "Run",
    "RunEvent",
    "RunEventDetail",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "RunStatus",
    "RunType",
    "RunUpdate",
    "RunWarning",
    "ScreenRecording",
    "ScreenshotMode",
    "SessionBusy",
    "SessionClosed",
    "SessionIsolation",
    "StepFinished",
    "StepHealed",
    "StepOutcome",
    "StepStarted",
    "TabkeepError",
    "TakeOverLink",
    "TaskRecorded",
    "Unavailable",
    "Unimplemented",
    "Usage",
    "VersionConflict",
    "Viewport",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookDeliveryState",
    "Workflow",
    "WorkflowExists",
    "WorkflowParameter",
    "actions",
    "from_rpc_error",
    "sync",
]

_MODULES = ("actions", "sync")
_HOMES = (
    "tabkeep.client",
    "tabkeep.records.sessions",
    "tabkeep.records.runs",
    "tabkeep.records.run_events",
    "tabkeep.records.workflows",
    "tabkeep.records.recordings",
    "tabkeep.records.profiles",
    "tabkeep.records.files",
    "tabkeep.records.administration",
    "tabkeep.records.values",
    "tabkeep.errors",
    "tabkeep.calls",
)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"tabkeep.{name}")
    if name in __all__:
        for home in _HOMES:
            module = import_module(home)
            if hasattr(module, name):
                globals()[name] = getattr(module, name)
                return globals()[name]
    raise AttributeError(f"module 'tabkeep' has no attribute {name!r}")
