"""A session's browser behind real proxies: all that a page does goes through them, and what they refuse is said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from browser_host import launch
from browser_host.browser import NavigationBlocked, NavigationFailed, NavigationProxyFailed
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.launch import FoundBrowser
from browser_host.messages import BrowserType, Geolocation, Network, Proxy
from browser_host.network import egress_policy
from browser_host.network.egress import Egress
from browser_host.open_browser import ProxyUnusable
from tests.launchers import a_launcher, an_open_browser
from tests.network_site import Site, a_certificate, serving
from tests.proxies import TestProxy, http_proxy, socks_proxy
from tests.waiting import until

SECONDS = 30.0
PAGE = b"""<!doctype html><title>All of it</title><link rel=stylesheet href=/style.css><img src=/picture.png>
<iframe src=/frame></iframe>
<script>
const done = [];
const say = name => done.push(name);
fetch('/fetched').then(() => say('fetch'));
const x = new XMLHttpRequest(); x.onload = () => say('xhr'); x.open('GET', '/xhr'); x.send();
fetch('/posted', {method: 'POST', body: 'x'.repeat(200000)}).then(() => say('post'));
const socket = new WebSocket(`${location.protocol == 'https:' ? 'wss' : 'ws'}://${location.host}/socket`);
socket.onmessage = () => say('websocket');
new Worker('/worker.js').onmessage = () => say('worker');
const source = new EventSource('/events'); source.onerror = () => { source.close(); say('events'); };
navigator.sendBeacon('/beacon', 'b');
if (navigator.serviceWorker) navigator.serviceWorker.register('/service.js').then(() => say('service worker'));
</script>"""
PAGES = {
    "/all": ("text/html", PAGE),
    "/worker.js": ("text/javascript", b"fetch('/from-worker').then(() => postMessage('done'))"),
    "/service.js": ("text/javascript", b"fetch('/from-service-worker')"),
    "/home": ("text/html", b"<title>Home</title><a href=http://other.test/next>next</a>"),
}
EVERYTHING = {"/style.css", "/picture.png", "/frame", "/fetched", "/xhr", "/posted", "/socket", "/worker.js"} | {
    "/from-worker", "/events", "/beacon"
}  # fmt: skip
OF_SECURE_PAGES = {"/service.js", "/from-service-worker"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext, str]:
    return a_certificate(tmp_path_factory.mktemp("certificate"), "shop.test", "other.test")


@pytest.fixture
async def site(certificate) -> AsyncIterator[Site]:
    async with serving(Site(dict(PAGES)), p80=("127.0.0.1", 0, None), p443=("127.0.0.1", 0, certificate[0])) as served:
        yield served


@pytest.fixture(scope="module")
async def launcher(tmp_path_factory: pytest.TempPathFactory, certificate) -> AsyncIterator[PlaywrightLauncher]:
    """Browsers that may reach this machine, and trust the test's certificate."""
    directory = tmp_path_factory.mktemp("host")
    chromium = launch.find_browsers()[0]
    trusting = directory / "chromium"
    trusting.write_text(
        f'#!/bin/sh\nexec {chromium.executable} --ignore-certificate-errors-spki-list={certificate[2]} "$@"\n'
    )
    trusting.chmod(0o700)
    found = [FoundBrowser(BrowserType.CHROME, chromium.product, chromium.version, trusting)]
    own = {"sandbox": os.geteuid() != 0, "users": None, "allow_private": egress_policy.patterns(["127.0.0.1"])}
    async with a_launcher(directory / "data", found, **own) as opened:
        yield opened


def a_browser(
    launcher: PlaywrightLauncher, network: Network
) -> contextlib.AbstractAsyncContextManager[PlaywrightBrowser]:
    return an_open_browser(launcher, seconds=60, network=network)


def through(proxy: TestProxy, scheme: str = "http", **more: object) -> Network:
    given = Proxy(f"{scheme}://127.0.0.1:{proxy.port}", proxy.username, proxy.password)
    return Network(proxy=replace(given, **more))  # type: ignore[arg-type]


async def goto(browser: PlaywrightBrowser, url: str) -> int | None:
    return (await (await browser.current_page()).goto(url, timeout=SECONDS)).status


