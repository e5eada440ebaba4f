"""How apart real browsers are: what one session's user can reach of another's, what the kernel says of the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from playwright.async_api import Error

from browser_host.chromium.playwright_browser import PlaywrightBrowser
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.kernel import cgroups, isolation, processes, session_directory
from browser_host.kernel.cgroups import Limits
from browser_host.kernel.guardian import pids_of_user
from browser_host.kernel.isolation import NotIsolated
from browser_host.kernel.session_users import NoUserFree, SessionUsers
from browser_host.messages import BrowserType
from browser_host.open_browser import BrowserSpec, LaunchFailed
from browser_host.warm_pool import PoolSettings
from tests.conftest import SANDBOX
from tests.host_control_plane import GrpcControlPlane
from tests.host_program import a_program
from tests.launchers import a_launcher, a_request, an_open_browser, launcher
from tests.waiting import until

ROOT = os.geteuid() == 0
LINUX = sys.platform == "linux"
only_root = pytest.mark.skipif(not (ROOT and LINUX), reason="only root on Linux gives sessions users of their own")
only_sandboxed = pytest.mark.skipif(not SANDBOX, reason="this machine allows no user namespaces")
only_linux = pytest.mark.skipif(not LINUX, reason="the kernel's account is read from /proc")

__all__ = ["launcher"]

SPY = """
import ctypes, json, os, sys
user, pid, directory = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)
os.setgroups([]); os.setgid(user); os.setuid(user)
def tried(act):
    try:
        act()
    except OSError as error:
        return type(error).__name__
    return "done"
def attach():
    if libc.ptrace(16, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, None, None)
