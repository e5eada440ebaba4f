"""Sessions that ask for Edge. No Edge can be had where these tests run: a Chromium stands in Edge's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import tabkeep
from tabkeep import Client
from tabkeep.records.administration import HostState
from tabkeep.records.sessions import BrowserSessionState

from browser_host import launch
from browser_host.messages import BrowserType
from tests.end_to_end import programs
from tests.waiting import until


@asynccontextmanager
async def a_site() -> AsyncIterator[tuple[str, list[str]]]:
    """A page, and the user agents that have asked for it."""
    agents: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        agents.extend(line.partition(": ")[2] for line in head.splitlines() if line.startswith("User-Agent: "))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", agents
    finally:
        server.close()


async def test_edge_sessions_go_to_the_host_that_has_edge_and_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = launch.find_browsers()
    if any(one.browser_type is BrowserType.MSEDGE for one in found):
        pytest.skip("this machine has Edge: every host here would offer it")
    edge = tmp_path / "msedge"
    edge.symlink_to(next(one.executable for one in found if one.browser_type is BrowserType.CHROME))
    for name in ("a", "b"):
        (tmp_path / name).mkdir(mode=0o711)
    monkeypatch.setenv("TABKEEP_FIRST_HOST_TOKEN_FOR", "*")
    control_plane, address = await programs.start_control_plane(tmp_path)
    key = (tmp_path / "api-key").read_text().strip()
    token = {"TABKEEP_HOST_TOKEN_FILE": str(tmp_path / "host-token")}
    hosts = []
    try:
        async with Client(api_key=key, address=address) as client, a_site() as (url, agents):
            hosts.append(await programs.start_host(tmp_path / "a", address, TABKEEP_HOST_ID="without", **token))
            await attached(client, 1)
            with pytest.raises(tabkeep.BrowserNotOffered, match="no host offers msedge; offered are: without: chrome"):
                await client.create_browser_session(browser_type="msedge")
            named = {"TABKEEP_MSEDGE": str(edge), "TABKEEP_HOST_ID": "with"}
            hosts.append(await programs.start_host(tmp_path / "b", address, **named, **token))
            await attached(client, 2)
            # The host without Edge is the emptier one for the second session.
            for _ in range(2):
                session = await client.create_browser_session(browser_type="msedge", url=url)
                states = client.watch_browser_session(session.browser_session_id)
                shown = await anext(
                    update.browser_session
                    async for update in states
                    if update.browser_session.state is BrowserSessionState.RUNNING
                )
                assert shown.host_id == "with"
            assert len(agents) >= 2
            assert all(" Edg/" in agent for agent in agents)
    finally:
        await programs.end(*hosts, control_plane)


async def attached(client: Client, count: int) -> None:
    """Return once so many hosts take sessions."""

    async def so() -> bool:
        return sum(host.state is HostState.READY for host in await client.list_hosts()) >= count

    await until(so, f"{count} hosts are ready", 60)
