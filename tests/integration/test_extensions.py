"""Extensions in real browsers: an ad blocker built from a list, an operator's own, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from browser_host import ad_blocker, extensions
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.extensions import Extension, ExtensionInvalid
from browser_host.open_browser import LaunchFailed
from browser_host.warm_pool import PoolSettings
from tests import launchers
from tests.host_fakes import until

LIST = """[Adblock Plus 2.0]
! A list for this test.
||localhost^$third-party
/banner.png$image
@@/banner.png?wanted$image
##.advert
"""


class Site:
    """Serves a page, and remembers what was asked for, by host name and path."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        host = next(line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("host:"))
        self.asked.add(host.partition(":")[0] + path)
        body, kind = b"", "application/javascript"
        if path == "/":
            kind = "text/html"
            other = f"http://localhost:{self.port}"
            body = (
                f"<script src='/own.js'></script><script src='{other}/ad.js'></script>"
                "<img src='/banner.png'><img src='/banner.png?wanted'><img src='/picture.png'>"
                f"<iframe src='{other}/frame'></iframe>"
            ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    serving = Site()
    server = await asyncio.start_server(serving.answer, "127.0.0.1", 0)
    serving.port = server.sockets[0].getsockname()[1]
    yield serving
    server.close()


@pytest.fixture
def blocker(tmp_path: Path) -> Extension:
    """The ad blocker, built from the list above."""
    (tmp_path / "list.txt").write_text(LIST)
    made = ad_blocker.build([tmp_path / "list.txt"], tmp_path / "ad-blocker", "this test")
    assert made.counts == {"taken": 3, "hides parts of pages": 1}
    return extensions.read("ad-blocker", tmp_path / "ad-blocker")


@asynccontextmanager
async def a_launcher(tmp_path: Path, *offered: Extension, pool: int = 0) -> AsyncIterator[PlaywrightLauncher]:
    async with launchers.a_launcher(tmp_path / "data", offered=offered, pool=PoolSettings(pool)) as launcher:
        if pool:
            assert (await launcher.look()).failure == ""
        yield launcher


async def visited(launcher: PlaywrightLauncher, site: Site, *names: str) -> set[str]:
    """Open the page as the first one of a session with these extensions; returns what was asked for."""
    site.asked.clear()
    url = f"http://127.0.0.1:{site.port}/"
    async with launchers.an_open_browser(launcher, url, seconds=60, extensions=names) as browser:
        await browser.context.pages[0].wait_for_load_state("load")
        assert len(browser.context.pages) == 1
        return set(site.asked) - {"127.0.0.1/favicon.ico"}


FIRST_PARTY = {"127.0.0.1/", "127.0.0.1/own.js", "127.0.0.1/picture.png", "127.0.0.1/banner.png?wanted"}
ADVERTS = {"localhost/ad.js", "localhost/frame", "127.0.0.1/banner.png"}


@pytest.mark.parametrize("pool", [0, 1], ids=["started for it", "from the pool"])
async def test_the_first_page_is_without_adverts_and_whole_and_another_session_is_as_ever(
    tmp_path: Path, site: Site, blocker: Extension, pool: int
):
    async with a_launcher(tmp_path, blocker, pool=pool) as launcher:
        assert await visited(launcher, site, "ad-blocker") == FIRST_PARTY
        assert await visited(launcher, site) == FIRST_PARTY | ADVERTS


async def test_a_browser_kept_ready_has_what_is_asked_for_most_and_is_not_given_to_who_asked_for_none(
    tmp_path: Path, site: Site, blocker: Extension
):
    async with a_launcher(tmp_path, blocker, pool=1) as launcher:
        for _ in range(2):
            assert await visited(launcher, site, "ad-blocker") == FIRST_PARTY
        loaded = tmp_path / "data" / "browsers"
        await until(lambda: bool(list(loaded.resolve().glob("*/extensions/ad-blocker/_metadata"))), "one with it")
        assert await visited(launcher, site) == FIRST_PARTY | ADVERTS
        assert await visited(launcher, site, "ad-blocker") == FIRST_PARTY


async def test_two_sessions_at_once_block_each_with_their_own_copy(tmp_path: Path, site: Site, blocker: Extension):
    async with a_launcher(tmp_path, blocker) as launcher:
        both = await asyncio.gather(*(visited(launcher, site, "ad-blocker") for _ in range(2)))
        assert not (both[0] | both[1]) & ADVERTS
        assert not (blocker.directory / "_metadata").exists()


async def test_an_extension_that_is_not_offered_or_has_changed_fails_the_launch(
    tmp_path: Path, site: Site, blocker: Extension
):
    async with a_launcher(tmp_path, blocker) as launcher:
        with pytest.raises(LaunchFailed, match="offers no extension captcha-solver; offered are: ad-blocker"):
            await visited(launcher, site, "captcha-solver")
        (blocker.directory / "rules.json").write_text("[]")
        with pytest.raises(LaunchFailed, match="ad-blocker has changed since this host started"):
            await visited(launcher, site, "ad-blocker")
        assert site.asked == set()
        assert list((tmp_path / "data" / "browsers").iterdir()) == []


async def test_one_that_the_browser_refuses_fails_the_launch_in_its_words(tmp_path: Path, site: Site):
    directory = an_extension(tmp_path / "odd", permissions="all of them")
    async with a_launcher(tmp_path, extensions.read("odd", directory)) as launcher:
        with pytest.raises(LaunchFailed, match=r"extension odd was not loaded: .*permissions"):
            await visited(launcher, site, "odd")


# What may be offered.


def an_extension(directory: Path, **manifest: object) -> Path:
    directory.mkdir(parents=True)
    whole = {"manifest_version": 3, "name": "odd", "version": "2.1", **manifest}
    (directory / "manifest.json").write_text(json.dumps(whole))
    return directory


def test_an_operators_extension_is_known_by_its_checksum(tmp_path: Path):
    directory = an_extension(tmp_path / "one")
    read = extensions.read("captcha-solver", directory)
    assert (read.version, read.has_rules) == ("2.1", False)
    assert extensions.read("captcha-solver", directory, read.sha256.upper()) == read
    (directory / "_metadata").mkdir()
    (directory / "_metadata" / "rules").write_text("written by a browser")
    assert extensions.read("captcha-solver", directory) == read
    (directory / "more.js").write_text("//")
    with pytest.raises(ExtensionInvalid, match="is not what it was"):
        extensions.read("captcha-solver", directory, read.sha256)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"manifest_version": 2}, "manifest_version is 2"),
        ({"name": ""}, "has no name"),
        ({"version": 3}, "has no version"),
    ],
)
def test_a_wrong_manifest_is_named(tmp_path: Path, manifest: dict[str, object], why: str):
    with pytest.raises(ExtensionInvalid, match=why):
        extensions.read("odd", an_extension(tmp_path / "odd", **manifest))


