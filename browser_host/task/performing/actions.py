"""Carries out single actions and checks that they landed.

An action that returns has had its effect and its expectations hold; everything else raises `Failed`.
"""

from __future__ import annotations

import asyncio

from tabkeep.v1 import actions_pb2

from browser_host.browser import DocumentReplaced, NavigationFailed, PageClosed, PageCrashed, PageUnresponsive
from browser_host.task.documents import holds
from browser_host.task.failures import EXPECTATION_FAILED, NO_EFFECT, PAGE_CRASHED, STEP_TIMEOUT, Failed, navigation
from browser_host.task.performing import reading
from browser_host.task.performing.acting import Done, checked
from browser_host.task.performing.fields import Fields
from browser_host.task.performing.gestures import Gestures
from browser_host.task.performing.travel import Travel
from browser_host.task.performing.uploading import Uploading
from browser_host.task.wording import condition_words, script_condition

DEFAULT_TIMEOUT = 15.0
GOTO_TIMEOUT = 30.0
UPLOAD_TIMEOUT = 60.0


def timeout_of(action: actions_pb2.Action) -> float:
    """How long an action may take, in seconds."""
    if action.HasField("timeout"):
        return action.timeout.ToTimedelta().total_seconds()
    if action.WhichOneof("kind") in ("goto", "back", "reload") or action.tab.open.url:
        return GOTO_TIMEOUT
    if action.WhichOneof("kind") == "upload":
        return UPLOAD_TIMEOUT
    if action.WhichOneof("kind") == "wait" and action.wait.WhichOneof("until") == "duration":
        return max(DEFAULT_TIMEOUT, action.wait.duration.ToTimedelta().total_seconds() + 1)
    return DEFAULT_TIMEOUT


class Actor(Fields, Gestures, Uploading, Travel):
    """Carries out one action on one page."""

    async def carry_out(self, action: actions_pb2.Action) -> Done:
        """Do it, check its effect, check what else it expects.

        Raises:
            Failed: it did not do what it says.
            BrowserGone.
        """
        try:
            done = await self._act(action)
            done.element = self._element
            if action.expect:
                done.title = await self._expect(list(action.expect))
            return done
        except PageUnresponsive:
            raise Failed(
                STEP_TIMEOUT, f"the page did not answer within {self._timeout:g} s; what was begun may still happen"
            ) from None
        except PageCrashed:
            raise Failed(PAGE_CRASHED, "the page's process crashed") from None
        except PageClosed:
            raise Failed(EXPECTATION_FAILED, "the tab was closed during the step") from None
        except NavigationFailed as error:
            raise navigation(error) from None
        except DocumentReplaced:
            raise Failed(EXPECTATION_FAILED, "the page moved to other documents again and again") from None

    async def _act(self, action: actions_pb2.Action) -> Done:
        match action.WhichOneof("kind"):
            case "goto":
                return await self._goto(action.goto)
            case "click" if action.click.every or action.click.times > 1:
                return Done(await self._click_often(action.click))
            case "drag":
                return Done(await self._drag(action.drag))
            case "set_range":
                return Done(await self._set_range(action.set_range))
            case "set_date":
                return Done(await self._set_date(action.set_date))
            case "select_text":
                return Done(await self._select_text(action.select_text))
            case "pick_row":
                return Done(await self._pick_row(action.pick_row))
            case "click":
                return await self._click(action.click, bool(action.expect))
            case "fill":
                return await self._fill(action.fill)
            case "select":
                return await self._select(action.select)
            case "set_checked":
                return await self._set_checked(action.set_checked)
            case "press_key":
                return await self._press_key(action.press_key)
            case "hover":
                return await self._hover(action.hover)
            case "scroll":
                return await self._scroll(action.scroll)
            case "wait":
                return await self._wait(action.wait)
            case "extract":
                return await self._extract(action.extract)
            case "find_record":
                return await self._find_record(action.find_record)
            case "back":
                return self._arrived(await self._load(self._page.back))
            case "reload":
                return self._arrived(await self._load(self._page.reload))
            case "tab":
                return await self._tab(action.tab)
            case "dialog":
                return await self._dialog(action)
            case "upload":
                return await self._upload(action.upload)
        raise ValueError("an action without a kind")

    # Looking

    async def _scroll(self, scroll: actions_pb2.Scroll) -> Done:
        if scroll.HasField("target"):
            found = checked(await self._write("bringIn", scroll.target, "any"))
            return Done(found["label"])
        await self._allowed()
        moved = await self._look("scrollBy", {"delta": scroll.delta_y})
        if not moved["moved"]:
            raise Failed(NO_EFFECT, "the page does not scroll any further that way")
        return Done(message=f"scrolled by {moved['moved']} px", title=moved["title"])

    async def _wait(self, wait: actions_pb2.Wait) -> Done:
        if wait.WhichOneof("until") == "duration":
            seconds = wait.duration.ToTimedelta().total_seconds()
            if seconds > self._timeout:
                raise Failed(STEP_TIMEOUT, f"waiting {seconds:g} s takes longer than the step's {self._timeout:g} s")
            await asyncio.sleep(seconds)
            return Done()
        words = condition_words(wait.condition)
        answer = await holds(self._page, [script_condition(wait.condition)], timeout=self._left())
        if not answer["ok"]:
            raise Failed(STEP_TIMEOUT, f"waited {self._timeout:g} s in vain until {words}")
        return Done(title=answer["title"])

    async def _expect(self, expected: list[actions_pb2.Expect]) -> str:
        answer = await holds(self._page, [script_condition(one) for one in expected], timeout=self._left())
        if not answer["ok"]:
            failed = "; ".join(condition_words(expected[index]) for index in answer["failed"])
            raise Failed(EXPECTATION_FAILED, f"this does not hold: {failed}")
        return str(answer["title"])

    async def _extract(self, wanted: actions_pb2.Extract) -> Done:
        return self._brought(await reading.extracted(self._page, wanted, timeout=self._left()))

    async def _find_record(self, wanted: actions_pb2.FindRecord) -> Done:
        value = self._parameters.value(wanted.value)
        data = await reading.the_record(self._page, wanted.label, value, wanted.noun, timeout=self._left())
        return self._brought(data)

    def _brought(self, data: reading.Data) -> Done:
        return Done(output=data.output, has_output=True, title=data.title, provenance=data.provenance)
