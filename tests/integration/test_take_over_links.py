"""Links with which a person takes over: who may make them, what they open, for how long, and to whose pages."""

from __future__ import annotations

import asyncio
import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import keys_pb2, runs_pb2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from control_plane.config import Config
from control_plane.first_keys import ORGANIZATION_ID
from tests.api_calls import PATIENCE, close_session, get_run, minutes, run_task, running_session
from tests.conftest import api_on
from tests.fake_host import FakeHost
from tests.integration.test_cdp_turns import FakeTunnels, asks, tunnels
from tests.refusals import refused

__all__ = ["tunnels"]


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


class Link:
    """A link, and what its page does with it."""

    def __init__(self, made: pb.CreateTakeOverLinkResponse) -> None:
        self.page, _, self.token = made.url.partition("#")
        self.origin = "{0.scheme}://{0.netloc}".format(urlsplit(made.url))

    async def state(self, token: str | None = None, **headers: str) -> httpx.Response:
        token = self.token if token is None else token
        async with httpx.AsyncClient() as http:
            return await http.get(f"{self.page}/state", headers={"x-take-over-token": token, **headers})

    async def answer(self, body: object, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient() as http:
            headers = {"x-take-over-token": self.token, **headers}
            return await http.post(f"{self.page}/answer", json=body, headers=headers)

    def attach(self, origin: str | None = "", token: str | None = None):
        offered = ["tabkeep.take-over", f"tabkeep.token.{self.token if token is None else token}"]
        origin = self.origin if origin == "" else origin
        return connect(f"{self.page.replace('http', 'ws', 1)}/cdp", origin=origin, subprotocols=offered)


async def make(api, session_id: str, **fields: object) -> Link:
    request = pb.CreateTakeOverLinkRequest(browser_session_id=session_id, **fields)
    return Link(await api.sessions.CreateTakeOverLink(request))


@pytest.fixture
async def session_id(api, host: FakeHost) -> str:
    return str((await running_session(api, host)).browser_session_id)


@pytest.fixture
async def link(api, session_id: str) -> Link:
    return await make(api, session_id)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def test_only_a_key_that_may_attach_makes_a_link_and_only_to_its_own_open_session(
    api, channel: grpc.aio.Channel, session_id: str
) -> None:
    async def why(**fields: object) -> str:
        return (await refused(api.sessions.CreateTakeOverLink(pb.CreateTakeOverLinkRequest(**fields)))).reason

    assert await why(browser_session_id="pbs_none") == "SESSION_NOT_FOUND"
    for lifetime in (minutes(0.9), minutes(61)):
        assert await why(browser_session_id=session_id, lifetime=lifetime) == "FIELD_INVALID"
    spec = keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_API, organization_id=ORGANIZATION_ID)
    weak = api_on(channel, (await api.keys.CreateKey(spec)).secret)
    request = pb.CreateTakeOverLinkRequest(browser_session_id=session_id)
    assert (await refused(weak.sessions.CreateTakeOverLink(request))).reason == "SCOPE_MISSING"
    await close_session(api, session_id)
    assert await why(browser_session_id=session_id) == "SESSION_CLOSED"


async def test_a_link_opens_its_session_until_it_ends_and_no_other_token_does(
    api, host: FakeHost, link: Link, session_id: str, advance
) -> None:
    shown = (await link.state()).json()
    assert (shown["turn"], shown["run"]) == ("free", None)
    path, _, view = shown["page"].partition("?view=")
    assert path == f"/browser-session/{session_id}"
    expiry, key_id, mac = link.token.split("-")
    later = f"{int(expiry, 16) + 3600:x}"
    for token in ("", view, f"{later}-{key_id}-{mac}", f"{expiry}-{'a' * 16}-{mac}", link.token[:-1]):
        assert code(await link.state(token)) == (403, "LINK_INVALID")
        with pytest.raises(InvalidStatus) as denied:
            await link.attach(token=token)
        assert denied.value.response.status_code == 403
    other = await make(api, str((await running_session(api, host)).browser_session_id))
    assert code(await link.state(other.token)) == (403, "LINK_INVALID")
    short = await make(api, session_id, lifetime=minutes(1))
    await advance(timedelta(minutes=2))
    assert code(await short.state()) == (403, "LINK_EXPIRED")
    assert (await link.state()).status_code == 200
    async with httpx.AsyncClient(base_url=link.origin) as http:
        assert (await http.get(f"{path}?view={view}")).status_code == 200
        assert (await http.get(f"{path}?view={link.token}")).status_code == 403


