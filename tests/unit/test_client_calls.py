"""Calls: what goes out with them, how long they may take, and which of them are made again."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
import tabkeep
from opentelemetry import context
from tabkeep import Client, RetryPolicy, calls, telemetry
from tabkeep.v1 import (
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)

from tests.client_fixtures import QUICK, client, plane
from tests.scripted_control_plane import (
    API_KEY,
    BROKEN,
    HANG,
    PUBLIC_FILES,
    Failure,
    ScriptedControlPlane,
    a_run,
    a_session,
)

__all__ = ["client", "plane"]

PROTOS = Path(__file__).parents[2] / "protos" / "tabkeep" / "v1"


def test_each_public_method_says_whether_it_may_be_repeated_and_the_protos_agree() -> None:
    methods = {
        f"{service.name}/{method.name}"
        for file in PUBLIC_FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert {*calls.RETRY_SAFE} == methods

    said: dict[str, bool] = {}
    for file in PROTOS.glob("*.proto"):
        text = file.read_text(encoding="utf-8")
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
            for comment, method in re.findall(r"((?:^ +//.*\n)+) +rpc (\w+)\(", body, re.M):
                retry = " ".join(comment.replace("//", "").split()).partition("Retry: ")[2]
                said[f"{service}/{method}"] = retry.startswith(("safe", "like RunTask"))
    assert {*said} == methods
    # The client sends a request_id with each call that takes one, but not always an expected_version.
    assert said | {"WorkflowService/UpdateWorkflow": False} == calls.RETRY_SAFE


async def test_every_method_of_the_api_is_reached_by_the_client(plane: ScriptedControlPlane, client: Client) -> None:
    session, run, workflow = a_session(), a_run("COMPLETED"), workflows_pb2.Workflow(workflow_id="wf_a")
    delivery = webhooks_pb2.WebhookDelivery(webhook_delivery_id="whd_1", attempts=[webhooks_pb2.WebhookAttempt()])
    host, key = hosts_pb2.Host(host_id="h"), keys_pb2.Key(key_id="k")
    closed = a_session(state=browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED)
    watched = browser_sessions_pb2.WatchBrowserSessionResponse(browser_session=closed)
    profile = browser_profiles_pb2.BrowserProfile(browser_profile_id="bp_1", name="Casey", version=1)
    exported = browser_profiles_pb2.ExportedStorageState(size=2, sha256=sha256(b"{}").hexdigest())
    export = browser_profiles_pb2.ExportBrowserProfileResponse
    file = files_pb2.File(file_id="file_1", file_name="cv.pdf", sha256=sha256(b"").hexdigest())
    record = artifacts_pb2.Artifact(artifact_id="art_1", size=0, sha256=sha256(b"").hexdigest())
    recorded = recordings_pb2.Recording(recording_id="rec_1", state=recordings_pb2.RECORDING_STATE_TRUSTED)
    login = credentials_pb2.Credential(credential_id="cred_1", username="ada")
    for method, answer in {
        "BrowserSessionService/CreateBrowserSession": browser_sessions_pb2.CreateBrowserSessionResponse(
            browser_session=session
        ),
        "BrowserSessionService/GetBrowserSession": browser_sessions_pb2.GetBrowserSessionResponse(
            browser_session=session
        ),
        "BrowserSessionService/ListBrowserSessions": browser_sessions_pb2.ListBrowserSessionsResponse(
            browser_sessions=[session]
        ),
        "BrowserSessionService/ExtendBrowserSession": browser_sessions_pb2.ExtendBrowserSessionResponse(
            browser_session=session
        ),
        "BrowserSessionService/UpdateBrowserSession": browser_sessions_pb2.UpdateBrowserSessionResponse(
            browser_session=session
        ),
        "BrowserSessionService/ListPages": browser_sessions_pb2.ListPagesResponse(
            pages=[browser_sessions_pb2.BrowserPage(page_id="page-1", current=True)]
        ),
        "BrowserSessionService/CreateTakeOverLink": browser_sessions_pb2.CreateTakeOverLinkResponse(
            url="http://127.0.0.1:7331/take-over/pbs_1#secret"
        ),
        "BrowserSessionService/CloseBrowserSession": browser_sessions_pb2.CloseBrowserSessionResponse(
            browser_session=closed
        ),
        "BrowserProfileService/CreateBrowserProfile": browser_profiles_pb2.CreateBrowserProfileResponse(
            browser_profile=profile
        ),
        "BrowserProfileService/GetBrowserProfile": browser_profiles_pb2.GetBrowserProfileResponse(
            browser_profile=profile
        ),
        "BrowserProfileService/ListBrowserProfiles": browser_profiles_pb2.ListBrowserProfilesResponse(
            browser_profiles=[profile]
        ),
        "BrowserProfileService/UpdateBrowserProfile": browser_profiles_pb2.UpdateBrowserProfileResponse(
            browser_profile=profile
        ),
        "BrowserProfileService/DeleteBrowserProfile": browser_profiles_pb2.DeleteBrowserProfileResponse(),
        "RunService/RunTask": runs_pb2.RunTaskResponse(run=run),
        "RunService/RunWorkflow": runs_pb2.RunWorkflowResponse(run=run),
        "RunService/GetRun": runs_pb2.GetRunResponse(run=run),
        "RunService/ListRuns": runs_pb2.ListRunsResponse(runs=[run]),
        "RunService/CancelRun": runs_pb2.CancelRunResponse(run=run),
        "RunService/ResolveApproval": runs_pb2.ResolveApprovalResponse(run=run),
        "WorkflowService/CreateWorkflow": workflows_pb2.CreateWorkflowResponse(workflow=workflow),
        "WorkflowService/GetWorkflow": workflows_pb2.GetWorkflowResponse(workflow=workflow),
        "WorkflowService/ListWorkflows": workflows_pb2.ListWorkflowsResponse(workflows=[workflow]),
        "WorkflowService/UpdateWorkflow": workflows_pb2.UpdateWorkflowResponse(workflow=workflow),
        "WorkflowService/DeleteWorkflow": workflows_pb2.DeleteWorkflowResponse(),
        "ArtifactService/ListArtifacts": artifacts_pb2.ListArtifactsResponse(artifacts=[record]),
        "ArtifactService/CapturePage": artifacts_pb2.CapturePageResponse(artifact=record),
        "HostService/ListHosts": hosts_pb2.ListHostsResponse(hosts=[host]),
        "HostService/GetHost": hosts_pb2.GetHostResponse(host=host),
        "HostService/DrainHost": hosts_pb2.DrainHostResponse(host=host),
        "HostService/ReleaseHost": hosts_pb2.ReleaseHostResponse(host=host),
        "KeyService/CreateKey": keys_pb2.CreateKeyResponse(key=key, secret="tk_secret"),
        "KeyService/ListKeys": keys_pb2.ListKeysResponse(keys=[key]),
        "KeyService/RevokeKey": keys_pb2.RevokeKeyResponse(key=key),
        "CredentialService/CreateCredential": credentials_pb2.CreateCredentialResponse(credential=login),
        "CredentialService/ListCredentials": credentials_pb2.ListCredentialsResponse(credentials=[login]),
        "CredentialService/DeleteCredential": credentials_pb2.DeleteCredentialResponse(),
        "RecordingService/ListRecordings": recordings_pb2.ListRecordingsResponse(recordings=[recorded]),
        "RecordingService/GetRecording": recordings_pb2.GetRecordingResponse(recording=recorded),
        "RecordingService/DeleteRecording": recordings_pb2.DeleteRecordingResponse(),
        "RecordingService/ExportRecording": recordings_pb2.ExportRecordingResponse(content="version: 1"),
        "UsageService/GetUsage": usage_pb2.GetUsageResponse(usage=usage_pb2.Usage(session_minutes=7)),
        "WebhookService/ListWebhookDeliveries": webhooks_pb2.ListWebhookDeliveriesResponse(
            webhook_deliveries=[delivery]
        ),
        "WebhookService/GetWebhookDelivery": webhooks_pb2.GetWebhookDeliveryResponse(webhook_delivery=delivery),
        "WebhookService/ReplayWebhook": webhooks_pb2.ReplayWebhookResponse(webhook_delivery=delivery),
        "WebhookService/GetWebhookSecret": webhooks_pb2.GetWebhookSecretResponse(secret="whsec_x"),
        "FileService/UploadFile": files_pb2.UploadFileResponse(file=file),
        "FileService/ListFiles": files_pb2.ListFilesResponse(files=[file]),
        "FileService/DeleteFile": files_pb2.DeleteFileResponse(),
    }.items():
        plane.answers(method, answer)
    plane.streams("BrowserSessionService/WatchBrowserSession", [watched])
    plane.streams("BrowserProfileService/ExportBrowserProfile", [export(storage_state=exported), export(chunk=b"{}")])
    plane.streams("RunService/WatchRun", [runs_pb2.WatchRunResponse(run=run)])
    plane.streams("ArtifactService/GetArtifact", [artifacts_pb2.GetArtifactResponse(artifact=record)])
    plane.streams("FileService/GetFile", [files_pb2.GetFileResponse(file=file)])

    assert (await client.upload_file(b"cv", file_name="cv.pdf")).file_id == "file_1"
    assert await client.get_file("file_1") == b""
    assert [f.file_name async for f in client.list_files()] == ["cv.pdf"]
    await client.delete_file("file_1")
    assert (await client.create_browser_session(timeout=60)).browser_session_id == "pbs_1"
    assert (await client.get_browser_session("pbs_1")).status == "running"
    assert [s.browser_session_id async for s in client.list_browser_sessions()] == ["pbs_1"]
    assert [u.browser_session.state async for u in client.watch_browser_session("pbs_1")] == ["closed"]
    assert (await client.extend_browser_session("pbs_1", 90)).browser_session_id == "pbs_1"
    updated = await client.update_browser_session("pbs_1", proxy="http://u:p@proxy.example:3128", blocked_domains=[])
    assert updated.browser_session_id == "pbs_1"
    link = await client.create_take_over_link("pbs_1", lifetime=timedelta(minutes=5))
    assert (link.url, link.expire_time.year) == ("http://127.0.0.1:7331/take-over/pbs_1#secret", 1970)
    assert "secret" not in repr(link)
    [page] = await client.list_pages("pbs_1")
    assert (page.page_id, page.current, page.opener_page_id) == ("page-1", True, None)
    assert (await client.close_browser_session(browser_session_id="pbs_1")).state == "closed"
    assert (await client.create_browser_profile("Casey", browser_session_id="pbs_1")).browser_profile_id == "bp_1"
    assert (await client.get_browser_profile("bp_1")).version == 1
    assert [p.name async for p in client.list_browser_profiles()] == ["Casey"]
    assert (await client.update_browser_profile("bp_1", name="Morgan")).name == "Casey"
    await client.delete_browser_profile("bp_1")
    assert await client.export_browser_profile("bp_1") == {}
    assert (await client.run_task(prompt="Step 1", browser_session_id="pbs_1")).run_id == "tsk_1"
    assert (await client.run_workflow(workflow_id="wf_a", parameters={"month": 2})).status == "completed"
    assert (await client.get_run("tsk_1")).is_final
    assert [r.run_id async for r in client.list_runs(statuses=["completed"])] == ["tsk_1"]
    assert [u async for u in client.watch_run("tsk_1")] == [await client.get_run("tsk_1")]
    assert (await client.cancel_run("tsk_1")).run_id == "tsk_1"
    assert (await client.resolve_approval("tsk_1", "apr_1", True, comment="yes")).run_id == "tsk_1"
    assert (await client.create_workflow("blocks: []")).workflow_id == "wf_a"
    assert (await client.get_workflow("wf_a", version=1)).workflow_id == "wf_a"
    assert [w.workflow_id async for w in client.list_workflows()] == ["wf_a"]
    assert (await client.update_workflow("wf_a", "blocks: []")).workflow_id == "wf_a"
    await client.delete_workflow("wf_a")
    assert await client.get_artifact("art_1") == b""
    assert [a.artifact_id for a in await client.list_artifacts("tsk_1")] == ["art_1"]
    assert [h.host_id for h in await client.list_hosts()] == ["h"]
    assert (await client.get_host("h")).host_id == "h"
    assert (await client.drain_host("h", drain_timeout=timedelta(minutes=1))).host_id == "h"
    assert (await client.release_host("h")).host_id == "h"
    made = await client.create_key(organization_id="o_a", scope="operator")
    assert (made.secret, made.key.key_id) == ("tk_secret", "k")
    assert "tk_secret" not in repr(made)
    assert [k.key_id for k in await client.list_keys()] == ["k"]
    assert (await client.revoke_key("k")).key_id == "k"
    assert (await client.create_credential("https://a.example", "ada", "pw")).credential_id == "cred_1"
    assert [r.state async for r in client.list_recordings(origin="https://a.example")] == ["trusted"]
    assert (await client.get_recording("rec_1")).recording_id == "rec_1"
    await client.delete_recording("rec_1")
    assert (await client.export_recording("rec_1", "workflow_yaml")).content == "version: 1"
    assert [c.username for c in await client.list_credentials("https://a.example")] == ["ada"]
    await client.delete_credential("cred_1")
    assert (await client.get_usage("2026-11")).session_minutes == 7
    assert [d.webhook_delivery_id async for d in client.list_webhook_deliveries(states=["failed"])] == ["whd_1"]
    assert len((await client.get_webhook_delivery("whd_1")).attempts) == 1
    assert (await client.capture_page("pbs_1", "pdf")).artifact_id == "art_1"
    assert (await client.replay_webhook("tsk_1")).webhook_delivery_id == "whd_1"
    assert await client.get_webhook_secret() == "whsec_x"

    assert {call.method for call in plane.received} == {*calls.RETRY_SAFE}
    assert {call.metadata["x-api-key"] for call in plane.received} == {API_KEY}
    run_workflow = plane.requests("RunService/RunWorkflow")[0]
    assert run_workflow.parameters["month"] == 2
    assert plane.requests("BrowserSessionService/CreateBrowserSession")[0].timeout.seconds == 3600
    assert plane.requests("BrowserSessionService/ExtendBrowserSession")[0].timeout.seconds == 5400
    assert plane.requests("RunService/ListRuns")[0].statuses == [runs_pb2.RUN_STATUS_COMPLETED]


async def test_a_safe_call_is_made_again_with_the_same_request_id(plane: ScriptedControlPlane, client: Client) -> None:
    answer = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session())
    plane.answers("BrowserSessionService/CreateBrowserSession", BROKEN, BROKEN, answer)

    session = await client.create_browser_session()

    assert session.browser_session_id == "pbs_1"
    ids = [request.request_id for request in plane.requests("BrowserSessionService/CreateBrowserSession")]
    assert len(ids) == 3
    assert len({*ids}) == 1
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ids[0])


async def test_two_intents_have_two_request_ids_and_a_given_one_is_kept(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run()))
    await client.run_task("Step 1")
    await client.run_task("Step 1")
    await client.run_task("Step 1", request_id="mine")
    first, second, third = [request.request_id for request in plane.requests("RunService/RunTask")]
    assert first != second
    assert third == "mine"


Call = Callable[[Client], Awaitable[object]]


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("KeyService/CreateKey", lambda c: c.create_key(organization_id="o_a")),
        ("WebhookService/ReplayWebhook", lambda c: c.replay_webhook("tsk_1")),
        ("WorkflowService/UpdateWorkflow", lambda c: c.update_workflow("wf_a", "x")),
    ],
)
async def test_a_call_that_would_act_twice_is_made_once(
    plane: ScriptedControlPlane, client: Client, method: str, call: Call
) -> None:
    plane.answers(method, BROKEN)
    with pytest.raises(tabkeep.Unavailable):
        await call(client)
    assert len(plane.requests(method)) == 1


async def test_an_update_that_names_its_version_is_made_again(plane: ScriptedControlPlane, client: Client) -> None:
    workflow = workflows_pb2.Workflow(workflow_id="wf_a", version=4)
    plane.answers("WorkflowService/UpdateWorkflow", BROKEN, workflows_pb2.UpdateWorkflowResponse(workflow=workflow))
    assert (await client.update_workflow("wf_a", "x", expected_version=3)).version == 4


@pytest.mark.parametrize(
    "failure",
    [
        Failure(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"),
        Failure(grpc.StatusCode.INTERNAL, "INTERNAL"),
        Failure(grpc.StatusCode.UNKNOWN),
        Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
        Failure(grpc.StatusCode.DEADLINE_EXCEEDED),
        Failure(grpc.StatusCode.ABORTED, "VERSION_CONFLICT"),
    ],
    ids=lambda failure: f"{failure.code.name}",
)
async def test_other_errors_are_raised_at_once(plane: ScriptedControlPlane, client: Client, failure: Failure) -> None:
    plane.answers("RunService/GetRun", failure)
    with pytest.raises(tabkeep.TabkeepError):
        await client.get_run("tsk_1")
    assert len(plane.requests("RunService/GetRun")) == 1


async def test_the_tries_come_to_an_end_and_the_last_error_is_raised(
    plane: ScriptedControlPlane, client: Client
) -> None:
    plane.answers("RunService/GetRun", BROKEN)
    with pytest.raises(tabkeep.Unavailable) as raised:
        await client.get_run("tsk_1")
    assert len(plane.requests("RunService/GetRun")) == QUICK.max_attempts
    assert raised.value.reason == "UNREACHABLE"
    assert plane.address in str(raised.value)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_the_wait_that_the_server_asks_for_is_kept(
    plane: ScriptedControlPlane, client: Client, code: grpc.StatusCode
) -> None:
    later = Failure(code, "STARTING", retry_delay=timedelta(milliseconds=250))
    plane.answers("RunService/GetRun", later, runs_pb2.GetRunResponse(run=a_run()))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await client.get_run("tsk_1")
    assert loop.time() - began >= 0.25
    assert len(plane.requests("RunService/GetRun")) == 2


async def test_a_wait_beyond_the_call_s_time_is_not_begun(plane: ScriptedControlPlane) -> None:
    plane.answers("RunService/GetRun", Failure(grpc.StatusCode.UNAVAILABLE, "STARTING", retry_delay=timedelta(hours=1)))
    async with Client(API_KEY, plane.address, retry=QUICK, call_timeout=timedelta(seconds=5)) as client:
        with pytest.raises(tabkeep.Unavailable) as raised:
            await asyncio.wait_for(client.get_run("tsk_1"), 4)
    assert raised.value.reason == "STARTING"
    assert len(plane.requests("RunService/GetRun")) == 1


async def test_a_call_that_is_not_answered_ends_at_its_deadline(plane: ScriptedControlPlane) -> None:
    plane.answers("RunService/GetRun", HANG)
    async with Client(API_KEY, plane.address, call_timeout=timedelta(milliseconds=200)) as client:
        with pytest.raises(tabkeep.DeadlineExceeded):
            await client.get_run("tsk_1")
    assert len(plane.requests("RunService/GetRun")) == 1


async def test_a_held_call_gets_the_time_it_is_held_on_top(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run()))
    await client.get_run("tsk_1", wait_timeout=timedelta(minutes=5))
    received = plane.received[-1]
    assert received.request.wait_timeout.seconds == 300
    assert received.seconds_left is not None
    assert 300 < received.seconds_left <= 331  # gRPC sends long timeouts in whole seconds, rounded up


async def test_nobody_at_the_address_is_said_with_the_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with Client(API_KEY, address, retry=QUICK) as client:
            with pytest.raises(tabkeep.Unavailable, match=f"no answer from the control plane at {address}"):
                await client.list_hosts()


async def test_waiting_for_a_run_goes_on_until_it_is_final(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    plane.answers(
        "RunService/GetRun",
        runs_pb2.GetRunResponse(run=a_run("RUNNING")),
        BROKEN,
        runs_pb2.GetRunResponse(run=a_run("PAUSED")),
        runs_pb2.GetRunResponse(run=a_run("FAILED", failure_reason=runs_pb2.FAILURE_REASON_NEEDS_MODEL)),
    )
    run = await client.run_task("Step 1", wait_for_completion=True)
    assert run.status == "failed"
    assert run.failure_reason == "NEEDS_MODEL"
    assert len(plane.requests("RunService/RunTask")) == 1
    assert all(request.wait_timeout.seconds == 60 for request in plane.requests("RunService/GetRun"))


async def test_waiting_for_a_run_ends_with_its_timeout(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run("PAUSED")))
    with pytest.raises(tabkeep.DeadlineExceeded, match="tsk_1 is still paused") as raised:
        await client.wait_for_run("tsk_1", timeout=timedelta(milliseconds=50))
    assert raised.value.reason == "RUN_NOT_FINAL"
    assert plane.requests("RunService/CancelRun") == []


async def test_lists_go_on_over_all_pages_with_the_same_filter(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers(
        "RunService/ListRuns",
        runs_pb2.ListRunsResponse(runs=[a_run(run_id="tsk_3"), a_run(run_id="tsk_2")], next_page_token="p2"),
        runs_pb2.ListRunsResponse(next_page_token="p3"),
        runs_pb2.ListRunsResponse(runs=[a_run(run_id="tsk_1")]),
    )
    listed = [run.run_id async for run in client.list_runs(browser_session_id="pbs_1", page_size=2)]
    assert listed == ["tsk_3", "tsk_2", "tsk_1"]
    asked = [(r.browser_session_id, r.page_size, r.page_token) for r in plane.requests("RunService/ListRuns")]
    assert asked == [("pbs_1", 2, ""), ("pbs_1", 2, "p2"), ("pbs_1", 2, "p3")]


def _pieces(data: bytes, record_of: bytes | None = None) -> list[artifacts_pb2.GetArtifactResponse]:
    whole = data if record_of is None else record_of
    record = artifacts_pb2.Artifact(artifact_id="art_1", size=len(whole), sha256=sha256(whole).hexdigest())
    chunks = [artifacts_pb2.GetArtifactResponse(chunk=data[i : i + 3]) for i in range(0, len(data), 3)]
    return [artifacts_pb2.GetArtifactResponse(artifact=record), *chunks]


async def test_an_artifact_is_put_together_also_after_a_broken_stream(
    plane: ScriptedControlPlane, client: Client
) -> None:
    pieces = _pieces(b"0123456789")
    plane.streams("ArtifactService/GetArtifact", [*pieces[:2], BROKEN], pieces)
    assert await client.get_artifact("art_1") == b"0123456789"


@pytest.mark.parametrize(
    "pieces",
    [_pieces(b"0123456789")[:-1], _pieces(b"0123456780", record_of=b"0123456789"), []],
    ids=["cut off", "changed", "empty"],
)
async def test_a_damaged_artifact_is_not_handed_out(
    plane: ScriptedControlPlane, client: Client, pieces: list[artifacts_pb2.GetArtifactResponse]
) -> None:
    plane.streams("ArtifactService/GetArtifact", pieces)
    with pytest.raises(tabkeep.DataLoss):
        await client.get_artifact("art_1")


async def test_the_current_trace_goes_with_the_call(plane: ScriptedControlPlane, client: Client) -> None:
    plane.answers("HostService/ListHosts", hosts_pb2.ListHostsResponse())
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    token = context.attach(telemetry.extract(f"00-{trace_id}-b7ad6b7169203331-01"))
    try:
        await client.list_hosts()
    finally:
        context.detach(token)
    await client.list_hosts()
    with_trace, without = (call.metadata for call in plane.received)
    assert with_trace["traceparent"].startswith(f"00-{trace_id}-")
    assert "traceparent" not in without


async def test_a_closed_client_says_so(plane: ScriptedControlPlane) -> None:
    client = Client(API_KEY, plane.address)
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.list_hosts()


def test_a_client_can_be_made_before_its_loop_and_used_in_one_loop_after_another(
    plane: ScriptedControlPlane,
) -> None:
    plane.answers("HostService/ListHosts", hosts_pb2.ListHostsResponse())
    client = Client(API_KEY, plane.address)
    for _ in range(2):
        assert asyncio.run(client.list_hosts()) == []


@pytest.mark.parametrize("chance", [0.0, 0.999])
def test_the_backoff_doubles_up_to_its_bound_and_half_of_it_is_random(chance: float) -> None:
    policy = RetryPolicy(initial_backoff=timedelta(seconds=1), max_backoff=timedelta(seconds=5))
    waits = [policy.backoff_seconds(failures, chance) for failures in (1, 2, 3, 4, 1000)]
    factor = 0.5 + chance / 2
    assert waits == pytest.approx([1 * factor, 2 * factor, 4 * factor, 5 * factor, 5 * factor])
