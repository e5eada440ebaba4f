"""The state of a real Chromium: taken from one that lives, put into another that runs already."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator

import pytest

from browser_host.browser import Page
from browser_host.chromium.playwright_browser import SHORTEST_CLOSE_SECONDS, PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.open_browser import ProfileUnusable, StateNotTaken
from control_plane.entities import browser_states
from tests.launchers import a_request, an_open_browser, launcher
from tests.profile_site import KEPT, READ, ProfileSite, profile_site
from tests.waiting import until

__all__ = ["launcher"]

SECONDS = 20.0
TITLED = """title => new Promise(done => {
    const look = () => document.title === title ? done() : setTimeout(look, 20);
    look();
})"""
"""Returns when the page has this title."""


@pytest.fixture
def site() -> Iterator[ProfileSite]:
    with profile_site() as running:
        yield running


async def front(browser: PlaywrightBrowser, url: str) -> Page:
    page = await browser.current_page()
    await page.goto(url, timeout=SECONDS)
    return page


async def log_in(browser: PlaywrightBrowser, site: ProfileSite) -> None:
    page = await front(browser, f"{site.url}/login")
    await page.evaluate(TITLED, "Logged in", timeout=SECONDS)


async def found_in(browser: PlaywrightBrowser) -> dict[str, object]:
    """What its page finds. In the page's own world: requests of others do not go through service workers."""
    async with asyncio.timeout(SECONDS):
        found: dict[str, object] = json.loads(await browser.context.pages[0].evaluate(READ))
        return found


@pytest.fixture(scope="module")
async def logged_in(launcher: PlaywrightLauncher) -> bytes:
    """The state of a browser that has logged in to a site that is not there any more."""
    with profile_site() as running:
        async with an_open_browser(launcher) as browser:
            await log_in(browser, running)
            return await browser.take_state(timeout=SECONDS)


async def test_another_browser_starts_logged_in(launcher: PlaywrightLauncher, site: ProfileSite):
    async with an_open_browser(launcher) as browser:
        await log_in(browser, site)
        await browser.context.grant_permissions(["geolocation"], origin=site.url)
        page = await front(browser, f"{site.other_url}/")
        await page.evaluate("() => localStorage.setItem('token', 'of another site')", timeout=5)
        state = await browser.take_state(timeout=SECONDS)
        assert await browser.take_state(timeout=SECONDS) == state
    known = json.loads(state)
    assert known["service_workers"] == [{"scope": f"{site.url}/", "script": f"{site.url}/worker.js"}]
    assert {"origin": site.url, "name": "geolocation", "state": "granted"} in known["permissions"]
    assert browser_states.summary(state).origin_count == 2
    site.requests.clear()
    again = await launcher.launch(a_request(f"{site.url}/home", state=state))
    try:
        assert again.state_notes == ""
        assert len(again.context.pages) == 1 or (await again.shown()).tab_count == 1
        # Nothing was asked of the site but the worker's script, and its first page came with all cookies.
        asked_for = [path for path, _ in site.requests if path != "/favicon.ico"]
        assert asked_for == ["/worker.js", "/home"]
        assert site.cookies_of("/home") == ["day=1", "hidden=1", "session=1"]
        assert await found_in(again) == KEPT
        asked = "async () => (await navigator.permissions.query({ name: 'geolocation' })).state"
        assert await (await again.current_page()).evaluate(asked, timeout=5) == "granted"
        # What was not visited again is kept all the same.
        assert json.loads(await again.take_state(timeout=SECONDS))["origins"] == known["origins"]
    finally:
        await again.close()


async def test_a_browser_that_was_used_before_takes_a_state_too(launcher: PlaywrightLauncher, site: ProfileSite):
    """As one out of a pool does."""
    async with an_open_browser(launcher) as browser:
        await log_in(browser, site)
        state = await browser.take_state(timeout=SECONDS)
    async with an_open_browser(launcher, f"{site.url}/") as pooled:
        page = await pooled.current_page()
        await page.evaluate("() => { localStorage.setItem('left', 'over'); document.cookie = 'left=over' }", timeout=5)
        await pooled.restore_state(state)
        page = await front(pooled, f"{site.url}/home")
        assert await found_in(pooled) == KEPT
        assert await page.evaluate("() => localStorage.getItem('left')", timeout=5) is None