print(json.dumps({
    "list": tried(lambda: os.listdir(directory)),
    "list the profile": tried(lambda: os.listdir(directory + "/profile")),
    "read": tried(lambda: open(directory + "/profile/Local State").read()),
    "write": tried(lambda: open(directory + "/home/planted", "w")),
    "environment": tried(lambda: open(f"/proc/{pid}/environ").read()),
    "memory": tried(lambda: open(f"/proc/{pid}/mem", "rb")),
    "open files": tried(lambda: os.listdir(f"/proc/{pid}/fd")),
    "trace": tried(attach),
    "signal": tried(lambda: os.kill(pid, 0)),
}))
"""
"""Becomes a user, as a browser that was broken into would be, and tries what it may do to another one."""


def directory_of(browser: PlaywrightBrowser) -> Path:
    arguments = psutil.Process(browser.pid).cmdline()
    [argument] = [one for one in arguments if one.startswith("--user-data-dir=")]
    return Path(argument.partition("=")[2]).parent


def spied(user: int, on: PlaywrightBrowser) -> dict[str, str]:
    command = [sys.executable, "-c", SPY, str(user), str(on.pid), str(directory_of(on))]
    answer: dict[str, str] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer


# From each other.


@only_root
async def test_two_sessions_reach_nothing_of_each_other(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as one, an_open_browser(launcher) as other:
        assert one.user != other.user
        by_another = await asyncio.to_thread(spied, one.user, other)
        assert set(by_another.values()) == {"PermissionError"}, by_another
        by_itself = await asyncio.to_thread(spied, other.user, other)
        assert {name for name, how in by_itself.items() if how == "done"} >= {"read", "write", "environment", "signal"}


@only_root
async def test_a_page_cannot_be_made_of_a_file_that_is_not_the_sessions(launcher: PlaywrightLauncher, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    secret.chmod(0o600)
    async with an_open_browser(launcher) as one, an_open_browser(launcher) as other:
        for path in (secret, directory_of(other) / "profile" / "Local State", Path("/etc/shadow")):
            page = await one.context.new_page()
            with pytest.raises(Error, match=r"ERR_ACCESS_DENIED|ERR_BLOCKED|ERR_FILE_NOT_FOUND|ERR_ABORTED"):
                await page.goto(f"file://{path}")


@only_root
async def test_every_process_of_a_session_runs_as_its_user_and_none_is_left(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as browser:
        assert browser.isolation.user_per_session
        mine = pids_of_user(browser.user)
        group = set(processes.group_members(browser.pid))
        assert len(group) >= 5
        assert group <= mine
        # What has left the browser's group and names none of its directories is found as well.
        stray = subprocess.Popen(["sleep", "1000"], user=browser.user)  # noqa: ASYNC220
        await until(lambda: stray.pid in pids_of_user(browser.user), "the stray")
    assert pids_of_user(browser.user) == set()
    assert await asyncio.to_thread(stray.wait) == -9


async def test_a_user_is_not_given_twice_and_the_last_one_given_back_comes_last():
    if not LINUX:
        pytest.skip("names that the kernel takes back are Linux's")
    first, second = SessionUsers(61990, 61992), SessionUsers(61990, 61992)
    one, two = first.take(), second.take()
    assert one != two
    three = first.take()
    with pytest.raises(NoUserFree, match="TABKEEP_SESSION_USERS"):
        second.take()
    first.give_back(one)
    assert second.take() == one
    first.give_back(three)
    assert first.take() == three
    for users, user in ((first, three), (second, two), (second, one)):
        users.give_back(user)


@only_root
async def test_without_a_free_user_nothing_is_launched_and_nothing_is_left(tmp_path: Path):
    async with a_launcher(tmp_path, users=SessionUsers(61980, 61980)) as launcher:
        async with an_open_browser(launcher):
            with pytest.raises(LaunchFailed, match="all users from 61980 to 61980 are taken"):
                await launcher.launch(a_request())
            assert len(list((tmp_path / "browsers").iterdir())) == 1
        async with an_open_browser(launcher) as again:
            assert again.user == 61980


@only_root
async def test_browsers_live_elsewhere_where_their_users_cannot_get_to_the_data_directory(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with a_launcher(closed / "data") as launcher:
        elsewhere = (closed / "data" / "browsers").readlink()
        async with an_open_browser(launcher) as browser:
            assert directory_of(browser).parent == elsewhere
    assert not elsewhere.exists()


# From the machine.


@only_linux
@only_sandboxed
async def test_the_kernel_confirms_the_sandbox_and_the_look_sees_what_is_missing(launcher: PlaywrightLauncher):
    async with an_open_browser(launcher) as browser:
        isolation.examine(browser.pid, sandboxed=True, user=browser.user)
        with pytest.raises(NotIsolated, match="Uid"):
            isolation.examine(browser.pid, sandboxed=True, user=61999)


@only_linux
async def test_a_browser_that_runs_without_its_sandbox_is_not_taken_for_one_with_it(tmp_path: Path):
    async with a_launcher(tmp_path, sandbox=False) as launcher, an_open_browser(launcher) as browser:
        with pytest.raises(NotIsolated, match="--no-sandbox"):
            isolation.examine(browser.pid, sandboxed=True, user=browser.user)
        assert not (await launcher.look()).sandboxed


@only_linux
async def test_a_browser_that_listens_for_debuggers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    arguments = "browser_host.chromium.playwright_starts.browser_arguments"
    monkeypatch.setattr(arguments, lambda _: ["--remote-debugging-port=0"])
    async with a_launcher(tmp_path) as launcher:
        looked = await launcher.look()
        assert "listens for debuggers: --remote-debugging-port=0" in looked.failure
        with pytest.raises(LaunchFailed, match="not isolated here"):
            await launcher.launch(a_request())


LIMITS = Limits(memory_bytes=512 * 2**20, tasks=700, cpu_percent=150)


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[PlaywrightLauncher]:
    async with a_launcher(tmp_path, limits=LIMITS) as opened:
        if (await opened.look()).memory_bytes == 0:
            pytest.skip("no cgroup controllers are given to this process")
        yield opened


def own_limit(pid: int, controller: str, file: str) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    unified = next((line.split(":", 2)[2] for line in lines if line.startswith("0::")), "")
    path = next((line.split(":", 2)[2] for line in lines if controller in line.split(":")[1].split(",")), unified)
    own_there = cgroups.own_cgroup(controller) or cgroups.own_cgroup()
    assert own_there is not None
    return next(own_there.glob(f"**/{Path(path).name}/{file}")).read_text().strip()


@only_linux
async def test_a_browsers_limits_are_the_kernels(limited: PlaywrightLauncher):
    async with an_open_browser(limited) as browser:
        limits = (browser.isolation.memory_bytes, browser.isolation.tasks, browser.isolation.cpu_percent)
        assert limits == (LIMITS.memory_bytes, LIMITS.tasks, LIMITS.cpu_percent)
        for controller, names in (
            ("memory", ("memory.limit_in_bytes", "memory.max")),
            ("pids", ("pids.max", "pids.max")),
            ("cpu", ("cpu.cfs_quota_us", "cpu.max")),
        ):
            version = 1 if cgroups.own_cgroup(controller) else 2
            wanted = LIMITS.files(version)[controller][-1]
            assert wanted[0] in names
            assert own_limit(browser.pid, controller, wanted[0]) == wanted[1]
    assert await limited.look() is not None


@only_linux
async def test_a_page_that_takes_too_much_memory_crashes_and_its_session_goes_on(limited: PlaywrightLauncher):
    async with an_open_browser(limited) as browser:
        crashed = asyncio.Event()
        browser.context.pages[0].on("crash", lambda _: crashed.set())
        hog = "setInterval(() => { for (let i = 0; i < 20; i++) kept.push(new Uint8Array(4e6).fill(1)) }, 10)"
        await browser.context.pages[0].evaluate(f"globalThis.kept = []; {hog}")
        async with asyncio.timeout(60):
            await crashed.wait()
            page = await browser.current_page()
            assert await page.evaluate("() => 1 + 1", timeout=30) == 2
        assert not browser.gone.done()


def test_limits_of_version_2_are_written_where_the_controllers_are(tmp_path: Path):
    (tmp_path / "root").mkdir()
    made = cgroups.Cgroups(cgroups.Roots(tmp_path / "root", controlled=True), LIMITS).make("7-abc")
    assert made.unified is not None
    written = {path.name: path.read_text() for path in made.unified.iterdir()}
    assert written == {"memory.max": str(512 * 2**20), "pids.max": "700", "cpu.max": "150000 100000"}


# A host that cannot.

WITHOUT_NAMESPACES = """
import ctypes, os, sys
host, (apart, say_apart) = os.getpid(), os.pipe()
mapper = os.fork()
if mapper == 0:
    os.read(apart, 1)
    for kind in ("uid_map", "gid_map"):
        with open(f"/proc/{host}/{kind}", "w") as ids:
            ids.write("0 0 65536")
    os._exit(0)
