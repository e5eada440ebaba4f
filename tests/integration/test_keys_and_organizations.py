"""Who may call what, what is kept of a key, and that no organization learns of another's things."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import grpc
import pytest
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import artifacts_pb2, hosts_pb2, keys_pb2, runs_pb2, workflows_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane import first_keys
from control_plane.errors import StoreUnusable
from control_plane.server import serve
from tests.api_calls import all_of, get_run, minutes, next_of, run_task, running_session, watch_run
from tests.clocks import SteppedClock
from tests.conftest import api_on
from tests.fake_host import FakeHost, step_started
from tests.refusals import Refusal, refused

WORKFLOW = """
version: 1
title: Visit
blocks:
  - goto: "https://shop.example/"
"""


async def made_key(api, **fields):
    fields.setdefault("organization_id", "o_other")
    if fields.get("scope") == keys_pb2.KEY_SCOPE_HOST:
        fields["organization_id"] = ""
    return await api.keys.CreateKey(keys_pb2.CreateKeyRequest(**fields))


@pytest.fixture
async def stranger(api, channel):
    """Stubs with a key of another organization."""
    return api_on(channel, (await made_key(api)).secret)


def list_sessions(api):
    return api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())


# Keys


async def test_a_call_without_a_key_is_refused_and_says_what_to_send(channel):
    refusal = await refused(list_sessions(api_on(channel, "")))
    assert str(refusal) == "UNAUTHENTICATED/KEY_MISSING"
    assert refusal.message == "x-api-key is missing: send an API key in the metadata"


async def test_wrong_keys_are_refused_alike_whatever_is_wrong_with_them(api, channel, api_key):
    key_id = api_key.split("_")[2]
    revoked = await made_key(api)
    await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=revoked.key.key_id))
    wrong = ["x", "tk_live_nobody_x", api_key[:-1], api_key + "x", f"tk_live_{key_id}_guessed", revoked.secret]
    answers = {await refused_whole(list_sessions(api_on(channel, key))) for key in wrong}
    assert len(answers) == 1
    (answer,) = answers
    assert answer[0] is grpc.StatusCode.UNAUTHENTICATED
    assert answer[1] == "x-api-key is not a valid key: it is unknown, incomplete or revoked"


async def refused_whole(call):
    """Everything a caller can tell of a refusal."""
    refusal = await refused(call)
    return refusal.code, refusal.message, refusal.details


async def test_a_streaming_call_without_a_key_is_refused_too(channel):
    watch = api_on(channel, "").sessions.WatchBrowserSession(pb.WatchBrowserSessionRequest(browser_session_id="x"))
    assert str(await refused(all_of(watch))) == "UNAUTHENTICATED/KEY_MISSING"


async def test_a_key_works_from_its_making_until_it_is_revoked(api, channel):
    made = await made_key(api, display_name="for the shop")
    theirs = api_on(channel, made.secret)
    assert not (await list_sessions(theirs)).browser_sessions
    revoked = (await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=made.key.key_id))).key
    assert revoked.HasField("revoke_time")
    assert str(await refused(list_sessions(theirs))) == "UNAUTHENTICATED/KEY_INVALID"
    again = (await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=made.key.key_id))).key
    assert again == revoked


async def test_a_stream_tells_nothing_more_once_its_key_is_revoked(api, channel, host):
    made = await made_key(api, organization_id="o_default")
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    command = await host.begin_run()
    stream = watch_run(api_on(channel, made.secret), run.run_id)
    assert (await next_of(stream)).run.run_id == run.run_id
    await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=made.key.key_id))
    await host.report(command, step_started(1))
    assert str(await refused(next_of(stream))) == "UNAUTHENTICATED/KEY_INVALID"


async def test_a_keys_text_is_shown_once_and_listed_never(api, api_key, host_token):
    made = await made_key(api, display_name="for the shop")
    listed = await api.keys.ListKeys(keys_pb2.ListKeysRequest())
    assert made.key in listed.keys
    assert {key.display_name for key in listed.keys} == {"for the shop", "first key", "first host token"}
    shown = str(listed)
    for text in (made.secret, api_key, host_token):
        assert text not in shown
        assert text.split("_", 3)[3] not in shown


async def test_no_file_but_its_own_holds_the_text_of_a_key(api, config, api_key, host_token):
    secrets = [api_key, host_token, (await made_key(api)).secret]
    kept = [path for path in config.data_dir.rglob("*") if path.is_file()]
    assert {path.name for path in kept} >= {"tabkeep.db", "tabkeep.db-wal", "api-key", "host-token", "pepper"}
    for path in kept:
        content = path.read_bytes()
        own = {"api-key": secrets[:1], "host-token": secrets[1:2]}.get(path.name, [])
        for secret in secrets:
            secret_part = secret.split("_", 3)[3].encode()
            assert (secret_part in content) == (secret in own), path


async def test_the_files_of_secrets_are_readable_by_their_owner_only(control_plane, config):
    for name in ("api-key", "host-token", "pepper", "tabkeep.db"):
        assert (config.data_dir / name).stat().st_mode & 0o777 == 0o600


async def test_a_pepper_that_is_damaged_or_gone_is_refused(control_plane):
    data_dir = control_plane.config.data_dir
    (data_dir / "pepper").write_text("zz")
    with pytest.raises(StoreUnusable, match="restore it from a backup"):
        await first_keys.pepper(control_plane.database, data_dir)
    (data_dir / "pepper").unlink()
    with pytest.raises(StoreUnusable, match="is gone and the database has keys"):
        await first_keys.pepper(control_plane.database, data_dir)


async def test_the_last_operator_key_cannot_be_revoked(api, channel, api_key):
    first_id = api_key.split("_")[2]
    refusal = await refused(api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=first_id)))
    assert str(refusal) == "FAILED_PRECONDITION/LAST_OPERATOR_KEY"
    second = await made_key(api, scope=keys_pb2.KEY_SCOPE_OPERATOR)
    await api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=first_id))
    refusal = await refused(
        api_on(channel, second.secret).keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id=second.key.key_id))
    )
    assert refusal.reason == "LAST_OPERATOR_KEY"


async def test_an_unknown_key_cannot_be_revoked(api):
    refusal = await refused(api.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id="nobody")))
    assert str(refusal) == "NOT_FOUND/KEY_NOT_FOUND"


@pytest.mark.parametrize(
    ("fields", "violation"),
    [
        ({"organization_id": ""}, "organization_id"),
        ({"organization_id": "Other"}, "organization_id"),
        ({"organization_id": "o_" + "x" * 61}, "organization_id"),
        ({"organization_id": "o_a", "display_name": "x" * 201}, "display_name"),
        ({"organization_id": "o_a", "scope": 9}, "scope"),
        ({"organization_id": "o_a", "scope": keys_pb2.KEY_SCOPE_HOST}, "organization_id"),
        ({"organization_id": "o_a", "host_id": "host-a"}, "host_id"),
        ({"scope": keys_pb2.KEY_SCOPE_HOST, "host_id": "a host"}, "host_id"),
        ({"scope": keys_pb2.KEY_SCOPE_HOST, "host_id": "x" * 101}, "host_id"),
    ],
)
async def test_a_key_that_is_asked_for_wrongly_is_not_made(api, fields, violation):
    refusal = await refused(api.keys.CreateKey(keys_pb2.CreateKeyRequest(**fields)))
    assert set(refusal.fields) == {violation}
    assert len((await api.keys.ListKeys(keys_pb2.ListKeysRequest())).keys) == 2


# Scopes


async def test_a_host_token_is_no_api_key(channel, host_token):
    refusal = await refused(list_sessions(api_on(channel, host_token)))
    assert str(refusal) == "PERMISSION_DENIED/SCOPE_MISSING"
    assert refusal.message == "this key has the scope host: the call needs an API key"


async def test_an_api_key_is_no_host_token(control_plane, api, channel):
    secret = (await made_key(api)).secret
    fake = FakeHost(control_plane.address, secret)
    assert str(await refused(fake.attach())) == "PERMISSION_DENIED/SCOPE_MISSING"
    await fake.vanish()


async def test_a_host_token_that_was_made_later_takes_a_host_in(control_plane, api):
    secret = (await made_key(api, scope=keys_pb2.KEY_SCOPE_HOST)).secret
    assert secret.startswith("tk_host_")
    fake = FakeHost(control_plane.address, secret)
    await fake.attach()
    await fake.vanish()


async def host_of(key_id, api):
    (found,) = [key for key in (await api.keys.ListKeys(keys_pb2.ListKeysRequest())).keys if key.key_id == key_id]
    return found.host_id


async def test_a_host_token_is_the_first_hosts_that_attaches_with_it(control_plane, api):
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_HOST))
    assert made.key.host_id == ""
    first, second = (FakeHost(control_plane.address, made.secret, host_id) for host_id in ("host-a", "host-b"))
    await first.attach()
    assert await host_of(made.key.key_id, api) == "host-a"

    refusal = await refused(second.attach())

    assert str(refusal) == "PERMISSION_DENIED/HOST_TOKEN_BOUND"
    assert refusal.message == (
        f"host token {made.key.key_id} belongs to host host-a: host host-b needs one of its own, made with "
        "`tabkeep key create --scope host --host host-b`"
    )
    await first.attach()  # its own, again and again
    for fake in (first, second):
        await fake.vanish()


async def test_two_hosts_that_show_a_new_token_at_once_do_not_both_get_it(control_plane, api):
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_HOST))
    fakes = [FakeHost(control_plane.address, made.secret, f"host-{number}") for number in range(5)]
    attached = await asyncio.gather(*(fake.attach() for fake in fakes), return_exceptions=True)
    refused_ones = [one for one in attached if isinstance(one, BaseException)]
    assert len(refused_ones) == 4
    (winner,) = [fake.host_id for fake, one in zip(fakes, attached, strict=True) if not isinstance(one, BaseException)]
    assert await host_of(made.key.key_id, api) == winner
    listed = await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())
    assert [host.host_id for host in listed.hosts] == [winner]
    for fake in fakes:
        await fake.vanish()


async def test_a_host_token_may_be_made_for_one_host_or_for_any(control_plane, api):
    for host_id, taken in (("host-b", ["host-b"]), ("*", ["host-a", "host-b"])):
        made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_HOST, host_id=host_id))
        assert made.key.host_id == host_id
        for one in ("host-a", "host-b"):
            fake = FakeHost(control_plane.address, made.secret, one)
            if one in taken:
                await fake.attach()
            else:
                assert str(await refused(fake.attach())) == "PERMISSION_DENIED/HOST_TOKEN_BOUND"
            await fake.vanish()


async def test_the_first_host_token_of_an_installation_is_the_first_hosts(config):
    async with serve(replace(config, first_host_token_for=""), SteppedClock) as running:
        token = first_keys.host_token_file(config.data_dir).read_text().strip()
        first, second = (FakeHost(running.address, token, host_id) for host_id in ("host-a", "host-b"))
        await first.attach()
        assert str(await refused(second.attach())) == "PERMISSION_DENIED/HOST_TOKEN_BOUND"
        for fake in (first, second):
            await fake.vanish()


async def test_only_operators_see_hosts_and_keys(stranger):
    for call in (
        stranger.hosts.ListHosts(hosts_pb2.ListHostsRequest()),
        stranger.hosts.GetHost(hosts_pb2.GetHostRequest(host_id="host-a")),
        stranger.hosts.DrainHost(hosts_pb2.DrainHostRequest(host_id="host-a")),
        stranger.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_x")),
        stranger.keys.ListKeys(keys_pb2.ListKeysRequest()),
        stranger.keys.RevokeKey(keys_pb2.RevokeKeyRequest(key_id="x")),
    ):
        assert str(await refused(call)) == "PERMISSION_DENIED/SCOPE_MISSING"


# Organizations


def calls_with_an_id(api, session_id, run_id, workflow_id, artifact_id):
    """Every public call that names a thing of an organization, with the thing it names."""
    sessions, runs, workflows, artifacts = api.sessions, api.runs, api.workflows, api.artifacts
    return {
        "GetBrowserSession": (
            session_id,
            lambda id_: sessions.GetBrowserSession(pb.GetBrowserSessionRequest(browser_session_id=id_)),
        ),
        "WatchBrowserSession": (
            session_id,
            lambda id_: all_of(sessions.WatchBrowserSession(pb.WatchBrowserSessionRequest(browser_session_id=id_))),
        ),
        "ExtendBrowserSession": (
            session_id,
            lambda id_: sessions.ExtendBrowserSession(
                pb.ExtendBrowserSessionRequest(browser_session_id=id_, timeout=minutes(9))
            ),
        ),
        "CloseBrowserSession": (
            session_id,
            lambda id_: sessions.CloseBrowserSession(pb.CloseBrowserSessionRequest(browser_session_id=id_)),
        ),
        "RunTask": (session_id, lambda id_: run_task(api, id_)),
        "RunWorkflow": (
            workflow_id,
            lambda id_: runs.RunWorkflow(runs_pb2.RunWorkflowRequest(workflow_id=id_)),
        ),
        "GetRun": (run_id, lambda id_: get_run(api, id_)),
        "GetRun, held": (run_id, lambda id_: get_run(api, id_, wait_timeout=minutes(1))),
        "WatchRun": (run_id, lambda id_: all_of(runs.WatchRun(runs_pb2.WatchRunRequest(run_id=id_)))),
        "CancelRun": (run_id, lambda id_: runs.CancelRun(runs_pb2.CancelRunRequest(run_id=id_))),
        "ResolveApproval": (
            run_id,
            lambda id_: runs.ResolveApproval(runs_pb2.ResolveApprovalRequest(run_id=id_, approval_id="apr_1")),
        ),
        "GetWorkflow": (
            workflow_id,
            lambda id_: workflows.GetWorkflow(workflows_pb2.GetWorkflowRequest(workflow_id=id_)),
        ),
        "UpdateWorkflow": (
            workflow_id,
            lambda id_: workflows.UpdateWorkflow(
                workflows_pb2.UpdateWorkflowRequest(workflow_id=id_, definition=WORKFLOW)
            ),
        ),
        "DeleteWorkflow": (
            workflow_id,
            lambda id_: workflows.DeleteWorkflow(workflows_pb2.DeleteWorkflowRequest(workflow_id=id_)),
        ),
        "GetArtifact": (
            artifact_id,
            lambda id_: all_of(artifacts.GetArtifact(artifacts_pb2.GetArtifactRequest(artifact_id=id_))),
        ),
        "ListArtifacts": (
            run_id,
            lambda id_: artifacts.ListArtifacts(artifacts_pb2.ListArtifactsRequest(run_id=id_)),
        ),
    }


async def test_things_of_another_organization_look_like_things_that_do_not_exist_in_every_byte(
    api, host, stranger, control_plane, host_token
):
    launch = await running_session(api, host)
    run = await run_task(api, launch.browser_session_id)
    workflow = (await api.workflows.CreateWorkflow(workflows_pb2.CreateWorkflowRequest(definition=WORKFLOW))).workflow
    await control_plane.database.write(
        lambda tx: tx._connection.execute(
            "INSERT INTO artifacts VALUES ('art_theirs', 'o_default', ?, ?, 'screenshot', '', 'image/jpeg', 1, 'x',"
            " 'stored', '', 1, ?, ?, '')",
            (launch.browser_session_id, run.run_id, *["2026-01-01T12:00:00.000000+00:00"] * 2),
        )
    )
    own = calls_with_an_id(api, launch.browser_session_id, run.run_id, workflow.workflow_id, "art_theirs")
    foreign = calls_with_an_id(stranger, launch.browser_session_id, run.run_id, workflow.workflow_id, "art_theirs")

    for name, (theirs, call) in foreign.items():
        of_theirs = await refused(call(theirs))
        of_nothing = await refused(call("x" * len(theirs)))
        assert of_theirs.code is grpc.StatusCode.NOT_FOUND, name
        unknown = ("x" * len(theirs)).encode()
        assert of_theirs.message == of_nothing.message.replace(unknown.decode(), theirs), name
        assert of_theirs.details == of_nothing.details.replace(unknown, theirs.encode()), name

    assert (await get_run(api, run.run_id)).status == runs_pb2.RUN_STATUS_RUNNING
    await own["GetWorkflow"][1](workflow.workflow_id)


async def test_lists_hold_only_what_is_the_callers(api, host, stranger):
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id)
    await api.workflows.CreateWorkflow(workflows_pb2.CreateWorkflowRequest(definition=WORKFLOW))
    assert not (await list_sessions(stranger)).browser_sessions
    assert not (await stranger.runs.ListRuns(runs_pb2.ListRunsRequest())).runs
    of_session = runs_pb2.ListRunsRequest(browser_session_id=launch.browser_session_id)
    assert not (await stranger.runs.ListRuns(of_session)).runs
    assert not (await stranger.workflows.ListWorkflows(workflows_pb2.ListWorkflowsRequest())).workflows


async def test_a_page_token_and_a_request_id_of_another_organization_mean_nothing(api, host, stranger):
    request = pb.CreateBrowserSessionRequest(request_id="same")
    mine = (await api.sessions.CreateBrowserSession(request)).browser_session
    theirs = (await stranger.sessions.CreateBrowserSession(request)).browser_session
    assert mine.browser_session_id != theirs.browser_session_id
    assert (mine.organization_id, theirs.organization_id) == ("o_default", "o_other")
    await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())
    page = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(page_size=1))
    assert page.next_page_token
    call = stranger.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(page_token=page.next_page_token))
    assert set((await refused(call)).fields) == {"page_token"}


async def test_two_organizations_may_give_their_workflows_the_same_id(api, stranger):
    request = workflows_pb2.CreateWorkflowRequest(workflow_id="wf_same", definition=WORKFLOW)
    mine = (await api.workflows.CreateWorkflow(request)).workflow
    theirs = (await stranger.workflows.CreateWorkflow(request)).workflow
    assert (mine.organization_id, theirs.organization_id) == ("o_default", "o_other")
    await stranger.workflows.DeleteWorkflow(workflows_pb2.DeleteWorkflowRequest(workflow_id="wf_same"))
    got = await api.workflows.GetWorkflow(workflows_pb2.GetWorkflowRequest(workflow_id="wf_same"))
    assert got.workflow == mine


async def test_nothing_of_the_host_protocol_is_open_to_an_api_key(channel, api_key):
    stub = host_pb2_grpc.HostBlobServiceStub(channel)
    call = stub.PutBlob(iter([host_pb2.PutBlobRequest()]), metadata=(("x-api-key", api_key),))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    assert str(Refusal.of(raised.value)) == "PERMISSION_DENIED/SCOPE_MISSING"
