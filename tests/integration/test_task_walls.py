"""Captchas and logins in the way: the run pauses for a person, looks whether the wall is gone, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from tabkeep.v1 import runs_pb2

from browser_host.task import walls
from browser_host.task.journal import ApprovalAnswer, TurnNotBack
from tests.integration.task_fixtures import Desk, ListJournal, PageServer, act

FRAME = '<iframe title="reCAPTCHA" srcdoc="I am not a robot" width=304 height=78></iframe>'
INTERSTITIAL = f"""<title>One moment</title><h1>Checking your browser</h1><div id=wall>{FRAME}</div>
<script>window.solve = () => {{
  document.body.innerHTML = '<h1>Welcome</h1><button onclick="this.textContent=1">Go</button>';
}}</script>"""
WIDGET = f"""<title>Contact</title>
<form onsubmit="event.preventDefault(); if (answer.value) out.textContent = 'Sent'">
<label>Name <input name=a></label><label>Mail <input name=b></label><label>Text <textarea></textarea></label>
<a href="/x">Help</a><a href="/y">Terms</a>
<input type=hidden id=answer name=g-recaptcha-response>{FRAME}<button>Send it</button>
</form><p id=out></p>"""


def page(page_server: PageServer, body: str) -> str:
    return f"{page_server.url}/text?{urlencode({'body': body})}"


async def asked(journal: ListJournal, turn: int = 1) -> runs_pb2.Approval:
    return (await journal.until("approval_requested", turn)).approval_requested.approval


async def by_hand(desk: Desk, script: str) -> None:
    """What a person does in the live browser."""
    await desk.context.pages[-1].evaluate(script)


def say(journal: ListJournal, approval: runs_pb2.Approval, *, yes: bool = True) -> None:
    journal.answer(approval.approval_id).set_result(ApprovalAnswer(yes, "done"))


async def test_a_page_that_is_nothing_but_a_captcha_pauses_the_run_until_a_person_has_solved_it(desk, page_server):
    journal = ListJournal()
    goto = act("goto", url=page(page_server, INTERSTITIAL))
    running = asyncio.ensure_future(desk.run(goto, act("click", target={"name": "Go"}), journal=journal))

    first = await asked(journal)
    say(journal, first)  # too early
    second = await asked(journal, 2)
    await by_hand(desk, "solve()")
    say(journal, second)
    outcome = await running

    assert outcome.status == "COMPLETED", outcome
    assert first.kind == runs_pb2.APPROVAL_KIND_TAKE_OVER
    assert "captcha" in first.message
    assert second.message.startswith("It is still there.")
    assert first.approval_id != second.approval_id


async def test_a_captcha_in_a_form_pauses_the_run_when_the_form_is_not_taken(desk: Desk, page_server: PageServer):
    journal = ListJournal()
    await desk.open(page(page_server, WIDGET))
    running = asyncio.ensure_future(desk.run(act("click", target={"name": "Send it"}), journal=journal))

    approval = await asked(journal)
    await by_hand(desk, "answer.value = 'token'")
    say(journal, approval)

    assert (await running).status == "COMPLETED"
    assert len(journal.of("step_started")) == 1


@pytest.mark.parametrize("stays", [False, True], ids=["who leaves", "who stays"])
async def test_the_turn_is_lent_to_somebody(desk: Desk, page_server: PageServer, stays: bool):
    journal = ListJournal()

    @asynccontextmanager
    async def lend() -> AsyncIterator[None]:
        journal.log.append("lent")
        yield
        if stays:
            raise TurnNotBack("a client stays")
        journal.log.append("back")

    journal.lend_turn = lend
    goto = act("goto", url=page(page_server, INTERSTITIAL))
    running = asyncio.ensure_future(desk.run(goto, act("click", target={"name": "Go"}), journal=journal))
    approval = await asked(journal)
    await by_hand(desk, "solve()")
    say(journal, approval)
    outcome = await running

    asking = journal.log[journal.log.index("lent") :]
    if stays:
        assert (outcome.status, outcome.reason) == ("FAILED", "CDP_CLIENT_STAYED"), outcome
        assert asking[:4] == ["lent", "approval_requested", "stored", "step_finished"]
        assert "allowed" not in asking
    else:
        assert outcome.status == "COMPLETED", outcome
        assert asking[:5] == ["lent", "approval_requested", "stored", "back", "approval_resolved"]


async def test_a_captcha_that_no_one_solves_ends_with_a_reason_of_its_own(desk, page_server, monkeypatch):
    monkeypatch.setattr(walls, "PERSON_SECONDS", 0.2)
    outcome = await desk.run(act("goto", url=page(page_server, INTERSTITIAL)))
    assert (outcome.status, outcome.reason) == ("FAILED", "CAPTCHA"), outcome
    assert outcome.journal.of("approval_resolved")[0].timed_out


async def test_a_no_ends_the_run(desk: Desk, page_server: PageServer):
    journal = ListJournal()
    running = asyncio.ensure_future(desk.run(act("goto", url=page(page_server, INTERSTITIAL)), journal=journal))
    say(journal, await asked(journal), yes=False)
    assert (await running).reason == "APPROVAL_REJECTED"


@pytest.mark.parametrize(
    "body",
    [
        WIDGET.replace("<button>", '<button onclick="answer.value = 1">'),
        f'<div class="grecaptcha-badge">{FRAME}</div><button onclick="document.title=1">Send it</button>',
    ],
    ids=["one that is solved", "a badge"],
)
async def test_a_captcha_that_is_in_nobodys_way_is_left_alone(desk: Desk, page_server: PageServer, body: str):
    send = act("click", target={"name": "Send it"})
    outcome = await desk.run(act("goto", url=page(page_server, body)), send)
    assert (outcome.status, outcome.journal.of("approval_requested")) == ("COMPLETED", []), outcome


LOGIN = "<title>Log in</title><form><label>User <input></label><label>Password <input type=password></label></form>"
# Sends whoever has not logged in to the login, as sites do.
ORDERS = f"""<title>Orders</title><script>if (!document.cookie.includes('in=1')) {{
document.open(); history.replaceState(0, '', '/welcome'); document.write({LOGIN!r}) }}</script><h1>Your orders</h1>"""


async def test_a_page_that_led_to_a_login_pauses_the_run_and_is_opened_again_behind_it(desk, page_server):
    journal = ListJournal()
    goto = act("goto", url=page(page_server, ORDERS))
    goto.expect.add(title="o")
    running = asyncio.ensure_future(desk.run(goto, act("wait", condition={"text": "Your orders"}), journal=journal))

    approval = await asked(journal)
    await by_hand(desk, "document.cookie = 'in=1'")
    await by_hand(desk, "document.body.innerHTML = 'Hello'")
    say(journal, approval)
    outcome = await running

    assert outcome.status == "COMPLETED", outcome
    assert "led to a login" in approval.message
    assert len(journal.of("step_started")) == 2


async def test_a_task_that_logs_in_meets_no_wall(desk: Desk, page_server: PageServer, monkeypatch):
    monkeypatch.setattr(walls, "PERSON_SECONDS", 0.2)
    login = act("fill", target={"name": "Password"}, value={"literal": "x", "sensitive": True})
    with_it = await desk.run(act("goto", url=page(page_server, ORDERS)), login)
    without = await desk.run(act("goto", url=page(page_server, ORDERS)))
    assert with_it.status == "COMPLETED", with_it
    assert (without.status, without.reason) == ("FAILED", "LOGIN_WALL"), without
