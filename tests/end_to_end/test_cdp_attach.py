"""CDP clients of callers: real Playwright and Puppeteer, through the control plane, on a browser of a session."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Error, Playwright, async_playwright
from tabkeep import BrowserSession, Client, RunStatus, actions

from control_plane.first_keys import ORGANIZATION_ID
from demo.site import DemoSite
from tests.end_to_end.programs import kill, local
from tests.waiting import until

BOUND = 30.0


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest.fixture
async def key(client: Client) -> AsyncIterator[str]:
    """A key that may attach, and is no operator's."""
    made = await client.create_key(scope="cdp", organization_id=ORGANIZATION_ID)
    yield made.secret
    await client.revoke_key(made.key.key_id)


@pytest.fixture
async def session(client: Client) -> AsyncIterator[BrowserSession]:
    made = await running(client)
    yield made
    await client.close_browser_session(made.browser_session_id)


async def running(client: Client, url: str | None = None) -> BrowserSession:
    made = await client.create_browser_session(url=url)
    return await becomes(client, made, lambda one: one.cdp_url is not None)


async def becomes(client: Client, session: BrowserSession, fact: Callable[[BrowserSession], bool]) -> BrowserSession:
    """The session as soon as a fact about it is true."""

    async def so() -> BrowserSession | None:
        now = await client.get_browser_session(session.browser_session_id)
        return now if fact(now) else None

    return await until(so, "what the session is to be", BOUND)


@asynccontextmanager
async def attached(playwright: Playwright, session: BrowserSession, key: str) -> AsyncIterator[Browser]:
    assert session.cdp_url is not None
    browser = await playwright.chromium.connect_over_cdp(session.cdp_url, headers={"x-api-key": key})
    try:
        yield browser
    finally:
        await browser.close()


async def refusal(session: BrowserSession, headers: dict[str, str]) -> tuple[int, str]:
    """Status and code with which a handshake is refused."""
    assert session.cdp_url is not None
    handshake = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with httpx.AsyncClient(timeout=BOUND) as http:
        answer = await http.get(session.cdp_url.replace("ws://", "http://"), headers={**handshake, **headers})
    return answer.status_code, answer.json()["code"]


def free(session: BrowserSession) -> bool:
    return session.cdp_attach_time is None


async def test_a_caller_drives_the_session_with_playwright_of_its_own(
    client: Client, session: BrowserSession, site: DemoSite, playwright: Playwright, key: str
) -> None:
    async with attached(playwright, session, key) as browser:
        context = browser.contexts[0]
        page = context.pages[0]
        await page.goto(f"{site.url}/")
        assert await page.evaluate("6 * 7") == 42
        assert len(await page.screenshot()) > 1000
        second = await context.new_page()
        await second.goto("data:text/html,<title>second</title>")
        assert await second.title() == "second"
        await second.close()
        # 3 MB and back: more than one frame each way.
        assert await page.evaluate("text => text + text.length", "x" * 3_000_000) == "x" * 3_000_000 + "3000000"
        held = await client.get_browser_session(session.browser_session_id)
        assert [condition.type for condition in held.conditions] == ["CDP_CLIENT_ATTACHED"]
    await becomes(client, session, lambda one: free(one) and one.current_url == f"{site.url}/")


async def test_a_run_waits_until_the_client_has_gone_and_then_has_the_page(
    client: Client, session: BrowserSession, site: DemoSite, playwright: Playwright, key: str
) -> None:
    async with attached(playwright, session, key) as browser:
        run = await client.run_task(
            actions=[actions.goto(f"{site.url}/")], browser_session_id=session.browser_session_id
        )
        assert run.status in (RunStatus.CREATED, RunStatus.QUEUED)
        page = browser.contexts[0].pages[0]
        await page.goto("data:text/html,<title>mine</title>")
        assert await page.title() == "mine"
        assert (await client.get_run(run.run_id)).status in (RunStatus.CREATED, RunStatus.QUEUED)
        assert (await refusal(session, {"x-api-key": key})) == (409, "SESSION_BUSY")
    ended = await client.wait_for_run(run.run_id)
    assert ended.status is RunStatus.COMPLETED


async def test_no_client_comes_in_while_a_run_is_active(client: Client, session: BrowserSession, key: str) -> None:
    wait = actions.wait_time(timedelta(seconds=20))
    run = await client.run_task(actions=[wait], browser_session_id=session.browser_session_id)
    assert await refusal(session, {"x-api-key": key}) == (409, "SESSION_BUSY")
    await client.cancel_run(run.run_id)


