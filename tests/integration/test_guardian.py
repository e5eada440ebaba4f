"""Browsers end in time though their host cannot end them: stopped, killed, or without its guardian.

Real Chromium, a real host program and its real guardian; the control plane is a scripted one. What is measured is
printed (`pytest -s`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2

from browser_host import guard
from browser_host.guard import GuardianLost, GuardianProcess
from browser_host.kernel import cgroups, guardian, processes
from browser_host.messages import Placement
from tests.host_control_plane import GrpcControlPlane
from tests.host_program import Program, a_program
from tests.waiting import until

DEAD_SECONDS = 3.0
"""A browser and its directory are gone so long after its session's time at the latest."""
LEASE_MARGIN = 1.03
"""How long after a holding lease of 3 s the control plane may place a session anew: 1 s and 1 %."""
CONTINUED = timedelta(minutes=10)


def _can_use_cgroups() -> bool:
    root = cgroups.make_roots(cgroups.Limits()).unified
    if root is None:
        return False
    guardian.remove_cgroup(root)
    return True


def a_cgroup() -> tuple[Path, Path]:
    """A host's cgroup, and a browser's in it."""
    roots = cgroups.make_roots(cgroups.Limits())
    made = cgroups.Cgroups(roots, cgroups.Limits()).make("7-abc")
    assert roots.unified is not None
    assert made.unified is not None
    return roots.unified, made.unified


KINDS = [
    pytest.param("0", id="groups"),
    pytest.param(
        "1", id="cgroups", marks=pytest.mark.skipif(not _can_use_cgroups(), reason="no cgroups may be made here")
    ),
]
by_groups_and_cgroups = pytest.mark.parametrize("use_cgroups", KINDS)


def guardian_of(program: Program) -> psutil.Process:
    return next(child for child in children(program) if "guardian.py" in " ".join(child.cmdline()))


def driver_of(program: Program) -> psutil.Process:
    return next(child for child in children(program) if child.cmdline()[-1:] == ["run-driver"])


def children(program: Program) -> list[psutil.Process]:
    return psutil.Process(program.process.pid).children()


def main_process(program: Program) -> psutil.Process:
    return next(process for process in program.browsers() if os.getpgid(process.pid) == process.pid)


def is_gone(program: Program) -> bool:
    browsers = program.data_dir / "host" / "browsers"
    return not living(program.browsers()) and not any(browsers.iterdir())


def living(found: list[psutil.Process]) -> list[psutil.Process]:
    def lives(process: psutil.Process) -> bool:
        try:
            return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.NoSuchProcess:
            return False

    return [process for process in found if lives(process)]


def without_setpriv(directory: Path) -> str:
    """A PATH on which nothing can be made to die with its parent, so that only the guardian is left to do it."""
    directory.mkdir()
    broken = directory / "setpriv"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


async def launch(
    control_plane: GrpcControlPlane,
    timeout: timedelta = CONTINUED,
    browser_session_id: str = "pbs_1",
    fence: int = 7,
) -> float:
    """Launch a browser; returns its deadline on the machine's clock, a moment late."""
    result = await control_plane.launch(browser_session_id, fence, timeout=timeout)
    age: timedelta = result.launched.age.ToTimedelta()
    return guardian.boottime() - age.total_seconds() + timeout.total_seconds()


async def gone_after(program: Program, since: float, what: str, seconds: float = 30) -> float:
    """Wait until nothing of any browser is left; returns how long after `since` that was."""
    await until(lambda: is_gone(program), "the end of all browsers", seconds)
    took = guardian.boottime() - since
    print(f"measured: {what}: {took:.3f} s")
    return took


@by_groups_and_cgroups
async def test_browsers_die_at_their_deadline_though_host_and_driver_and_one_of_them_are_stopped(
    tmp_path: Path, use_cgroups: str
):
    async with (
        GrpcControlPlane() as control_plane,
        a_program(tmp_path, control_plane.address, TABKEEP_CGROUPS=use_cgroups) as program,
    ):
        await control_plane.attached()
        first = await launch(control_plane, timedelta(seconds=6))
        stopped = [driver_of(program), main_process(program)]
        last = await launch(control_plane, timedelta(seconds=3), "pbs_2", 8)
        program.process.send_signal(signal.SIGSTOP)
        for process in stopped:
            process.suspend()
        assert guardian.boottime() < min(first, last), "the machine was too slow for this test"
        late = await gone_after(program, max(first, last), f"host stopped, deadline to gone, cgroups={use_cgroups}")
        assert 0 < late <= DEAD_SECONDS
        assert psutil.Process(program.process.pid).status() == psutil.STATUS_STOPPED
        for process in living(stopped):
            process.resume()
        program.process.send_signal(signal.SIGCONT)
        for placement in (("pbs_1", 7), ("pbs_2", 8)):
            tombstone = await control_plane.tombstone(*placement)
            assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_TIMED_OUT
        assert [line["message"] for line in program.log].count("browser ended by the guardian") == 2
        # It goes on as a host.
        assert (await control_plane.launch("pbs_3", 9)).HasField("launched")


