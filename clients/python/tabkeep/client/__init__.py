"""The asynchronous client: one method for each thing the control plane does."""

from __future__ import annotations

from tabkeep.client.administration import AdministrationCalls
from tabkeep.client.artifacts import ArtifactCalls
from tabkeep.client.connection import DEFAULT_CALL_TIMEOUT
from tabkeep.client.files import FileCalls
from tabkeep.client.profiles import ProfileCalls
from tabkeep.client.recordings import RecordingCalls
from tabkeep.client.runs import RunCalls
from tabkeep.client.sessions import SessionCalls
from tabkeep.client.workflows import WorkflowCalls

__all__ = ["DEFAULT_CALL_TIMEOUT", "Client"]


class Client(
    SessionCalls,
    ProfileCalls,
    RunCalls,
    ArtifactCalls,
    FileCalls,
    WorkflowCalls,
    RecordingCalls,
    AdministrationCalls,
):
    """Talks to one control plane.

    Use it as `async with Client() as client:`, or call `close`. It belongs to the event loop that uses it first.
    Every method raises `tabkeep.TabkeepError`; calls that are safe to repeat are repeated after UNAVAILABLE, which
    is why a `request_id` is made for each call that is given none.
    """
