"""Tabs, dialogs, logins by HTTP, permissions, and pages that do harm: real Chromium under the host's launcher."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, runs_pb2

from browser_host.chromium import playwright_tabs
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.chromium.playwright_tabs import MOST_DIALOGS
from browser_host.clock import SystemClock
from browser_host.kernel import processes
from browser_host.messages import HttpCredential, PageOptions, PermissionGrant
from browser_host.task import runner
from browser_host.task.journal import ApprovalAnswer
from tests.integration.task_fixtures import ListJournal, Outcome, act
from tests.launchers import an_open_browser, launcher
from tests.waiting import until

__all__ = ["launcher"]

PAGES = {
    "/": """<title>Shop</title><button onclick="window.open('/terms')">Terms</button>
        <a href="/terms" target="_blank">Terms as a link</a>
        <button onclick="for (let i = 0; i < 40; i++) window.open('/terms')">Many</button>
        <script>for (let i = 0; i < 40; i++) window.open('/terms')</script>""",
    "/terms": """<title>Terms of Sale</title><h1>Terms</h1><button onclick="window.close()">Close</button>
        <button onclick="document.title = 'Agreed'">Agree</button>""",
    "/tabbed": """<title>Tabbed</title><div role="tablist">
        <button role="tab" onclick="document.querySelector('p').textContent = 'Prices are shown'">Prices</button>
        </div><p></p>""",
    "/dialogs": """<title>Dialogs</title><p>nothing yet</p>
        <button onclick="say(confirm('Delete Ada?'))">Delete</button>
        <button onclick="say(prompt('Your name?', 'nobody'))">Name</button>
        <button onclick="say('asking'); setTimeout(() => { confirm('Delete Ada?'); alert('Done') }, 9)">Twice</button>
        <button onclick="alert('the secret is hunter2')">Tell</button>
        <button onclick="pressed++; say(confirm('Delete Ada for ever?') + ' ' + pressed)">Clear up</button>
        <button onclick="window.print(); say('printed')">Print</button>
        <input type="file" aria-label="File"><input aria-label="Note">
        <a href="/terms">Leave</a>
        <script>
            let pressed = 0
            const say = (what) => { document.querySelector('p').textContent = 'said ' + what }
            addEventListener('beforeunload', (event) => {
                if (document.querySelector('[aria-label=Note]').value) event.preventDefault()
            })
        </script>""",
    "/flood": "<title>Flood</title><button onclick='while (true) alert(1)'>Flood</button>",
    "/frozen": """<title>Frozen</title>
        <button onclick="this.textContent = 1; setTimeout(() => { while (true) {} }, 0)">Freeze</button>""",
    "/private/": "<title>Private</title><button onclick=\"window.open('/private/more')\">More</button><p>welcome</p>",
    "/private/more": "<title>More</title><p>more of it</p>",
}
USER, PASSWORD = "ada", "s3cret-Basic"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


ACCEPT = act("dialog", answer="DIALOG_ANSWER_ACCEPT")
ACCEPT_ADA = actions_pb2.Action(
    dialog=actions_pb2.Dialog(answer=actions_pb2.DIALOG_ANSWER_ACCEPT, text=actions_pb2.Value(literal="Ada"))
)


class Site:
    """Serves PAGES; what is below /private/ only with the login."""

    def __init__(self) -> None:
        self.url = ""
        self.logins: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ")[1]
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            if login := fields.get("authorization"):
                self.logins.append(login)
            private = path.startswith("/private/") and login != LOGIN.lower()
            status = "200 x" if path in PAGES else "404 x"
            if private:
                status = "401 x\r\nwww-authenticate: Basic realm=private"
            body = ("<title>Refused</title>" if private else PAGES.get(path, "")).encode()
            writer.write(
                f"HTTP/1.1 {status}\r\ncontent-type: text/html\r\nconnection: close\r\n"
                f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield site


@asynccontextmanager
async def a_browser(launcher: PlaywrightLauncher, url: str = "", **options: Any) -> AsyncIterator[PlaywrightBrowser]:
    async with an_open_browser(launcher, url, page_options=PageOptions(**options)) as browser:
        yield browser


@pytest.fixture(scope="module")
async def browser(launcher: PlaywrightLauncher) -> AsyncIterator[PlaywrightBrowser]:
    """One for all tests that leave it with a single tab."""
    async with a_browser(launcher) as opened:
        yield opened


async def run(
    browser: PlaywrightBrowser,
    *actions: actions_pb2.Action,
    prompt: str = "",
    journal: ListJournal | None = None,
    **fields: Any,
) -> Outcome:
    start = host_pb2.StartRun(run_id="tsk_1", screenshots=runs_pb2.SCREENSHOT_MODE_NONE, **fields)
    if prompt:
        start.blocks.append(host_pb2.Block(block_id="main", task=host_pb2.TaskBlock(prompt=prompt)))
    else:
        start.blocks.append(host_pb2.Block(block_id="main", actions=host_pb2.ActionsBlock(actions=actions)))
    journal = journal or ListJournal()
    await runner.carry_out(start, browser, journal, SystemClock())
    return Outcome(journal)


def click(name: str, **extra: Any) -> actions_pb2.Action:
    return act("click", target={"name": name, "exact": True}, **extra)


def shows(text: str) -> actions_pb2.Action:
    return act("wait", condition={"text": text}, timeout=5)


async def titles(browser: PlaywrightBrowser) -> list[str]:
    """Of all tabs, the one in front with a star."""
    return [page.title + "*" * page.current for page in await browser.pages()]


# Tabs


async def test_a_tab_that_a_click_opens_is_in_front_and_the_one_that_opened_it_when_it_is_closed(
    browser: PlaywrightBrowser, site: Site
):
    outcome = await run(browser, act("goto", url=site.url), click("Terms"), shows("Terms"), click("Agree"))
    assert outcome.status == "COMPLETED", outcome
    assert await titles(browser) == ["Shop", "Agreed*"]
    [opened] = outcome.journal.of("page_opened")
    shop, terms = await browser.pages()
    assert (opened.page_id, opened.opener_page_id) == (terms.page_id, shop.page_id)
    assert terms.opener_page_id == shop.page_id
    outcome = await run(
        browser, act("tab", switchTo={"title": "shop"}), act("tab", switchTo={"index": -1}), click("Close")
    )
    assert outcome.status == "COMPLETED", outcome
    await until(lambda: len(browser.context.pages) == 1, "the end of the tab")
    assert await titles(browser) == ["Shop*"]


async def test_tabs_are_opened_switched_to_and_closed_in_plain_words(browser: PlaywrightBrowser, site: Site):
    prompt = (
        f"Go to {site.url}, open {site.url}/terms in a new tab, click 'Agree', open a new tab, "
        f"go to {site.url}/tabbed, click 'Prices', switch to the tab 'Agreed', close this tab, "
        "go back to the first tab, close the tab 'Tabbed'"
    )
    outcome = await run(browser, prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    assert await titles(browser) == ["Shop*"]
    assert [step.title for step in outcome.steps] == [
        "Shop", "Terms of Sale", "Agreed", "", "Tabbed", "Tabbed", "Agreed", "Tabbed", "Shop", "Shop",
    ]  # fmt: skip
    assert len(outcome.journal.of("page_opened")) == len(outcome.journal.of("page_closed")) == 2
    # A tab that the page draws itself is meant where the browser has none of that title.
    outcome = await run(browser, prompt=f"Go to {site.url}/tabbed, then switch to the tab 'Prices'")
    assert outcome.status == "COMPLETED", outcome
    page = await browser.current_page()
    assert "Prices are shown" in await page.evaluate("() => document.body.innerText", timeout=5)


async def test_a_tab_that_is_not_there_or_not_the_only_one_fails_with_those_that_are(
    browser: PlaywrightBrowser, site: Site
):
    outcome = await run(browser, act("goto", url=site.url), act("tab", switchTo={"title": "Invoice"}, timeout=0.3))
    assert (outcome.status, outcome.reason) == ("FAILED", "NOT_FOUND"), outcome
    assert 'the tab "Invoice" is not there' in outcome.message
    assert '"Shop"' in outcome.message
    outcome = await run(browser, act("tab", open={"url": site.url}), act("tab", close={"title": "Shop"}))
    assert (outcome.status, outcome.reason) == ("FAILED", "AMBIGUOUS"), outcome
    outcome = await run(browser, act("tab", close={}), act("tab", switchTo={"previous": True}, timeout=0.2))
    assert (outcome.reason, await titles(browser)) == ("NOT_FOUND", ["Shop*"]), outcome


async def test_a_click_opens_one_tab_a_script_none_and_no_more_than_may_be_open_stay(
    launcher: PlaywrightLauncher, site: Site
):
    async with a_browser(launcher, f"{site.url}/", max_pages=2) as browser:
        assert await titles(browser) == ["Shop*"]  # its script has tried to open forty
        outcome = await run(
            browser, click("Many"), act("tab", switchTo={"index": 1}), click("Terms as a link"), act("tab", open={}),
        )  # fmt: skip
        assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED"), outcome
        assert "max_pages" in outcome.message
        await until(lambda: len(browser.context.pages) == 2, "the tab beyond the bound being closed")
        assert await titles(browser) == ["Shop*", "Terms of Sale"]
        [gone] = outcome.journal.of("page_closed")
        assert gone.cause == runs_pb2.PAGE_CLOSE_CAUSE_TOO_MANY
        [trouble] = browser.troubles()
        assert trouble.kind == "PAGES_CLOSED"
        assert "more than the 2" in trouble.message


# Dialogs


async def test_dialogs_are_answered_by_the_actions_after_the_one_that_brings_them(
    browser: PlaywrightBrowser, site: Site
):
    outcome = await run(
        browser,
        act("goto", url=f"{site.url}/dialogs"),
        click("Delete"), shows("said false"),
        click("Delete"), act("dialog", answer="DIALOG_ANSWER_ACCEPT", message="delete ada"), shows("said true"),
        click("Name"), shows("said null"),
        click("Name"), ACCEPT_ADA, shows("said Ada"),
        click("Twice"), act("dialog", answer="DIALOG_ANSWER_ACCEPT"), act("dialog", answer="DIALOG_ANSWER_ACCEPT"),
    )  # fmt: skip
    assert outcome.status == "COMPLETED", outcome
    shown = [(one.dialog_type, one.message, one.answer, one.by_action) for one in outcome.journal.of("dialog_shown")]
    accepted, dismissed = actions_pb2.DIALOG_ANSWER_ACCEPT, actions_pb2.DIALOG_ANSWER_DISMISS
    assert shown == [
        ("confirm", "Delete Ada?", dismissed, False),
        ("confirm", "Delete Ada?", accepted, True),
        ("prompt", "Your name?", dismissed, False),
        ("prompt", "Your name?", accepted, True),
        ("confirm", "Delete Ada?", accepted, True),
        ("alert", "Done", accepted, True),
    ]
    outcome = await run(
        browser, prompt="Click 'Name' and answer 'G' to the dialog. Click 'Delete', dismiss the dialog."
    )
    assert outcome.status == "COMPLETED", outcome
    assert [one.by_action for one in outcome.journal.of("dialog_shown")] == [True, True]


async def test_another_dialog_than_the_one_that_is_meant_is_dismissed_and_none_at_all_fails(
    browser: PlaywrightBrowser, site: Site
):
    await run(browser, act("goto", url=f"{site.url}/dialogs"))
    outcome = await run(browser, click("Delete"), act("dialog", answer="DIALOG_ANSWER_ACCEPT", message="Delete Grace?"))
    assert (outcome.status, outcome.reason) == ("FAILED", "EXPECTATION_FAILED"), outcome
    assert "another dialog" in outcome.message
    assert (await run(browser, shows("said false"))).status == "COMPLETED"
    outcome = await run(browser, click("Print"), act("dialog", answer="DIALOG_ANSWER_ACCEPT", timeout=0.3))
    assert (outcome.reason, "no dialog" in outcome.message) == ("EXPECTATION_FAILED", True), outcome
    # Nobody waits for it any more.
    assert (await run(browser, click("Delete"), shows("said false"))).status == "COMPLETED"


async def test_a_dialog_that_asks_whether_to_undo_nothing_is_not_accepted_where_the_run_denies_such_acts(
    browser: PlaywrightBrowser, site: Site
):
    await run(browser, act("goto", url=f"{site.url}/dialogs"))
    deny = runs_pb2.IRREVERSIBLE_POLICY_DENY
    outcome = await run(browser, click("Clear up"), ACCEPT, irreversible_policy=deny)
    assert (outcome.status, outcome.reason) == ("FAILED", "BLOCKED_BY_POLICY"), outcome
    assert '"Delete Ada for ever?" would delete something' in outcome.message
    assert "the dialog was dismissed" in outcome.message
    harmless = await run(browser, shows("said false 1"), click("Name"), ACCEPT_ADA, irreversible_policy=deny)
    assert harmless.status == "COMPLETED", harmless
    # It held for those runs only.
    assert (await run(browser, click("Clear up"), ACCEPT, shows("said true 2"))).status == "COMPLETED"


@pytest.mark.parametrize("accept_dialogs", [False, True])
async def test_a_person_is_asked_before_such_a_dialog_is_accepted_be_it_by_an_action_or_by_the_sessions_policy(
    accept_dialogs: bool, launcher: PlaywrightLauncher, site: Site
):
    approve = runs_pb2.IRREVERSIBLE_POLICY_APPROVE
    answer = () if accept_dialogs else (ACCEPT,)
    async with a_browser(launcher, f"{site.url}/dialogs", accept_dialogs=accept_dialogs) as browser:
        journal = ListJournal()
        running = asyncio.ensure_future(
            run(browser, click("Clear up"), *answer, journal=journal, irreversible_policy=approve)
        )
        asked = (await journal.until("approval_requested")).approval_requested.approval
        assert 'accept a dialog: "Delete Ada for ever?" would delete something' in asked.message
        journal.answer(asked.approval_id).set_result(ApprovalAnswer(True, ""))
        outcome = await running

        assert outcome.status == "COMPLETED", outcome
        answers = [one.answer for one in outcome.journal.of("dialog_shown")]
        assert answers == [actions_pb2.DIALOG_ANSWER_DISMISS, actions_pb2.DIALOG_ANSWER_ACCEPT]
        assert (await run(browser, shows("said true 2"))).status == "COMPLETED"

        journal = ListJournal()
        running = asyncio.ensure_future(
            run(browser, click("Clear up"), *answer, journal=journal, irreversible_policy=approve)
        )
        asked = (await journal.until("approval_requested")).approval_requested.approval
        journal.answer(asked.approval_id).set_result(ApprovalAnswer(False, "no"))
        assert (await running).reason == "APPROVAL_REJECTED"
        assert (await run(browser, shows("said false 3"))).status == "COMPLETED"


async def test_a_workflow_puts_its_parameters_into_a_dialog(browser: PlaywrightBrowser, site: Site):
    answer = actions_pb2.Dialog(
        answer=actions_pb2.DIALOG_ANSWER_ACCEPT, text=actions_pb2.Value(parameter="name", sensitive=True)
    )
    told = act("dialog", answer="DIALOG_ANSWER_DISMISS", message="the secret")
    outcome = await run(
        browser,
        act("goto", url=f"{site.url}/dialogs"), click("Name"), actions_pb2.Action(dialog=answer), shows("said Ada"),
        click("Tell"), told,
        workflow=True, parameters={"name": "Ada"}, secret_parameters=["name"],
    )  # fmt: skip
    assert outcome.status == "COMPLETED", outcome
    assert all(one.by_action for one in outcome.journal.of("dialog_shown"))


async def test_secrets_of_a_run_are_not_shown_in_its_dialogs(browser: PlaywrightBrowser, site: Site):
    outcome = await run(browser, act("goto", url=f"{site.url}/dialogs"), click("Tell"), secrets=["hunter2"])
    assert outcome.status == "COMPLETED", outcome
    [told] = outcome.journal.of("dialog_shown")
    assert told.message.startswith("the secret is ")
    assert "hunter2" not in outcome.journal.text


async def test_a_page_that_asks_whether_to_leave_is_left_unless_an_action_says_stay(
    browser: PlaywrightBrowser, site: Site
):
    await run(browser, act("goto", url=f"{site.url}/dialogs"))
    note = act("fill", target={"name": "Note"}, value={"literal": "unsaved"})
    # Chromium asks only where a person has touched the page.
    stay = await run(browser, note, click("Print"), click("Leave"), act("dialog", answer="DIALOG_ANSWER_DISMISS"))
    assert stay.status == "COMPLETED", stay
    assert (await browser.current_page()).url == f"{site.url}/dialogs"
    leave = await run(browser, click("Leave"), shows("Terms"))
    assert leave.status == "COMPLETED", leave
    assert [one.dialog_type for one in leave.journal.of("dialog_shown")] == ["beforeunload"]


async def test_a_session_may_accept_dialogs_and_a_file_chooser_or_print_holds_nothing_up(
    launcher: PlaywrightLauncher, site: Site
):
    async with a_browser(launcher, f"{site.url}/dialogs", accept_dialogs=True) as browser:
        outcome = await run(
            browser, click("Delete"), shows("said true"), click("Name"), shows("said nobody"),
            click("Print"), shows("said printed"),
        )  # fmt: skip
        assert outcome.status == "COMPLETED", outcome
        await run(browser, click("File"))
        outcome = await run(browser, click("Delete"), shows("said true"))
        assert outcome.status == "COMPLETED", outcome


# Logins by HTTP, permissions


async def test_a_site_is_given_its_own_login_and_no_other_site_is(launcher: PlaywrightLauncher, site: Site):
    login = HttpCredential(site.url, USER, PASSWORD)
    assert PASSWORD not in repr(login) + repr(PageOptions(http_credentials=(login,)))
    async with a_browser(launcher, http_credentials=(login,)) as browser:
        outcome = await run(
            browser, act("goto", url=f"{site.url}/private/"), shows("welcome"), click("More"), shows("more of it")
        )
        assert outcome.status == "COMPLETED", outcome
        assert PASSWORD not in outcome.journal.text
        for pid in processes.group_members(browser.pid):
            assert PASSWORD not in " ".join(psutil.Process(pid).cmdline())
        seen = len(site.logins)
        other = site.url.replace("127.0.0.1", "localhost")
        outcome = await run(browser, act("goto", url=f"{other}/private/"))
        assert (outcome.status, outcome.reason) == ("FAILED", "NAVIGATION"), outcome
        assert len(site.logins) == seen


async def test_a_login_that_is_refused_is_not_tried_for_ever(launcher: PlaywrightLauncher, site: Site):
    async with a_browser(launcher, http_credentials=(HttpCredential(site.url, USER, "wrong"),)) as browser:
        seen = len(site.logins)
        outcome = await run(browser, act("goto", url=f"{site.url}/private/"))
        assert (outcome.status, outcome.reason, "401" in outcome.message) == ("FAILED", "NAVIGATION", True), outcome
        assert len(site.logins) == seen + 1


async def test_a_login_that_is_taken_away_is_sent_no_more_also_where_it_was_accepted(
    launcher: PlaywrightLauncher, site: Site
):
    login = HttpCredential(site.url, USER, PASSWORD)
    private = act("goto", url=f"{site.url}/private/")
    async with a_browser(launcher, http_credentials=(login,)) as browser:
        assert (await run(browser, private, shows("welcome"))).status == "COMPLETED"
        await browser.set_page_options(PageOptions())
        seen = len(site.logins)
        for _ in range(2):
            outcome = await run(browser, private)
            assert (outcome.status, outcome.reason, "401" in outcome.message) == ("FAILED", "NAVIGATION", True), outcome
        assert not [sent for sent in site.logins[seen:] if sent == LOGIN.lower()]
        await browser.set_page_options(PageOptions(http_credentials=(login,)))
        assert (await run(browser, private, shows("welcome"))).status == "COMPLETED"


WHERE = """() => Promise.race([
    new Promise((done) => navigator.geolocation.getCurrentPosition(done, (error) => done(error.message))),
    new Promise((done) => setTimeout(() => done('a question'), 4000)),
])"""
NOTIFY = "() => Notification.requestPermission()"
STATE = "async (name) => (await navigator.permissions.query({name})).state"


async def test_permissions_are_denied_without_a_question_but_those_that_are_granted(
    launcher: PlaywrightLauncher, browser: PlaywrightBrowser, site: Site
):
    await run(browser, act("goto", url=site.url))
    page = await browser.current_page()
    assert "denied" in (await page.evaluate(WHERE, timeout=5)).lower()
    assert await page.evaluate(NOTIFY, timeout=5) == "denied"
    grants = (PermissionGrant("notifications"), PermissionGrant("clipboard-read", site.url))
    async with a_browser(launcher, f"{site.url}/", permissions=grants) as other:
        page = await other.current_page()
        assert await page.evaluate(NOTIFY, timeout=5) == "granted"
        assert await page.evaluate(STATE, "clipboard-read", timeout=5) == "granted"
        await run(other, act("goto", url=site.url.replace("127.0.0.1", "localhost")))
        assert await page.evaluate(STATE, "clipboard-read", timeout=5) != "granted"
        assert await page.evaluate(NOTIFY, timeout=5) == "granted"


async def test_the_options_of_a_live_browser_change_and_change_back(launcher: PlaywrightLauncher, site: Site):
    login, grants = HttpCredential(site.url, USER, PASSWORD), (PermissionGrant("notifications"),)
    given = PageOptions(accept_dialogs=True, max_pages=1, permissions=grants, http_credentials=(login,))
    async with a_browser(launcher, f"{site.url}/") as browser:
        page = await browser.current_page()
        browser.change_page_options(given)
        await browser.set_page_options(given)  # returns once the change before it is in force
        assert await page.evaluate(STATE, "notifications", timeout=5) == "granted"
        for steps in (
            (act("goto", url=f"{site.url}/private/"), shows("welcome")),
            (act("goto", url=f"{site.url}/dialogs"), click("Delete"), shows("said true")),
            (act("goto", url=f"{site.url}/"), click("Terms as a link")),
        ):
            outcome = await run(browser, *steps)
            assert outcome.status == "COMPLETED", outcome
        await until(lambda: bool(browser.troubles()), "the tab that was one too many being closed")

        await browser.set_page_options(PageOptions())
        assert await page.evaluate(STATE, "notifications", timeout=5) != "granted"
        outcome = await run(browser, act("goto", url=f"{site.url}/dialogs"), click("Delete"), shows("said false"))
        assert outcome.status == "COMPLETED", outcome


async def test_options_that_a_live_browser_does_not_take_are_one_of_its_troubles(launcher: PlaywrightLauncher):
    async with a_browser(launcher) as browser:
        browser.change_page_options(PageOptions(permissions=(PermissionGrant("levitation"),)))
        await until(lambda: bool(browser.troubles()), "the refusal being noticed")
        (trouble,) = browser.troubles()
        assert (trouble.kind, "levitation" in trouble.message) == ("PAGE_OPTIONS_NOT_TAKEN", True)
        browser.change_page_options(PageOptions())
        await until(lambda: not browser.troubles(), "the change being taken")


# Pages that do harm


async def test_a_flood_of_dialogs_closes_its_tab_and_the_next_run_is_served(browser: PlaywrightBrowser, site: Site):
    outcome = await run(browser, act("goto", url=f"{site.url}/flood"), click("Flood", timeout=5))
    outcome = await run(browser, act("wait", condition={"text": "never"}, timeout=1))
    assert outcome.status == "FAILED", outcome
    await until(lambda: bool(browser.troubles()), "the flood being noticed")
    assert "dialogs" in browser.troubles()[0].message
    outcome = await run(browser, act("goto", url=site.url), shows("Terms"))
    assert outcome.status == "COMPLETED", outcome
    assert MOST_DIALOGS < 100
    assert await titles(browser) == ["Shop*"]


async def test_a_page_that_hangs_fails_its_step_and_the_session_serves_the_next_run(
    browser: PlaywrightBrowser, site: Site
):
    await run(browser, act("goto", url=f"{site.url}/frozen"), click("Freeze", timeout=2))
    outcome = await run(browser, act("wait", condition={"text": "never"}, timeout=1))
    assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT"), outcome
    outcome = await run(browser, act("goto", url=site.url), shows("Terms"))
    assert outcome.status == "COMPLETED", outcome


async def busiest_renderer(browser: PlaywrightBrowser) -> int:
    """The process of the page in front, once that has had something to do."""
    page = await browser.current_page()
    await page.evaluate("() => { for (const end = Date.now() + 500; Date.now() < end;); }", timeout=5)
    members = [psutil.Process(pid) for pid in processes.group_members(browser.pid)]
    renderers = [one for one in members if "--type=renderer" in one.cmdline()]
    return max(renderers, key=lambda one: one.cpu_times().user).pid


async def test_a_page_whose_process_stands_still_is_replaced(
    launcher: PlaywrightLauncher, site: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(playwright_tabs, "SUSPECT_SECONDS", 0.5)
    async with a_browser(launcher, f"{site.url}/") as browser:
        os.kill(await busiest_renderer(browser), signal.SIGSTOP)
        journal = ListJournal()
        outcome = await run(browser, act("wait", condition={"text": "never"}, timeout=0.5), journal=journal)
        assert (outcome.status, outcome.reason) == ("FAILED", "STEP_TIMEOUT"), outcome
        outcome = await run(browser, act("goto", url=f"{site.url}/terms"), click("Agree"))
        assert outcome.status == "COMPLETED", outcome
        assert await titles(browser) == ["Agreed*"]
        [trouble] = browser.troubles()
        assert "did not answer" in trouble.message
        causes = [gone.cause for gone in journal.of("page_closed")]
        assert causes == [runs_pb2.PAGE_CLOSE_CAUSE_UNRESPONSIVE]


async def test_a_crashed_page_is_reported_and_loaded_again_or_ends_the_session(
    launcher: PlaywrightLauncher, site: Site
):
    async with a_browser(launcher, f"{site.url}/terms") as browser:
        journal = ListJournal()
        never = act("wait", condition={"text": "never"}, timeout=20)
        running = asyncio.ensure_future(run(browser, never, journal=journal))
        await journal.until("step_started")
        await crash(browser)
        outcome = await running
        assert (outcome.status, outcome.reason) == ("FAILED", "PAGE_CRASHED"), outcome
        await until(lambda: bool(browser.troubles()), "the crash being told")
        [trouble] = browser.troubles()
        assert (trouble.kind, "loaded again" in trouble.message) == ("PAGE_CRASHED", True)
        assert (await run(browser, shows("Terms"), click("Agree"))).status == "COMPLETED"
    async with a_browser(launcher, f"{site.url}/terms", crash_ends_session=True) as browser:
        told: list[str] = []
        browser.on_fatal_crash(told.append)
        await crash(browser)
        await until(lambda: bool(told), "the crash being told")
        assert "127.0.0.1" in told[0]


async def crash(browser: PlaywrightBrowser) -> None:
    session = await browser.context.new_cdp_session(browser.context.pages[-1])
    crashing = asyncio.ensure_future(session.send("Page.crash"))
    await asyncio.wait({crashing}, timeout=0.1)
    crashing.cancel()
