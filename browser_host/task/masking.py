"""Pictures of a page in which its secrets are painted over.

Looked for are what the run knows to be secret, wherever it can be read, and fields for passwords, card numbers and
codes with something in them. The page is asked before and after the picture is taken, because it may move meanwhile.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from browser_host.browser import BrowserError, BrowserGone, Document, DocumentReplaced, Page, PageUnresponsive
from browser_host.task.documents import Inner, frames_of
from browser_host.task.page_script import call, look

_COLOUR = (60, 60, 60)
_MARGIN = 2
"""Pixels around a box, for letters that reach out of it."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where a page shows secrets, in its own pixels."""

    width: float
    boxes: tuple[Box, ...]


async def masked_picture(page: Page, secrets: Sequence[str], *, timeout: float) -> bytes:
    """A JPEG of the visible area without the secrets in it.

    Raises:
        BrowserError: also when the page cannot be asked where it shows them.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _masked_picture(page, secrets, timeout)
    except TimeoutError:
        raise PageUnresponsive(f"the page did not answer within {timeout:g} s") from None


async def _masked_picture(page: Page, secrets: Sequence[str], timeout: float) -> bytes:
    for _ in range(3):
        try:
            before = await _shown(page, secrets, timeout)
            picture = await page.screenshot(timeout=timeout)
            after = await _shown(page, secrets, timeout)
        except DocumentReplaced:
            await page.loaded(timeout=timeout)
            continue
        boxes = {*before.boxes, *after.boxes}
        return await asyncio.to_thread(_painted, picture, boxes, after.width) if boxes else picture
    raise DocumentReplaced("the page keeps moving to other documents")


async def _shown(page: Page, secrets: Sequence[str], timeout: float) -> _Shown:
    answer = await look(page, "shownSecrets", {"texts": list(secrets)}, timeout=0, grace=timeout)
    boxes = [tuple(box) for box in answer["boxes"]]
    if secrets and answer["frames"]:
        innocent = await _frames_without(page, secrets)
        boxes += [tuple(box) for number, found in answer["frames"] if number not in innocent for box in found]
    return _Shown(answer["width"], tuple(boxes))


async def _frames_without(page: Page, secrets: Sequence[str]) -> set[int]:
    """The elements of those of the page's own frames that could be asked, and show no secret, nor does any in them."""
    frames = await frames_of(page)
    elements: dict[Document, int] = {}
    for inner in frames:  # each after the one it is in
        elements[inner.document] = elements.get(inner.document.parent, inner.element)
    inside = Counter(inner.document.parent for inner in frames)
    shows = await asyncio.gather(*(_may_show(inner, secrets, inside[inner.document]) for inner in frames))
    showing = {elements[inner.document] for inner, yes in zip(frames, shows, strict=True) if yes}
    return set(elements.values()) - showing


async def _may_show(inner: Inner, secrets: Sequence[str], inside: int) -> bool:
    """Whether a frame shows a secret, cannot be asked, or has more frames in it than the `inside` that are asked."""
    try:
        answer = await call(inner.document, "shownSecrets", {"texts": list(secrets)})
    except BrowserGone:
        raise
    except BrowserError:
        return True
    return bool(answer["boxes"]) or len(answer["frames"]) > inside


def _painted(jpeg: bytes, boxes: set[Box], width: float) -> bytes:
    from PIL import Image, ImageDraw  # only where something is to be hidden: it takes its time and memory

    with Image.open(io.BytesIO(jpeg)) as picture:
        scale = picture.width / width
        draw = ImageDraw.Draw(picture)
        for left, top, right, bottom in boxes:
            corners = (left * scale - _MARGIN, top * scale - _MARGIN, right * scale + _MARGIN, bottom * scale + _MARGIN)
            draw.rectangle(corners, fill=_COLOUR)
        out = io.BytesIO()
        picture.save(out, "JPEG", quality="keep")
    return out.getvalue()
