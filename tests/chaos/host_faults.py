"""What is done to real hosts with real Chromium, and what must be true afterwards.

Each fault is given an empty directory and a generator of random numbers, raises when it was not survived, and returns
its figures in words. `Scene.check` is what every one of them ends with.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psutil

from tests.chaos.control_plane_faults import fill, small_disk
from tests.chaos.failpoints import DIE_AT, WALL_CLOCK
from tests.chaos.host_process import GONE_SECONDS, HostProcess
from tests.chaos.scene import PATIENCE, SHORT_ACTION_LEASE, Scene, Work, a_scene
from tests.waiting import until

Fault = Callable[[Path, random.Random], Awaitable[str]]
Strike = Callable[[HostProcess, int], psutil.Process]
"""Which process of a host is meant, given the fence of its browser."""


def host_process(host: HostProcess, _: int) -> psutil.Process:
    return psutil.Process(host.pid)


def guardian(host: HostProcess, _: int) -> psutil.Process:
    return host.guardian()


def driver(host: HostProcess, _: int) -> psutil.Process:
    return host.driver()


def browser(host: HostProcess, fence: int) -> psutil.Process:
    return host.main_process(fence)


def renderer(host: HostProcess, fence: int) -> psutil.Process:
    return host.renderer(fence)


# kill -9


async def host_killed(folder: Path, rng: random.Random) -> str:
    """Its browser ends with it, the run says that it may have acted, the next life of the host serves."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host(TABKEEP_CGROUPS=rng.choice("01"), TABKEEP_WARM_BROWSERS=rng.choice("01"))
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        began = time.monotonic()
        await host.kill()
        await host.nothing_left()
        gone = time.monotonic() - began
        await host.start()
        await scene.closed(session, "host_lost")
        await scene.failed(work, "host_lost")
        pressed = scene.site.pressed(work.key)
        await scene.serves()
        assert scene.site.pressed(work.key) == pressed
        await scene.check()
        await scene.finish()
    return f"everything of it gone after {gone:.2f} s"


async def host_and_guardian_killed(folder: Path, rng: random.Random) -> str:
    """Only the kernel is left: each process dies with its parent. The files go with the next life, before its Hello."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host(TABKEEP_CGROUPS="0")
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        host.remember()
        watcher = host.guardian()
        watcher.suspend()  # so that it does nothing between the two
        began = time.monotonic()
        await host.kill()
        watcher.kill()
        await until(lambda: not host.left_running(), "the end of all processes", GONE_SECONDS)
        gone = time.monotonic() - began
        pressed = scene.site.pressed(work.key)
        assert list((host.data_dir / "host" / "browsers").iterdir()), "there was nothing left to remove"
        await host.start()
        await scene.attached(host)
        assert not host.left(), f"it was taken in before it had removed what was left: {host.left()}"
        await scene.closed(session, "host_lost")
        await scene.failed(work, "host_lost")
        await scene.serves()
        assert scene.site.pressed(work.key) == pressed
        await scene.check()
        await scene.finish()
    return f"all processes dead after {gone:.2f} s, their files gone before the next Hello"


async def guardian_killed(folder: Path, rng: random.Random) -> str:
    """Another takes its place; nobody notices."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host()
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        host.remember()
        began = time.monotonic()
        host.guardian().kill()
        await until(lambda: host.said("guardian restarted"), "another guardian", PATIENCE)
        took = time.monotonic() - began
        await scene.completed(work)
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"another one after {took:.2f} s, the run completed"


def killed(strike: Strike, reason: str) -> Fault:
    """kill -9 of something that a browser cannot live without."""

    async def fault(folder: Path, rng: random.Random) -> str:
        async with a_scene(folder, rng) as scene:
            host = await scene.start_host()
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            fence = scene.fence(session)
            host.remember()
            began = time.monotonic()
            strike(host, fence).kill()
            await scene.closed(session, reason)
            took = time.monotonic() - began
            assert not host.browsers(fence), "a session's browser is said to be gone and lives"
            await scene.failed(work, reason)
            await scene.serves()
            await scene.check()
            await scene.finish()
        return f"closed {reason.upper()} and gone after {took:.2f} s, the next session served"

    return fault


