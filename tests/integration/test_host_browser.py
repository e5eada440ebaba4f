"""Real Chromium under the host's launcher: what is started, how it ends, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import playwright
import psutil
import pytest

from browser_host import launch
from browser_host.browser import BrowserGone, PageClosed, PageCrashed, PageUnresponsive
from browser_host.chromium import playwright_driver
from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.guard import Unguarded
from browser_host.kernel import processes
from browser_host.launch import FoundBrowser
from browser_host.messages import BrowserType, Placement
from browser_host.open_browser import LaunchFailed, LaunchRequest, Shown
from tests.conftest import SANDBOX
from tests.launchers import FOUND, a_launcher, a_request, an_open_browser, launcher
from tests.waiting import until

__all__ = ["launcher"]

CLOSE_BOUND = 3.0

_PAGES = {
    "/": "<title>Home</title><h1>home</h1>",
    "/next": "<title>Next</title>",
    "/report.csv": "a,b\n1,2\n",
    "/loop": "<title>Loop</title><script>setTimeout(() => { while (true) {} }, 50)</script>",
}


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.agents.append(self.headers["User-Agent"])  # type: ignore[attr-defined]
        body = _PAGES.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/csv" if self.path.endswith(".csv") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[str, list[str]]]:
    """A small site, and the user agents it has seen."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    server.agents = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", server.agents  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


async def closed_within_bound(browser: PlaywrightBrowser) -> float:
    """Close it and look that nothing is left; returns how long it took."""
    directory = profile_of(browser).parent
    loop = asyncio.get_running_loop()
    began = loop.time()
    await browser.close()
    seconds = loop.time() - began
    assert seconds <= CLOSE_BOUND
    assert processes.group_members(browser.pid) == []
    assert processes.processes_of(directory) == []
    assert not directory.exists()
    return seconds


def profile_of(browser: PlaywrightBrowser) -> Path:
    [argument] = [
        argument for argument in psutil.Process(browser.pid).cmdline() if argument.startswith("--user-data-dir=")
    ]
    return Path(argument.partition("=")[2])


async def test_a_launched_browser_shows_its_first_page(launcher: PlaywrightLauncher, site: tuple[str, list[str]]):
    url, agents = site
    async with an_open_browser(launcher, f"{url}/", width=1000, height=600) as browser:
        assert await browser.shown() == Shown(f"{url}/", "Home", 1)
        page = await browser.current_page()
        assert await page.evaluate("() => [innerWidth, innerHeight].join()", timeout=5) == "1000,600"
        assert browser.version == FOUND[0].name
        assert await page.evaluate("() => navigator.userAgent", timeout=5) == agents[-1]
        assert "Headless" not in agents[-1]
        assert f"Chrome/{FOUND[0].version.split('.')[0]}" in agents[-1]


