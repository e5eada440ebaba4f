"""A page and the frames in it that its script cannot reach: finding where something is, and asking there.

The page itself comes first: what is there is not looked for in frames. Frames of one origin with the page are a part of
it already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tabkeep.v1 import actions_pb2

from browser_host.browser import Document, DocumentReplaced, Frame, Page, PageUnresponsive, ScriptFailed
from browser_host.task.page_script import CLOSED_FRAMES, call, look

_SLICE = 1.0
"""Seconds in which the page is asked alone, before its frames are looked into again."""
_FRAME_GRACE = 2.0
_DEEPEST = 4
_BETWEEN_ROUNDS = 0.1
_LOST = (DocumentReplaced, PageUnresponsive, ScriptFailed)
"""How a frame fails that hangs, or goes while it is asked; the page may live on without it."""
Attempt = Callable[[Document, float], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Inner:
    """A frame, and what it is called."""

    document: Frame
    element: int
    """The number of its element in the document that it is in."""
    label: str
    """By which a Target may name it: those of the frames it is in, from the outside in, with " > " between them."""
    words: tuple[str, ...] = field(default=())
    """Its own label, name and URL."""

    def is_called(self, wanted: str) -> bool:
        """Whether a Target's `frame` means this one."""
        own = [word.casefold() for word in (self.label, *self.words) if word]
        asked = wanted.casefold()
        if "*" in asked:
            return any(fnmatchcase(word, asked) for word in own)
        return any(word == asked or f" {asked} " in f" {word} " for word in own) or (
            "/" in asked and any(asked in word for word in own)
        )


async def frames_of(page: Page, *, timeout: float = _FRAME_GRACE) -> list[Inner]:
    """All frames that the page's script cannot reach, each before those in it."""
    found: list[Inner] = []
    await _collect(page, "", found, timeout, 0)
    return found


async def _collect(document: Document, path: str, found: list[Inner], timeout: float, depth: int) -> None:
    try:
        infos = await call(document, "frameInfo", grace=timeout)
        if not infos or depth >= _DEEPEST:
            return
        inner = await document.frames(CLOSED_FRAMES, timeout=timeout)
    except _LOST:
        return
    for number, (info, frame) in enumerate(zip(infos, inner, strict=False), 1):
        label = info["label"] or f"frame {number}"
        label = f"{path} > {label}" if path else label
        found.append(Inner(frame, info["id"], label, (info["label"], info["name"], info["url"])))
        await _collect(frame, label, found, timeout, depth + 1)


class Where:
    """Where one action acts: the page, or the frame in which its target was found."""

    def __init__(self, page: Page) -> None:
        """The page, until something else is found."""
        self.page = page
        self.document: Document = page
        self.label = ""
        self.page_only = False
        """Frames are left out: what is to be filled in is for the page's own origin."""

    async def seek(
        self, target: actions_pb2.Target, script_target: dict[str, Any], purpose: str, attempt: Attempt, wait: float
    ) -> dict[str, Any]:
        """Make the attempt where the target is; `wait` seconds for it to come."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        answer: dict[str, Any] = {}
        part = 0.0  # what a frame has now is not waited for in the page
        while True:
            left = max(end - loop.time(), 0.0)
            if not target.frame:
                self._stay(self.page, "")
                answer = await attempt(self.page, min(part, left))
                if answer.get("reason") in ("STEP_TIMEOUT", "AMBIGUOUS") and part < left:
                    answer = await attempt(self.page, max(end - loop.time(), 0.0))
                if answer.get("reason") != "NOT_FOUND" or answer.get("final"):
                    return answer
            inner = None if self.page_only else await self._holding(target, script_target, purpose)
            if inner is not None and isinstance(inner, dict):
                answer = inner
            elif inner is not None:
                self._stay(inner.document, inner.label)
                try:
                    return await attempt(inner.document, max(end - loop.time(), 0.0))
                except _LOST:
                    answer = {"reason": "NOT_FOUND", "message": f'the frame "{inner.label}" went away'}
                    self._stay(self.page, "")
            elif target.frame:
                answer = {
                    "reason": "NOT_FOUND",
                    "message": f'the frame "{target.frame}" is not there, or has it not',
                }
            if loop.time() >= end or answer.get("reason") == "AMBIGUOUS":
                return answer
            part = _SLICE
            await asyncio.sleep(_BETWEEN_ROUNDS)

    async def _holding(
        self, target: actions_pb2.Target, script_target: dict[str, Any], purpose: str
    ) -> Inner | dict[str, Any] | None:
        """The one frame that has the target; an answer where several have it, or one has it several times."""
        hits: list[Inner] = []
        problem: dict[str, Any] | None = None
        for inner in await frames_of(self.page):
            if target.frame and not inner.is_called(target.frame):
                continue
            try:
                answer = await call(inner.document, "hasTarget", {"target": script_target, "purpose": purpose})
            except _LOST:
                continue
            if answer.get("ok"):
                hits.append(inner)
            elif answer.get("reason") == "AMBIGUOUS":
                problem = {**answer, "message": f'{answer["message"]} (in the frame "{inner.label}")'}
        if len(hits) > 1:
            listed = "; ".join(f'"{inner.label}"' for inner in hits[:6])
            return {"reason": "AMBIGUOUS", "message": f"several frames have it: {listed}: say which (frame)"}
        return hits[0] if hits else problem

    def _stay(self, document: Document, label: str) -> None:
        self.document, self.label = document, label

    async def follow_focus(self) -> None:
        """Go where the focus is: a key acts there."""
        self._stay(self.page, "")
        if await look(self.page, "focusedFrame", timeout=0) is None:
            return
        for inner in await frames_of(self.page):
            try:
                parent_has_it = await call(inner.document.parent, "focusedFrame") == inner.element
            except _LOST:
                continue
            if parent_has_it:
                self._stay(inner.document, inner.label)

    async def point(self, x: float, y: float) -> dict[str, Any]:
        """A point of the document in the page's coordinates, and that nothing in the page lies over it there."""
        document = self.document
        answer: dict[str, Any] = {"ok": True, "x": x, "y": y}
        if document is self.page:
            return answer
        chain = {id(inner.document): inner for inner in await frames_of(self.page)}
        while document is not self.page:
            inner = chain.get(id(document))
            if inner is None:
                return {"reason": "NOT_FOUND", "message": "the frame is gone"}
            document = inner.document.parent
            place = {"id": inner.element, "x": answer["x"], "y": answer["y"]}
            answer = await call(document, "framePoint", place)
            if not answer.get("ok"):
                return answer
        return answer