async def renderer_killed(folder: Path, rng: random.Random) -> str:
    """A page crashes, not its browser: the run fails or goes on, the session serves the next run."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host()
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        host.remember()
        host.renderer(scene.fence(session)).kill()
        row = await scene.final(work)
        assert row["status"] == "completed" or row["failure_reason"] == "page_crashed", row
        assert scene.session(session)["state"] == "running"
        await scene.completed(await scene.work(session, 2))
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"the run ended {row['status']} {row['failure_reason']}, the session went on"


# SIGSTOP, SIGCONT


def stopped(strike: Strike, shortest: float, longest: float, outcome: Callable[..., Awaitable[str]]) -> Fault:
    """SIGSTOP of one process for some seconds, then SIGCONT."""

    async def fault(folder: Path, rng: random.Random) -> str:
        async with a_scene(folder, rng) as scene:
            host = await scene.start_host()
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            host.remember()
            process = strike(host, scene.fence(session))
            seconds = rng.uniform(shortest, longest)
            process.suspend()
            await asyncio.sleep(seconds)
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
            words = await outcome(scene, host, session, work)
            await scene.check()
            await scene.finish()
        return f"stopped for {seconds:.1f} s: {words}"

    return fault


async def goes_on(scene: Scene, host: HostProcess, session: str, work: Work) -> str:
    """The session lives and serves the next run; the run under way completed unless a step took too long."""
    ended = await scene.over(work)
    await scene.completed(await scene.work(session, 2))
    await scene.close(session)
    return f"the run {ended}, the session went on"


async def another_guardian(scene: Scene, host: HostProcess, session: str, work: Work) -> str:
    """One that is stuck is replaced, and its browsers live on."""
    await until(lambda: host.said("guardian restarted"), "another guardian", PATIENCE)
    return await goes_on(scene, host, session, work)


async def host_stopped_while_its_session_is_closed(folder: Path, rng: random.Random) -> str:
    """SIGSTOP of the host in the middle of a run; the session is closed meanwhile; after SIGCONT nothing acts."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host()
        session = await scene.a_session()
        work = await scene.work(session, 20)
        await scene.under_way(work)
        os.kill(host.pid, signal.SIGSTOP)
        await scene.client.close_browser_session(session)
        row = await scene.until_session(session, "closed")
        assert row["close_reason"] == "requested"
        await asyncio.sleep(rng.uniform(0.0, 3.5))
        # A press under way in the browser may still come, and so may one whose start was stored before the close and
        # whose lease runs; the check sees that none comes without. No start may be stored after it.
        begun = scene.begun(work)
        os.kill(host.pid, signal.SIGCONT)
        await scene.closed(session, "requested")
        assert scene.begun(work) == begun, "a step began after the session was closed"
        await scene.failed(work, "session_closed")
        await scene.serves()
        await scene.check()
        await scene.finish()
    return "no press after SIGCONT"


async def control_plane_stopped(folder: Path, rng: random.Random) -> str:
    """SIGSTOP of the control plane for longer than the action lease: steps wait, then go on."""
    async with a_scene(folder, rng, **SHORT_ACTION_LEASE) as scene:
        await scene.start_host()
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        seconds = rng.uniform(2.5, 5.0)
        scene.control_plane.signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        pressed = scene.site.pressed(work.key)
        await asyncio.sleep(seconds - 0.5)
        assert scene.site.pressed(work.key) <= pressed, "steps began without a stored start"
        scene.control_plane.signal(signal.SIGCONT)
        ended = await scene.over(work)
        await scene.completed(await scene.work(session, 2))
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"stopped for {seconds:.1f} s: steps waited, the run {ended}"


