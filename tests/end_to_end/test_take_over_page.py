"""A person with a web browser and a link: sees the session's page, clicks and types in it, answers, hands it back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, expect
from tabkeep import BrowserSession, Client, Run, RunStatus, actions

from tests.end_to_end.test_cdp_attach import BOUND, running
from tests.end_to_end.test_take_over import GO_ON, asks
from tests.integration.task_fixtures import PageServer, chromium, page_server

__all__ = ["chromium", "page_server"]

CAPTCHA = """<title>One moment</title>
<style>body { margin: 0; font: 20px sans-serif } * { box-sizing: border-box }
.g-recaptcha { position: absolute; left: 100px; top: 200px; width: 320px; height: 120px; border: 1px solid }
input, button { position: absolute; left: 20px; width: 200px; height: 30px } input { top: 20px } button { top: 70px }
</style><h1>Are you human?</h1>
<div class=g-recaptcha><input aria-label="The word"><button>I am human</button></div>
<script>document.querySelector('button').onclick = () => {
  if (document.querySelector('input').value !== 'Grüße 7') return;
  document.title = 'Welcome';
  document.body.innerHTML = "<h1>Welcome</h1><button onclick=\\"this.textContent = 'Gone'\\">Go</button>";
}</script>"""
FIELD, BUTTON = (220, 235), (220, 285)
"""Where the captcha's field and button are, in the page's own pixels."""


@pytest.fixture
async def session(client: Client) -> AsyncIterator[BrowserSession]:
    made = await running(client)
    yield made
    await client.close_browser_session(made.browser_session_id)


@pytest.fixture
async def person(chromium: Browser) -> AsyncIterator[Page]:
    """A page of a browser that has nothing to do with Tabkeep, with errors of its script as failures."""
    context = await chromium.new_context(viewport={"width": 900, "height": 760})
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Content Security" in message.text else None)
    page.set_default_timeout(BOUND * 1000)
    expect.set_options(timeout=BOUND * 1000)
    yield page
    await context.close()
    assert not wrong


async def press(person: Page, session: BrowserSession, at: tuple[int, int]) -> None:
    """Click where a point of the session's page is shown."""
    box = await person.locator("#screen").bounding_box()
    x, y = at[0] / session.viewport.width, at[1] / session.viewport.height
    await person.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


async def shown(person: Page) -> None:
    """Return when the live page is seen: not all of the canvas is empty or white."""
    await person.wait_for_function(
        """() => { const screen = document.getElementById('screen');
        const { data } = screen.getContext('2d').getImageData(0, 0, screen.width, screen.height);
        return data.some((value, place) => place % 4 === 0 && value < 200 && data[place + 3] === 255) }"""
    )


async def turn(person: Page, text: str) -> None:
    await expect(person.locator("#turn")).to_contain_text(text)


async def test_a_person_solves_the_captcha_says_yes_and_the_run_completes(
    client: Client, session: BrowserSession, page_server: PageServer, person: Page
) -> None:
    link = await client.create_take_over_link(session.browser_session_id)
    url = f"{page_server.url}/text?{urlencode({'body': CAPTCHA})}"
    run = await asks(
        client,
        await client.run_task(actions=[actions.goto(url), GO_ON], browser_session_id=session.browser_session_id),
    )
    await person.goto(link.url)
    await turn(person, "It is your turn. The run waits for your answer")
    await expect(person.locator("#asked")).to_contain_text("captcha")
    await shown(person)
    await press(person, session, FIELD)
    await person.keyboard.type("Grüße 77")
    await person.keyboard.press("Backspace")
    await press(person, session, BUTTON)
    await expect(person.get_by_role("tab")).to_have_text("Welcome")
    await person.get_by_role("button", name="Yes, go on").click()
    assert (await client.wait_for_run(run.run_id)).status is RunStatus.COMPLETED
    await turn(person, "It is nobody's turn")
    await expect(person.locator("#notice")).to_contain_text("the run has its turn back")
    await expect(person.locator("#browser")).to_be_hidden()


