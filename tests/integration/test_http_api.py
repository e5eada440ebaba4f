"""Our whole API over HTTP: the same services, the same answers and the same refusals as over gRPC."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pool, json_format
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, keys_pb2, runs_pb2

from control_plane.config import Config
from control_plane.http.answers import json_name
from control_plane.http.endpoint import Resource
from control_plane.server import ControlPlane
from tests.api_calls import PATIENCE, cancel_run, get_run, get_session, run_task, running_session
from tests.fake_host import run_finished, step_finished, step_started
from tests.waiting import until

API = "/v1/tabkeep"
PROTOS = Path(__file__).parents[2] / "protos/tabkeep/v1"
WORKFLOW = "version: 1\ntitle: Visit\nblocks:\n  - goto: https://shop.example/\n"


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


@pytest.fixture
async def http(control_plane: ControlPlane, api_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it, with the first key."""
    async with client(control_plane, api_key) as opened:
        yield opened


def client(control_plane: ControlPlane, key: str) -> httpx.AsyncClient:
    headers = {"x-api-key": key} if key else {}
    return httpx.AsyncClient(base_url=f"http://{control_plane.http_address}", headers=headers, timeout=PATIENCE)


async def done(answer: Any) -> Any:
    """The JSON of an answer that must be 200."""
    response = await answer
    assert response.status_code == 200, response.text
    return response.json()


async def refused(answer: Any) -> tuple[int, str]:
    """Status and code of an answer that must be an error."""
    response = await answer
    body = response.json()
    assert set(body) == {"detail", "code"}
    assert body["detail"]
    return response.status_code, body["code"]


async def events_of(http: httpx.AsyncClient, path: str, **headers: str) -> list[dict[str, str]]:
    """All events of a stream that ends."""
    async with http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream"
        return [event async for event in parsed(response)]