@by_groups_and_cgroups
async def test_a_browser_dies_with_the_holding_lease_though_the_host_is_stopped(tmp_path: Path, use_cgroups: str):
    async with GrpcControlPlane() as control_plane:
        control_plane.holding_lease = timedelta(seconds=3)
        async with a_program(tmp_path, control_plane.address, TABKEEP_CGROUPS=use_cgroups) as program:
            await control_plane.attached()
            await launch(control_plane)
            program.process.send_signal(signal.SIGSTOP)
            lease_ends = guardian.boottime() + 3.0  # at the latest: the last heartbeat was sent before
            late = await gone_after(program, lease_ends, f"host stopped, lease to gone, cgroups={use_cgroups}")
            assert -0.5 < late <= LEASE_MARGIN
            program.process.send_signal(signal.SIGCONT)
            tombstone = await control_plane.tombstone("pbs_1", 7)
            assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_HOST_LOST


async def test_a_browser_dies_with_the_holding_lease_when_the_control_plane_is_gone(tmp_path: Path):
    async with GrpcControlPlane() as control_plane:
        control_plane.holding_lease = timedelta(seconds=3)
        async with a_program(tmp_path, control_plane.address) as program:
            await control_plane.attached()
            await launch(control_plane)
            await control_plane.stop()
            lease_ends = guardian.boottime() + 3.0
            assert await gone_after(program, lease_ends, "control plane gone, lease to gone") <= LEASE_MARGIN
            await control_plane.start()
            tombstone = await control_plane.tombstone("pbs_1", 7)
            assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_HOST_LOST


async def test_a_browser_that_starts_while_its_host_stops_dies_with_the_lease(tmp_path: Path):
    async with GrpcControlPlane() as control_plane:
        control_plane.holding_lease = timedelta(seconds=3)
        async with a_program(tmp_path, control_plane.address) as program:
            await control_plane.attached()
            launch = host_pb2.Launch(browser_type=browser_sessions_pb2.BROWSER_TYPE_CHROME)
            launch.timeout.FromTimedelta(CONTINUED)
            control_plane.command("pbs_1", 7, launch=launch)
            await until(lambda: program.browsers(), "the browser's first process")
            program.process.send_signal(signal.SIGSTOP)
            lease_ends = guardian.boottime() + 3.0
            assert not control_plane.stored.results
            assert await gone_after(program, lease_ends, "host stopped in a launch, lease to gone") <= LEASE_MARGIN


@by_groups_and_cgroups
async def test_a_killed_host_leaves_no_process_and_no_file_though_all_of_it_is_stuck(tmp_path: Path, use_cgroups: str):
    path = without_setpriv(tmp_path / "bin")
    async with (
        GrpcControlPlane() as control_plane,
        a_program(tmp_path, control_plane.address, TABKEEP_CGROUPS=use_cgroups, PATH=path) as program,
    ):
        await control_plane.attached()
        await launch(control_plane)
        watcher, driver = guardian_of(program), driver_of(program)
        cgroup = program.data_dir / "host" / "cgroup"
        assert cgroup.is_symlink() == (use_cgroups == "1")
        for process in (driver, main_process(program)):
            process.suspend()
        killed_at = guardian.boottime()
        program.process.kill()
        await until(lambda: not living([watcher]), "the end of the guardian")
        assert is_gone(program)
        assert living([driver]) == []
        assert not cgroup.exists()
        took = guardian.boottime() - killed_at
        print(f"measured: host killed, to gone, cgroups={use_cgroups}: {took:.3f} s")
        assert took <= DEAD_SECONDS


