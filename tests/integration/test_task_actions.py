"""Single actions on real pages: each one does what it says, or says why not."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.integration.task_fixtures import Desk, ListJournal, PageServer, act, impatient


async def shown(desk: Desk, css: str) -> str:
    page = await desk.browser.current_page()
    return str(await page.evaluate("(css) => document.querySelector(css).textContent", css, timeout=2))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Live", "live"),
        ("Slow answer", "slow"),
        ("Half covered", "half"),
        ("In the shadow", "shadow"),
        ("Save", "Save"),
        ("Save as", "Save as draft"),
        ("Plain text to press", "plain"),
        ("Far down", "end"),
        ("Jumps away", "jumps"),
    ],
)
async def test_a_click_reaches_what_it_names(desk: Desk, name: str, said: str) -> None:
    await desk.open("/clicks.html")
    outcome = await desk.run(act("click", target={"name": name}, timeout=5))
    assert outcome.status == "COMPLETED", outcome
    assert await shown(desk, "#out") == said


@pytest.mark.parametrize("name", ["Ready soon", "Late"])
async def test_what_comes_late_is_waited_for(desk: Desk, name: str) -> None:
    await desk.open("/late.html")
    outcome = await desk.run(act("click", target={"name": name}, timeout=5))
    assert outcome.status == "COMPLETED", outcome
    assert await shown(desk, "#out") == name


@pytest.mark.parametrize("name", ["Toggled", "Alert", "Confirm", "To the end", "Download", "Inside", "Help", "New tab"])
async def test_clicks_with_other_effects_count(desk: Desk, name: str) -> None:
    await desk.open("/clicks.html")
    assert (await desk.run(act("click", target={"name": name}, timeout=5))).status == "COMPLETED"


async def test_a_click_that_leaves_the_page_ends_on_the_next_one(desk: Desk) -> None:
    await desk.open("/clicks.html")
    outcome = await desk.run(act("click", target={"name": "Leave"}))
    assert outcome.status == "COMPLETED"
    assert (outcome.steps[0].title, outcome.steps[0].url) == ("Slow", f"{desk.url}/slow/300")


async def test_the_tab_a_click_opened_is_where_the_run_goes_on(desk: Desk) -> None:
    await desk.open("/clicks.html")
    outcome = await desk.run(
        act("click", target={"name": "New tab"}), act("wait", condition={"title": "Opened"}, timeout=5)
    )
    assert outcome.status == "COMPLETED", outcome


@pytest.mark.parametrize("name", ["Dead", "Feedback only"])
async def test_a_press_without_an_effect_is_no_success_whatever_else_moves(desk: Desk, name: str) -> None:
    await desk.open("/dead.html")
    with impatient():
        outcome = await desk.run(act("click", target={"name": name}))
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT"), outcome.steps


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("Disabled", "STEP_TIMEOUT", "disabled"),
        ("Covered", "STEP_TIMEOUT", 'covered by div "Cookie notice"'),
        ("Nowhere", "NOT_FOUND", 'no "Nowhere" on the page'),
        ("Delete", "AMBIGUOUS", "3 elements match"),
    ],
)
async def test_what_cannot_be_clicked_is_not_clicked(desk: Desk, name: str, reason: str, words: str) -> None:
    await desk.open("/clicks.html")
    outcome = await desk.run(act("click", target={"name": name}, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", reason)
    assert words in outcome.message
    assert await shown(desk, "#out") == "nothing yet"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"name": "Delete", "within": "Ada Lovelace"}, "deleted Ada Lovelace"),
        ({"name": "Delete", "within": "Alan Turing"}, "deleted Alan Turing"),
        ({"name": "Delete", "within": "Alan Turing Jr."}, "deleted Alan Turing Jr."),
        ({"role": "button", "name": "Delete", "nth": 2}, "deleted Alan Turing"),
        ({"name": "Save", "exact": True}, "Save"),
        ({"css": "#live"}, "live"),
    ],
)
async def test_targets_tell_alike_elements_apart(desk: Desk, target: dict[str, object], said: str) -> None:
    await desk.open("/clicks.html")
    assert (await desk.run(act("click", target=target))).status == "COMPLETED"
    assert await shown(desk, "#out") == said


@pytest.mark.parametrize(
    "target",
    [
        {"name": "save", "exact": True},
        {"name": "Sav"},
        {"role": "link", "name": "Save"},
        {"name": "Delete", "within": "Ada"},
    ],
)
async def test_a_target_that_nearly_fits_does_not(desk: Desk, target: dict[str, object]) -> None:
    await desk.open("/clicks.html")
    outcome = await desk.run(act("click", target=target, timeout=0.5))
    expected = "COMPLETED" if target.get("within") == "Ada" else "FAILED"  # "Ada" is a whole word of the row
    assert outcome.status == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Full name", "Ada Lovelace"),
        ("Email", "ada@example.com"),
        ("you@example.com", "ada@example.com"),
        ("Street", "Main St 1"),
        ("Notes", "two\nlines"),
        ("Notes", ""),
        ("Amount", "12.5"),
        ("Day", "2026-10-01"),
        ("Rich text", "Good bye"),
    ],
)
async def test_fields_take_text(desk: Desk, name: str, text: str) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("fill", target={"name": name}, value={"literal": text}))
    assert outcome.status == "COMPLETED", outcome
    page = await desk.browser.current_page()
    values = (
        "() => JSON.stringify([...document.querySelectorAll('input,textarea')].map((el) => el.value)"
        ".concat(document.getElementById('rich').innerText))"
    )
    assert text in json.loads(await page.evaluate(values, timeout=2))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("Short code", "ABCDE", "EXPECTATION_FAILED"),
        ("Amount", "many", "EXPECTATION_FAILED"),
        ("Stubborn", "yours", "EXPECTATION_FAILED"),
        ("Fixed", "loose", "STEP_TIMEOUT"),
        ("Send", "text", "NOT_FOUND"),
    ],
)
async def test_a_field_that_does_not_take_the_text_is_a_failure(desk: Desk, name: str, text: str, reason: str) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("fill", target={"name": name}, value={"literal": text}, timeout=0.5))
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome


@pytest.mark.parametrize(
    ("name", "option", "css", "state"),
    [
        ("Colour", "Blue", "(c) => document.querySelector('#colour').value", "b"),
        ("Colour", "r", "(c) => document.querySelector('#colour').value", "r"),
        ("Colour", "Dark blue", "(c) => document.querySelector('#colour').value", "db"),
        ("Delivery", "Express", "(c) => document.querySelector('[name=delivery]:checked').value", "exp"),
        ("Size", "Large", "(c) => combo.textContent", "Large"),
    ],
)
async def test_options_are_chosen(desk: Desk, name: str, option: str, css: str, state: str) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("select", target={"name": name}, option={"literal": option}, timeout=3))
    assert outcome.status == "COMPLETED", outcome
    page = await desk.browser.current_page()
    # `combo` is the page's own name for the element, so it is asked for by its id here.
    assert await page.evaluate(css.replace("combo.", "document.getElementById('combo')."), timeout=2) == state


@pytest.mark.parametrize(("option", "words"), [("Pink", "there are: "), ("Green", "is disabled")])
async def test_options_that_are_not_offered_are_not_found(desk: Desk, option: str, words: str) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("select", target={"name": "Colour"}, option={"literal": option}, timeout=0.5))
    assert (outcome.status, outcome.reason) == ("FAILED", "NOT_FOUND")
    assert words in outcome.message


@pytest.mark.parametrize("name", ["Newsletter", "Accept terms", "Dark mode"])
async def test_boxes_are_checked_and_unchecked(desk: Desk, name: str) -> None:
    await desk.open("/form.html")
    on, off = act("setChecked", target={"name": name}, checked=True), act("setChecked", target={"name": name})
    outcome = await desk.run(on, on, off)
    assert outcome.status == "COMPLETED", outcome
    assert outcome.steps[1].message == "it was so already"


async def test_a_box_that_undoes_itself_is_no_success(desk: Desk) -> None:
    await desk.open("/form.html")
    with impatient():
        outcome = await desk.run(act("setChecked", target={"name": "Undoes itself"}, checked=True))
    assert (outcome.status, outcome.reason) == ("FAILED", "NO_EFFECT")


async def test_a_form_filled_and_sent_arrives_at_the_server(desk: Desk, page_server: PageServer) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(
        act("fill", target={"name": "Full name"}, value={"literal": "Ada"}),
        act("fill", target={"name": "Passphrase"}, value={"literal": "hunter2"}),
        act("select", target={"name": "Colour"}, option={"literal": "Blue"}),
        act("setChecked", target={"name": "Newsletter"}, checked=True),
        act("fill", target={"name": "Email"}, value={"literal": "a@b.c"}, submit=True),
        act("wait", condition={"text": "sent"}),
    )
    assert outcome.status == "COMPLETED", outcome
    [form] = page_server.forms
    assert (form["name"], form["secret"], form["colour"], form["news"], form["email"]) == (
        "Ada",
        "hunter2",
        "b",
        "on",
        "a@b.c",
    )


async def test_the_browsers_own_validation_is_the_pages_refusal(desk: Desk) -> None:
    await desk.open("/text?body=<form><label>Mail <input type=email required></label><button>Send</button></form>")
    outcome = await desk.run(act("click", target={"name": "Send"}))
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE")
    assert "Mail" in outcome.message


@pytest.mark.parametrize("path", ["/status/404", "/status/500"])
async def test_goto_fails_on_error_statuses_unless_they_are_fine(desk: Desk, path: str) -> None:
    refused = await desk.run(act("goto", url=desk.url + path))
    assert (refused.status, refused.reason) == ("FAILED", "NAVIGATION")
    assert path[-3:] in refused.message
    assert (await desk.run(act("goto", url=desk.url + path, allowErrorStatus=True))).status == "COMPLETED"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/", "file:///etc/passwd", "javascript:alert(1)"]
)
async def test_goto_fails_where_nothing_can_be_loaded(desk: Desk, url: str) -> None:
    outcome = await desk.run(act("goto", url=url))
    assert (outcome.status, outcome.reason) == ("FAILED", "NAVIGATION"), outcome


async def test_back_and_reload(desk: Desk) -> None:
    alone = await desk.run(act("back"))
    assert (alone.status, alone.reason) == ("FAILED", "NAVIGATION")
    outcome = await desk.run(
        act("goto", url=desk.url + "/form.html"),
        act("goto", url=desk.url + "/clicks.html"),
        act("back"),
        act("wait", condition={"title": "form"}),
        act("reload"),
    )
    assert outcome.status == "COMPLETED", outcome


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"urlGlob": "*/form.html"}, True),
        ({"urlGlob": "*/form"}, False),
        ({"text": "full   NAME"}, True),
        ({"text": "Small"}, False),
        ({"textGone": "Small"}, True),
        ({"visible": {"role": "button", "name": "Send"}}, True),
        ({"visible": {"role": "link", "name": "Send"}}, False),
        ({"hidden": {"role": "option", "name": "Large"}}, True),
        ({"hidden": {"name": "Send"}}, False),
        ({"value": {"target": {"name": "Notes"}, "equals": "old text"}}, True),
        ({"value": {"target": {"name": "Notes"}, "equals": "old"}}, False),
        ({"title": "FORM"}, True),
    ],
)
async def test_conditions(desk: Desk, condition: dict[str, object], holds: bool) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("wait", condition=condition, timeout=0.4 if not holds else 5))
    assert (outcome.status, outcome.reason) == (("COMPLETED", "UNSPECIFIED") if holds else ("FAILED", "STEP_TIMEOUT"))


async def test_an_effect_without_what_is_expected_is_a_failure(desk: Desk) -> None:
    await desk.open("/clicks.html")
    click = act("click", target={"name": "Live"}, timeout=1)
    click.expect.add(text="something else")
    outcome = await desk.run(click)
    assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED")
    assert "something else" in outcome.message


async def test_keys_hover_and_scroll(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(
        act("pressKey", key="Control+A", target={"name": "Notes"}),
        act("pressKey", key="Delete"),
        act("wait", condition={"value": {"target": {"name": "Notes"}, "equals": ""}}),
        act("hover", target={"name": "Send"}),
        act("scroll", target={"name": "Full name"}),
    )
    assert outcome.status == "COMPLETED", outcome
    await desk.open("/clicks.html")
    assert (await desk.run(act("scroll", deltaY=500))).status == "COMPLETED"
    assert (await desk.run(act("scroll", deltaY=100_000), act("scroll", deltaY=100))).reason == "NO_EFFECT"
    assert (await desk.run(act("pressKey", key="Hyperspace"))).reason == "NOT_FOUND"


async def test_a_page_in_an_endless_loop_ends_the_step_in_time_and_lives_on(desk: Desk) -> None:
    await desk.open("/hang.html")
    outcome = await desk.run(act("click", target={"name": "Hang"}, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT"), outcome
    assert (await desk.run(act("click", target={"name": "Fine"}, timeout=5))).status == "COMPLETED"


async def test_a_crashed_page_is_named(desk: Desk) -> None:
    page = await desk.open("/form.html")
    session = await desk.context.new_cdp_session(page.tab)  # type: ignore[attr-defined]
    crashing = asyncio.ensure_future(session.send("Page.crash"))
    outcome = await desk.run(act("wait", condition={"text": "never"}, timeout=5))
    crashing.cancel()
    assert (outcome.status, outcome.reason) == ("FAILED", "PAGE_CRASHED"), outcome


async def test_what_goes_into_password_fields_is_never_shown(desk: Desk) -> None:
    journal = ListJournal()
    await desk.open("/form.html")
    await desk.run(
        act("fill", target={"css": "#secret"}, value={"literal": "s3cr3t-words"}),
        act("fill", target={"name": "Full name"}, value={"literal": "tell-no-one", "sensitive": True}),
        act("fill", target={"name": "Short code"}, value={"literal": "tell-no-one", "sensitive": True}),
        journal=journal,
    )
    assert "s3cr3t-words" not in journal.text
    assert "tell-no-one" not in journal.text
    assert "tel" not in journal.text.replace("textbox", "")


async def test_plain_text_is_shown_in_the_record(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(act("fill", target={"name": "Full name"}, value={"literal": "Ada"}))
    [started] = outcome.journal.of("step_started")
    assert started.description == 'fill element "Full name" with "Ada"'
    assert started.action.fill.value.literal == "Ada"
