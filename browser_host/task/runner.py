"""Carries out one run: its parts one after another, to exactly one RunFinished."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from uuid import uuid4

from google.protobuf import json_format, struct_pb2
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import (
    Browser,
    BrowserError,
    BrowserGone,
    DocumentReplaced,
    NavigationFailed,
    PageClosed,
    PageCrashed,
    PageUnresponsive,
)
from browser_host.clock import Clock
from browser_host.task import extract
from browser_host.task.approvals import ask
from browser_host.task.by_model.model import Model
from browser_host.task.by_model.model_clause import ByModel
from browser_host.task.clauses.own_output import brought
from browser_host.task.clauses.plain_clauses import OneAction, answers_dialog
from browser_host.task.clauses.sign_in import SignIn
from browser_host.task.failures import (
    EXPECTATION_FAILED,
    EXTRACT,
    INTERNAL,
    PAGE_CRASHED,
    STEP_TIMEOUT,
    Failed,
    Stopped,
    navigation,
)
from browser_host.task.journal import Journal
from browser_host.task.memory import Memory
from browser_host.task.planner import Plan, Planner
from browser_host.task.planners import planner_for
from browser_host.task.provenance import leaves, whence
from browser_host.task.recording_holes import fill_texts
from browser_host.task.steps import Steps
from browser_host.task.values import Parameters, origin_of, to_schema, to_value
from browser_host.task.wording import names_a_secret
from browser_host.task.workspace import Workspace

logger = logging.getLogger(__name__)

_NOTHING = object()
"""A part that brings no output, which is something else than null."""
_TITLE_TIMEOUT = 1.0
_TASK_TIMEOUT = 600.0
_WORKFLOW_TIMEOUT = 3600.0
_TASK_STEPS = 50
_WORKFLOW_STEPS = 200


async def carry_out(
    start_run: host_pb2.StartRun, browser: Browser, journal: Journal, clock: Clock, *, model: Model | None = None
) -> None:
    """Carry out a run and record all of it; returns when its RunFinished is recorded.

    `model` is asked for what the rules do not understand; without one such runs end NEEDS_MODEL.

    Raises:
        BrowserGone: the browser ended under the run; no RunFinished is recorded, the host reports the end.
    """
    await _Run(start_run, browser, journal, clock, planner_for(start_run.planner, model, start_run.secrets)).carry_out()


@dataclass(slots=True)
class _End:
    """How the run ends."""

    status: runs_pb2.RunStatus
    reason: runs_pb2.FailureReason = runs_pb2.FAILURE_REASON_UNSPECIFIED
    message: str = ""


class _Run:
    """One run under way."""

    def __init__(
        self, start_run: host_pb2.StartRun, browser: Browser, journal: Journal, clock: Clock, planner: Planner
    ) -> None:
        workflow = start_run.workflow
        timeout = start_run.timeout.ToTimedelta().total_seconds() if start_run.HasField("timeout") else 0.0
        self._start_run = start_run
        self._journal = journal
        self._clock = clock
        self._planner = planner
        self._plans: dict[str, Plan] = {}
        """How each prompt was understood, by block_id."""
        self._steps = Steps(
            browser,
            journal,
            clock,
            parameters=Parameters(start_run.parameters),
            max_steps=start_run.max_steps or (_WORKFLOW_STEPS if workflow else _TASK_STEPS),
            timeout=timeout or (_WORKFLOW_TIMEOUT if workflow else _TASK_TIMEOUT),
            screenshots=start_run.screenshots,
            irreversible=start_run.irreversible_policy,
        )
        journal.scrub = self._steps.secrets.scrub
        for secret in (*start_run.secrets, *self._secret_values(start_run)):
            self._steps.secrets.add(secret)
        self._memories = dict(self._remembered())
        """What is remembered of each prompt, by block_id."""
        self._unplanned: dict[str, Failed] = {}
        """Why a prompt was not understood, where a recording may do it all the same, by block_id."""
        self._source = "workflow" if workflow else "caller"
        self._output: Any = {} if workflow else _NOTHING
        self._partial: Any = _NOTHING

    def _remembered(self) -> Iterator[tuple[str, Memory]]:
        start = self._start_run
        given = start.planner != runs_pb2.PLANNER_UNSPECIFIED
        for block in start.blocks:
            if block.WhichOneof("kind") == "task" and block.task.HasField("recordings"):
                yield block.block_id, Memory(block.task.recordings, block.task.prompt, self._steps, planner_given=given)

    def _secret_values(self, start_run: host_pb2.StartRun) -> Iterator[str]:
        for name in start_run.secret_parameters:
            with suppress(Failed):  # an optional parameter that was not given
                yield self._steps.parameters.text(name)
        for block in start_run.blocks:
            yield from (value.text for value in block.task.recordings.values if value.secret)

    async def carry_out(self) -> None:
        try:
            end = await self._outcome()
        except BrowserGone:
            raise
        except Exception:
            incident = uuid4().hex[:12]
            logger.exception("task engine failed", extra={"run_id": self._start_run.run_id, "incident_id": incident})
            end = _End(
                runs_pb2.RUN_STATUS_FAILED,
                INTERNAL,
                f"a fault of Tabkeep's own; the host's log has it under {incident}",
            )
        finally:
            self._steps.tabs.leave()
        await self._steps.tell_pages()
        scrub = self._steps.secrets.scrub
        finished = runs_pb2.RunFinished(
            status=end.status, failure_reason=end.reason, failure_message=scrub(end.message)
        )
        if self._output is not _NOTHING and self._output != {}:
            finished.output.CopyFrom(to_value(self._steps.secrets.scrub_value(self._output)))
            finished.provenance.extend(self._steps.scrubbed(self._steps.sources.of(self._output)))
        await self._journal.record(RunEvent(run_finished=finished))

    async def _outcome(self) -> _End:
        try:
            await self._begin()
            await self._understand()
            for block in self._start_run.blocks:
                await self._block(block)
            await self._shape_output()
            return _End(runs_pb2.RUN_STATUS_COMPLETED)
        except Stopped as stopped:
            return _End(stopped.status, stopped.reason, stopped.message)
        except Failed as failed:
            return _End(runs_pb2.RUN_STATUS_FAILED, failed.reason, failed.message)

    async def _begin(self) -> None:
        page = await self._steps.page()
        started = runs_pb2.RunStarted(url=page.url)
        try:
            started.title = await page.title(timeout=_TITLE_TIMEOUT)
        except BrowserGone:
            raise
        except BrowserError:
            pass  # a page that hangs or has crashed has no title to tell
        await self._journal.record(RunEvent(run_started=started))

    async def _understand(self) -> None:
        """Plan every prompt of the run before anything is done for any part of it, loading a page included.

        Raises:
            Failed.
        """
        origins = {origin_of((await self._steps.page()).url)}
        for block in self._start_run.blocks:
            origins |= self._opened_by(block)
            if block.WhichOneof("kind") == "task":
                try:
                    plan = self._planner.plan(block.task.prompt, self._steps.parameters)
                except Failed as failed:
                    memory = self._memories.get(block.block_id)
                    if memory is None or not memory.may_replay(origins):
                        raise
                    self._unplanned[block.block_id] = failed
                    continue
                for secret in plan.secrets:
                    self._steps.secrets.add(secret)
                self._plans[block.block_id] = plan
                self._steps.logs_in |= any(isinstance(intent, SignIn | ByModel) for intent in plan.intents)
            elif block.WhichOneof("kind") == "actions":
                self._steps.logs_in |= any(_logs_in(action) for action in block.actions.actions)

    def _opened_by(self, block: host_pb2.Block) -> set[str]:
        """The sites that a part opens by their URLs."""
        opened = [block.goto] if block.WhichOneof("kind") == "goto" else [one.goto for one in block.actions.actions]
        fill = self._steps.parameters.fill if self._start_run.workflow else str
        return {origin_of(fill(one.url)) for one in opened if one.url}

    # Parts

    async def _block(self, block: host_pb2.Block) -> None:
        """Carry out one part.

        Raises:
            Failed.
        """
        self._steps.check()
        workflow = self._start_run.workflow
        kind = block.WhichOneof("kind") or ""
        if workflow:
            self._steps.block_id = block.block_id
            started = runs_pb2.BlockStarted(block_id=block.block_id, block_type=kind)
            await self._journal.record(RunEvent(block_started=started))
        self._partial = _NOTHING
        failure: Failed | None = None
        try:
            output = await self._timed(block, self._carry_out(block, kind))
        except Failed as failed:
            failure, output = failed, self._partial
        if block.block_id in self._memories:
            await self._memories[block.block_id].report(done=failure is None)
        self._keep(block.block_id, output)
        if workflow:
            outcome = runs_pb2.STEP_OUTCOME_FAILED if failure else runs_pb2.STEP_OUTCOME_DONE
            finished = runs_pb2.BlockFinished(block_id=block.block_id, outcome=outcome)
            if output is not _NOTHING:
                finished.output.CopyFrom(to_value(self._steps.secrets.scrub_value(output)))
            await self._journal.record(RunEvent(block_finished=finished))
        if failure is not None:
            raise failure

    def _keep(self, block_id: str, output: Any) -> None:
        if output is _NOTHING:
            return
        if self._start_run.workflow:
            self._output[block_id] = output
        else:
            self._output = output

    async def _timed(self, block: host_pb2.Block, work: Awaitable[Any]) -> Any:
        """Await a part, within its own timeout, with the browser's errors in the run's words.

        Raises:
            Failed.
        """
        limit: AbstractContextManager[None] = nullcontext()
        if block.HasField("timeout") and block.WhichOneof("kind") != "approve":
            seconds = block.timeout.ToTimedelta().total_seconds()
            over = Failed(STEP_TIMEOUT, f'block "{block.block_id}" took longer than its timeout of {seconds:g} s')
            limit = self._steps.within(seconds, over)
        try:
            with limit:
                return await work
        except PageUnresponsive:
            raise Failed(STEP_TIMEOUT, "the page does not answer") from None
        except PageCrashed:
            raise Failed(PAGE_CRASHED, "the page's process crashed") from None
        except NavigationFailed as error:
            raise navigation(error) from None
        except PageClosed:
            raise Failed(EXPECTATION_FAILED, "the tab was closed meanwhile") from None
        except DocumentReplaced:
            raise Failed(EXPECTATION_FAILED, "the page moved to other documents again and again") from None

    async def _carry_out(self, block: host_pb2.Block, kind: str) -> Any:
        match kind:
            case "goto":
                return await self._actions([actions_pb2.Action(goto=block.goto)])
            case "actions":
                return await self._actions(list(block.actions.actions))
            case "extract":
                return await self._actions([actions_pb2.Action(extract=block.extract)])
            case "wait":
                return await self._actions([self._wait(block)])
            case "task":
                return await self._task(block)
            case "approve":
                await self._approve(block)
                return _NOTHING
        raise ValueError(f"a block of no known kind: {block.block_id}")

    async def _approve(self, block: host_pb2.Block) -> None:
        """Ask a person; no longer than the question says, else its block, else the run.

        Raises:
            Failed.
        """
        limit = max(self._steps.left(), 0.0)
        holder = next((one for one in (block.approve, block) if one.HasField("timeout")), None)
        if holder is not None:
            limit = min(holder.timeout.ToTimedelta().total_seconds(), limit)
        question = self._steps.parameters.fill(block.approve.message)
        await ask(self._steps, f"{block.block_id}-{self._steps.begun}", question, limit)

    def _wait(self, block: host_pb2.Block) -> actions_pb2.Action:
        """A wait takes as long as its block may, where that is said."""
        action = actions_pb2.Action(wait=block.wait)
        if block.HasField("timeout"):
            action.timeout.CopyFrom(block.timeout)
        return action

    async def _actions(self, actions: list[actions_pb2.Action]) -> Any:
        """Do the actions; the output is what they read: of one extract its data, of several a list."""
        outputs: list[Any] = []
        parameters = self._steps.parameters
        parameters.actions = []
        if self._start_run.workflow:
            parameters.blocks = self._output
        for place, action in enumerate(actions):
            if action.WhichOneof("kind") != "dialog":
                answers = takewhile(lambda one: one.HasField("dialog"), actions[place + 1 :])
                self._steps.tabs.expect_dialogs(self._filled(one) for one in answers)
            done = await self._steps.do(self._filled(action), self._source)
            parameters.actions.append(done.output if done.has_output else None)
            if done.has_output:
                outputs.append(done.output)
                self._partial = outputs[0] if len(outputs) == 1 else list(outputs)
        return self._partial

    def _filled(self, action: actions_pb2.Action) -> actions_pb2.Action:
        """The action with a workflow's parameters in the holes of its URL, names and conditions, as events show it."""
        if not self._start_run.workflow:
            return action
        filled = actions_pb2.Action()
        filled.CopyFrom(action)
        fill_texts(filled, self._steps.parameters.fill)
        return filled

    async def _task(self, block: host_pb2.Block) -> Any:
        """Do what a prompt says: by a recording of it, else as it was understood."""
        task, memory = block.task, self._memories.get(block.block_id)
        plan = self._plans.get(block.block_id)
        workspace = Workspace(self._steps)
        workspace.schema = to_schema(task.data_extraction_schema) if task.HasField("data_extraction_schema") else None
        with self._steps.at_most(task.max_steps):
            try:
                if memory is None or not await memory.replay(workspace, plan):
                    if plan is None:
                        raise self._unplanned[block.block_id]
                    await self._as_planned(plan, workspace, memory)
            finally:
                if workspace.output is not None:
                    self._partial = workspace.output
            if task.HasField("data_extraction_schema"):
                schema = to_schema(task.data_extraction_schema)
                self._partial = await self._shaped(schema, workspace)
        return self._partial

    async def _as_planned(self, plan: Plan, workspace: Workspace, memory: Memory | None) -> None:
        clauses = [self._steps.secrets.scrub(clause) for clause in plan.clauses]
        made = runs_pb2.PlanMade(planner=plan.planner, clauses=clauses)
        await self._journal.record(RunEvent(plan_made=made))
        if memory is not None:
            await memory.begin(plan)
        for place, (intent, text) in enumerate(zip(plan.intents, plan.texts, strict=True)):
            if memory is not None:
                memory.part(intent, text)
            if not answers_dialog(intent):
                following = takewhile(answers_dialog, plan.intents[place + 1 :])
                self._steps.tabs.expect_dialogs(one.action for one in following if isinstance(one, OneAction))
            before = workspace.output
            try:
                await intent.carry_out(workspace)
            finally:
                if workspace.output is not None:
                    self._partial = workspace.output
            if workspace.output is not before and not isinstance(intent, ByModel):
                page = await self._steps.page()
                self._steps.sources.add(workspace.output, await whence(page, leaves(workspace.output), page.url))
            if memory is not None:
                await memory.part_done(intent, workspace)

    async def _shaped(self, schema: dict[str, Any], workspace: Workspace) -> Any:
        """The task's output in the shape that was asked for: what it brought itself, the rest read off the page.

        Raises:
            Failed: EXTRACT; the output stays what the task brought.
        """
        known, rest = None, schema
        if workspace.output is not None:
            known, missing = brought(schema, workspace.output)
            if missing is None:
                return known
            rest = missing
        wanted = json_format.ParseDict(rest, struct_pb2.Struct())
        action = actions_pb2.Action(extract=actions_pb2.Extract(schema=wanted))
        try:
            read = (await workspace.do(action)).output
        except Failed as failed:
            if known and failed.reason == EXTRACT:
                found = ", ".join(f"{name} = {value!r}"[:80] for name, value in known.items())
                raise Failed(EXTRACT, f"{failed.message}; the task itself found: {found}") from None
            raise
        return extract.checked(schema, {**known, **read}) if known else read

    async def _shape_output(self) -> None:
        """For a task of actions: read what its schema asks for, unless an extract brought it in that shape."""
        start_run = self._start_run
        if start_run.workflow or not start_run.HasField("data_extraction_schema"):
            return
        last = start_run.blocks[-1]
        if last.WhichOneof("kind") == "task" and last.task.HasField("data_extraction_schema"):
            return
        if self._output is not _NOTHING and extract.fits(to_schema(start_run.data_extraction_schema), self._output):
            return
        action = actions_pb2.Action(extract=actions_pb2.Extract(schema=start_run.data_extraction_schema))
        self._output = (await self._steps.do(action, self._source)).output


def _logs_in(action: actions_pb2.Action) -> bool:
    """Whether an action fills in a password or the like."""
    fill = action.fill
    secret = fill.value.sensitive or fill.value.WhichOneof("source") == "credential" or names_a_secret(fill.target)
    return action.WhichOneof("kind") == "fill" and secret
