"""What any gRPC tool can ask without a key, and what errors and log lines hold."""

from __future__ import annotations

import logging
import shutil
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.config import Config
from control_plane.errors import Unavailable
from control_plane.server import serve
from tests.api_calls import get_session, run_task, running_session, seconds
from tests.clocks import SteppedClock
from tests.refusals import refused

SERVICES = {
    "tabkeep.v1.BrowserSessionService",
    "tabkeep.v1.RunService",
    "tabkeep.v1.WorkflowService",
    "tabkeep.v1.ArtifactService",
    "tabkeep.v1.HostService",
    "tabkeep.v1.KeyService",
    "tabkeep.host.v1.HostControlService",
    "tabkeep.host.v1.HostBlobService",
}


def health_stub(channel) -> Any:
    return health_pb2_grpc.HealthStub(channel)


async def reflected(channel, **request):
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[operator]
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**request)]))
    return await call.read()


@pytest.mark.parametrize("service", ["", *sorted(SERVICES)])
async def test_health_is_serving_without_a_key(channel, service):
    answer = await health_stub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_health_turns_to_not_serving_when_the_control_plane_stops(config):
    async with serve(config, SteppedClock) as running:
        channel = grpc.aio.insecure_channel(running.address, options=[("grpc.use_local_subchannel_pool", 1)])
        watch = health_stub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    # It ended by itself: a watch that the server must cut off would have held its stop up.
    assert await watch.read() is grpc.aio.EOF
    assert await watch.code() is grpc.StatusCode.OK
    await channel.close()


async def test_reflection_lists_all_services_without_a_key(channel):
    answer = await reflected(channel, list_services="")
    assert {service.name for service in answer.list_services_response.service} >= SERVICES


async def test_reflection_describes_a_call_so_that_tools_need_no_proto_files(channel):
    answer = await reflected(channel, file_containing_symbol="tabkeep.v1.BrowserSessionService")
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(one)
        for one in answer.file_descriptor_response.file_descriptor_proto
    ]
    methods = {method.name for file in files for service in file.service for method in service.method}
    assert "CreateBrowserSession" in methods


# Errors


async def test_every_error_has_a_reason_in_the_domain_and_its_variable_parts_as_metadata(api):
    refusal = await refused(get_session(api, "pbs_nobody"))
    assert (refusal.code, refusal.domain, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "tabkeep", "SESSION_NOT_FOUND")
    assert refusal.metadata == {"browser_session_id": "pbs_nobody"}


async def test_bad_input_names_all_fields_that_are_wrong_at_once(api):
    request = pb.CreateBrowserSessionRequest(timeout=seconds(1), url="x", labels={"k": "v" * 256})
    refusal = await refused(api.sessions.CreateBrowserSession(request))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.fields == {
        "timeout": "1s is below the minimum of 5m",
        "url": "'x' is not an absolute http or https URL",
        "labels[k]": "256 characters are more than the maximum of 255",
    }


async def test_a_disk_that_was_just_filled_refuses_new_work_says_when_to_retry_and_still_closes_sessions(
    config, api, host, monkeypatch
):
    launch = await running_session(api, host)
    usage = shutil.disk_usage(config.data_dir)._replace(free=config.minimum_free_bytes - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    for call in (api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest()), run_task(api)):
        refusal = await refused(call)
        assert str(refusal) == "UNAVAILABLE/STORAGE_FULL"
        assert refusal.retry_seconds == 30
    request = pb.CloseBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    closed = await api.sessions.CloseBrowserSession(request)
    assert closed.browser_session.state == pb.BROWSER_SESSION_STATE_CLOSED


async def test_a_disk_with_less_than_the_minimum_is_noticed(tmp_path):
    config = Config(data_dir=tmp_path / "data", grpc_address="127.0.0.1:0", minimum_free_bytes=1 << 60)
    async with serve(config, SteppedClock) as running:
        with pytest.raises(Unavailable, match="less than 1099511627776 MiB are free"):
            await running.coordinator.admit(lambda tx: None)


async def test_a_stopping_control_plane_takes_no_new_work(control_plane, api):
    control_plane.coordinator.draining = True
    refusal = await refused(api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest()))
    assert (str(refusal), refusal.retry_seconds) == ("UNAVAILABLE/DRAINING", 1)


async def test_a_fault_of_our_own_leaves_as_internal_with_an_incident_and_without_its_text(
    control_plane, api, caplog, monkeypatch
):
    async def broken(query):
        raise ValueError("the secret text of a fault")

    monkeypatch.setattr(control_plane.database, "read", broken)
    with caplog.at_level(logging.INFO):
        refusal = await refused(get_session(api, "pbs_1"))
    assert (refusal.code, refusal.reason, refusal.domain) == (grpc.StatusCode.INTERNAL, "INTERNAL", "tabkeep")
    incident = refusal.metadata["incident"]
    assert refusal.message == f"a fault of the control plane, incident {incident}: its log has the cause"
    assert b"secret text" not in refusal.details
    (record,) = (record for record in caplog.records if getattr(record, "incident", "") == incident and record.exc_info)
    assert "the secret text of a fault" in str(record.exc_info[1])


# The log


async def test_each_call_writes_one_line_with_its_method_code_and_time_and_nothing_of_what_was_said(
    api, host, caplog, api_key
):
    with caplog.at_level(logging.DEBUG):
        launch = await running_session(api, host, url="https://shop.example/?token=canary-url")
        run = await run_task(
            api, launch.browser_session_id, "Login with username 'ada' and password 'canary-prompt'",
            url="https://shop.example/?q=canary-url",
        )  # fmt: skip
        await refused(get_session(api, "pbs_nobody"))
        await host.send(
            page_report={
                "browser_session_id": launch.browser_session_id,
                "fence": launch.fence,
                "url": "https://shop.example/?s=canary-url",
                "title": "canary-title",
            }
        )
        await host.heartbeat()
    lines = [record for record in caplog.records if record.getMessage() == "call"]
    told = [(line.method.rsplit("/", 1)[1], line.code, getattr(line, "reason", "")) for line in lines]
    assert told == [
        ("CreateBrowserSession", "OK", ""),
        ("RunTask", "OK", ""),
        ("GetBrowserSession", "NOT_FOUND", "SESSION_NOT_FOUND"),
    ]
    assert {line.organization_id for line in lines} == {"o_default"}
    assert {line.key_id for line in lines} == {api_key.split("_")[2]}
    assert all(line.duration_ms >= 0 for line in lines)
    said = " ".join(str(vars(record)) for record in caplog.records)
    for canary in ("canary", api_key, api_key.split("_", 3)[3]):
        assert canary not in said
    moves = {record.getMessage() for record in caplog.records if getattr(record, "run_id", "") == run.run_id}
    assert "run created" in moves
    states = [record.state_to for record in caplog.records if hasattr(record, "state_to")]
    assert states[-2:] == ["launching", "running"]