assert ctypes.CDLL(None).unshare(0x10000000) == 0
os.write(say_apart, b"1")
assert os.waitpid(mapper, 0)[1] == 0
with open("/proc/sys/user/max_user_namespaces", "w") as limit:
    limit.write("0")
os.execv(sys.executable, [sys.executable, "-m", "browser_host"])
"""
"""Runs a host in a user namespace of its own, where no other can be made, without harm to the machine."""


@only_root
@only_sandboxed
async def test_a_host_without_user_namespaces_says_so_and_what_to_do(tmp_path: Path):
    command = ("-c", WITHOUT_NAMESPACES)
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address, command=command):
        await control_plane.attached()
        fault = control_plane.stored.hellos[0].fault
        assert "sandbox cannot start" in fault
        assert "allow user namespaces here" in fault
        assert "TABKEEP_ALLOW_UNSANDBOXED=1" in fault
        failure = (await control_plane.launch("pbs_1", 7)).failure
        assert failure.reason == "LAUNCH_FAILED"
        assert "allow user namespaces here" in failure.message


# Kept ready.


async def test_the_look_is_the_first_of_the_pool_and_a_claimed_browser_is_like_a_started_one(tmp_path: Path):
    async with a_launcher(tmp_path, pool=PoolSettings(1)) as launcher:
        assert (await launcher.look()).failure == ""
        waiting = processes.processes_of(tmp_path)
        assert waiting
        async with an_open_browser(launcher) as claimed:
            assert claimed.pid in {process.pid for process in waiting}
            assert claimed.warm_start
            assert (await claimed.shown()).url == "about:blank"
            page = await claimed.current_page()
            assert await page.evaluate("() => [innerWidth, innerHeight].join()", timeout=5) == "1280,720"
            await until(lambda: len(list((tmp_path / "browsers").iterdir())) == 2, "the refill", 60)
            async with an_open_browser(launcher) as next_one:
                assert next_one.pid != claimed.pid
                assert next_one.user != claimed.user or not ROOT


async def test_a_browser_of_the_pool_that_has_died_is_not_handed_out(tmp_path: Path):
    async with a_launcher(tmp_path, pool=PoolSettings(1)) as launcher:
        await launcher.look()
        [main] = {os.getpgid(process.pid) for process in processes.processes_of(tmp_path)} & {
            process.pid for process in processes.processes_of(tmp_path)
        }
        os.kill(main, 9)
        async with an_open_browser(launcher) as browser:
            assert browser.pid != main
            assert not browser.gone.done()


async def test_a_session_of_another_size_gets_a_browser_of_its_own(tmp_path: Path):
    async with a_launcher(tmp_path, pool=PoolSettings(1)) as launcher:
        await launcher.look()
        small = a_request(width=400, height=300)
        assert small.spec == BrowserSpec(BrowserType.CHROME, 400, 300)
        browser = await launcher.launch(small)
        try:
            assert not browser.warm_start
            page = await browser.current_page()
            assert await page.evaluate("() => [innerWidth, innerHeight].join()", timeout=5) == "400,300"
        finally:
            await browser.close()


def test_only_what_all_can_pass_through_can_be_reached(tmp_path: Path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for path in (inner, inner.parent):
        path.chmod(0o755)
    assert session_directory.others_can_reach(inner)
    inner.parent.chmod(0o700)
    assert not session_directory.others_can_reach(inner)
