"""A host that keeps a browser ready, as a program: what becomes of it when the host ends, is killed or is stopped."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import psutil
from tabkeep.v1 import browser_sessions_pb2

from browser_host.kernel import guardian
from tests.host_control_plane import GrpcControlPlane
from tests.host_program import Program, a_program
from tests.waiting import until

WARM = {"TABKEEP_WARM_BROWSERS": "1"}


def mains(program: Program) -> set[int]:
    """The main processes of all browsers of a host."""
    return {process.pid for process in program.browsers() if is_main(process)}


def is_main(process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == process.pid and "--remote-debugging-pipe" in process.cmdline()
    except (psutil.Error, ProcessLookupError):
        return False


def said(program: Program, words: str) -> list[dict[str, object]]:
    return [line for line in program.log if line["message"] == words]


async def test_a_session_gets_the_browser_that_waited_and_the_host_ends_with_none(tmp_path: Path):
    async with (
        GrpcControlPlane() as control_plane,
        a_program(tmp_path, control_plane.address, **WARM, TABKEEP_DRAIN_TIMEOUT="0") as program,
    ):
        await control_plane.attached()
        [waiting] = mains(program)
        launched = (await control_plane.launch("pbs_1", 7)).launched
        assert launched.browser_version == control_plane.stored.hellos[0].browsers[0].version
        [claimed] = said(program, "browser claimed")
        assert (claimed["pid"], claimed["browser_session_id"], claimed["fence"]) == (waiting, "pbs_1", 7)
        await until(lambda: len(mains(program)) == 2, "the refill", 60)
        program.process.terminate()
        assert await program.exit_code(60) == 0
        assert control_plane.stored.tombstones["pbs_1", 7].reason == browser_sessions_pb2.CLOSE_REASON_HOST_DRAINED
        assert program.browsers() == []
        assert not (tmp_path / "host" / "browsers").exists()


async def test_what_waited_ends_with_a_killed_host(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address, **WARM) as program:
        await control_plane.attached()
        [waiting] = mains(program)
        # A stuck browser would not notice by itself.
        psutil.Process(waiting).suspend()
        program.process.kill()
        await until(lambda: not program.browsers(), "the end of the browser", 30)
        await until(lambda: not any((tmp_path / "host" / "browsers").iterdir()), "the end of its directory", 30)


async def test_a_claimed_browser_dies_at_its_sessions_deadline_though_the_host_is_stopped(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address, **WARM) as program:
        await control_plane.attached()
        [waiting] = mains(program)
        timeout = timedelta(seconds=8)
        result = await control_plane.launch("pbs_1", 7, timeout=timeout)
        deadline = guardian.boottime() - result.launched.age.ToTimedelta().total_seconds() + timeout.total_seconds()
        await until(lambda: len(mains(program) - {waiting}) == 1, "the refill", 60)
        [next_one] = mains(program) - {waiting}
        psutil.Process(program.process.pid).suspend()
        try:
            await until(lambda: waiting not in mains(program), "the end of the session's browser", 60)
            assert guardian.boottime() >= deadline
            # That of no session has no deadline.
            assert next_one in mains(program)
        finally:
            psutil.Process(program.process.pid).resume()
        tombstone = await control_plane.tombstone("pbs_1", 7, seconds=30)
        assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_TIMED_OUT