async def test_a_state_taken_while_a_page_writes_is_consistent(launcher: PlaywrightLauncher, site: ProfileSite):
    async with an_open_browser(launcher) as browser:
        page = await front(browser, f"{site.url}/counting")
        await page.evaluate(TITLED, "Counting on", timeout=SECONDS)
        seen = set()
        for _ in range(3):
            (origin,) = json.loads(await browser.take_state(timeout=SECONDS))["origins"]
            stored = {item["name"]: item["value"] for item in origin["localStorage"]}
            assert stored["a"] == stored["b"]
            numbers = [store["records"][0]["value"] for store in origin["indexedDB"][0]["stores"]]
            assert numbers[0] == numbers[1]
            seen.add(numbers[0])
        assert len(seen) > 1, "the page did not write meanwhile"


async def test_a_site_that_is_not_there_does_not_keep_the_browser_from_starting(
    launcher: PlaywrightLauncher, logged_in: bytes
):
    browser = await launcher.launch(a_request(state=logged_in))
    try:
        assert "not registered again" in browser.state_notes
        assert json.loads(await browser.take_state(timeout=SECONDS))["cookies"]
    finally:
        await browser.close()


@pytest.mark.parametrize(
    "state",
    [
        b'{"format":1,"cookies":[{"name":"a","value":"b","domain":"","path":"/"}],"origins":[]}',
        b'{"format":1,"cookies":[],"origins":[{"origin":"http://127.0.0.1:1","localStorage":[],"indexedDB":'
        b'[{"name":"a","version":1,"stores":[{"name":"s","records":[{"value":1}],"indexes":[]}]}]}]}',
    ],
)
async def test_a_state_that_the_browser_refuses_is_no_fresh_browser(launcher: PlaywrightLauncher, state: bytes):
    with pytest.raises(ProfileUnusable):
        await launcher.launch(a_request(state=state))
    assert list(launcher._places.root.iterdir()) == []


async def until_it_hangs(browser: PlaywrightBrowser) -> None:
    for _ in range(100):
        try:
            async with asyncio.timeout(0.5):
                await browser.context.pages[0].evaluate("1")
        except TimeoutError:
            return
    raise AssertionError("the page does not hang")


async def test_the_state_at_the_end_is_had_from_a_page_in_an_endless_loop(
    launcher: PlaywrightLauncher, site: ProfileSite
):
    browser = await launcher.launch(a_request())
    await log_in(browser, site)
    await browser.context.pages[0].goto(f"{site.url}/loop", wait_until="commit")
    await until_it_hangs(browser)
    with pytest.raises(StateNotTaken, match="did not give its state within 1 s"):
        await browser.take_state(timeout=1)
    state = json.loads(await browser.take_state(timeout=SECONDS, last=True))
    assert {cookie["name"] for cookie in state["cookies"]} == {"day", "hidden", "session"}
    assert state["origins"][0]["localStorage"] == [{"name": "token", "value": "kept-in-local-storage"}]
    await browser.close()


async def test_a_stopped_browser_gives_no_state_and_is_gone_in_time(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    os.kill(browser.pid, signal.SIGSTOP)
    with pytest.raises(StateNotTaken):
        await browser.take_state(timeout=1.4, last=True)
    # What the state took is taken off the time that the browser has to end by itself.
    assert browser._close_seconds == SHORTEST_CLOSE_SECONDS
    await browser.close()


async def test_a_browser_that_ends_meanwhile_gives_no_state(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    os.kill(browser.pid, signal.SIGKILL)
    with pytest.raises(StateNotTaken):
        await browser.take_state(timeout=SECONDS)
    await browser.close()
    with pytest.raises(StateNotTaken, match="has ended"):
        await browser.take_state(timeout=SECONDS)


async def test_tabs_of_the_hosts_own_are_never_shown(launcher: PlaywrightLauncher, site: ProfileSite):
    async with an_open_browser(launcher, f"{site.url}/") as browser:
        seen = set()
        taking = asyncio.create_task(browser.take_state(timeout=SECONDS))
        await browser.context.pages[0].evaluate("() => { window.open('/popup') }")
        while not taking.done():
            seen.add((await browser.shown()).tab_count)
        await taking
        assert seen <= {1, 2}
        assert (await browser.shown()).url == f"{site.url}/popup"
        await until(lambda: len(browser.context.pages) == 2, "the end of the host's own tab")
