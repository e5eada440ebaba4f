"""Walls: what stands in a run's way and wants a person, a captcha or a login that the task does not do.

A run that meets one pauses and asks for a person to take over, and goes on when the wall is gone. Nothing here knows a
site: captchas are told by how widely used ones show themselves (`in_page/walls.js`), a login by where a URL led.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import FailureReason

from browser_host.browser import BrowserError, BrowserGone, Page
from browser_host.task import page_script
from browser_host.task.approvals import Asker, ask
from browser_host.task.failures import (
    CAPTCHA,
    EXPECTATION_FAILED,
    EXTRACT,
    LOGIN_WALL,
    NO_EFFECT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    STEP_TIMEOUT,
    Failed,
)

PERSON_SECONDS = 300.0
"""How long a wall waits for a person; never longer than most of what the run has left."""
_SHARE_OF_RUN = 0.9
_MOST_ANSWERS = 3
BEHIND_WALLS = frozenset({NOT_FOUND, NO_EFFECT, STEP_TIMEOUT, REJECTED_BY_PAGE, EXPECTATION_FAILED, EXTRACT})
"""How a step fails that a wall may have kept from what it was to do."""
HARMLESS_AGAIN = frozenset({NOT_FOUND, NO_EFFECT, EXTRACT})
"""Of these, how it fails without having done anything: it may be done once more behind the wall."""
_LOGIN_URL = re.compile(r"(log|sign)[-_]?(in|on)\b|/auth\b|/sso\b|session/new", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wall:
    """What stands in the way."""

    reason: FailureReason
    words: str


class Run(Asker, Protocol):
    """What pausing needs of a run: `steps.Steps`."""

    logs_in: bool
    """The task itself logs in, so a login form is no wall."""

    def left(self) -> float:
        """Seconds that the run may still take."""


async def wall_before(run: Run, page: Page, action: actions_pb2.Action, *, failed: bool) -> Wall | None:
    """What stands in the way of an action that was tried; of one that did not fail, only what hides the page."""
    if not failed and action.WhichOneof("kind") != "goto":
        return None
    try:
        seen = await page_script.look(page, "walls", {"failed": failed}, timeout=0)
    except BrowserGone:
        raise
    except BrowserError:
        return None
    if seen["captcha"]:
        return Wall(CAPTCHA, f"a captcha: {seen['captcha']}")
    if (
        action.WhichOneof("kind") == "goto"
        and seen["login"]
        and not run.logs_in
        and _led_away(action.goto.url, page.url)
    ):
        return Wall(LOGIN_WALL, f"{_bare(action.goto.url)} led to a login at {_bare(page.url)}")
    return None


async def wait_for_person(run: Run, action: actions_pb2.Action, step: int, wall: Wall, failed: bool) -> Page:
    """Ask a person to take over, and return when the wall is gone: the tab that is in front then.

    Raises:
        Failed: CAPTCHA or LOGIN_WALL, it still stands when the time is over or after three answers.
        Stopped: a person said no, or the run ends.
    """
    limit = min(PERSON_SECONDS, max(run.left(), 0.0) * _SHARE_OF_RUN)
    end = run.clock.monotonic() + limit
    for turn in range(1, _MOST_ANSWERS + 1):
        done = "somebody has logged in" if wall.reason == LOGIN_WALL else "it is solved"
        again = "It is still there. " if turn > 1 else ""
        question = (
            f"{again}Step {step} of this run cannot go on: {wall.words}. Say yes once {done}; say no to end the run"
        )
        left = max(end - run.clock.monotonic(), 0.0)
        try:
            kind = runs_pb2.APPROVAL_KIND_TAKE_OVER
            await ask(run, f"step-{step}-take-over-{turn}", question, left, kind)
        except Failed as failure:
            if failure.reason == runs_pb2.FAILURE_REASON_APPROVAL_TIMED_OUT:
                raise Failed(wall.reason, f"{wall.words}; no person took over within {limit:g} s") from None
            raise
        page = await run.page()  # the person may have closed the one there was, or opened another
        await page.loaded(timeout=max(run.left(), 0.0))
        still = await wall_before(run, page, action, failed=failed)
        if still is None:
            return page
        wall = still
    raise Failed(wall.reason, f"{wall.words}; it was still there after {_MOST_ANSWERS} answers of a person")


def is_elsewhere(action: actions_pb2.Action, page: Page) -> bool:
    """Whether an action that opens a URL has to do so again, now that nothing stands in its way."""
    return action.WhichOneof("kind") == "goto" and _led_away(action.goto.url, page.url)


def _led_away(asked: str, now: str) -> bool:
    """Whether a URL led to another page than it names, and names no login itself."""
    return not _LOGIN_URL.search(urlsplit(asked).path) and _place(asked) != _place(now)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/")


def _bare(url: str) -> str:
    """A URL without what may be private in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
