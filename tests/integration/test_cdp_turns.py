"""Whose turn it is: CDP clients and runs of one session, and the tunnels between clients and hosts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc
import httpx
import pytest
from tabkeep.host.v1 import host_pb2, tunnel_pb2, tunnel_pb2_grpc
from tabkeep.v1 import runs_pb2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from control_plane import server
from control_plane.config import Config
from control_plane.errors import PreconditionFailed
from control_plane.first_keys import ORGANIZATION_ID
from control_plane.http import cdp_socket
from control_plane.http.limits import Limits
from control_plane.moves import cdp_moves
from control_plane.server import ControlPlane
from tests.api_calls import PATIENCE, cancel_run, close_session, get_run, get_session, run_task, running_session
from tests.fake_host import FakeHost, run_finished
from tests.refusals import Refusal


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


class FakeTunnels:
    """The host's side of tunnels."""

    def __init__(self, channel: grpc.aio.Channel, token: str, host: FakeHost) -> None:
        self._stub = tunnel_pb2_grpc.HostTunnelServiceStub(channel)
        self._token = token
        self._host = host

    async def asked(self) -> host_pb2.OpenTunnel:
        asked: host_pb2.OpenTunnel = await self._host.receive("open_tunnel")
        return asked

    async def dial(self, asked: host_pb2.OpenTunnel, **other: object):
        call = self._stub.Tunnel(metadata=(("x-api-key", self._token),))
        header = {
            "host_id": self._host.host_id,
            "browser_session_id": asked.browser_session_id,
            "fence": asked.fence,
            "tunnel_id": asked.tunnel_id,
            **other,
        }
        await call.write(tunnel_pb2.TunnelRequest(header=tunnel_pb2.TunnelHeader(**header)))
        return call


@pytest.fixture
def tunnels(channel: grpc.aio.Channel, host_token: str, host: FakeHost) -> FakeTunnels:
    return FakeTunnels(channel, host_token, host)


@pytest.fixture
async def dial(api, api_key: str) -> AsyncIterator[Callable[[str], asyncio.Task[Any]]]:
    """Begin to connect a client to a session."""
    begun: list[asyncio.Task[Any]] = []

    async def connected(session_id: str):
        session = await get_session(api, session_id)
        return await connect(session.cdp_url, additional_headers={"x-api-key": api_key}, max_size=None)

    def begin(session_id: str) -> asyncio.Task[Any]:
        begun.append(asyncio.create_task(connected(session_id)))
        return begun[-1]

    yield begin
    for task in begun:
        if task.done() and task.exception() is None:
            await task.result().close()
        else:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def waiting(run: runs_pb2.Run) -> bool:
    return run.status in (runs_pb2.RUN_STATUS_CREATED, runs_pb2.RUN_STATUS_QUEUED)


async def connected(api, host: FakeHost, tunnels: FakeTunnels, dial) -> tuple[Any, Any, Any]:
    """A session's launch, a client that is attached to it, and the call through which its host speaks to the client."""
    launch = await running_session(api, host)
    dialing = dial(launch.browser_session_id)
    call = await tunnels.dial(await tunnels.asked())
    return launch, await asyncio.wait_for(dialing, PATIENCE), call


async def test_messages_of_any_size_go_both_ways_and_a_run_waits_for_the_end(
    api, host: FakeHost, tunnels: FakeTunnels, dial
) -> None:
    launch, client, call = await connected(api, host, tunnels, dial)
    await client.send("x" * 600_000)
    frames = [(await asyncio.wait_for(call.read(), PATIENCE)).frame for _ in range(3)]
    assert [(len(frame.content), frame.last) for frame in frames] == [(262144, False), (262144, False), (75712, True)]
    for frame in frames:
        await call.write(tunnel_pb2.TunnelRequest(frame=frame))
    assert await asyncio.wait_for(client.recv(), PATIENCE) == "x" * 600_000
    run = await run_task(api, launch.browser_session_id)
    assert waiting(run)
    assert (await get_session(api, launch.browser_session_id)).HasField("cdp_attach_time")
    await host.nothing_more("command")
    await client.close()
    begun = await host.begin_run()
    assert begun.start_run.run_id == run.run_id
    assert not (await get_session(api, launch.browser_session_id)).HasField("cdp_attach_time")


