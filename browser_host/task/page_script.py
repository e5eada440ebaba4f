"""The script that the engine keeps in each document, and how its functions are called.

The script's files lie in `in_page/`. It is put into a document by the first call there and stays until the document
goes; it lives in the page's isolated world, so pages cannot reach it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from browser_host.browser import Document, DocumentReplaced

_FILES = (
    "dom.js", "names.js", "targets.js", "watching.js", "acting.js", "frames.js", "reading.js", "walls.js", "whence.js",
    "gestures.js", "drawings.js", "remembering.js", "linked_data.js", "files.js", "masking.js", "entry.js",
)  # fmt: skip
_CALL = "(call) => globalThis.__tabkeep ? globalThis.__tabkeep(call.name, call.argument) : null"
PRESS_PATH = '() => globalThis.__tabkeepElements ? globalThis.__tabkeepElements("pressPath") : []'
"""A function that brings what a press of the armed element passes through."""
CLOSED_FRAMES = '() => globalThis.__tabkeepElements ? globalThis.__tabkeepElements("closedFrames") : []'
"""A function that brings the elements of frames that the script cannot reach into."""
NOTE_LISTENING = "(...nodes) => globalThis.__tabkeepListening(nodes)"
"""A function that notes the elements that it is called with as listening to presses."""
_GRACE = 1.0
"""Seconds a page may take to answer beyond the time it was told to wait."""


@cache
def _source() -> str:
    folder = resources.files("browser_host.task") / "in_page"
    parts = "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)
    put = f'() => {{\n"use strict";\n{parts}\n}}'
    return f"(call) => {{ if (!globalThis.__tabkeep) ({put})(); return ({_CALL})(call); }}"


async def call(
    page: Document, name: str, argument: dict[str, Any] | None = None, *, wait: float = 0, grace: float = _GRACE
) -> Any:
    """Call one of the script's functions; it may wait for the page for `wait` seconds.

    Raises:
        BrowserError: PageUnresponsive after `wait` and `grace` seconds; DocumentReplaced.
    """
    request = {"name": name, "argument": {**(argument or {}), "wait": round(max(wait, 0) * 1000)}}
    timeout = max(wait, 0) + grace
    answer = await page.evaluate(_CALL, request, timeout=timeout)
    if answer is None:
        answer = await page.evaluate(_source(), request, timeout=timeout)
    return json.loads(answer)


async def look(
    page: Document, name: str, argument: dict[str, Any] | None = None, *, timeout: float, grace: float = _GRACE
) -> Any:
    """Call a function that changes nothing, again if the page moves to another document meanwhile."""
    for _ in range(5):
        try:
            return await call(page, name, argument, wait=timeout, grace=grace)
        except DocumentReplaced:
            await page.loaded(timeout=timeout + grace)
    raise DocumentReplaced("the page keeps moving to other documents")
