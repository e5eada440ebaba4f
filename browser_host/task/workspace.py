"""What a planner's intents work with: steps, surveys of the page, and what earlier clauses found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import actions_pb2

from browser_host.browser import BrowserError, BrowserGone, Page
from browser_host.task import page_script
from browser_host.task.documents import Inner, frames_of
from browser_host.task.drawing import Drawing
from browser_host.task.failures import NOT_FOUND, Failed
from browser_host.task.performing.acting import Done
from browser_host.task.scene import Scene
from browser_host.task.steps import Steps
from browser_host.task.survey import IN_FRAME, Item, Survey
from browser_host.task.wording import script_target, target_from_script

RULES = "rules"
MODEL = "model"
REPLAY = "replay"
"""Who decided a step, as events say it."""
_SURVEY_GRACE = 10.0
_FRAME_GRACE = 2.0
_LISTENERS_SECONDS = 1.0
_PAUSE = 0.25
OUTCOME_PATIENCE = 10.0
"""Seconds in which a page must show how something ended that was asked of it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that a clause of the prompt has found or opened."""

    name: str
    kind: str = ""
    url: str = ""
    """Its own page, where that is known and not open yet."""


class Workspace:
    """The page and the memory of one prompt."""

    def __init__(self, steps: Steps) -> None:
        """Begin with nothing found."""
        self.steps = steps
        self._frames: dict[int, Inner] = {}
        """The frames of the last survey, by number."""
        self.output: Any = None
        self.schema: dict[str, Any] | None = None
        """The JSON Schema that the task's output must fit."""
        self.source = RULES
        """Who decides the steps."""
        self.products: Any = None
        """What the last clause that looked for products found: `shopping.Products`."""
        self.form: tuple[str, int] | None = None
        """The page and the form in which a clause last set a field."""
        self.subject: Subject | None = None
        """What a clause last found, opened or made: what "it" means."""

    async def do(self, action: actions_pb2.Action, *, judged: bool = True) -> Done:
        """Carry out an action as a step; with `judged` false the clause sees itself whether the page takes it."""
        return await self.steps.do(action, self.source, judged=judged)

    async def click(self, item: Item, *, judged: bool = True) -> Done:
        """Click something a survey showed."""
        target = await self.target(item)
        return await self.do(actions_pb2.Action(click=actions_pb2.Click(target=target)), judged=judged)

    async def fill(
        self, item: Item, text: str, *, sensitive: bool = False, submit: bool = False, judged: bool = True
    ) -> Done:
        """Fill a field a survey showed."""
        value = actions_pb2.Value(literal=text, sensitive=sensitive)
        fill = actions_pb2.Fill(target=await self.target(item), value=value, submit=submit)
        return await self.do(actions_pb2.Action(fill=fill), judged=judged)

    async def survey(self, *, listeners: bool = False) -> Survey:
        """Look at the page; with `listeners` also for what shows by nothing but a listener that it can be pressed."""
        if listeners:
            await note_listeners(await self.steps.page())
        survey = Survey.of(await self._look("survey", {"listeners": listeners}))
        frames = await frames_of(await self.steps.page()) if survey.closed_frames else []
        self._frames = {inner.document.number: inner for inner in frames}
        return survey.with_frames([(inner, one) for inner in frames if (one := await self._frame_survey(inner))])

    async def _frame_survey(self, inner: Inner) -> Survey | None:
        """What a frame of another origin shows; None where it does not answer."""
        try:
            return Survey.of(await page_script.call(inner.document, "survey", grace=_FRAME_GRACE))
        except BrowserGone:
            raise
        except BrowserError:
            return None

    async def read(self) -> dict[str, Any]:
        """Read all data off the page."""
        found: dict[str, Any] = await self._look("read", {"within": ""})
        return found

    async def target(self, item: Item) -> actions_pb2.Target:
        """A target that finds again what the last survey showed.

        Raises:
            Failed: NOT_FOUND, it is gone.
        """
        return await self.target_of(item.ref, item.name or item.role)

    async def target_of(self, ref: int, name: str) -> actions_pb2.Target:
        """Like `target`, by the number that the page's script gave it."""
        number, own = divmod(ref, IN_FRAME)
        inner = self._frames.get(number)
        if number and inner is not None:
            found = await page_script.look(inner.document, "naming", {"ref": own}, timeout=0, grace=_FRAME_GRACE)
        else:
            found = None if number else await self._look("naming", {"ref": ref})
        if found is None:
            raise Failed(NOT_FOUND, f'"{name}" was there a moment ago and is gone')
        return target_from_script({**found, "frame": inner.label} if inner else found)

    async def until(
        self, wanted: Callable[[Survey], bool], *, timeout: float = OUTCOME_PATIENCE
    ) -> tuple[Survey, bool]:
        """Look again and again until what is wanted shows; the last survey, and whether it does."""
        end = self.steps.clock.monotonic() + timeout
        while True:
            self.steps.check()
            page = await self.steps.page()
            await page.loaded(timeout=timeout)
            survey = await self.survey()
            if wanted(survey):
                return survey, True
            if self.steps.clock.monotonic() >= end:
                return survey, False
            await self.pause()

    async def scene(self) -> Scene:
        """Look at everything that shows, as rules choose from it."""
        return Scene.of(await self._look("scene"))

    async def drawing(self) -> Drawing:
        """Look at what is drawn: shapes, and boxes that are nothing but a colour."""
        return Drawing.of(await self._look("drawing"))

    async def rows(self, *where: dict[str, Any], press: str = "", role: str = "") -> list[actions_pb2.Target]:
        """All rows, entries or cards that fit, or in each of them the `role` that is called `press`; empty for none."""
        pressed = script_target(actions_pb2.Target(name=press, role=role)) if press else None
        argument = {"where": list(where), "orderBy": "", "descending": False, "nth": 0, "press": pressed, "every": True}
        found = await self._look("pickRow", argument)
        return [target_from_script(one) for one in found.get("targets", [])]

    async def selection_style(self) -> dict[str, Any] | None:
        """What is selected and how it looks, part by part; None where nothing is."""
        found: dict[str, Any] | None = await self._look("selectionStyle")
        return found

    async def scroll_within(self, ref: int, end: str) -> bool:
        """Scroll an element's inside to its "top" or "bottom"; whether it is there."""
        answer = await self._look("scrollWithin", {"ref": ref, "end": end})
        return bool(answer and answer["there"])

    async def pause(self) -> None:
        """Let the page go on until something changes in it, a quarter of a second at most."""
        await page_script.look(await self.steps.page(), "pause", timeout=_PAUSE)

    async def _look(self, name: str, argument: dict[str, Any] | None = None) -> Any:
        page = await self.steps.page()
        look = page_script.look(page, name, argument, timeout=0, grace=_SURVEY_GRACE)
        return await self.steps.until_stopped(look, grace=1.0)