@pytest.fixture
def quick_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that soon asks its clients for a sign of life, and soon gives them up."""
    monkeypatch.setattr(server, "Limits", lambda: Limits(ping_seconds=0.2))


@pytest.mark.usefixtures("quick_pings")
async def test_a_client_that_is_stopped_gives_its_turn_to_the_run_that_waits(
    api, host: FakeHost, tunnels: FakeTunnels, dial
) -> None:
    launch, client, call = await connected(api, host, tunnels, dial)
    client.transport.pause_reading()  # as after SIGSTOP: its connection stays, and no ping is answered
    run = await run_task(api, launch.browser_session_id)
    begun = await host.begin_run()
    assert begun.start_run.run_id == run.run_id
    assert await asyncio.wait_for(call.read(), PATIENCE) is grpc.aio.EOF
    assert not (await get_session(api, launch.browser_session_id)).HasField("cdp_attach_time")
    client.transport.abort()


@pytest.mark.parametrize("turns", range(5))
async def test_a_client_that_goes_at_the_moment_its_session_changes_has_gone(
    api, host: FakeHost, tunnels: FakeTunnels, dial, control_plane: ControlPlane, turns: int
) -> None:
    launch, _, _ = await connected(api, host, tunnels, dial)
    (watching,) = [task for task in asyncio.all_tasks() if "CdpSocket._watch" in repr(task.get_coro())]
    await get_session(api, launch.browser_session_id)  # meanwhile the client's own look at the session is over
    control_plane.coordinator.feed.wake(launch.browser_session_id)
    for _ in range(turns):
        await asyncio.sleep(0)  # one turn of the loop, and no time: which of them the client goes in is the question
    watching.cancel()
    await asyncio.wait([watching], timeout=PATIENCE)
    assert watching.cancelled()


async def test_a_waiting_run_that_is_canceled_gives_the_next_one_no_turn_of_the_clients(
    api, host: FakeHost, control_plane: ControlPlane
) -> None:
    launch = await running_session(api, host)
    move = control_plane.coordinator.move
    await move(cdp_moves.attach, ORGANIZATION_ID, launch.browser_session_id, "cdp_1")
    first, second = [await run_task(api, launch.browser_session_id) for _ in range(2)]
    assert (await cancel_run(api, first.run_id)).status == runs_pb2.RUN_STATUS_CANCELED
    assert waiting(await get_run(api, second.run_id))
    await move(cdp_moves.detach, launch.browser_session_id, "cdp_1")
    assert (await host.begin_run()).start_run.run_id == second.run_id


def asks(seq: int, approval_id: str, kind: runs_pb2.ApprovalKind) -> runs_pb2.RunEvent:
    approval = runs_pb2.Approval(approval_id=approval_id, message="go on?", kind=kind)
    return runs_pb2.RunEvent(seq=seq, approval_requested=runs_pb2.ApprovalRequested(approval=approval))


def is_told(seq: int, approval_id: str) -> runs_pb2.RunEvent:
    return runs_pb2.RunEvent(seq=seq, approval_resolved=runs_pb2.ApprovalResolved(approval_id=approval_id))


async def test_a_run_lends_its_turn_only_while_a_person_is_to_take_over(
    api, host: FakeHost, control_plane: ControlPlane
) -> None:
    launch = await running_session(api, host)
    session_id = launch.browser_session_id
    move = control_plane.coordinator.move
    run = await run_task(api, session_id)
    begun = await host.begin_run()
    behind = await run_task(api, session_id)

    async def refused() -> None:
        with pytest.raises(PreconditionFailed) as busy:
            await move(cdp_moves.attach, ORGANIZATION_ID, session_id, "cdp_9")
        assert busy.value.reason == "SESSION_BUSY"
        assert busy.value.metadata["run_id"] == run.run_id

    async def answer(approval_id: str) -> None:
        told = runs_pb2.ResolveApprovalRequest(run_id=run.run_id, approval_id=approval_id, approved=True)
        await api.runs.ResolveApproval(told)
        await host.done(await host.command("resolve_approval"))

    await refused()
    await host.report(begun, asks(1, "pay", runs_pb2.APPROVAL_KIND_UNSPECIFIED))
    await refused()
    await answer("pay")
    await host.report(begun, is_told(2, "pay"), asks(3, "captcha", runs_pb2.APPROVAL_KIND_TAKE_OVER))
    await move(cdp_moves.attach, ORGANIZATION_ID, session_id, "cdp_1")
    held = (await get_session(api, session_id)).conditions[0]
    assert held.type == "CDP_CLIENT_ATTACHED"
    assert run.run_id in held.message
    await refused()
    await move(cdp_moves.detach, session_id, "cdp_1")
    await move(cdp_moves.attach, ORGANIZATION_ID, session_id, "cdp_2")
    await answer("captcha")
    await move(cdp_moves.detach, session_id, "cdp_2")
    await refused()  # the host has not said that the run goes on, but it will
    await host.report(begun, is_told(4, "captcha"), asks(5, "again", runs_pb2.APPROVAL_KIND_TAKE_OVER))
    await move(cdp_moves.attach, ORGANIZATION_ID, session_id, "cdp_3")
    await cancel_run(api, run.run_id)
    await host.done(await host.command("cancel_run"))
    await host.report(begun, run_finished(6, runs_pb2.RUN_STATUS_CANCELED))
    assert waiting(await get_run(api, behind.run_id))  # the client has not gone yet
    assert (await get_session(api, session_id)).active_run_id == ""
    await move(cdp_moves.detach, session_id, "cdp_3")
    assert (await host.begin_run()).start_run.run_id == behind.run_id


async def test_the_host_says_why_it_sends_a_client_away(api, host: FakeHost, tunnels: FakeTunnels, dial) -> None:
    _, client, call = await connected(api, host, tunnels, dial)
    await call.write(tunnel_pb2.TunnelRequest(end=tunnel_pb2.TunnelEnd(cause="the run goes on")))
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), PATIENCE)
    assert closed.value.rcvd.reason == "the run goes on"


async def test_fail_if_busy_counts_a_client_too(api, host: FakeHost, tunnels: FakeTunnels, dial) -> None:
    launch, _, _ = await connected(api, host, tunnels, dial)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await run_task(api, launch.browser_session_id, fail_if_busy=True)
    assert Refusal.of(refused.value).reason == "SESSION_BUSY"


async def test_the_turn_comes_back_when_the_host_does_not_dial(
    api, host: FakeHost, dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdp_socket, "JOIN_SECONDS", 0.2)
    launch = await running_session(api, host)
    with pytest.raises(InvalidStatus) as refused:
        await asyncio.wait_for(dial(launch.browser_session_id), PATIENCE)
    assert refused.value.response.status_code == 503
    assert b"HOST_UNREACHABLE" in refused.value.response.body
    await run_task(api, launch.browser_session_id)
    await host.begin_run()


async def test_what_the_host_says_against_it_is_told(api, host: FakeHost, tunnels: FakeTunnels, dial) -> None:
    launch = await running_session(api, host)
    dialing = dial(launch.browser_session_id)
    await tunnels.dial(await tunnels.asked(), failure="the browser is being closed")
    with pytest.raises(InvalidStatus) as refused:
        await asyncio.wait_for(dialing, PATIENCE)
    assert refused.value.response.status_code == 409
    assert b"the browser is being closed" in refused.value.response.body


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"tunnel_id": "0" * 32}, "STALE_FENCE"),
        ({"fence": 99}, "STALE_FENCE"),
        ({"browser_session_id": "pbs_other"}, "STALE_FENCE"),
        ({"host_id": "host-of-somebody"}, "STALE_FENCE"),
    ],
)
async def test_only_the_sessions_own_host_joins_a_client(
    api, host: FakeHost, tunnels: FakeTunnels, dial, other: dict[str, object], reason: str
) -> None:
    launch = await running_session(api, host)
    dialing = dial(launch.browser_session_id)
    asked = await tunnels.asked()
    call = await tunnels.dial(asked, **other)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asyncio.wait_for(call.read(), PATIENCE)
    assert Refusal.of(refused.value).reason == reason
    assert not dialing.done()
    await tunnels.dial(asked)
    await asyncio.wait_for(dialing, PATIENCE)
    again = await tunnels.dial(asked)
    with pytest.raises(grpc.aio.AioRpcError):
        await asyncio.wait_for(again.read(), PATIENCE)


async def test_a_tunnel_that_the_host_ends_ends_the_client(api, host: FakeHost, tunnels: FakeTunnels, dial) -> None:
    _, client, call = await connected(api, host, tunnels, dial)
    call.cancel()
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), PATIENCE)
    assert closed.value.rcvd.code == 1001


async def test_a_session_that_closes_ends_the_client_and_says_why(
    api, host: FakeHost, tunnels: FakeTunnels, dial
) -> None:
    launch, client, _ = await connected(api, host, tunnels, dial)
    assert not (await close_session(api, launch.browser_session_id)).HasField("cdp_attach_time")
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), PATIENCE)
    assert closed.value.rcvd.reason == "the session is closed: closed on request"


async def test_a_host_that_does_not_read_slows_the_client_down_and_nothing_is_lost(
    api, host: FakeHost, tunnels: FakeTunnels, dial
) -> None:
    _, client, call = await connected(api, host, tunnels, dial)
    texts = [f"{number}:" + "x" * 200_000 for number in range(150)]

    async def say() -> None:
        for text in texts:
            await client.send(text)

    saying = asyncio.create_task(say())
    heard = []
    while len(heard) < len(texts):
        heard.append((await asyncio.wait_for(call.read(), PATIENCE)).frame.content.decode())
    assert heard == texts
    await saying


async def test_the_clients_of_a_control_plane_that_was_started_again_have_lost_their_turns(
    api, host: FakeHost, control_plane: ControlPlane
) -> None:
    launch = await running_session(api, host)
    move = control_plane.coordinator.move
    await move(cdp_moves.attach, ORGANIZATION_ID, launch.browser_session_id, "cdp_1")
    with pytest.raises(PreconditionFailed):
        await move(cdp_moves.attach, ORGANIZATION_ID, launch.browser_session_id, "cdp_2")
    run = await run_task(api, launch.browser_session_id)
    await move(cdp_moves.detach, launch.browser_session_id, "cdp_2")
    assert waiting(await get_run(api, run.run_id))
    await move(cdp_moves.forget_clients)
    begun = await host.begin_run()
    await host.report(begun, run_finished(1))


async def test_no_socket_is_served_elsewhere_and_connections_stay_usable(
    control_plane: ControlPlane, api_key: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{control_plane.http_address}/v1/tabkeep/hosts", additional_headers={"x-api-key": api_key})
    assert refused.value.response.status_code == 404
    async with httpx.AsyncClient(base_url=f"http://{control_plane.http_address}") as http:
        assert (await http.get("/openapi.json")).status_code == 200
