"""The host's link over real gRPC, with a scripted control plane and fake browsers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import grpc
import pytest
from tabkeep.host.v1 import host_pb2

from browser_host.attachment import Attachment, AttachRefused
from browser_host.control_link import ControlLink
from browser_host.epochs import Epochs
from browser_host.messages import Picture, Placement
from browser_host.uploads import UploadFailed, UploadRefused
from tests.host_control_plane import TOKEN, GrpcControlPlane, failed
from tests.host_fakes import HostParts, a_host
from tests.waiting import until


@dataclass
class Linked:
    parts: HostParts
    link: ControlLink
    attachment: Attachment
    task: asyncio.Task[None]


@asynccontextmanager
async def linked(control_plane: GrpcControlPlane, token: str = TOKEN) -> AsyncIterator[Linked]:
    """A host on fake browsers that attaches to `control_plane` over gRPC."""
    link = ControlLink(control_plane.address, token, "host-1", "a" * 32)
    parts = a_host(put=link.put)
    attachment = Attachment(parts.host, link.dial, lambda: (0.5, 2**30), random.Random(3), Epochs())
    parts.start()
    task = asyncio.create_task(attachment.run())
    try:
        yield Linked(parts, link, attachment, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await parts.stop()
        await link.close()


async def test_a_host_attaches_launches_runs_and_closes():
    async with GrpcControlPlane() as control_plane, linked(control_plane) as host:
        await control_plane.attached()
        hello = control_plane.stored.hellos[0]
        assert (hello.host_id, hello.protocol_min, hello.heartbeat_no) == ("host-1", 1, 1)
        assert (await control_plane.launch("pbs_1", 7)).launched.browser_version == "Fake 1.0"
        control_plane.command("pbs_1", 7, start_run=host_pb2.StartRun(run_id="tsk_1"))
        await control_plane.finished("tsk_1")
        events = control_plane.stored.events["tsk_1"]
        assert [event.seq for event in events] == [1, 2, 3, 4]
        assert control_plane.stored.blobs[events[2].step_finished.screenshot_artifact_id] == b"jpeg"
        control_plane.command("pbs_1", 7, close=host_pb2.Close())
        await control_plane.tombstone("pbs_1", 7)
        assert host.parts.launcher.alive() == []
        assert control_plane.stored.reports[0].browser_session_id == "pbs_1"


async def test_broken_streams_lose_and_double_nothing():
    async with GrpcControlPlane() as control_plane, linked(control_plane) as host:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        host.parts.engine.steps, host.parts.engine.step_seconds = 60, 0.02
        control_plane.command("pbs_1", 7, start_run=host_pb2.StartRun(run_id="tsk_1"))
        for streams in range(2, 8):
            await until(lambda: host.parts.engine.acted, "a step")
            control_plane.acknowledges_events = streams % 2 == 0
            control_plane.break_stream()
            await control_plane.attached(streams)
        control_plane.acknowledges_events = True
        control_plane.break_stream()
        await control_plane.finished("tsk_1")
        assert [event.seq for event in control_plane.stored.events["tsk_1"]] == list(range(1, 123))
        assert host.parts.engine.acted == [("tsk_1", step) for step in range(1, 61)]


async def test_a_control_plane_that_was_killed_and_comes_back_finds_the_same_browser():
    async with GrpcControlPlane() as control_plane, linked(control_plane) as host:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        host.parts.engine.hold = asyncio.Event()
        control_plane.command("pbs_1", 7, start_run=host_pb2.StartRun(run_id="tsk_1"))
        await until(lambda: host.parts.engine.acted, "a step")
        await control_plane.stop()
        host.parts.engine.hold.set()
        control_plane.control_epoch = 2
        await control_plane.start()
        await control_plane.attached(2)
        assert [item.live for item in control_plane.stored.hellos[-1].inventory] == [True]
        await control_plane.finished("tsk_1")
        assert host.parts.engine.acted == [("tsk_1", 1)]


async def test_a_wrong_token_is_final():
    async with GrpcControlPlane() as control_plane, linked(control_plane, token="wrong") as host:
        with pytest.raises(AttachRefused, match="not a valid key") as refused:
            await asyncio.wait_for(host.task, 10)
        assert refused.value.reason == "KEY_INVALID"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "PROTOCOL_VERSION"),
        (grpc.StatusCode.ALREADY_EXISTS, "HOST_ID_TAKEN"),
        (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING"),
    ],
)
async def test_refusals_that_no_retry_can_cure_are_final(code: grpc.StatusCode, reason: str):
    async with GrpcControlPlane() as control_plane:
        control_plane.refuse_attach = failed(code, reason, "no")
        async with linked(control_plane) as host:
            with pytest.raises(AttachRefused) as refused:
                await asyncio.wait_for(host.task, 10)
            assert refused.value.reason == reason


@pytest.mark.parametrize(
    "code",
    [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL],
)
async def test_other_refusals_are_tried_again(code: grpc.StatusCode):
    async with GrpcControlPlane() as control_plane:
        control_plane.refuse_attach = failed(code, "STARTING", "soon", timedelta(seconds=0.1))
        async with linked(control_plane) as host:
            await until(lambda: control_plane.refusals, "a refusal")
            control_plane.refuse_attach = None
            await control_plane.attached()
            assert not host.task.done()


async def test_a_host_that_starts_before_its_control_plane_attaches_when_that_comes():
    control_plane = GrpcControlPlane()
    await control_plane.start()
    await control_plane.stop()
    async with linked(control_plane):
        await control_plane.start()
        await control_plane.attached()
        await control_plane.stop()


async def test_a_drained_host_says_goodbye_and_the_stream_ends():
    async with GrpcControlPlane() as control_plane, linked(control_plane) as host:
        await control_plane.attached()
        await control_plane.launch("pbs_1", 7)
        host.parts.host.drain(timedelta(0))
        await asyncio.wait_for(host.task, 10)
        assert control_plane.stored.goodbyes == ["drained"]
        assert ("pbs_1", 7) in control_plane.stored.tombstones


async def test_uploads_are_tried_again_or_given_up_as_the_answer_says():
    picture = Picture(Placement("pbs_1", 7), "tsk_1", "art_1", b"x" * 600_000)
    async with GrpcControlPlane() as control_plane, linked(control_plane) as host:
        control_plane.refuse_blobs = [
            failed(grpc.StatusCode.UNAVAILABLE, "STORAGE_FULL", "full"),
            failed(grpc.StatusCode.CANCELLED, "CANCELLED", "canceled"),
            failed(grpc.StatusCode.FAILED_PRECONDITION, "STALE_FENCE", "stale"),
        ]
        with pytest.raises(UploadFailed, match="STORAGE_FULL"):
            await host.link.put(picture)
        with pytest.raises(UploadFailed, match="CANCELLED"):
            await host.link.put(picture)
        with pytest.raises(UploadRefused, match="STALE_FENCE"):
            await host.link.put(picture)
        await host.link.put(picture)
        assert control_plane.stored.blobs["art_1"] == picture.jpeg
