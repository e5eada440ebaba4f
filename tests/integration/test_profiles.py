"""Browser profiles at the control plane: what callers, hosts, thieves and broken disks get."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta

import grpc
import pytest
from tabkeep.host.v1 import host_pb2, host_pb2_grpc
from tabkeep.v1 import browser_profiles_pb2 as pb
from tabkeep.v1 import browser_sessions_pb2 as sessions_pb
from tabkeep.v1 import keys_pb2

from control_plane.errors import StoreUnusable
from control_plane.server import serve
from tests.api_calls import all_of, close_session, get_session, run_task, running_session
from tests.clocks import SteppedClock
from tests.conftest import api_on
from tests.fake_host import FakeHost
from tests.refusals import refused
from tests.waiting import until

CANARY = "canary-of-a-session-cookie"
STORAGE = {
    "cookies": [
        {
            "name": "session", "value": CANARY, "domain": "shop.example", "path": "/", "expires": -1,
            "httpOnly": True, "secure": True, "sameSite": "Lax",
        }
    ],
    "origins": [
        {"origin": "https://shop.example", "localStorage": [{"name": "token", "value": "t"}], "indexedDB": []}
    ],
}  # fmt: skip


def a_state(value: str = "v") -> bytes:
    cookies = [{**STORAGE["cookies"][0], "value": value}]
    return json.dumps({"format": 1, "browser_version": "Chromium 1.2.3", "cookies": cookies, "origins": []}).encode()


async def create(api, name="work", **fields):
    return (
        await api.profiles.CreateBrowserProfile(pb.CreateBrowserProfileRequest(name=name, **fields))
    ).browser_profile


async def uploaded(api, name="work"):
    return await create(api, name, storage_state=json.dumps(STORAGE))


async def get(api, profile):
    request = pb.GetBrowserProfileRequest(browser_profile_id=profile.browser_profile_id)
    return (await api.profiles.GetBrowserProfile(request)).browser_profile


async def export(api, profile, version=0):
    request = pb.ExportBrowserProfileRequest(browser_profile_id=profile.browser_profile_id, version=version)
    record, *parts = await all_of(api.profiles.ExportBrowserProfile(request))
    content = b"".join(part.chunk for part in parts)
    assert record.storage_state.size == len(content)
    assert record.storage_state.sha256 == hashlib.sha256(content).hexdigest()
    return json.loads(content)


def value_in(storage):
    return storage["cookies"][0]["value"]


@pytest.fixture
def put(channel, host, host_token):
    """Brings a state as a host does; `header` changes what the host says of it."""

    async def put_state(launch, content=None, *, state_no=1, last=True, failure="", capture_id="", **header):
        content = b"" if failure else a_state() if content is None else content
        first = {
            "host_id": host.host_id,
            "incarnation": host.incarnation,
            "browser_session_id": launch.browser_session_id,
            "fence": launch.fence,
            "state_no": state_no,
            "last": last,
            "capture_id": capture_id,
            "failure": failure,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            **header,
        }
        parts = [host_pb2.PutBrowserStateRequest(header=host_pb2.BrowserStateHeader(**first))]
        parts += [host_pb2.PutBrowserStateRequest(chunk=content[at : at + 1000]) for at in range(0, len(content), 1000)]
        stub = host_pb2_grpc.HostBlobServiceStub(channel)
        await stub.PutBrowserState(iter(parts), metadata=(("x-api-key", host_token),))

    return put_state


@pytest.fixture
def fetch(channel, host, host_token):
    """Fetches a session's state as its host does."""

    async def fetch_state(launch, **changed):
        placement = {
            "host_id": host.host_id,
            "browser_session_id": launch.browser_session_id,
            "fence": launch.fence,
            **changed,
        }
        stub = host_pb2_grpc.HostBlobServiceStub(channel)
        call = stub.GetBrowserState(host_pb2.GetBrowserStateRequest(**placement), metadata=(("x-api-key", host_token),))
        header, *parts = await all_of(call)
        content = b"".join(part.chunk for part in parts)
        assert hashlib.sha256(content).hexdigest() == header.header.sha256
        return json.loads(content)

    return fetch_state


# What callers do.


