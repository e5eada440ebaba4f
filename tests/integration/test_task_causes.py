"""A press succeeds by what it causes: dead buttons on restless pages, slow buttons that work."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.integration.task_fixtures import Desk, PageServer, act, impatient

CLOCK = """<p id=clock>00:00:00</p>
<script>setInterval(() => { clock.textContent = new Date().toTimeString().slice(0, 8) }, 70)</script>"""


def late(after: int) -> str:
    """Something of the page's own that shows so many milliseconds after it has loaded."""
    banner = "document.body.append(Object.assign(document.createElement('p'), {textContent: 'Cookies, please'}))"
    return f"<script>setTimeout(() => {banner}, {after})</script>"


async def press(desk: Desk, page_server: PageServer, body: str, name: str = "Go"):
    await desk.open(f"{page_server.url}/text?{urlencode({'body': body})}")
    return await desk.run(act("click", target={"role": "button", "name": name}))


DEAD = {
    "nothing listens": "<button>Go</button>",
    "something listens and does nothing": "<button onclick='1'>Go</button>",
    "the page listens and does nothing": "<button>Go</button><script>document.onclick = () => {}</script>",
    "it only glows": "<button onmousedown=\"setTimeout(() => this.className = 'active', 50)\">Go</button>",
    "in a frame": '<iframe srcdoc="<button>Go</button>"></iframe>',
}


@pytest.mark.parametrize("button", DEAD.values(), ids=DEAD.keys())
async def test_a_dead_button_fails_though_the_page_changes_by_itself(desk: Desk, page_server: PageServer, button):
    banner = late(600)
    with impatient():
        outcome = await press(desk, page_server, f"<title>Dead</title>{button}{CLOCK}{banner}")
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome
    assert "nothing changed" in outcome.message


async def test_a_button_that_nothing_listens_to_is_dead_whatever_changes_right_after_the_press(desk, page_server):
    """The worst moment: the page shows something new a few milliseconds after the press, and it is not its doing."""
    # What the pointer's coming sets off is as near to the press as anything can be.
    banner = "document.body.append('Cookies, please')"
    body = f"<button>Go</button><script>document.onmousemove = () => setTimeout(() => {banner}, 60)</script>"
    with impatient():
        outcome = await press(desk, page_server, body)
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome


MOVES = {
    "reloads": "<meta http-equiv=refresh content=1>",
    "goes elsewhere": "<script>setTimeout(() => { location = '/slow/1' }, 900)</script>",
}


@pytest.mark.parametrize("page", MOVES.values(), ids=MOVES.keys())
async def test_a_page_that_moves_on_by_itself_does_not_make_a_dead_button_work(desk, page_server: PageServer, page):
    outcome = await press(desk, page_server, f"<title>x</title>{page}<button>Go</button>")
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome


SAY = "document.title = 'done'; out.textContent = 'done'"
LIVE = {
    "a timer": "setTimeout(say, 1200)",
    "a timer behind a timer": "setTimeout(() => setTimeout(say, 700), 700)",
    "a request": "fetch('/slow/1200').then(say)",
    "a request of the old kind": "x = new XMLHttpRequest(); x.open('GET', '/slow/900'); x.onload = say; x.send()",
    "a request after a promise": "(async () => { await null; await fetch('/slow/900'); say() })()",
    "a frame": "requestAnimationFrame(() => setTimeout(say, 900))",
    "a message": "c = new MessageChannel(); c.port2.onmessage = say; c.port1.postMessage(1)",
    "a listener that keeps the event": "event.stopImmediatePropagation(); setTimeout(say, 900)",
    "a mark that no one sees": "this.dataset.busy = 1; w = new Worker(slow); w.onmessage = say",
    "a page that it opens later": "setTimeout(() => { location = '/slow/1' }, 900)",
}
SCRIPT = f"""<script>say = () => {{ {SAY} }};
slow = URL.createObjectURL(new Blob(['setTimeout(() => postMessage(1), 900)']));</script>"""


@pytest.mark.parametrize("handler", LIVE.values(), ids=LIVE.keys())
async def test_a_slow_button_succeeds_by_what_it_set_going(desk: Desk, page_server: PageServer, handler: str):
    button = f'<button onclick="{handler}">Go</button>'
    outcome = await press(desk, page_server, f"{button}<p id=out></p>{SCRIPT}{CLOCK}")
    assert outcome.status == "COMPLETED", outcome


async def test_a_button_that_its_click_leaves_turned_on_works(desk: Desk, page_server: PageServer):
    """The same class that a dead button glows with: here the click itself set it, and it stays."""
    body = f"<button onclick=\"this.classList.toggle('active')\">Go</button>{CLOCK}"
    outcome = await press(desk, page_server, body)
    assert outcome.status == "COMPLETED", outcome


QUANTITY = "<input id=amount value=1 aria-label=Amount>"


async def test_a_button_that_sets_a_fields_text_works(desk: Desk, page_server: PageServer):
    """A field's text is no part of the document: no mutation tells of it."""
    body = f"{QUANTITY}<button onclick='amount.value = 2'>Go</button>{CLOCK}"
    outcome = await press(desk, page_server, body)
    assert outcome.status == "COMPLETED", outcome


async def test_a_field_whose_text_changes_by_itself_does_not_make_a_dead_button_work(
    desk: Desk, page_server: PageServer
):
    counting = "<script>setInterval(() => { amount.value = +amount.value + 1 }, 40)</script>"
    with impatient():
        outcome = await press(desk, page_server, f"{QUANTITY}<button onclick='1'>Go</button>{counting}")
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome


async def test_a_field_that_gives_the_focus_away_again_was_clicked(desk: Desk, page_server: PageServer):
    body = f"<input aria-label=Go onfocus='this.blur()'>{CLOCK}"
    await desk.open(f"{page_server.url}/text?{urlencode({'body': body})}")
    outcome = await desk.run(act("click", target={"role": "textbox", "name": "Go"}))
    assert outcome.status == "COMPLETED", outcome


async def test_a_link_that_runs_a_script_succeeds_by_what_it_set_going(desk: Desk, page_server: PageServer):
    link = '<a role=button href="javascript:void setTimeout(say, 900)">Go</a>'
    outcome = await press(desk, page_server, f"{link}<p id=out></p>{SCRIPT}{CLOCK}")
    assert outcome.status == "COMPLETED", outcome


async def test_a_click_that_a_list_around_it_handles_later_succeeds(desk: Desk, page_server: PageServer):
    body = f'<ul onclick="setTimeout(say, 900)"><li><button>Go</button></ul><p id=out></p>{SCRIPT}'
    outcome = await press(desk, page_server, body)
    assert outcome.status == "COMPLETED", outcome


async def test_what_opens_without_a_script_is_an_effect(desk: Desk, page_server: PageServer):
    outcome = await press(desk, page_server, "<button popovertarget=p>Go</button><div id=p popover>Hello</div>")
    assert outcome.status == "COMPLETED", outcome


async def test_what_is_expected_decides_where_it_is_said(desk: Desk, page_server: PageServer):
    """The caller says what must be true, so a change that cannot be traced to the press may be its effect."""
    await desk.open(f"{page_server.url}/text?{urlencode({'body': '<button>Go</button>' + late(900)})}")
    click = act("click", target={"name": "Go"})
    click.expect.add(text="Cookies, please")
    outcome = await desk.run(click)
    assert outcome.status == "COMPLETED", outcome