async def note_listeners(page: Page) -> None:
    """Let the page's script know what listens to presses, as far as the browser tells in good time."""
    await page_script.look(page, "ready", timeout=0, grace=_SURVEY_GRACE)
    await page.hand_listeners(page_script.NOTE_LISTENING, timeout=_LISTENERS_SECONDS)


class Intent(Protocol):
    """One clause of a prompt, understood."""

    @property
    def words(self) -> str:
        """The clause in the planner's own words, without secrets."""

    async def carry_out(self, workspace: Workspace) -> None:
        """Do it, step by step, and prove that it is done; what it brings goes to `workspace.output`.

        Raises:
            Failed.
        """


@runtime_checkable
class Repeatable(Protocol):
    """A clause whose steps follow from its words alone, so that a recording of them does it again.

    All others choose by what the page shows at that moment: a recording of them looks again.
    """

    repeatable: ClassVar[bool]


@runtime_checkable
class NamesSubject(Protocol):
    """A clause that finds, opens or makes one thing, so that later ones can say "it"."""

    names_subject: ClassVar[bool]


@runtime_checkable
class RefersToSubject(Protocol):
    """A clause that says "it" and means what an earlier one of the same prompt names."""

    refers_to_subject: ClassVar[bool]


@runtime_checkable
class Proved(Protocol):
    """A clause that proves by more than its last step's effect that it is done."""

    async def prove(self, workspace: Workspace) -> None:
        """See that it is done, after its steps were replayed.

        Raises:
            Failed.
        """


def seconds(length: float) -> Duration:
    """A length of time as a message."""
    duration = Duration()
    duration.FromNanoseconds(int(length * 1e9))
    return duration