async def test_an_uploaded_profile_is_got_listed_renamed_exported_and_deleted(api):
    made = await uploaded(api)
    assert made.browser_profile_id.startswith("bp_")
    assert (made.name, made.version, made.organization_id) == ("work", 1, "o_default")
    (version,) = made.versions
    assert (version.cookie_count, version.origin_count, version.browser_session_id) == (1, 1, "")
    assert await get(api, made) == made
    assert await export(api, made) == STORAGE
    blank = await create(api, "blank", description="nothing yet")
    assert await export(api, blank) == {"cookies": [], "origins": []}
    first = await api.profiles.ListBrowserProfiles(pb.ListBrowserProfilesRequest(page_size=1))
    assert list(first.browser_profiles) == [blank]
    second = pb.ListBrowserProfilesRequest(page_size=1, page_token=first.next_page_token)
    rest = await api.profiles.ListBrowserProfiles(second)
    assert (list(rest.browser_profiles), rest.next_page_token) == ([made], "")
    update = pb.UpdateBrowserProfileRequest(browser_profile_id=made.browser_profile_id)
    update.name, update.description = "home", "not this"
    update.update_mask.paths.append("name")
    renamed = (await api.profiles.UpdateBrowserProfile(update)).browser_profile
    assert (renamed.name, renamed.description) == ("home", "")
    assert await export(api, renamed) == STORAGE
    delete = pb.DeleteBrowserProfileRequest(browser_profile_id=made.browser_profile_id)
    await api.profiles.DeleteBrowserProfile(delete)
    for call in (api.profiles.DeleteBrowserProfile(delete), get(api, made), export(api, made)):
        assert str(await refused(call)) == "NOT_FOUND/PROFILE_NOT_FOUND"


async def test_a_retry_gets_the_same_profile_and_another_body_is_refused(api):
    first = await create(api, request_id="r1")
    assert await create(api, request_id="r1") == first
    assert str(await refused(create(api, "other", request_id="r1"))) == "ALREADY_EXISTS/REQUEST_ID_REUSED"


async def test_a_name_is_taken_once_in_an_organization(api, channel):
    made = await uploaded(api)
    other = await create(api, "other")
    key = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other", scope=keys_pb2.KEY_SCOPE_API))
    await uploaded(api_on(channel, key.secret))
    rename = pb.UpdateBrowserProfileRequest(browser_profile_id=other.browser_profile_id, name="work")
    for call in (create(api), api.profiles.UpdateBrowserProfile(rename)):
        assert str(await refused(call)) == "ALREADY_EXISTS/PROFILE_NAME_TAKEN"
    assert await get(api, made) == made


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"description": "x" * 1001}, "description"),
        ({"storage_state": ""}, "storage_state"),
        ({"storage_state": '{"cookies":[{}]}'}, "storage_state.cookies[0].name"),
        ({"browser_session_id": ""}, "browser_session_id"),
        ({"request_id": "x" * 129}, "request_id"),
    ],
)
async def test_bad_input_for_a_profile_names_the_field(api, fields, field):
    refusal = await refused(create(api, **{"name": "work", **fields}))
    assert str(refusal) == "INVALID_ARGUMENT/FIELD_INVALID"
    assert field in refusal.fields


@pytest.mark.parametrize(
    ("change", "paths", "field"),
    [
        ({}, [], "update_mask"),
        ({"name": "a"}, ["version"], "update_mask"),
        ({"name": ""}, ["name"], "name"),
        ({"description": "x" * 1001}, [], "description"),
    ],
)
async def test_bad_input_for_a_change_names_the_field(api, change, paths, field):
    request = pb.UpdateBrowserProfileRequest(browser_profile_id="bp_1", **change)
    request.update_mask.paths.extend(paths)
    assert field in (await refused(api.profiles.UpdateBrowserProfile(request))).fields


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"browser_profile_id": "bp_none"}, "NOT_FOUND/PROFILE_NOT_FOUND"),
        ({"browser_profile_id": "x" * 201}, "INVALID_ARGUMENT/FIELD_INVALID"),
        ({"browser_profile_version": 1}, "INVALID_ARGUMENT/FIELD_INVALID"),
        ({"browser_profile_id": "bp_none", "browser_profile_version": -1}, "INVALID_ARGUMENT/FIELD_INVALID"),
    ],
)
async def test_bad_input_for_a_session_with_a_profile_is_refused(api, host, fields, expected):
    request = sessions_pb.CreateBrowserSessionRequest(**fields)
    assert str(await refused(api.sessions.CreateBrowserSession(request))) == expected
    listed = await api.sessions.ListBrowserSessions(sessions_pb.ListBrowserSessionsRequest())
    assert not listed.browser_sessions


