"""Calls about runs of tasks and workflows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from tabkeep import watching, wire
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.errors import DeadlineExceeded
from tabkeep.records.run_events import RunUpdate
from tabkeep.records.runs import (
    IrreversiblePolicy,
    Planner,
    ReplayMode,
    Run,
    RunStatus,
    ScreenRecording,
    ScreenshotMode,
)
from tabkeep.records.sessions import BrowserSessionOptions
from tabkeep.v1 import (
    actions_pb2,
    runs_pb2,
)

HELD_CALL = timedelta(seconds=60)
"""How long one GetRun call is held while waiting for a run; short enough for every proxy on the way."""


class RunCalls(Connection):
    """Calls about runs of tasks and workflows."""

    async def run_task(
        self,
        prompt: str | None = None,
        *,
        actions: Sequence[actions_pb2.Action] = (),
        url: str | None = None,
        browser_session_id: str | None = None,
        browser_profile_id: str | None = None,
        browser_session: BrowserSessionOptions | None = None,
        max_steps: int | None = None,
        timeout: timedelta | None = None,
        data_extraction_schema: Mapping[str, Any] | None = None,
        fail_if_busy: bool = False,
        labels: Mapping[str, str] | None = None,
        screenshots: ScreenshotMode | str | None = None,
        record_console: bool = False,
        record_network: bool = False,
        screen_recording: ScreenRecording | bool = False,
        planner: Planner | str | None = None,
        irreversible_policy: IrreversiblePolicy | str | None = None,
        replay_mode: ReplayMode | str | None = None,
        webhook_url: str | None = None,
        request_id: str | None = None,
        wait_for_completion: bool = False,
    ) -> Run:
        """Run a task: a prompt, or typed actions (see `tabkeep.actions`).

        With `browser_session_id` it waits its turn in that session and goes on where the last run ended, on the
        current page unless `url` is given. Without, it gets a session of its own, opened as `browser_session` says
        and closed afterwards. With `wait_for_completion` the final run is returned, however it ended: look at its
        `status` or call `raise_for_failure`. When the waiting is given up, the run goes on. `planner` says who turns
        the prompt into steps, `irreversible_policy` what happens before paying, ordering, deleting and sending,
        `replay_mode` whether recordings are used and made; `webhook_url` is told of the run's end. The console, the
        requests and moving pictures of its pages become artifacts of the run where asked for.

        Raises:
            InvalidArgument: a field is wrong; nothing was stored.
            SessionClosed: the session takes no more runs.
            SessionBusy: another run has its turn, and `fail_if_busy` is set.
            QueueFull: too many runs wait in the session.
        """
        request = runs_pb2.RunTaskRequest(
            prompt=prompt or "",
            actions=actions,
            url=url or "",
            browser_session_id=browser_session_id or "",
            browser_profile_id=browser_profile_id or "",
            max_steps=max_steps or 0,
            fail_if_busy=fail_if_busy,
            labels=dict(labels or {}),
            record_console=record_console,
            record_network=record_network,
            screen_recording=_screen_recording(screen_recording),
            webhook_url=webhook_url or "",
            request_id=request_id or new_request_id(),
        )
        if data_extraction_schema is not None:
            request.data_extraction_schema.CopyFrom(wire.to_struct(data_extraction_schema))
        if replay_mode is not None:
            request.replay_mode = wire.enum_to_proto(ReplayMode, replay_mode)
        _set_run_options(request, browser_session, timeout, screenshots, planner, irreversible_policy)
        answer = await self._calls.unary("RunService/RunTask", request, runs_pb2.RunTaskResponse)
        run = wire.run(answer.run)
        return await self.wait_for_run(run.run_id) if wait_for_completion and not run.is_final else run

    async def run_workflow(
        self,
        workflow_id: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        workflow_version: int | None = None,
        browser_session_id: str | None = None,
        browser_profile_id: str | None = None,
        browser_session: BrowserSessionOptions | None = None,
        max_steps: int | None = None,
        timeout: timedelta | None = None,
        fail_if_busy: bool = False,
        labels: Mapping[str, str] | None = None,
        screenshots: ScreenshotMode | str | None = None,
        record_console: bool = False,
        record_network: bool = False,
        screen_recording: ScreenRecording | bool = False,
        planner: Planner | str | None = None,
        irreversible_policy: IrreversiblePolicy | str | None = None,
        webhook_url: str | None = None,
        request_id: str | None = None,
        wait_for_completion: bool = False,
    ) -> Run:
        """Run a stored workflow, its newest version unless `workflow_version` says which; see `run_task`.

        Raises:
            NotFound: no such workflow or session in the caller's organization.
            InvalidArgument: a parameter is missing, unknown or of the wrong type; nothing was stored.
        """
        request = runs_pb2.RunWorkflowRequest(
            workflow_id=workflow_id,
            workflow_version=workflow_version or 0,
            browser_session_id=browser_session_id or "",
            browser_profile_id=browser_profile_id or "",
            max_steps=max_steps or 0,
            fail_if_busy=fail_if_busy,
            labels=dict(labels or {}),
            record_console=record_console,
            record_network=record_network,
            screen_recording=_screen_recording(screen_recording),
            webhook_url=webhook_url or "",
            request_id=request_id or new_request_id(),
        )
        if parameters is not None:
            request.parameters.CopyFrom(wire.to_struct(parameters))
        _set_run_options(request, browser_session, timeout, screenshots, planner, irreversible_policy)
        answer = await self._calls.unary("RunService/RunWorkflow", request, runs_pb2.RunWorkflowResponse)
        run = wire.run(answer.run)
        return await self.wait_for_run(run.run_id) if wait_for_completion and not run.is_final else run

    async def get_run(self, run_id: str, *, wait_timeout: timedelta | None = None) -> Run:
        """Return a run; with `wait_timeout` (at most 10 minutes) not before it is final or that time is over.

        Raises:
            NotFound: no such run in the caller's organization.
        """
        request = runs_pb2.GetRunRequest(run_id=run_id)
        if wait_timeout is not None:
            request.wait_timeout.CopyFrom(wire.to_duration(wait_timeout, "wait_timeout"))
        held = wait_timeout.total_seconds() if wait_timeout else 0.0
        answer = await self._calls.unary("RunService/GetRun", request, runs_pb2.GetRunResponse, extra_seconds=held)
        return wire.run(answer.run)

    async def wait_for_run(self, run_id: str, *, timeout: timedelta | None = None) -> Run:
        """Return a run when it is final; without `timeout`, however long that takes (a paused run waits for a person).

        Raises:
            DeadlineExceeded: RUN_NOT_FINAL, the timeout is over and the run goes on.
            NotFound: no such run in the caller's organization.
        """
        loop = asyncio.get_running_loop()
        give_up = None if timeout is None else loop.time() + timeout.total_seconds()
        while True:
            left = HELD_CALL if give_up is None else timedelta(seconds=max(0.0, give_up - loop.time()))
            run = await self.get_run(run_id, wait_timeout=min(left, HELD_CALL))
            if run.is_final:
                return run
            if give_up is not None and loop.time() >= give_up:
                message = f"run {run_id} is still {run.status} after {timeout}: wait again or cancel it"
                raise DeadlineExceeded(message, code="DEADLINE_EXCEEDED", reason="RUN_NOT_FINAL")

    async def list_runs(
        self,
        *,
        browser_session_id: str | None = None,
        workflow_id: str | None = None,
        statuses: Iterable[RunStatus | str] = (),
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[Run]:
        """Yield the organization's runs, newest first; pages are fetched as they are needed."""
        request = runs_pb2.ListRunsRequest(
            page_size=page_size,
            browser_session_id=browser_session_id or "",
            workflow_id=workflow_id or "",
            statuses=[wire.enum_to_proto(RunStatus, status) for status in statuses],
        )
        while True:
            page = await self._calls.unary("RunService/ListRuns", request, runs_pb2.ListRunsResponse)
            for run in page.runs:
                yield wire.run(run)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch_run(self, run_id: str, *, after_seq: int = 0) -> AsyncGenerator[RunUpdate, None]:
        """Yield the run's events from `after_seq` + 1 on, each exactly once and in order, and the run as it changes.

        Ends after the final run. A broken connection is made again, from the last event received; only after the
        retry policy's `watch_patience` without anything new its error is raised.

        Raises:
            NotFound: no such run in the caller's organization.
            OutOfRange: `after_seq` is larger than the last event's seq.
        """
        updates = watching.watch_run(self._calls, run_id, after_seq)
        async with aclosing(updates):
            async for update in updates:
                yield update

    async def cancel_run(self, run_id: str) -> Run:
        """End a run: at once if it waits, else at the next step, at the latest 5 seconds later.

        Raises:
            NotFound: no such run in the caller's organization.
        """
        request = runs_pb2.CancelRunRequest(run_id=run_id)
        answer = await self._calls.unary("RunService/CancelRun", request, runs_pb2.CancelRunResponse)
        return wire.run(answer.run)

    async def resolve_approval(self, run_id: str, approval_id: str, approved: bool, *, comment: str = "") -> Run:
        """Answer what a paused run asks (`run.pending_approval`); `comment` says who answers and why.

        Raises:
            NoApprovalPending: the run does not wait for this approval.
        """
        request = runs_pb2.ResolveApprovalRequest(
            run_id=run_id, approval_id=approval_id, approved=approved, comment=comment
        )
        answer = await self._calls.unary("RunService/ResolveApproval", request, runs_pb2.ResolveApprovalResponse)
        return wire.run(answer.run)


def _set_run_options(
    request: runs_pb2.RunTaskRequest | runs_pb2.RunWorkflowRequest,
    browser_session: BrowserSessionOptions | None,
    timeout: timedelta | None,
    screenshots: ScreenshotMode | str | None,
    planner: Planner | str | None,
    irreversible_policy: IrreversiblePolicy | str | None,
) -> None:
    if browser_session is not None:
        request.browser_session.CopyFrom(wire.to_create_session(browser_session))
    if timeout is not None:
        request.timeout.CopyFrom(wire.to_duration(timeout, "timeout"))
    if screenshots is not None:
        request.screenshots = wire.enum_to_proto(ScreenshotMode, screenshots)
    if planner is not None:
        request.planner = wire.enum_to_proto(Planner, planner)
    if irreversible_policy is not None:
        request.irreversible_policy = wire.enum_to_proto(IrreversiblePolicy, irreversible_policy)


def _screen_recording(wanted: ScreenRecording | bool) -> runs_pb2.ScreenRecording | None:
    if not wanted:
        return None
    return wire.to_screen_recording(ScreenRecording() if isinstance(wanted, bool) else wanted)
