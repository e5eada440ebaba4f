"""A browser session through the product, and the same browser through Playwright alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from playwright.async_api import BrowserContext, Playwright
from tabkeep.v1 import browser_sessions_pb2 as sessions_pb
from tabkeep.v1 import browser_sessions_pb2_grpc as sessions_grpc
from tabkeep.v1 import runs_pb2 as runs_pb
from tabkeep.v1 import runs_pb2_grpc as runs_grpc

from bench.programs import ControlPlane
from browser_host.launch import find_browsers
from browser_host.messages import BrowserType

PATIENCE = 30.0
"""Seconds after which a session that does not come up, or does not go away, has failed."""


class NoBrowser(Exception):
    """There is no browser on this machine that could be measured."""


def executable() -> Path:
    """The browser that the host would take.

    Raises:
        NoBrowser.
    """
    for browser in find_browsers():
        if browser.browser_type is BrowserType.CHROME:
            return browser.executable
    raise NoBrowser("no Chrome or Chromium was found: `make bench` installs one")


class Product:
    """The control plane's API, as a caller uses it."""

    def __init__(self, channel: grpc.aio.Channel, api_key: str) -> None:
        self.sessions: Any = sessions_grpc.BrowserSessionServiceStub(channel)
        self.runs: Any = runs_grpc.RunServiceStub(channel)
        self.metadata = (("x-api-key", api_key),)

    async def open_session(self, url: str = "", patience: float = PATIENCE, **fields: Any) -> str:
        """Create a session, with these fields of the request, and watch it until its page is ready; returns its id."""
        request = sessions_pb.CreateBrowserSessionRequest(url=url, **fields)
        created = await self.sessions.CreateBrowserSession(request, metadata=self.metadata)
        session_id = str(created.browser_session.browser_session_id)
        await self._watch(
            session_id, lambda session: session.state == sessions_pb.BROWSER_SESSION_STATE_RUNNING, patience
        )
        return session_id

    async def use_session(self, session_id: str, url: str, patience: float = PATIENCE) -> None:
        """Open a page in it.

        Raises:
            RuntimeError: it was not opened.
        """
        request = runs_pb.RunTaskRequest(browser_session_id=session_id)
        action = request.actions.add()
        action.goto.url = url
        action.timeout.FromSeconds(round(patience))
        run = (await self.runs.RunTask(request, metadata=self.metadata)).run
        watch = self.runs.WatchRun(runs_pb.WatchRunRequest(run_id=run.run_id), metadata=self.metadata, timeout=patience)
        async for response in watch:
            if response.HasField("run"):
                run = response.run
        if run.status != runs_pb.RUN_STATUS_COMPLETED:
            raise RuntimeError(f"run {run.run_id} did not open its page: {run.failure_message}")

    async def close_session(self, session_id: str, patience: float = PATIENCE) -> None:
        """Close a session and wait until its browser is gone."""
        request = sessions_pb.CloseBrowserSessionRequest(browser_session_id=session_id)
        await self.sessions.CloseBrowserSession(request, metadata=self.metadata)
        async with asyncio.timeout(patience):
            get = sessions_pb.GetBrowserSessionRequest(browser_session_id=session_id)
            while True:
                found = await self.sessions.GetBrowserSession(get, metadata=self.metadata)
                if found.browser_session.HasField("browser_gone_time"):
                    return
                await asyncio.sleep(0.05)

    async def _watch(self, session_id: str, reached: Any, patience: float) -> None:
        request = sessions_pb.WatchBrowserSessionRequest(browser_session_id=session_id)
        async for response in self.sessions.WatchBrowserSession(request, metadata=self.metadata, timeout=patience):
            session = response.browser_session
            if reached(session):
                return
            if session.state == sessions_pb.BROWSER_SESSION_STATE_CLOSED:
                raise RuntimeError(f"session {session_id} closed: {session.close_message}")


@contextlib.asynccontextmanager
async def product(control_plane: ControlPlane) -> AsyncIterator[Product]:
    """The API of a control plane on a channel of its own."""
    async with grpc.aio.insecure_channel(control_plane.address) as channel:
        yield Product(channel, control_plane.api_key)


async def plain_context(playwright: Playwright, browser: Path, directory: str) -> BrowserContext:
    """The same browser with Playwright's own settings, in a directory of its own."""
    return await playwright.chromium.launch_persistent_context(
        directory, executable_path=browser, headless=True, chromium_sandbox=os.geteuid() != 0,
        viewport={"width": 1280, "height": 720},
    )  # fmt: skip


def new_directory(root: Path) -> tempfile.TemporaryDirectory[str]:
    """A directory for a plain browser; it is removed with its context."""
    return tempfile.TemporaryDirectory(prefix="plain-", dir=root, ignore_cleanup_errors=True)
