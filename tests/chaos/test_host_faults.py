"""Some faults of real hosts with real Chromium, once each; `make chaos` does all of them many times."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest

from tests.chaos import host_faults, link_faults
from tests.chaos.deadlines import Watched, judged
from tests.chaos.fault_proxy import BOTH, FaultProxy
from tests.chaos.outcomes import NotPossibleHere
from tests.chaos.scene import a_scene
from tests.chaos.site import CountingSite

FAULTS = {**host_faults.FAULTS, **link_faults.FAULTS}
SHORT = (
    "kill -9 of the host and its guardian",
    "kill -9 of a renderer",
    "SIGSTOP of the host, its session closed meanwhile",
    "host killed at: step done",
    "control plane killed at: event committed",
    "control plane killed at: command committed",
    "wall clocks of both stepped",
    "host id duplicated",
    "host drained under a run",
    "disk of the host full",
    "old control plane comes back to a host",
)
"""Those that no other test does, as far as they take a few seconds."""


@pytest.mark.parametrize("fault", SHORT)
async def test_the_host_survives(fault, tmp_path):
    try:
        await FAULTS[fault](tmp_path, random.Random(1))
    except NotPossibleHere as missing:
        pytest.skip(str(missing))


# The checkers themselves: each must be able to fail.


async def test_a_press_too_many_is_noticed(tmp_path):
    async with a_scene(tmp_path, random.Random(1)) as scene:
        scene.site.effects["key", 1] += 2
        with pytest.raises(AssertionError, match="pressed more than once"):
            await scene.check()


async def test_what_a_host_left_is_noticed(tmp_path):
    async with a_scene(tmp_path, random.Random(1)) as scene:
        host = await scene.start_host()
        host.remember()
        assert len(host.children()) == 2
        left = host.left()
        assert any("guardian.py" in words for words in left)
        assert any("driver/node" in words for words in left)
        (host.data_dir / "host" / "browsers" / "7-abc").mkdir()
        assert any("7-abc" in words for words in host.left())
        host.guardian().suspend()
        await host.kill()
        assert any("guardian.py" in words for words in host.left())
        assert not any("faulty_host" in words for words in host.left())


def test_a_session_that_was_closed_or_ended_too_late_is_noticed():
    def watched(closed: float, dead: float) -> list[Watched]:
        late = {"closed": closed, "dead": dead}
        kinds = ("idle", "busy", "hung", "frozen", "cut off")
        return [Watched("pbs_1", kind, None, 1, 0.0, [], late) for kind in kinds]

    assert judged(watched(0.1, 1.9)).startswith("5 sessions, CLOSED at most 0.10 s after")
    for late in ((1.1, 1.9), (0.1, 3.1), (0.1, -1.0)):
        with pytest.raises(AssertionError):
            judged(watched(*late))


# The proxy and the site.


async def echo(reader, writer):
    while piece := await reader.read(100):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def test_the_proxy_holds_heals_and_resets():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(20), FaultProxy(f"127.0.0.1:{port}") as proxy:
        host, _, front = proxy.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(front))
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        for direction in BOTH:
            proxy.hold(direction)
            writer.write(b"two")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readexactly(3), 0.2)
            proxy.heal()
            assert await reader.readexactly(3) == b"two"
        proxy.hold_what_is_open()
        writer.write(b"lost")
        newer, newer_writer = await asyncio.open_connection(host, int(front))
        newer_writer.write(b"new")
        assert await newer.readexactly(3) == b"new"
        assert proxy.connections == 2
        assert proxy.reset() == 2
        with pytest.raises(ConnectionResetError):
            await newer.readexactly(1)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.close()
        newer_writer.close()
    server.close()


async def test_the_site_counts_each_press_and_no_look():
    async with CountingSite() as site:
        host, _, port = site.url.removeprefix("http://").rpartition(":")
        for method, path in (("GET", "/press/k/3"), ("POST", "/effect/k/2"), ("POST", "/effect/k/2")):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            assert answer.startswith("HTTP/1.1 200 OK")
            assert ("press 3" in answer) == (method == "GET")
            writer.close()
        await site.until_pressed("k", 2, seconds=1)
        assert site.effects == {("k", 2): 2}


async def test_a_failpoint_kills_its_program_and_nothing_else_does(tmp_path):
    async with a_scene(tmp_path, random.Random(1)) as scene:
        host = scene.a_host()
        await host.start(CHAOS_DIE_AT="no such point:1")
        await scene.attached(host)
        assert await host.stop() == 0
        await host.start(CHAOS_DIE_AT="command received:1")
        await scene.attached(host)
        await scene.client.create_browser_session()
        assert await host.ended() == -signal.SIGKILL
