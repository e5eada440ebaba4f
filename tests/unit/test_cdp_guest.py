"""CDP clients on the host: one at a time, never beside a run, and gone with their session."""

from __future__ import annotations

import asyncio
import json

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2

from browser_host.browser import BrowserGone
from browser_host.cdp_guest import TunnelLost
from browser_host.messages import CancelRun, OpenTunnel, Placement
from tests.host_fakes import FakeBrowser, HostParts, a_host, attached, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)
EVALUATE = json.dumps({"id": 1, "method": "Runtime.evaluate", "params": {}}, separators=(",", ":"))


class FakeTunnel:
    """The way to one client, which says what the test puts into `says`."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.cause = ""
        self.says: asyncio.Queue[str] = asyncio.Queue()
        self.heard: list[str] = []
        self.ended = False

    async def open(self, failure: str = "") -> None:
        self.failure = failure

    async def send(self, text: str) -> None:
        self.heard.append(text)

    async def receive(self) -> str:
        if text := await self.says.get():
            return text
        raise TunnelLost("the test ended it")

    async def end(self, cause: str) -> None:
        self.cause = cause

    async def close(self) -> None:
        self.ended = True


class FakeTunnels:
    """All tunnels that the host dialed."""

    def __init__(self) -> None:
        self.dialed: dict[str, FakeTunnel] = {}

    def dial_tunnel(self, placement: Placement, tunnel_id: str) -> FakeTunnel:
        assert placement == ONE
        return self.dialed.setdefault(tunnel_id, FakeTunnel())


class FakeChannel:
    """A connection to a browser; it takes a second to close."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.says: asyncio.Queue[str] = asyncio.Queue()
        self.open = True
        self.close_seconds = 1.0

    async def send(self, text: str) -> None:
        assert self.open, "the browser was told something after the end"
        self.told.append(text)

    async def receive(self) -> str:
        if text := await self.says.get():
            return text
        raise BrowserGone("the test ended it")

    async def close(self) -> None:
        await asyncio.sleep(self.close_seconds)
        self.open = False


class Scene:
    """A host with one session and the channels that clients got to its browser."""

    def __init__(self) -> None:
        self.tunnels = FakeTunnels()
        self.channels: list[FakeChannel] = []
        self.parts: HostParts = a_host(tunnels=self.tunnels)

    async def open_cdp(self) -> FakeChannel:
        self.channels.append(FakeChannel())
        return self.channels[-1]

    def browser(self) -> FakeBrowser:
        (browser,) = self.parts.launcher.alive()
        browser.open_cdp = self.open_cdp
        return browser

    async def joined(self, tunnel_id: str) -> FakeTunnel:
        await until(
            lambda: tunnel_id in self.tunnels.dialed and self.tunnels.dialed[tunnel_id].failure is not None,
            f"tunnel {tunnel_id}",
        )
        return self.tunnels.dialed[tunnel_id]


