"""What a session's browser may reach, and how: asked for over the API, kept, shown, told to the host, changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import runs_pb2

from control_plane import proxy_locations
from control_plane.clock import SystemClock
from control_plane.config import Config, ConfigInvalid
from control_plane.server import serve
from tests.conftest import api_on
from tests.fake_host import FakeHost
from tests.refusals import refused

LOCATIONS = """
RESIDENTIAL_GB:
  servers:
    - {url: "http://gb.proxy.example:7000", username: customer, password_file: gb-password}
US-CA:
  servers: [{url: "socks5://10.0.0.7:1080"}]
  geolocation: {latitude: 37.77, longitude: -122.42}
  locale: es-US
"""


@pytest.fixture
def config(config: Config) -> Config:
    """With two locations."""
    config.data_dir.mkdir(parents=True, exist_ok=True)
    path = config.data_dir / "proxy-locations.yaml"
    path.write_text(LOCATIONS)
    (config.data_dir / "gb-password").write_text("location-secret\n")
    return replace(config, proxy_locations=path)


def a_proxy(**more: object) -> pb.ProxyServer:
    given = {
        "url": "http://Proxy.Example:3128/",
        "username": "me",
        "password": "own-secret",
        "bypass": ["*.corp.example"],
    }
    return pb.ProxyServer(**{**given, **more})  # type: ignore[arg-type]


async def created(api, **fields):
    return (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(**fields))).browser_session


async def got(api, session):
    request = pb.GetBrowserSessionRequest(browser_session_id=session.browser_session_id)
    return (await api.sessions.GetBrowserSession(request)).browser_session


async def updated(api, session, *paths: str, **fields):
    request = pb.UpdateBrowserSessionRequest(
        browser_session_id=session.browser_session_id, update_mask=FieldMask(paths=paths), **fields
    )
    return (await api.sessions.UpdateBrowserSession(request)).browser_session


def everything_on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


async def test_a_proxy_reaches_the_host_whole_and_callers_and_the_disk_never_see_its_credentials(
    api, host, config, caplog
):
    session = await created(
        api, proxy=a_proxy(), allowed_domains=["Bücher.example", "[2001:DB8::7]:8443"], blocked_domains=["ads.example"]
    )

    launch = (await host.launch()).launch
    assert (launch.network.proxy.url, launch.network.proxy.username) == ("http://proxy.example:3128", "me")
    assert (launch.network.proxy.password, launch.network.proxy.trusted) == ("own-secret", False)
    assert list(launch.network.allowed_domains) == ["xn--bcher-kva.example", "[2001:db8::7]:8443"]
    for answer in (session, await got(api, session)):
        assert answer.proxy == pb.ProxyServer(url="http://proxy.example:3128", bypass=["*.corp.example"])
        assert list(answer.blocked_domains) == ["ads.example"]
    assert b"own-secret" not in everything_on_disk(config.data_dir)
    assert "own-secret" not in caplog.text


async def test_a_location_brings_its_proxy_time_zone_locale_and_place(api, host):
    session = await created(api, proxy_location="US-CA")
    network = (await host.launch()).launch.network
    assert (network.proxy.url, network.proxy.trusted) == ("socks5://10.0.0.7:1080", True)
    assert (network.time_zone, network.locale) == ("America/Los_Angeles", "es-US")
    assert network.geolocation == pb.Geolocation(latitude=37.77, longitude=-122.42, accuracy=100)
    assert (session.proxy_location, session.time_zone, session.HasField("proxy")) == (
        "US-CA", "America/Los_Angeles", False
    )  # fmt: skip

    other = await created(api, proxy_location="RESIDENTIAL_GB")
    network = (await host.launch()).launch.network
    assert (network.proxy.username, network.proxy.password) == ("customer", "location-secret")
    assert (other.time_zone, other.locale) == ("Europe/London", "en-GB")


async def test_no_network_is_told_to_a_host_when_none_was_asked_for(api, host):
    await created(api, proxy_location="NONE")
    assert not (await host.launch()).launch.HasField("network")


async def test_a_location_that_is_not_configured_is_refused_with_those_that_are(api, host):
    refusal = await refused(created(api, proxy_location="RESIDENTIAL_FR"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROXY_LOCATION_NOT_CONFIGURED")
    assert "configured are: RESIDENTIAL_GB, US-CA" in refusal.message
    refusal = await refused(created(api, proxy_location="next door"))
    assert "RESIDENTIAL_GB, US-CA" in refusal.fields["proxy_location"]


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"proxy": a_proxy(url="")}, "proxy.url", "http://host:port"),
        ({"proxy": a_proxy(url="ftp://p.example:21")}, "proxy.url", "socks5://host:port"),
        ({"proxy": a_proxy(url="http://p.example")}, "proxy.url", "host:port"),
        ({"proxy": a_proxy(url="http://p.example:99999")}, "proxy.url", "host:port"),
        ({"proxy": a_proxy(url="http://p.example:1/path")}, "proxy.url", "host:port"),
        ({"proxy": a_proxy(url="http://me:own-secret@p.example:1")}, "proxy.url", "fields of their own"),
        ({"proxy": a_proxy(username="x" * 256)}, "proxy.username", "255"),
        ({"proxy": a_proxy(password="own-secret\r\nX: y")}, "proxy.password", "control characters"),
        ({"proxy": a_proxy(username="a:b")}, "proxy.username", "':'"),
        ({"proxy": a_proxy(username="")}, "proxy.username", "must be given"),
        ({"proxy": a_proxy(bypass=["*"])}, "proxy.bypass[0]", "no destination"),
        ({"proxy": a_proxy(), "proxy_location": "US-CA"}, "proxy_location", "choose one"),
        ({"allowed_domains": ["good.example", "http://x.example/"]}, "allowed_domains[1]", "no destination"),
        ({"allowed_domains": ["0x7f.1"]}, "allowed_domains[0]", "no destination"),
        ({"blocked_domains": ["x.example"] * 1001}, "blocked_domains", "1000"),
    ],
)
async def test_what_is_wrong_is_named_by_its_field_and_never_repeats_a_password(api, fields, field, words):
    refusal = await refused(created(api, **fields))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert words in refusal.fields[field]
    assert "own-secret" not in refusal.message + str(refusal.fields)
    with_run = runs_pb2.RunTaskRequest(prompt="x", browser_session=pb.CreateBrowserSessionRequest(**fields))
    assert words in (await refused(api.runs.RunTask(with_run))).fields[f"browser_session.{field}"]


async def test_a_run_opens_its_session_with_the_network_it_asks_for(api, host):
    request = runs_pb2.RunTaskRequest(
        prompt="Go to https://a.example", browser_session=pb.CreateBrowserSessionRequest(proxy=a_proxy())
    )
    await api.runs.RunTask(request)
    assert (await host.launch()).launch.network.proxy.password == "own-secret"


async def test_a_live_sessions_network_is_changed_as_the_mask_says_and_its_host_is_told(api, host):
    session = await created(api, proxy_location="US-CA", allowed_domains=["a.example"])
    await host.launch()

    changed = await updated(api, session, "proxy", "blocked_domains", proxy=a_proxy(), blocked_domains=["b.example"])

    command = await host.command("set_network")
    assert (command.set_network.proxy.password, command.set_network.proxy.trusted) == ("own-secret", False)
    assert list(command.set_network.allowed_domains) == ["a.example"]
    assert list(command.set_network.blocked_domains) == ["b.example"]
    assert (changed.proxy_location, changed.proxy.url) == ("", "http://proxy.example:3128")
    assert changed.time_zone == "America/Los_Angeles", "that of the launch, which is still true"
    await host.done(command)

    changed = await updated(api, session, "proxy", "allowed_domains")
    assert not changed.HasField("proxy")
    assert not changed.allowed_domains
    command = await host.command("set_network")
    assert not command.set_network.HasField("proxy")
    assert list(command.set_network.blocked_domains) == ["b.example"]
    assert (await got(api, session)).blocked_domains == ["b.example"]


async def test_a_change_is_told_again_to_a_host_that_comes_back_before_it_answered(api, host):
    session = await created(api)
    launched = await host.launch()
    await updated(api, session, "blocked_domains", blocked_domains=["b.example"])
    first = await host.command("set_network")

    await host.attach()

    again = await host.command("set_network")
    assert again.command_id == first.command_id
    assert again.browser_session_id == launched.browser_session_id


async def test_a_change_of_a_session_that_waits_counts_at_its_launch(api, control_plane, host_token):
    session = await created(api)
    await updated(api, session, "proxy_location", proxy_location="US-CA")
    host = FakeHost(control_plane.address, host_token)
    await host.attach()
    network = (await host.launch()).launch.network
    assert (network.proxy.url, network.time_zone) == ("socks5://10.0.0.7:1080", "America/Los_Angeles")
    await host.vanish()


async def test_a_change_that_is_wrong_changes_nothing(api, host):
    session = await created(api, proxy=a_proxy())
    await host.launch()
    for paths, fields, field in (
        ((), {}, "update_mask"),
        (("labels",), {}, "update_mask"),
        (("proxy",), {"proxy": a_proxy(url="x")}, "proxy.url"),
        (("proxy", "proxy_location"), {"proxy": a_proxy(), "proxy_location": "US-CA"}, "proxy_location"),
    ):
        assert field in (await refused(updated(api, session, *paths, **fields))).fields
    refusal = await refused(updated(api, session, "proxy_location", proxy_location="RESIDENTIAL_FR"))
    assert refusal.reason == "PROXY_LOCATION_NOT_CONFIGURED"
    assert (await got(api, session)).proxy.url == "http://proxy.example:3128"
    await host.nothing_more("command")


async def test_a_closed_session_is_not_changed_and_keeps_no_credentials(api, host, config, control_plane):
    session = await created(api, proxy=a_proxy())
    await host.launch()
    await api.sessions.CloseBrowserSession(pb.CloseBrowserSessionRequest(browser_session_id=session.browser_session_id))
    refusal = await refused(updated(api, session, "proxy"))
    assert refusal.reason == "SESSION_CLOSED"
    stored = await control_plane.database.read(lambda tables: tables.sessions.get(session.browser_session_id))
    assert (stored.network_sealed, bool(stored.network)) == (b"", True)


async def test_a_proxy_that_fails_the_launch_closes_the_session_at_once_and_blames_no_host(api, host):
    session = await created(api, proxy=a_proxy())
    run = (
        await api.runs.RunTask(runs_pb2.RunTaskRequest(prompt="x", browser_session_id=session.browser_session_id))
    ).run
    for _ in range(6):
        await created(api, proxy=a_proxy(), queue_timeout={"seconds": 600})
    for number in range(7):
        command = await host.command("launch")
        await host.fail(command, "PROXY_FAILED", f"the proxy refused the user and password ({number})")
        await host.bury(command, pb.CLOSE_REASON_PROXY_FAILED)

    closed = await got(api, session)
    assert (closed.state, closed.close_reason) == (pb.BROWSER_SESSION_STATE_CLOSED, pb.CLOSE_REASON_PROXY_FAILED)
    assert closed.close_message == "the proxy refused the user and password (0)"
    ended = (await api.runs.GetRun(runs_pb2.GetRunRequest(run_id=run.run_id))).run
    assert (ended.status, ended.failure_reason) == (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_PROXY_FAILED)
    after = await created(api)
    assert after.state == pb.BROWSER_SESSION_STATE_LAUNCHING, "the host is not in quarantine"


async def test_a_session_of_before_a_restart_is_launched_with_its_proxy(config):
    async with serve(config, SystemClock) as first:
        key = (config.data_dir / "api-key").read_text().strip()
        async with grpc.aio.insecure_channel(first.address) as channel:
            session = await created(api_on(channel, key), proxy=a_proxy(), queue_timeout={"seconds": 600})
    async with serve(config, SystemClock) as second:
        host = FakeHost(second.address, (config.data_dir / "host-token").read_text().strip())
        await host.attach()
        launch = await host.launch()
        assert launch.browser_session_id == session.browser_session_id
        assert launch.launch.network.proxy.password == "own-secret"
        await host.vanish()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "must map names"),
        ("lower: {servers: [{url: 'http://p.example:1'}]}", "lower: a name is"),
        ("NONE: {servers: [{url: 'http://p.example:1'}]}", "not NONE"),
        ("A: {servers: []}", "A: servers must be a list"),
        ("A: {servers: [{url: 'http://u:secret-word@p.example:1'}]}", "A: servers[0]: user and password"),
        ("A: {servers: [{url: 'http://p.example:1', pasword: secret-word}]}", "servers[0]: pasword is unknown"),
        ("A: {servers: [{url: 'http://p.example:1', password_file: nowhere}]}", "nowhere"),
        ("A: {servers: [{url: 'http://p.example:1'}], time_zone: Mars/Base}", "time_zone 'Mars/Base' is unknown"),
        ("A: {servers: [{url: 'http://p.example:1'}], locale: '!'}", "locale '!'"),
        ("A: {servers: [{url: 'http://p.example:1'}], geolocation: {latitude: 91, longitude: 0}}", "-90 to 90"),
        ("A: {servers: [{url: 'http://p.example:1'}], bypass: ['*']}", "no destination"),
        ("A: [", "no YAML in line 1"),
    ],
)
def test_a_file_of_locations_that_is_wrong_is_refused_with_the_place(tmp_path, text, words):
    path = tmp_path / "locations.yaml"
    path.write_text(text)
    with pytest.raises(ConfigInvalid) as caught:
        proxy_locations.load(path)
    assert words in str(caught.value)
    assert "secret-word" not in str(caught.value)
