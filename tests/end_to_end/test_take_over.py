"""A run that meets a captcha lends its turn: real Playwright clients take over, and are gone before it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from playwright.async_api import Error, Playwright, async_playwright
from tabkeep import BrowserSession, Client, FailureReason, Run, RunStatus, actions
from tabkeep.records.run_events import ApprovalResolved, RunEvent, StepStarted
from tabkeep.records.runs import ApprovalKind
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.end_to_end.conftest import Stack
from tests.end_to_end.test_cdp_attach import BOUND, attached, becomes, free, refusal, running
from tests.integration.task_fixtures import PageServer, page_server

__all__ = ["page_server"]

CAPTCHA = """<title>One moment</title><h1>Are you human?</h1>
<div class=g-recaptcha style="width:304px;height:78px"><button onclick="solve()">I am human</button></div>
<script>function solve() {
  document.title = 'Welcome';
  document.body.innerHTML = "<h1>Welcome</h1><button onclick=\\"this.textContent = 'Gone'\\">Go</button>";
}</script>"""
GO_ON = actions.click(name="Go")


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest.fixture
async def session(client: Client) -> AsyncIterator[BrowserSession]:
    made = await running(client)
    yield made
    await client.close_browser_session(made.browser_session_id)


async def asks(client: Client, run: Run, *, after: Run | None = None) -> Run:
    """The run once it asks something, and something else than before."""
    async with asyncio.timeout(BOUND):
        async for update in client.watch_run(run.run_id):
            if not isinstance(update, Run) or (asked := update.pending_approval) is None:
                continue
            if after is None or asked.approval_id != after.pending_approval.approval_id:
                return update
    raise AssertionError("the run ended without asking")


async def at_the_wall(client: Client, session: BrowserSession, page_server: PageServer) -> Run:
    """A run that waits for a person before its captcha."""
    url = f"{page_server.url}/text?{urlencode({'body': CAPTCHA})}"
    run = await client.run_task(actions=[actions.goto(url), GO_ON], browser_session_id=session.browser_session_id)
    paused = await asks(client, run)
    assert paused.pending_approval.kind is ApprovalKind.TAKE_OVER
    return paused


async def answer(client: Client, run: Run, *, yes: bool = True) -> None:
    assert run.pending_approval is not None
    await client.resolve_approval(run.run_id, run.pending_approval.approval_id, approved=yes)


async def test_a_client_takes_over_solves_the_captcha_and_the_run_completes(
    client: Client, stack: Stack, session: BrowserSession, page_server: PageServer, playwright: Playwright
) -> None:
    run = await at_the_wall(client, session, page_server)
    behind = await client.run_task(
        actions=[actions.goto(f"{page_server.url}/text?body=next")], browser_session_id=session.browser_session_id
    )
    async with attached(playwright, session, stack.api_key) as browser:
        held = await client.get_browser_session(session.browser_session_id)
        assert run.run_id in held.conditions[0].message
        page = browser.contexts[0].pages[0]
        await page.get_by_text("I am human").click()
        assert await page.title() == "Welcome"
        assert await refusal(session, {"x-api-key": stack.api_key}) == (409, "SESSION_BUSY")
        gone = asyncio.Event()
        browser.on("disconnected", lambda _: gone.set())
        await answer(client, run)
        assert (await client.wait_for_run(run.run_id)).status is RunStatus.COMPLETED
        await asyncio.wait_for(gone.wait(), BOUND)
    assert (await client.wait_for_run(behind.run_id)).status is RunStatus.COMPLETED
    await becomes(client, session, free)


async def test_a_client_in_the_middle_of_something_is_gone_before_the_runs_next_action(
    client: Client, stack: Stack, session: BrowserSession, page_server: PageServer, playwright: Playwright
) -> None:
    run = await at_the_wall(client, session, page_server)
    async with attached(playwright, session, stack.api_key) as browser:
        page = browser.contexts[0].pages[0]
        await page.evaluate("solve(); window.beats = 0")

        async def work() -> None:
            while True:
                await page.evaluate("window.beats += 1")

        working = asyncio.create_task(work())
        await page.wait_for_function("window.beats > 3")
        # A request that hangs as long as this client lives: were it there still, the run would not get through.
        await page.route("**/*", lambda route: None)
        await answer(client, run)
        with pytest.raises(Error, match="closed"):
            await asyncio.wait_for(working, BOUND)
        assert (await client.wait_for_run(run.run_id)).status is RunStatus.COMPLETED
    updates = [update async for update in client.watch_run(run.run_id) if isinstance(update, RunEvent)]
    kinds = [type(update.detail) for update in updates if isinstance(update.detail, ApprovalResolved | StepStarted)]
    assert kinds == [StepStarted, ApprovalResolved, StepStarted]
    await becomes(client, session, free)


async def test_a_client_is_told_why_it_is_sent_away(
    client: Client, stack: Stack, session: BrowserSession, page_server: PageServer
) -> None:
    assert session.cdp_url is not None
    headers = {"x-api-key": stack.api_key}
    run = await at_the_wall(client, session, page_server)
    async with connect(session.cdp_url, additional_headers=headers) as socket:
        await answer(client, run)  # too early: the captcha stands, and the run asks again
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), BOUND)
    assert closed.value.rcvd.reason == "the run has its turn back"
    await asks(client, run, after=run)
    async with connect(session.cdp_url, additional_headers=headers) as socket:
        await client.cancel_run(run.run_id)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), BOUND)
    assert closed.value.rcvd.reason == "the run that asked for a person ends"
    ended = await client.wait_for_run(run.run_id)
    assert (ended.status, ended.failure_reason) == (RunStatus.CANCELED, FailureReason.CANCELED)
    await becomes(client, session, free)
    async with connect(session.cdp_url, additional_headers=headers):
        pass  # the session is free, and so is the way in
