"""Does a recorded task again: each step with the element that was recorded, each checked for what was seen of it then.

Nothing is planned, and no model is asked. A step whose element is not as it was is healed where something on the page
is so like it that it can be nothing else; where not, the rules may know it by the prompt's own words. Once something
was done, what does not fit ends the run STALE_RECORDING: nothing is ever done twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, recordings_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import DocumentReplaced, Page, PageUnresponsive, ScriptFailed
from browser_host.task import page_script
from browser_host.task.clauses.plain_clauses import Fills, OneAction
from browser_host.task.documents import frames_of, holds
from browser_host.task.failures import (
    AMBIGUOUS,
    EXPECTATION_FAILED,
    NO_EFFECT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    STALE_RECORDING,
    STEP_TIMEOUT,
    Failed,
)
from browser_host.task.gate import act_of
from browser_host.task.recorder import Recorder
from browser_host.task.recording_holes import Filler, fill_texts, target_of
from browser_host.task.steps import PolicyGate
from browser_host.task.survey import Survey
from browser_host.task.wording import condition_words, describe, script_condition, script_target, target_from_script
from browser_host.task.workspace import OUTCOME_PATIENCE, REPLAY, RULES, Intent, Proved, Workspace

_AS_RECORDED_PATIENCE = 3.0
"""Seconds in which an element must show as it was recorded, before others are taken for it."""
_HEALED_PATIENCE = 2.0
_LOOK_AGAIN = 1.0
"""Seconds after which a page is asked whether it refused what was done."""
_HARMLESS = frozenset({"goto", "wait", "extract", "find_record", "hover", "scroll"})
"""What may be done before something else is tried: it leaves no trace on the site."""
_NOT_AS_RECORDED = frozenset({NO_EFFECT, EXPECTATION_FAILED, STEP_TIMEOUT, NOT_FOUND, AMBIGUOUS})
_PURPOSES = {"fill": "fill", "select": "select", "set_checked": "check", "click": "click"}
_MOST_ELEMENTS = 3


class Unfit(Exception):
    """The recording does not fit the page, and nothing was done yet; the text says what is different."""


class Replay:
    """One replay."""

    def __init__(
        self,
        known: host_pb2.Recordings.Known,
        values: Sequence[host_pb2.PromptValue],
        workspace: Workspace,
        recorder: Recorder,
        intents: Sequence[Intent],
        gate: PolicyGate | None,
    ) -> None:
        """`intents` are what the rules make of the prompt, one for each recorded part; none if they cannot."""
        self._known = known
        self._fill = Filler(values)
        self._workspace = workspace
        self._steps = workspace.steps
        self._recorder = recorder
        self._intents = intents
        self._gate = gate
        self._touched = False
        """Something was done that must not be done again."""
        self.mended = False
        """Something is recorded otherwise now."""

    async def carry_out(self) -> None:
        """Do all parts.

        Raises:
            Unfit: nothing was done.
            Failed: STALE_RECORDING, or what the page said.
        """
        if await self._is_done_already():
            raise Unfit("what proves that the task is done holds already")
        for number, part in enumerate(self._known.task.parts):
            intent = self._intents[number] if self._intents else None
            if part.looks_again:
                await self._anew(part, intent)
            else:
                await self._part(part, intent)

    async def _is_done_already(self) -> bool:
        """Whether the conditions that a model named as its proof hold before anything was done."""
        steps = [step for part in self._known.task.parts for step in part.steps]
        if self._known.task.planner != "model" or not steps or steps[-1].action.WhichOneof("kind") != "wait":
            return False
        proof = self._filled(steps[-1].action)
        if not proof.wait.HasField("condition"):
            return False
        return not await self._missing([proof.wait.condition, *proof.expect], timeout=0)

    async def _anew(self, part: recordings_pb2.RecordedPart, intent: Intent | None) -> None:
        """Let the rules do a part, because what it does depends on what the page shows."""
        assert intent is not None
        self._touched = True
        self._workspace.source = RULES
        try:
            await intent.carry_out(self._workspace)
        finally:
            self._workspace.source = REPLAY
        self._recorder.adopt(part)

    async def _part(self, part: recordings_pb2.RecordedPart, intent: Intent | None) -> None:
        kept = recordings_pb2.RecordedPart(clause=part.clause)
        for number, recorded in enumerate(part.steps):
            step = recordings_pb2.RecordedStep()
            step.CopyFrom(recorded)
            try:
                await self._step(step)
            except _Lost as lost:
                if number == 0 and intent is not None and not isinstance(intent, OneAction | Fills):
                    await self._by_rules(part, intent, lost)
                    return
                if not self._touched:
                    raise Unfit(str(lost)) from None
                raise Failed(STALE_RECORDING, f"the recording does not fit the page any more: {lost}") from None
            kept.steps.append(step)
        if isinstance(intent, Proved):
            await intent.prove(self._workspace)
        self._recorder.adopt(kept)

    async def _by_rules(self, part: recordings_pb2.RecordedPart, intent: Intent, lost: _Lost) -> None:
        """Let the rules do a part of which nothing was done yet, and record it anew."""
        self._touched = True
        first = self._steps.begun + 1
        self._workspace.source = RULES
        self._recorder.begin(part.clause, held=True)
        try:
            await intent.carry_out(self._workspace)
        except Failed as failed:
            if failed.reason not in (NOT_FOUND, AMBIGUOUS):
                raise
            raise Failed(
                STALE_RECORDING,
                f"the recording does not fit the page any more: {lost}; nor do the rules: {failed.message}",
            ) from None
        finally:
            self._workspace.source = REPLAY
        await self._recorder.end(await self._steps.page())
        if self._steps.begun < first:  # there was nothing to do, such as a login that holds already
            self._recorder.give_up("a clause needed no step")
            return
        self.mended = True
        await self._say_healed(first, lost.recorded, intent.words, "rules")

    # One step

    async def _step(self, step: recordings_pb2.RecordedStep) -> None:
        """Do a step and see what was seen of it when it was recorded.

        Raises:
            _Lost: its element is not there; nothing was done.
            Failed.
        """
        action = self._filled(step.action)
        kind = action.WhichOneof("kind") or ""
        found = await self._find(action, step)
        seen = [self._filled_expect(one) for one in step.seen]
        before = await self._workspace.survey() if seen else None
        page = await self._steps.page()
        moves = page.effects_so_far()
        number = self._steps.begun + 1
        touched, self._touched = self._touched, self._touched or kind not in _HARMLESS
        try:
            done = await self._steps.do(action, REPLAY, self._gate)
        except Failed as failed:
            if failed.reason in (NOT_FOUND, AMBIGUOUS) and kind != "find_record":
                self._touched = touched
                raise _Lost(f"step {number}, {describe(action)}: {failed.message}", describe(action)) from None
            if failed.reason in _NOT_AS_RECORDED and kind not in ("extract", "find_record"):
                raise self._stale(number, action, failed.message) from None
            raise
        if done.has_output:
            self._workspace.output = done.output
        if seen:
            await self._see(seen, number, action, lambda: None if page.effects_so_far() > moves else before)
        await self._refuse_trouble(number, action, before)
        if found is not None:
            await self._mend(step, number, found, action, done.element)

    async def _see(
        self,
        seen: Sequence[actions_pb2.Expect],
        number: int,
        action: actions_pb2.Action,
        before: Callable[[], Survey | None],
    ) -> None:
        """See all that was seen when the step was recorded; no longer than the page has nothing to say against it.

        What a page says that was loaded anew is an answer, also where it said so before.

        Raises:
            Failed: REJECTED_BY_PAGE, STALE_RECORDING.
        """
        end = self._steps.clock.monotonic() + OUTCOME_PATIENCE
        said = ""
        while missing := await self._missing(seen, timeout=_LOOK_AGAIN):
            trouble = (await self._workspace.survey()).trouble(before())
            over = self._steps.clock.monotonic() >= end
            if trouble and (over or trouble == said):
                raise Failed(REJECTED_BY_PAGE, f"the page refused step {number}, {describe(action)}: {trouble}")
            if over:
                raise self._stale(number, action, f"this does not hold as it did then: {missing}")
            said = trouble

    def _stale(self, number: int, action: actions_pb2.Action, why: str) -> Failed:
        shown = self._steps.secrets.scrub(describe(action))
        return Failed(
            STALE_RECORDING, f"step {number}, {shown}, was done and did not do what it did when recorded: {why}"
        )

    async def _refuse_trouble(self, number: int, action: actions_pb2.Action, before: Survey | None) -> None:
        """A page that now shows an error which it did not show before has refused the step, whatever else holds."""
        if before is None:
            return
        known = set(before.messages)
        after = await self._workspace.survey()
        errors = [text for kind, text in after.messages if kind == "error" and (kind, text) not in known]
        if errors and after.trouble(before):
            raise Failed(
                REJECTED_BY_PAGE, f"the page refused step {number}, {describe(action)}: {after.trouble(before)}"
            )

    def _filled(self, recorded: actions_pb2.Action) -> actions_pb2.Action:
        action = actions_pb2.Action()
        action.CopyFrom(recorded)
        fill_texts(action, self._fill)
        return action

    def _filled_expect(self, recorded: actions_pb2.Expect) -> actions_pb2.Expect:
        expect = actions_pb2.Expect()
        expect.CopyFrom(recorded)
        fill_texts(expect, self._fill)
        return expect

    async def _missing(self, wanted: Sequence[actions_pb2.Expect], *, timeout: float) -> str:
        """Which of these conditions do not come true within some seconds, in words; "" for none."""
        if not wanted:
            return ""
        page = await self._steps.page()
        await page.loaded(timeout=max(timeout, 1.0))
        looking = holds(page, [script_condition(one) for one in wanted], timeout=timeout)
        answer = await self._steps.until_stopped(looking, grace=1.0)
        return "; ".join(condition_words(wanted[index]) for index in answer["failed"])

    # Elements

    async def _find(self, action: actions_pb2.Action, step: recordings_pb2.RecordedStep) -> dict[str, Any] | None:
        """Find a step's element; what it was found as, where that is not as it was recorded.

        The action gets the target that finds it.

        Raises:
            _Lost.
        """
        target = target_of(action)
        if target is None:
            return None
        purpose = _PURPOSES.get(action.WhichOneof("kind") or "", "any")
        elements = [self._element(one) for one in step.elements]
        wanted = {"target": script_target(target), "elements": elements, "purpose": purpose}
        found = await self._look({**wanted, "heal": False}, target.frame, _AS_RECORDED_PATIENCE)
        if not found.get("ok") and elements:
            found = await self._look({**wanted, "heal": True}, target.frame, _HEALED_PATIENCE)
        recorded = describe(action)
        if not found.get("ok"):
            raise _Lost(f"{recorded}: {found.get('message', 'it is not there')}", recorded)
        if not found["by"]:
            return None
        if elements and act_of(found["name"]) != act_of(elements[0]["name"]):
            raise _Lost(f"{recorded}: only {found['found']} is there, which does something else", recorded)
        if "target" in found:
            target.CopyFrom(target_from_script(found["target"]))
        return {**found, "recorded": recorded}

    async def _look(self, wanted: dict[str, Any], frame: str, patience: float) -> dict[str, Any]:
        looking = self._locate(wanted, frame, min(patience, max(self._steps.left(), 0)))
        found: dict[str, Any] = await self._steps.until_stopped(looking, grace=1.0)
        return found

    async def _locate(self, wanted: dict[str, Any], frame: str, patience: float) -> dict[str, Any]:
        """Look for an element in the page and then in its frames, or only in the frame that a target names.

        What is like it and not it is not looked for in frames that no target names.
        """
        page = await self._steps.page()
        end = self._steps.clock.monotonic() + patience
        part = 0.0  # what a frame has now is not waited for in the page
        found: dict[str, Any] = {"message": f'the frame "{frame}" is not there'}
        while True:
            left = max(end - self._steps.clock.monotonic(), 0)
            if not frame:
                found = await page_script.look(page, "locate", wanted, timeout=min(part, left))
                if found.get("ok"):
                    return found
            if frame or not wanted["heal"]:
                hits = [one async for one in _in_frames(page, wanted, frame) if one.get("ok")]
                if len(hits) == 1:
                    return hits[0]
                if hits:
                    return {"message": f"{len(hits)} frames have it"}
            if left <= 0:
                return found
            part = _LOOK_AGAIN
            await self._workspace.pause()

    def _element(self, recorded: recordings_pb2.RecordedElement) -> dict[str, Any]:
        known = {field.name: getattr(recorded, field.name) for field in recorded.DESCRIPTOR.fields}
        return {name: self._fill(text) for name, text in known.items()}

    async def _mend(
        self,
        step: recordings_pb2.RecordedStep,
        number: int,
        found: dict[str, Any],
        action: actions_pb2.Action,
        element: dict[str, Any] | None,
    ) -> None:
        """Record the element as it is now, before the ones it was known as."""
        await self._say_healed(number, found["recorded"], found["found"], found["by"])
        if element is None or self._recorder.why_not:
            return
        self._recorder.mend(step, element, action if "target" in found else None)
        del step.elements[_MOST_ELEMENTS:]
        self.mended = True

    async def _say_healed(self, number: int, recorded: str, found: str, by: str) -> None:
        scrub = self._steps.secrets.scrub
        healed = runs_pb2.StepHealed(step=number, recorded=scrub(recorded), found=scrub(found), by=by)
        await self._steps.journal.record(RunEvent(step_healed=healed))


async def _in_frames(page: Page, wanted: dict[str, Any], frame: str) -> AsyncIterator[dict[str, Any]]:
    """What each frame, or each that is called so, answers; a target that it gives says which frame it is in."""
    for inner in await frames_of(page):
        if frame and not inner.is_called(frame):
            continue
        with suppress(DocumentReplaced, PageUnresponsive, ScriptFailed):
            found = await page_script.call(inner.document, "locate", wanted)
            yield {**found, "target": {**found["target"], "frame": inner.label}} if "target" in found else found


class _Lost(Exception):
    """A step's element is not on the page; the step was not done."""

    def __init__(self, why: str, recorded: str) -> None:
        super().__init__(why)
        self.recorded = recorded


