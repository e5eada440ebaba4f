"""What is done to a real control plane, and what must be true afterwards. Each fault raises when it was not survived.

A fault is given an empty directory and a generator of random numbers, and returns its figures in words.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import grpc
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2

from tests.api_calls import close_session, get_session, minutes, running_session
from tests.chaos.control_plane_program import ControlPlaneProgram, running, traced
from tests.chaos.load import Acknowledged, Load
from tests.chaos.outcomes import NotPossibleHere
from tests.fake_host import FakeHost
from tests.refusals import Refusal, refused

Fault = Callable[[Path, random.Random], Awaitable[str]]


@contextlib.asynccontextmanager
async def loaded(program: ControlPlaneProgram, acknowledged: Acknowledged, name: str) -> AsyncIterator[Load]:
    """Load on `program` until the end of the context, or of the program."""
    load = Load(program, acknowledged, name)
    task = asyncio.create_task(load.run())
    try:
        begun = asyncio.create_task(load.begun.wait())
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED, timeout=15)
        begun.cancel()
        assert load.begun.is_set(), f"the load did not begin: {task}"
        yield load
    finally:
        load.over = True
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def check(program: ControlPlaneProgram, acknowledged: Acknowledged, *, thorough: bool = True) -> None:
    """Raise if anything acknowledged is not there, or not answered again under its request_id.

    `thorough` also looks at every page of the file, which takes seconds where there are a million events.
    """
    lost = acknowledged.lost(program)
    assert not lost, f"{len(lost)} of {acknowledged.rows()} acknowledged rows lost: {lost[:5]}"
    if thorough:
        assert program.query("PRAGMA integrity_check") == [("ok",)]
    async with program.api() as api:
        for request_id, browser_session_id in list(acknowledged.sessions.items())[-5:]:
            if request_id.endswith("-live"):
                continue
            request = pb.CreateBrowserSessionRequest(request_id=request_id, queue_timeout=minutes(60))
            answer = await api.sessions.CreateBrowserSession(request, timeout=10)
            assert answer.browser_session.browser_session_id == browser_session_id


async def kill_under_load(folder: Path, rng: random.Random) -> str:
    """kill -9 at a random moment while calls and events are being stored."""
    acknowledged = Acknowledged()
    return (await kills_under_load(folder, rng, acknowledged, 1))[0]


async def kills_under_load(folder: Path, rng: random.Random, acknowledged: Acknowledged, times: int) -> list[str]:
    """The same several times on one database, each start being the recovery from the kill before."""
    notes = []
    for number in range(times):
        async with running(folder / "data") as program:
            await check(program, acknowledged)
            async with loaded(program, acknowledged, f"life-{number}-{rng.getrandbits(32):x}"):
                await asyncio.sleep(rng.uniform(0.0, 1.0))
                await program.kill()
        async with running(folder / "data") as again:
            await check(again, acknowledged)
            notes.append(f"{acknowledged.rows()} acknowledged rows, 0 lost, ready after {again.ready_after:.2f} s")
            again.signal(signal.SIGTERM)
            assert await again.ended() == 0
    return notes


async def failing_fsync(folder: Path, rng: random.Random) -> str:
    """From some moment on every fsync of the control plane answers EIO."""
    acknowledged = Acknowledged()
    async with running(folder / "data"):
        pass  # the first start makes keys and schema
    fails_from = rng.randint(20, 200)
    failing = traced("-e", "trace=fdatasync,fsync", "-e", f"inject=fdatasync,fsync:error=EIO:when={fails_from}+")
    async with running(folder / "data", prefix=failing) as program:
        load = Load(program, acknowledged, "life")
        task = asyncio.create_task(load.run())
        try:
            status = await program.ended()
        finally:
            load.over = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        words = program.last_words()
        assert status == 1, f"exit status {status}: {words}"
        assert words.startswith("tabkeep control-plane: the control plane's disk failed"), words
    async with running(folder / "data") as again:
        await check(again, acknowledged)
    return f"fsync {fails_from} failed, exit status 1, {acknowledged.rows()} acknowledged rows, 0 lost"


async def slow_fsync(folder: Path, rng: random.Random) -> str:
    """Every fsync takes half a second or a whole one: heartbeats are acknowledged at once, calls wait."""
    delay = rng.choice([500, 1000])
    slow = traced("-e", "trace=fdatasync", "-e", f"inject=fdatasync:delay_enter={delay}ms")
    acknowledged = Acknowledged()
    async with running(folder / "data"):
        pass  # the first start makes keys and schema
    async with running(folder / "data", prefix=slow) as program, loaded(program, acknowledged, "life"):
        host = program.host("host-b", capacity=0)
        await host.attach()
        waits = []
        until = time.monotonic() + 3
        while time.monotonic() < until:
            sent = time.monotonic()
            await host.heartbeat()
            waits.append(time.monotonic() - sent)
            await asyncio.sleep(0.05)
        await host.vanish()
        await program.kill()
    waited = statistics.median(waits)
    assert waited < 0.1, f"heartbeats wait {waited:.3f} s behind a disk that takes {delay} ms"
    async with running(folder / "data") as again:
        await check(again, acknowledged)
    most = max(waits) * 1000
    return f"fsync {delay} ms: {len(waits)} heartbeats acknowledged in {waited * 1000:.1f} ms, at most {most:.0f} ms"


async def full_disk(folder: Path, rng: random.Random) -> str:
    """The disk runs low, then full, then is freed again."""
    acknowledged = Acknowledged()
    with small_disk(folder, mebibytes=24) as disk:
        async with running(disk / "data", TABKEEP_MINIMUM_FREE_MIB="4") as program:
            async with loaded(program, acknowledged, "before"):
                await asyncio.sleep(rng.uniform(0.1, 0.5))
            program.signal(signal.SIGTERM)
            assert await program.ended() == 0, program.last_words()
        # Another life, because its log is empty: what a log has taken of the disk before it may write anew.
        async with running(disk / "data", TABKEEP_MINIMUM_FREE_MIB="4") as program, program.api() as api:
            kept = [one for one in acknowledged.sessions.values() if one not in acknowledged.closed]
            host = program.host("host-b", capacity=0)
            await host.attach()

            fill(disk, leave=3 * 2**20)
            assert str(await becomes_refused(api)) == "UNAVAILABLE/STORAGE_FULL"
            await close_session(api, kept[0])  # closing works with what is left
            acknowledged.closed.add(kept[0])

            fill(disk, leave=0)
            refusals = [str(await refused(close_session(api, one))) for one in kept[1:3]]
            assert refusals == ["UNAVAILABLE/STORAGE_FULL"] * 2
            states = [(await get_session(api, one)).state for one in kept[1:3]]
            assert pb.BROWSER_SESSION_STATE_CLOSED not in states, "refused, and stored all the same"
            await host.heartbeat()
            assert (await get_session(api, kept[0])).state == pb.BROWSER_SESSION_STATE_CLOSED

            for filler in disk.glob("filler-*"):
                filler.unlink()
            await becomes_accepted(api)
            await close_session(api, kept[1])
            acknowledged.closed.add(kept[1])
            await check(program, acknowledged)
            await host.vanish()
            program.signal(signal.SIGTERM)
            assert await program.ended() == 0, program.last_words()
        async with running(disk / "data") as again:
            await check(again, acknowledged)
    return f"refused STORAGE_FULL, recovered, {acknowledged.rows()} acknowledged rows, 0 lost"


async def a_second_control_plane(folder: Path, rng: random.Random) -> str:
    """A second process on the same data is refused, and the first goes on."""
    acknowledged = Acknowledged()
    async with running(folder / "data") as program, loaded(program, acknowledged, "life"):
        second = ControlPlaneProgram(folder / "data")
        try:
            await second.start()
        except AssertionError:
            assert await second.ended() == 4
            assert "is in use by another control plane" in second.last_words()
        else:
            await second.kill()
            raise AssertionError("a second control plane was started on the same data")
        before = acknowledged.rows()
        await asyncio.sleep(0.2)
        assert acknowledged.rows() > before
        await check(program, acknowledged)
    return "the second one ended with status 4"


async def stopped_and_continued(folder: Path, rng: random.Random) -> str:
    """SIGSTOP for longer than the holding lease, then SIGCONT: no host that went on speaking is called lost."""
    leases = {
        "TABKEEP_HEARTBEAT_INTERVAL_SECONDS": "0.2",
        "TABKEEP_ACTION_LEASE_SECONDS": "1",
        "TABKEEP_HOLDING_LEASE_SECONDS": "2",
    }
    async with running(folder / "data", **leases) as program, program.api() as api:
        host = program.host()
        await host.attach()
        beats = asyncio.create_task(beat(host))
        pause = rng.uniform(3.5, 5.0)
        program.signal(signal.SIGSTOP)
        await asyncio.sleep(pause)
        program.signal(signal.SIGCONT)
        seen = set()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            shown = (await api.hosts.GetHost(hosts_pb2.GetHostRequest(host_id="host-a"))).host
            seen.add(hosts_pb2.HostState.Name(shown.state))
            await asyncio.sleep(0.05)
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)
        await host.vanish()
        assert seen == {"HOST_STATE_READY"}, seen
    return f"stopped for {pause:.1f} s with a holding lease of 2 s, the host stayed READY"


async def damaged_bytes(folder: Path, rng: random.Random) -> str:
    """Bytes of the database change while it is closed: it is refused, or every row is as it was."""
    acknowledged = Acknowledged()
    async with running(folder / "data") as program:
        async with loaded(program, acknowledged, "life"):
            await asyncio.sleep(0.3)
        program.signal(signal.SIGTERM)
        assert await program.ended() == 0
    path = folder / "data" / "tabkeep.db"
    content = bytearray(path.read_bytes())
    for _ in range(rng.randint(1, 64)):
        content[rng.randrange(100, len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    damaged = ControlPlaneProgram(folder / "data")
    try:
        await damaged.start()
    except AssertionError:
        status = await damaged.ended()
        assert status == 4, f"exit status {status}: {damaged.last_words()}"
        assert "restore it from a backup" in damaged.last_words()
        return "refused with status 4"
    finally:
        await damaged.kill()
    # SQLite has no checksums: a changed byte within a value is not seen, the tables' structure is whole.
    return "started: the changed bytes lay within values or free pages"


async def start_with_a_million_events(folder: Path, rng: random.Random) -> str:
    """kill -9 with 1,000,000 stored events, then a start that finds none of the file in the machine's cache."""
    async with running(folder / "data") as program:
        async with loaded(program, Acknowledged(), "life"):
            await asyncio.sleep(0.1)
        program.signal(signal.SIGTERM)
        assert await program.ended() == 0
    await asyncio.to_thread(add_events, folder / "data" / "tabkeep.db", 5_000, 200, rng)
    acknowledged = Acknowledged()
    async with running(folder / "data") as program, loaded(program, acknowledged, "after"):
        await program.kill()
    descriptor = os.open(folder / "data" / "tabkeep.db", os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    async with running(folder / "data") as again:
        ready_after = again.ready_after
        await check(again, acknowledged)
    assert ready_after < 3, f"ready after {ready_after:.2f} s"
    return f"ready after {ready_after:.2f} s"


async def an_old_control_plane_comes_back(folder: Path, rng: random.Random) -> str:
    """Stopped while another one took over on a copy of its data, it is continued, then even started again."""
    async with running(folder / "data") as old:
        host = old.host()
        await host.attach()
        await host.vanish()
        old.signal(signal.SIGSTOP)
        await asyncio.to_thread(shutil.copytree, folder / "data", folder / "copy")
        async with running(folder / "copy") as new:
            host = moved(host, new)
            await host.attach()
            async with new.api() as api:
                launch = await running_session(api, host)
            old.signal(signal.SIGCONT)
            refusals = [await refused_as_outlived(host, old)]
            await old.kill()
            async with running(folder / "data") as started_again:
                refusals.append(await refused_as_outlived(host, started_again))
            await host.heartbeat()
            async with new.api() as api:
                state = (await get_session(api, launch.browser_session_id)).state
            assert state == pb.BROWSER_SESSION_STATE_RUNNING
            await host.vanish()
    return f"refused {' and '.join(refusals)}"


async def refused_as_outlived(host: FakeHost, program: ControlPlaneProgram) -> str:
    """Let the host, which has seen control epoch 2, try the old control plane."""
    trying = moved(host, program)
    hello = trying.hello()
    hello.highest_control_epoch = 2
    refusal = await refused(trying.attach(hello))
    await trying.vanish()
    assert refusal.reason == "CONTROL_EPOCH", refusal
    return str(refusal)


def moved(host: FakeHost, program: ControlPlaneProgram) -> FakeHost:
    """The same process of a host, at another control plane."""
    other = program.host(host.host_id)
    other.incarnation, other.inventory = host.incarnation, host.inventory
    return other


async def five_hundred_hosts_at_once(folder: Path, rng: random.Random) -> str:
    """kill -9 with 500 hosts attached; they all come back at the same moment and keep to what they are told."""
    async with running(folder / "data") as program:
        hosts = [program.host(f"host-{number}") for number in range(500)]
        await asyncio.gather(*(attach_when_told(host) for host in hosts))
        await program.kill()
    await asyncio.gather(*(host.vanish() for host in hosts))
    async with running(folder / "data") as again:
        begun = time.monotonic()
        for host in hosts:
            host._address = again.address
        tries = await asyncio.gather(*(attach_when_told(host) for host in hosts))
        took = time.monotonic() - begun
        (ready,) = again.query("SELECT count(*) FROM hosts WHERE state = 'ready'")
        await asyncio.gather(*(host.vanish() for host in hosts))
    assert ready == (500,), ready
    assert took < 30, f"{took:.1f} s"
    return f"all READY after {took:.1f} s, at most {max(tries)} tries each"


async def attach_when_told(host: FakeHost) -> int:
    """Attach, waiting as long as each refusal says; returns the tries."""
    for tries in range(1, 20):
        try:
            await host.attach()
            return tries
        except grpc.aio.AioRpcError as error:
            refusal = Refusal.of(error)
            assert str(refusal) == "RESOURCE_EXHAUSTED/ATTACH_RATE", refusal
            await host.vanish()
            await asyncio.sleep(refusal.retry_seconds or 0)
    raise AssertionError(f"{host.host_id} was refused {tries} times")


# What the faults are made of


def add_events(path: Path, runs: int, events: int, rng: random.Random) -> None:
    """Copy the database's first run so many times, each copy with so many events of 220 bytes."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(runs)")]
        row = dict(zip(columns, database.execute("SELECT * FROM runs LIMIT 1").fetchone(), strict=True))
        row |= {"status": "completed", "end_time": row["create_time"], "due_time": None, "last_seq": events}
        marks = ", ".join("?" * len(columns))
        for number in range(runs):
            row["run_id"] = f"tsk_{number:026d}"
            database.execute(f"INSERT INTO runs ({', '.join(columns)}) VALUES ({marks})", list(row.values()))
            database.executemany(
                "INSERT INTO run_events (run_id, seq, body) VALUES (?, ?, ?)",
                ((row["run_id"], seq, rng.randbytes(220)) for seq in range(1, events + 1)),
            )
        database.commit()


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int, files: int = 0) -> Iterator[Path]:
    """A file system of its own, of so many MiB, and with room for so many files; 0: enough."""
    disk = folder / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,nr_inodes={files}", "tmpfs", str(disk)],
        capture_output=True, text=True, check=False,
    ) if os.geteuid() == 0 else None  # fmt: skip
    if made is None or made.returncode:
        raise NotPossibleHere(f"no small disk: {made.stderr.strip() if made else 'only root may mount one'}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, leave: int) -> None:
    """Write until about `leave` bytes are free."""
    with (disk / f"filler-{leave}").open("wb", buffering=0) as filler:
        while (free := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leave) > 0:
            try:
                filler.write(bytes(min(free, 2**20)))
            except OSError:
                return


async def becomes_refused(api):
    """The first refusal of a new session; the control plane looks at its disk every few seconds."""
    for _ in range(200):
        try:
            await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(queue_timeout=minutes(60)))
        except Exception:
            return await refused(api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest()))
        await asyncio.sleep(0.05)
    raise AssertionError("new sessions were taken on a full disk for 10 s")


async def becomes_accepted(api) -> None:
    """Wait until a new session is taken."""
    for _ in range(200):
        with contextlib.suppress(Exception):
            await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(queue_timeout=minutes(60)))
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no new session was taken for 10 s after the disk was freed")


async def beat(host: FakeHost) -> None:
    """Send heartbeats until cancelled; an answer may come late."""
    while True:
        host.heartbeat_no += 1
        await host.send(heartbeat=host_pb2.Heartbeat(heartbeat_no=host.heartbeat_no))
        await asyncio.sleep(0.2)


FAULTS: dict[str, Fault] = {
    "kill -9 of the control plane under load": kill_under_load,
    "control plane stopped for longer than the holding lease": stopped_and_continued,
    "a second control plane on one database": a_second_control_plane,
    "disk of the control plane full": full_disk,
    "fsync fails with EIO": failing_fsync,
    "fsync takes 0.5 s to 1 s": slow_fsync,
    "bytes of the database changed": damaged_bytes,
    "old control plane comes back": an_old_control_plane_comes_back,
    "500 hosts attach at once": five_hundred_hosts_at_once,
    "start with 1,000,000 stored events after kill -9": start_with_a_million_events,
}
ONLY_IN_CHAOS = {"start with 1,000,000 stored events after kill -9", "500 hosts attach at once"}
"""Too long for `make test`."""