async def control_plane_killed(folder: Path, rng: random.Random) -> str:
    """kill -9 of the control plane under a run: started again, it takes the host in and the run goes on."""
    async with a_scene(folder, rng) as scene:
        await scene.start_host()
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        await scene.control_plane.kill()
        await asyncio.sleep(rng.uniform(0.0, 3.0))
        await scene.restart_control_plane()
        ended = await scene.over(work)
        await scene.completed(await scene.work(session, 2))
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"the run went on and {ended}"


# kill -9 at named points

HOST_POINTS = {
    "command received": (1, 2),
    "command begun": (1, 2),
    "browser launched": (1, 1),
    "result sent": (1, 2),
    "event made": (1, 12),
    "event sent": (1, 12),
    "event acknowledged": (1, 12),
    "step begins": (1, 6),
    "step done": (1, 6),
    "step reported": (1, 6),
}
"""The points of `faulty_host`, and at which of its times there it may be killed."""
CONTROL_PLANE_POINTS = {
    "event received": (1, 12),
    "event committed": (1, 12),
    "event acknowledged": (1, 12),
    "command committed": (1, 2),
    "command sent": (1, 2),
    "result committed": (1, 2),
}


def host_killed_at(point: str) -> Fault:
    """kill -9 of the host at a point: whatever had happened is known, and nothing happens again."""

    async def fault(folder: Path, rng: random.Random) -> str:
        time_there = rng.randint(*HOST_POINTS[point])
        async with a_scene(folder, rng) as scene:
            host = scene.a_host()
            await host.start(**{DIE_AT: f"{point}:{time_there}"})
            await scene.attached(host)
            created = await scene.client.create_browser_session(queue_timeout=timedelta(minutes=5))
            session = created.browser_session_id
            work = await scene.work(session)
            host.remember()
            assert await host.ended(PATIENCE) == -signal.SIGKILL
            await host.nothing_left()
            pressed = scene.site.pressed(work.key)
            await host.start()
            await scene.attached(host)
            await until(lambda: scene.session(session)["state"] in ("running", "closed"), "an outcome", PATIENCE)
            if scene.session(session)["state"] == "closed":
                await scene.closed(session, "host_lost")
                await scene.failed(work, "host_lost")
                assert scene.site.pressed(work.key) == pressed, "steps were done again"
                ended = "closed HOST_LOST"
            else:  # it died before the browser was up: the session was placed again, and nothing had happened
                assert pressed == 0
                await scene.completed(work)
                await scene.close(session)
                ended = "placed again and completed"
            await scene.serves()
            await scene.check()
            await scene.finish()
        return f"at its {time_there}. time there: {pressed} pressed, {ended}"

    return fault


def control_plane_killed_at(point: str) -> Fault:
    """kill -9 of the control plane at a point: started again, it and the host finish what was begun, once."""

    async def fault(folder: Path, rng: random.Random) -> str:
        time_there = rng.randint(*CONTROL_PLANE_POINTS[point])
        async with a_scene(folder, rng) as scene:
            scene.control_plane.signal(signal.SIGTERM)
            await scene.restart_control_plane(**{DIE_AT: f"{point}:{time_there}"})
            host = await scene.start_host()
            request_id = f"session-{rng.getrandbits(32):x}"
            doomed = scene.control_plane
            working = asyncio.create_task(_session_and_work(scene, request_id))
            assert await asyncio.wait_for(doomed.ended(), PATIENCE) == -signal.SIGKILL
            await scene.restart_control_plane()
            await asyncio.gather(working, return_exceptions=True)
            # The caller asks again with the same request_id: there is one session, whatever it had been told.
            again = await scene.client.create_browser_session(queue_timeout=timedelta(minutes=5), request_id=request_id)
            session = again.browser_session_id
            assert scene.query("SELECT count(*) FROM sessions") == [(1,)]
            await scene.until_session(session, "running")
            if not scene.works:
                await scene.work(session)
            await scene.completed(scene.works[0])
            await scene.close(session)
            started = [line for line in host.said("browser started") if line["browser_session_id"] == session]
            assert len(started) == 1, "a browser was started twice"
            await scene.check()
            await scene.finish()
        return f"at its {time_there}. time there: one browser, the run completed"

    return fault


