"""What callers bring: in by a stream or over HTTP, out to callers and to the host that carries out a run of theirs."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import replace

import httpx
import pytest
from tabkeep import Client, FileQuotaFull, InvalidArgument, NotFound
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import actions_pb2, keys_pb2
from tabkeep.v1 import files_pb2 as pb

from control_plane.keeping.blobs import Blobs
from tests.api_calls import all_of, run_task, running_session
from tests.conftest import api_on
from tests.refusals import refused

RESUME = b"%PDF-1.7 " + random.Random(3).randbytes(700_000)
DIGEST = hashlib.sha256(RESUME).hexdigest()


@pytest.fixture
def config(config):
    """Settings with HTTP, and room for three of these files."""
    return replace(config, http_address="127.0.0.1:0", file_quota_bytes=3 * len(RESUME))


@pytest.fixture
async def client(control_plane, api_key):
    async with Client(api_key=api_key, address=control_plane.address) as opened:
        yield opened


async def upload(api, content=RESUME, **header):
    """Store a file as a caller of the stubs does."""
    first = pb.FileHeader(**{"file_name": "cv.pdf", "size": len(content), **header})
    parts = [pb.UploadFileRequest(header=first)]
    parts += [pb.UploadFileRequest(chunk=content[start : start + 2**18]) for start in range(0, len(content), 2**18)]
    return (await api.files.UploadFile(iter(parts))).file


def on_disk(config):
    return [path for path in (config.data_dir / "files").rglob("*") if path.is_file()]


async def test_a_file_goes_in_is_listed_comes_out_and_is_gone_once_deleted(client, config, tmp_path):
    path = tmp_path / "cv.pdf"
    path.write_bytes(RESUME)
    stored = await client.upload_file(path)
    assert (stored.file_name, stored.content_type, stored.size) == ("cv.pdf", "application/pdf", len(RESUME))
    assert stored.sha256 == DIGEST
    other = await client.upload_file(b"", file_name="empty.txt")
    assert [one.file_id async for one in client.list_files(page_size=1)] == [other.file_id, stored.file_id]
    assert [one async for one in client.list_files(file_name="cv.pdf")] == [stored]
    assert await client.get_file(stored.file_id) == RESUME
    assert await client.get_file(other.file_id) == b""

    await client.delete_file(stored.file_id)

    with pytest.raises(NotFound):
        await client.get_file(stored.file_id)
    assert len(on_disk(config)) == 1


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ({"sha256": "0" * 64}, "header.sha256"),
        ({"sha256": "nonsense"}, "header.sha256"),
        ({"size": len(RESUME) - 1}, "header.size"),
        ({"size": len(RESUME) + 1}, "header.size"),
        ({"size": 64 * 2**20 + 1}, "header.size"),
        ({"file_name": ""}, "header.file_name"),
        ({"file_name": "../cv.pdf"}, "header.file_name"),
        ({"file_name": "a\nb"}, "header.file_name"),
        ({"content_type": "no type"}, "header.content_type"),
    ],
)
async def test_what_is_not_as_its_header_says_is_refused_and_not_kept(api, config, header, field):
    refusal = await refused(upload(api, **header))
    assert (str(refusal), [*refusal.fields]) == ("INVALID_ARGUMENT/FIELD_INVALID", [field])
    assert on_disk(config) == []


async def test_more_bytes_than_are_taken_are_broken_off(api, config, control_plane, monkeypatch):
    monkeypatch.setattr("control_plane.services.file_service.MAX_DOWNLOAD_BYTES", 500_000)
    refusal = await refused(upload(api, size=0))
    assert [*refusal.fields] == ["chunk"]
    assert on_disk(config) == []


async def test_the_organizations_quota_is_kept_also_by_files_that_come_at_once(api, client, config):
    kept = await asyncio.gather(*(refused_or(upload(api, size=0)) for _ in range(5)))
    assert 1 <= kept.count("") <= 3
    assert set(kept) <= {"", "RESOURCE_EXHAUSTED/FILE_QUOTA_FULL"}
    assert len(on_disk(config)) == kept.count("")
    for _ in range(3 - kept.count("")):
        await upload(api)
    with pytest.raises(FileQuotaFull):
        await client.upload_file(RESUME, file_name="one-more.pdf")
    gone = await anext(client.list_files())
    await client.delete_file(gone.file_id)
    assert (await client.upload_file(RESUME, file_name="one-more.pdf")).size == len(RESUME)


async def refused_or(call):
    """Why it was refused; empty when it was not."""
    try:
        await call
    except Exception as error:
        from tests.refusals import Refusal

        return str(Refusal.of(error))
    return ""


async def test_the_same_request_id_returns_the_same_file(api, config):
    first = await upload(api, request_id="r1")
    assert await upload(api, request_id="r1") == first
    assert len(on_disk(config)) == 1
    assert (await refused(upload(api, b"other", request_id="r1"))).reason == "REQUEST_ID_REUSED"


async def test_another_organization_sees_nothing_of_it(api, channel):
    stored = await upload(api)
    other = api_on(channel, (await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_two"))).secret)
    assert not (await other.files.ListFiles(pb.ListFilesRequest())).files
    assert (await refused(other.files.DeleteFile(pb.DeleteFileRequest(file_id=stored.file_id)))).reason == (
        "FILE_NOT_FOUND"
    )


async def test_files_come_in_and_go_out_over_http(control_plane, api_key):
    url = f"http://{control_plane.http_address}/v1/tabkeep/files"
    async with httpx.AsyncClient(headers={"x-api-key": api_key}, timeout=30) as http:
        made = await http.post(
            url,
            params={"fileName": "cv.pdf", "sha256": DIGEST},
            content=RESUME,
            headers={"content-type": "application/pdf"},
        )
        assert made.status_code == 200, made.text
        file = made.json()
        assert (file["fileName"], file["contentType"], file["sha256"]) == ("cv.pdf", "application/pdf", DIGEST)
        assert (await http.get(url)).json()["files"] == [file]
        answer = await http.get(f"{url}/{file['fileId']}")
        assert (answer.content, answer.headers["content-type"]) == (RESUME, "application/pdf")
        wrong = await http.post(url, params={"fileName": "a/b", "sha256": "0"}, content=b"x")
        assert (wrong.status_code, [one["loc"] for one in wrong.json()["detail"]]) == (
            422,
            [["query", "fileName"], ["query", "sha256"]],
        )
        assert (await http.delete(f"{url}/{file['fileId']}")).status_code == 200
        assert (await http.get(f"{url}/{file['fileId']}")).status_code == 404
        full = await http.post(url, params={"fileName": "large"}, content=RESUME * 4)
        assert (full.status_code, full.json()["code"]) == (429, "FILE_QUOTA_FULL")


async def test_what_no_record_names_is_removed_at_the_start(config):
    blobs = Blobs(config.data_dir / "files")

    async def chunks():
        yield b"content"

    for name in ("file_kept", "file_lost"):
        async with blobs.writing(name, chunks(), 100) as written:
            await blobs.name(name, written)
    assert await blobs.sweep(["file_kept"]) == 1
    assert len(on_disk(config)) == 1


async def begun(api, host):
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    return await host.begin_run()


async def fetched(channel, host, host_token, start, file, **fields):
    """What a host gets for a run."""
    given = {"host_id": host.host_id, "browser_session_id": start.browser_session_id, "fence": start.fence}
    request = host_pb2.GetRunFileRequest(**{**given, "run_id": start.start_run.run_id, "file": file, **fields})
    stub = host_pb2_grpc.HostBlobServiceStub(channel)
    record, *chunks = await all_of(stub.GetRunFile(request, metadata=(("x-api-key", host_token),)))
    return record.file, b"".join(part.chunk for part in chunks)


async def test_the_host_of_a_run_gets_its_files_by_id_or_by_a_name_that_only_one_has(api, host, channel, host_token):
    stored = await upload(api)
    start = await begun(api, host)
    for name in (stored.file_id, "cv.pdf"):
        assert await fetched(channel, host, host_token, start, name) == (stored, RESUME)
    assert (await refused(fetched(channel, host, host_token, start, "letter.pdf"))).reason == "FILE_NOT_FOUND"
    stale = await refused(fetched(channel, host, host_token, start, "cv.pdf", fence=start.fence + 1))
    assert stale.reason == "STALE_FENCE"
    other = await upload(api, b"another", sha256="")
    refusal = await refused(fetched(channel, host, host_token, start, "cv.pdf"))
    assert stored.file_id in refusal.message
    assert other.file_id in refusal.message


async def test_a_damaged_file_is_refused_before_its_first_byte(api, host, channel, host_token, config):
    stored = await upload(api)
    start = await begun(api, host)
    (path,) = on_disk(config)
    path.write_bytes(RESUME[:-1] + b"!")
    assert (await refused(fetched(channel, host, host_token, start, stored.file_id))).reason == "FILE_DAMAGED"


async def test_an_action_names_files_that_are_there_and_a_bounded_number_of_them(api, client):
    stored = await upload(api)
    good = actions_pb2.Action(upload=actions_pb2.Upload(files=[stored.file_id, "cv.pdf"]))
    for files, field in (
        ([], "actions[1].upload.files"),
        (["cv.pdf"] * 21, "actions[1].upload.files"),
        (["file_unknown"], "actions[1].upload.files[0]"),
        (["cv.pdf", ""], "actions[1].upload.files[1]"),
    ):
        bad = actions_pb2.Action(upload=actions_pb2.Upload(files=files))
        with pytest.raises(InvalidArgument) as wrong:
            await client.run_task(actions=[good, bad])
        assert [violation.field for violation in wrong.value.field_violations] == [field]
    assert (await client.run_task(actions=[good])).run_id