async def test_a_client_comes_in_right_after_a_run(
    client: Client, session: BrowserSession, site: DemoSite, playwright: Playwright, key: str
) -> None:
    for _ in range(3):
        await client.run_task(
            actions=[actions.goto(f"{site.url}/")],
            browser_session_id=session.browser_session_id,
            wait_for_completion=True,
        )
        async with attached(playwright, session, key) as browser:
            assert browser.contexts[0].pages[0].url == f"{site.url}/"
        await becomes(client, session, free)


async def test_who_may_not_attach_is_told_why(client: Client, session: BrowserSession, key: str) -> None:
    plain = await client.create_key(scope="api", organization_id=ORGANIZATION_ID)
    foreign = await client.create_key(scope="cdp", organization_id="o_somebody_else")
    host = await client.create_key(scope="host")
    assert await refusal(session, {}) == (403, "KEY_MISSING")
    assert await refusal(session, {"x-api-key": "tk_live_no_key"}) == (403, "KEY_INVALID")
    assert await refusal(session, {"x-api-key": plain.secret}) == (403, "SCOPE_MISSING")
    assert await refusal(session, {"x-api-key": host.secret}) == (403, "SCOPE_MISSING")
    assert await refusal(session, {"x-api-key": foreign.secret}) == (404, "SESSION_NOT_FOUND")
    assert await refusal(session, {"x-api-key": key, "origin": "https://evil.example"}) == (403, "ORIGIN_NOT_ALLOWED")
    assert await refusal(session, {"x-api-key": key, "host": "evil.example"}) == (421, "HOST_NOT_ALLOWED")
    assert free(await client.get_browser_session(session.browser_session_id))
    for made in (plain, foreign, host):
        await client.revoke_key(made.key.key_id)


async def test_the_clients_connection_ends_with_the_session_and_a_closed_one_takes_none(
    client: Client, playwright: Playwright, key: str
) -> None:
    session = await running(client)
    async with attached(playwright, session, key) as browser:
        gone = asyncio.Event()
        browser.on("disconnected", lambda _: gone.set())
        closed = await client.close_browser_session(session.browser_session_id)
        await asyncio.wait_for(gone.wait(), BOUND)
        assert closed.cdp_url is None
        assert closed.cdp_attach_time is None
    assert await refusal(session, {"x-api-key": key}) == (409, "SESSION_CLOSED")
    await becomes(client, session, lambda one: one.browser_gone_time is not None)


async def test_a_revoked_key_ends_its_connection(
    client: Client, session: BrowserSession, playwright: Playwright
) -> None:
    made = await client.create_key(scope="cdp", organization_id=ORGANIZATION_ID)
    async with attached(playwright, session, made.secret) as browser:
        gone = asyncio.Event()
        browser.on("disconnected", lambda _: gone.set())
        await client.revoke_key(made.key.key_id)
        await asyncio.wait_for(gone.wait(), BOUND)
    await becomes(client, session, free)