async def parsed(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, as a reader of Server-Sent Events takes them."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event:
            yield event
            event = {}
    assert not event


# The whole API


async def test_every_public_rpc_is_served_at_its_annotation_and_documented(http):
    paths = (await done(http.get("/openapi.json")))["paths"]
    served = {(method, path): operation for path, methods in paths.items() for method, operation in methods.items()}
    pool = descriptor_pool.Default()
    files = [pool.FindFileByName(f"tabkeep/v1/{path.name}") for path in PROTOS.glob("*.proto")]
    methods = [method for file in files for service in file.services_by_name.values() for method in service.methods]
    assert len(methods) >= 27
    for method in methods:
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        operation = served[verb, getattr(rule, verb)]
        assert operation["operationId"] == method.name
        assert operation["summary"]
        assert {"200", "403", "404", "422", "500", "503"} <= set(operation["responses"])


async def test_a_session_lives_over_http_as_it_does_over_grpc(http, api, host):
    body = {"timeout": "300s", "labels": {"team": "a"}, "viewport": {"width": 800, "height": 600}}
    created = await done(http.post(f"{API}/browserSessions", json=body))
    session_id = created["browserSessionId"]
    assert (created["timeout"], created["viewport"]) == ("300s", {"width": 800, "height": 600})
    await host.launch()

    shown = await done(http.get(f"{API}/browserSessions/{session_id}"))
    same = json_format.MessageToDict(await get_session(api, session_id), always_print_fields_with_no_presence=True)
    assert shown == same
    assert shown["state"] == "BROWSER_SESSION_STATE_RUNNING"

    extended = await done(http.post(f"{API}/browserSessions/{session_id}:extend", json={"timeout": "3600s"}))
    assert extended["timeout"] == "3600s"
    query = {"labels[team]": "a", "states": "BROWSER_SESSION_STATE_RUNNING", "page_size": 10}
    listed = await done(http.get(f"{API}/browserSessions", params=query))
    assert [one["browserSessionId"] for one in listed["browserSessions"]] == [session_id]
    assert (await done(http.get(f"{API}/browserSessions", params={"labels[team]": "b"})))["browserSessions"] == []

    closed = await done(http.post(f"{API}/browserSessions/{session_id}:close"))
    assert closed["closeReason"] == "CLOSE_REASON_REQUESTED"
    assert (await get_session(api, session_id)).state == browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED


async def test_pages_go_on_where_the_last_one_ended(http):
    made = [(await done(http.post(f"{API}/browserSessions", json={})))["browserSessionId"] for _ in range(3)]
    first = await done(http.get(f"{API}/browserSessions?pageSize=2"))
    token = first["nextPageToken"]
    last = await done(http.get(f"{API}/browserSessions", params={"pageSize": 2, "pageToken": token}))
    listed = [one["browserSessionId"] for one in first["browserSessions"] + last["browserSessions"]]
    assert listed == made[::-1]
    assert last["nextPageToken"] == ""


async def test_workflows_hosts_and_keys_are_served_too(http, host):
    made = await done(http.post(f"{API}/workflows", json={"definition": WORKFLOW, "workflowId": "wf_visit"}))
    assert (made["workflowId"], made["version"]) == ("wf_visit", 1)
    body = {"definition": WORKFLOW, "expectedVersion": 1}
    assert (await done(http.patch(f"{API}/workflows/wf_visit", json=body)))["version"] == 2
    run = await done(http.post(f"{API}/workflows/wf_visit:run", json={}))
    assert (run["workflowId"], run["workflowVersion"]) == ("wf_visit", 2)
    assert await done(http.delete(f"{API}/workflows/wf_visit")) == {}
    assert await refused(http.get(f"{API}/workflows/wf_visit")) == (404, "WORKFLOW_NOT_FOUND")

    hosts = (await done(http.get(f"{API}/hosts")))["hosts"]
    assert [one["hostId"] for one in hosts] == [host.host_id]
    drained = await done(http.post(f"{API}/hosts/{host.host_id}:drain", json={"drainTimeout": "1s"}))
    assert drained["state"] == "HOST_STATE_DRAINING"

    key = await done(http.post(f"{API}/keys", json={"organizationId": "o_other"}))
    assert key["secret"].startswith("tk_live_")
    revoked = await done(http.post(f"{API}/keys/{key['key']['keyId']}:revoke"))
    assert revoked["revokeTime"]


async def test_a_held_poll_answers_when_the_run_is_final(http, api, host):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    poll = asyncio.create_task(done(http.get(f"{API}/runs/{run.run_id}?waitTimeout=600s")))
    await host.report(command, run_finished(1))
    assert (await asyncio.wait_for(poll, PATIENCE))["status"] == "RUN_STATUS_COMPLETED"


async def test_a_poll_that_nobody_waits_for_any_more_is_ended(http, api, host, control_plane):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    watchers = control_plane.coordinator.feed._watchers
    poll = asyncio.create_task(http.get(f"{API}/runs/{run.run_id}?waitTimeout=600s"))
    await until(lambda: run.run_id in watchers, "watched")
    poll.cancel()
    await until(lambda: run.run_id not in watchers, "watched no more")


async def test_idempotency_key_is_the_request_id(http, control_plane):
    headers = {"idempotency-key": "once"}
    first = await done(http.post(f"{API}/browserSessions", json={}, headers=headers))
    again = await done(http.post(f"{API}/browserSessions", json={"requestId": "once"}))
    assert again["browserSessionId"] == first["browserSessionId"]
    other = http.post(f"{API}/browserSessions", json={"timeout": "300s"}, headers=headers)
    assert await refused(other) == (409, "REQUEST_ID_REUSED")
    both = http.post(f"{API}/browserSessions", json={"request_id": "twice"}, headers=headers)
    assert await refused(both) == (422, "FIELD_INVALID")
    for key in ("k" * 129, ""):
        answer = await http.post(f"{API}/browserSessions", json={}, headers={"idempotency-key": key})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["header", "Idempotency-Key"])
    assert len((await done(http.get(f"{API}/browserSessions")))["browserSessions"]) == 1


# Streams