async def test_chromium_is_given_one_merged_list_of_disabled_features(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as browser:
        arguments = psutil.Process(browser.pid).cmdline()
        lists = [argument for argument in arguments if argument.startswith("--disable-features=")]
        assert len(lists) == 1, "Playwright's own list has changed: bring PLAYWRIGHT_DISABLED_FEATURES up to date"
        features = lists[0].partition("=")[2].split(",")
        assert {*launch.PLAYWRIGHT_DISABLED_FEATURES, *launch.DISABLED_FEATURES} == set(features)
        assert ("--no-sandbox" in arguments) == (not SANDBOX)
        assert "--remote-debugging-pipe" in arguments
        assert not any(argument.startswith("--remote-debugging-port") for argument in arguments)


async def test_a_browser_inherits_nothing_of_the_hosts_environment(
    launcher: PlaywrightLauncher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TABKEEP_HOST_TOKEN_CANARY", "secret")
    async with an_open_browser(launcher) as browser:
        environment = psutil.Process(browser.pid).environ()
        assert not [name for name in environment if name.startswith(("TABKEEP_", "OTEL_"))]
        assert environment["HOME"].startswith(str(profile_of(browser).parent))


async def test_profiles_are_private_to_the_host(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as browser:
        profile = profile_of(browser)
        assert stat.S_IMODE(profile.stat().st_mode) == 0o700
        assert profile.stat().st_uid == (browser.user or os.geteuid())
        assert not profile.parent.stat().st_mode & stat.S_IRWXO
        assert profile.parent.stat().st_uid == os.geteuid()


async def test_a_healthy_browser_closes_and_leaves_nothing(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    await closed_within_bound(browser)
    await browser.close()
    with pytest.raises(BrowserGone):
        await browser.current_page()


async def test_a_browser_with_a_page_in_an_endless_loop_closes_in_time(
    launcher: PlaywrightLauncher, site: tuple[str, list[str]]
):
    browser = await launcher.launch(a_request(f"{site[0]}/loop"))
    front = browser.context.pages[0]

    async def hangs() -> bool:
        try:
            async with asyncio.timeout(0.5):
                await front.evaluate("1")
        except TimeoutError:
            return True
        return False

    while not await hangs():
        pass
    assert (await browser.shown()).url == f"{site[0]}/loop"
    await closed_within_bound(browser)


async def test_a_stopped_browser_closes_in_time(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    os.kill(browser.pid, signal.SIGSTOP)
    await closed_within_bound_of_stopped(browser)


async def closed_within_bound_of_stopped(browser: PlaywrightBrowser) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await browser.close()
    assert loop.time() - began <= CLOSE_BOUND
    assert processes.group_members(browser.pid) == []


async def test_a_browser_whose_children_are_stopped_leaves_none_of_them(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    for pid in processes.group_members(browser.pid):
        if pid != browser.pid:
            os.kill(pid, signal.SIGSTOP)
    await closed_within_bound(browser)


async def test_a_killed_browser_is_noticed_within_two_seconds(launcher: PlaywrightLauncher):
    browser = await launcher.launch(a_request())
    directory = profile_of(browser).parent
    os.kill(browser.pid, signal.SIGKILL)
    async with asyncio.timeout(2):
        assert "killed" in await asyncio.shield(browser.gone)
    await browser.close()
    assert not directory.exists()
    assert processes.processes_of(directory) == []


async def test_popups_come_to_the_front_and_their_opener_after_them(
    launcher: PlaywrightLauncher, site: tuple[str, list[str]]
):
    url, _ = site
    changes = 0

    def changed() -> None:
        nonlocal changes
        changes += 1

    async with an_open_browser(launcher, f"{url}/") as browser:
        browser.on_change(changed)
        opener = browser.context.pages[0]
        await opener.evaluate("() => { window.open('/next') }")
        await until(lambda: len(browser.context.pages) == 2, "the popup")
        popup = browser.context.pages[1]
        await popup.wait_for_load_state()
        assert await browser.shown() == Shown(f"{url}/next", "Next", 2)
        assert (await browser.current_page()).url == f"{url}/next"
        await popup.close()
        await until(lambda: len(browser.context.pages) == 1, "the end of the popup")
        assert await browser.shown() == Shown(f"{url}/", "Home", 1)
        assert changes >= 2


async def test_a_browser_without_tabs_opens_a_new_one(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as browser:
        await browser.context.pages[0].close()
        await until(lambda: not browser.context.pages, "the end of the tab")
        assert (await browser.shown()).tab_count == 0
        assert (await browser.current_page()).url == "about:blank"
        assert not browser.gone.done()


async def test_a_crashed_page_is_replaced_on_its_url(launcher: PlaywrightLauncher, site: tuple[str, list[str]]):
    url, agents = site
    async with an_open_browser(launcher, f"{url}/next") as browser:
        seen = len(agents)
        renderers = [
            pid for pid in processes.group_members(browser.pid) if "--type=renderer" in psutil.Process(pid).cmdline()
        ]
        for pid in renderers:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(agents) > seen, "the page being loaded again")
        # A spare renderer may have died with the others under the first replacement, which is then replaced too.
        async with asyncio.timeout(20):
            while await title_of_front(browser) != "Next":
                pass
        assert (await browser.shown()).url == f"{url}/next"
        assert not browser.gone.done()


async def title_of_front(browser: PlaywrightBrowser) -> str:
    try:
        page = await browser.current_page()
        return await page.title(timeout=5)
    except (PageCrashed, PageClosed, PageUnresponsive):
        return ""


async def test_a_first_page_that_does_not_load_is_no_failed_launch(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher, "http://127.0.0.1:9/") as browser:
        assert not browser.gone.done()
        page = await browser.current_page()
        assert await page.evaluate("() => 1", timeout=5) == 1


async def test_a_cancelled_launch_leaves_nothing(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        for delay in (0.0, 0.05, 0.2, 0.4):
            launching = asyncio.create_task(launcher.launch(a_request()))
            try:
                async with asyncio.timeout(delay):
                    await asyncio.shield(launching)
            except TimeoutError:
                launching.cancel()
            await asyncio.gather(launching, return_exceptions=True)
            if not launching.cancelled():
                await launching.result().close()
            assert processes.processes_of(tmp_path) == []
            assert list((tmp_path / "browsers").iterdir()) == []


async def test_a_browser_that_dies_at_its_start_fails_the_launch_with_its_words(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho cannot find my libraries >&2\nexit 127\n")
    broken.chmod(0o755)
    found = [FoundBrowser(BrowserType.CHROME, "Broken", "1.0", broken)]
    async with a_launcher(tmp_path / "data", found) as launcher:
        with pytest.raises(LaunchFailed, match="cannot find my libraries"):
            await launcher.launch(a_request())
        assert list((tmp_path / "data" / "browsers").iterdir()) == []


async def test_a_browser_that_never_answers_fails_the_launch_in_time(tmp_path: Path):
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 1000\n")
    silent.chmod(0o755)
    found = [FoundBrowser(BrowserType.CHROME, "Silent", "1.0", silent)]
    async with a_launcher(tmp_path / "data", found) as launcher:
        with pytest.raises(LaunchFailed, match="did not start within"):
            await launcher.launch(a_request(seconds=1))
        assert list((tmp_path / "data" / "browsers").iterdir()) == []


async def test_a_browser_type_that_is_not_here_fails_with_the_way_to_get_it(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        request = LaunchRequest(Placement("pbs_e", 1), BrowserType.MSEDGE, "", 800, 600, timedelta(seconds=5))
        with pytest.raises(LaunchFailed, match="playwright install msedge"):
            await launcher.launch(request)


async def test_a_browser_that_was_removed_fails_the_launch_with_the_way_to_get_one(tmp_path: Path):
    removed = tmp_path / "removed"
    removed.write_text("#!/bin/sh\n")
    removed.chmod(0o755)
    found = [FoundBrowser(BrowserType.CHROME, "Removed", "1.0", removed)]
    async with a_launcher(tmp_path / "data", found) as launcher:
        removed.unlink()
        with pytest.raises(LaunchFailed, match=f"{removed} and is not there any more: install"):
            await launcher.launch(a_request())


async def test_a_browser_without_a_directory_fails_the_launch_in_words(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        (tmp_path / "browsers").rmdir()
        with pytest.raises(LaunchFailed, match=r"no place for a browser: .*No such file or directory"):
            await launcher.launch(a_request())


async def test_a_browser_whose_end_broke_is_ended_by_the_next_attempt(
    launcher: PlaywrightLauncher, monkeypatch: pytest.MonkeyPatch
):
    browser = await launcher.launch(a_request())
    profile = profile_of(browser)
    with monkeypatch.context() as broken:
        broken.setattr(processes, "end_group", no_descriptors)
        with pytest.raises(OSError, match="Too many open files"):
            await browser.close()
    await browser.close()
    assert processes.processes_of(profile) == []
    assert not profile.exists()


async def no_descriptors(_: int) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


async def test_a_process_is_watched_also_without_a_descriptor_to_spare(monkeypatch: pytest.MonkeyPatch):
    def none_left(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    sleeper = await asyncio.create_subprocess_exec("sleep", "1000")
    with monkeypatch.context() as broken:
        broken.setattr(os, "pidfd_open", none_left)
        watch = processes.ProcessWatch(sleeper.pid)
    await asyncio.sleep(0)
    assert not watch.exited.done()
    sleeper.kill()
    async with asyncio.timeout(5):
        await watch.exited
    await sleeper.wait()
    watch.close()


async def test_a_dead_driver_ends_its_browsers_and_the_next_launch_gets_a_new_one(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        browser = await launcher.launch(a_request())
        driver_pid = psutil.Process(browser.pid).ppid()
        os.kill(driver_pid, signal.SIGKILL)
        async with asyncio.timeout(2):
            await asyncio.shield(browser.gone)
        await browser.close()
        assert processes.group_members(browser.pid) == []
        async with an_open_browser(launcher) as another:
            assert psutil.Process(another.pid).ppid() != driver_pid


async def test_a_download_that_the_first_url_is_has_begun_when_the_browser_is_up(
    launcher: PlaywrightLauncher, site: tuple[str, list[str]]
):
    async with an_open_browser(launcher, f"{site[0]}/report.csv") as browser:
        told: list[str] = []
        browser.on_download(lambda download: told.append(download.file_name))
        assert told == ["report.csv"]


@pytest.mark.parametrize("ends", ["before it says a word", "before it is found"])
async def test_a_driver_that_is_gone_at_its_start_is_started_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
):
    seen = playwright_driver._driver_pids
    wrapper = tmp_path / "node"
    wrapper.write_text(f'#!/bin/sh\nexec "{Path(playwright.__file__).parent}/driver/node" "$@"\n')
    if ends == "before it is found":
        looks = iter([set, set])
        monkeypatch.setattr(playwright_driver, "_driver_pids", lambda: next(looks, seen)())
    else:
        wrapper.write_text(wrapper.read_text().replace("\n", '\nmkdir "$0.killed" 2>/dev/null && kill -9 $$\n', 1))
    wrapper.chmod(0o700)
    before = seen()
    drivers = playwright_driver.Drivers(wrapper, Unguarded())
    try:
        driver = await drivers.take()
        assert seen() - before == {driver.pid}
        assert (wrapper.with_name("node.killed")).exists() is (ends == "before it says a word")
    finally:
        await drivers.close()


async def test_a_driver_that_is_gone_at_every_start_is_a_failure(tmp_path: Path):
    wrapper = tmp_path / "node"
    wrapper.write_text('#!/bin/sh\necho >>"$0.starts"\nexit 3\n')
    wrapper.chmod(0o700)
    with pytest.raises(Exception, match="Connection closed"):
        await playwright_driver.Drivers(wrapper, Unguarded()).take()
    assert wrapper.with_name("node.starts").read_text() == "\n\n"


async def test_a_stopped_driver_does_not_hold_up_the_end_of_a_browser(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        browser = await launcher.launch(a_request())
        os.kill(psutil.Process(browser.pid).ppid(), signal.SIGSTOP)
        await closed_within_bound_of_stopped(browser)


async def test_what_a_former_host_left_is_swept(tmp_path: Path):
    async with a_launcher(tmp_path) as launcher:
        browser = await launcher.launch(a_request())
        # As another process of this host would, after this one was killed.
        assert await processes.sweep(tmp_path / "browsers") >= 1
        assert processes.group_members(browser.pid) == []
        assert processes.processes_of(tmp_path) == []
        assert not (tmp_path / "browsers").exists()
        await browser.close()
        (tmp_path / "browsers").mkdir()


async def test_a_data_directory_with_a_long_path_works(tmp_path: Path):
    async with (
        a_launcher(tmp_path / ("long" * 20)) as launcher,
        an_open_browser(launcher) as browser,
    ):
        temporary = psutil.Process(browser.pid).environ()["TMPDIR"]
        assert len(temporary) <= 60
        assert os.path.exists(temporary)  # noqa: ASYNC240, PTH110
        await browser.close()
        assert not os.path.exists(temporary)  # noqa: ASYNC240, PTH110
