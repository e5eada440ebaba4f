"""`tabkeep profile`: what it asks for and what it writes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import grpc
import pytest
from tabkeep.v1 import browser_profiles_pb2 as pb
from tabkeep.v1 import browser_sessions_pb2

from tests.client_fixtures import plane
from tests.scripted_control_plane import Failure, ScriptedControlPlane, a_session
from tests.unit.test_cli_calls import Tabkeep, tabkeep

__all__ = ["plane", "tabkeep"]

SERVICE = "BrowserProfileService"


def a_profile() -> pb.BrowserProfile:
    profile = pb.BrowserProfile(browser_profile_id="bp_1", name="work", version=2)
    profile.versions.add(version=2, browser_session_id="pbs_1", cookie_count=3, origin_count=1)
    return profile


def test_a_profile_of_a_session_is_made_and_shown(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    answer = pb.CreateBrowserProfileResponse(browser_profile=a_profile())
    plane.answers(f"{SERVICE}/CreateBrowserProfile", answer)
    ended = tabkeep("profile", "create", "work", "--session", "pbs_1")
    (request,) = plane.requests(f"{SERVICE}/CreateBrowserProfile")
    assert (request.name, request.browser_session_id) == ("work", "pbs_1")
    assert "2: 3 cookies, 1 sites" in ended.out
    assert tabkeep("profile", "create", "work", "--session", "pbs_1", "--json").json["browser_profile_id"] == "bp_1"


def test_a_profile_of_a_storage_state_is_made(plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path) -> None:
    plane.answers(f"{SERVICE}/CreateBrowserProfile", pb.CreateBrowserProfileResponse(browser_profile=a_profile()))
    state = tmp_path / "state.json"
    state.write_text('{"cookies": []}')
    assert tabkeep("profile", "create", "work", "--storage-state", str(state)).status == 0
    (request,) = plane.requests(f"{SERVICE}/CreateBrowserProfile")
    assert request.storage_state == '{"cookies": []}'
    both = tabkeep("profile", "create", "work", "--storage-state", str(state), "--session", "pbs_1")
    assert (both.status, len(plane.requests(f"{SERVICE}/CreateBrowserProfile"))) == (2, 1)
    assert "not both" in both.err


def test_profiles_are_listed_renamed_and_deleted(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers(f"{SERVICE}/ListBrowserProfiles", pb.ListBrowserProfilesResponse(browser_profiles=[a_profile()]))
    plane.answers(f"{SERVICE}/GetBrowserProfile", pb.GetBrowserProfileResponse(browser_profile=a_profile()))
    plane.answers(f"{SERVICE}/UpdateBrowserProfile", pb.UpdateBrowserProfileResponse(browser_profile=a_profile()))
    plane.answers(f"{SERVICE}/DeleteBrowserProfile", pb.DeleteBrowserProfileResponse())
    assert "bp_1\t2\t" in tabkeep("profile", "list").out
    assert "name\twork" in tabkeep("profile", "get", "bp_1").out
    tabkeep("profile", "rename", "bp_1", "home")
    (request,) = plane.requests(f"{SERVICE}/UpdateBrowserProfile")
    assert (request.name, list(request.update_mask.paths)) == ("home", ["name"])
    assert tabkeep("profile", "delete", "bp_1").out == "deleted\tbp_1\n"


def test_an_export_goes_to_a_file_of_its_owner(plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path) -> None:
    content = json.dumps({"cookies": [], "origins": []}).encode()
    record = pb.ExportedStorageState(size=len(content), sha256=sha256(content).hexdigest())
    parts = [pb.ExportBrowserProfileResponse(storage_state=record), pb.ExportBrowserProfileResponse(chunk=content)]
    plane.streams(f"{SERVICE}/ExportBrowserProfile", parts)
    path = tmp_path / "state.json"
    path.write_text("old")
    path.chmod(0o644)
    assert tabkeep("profile", "export", "bp_1", "--version", "2", "--out", str(path)).status == 0
    assert plane.requests(f"{SERVICE}/ExportBrowserProfile")[0].version == 2
    assert (json.loads(path.read_text()), path.stat().st_mode & 0o777) == ({"cookies": [], "origins": []}, 0o600)
    assert json.loads(tabkeep("profile", "export", "bp_1").out) == {"cookies": [], "origins": []}


def test_an_export_that_arrives_damaged_writes_nothing(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path
) -> None:
    record = pb.ExportedStorageState(size=3, sha256="0" * 64)
    parts = [pb.ExportBrowserProfileResponse(storage_state=record), pb.ExportBrowserProfileResponse(chunk=b"{}")]
    plane.streams(f"{SERVICE}/ExportBrowserProfile", parts)
    ended = tabkeep("profile", "export", "bp_1", "--out", str(tmp_path / "state.json"))
    assert (ended.status, list(tmp_path.iterdir())) == (1, [])
    assert "PROFILE_DAMAGED" in ended.err


def test_a_session_is_opened_from_a_profile_and_says_what_became_of_its_save(
    plane: ScriptedControlPlane, tabkeep: Tabkeep
) -> None:
    session = a_session()
    session.browser_profile_id, session.browser_profile_version, session.save_profile = "bp_1", 2, True
    session.profile_save.state = browser_sessions_pb2.PROFILE_SAVE_STATE_FAILED
    session.profile_save.message = "the browser crashed"
    answer = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=session)
    plane.answers("BrowserSessionService/CreateBrowserSession", answer)
    ended = tabkeep("session", "create", "--profile", "bp_1", "--profile-version", "2", "--save")
    (request,) = plane.requests("BrowserSessionService/CreateBrowserSession")
    assert (request.browser_profile_id, request.browser_profile_version, request.save_profile) == ("bp_1", 2, True)
    assert "profile\tbp_1, version 2" in ended.out
    assert "profile save\tfailed, the browser crashed" in ended.out


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        (grpc.StatusCode.NOT_FOUND, "PROFILE_NOT_FOUND", 3),
        (grpc.StatusCode.ALREADY_EXISTS, "PROFILE_NAME_TAKEN", 5),
        (grpc.StatusCode.FAILED_PRECONDITION, "PROFILE_NOT_SAVED", 5),
    ],
)
def test_a_refusal_has_its_exit_status(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, code: grpc.StatusCode, reason: str, status: int
) -> None:
    plane.answers(f"{SERVICE}/CreateBrowserProfile", Failure(code, reason))
    ended = tabkeep("profile", "create", "work")
    assert ended.status == status
    assert reason in ended.err
