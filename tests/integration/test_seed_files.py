"""The seed's API for files that callers bring, over real HTTP, with a fake host."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from tests.integration.test_files import fetched
from tests.integration.test_seed_http import http, live_session, refusal, task
from tests.integration.test_seed_sdk import refused_alike, stranger

__all__ = ["http", "stranger"]

FORM = "multipart/form-data"
BYTES = b"%PDF-1.7 \r\n--x\r\n" + bytes(range(256)) * 3_000


@pytest.fixture
def config(config):
    return replace(config, http_address="127.0.0.1:0", file_quota_bytes=2 * len(BYTES))


async def uploaded(http, name="cv.pdf", content=BYTES, **more):
    return await http.post("/v1/upload_file", files={"file": (name, content, "application/pdf")}, **more)


async def listed(http):
    return [one["fileId"] for one in (await http.get("/v1/tabkeep/files")).json()["files"]]


async def test_a_file_is_stored_opened_by_its_link_and_deleted(http, control_plane, stranger):
    answer = await uploaded(http, "Lebenslauf ä.pdf", headers={"idempotency-key": "once"}, data={"note": "x"})
    assert answer.status_code == 200, answer.text
    file = answer.json()
    assert file["s3_uri"] == file["file_id"]
    assert (file["file_name"], file["file_size"], file["checksum"], file["content_type"], file["expires_at"]) == (
        "Lebenslauf ä.pdf", len(BYTES), hashlib.sha256(BYTES).hexdigest(), "application/pdf", None,
    )  # fmt: skip
    again = await uploaded(http, "Lebenslauf ä.pdf", headers={"idempotency-key": "once"})
    assert again.json()["file_id"] == file["file_id"]
    assert await listed(http) == [file["file_id"]]
    async with httpx.AsyncClient(trust_env=False) as anybody:
        opened = await anybody.get(file["presigned_url"])
        assert (opened.status_code, opened.content) == (200, BYTES)
        assert opened.headers["content-disposition"] == "attachment; filename*=UTF-8''Lebenslauf%20%C3%A4.pdf"
        assert opened.headers["content-type"] == "application/octet-stream"
        for link in (file["presigned_url"].partition("?")[0], file["presigned_url"] + "0"):
            assert (await refusal(await anybody.get(link)))[:2] == (403, "LINK_INVALID")
        other = (await uploaded(http, "b.pdf", b"b")).json()
        mixed = file["presigned_url"].replace(file["file_id"], other["file_id"])
        assert (await refusal(await anybody.get(mixed)))[:2] == (403, "LINK_INVALID")

        await refused_alike(http, stranger, "DELETE", "/v1/files/{}", file["file_id"], "file_none")
        deleted = await http.delete(f"/v1/files/{file['file_id']}/")
        assert (deleted.status_code, deleted.content) == (204, b"")
        assert await listed(http) == [other["file_id"]]
        assert (await refusal(await anybody.get(file["presigned_url"])))[:2] == (404, "FILE_NOT_FOUND")
        control_plane.coordinator.clock.advance(timedelta(hours=2))
        assert (await refusal(await anybody.get(other["presigned_url"])))[:2] == (403, "LINK_INVALID")


async def test_a_run_takes_the_file_by_what_the_answer_calls_it(http, host, channel, host_token):
    file = (await uploaded(http)).json()
    session_id = await live_session(http, host)
    await task(http, browser_session_id=session_id, prompt=f"Upload '{file['s3_uri']}' to 'Resume'")
    start = await host.begin_run()
    given, content = await fetched(channel, host, host_token, start, file["s3_uri"])
    assert (given.file_name, content) == ("cv.pdf", BYTES)


async def test_a_form_that_cannot_be_is_refused_and_nothing_is_stored(http):
    url = "/v1/upload_file"
    for answer, place in [
        (await http.post(url, files={"other": ("a", b"x")}), "file"),
        # As the published SDK's upload_file(file="...") sends it.
        (await http.post(url, files={"file": (None, b"/tmp/cv.pdf")}), "file"),
        (await http.post(url, files=[("file", ("a", b"x")), ("file", ("b", b"y"))]), "file"),
        (await uploaded(http, "a/b"), "file"),
        (await uploaded(http, ".."), "file"),
        (await http.post(url, files={"file": ("a", b"x", "nonsense")}), "file"),
        (await http.post(url, content=b"--cut\r\n", headers={"content-type": f"{FORM}; boundary=cut"}), "file"),
        (await uploaded(http, headers={"idempotency-key": "a b"}), "idempotency-key"),
    ]:  # fmt: skip
        status, code, detail = await refusal(answer)
        assert (status, code, [one["loc"][-1] for one in detail]) == (422, "FIELD_INVALID", [place])
    for content_type in ("application/json", FORM, "text/plain"):
        answer = await http.post(url, content=b"{}", headers={"content-type": content_type})
        assert (await refusal(answer))[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert answer.headers["accept"] == FORM
    for before in (True, False):
        parts = [("retention_days", (None, "7")), ("file", ("a", b"x"))]
        answer = await http.post(url, files=parts if before else parts[::-1])
        status, code, detail = await refusal(answer)
        assert (status, code) == (400, "NOT_OFFERED")
        assert detail.startswith("retention_days: this server keeps files until they are deleted")
    assert await listed(http) == []


async def test_more_than_the_quota_is_refused_and_nothing_of_it_stays(http, config):
    assert (await uploaded(http)).status_code == 200
    answer = await uploaded(http, "more.pdf", BYTES * 3)
    assert (await refusal(answer))[:2] == (429, "FILE_QUOTA_FULL")
    assert len(await listed(http)) == 1
    assert len([path for path in (config.data_dir / "files").rglob("*") if path.is_file()]) == 1
