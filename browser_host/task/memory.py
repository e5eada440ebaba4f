"""What a run remembers of a prompt: which recording it replays, what it records itself, what it reports in the end."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from urllib.parse import urlsplit

from google.protobuf import json_format
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import recordings_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.task.by_model.model_clause import ByModel
from browser_host.task.failures import NO_RECORDING, STALE_RECORDING, Failed
from browser_host.task.gate import Irreversible, OnSite, acts_named
from browser_host.task.planner import Plan
from browser_host.task.prompt_text import sites_in
from browser_host.task.recorder import Recorder
from browser_host.task.recording_holes import Holes
from browser_host.task.replay import Replay, Unfit, merged, same_steps
from browser_host.task.steps import PolicyGate, Steps
from browser_host.task.values import origin_of
from browser_host.task.workspace import MODEL, REPLAY, RULES, Intent, Repeatable, Workspace

Known = host_pb2.Recordings.Known


@dataclass(slots=True)
class _Replayed:
    """What became of a replay."""

    known: Known
    verified: bool = False
    stale: bool = False
    message: str = ""
    mended: bool = False


class Memory:
    """The recordings of one prompt of a run: of a task, or of a workflow's block."""

    def __init__(self, recordings: host_pb2.Recordings, prompt: str, steps: Steps, *, planner_given: bool) -> None:
        """`planner_given` is whether the caller said who plans."""
        self._recordings = recordings
        self._prompt = prompt
        self._steps = steps
        self._planner_given = planner_given
        self._replayed: _Replayed | None = None
        self._planner = ""
        self._origin = ""
        self._start = ""

    def may_replay(self, origins: Set[str]) -> bool:
        """Whether there is a recording for pages of one of these origins, before anything is opened."""
        return any(one.task.origin in origins for one in self._usable())

    def _usable(self) -> list[Known]:
        mode = self._recordings.mode
        if mode in (runs_pb2.REPLAY_MODE_PLAN, runs_pb2.REPLAY_MODE_OFF):
            return []
        if mode == runs_pb2.REPLAY_MODE_ONLY:
            return list(self._recordings.known)
        return [one for one in self._recordings.known if one.trusted and not self._planner_given]

    @property
    def only(self) -> bool:
        """Nothing but a recording may be used."""
        return self._recordings.mode == runs_pb2.REPLAY_MODE_ONLY

    async def replay(self, workspace: Workspace, plan: Plan | None) -> bool:
        """Do the task by a recording; False when none fits, and then nothing was done.

        Raises:
            Failed.
        """
        page = await self._steps.page()
        self._origin = origin_of(page.url)
        self._recorder(page.url)
        seen: list[str] = []
        for known in self._usable():
            why = self._unfit(known, page.url, plan)
            if why:
                seen.append(why)
                continue
            replayed = self._replayed = _Replayed(known)
            try:
                await self._carry_out(known, workspace, plan)
            except Unfit as unfit:
                replayed.stale, replayed.message = True, str(unfit)
                await self._steps.journal.record(self._report(replayed))
                self._replayed = None
                self._recorder(page.url)
                warning = runs_pb2.Warning(
                    code="STALE_RECORDING",
                    message=self._steps.secrets.scrub(f"a recording is not used, nothing was done by it: {unfit}"),
                )
                await self._steps.journal.record(RunEvent(warning=warning))
                seen.append(str(unfit))
                continue
            except Failed as failed:
                replayed.stale, replayed.message = failed.reason == STALE_RECORDING, failed.message
                raise
            replayed.verified = True
            return True
        if self.only:
            why = "; ".join(seen) or "none is stored for this task on this site"
            raise Failed(NO_RECORDING, f"only a recording was to be used, and none fits: {why}")
        return False

    async def _carry_out(self, known: Known, workspace: Workspace, plan: Plan | None) -> None:
        values = list(self._recordings.values)
        for value in values:
            self._steps.parameters.add(value.name, value.text)
        clauses = [self._steps.secrets.scrub(part.clause) for part in known.task.parts]
        made = runs_pb2.PlanMade(planner=REPLAY, clauses=clauses, recording_id=known.recording_id)
        await self._steps.journal.record(RunEvent(plan_made=made))
        recorder = self._steps.recorder
        assert recorder is not None
        workspace.source = REPLAY
        replay = Replay(known, values, workspace, recorder, self._intents(known, plan), self._gate(known))
        try:
            await replay.carry_out()
        finally:
            workspace.source = RULES
            assert self._replayed is not None
            self._replayed.mended = replay.mended

    def _unfit(self, known: Known, url: str, plan: Plan | None) -> str:
        """Why a recording is not for this page and these values; "" where it is."""
        task = known.task
        if task.origin != self._origin:
            return f"{known.recording_id} is of {task.origin}"
        if task.start and not _matches(task.start, url):
            return f"{known.recording_id} begins on {task.start}, and this page is another one"
        given = {value.name: value.text for value in self._recordings.values}
        other = [value.name for value in task.values if value.fixed and given.get(value.name) != value.text]
        if other:
            return f"{known.recording_id} holds for another {', '.join(other)} only"
        if any(part.looks_again for part in task.parts) and not self._intents(known, plan):
            return f"{known.recording_id} has parts for the rules, which do not read this prompt"
        return ""

    def _intents(self, known: Known, plan: Plan | None) -> Sequence[Intent]:
        """What the rules make of the prompt, if they read it in the same parts as when it was recorded."""
        if plan is None or plan.planner != RULES or known.task.planner != RULES:
            return ()
        again = [not isinstance(intent, Repeatable) for intent in plan.intents]
        return plan.intents if len(again) == len(known.task.parts) else ()

    def _gate(self, known: Known) -> PolicyGate | None:
        """What a model decided once is held to what holds for models."""
        if known.task.planner == RULES:
            return None
        policy = Irreversible(self._steps.irreversible, acts_named(self._prompt))
        host = (urlsplit(self._origin).hostname or "").lower()
        return OnSite(policy, sites_in(self._prompt) | ({host} if host else frozenset()), self._prompt)

    # Recording

    async def begin(self, plan: Plan) -> None:
        """The prompt is carried out as planned, and recorded."""
        page = await self._steps.page()
        self._origin = origin_of(page.url)
        self._recorder(page.url)
        self._planner = plan.planner
        recorder = self._steps.recorder
        if recorder is not None and plan.planner not in (RULES, MODEL):
            recorder.give_up("it was planned by the rules and the model together")

    def _recorder(self, url: str) -> None:
        """Record from here on."""
        self._steps.recorder = None
        if self._recordings.mode == runs_pb2.REPLAY_MODE_OFF:
            return
        holes = Holes(self._recordings.values)
        recorder = self._steps.recorder = Recorder(holes, self._prompt, self._steps.parameters)
        self._start = holes.glob(url)
        if not self._recordings.template:
            recorder.give_up("its prompt has holes that stand for no text of their own")
        if not self._start:
            recorder.give_up("it did not begin on a page of a site")

    def part(self, intent: Intent, text: str) -> None:
        """A part of the plan begins."""
        if self._steps.recorder is not None:
            again = not isinstance(intent, Repeatable | ByModel)
            filled = self._steps.parameters.fill(text) if self._recordings.template else text
            self._steps.recorder.begin(filled, looks_again=again)

    async def part_done(self, intent: Intent, workspace: Workspace) -> None:
        """It has ended well."""
        recorder = self._steps.recorder
        if recorder is None:
            return
        if isinstance(intent, ByModel) and workspace.output is not None:
            recorder.give_up("its output is in the model's own words")
        await recorder.end(await self._steps.page())

    async def report(self, *, done: bool) -> None:
        """Say what became of the replay, and what was recorded; `done` is whether all of the prompt is."""
        replayed, self._replayed = self._replayed, None
        recorder, self._steps.recorder = self._steps.recorder, None
        if replayed is not None:
            replayed.verified &= done
            await self._steps.journal.record(self._report(replayed))
        if recorder is None or not done or (replayed is not None and not replayed.mended):
            return
        planner = replayed.known.task.planner if replayed is not None else self._planner
        task = recorder.task(self._recordings, self._origin, self._start, planner)
        if task is None or self._shows_a_secret(task):
            return
        await self._steps.journal.record(RunEvent(task_recorded=self._recorded(task, replayed)))

    def _recorded(self, task: recordings_pb2.RecordedTask, replayed: _Replayed | None) -> runs_pb2.TaskRecorded:
        if replayed is not None:
            task.start = replayed.known.task.start
            fixed = {value.name: value.text for value in replayed.known.task.values if value.fixed}
            for value in task.values:
                if value.name in fixed:
                    value.fixed, value.text = True, fixed[value.name]
            return runs_pb2.TaskRecorded(recording_id=replayed.known.recording_id, mended=True, task=task)
        for known in self._recordings.known:
            if known.task.origin != task.origin:
                continue
            if not same_steps(known.task, task):
                break
            both = merged(known.task, task)
            recorded = runs_pb2.TaskRecorded(recording_id=known.recording_id, confirmed=True)
            if both != known.task:
                recorded.task.CopyFrom(both)
            return recorded
        return runs_pb2.TaskRecorded(task=task)

    def _shows_a_secret(self, task: recordings_pb2.RecordedTask) -> bool:
        """Whether a secret of the run got into the recording, by whatever way."""
        text = json_format.MessageToJson(task, ensure_ascii=False)
        return self._steps.secrets.scrub(text) != text

    def _report(self, replayed: _Replayed) -> RunEvent:
        message = self._steps.secrets.scrub(replayed.message)[:2000]
        return RunEvent(
            replayed=runs_pb2.Replayed(
                recording_id=replayed.known.recording_id,
                version=replayed.known.version,
                verified=replayed.verified,
                stale=replayed.stale,
                message=message,
            )
        )


def _matches(glob: str, url: str) -> bool:
    """Whether a URL, without its query where the pattern has none, fits a pattern."""
    bare = url.split("#")[0].split("?")[0]
    ours = glob.rstrip("*").rstrip("/").split("/") if not glob.endswith("/*") else glob.split("/")
    theirs = bare.rstrip("/").split("/")
    return len(ours) == len(theirs) and all(a in ("*", b) for a, b in zip(ours, theirs, strict=True))
