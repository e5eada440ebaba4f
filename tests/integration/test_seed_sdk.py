"""What the published SDK asks for beyond the seed's document, over real HTTP, with a fake host."""

from __future__ import annotations

import pytest
from tabkeep.v1 import actions_pb2, keys_pb2, runs_pb2

from tests.api_calls import close_session, get_session
from tests.fake_host import run_finished
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
        "irreversiblePolicy": "IRREVERSIBLE_POLICY_DENY",
    }
    first = (await http.post("/v1/tabkeep/workflows/wf_visit:run", json=body)).json()
    await http.post(f"/v1/runs/{first['runId']}/cancel")

    run = (await retry(http, first["runId"])).json()

    # What was forbidden then is not allowed now, though no route of the compatible API can say it.
    shown = (await http.get(f"/v1/tabkeep/runs/{run['run_id']}")).json()
    assert shown["irreversiblePolicy"] == "IRREVERSIBLE_POLICY_DENY"
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


# What a run did


def event(seq, at, **kind):
    """An event of the run's `at`-th second."""
    made = runs_pb2.RunEvent(seq=seq, **kind)
    made.create_time.FromJsonString(f"2026-02-01T10:00:{at:02d}Z")
    return made


def began(step, action, **fields):
    """A step begins."""
    return {"step_started": runs_pb2.StepStarted(step=step, action=action, source="rules", **fields)}


def ended(step, outcome=runs_pb2.STEP_OUTCOME_DONE, **fields):
    """A step ends."""
    return {"step_finished": runs_pb2.StepFinished(step=step, outcome=outcome, **fields)}


async def timeline(http, run_id):
    answer = await http.get(f"/v1/runs/{run_id}/timeline")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_timeline_of_a_task_is_one_block_with_its_steps_newest_first(http, host, stranger):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    waits = await task(http, browser_session_id=session_id)
    assert await timeline(http, waits["run_id"]) == []
    start = await host.begin_run()
    (block,) = [entry["block"] for entry in await timeline(http, run["run_id"])]
    assert (block["status"], block["actions"], block["duration"]) == ("running", [], None)

    fill = actions_pb2.Action(fill=actions_pb2.Fill(value=actions_pb2.Value(literal="mugs")), note="the search")
    secret = actions_pb2.Action(fill=actions_pb2.Fill(value=actions_pb2.Value(literal="x", sensitive=True)))
    await host.report(
        start,
        event(1, 1, **began(1, fill, description="fill Search", url="https://shop.example/")),
        event(2, 3, **ended(1, url="https://shop.example/", target="searchbox Search", screenshot_artifact_id="art_1")),
        event(3, 4, **began(2, secret, url="https://shop.example/")),
        event(4, 5, **ended(2, runs_pb2.STEP_OUTCOME_FAILED, message="no such field")),
        event(5, 6, **began(3, actions_pb2.Action(tab=actions_pb2.Tab(open=actions_pb2.NewTab())))),
    )
    (entry,) = await timeline(http, run["run_id"])
    assert (entry["type"], entry["thought"], entry["children"]) == ("block", None, [])
    block = entry["block"]
    assert (block["block_type"], block["label"], block["status"], block["failure_reason"]) == (
        "task", "task", "running", None,
    )  # fmt: skip
    assert (block["navigation_goal"], block["url"]) == ("open the shop", "https://shop.example/")
    third, second, first = block["actions"]
    seen = ("action_type", "status", "response", "text", "step_order", "created_by")
    assert [first[name] for name in seen] == ["input_text", "completed", None, "mugs", 1, "rules"]
    assert [second[name] for name in seen] == ["input_text", "failed", "no such field", None, 2, "rules"]
    assert [third[name] for name in seen] == ["new_tab", "pending", None, None, 3, "rules"]
    assert (first["description"], first["intention"], first["target"]) == (
        "fill Search", "the search", "searchbox Search",
    )  # fmt: skip
    assert (first["task_id"], first["workflow_run_id"], first["screenshot_artifact_id"]) == (
        run["run_id"], None, "art_1",
    )  # fmt: skip
    assert (first["created_at"], first["modified_at"]) == ("2026-02-01T10:00:01.000Z", "2026-02-01T10:00:03.000Z")

    reason = {"failure_reason": runs_pb2.FAILURE_REASON_STEP_TIMEOUT, "failure_message": "too slow"}
    await host.report(
        start, event(6, 7, run_finished=run_finished(6, runs_pb2.RUN_STATUS_FAILED, **reason).run_finished)
    )
    (block,) = [entry["block"] for entry in await timeline(http, run["run_id"])]
    assert (block["status"], block["failure_reason"], block["error_codes"]) == ("failed", "too slow", ["STEP_TIMEOUT"])
    assert block["duration"] >= 0
    # Begun, never ended: nobody knows whether it was done.
    assert block["actions"][0]["status"] is None
    assert "not known" in block["actions"][0]["response"]
    await refused_alike(http, stranger, "GET", "/v1/runs/{}/timeline", run["run_id"], "tsk_none")