def same_steps(one: recordings_pb2.RecordedTask, other: recordings_pb2.RecordedTask) -> bool:
    """Whether two runs of a task did the same."""
    return _done(one) == _done(other) and _fixed(one) == _fixed(other)


def _fixed(task: recordings_pb2.RecordedTask) -> dict[str, str]:
    return {value.name: value.text for value in task.values if value.fixed}


def _done(task: recordings_pb2.RecordedTask) -> list[Any]:
    return [
        (part.looks_again, [step.action.SerializeToString(deterministic=True) for step in part.steps])
        for part in task.parts
    ]


def merged(old: recordings_pb2.RecordedTask, new: recordings_pb2.RecordedTask) -> recordings_pb2.RecordedTask:
    """Of two recordings of the same steps, what both have seen."""
    task = recordings_pb2.RecordedTask()
    task.CopyFrom(new)
    for part, before in zip(task.parts, old.parts, strict=True):
        for step, earlier in zip(part.steps, before.steps, strict=True):
            known = {one.SerializeToString(deterministic=True) for one in earlier.seen}
            kept = [one for one in step.seen if one.SerializeToString(deterministic=True) in known]
            kept += _wider(step.seen, earlier.seen, kept)
            del step.seen[:]
            step.seen.extend(kept)
            del step.elements[:]
            step.elements.extend(earlier.elements)
    if task.start != old.start:
        task.start = _wider_glob(task.start, old.start)
    return task


def _wider(
    one: Sequence[actions_pb2.Expect], other: Sequence[actions_pb2.Expect], kept: Sequence[actions_pb2.Expect]
) -> list[actions_pb2.Expect]:
    """A pattern that both URLs fit, where they are not the same."""
    ours = next((expect.url_glob for expect in one if expect.url_glob), "")
    theirs = next((expect.url_glob for expect in other if expect.url_glob), "")
    if not ours or not theirs or any(expect.url_glob for expect in kept):
        return []
    glob = _wider_glob(ours, theirs)
    return [actions_pb2.Expect(url_glob=glob)] if glob else []


def _wider_glob(one: str, other: str) -> str:
    """The pattern with "*" where two patterns differ; "" where they differ in more than single parts of the path."""
    ours, theirs = one.rstrip("*").split("/"), other.rstrip("*").split("/")
    if len(ours) != len(theirs) or ours[:3] != theirs[:3]:
        return ""
    glob = "/".join(a if a == b else "*" for a, b in zip(ours, theirs, strict=True))
    open_end = one.endswith("*") or other.endswith("*")
    return f"{glob}*" if open_end and not glob.endswith("*") else glob