async def test_a_run_is_watched_as_events_and_again_from_the_last_id(http, api, host):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    await host.report(command, step_started(1), step_finished(2))
    path = f"{API}/runs/{run.run_id}:watch"
    async with http.stream("GET", path) as response:
        reading = parsed(response)
        seen = [await asyncio.wait_for(anext(reading), PATIENCE) for _ in range(3)]
        assert [event["event"] for event in seen] == ["run", "event", "event"]
        assert [event.get("id") for event in seen] == [None, "1", "2"]
        assert json.loads(seen[1]["data"])["event"]["stepStarted"]["description"] == "click"
        await host.report(command, run_finished(3))
        rest = [event async for event in reading]
    assert [(event["event"], event.get("id")) for event in rest] == [("event", "3"), ("run", None)]
    assert json.loads(rest[-1]["data"])["run"]["status"] == "RUN_STATUS_COMPLETED"

    resumed = await events_of(http, path, **{"last-event-id": "2"})
    assert [event.get("id") for event in resumed] == ["3", None]
    assert [event.get("id") for event in await events_of(http, f"{path}?after_seq=1")] == ["2", "3", None]
    assert await refused(http.get(path, headers={"last-event-id": "9"})) == (400, "SEQ_BEYOND_LOG")
    assert await refused(http.get(path, headers={"last-event-id": "x"})) == (422, "FIELD_INVALID")
    assert (await http.head(path)).status_code == 200


@pytest.mark.parametrize(
    ("said", "sent"),
    [("image/jpeg", "image/jpeg"), ("text/html\r\nset-cookie: a=b", "application/octet-stream")],
)
async def test_an_artifact_is_its_bytes_with_their_media_type(http, api, host, channel, host_token, said, sent):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    content = bytes(range(256)) * 2_000
    artifact = artifacts_pb2.Artifact(
        artifact_id="art_1",
        run_id=run.run_id,
        artifact_type=artifacts_pb2.ARTIFACT_TYPE_SCREENSHOT,
        content_type=said,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    header = host_pb2.BlobHeader(
        host_id=host.host_id,
        incarnation=host.incarnation,
        browser_session_id=launch.browser_session_id,
        fence=command.fence,
        artifact=artifact,
    )
    parts = [host_pb2.PutBlobRequest(header=header), host_pb2.PutBlobRequest(chunk=content)]
    stub = host_pb2_grpc.HostBlobServiceStub(channel)
    await stub.PutBlob(iter(parts), metadata=(("x-api-key", host_token),))

    (listed,) = (await done(http.get(f"{API}/runs/{run.run_id}/artifacts")))["artifacts"]
    assert (listed["artifactId"], listed["size"]) == ("art_1", str(len(content)))
    answer = await http.get(f"{API}/artifacts/art_1")
    assert (answer.status_code, answer.headers["content-type"]) == (200, sent)
    assert answer.headers["content-disposition"] == 'attachment; filename="art_1"'
    assert answer.content == content
    (picture,) = (await done(http.get(f"/v1/runs/{run.run_id}")))["screenshot_urls"]
    for path in ("/v1/artifacts/art_1/content", httpx.URL(picture).raw_path.decode()):
        same = await http.get(path)
        assert (same.headers["content-type"], same.headers.get("set-cookie"), same.content) == (sent, None, content)
    head = await http.head(f"{API}/artifacts/art_1")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(content)), b"")


async def test_a_session_is_watched_until_it_closes(http, api, host):
    launch = await running_session(api, host)
    path = f"{API}/browserSessions/{launch.browser_session_id}"
    async with http.stream("GET", f"{path}:watch") as response:
        reading = parsed(response)
        first = json.loads((await asyncio.wait_for(anext(reading), PATIENCE))["data"])
        assert first["change"] == "BROWSER_SESSION_CHANGE_SNAPSHOT"
        await done(http.post(f"{path}:close"))
        last = [json.loads(event["data"]) async for event in reading][-1]
        assert last["browserSession"]["state"] == "BROWSER_SESSION_STATE_CLOSED"


