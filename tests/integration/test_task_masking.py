"""Pictures of steps do not show what the run knows to be secret: what is secret here is red, and no red is left."""

from __future__ import annotations

import io
from html import escape
from urllib.parse import urlencode

import pytest
from PIL import Image
from tabkeep.v1 import runs_pb2

from tests.integration.task_fixtures import Desk, PageServer, act
from tests.waiting import until

SECRET = "Tulip-77 42"
STYLE = "<title>x</title><style>* {font: bold 28px sans-serif} .s {color: red} .o {color: blue}</style>"
REST = "<p class=o>Order 1 of 2</p>"
FRAME = f"{STYLE}<p class=s>{SECRET}</p>"


def seen(picture: bytes) -> tuple[bool, bool]:
    """Whether anything in it is red, and blue."""
    with Image.open(io.BytesIO(picture)) as opened:
        pixels = opened.convert("RGB").tobytes()
    colours = set(zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True))
    return any(r - max(g, b) > 60 for r, g, b in colours), any(b - max(r, g) > 60 for r, g, b in colours)


async def pictured(desk: Desk, body: str, secrets: list[str], *before) -> tuple[bool, bool]:
    page = await desk.open(f"/text?{urlencode({'body': STYLE + body})}")

    async def drawn() -> bool:
        return seen(await page.screenshot(timeout=10)) == (not before, True)

    await until(drawn, "the page is drawn")
    every = runs_pb2.SCREENSHOT_MODE_EVERY_STEP
    outcome = await desk.run(*before, act("wait", duration="0.001s"), secrets=secrets, screenshots=every)
    assert outcome.status == "COMPLETED", outcome
    return seen(outcome.journal.pictures[-1])


def framed(levels: int) -> str:
    """The secret in a frame in a frame in a frame, each of an origin of its own."""
    body = FRAME
    for _ in range(levels):
        body = f'<body style="margin:0"><iframe sandbox width=400 height=200 srcdoc="{escape(body)}"></iframe>'
    return body


SHOWN = {
    "a text": f"<p class=s>{SECRET}</p>",
    "a part of a text": f"<p class=s>{SECRET}</p><p class=o>and more</p>",
    "another case": f"<p class=s>{SECRET.upper()}</p>",
    "separators of the page's own": "<p class=s>tulip 7742</p>",
    "several elements": "<p class=s>Tul<b class=s>ip-7</b><i class=s>7 42</i></p>",
    "a field": f"<input class=s value='{SECRET}'>",
    "a list": f"<select class=s><option>{SECRET}</select>",
    "a large field": f"<textarea class=s>{SECRET}</textarea>",
    "what is editable": f"<div contenteditable class=s>{SECRET}</div>",
    "a shadow root": f"<div id=host></div><script>host.attachShadow({{mode: 'open'}}).innerHTML = `{FRAME}`</script>",
    "a frame": f'<iframe srcdoc="{FRAME}" width=400></iframe>',
    "a frame that is closed to the page": f'<iframe sandbox srcdoc="{FRAME}" width=400></iframe>',
    "a frame in such a frame": framed(2),
    "a frame deeper in frames than is looked": framed(7),
    "what was scrolled to": f"<div style='height:3000px'></div><p class=s id=end>{SECRET}</p>{REST}"
    "<script>scrollTo(0, 9999)</script>",
}


@pytest.mark.parametrize("where", SHOWN)
async def test_a_secret_is_painted_over(desk: Desk, where: str) -> None:
    assert await pictured(desk, REST + SHOWN[where], [SECRET]) == (False, True)


async def test_a_secret_in_a_frame_of_another_site_is_painted_over(desk: Desk, page_server: PageServer) -> None:
    elsewhere = page_server.url.replace("127.0.0.1", "localhost")
    body = f'{REST}<iframe src="{elsewhere}/text?{urlencode({"body": FRAME})}" width=400></iframe>'
    assert await pictured(desk, body, [SECRET]) == (False, True)


@pytest.mark.parametrize("field", ["name=n aria-label='Card number'", "autocomplete=one-time-code", "aria-label=CVV"])
async def test_a_field_for_a_secret_is_painted_over_whoever_filled_it(desk: Desk, field: str) -> None:
    assert await pictured(desk, f"{REST}<input class=s {field} value=123>", []) == (False, True)
    assert await pictured(desk, f"{REST}<input class=s aria-label=Street value=123>", []) == (True, True)


async def test_a_secret_too_short_to_be_looked_for_in_texts_is_painted_over_in_fields(desk: Desk) -> None:
    body = f"{REST}<p class=o>Room 123 of 200</p><input class=s aria-label=Shade>"
    filling = act("fill", target={"name": "Shade"}, value={"literal": "123", "sensitive": True})
    assert await pictured(desk, body, [], filling) == (False, True)
