"""A press that sends a form succeeds only where the page does not refuse it, at once or a moment later."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from tests.integration.task_fixtures import Desk, PageServer, act
from tests.integration.test_model_planner import asked
from tests.model_stub import Turn, tool

SAY = """<script>
say = (text, kind = 'error') => {
  const p = document.createElement('p'); p.className = kind; p.textContent = text; document.body.append(p);
};
busy = () => { state.textContent = 'Saving' };
</script>"""


def form(script: str, *, before: str = "", button: str = "<button>Save</button>", after: str = "") -> str:
    field = "<label>Name <input name=name></label>"
    opening = f'<form onsubmit="event.preventDefault(); {script}">' if script else "<form>"
    return f"<title>Form</title>{SAY}{before}{opening}{field}{button}<i id=state></i></form>{after}"


async def send(desk: Desk, page_server: PageServer, body: str, **options):
    await desk.open(f"{page_server.url}/text?{urlencode({'body': body})}")
    steps = [act("fill", target={"name": "Name"}, value={"literal": "Ada"})]
    return await desk.run(*steps, options.get("action") or act("click", target={"role": "button", "name": "Save"}))


REFUSED = {
    "at once": "say('The name is taken')",
    "after a request": "busy(); fetch('/slow/600').then(() => say('The name is taken'))",
    "after a slow one": "busy(); fetch('/slow/1500').then(() => say('The name is taken'))",
    "after two": "busy(); fetch('/slow/300').then(() => fetch('/slow/300')).then(() => say('The name is taken'))",
    "after one of the old kind": "busy(); x = new XMLHttpRequest(); x.open('GET', '/slow/700'); "
    "x.onload = () => say('The name is taken'); x.send()",
    "after a timer": "busy(); setTimeout(() => say('The name is taken'), 900)",
    "in plain words": "busy(); fetch('/slow/500').then(() => { state.textContent = 'That did not work: name is taken, "
    "try again' })",
    "in an alert that says so": "fetch('/slow/400').then(() => say('Could not save: The name is taken', 'alert'))",
}


@pytest.mark.parametrize("script", REFUSED.values(), ids=REFUSED.keys())
async def test_what_the_page_refuses_is_no_success(desk: Desk, page_server: PageServer, script: str) -> None:
    outcome = await send(desk, page_server, form(script))
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome
    assert "name is taken" in outcome.message
    assert 'the page refused what button "Save" sent' in outcome.message


ERROR = "<p class=error>The name is taken</p>"
STANDING = "<p class=error>Payments cannot be made tonight</p>"
TAKEN = {
    "a success that comes later": form("busy(); fetch('/slow/500').then(() => say('Saved', 'success'))"),
    "an error that stood there before": form(
        "busy(); fetch('/slow/200').then(() => say('Saved', ''))", before=STANDING
    ),
    "a hidden template of an error": form("busy()", after=f"<div hidden>{ERROR}</div><template>{ERROR}</template>"),
    "an alert about something else": form("busy(); say('You have 2 new messages', 'alert')"),
    "a success that is marked as an alert": form("say('Saved', 'alert alert-success')"),
    "many new lines with a word of trouble": form(
        "for (const text of ['Mug', 'Cup: sold out', 'Bowl', 'Plate']) say(text, '')", before="<h1>Search</h1>"
    ),
    "how things stand now, as an alert": form("busy(); say('Your basket is empty', 'alert alert-info')"),
    "how things stand now, in plain words": form("busy(); say('The mug is no longer in your basket', '')"),
    "a mark in the colour of errors": form("say('High priority', 'badge-danger')"),
    "a link in the colour of errors": form(
        "const a = document.createElement('a'); a.href = '#'; "
        "a.className = 'text-danger error'; a.textContent = 'Delete'; "
        "document.body.append(a)"
    ),
    "a button that sends nothing": form(
        "", button="<button type=button onclick=\"busy(); say('Wrong time for that')\">Save draft</button>"
    ).replace("Save draft", "Pause"),
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN.keys())
async def test_what_is_no_refusal_stays_a_success(desk: Desk, page_server: PageServer, body: str) -> None:
    name = "Pause" if "Pause" in body else "Save"
    press = act("click", target={"role": "button", "name": name})
    outcome = await send(desk, page_server, body, action=press)
    assert outcome.status == "COMPLETED", outcome


def answered_with(body: str, **form_attributes: str) -> str:
    """A form that leads to a page with this body."""
    attributes = " ".join(f"{name}={value}" for name, value in form_attributes.items())
    hidden = f'<input type=hidden name=body value="{quote(body, safe=" <>=/")}">'.replace("%22", "&quot;")
    label = "<label>Name <input name=name></label>"
    return f"{STANDING}<form action=/text {attributes}>{label}{hidden}<button>Save</button></form>"


AGAIN = "<form method=post><label>Name <input name=name></label><button>Save</button></form>"


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        (f"<p class=error>The name is taken</p>{AGAIN}", True),
        (f"<p>Could not save: the name is taken</p>{AGAIN}", True),
        (f"{STANDING}<h1>Thank you, Ada</h1>", False),
        ("<h1>Thank you</h1><table><tr><td class=text-danger>overdue</td></tr></table>", False),
    ],
    ids=["error", "plain words", "an error of every page", "colours of another page"],
)
async def test_a_page_that_is_loaded_in_answer_is_read(
    desk: Desk, page_server: PageServer, body: str, refused: bool
) -> None:
    outcome = await send(desk, page_server, answered_with(body))
    assert (outcome.status == "FAILED") is refused, outcome
    if refused:
        assert (outcome.reason, "name is taken" in outcome.message) == ("REJECTED_BY_PAGE", True), outcome


async def test_the_same_refusal_once_more_is_one_again(desk: Desk, page_server: PageServer) -> None:
    """The page loads the same form with the same error anew, as after a second wrong password."""
    page = f"<p class=error>The name is taken</p>{AGAIN}"
    again = await send(desk, page_server, page)
    assert (again.status, again.reason) == ("FAILED", "REJECTED_BY_PAGE"), again
    assert page_server.forms == [{"name": "Ada"}]


async def test_an_error_that_goes_and_comes_back_is_new(desk: Desk, page_server: PageServer) -> None:
    script = "old.remove(); busy(); fetch('/slow/500').then(() => say('The name is taken'))"
    body = form(script, before="<p id=old class=error>The name is taken</p>")
    outcome = await send(desk, page_server, body)
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome


async def test_a_server_that_refuses_makes_a_standing_error_its_answer(desk: Desk, page_server: PageServer) -> None:
    script = "busy(); fetch('/status/422')"
    body = form(script, before=ERROR)
    outcome = await send(desk, page_server, body)
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome


async def test_what_is_expected_decides_also_of_errors(desk: Desk, page_server: PageServer) -> None:
    press = act("click", target={"role": "button", "name": "Save"})
    press.expect.add(text="The name is taken")
    outcome = await send(desk, page_server, form(REFUSED["after a request"]), action=press)
    assert outcome.status == "COMPLETED", outcome


@pytest.mark.parametrize("key", ["press_key", "fill"])
async def test_enter_sends_a_form_like_its_button(desk: Desk, page_server: PageServer, key: str) -> None:
    enter = {
        "press_key": act("press_key", key="Enter", target={"name": "Name"}),
        "fill": act("fill", target={"name": "Name"}, value={"literal": "Ada"}, submit=True),
    }[key]
    outcome = await send(desk, page_server, form(REFUSED["after a request"]), action=enter)
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome


async def test_fields_without_a_form_are_sent_by_a_request(desk: Desk, page_server: PageServer) -> None:
    script = "busy(); fetch('/slow/500').then(() => say('The name is taken'))"
    button = f'<div role=button tabindex=0 onclick="{script}">Go ahead</div>'
    body = f"{SAY}<label>Name <input></label>{button}<i id=state></i>"
    outcome = await send(desk, page_server, body, action=act("click", target={"name": "Go ahead"}))
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome


async def test_prompts_and_models_are_told_alike(desk: Desk, page_server: PageServer) -> None:
    await desk.open(f"{page_server.url}/text?{urlencode({'body': form(REFUSED['after a request'])})}")
    outcome = await desk.run(prompt="Fill Name with 'Ada' and click 'Save'")
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome

    def press() -> Turn:
        return lambda asked: tool("click", element=asked.element('button "Save"'))

    turns = [tool("plan", done_when=[{"text": "Saved"}]), press(), tool("give_up", why="it is taken")]
    await desk.open(f"{page_server.url}/text?{urlencode({'body': form(REFUSED['after a request'])})}")
    async with asked(desk, *turns) as (stub, run):
        outcome = await run("Kindly hand the form in")
    assert outcome.status == "FAILED", outcome
    assert "failed REJECTED_BY_PAGE" in stub.asked[-1].text