async def test_a_stream_that_cannot_begin_is_an_error_with_its_status(http):
    assert await refused(http.get(f"{API}/runs/tsk_none:watch")) == (404, "RUN_NOT_FOUND")
    assert await refused(http.get(f"{API}/artifacts/art_none")) == (404, "ARTIFACT_NOT_FOUND")


async def test_a_watcher_that_goes_leaves_nothing_behind(http, api, host, control_plane):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    watchers = control_plane.coordinator.feed._watchers
    async with http.stream("GET", f"{API}/runs/{run.run_id}:watch") as response:
        await asyncio.wait_for(anext(parsed(response)), PATIENCE)
        assert run.run_id in watchers
    await until(lambda: run.run_id not in watchers, "watched no more")


async def test_streams_and_polls_end_when_the_control_plane_stops(config, http, api, host, control_plane):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    async with http.stream("GET", f"{API}/runs/{run.run_id}:watch") as response:
        reading = parsed(response)
        await asyncio.wait_for(anext(reading), PATIENCE)
        control_plane.coordinator.feed.close()
        (last,) = [event async for event in reading]
    assert last["event"] == "error"
    assert json.loads(last["data"])["code"] == "DRAINING"


# Who may


async def test_a_key_goes_into_a_header_and_nowhere_else(http, control_plane, api_key):
    path = f"{API}/browserSessions"
    async with client(control_plane, "") as nobody:
        assert await refused(nobody.get(path)) == (403, "KEY_MISSING")
        for query in (f"x-api-key={api_key}", f"apikey={api_key}", f"token={api_key}"):
            assert await refused(nobody.get(f"{path}?{query}")) == (403, "KEY_MISSING")
        assert await refused(nobody.get(path, headers={"cookie": f"x-api-key={api_key}"})) == (403, "KEY_MISSING")
        assert await refused(nobody.get(path, headers={"x-api-key": "tk_live_x"})) == (403, "KEY_INVALID")
        for headers in (
            {"x-api-key": f"' {api_key} '"},
            {"x-api-key": f'"{api_key}"'},
            {"authorization": f"Bearer {api_key}"},
            {"authorization": f"bearer {api_key}"},
            {"x-api-key": f"Bearer {api_key}"},
        ):
            await done(nobody.get(path, headers=headers))


async def test_a_wrong_key_is_refused_before_anything_is_read(http, control_plane):
    async with client(control_plane, "") as nobody:
        answer = nobody.post(f"{API}/browserSessions", content=b"{", headers={"content-type": "text/plain"})
        assert await refused(answer) == (403, "KEY_MISSING")


async def test_a_key_without_the_scope_is_refused_and_another_organization_sees_nothing(http, api, control_plane):
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    session_id = (await done(http.post(f"{API}/browserSessions", json={})))["browserSessionId"]
    run_id = (await done(http.post(f"{API}/tasks:run", json={"prompt": "x"})))["runId"]
    async with client(control_plane, made.secret) as stranger:
        assert await refused(stranger.get(f"{API}/hosts")) == (403, "SCOPE_MISSING")
        foreign = await stranger.get(f"{API}/browserSessions/{session_id}")
        unknown = await stranger.get(f"{API}/browserSessions/pbs_{'0' * 26}")
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.text.replace(session_id, "") == unknown.text.replace(f"pbs_{'0' * 26}", "")
        assert await refused(stranger.post(f"{API}/runs/{run_id}:cancel")) == (404, "RUN_NOT_FOUND")
        assert await refused(stranger.get(f"{API}/runs/{run_id}:watch")) == (404, "RUN_NOT_FOUND")
        assert (await done(stranger.get(f"{API}/runs")))["runs"] == []


