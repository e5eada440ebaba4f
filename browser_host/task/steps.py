"""Runs actions as recorded steps, in the one order there is: stored, allowed, acted, finished.

A step that fails raises after its StepFinished is recorded; what ends the run between steps raises before the next
StepStarted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import Browser, BrowserError, BrowserGone, Page
from browser_host.clock import Clock
from browser_host.pages import OpenPage
from browser_host.task import page_script, walls
from browser_host.task.approvals import ask
from browser_host.task.documents import secrecy_in_frames
from browser_host.task.failures import Failed, Stopped, canceled
from browser_host.task.gate import Gate, Irreversible, NeedsApproval, OnSite
from browser_host.task.journal import ActionLeaseOver, Journal
from browser_host.task.masking import masked_picture
from browser_host.task.performing.acting import Done
from browser_host.task.performing.actions import Actor, timeout_of
from browser_host.task.performing.tabs import Tabs
from browser_host.task.provenance import Sources
from browser_host.task.recorder import Recorder
from browser_host.task.values import Parameters, Secrets, to_value
from browser_host.task.wording import describe, names_a_secret, script_target

CANCEL_GRACE = 2.0
"""Seconds a step may go on after its run was canceled; waits end at once."""
_PICTURE_TIMEOUT = 2.0
_TITLE_TIMEOUT = 1.0
_LONGEST_MESSAGE = 2000
_LEASE_POLL = 0.1
_MOST_WALLS = 3
"""Walls before one step."""

T = TypeVar("T")
PolicyGate = Irreversible | OnSite


class Steps:
    """The steps of one run, and what bounds them."""

    def __init__(
        self,
        browser: Browser,
        journal: Journal,
        clock: Clock,
        *,
        parameters: Parameters,
        max_steps: int,
        timeout: float,
        screenshots: runs_pb2.ScreenshotMode,
        irreversible: runs_pb2.IrreversiblePolicy = runs_pb2.IRREVERSIBLE_POLICY_UNSPECIFIED,
    ) -> None:
        """The run's time begins now."""
        self.clock = clock
        self.journal = journal
        self.parameters = parameters
        self.secrets = Secrets()
        self.irreversible = irreversible
        self.gate = Irreversible(irreversible)
        self.recorder: Recorder | None = None
        """What keeps the steps of a task, where it is recorded."""
        self._limits: list[tuple[float, Failed]] = [(clock.monotonic() + timeout, _timed_out(timeout))]
        self.block_id = ""
        self.sources = Sources()
        """Where what was read came from."""
        self.logs_in = False
        """The run itself logs in somewhere: a login form is no wall to it."""
        self._browser = browser
        self.tabs = Tabs(browser, parameters, self.secrets, self.gate)
        self._max_steps = max_steps
        self._screenshots = screenshots
        self._begun = 0
        self._judges = True
        """The step under way fails where the page refuses what it sends."""

    async def page(self) -> Page:
        """The tab in front."""
        return await self._browser.current_page()

    def left(self) -> float:
        """Seconds until the first of the timeouts that hold here is over."""
        return min(deadline for deadline, _ in self._limits) - self.clock.monotonic()

    @contextmanager
    def within(self, seconds: float, failure: Failed) -> Iterator[None]:
        """Let a part of the run take only so long; `failure` is raised at the end of that time."""
        self._limits.append((self.clock.monotonic() + seconds, failure))
        try:
            yield
        finally:
            self._limits.pop()

    @property
    def begun(self) -> int:
        """How many steps began so far."""
        return self._begun

    @contextmanager
    def at_most(self, steps: int) -> Iterator[None]:
        """Let a part of the run begin only so many steps; 0 is as many as the run may."""
        whole = self._max_steps
        if steps:
            self._max_steps = min(whole, self._begun + steps)
        try:
            yield
        finally:
            self._max_steps = whole

    def check(self) -> None:
        """End here if the run is canceled or a time is over.

        Raises:
            Stopped: the run ends.
            Failed: its part does.
        """
        if self.journal.cancel_requested.is_set():
            raise canceled()
        if self.left() <= 0:
            raise self._over()

    def _over(self) -> Failed:
        """What the earliest limit says of its end."""
        return min(self._limits, key=lambda limit: limit[0])[1]

    async def do(
        self, action: actions_pb2.Action, source: str, gate: PolicyGate | None = None, *, judged: bool = True
    ) -> Done:
        """Carry out one action as a step; `gate` stands for the run's own where a planner is held to more.

        A page that refuses what a press sends fails the step, unless what the action expects, or with `judged` false
        the caller, says whether it was taken.

        Raises:
            Failed: the step did not do what it says; its StepFinished is recorded.
            Stopped: the run ends here.
            BrowserGone.
        """
        self.check()
        self._judges = judged
        if self._begun >= self._max_steps:
            raise Stopped(
                runs_pb2.RUN_STATUS_TERMINATED,
                runs_pb2.FAILURE_REASON_MAX_STEPS,
                f"max_steps is reached: {self._begun} steps were begun, and there is more to do",
            )
        page = await self.page()
        if self.recorder is not None:
            await self.recorder.look(page)
        shown = await self._shown(action, page)
        self._begun += 1
        step = self._begun
        started = runs_pb2.StepStarted(
            step=step,
            action=shown,
            description=self.secrets.scrub(describe(shown)),
            source=source,
            url=self.secrets.scrub(page.url),
            block_id=self.block_id,
        )
        await self.journal.record_durably(RunEvent(step_started=started))
        failure: Failed | None = None
        done = Done()
        began = self.clock.monotonic()
        try:
            await self._lease()
            began = self.clock.monotonic()
            done = await self._past_walls(gate or self.gate, action, page, step)
        except Failed as failed:
            failure = failed
        if action.WhichOneof("kind") == "tab":
            page = await self.page()
        await self._finish(step, page, done, failure, self.clock.monotonic() - began)
        if self.recorder is not None:
            self.recorder.step(action, done) if failure is None else self.recorder.failed(failure)
        if failure is not None:
            raise failure
        return done

    async def _past_walls(self, gate: PolicyGate, action: actions_pb2.Action, page: Page, step: int) -> Done:
        """Act; where a captcha or a login stands in the way, let a person take over, then act if it is still to do."""
        for _ in range(_MOST_WALLS):
            failure: Failed | None = None
            done = Done()
            try:
                done = await self._allowed_by(gate, action, page, step)
            except Failed as failed:
                if isinstance(failed, Stopped) or failed.reason not in walls.BEHIND_WALLS:
                    raise
                failure = failed
            wall = await walls.wall_before(self, page, action, failed=failure is not None)
            if wall is None:
                break
            if self.recorder is not None:
                self.recorder.give_up("a person did a part of it")
            page = await walls.wait_for_person(self, action, step, wall, failure is not None)
            if failure is None and not walls.is_elsewhere(action, page):
                break
            if failure is not None and failure.reason not in walls.HARMLESS_AGAIN:
                break
        if failure is not None:
            raise failure
        return done

    async def _shown(self, action: actions_pb2.Action, page: Page) -> actions_pb2.Action:
        """The action as events show it: without what is or may be secret."""
        kind = action.WhichOneof("kind")
        if kind not in ("fill", "select", "dialog"):
            return action
        value = _value_of(action)
        if value.WhichOneof("source") != "literal":
            return action
        if not value.sensitive and not (kind == "fill" and await self._is_secret(action.fill.target, page)):
            return action
        shown = actions_pb2.Action()
        shown.CopyFrom(action)
        _value_of(shown).CopyFrom(actions_pb2.Value(literal="", sensitive=True))
        return shown

    async def _is_secret(self, target: actions_pb2.Target, page: Page) -> bool:
        """Whether the field hides what is typed; a field that is not there yet is taken for one that does."""
        if names_a_secret(target):
            return True
        try:
            wanted = {"target": script_target(target)}
            answer = await page_script.call(page, "secrecy", wanted)
            if answer["secret"] is None:
                answer = await secrecy_in_frames(page, wanted, target.frame) or answer
        except BrowserGone:
            raise
        except BrowserError:
            return True
        return answer["secret"] is not False

    async def _lease(self) -> None:
        """Wait until this host may begin an action."""
        while True:
            try:
                self.journal.allow_action()
                return
            except ActionLeaseOver:
                self.check()
                await asyncio.sleep(_LEASE_POLL)

    async def _allowed_by(self, gate: PolicyGate, action: actions_pb2.Action, page: Page, step: int) -> Done:
        """Act; where the gate wants a person's word, ask before anything is pressed, then act anew.

        A dialog that needs a person's word is dismissed before he is asked: a page stands still while one is open.
        """
        try:
            while True:
                try:
                    with self.tabs.gated(gate):
                        return await self._bounded(action, page, gate)
                except NeedsApproval as asked:
                    question = f"Step {step} of this run is about to {asked.doing}: {asked}. Go on?"
                    await ask(self, f"step-{step}-{asked.act}", question, max(self.left(), 0.0))
                    gate.approved(asked)
        finally:
            gate.step_over()

    async def _bounded(self, action: actions_pb2.Action, page: Page, gate: Gate) -> Done:
        """Act, but end with the run's time, and soon after the run was canceled."""
        actor = Actor(
            page, self.journal, self.clock, self.parameters, self.secrets, timeout_of(action), gate, self.tabs,
            recording=self.recorder is not None, judges=self._judges and not action.expect,
        )  # fmt: skip
        return await self.until_stopped(
            actor.carry_out(action), grace=0 if action.WhichOneof("kind") == "wait" else CANCEL_GRACE
        )

    async def until_stopped(self, work: Coroutine[Any, Any, T], *, grace: float) -> T:
        """Await `work`; end it when the run's time is over, or `grace` seconds after the run was canceled.

        Raises:
            Stopped.
        """
        working = asyncio.ensure_future(work)
        canceling = asyncio.ensure_future(self.journal.cancel_requested.wait())
        try:
            await asyncio.wait({working, canceling}, timeout=max(self.left(), 0), return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and canceling.done():
                await asyncio.wait({working}, timeout=min(grace, max(self.left(), 0)))
            if working.done():
                return working.result()
            raise canceled() if canceling.done() else self._over()
        finally:
            for task in (working, canceling):
                task.cancel()
            await asyncio.gather(working, canceling, return_exceptions=True)

    async def _finish(self, step: int, page: Page, done: Done, failure: Failed | None, duration: float) -> None:
        title = done.title if done.title is not None else await self._title(page)
        await self.tell_pages()
        picture = await self.picture(page) if self._wants_picture(failure) else ""
        outcome = runs_pb2.STEP_OUTCOME_DONE if failure is None else runs_pb2.STEP_OUTCOME_FAILED
        message = done.message if failure is None else failure.message
        finished = runs_pb2.StepFinished(
            step=step,
            outcome=outcome,
            failure_reason=failure.reason if failure else runs_pb2.FAILURE_REASON_UNSPECIFIED,
            message=self.secrets.scrub(message)[:_LONGEST_MESSAGE],
            url=self.secrets.scrub(page.url),
            title=self.secrets.scrub(title),
            target=self.secrets.scrub(failure.target if failure else done.target),
            screenshot_artifact_id=picture,
        )
        finished.duration.FromNanoseconds(int(max(duration, 0) * 1e9))
        if done.has_output:
            finished.output.CopyFrom(to_value(self.secrets.scrub_value(done.output)))
            self.sources.add(done.output, done.provenance)
            finished.provenance.extend(self.scrubbed(done.provenance))
        await self.journal.record(RunEvent(step_finished=finished))

    def scrubbed(self, provenance: Iterable[runs_pb2.Provenance]) -> Iterator[runs_pb2.Provenance]:
        """Without secrets."""
        for one in provenance:
            shown = runs_pb2.Provenance()
            shown.CopyFrom(one)
            shown.text, shown.url = self.secrets.scrub(one.text), self.secrets.scrub(one.url)
            yield shown

    async def tell_pages(self) -> None:
        """Record what happened to tabs and dialogs."""
        for event in self.tabs.events():
            await self.journal.record(event)

    async def pages(self) -> list[OpenPage]:
        """The open tabs."""
        return await self.tabs.pages()

    async def _title(self, page: Page) -> str:
        try:
            return await page.title(timeout=_TITLE_TIMEOUT)
        except BrowserGone:
            raise
        except BrowserError:
            return ""

    def _wants_picture(self, failure: Failed | None) -> bool:
        if self._screenshots == runs_pb2.SCREENSHOT_MODE_NONE or isinstance(failure, Stopped):
            return False
        return failure is not None or self._screenshots != runs_pb2.SCREENSHOT_MODE_ON_FAILURE

    async def picture(self, page: Page) -> str:
        """Keep a picture of the page, secrets painted over; "" and a warning when none can be had within 2 s."""
        try:
            picture = await masked_picture(page, self.secrets.all, timeout=_PICTURE_TIMEOUT)
            return self.journal.keep_screenshot(picture)
        except BrowserGone:
            raise
        except BrowserError as error:
            warning = runs_pb2.Warning(code="SCREENSHOT_FAILED", message=f"no picture of the page: {error}")
            await self.journal.record(RunEvent(warning=warning))
            return ""


def _value_of(action: actions_pb2.Action) -> actions_pb2.Value:
    """The text that an action puts somewhere."""
    match action.WhichOneof("kind"):
        case "fill":
            return action.fill.value
        case "select":
            return action.select.option
    return action.dialog.text


def _timed_out(timeout: float) -> Stopped:
    """The run's time is over."""
    return Stopped(
        runs_pb2.RUN_STATUS_TIMED_OUT,
        runs_pb2.FAILURE_REASON_RUN_TIMED_OUT,
        f"the run took longer than its timeout of {timeout:g} s",
    )
