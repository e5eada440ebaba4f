"""The command line: what it asks for, what it writes in a pipe, on a terminal and as JSON, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import grpc
import pytest
from tabkeep import wire
from tabkeep.cli import commands
from tabkeep.v1 import (
    actions_pb2,
    artifacts_pb2,
    browser_sessions_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    workflows_pb2,
)

from tests.client_fixtures import plane
from tests.scripted_control_plane import (
    API_KEY,
    BROKEN,
    HANG,
    Failure,
    ScriptedControlPlane,
    a_run,
    a_session,
    shows,
)

__all__ = ["plane"]


class Ended:
    """What a command wrote, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)


Tabkeep = Callable[..., Ended]


@pytest.fixture
def tabkeep(
    plane: ScriptedControlPlane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Tabkeep:
    """Runs a command line against the scripted control plane, in this process."""
    monkeypatch.setenv("TABKEEP_ADDRESS", plane.address)
    monkeypatch.setenv("TABKEEP_API_KEY", API_KEY)

    def run(*arguments: str) -> Ended:
        status = commands.run(arguments)
        written = capsys.readouterr()
        return Ended(status, written.out, written.err)

    return run


def events(*kinds: dict[str, Any]) -> list[runs_pb2.WatchRunResponse]:
    return [
        runs_pb2.WatchRunResponse(event=runs_pb2.RunEvent(run_id="tsk_1", seq=seq, **kind))
        for seq, kind in enumerate(kinds, start=1)
    ]


def a_step(step: int, description: str, **finished: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    action = actions_pb2.Action(back=actions_pb2.Back())
    started = runs_pb2.StepStarted(step=step, description=description, action=action)
    usual: dict[str, Any] = {"outcome": runs_pb2.STEP_OUTCOME_DONE, "url": "https://shop.example/cart"}
    ended = runs_pb2.StepFinished(step=step, **(usual | finished))
    ended.duration.FromTimedelta(timedelta(milliseconds=120))
    return {"step_started": started}, {"step_finished": ended}


WATCHED = [
    shows(a_run("RUNNING")),
    *events(
        {"plan_made": runs_pb2.PlanMade(planner="rules", clauses=["search 'headphones'", "add to cart"])},
        *a_step(1, "click button 'Add to cart'"),
        *a_step(
            2,
            "click link 'Checkout'",
            outcome=runs_pb2.STEP_OUTCOME_FAILED,
            failure_reason=runs_pb2.FAILURE_REASON_NOT_FOUND,
            message="no link \x1b[31m'Checkout'",
        ),
        {"warning": runs_pb2.Warning(code="SCREENSHOT_FAILED", message="no picture")},
    ),
    shows(
        a_run(
            "FAILED",
            last_seq=6,
            step_count=2,
            failure_reason=runs_pb2.FAILURE_REASON_NOT_FOUND,
            failure_message="no link 'Checkout'",
            output=wire.to_value({"cart": 1}),
        )
    ),
]


def test_a_run_in_a_pipe_is_one_plain_line_per_step(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    plane.streams("RunService/WatchRun", WATCHED)
    ended = tabkeep("run", "task", "Buy headphones", "--session", "pbs_1", "--max-steps", "9")
    assert ended.out.splitlines() == [
        "run tsk_1 running",
        "plan: search 'headphones'; add to cart",
        "step 1 done click button 'Add to cart' (120ms) https://shop.example/cart",
        "step 2 failed click link 'Checkout' NOT_FOUND: no link  [31m'Checkout' (120ms) https://shop.example/cart",
        "warning SCREENSHOT_FAILED: no picture",
        "tsk_1 failed  2 steps",
        "NOT_FOUND: no link 'Checkout'",
        'output {"cart": 1}',
    ]
    assert ended.status == 1
    (request,) = plane.requests("RunService/RunTask")
    assert (request.prompt, request.browser_session_id, request.max_steps) == ("Buy headphones", "pbs_1", 9)


def test_a_watched_run_as_json_is_one_line_per_update(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.streams("RunService/WatchRun", [*WATCHED[:3], BROKEN], [WATCHED[0], *WATCHED[3:]])
    ended = tabkeep("run", "watch", "tsk_1", "--json")
    updates = [json.loads(line) for line in ended.out.splitlines()]
    assert [update["event"]["seq"] for update in updates if "event" in update] == [1, 2, 3, 4, 5, 6]
    assert updates[3]["event"]["step_finished"]["duration"] == "0.12s"
    assert updates[2]["event"]["step_started"]["action"] == {"back": {}}
    assert updates[-1]["run"]["status"] == "failed"
    assert updates[-1]["run"]["output"] == {"cart": 1}
    assert ended.status == 1


def test_a_task_that_is_not_watched_is_started_and_shown(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    ended = tabkeep("run", "task", "Step 1", "--no-watch")
    assert ended.status == 0
    assert dict(line.split("\t") for line in ended.out.splitlines())["status"] == "created"
    assert plane.requests("RunService/WatchRun") == []


def test_waiting_for_a_task_ends_with_its_end(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run("COMPLETED")))
    ended = tabkeep("run", "task", "Step 1", "--wait", "--json")
    assert (ended.status, ended.json["status"]) == (0, "completed")


def test_actions_come_from_a_file(plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    file = tmp_path / "actions.json"
    file.write_text('[{"goto": {"url": "https://shop.example"}}, {"pressKey": {"key": "Enter"}, "timeout": "5s"}]')
    assert tabkeep("run", "task", "--actions", str(file), "--timeout", "90s", "--no-watch").status == 0
    (request,) = plane.requests("RunService/RunTask")
    assert [action.WhichOneof("kind") for action in request.actions] == ["goto", "press_key"]
    assert request.timeout.seconds == 90


def test_parameters_of_a_workflow_get_their_declared_types(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    declared = workflows_pb2.Workflow(
        workflow_id="wf_a",
        parameters=[
            workflows_pb2.WorkflowParameter(name="month", type="integer"),
            workflows_pb2.WorkflowParameter(name="year", type="string"),
        ],
    )
    plane.answers("WorkflowService/GetWorkflow", workflows_pb2.GetWorkflowResponse(workflow=declared))
    plane.answers("RunService/RunWorkflow", runs_pb2.RunWorkflowResponse(run=a_run("CREATED")))
    assert tabkeep("run", "workflow", "wf_a", "--param", "month=2", "--param", "year=2026", "--no-watch").status == 0
    (request,) = plane.requests("RunService/RunWorkflow")
    assert dict(request.parameters) == {"month": 2, "year": "2026"}


def test_an_approval_is_given_to_what_the_run_asks(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    asking = a_run("PAUSED", pending_approval=runs_pb2.Approval(approval_id="apr_7", message="Buy?"))
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=asking))
    plane.answers("RunService/ResolveApproval", runs_pb2.ResolveApprovalResponse(run=a_run("RUNNING")))
    assert tabkeep("run", "approve", "tsk_1", "--comment", "fine").status == 0
    assert tabkeep("run", "reject", "tsk_1", "--approval-id", "apr_8").status == 0
    given = [(r.approval_id, r.approved, r.comment) for r in plane.requests("RunService/ResolveApproval")]
    assert given == [("apr_7", True, "fine"), ("apr_8", False, "")]


def test_an_approval_that_nobody_asks_for_is_refused(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run("RUNNING")))
    ended = tabkeep("run", "approve", "tsk_1")
    assert ended.status == 5
    assert ended.err == (
        "error: run tsk_1 is running and waits for no approval [FAILED_PRECONDITION/NO_APPROVAL_PENDING]\n"
    )


def test_a_screenshot_of_a_step_is_saved(plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path) -> None:
    steps = [*a_step(1, "a", screenshot_artifact_id="art_1"), *a_step(2, "b", screenshot_artifact_id="art_2")]
    plane.answers("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run("RUNNING", last_seq=4)))
    plane.streams("RunService/WatchRun", [shows(a_run("RUNNING", last_seq=4)), *events(*steps), HANG])
    picture = b"\xff\xd8picture"
    record = artifacts_pb2.Artifact(artifact_id="art_1", size=len(picture), sha256=sha256(picture).hexdigest())
    plane.streams(
        "ArtifactService/GetArtifact",
        [artifacts_pb2.GetArtifactResponse(artifact=record), artifacts_pb2.GetArtifactResponse(chunk=picture)],
    )
    file = tmp_path / "step.jpg"
    ended = tabkeep("run", "screenshot", "tsk_1", "--step", "1", "-o", str(file), "--json")
    assert ended.status == 0
    assert ended.json == {"run_id": "tsk_1", "artifact_id": "art_1", "file": str(file), "size": len(picture)}
    assert file.read_bytes() == picture
    assert tabkeep("run", "screenshot", "tsk_1", "--step", "3").status == 3


def test_a_session_is_created_as_asked(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    answer = browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session())
    plane.answers("BrowserSessionService/CreateBrowserSession", answer)
    ended = tabkeep(
        "session", "create", "--timeout", "1h30m", "--browser", "msedge", "--viewport", "800x600", "--label", "a=b=c",
        "--queue-timeout", "5s", "--url", "https://shop.example", "--json",
    )  # fmt: skip
    assert ended.status == 0
    assert (ended.json["browser_session_id"], ended.json["status"]) == ("pbs_1", "running")
    (request,) = plane.requests("BrowserSessionService/CreateBrowserSession")
    assert request.timeout.seconds == 5400
    assert request.browser_type == browser_sessions_pb2.BROWSER_TYPE_MSEDGE
    assert (request.viewport.width, request.viewport.height) == (800, 600)
    assert dict(request.labels) == {"a": "b=c"}
    assert request.queue_timeout.seconds == 5


def test_a_session_is_created_and_changed_with_the_network_that_is_asked_for(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path
) -> None:
    made = a_session(proxy={"url": "http://p.example:3128"}, allowed_domains=["a.example"], time_zone="Europe/London")
    plane.answers(
        "BrowserSessionService/CreateBrowserSession",
        browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=made),
    )
    plane.answers(
        "BrowserSessionService/UpdateBrowserSession",
        browser_sessions_pb2.UpdateBrowserSessionResponse(browser_session=made),
    )
    password = tmp_path / "password"
    password.write_text("secret\n")
    proxy = ("--proxy", "http://p.example:3128", "--proxy-user", "me", "--proxy-password-file", str(password))

    ended = tabkeep("session", "create", *proxy, "--proxy-bypass", "c.example", "--allow-domain", "a.example")
    tabkeep("session", "update", "pbs_1", "--no-proxy", "--block-domain", "b.example", "--allow-all-domains")
    tabkeep("session", "update", "pbs_1", "--proxy-location", "US-CA")

    assert "proxy\thttp://p.example:3128\n" in ended.out
    assert "time zone\tEurope/London\n" in ended.out
    assert "secret" not in ended.out
    (request,) = plane.requests("BrowserSessionService/CreateBrowserSession")
    assert (request.proxy.username, request.proxy.password, list(request.proxy.bypass)) == (
        "me",
        "secret",
        ["c.example"],
    )
    first, second = plane.requests("BrowserSessionService/UpdateBrowserSession")
    assert list(first.update_mask.paths) == ["proxy", "allowed_domains", "blocked_domains"]
    assert (first.HasField("proxy"), list(first.allowed_domains), list(first.blocked_domains)) == (
        False,
        [],
        ["b.example"],
    )
    assert (list(second.update_mask.paths), second.proxy_location) == (["proxy_location"], "US-CA")


def test_a_link_to_take_over_is_printed_by_itself(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    url = f"http://127.0.0.1:7331/take-over/pbs_1#{'6' * 100}"
    answer = browser_sessions_pb2.CreateTakeOverLinkResponse(url=url)
    plane.answers("BrowserSessionService/CreateTakeOverLink", answer)

    ended = tabkeep("session", "take-over", "pbs_1", "--for", "5m")

    assert (ended.status, ended.out) == (0, f"{url}\n")
    assert ended.err.startswith("works until ")
    (request,) = plane.requests("BrowserSessionService/CreateTakeOverLink")
    assert (request.browser_session_id, request.lifetime.seconds) == ("pbs_1", 300)


def test_a_session_is_created_with_the_page_options_that_are_asked_for_and_its_tabs_are_listed(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path
) -> None:
    shown = {
        "dialogs": browser_sessions_pb2.DIALOG_POLICY_ACCEPT,
        "on_crash": browser_sessions_pb2.CRASH_POLICY_RELOAD,
        "http_credentials": [{"origin": "https://a.example"}],
    }
    plane.answers(
        "BrowserSessionService/CreateBrowserSession",
        browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=a_session(page_options=shown)),
    )
    pages = [{"page_id": "page-1", "title": "Shop"}, {"page_id": "page-2", "opener_page_id": "page-1", "current": True}]
    plane.answers("BrowserSessionService/ListPages", browser_sessions_pb2.ListPagesResponse(pages=pages))
    logins = tmp_path / "logins.json"
    logins.write_text('[{"origin": "https://a.example", "username": "ada", "password": "secret"}]')

    ended = tabkeep(
        "session", "create", "--dialogs", "accept", "--on-crash", "close_session", "--max-pages", "5",
        "--grant", "notifications", "--grant", "camera@https://a.example", "--http-credentials", str(logins),
    )  # fmt: skip
    listed = tabkeep("session", "pages", "pbs_1")

    assert "dialogs\taccept\n" in ended.out
    assert "http credentials\thttps://a.example\n" in ended.out
    assert "on crash" not in ended.out
    (request,) = plane.requests("BrowserSessionService/CreateBrowserSession")
    assert request.page_options == browser_sessions_pb2.PageOptions(
        dialogs=browser_sessions_pb2.DIALOG_POLICY_ACCEPT,
        on_crash=browser_sessions_pb2.CRASH_POLICY_CLOSE_SESSION,
        max_pages=5,
        permissions=[{"permission": "notifications"}, {"permission": "camera", "origin": "https://a.example"}],
        http_credentials=[{"origin": "https://a.example", "username": "ada", "password": "secret"}],
    )
    assert [line.split("\t")[:3] for line in listed.out.splitlines()][-2:] == [
        ["", "page-1", "-"],
        ["*", "page-2", "page-1"],
    ]


def test_page_options_of_an_open_session_change_one_by_one(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path
) -> None:
    plane.answers(
        "BrowserSessionService/UpdateBrowserSession",
        browser_sessions_pb2.UpdateBrowserSessionResponse(browser_session=a_session()),
    )
    logins = tmp_path / "logins.json"
    logins.write_text('[{"origin": "https://a.example", "username": "ada", "password": "secret"}]')

    tabkeep("session", "update", "pbs_1", "--dialogs", "accept", "--max-pages", "5", "--http-credentials", str(logins))
    tabkeep("session", "update", "pbs_1", "--grant", "midi", "--no-http-credentials")
    tabkeep("session", "update", "pbs_1", "--grant-nothing")

    first, second, third = plane.requests("BrowserSessionService/UpdateBrowserSession")
    assert list(first.update_mask.paths) == [
        f"page_options.{name}" for name in ("dialogs", "max_pages", "http_credentials")
    ]
    assert first.page_options.http_credentials[0].password == "secret"
    assert list(second.update_mask.paths) == ["page_options.permissions", "page_options.http_credentials"]
    assert second.page_options == browser_sessions_pb2.PageOptions(permissions=[{"permission": "midi"}])
    assert (list(third.update_mask.paths), third.page_options.ByteSize()) == (["page_options.permissions"], 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--no-proxy", "--proxy-location", "US-CA"), "give --no-proxy, or --proxy or --proxy-location, not both"),
        (("--grant-nothing", "--grant", "midi"), "give --grant-nothing, or --grant, not both"),
        (("--block-no-domains", "--block-domain", "a.example"), "give --block-no-domains, or --block-domain, not both"),
        ((), "say what to change"),
    ],
)
def test_a_change_that_contradicts_itself_or_changes_nothing_is_refused_before_it_is_sent(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, options: tuple[str, ...], words: str
) -> None:
    ended = tabkeep("session", "update", "pbs_1", *options)
    assert (ended.status, words in ended.err) == (2, True), ended.err
    assert plane.requests("BrowserSessionService/UpdateBrowserSession") == []


def test_a_session_shows_what_keeps_it_apart(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    apart = {"own_user": True, "memory_limit_bytes": 2**31, "task_limit": 2048, "cpu_percent_limit": 200}
    one = a_session(sandboxed=False, isolation=apart, warm_start=True)
    one.start_time.FromSeconds(1_000_000_000)
    plane.answers(
        "BrowserSessionService/GetBrowserSession", browser_sessions_pb2.GetBrowserSessionResponse(browser_session=one)
    )
    shown = dict(line.split("\t", 1) for line in tabkeep("session", "get", "pbs_1").out.splitlines())
    assert shown["sandbox"] == "off, by the host's operator"
    assert shown["user"] == "its own"
    assert shown["limits"] == "2,048 MiB, 2,048 tasks, 200 % of a core"
    assert shown["warm start"] == "yes"


@pytest.mark.parametrize(("state", "status"), [("RUNNING", 0), ("CLOSED", 1)])
def test_creating_can_wait_until_the_browser_is_up_or_never_will_be(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, state: str, status: int
) -> None:
    pending = a_session(state=browser_sessions_pb2.BROWSER_SESSION_STATE_PENDING)
    later = a_session(state=browser_sessions_pb2.BrowserSessionState.Value(f"BROWSER_SESSION_STATE_{state}"))
    plane.answers(
        "BrowserSessionService/CreateBrowserSession",
        browser_sessions_pb2.CreateBrowserSessionResponse(browser_session=pending),
    )
    plane.streams(
        "BrowserSessionService/WatchBrowserSession",
        [browser_sessions_pb2.WatchBrowserSessionResponse(browser_session=s) for s in (pending, later)] + [HANG],
    )
    ended = tabkeep("session", "create", "--wait", "--json")
    assert (ended.status, ended.json["state"]) == (status, state.lower())


def test_a_list_in_a_pipe_is_tab_separated(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    page = browser_sessions_pb2.ListBrowserSessionsResponse(
        browser_sessions=[a_session(), a_session(browser_session_id="pbs_2")], next_page_token="more"
    )
    plane.answers("BrowserSessionService/ListBrowserSessions", page)
    ended = tabkeep("session", "list", "--state", "running", "--limit", "2")
    header, *rows = [line.split("\t") for line in ended.out.splitlines()]
    assert header[:2] == ["SESSION", "STATE"]
    assert [row[:2] for row in rows] == [["pbs_1", "running"], ["pbs_2", "running"]]
    assert len(plane.requests("BrowserSessionService/ListBrowserSessions")) == 1
    assert [s["browser_session_id"] for s in tabkeep("session", "list", "--limit", "1", "--json").json] == ["pbs_1"]


def test_a_followed_session_is_one_line_per_change(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    closed = a_session(
        state=browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED,
        close_reason=browser_sessions_pb2.CLOSE_REASON_BROWSER_CRASHED,
        close_message="the browser was killed",
    )
    plane.streams(
        "BrowserSessionService/WatchBrowserSession",
        [
            browser_sessions_pb2.WatchBrowserSessionResponse(browser_session=a_session(current_url="https://a/")),
            browser_sessions_pb2.WatchBrowserSessionResponse(browser_session=closed),
        ],
    )
    first, second = tabkeep("session", "watch", "pbs_1").out.splitlines()
    assert first.endswith(" running https://a/")
    assert second.endswith(" closed BROWSER_CRASHED the browser was killed")


def test_other_commands_reach_their_methods(plane: ScriptedControlPlane, tabkeep: Tabkeep, tmp_path: Path) -> None:
    session = a_session()
    workflow = workflows_pb2.Workflow(workflow_id="wf_a", version=2, definition="blocks: []")
    host = hosts_pb2.Host(host_id="h1", state=hosts_pb2.HOST_STATE_READY, capacity=4)
    key = keys_pb2.Key(key_id="k1", scope=keys_pb2.KEY_SCOPE_API)
    file = tmp_path / "wf.yaml"
    file.write_text("blocks: []")
    cases: list[tuple[str, Any, tuple[str, ...], str]] = [
        (
            "BrowserSessionService/GetBrowserSession",
            browser_sessions_pb2.GetBrowserSessionResponse(browser_session=session),
            ("session", "get", "pbs_1"),
            "pbs_1",
        ),
        (
            "BrowserSessionService/ExtendBrowserSession",
            browser_sessions_pb2.ExtendBrowserSessionResponse(browser_session=session),
            ("session", "extend", "pbs_1", "2h"),
            "pbs_1",
        ),
        (
            "BrowserSessionService/CloseBrowserSession",
            browser_sessions_pb2.CloseBrowserSessionResponse(browser_session=session),
            ("session", "close", "pbs_1", "pbs_2"),
            "pbs_1",
        ),
        ("RunService/GetRun", runs_pb2.GetRunResponse(run=a_run()), ("run", "get", "tsk_1", "--wait", "5s"), "tsk_1"),
        ("RunService/ListRuns", runs_pb2.ListRunsResponse(runs=[a_run()]), ("run", "list"), "tsk_1"),
        (
            "RunService/CancelRun",
            runs_pb2.CancelRunResponse(run=a_run("CANCELED")),
            ("run", "cancel", "tsk_1"),
            "canceled",
        ),
        (
            "WorkflowService/CreateWorkflow",
            workflows_pb2.CreateWorkflowResponse(workflow=workflow),
            ("workflow", "create", str(file), "--id", "wf_a"),
            "wf_a",
        ),
        (
            "WorkflowService/GetWorkflow",
            workflows_pb2.GetWorkflowResponse(workflow=workflow),
            ("workflow", "get", "wf_a", "--definition"),
            "blocks: []",
        ),
        (
            "WorkflowService/ListWorkflows",
            workflows_pb2.ListWorkflowsResponse(workflows=[workflow]),
            ("workflow", "list"),
            "wf_a",
        ),
        (
            "WorkflowService/UpdateWorkflow",
            workflows_pb2.UpdateWorkflowResponse(workflow=workflow),
            ("workflow", "update", "wf_a", str(file), "--expected-version", "1"),
            "wf_a",
        ),
        (
            "WorkflowService/DeleteWorkflow",
            workflows_pb2.DeleteWorkflowResponse(),
            ("workflow", "delete", "wf_a"),
            "wf_a",
        ),
        ("HostService/ListHosts", hosts_pb2.ListHostsResponse(hosts=[host]), ("host", "list"), "h1\tready\t0/4"),
        ("HostService/GetHost", hosts_pb2.GetHostResponse(host=host), ("host", "get", "h1"), "h1"),
        (
            "HostService/DrainHost",
            hosts_pb2.DrainHostResponse(host=host),
            ("host", "drain", "h1", "--drain-timeout", "5m"),
            "h1",
        ),
        ("HostService/ReleaseHost", hosts_pb2.ReleaseHostResponse(host=host), ("host", "release", "h1"), "h1"),
        (
            "KeyService/CreateKey",
            keys_pb2.CreateKeyResponse(key=key, secret="tk_text"),
            ("key", "create", "--organization", "o_a"),
            "tk_text",
        ),
        ("KeyService/ListKeys", keys_pb2.ListKeysResponse(keys=[key]), ("key", "list"), "k1"),
        ("KeyService/RevokeKey", keys_pb2.RevokeKeyResponse(key=key), ("key", "revoke", "k1"), "k1"),
    ]
    for method, answer, arguments, shown in cases:
        plane.answers(method, answer)
        ended = tabkeep(*arguments)
        assert (ended.status, ended.err) == (0, ""), arguments
        assert shown in ended.out
        if "--definition" not in arguments and arguments[:2] != ("session", "close"):
            assert tabkeep(*arguments, "--json").json
        assert plane.requests(method)
    assert plane.requests("HostService/DrainHost")[0].drain_timeout.seconds == 300
    assert plane.requests("WorkflowService/UpdateWorkflow")[0].expected_version == 1


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        ("INVALID_ARGUMENT", "FIELD_INVALID", 2),
        ("NOT_FOUND", "RUN_NOT_FOUND", 3),
        ("UNAUTHENTICATED", "KEY_INVALID", 4),
        ("PERMISSION_DENIED", "SCOPE_MISSING", 4),
        ("FAILED_PRECONDITION", "SESSION_CLOSED", 5),
        ("ALREADY_EXISTS", "REQUEST_ID_REUSED", 5),
        ("RESOURCE_EXHAUSTED", "QUEUE_FULL", 5),
        ("INTERNAL", "INTERNAL", 1),
    ],
)
def test_an_error_is_one_line_and_its_kind_is_the_exit_status(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, code: str, reason: str, status: int
) -> None:
    plane.answers("RunService/GetRun", Failure(grpc.StatusCode[code], reason, "the reason\nin words"))
    ended = tabkeep("run", "get", "tsk_1")
    assert (ended.status, ended.out) == (status, "")
    assert ended.err == f"error: the reason in words [{code}/{reason}]\n"
    ended = tabkeep("run", "get", "tsk_1", "--json")
    assert (ended.status, ended.out) == (status, "")
    assert json.loads(ended.err)["error"]["reason"] == reason


def test_nobody_at_the_address_is_exit_status_6(tabkeep: Tabkeep, plane: ScriptedControlPlane) -> None:
    plane.close()
    ended = tabkeep("host", "list")
    assert ended.status == 6
    assert ended.err.startswith(f"error: no answer from the control plane at {plane.address}")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "task"), "give a PROMPT or --actions"),
        (("run", "task", "x", "--timeout", "30"), "write for example 90s, 30m or 1h30m"),
        (("run", "task", "x", "--session", "pbs_1", "--browser", "chrome"), "drop --session"),
        (("run", "task", "x", "--label", "novalue"), "is not key=value"),
        (("run", "list", "--status", "odd"), "'odd' is not one of created"),
        (("session", "create", "--viewport", "big"), "is not WIDTHxHEIGHT"),
        (("session", "create", "--browser", "opera"), "'opera' is not one of"),
        (("session", "create", "--proxy", "http://me:secret@p.example:1"), "--proxy-password-file"),
        (("session", "create", "--proxy-user", "me"), "belong to a --proxy"),
        (("session", "create", "--dialogs", "maybe"), "'dismiss', 'accept'"),
        (("session", "create", "--max-pages", "101"), "1<=x<=100"),
        (("session", "create", "--http-credentials", __file__), "must hold"),
        (("session", "get"), "Missing argument"),
        (("no-such-command",), "No such command"),
        (("host", "--capacity", "2", "list"), "belong to `host run`"),
    ],
)
def test_wrong_usage_is_exit_status_2_and_sends_nothing(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, arguments: tuple[str, ...], said: str
) -> None:
    ended = tabkeep(*arguments)
    assert ended.status == 2
    assert said in " ".join(ended.err.split())
    assert plane.received == []