@virtual_time
async def test_a_client_and_a_browser_hear_each_other_through_the_gate() -> None:
    scene = Scene()
    async with attached(scene.parts) as (_, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        assert tunnel.failure == ""
        tunnel.says.put_nowait(EVALUATE)
        tunnel.says.put_nowait('{"id":2,"method":"Browser.close"}')
        (channel,) = scene.channels
        channel.says.put_nowait('{"id":1,"result":{}}')
        await until(lambda: len(tunnel.heard) == 2, "both answers")
        assert channel.told == [EVALUATE]
        assert {json.loads(text)["id"] for text in tunnel.heard} == {1, 2}
        tunnel.says.put_nowait("")
        await until(lambda: tunnel.ended, "the end")
        assert not channel.open


@virtual_time
async def test_a_run_begins_when_the_client_can_do_nothing_any_more() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        assert not scene.channels[0].open
        assert tunnel.ended
        tunnel.says.put_nowait(EVALUATE)
        await control_plane.finished("tsk_1")
        assert scene.channels[0].told == []


@virtual_time
async def test_a_client_waits_for_the_run_that_is_just_ending_and_no_longer() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        parts.engine.step_seconds = 2.0
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        control_plane.send(OpenTunnel(ONE, "t1"))
        assert (await scene.joined("t1")).failure == ""
        assert "tsk_1" in control_plane.events
        assert control_plane.events["tsk_1"][-1].HasField("run_finished")
        parts.engine.hold = asyncio.Event()
        control_plane.command(ONE, StartRun(run_id="tsk_2"))
        await until(lambda: len(parts.engine.acted) == 2, "the next run's first step")
        control_plane.send(OpenTunnel(ONE, "t2"))
        assert (await scene.joined("t2")).failure == "a run has the session's turn"
        assert len(scene.channels) == 1
        parts.engine.hold.set()
        await control_plane.finished("tsk_2")


@virtual_time
async def test_a_client_comes_in_beside_a_run_that_lends_its_turn_and_is_gone_before_it_goes_on() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        parts.engine.hold, parts.engine.lends = asyncio.Event(), True
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        assert tunnel.failure == ""
        parts.engine.hold.set()
        await control_plane.finished("tsk_1")
        assert not scene.channels[0].open
        assert tunnel.cause == "the run has its turn back"


@virtual_time
async def test_a_client_that_comes_when_the_turn_is_taken_back_is_refused() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        parts.engine.hold, parts.engine.lends, parts.engine.steps = asyncio.Event(), True, 2
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        parts.engine.lends, parts.engine.step_seconds = False, 60.0
        parts.engine.hold.set()
        await until(lambda: len(parts.engine.acted) == 2, "the run's second step")
        control_plane.send(OpenTunnel(ONE, "t1"))
        assert (await scene.joined("t1")).failure == "a run has the session's turn"
        assert scene.channels == []


@virtual_time
async def test_a_run_that_is_canceled_while_it_lends_its_turn_sends_the_client_away() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        parts.engine.hold, parts.engine.lends = asyncio.Event(), True
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        control_plane.command(ONE, CancelRun("tsk_1"))
        await control_plane.finished("tsk_1")
        await until(lambda: tunnel.ended, "the client's end")
        assert tunnel.cause == "the run that asked for a person ends"
        assert not scene.channels[0].open


@virtual_time
async def test_a_session_that_ends_while_its_turn_is_lent_ends_the_client_before_its_browser() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        browser = scene.browser()
        parts.engine.hold, parts.engine.lends = asyncio.Event(), True
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        await until(lambda: parts.engine.acted, "the run's first step")
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        await control_plane.close(ONE)
        assert tunnel.ended
        assert not scene.channels[0].open
        assert not browser.alive
        ended = await control_plane.finished("tsk_1")
        assert ended.failure_reason == runs_pb2.FAILURE_REASON_SESSION_CLOSED


@virtual_time
async def test_a_run_does_nothing_beside_a_client_that_cannot_be_made_to_leave() -> None:
    scene = Scene()
    async with attached(scene.parts) as (parts, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        control_plane.send(OpenTunnel(ONE, "t1"))
        await scene.joined("t1")
        scene.channels[0].close_seconds = 60.0
        control_plane.command(ONE, StartRun(run_id="tsk_1"))
        ended = await control_plane.finished("tsk_1")
        assert ended.failure_reason == runs_pb2.FAILURE_REASON_CDP_CLIENT_STAYED
        assert parts.engine.acted == []


@virtual_time
async def test_a_second_client_comes_in_when_the_first_has_gone() -> None:
    scene = Scene()
    async with attached(scene.parts) as (_, control_plane):
        await control_plane.launch(ONE)
        scene.browser()
        control_plane.send(OpenTunnel(ONE, "t1"))
        first = await scene.joined("t1")
        control_plane.send(OpenTunnel(ONE, "t2"))
        assert (await scene.joined("t2")).failure == ""
        assert first.ended
        assert [channel.open for channel in scene.channels] == [False, True]


@virtual_time
async def test_a_session_that_ends_ends_its_client_before_its_browser() -> None:
    scene = Scene()
    async with attached(scene.parts) as (_, control_plane):
        await control_plane.launch(ONE)
        browser = scene.browser()
        control_plane.send(OpenTunnel(ONE, "t1"))
        tunnel = await scene.joined("t1")
        await control_plane.close(ONE)
        assert tunnel.ended
        assert not scene.channels[0].open
        assert not browser.alive


@virtual_time
async def test_another_placements_tunnel_is_not_dialed_and_a_browser_that_takes_nobody_is_said() -> None:
    scene = Scene()
    async with attached(scene.parts) as (_, control_plane):
        await control_plane.launch(ONE)
        control_plane.send(OpenTunnel(Placement("pbs_1", 6), "stale"))
        control_plane.send(OpenTunnel(ONE, "t1"))
        assert "speaks no CDP" in ((await scene.joined("t1")).failure or "")
        assert list(scene.tunnels.dialed) == ["t1"]