async def holds(page: Page, conditions: list[dict[str, Any]], *, timeout: float) -> dict[str, Any]:
    """Wait until all conditions hold at once, in the page or in its frames; which do not.

    A text or an element may be in a frame; one that must be gone must be gone from all of them.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    part = 0.0
    while True:
        left = max(end - loop.time(), 0.0)
        answer: dict[str, Any] = await look(page, "until", {"conditions": conditions}, timeout=min(left, part))
        frames = await frames_of(page) if _in_frames(conditions, answer) else []
        if frames:
            answer = {**answer, "failed": await _failing(frames, conditions, set(answer["failed"]))}
            answer["ok"] = not answer["failed"]
        if answer["ok"] or loop.time() >= end:
            return answer
        part = _SLICE
        if frames:
            await asyncio.sleep(_BETWEEN_ROUNDS)


async def secrecy_in_frames(page: Page, argument: dict[str, Any], frame: str) -> dict[str, Any] | None:
    """Whether a field in a frame hides what is typed; None where no frame has it."""
    for inner in await frames_of(page):
        if frame and not inner.is_called(frame):
            continue
        try:
            answer: dict[str, Any] = await call(inner.document, "secrecy", argument)
        except _LOST:
            continue
        if answer["secret"] is not None:
            return answer
    return None


_ANYWHERE = ("text", "visible", "value")
_NOWHERE = ("textGone", "hidden")


def _in_frames(conditions: list[dict[str, Any]], answer: dict[str, Any]) -> bool:
    """Whether frames may change the answer."""
    failed = set(answer["failed"])
    kinds = [(next(iter(one)), number in failed) for number, one in enumerate(conditions)]
    if any(fails and kind not in _ANYWHERE for kind, fails in kinds):
        return False
    return any((kind in _ANYWHERE) if fails else (kind in _NOWHERE) for kind, fails in kinds)


async def _failing(frames: list[Inner], conditions: list[dict[str, Any]], failed: set[int]) -> list[int]:
    failing = set(failed)
    for inner in frames:
        try:
            answer = await call(inner.document, "until", {"conditions": conditions})
        except _LOST:
            continue
        for number, one in enumerate(conditions):
            kind = next(iter(one))
            if kind in _ANYWHERE and number not in answer["failed"] and _meant(one, inner):
                failing.discard(number)
            elif kind in _NOWHERE and number in answer["failed"]:
                failing.add(number)
    return sorted(failing)


def _meant(condition: dict[str, Any], inner: Inner) -> bool:
    target = condition.get("visible") or condition.get("value", {}).get("target") or {}
    return not target.get("frame") or inner.is_called(target["frame"])
