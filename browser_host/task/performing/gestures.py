"""What is done beyond a press: drags, sliders, dates, selections, rows, and clicks that are repeated.

Like every action, each is checked by what the page shows afterwards.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tabkeep.v1 import actions_pb2

from browser_host.browser import DocumentReplaced
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NO_EFFECT, NOT_FOUND, Failed
from browser_host.task.page_script import call
from browser_host.task.performing.acting import checked
from browser_host.task.performing.pressing import Pressing
from browser_host.task.wording import script_target, target_from_script

_MOST_KEYS = 1000
"""Key presses that a slider may take."""
_MOST_MONTHS = 1200
_KEYS_AT_ONCE = 25
_DROP_PATIENCE = 0.5
"""Seconds in which a page shows what a drag did."""


class Gestures(Pressing):
    """What needs more of the pointer than a press."""

    # Dragging

    async def _drag(self, drag: actions_pb2.Drag) -> str:
        """Drag, and see that the element moved, or came to stand where it was to."""
        wanted: dict[str, Any] = {"target": script_target(drag.target), "corner": drag.by_corner}
        how = drag.WhichOneof("destination")
        if how == "by":
            wanted["by"] = {"x": drag.by.x, "y": drag.by.y}
            wanted["at"] = {"x": drag.at.x, "y": drag.at.y} if drag.HasField("at") else None
        elif how:
            wanted[how] = script_target(getattr(drag, how))
        for attempt in (1, 2):
            taken = checked(await self._look("dragPath", wanted))
            self._gate.press(taken["name"], "")
            before = self._page.effects_so_far()
            await self._page.mouse_drag([(x, y) for x, y in taken["path"]], timeout=await self._allowed())
            label = str(taken["label"])
            try:
                outcome = await call(self._page, "outcome", {"any": True}, wait=min(_DROP_PATIENCE, self._left()))
                done = await call(self._page, "dragged")
            except DocumentReplaced:
                return label
            if self._page.effects_so_far() > before:
                return label
            if done["ordered"] is not None:
                # A page that takes what is dropped away, or goes on by itself, shows it otherwise.
                if done["ordered"] or (not done["moved"] and outcome["effect"].startswith("the page")):
                    return label
                if attempt == 2:
                    raise Failed(EXPECTATION_FAILED, f"{label} was dragged and is not {how} the other", target=label)
            elif drag.by_corner:
                if done["sized"]:
                    return label
                raise Failed(NO_EFFECT, f"{label} was taken by its corner and its size did not change", target=label)
            elif done["moved"] or done["sized"] or outcome["effect"]:
                return label
            else:
                raise Failed(NO_EFFECT, f"{label} was dragged and nothing changed", target=label)
        raise AssertionError("unreachable")

    # Sliders and spinners

    async def _set_range(self, wanted: actions_pb2.SetRange) -> str:
        """Set a number and read it back; a drawn slider is moved with the keys."""
        target = {"target": script_target(wanted.target)}
        at = checked(await self._write("setRange", wanted.target, "any", value=_plain(wanted.value)))
        label = str(at["label"])
        if not at["native"]:
            at["value"] = await self._by_keys(target, label, at["value"], wanted.value)
        if at["value"] is None or abs(at["value"] - wanted.value) > 1e-9:
            shown = "does not show its number" if at["value"] is None else f"stands at {_plain(at['value'])}"
            raise Failed(EXPECTATION_FAILED, f"{label} {shown}, not at {_plain(wanted.value)}", target=label)
        return label

    async def _by_keys(self, target: dict[str, Any], label: str, at: float | None, goal: float) -> float | None:
        pressed = 0
        if at is None:
            # Its number may show only once it was moved.
            await self._keys("ArrowRight", 1)
            pressed, at = 1, await self._range_now(target)
        step: float | None = None
        while at is not None and at != goal and pressed < _MOST_KEYS:
            key = "ArrowRight" if goal > at else "ArrowLeft"
            count = 1 if step is None else max(1, min(int(abs(goal - at) / step), _KEYS_AT_ONCE))
            await self._keys(key, count)
            pressed += count
            now = await self._range_now(target)
            if now is None or now == at:
                raise Failed(EXPECTATION_FAILED, f"{label} does not go beyond {_plain(at)}", target=label)
            if step is not None and abs(now - goal) >= abs(at - goal):
                return now
            step = step or abs(now - at)
            at = now
        return at

    async def _keys(self, key: str, count: int) -> None:
        for _ in range(count):
            await self._page.press_key(key, timeout=await self._allowed())

    async def _range_now(self, target: dict[str, Any]) -> float | None:
        value: float | None = (await self._look("rangeNow", target))["value"]
        return value

    # Dates

    async def _set_date(self, wanted: actions_pb2.SetDate) -> str:
        """Type a date, or choose it in the calendar that the field opens, and read it back."""
        target = {"target": script_target(wanted.target), "date": wanted.date}
        typed = checked(await self._write("setDate", wanted.target, "any", date=wanted.date))
        label = str(typed["label"])
        if typed["equal"]:
            return label
        if not await self._look("calendar", {"date": wanted.date}):
            await self._pressed(wanted.target)
        for _ in range(_MOST_MONTHS):
            shown = await self._open_calendar(wanted.date)
            if shown is None:
                said = f': it shows "{typed["shown"][:60]}"' if typed["typed"] else " and opens no calendar"
                raise Failed(EXPECTATION_FAILED, f"{label} did not take the date{said}", target=label)
            if shown["target"] is None:
                where = f"the day of {wanted.date}" if shown["step"] == 0 else "a way to another month"
                raise Failed(NOT_FOUND, f"the calendar of {label} does not offer {where}", target=label)
            await self._pressed(target_from_script(shown["target"]))
            if shown["step"] == 0:
                break
        after = await self._look("dateNow", target)
        if not after["equal"]:
            raise Failed(EXPECTATION_FAILED, f'{label} shows "{after["shown"][:60]}"', target=label)
        return label

    async def _open_calendar(self, date: str) -> dict[str, Any] | None:
        for _ in range(20):
            shown: dict[str, Any] | None = await self._look("calendar", {"date": date})
            if shown is not None:
                return shown
            await asyncio.sleep(min(0.1, self._left()))
        return None

    # Text, rows, repetition

    async def _select_text(self, wanted: actions_pb2.SelectText) -> str:
        """Select text and read the selection back."""
        answer = checked(await self._write("selectText", wanted.target, "any", text=wanted.text))
        label = str(answer["label"])
        if not answer["equal"]:
            shown = answer["selected"][:60]
            raise Failed(EXPECTATION_FAILED, f'of {label} only "{shown}" could be selected', target=label)
        return label

    async def _pick_row(self, pick: actions_pb2.PickRow) -> str:
        """Find the row, then press it or what is asked for in it."""
        where = []
        for one in pick.where:
            how = one.WhichOneof("comparison") or "contains"
            where.append({"label": one.label, how: getattr(one, how)})
        argument = {
            "where": where,
            "orderBy": pick.order_by,
            "descending": pick.descending,
            "nth": pick.nth,
            "press": script_target(pick.press) if pick.HasField("press") else None,
        }
        picked = checked(await self._look("pickRow", argument))
        return await self._pressed(target_from_script(picked["target"]))

    async def _click_often(self, click: actions_pb2.Click) -> str:
        """Click several times, or everything that matches; each click must have an effect."""
        if click.every:
            argument = {"target": script_target(click.target), "purpose": "click"}
            targets = checked(await self._look("every", argument))["targets"]
            if len(targets) > 200:
                raise Failed(AMBIGUOUS, f"{len(targets)} elements match; at most 200 can be clicked at once")
            labels = [await self._pressed(target_from_script(one), click.click_count or 1) for one in targets]
            return f"{len(labels)} elements: {', '.join(dict.fromkeys(labels))}"[:200]
        label = ""
        for _ in range(click.times):
            label = (await self._click(click, more_expected=False)).target
        return label


def _plain(number: float) -> float | int:
    """A number without a needless ".0"."""
    return int(number) if float(number).is_integer() else number