async def test_the_timeline_of_a_workflows_run_has_its_blocks_newest_first(http, host):
    await stored(http)
    session_id = await live_session(http, host)
    run = await in_workflow(http, browser_session_id=session_id)
    start = await host.begin_run()
    opened = actions_pb2.Action(goto=actions_pb2.Goto(url="https://shop.example/"))
    asks = runs_pb2.Approval(approval_id="apr_1", message="Place the order?")
    done = runs_pb2.BlockFinished(block_id="open", outcome=runs_pb2.STEP_OUTCOME_DONE)
    done.output.number_value = 12
    await host.report(
        start,
        event(1, 1, block_started=runs_pb2.BlockStarted(block_id="open", block_type="goto")),
        event(2, 2, **began(1, opened, block_id="open", url="about:blank")),
        event(3, 3, **ended(1)),
        event(4, 5, block_finished=done),
        event(5, 6, block_started=runs_pb2.BlockStarted(block_id="ask", block_type="approve")),
        event(6, 7, approval_requested=runs_pb2.ApprovalRequested(approval=asks)),
    )

    ask, open_ = [entry["block"] for entry in await timeline(http, run["run_id"])]

    assert (open_["label"], open_["block_type"], open_["status"]) == ("open", "goto_url", "completed")
    assert (open_["output"], open_["duration"], open_["modified_at"]) == ("12", 4.0, "2026-02-01T10:00:05.000Z")
    assert [one["action_type"] for one in open_["actions"]] == ["goto_url"]
    assert open_["actions"][0]["workflow_run_id"] == open_["workflow_run_id"] == run["run_id"]
    assert (ask["block_type"], ask["status"], ask["instructions"]) == (
        "human_interaction", "running", "Place the order?",
    )  # fmt: skip
    failed = runs_pb2.BlockFinished(block_id="ask", outcome=runs_pb2.STEP_OUTCOME_FAILED)
    rejected = {"failure_reason": runs_pb2.FAILURE_REASON_APPROVAL_REJECTED}
    await host.report(
        start,
        event(7, 8, block_finished=failed),
        event(8, 9, run_finished=run_finished(8, runs_pb2.RUN_STATUS_TERMINATED, **rejected).run_finished),
    )
    ask, open_ = [entry["block"] for entry in await timeline(http, run["run_id"])]
    assert (ask["status"], ask["error_codes"]) == ("terminated", ["APPROVAL_REJECTED"])
    assert (open_["status"], open_["failure_reason"]) == ("completed", None)


async def test_an_output_is_never_of_a_kind_that_the_published_models_refuse(http, host):
    session_id = await live_session(http, host)
    for kind, value, shown in [
        ("number_value", 12.0, "12"), ("bool_value", True, "true"), ("string_value", "a", "a"), ("null_value", 0, None),
    ]:  # fmt: skip
        run = await task(http, browser_session_id=session_id)
        finished = runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)
        setattr(finished.output, kind, value)
        start = await host.begin_run()
        await host.report(start, runs_pb2.RunEvent(seq=1, run_finished=finished))
        assert (await http.get(f"/v1/runs/{run['run_id']}")).json()["output"] == shown
