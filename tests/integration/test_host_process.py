"""The host as a program, with real Chromium and a scripted control plane: its exit codes, its end, what is left."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, browser_sessions_pb2, runs_pb2

from tests.conftest import SANDBOX
from tests.host_control_plane import GrpcControlPlane, failed
from tests.host_program import a_program
from tests.waiting import until


async def test_a_session_with_a_run_from_launch_to_tombstone(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        hello = control_plane.stored.hellos[0]
        assert hello.capacity == 4
        assert hello.browsers[0].browser_type == browser_sessions_pb2.BROWSER_TYPE_CHROME
        assert hello.sandboxed == SANDBOX
        assert hello.isolation.user_per_session == (os.geteuid() == 0)
        assert hello.fault == ""
        launched = (await control_plane.launch("pbs_1", 7)).launched
        assert launched.browser_version == hello.browsers[0].version
        assert 0 < launched.age.ToTimedelta().total_seconds() < 20
        page = "data:text/html,<title>Hello</title><h1>Hello</h1>"
        start = host_pb2.StartRun(run_id="tsk_1", max_steps=5)
        start.blocks.add(block_id="main").actions.actions.add().goto.url = page
        start.timeout.FromTimedelta(timedelta(minutes=1))
        control_plane.command("pbs_1", 7, start_run=start)
        finished = await control_plane.finished("tsk_1")
        steps = [
            event.step_finished for event in control_plane.stored.events["tsk_1"] if event.HasField("step_finished")
        ]
        assert len(steps) == 1, finished
        assert control_plane.stored.blobs[steps[0].screenshot_artifact_id].startswith(b"\xff\xd8")
        await until(lambda: control_plane.stored.reports, "a page report")
        control_plane.command("pbs_1", 7, close=host_pb2.Close())
        await control_plane.tombstone("pbs_1", 7, seconds=3)
        assert program.browsers() == []
        assert list((tmp_path / "host" / "browsers").iterdir()) == []


async def test_sigterm_closes_at_once_when_told_so_and_exits_in_order(tmp_path: Path):
    async with (
        GrpcControlPlane() as control_plane,
        a_program(tmp_path, control_plane.address, TABKEEP_DRAIN_TIMEOUT="0") as program,
    ):
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        program.process.send_signal(signal.SIGTERM)
        assert await program.exit_code() == 0
        assert control_plane.stored.tombstones["pbs_1", 7].reason == browser_sessions_pb2.CLOSE_REASON_HOST_DRAINED
        assert control_plane.stored.goodbyes == ["drained"]
        assert program.browsers() == []
        assert not (tmp_path / "host" / "browsers").exists()
        assert program.words == []


async def test_the_first_sigterm_drains_and_the_second_closes_now(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        program.process.send_signal(signal.SIGTERM)
        await until(lambda: any(line["message"] == "drain" for line in program.log), "the drain")
        failure = (await control_plane.launch("pbs_2", 8)).failure
        assert failure.reason == "BUSY"
        assert program.browsers()
        program.process.send_signal(signal.SIGTERM)
        assert await program.exit_code() == 0
        assert ("pbs_1", 7) in control_plane.stored.tombstones


async def test_sigterm_without_a_control_plane_ends_too(tmp_path: Path):
    async with a_program(tmp_path, "127.0.0.1:9") as program:
        await until(lambda: any(line["message"] == "stream lost" for line in program.log), "an attempt", 30)
        program.process.send_signal(signal.SIGTERM)
        assert await program.exit_code(10) == 0


async def test_nothing_outlives_a_killed_host_and_the_next_one_starts_clean(tmp_path: Path):
    async with GrpcControlPlane() as control_plane:
        async with a_program(tmp_path, control_plane.address) as program:
            await control_plane.attached()
            await control_plane.launch("pbs_1", 7)
            main = min(program.browsers(), key=lambda process: process.pid)
            main.suspend()  # a stuck browser would not notice by itself
            program.process.kill()
            await until(lambda: not program.browsers(), "the end of all browsers", 3)
        async with a_program(tmp_path, control_plane.address):
            await control_plane.attached(2)
            first, second = control_plane.stored.hellos
            assert first.host_id == second.host_id
            assert first.incarnation != second.incarnation
            assert list(second.inventory) == []
            assert list((tmp_path / "host" / "browsers").iterdir()) == []


async def test_a_killed_browser_is_reported_within_two_seconds(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        start = host_pb2.StartRun(run_id="tsk_1", max_steps=5)
        start.blocks.add(block_id="main").actions.actions.add(
            wait=actions_pb2.Wait(condition=actions_pb2.Expect(text="never there"))
        ).timeout.FromTimedelta(timedelta(seconds=50))
        start.timeout.FromTimedelta(timedelta(minutes=1))
        control_plane.command("pbs_1", 7, start_run=start)
        await until(lambda: len(control_plane.stored.events.get("tsk_1", [])) >= 2, "the start of a step")
        main = min(program.browsers(), key=lambda process: process.pid)
        main.kill()
        tombstone = await control_plane.tombstone("pbs_1", 7, seconds=2)
        assert tombstone.reason == browser_sessions_pb2.CLOSE_REASON_BROWSER_CRASHED
        finished = await control_plane.finished("tsk_1", 1)
        assert finished.failure_reason == runs_pb2.FAILURE_REASON_BROWSER_CRASHED
        assert program.browsers() == []


async def test_a_refused_token_exits_3_and_says_so(tmp_path: Path):
    async with GrpcControlPlane() as control_plane:
        control_plane.refuse_attach = failed(grpc.StatusCode.UNAUTHENTICATED, "KEY_INVALID", "not a valid key")
        async with a_program(tmp_path, control_plane.address) as program:
            assert await program.exit_code() == 3
            assert "KEY_INVALID: not a valid key" in program.words[-1]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TABKEEP_CAPACITY", "many"),
        ("TABKEEP_CONTROL_PLANE", "nowhere"),
        ("TABKEEP_DRAIN_TIMEOUT", "-1"),
        ("TABKEEP_HOST_TOKEN_FILE", "/no/such/file"),
        ("TABKEEP_CHROME", "/no/such/browser"),
        ("TABKEEP_ALLOW_UNSANDBOXED", "maybe"),
        ("TABKEEP_CGROUPS", "maybe"),
        ("TABKEEP_LOG_LEVEL", "LOUD"),
        ("TABKEEP_HOST_ID", "a b"),
    ],
)
async def test_a_wrong_setting_exits_2_and_names_the_variable(tmp_path: Path, variable: str, value: str):
    async with a_program(tmp_path, "127.0.0.1:9", **{variable: value}) as program:
        assert await program.exit_code() == 2
        assert f"{variable}={value}" in program.words[-1]


async def test_a_driver_that_does_not_start_exits_1_and_says_so(tmp_path: Path):
    async with a_program(tmp_path, "127.0.0.1:9", PLAYWRIGHT_NODEJS_PATH="/bin/false") as program:
        assert await program.exit_code() == 1
        assert any("Playwright's driver did not start" in line for line in program.words)


async def test_a_second_host_in_the_same_directory_exits_2_and_leaves_the_first_alone(tmp_path: Path):
    async with GrpcControlPlane() as control_plane, a_program(tmp_path, control_plane.address) as program:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        async with a_program(tmp_path, control_plane.address) as second:
            assert await second.exit_code() == 2
            assert "another browser host runs in it" in second.words[-1]
            assert program.browsers()
