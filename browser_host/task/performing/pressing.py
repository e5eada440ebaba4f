"""Presses an element or a key, checks that it landed, and sees what came of it: in the document or beyond it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tabkeep.v1 import actions_pb2

from browser_host.browser import Document, DocumentReplaced, PageClosed
from browser_host.task.failures import EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, REJECTED_BY_PAGE, Failed
from browser_host.task.page_script import PRESS_PATH, call, look
from browser_host.task.performing.acting import Acting, Done, checked
from browser_host.task.performing.answers import Answer

EFFECT_PATIENCE = 3.0
"""Seconds in which a press must show an effect when nothing more is expected of it."""
_KEY_PATIENCE = 1.0
"""Seconds in which a key that submits a form begins to do so."""
_LEAVING_PATIENCE = 1.0
"""Seconds in which a link or form that leaves the page begins to load the next one."""
_SENDS_SOON = 0.15
"""Seconds after a press in which what the page sends over a web socket is the press's doing."""
_LISTENERS_SECONDS = 2.0


class Pressing(Acting):
    """Clicks, hovers and keys."""

    async def _click(self, click: actions_pb2.Click, more_expected: bool) -> Done:
        patience = self._left() if more_expected else EFFECT_PATIENCE
        done, _ = await self._press(
            click.target,
            "click",
            click.click_count or 1,
            patience,
            any_change_counts=more_expected,
            at=click.at if click.HasField("at") else None,
        )
        return done

    async def _press(
        self,
        target: actions_pb2.Target,
        purpose: str,
        click_count: int,
        patience: float,
        ready: dict[str, Any] | None = None,
        *,
        any_change_counts: bool = False,
        at: actions_pb2.Offset | None = None,
    ) -> tuple[Done, dict[str, Any]]:
        """Press an element, made `ready` already or not, until the press has reached it, and see its effect.

        It is pressed `at` a point of it, or wherever it is reached.

        What changes later and by itself, as far as can be seen, is none; unless `any_change_counts`, because the
        caller says what must be true afterwards.
        """
        avoid: list[list[float]] = []
        while True:
            point = ready or await self._prepare(target, purpose, avoid, at)
            ready = None
            self._gate.press(point["name"], point["leads"])
            label = point["label"]
            with self._answer_to(point) as answer:
                seen = await self._strike(point, click_count, min(patience, self._left()), any_change_counts)
                await self._see_taken(answer, seen, label)
            if seen["landed"] and seen["effect"]:
                return Done(label, seen["effect"], seen["title"]), {**point, **seen}
            if not seen["landed"] and not avoid and at is None:
                avoid = [point["inner"]]
                continue
            if not seen["landed"]:
                raise Failed(NO_EFFECT, f"the press did not reach {label}{_instead(seen['hit'])}", target=label)
            raise Failed(NO_EFFECT, f"{label} was pressed and nothing changed{_by_itself(seen['late'])}", target=label)

    def _answer_to(self, armed: dict[str, Any]) -> AbstractContextManager[Answer | None]:
        """What hears how the page answers the armed press; None where nothing is sent, or others see to it."""
        if not armed["sends"]:
            return nullcontext()
        return Answer(self._page, self._where.document, self._clock, armed["sends"], armed["said"])

    async def _see_taken(self, answer: Answer | None, seen: dict[str, Any], label: str) -> None:
        """See that the page does not refuse what a press has sent.

        Raises:
            Failed: REJECTED_BY_PAGE, with what the page says.
        """
        if seen["invalid"]:
            raise Failed(REJECTED_BY_PAGE, "; ".join(seen["invalid"]), target=label)
        if answer is None:
            return
        if refusal := await answer.refusal(seen, self._left()):
            raise Failed(REJECTED_BY_PAGE, f"the page refused what {label} sent: {refusal}", target=label)
        if await self._followed():
            seen["title"] = None

    async def _pressed(self, target: actions_pb2.Target, click_count: int = 1) -> str:
        """Press an element and see its effect; what it is called."""
        return (await self._press(target, "click", click_count, EFFECT_PATIENCE))[0].target

    async def _prepare(
        self,
        target: actions_pb2.Target,
        purpose: str,
        avoid: list[list[float]] | None = None,
        at: actions_pb2.Offset | None = None,
    ) -> dict[str, Any]:
        wanted: dict[str, Any] = {"target": self._target(target), "purpose": purpose, "avoid": avoid or []}
        wanted["judge"] = self._judges
        if at is not None:
            wanted["at"] = {"x": at.x, "y": at.y}

        async def attempt(document: Document, wait: float) -> dict[str, Any]:
            answer: dict[str, Any] = await look(document, "prepare", wanted, timeout=wait)
            return answer

        found = checked(await self._where.seek(target, wanted["target"], purpose, attempt, self._left()))
        place = checked(await self._where.point(found["x"], found["y"]))
        placed = {**found, "inner": [found["x"], found["y"]], "x": place["x"], "y": place["y"]}
        return self._placed(self._noted(placed))

    async def _strike(
        self, point: dict[str, Any], click_count: int, patience: float, any_change_counts: bool
    ) -> dict[str, Any]:
        """Press at a point and watch for the first effect, in the document or beyond it."""
        page = self._page
        before = page.effects_so_far()
        allowed = await self._allowed()

        async def press() -> None:
            await page.mouse_click(point["x"], point["y"], click_count=click_count, timeout=allowed)

        return await self._watch_effect(press, before, patience, any_change_counts)

    # Effects

    async def _watch_effect(
        self, press: Callable[[], Awaitable[None]], before: int, patience: float, any_change_counts: bool = True
    ) -> dict[str, Any]:
        page = self._page
        sent = page.sends_so_far()
        watching = asyncio.ensure_future(self._outcome(patience, any_change_counts))
        beyond = asyncio.ensure_future(page.effect_after(before))
        sending: asyncio.Future[bool] | None = None
        try:
            try:
                await press()
            except PageClosed:
                return _effect_beyond("the tab closed")
            sending = asyncio.ensure_future(self._sends_after(sent))
            await asyncio.wait({watching, beyond}, return_when=asyncio.FIRST_COMPLETED)
            seen: dict[str, Any] = _effect_beyond("another page or tab, a dialog or a download")
            if watching.done():
                try:
                    seen = watching.result()
                except (DocumentReplaced, PageClosed):
                    pass
                if seen["leaves"] and not beyond.done():
                    await asyncio.wait({beyond}, timeout=min(_LEAVING_PATIENCE, self._left()))
            if await self._followed():
                seen["title"] = None
            seen = _unless_by_itself(seen, watching, moved=page.effects_so_far() > before)
            if sending and seen["late"] and not seen["effect"] and await sending:
                seen["effect"] = seen["late"]["words"]
            return seen
        finally:
            tasks: list[asyncio.Future[Any]] = [watching, beyond, *([sending] if sending else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _sends_after(self, sent: int) -> bool:
        """Whether the page says something to its server over a web socket right after the press."""
        await asyncio.sleep(_SENDS_SOON)
        return self._page.sends_so_far() > sent

    async def _outcome(self, patience: float, any_change_counts: bool) -> dict[str, Any]:
        """What the armed press brings in the document within `patience` seconds.

        What changes right after it and cannot be traced to it counts only where something listens to such presses.
        """
        end = self._clock.monotonic() + patience
        near = True
        while True:
            seen: dict[str, Any] = await call(
                self._where.document,
                "outcome",
                {"near": near, "any": any_change_counts},
                wait=max(end - self._clock.monotonic(), 0.0),
            )
            if seen["effect"] or not seen["near"] or not near:
                return seen
            near = False
            if await self._where.document.listens(PRESS_PATH, timeout=_LISTENERS_SECONDS):
                return {**seen, "effect": seen["near"]}

    # The pointer alone, keys

    async def _hover(self, hover: actions_pb2.Hover) -> Done:
        point = await self._prepare(hover.target, "any")
        await self._page.mouse_move(point["x"], point["y"], timeout=await self._allowed())
        await self._look("disarm")
        return Done(point["label"])

    async def _press_key(self, press: actions_pb2.PressKey) -> Done:
        if press.HasField("target"):
            focused = checked(await self._write("focusOn", press.target, "any"))
            if not focused["focused"]:
                raise Failed(EXPECTATION_FAILED, f"{focused['label']} does not take the focus", target=focused["label"])
        else:
            await self._where.follow_focus()
        typed = press.key.rsplit("+", 1)[-1]
        await self._may_type(self._where.document, typed if len(typed) == 1 else "")
        armed = await self._arm_focused()
        return Done(armed["label"], title=await self._key(press.key, armed))

    async def _arm_focused(self) -> dict[str, Any]:
        """Make what has the focus ready for a key."""
        armed: dict[str, Any] = await self._look("armFocused", {"judge": self._judges})
        return armed

    async def _key(self, key: str, armed: dict[str, Any]) -> str | None:
        """Press a key on what has the focus and follow where it leads; a key needs no effect."""
        if key.rsplit("+", 1)[-1] in ("Enter", "Space", " "):
            self._gate.press(armed["name"], armed["leads"])
        before = self._page.effects_so_far()
        allowed = await self._allowed()

        async def press() -> None:
            await self._page.press_key(key, timeout=allowed)

        patience = min(_KEY_PATIENCE if key == "Enter" else 0.0, self._left())
        with self._answer_to(armed) as answer:
            try:
                seen = await self._watch_effect(press, before, patience)
            except ValueError as error:
                raise Failed(NOT_FOUND, str(error)) from None
            await self._see_taken(answer, seen, armed["label"])
        title: str | None = seen["title"]
        return title


def _effect_beyond(effect: str) -> dict[str, Any]:
    return {
        "effect": effect,
        "late": None,
        "landed": True,
        "hit": "",
        "invalid": [],
        "leaves": False,
        "title": None,
        "checked": None,
    }


def _unless_by_itself(seen: dict[str, Any], watching: asyncio.Future[dict[str, Any]], moved: bool) -> dict[str, Any]:
    """What was seen, unless the page moved on without the press: then what its document said as it went."""
    if not watching.done() or watching.cancelled():
        return seen
    gone = watching.exception()
    if gone is None:
        last = watching.result()
        return {**last, "title": None} if last["late"] and not last["effect"] else seen
    if isinstance(gone, DocumentReplaced) and not moved:
        return {**_effect_beyond(""), "late": {"words": "the page moved on", "after": 0}}
    return seen


def _by_itself(late: dict[str, Any] | None) -> str:
    """What changed later, and why it does not count."""
    if not late:
        return ""
    when = f", but {late['after'] / 1000:.1f} s later and" if late["after"] else ","
    return f" by it: {late['words']}{when} not through anything that the press began"


def _instead(hit: str) -> str:
    return f", it reached {hit} instead" if hit else ""
