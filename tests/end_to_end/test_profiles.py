"""Profiles from end to end: real browsers, two hosts, kill -9 in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from tabkeep import BrowserSession, Client, ProfileSaveState, actions

from tests.end_to_end.programs import end, kill, start_control_plane, start_host
from tests.profile_site import ProfileSite, profile_site
from tests.waiting import until

COOKIES = ["day=1", "hidden=1", "session=1"]


@pytest.fixture
def site() -> Iterator[ProfileSite]:
    with profile_site() as running:
        yield running


Hosts = Callable[[str], Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[tuple[Client, Hosts]]:
    """A client of a control plane, and a function that starts a host for it, each in a directory of its own."""
    hosts: list[asyncio.subprocess.Process] = []
    process, address = await start_control_plane(tmp_path / "plane")

    try:
        async with Client((tmp_path / "plane" / "api-key").read_text().strip(), address) as client:

            async def start(name: str) -> asyncio.subprocess.Process:
                token = tmp_path / f"{name}-token"
                token.write_text((await client.create_key(scope="host")).secret)
                settings = {"TABKEEP_HOST_ID": name, "TABKEEP_HOST_TOKEN_FILE": str(token), "TABKEEP_CAPACITY": "2"}
                hosts.append(await start_host(tmp_path / name, address, **settings))
                return hosts[-1]

            yield client, start
    finally:
        await end(*hosts, process)


async def after(client: Client, session: BrowserSession, fact: Callable[[BrowserSession], bool]) -> BrowserSession:
    """The session as soon as a fact about it is true."""

    async def so() -> BrowserSession | None:
        now = await client.get_browser_session(session.browser_session_id)
        return now if fact(now) else None

    return await until(so, "what the session is to be", 60)


async def attached(client: Client, host_id: str) -> None:

    async def so() -> bool:
        return host_id in [host.host_id for host in await client.list_hosts()]

    await until(so, f"host {host_id} is attached", 60)


def save_is(*states: ProfileSaveState) -> Callable[[BrowserSession], bool]:
    return lambda session: session.profile_save is not None and session.profile_save.state in states


async def visit(client: Client, session: BrowserSession, url: str) -> None:
    await client.run_task(
        actions=[actions.goto(url)], browser_session_id=session.browser_session_id, wait_for_completion=True
    )


async def log_in(client: Client, session: BrowserSession, site: ProfileSite) -> None:
    run = await client.run_task(
        actions=[actions.goto(f"{site.url}/login"), actions.wait_for(actions.expect_title("Logged in"))],
        browser_session_id=session.browser_session_id,
        wait_for_completion=True,
    )
    run.raise_for_failure()


def files_with(secret: bytes, root: Path) -> list[Path]:
    """Files that have a text in the clear, but for those of browsers that live, or were left when theirs was killed."""
    files = [path for path in root.rglob("*") if path.is_file() and "browsers" not in path.parts]
    return [path for path in files if secret in path.read_bytes()]


async def test_a_login_goes_from_host_to_host_though_the_first_is_killed(
    plane: tuple[Client, Hosts], site: ProfileSite, tmp_path: Path
):
    client, start = plane
    first = await start("first")
    profile = await client.create_browser_profile("casey")
    session = await client.create_browser_session(browser_profile_id=profile.browser_profile_id, save_profile=True)
    await log_in(client, session, site)
    await client.close_browser_session(session.browser_session_id)
    closed = await after(client, session, save_is(ProfileSaveState.SAVED, ProfileSaveState.SAVED_EARLIER))
    assert closed.profile_save is not None
    assert closed.profile_save.browser_profile_version == 2
    # A second one, open when its host is killed: what it had at the end of its last run is kept.
    second = await client.create_browser_session(browser_profile_id=profile.browser_profile_id, save_profile=True)
    await visit(client, second, f"{site.other_url}/login")
    await after(client, second, lambda one: bool(one.profile_save and one.profile_save.state_time))
    await kill(first)
    await start("second")
    await attached(client, "second")  # the first one counts as silent only by and by, and a session may go there
    again = await client.create_browser_session(browser_profile_id=profile.browser_profile_id)
    site.requests.clear()
    await visit(client, again, f"{site.url}/home")
    assert site.cookies_of("/home") == COOKIES
    running = await client.get_browser_session(again.browser_session_id)
    assert (running.host_id, running.browser_profile_version, running.conditions) == ("second", 2, ())
    # A live session, copied while it runs on.
    copy = await client.create_browser_profile("copy", browser_session_id=again.browser_session_id)
    state = await client.export_browser_profile(copy.browser_profile_id)
    assert {cookie["name"] for cookie in state["cookies"]} == {"day", "hidden", "session"}
    await client.close_browser_session(again.browser_session_id)
    assert files_with(b"kept-in-local-storage", tmp_path) == []


async def test_a_damaged_profile_closes_the_session_and_says_so(
    plane: tuple[Client, Hosts], site: ProfileSite, tmp_path: Path
):
    client, start = plane
    await start("first")
    cookie = {"name": "session", "value": "1", "domain": "127.0.0.1", "path": "/"}
    profile = await client.create_browser_profile("casey", storage_state=json.dumps({"cookies": [cookie]}))
    (path,) = (tmp_path / "plane" / "profiles").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    session = await client.create_browser_session(browser_profile_id=profile.browser_profile_id, url=f"{site.url}/home")
    closed = await after(client, session, lambda one: one.close_reason is not None)
    assert closed.close_reason == "PROFILE_UNUSABLE"
    assert "is damaged" in closed.close_message
    assert site.requests == []