async def _session_and_work(scene: Scene, request_id: str) -> None:
    session = await scene.client.create_browser_session(queue_timeout=timedelta(minutes=5), request_id=request_id)
    await scene.work(session.browser_session_id)


# Clocks, names, disks, drains


async def wall_clocks_stepped(folder: Path, rng: random.Random) -> str:
    """Both programs see their wall clock jump by up to a day, forwards or backwards, under a run.

    Not the machine's clock, which is not ours to set: the test programs add an offset to what they read.
    """
    async with a_scene(folder, rng) as scene:
        offsets = {name: folder / f"{name}-offset" for name in ("host", "control-plane")}
        scene.control_plane.signal(signal.SIGTERM)
        await scene.restart_control_plane(**{WALL_CLOCK: str(offsets["control-plane"])})
        host = await scene.start_host(**{WALL_CLOCK: str(offsets["host"])})
        session = await scene.a_session(timeout=timedelta(minutes=5))
        before = scene.query("SELECT expire_time FROM sessions")
        work = await scene.work(session, 16)
        steps = []
        for _ in range(3):
            await scene.under_way(work)
            steps.append(rng.choice([-86_400, -3600, -2, 2, 3600, 86_400]))
            for path in offsets.values():
                path.write_text(str(steps[-1]))
            await asyncio.sleep(rng.uniform(0.1, 0.6))
        await scene.completed(work)
        assert scene.session(session)["state"] == "running"
        assert scene.query("SELECT expire_time FROM sessions") == before, "a deadline moved"
        assert not host.said("guardian lost")
        await scene.close(session)
        await scene.check()
        await scene.finish()
    return f"offsets of {steps} s: no deadline moved, the run completed"


async def duplicated_host_id(folder: Path, rng: random.Random) -> str:
    """A second live process with the id of one that lives: it ends with status 3, the first is not harmed."""
    async with a_scene(folder, rng) as scene:
        first = await scene.start_host("host-a")
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        second = scene.a_host("host-a")
        await second.start()
        status = await second.ended(PATIENCE)
        assert status == 3, f"exit status {status}: {second.last_words}"
        assert "is taken by another live process" in second.last_words, second.last_words
        await second.nothing_left()
        scene.hosts.remove(second)
        await scene.completed(work)
        assert not first.said("stream lost")
        await scene.close(session)
        await scene.check()
        await scene.finish()
        await second.clear()
    return f"the second ended with status 3: {second.last_words[-80:]}"


async def drained(folder: Path, rng: random.Random) -> str:
    """SIGTERM under a run, with time to finish it: no new session, the run completes, the host ends in order."""
    async with a_scene(folder, rng) as scene:
        host = await scene.start_host("host-a", TABKEEP_DRAIN_TIMEOUT="60")
        session = await scene.a_session()
        work = await scene.work(session)
        await scene.under_way(work)
        host.remember()
        os.kill(host.pid, signal.SIGTERM)
        await until(lambda: scene.host_state(host) == "draining", "the host draining", PATIENCE)
        other = await scene.start_host("host-b")
        moved = await scene.a_session()
        assert scene.session(moved)["host_id"] == "host-b", "a draining host was given a session"
        await scene.completed(work)
        await scene.close(session)
        assert await host.ended() == 0, host.last_words
        await host.nothing_left()
        await until(lambda: scene.host_state(host) == "gone", "the host gone", PATIENCE)
        scene.hosts.remove(host)
        await host.clear()
        await scene.completed(await scene.work(moved, 2))
        await scene.close(moved)
        assert not other.said("drain")
        await scene.check()
        await scene.finish()
    return "its run completed, new sessions went to the other host, exit status 0"


