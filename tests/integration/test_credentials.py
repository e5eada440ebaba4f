"""Stored logins: in by the public API, out only to the host that carries out a run of their organization."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import credentials_pb2 as pb

from control_plane import first_keys
from control_plane.server import ControlPlane, serve
from tests.api_calls import cancel_run, run_task, running_session
from tests.conftest import Keyed, api_on
from tests.fake_host import FakeHost
from tests.refusals import refused

SHOP = "https://shop.example.com"
PASSWORD = "correct horse 9"


@pytest.fixture
def credentials(api: Any) -> Any:
    return api.credentials


async def store(credentials: Any, username: str = "ada", origin: str = SHOP, **fields: Any) -> pb.Credential:
    request = pb.CreateCredentialRequest(origin=origin, username=username, password=PASSWORD, **fields)
    made: pb.Credential = (await credentials.CreateCredential(request)).credential
    return made


async def begun(api: Any, host: Any) -> host_pb2.Command:
    launch = await running_session(api, host)
    await run_task(api, launch.browser_session_id, prompt="Log in")
    start: host_pb2.Command = await host.begin_run()
    return start


def asked(host: Any, start: host_pb2.Command, **fields: Any) -> host_pb2.GetCredentialRequest:
    given = {
        "host_id": host.host_id,
        "browser_session_id": start.browser_session_id,
        "fence": start.fence,
        "run_id": start.start_run.run_id,
        "origin": SHOP,
    }
    return host_pb2.GetCredentialRequest(**(given | fields))


async def test_a_login_goes_in_is_listed_without_its_secrets_and_is_sealed_on_the_disk(
    credentials: Any, control_plane: Any
) -> None:
    made = await store(credentials, origin=f"{SHOP}/login?next=/", totp_secret="GEZDGNBVGY3TQOJQ")

    listed = (await credentials.ListCredentials(pb.ListCredentialsRequest(origin=SHOP))).credentials
    files = list(control_plane.config.data_dir.glob("*.db*"))

    assert list(listed) == [made]
    assert (made.origin, made.username, made.has_totp) == (SHOP, "ada", True)
    assert made.credential_id.startswith("cred_")
    assert files
    assert not [file for file in files if PASSWORD.encode() in file.read_bytes()]


async def test_the_host_of_an_active_run_gets_the_login_of_the_pages_origin(
    api: Any, host: Any, credentials: Any, host_secrets: Any
) -> None:
    await store(credentials, totp_secret="GEZDGNBVGY3TQOJQ")
    start = await begun(api, host)

    found = await host_secrets.GetCredential(asked(host, start))

    assert (found.username, found.password) == ("ada", PASSWORD)
    assert len(found.one_time_code) == 6


async def test_of_several_logins_the_run_has_to_name_one(
    api: Any, host: Any, credentials: Any, host_secrets: Any
) -> None:
    await store(credentials)
    await store(credentials, "bob")
    start = await begun(api, host)

    which = await refused(host_secrets.GetCredential(asked(host, start)))
    assert (which.code, which.reason) == (grpc.StatusCode.NOT_FOUND, "CREDENTIAL_NOT_FOUND")
    named = await host_secrets.GetCredential(asked(host, start, username="bob"))

    assert "2 credentials" in which.message
    assert named.username == "bob"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://shop.example.com", "https://a.shop.example.com", ""]
)
async def test_another_origin_gets_nothing(
    origin: str, api: Any, host: Any, credentials: Any, host_secrets: Any
) -> None:
    await store(credentials)
    start = await begun(api, host)

    refusal = await refused(host_secrets.GetCredential(asked(host, start, origin=origin)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDENTIAL_NOT_FOUND")


async def test_a_host_gets_nothing_for_what_it_does_not_carry_out(
    api: Any, host: Any, credentials: Any, host_secrets: Any
) -> None:
    await store(credentials)
    start = await begun(api, host)

    for wrong in ({"fence": start.fence + 1}, {"run_id": "tsk_other"}, {"browser_session_id": "pbs_other"}):
        refusal = await refused(host_secrets.GetCredential(asked(host, start, **wrong)))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STALE_FENCE")


async def test_api_keys_cannot_read_a_login(api: Any, host: Any, credentials: Any, channel: Any, api_key: str) -> None:
    await store(credentials)
    start = await begun(api, host)

    refusal = await refused(
        host_pb2_grpc.HostSecretServiceStub(channel).GetCredential(
            asked(host, start), metadata=(("x-api-key", api_key),)
        )
    )
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_MISSING")
    await cancel_run(api, start.start_run.run_id)


async def test_the_same_login_twice_is_refused_and_a_retry_is_not(credentials: Any) -> None:
    first = await store(credentials, request_id="once")
    again = await store(credentials, request_id="once")

    assert again == first
    refusal = await refused(store(credentials))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CREDENTIAL_EXISTS")


async def test_a_deleted_login_is_gone(credentials: Any) -> None:
    made = await store(credentials)

    await credentials.DeleteCredential(pb.DeleteCredentialRequest(credential_id=made.credential_id))

    assert not (await credentials.ListCredentials(pb.ListCredentialsRequest())).credentials
    refusal = await refused(credentials.DeleteCredential(pb.DeleteCredentialRequest(credential_id=made.credential_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDENTIAL_NOT_FOUND")


@pytest.mark.parametrize(
    ("field", "request_fields"),
    [
        ("origin", {"origin": "shop"}),
        ("username", {"username": " "}),
        ("password", {"password": ""}),
        ("totp_secret", {"totp_secret": "123"}),
    ],
)
async def test_wrong_fields_are_named(field: str, request_fields: dict[str, str], credentials: Any) -> None:
    given = {"origin": SHOP, "username": "ada", "password": PASSWORD} | request_fields
    refusal = await refused(credentials.CreateCredential(pb.CreateCredentialRequest(**given)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert field in refusal.fields


async def test_a_credential_outlives_a_new_master_key_and_not_the_loss_of_its_own(config: Any) -> None:
    key_file = config.data_dir / "master-key"
    async with serve(config) as first, opened(first) as (api, host, secrets):
        await store(api.credentials)
        start = await begun(api, host)
        assert (await secrets.GetCredential(asked(host, start))).password == PASSWORD
    old = key_file.read_text()
    key_file.write_text("11" * 32 + "\n" + old)
    async with serve(config):
        pass  # it wraps the data keys anew
    key_file.write_text("11" * 32 + "\n")

    async with serve(config) as rotated, opened(rotated) as (api, host, secrets):
        start = await begun(api, host)
        assert (await secrets.GetCredential(asked(host, start))).password == PASSWORD
    key_file.write_text("22" * 32 + "\n")

    async with serve(config) as lost, opened(lost) as (api, host, secrets):
        start = await begun(api, host)
        refusal = await refused(secrets.GetCredential(asked(host, start)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DATA_LOSS, "CREDENTIAL_DAMAGED")
    assert "is missing" in refusal.message


@asynccontextmanager
async def opened(control_plane: ControlPlane) -> AsyncIterator[tuple[Any, FakeHost, Any]]:
    data_dir = control_plane.config.data_dir
    token = first_keys.host_token_file(data_dir).read_text().strip()
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(control_plane.address, options=options) as channel:
        api = api_on(channel, first_keys.api_key_file(data_dir).read_text().strip())
        host = FakeHost(control_plane.address, token)
        await host.attach()
        yield api, host, Keyed(host_pb2_grpc.HostSecretServiceStub(channel), ("x-api-key", token))
        await host.vanish()