async def test_a_killed_guardian_is_replaced_within_a_second_and_the_browser_kept(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        deadline = await launch(control_plane, timedelta(seconds=6))
        browser, first = main_process(program), guardian_of(program)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            first.send_signal(number)  # none of them ends it
        first.kill()
        killed_at = guardian.boottime()
        await until(lambda: restarts(program), "a new guardian")
        took = guardian.boottime() - killed_at
        print(f"measured: guardian killed, to replaced: {took:.3f} s")
        assert took <= 1.0
        assert restarts(program)[0]["pid"] == guardian_of(program).pid != first.pid
        assert living([browser])
        program.process.send_signal(signal.SIGSTOP)
        assert guardian.boottime() < deadline, "the machine was too slow for this test"
        late = await gone_after(program, deadline, "host stopped, deadline to gone with the second guardian")
        assert 0 < late <= DEAD_SECONDS


def restarts(program: Program) -> list[dict[str, object]]:
    return [line for line in program.log if line["message"] == "guardian restarted"]


async def test_a_guardian_that_is_stuck_is_replaced_and_the_browser_kept(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        await launch(control_plane)
        browser, first = main_process(program), guardian_of(program)
        first.suspend()
        await until(lambda: restarts(program), "a new guardian")
        assert not living([first])
        assert living([browser])


async def test_a_host_that_gets_no_new_guardian_gives_up_its_browsers_and_says_so(tmp_path: Path):
    guarding = tmp_path / "guardian.py"
    shutil.copy(guardian.__file__, guarding)
    start = (
        f"import browser_host.kernel.guardian as guardian; guardian.__file__ = {str(guarding)!r}; "
        "import sys; from browser_host.__main__ import main; sys.exit(main())"
    )
    async with (
        GrpcControlPlane() as control_plane,
        a_program(tmp_path, control_plane.address, command=("-c", start)) as program,
    ):
        await control_plane.attached()
        await launch(control_plane)
        guarding.write_text("raise SystemExit(1)\n")
        guardian_of(program).kill()
        tombstone = await control_plane.tombstone("pbs_1", 7)
        assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_HOST_LOST
        assert "guardian" in tombstone.message
        assert await program.exit_code() == 1
        assert program.browsers() == []
        assert control_plane.stored.goodbyes


@by_groups_and_cgroups
async def test_what_is_left_when_host_and_guardian_are_killed_is_swept_before_the_next_hello(
    tmp_path: Path, use_cgroups: str
):
    settings = {"TABKEEP_CGROUPS": use_cgroups, "PATH": without_setpriv(tmp_path / "bin")}
    async with GrpcControlPlane() as control_plane:  # noqa: SIM117 (as deep as the hosts' lives)
        async with a_program(tmp_path, control_plane.address, **settings) as program:
            await control_plane.attached()
            await launch(control_plane)
            left, driver = program.browsers(), driver_of(program)
            cgroup = program.data_dir / "host" / "cgroup"
            of_first = cgroup.readlink() if use_cgroups == "1" else None
            for process in (driver, *left):
                process.suspend()
            host, watcher = psutil.Process(program.process.pid), guardian_of(program)
            watcher.suspend()  # so that it does nothing between the two kills
            host.kill()
            watcher.kill()
            await until(lambda: not living([host, watcher]), "the end of both")
            assert living(left) == left
            driver.kill()  # without setpriv it would wait for somebody to let it go on
            async with a_program(tmp_path, control_plane.address, **settings) as second:
                await control_plane.attached(2)
                assert living(left) == []
                assert list((tmp_path / "host" / "browsers").iterdir()) == []
                assert "browsers of a former host ended" in [line["message"] for line in second.log]
                assert of_first is None or not of_first.exists()


# The guardian alone, with processes that are no browsers.


async def a_guardian() -> GuardianProcess:
    opened = GuardianProcess()
    await opened.open()
    return opened


async def a_sleeper(*, wrapper: str = "") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec("sh", "-c", f"{wrapper} exec sleep 1000", start_new_session=True)


async def test_a_process_that_only_has_the_number_of_a_browser_is_never_killed(tmp_path: Path):
    watcher = await a_guardian()
    innocent, browser = await a_sleeper(), await a_sleeper()
    directory = tmp_path / "7-abc"
    directory.mkdir()
    try:
        watcher.hold_until(guardian.boottime() + 1000)
        placement = Placement("pbs_1", 7)
        await watcher.cover(placement, None, [directory], "")
        watcher.identify(placement, browser.pid)
        # As if the browser had ended and the system had given its number to another one.
        cover = watcher._covers["pbs_1/7"]
        watcher._change("pbs_1/7", pid=innocent.pid, started=cover.started + "1")
        watcher.set_deadline(placement, guardian.boottime() - 10)
        await until(lambda: not directory.exists(), "the end of the directory")
        assert innocent.returncode is None
        watcher.identify(placement, browser.pid)
        async with asyncio.timeout(2):
            assert await browser.wait() == -signal.SIGKILL
        assert innocent.returncode is None
    finally:
        watcher.release(Placement("pbs_1", 7))
        await watcher.close()
        innocent.kill()
        await innocent.wait()


async def test_the_latest_word_gets_through_a_guardian_that_did_not_read_and_nothing_waits_for_it():
    watcher = await a_guardian()
    browser = await a_sleeper()
    placement = Placement("pbs_1", 7)
    try:
        watcher.hold_until(guardian.boottime() + 1000)
        await watcher.cover(placement, None, [], "")
        watcher.identify(placement, browser.pid)
        os.kill(watcher.pid, signal.SIGSTOP)
        began = guardian.boottime()
        for more in range(20_000):
            watcher.hold_until(began + 1000 + more)
        watcher.hold_until(began)
        assert guardian.boottime() - began < 5
        os.kill(watcher.pid, signal.SIGCONT)
        async with asyncio.timeout(5):
            assert await browser.wait() == -signal.SIGKILL
    finally:
        watcher.release(placement)
        await watcher.close()


def wait_without_the_loop(pid: int) -> None:
    """Return when the process is dead; nothing that came meanwhile has been read by then."""
    with contextlib.suppress(ProcessLookupError):  # dead, and asyncio's watcher has fetched its status
        descriptor = os.pidfd_open(pid)
        try:
            assert select.select([descriptor], [], [], 10)[0], f"process {pid} does not die"
        finally:
            os.close(descriptor)


@pytest.mark.parametrize(
    ("hold", "deadline", "cause"), [(1000.0, -10.0, guardian.DEADLINE), (0.0, 1000.0, guardian.LEASE)]
)
async def test_the_host_knows_what_a_browser_was_killed_for_as_soon_as_it_is_dead(
    hold: float, deadline: float, cause: str
):
    watcher = await a_guardian()
    browser = await a_sleeper()
    placement = Placement("pbs_1", 7)
    try:
        watcher.hold_until(guardian.boottime() + 1000)
        await watcher.cover(placement, None, [], "")
        watcher.identify(placement, browser.pid)
        assert watcher.killed_for(placement) == ""
        watcher.set_deadline(placement, guardian.boottime() + deadline)
        watcher.hold_until(guardian.boottime() + hold)
        wait_without_the_loop(browser.pid)
        assert watcher.killed_for(placement) == cause
    finally:
        watcher.release(placement)
        await watcher.close()
        await browser.wait()
    assert watcher.killed_for(placement) == ""


async def test_a_launch_waits_for_a_guardian_and_fails_without_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "CONFIRM_SECONDS", 0.5)
    watcher = await a_guardian()
    watcher.hold_until(guardian.boottime() + 1000)
    os.kill(watcher.pid, signal.SIGKILL)  # and nobody runs `run`
    with pytest.raises(GuardianLost, match="did not answer"):
        await watcher.cover(Placement("pbs_1", 7), None, [], "")
    await watcher.close()


async def test_a_stuck_guardian_with_nothing_to_guard_is_not_left_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guard, "FAREWELL_SECONDS", 0.5)
    watcher = await a_guardian()
    process = psutil.Process(watcher.pid)
    process.suspend()
    await watcher.close()
    assert not process.is_running()


