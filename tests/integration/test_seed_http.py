"""The seed's routes over real HTTP, with a fake host: what they answer, hold and refuse."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from itertools import product
from typing import Any

import httpx
import pytest
from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, keys_pb2, runs_pb2

from tests.api_calls import close_session, get_run, running_session
from tests.fake_host import PATIENCE, run_finished, step_finished, step_started
from tests.integration.test_artifacts import put
from tests.webhook_receiver import receiving

__all__ = ["put"]

WORKFLOW = """
version: 1
title: Visit
parameters:
  place: {type: string, default: here}
blocks:
  - goto: "https://shop.example/{{ place }}"
"""
SDK = {"x-fern-language": "Python", "user-agent": "skyvern/1.0.55"}


@pytest.fixture
def config(config):
    return replace(config, http_address="127.0.0.1:0", webhook_networks=(ip_network("127.0.0.0/8"),))


@pytest.fixture
async def http(control_plane, api_key):
    """A client with the first key, as the seed's snippets call."""
    async with httpx.AsyncClient(
        base_url=f"http://{control_plane.http_address}", headers={"x-api-key": api_key}, timeout=30, trust_env=False
    ) as client:
        yield client


async def created(http, **body):
    answer = await http.post("/v1/browser_sessions", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def live_session(http, host, **body):
    """A session whose browser is up."""
    session = await created(http, **body)
    launch = await host.launch()
    assert launch.browser_session_id == session["browser_session_id"]
    return session["browser_session_id"]


async def task(http, **body):
    answer = await http.post("/v1/run/tasks", json={"prompt": "open the shop", **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def finish(host, **fields):
    """Let the host carry out the run whose turn it is."""
    start = await host.begin_run()
    await host.report(start, run_finished(1, **fields))


async def pause(host):
    """Let the host begin a run and ask a person."""
    start = await host.begin_run()
    approval = runs_pb2.Approval(approval_id="apr_1", message="Place the order?")
    event = runs_pb2.RunEvent(seq=1, approval_requested=runs_pb2.ApprovalRequested(approval=approval))
    await host.report(start, event)
    return start


# Sessions


async def test_a_session_has_the_seeds_fields_and_tells_the_truth(http, host):
    session = await created(http, timeout=60, browser_type="chrome")
    assert re.fullmatch(r"pbs_[0-9a-z]{26}", session["browser_session_id"])
    assert session["organization_id"] == "o_default"
    assert (session["status"], session["timeout"], session["browser_type"]) == ("running", 60, "chrome")
    assert (session["extensions"], session["vnc_streaming_supported"]) == ([], False)
    assert session["state"] == "launching"
    assert session["started_at"] is None
    for name in ("created_at", "modified_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session[name])

    await host.launch()
    running = (await http.get(f"/v1/browser_sessions/{session['browser_session_id']}")).json()
    assert (running["status"], running["state"], running["completed_at"]) == ("running", "running", None)
    lasts = datetime.fromisoformat(running["expires_at"]) - datetime.fromisoformat(running["started_at"])
    assert lasts == timedelta(minutes=60)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_create_list_get_and_close_with_and_without_a_slash(http, host, slash):
    made = await http.post(f"/v1/browser_sessions{slash}")  # no body: all defaults
    assert made.status_code == 200
    path = f"/v1/browser_sessions/{made.json()['browser_session_id']}"
    assert made.json()["timeout"] == 60
    listed = (await http.get(f"/v1/browser_sessions{slash}")).json()
    assert [one["browser_session_id"] for one in listed] == [made.json()["browser_session_id"]]

    for _ in range(2):  # closing is idempotent
        closed = await http.post(f"{path}/close{slash}")
        assert (closed.status_code, closed.json()) == (200, {"message": "Browser session closed"})
    session = (await http.get(f"{path}{slash}")).json()
    assert (session["status"], session["state"], session["close_reason"]) == ("closed", "closed", "requested")
    assert session["completed_at"] is not None
    assert (await http.get(f"/v1/browser_sessions{slash}")).json() == []
    history = (await http.get(f"/v1/browser_sessions/history{slash}")).json()
    assert [one["browser_session_id"] for one in history] == [session["browser_session_id"]]


async def test_every_option_of_create_arrives(http, host):
    session_id = (await created(http, timeout=480, browser_type="chrome", url="shop.example/a", proxy_location=None))[
        "browser_session_id"
    ]
    launch = await host.command("launch")
    assert (launch.browser_session_id, launch.launch.url) == (session_id, "https://shop.example/a")
    session = (await http.get(f"/v1/browser_sessions/{session_id}")).json()
    assert session["timeout"] == 480


async def test_extensions_are_those_that_hosts_offer(http, host):
    body = {"extensions": ["ad-blocker", "captcha-solver"]}
    status, code, detail = await refusal(await http.post("/v1/browser_sessions", json=body))
    assert (status, code) == (400, "EXTENSION_NOT_OFFERED")
    assert "captcha-solver" in detail
    hello = host.hello()
    for name in body["extensions"]:
        hello.extensions.add(name=name, version="1.0", sha256="ab" * 32)
    await host.attach(hello)
    session = await created(http, **body)
    assert session["extensions"] == body["extensions"]
    assert list((await host.command("launch")).launch.extensions) == body["extensions"]


async def test_a_proxy_that_the_operator_has_not_set_up_is_refused(http, host):
    places = ["RESIDENTIAL", "US-CA", {"country": "US", "subdivision": "CA"}, {"country": "GB"}]
    for place in places:
        for path, body in [("/v1/browser_sessions", {}), ("/v1/run/tasks", {"prompt": "x"})]:
            answer = await http.post(path, json={**body, "proxy_location": place})
            assert (await refusal(answer))[:2] == (400, "PROXY_LOCATION_NOT_CONFIGURED"), (path, place)
    for place in [{"country": "XX"}, {"country": "GB", "city": "London"}, {"country": "GB", "subdivision": "X"}, {}]:
        answer = await http.post("/v1/browser_sessions", json={"proxy_location": place})
        assert (await refusal(answer))[2][0]["loc"] == ["body", "proxy_location"], place
    for url in ["ftp://proxy.example.com:1", "http://[", "x", "http://a\ud800"]:
        body = json.dumps({"proxy_location": {"url": url}})
        answer = await http.post("/v1/browser_sessions", content=body, headers={"content-type": "application/json"})
        status, _, detail = await refusal(answer)
        assert (url, status, detail[0]["loc"][:2]) == (url, 422, ["body", "proxy_location"])
    both = {"prompt": "x", "browser_session_id": "pbs_1", "proxy_location": "RESIDENTIAL"}
    assert (await refusal(await http.post("/v1/run/tasks", json=both)))[:2] == (422, "FIELD_INVALID")
    for nothing in (None, "NONE"):
        assert (await created(http, proxy_location=nothing))["proxy_location"] is None


async def test_a_callers_own_proxy_is_taken_and_its_password_is_nowhere(http, host):
    url = "http://ada:pass%20word@1.1.1.1:3128"
    session = await created(http, proxy_location={"url": url})
    launch = await host.command("launch")
    assert launch.browser_session_id == session["browser_session_id"]
    listed = (await http.get("/v1/browser_sessions")).text
    page = (await http.get(session["app_url"])).text
    assert "pass" not in json.dumps({**session, "app_url": ""}) + listed.replace("bypass", "") + page


async def test_a_wrapped_body_is_unwrapped(http, host):
    session = await created(http, body={"timeout": 5})
    assert session["timeout"] == 5


async def test_the_same_idempotency_key_makes_one_session(http, host):
    headers = {"idempotency-key": "k" * 255}
    answers = [await http.post("/v1/browser_sessions", json={"timeout": 30}, headers=headers) for _ in range(2)]
    assert answers[0].json()["browser_session_id"] == answers[1].json()["browser_session_id"]
    other = await http.post("/v1/browser_sessions", json={"timeout": 31}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "REQUEST_ID_REUSED")


async def test_a_session_is_extended_up_to_a_day(http, host):
    session_id = await live_session(http, host, timeout=30)
    path = f"/v1/browser_sessions/{session_id}/extend"
    longer = (await http.post(path, json={"additional_minutes": 30})).json()
    assert (longer["timeout"], "warning" in longer) == (60, False)
    longest = (await http.post(path, json={"additional_minutes": 1440})).json()
    assert longest["timeout"] == 1440
    assert "at most 1440 minutes" in longest["warning"]


# Runs


async def test_two_tasks_in_a_session_and_their_results(http, host):
    session_id = await live_session(http, host)
    first = await task(http, url="https://shop.example", browser_session_id=session_id)
    second = await task(http, browser_session_id=session_id, max_steps=7, title="find")
    assert first["run_id"].startswith("tsk_")
    assert (first["status"], second["status"]) == ("running", "queued")
    output = runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)
    output.output.struct_value.update({"total": 12.0, "price": 9.5, "names": ["a"], "none": None})
    start = await host.begin_run()
    assert start.start_run.blocks[0].goto.url == "https://shop.example"
    await host.report(start, runs_pb2.RunEvent(seq=1, run_finished=output))
    start = await host.begin_run()
    assert [block.block_id for block in start.start_run.blocks] == ["task"]  # no url: it goes on where the first ended
    assert start.start_run.max_steps == 7

    done = await http.get(f"/v1/runs/{first['run_id']}")
    assert '"total":12,' in done.text or '"total":12}' in done.text  # whole numbers are written as such
    run = done.json()
    assert (run["status"], run["output"]) == ("completed", {"total": 12, "price": 9.5, "names": ["a"], "none": None})
    assert (run["failure_reason"], run["errors"], run["browser_session_id"]) == (None, [], session_id)
    assert run["run_request"]["prompt"] == "open the shop"
    session = (await http.get(f"/v1/browser_sessions/{session_id}")).json()
    assert (session["runnable_type"], session["runnable_id"]) == ("task", second["run_id"])
    runs = (await http.get("/v1/runs", params={"page_size": 1, "page": 2})).json()
    assert [one["run_id"] for one in runs] == [first["run_id"]]
    running = (await http.get("/v1/runs?status=running&status=queued")).json()
    assert [one["run_id"] for one in running] == [second["run_id"]]


async def test_a_failed_run_says_why_in_words_and_by_code(http, host):
    await live_session(http, host)
    run = await task(http)
    await host.launch()
    await finish(
        host,
        status=runs_pb2.RUN_STATUS_FAILED,
        failure_reason=runs_pb2.FAILURE_REASON_REJECTED_BY_PAGE,
        failure_message="Wrong password.",
    )
    shown = (await http.get(f"/v1/runs/{run['run_id']}")).json()
    assert (shown["status"], shown["failure_reason"], shown["failure_code"]) == (
        "failed", "Wrong password.", "REJECTED_BY_PAGE",
    )  # fmt: skip
    assert shown["errors"] == [{"error_code": "REJECTED_BY_PAGE", "reasoning": "Wrong password."}]


@pytest.mark.parametrize("family", ["workflows", "agents"])
async def test_a_workflow_is_stored_run_listed_and_deleted_under_both_names(http, host, family):
    one = family[:-1]
    made = await http.post(f"/v1/{family}", json={"yaml_definition": WORKFLOW, "workflow_id": "wf_visit"})
    assert made.status_code == 200, made.text
    assert made.json()["workflow_permanent_id"] == "wf_visit"
    again = await http.post(f"/v1/{family}/wf_visit", json={"yaml_definition": WORKFLOW})
    assert again.json()["version"] == 2
    assert (await http.get(f"/v1/{family}/wf_visit/")).json()["version"] == 2
    assert [each["workflow_id"] for each in (await http.get(f"/v1/{family}")).json()] == ["wf_visit"]

    session_id = await live_session(http, host)
    body = {f"{one}_id": "wf_visit", "browser_session_id": session_id, "parameters": {"place": "there"}}
    started = await http.post(f"/v1/run/{family}/", json=body, headers={"x-max-steps-override": "9"})
    assert started.status_code == 200, started.text
    run = started.json()
    assert (run["run_id"][:3], run["run_type"]) == ("wr_", "workflow_run")
    start = await host.begin_run()
    assert start.start_run.parameters["place"] == "there"
    assert start.start_run.max_steps == 9
    await host.report(start, run_finished(1))
    shown = (await http.get(f"/v1/runs/{run['run_id']}")).json()
    assert (shown["status"], shown["run_request"]["workflow_id"]) == ("completed", "wf_visit")
    assert [each["run_id"] for each in (await http.get(f"/v1/{family}/wf_visit/runs")).json()] == [run["run_id"]]

    deleted = await http.post(f"/v1/{family}/wf_visit/delete")
    assert (deleted.status_code, deleted.json()) == (200, None)
    assert (await http.get(f"/v1/{family}/wf_visit")).status_code == 404


async def test_a_poll_of_the_sdk_is_held_until_the_run_is_final(http, host):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    polls = [asyncio.create_task(http.get(f"/v1/runs/{run['run_id']}", headers=SDK)) for _ in range(5)]
    polls.append(asyncio.create_task(http.get(f"/v1/runs/{run['run_id']}?wait=50")))
    at_once = await http.get(f"/v1/runs/{run['run_id']}")
    assert at_once.json()["status"] == "running"
    assert not any(poll.done() for poll in polls)

    await finish(host)

    answers = await asyncio.wait_for(asyncio.gather(*polls), PATIENCE)
    assert {answer.json()["status"] for answer in answers} == {"completed"}
    assert (await http.get(f"/v1/runs/{run['run_id']}", headers=SDK)).json()["status"] == "completed"


async def test_a_held_poll_answers_when_its_time_is_over(http, host, control_plane):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    answer = await http.get(f"/v1/runs/{run['run_id']}?wait=0", headers=SDK)
    assert answer.json()["status"] == "running"


async def test_the_bodies_of_the_old_sdk_with_all_its_nulls_are_taken(http, host):
    """As version 1.0.13 writes them: every field, most of them null, and an engine that is not ours."""
    session_id = await live_session(
        http, host, timeout=60, proxy_location=None, extensions=None, browser_type=None, browser_profile_id=None
    )
    nothing = dict.fromkeys(
        ("url", "title", "proxy_location", "data_extraction_schema", "error_code_mapping", "max_steps", "webhook_url",
         "totp_identifier", "totp_url", "model", "extra_http_headers", "browser_address", "max_screenshot_scrolls")
    )  # fmt: skip
    run = await task(
        http, **nothing, engine="skyvern-2.0", publish_workflow=False, browser_session_id=session_id,
        include_action_history_in_verification=False,
    )  # fmt: skip
    assert run["status"] == "running"
    await http.post("/v1/workflows", json={"yaml_definition": WORKFLOW, "workflow_id": "wf_visit"})
    body = {
        **nothing,
        "workflow_id": "wf_visit",
        "parameters": None,
        "browser_session_id": session_id,
        "template": None,
    }
    assert (await http.post("/v1/run/workflows", json=body)).json()["status"] == "queued"


# People


@pytest.mark.parametrize("path", ["workflows/runs/{}/continue", "agents/runs/{}/continue/", "runs/{}/approve"])
async def test_a_paused_run_ends_the_poll_and_goes_on_when_a_person_says_so(http, host, path):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    poll = asyncio.create_task(http.get(f"/v1/runs/{run['run_id']}", headers=SDK))
    await pause(host)
    paused = (await asyncio.wait_for(poll, PATIENCE)).json()
    assert (paused["status"], paused["pending_approval"]["message"]) == ("paused", "Place the order?")

    answer = await http.post("/v1/" + path.format(run["run_id"]), json={"comment": "yes, Ada"})

    assert (answer.status_code, answer.json()) == (200, None)
    told = await host.command("resolve_approval")
    assert told.resolve_approval.approved
    assert told.resolve_approval.comment == "yes, Ada"


async def test_a_paused_run_is_rejected(http, host):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id)
    await pause(host)
    assert (await http.post(f"/v1/runs/{run['run_id']}/reject")).status_code == 200
    told = await host.command("resolve_approval")
    assert not told.resolve_approval.approved
    late = await http.post(f"/v1/runs/{run['run_id']}/approve")
    assert (late.status_code, late.json()["code"]) == (409, "NO_APPROVAL_PENDING")


async def test_runs_are_canceled_one_by_one_and_together(http, host):
    session_id = await live_session(http, host)
    runs = [(await task(http, browser_session_id=session_id))["run_id"] for _ in range(4)]
    one = await http.post(f"/v1/runs/{runs[1]}/cancel")
    assert (one.status_code, one.json()) == (200, None)
    many = (await http.post("/v1/runs/cancel", json={"run_ids": [runs[2], runs[3], "tsk_none"]})).json()
    assert many["cancelled"] == runs[2:]
    assert many["failed"] == ["tsk_none"]
    assert [each["code"] for each in many["errors"]] == ["RUN_NOT_FOUND"]
    shown = [(await http.get(f"/v1/runs/{run_id}")).json()["status"] for run_id in runs]
    assert shown == ["running", "canceled", "canceled", "canceled"]


async def test_a_webhook_is_told_and_told_again(http, host):
    async with receiving() as receiver:
        session_id = await live_session(http, host)
        run = await task(http, browser_session_id=session_id, webhook_url=receiver.url)
        await finish(host)
        (first,) = await receiver.requests(1)
        shown = (await http.get(f"/v1/runs/{run['run_id']}")).json()
        told = json.loads(first.body)
        assert {name: told[name] for name in ("run_id", "status", "output", "finished_at")} == {
            name: shown[name] for name in ("run_id", "status", "output", "finished_at")
        }
        again = (await http.post(f"/v1/runs/{run['run_id']}/retry_webhook")).json()
        assert again["payload"].encode() == first.body
        assert (again["state"], again["status_code"], again["response_body"]) == ("delivered", 200, "thanks")


# The page


async def test_the_app_url_opens_a_page_with_the_steps_and_no_key_in_it(http, host, api_key, control_plane):
    session_id = await live_session(http, host)
    run = await task(http, browser_session_id=session_id, prompt="find <b>mugs</b> & buy")
    start = await host.begin_run()
    await host.report(start, step_started(1), step_finished(2))
    session = (await http.get(f"/v1/browser_sessions/{session_id}")).json()
    assert api_key not in session["app_url"]

    async with httpx.AsyncClient(trust_env=False) as stranger:  # no key, no cookies
        page = await stranger.get(session["app_url"])
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "find &lt;b&gt;mugs&lt;/b&gt; &amp; buy" in page.text
        assert "<script" not in page.text
        assert run["run_id"] in page.text
        assert "set-cookie" not in page.headers
        (policy,) = page.headers.get_list("content-security-policy")
        assert policy.startswith("default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline';")
        assert page.headers["referrer-policy"] == "no-referrer"

        bare, _, token = session["app_url"].partition("?view=")
        assert (await stranger.get(bare)).status_code == 403
        assert (await stranger.get(f"{bare}?view={token[:-1]}{'0' if token[-1] != '0' else '1'}")).status_code == 403
        other = await live_session(http, host)
        elsewhere = bare.replace(session_id, other)
        assert (await stranger.get(f"{elsewhere}?view={token}")).status_code == 403

        control_plane.coordinator.clock.advance(timedelta(hours=2))
        late = await stranger.get(session["app_url"])
        assert late.status_code == 403
        assert "its app_url is a fresh one" in late.text
    assert (await http.get(bare)).status_code == 200  # with the key in the header


# Refusals


async def refusal(answer):
    """Status, code and detail of an answer that refuses."""
    body = answer.json()
    assert {"detail", "code"} <= body.keys()
    return answer.status_code, body["code"], body["detail"]


BAD_SESSIONS = [
    ({"timeout": 4}, "timeout"), ({"timeout": 1441}, "timeout"), ({"timeout": -1}, "timeout"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": 10**30}, "timeout"), ({"timeout": "60"}, "timeout"), ({"timeout": 5.5}, "timeout"),
    ({"timeout": True}, "timeout"), ({"timeout": []}, "timeout"), ({"timeout": {}}, "timeout"),
    ({"browser_type": "firefox"}, "browser_type"), ({"browser_type": 1}, "browser_type"),
    ({"browser_type": "stealth-chromium"}, "browser_type"), ({"extensions": ["ad-blocker", "x"]}, "extensions"),
    ({"extensions": "ad-blocker"}, "extensions"), ({"extensions": [["ad-blocker"]]}, "extensions"),
    ({"proxy_location": "MOON"}, "proxy_location"), ({"proxy_location": 7}, "proxy_location"),
    ({"proxy_location": {"country": 7}}, "proxy_location"), ({"url": "ftp://x"}, "url"), ({"url": 3}, "url"),
    ({"url": "javascript:alert(1)"}, "url"), ({"url": "http://" + "a" * 9000}, "url"),
    ({"url": "http://a\ud800"}, "url"),
    ({"url": "http://a\0"}, "url"), ({"generate_browser_profile": "yes"}, "generate_browser_profile"),
    ({"browser_profile_id": 5}, "browser_profile_id"),
]  # fmt: skip


async def test_a_session_that_cannot_be_is_refused_by_its_field_and_nothing_is_stored(http, host):
    for body, field in BAD_SESSIONS:
        answer = await http.post(
            "/v1/browser_sessions", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        status, code, detail = await refusal(answer)
        assert (body, status, code) == (body, 422, "FIELD_INVALID")
        assert [one["loc"] for one in detail] == [["body", field]], body
        assert all(one["msg"] for one in detail)
    assert (await http.get("/v1/browser_sessions/history")).json() == []


async def test_all_mistakes_are_named_at_once(http, host):
    answer = await http.post("/v1/browser_sessions", json={"timeout": 1, "browser_type": "opera", "extensions": [1]})
    _, _, detail = await refusal(answer)
    assert [one["loc"][1] for one in detail] == ["timeout", "browser_type", "extensions"]
    assert detail[0]["ctx"] == {"ge": 5}


NOT_OFFERED = [
    {"proxy_session_id": "0123456789"}, {"needs_live_view": True},
]  # fmt: skip


async def test_what_is_not_offered_is_refused_and_says_what_would_work(http, host):
    for body in NOT_OFFERED:
        status, code, detail = await refusal(await http.post("/v1/browser_sessions", json=body))
        assert (status, code) == (400, "NOT_OFFERED")
        assert detail.startswith(f"{next(iter(body))}: this server")
    assert (await http.get("/v1/browser_sessions/history")).json() == []


BAD_TASKS = [
    ({}, "prompt"), ({"prompt": ""}, "prompt"), ({"prompt": "  "}, "prompt"), ({"prompt": None}, "prompt"),
    ({"prompt": 5}, "prompt"), ({"prompt": "x" * 16_385}, "prompt"), ({"prompt": "a\ud800"}, "prompt"),
    ({"prompt": "x", "url": "nonsense://"}, "url"), ({"prompt": "x", "max_steps": 0}, "max_steps"),
    ({"prompt": "x", "max_steps": 501}, "max_steps"), ({"prompt": "x", "browser_session_id": 1}, "browser_session_id"),
    ({"prompt": "x", "data_extraction_schema": [1]}, "data_extraction_schema"),
    ({"prompt": "x", "data_extraction_schema": "{not json"}, "data_extraction_schema"),
    ({"prompt": "x", "data_extraction_schema": {"type": "nonsense"}}, "data_extraction_schema"),
    ({"prompt": "x", "data_extraction_schema": {"maximum": 10**400}}, "data_extraction_schema"),
    ({"prompt": "x", "webhook_url": "http://10.0.0.1/"}, "webhook_url"),
    ({"prompt": "x", "webhook_url": "x"}, "webhook_url"),
    ({"prompt": "x", "title": "t" * 256}, "title"), ({"prompt": "x", "fail_if_busy": 1}, "fail_if_busy"),
]  # fmt: skip


async def test_a_task_that_cannot_be_is_refused_by_its_field_and_nothing_is_stored(http, host):
    deep = current = {}
    for _ in range(60):
        current["a"] = current = {}
    for body, field in [*BAD_TASKS, ({"prompt": "x", "data_extraction_schema": deep}, "data_extraction_schema")]:
        answer = await http.post(
            "/v1/run/tasks", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        status, code, detail = await refusal(answer)
        assert (body, status, code) == (body, 422, "FIELD_INVALID")
        assert [one["loc"][:2] for one in detail] == [["body", field]], body
    assert (await http.get("/v1/runs")).json() == []
    assert (await http.get("/v1/browser_sessions/history")).json() == []


@pytest.mark.parametrize(("path", "body"), [("tasks", {"prompt": "x"}), ("workflows", {"workflow_id": "wf_a"})])
async def test_a_session_and_a_profile_together_are_refused(http, host, path, body):
    body = {**body, "browser_session_id": "pbs_1", "browser_profile_id": "bp_1"}
    status, code, detail = await refusal(await http.post(f"/v1/run/{path}", json=body))
    assert (status, code) == (422, "FIELD_INVALID")
    assert detail[0]["msg"].startswith("Cannot specify both browser_session_id and browser_profile_id")


RUNS_NOT_OFFERED: list[dict[str, Any]] = [
    {"totp_url": "https://x.example"}, {"extra_http_headers": {"a": "b"}}, {"browser_address": "ws://x"},
    {"error_code_mapping": {"a": "b"}}, {"publish_workflow": True},
    {"cdp_connect_headers": {"a": "b"}},
]  # fmt: skip


async def test_options_of_runs_that_are_not_offered_are_refused_not_ignored(http, host):
    for field in RUNS_NOT_OFFERED:
        status, code, _ = await refusal(await http.post("/v1/run/tasks", json={"prompt": "x", **field}))
        assert (status, code) == (400, "NOT_OFFERED")
    assert (await http.get("/v1/runs")).json() == []


async def test_closed_busy_unknown_and_foreign_things_are_refused_each_in_its_way(http, host, api, channel):
    closed = await live_session(http, host)
    await close_session(api, closed)
    status, code, detail = await refusal(
        await http.post("/v1/run/tasks", json={"prompt": "x", "browser_session_id": closed})
    )
    assert (status, code) == (410, "SESSION_CLOSED")
    assert "create a new one" in detail
    extend = await http.post(f"/v1/browser_sessions/{closed}/extend", json={"additional_minutes": 5})
    assert (await refusal(extend))[:2] == (410, "SESSION_CLOSED")

    busy = await live_session(http, host)
    await task(http, browser_session_id=busy)
    body = {"prompt": "x", "browser_session_id": busy, "fail_if_busy": True}
    assert (await refusal(await http.post("/v1/run/tasks", json=body)))[:2] == (409, "SESSION_BUSY")

    made = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    stranger = {"x-api-key": made.secret}
    run = (await http.get("/v1/runs")).json()[0]
    for method, path in [
        ("GET", f"/v1/browser_sessions/{busy}"), ("POST", f"/v1/browser_sessions/{busy}/close"),
        ("GET", f"/v1/runs/{run['run_id']}"), ("POST", f"/v1/runs/{run['run_id']}/cancel"),
        ("GET", f"/v1/runs/{run['run_id']}/artifacts"), ("POST", f"/v1/runs/{run['run_id']}/retry_webhook"),
        ("POST", f"/v1/runs/{run['run_id']}/approve"),
    ]:  # fmt: skip
        foreign = await http.request(method, path, headers=stranger)
        unknown = await http.request(method, path.replace(busy, "pbs_none").replace(run["run_id"], "tsk_none"))
        assert (foreign.status_code, foreign.json()["code"]) == (unknown.status_code, unknown.json()["code"])
        assert foreign.status_code == 404
        neutral = foreign.text.replace(busy, "pbs_none").replace(run["run_id"], "tsk_none")
        assert neutral == unknown.text
    page = await http.get(f"/browser-session/{busy}", headers=stranger)
    assert page.status_code == 404
    assert (await get_run(api, run["run_id"])).status == runs_pb2.RUN_STATUS_RUNNING


async def test_a_wrong_or_missing_key_is_403_and_its_text_is_nowhere(http, host):
    for headers in ({"x-api-key": "wrong-key"}, {"x-api-key": ""}):
        answer = await http.get("/v1/browser_sessions", headers=headers)
        assert answer.status_code == 403
        assert answer.json()["detail"].startswith("Invalid credentials")
        assert "wrong-key" not in answer.text


async def test_a_key_is_taken_as_the_published_clients_write_it(http, host, api_key):
    for headers in ({"x-api-key": f'"Bearer {api_key}"'}, {"x-api-key": "", "authorization": f"Bearer {api_key}"}):
        assert (await http.get("/v1/browser_sessions", headers=headers)).status_code == 200


async def test_a_browser_that_no_host_has_is_refused(http, host):
    status, code, detail = await refusal(await http.post("/v1/browser_sessions", json={"browser_type": "msedge"}))
    assert (status, code) == (400, "BROWSER_NOT_OFFERED")
    assert "chrome" in detail


BAD_BODIES = [
    ("/v1/workflows", {}, "yaml_definition"),
    ("/v1/workflows", {"yaml_definition": "a: b", "json_definition": {}}, "yaml_definition"),
    ("/v1/agents", {"json_definition": {"title": "t", "workflow_definition": {"blocks": []}}}, "json_definition"),
    ("/v1/workflows", {"json_definition": "{}"}, "json_definition"),
    ("/v1/run/workflows", {}, "workflow_id"),
    ("/v1/run/agents", {"agent_id": 5}, "agent_id"),
    ("/v1/run/workflows", {"workflow_id": "wf_a", "parameters": [1]}, "parameters"),
    ("/v1/runs/cancel", {"run_ids": []}, "run_ids"),
    ("/v1/runs/cancel", {"run_ids": ["a"] * 101}, "run_ids"),
    ("/v1/runs/cancel", {"run_ids": [5]}, "run_ids"),
    ("/v1/browser_sessions/pbs_1/extend", {}, "additional_minutes"),
    ("/v1/runs/tsk_1/approve", {"comment": 5}, "comment"),
]


async def test_other_bodies_that_cannot_be_are_refused_by_their_field(http, host):
    for path, body, place in BAD_BODIES:
        status, code, detail = await refusal(await http.post(path, json=body))
        assert (status, code) == (422, "FIELD_INVALID")
        assert detail[0]["loc"] == ["body", place]


async def test_a_wait_that_cannot_be_is_refused(http, host):
    for query in ["wait=x", "wait=-1", "wait=51", "wait=1.5", "wait=", "wait=99999999999999999999", "wait=\u0665"]:
        status, code, detail = await refusal(await http.get(f"/v1/runs/tsk_1?{query}"))
        assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["query", "wait"])


async def test_a_page_that_cannot_be_is_refused(http, host):
    for query in ["page=0", "page=101", "page_size=0", "page_size=1000", "status=done", "page=a"]:
        status, code, detail = await refusal(await http.get(f"/v1/runs?{query}"))
        assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["query", query.partition("=")[0]])


async def test_a_body_that_is_no_object_is_refused(http, host):
    paths = ("/v1/browser_sessions", "/v1/run/tasks", "/v1/workflows")
    for path, text in product(paths, ["{", "[]", '"x"', "5", "\xff", "nul", '{"timeout": NaN}', "{}{}"]):
        answer = await http.post(path, content=text.encode("latin-1"), headers={"content-type": "application/json"})
        assert answer.status_code == 422, (path, answer.text)
    assert (await http.get("/v1/browser_sessions/history")).json() == []


async def test_a_session_shows_what_was_downloaded_and_recorded_in_it_with_links_that_bring_it(http, api, host, put):
    launch = await running_session(api, host)
    path = f"/v1/browser_sessions/{launch.browser_session_id}"
    shown = (await http.get(path)).json()
    assert (shown["downloaded_files"], shown["recordings"]) == ([], [])
    download = {"artifact_type": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD, "content_type": "text/csv"}
    await put(launch, b"a,b", artifact={**download, "artifact_id": "art_1", "file_name": "first.csv"})
    await put(launch, b"c,d,e", artifact={**download, "artifact_id": "art_2", "file_name": "second.csv"})
    await put(launch, b"", artifact={**download, "artifact_id": "art_3", "state": artifacts_pb2.ARTIFACT_STATE_REFUSED})
    recording = {"artifact_type": artifacts_pb2.ARTIFACT_TYPE_RECORDING, "content_type": "video/x-msvideo"}
    await put(launch, b"RIFF", artifact={**recording, "artifact_id": "art_4", "file_name": "run.avi"})

    shown = (await http.get(path)).json()
    assert [(one["filename"], one["file_size"]) for one in shown["downloaded_files"]] == [
        ("second.csv", 5),
        ("first.csv", 3),
    ]
    [video] = shown["recordings"]
    assert (video["artifact_id"], video["checksum"]) == ("art_4", hashlib.sha256(b"RIFF").hexdigest())
    for one, content in ((shown["downloaded_files"][0], b"c,d,e"), (video, b"RIFF")):
        link = httpx.URL(one["url"])
        async with httpx.AsyncClient(base_url=http.base_url) as stranger:
            assert (await stranger.get(link.raw_path.decode())).content == content
    (listed,) = (await http.get("/v1/browser_sessions")).json()
    assert listed["downloaded_files"] is None, "not looked for in lists"
    await http.post(f"{path}/close")
    assert len((await http.get(path)).json()["downloaded_files"]) == 2


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=262000-262999", slice(262_000, 263_000)),  # on both sides of a border between pieces
        ("bytes=524280-", slice(524_280, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=0-99999999", slice(None)),
        ("bytes=-99999999", slice(None)),
    ],
)
async def test_a_part_of_an_artifact_is_asked_for_by_its_range(http, api, host, put, asked, part):
    launch = await running_session(api, host)
    content = hashlib.sha256(b"x").digest() * 16_384  # two pieces
    download = {"artifact_type": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD, "content_type": "text/csv"}
    await put(launch, content, artifact={**download, "artifact_id": "art_1", "file_name": "first.csv"})
    session = (await http.get(f"/v1/browser_sessions/{launch.browser_session_id}")).json()
    link = httpx.URL(session["downloaded_files"][0]["url"]).raw_path.decode()
    for path in ("/v1/artifacts/art_1/content", "/v1/tabkeep/artifacts/art_1", link):
        whole = await http.get(path)
        assert (whole.status_code, whole.headers["accept-ranges"], whole.content == content) == (200, "bytes", True)
        first, end, _ = part.indices(len(content))
        for condition in ({}, {"if-range": whole.headers["etag"]}):
            answer = await http.get(path, headers={"range": asked, **condition})
            assert (answer.status_code, answer.content == content[part]) == (206, True)
            assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(content)}"
            assert answer.headers["content-length"] == str(end - first)


async def test_a_range_that_cannot_be_had_is_refused_and_what_is_no_range_is_not_looked_at(http, api, host, put):
    launch = await running_session(api, host)
    download = {"artifact_type": artifacts_pb2.ARTIFACT_TYPE_DOWNLOAD, "content_type": "text/csv"}
    await put(launch, b"a,b", artifact={**download, "artifact_id": "art_1", "file_name": "first.csv"})
    await put(launch, b"", artifact={**download, "artifact_id": "art_2", "file_name": "empty.csv"})
    path = "/v1/artifacts/art_1/content"
    for asked in ("bytes=3-", "bytes=-0"):
        answer = await http.get(path, headers={"range": asked})
        assert (await refusal(answer))[:2] == (416, "RANGE_NOT_SATISFIABLE")
        assert answer.headers["content-range"] == "bytes */3"
    for asked in ("bytes=2-1", "bytes=0-0,2-2", "bytes=-", "bytes=x-1", "items=0-1", "bytes=0-1;", ""):
        answer = await http.get(path, headers={"range": asked})
        assert (answer.status_code, answer.content) == (200, b"a,b"), asked
    other = await http.get(path, headers={"range": "bytes=0-0", "if-range": '"other"'})
    assert (other.status_code, other.content) == (200, b"a,b")
    head = await http.head(path, headers={"range": "bytes=0-0"})
    assert (head.status_code, head.headers["content-length"]) == (200, "3")
    assert (await http.get("/v1/artifacts/art_2/content")).content == b""


async def test_profiles_are_made_listed_renamed_and_deleted(http, host):
    made = await http.post("/v1/browser_profiles", json={"name": "desk", "description": "logged in"})
    assert made.status_code == 200, made.text
    profile_id = made.json()["browser_profile_id"]
    assert profile_id.startswith("bp_")
    taken = await http.post("/v1/browser_profiles", json={"name": "desk"})
    assert (await refusal(taken))[:2] == (409, "PROFILE_NAME_TAKEN")
    for query in ("", "?page=1&page_size=5"):
        listed = (await http.get(f"/v1/browser_profiles/{query}")).json()
        assert [one["browser_profile_id"] for one in listed] == [profile_id]
    renamed = (
        await http.patch(f"/v1/browser_profiles/{profile_id}", json={"name": "shop", "description": None})
    ).json()
    assert (renamed["name"], renamed["description"]) == ("shop", "logged in")
    session = await created(http, browser_profile_id=profile_id, generate_browser_profile=True)
    assert (session["browser_profile_id"], session["generate_browser_profile"]) == (profile_id, True)
    assert session["profile_save"] == "pending"
    deleted = await http.delete(f"/v1/browser_profiles/{profile_id}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await http.get(f"/v1/browser_profiles/{profile_id}")).status_code == 404


async def test_a_profile_that_cannot_be_made_is_refused(http, host):
    both = {"name": "a", "browser_session_id": "pbs_1", "workflow_run_id": "wr_1"}
    for body, place in [({}, "name"), ({"name": ""}, "name"), ({"name": 5}, "name"), (both, "workflow_run_id")]:
        status, code, detail = await refusal(await http.post("/v1/browser_profiles", json=body))
        assert (status, code, detail[0]["loc"]) == (422, "FIELD_INVALID", ["body", place])
    for body, code in [
        ({"name": "a", "browser_session_id": "pbs_none"}, "SESSION_NOT_FOUND"),
        ({"name": "a", "workflow_run_id": "wr_none"}, "RUN_NOT_FOUND"),
    ]:
        assert (await refusal(await http.post("/v1/browser_profiles", json=body)))[:2] == (404, code)
    closed = await created(http)
    await http.post(f"/v1/browser_sessions/{closed['browser_session_id']}/close")
    body = {"name": "a", "browser_session_id": closed["browser_session_id"]}
    status, code, detail = await refusal(await http.post("/v1/browser_profiles", json=body))
    assert (status, code) == (400, "PROFILE_NOT_SAVED")
    assert "persisted" not in detail  # that word makes clients try again
    status, code, _ = await refusal(await http.post("/v1/browser_sessions", json={"browser_profile_id": "bp_none"}))
    assert (status, code) == (404, "PROFILE_NOT_FOUND")
    status, code, _ = await refusal(
        await http.post("/v1/run/tasks", json={"prompt": "x", "browser_profile_id": "bp_1"})
    )
    assert (status, code) == (404, "PROFILE_NOT_FOUND")
    assert (await http.get("/v1/browser_profiles")).json() == []


async def test_a_session_made_over_grpc_is_the_same_over_http(http, host, api):
    launch = await running_session(api, host, labels={"team": "a"})
    session = (await http.get(f"/v1/browser_sessions/{launch.browser_session_id}")).json()
    assert session["state"] == "running"
    await http.post(f"/v1/browser_sessions/{launch.browser_session_id}/close")
    request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    after = (await api.sessions.GetBrowserSession(request)).browser_session
    assert after.state == browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED
