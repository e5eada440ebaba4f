"""Reads data off a page and off the frames in it, with where each value stands.

What the page itself has comes before what a frame of another origin has: a frame is looked into for what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.browser import Document, DocumentReplaced, Page, PageUnresponsive, ScriptFailed
from browser_host.task import extract, record_match
from browser_host.task.documents import frames_of
from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed
from browser_host.task.page_script import call, look
from browser_host.task.provenance import leaves, whence
from browser_host.task.values import to_schema

_READ_GRACE = 10.0
_FRAME_GRACE = 2.0
_SLICE = 1.0
"""Seconds in which the page is read alone, before its frames are looked into again."""
_PAUSE = 0.25
_LISTS = ("tables", "pairs", "fields", "lists", "cards", "headings")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one document shows."""

    document: Document
    found: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Data:
    """What was read, and where from."""

    output: Any
    provenance: list[runs_pb2.Provenance]
    title: str


async def extracted(page: Page, wanted: actions_pb2.Extract, *, timeout: float) -> Data:
    """The data that is asked for; waits for the part that it is to be in.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS, EXTRACT.
    """
    readings = await _readings(page, wanted.within, timeout)
    first = readings[0].found
    frames = [one.found for one in readings[1:]]
    if wanted.HasField("schema"):
        shown = {**first, "frames": frames}
        output, texts = extract.from_page_with_texts(shown, to_schema(wanted.schema))
    else:
        shown = {**first, **{name: [part for one in (first, *frames) for part in one[name]] for name in _LISTS}}
        output, texts = extract.from_page_with_texts(shown, None)
    return Data(output, await _sources(readings, texts), first["title"])


async def the_record(page: Page, label: str, value: str, noun: str, *, timeout: float) -> Data:
    """The one record that has the value; waits for it.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while True:
        readings = await _readings(page, "", 0)
        for reading in readings:
            if matches := record_match.matching(reading.found, label, value):
                output = record_match.only(matches, label, value)
                return Data(output, await _sources([reading], leaves(output)), readings[0].found["title"])
        left = end - loop.time()
        if left <= 0.05:
            near = [one for reading in readings for one in record_match.near(reading.found, value)][:3]
            hint = f"; close, but not it: {', '.join(near)}" if near else ""
            raise Failed(NOT_FOUND, f'no {noun or "record"} with {label} "{value}" is shown{hint}')
        await look(page, "pause", timeout=min(_PAUSE, left))


async def _readings(page: Page, within: str, timeout: float) -> list[Reading]:
    """What the page and its frames show of a part; at least one reading, the page's first."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    part = 0.0
    while True:
        left = max(end - loop.time(), 0.0)
        answer = await look(page, "read", {"within": within}, timeout=min(part, left), grace=_READ_GRACE)
        readings = [Reading(page, answer)] if answer.get("ok") else []
        if answer.get("ok") or answer["reason"] == "NOT_FOUND":
            readings += await _in_frames(page, within)
        if readings:
            return readings
        if loop.time() >= end:
            raise Failed(AMBIGUOUS if answer["reason"] == "AMBIGUOUS" else NOT_FOUND, answer["message"])
        part = _SLICE


async def _in_frames(page: Page, within: str) -> list[Reading]:
    readings = []
    for inner in await frames_of(page):
        try:
            answer = await call(inner.document, "read", {"within": within}, grace=_FRAME_GRACE)
        except (DocumentReplaced, PageUnresponsive, ScriptFailed):
            continue  # it hangs or is gone; the page may live on without it
        if answer.get("ok"):
            readings.append(Reading(inner.document, answer))
    return readings


async def _sources(readings: list[Reading], texts: Iterable[tuple[str, str]]) -> list[runs_pb2.Provenance]:
    """Where the values stand: each in the first document that shows it."""
    left = list(texts)
    sources: list[runs_pb2.Provenance] = []
    for reading in readings:
        sources += await whence(reading.document, left, reading.found["url"])
        known = {one.path for one in sources}
        left = [one for one in left if one[0] not in known]
    return sources