async def test_a_foreign_id_is_answered_like_one_that_is_nowhere(http, api, host, control_plane):
    """In every route that has an id in its path; and no list shows it."""
    launch = await running_session(api, host)
    login = {"origin": "https://a.example", "username": "u", "password": "p"}
    kinds = {
        "file": http.post(f"{API}/files?fileName=a.txt", content=b"a"),
        "browser_profile": http.post(f"{API}/browserProfiles", json={"name": "desk"}),
        "credential": http.post(f"{API}/credentials", json=login),
        "workflow": http.post(f"{API}/workflows", json={"definition": WORKFLOW}),
        "run": http.post(f"{API}/tasks:run", json={"prompt": "x", "browserSessionId": launch.browser_session_id}),
    }
    ids = {f"{kind}_id": (await done(made))[f"{json_name(kind)}Id"] for kind, made in kinds.items()}
    ids["browser_session_id"] = launch.browser_session_id
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    paths = (await done(http.get("/openapi.json")))["paths"]
    async with client(control_plane, made.secret) as stranger:

        async def said(method: str, path: str, named: dict[str, str]) -> tuple[int, str]:
            target = re.sub(r"{(\w+)}", lambda found: named.get(found[1], "x"), path)
            answer = await stranger.request(method, target, json={} if method in ("post", "patch") else None)
            return answer.status_code, re.sub("|".join(named.values()), "", answer.text)

        nowhere = {name: re.sub(r"[0-9a-z]", "0", value.partition("_")[2]) for name, value in ids.items()}
        compared = 0
        for path, methods in paths.items():
            if not ids.keys() & set(re.findall(r"{(\w+)}", path)):
                listed = await stranger.get(path) if "get" in methods else None
                assert listed is None or not [value for value in ids.values() if value in listed.text]
                continue
            for method in methods:
                assert await said(method, path, ids) == await said(method, path, nowhere), (method, path)
                compared += 1
        assert compared > 60


async def test_keys_are_in_no_log(http, api_key, control_plane, caplog):
    caplog.set_level("DEBUG")
    await http.get(f"{API}/browserSessions?token={api_key}")
    await http.get(f"{API}/nothing/{api_key}")
    await http.post(f"{API}/browserSessions", json={})
    secret = api_key.split("_")[3]
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert ours
    assert not [record for record in ours if secret in str(vars(record))]


# What is wrong is said, and nothing is stored