def test_what_is_no_extension_or_leads_out_of_it_is_refused(tmp_path: Path):
    with pytest.raises(ExtensionInvalid, match="cannot be read"):
        extensions.read("odd", tmp_path / "none")
    with pytest.raises(ExtensionInvalid, match="no name for an extension"):
        extensions.read("Odd One", an_extension(tmp_path / "a"))
    linked = an_extension(tmp_path / "b")
    (linked / "secret").symlink_to("/etc/passwd")
    with pytest.raises(ExtensionInvalid, match="a link"):
        extensions.read("odd", linked)
    reserved = an_extension(tmp_path / "c")
    (reserved / "_own").mkdir()
    with pytest.raises(ExtensionInvalid, match="browser's own: _own"):
        extensions.read("odd", reserved)


# Rules.


@pytest.mark.parametrize(
    ("line", "action", "condition"),
    [
        ("||ads.example^$script,third-party", "block", {"urlFilter": "||ads.example^", "domainType": "thirdParty"}),
        ("/track?$~script,domain=a.example|~b.a.example", "block", {"initiatorDomains": ["a.example"]}),
        ("@@||good.example^$document", "allowAllRequests", {"resourceTypes": ["main_frame", "sub_frame"]}),
        ("@@||good.example/ad.js", "allow", {"urlFilter": "||good.example/ad.js"}),
        ("||a.example^", "block", {"requestDomains": ["a.example"]}),
    ],
)
def test_a_filter_becomes_the_rule_that_says_the_same(line: str, action: str, condition: dict[str, object]):
    [rule] = ad_blocker.convert([line]).rules
    assert rule["action"] == {"type": action}
    assert condition.items() <= rule["condition"].items()
    # A page itself is never blocked.
    assert action != "block" or "main_frame" not in rule["condition"]["resourceTypes"]


@pytest.mark.parametrize("line", ["/ads[0-9]/", "*", "||a.example^$redirect=x", "||ä.example^", "||a^$domain=x.*"])
def test_a_filter_that_rules_cannot_say_is_counted_and_left_out(line: str):
    made = ad_blocker.convert([line])
    assert made.rules == []
    assert sum(made.counts.values()) == 1


def test_a_list_without_rules_builds_nothing(tmp_path: Path):
    (tmp_path / "list.txt").write_text("! nothing\n")
    with pytest.raises(ValueError, match="0 rules"):
        ad_blocker.build([tmp_path / "list.txt"], tmp_path / "ad-blocker", "this test")
    assert not (tmp_path / "ad-blocker").exists()
