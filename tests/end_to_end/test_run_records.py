"""Console, requests and moving pictures of a run: kept when asked for, without secrets, and never a run's trouble."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from contextlib import aclosing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from tabkeep import Artifact, Client, RunEvent, RunStatus, ScreenRecording, actions

from tests.end_to_end.conftest import Stack
from tests.waiting import until

PAGE = b"""<title>Talk</title><h1>Talk</h1><label>Password <input type=password id=pw></label>
<button onclick="go()">Go</button><p id=out></p><script>
console.log("hello from the page"); console.warn("careful");
async function go() {
  console.log("password is " + pw.value);
  const headers = {authorization: "Bearer header_secret", "x-plain": pw.value};
  await fetch("/data?token=tk_query_secret&q=mug", {headers});
  await fetch("/gone").catch(() => 0);
  let n = 0;
  const timer = setInterval(() => {
    document.body.style.background = ["#fdd", "#dfd", "#ddf"][n++ % 3];
    if (n === 12) { clearInterval(timer); out.textContent = "done"; nothing.at.all(); }
  }, 150);
}
</script>"""
_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_PAIRS = {"type": "array", "items": {"type": "object", "required": ["name", "value"],
          "properties": {"name": _TEXT, "value": _TEXT}}}  # fmt: skip
_WHEN = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"}


def _record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


HAR = _record(log=_record(
    version={"const": "1.2"},
    creator=_record(name=_TEXT, version=_TEXT),
    browser=_record(name=_TEXT, version=_TEXT),
    entries={"type": "array", "items": _record(
        startedDateTime=_WHEN,
        time={"type": "number", "minimum": 0},
        request=_record(method=_TEXT, url={"type": "string", "format": "uri"}, httpVersion=_TEXT, cookies=_PAIRS,
                        headers=_PAIRS, queryString=_PAIRS, headersSize=_NUMBER, bodySize=_NUMBER),
        response=_record(status={"type": "integer"}, statusText=_TEXT, httpVersion=_TEXT, cookies=_PAIRS,
                         headers=_PAIRS, content=_record(size=_NUMBER, mimeType=_TEXT), redirectURL=_TEXT,
                         headersSize=_NUMBER, bodySize=_NUMBER),
        cache={"type": "object"},
        timings=_record(send={"type": "number", "minimum": 0}, wait={"type": "number", "minimum": 0},
                        receive={"type": "number", "minimum": 0}),
    )},
))  # fmt: skip
"""What HAR 1.2 wants of an archive."""


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/gone":
            self.connection.close()
            return
        body, kind = (PAGE, "text/html") if self.path == "/" else (b'{"a": 1}', "application/json")
        self.send_response(200, "Fine")
        self.send_header("content-type", kind)
        self.send_header("set-cookie", "sid=cookie_secret")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def talk() -> Iterator[str]:
    """A page that talks, asks and changes its colours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def frames(avi: bytes) -> tuple[int, list[bytes]]:
    """Slots a second, and what is in each."""
    assert (avi[:4], avi[8:12]) == (b"RIFF", b"AVI ")
    assert struct.unpack("<I", avi[4:8])[0] == len(avi) - 8
    at = avi.index(b"movi") + 4
    found = []
    while avi[at : at + 4] == b"00dc":
        size = struct.unpack("<I", avi[at + 4 : at + 8])[0]
        found.append(avi[at + 8 : at + 8 + size])
        at += 8 + size + size % 2
    assert avi[at : at + 4] == b"idx1"
    assert struct.unpack("<I", avi[at + 4 : at + 8])[0] == 16 * len(found)
    return 1_000_000 // struct.unpack("<I", avi[32:36])[0], found