async def test_a_person_uses_a_session_without_a_run_and_runs_wait_until_it_is_handed_back(
    client: Client, session: BrowserSession, page_server: PageServer, person: Page
) -> None:
    link = await client.create_take_over_link(session.browser_session_id)
    await person.goto(link.url)
    await turn(person, "It is your turn. Runs of this session wait")
    popup = f"{page_server.url}/text?{urlencode({'body': '<title>Second</title>'})}"
    first = f'<title>First</title><body onclick="window.open(\'{popup}\')" onkeydown="document.title += event.key">'
    await person.get_by_label("Address").fill(f"{page_server.url}/text?{urlencode({'body': first})}")
    await person.keyboard.press("Enter")
    await expect(person.get_by_role("tab")).to_have_text("First")
    await person.locator("#screen").click()
    await expect(person.get_by_role("tab", selected=True)).to_have_text("Second")
    await person.get_by_role("tab", name="First").click()
    await expect(person.get_by_role("tab", selected=True)).to_have_text("First")
    run: Run = await client.run_task(
        actions=[actions.goto(f"{page_server.url}/text?body=done")], browser_session_id=session.browser_session_id
    )
    assert run.status is RunStatus.QUEUED
    await person.locator("#keys").focus()
    await person.keyboard.press("F6")
    await person.keyboard.press("Enter")  # on "Hand back"
    assert (await client.wait_for_run(run.run_id)).status is RunStatus.COMPLETED
    busy = await client.run_task(
        actions=[actions.wait_time(timedelta(seconds=20))], browser_session_id=session.browser_session_id
    )
    await turn(person, "SESSION_BUSY: it is the turn of the run")
    await expect(person.get_by_role("button", name="Take over")).to_be_hidden()
    await client.cancel_run(busy.run_id)
    await turn(person, "It is nobody's turn")
    await person.get_by_role("button", name="Take over").click()
    await turn(person, "It is your turn")
    await client.close_browser_session(session.browser_session_id)
    await turn(person, "The session is closed: closed on request")


FORM = """<title>Form</title>
<style>body { margin: 0 } * { box-sizing: border-box; position: absolute; left: 20px; width: 200px; height: 30px }
select { top: 20px } button { top: 300px } input { top: 360px }
html, body { left: 0; width: 100%; height: 100% }</style>
<body><select onchange="document.title = this.value"><option>One<optgroup label=More><option disabled>Two<option>Three
</optgroup></select><button onclick="document.title += '!'">Press</button>
<input type=file onchange="const [file] = this.files;
file.text().then((text) => { document.title = `${file.name}: ${text}` })">"""
LIST, PRESS, FILE = (120, 35), (120, 315), (60, 375)


async def test_a_person_chooses_from_a_list_and_gives_a_file(
    client: Client, session: BrowserSession, page_server: PageServer, person: Page
) -> None:
    link = await client.create_take_over_link(session.browser_session_id)
    await person.goto(link.url)
    await turn(person, "It is your turn")
    await person.get_by_label("Address").fill(f"{page_server.url}/text?{urlencode({'body': FORM})}")
    await person.keyboard.press("Enter")
    title = person.get_by_role("tab")
    await expect(title).to_have_text("Form")
    await shown(person)
    await press(person, session, LIST)
    options = person.get_by_label("List of the live page")
    await expect(options.locator("option")).to_have_text(["One", "Two", "Three"])
    await expect(options.locator("option").nth(1)).to_be_disabled()
    await options.locator("option").nth(2).click()
    await expect(title).to_have_text("Three")
    await press(person, session, PRESS)
    await expect(title).to_have_text("Three!")
    await press(person, session, LIST)
    await options.press("ArrowUp")
    await options.press("Enter")
    await expect(title).to_have_text("One")
    await press(person, session, LIST)
    await options.press("Escape")
    await expect(options).to_be_hidden()
    await press(person, session, PRESS)
    await expect(title).to_have_text("One!")
    await press(person, session, FILE)
    await expect(person.locator("#files")).to_be_visible()
    await person.get_by_label("The page asks for a file").set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": "Grüße".encode()}
    )
    await expect(title).to_have_text("note.txt: Grüße")
    await expect(person.locator("#files")).to_be_hidden()
