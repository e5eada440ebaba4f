"""The real thing: `tabkeep up` with a real browser, the demo site, and a client."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tabkeep import Client
from tabkeep.records.sessions import BrowserSession

from demo.site import DemoSite
from tests.conftest import passable_directory

START_SECONDS, STOP_SECONDS = 60.0, 20.0
POLL_SECONDS = 0.02


@dataclass
class Stack:
    """A control plane and a host on this machine."""

    grpc_address: str
    api_key: str
    data_dir: Path
    control_plane_pid: int
    host_pid: int
    http_url: str

    def browsers(self) -> list[psutil.Process]:
        """Every process of every browser that this stack's host has started."""
        directory = (self.data_dir / "host" / "browsers").resolve()
        marks = (f"--user-data-dir={directory}", f"--database={directory}")
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(part.startswith(marks) for part in process.info["cmdline"] or [])
        ]


async def gone(client: Client, browser_session_id: str) -> BrowserSession:
    """The session once its host has said that the browser is gone."""
    async with asyncio.timeout(15):
        while True:
            session = await client.get_browser_session(browser_session_id)
            if session.browser_gone_time is not None:
                return session
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def running_stack(data_dir: Path, *options: str) -> AsyncIterator[Stack]:
    """`tabkeep up` on a free port; ends it with SIGTERM, and it must end well."""
    free = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
    up = ["up", "--json", "--data-dir", str(data_dir), *free, *options]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tabkeep", *up, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
        assert line, "tabkeep up ended before it was ready"
        ready = json.loads(line)
        yield Stack(
            ready["grpc_address"],
            (await asyncio.to_thread(Path(ready["api_key_file"]).read_text)).strip(),
            data_dir,
            ready["control_plane_pid"],
            ready["host_pid"],
            f"http://{ready['http_address']}",
        )
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        status = await asyncio.wait_for(process.wait(), STOP_SECONDS)
    assert status == 0


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """One stack for all tests that do not break it."""
    with passable_directory() as directory:
        async with running_stack(directory / "data") as running:
            yield running


@pytest.fixture(scope="session")
async def client(stack: Stack) -> AsyncIterator[Client]:
    """A client of the stack."""
    async with Client(api_key=stack.api_key, address=stack.grpc_address) as opened:
        yield opened


@pytest.fixture
async def site() -> AsyncIterator[DemoSite]:
    """A demo site of the test's own."""
    async with DemoSite() as running:
        yield running
