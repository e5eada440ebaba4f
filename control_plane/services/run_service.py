"""RunService: convert, move or read, convert back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from google.protobuf.json_format import MessageToDict
from tabkeep import telemetry
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import recordings_pb2
from tabkeep.v1 import runs_pb2 as pb
from tabkeep.v1 import runs_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.hosts import Host
from control_plane.entities.recordings import MOST_FOR_ONE_RUN, RecordingState
from control_plane.entities.records import Workflow
from control_plane.entities.runs import Run, RunStatus
from control_plane.errors import NotFound, OutOfRange, Unavailable
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.moves import file_moves, run_moves, workflow_moves
from control_plane.moves.requests import answered
from control_plane.moves.run_moves import RunSpec
from control_plane.networks import NO_NETWORKS, Networks
from control_plane.page_options import NO_PAGE_SETTINGS, PageSettings
from control_plane.page_tokens import PageTokens
from control_plane.prompt_secrets import secrets_in
from control_plane.prompt_templates import taken_apart, template_key
from control_plane.sealing.seals import Seals
from control_plane.store import RunFilter, Tables
from control_plane.webhook_destinations import sealed_webhook
from control_plane.wire import run_wire
from control_plane.wire.request_ids import request_id
from control_plane.workflows import workflow_definitions

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_EVENTS_AT_ONCE = 256
_MOST_OF_PLAN = 2 * 1024 * 1024
"""Bytes of a plan beyond which no recording is added to it."""


class RunService(pb_grpc.RunServiceServicer):
    """See the proto for what each call does."""

    def __init__(
        self,
        coordinator: Coordinator,
        page_tokens: PageTokens,
        seals: Seals,
        plans: Seals,
        networks: Networks = NO_NETWORKS,
        page_settings: PageSettings = NO_PAGE_SETTINGS,
    ) -> None:
        """`seals` are those of webhooks, `plans` those of what hosts are to do."""
        self._coordinator = coordinator
        self._database = coordinator.database
        self._page_tokens = page_tokens
        self._seals = seals
        self._plans = plans
        self._networks = networks
        self._page_settings = page_settings

    async def RunTask(self, request: pb.RunTaskRequest, context: Context) -> pb.RunTaskResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        spec = run_wire.task_spec(fields, request, organization_id, telemetry.inject())
        spec = self._with_network(fields, spec, request)
        webhook = sealed_webhook(fields, request.webhook_url, self._coordinator, self._seals)
        again = request_id(fields, organization_id, "RunTask", request)
        fields.raise_if_wrong()
        if not await self._database.read(lambda tables: answered(tables, again)):
            await self._check_files(organization_id, request)
        plan = await self._with_recordings(organization_id, spec.plan)
        spec = replace(spec, webhook=webhook, plan=self._plans.seal(organization_id, plan))
        shown = await self._coordinator.admit(lambda tx: run_moves.shown(tx, run_moves.create(tx, spec, again)))
        return pb.RunTaskResponse(run=run_wire.run(*shown))

    async def RunWorkflow(self, request: pb.RunWorkflowRequest, context: Context) -> pb.RunWorkflowResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        fields.text("workflow_id", request.workflow_id, 100, required=True)
        fields.raise_if_wrong()
        again = request_id(fields, organization_id, "RunWorkflow", request)
        if earlier := await self._database.read(lambda tables: answered(tables, again)):
            return pb.RunWorkflowResponse(run=run_wire.run(*await self._read(earlier, organization_id)))
        workflow = await self._workflow(organization_id, request.workflow_id, request.workflow_version)
        definition = workflow_definitions.parse(workflow.definition)
        parameters = workflow_definitions.bind(definition.parameters, MessageToDict(request.parameters))
        spec = run_wire.workflow_spec(fields, request, workflow, definition, parameters, telemetry.inject())
        spec = self._with_network(fields, spec, request)
        webhook = sealed_webhook(fields, request.webhook_url, self._coordinator, self._seals)
        fields.raise_if_wrong()
        plan = await self._with_recordings(organization_id, spec.plan)
        spec = replace(spec, webhook=webhook, plan=self._plans.seal(organization_id, plan))
        shown = await self._coordinator.admit(lambda tx: run_moves.shown(tx, run_moves.create(tx, spec, again)))
        return pb.RunWorkflowResponse(run=run_wire.run(*shown))

    async def _with_recordings(self, organization_id: str, plan: bytes) -> bytes:
        """The plan with what is recorded of its prompts, as far as they are not to be left alone."""
        start = host_pb2.StartRun.FromString(plan)
        for block in start.blocks:
            if block.WhichOneof("kind") == "task":
                await self._add_recordings(organization_id, start, block.task)
        return start.SerializeToString()

    async def _add_recordings(self, organization_id: str, start: host_pb2.StartRun, task: host_pb2.TaskBlock) -> None:
        recordings = task.recordings
        if recordings.mode == pb.REPLAY_MODE_OFF:
            task.ClearField("recordings")
            return
        recordings.SetInParent()
        secrets = secrets_in(task.prompt) if start.workflow else list(start.secrets)
        parameters = {name: _as_text(value) for name, value in MessageToDict(start.parameters).items()}
        template = taken_apart(task.prompt, secrets, parameters, start.secret_parameters)
        if template is None:
            return
        recordings.template = template.text
        for value in template.values:
            recordings.values.add(name=value.name, text=value.text, secret=value.secret)
        key = template_key(template.text)
        known = await self._database.read(
            lambda tables: tables.recordings.usable(organization_id, key, MOST_FOR_ONE_RUN)
        )
        for one in known:
            if start.ByteSize() + len(one.task) > _MOST_OF_PLAN:
                break
            recordings.known.add(
                recording_id=one.recording_id,
                version=one.version,
                trusted=one.state is RecordingState.TRUSTED,
                task=recordings_pb2.RecordedTask.FromString(one.task),
            )

    def _with_network(
        self, fields: Fields, spec: RunSpec, request: pb.RunTaskRequest | pb.RunWorkflowRequest
    ) -> RunSpec:
        session = self._networks.of_new(fields, spec.session, request.browser_session, "browser_session.")
        session = self._page_settings.of_new(fields, session, request.browser_session, "browser_session.")
        return replace(spec, session=session)

    async def _check_files(self, organization_id: str, request: pb.RunTaskRequest) -> None:
        """Raise for files that are to be uploaded and are not there; they may still be deleted before their turn.

        Raises:
            FieldInvalid: FIELD_INVALID names the place of each.
        """
        wanted = {
            f"actions[{number}].upload.files[{place}]": name
            for number, action in enumerate(request.actions)
            for place, name in enumerate(action.upload.files)
        }
        if not wanted:
            return
        fields = Fields()

        def query(tables: Tables) -> None:
            for field, name in wanted.items():
                try:
                    file_moves.named(tables, organization_id, name)
                except NotFound as missing:
                    fields.wrong(field, missing.message)

        await self._database.read(query)
        fields.raise_if_wrong()

    async def _workflow(self, organization_id: str, workflow_id: str, version: int) -> Workflow:
        def query(tables: Tables) -> Workflow:
            workflow = tables.workflows.get(organization_id, workflow_id, version)
            if workflow is None:
                raise workflow_moves.not_found(workflow_id, version)
            return workflow

        return await self._database.read(query)

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> pb.GetRunResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        wait = fields.duration(request, "wait_timeout", timedelta(), timedelta(minutes=10), timedelta())
        fields.raise_if_wrong()
        run, host = await self._read(request.run_id, organization_id)
        if wait and not run.status.final:
            run, host = await self._wait(request.run_id, organization_id, wait, or_paused=request.or_paused)
        return pb.GetRunResponse(run=await self._whole(run, host))

    async def _wait(
        self, run_id: str, organization_id: str, wait: timedelta, *, or_paused: bool
    ) -> tuple[Run, Host | None]:
        """The run once it is final (or waits for an answer), or as it is when `wait` is over or we stop."""
        feed, clock = self._coordinator.feed, self._coordinator.clock
        until = clock.monotonic() + wait.total_seconds()
        with feed.watch(run_id) as changed:
            while True:
                changed.clear()
                run, host = await self._read(run_id, organization_id)
                remaining = until - clock.monotonic()
                asks = or_paused and run.status is RunStatus.PAUSED and not run.approval_answer
                if run.status.final or asks or remaining <= 0 or feed.closing:
                    return run, host
                try:
                    async with asyncio.timeout(remaining):
                        await changed.wait()
                except TimeoutError:
                    continue

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        matching = RunFilter(
            request.browser_session_id, request.workflow_id, run_wire.run_statuses(fields, request.statuses)
        )
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()

        def query(tables: Tables) -> list[tuple[Run, Host | None]]:
            runs = tables.runs.page(organization_id, matching, before, size + 1)
            return [run_moves.shown(tables, run) for run in runs]

        found = await self._database.read(query)
        last = found[size - 1][0].run_id if len(found) > size else ""
        return pb.ListRunsResponse(
            runs=[run_wire.run(*one) for one in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def WatchRun(self, request: pb.WatchRunRequest, context: Context) -> AsyncIterator[pb.WatchRunResponse]:
        fields, organization_id, run_id = Fields(), caller.get().organization_id, request.run_id
        if request.after_seq < 0:
            fields.wrong("after_seq", f"{request.after_seq} is negative")
        fields.raise_if_wrong()
        feed, after = self._coordinator.feed, request.after_seq
        run, host = await self._read(run_id, organization_id)
        if after > run.last_seq:
            raise OutOfRange(
                f"after_seq {after} lies beyond the last event {run.last_seq} of run {run_id}",
                reason="SEQ_BEYOND_LOG",
                last_seq=str(run.last_seq),
            )
        shown: pb.Run | None = None
        with feed.watch(run_id) as changed:
            while True:
                changed.clear()
                run, host = await self._read(run_id, organization_id)
                if not run.status.final and _differs(shown, now := run_wire.run(run, host)):
                    shown = now
                    yield pb.WatchRunResponse(run=now)
                while after < run.last_seq:
                    for seq, body in await self._events(run_id, after):
                        after = seq
                        yield pb.WatchRunResponse(event=pb.RunEvent.FromString(body))
                if run.status.final:
                    yield pb.WatchRunResponse(run=await self._whole(run, host))
                    return
                if feed.closing:
                    raise Unavailable("the control plane is being stopped: watch again soon", reason="DRAINING")
                await changed.wait()

    async def _events(self, run_id: str, after: int) -> list[tuple[int, bytes]]:
        return await self._database.read(lambda tables: tables.runs.events_after(run_id, after, _EVENTS_AT_ONCE))

    async def CancelRun(self, request: pb.CancelRunRequest, context: Context) -> pb.CancelRunResponse:
        whose = (caller.get().organization_id, request.run_id)
        shown = await self._coordinator.move(lambda tx: run_moves.shown(tx, run_moves.cancel(tx, *whose)))
        return pb.CancelRunResponse(run=run_wire.run(*shown))

    async def ResolveApproval(self, request: pb.ResolveApprovalRequest, context: Context) -> pb.ResolveApprovalResponse:
        fields = Fields()
        fields.text("comment", request.comment, 1000)
        fields.text("approval_id", request.approval_id, 100, required=True)
        fields.raise_if_wrong()
        run = await self._coordinator.move(
            run_moves.resolve_approval,
            caller.get().organization_id,
            request.run_id,
            request.approval_id,
            request.approved,
            request.comment,
        )
        return pb.ResolveApprovalResponse(run=run_wire.run(run))

    async def _read(self, run_id: str, organization_id: str) -> tuple[Run, Host | None]:
        return await self._database.read(
            lambda tables: run_moves.shown(tables, run_moves.find(tables, organization_id, run_id))
        )

    async def _whole(self, run: Run, host: Host | None) -> pb.Run:
        """A run with where its output came from, which only its last event tells."""
        proto = run_wire.run(run, host)
        if run.status.final and run.output:
            last = await self._database.read(lambda tables: tables.runs.event(run.run_id, run.last_seq))
            run_wire.add_provenance(proto, last or b"")
        return proto


def _as_text(value: Any) -> str:
    """A parameter as a page gets it from a host."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _differs(shown: pb.Run | None, now: pb.Run) -> bool:
    """Whether the run's status or what it waits for has changed; steps alone are told by events."""
    return shown is None or (shown.status, shown.pending_approval, list(shown.conditions)) != (
        now.status,
        now.pending_approval,
        list(now.conditions),
    )