async def test_a_runs_console_requests_and_pictures_are_artifacts_without_its_secrets(
    client: Client, talk: str, stack: Stack
) -> None:
    run = await client.run_task(
        url=talk,
        actions=[
            actions.fill("hunter2-secret", name="Password"),
            actions.click(name="Go", expect=[actions.expect_text("done")]),
            actions.wait_time(timedelta(seconds=0.5)),
        ],
        screenshots="none",
        record_console=True,
        record_network=True,
        screen_recording=ScreenRecording(frames_per_second=10),
        wait_for_completion=True,
    )

    run.raise_for_failure()
    found: dict[str, Artifact] = {one.artifact_type.value: one for one in await client.list_artifacts(run.run_id)}
    assert {*found} == {"console_log", "network_log", "recording"}
    assert [one.truncation for one in found.values()] == ["", "", ""]
    content = {name: await client.get_artifact(one.artifact_id) for name, one in found.items()}
    for name in ("console_log", "network_log"):
        for secret in ("hunter2", "header_secret", "cookie_secret", "tk_query_secret"):
            assert secret.encode() not in content[name], (name, secret)

    lines = [json.loads(line) for line in content["console_log"].splitlines()]
    said = [(one["type"], one["text"]) for one in lines if one["type"] != "verbose"]
    assert said[:3] == [("log", "hello from the page"), ("warning", "careful"), ("log", "password is •••")]
    assert any(kind == "exception" and "nothing is not defined" in text for kind, text in said)

    archive = json.loads(content["network_log"])
    assert [str(error.message) for error in Draft202012Validator(HAR).iter_errors(archive)] == []
    entries = {
        entry["request"]["url"].removeprefix(talk).partition("?")[0]: entry for entry in archive["log"]["entries"]
    }
    assert {"", "data", "gone"} <= {*entries}
    page, data = entries[""], entries["data"]
    assert (page["response"]["status"], page["response"]["statusText"]) == (200, "Fine")
    assert page["response"]["content"]["size"] == len(PAGE)
    assert page["response"]["httpVersion"].lower().startswith("http/1")
    asked = {one["name"]: one["value"] for one in data["request"]["headers"]}
    assert (asked["authorization"], asked["x-plain"]) == ("[redacted]", "•••")
    assert data["request"]["queryString"] == [{"name": "token", "value": "[redacted]"}, {"name": "q", "value": "mug"}]
    assert entries["gone"]["response"]["status"] == 0
    assert "ERR_" in entries["gone"]["comment"]

    rate, slots = frames(content["recording"])
    pictures = [one for one in slots if one]
    assert rate == 10
    assert 15 <= len(slots) <= 10 * 60
    assert len(pictures) >= 4
    assert all(one.startswith(b"\xff\xd8") for one in pictures)
    assert found["recording"].file_name == "recording.avi"
    async with httpx.AsyncClient(base_url=stack.http_url, headers={"x-api-key": stack.api_key}) as http:
        shown = (await http.get(f"/v1/runs/{run.run_id}/artifacts")).json()
        assert sorted(one["artifact_type"] for one in shown) == ["browser_console_log", "har", "recording"]
        seen = (await http.get(f"/v1/runs/{run.run_id}")).json()
        recording = await http.get(seen["recording_url"], headers={"x-api-key": ""})
        assert recording.content == content["recording"]
        assert recording.headers["content-disposition"].startswith("attachment")


async def test_records_end_at_their_bounds_and_say_so(client: Client, talk: str) -> None:
    run = await client.run_task(
        url=talk,
        actions=[actions.click(name="Go", expect=[actions.expect_text("done")])],
        screenshots="none",
        screen_recording=ScreenRecording(max_duration=timedelta(seconds=1)),
        wait_for_completion=True,
    )
    assert run.status is RunStatus.COMPLETED
    (record,) = await client.list_artifacts(run.run_id)
    assert "it ends after 1 s, as was asked for" in record.truncation
    rate, slots = frames(await client.get_artifact(record.artifact_id))
    assert (rate, len(slots)) == (4, 4)


async def test_a_run_that_is_cut_off_leaves_the_records_that_there_are(client: Client, talk: str) -> None:
    session = await client.create_browser_session()
    run = await client.run_task(
        url=talk,
        actions=[actions.wait_time(timedelta(seconds=14))],
        browser_session_id=session.browser_session_id,
        screenshots="none",
        record_console=True,
        screen_recording=True,
    )
    async with aclosing(client.watch_run(run.run_id)) as updates:
        async for update in updates:
            if isinstance(update, RunEvent) and update.kind == "step_started" and update.detail.step == 2:
                break
    await client.close_browser_session(session.browser_session_id)

    async def both() -> list[Artifact] | None:
        found = await client.list_artifacts(run.run_id)
        return found if len(found) == 2 else None

    found = await until(both, "both records of the run", 60)
    assert {(one.artifact_type.value, one.state.value) for one in found} == {
        ("console_log", "stored"),
        ("recording", "stored"),
    }
    (recording,) = (one for one in found if one.artifact_type == "recording")
    assert frames(await client.get_artifact(recording.artifact_id))[1][0].startswith(b"\xff\xd8")