async def test_a_link_ends_with_the_key_that_made_it(
    api, channel: grpc.aio.Channel, tunnels: FakeTunnels, session_id: str
) -> None:
    spec = keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_CDP, organization_id=ORGANIZATION_ID)
    made = await api.keys.CreateKey(spec)
    link = await make(api_on(channel, made.secret), session_id)
    dialing = asyncio.create_task(link.attach().__aenter__())
    await tunnels.dial(await tunnels.asked())
    client = await asyncio.wait_for(dialing, PATIENCE)
    await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=made.key.key_id))
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), PATIENCE)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, f"key {made.key.key_id} is revoked")
    assert code(await link.state()) == (403, "KEY_INVALID")


async def test_its_page_attaches_through_the_sessions_turn_and_is_told_when_it_may_not(
    api, tunnels: FakeTunnels, link: Link, session_id: str
) -> None:
    dialing = asyncio.create_task(link.attach().__aenter__())
    call = await tunnels.dial(await tunnels.asked())
    client = await asyncio.wait_for(dialing, PATIENCE)
    assert client.subprotocol == "tabkeep.take-over"
    await client.send("hello")
    assert (await asyncio.wait_for(call.read(), PATIENCE)).frame.content == b"hello"
    assert (await link.state()).json()["turn"] == "client"
    async with link.attach() as second:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(second.recv(), PATIENCE)
    assert closed.value.rcvd.code == 1008
    assert closed.value.rcvd.reason.startswith("SESSION_BUSY: ")
    await client.close()


async def test_pages_of_other_sites_can_do_nothing_with_a_link(link: Link) -> None:
    for origin in (None, "https://evil.example", "null", link.origin + ".evil.example"):
        with pytest.raises(InvalidStatus) as denied:
            await link.attach(origin=origin)
        assert denied.value.response.status_code == 403
        assert b"ORIGIN_NOT_ALLOWED" in denied.value.response.body
    assert code(await link.state(origin="https://evil.example")) == (403, "ORIGIN_NOT_ALLOWED")
    assert code(await link.answer({}, origin="https://evil.example")) == (403, "ORIGIN_NOT_ALLOWED")
    assert (await link.state(origin=link.origin)).status_code == 200
    async with httpx.AsyncClient() as http:
        preflight = await http.options(f"{link.page}/answer", headers={"origin": "https://evil.example"})
        page = await http.get(link.page)
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe" not in policy
    for part in ("script", "style"):
        [body] = re.findall(rf"<{part}>(.*?)</{part}>", page.text, re.DOTALL)
        assert f"{part}-src 'sha256-{b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" in policy
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page.text)


async def test_an_answer_by_link_is_the_runs_answer(api, host: FakeHost, link: Link, session_id: str) -> None:
    assert code(await link.answer({"approval_id": "pay", "approved": True})) == (409, "NO_APPROVAL_PENDING")
    run = await run_task(api, session_id)
    begun = await host.begin_run()
    assert (await link.state()).json()["turn"] == "run"
    await host.report(begun, asks(1, "captcha", runs_pb2.APPROVAL_KIND_TAKE_OVER))
    shown = (await link.state()).json()
    assert shown["turn"] == "lent"
    assert shown["run"]["asks"] == {"approval_id": "captcha", "message": "go on?", "take_over": True}
    async with httpx.AsyncClient(base_url=link.origin) as http:
        assert f"tabkeep session take-over {session_id}" in (await http.get(shown["page"])).text
    for body in ({}, [], {"approval_id": "captcha"}, {"approval_id": "captcha", "approved": "yes"}):
        assert code(await link.answer(body)) == (422, "ANSWER_INVALID")
    assert code(await link.answer({"approval_id": "other", "approved": True})) == (409, "NO_APPROVAL_PENDING")
    assert (await link.answer({"approval_id": "captcha", "approved": True})).status_code == 200
    told = (await host.command("resolve_approval")).resolve_approval
    assert (told.approval_id, told.approved, told.comment) == ("captcha", True, "on the take-over page")
    shown = (await link.state()).json()
    assert (shown["turn"], shown["run"]["asks"]) == ("run", None)
    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_PAUSED
