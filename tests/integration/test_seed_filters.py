"""What narrows the lists of the seed's API: every filter is kept to, none is ignored."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tabkeep.v1 import artifacts_pb2, runs_pb2

from tests.integration.test_artifacts import put
from tests.integration.test_seed_http import WORKFLOW, config, finish, http, live_session, refusal, task
from tests.integration.test_seed_sdk import SECRETIVE, in_workflow, stored

__all__ = ["config", "http", "put"]


@pytest.fixture
async def runs(http, host, control_plane):
    """Runs by what they are: a failed task, one that waits, one of each of two workflows."""
    session_id = await live_session(http, host)
    await stored(http)
    await stored(http, SECRETIVE, "wf_login")
    failed = await task(http, browser_session_id=session_id, prompt="open the Shop", title="morning")
    await finish(host, status=runs_pb2.RUN_STATUS_FAILED, failure_reason=runs_pb2.FAILURE_REASON_NOT_FOUND)
    control_plane.coordinator.clock.advance(timedelta(seconds=10))
    visit = await in_workflow(http, browser_session_id=session_id, parameters={"place": "Lisbon"})
    secret = {"name": "ada", "password": "headphones"}
    login = await in_workflow(http, workflow_id="wf_login", browser_session_id=session_id, parameters=secret)
    made = {"failed": failed, "visit": visit, "login": login}
    return {run["run_id"]: name for name, run in made.items()} | {"session": session_id, "time": visit["created_at"]}


async def test_runs_are_listed_by_what_is_asked_for(http, runs):
    time = runs["time"]
    for query, found in {
        "": ["login", "visit", "failed"],
        "status=failed": ["failed"],
        "status=running&status=queued": ["login", "visit"],
        "run_type=task_v1": ["failed"],
        "run_type=workflow_run": ["login", "visit"],
        "run_type=task_v2&run_type=ui_tars": [],
        "run_type=task_v2&run_type=task_v1": ["failed"],
        "workflow_permanent_id=wf_visit": ["visit"],
        "workflow_permanent_id=wf_visit&workflow_permanent_id=wf_login": ["login", "visit"],
        "search_key=shop": ["failed"],
        "search_key=MORNING": ["failed"],
        "search_key=lisbon": ["visit"],
        "search_key=place": ["visit"],
        "search_key=ada": ["login"],
        "search_key=headphones": [],  # a secret is not found by guessing at it
        "search_key=wr_": ["login", "visit"],
        "error_code=NOT_FOUND": ["failed"],
        "error_code=NOT": [],
        f"created_at_start={time}": ["login", "visit"],
        f"created_at_end={time}": ["failed"],
        "created_at_start=0001-01-01T00:00:00%2B14:00&created_at_end=9999-12-31": ["login", "visit", "failed"],
        "tags=env:prod": [],
        "search_key=&tags=&created_at_end=": ["login", "visit", "failed"],
        "run_type=workflow_run&page_size=1&page=2": ["visit"],
    }.items():
        listed = (await http.get(f"/v1/runs?{query}")).json()
        assert [runs[run["run_id"]] for run in listed] == found, query
    for path, query, found in [
        ("workflows/runs", "status=queued", ["login"]),
        ("agents/runs", "search_key=shop", []),
        ("workflows/wf_visit/runs", "status=queued", []),
        ("agents/wf_visit/runs", "search_key=lisbon", ["visit"]),
        (f"browser_sessions/{runs['session']}/workflow_runs", "status=running", ["visit"]),
    ]:
        listed = (await http.get(f"/v1/{path}?{query}")).json()
        assert [runs[run["run_id"]] for run in listed] == found, (path, query)


async def test_a_filter_that_cannot_be_is_refused(http):
    for path in ("runs", "workflows/runs", "agents/wf_visit/runs"):
        for query in ("status=done", "run_type=task_v9", "created_at_start=today", "created_at_end=2026-02-30"):
            status, code, detail = await refusal(await http.get(f"/v1/{path}?{query}"))
            assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["query", query.partition("=")[0]])
    for path, query in [("workflows", "template=maybe"), ("agents", "status=new"), ("browser_profiles", "managed=2")]:
        status, code, _ = await refusal(await http.get(f"/v1/{path}?{query}"))
        assert (status, code) == (422, "FIELD_INVALID")


async def test_workflows_and_profiles_are_listed_by_what_is_asked_for(http):
    await stored(http, WORKFLOW, "wf_visit")
    await stored(http, SECRETIVE, "wf_login")
    for query, found in {
        "": ["wf_login", "wf_visit"],
        "search_key=VISIT": ["wf_visit"],
        "search_key=password": ["wf_login"],
        "title=log": ["wf_login"],
        "search_key=visit&title=log": ["wf_visit"],
        "status=published&status=draft": ["wf_login", "wf_visit"],
        "status=draft": [],
        "only_workflows=true&template=false&only_templates=0": ["wf_login", "wf_visit"],
        "template=true": [],
        "only_saved_tasks=true": [],
        "folder_id=fld_1": [],
        "tags=a": [],
    }.items():
        listed = [one["workflow_id"] for one in (await http.get(f"/v1/agents?{query}")).json()]
        assert sorted(listed) == found, query
    for name, description in (("desk", "of the Support team"), ("shop", "")):
        await http.post("/v1/browser_profiles", json={"name": name, "description": description})
    for query, found in {
        "search_key=SUPPORT": ["desk"],
        "search_key=shop": ["shop"],
        "managed=true": [],
        "managed=false&include_deleted=true": ["desk", "shop"],
    }.items():
        listed = [one["name"] for one in (await http.get(f"/v1/browser_profiles?{query}")).json()]
        assert sorted(listed) == found, query


async def test_what_a_run_left_behind_is_listed_by_type(http, host, put):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    start = await host.begin_run()
    download = {"artifact_type": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD, "file_name": "a.csv"}
    await put(start, b"a", artifact={"run_id": run["run_id"], "artifact_id": "art_1", **download})
    await put(start, b"b", artifact={"run_id": run["run_id"], "artifact_id": "art_2"})
    for query, found in {
        "": {"art_1", "art_2"},
        "artifact_type=download": {"art_1"},
        "artifact_type=download&artifact_type=screenshot": {"art_1", "art_2"},
        "artifact_type=html": set(),
    }.items():
        listed = (await http.get(f"/v1/runs/{run['run_id']}/artifacts?{query}")).json()
        assert {one["artifact_id"] for one in listed} == found, query