@pytest.mark.parametrize("kind", ["http", "socks5"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_all_that_a_page_asks_for_goes_through_the_sessions_proxy(launcher, site, kind, scheme):
    running = {"http": http_proxy, "socks5": socks_proxy}[kind]
    async with (
        running(TestProxy(site.ports, "user", "p:w %")) as proxy,
        a_browser(launcher, through(proxy, kind)) as browser,
    ):
        assert await goto(browser, f"{scheme}://shop.test/all") == 200

        everything = EVERYTHING | (OF_SECURE_PAGES if scheme == "https" else set())
        await until(lambda: everything <= site.paths(), f"{everything} at the site", SECONDS)
        assert not proxy.refused
        # No name ending in .test exists: whatever reached the site came through the proxy, which was told its name.
        port = {"http": 80, "https": 443}[scheme]
        assert set(proxy.asked) - {"tabkeep.invalid:443"} == {f"shop.test:{port}"}


async def test_a_download_goes_through_the_sessions_proxy(launcher, site):
    async with http_proxy(TestProxy(site.ports)) as proxy, a_browser(launcher, through(proxy)) as browser:
        await goto(browser, "http://shop.test/home")
        tab = browser.context.pages[0]
        async with tab.expect_download() as download:
            await tab.evaluate("location.href = '/download/report.csv'")
        assert await (await download.value).failure() is None
        assert "/download/report.csv" in site.paths()
        assert set(proxy.asked) - {"tabkeep.invalid:443"} == {"shop.test:80"}


async def test_the_way_to_a_proxy_may_be_encrypted(certificate, site):
    server_tls, client_tls, _ = certificate
    async with http_proxy(TestProxy(site.ports, "user", "secret"), server_tls) as proxy:
        egress = Egress(egress_policy.patterns(["127.0.0.1"]), proxy_tls=lambda: client_tls)
        distrusting = Egress(egress_policy.patterns(["127.0.0.1"]))
        for one in (egress, distrusting):
            await one.open()
            one.set_network(through(proxy, "https"))
        try:
            await egress.probe()
            with pytest.raises(Exception, match="speaks no TLS that is trusted"):
                await distrusting.probe()
        finally:
            await egress.close()
            await distrusting.close()
        assert proxy.asked == ["tabkeep.invalid:443"]


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_launch_behind_a_proxy_that_refuses_the_password_says_so_and_never_the_password(launcher, site, kind):
    running = {"http": http_proxy, "socks5": socks_proxy}[kind]
    async with running(TestProxy(site.ports, "user", "right")) as proxy:
        with pytest.raises(ProxyUnusable, match="refused the user and password") as caught:
            async with a_browser(launcher, through(proxy, kind, password="wrong-secret")):
                pass
        assert f"{kind}://127.0.0.1:{proxy.port}" in str(caught.value)
        assert "wrong-secret" not in str(caught.value)
        with pytest.raises(ProxyUnusable, match="wants a user and password"):
            async with a_browser(launcher, through(proxy, kind, username="", password="")):
                pass


async def test_a_launch_behind_a_proxy_that_is_not_there_says_so(launcher, site):
    async with http_proxy(TestProxy(site.ports)) as proxy:
        gone = through(proxy)
    with pytest.raises(ProxyUnusable, match="cannot be reached: connection refused"):
        async with a_browser(launcher, gone):
            pass


async def test_a_proxy_of_the_callers_at_a_private_address_is_not_used(tmp_path, site):
    async with http_proxy(TestProxy(site.ports)) as proxy:
        egress = Egress()
        await egress.open()
        try:
            egress.set_network(through(proxy))
            with pytest.raises(Exception, match=r"is not used: 127\.0\.0\.1 is a loopback address"):
                await egress.probe()
            egress.set_network(through(proxy, trusted=True))
            await egress.probe()
        finally:
            await egress.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_dies_in_the_middle_fails_the_next_page_as_what_it_is(launcher, site, scheme):
    async with http_proxy(TestProxy(site.ports)) as proxy, a_browser(launcher, through(proxy)) as browser:
        assert await goto(browser, f"{scheme}://shop.test/home") == 200

        await proxy.die()

        with pytest.raises(NavigationProxyFailed, match="cannot be reached: connection refused"):
            await goto(browser, f"{scheme}://shop.test/home")


async def test_a_proxy_may_be_changed_on_a_live_session(launcher, site):
    async with (
        http_proxy(TestProxy(site.ports)) as one,
        socks_proxy(TestProxy(site.ports, "user", "secret")) as other,
        a_browser(launcher, through(one)) as browser,
    ):
        await goto(browser, "https://shop.test/home")

        browser.set_network(through(other, "socks5"))
        asked_of_one = len(one.asked)

        assert await goto(browser, "https://shop.test/home") == 200
        assert (len(one.asked), set(other.asked)) == (asked_of_one, {"shop.test:443"})
        browser.set_network(through(other, "socks5", password="not it"))
        with pytest.raises(NavigationProxyFailed, match="refused the user and password"):
            await goto(browser, "http://shop.test/home")


async def test_what_a_proxy_says_of_a_site_it_cannot_reach_is_no_failure_of_the_proxy(launcher, site):
    async with http_proxy(TestProxy({80: 1, 443: 1})) as proxy, a_browser(launcher, through(proxy)) as browser:
        with pytest.raises(NavigationFailed, match="said 502 Bad Gateway") as caught:
            await goto(browser, "https://shop.test/home")
        assert type(caught.value) is NavigationFailed


async def test_what_is_on_the_bypass_list_is_reached_directly(launcher, site):
    port = site.ports[80]
    async with (
        http_proxy(TestProxy(site.ports)) as proxy,
        a_browser(launcher, through(proxy, bypass=("127.0.0.1",))) as browser,
    ):
        assert await goto(browser, f"http://127.0.0.1:{port}/home") == 200
        assert await goto(browser, "http://shop.test/home") == 200
        assert set(proxy.asked) == {"tabkeep.invalid:443", "shop.test:80"}


async def test_a_locations_time_zone_locale_and_place_are_what_pages_see(launcher, site):
    network = Network(time_zone="Asia/Tokyo", locale="ja-JP", geolocation=Geolocation(35.68, 139.69, 50))
    async with a_browser(launcher, network) as browser:
        await goto(browser, f"http://127.0.0.1:{site.ports[80]}/home")
        seen = await browser.context.pages[0].evaluate(
            """async () => {
            const found = new Promise(resolve => navigator.geolocation.getCurrentPosition(resolve));
            const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
            return [zone, navigator.language, (await found).coords.latitude]; }"""
        )
        assert seen == ["Asia/Tokyo", "ja-JP", 35.68]


async def test_domains_hold_for_pages_and_all_they_ask_for_and_may_be_changed(launcher, site):
    async with http_proxy(TestProxy(site.ports)) as proxy:
        network = replace(through(proxy), allowed_domains=("shop.test",), blocked_domains=("ads.shop.test",))
        async with a_browser(launcher, network) as browser:
            assert await goto(browser, "http://shop.test/home") == 200
            assert await goto(browser, "http://www.shop.test/home") == 200
            for scheme in ("http", "https"):
                with pytest.raises(NavigationBlocked, match=r"other\.test is not among the session's allowed_domains"):
                    await goto(browser, f"{scheme}://other.test/")
                with pytest.raises(NavigationBlocked, match=r"ads\.shop\.test is blocked by .* blocked_domains"):
                    await goto(browser, f"{scheme}://ads.shop.test/")
            with pytest.raises(NavigationBlocked, match="allowed_domains"):
                await goto(browser, "http://shop.test/redirect?to=http://other.test/")
            await goto(browser, "http://shop.test/home")
            page = await browser.current_page()
            await browser.context.pages[0].evaluate("document.links[0].click()")
            with pytest.raises(NavigationBlocked, match=r"other\.test is not among"):
                await page.loaded(timeout=SECONDS)

            browser.set_network(replace(network, allowed_domains=("other.test",)))

            assert await goto(browser, "http://other.test/home") == 200
            with pytest.raises(NavigationBlocked):
                await goto(browser, "http://shop.test/home?again")
        assert {asked.partition(":")[0] for asked in proxy.asked} == {
            "tabkeep.invalid", "shop.test", "www.shop.test", "other.test"
        }  # fmt: skip


async def test_a_tunnel_that_the_new_domains_do_not_allow_is_cut(launcher, site):
    async with http_proxy(TestProxy(site.ports)) as proxy, a_browser(launcher, through(proxy)) as browser:
        await goto(browser, "http://shop.test/home")
        tab = browser.context.pages[0]
        await tab.evaluate(
            """() => new Promise(resolve => {
            window.socket = new WebSocket('ws://shop.test/socket');
            socket.onclose = () => { window.wasCut = true };
            socket.onmessage = resolve; })"""
        )

        browser.set_network(replace(through(proxy), blocked_domains=("shop.test",)))

        await tab.wait_for_function("window.wasCut === true", timeout=SECONDS * 1000)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "chrome://version", "view-source:http://127.0.0.1/", "devtools://devtools/x", "x"]
)
async def test_what_is_no_page_of_the_web_is_not_opened(launcher, url):
    async with a_browser(launcher, Network()) as browser:
        with pytest.raises(NavigationBlocked, match="is not opened: use http or https"):
            await goto(browser, url)


async def test_the_proxy_of_a_session_serves_its_browser_and_nobody_else(launcher, site):
    async with a_browser(launcher, Network()) as browser:
        reader, writer = await asyncio.open_connection("127.0.0.1", browser.egress.port)
        writer.write(f"GET http://127.0.0.1:{site.ports[80]}/ HTTP/1.1\r\n\r\n".encode())
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = await asyncio.wait_for(reader.read(), SECONDS)
        writer.close()
        assert not answer
        assert not site.hits
        assert await goto(browser, f"http://127.0.0.1:{site.ports[80]}/home") == 200


def _what_everybody_sees() -> bytes:
    """All command lines and environments of this machine."""
    seen = b""
    for path in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                seen += (path / name).read_bytes()
    return seen


async def test_credentials_are_on_no_command_line_and_in_no_environment(launcher, site):
    async with (
        http_proxy(TestProxy(site.ports, "some-user", "some-secret")) as proxy,
        a_browser(launcher, through(proxy)) as browser,
    ):
        await goto(browser, "http://shop.test/home")
        assert b"some-secret" not in await asyncio.to_thread(_what_everybody_sees)
        assert "some-secret" not in repr(through(proxy))