BAD_INPUT: list[tuple[str, str, dict[str, Any], tuple[int, str]]] = [
    ("POST", "/browserSessions", {"content": b"{"}, (422, "JSON_INVALID")),
    ("POST", "/browserSessions", {"json": []}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions", {"json": {"timeout": "1s"}}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions", {"json": {"timeout": 5}}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions", {"json": {"browserType": "opera"}}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions", {"json": {"browserTypes": "x"}}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions?timeout=300s", {"json": {}}, (422, "FIELD_INVALID")),
    ("POST", "/browserSessions", {"data": {"timeout": "300s"}}, (415, "UNSUPPORTED_MEDIA_TYPE")),
    ("POST", "/browserSessions", {"files": {"a": b"b"}}, (415, "UNSUPPORTED_MEDIA_TYPE")),
    ("POST", "/browserSessions", {"content": b" " * 5_000_000}, (413, "BODY_TOO_LARGE")),
    ("PUT", "/browserSessions", {"json": {}}, (405, "METHOD_NOT_ALLOWED")),
    ("GET", "/browserSessions/x:close", {}, (405, "METHOD_NOT_ALLOWED")),
    ("POST", "/browserSessions/x:reopen", {}, (404, "ROUTE_NOT_FOUND")),
    ("POST", "/tasks:run", {"json": {}}, (422, "FIELD_INVALID")),
    ("POST", "/tasks:run", {"json": {"prompt": "x", "browserSessionId": "pbs_no"}}, (404, "SESSION_NOT_FOUND")),
    (
        "POST",
        "/tasks:run",
        {"json": {"prompt": "x", "browserSessionId": "pbs_no", "browserProfileId": "bp_no"}},
        (422, "FIELD_INVALID"),
    ),
    ("POST", "/workflows/wf_no:run", {"json": {}}, (404, "WORKFLOW_NOT_FOUND")),
    ("POST", "/workflows/wf_no:run", {"json": {"workflowId": "wf_no"}}, (422, "FIELD_INVALID")),
    ("POST", "/workflows", {"json": {"definition": "nonsense"}}, (422, "FIELD_INVALID")),
    ("GET", "/runs/tsk_no", {}, (404, "RUN_NOT_FOUND")),
    ("GET", "/runs/tsk_no?wait=1", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs/tsk_no?waitTimeout=9h", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?pageSize=-1", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?pageSize=1&pageSize=2", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?pageSize=1&page_size=2", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?statuses=DONE", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?pageToken=made-up", {}, (422, "FIELD_INVALID")),
    ("GET", "/runs?a=%ff", {}, (422, "QUERY_MALFORMED")),
    ("GET", "/runs?" + "&".join(["statuses=x"] * 1001), {}, (422, "QUERY_MALFORMED")),
    ("GET", "/browserSessions?labels=x", {}, (422, "FIELD_INVALID")),
    ("GET", "/browserSessions?labels[a]=x&labels[a]=y", {}, (422, "FIELD_INVALID")),
    ("GET", "/browserSessions?labels.a=x", {}, (422, "FIELD_INVALID")),
    ("GET", "/browserSessions?pageSize[a]=1", {}, (422, "FIELD_INVALID")),
    ("GET", "/browserSessions?labels[%ed%a0%80]=1", {}, (422, "QUERY_MALFORMED")),
    ("GET", "/runs/%ed%a0%80", {}, (404, "RUN_NOT_FOUND")),
    ("GET", "/runs/%00", {}, (404, "RUN_NOT_FOUND")),
    ("POST", "/hosts/none:drain", {}, (404, "HOST_NOT_FOUND")),
    ("POST", "/keys", {"json": {"organizationId": "Other"}}, (422, "FIELD_INVALID")),
    ("POST", "/keys/none:revoke", {}, (404, "KEY_NOT_FOUND")),
]


async def test_bad_input_is_answered_as_documented_and_stores_nothing(http):
    for method, path, sent, answered in BAD_INPUT:
        if "content" in sent:
            sent = {**sent, "headers": {"content-type": "application/json"}}
        assert await refused(http.request(method, API + path, **sent)) == answered, (method, path)
    assert (await done(http.get(f"{API}/browserSessions")))["browserSessions"] == []
    assert (await done(http.get(f"{API}/runs")))["runs"] == []
    assert (await done(http.get(f"{API}/workflows")))["workflows"] == []
    assert len((await done(http.get(f"{API}/keys")))["keys"]) == 2


async def test_a_closed_a_busy_and_a_full_session_refuse_with_their_own_words(http, api, host):
    launch = await running_session(api, host)
    task = {"prompt": "x", "browserSessionId": launch.browser_session_id}
    run = await done(http.post(f"{API}/tasks:run", json=task))
    busy = http.post(f"{API}/tasks:run", json={**task, "failIfBusy": True})
    assert await refused(busy) == (409, "SESSION_BUSY")
    resolve = http.post(f"{API}/runs/{run['runId']}/approvals/apr_1:resolve", json={"approved": True})
    assert await refused(resolve) == (409, "NO_APPROVAL_PENDING")
    for _ in range(100):
        await run_task(api, launch.browser_session_id)
    assert await refused(http.post(f"{API}/tasks:run", json=task)) == (429, "QUEUE_FULL")
    await done(http.post(f"{API}/browserSessions/{launch.browser_session_id}:close"))
    assert await refused(http.post(f"{API}/tasks:run", json=task)) == (409, "SESSION_CLOSED")
    assert (await cancel_run(api, run["runId"])).status == runs_pb2.RUN_STATUS_CANCELED
    assert (await get_run(api, run["runId"])).status == runs_pb2.RUN_STATUS_CANCELED


def test_a_path_takes_no_colon_for_a_part_of_an_id():
    resource = Resource("/things/{thing_id}")
    assert resource.path_regex.match("/things/a%b")
    assert not resource.path_regex.match("/things/a:b")
    assert not resource.path_regex.match("/things/a\n/b")
