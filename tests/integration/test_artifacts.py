"""Artifacts: what a host puts beside its stream is what a caller gets, or a clear refusal."""

from __future__ import annotations

import asyncio
import hashlib
import random
from datetime import timedelta

import pytest
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import artifacts_pb2 as pb
from tabkeep.v1 import keys_pb2

from control_plane.keeping.artifact_keeping import ArtifactKeeping
from control_plane.keeping.blobs import Blobs
from control_plane.store.artifact_tables import Artifacts
from tests.api_calls import all_of, close_session, run_task, running_session
from tests.conftest import api_on
from tests.fake_host import run_finished
from tests.refusals import refused

PICTURE = random.Random(1).randbytes(600_000)


@pytest.fixture
def put(channel, host, host_token):
    """Puts a blob as a host does; `header` and `artifact` change what the host says of it."""

    async def put_blob(command, content=PICTURE, *, chunk=256 * 1024, header=None, artifact=None):
        fields = {
            "artifact_id": "art_1",
            "run_id": command.start_run.run_id,
            "artifact_type": pb.ARTIFACT_TYPE_SCREENSHOT,
            "content_type": "image/jpeg",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        placement = {
            "host_id": host.host_id,
            "incarnation": host.incarnation,
            "browser_session_id": command.browser_session_id,
            "fence": command.fence,
        }
        first = host_pb2.BlobHeader(
            **{**placement, **(header or {})}, artifact=pb.Artifact(**{**fields, **(artifact or {})})
        )
        parts = [host_pb2.PutBlobRequest(header=first)] if header != "none" else []
        parts += [
            host_pb2.PutBlobRequest(chunk=content[start : start + chunk]) for start in range(0, len(content), chunk)
        ]
        stub = host_pb2_grpc.HostBlobServiceStub(channel)
        await stub.PutBlob(iter(parts), metadata=(("x-api-key", host_token),))

    return put_blob


@pytest.fixture
async def command(api, host):
    """The StartRun command of a run that is under way."""
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    return await host.begin_run()


async def get(api, artifact_id="art_1"):
    record, *chunks = await all_of(api.artifacts.GetArtifact(pb.GetArtifactRequest(artifact_id=artifact_id)))
    assert all(len(part.chunk) <= 256 * 1024 for part in chunks)
    return record.artifact, b"".join(part.chunk for part in chunks)


def files(config):
    return [path for path in (config.data_dir / "blobs").rglob("*") if path.is_file()]


async def listed(api, command):
    return list((await api.artifacts.ListArtifacts(pb.ListArtifactsRequest(run_id=command.start_run.run_id))).artifacts)


async def test_what_a_host_puts_is_what_a_caller_gets(api, put, command):
    await put(command)
    artifact, content = await get(api)
    assert content == PICTURE
    assert (artifact.artifact_id, artifact.run_id) == ("art_1", command.start_run.run_id)
    assert (artifact.artifact_type, artifact.content_type) == (pb.ARTIFACT_TYPE_SCREENSHOT, "image/jpeg")
    assert (artifact.size, artifact.sha256) == (600_000, hashlib.sha256(PICTURE).hexdigest())
    assert artifact.HasField("create_time")
    assert await listed(api, command) == [artifact]


async def test_a_picture_may_arrive_after_its_run_and_session_have_ended(api, host, put, command):
    await host.report(command, run_finished(1))
    await close_session(api, command.browser_session_id)
    await put(command)
    assert (await get(api))[1] == PICTURE


async def test_a_blob_that_is_put_again_is_stored_once(api, put, command, config):
    await put(command)
    before = await listed(api, command)
    await put(command)
    assert await listed(api, command) == before
    assert len(files(config)) == 1


async def test_an_artifact_is_never_overwritten_by_another_file_of_its_id(api, put, command):
    await put(command)
    refusal = await refused(put(command, b"another"))
    assert str(refusal) == "INVALID_ARGUMENT/BLOB_INVALID"
    assert (await get(api))[1] == PICTURE


@pytest.mark.parametrize(
    "artifact",
    [
        {"sha256": hashlib.sha256(b"x").hexdigest()},
        {"size": 600_001},
        {"size": 599_999},
        {"size": 0},
        {"size": 16 * 1024 * 1024 + 1},
        {"artifact_id": ""},
        {"artifact_id": "x" * 201},
    ],
)
async def test_a_blob_that_is_not_what_its_header_says_is_refused_and_not_stored(api, put, command, config, artifact):
    refusal = await refused(put(command, artifact=artifact))
    assert str(refusal) == "INVALID_ARGUMENT/BLOB_INVALID"
    assert not await listed(api, command)
    assert files(config) == []


async def test_what_is_refused_at_its_header_is_heard_out_so_that_the_refusal_arrives_whole(
    channel, host, host_token, command
):
    sent = 0

    async def parts():
        nonlocal sent
        yield host_pb2.PutBlobRequest(header=host_pb2.BlobHeader(host_id=host.host_id))
        for _ in range(40):
            yield host_pb2.PutBlobRequest(chunk=bytes(256 * 1024))
            sent += 1

    call = host_pb2_grpc.HostBlobServiceStub(channel).PutBlob(parts(), metadata=(("x-api-key", host_token),))
    assert str(await refused(_awaited(call))) == "INVALID_ARGUMENT/BLOB_INVALID"
    assert sent == 40


async def test_a_blob_without_a_header_is_refused(channel, host_token, host):
    stub = host_pb2_grpc.HostBlobServiceStub(channel)
    for parts in ([], [host_pb2.PutBlobRequest(chunk=b"x")]):
        call = stub.PutBlob(iter(parts), metadata=(("x-api-key", host_token),))
        assert str(await refused(_awaited(call))) == "INVALID_ARGUMENT/BLOB_INVALID"


async def _awaited(call):
    return await call


@pytest.mark.parametrize("header", [{"fence": 99}, {"host_id": "host-x"}, {"browser_session_id": "pbs_other"}])
async def test_a_blob_under_another_placement_is_refused_and_not_stored(api, put, command, config, header):
    assert str(await refused(put(command, header=header))) == "FAILED_PRECONDITION/STALE_FENCE"
    assert not await listed(api, command)
    assert files(config) == []


async def test_a_blob_of_a_run_of_another_session_is_refused(api, put, command):
    call = put(command, artifact={"run_id": "tsk_other"})
    assert str(await refused(call)) == "FAILED_PRECONDITION/STALE_FENCE"


@pytest.mark.parametrize("damage", ["changed", "shorter", "gone"])
async def test_a_file_damaged_on_the_disk_is_told_as_data_loss_and_never_handed_out(api, put, command, config, damage):
    await put(command)
    (path,) = files(config)
    if damage == "changed":
        path.write_bytes(b"x" + PICTURE[1:])
    elif damage == "shorter":
        path.write_bytes(PICTURE[:-1])
    else:
        path.unlink()
    stream = api.artifacts.GetArtifact(pb.GetArtifactRequest(artifact_id="art_1"))
    assert (await stream.read()).artifact.artifact_id == "art_1"
    assert str(await refused(stream.read())) == "DATA_LOSS/ARTIFACT_DAMAGED"


async def test_an_artifact_of_another_organization_or_of_none_is_not_found(api, channel, put, command):
    await put(command)
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    for caller, artifact_id in ((api_on(channel, made.secret), "art_1"), (api, "art_2")):
        assert str(await refused(get(caller, artifact_id))) == "NOT_FOUND/ARTIFACT_NOT_FOUND"


async def test_a_disk_that_takes_no_blob_is_told_as_full_and_a_retry_succeeds(api, put, command, config):
    (config.data_dir / "blobs").write_bytes(b"in the way")
    refusal = await refused(put(command))
    assert str(refusal) == "UNAVAILABLE/STORAGE_FULL"
    assert not await listed(api, command)
    (config.data_dir / "blobs").unlink()
    await put(command)
    assert (await get(api))[1] == PICTURE


DOWNLOAD = {"artifact_type": pb.ARTIFACT_TYPE_DOWNLOAD, "content_type": "text/csv", "file_name": "report.csv"}


async def of_session(api, command, *types):
    request = pb.ListArtifactsRequest(browser_session_id=command.browser_session_id, artifact_types=types)
    return list((await api.artifacts.ListArtifacts(request)).artifacts)


async def test_a_download_without_a_run_is_listed_for_its_session_alone(api, put, command):
    await put(command)
    await put(command, b"a,b\n", artifact={**DOWNLOAD, "artifact_id": "art_2", "run_id": ""})
    assert [one.artifact_id for one in await of_session(api, command)] == ["art_1", "art_2"]
    assert [one.artifact_id for one in await listed(api, command)] == ["art_1"]
    (download,) = await of_session(api, command, pb.ARTIFACT_TYPE_DOWNLOAD)
    assert (download.file_name, download.size, download.state) == ("report.csv", 4, pb.ARTIFACT_STATE_STORED)
    assert download.expire_time.ToDatetime() - download.create_time.ToDatetime() == timedelta(days=30)
    assert (await get(api, "art_2"))[1] == b"a,b\n"


async def test_a_large_download_is_taken_where_a_picture_of_its_size_is_not(api, put, command):
    content = bytes(17 * 2**20)
    assert str(await refused(put(command, content))) == "INVALID_ARGUMENT/BLOB_INVALID"
    await put(command, content, artifact=DOWNLOAD)
    assert (await get(api))[1] == content


async def test_a_refused_download_has_a_record_that_says_why_and_no_bytes(api, put, command, config):
    said = {**DOWNLOAD, "size": 0, "sha256": "", "state": pb.ARTIFACT_STATE_REFUSED, "state_message": "too large"}
    await put(command, b"", artifact=said)
    (record,) = await of_session(api, command)
    assert (record.state, record.state_message, record.HasField("expire_time")) == (
        pb.ARTIFACT_STATE_REFUSED,
        "too large",
        False,
    )
    assert str(await refused(get(api))) == "FAILED_PRECONDITION/ARTIFACT_REFUSED"
    assert files(config) == []


async def test_what_has_expired_loses_its_bytes_and_says_so(api, put, command, config, advance, control_plane):
    await put(command)
    keeping = ArtifactKeeping(control_plane.coordinator, Blobs(config.data_dir / "blobs"))
    await keeping.sweep()
    assert len(files(config)) == 1
    await advance(timedelta(days=30), silent=True)
    await keeping.sweep()
    (record,) = await listed(api, command)
    assert (record.state, record.size) == (pb.ARTIFACT_STATE_EXPIRED, len(PICTURE))
    assert "30 days" in record.state_message
    assert str(await refused(get(api))) == "NOT_FOUND/ARTIFACT_EXPIRED"
    assert files(config) == []
    await put(command)  # a host that tries again does not bring it back
    assert files(config) == []


async def test_beyond_the_quota_the_oldest_go(api, put, command, config, control_plane, monkeypatch):
    monkeypatch.setattr(Artifacts, "size_of_organization", _counted_larger(config.artifact_quota_bytes - 1_500_000))
    for number in range(3):
        await put(command, artifact={"artifact_id": f"art_{number}"})
    first, second, third = await listed(api, command)
    assert [first.state, second.state, third.state] == [
        pb.ARTIFACT_STATE_EXPIRED,
        pb.ARTIFACT_STATE_STORED,
        pb.ARTIFACT_STATE_STORED,
    ]
    assert "quota" in first.state_message
    assert (await get(api, "art_2"))[1] == PICTURE
    await ArtifactKeeping(control_plane.coordinator, Blobs(config.data_dir / "blobs")).sweep()
    assert len(files(config)) == 2


def _counted_larger(more):
    """As if the organization had so much more: a test does not write ten gigabytes."""
    counted = Artifacts.size_of_organization
    return lambda self, organization_id: counted(self, organization_id) + more


async def test_a_list_is_of_a_run_or_of_a_session(api, command):
    for request in (pb.ListArtifactsRequest(), pb.ListArtifactsRequest(run_id="tsk_1", browser_session_id="pbs_1")):
        assert str(await refused(api.artifacts.ListArtifacts(request))) == "INVALID_ARGUMENT/FIELD_INVALID"
    unknown = pb.ListArtifactsRequest(browser_session_id="pbs_1")
    assert str(await refused(api.artifacts.ListArtifacts(unknown))) == "NOT_FOUND/SESSION_NOT_FOUND"


async def test_a_page_is_captured_by_the_host_and_its_failure_is_told(api, host, put, command):
    asked = asyncio.ensure_future(
        _awaited(api.artifacts.CapturePage(pb.CapturePageRequest(browser_session_id=command.browser_session_id)))
    )
    page = await host.receive("capture_page")
    said = {"artifact_id": page.artifact_id, "run_id": "", "size": 0, "sha256": "", "state_message": "it hangs"}
    await put(command, b"", artifact={**said, "state": pb.ARTIFACT_STATE_REFUSED})
    refusal = await refused(asked)
    assert str(refusal) == "FAILED_PRECONDITION/CAPTURE_FAILED"
    assert "it hangs" in refusal.message


async def test_no_page_is_captured_while_the_host_is_not_connected(api, host, command):
    await host.vanish()
    call = api.artifacts.CapturePage(pb.CapturePageRequest(browser_session_id=command.browser_session_id))
    assert str(await refused(call)) == "UNAVAILABLE/HOST_UNREACHABLE"