async def rolling_restart(folder: Path, rng: random.Random) -> str:
    """Two hosts are restarted one after the other without time to drain: each session ends in words, others live."""
    async with a_scene(folder, rng) as scene:
        hosts = [await scene.start_host("host-a"), await scene.start_host("host-b")]
        sessions = [await scene.a_session() for _ in range(2)]
        where = {scene.session(session)["host_id"]: session for session in sessions}
        assert set(where) == {"host-a", "host-b"}, f"both sessions on one host: {where}"
        works = {host_id: await scene.work(session, 16) for host_id, session in where.items()}
        for host in hosts:
            await scene.under_way(works[host.host_id])
            assert await host.stop() == 0, host.last_words
            await host.nothing_left()
            await scene.closed(where[host.host_id], "host_drained")
            row = await scene.final(works[host.host_id])
            assert row["status"] == "completed" or row["failure_reason"] == "host_drained", row
            await host.start()
            await scene.attached(host)
            await scene.serves()
        await scene.check()
        await scene.finish()
    return "sessions closed HOST_DRAINED, each host served again"


async def hosts_disk_full(folder: Path, rng: random.Random) -> str:
    """The host's disk takes no byte and no file more under a run: what lives goes on, a launch fails in words."""
    with small_disk(folder, mebibytes=96, files=5000) as disk:
        async with a_scene(folder, rng) as scene:
            host = scene.a_host(data_dir=disk / "host-a")
            await host.start()
            await scene.attached(host)
            session = await scene.a_session()
            work = await scene.work(session)
            await scene.under_way(work)
            fill(disk, leave=0)
            with contextlib.suppress(OSError):
                for number in range(5000):
                    (disk / f"filler-file-{number}").touch()
            row = await scene.final(work)
            assert row["status"] == "completed" or row["failure_message"], row
            refused = await scene.client.create_browser_session(queue_timeout=timedelta(minutes=1))
            closed = await scene.closed(refused.browser_session_id, "launch_failed")
            assert "No space left on device" in closed["close_message"], closed
            survived = scene.session(session)["state"] == "running"
            for filler in disk.glob("filler-*"):
                filler.unlink()
            await scene.serves()
            if survived:
                await scene.completed(await scene.work(session, 2))
                await scene.close(session)
            else:
                await scene.closed(session, "browser_crashed")
            await scene.check()
            await scene.finish()
    return f"the run ended {row['status']} {row['failure_reason']}, a launch failed in words, then the host served"


FAULTS: dict[str, Fault] = {
    "kill -9 of the host": host_killed,
    "kill -9 of the host and its guardian": host_and_guardian_killed,
    "kill -9 of the guardian": guardian_killed,
    "kill -9 of Playwright's driver": killed(driver, "browser_crashed"),
    "kill -9 of the browser process": killed(browser, "browser_crashed"),
    "kill -9 of a renderer": renderer_killed,
    "kill -9 of the control plane under a run": control_plane_killed,
    "SIGSTOP of the host, for less than its holding lease": stopped(host_process, 2.5, 6.0, goes_on),
    "SIGSTOP of the host, its session closed meanwhile": host_stopped_while_its_session_is_closed,
    "SIGSTOP of the guardian": stopped(guardian, 4.0, 6.0, another_guardian),
    "SIGSTOP of Playwright's driver": stopped(driver, 1.0, 4.0, goes_on),
    "SIGSTOP of the browser process": stopped(browser, 1.0, 4.0, goes_on),
    "SIGSTOP of a renderer": stopped(renderer, 1.0, 4.0, goes_on),
    "SIGSTOP of the control plane, for longer than the action lease": control_plane_stopped,
    **{f"host killed at: {point}": host_killed_at(point) for point in HOST_POINTS},
    **{f"control plane killed at: {point}": control_plane_killed_at(point) for point in CONTROL_PLANE_POINTS},
    "wall clocks of both stepped": wall_clocks_stepped,
    "host id duplicated": duplicated_host_id,
    "host drained under a run": drained,
    "hosts restarted one after the other": rolling_restart,
    "disk of the host full": hosts_disk_full,
}
