"""How long a step takes, and how long a run takes to its first one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from playwright.async_api import Page, async_playwright
from tabkeep.v1 import actions_pb2 as actions
from tabkeep.v1 import runs_pb2 as runs

from bench.browsing import PATIENCE, Product, executable, new_directory, plain_context, product
from bench.figures import Pair, Report, Row, Sample, at_most_more, interleaved, median
from bench.programs import Workshop
from bench.site import Site, site

AIM = "a step takes at most 5 ms more than the same action made with Playwright, at the median"
_JPEG_QUALITY = 60

Act = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Both:
    """One action, as ours and as Playwright's own."""

    kind: str
    ours: actions.Action
    plain: Act


def _fill(name: str, text: str) -> Both:
    ours = actions.Action(
        fill=actions.Fill(target=actions.Target(role="textbox", name=name), value=actions.Value(literal=text))
    )
    return Both("fill", ours, lambda page: page.get_by_role("textbox", name=name).fill(text))


def _click(name: str) -> Both:
    ours = actions.Action(click=actions.Click(target=actions.Target(role="button", name=name)))
    return Both("click", ours, lambda page: page.get_by_role("button", name=name).click())


def _check(name: str) -> Both:
    target = actions.Target(role="checkbox", name=name)
    ours = actions.Action(set_checked=actions.SetChecked(target=target, checked=True))
    return Both("check", ours, lambda page: page.get_by_role("checkbox", name=name).check())


def _select(name: str, option: str) -> Both:
    target = actions.Target(role="combobox", name=name)
    ours = actions.Action(select=actions.Select(target=target, option=actions.Value(literal=option)))

    async def plain(page: Page) -> None:
        await page.get_by_role("combobox", name=name).select_option(option)

    return Both("select", ours, plain)


STEPS = [
    _fill("Name", "Ada Lovelace"),
    _fill("Email", "ada@example.com"),
    _fill("Company", "Analytical Engines"),
    _fill("City", "London"),
    _select("Country", "Norway"),
    _check("Send news"),
    _check("Accept terms"),
    _click("Save"),
    _click("Add another"),
    _click("Save"),
    _click("Add another"),
    _click("Save"),
]
_CLICKS = sum(step.kind == "click" for step in STEPS)


async def measure(workshop: Workshop) -> Report:
    """Compare with and without a picture after every step, on both sides alike."""
    browser = executable()
    report = Report(
        "steps",
        f"a RunTask of {len(STEPS)} actions in an open session; each step is stored before it acts, and checked",
        "the same actions with Playwright in an open browser; nothing is stored or checked",
    )
    async with (
        site() as pages,
        workshop.control_plane() as control_plane,
        workshop.browser_host(control_plane, capacity=2),
        product(control_plane) as api,
        async_playwright() as playwright,
    ):
        session_id = await api.open_session()
        with new_directory(workshop.directory) as directory:
            context = await plain_context(playwright, browser, directory)
            try:
                for pictures in (False, True):
                    case = "with a picture each" if pictures else "without pictures"
                    ours = _Ours(api, session_id, pages, pictures)
                    plain = partial(_plain, context.pages[0], pages, pictures)
                    pairs = await interleaved(workshop.some(15, 4), ours.run, plain)
                    _add(report, case, pairs)
                    first = statistics.median(ours.to_first) * 1000
                    report.rows.append(Row(case, "RunTask to the first action", "ms", first, None))
            finally:
                await context.close()
        await api.close_session(session_id)
    report.notes.append(
        "A step of ours counts from the record that it begins to that of the next one, by the host's clock; all "
        "between is in it. The first action is seen where the caller watches."
    )
    return report


def _add(report: Report, case: str, pairs: list[Pair]) -> None:
    # Each step is compared with the same action: a fill takes 10 ms and a click 50, and the median over both kinds
    # would jump from the one to the other.
    more = [[ours - plain for ours, plain in zip(*_latencies(pair), strict=True)] for pair in pairs]
    each = [statistics.median(repetition) * 1000 for repetition in more]
    ours, floor = (statistics.median([median(getattr(pair, side)) for pair in pairs]) for side in ("ours", "floor"))
    whole = statistics.median([one for repetition in more for one in repetition]) * 1000
    report.rows.append(
        Row(case, "a step, median", "ms", ours, floor, whole, min(each), max(each), True, at_most_more(5))
    )
    for kind in dict.fromkeys(step.kind for step in STEPS):
        places = [place for place, step in enumerate(STEPS) if step.kind == kind]

        def of_kind(sample: Sample, places: list[int] = places) -> float:
            return median(Sample(1, [sample.latencies[place] for place in places]))

        report.add(case, f"of these: {kind}", "ms", pairs, of_kind, difference=True)


def _latencies(pair: Pair) -> tuple[list[float], list[float]]:
    return pair.ours.latencies, pair.floor.latencies


class _Ours:
    """Runs through the product, one after another in one session."""

    def __init__(self, api: Product, session_id: str, pages: Site, pictures: bool) -> None:
        self.to_first: list[float] = []
        """Of each run, the seconds from the call to where its first step is seen to begin."""
        self._api = api
        self._session_id = session_id
        self._pages = pages
        self._mode = runs.SCREENSHOT_MODE_EVERY_STEP if pictures else runs.SCREENSHOT_MODE_NONE

    async def run(self) -> Sample:
        """One run; its steps."""
        api, visit = self._api, f"ours-{len(self.to_first)}"
        opening = actions.Action(goto=actions.Goto(url=self._pages.url(visit)))
        request = runs.RunTaskRequest(
            browser_session_id=self._session_id,
            actions=[opening, *(step.ours for step in STEPS)],
            screenshots=self._mode,
        )
        began = time.monotonic()
        run = (await api.runs.RunTask(request, metadata=api.metadata)).run
        starts: list[float] = []
        watch = api.runs.WatchRun(runs.WatchRunRequest(run_id=run.run_id), metadata=api.metadata, timeout=PATIENCE)
        async for response in watch:
            if response.HasField("run"):
                run = response.run
            elif response.event.WhichOneof("kind") in ("step_started", "run_finished"):
                if not starts:
                    self.to_first.append(time.monotonic() - began)
                starts.append(response.event.create_time.ToNanoseconds() / 1e9)
        did = self._pages.did[visit]
        if run.status != runs.RUN_STATUS_COMPLETED or did != _CLICKS:
            raise RuntimeError(f"run {run.run_id} did {did} of {_CLICKS} clicks: {run.failure_message}")
        # The first step opens the page, which is not what is measured here.
        return _sample(starts[1:])


async def _plain(page: Page, pages: Site, pictures: bool) -> Sample:
    await page.goto(pages.url("plain"))
    times = [time.monotonic()]
    for step in STEPS:
        await step.plain(page)
        if pictures:
            await page.screenshot(type="jpeg", quality=_JPEG_QUALITY)
        times.append(time.monotonic())
    return _sample(times)


def _sample(times: list[float]) -> Sample:
    steps = [end - begin for begin, end in pairwise(times)]
    return Sample(sum(steps), steps)