async def test_a_guardian_that_cannot_be_started_says_so():
    with pytest.raises(GuardianLost, match="cannot be started"):
        await GuardianProcess(("/no/such/python",)).open()
    with pytest.raises(GuardianLost, match="does not answer"):
        await GuardianProcess(("false",)).open()


@pytest.mark.skipif(not _can_use_cgroups(), reason="no cgroups may be made here")
async def test_a_cgroup_finds_what_has_left_the_browsers_group_and_names_no_directory(tmp_path: Path):
    root, cgroup = a_cgroup()
    watcher = await a_guardian()
    enter = f'echo 0 > "{cgroup}/cgroup.procs";'
    escaped = await a_sleeper(wrapper=enter)
    placement = Placement("pbs_1", 7)
    try:
        await until(lambda: escaped.pid in guardian.cgroup_pids(str(cgroup)), "the sleeper in its cgroup")
        watcher.hold_until(guardian.boottime() + 1000)
        await watcher.cover(placement, None, [], str(cgroup))
        watcher.set_deadline(placement, guardian.boottime() - 10)
        async with asyncio.timeout(2):
            assert await escaped.wait() == -signal.SIGKILL
        await until(lambda: not cgroup.exists(), "the end of the cgroup")
        assert watcher.pid
    finally:
        watcher.release(placement)
        await watcher.close()
        await cgroups.end((root,))


@pytest.mark.skipif(not _can_use_cgroups(), reason="no cgroups may be made here")
async def test_a_cgroup_with_living_processes_is_ended_and_removed():
    root, inner = a_cgroup()
    process = await a_sleeper(wrapper=f'echo 0 > "{inner}/cgroup.procs";')
    await until(lambda: process.pid in guardian.cgroup_pids(str(root)), "the sleeper in its cgroup")
    await cgroups.end((root,))
    assert await process.wait() == -signal.SIGKILL
    assert not root.exists()


async def test_the_wrapper_starts_no_browser_outside_its_cgroup(tmp_path: Path):
    wrapper = processes.write_wrapper(tmp_path, "env", Path("/usr/bin/env"), dies_with_parent=False)
    started = await asyncio.create_subprocess_exec(
        wrapper,
        env={"PATH": os.environ["PATH"], "TABKEEP_ENTER_CGROUPS": "/no/such/cgroup"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    printed, _ = await started.communicate()
    assert started.returncode == 126
    assert printed == b""