async def test_another_organization_finds_nothing(api, channel, host):
    made = await uploaded(api)
    key = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other", scope=keys_pb2.KEY_SCOPE_API))
    other = api_on(channel, key.secret)
    start = sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id)
    none = pb.BrowserProfile(browser_profile_id="bp_none")
    for profile in (made, none):
        refusals = [await refused(get(other, profile)), await refused(export(other, profile))]
        assert {str(refusal) for refusal in refusals} == {"NOT_FOUND/PROFILE_NOT_FOUND"}
    assert str(await refused(other.sessions.CreateBrowserSession(start))) == "NOT_FOUND/PROFILE_NOT_FOUND"
    assert not (await other.profiles.ListBrowserProfiles(pb.ListBrowserProfilesRequest())).browser_profiles
    launch = await running_session(api, host)
    taking = create(other, browser_session_id=launch.browser_session_id)
    assert str(await refused(taking)) == "NOT_FOUND/SESSION_NOT_FOUND"


# Sessions that start from a profile.


async def test_a_sessions_host_gets_the_state_and_nobody_elses_does(api, host, fetch, control_plane, host_token):
    made = await uploaded(api)
    await api.sessions.CreateBrowserSession(
        sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id)
    )
    launch = await host.command("launch")
    assert launch.launch.from_state
    assert not launch.launch.save_state
    state = await fetch(launch)
    assert (state["format"], state["cookies"]) == (1, STORAGE["cookies"])
    for changed in ({"fence": launch.fence + 1}, {"host_id": "host-b"}, {"browser_session_id": "pbs_x"}):
        assert str(await refused(fetch(launch, **changed))) == "FAILED_PRECONDITION/STALE_FENCE"
    session = await get_session(api, launch.browser_session_id)
    assert (session.browser_profile_id, session.browser_profile_version) == (made.browser_profile_id, 1)
    await close_session(api, launch.browser_session_id)
    assert str(await refused(fetch(launch))) == "FAILED_PRECONDITION/STALE_FENCE"


async def test_the_token_of_another_host_gets_no_state_and_brings_none(api, host, channel):
    made = await uploaded(api)
    await api.sessions.CreateBrowserSession(
        sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id, save_profile=True)
    )
    launch = await host.command("launch")
    key = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(scope=keys_pb2.KEY_SCOPE_HOST))
    stub, metadata = host_pb2_grpc.HostBlobServiceStub(channel), (("x-api-key", key.secret),)
    placement = {"host_id": host.host_id, "browser_session_id": launch.browser_session_id, "fence": launch.fence}
    fetching = stub.GetBrowserState(host_pb2.GetBrowserStateRequest(**placement), metadata=metadata)
    assert str(await refused(all_of(fetching))) == "PERMISSION_DENIED/HOST_TOKEN_BOUND"
    header = host_pb2.BrowserStateHeader(**placement, state_no=1, last=True, failure="forged")
    bringing = stub.PutBrowserState(iter([host_pb2.PutBrowserStateRequest(header=header)]), metadata=metadata)
    assert str(await refused(_awaited(bringing))) == "PERMISSION_DENIED/HOST_TOKEN_BOUND"


async def _awaited(call):
    return await call


async def test_a_profile_that_cannot_be_used_closes_the_session_and_no_other_host_tries(
    api, host, control_plane, host_token
):
    other = FakeHost(control_plane.address, host_token, "host-b")
    await other.attach()
    made = await uploaded(api)
    run = await run_task(api, browser_profile_id=made.browser_profile_id)
    launch = await host.command("launch")
    await host.fail(launch, "PROFILE_UNUSABLE", "the browser refused it")
    session = await get_session(api, run.browser_session_id)
    assert session.close_reason == sessions_pb.CLOSE_REASON_PROFILE_UNUSABLE
    assert session.close_message == "the browser refused it"
    assert session.browser_profile_id == made.browser_profile_id
    await other.nothing_more("command")
    await other.vanish()


