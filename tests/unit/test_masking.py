"""Pictures without secrets, of pages that move or do not answer while the picture is taken."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from browser_host.browser import DocumentReplaced, PageUnresponsive
from browser_host.task.masking import masked_picture

WHITE = (255, 255, 255)


class Page:
    """Shows secrets where it is told to, one answer after the other."""

    def __init__(self, *answers: list[list[float]] | Exception) -> None:
        self._answers = list(answers)
        self.pictures = 0

    async def evaluate(self, function: str, argument: Any = None, *, timeout: float) -> str:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps({"width": 100, "boxes": answer, "frames": []})

    async def screenshot(self, *, timeout: float) -> bytes:
        self.pictures += 1
        out = io.BytesIO()
        Image.new("RGB", (200, 100), WHITE).save(out, "JPEG")
        return out.getvalue()

    async def loaded(self, *, timeout: float) -> bool:
        return True


async def painted(page: Page) -> list[bool]:
    """Whether it is painted over in its upper left and its lower right; two of its pixels are one of the page."""
    with Image.open(io.BytesIO(await masked_picture(page, ["secret"], timeout=5))) as picture:
        return [picture.getpixel(at)[0] < 128 for at in ((10, 10), (190, 90))]


async def test_a_picture_without_secrets_is_left_as_it_is() -> None:
    page = Page([], [])
    assert await masked_picture(page, [], timeout=5) == await page.screenshot(timeout=5)


async def test_what_moves_while_the_picture_is_taken_is_painted_over_at_both_places() -> None:
    assert await painted(Page([[0, 0, 10, 10]], [])) == [True, False]
    assert await painted(Page([], [[90, 40, 100, 50]])) == [False, True]
    assert await painted(Page([[0, 0, 10, 10]], [[90, 40, 100, 50]])) == [True, True]


async def test_a_document_that_came_meanwhile_is_pictured_anew() -> None:
    page = Page([], *[DocumentReplaced("gone")] * 5, [[0, 0, 10, 10]], [])
    assert await painted(page) == [True, False]
    assert page.pictures == 2


async def test_there_is_no_picture_of_a_page_that_does_not_say_what_it_shows() -> None:
    page = Page([[0, 0, 10, 10]], PageUnresponsive("busy"))
    with pytest.raises(PageUnresponsive):
        await masked_picture(page, ["secret"], timeout=5)
