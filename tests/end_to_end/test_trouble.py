"""What a user sees when parts die, hang, or are not there."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tabkeep import Client, Run, RunEvent, RunStatus, actions
from tabkeep.records.administration import HostState
from tabkeep.records.run_events import StepStarted
from tabkeep.records.sessions import BrowserSession, BrowserSessionState

from control_plane import first_keys
from control_plane.server import ControlPlane
from demo.site import DemoSite
from tests.end_to_end import programs
from tests.end_to_end.conftest import POLL_SECONDS, Stack, gone

LONG_WAIT = actions.wait_time(timedelta(seconds=300), timeout=timedelta(seconds=310))


async def running(client: Client, browser_session_id: str) -> BrowserSession:
    """The session once its browser is up, or closed."""
    async for update in client.watch_browser_session(browser_session_id):
        if update.browser_session.state in (BrowserSessionState.RUNNING, BrowserSessionState.CLOSED):
            return update.browser_session
    raise AssertionError("the watch ended early")


async def closed(client: Client, browser_session_id: str) -> BrowserSession:
    """The session once it is closed."""
    last = [update.browser_session async for update in client.watch_browser_session(browser_session_id)][-1]
    assert last.state is BrowserSessionState.CLOSED
    return last


async def until_step(client: Client, run: Run, step: int) -> None:
    """Return once the step has started."""
    async for update in client.watch_run(run.run_id):
        if isinstance(update, RunEvent) and isinstance(update.detail, StepStarted) and update.detail.step >= step:
            return


async def events(client: Client, run: Run) -> list[RunEvent]:
    """All events of a final run."""
    return [update async for update in client.watch_run(run.run_id) if isinstance(update, RunEvent)]


def main_process(stack: Stack) -> int:
    """The pid of the one browser that is open: its processes other than the main one have a type or handle crashes."""
    helpers = ("--type=", "--monitor-self", "--no-periodic-tasks")
    [main] = [one.pid for one in stack.browsers() if not any(part.startswith(helpers) for part in one.cmdline())]
    return main


async def test_a_killed_browser_closes_its_session_within_two_seconds_and_fails_its_run(
    client: Client, site: DemoSite, stack: Stack
):
    session = await client.create_browser_session()
    await running(client, session.browser_session_id)
    run = await client.run_task(
        actions=[actions.goto(site.url), LONG_WAIT], browser_session_id=session.browser_session_id
    )
    await until_step(client, run, 2)

    started = time.monotonic()
    os.kill(main_process(stack), signal.SIGKILL)
    ended = await closed(client, session.browser_session_id)

    assert time.monotonic() - started < 2
    assert ended.close_reason == "BROWSER_CRASHED"
    run = await client.get_run(run.run_id)
    assert (run.status, run.failure_reason, run.safe_to_retry) == (RunStatus.FAILED, "BROWSER_CRASHED", False)
    await gone(client, session.browser_session_id)


@pytest.mark.parametrize("path", ["/trouble/hang?now=1", "/"])
async def test_a_close_returns_at_once_and_the_browser_is_gone_within_three_seconds(
    client: Client, site: DemoSite, stack: Stack, path: str
):
    session = await client.create_browser_session(url=site.url + path)
    await running(client, session.browser_session_id)

    started = time.monotonic()
    answer = await client.close_browser_session(session.browser_session_id)
    answered = time.monotonic() - started
    await gone(client, session.browser_session_id)

    assert answer.state is BrowserSessionState.CLOSED
    assert answered < 0.5
    assert time.monotonic() - started < 3
    assert stack.browsers() == []


async def test_a_stopped_browser_is_gone_within_three_seconds_too(client: Client, stack: Stack):
    session = await client.create_browser_session()
    await running(client, session.browser_session_id)
    os.kill(main_process(stack), signal.SIGSTOP)

    started = time.monotonic()
    await client.close_browser_session(session.browser_session_id)
    await gone(client, session.browser_session_id)

    assert time.monotonic() - started < 3.5
    assert stack.browsers() == []


async def attached(client: Client) -> None:
    """Return once a host takes sessions."""
    async with asyncio.timeout(30):
        while True:
            if any(host.state is HostState.READY for host in await client.list_hosts()):
                return
            await asyncio.sleep(POLL_SECONDS)


async def test_a_killed_control_plane_comes_back_with_everything_and_the_live_browser_goes_on(
    tmp_path: Path, site: DemoSite
):
    async with programs.local(tmp_path) as both, both.client() as client:
        session = await client.create_browser_session()
        ids: dict[str, Any] = {"browser_session_id": session.browser_session_id, "wait_for_completion": True}
        prompt = "Login with username 'shopper' and password 'shop-till-drop'"
        login = await client.run_task(prompt, url=f"{site.url}/login", **ids)
        before = await events(client, login)

        await programs.kill(both.control_plane)
        await both.start_control_plane()

        assert await events(client, login) == before
        await attached(client)
        after = await client.get_browser_session(session.browser_session_id)
        assert after.state is BrowserSessionState.RUNNING
        run = await client.run_task(actions=[actions.goto(f"{site.url}/cart")], **ids)
        assert run.status is RunStatus.COMPLETED
        assert len(site.log.visitors()) == 1
        await client.close_browser_session(session.browser_session_id)
        await gone(client, session.browser_session_id)


async def test_a_killed_host_comes_back_without_its_browsers_and_says_so(tmp_path: Path, site: DemoSite):
    async with programs.local(tmp_path) as both, both.client() as client:
        session = await client.create_browser_session()
        await running(client, session.browser_session_id)
        run = await client.run_task(
            actions=[actions.goto(site.url), LONG_WAIT], browser_session_id=session.browser_session_id
        )
        await until_step(client, run, 2)

        await programs.kill(both.host)
        await both.start_host()

        ended = await closed(client, session.browser_session_id)
        assert ended.close_reason == "HOST_LOST"
        run = await client.get_run(run.run_id)
        assert (run.failure_reason, run.safe_to_retry) == ("HOST_LOST", False)
        await attached(client)
        another = await client.create_browser_session()
        assert (await running(client, another.browser_session_id)).state is BrowserSessionState.RUNNING


async def test_a_browser_that_vanished_from_the_disk_closes_the_session_with_how_to_get_one(tmp_path: Path):
    chromium = tmp_path / "chromium"
    chromium.write_text("#!/bin/sh\necho Chromium 1.2.3\n")
    chromium.chmod(0o755)
    async with programs.local(tmp_path, TABKEEP_CHROME=str(chromium)) as both, both.client() as client:
        await attached(client)
        chromium.unlink()
        session = await client.create_browser_session()
        ended = await closed(client, session.browser_session_id)
    assert ended.close_reason == "LAUNCH_FAILED"
    assert str(chromium) in ended.close_message
    assert "install" in ended.close_message


@asynccontextmanager
async def host_of(control_plane: ControlPlane) -> AsyncIterator[Client]:
    """A real host attached to a control plane that runs inside the test, and a client."""
    data_dir = control_plane.config.data_dir
    host = await programs.start_host(data_dir, control_plane.address)
    key = first_keys.api_key_file(data_dir).read_text().strip()
    try:
        async with Client(api_key=key, address=control_plane.address) as client:
            await attached(client)
            yield client
    finally:
        await programs.end(host)


async def test_a_session_closes_at_its_deadline_also_while_a_task_runs(control_plane, advance, site: DemoSite):
    async with host_of(control_plane) as client:
        session = await client.create_browser_session(timeout=5)
        await running(client, session.browser_session_id)
        run = await client.run_task(
            actions=[actions.goto(site.url), LONG_WAIT], browser_session_id=session.browser_session_id
        )
        await until_step(client, run, 2)

        await advance(timedelta(minutes=5))

        assert (await client.get_browser_session(session.browser_session_id)).close_reason == "TIMED_OUT"
        run = await client.get_run(run.run_id)
        assert (run.status, run.failure_reason) == (RunStatus.TIMED_OUT, "SESSION_TIMED_OUT")
        await gone(client, session.browser_session_id)