async def test_what_could_not_be_put_into_the_browser_is_a_condition(api, host):
    made = await uploaded(api)
    await api.sessions.CreateBrowserSession(
        sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id)
    )
    launch = await host.command("launch")
    result = host_pb2.CommandResult(command_id=launch.command_id)
    result.launched.state_notes = "service worker of https://shop.example/ not registered again"
    await host.send(command_result=result)
    await host.receive("command_result_ack")
    (condition,) = (await get_session(api, launch.browser_session_id)).conditions
    assert (condition.type, condition.message) == ("PROFILE_INCOMPLETE", result.launched.state_notes)


# Sessions that save.


async def test_a_session_saves_the_next_version_once_it_is_over(api, host, put, fetch):
    made = await uploaded(api)
    launch = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    assert launch.launch.save_state
    await put(launch, a_state("first"), state_no=1, last=False)
    save = (await get_session(api, launch.browser_session_id)).profile_save
    assert (save.state, save.browser_profile_version) == (sessions_pb.PROFILE_SAVE_STATE_PENDING, 2)
    assert (await get(api, made)).version == 1, "others must not see it while the session goes on"
    assert str(await refused(export(api, made, 2))) == "NOT_FOUND/PROFILE_NOT_FOUND"
    await close_session(api, launch.browser_session_id)
    await put(launch, a_state("last"), state_no=3)
    session = await get_session(api, launch.browser_session_id)
    assert session.profile_save.state == sessions_pb.PROFILE_SAVE_STATE_SAVED
    assert session.profile_save.HasField("state_time")
    now = await get(api, made)
    assert (now.version, [version.version for version in now.versions]) == (2, [2, 1])
    assert now.versions[0].browser_session_id == launch.browser_session_id
    assert now.versions[0].browser_version == "Chromium 1.2.3"
    assert value_in(await export(api, made)) == "last"
    assert value_in(await export(api, made, 1)) == CANARY
    again = await running_session(api, host, browser_profile_id=made.browser_profile_id)
    assert value_in(await fetch(again)) == "last"
    for late in (put(launch, a_state("late"), state_no=9), put(launch, failure="late", state_no=9)):
        assert str(await refused(late)) == "FAILED_PRECONDITION/STALE_FENCE"
    assert value_in(await export(api, made)) == "last"


async def test_states_that_arrive_in_the_wrong_order_or_twice_change_nothing(api, host, put):
    launch = await running_session(api, host, save_profile=True)
    await put(launch, a_state("second"), state_no=2, last=False)
    await put(launch, a_state("first"), state_no=1, last=False)
    await put(launch, a_state("twice"), state_no=2, last=False)
    await close_session(api, launch.browser_session_id)
    await put(launch, failure="the browser crashed", state_no=3)
    made = await create(api, browser_session_id=launch.browser_session_id)
    assert value_in(await export(api, made)) == "second"


async def test_of_two_sessions_that_save_each_makes_a_version_and_the_last_is_current(api, host, put):
    made = await uploaded(api)
    one = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    two = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    await put(one, a_state("one"), state_no=1, last=False)
    await put(two, a_state("two"))
    assert (await get(api, made)).version == 3
    await put(one, a_state("one at the end"), state_no=2)
    now = await get(api, made)
    assert (now.version, [version.version for version in now.versions]) == (2, [3, 2, 1])
    assert [value_in(await export(api, made, number)) for number in (0, 3)] == ["one at the end", "two"]


async def test_five_versions_are_kept(api, host, put, config):
    made = await uploaded(api)
    for number in range(6):
        launch = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
        await put(launch, a_state(str(number)))
        await close_session(api, launch.browser_session_id)
        await host.bury(launch)
    now = await get(api, made)
    assert [version.version for version in now.versions] == [7, 6, 5, 4, 3]
    assert str(await refused(export(api, made, 2))) == "NOT_FOUND/PROFILE_NOT_FOUND"
    assert len(list((config.data_dir / "profiles").iterdir())) == 5
    old = sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id, browser_profile_version=2)
    assert str(await refused(api.sessions.CreateBrowserSession(old))) == "NOT_FOUND/PROFILE_NOT_FOUND"


async def test_what_was_saved_earlier_counts_when_the_host_is_lost(api, host, put, advance, config):
    made = await uploaded(api)
    saved = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    unsaved = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    await put(saved, a_state("after the last run"), last=False)
    await host.vanish()
    await advance(config.silent_for_lost() + timedelta(seconds=1), silent=True)
    session = await get_session(api, saved.browser_session_id)
    assert session.close_reason == sessions_pb.CLOSE_REASON_HOST_LOST
    assert session.profile_save.state == sessions_pb.PROFILE_SAVE_STATE_SAVED_EARLIER
    assert "lost" in session.profile_save.message
    assert value_in(await export(api, made)) == "after the last run"
    nothing = (await get_session(api, unsaved.browser_session_id)).profile_save
    assert (nothing.state, nothing.HasField("state_time")) == (sessions_pb.PROFILE_SAVE_STATE_FAILED, False)
    assert (await get(api, made)).version == 2


