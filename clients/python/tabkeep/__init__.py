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
        RunFailed,
        SessionBusy,
        SessionClosed,
        TabkeepError,
        Unavailable,
        Unimplemented,
        VersionConflict,
        WorkflowExists,
        from_rpc_error,
    )
    from tabkeep.records import (
        Approval,
        ApprovalRequested,
        ApprovalResolved,
        Artifact,
        ArtifactState,
        ArtifactType,
        BlockFinished,
        BlockStarted,
        BrowserOffer,
        BrowserProfile,
        BrowserProfileVersion,
        BrowserSession,
        BrowserSessionChange,
        BrowserSessionOptions,
        BrowserSessionState,
        BrowserSessionUpdate,
        BrowserType,
        CloseReason,
        Condition,
        CreatedKey,
        Credential,
        ExtensionOffer,
        FailureReason,
        File,
        Geolocation,
        Host,
        HostIsolation,
        HostState,
        IrreversiblePolicy,
        Json,
        Key,
        KeyScope,
        ModelCall,
        PlanMade,
        Planner,
        ProfileSave,
        ProfileSaveState,
        Proxy,
        Recording,
        Run,
        RunEvent,
        RunEventDetail,
        RunFinished,
        RunStarted,
        RunStatus,
        RunType,
        RunUpdate,
        RunWarning,
        ScreenshotMode,
        StepFinished,
        StepOutcome,
        StepStarted,
        Usage,
        Viewport,
        WebhookAttempt,
        WebhookDelivery,
        WebhookDeliveryState,
        Workflow,
        WorkflowParameter,
    )

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Approval",
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
    "CreatedKey",
    "Credential",
    "DataLoss",
    "DeadlineExceeded",
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
    "PermissionDenied",
    "PlanMade",
    "Planner",
    "ProfileDamaged",
    "ProfileNameTaken",
    "ProfileNotSaved",
    "ProfileSave",
    "ProfileSaveState",
    "Proxy",
    "QueueFull",
    "Recording",
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
    "ScreenshotMode",
    "SessionBusy",
    "SessionClosed",
    "StepFinished",
    "StepOutcome",
    "StepStarted",
    "TabkeepError",
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
_HOMES = ("tabkeep.client", "tabkeep.records", "tabkeep.errors", "tabkeep.calls")


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