KILLED = """
import asyncio, sys
from playwright.async_api import async_playwright
async def main():
    async with async_playwright() as playwright:
        headers = {"x-api-key": sys.stdin.readline().strip()}
        browser = await playwright.chromium.connect_over_cdp(sys.argv[1], headers=headers)
        page = browser.contexts[0].pages[0]
        await page.route("**/*", lambda route: None)  # every request of the page hangs, as long as this client lives
        print("attached", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_a_client_that_is_killed_gives_the_turn_back_and_leaves_nothing_on(
    client: Client, session: BrowserSession, site: DemoSite, key: str
) -> None:
    assert session.cdp_url is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, session.cdp_url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        process.stdin.write(f"{key}\n".encode())
        async with asyncio.timeout(BOUND):
            assert await process.stdout.readline() == b"attached\n"
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await becomes(client, session, free)
        run = await client.run_task(
            actions=[actions.goto(f"{site.url}/")],
            browser_session_id=session.browser_session_id,
            wait_for_completion=True,
        )
        assert run.status is RunStatus.COMPLETED
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def test_what_would_harm_the_session_or_its_host_is_refused(
    client: Client, session: BrowserSession, playwright: Playwright, key: str
) -> None:
    async with attached(playwright, session, key) as browser:
        context = browser.contexts[0]
        page = context.pages[0]
        for url in ("file:///etc/passwd", "chrome://version", "view-source:http://x.example/", "about:version"):
            with pytest.raises(Error, match="not allowed here"):
                await page.goto(url)
        with pytest.raises(Error, match="not allowed here"):
            await browser.new_context()
        cdp = await browser.new_browser_cdp_session()
        own = await context.new_cdp_session(page)
        for asked, params in (
            ("Browser.close", {}),
            ("SystemInfo.getInfo", {}),
            ("Extensions.getExtensions", {}),
            ("Target.exposeDevToolsProtocol", {"targetId": "x"}),
            ("Target.attachToTarget", {"targetId": "x"}),
        ):
            with pytest.raises(Error, match="not allowed here"):
                await cdp.send(asked, params)
        with pytest.raises(Error, match="not allowed here"):
            await own.send("DOM.setFileInputFiles", {"files": ["/etc/passwd"], "nodeId": 1})
        assert await page.evaluate("1 + 1") == 2
    await becomes(client, session, free)


async def test_what_a_client_turned_on_ends_with_it(
    client: Client, session: BrowserSession, site: DemoSite, playwright: Playwright, key: str
) -> None:
    async with attached(playwright, session, key) as browser:
        page = browser.contexts[0].pages[0]
        await page.add_init_script("window.left = true")
        await page.goto(f"{site.url}/")
        assert await page.evaluate("window.left")
    await becomes(client, session, free)
    async with attached(playwright, session, key) as browser:
        page = browser.contexts[0].pages[0]
        await page.reload()
        assert await page.evaluate("window.left === undefined")


async def test_a_control_plane_that_is_killed_under_a_client_gives_its_turn_to_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: DemoSite, playwright: Playwright
) -> None:
    monkeypatch.setenv("TABKEEP_HTTP_ADDRESS", "127.0.0.1:0")
    async with local(tmp_path / "data") as programs, programs.client() as client:
        session = await running(client)
        first_key = (tmp_path / "data" / "api-key").read_text().strip()
        assert session.cdp_url is not None
        browser = await playwright.chromium.connect_over_cdp(session.cdp_url, headers={"x-api-key": first_key})
        gone = asyncio.Event()
        browser.on("disconnected", lambda _: gone.set())
        page = browser.contexts[0].pages[0]
        await page.goto("data:text/html,<title>before</title>")
        to = [actions.goto(f"{site.url}/")]
        run = await client.run_task(actions=to, browser_session_id=session.browser_session_id)
        await kill(programs.control_plane)
        await asyncio.wait_for(gone.wait(), BOUND)
        await programs.start_control_plane()
        async with asyncio.timeout(2 * BOUND):
            ended = await client.wait_for_run(run.run_id)
        assert ended.status is RunStatus.COMPLETED
        assert free(await client.get_browser_session(session.browser_session_id))


@pytest.fixture(scope="session")
async def puppeteer(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with puppeteer-core; the test is skipped where npm cannot bring it."""
    folder = tmp_path_factory.mktemp("puppeteer")
    try:
        process = await asyncio.create_subprocess_exec(
            "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts",
            "puppeteer-core@24",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("npm is not installed")
    if await asyncio.wait_for(process.wait(), 100):
        pytest.skip("npm could not bring puppeteer-core")
    return str(folder)


PUPPETEER = """
const puppeteer = require('puppeteer-core');
(async () => {
  const [url, key, to] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const browser = await puppeteer.connect({browserWSEndpoint: url, headers: {'x-api-key': key}, defaultViewport: null});
  const page = (await browser.pages())[0];
  await page.goto(to);
  console.log(JSON.stringify([await page.title(), await page.evaluate(() => 6 * 7)]));
  await browser.disconnect();
})().catch((error) => { console.error(error); process.exit(1); });
"""


async def test_puppeteer_attaches_too(client: Client, session: BrowserSession, key: str, puppeteer: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "node", "-e", PUPPETEER, cwd=puppeteer, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told = json.dumps([session.cdp_url, key, "data:text/html,<title>by puppeteer</title>"]).encode()
    said, _ = await asyncio.wait_for(process.communicate(told), BOUND)
    assert json.loads(said) == ["by puppeteer", 42]
    await becomes(client, session, free)
