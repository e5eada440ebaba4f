"""What the published SDK asks for beyond the seed's document, over real HTTP, with a fake host."""

from __future__ import annotations

import pytest
from tabkeep.v1 import keys_pb2, runs_pb2

from tests.api_calls import close_session, get_session
from tests.integration.test_seed_http import (
    WORKFLOW,
    config,
    finish,
    http,
    live_session,
    refusal,
    task,
)
from tests.webhook_receiver import receiving

__all__ = ["config", "http"]

SECRETIVE = """
version: 1
title: Log in
parameters:
  name: string
  password: {type: string, secret: true}
blocks:
  - task: "Login with username {{ name }} and password {{ password }}"
"""


async def stored(http, definition=WORKFLOW, workflow_id="wf_visit"):
    """A workflow."""
    answer = await http.post("/v1/workflows", json={"yaml_definition": definition, "workflow_id": workflow_id})
    assert answer.status_code == 200, answer.text


async def in_workflow(http, **body):
    """A run of a workflow."""
    answer = await http.post("/v1/run/workflows", json={"workflow_id": "wf_visit", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def stranger(api):
    """The headers of another organization."""
    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    return {"x-api-key": made.secret}


async def refused_alike(http, stranger, method, path, ours, unknown):
    """Ask for what is another organization's, and for what does not exist: both get the same 404."""
    foreign = await http.request(method, path.format(ours), headers=stranger)
    nothing = await http.request(method, path.format(unknown))
    assert (foreign.status_code, nothing.status_code) == (404, 404)
    assert foreign.text.replace(ours, unknown) == nothing.text
    assert {"detail", "code"} <= nothing.json().keys()


async def test_the_version_is_said(http):
    for path in ("/v1/version", "/v1/version/"):
        answer = await http.get(path)
        assert answer.status_code == 200
        assert set(answer.json()) == {"version"}
        assert answer.json()["version"][0].isdigit()


# Versions of workflows


@pytest.mark.parametrize("family", ["workflows", "agents"])
async def test_each_version_of_a_workflow_is_shown(http, stranger, family):
    await stored(http)
    for title in ("Two", "Three"):
        await http.post("/v1/workflows/wf_visit", json={"yaml_definition": WORKFLOW.replace("Visit", title)})
    versions = (await http.get(f"/v1/{family}/wf_visit/versions")).json()
    assert [(one["version"], one["title"]) for one in versions] == [(3, "Three"), (2, "Two"), (1, "Visit")]
    second = (await http.get(f"/v1/{family}/wf_visit/versions?page=2&page_size=1")).json()
    assert second == [versions[1]]
    assert (await http.get(f"/v1/{family}/wf_visit/versions?page=4&page_size=1")).json() == []

    assert (await http.get(f"/v1/{family}/wf_visit?version=1")).json() == versions[2]
    assert (await http.get(f"/v1/{family}/wf_visit?template=false")).json() == versions[0]
    missing = await http.get(f"/v1/{family}/wf_visit?version=4")
    assert (await refusal(missing))[:2] == (404, "WORKFLOW_NOT_FOUND")
    for wrong in ("0", "-1", "x", "", "2147483648"):
        status, code, detail = await refusal(await http.get(f"/v1/{family}/wf_visit?version={wrong}"))
        assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["query", "version"])
    await refused_alike(http, stranger, "GET", f"/v1/{family}/{{}}/versions", "wf_visit", "wf_none")


# Runs of a session


async def test_a_session_lists_its_runs_of_workflows(http, host, api, stranger):
    await stored(http)
    session_id = await live_session(http, host)
    await task(http, browser_session_id=session_id)
    runs = [(await in_workflow(http, browser_session_id=session_id))["run_id"] for _ in range(2)]
    elsewhere = (await in_workflow(http))["run_id"]
    path = f"/v1/browser_sessions/{session_id}/workflow_runs"
    listed = (await http.get(path)).json()
    assert [one["workflow_run_id"] for one in listed] == runs[::-1]
    assert [one["run_id"] for one in (await http.get(f"{path}/?page=2&page_size=1")).json()] == runs[:1]
    assert elsewhere not in str(listed)
    await close_session(api, session_id)
    assert [one["status"] for one in (await http.get(path)).json()] == ["canceled", "canceled"]
    path = "/v1/browser_sessions/{}/workflow_runs"
    await refused_alike(http, stranger, "GET", path, session_id, "pbs_none")


# Once more


async def retry(http, run_id, family="workflows", **headers):
    return await http.post(f"/v1/{family}/runs/{run_id}/retry", headers=headers)


@pytest.mark.parametrize("family", ["workflows", "agents"])
async def test_a_run_of_a_workflow_is_run_again_as_it_was(http, host, family):
    await stored(http)
    session_id = await live_session(http, host)
    async with receiving() as receiver:
        first = await in_workflow(
            http, browser_session_id=session_id, parameters={"place": "there"}, title="visit", max_steps=7,
            max_elapsed_time_minutes=3, webhook_url=receiver.url,
        )  # fmt: skip
        early = await retry(http, first["run_id"], family)
        assert (await refusal(early))[:2] == (409, "RUN_NOT_FINAL")
        await finish(host, status=runs_pb2.RUN_STATUS_FAILED)
        await http.post("/v1/workflows/wf_visit", json={"yaml_definition": WORKFLOW})  # a second version

        answer = await retry(http, first["run_id"], family, **{"idempotency-key": "once"})

        assert answer.status_code == 200, answer.text
        run = answer.json()
        assert run["run_id"] != first["run_id"]
        same = ("run_request", "workflow_id", "workflow_version", "title", "browser_session_id", "run_type")
        assert {name: run[name] for name in same} == {name: first[name] for name in same}
        start = (await host.begin_run()).start_run
        assert (start.parameters["place"], start.max_steps, start.timeout.seconds) == ("there", 7, 180)
        again = await retry(http, first["run_id"], family, **{"idempotency-key": "once"})
        assert again.json()["run_id"] == run["run_id"]
        await http.post(f"/v1/runs/{run['run_id']}/cancel")

        other = await retry(http, first["run_id"], family, **{"x-max-steps-override": "9"})
        assert other.json()["run_id"] != run["run_id"]
        wrong = await retry(http, first["run_id"], family, **{"x-max-steps-override": "many"})
        assert (await refusal(wrong))[:2] == (422, "FIELD_INVALID")
        shown = (await http.get("/v1/tabkeep/webhookDeliveries")).json()["webhookDeliveries"]
        assert {one["webhookUrl"] for one in shown} == {receiver.url}
        assert {one["runId"] for one in shown} == {first["run_id"], run["run_id"], other.json()["run_id"]}


async def test_a_run_that_had_a_session_of_its_own_gets_another_like_it(http, host, api):
    await stored(http)
    profile = (await http.post("/v1/browser_profiles", json={"name": "desk"})).json()["browser_profile_id"]
    body = {
        "browserProfileId": profile,
        "browserSession": {"blockedDomains": ["ads.example"], "labels": {"team": "a"}, "timeout": "600s"},
    }
    first = (await http.post("/v1/tabkeep/workflows/wf_visit:run", json=body)).json()
    await http.post(f"/v1/runs/{first['runId']}/cancel")

    run = (await retry(http, first["runId"])).json()

    assert run["browser_session_id"] != first["browserSessionId"]
    session = await get_session(api, run["browser_session_id"])
    assert session.browser_profile_id == profile
    assert (list(session.blocked_domains), dict(session.labels), session.timeout.seconds) == (
        ["ads.example"], {"team": "a"}, 600,
    )  # fmt: skip


async def test_what_cannot_be_repeated_is_refused_with_the_reason(http, host, api, stranger):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    await finish(host)
    status, code, detail = await refusal(await retry(http, run["run_id"]))
    assert (status, code) == (400, "NOT_REPEATABLE")
    assert "POST /v1/run/tasks" in detail

    await stored(http, SECRETIVE)
    values = {"name": "ada", "password": "headphones"}
    secretive = await in_workflow(http, browser_session_id=session_id, parameters=values)
    await finish(host)
    status, code, detail = await refusal(await retry(http, secretive["run_id"]))
    assert (status, code) == (400, "NOT_REPEATABLE")
    assert "was given password, and secret parameters are not kept" in detail
    assert "headphones" not in detail

    await stored(http, WORKFLOW, "wf_other")
    for options, reason in [
        ({"proxy": {"url": "http://1.1.1.1:3128", "username": "a", "password": "b"}}, "proxy of its own"),
        (
            {"pageOptions": {"httpCredentials": [{"origin": "https://a.example", "username": "a", "password": "b"}]}},
            "HTTP credentials",
        ),
    ]:
        made = await http.post("/v1/tabkeep/workflows/wf_other:run", json={"browserSession": options})
        assert made.status_code == 200, made.text
        await http.post(f"/v1/runs/{made.json()['runId']}/cancel")
        status, code, detail = await refusal(await retry(http, made.json()["runId"]))
        assert (status, code) == (400, "NOT_REPEATABLE")
        assert reason in detail

    plain = await in_workflow(http, workflow_id="wf_other", browser_session_id=session_id)
    await finish(host)
    await refused_alike(http, stranger, "POST", "/v1/workflows/runs/{}/retry", plain["run_id"], "wr_none")
    await close_session(api, session_id)
    closed = await retry(http, plain["run_id"])
    assert (await refusal(closed))[:2] == (410, "SESSION_CLOSED")
    await http.post("/v1/workflows/wf_other/delete")
    gone = await retry(http, plain["run_id"])
    assert (await refusal(gone))[:2] == (404, "WORKFLOW_NOT_FOUND")
