"""The host's own launcher with real browsers: opened for a test, and looked at for what it leaves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from browser_host import launch
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.clock import SystemClock
from browser_host.config import DEFAULT_SESSION_USERS
from browser_host.kernel import processes
from browser_host.kernel.session_users import SessionUsers
from browser_host.launch import FoundBrowser
from browser_host.messages import BrowserType, Placement
from browser_host.open_browser import LaunchRequest
from tests.conftest import SANDBOX, passable_directory

FOUND = launch.find_browsers()
_fences = count(1)


@asynccontextmanager
async def a_launcher(
    data_dir: Path, found: Sequence[FoundBrowser] = FOUND, **options: Any
) -> AsyncIterator[PlaywrightLauncher]:
    """A launcher as a host here has it, but for `options`; in the end nothing of its browsers may be left."""
    assert found, launch.how_to_install(BrowserType.CHROME)
    users = SessionUsers(*DEFAULT_SESSION_USERS) if os.geteuid() == 0 else None
    given = {"sandbox": SANDBOX, "concurrency": os.cpu_count() or 1, "users": users, **options}
    launcher = PlaywrightLauncher(list(found), data_dir, SystemClock(), **given)
    await launcher.open()
    try:
        yield launcher
    finally:
        await launcher.close()
        assert processes.processes_of(data_dir) == []
        assert not (data_dir / "browsers").exists()


@pytest.fixture(scope="module")
async def launcher() -> AsyncIterator[PlaywrightLauncher]:
    """One for all tests of a module."""
    with passable_directory() as directory:
        async with a_launcher(directory) as opened:
            yield opened


def a_request(url: str = "", *, seconds: float = 30, **options: Any) -> LaunchRequest:
    """What a session asks for that has a placement of its own and wants nothing special but `options`."""
    fence = next(_fences)
    given = {"width": 1280, "height": 720, **options}
    placement = Placement(f"pbs_{fence}", fence)
    return LaunchRequest(placement, BrowserType.CHROME, url, timeout=timedelta(seconds=seconds), **given)


@asynccontextmanager
async def an_open_browser(
    launcher: PlaywrightLauncher, url: str = "", **options: Any
) -> AsyncIterator[PlaywrightBrowser]:
    """A browser for a session that asks for `a_request`; closed in the end."""
    browser = await launcher.launch(a_request(url, **options))
    try:
        yield browser
    finally:
        await browser.close()