async def test_a_save_that_never_comes_is_said_to_have_failed(api, host, advance):
    launch = await running_session(api, host, save_profile=True)
    await close_session(api, launch.browser_session_id)
    await host.bury(launch)
    assert (await get_session(api, launch.browser_session_id)).profile_save.state == (
        sessions_pb.PROFILE_SAVE_STATE_PENDING
    )
    await advance(timedelta(minutes=3, seconds=1))
    save = (await get_session(api, launch.browser_session_id)).profile_save
    assert save.state == sessions_pb.PROFILE_SAVE_STATE_FAILED
    assert "within 3 minutes" in save.message
    refusal = await refused(create(api, browser_session_id=launch.browser_session_id))
    assert str(refusal) == "FAILED_PRECONDITION/PROFILE_NOT_SAVED"
    assert "within 3 minutes" in refusal.message


async def test_a_session_whose_browser_never_ran_has_nothing_saved(api, host):
    await api.sessions.CreateBrowserSession(sessions_pb.CreateBrowserSessionRequest(save_profile=True))
    launch = await host.command("launch")
    await host.fail(launch, "LAUNCH_FAILED", "no libraries")
    save = (await get_session(api, launch.browser_session_id)).profile_save
    assert (save.state, save.message) == (
        sessions_pb.PROFILE_SAVE_STATE_FAILED,
        "the session's browser never ran",
    )


async def test_a_profile_deleted_meanwhile_is_not_made_again(api, host, put, config):
    made = await uploaded(api)
    launch = await running_session(api, host, browser_profile_id=made.browser_profile_id, save_profile=True)
    await put(launch, last=False)
    await api.profiles.DeleteBrowserProfile(pb.DeleteBrowserProfileRequest(browser_profile_id=made.browser_profile_id))
    assert str(await refused(put(launch, state_no=2))) == "NOT_FOUND/PROFILE_NOT_FOUND"
    await close_session(api, launch.browser_session_id)
    await put(launch, failure="the control plane refused it", state_no=3)
    save = (await get_session(api, launch.browser_session_id)).profile_save
    assert save.state == sessions_pb.PROFILE_SAVE_STATE_FAILED
    assert "was deleted" in save.message


@pytest.mark.parametrize(
    "header",
    [
        {"size": 1},
        {"size": 33 * 1024 * 1024},
        {"size": 0},
        {"sha256": "0" * 64},
    ],
)
async def test_a_state_that_is_not_what_its_header_says_is_not_stored(api, host, put, config, header):
    launch = await running_session(api, host, save_profile=True)
    assert str(await refused(put(launch, **header))) == "INVALID_ARGUMENT/BLOB_INVALID"
    assert str(await refused(put(launch, b'{"format":1}x'))) == "INVALID_ARGUMENT/BLOB_INVALID"
    assert not (config.data_dir / "profiles").exists()


@pytest.mark.parametrize("header", [{"fence": 99}, {"host_id": "host-x"}, {"browser_session_id": "pbs_other"}])
async def test_a_state_under_another_placement_is_not_stored(api, host, put, config, header):
    launch = await running_session(api, host, save_profile=True)
    assert str(await refused(put(launch, **header))) == "FAILED_PRECONDITION/STALE_FENCE"
    assert not (config.data_dir / "profiles").exists()


async def test_a_session_that_was_not_to_save_takes_no_state(api, host, put, config):
    launch = await running_session(api, host)
    assert not (await get_session(api, launch.browser_session_id)).HasField("profile_save")
    assert str(await refused(put(launch))) == "FAILED_PRECONDITION/STALE_FENCE"
    await close_session(api, launch.browser_session_id)
    refusal = await refused(create(api, browser_session_id=launch.browser_session_id))
    assert str(refusal) == "FAILED_PRECONDITION/PROFILE_NOT_SAVED"
    assert "save_profile" in refusal.message


# Profiles of sessions.