def test_the_key_that_up_left_is_used_on_this_machine_only(
    plane: ScriptedControlPlane, tabkeep: Tabkeep, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TABKEEP_API_KEY")
    monkeypatch.setenv("TABKEEP_DATA_DIR", str(tmp_path))
    plane.answers("HostService/ListHosts", hosts_pb2.ListHostsResponse())
    assert tabkeep("host", "list").status == 4
    (tmp_path / "api-key").write_text("tk_left\n")
    assert tabkeep("host", "list").status == 0
    assert plane.received[-1].metadata["x-api-key"] == "tk_left"
    ended = tabkeep("host", "list", "--address", "control.example:7330")
    assert (ended.status, "no API key" in ended.err) == (4, True)


def run_program(plane: ScriptedControlPlane, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "TABKEEP_ADDRESS": plane.address,
        "TABKEEP_API_KEY": API_KEY,
        "TERM": "xterm",
        "COLUMNS": "80",
    }
    command = [sys.executable, "-c", "from tabkeep.cli import main; main()", *arguments]
    return subprocess.Popen(command, env=environment, **options)


def test_ctrl_c_ends_a_watch_with_status_130_and_nothing_ugly(plane: ScriptedControlPlane) -> None:
    plane.streams("RunService/WatchRun", [shows(a_run("RUNNING")), HANG])
    process = run_program(plane, "run", "watch", "tsk_1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"run tsk_1 running\n"
        process.send_signal(2)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, said.strip()) == (130, b"")


def test_a_reader_that_has_enough_is_no_error(plane: ScriptedControlPlane) -> None:
    plane.answers("RunService/ListRuns", runs_pb2.ListRunsResponse(runs=[a_run(prompt="x" * 1000)] * 400))
    process = run_program(plane, "run", "list", "--limit", "400", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, said = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, b"")


def on_a_terminal(plane: ScriptedControlPlane, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal of 80 columns and return its exit status and what it showed."""
    ours, theirs = pty.openpty()
    process = run_program(plane, *arguments, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        # The terminal ends with an error on Linux and with nothing elsewhere.
        with suppress(OSError):
            while data := os.read(ours, 65536):
                shown += data
        return process.wait(timeout=20), shown.decode()
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def test_on_a_terminal_steps_are_shown_live_with_marks_and_no_control_characters_of_the_page(
    plane: ScriptedControlPlane,
) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    plane.streams("RunService/WatchRun", WATCHED)
    status, text = on_a_terminal(plane, "run", "task", "Buy")
    assert status == 1
    assert "✓" in text
    assert "click button 'Add to cart'" in text
    assert "✗" in text
    assert "no link \x1b[31m'Checkout'" not in text
    assert '"cart"' in text


def test_a_table_on_a_narrow_terminal_keeps_its_ids_whole(plane: ScriptedControlPlane) -> None:
    session_id = "pbs_01m81j3ch584w9g6a18xqbnxw3"
    session = a_session(browser_session_id=session_id, current_url="https://shop.example/" + "x" * 200)
    page = browser_sessions_pb2.ListBrowserSessionsResponse(browser_sessions=[session])
    plane.answers("BrowserSessionService/ListBrowserSessions", page)
    status, text = on_a_terminal(plane, "session", "list")
    header, row = text.splitlines()
    assert status == 0
    assert session_id in row
    assert "SESSION" in header
    assert "x" * 200 not in row


def test_recordings_are_listed_shown_exported_and_deleted(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    task = recordings_pb2.RecordedTask(template="Log in as '{{value_1}}'", origin="https://shop.example")
    task.values.add(name="value_1")
    one = recordings_pb2.Recording(
        recording_id="rec_1", state=recordings_pb2.RECORDING_STATE_TRUSTED, version=2, success_count=3, task=task
    )
    whole = recordings_pb2.Recording()
    whole.CopyFrom(one)
    part = whole.task.parts.add(clause="log in")
    part.steps.add(action=actions_pb2.Action(back=actions_pb2.Back()))
    plane.answers("RecordingService/ListRecordings", recordings_pb2.ListRecordingsResponse(recordings=[one]))
    plane.answers("RecordingService/GetRecording", recordings_pb2.GetRecordingResponse(recording=whole))
    plane.answers("RecordingService/ExportRecording", recordings_pb2.ExportRecordingResponse(content="version: 1\n"))
    plane.answers("RecordingService/DeleteRecording", recordings_pb2.DeleteRecordingResponse())

    listed = tabkeep("recording", "list", "--origin", "https://shop.example/a")
    assert "rec_1\ttrusted\t2\t3\thttps://shop.example\tLog in as '{{value_1}}'" in listed.out
    shown = tabkeep("recording", "show", "rec_1")
    assert "part: log in" in shown.out
    assert "back" in shown.out.splitlines()[-1]
    assert tabkeep("recording", "export", "rec_1", "--format", "playwright_python").out == "version: 1\n"
    (asked,) = plane.requests("RecordingService/ExportRecording")
    assert asked.format == recordings_pb2.RECORDING_FORMAT_PLAYWRIGHT_PYTHON
    assert tabkeep("recording", "delete", "rec_1").status == 0


def test_a_replay_says_what_it_replays_and_what_was_healed(plane: ScriptedControlPlane, tabkeep: Tabkeep) -> None:
    plane.answers("RunService/RunTask", runs_pb2.RunTaskResponse(run=a_run("CREATED")))
    healed = runs_pb2.StepHealed(step=1, recorded='click button "Save"', found='button "Save all"', by="id")
    plane.streams(
        "RunService/WatchRun",
        [
            *events(
                {"plan_made": runs_pb2.PlanMade(planner="replay", clauses=["log in"], recording_id="rec_1")},
                {"step_healed": healed},
                {"replayed": runs_pb2.Replayed(recording_id="rec_1", stale=True, message="no link")},
                {"task_recorded": runs_pb2.TaskRecorded(recording_id="rec_1", mended=True)},
            ),
            shows(a_run("COMPLETED", last_seq=4)),
        ],
    )
    ended = tabkeep("run", "task", "Log in", "--replay", "only")
    assert ended.out.splitlines()[:4] == [
        "replay of rec_1: log in",
        'step 1 healed by id: click button "Save" is now button "Save all"',
        "recording rec_1 does not fit any more: no link",
        "task mended: rec_1",
    ]
    (request,) = plane.requests("RunService/RunTask")
    assert request.replay_mode == runs_pb2.REPLAY_MODE_ONLY