async def test_a_profile_of_a_live_session_is_what_its_host_brings(api, host, put):
    launch = await running_session(api, host)
    making = asyncio.create_task(create(api, browser_session_id=launch.browser_session_id))
    asked = await host.receive("capture_state")
    assert (asked.browser_session_id, asked.fence) == (launch.browser_session_id, launch.fence)
    forged = put(launch, a_state("forged"), capture_id="0" * 32)
    assert str(await refused(forged)) == "FAILED_PRECONDITION/STALE_FENCE"
    await put(launch, a_state("live"), capture_id=asked.capture_id)
    made = await making
    assert value_in(await export(api, made)) == "live"
    assert made.versions[0].browser_session_id == launch.browser_session_id
    assert (await get_session(api, launch.browser_session_id)).state == sessions_pb.BROWSER_SESSION_STATE_RUNNING
    again = put(launch, a_state("again"), capture_id=asked.capture_id)
    assert str(await refused(again)) == "FAILED_PRECONDITION/STALE_FENCE"


async def test_a_browser_that_does_not_give_its_state_is_no_profile(api, host, put):
    launch = await running_session(api, host)
    making = asyncio.create_task(create(api, browser_session_id=launch.browser_session_id))
    asked = await host.receive("capture_state")
    await put(launch, failure="it did not answer", capture_id=asked.capture_id)
    refusal = await refused(making)
    assert str(refusal) == "FAILED_PRECONDITION/CAPTURE_FAILED"
    assert "it did not answer" in refusal.message
    assert not (await api.profiles.ListBrowserProfiles(pb.ListBrowserProfilesRequest())).browser_profiles


async def test_a_session_whose_host_is_away_or_whose_browser_is_not_up_cannot_be_asked(api, host, control_plane):
    request = sessions_pb.CreateBrowserSessionRequest()
    session = (await api.sessions.CreateBrowserSession(request)).browser_session
    early = create(api, browser_session_id=session.browser_session_id)
    assert str(await refused(early)) == "FAILED_PRECONDITION/SESSION_NOT_RUNNING"
    await host.launch()
    await host.vanish()
    await until(lambda: control_plane.coordinator.links.get(host.host_id) is None, "the end of the host's stream")
    away = await refused(create(api, browser_session_id=session.browser_session_id))
    assert str(away) == "UNAVAILABLE/HOST_UNREACHABLE"
    assert away.retry_seconds


async def test_a_profile_of_a_closed_session_waits_for_its_save(api, host, put):
    launch = await running_session(api, host, save_profile=True)
    await close_session(api, launch.browser_session_id)
    making = asyncio.create_task(create(api, browser_session_id=launch.browser_session_id))
    await put(launch, a_state("at the end"))
    made = await making
    assert value_in(await export(api, made)) == "at the end"
    second = await create(api, "second", browser_session_id=launch.browser_session_id)
    assert value_in(await export(api, second)) == "at the end"


async def test_what_a_session_saved_is_forgotten_after_a_day(api, host, put, advance):
    launch = await running_session(api, host, save_profile=True)
    await close_session(api, launch.browser_session_id)
    await put(launch)
    await advance(timedelta(hours=24, seconds=1))
    refusal = await refused(create(api, browser_session_id=launch.browser_session_id))
    assert str(refusal) == "FAILED_PRECONDITION/PROFILE_NOT_SAVED"


async def test_a_task_starts_from_a_profile(api, host, fetch):
    made = await uploaded(api)
    run = await run_task(api, browser_profile_id=made.browser_profile_id)
    launch = await host.command("launch")
    assert launch.browser_session_id == run.browser_session_id
    assert value_in(await fetch(launch)) == CANARY
    refusal = await refused(run_task(api, browser_profile_id="bp_none"))
    assert str(refusal) == "NOT_FOUND/PROFILE_NOT_FOUND"


# At rest.


def files_of(config):
    return [path for path in config.data_dir.rglob("*") if path.is_file()]


async def test_nothing_of_a_state_is_on_the_disk_in_the_clear(api, host, put, config):
    launch = await running_session(api, host, save_profile=True)
    await put(launch, a_state(CANARY), last=False)
    await uploaded(api)
    files = files_of(config)
    assert any(path.parent.name == "profiles" for path in files)
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path
        assert b"shop.example" not in path.read_bytes(), path
    assert (config.data_dir / "master-key").stat().st_mode & 0o777 == 0o600
    assert all(path.stat().st_mode & 0o077 == 0 for path in (config.data_dir / "profiles").iterdir())


@pytest.mark.parametrize("damage", ["flipped", "cut", "emptied", "gone", "swapped"])
async def test_a_damaged_profile_is_said_to_be_and_never_a_fresh_browser(api, host, fetch, config, damage):
    made = await uploaded(api)
    (path,) = (config.data_dir / "profiles").iterdir()
    content = path.read_bytes()
    if damage == "flipped":
        path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    elif damage == "cut":
        path.write_bytes(content[:-1])
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "gone":
        path.unlink()
    else:
        await create(api, "other")
        (other,) = set((config.data_dir / "profiles").iterdir()) - {path}
        path.write_bytes(other.read_bytes())
    refusal = await refused(export(api, made))
    assert str(refusal) == "DATA_LOSS/PROFILE_DAMAGED"
    await api.sessions.CreateBrowserSession(
        sessions_pb.CreateBrowserSessionRequest(browser_profile_id=made.browser_profile_id)
    )
    launch = await host.command("launch")
    assert str(await refused(fetch(launch))) == "DATA_LOSS/PROFILE_DAMAGED"


async def test_a_row_moved_to_another_organization_does_not_open(api, control_plane):
    made = await uploaded(api)

    def steal(tx):
        tx._connection.execute("UPDATE browser_states SET organization_id = 'o_thief'")
        tx._connection.execute("UPDATE browser_profiles SET organization_id = 'o_thief'")

    await control_plane.database.write(steal)
    key = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_thief", scope=keys_pb2.KEY_SCOPE_API))
    async with grpc.aio.insecure_channel(control_plane.address) as channel:
        thief = api_on(channel, key.secret)
        assert (await get(thief, made)).name == "work"
        assert str(await refused(export(thief, made))) == "DATA_LOSS/PROFILE_DAMAGED"


async def export_after_restart(config, browser_profile_id):
    async with serve(config, SteppedClock) as running, grpc.aio.insecure_channel(running.address) as channel:
        api = api_on(channel, (config.data_dir / "api-key").read_text().strip())
        return await export(api, pb.BrowserProfile(browser_profile_id=browser_profile_id))


async def test_the_master_key_is_rotated_and_a_lost_one_is_named(config):
    async with serve(config, SteppedClock) as running, grpc.aio.insecure_channel(running.address) as channel:
        made = await uploaded(api_on(channel, (config.data_dir / "api-key").read_text().strip()))
    key = config.data_dir / "master-key"
    old = key.read_text()
    key.write_text("ab" * 32 + "\n" + old)
    assert await export_after_restart(config, made.browser_profile_id) == STORAGE
    key.write_text("ab" * 32 + "\n")
    assert await export_after_restart(config, made.browser_profile_id) == STORAGE
    key.write_text(old)
    refusal = await refused(export_after_restart(config, made.browser_profile_id))
    assert str(refusal) == "DATA_LOSS/PROFILE_KEY_MISSING"
    key.unlink()
    with pytest.raises(StoreUnusable, match="is not there"):
        await export_after_restart(config, made.browser_profile_id)
    assert not key.exists()


async def test_files_without_a_row_are_swept_at_the_start(config):
    async with serve(config, SteppedClock) as running, grpc.aio.insecure_channel(running.address) as channel:
        made = await uploaded(api_on(channel, (config.data_dir / "api-key").read_text().strip()))
    left = config.data_dir / "profiles" / "0123"
    left.write_bytes(b"of a control plane that was killed before it stored the row")
    assert await export_after_restart(config, made.browser_profile_id) == STORAGE
    assert not left.exists()


async def test_a_disk_that_takes_no_file_is_told_as_full_and_a_retry_succeeds(api, host, put, config):
    launch = await running_session(api, host, save_profile=True)
    (config.data_dir / "profiles").write_bytes(b"in the way")
    assert str(await refused(uploaded(api))) == "UNAVAILABLE/STORAGE_FULL"
    assert str(await refused(put(launch))) == "UNAVAILABLE/STORAGE_FULL"
    (config.data_dir / "profiles").unlink()
    await put(launch)
    await uploaded(api)
    assert (await get_session(api, launch.browser_session_id)).profile_save.state == (
        sessions_pb.PROFILE_SAVE_STATE_SAVED
    )
