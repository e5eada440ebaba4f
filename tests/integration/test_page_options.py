"""How a session's tabs and dialogs are dealt with: asked for over the API, kept, told to the host, shown."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf import json_format
from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from tests.fake_host import FakeHost
from tests.integration.test_networks import created, everything_on_disk, got, updated
from tests.refusals import refused


def some_options(**more) -> pb.PageOptions:
    given = {
        "dialogs": pb.DIALOG_POLICY_ACCEPT,
        "max_pages": 3,
        "permissions": [{"permission": "camera", "origin": "https://Bücher.example:443/"}],
        "http_credentials": [{"origin": "http://[2001:DB8::7]:8080", "username": "ada", "password": "own-secret"}],
    }
    return pb.PageOptions(**{**given, **more})  # type: ignore[arg-type]


async def test_page_options_reach_the_host_whole_and_callers_and_the_disk_never_see_the_credentials(
    api, host, config, caplog
):
    session = await created(api, page_options=some_options())

    told = (await host.launch()).launch.page_options
    assert (told.dialogs, told.on_crash, told.max_pages) == (pb.DIALOG_POLICY_ACCEPT, pb.CRASH_POLICY_RELOAD, 3)
    assert list(told.permissions) == [pb.PermissionGrant(permission="camera", origin="https://xn--bcher-kva.example")]
    login = pb.HttpCredential(origin="http://[2001:db8::7]:8080", username="ada", password="own-secret")
    assert list(told.http_credentials) == [login]
    for answer in (session, await got(api, session)):
        assert answer.page_options.max_pages == 3
        assert list(answer.page_options.http_credentials) == [pb.HttpCredential(origin="http://[2001:db8::7]:8080")]
    assert b"own-secret" not in everything_on_disk(config.data_dir)
    assert "own-secret" not in caplog.text


async def test_the_defaults_are_shown_and_not_told(api, host):
    session = await created(api)
    assert session.page_options == pb.PageOptions(
        dialogs=pb.DIALOG_POLICY_DISMISS, on_crash=pb.CRASH_POLICY_RELOAD, max_pages=20
    )
    assert not (await host.launch()).launch.HasField("page_options")


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"dialogs": 9}, "dialogs", "9 is no policy: use DISMISS or ACCEPT"),
        ({"on_crash": 9}, "on_crash", "use RELOAD or CLOSE_SESSION"),
        ({"max_pages": 101}, "max_pages", "101 is not within 1 to 100"),
        ({"max_pages": -1}, "max_pages", "1 to 100"),
        ({"permissions": [{"permission": "cookies"}]}, "permissions[0].permission", "camera, clipboard-read"),
        (
            {"permissions": [{"permission": "midi", "origin": "example.com"}]},
            "permissions[0].origin",
            "'example.com' is not an origin: use a form like https://example.com",
        ),
        ({"permissions": [{"permission": "midi"}] * 51}, "permissions", "more than the maximum of 50"),
        ({"http_credentials": [{"username": "a"}]}, "http_credentials[0].origin", "is not an origin"),
        (
            {"http_credentials": [{"origin": "https://a.example/path", "username": "a"}]},
            "http_credentials[0].origin",
            "is not an origin",
        ),
        (
            {"http_credentials": [{"origin": "https://*.example", "username": "a"}]},
            "http_credentials[0].origin",
            "is not an origin",
        ),
        ({"http_credentials": [{"origin": "https://a.example"}]}, "http_credentials[0].username", "must not be empty"),
        (
            {"http_credentials": [{"origin": "https://a.example", "username": "a:b"}]},
            "http_credentials[0].username",
            "must not contain ':'",
        ),
        (
            {"http_credentials": [{"origin": "https://a.example", "username": "a", "password": "é" * 128}]},
            "http_credentials[0].password",
            "255 bytes",
        ),
        (
            {"http_credentials": [{"origin": "https://a.example", "username": "a", "password": "a\nb"}]},
            "http_credentials[0].password",
            "control characters",
        ),
        (
            {"http_credentials": [{"origin": f"https://a.example{end}", "username": "a"} for end in ("", ":443")]},
            "http_credentials[1].origin",
            "https://a.example has credentials already",
        ),
        (
            {"http_credentials": [{"origin": f"https://a{n}.example", "username": "a"} for n in range(21)]},
            "http_credentials",
            "more than the maximum of 20",
        ),
    ],
)
async def test_a_wrong_option_is_refused_with_its_field_and_what_is_possible(api, options, field, words):
    asked = pb.PageOptions(**options)
    refusal = await refused(created(api, page_options=asked))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert words in refusal.fields[f"page_options.{field}"]
    request = runs_pb2.RunTaskRequest(
        prompt="go back", browser_session=pb.CreateBrowserSessionRequest(page_options=asked)
    )
    refusal = await refused(api.runs.RunTask(request))
    assert words in refusal.fields[f"browser_session.page_options.{field}"]


async def test_page_options_of_a_live_session_change_as_the_mask_says_and_its_host_is_told_all_of_them(
    api, host, config, caplog
):
    session = await created(api, page_options=some_options())
    await host.launch()

    asked = pb.PageOptions(max_pages=7, permissions=[{"permission": "midi"}])
    changed = await updated(api, session, "page_options.max_pages", "page_options.dialogs", page_options=asked)

    command = await host.command("set_page_options")
    told = command.set_page_options
    assert (told.dialogs, told.max_pages) == (pb.DIALOG_POLICY_DISMISS, 7), "named and not given: the default"
    assert [grant.permission for grant in told.permissions] == ["camera"], "not named"
    assert told.http_credentials[0].password == "own-secret"
    assert (changed.page_options.max_pages, changed.page_options.dialogs) == (7, pb.DIALOG_POLICY_DISMISS)
    assert list(changed.page_options.http_credentials) == [pb.HttpCredential(origin="http://[2001:db8::7]:8080")]
    await host.done(command)

    changed = await updated(
        api, session, "page_options", "blocked_domains", page_options=asked, blocked_domains=["b.example"]
    )
    assert changed == await got(api, session)
    assert changed.page_options == pb.PageOptions(
        dialogs=pb.DIALOG_POLICY_DISMISS,
        on_crash=pb.CRASH_POLICY_RELOAD,
        max_pages=7,
        permissions=[{"permission": "midi"}],
    )
    await host.command("set_network")
    told = (await host.command("set_page_options")).set_page_options
    assert (told.max_pages, len(told.http_credentials)) == (7, 0)
    assert b"own-secret" not in everything_on_disk(config.data_dir)
    assert "own-secret" not in caplog.text


async def test_page_options_of_a_session_that_waits_count_at_its_launch(api, control_plane, host_token):
    session = await created(api)
    await updated(api, session, "page_options.max_pages", page_options=pb.PageOptions(max_pages=3))
    host = FakeHost(control_plane.address, host_token)
    await host.attach()
    assert (await host.launch()).launch.page_options.max_pages == 3
    await host.vanish()


@pytest.mark.parametrize(
    ("paths", "options", "field", "words"),
    [
        (("page_options.tabs",), {}, "update_mask", "page_options.max_pages"),
        (("page_options.max_pages",), {"max_pages": 101}, "page_options.max_pages", "1 to 100"),
        (("page_options",), {"permissions": [{"permission": "cookies"}]}, "page_options.permissions[0].permission", ""),
    ],
)
async def test_a_wrong_change_is_refused_with_its_field_and_changes_nothing(api, paths, options, field, words):
    session = await created(api)
    refusal = await refused(updated(api, session, *paths, page_options=pb.PageOptions(**options)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert words in refusal.fields[field]
    assert await got(api, session) == session


async def test_a_password_in_the_wrong_field_is_not_repeated(api):
    login = pb.HttpCredential(origin="https://ada:own-secret@a.example", username="own-secret:")
    refusal = await refused(created(api, page_options=pb.PageOptions(http_credentials=[login])))
    assert len(refusal.fields) == 2
    assert "own-secret" not in refusal.message + str(refusal.fields)


@pytest.mark.parametrize(
    ("action", "field", "words"),
    [
        ({"tab": {}}, "tab", "set one of switch_to, open, close"),
        ({"tab": {"switchTo": {}}}, "tab.switch_to", "set one of index, title, url, page_id, previous"),
        ({"tab": {"switchTo": {"index": 0}}}, "tab.switch_to.index", "use 1 to 100, or -1"),
        ({"tab": {"close": {"title": " "}}}, "tab.close.title", "must not be empty"),
        ({"tab": {"close": {"previous": False}}}, "tab.close.previous", "must be true"),
        ({"tab": {"open": {"url": "file:///etc/passwd"}}}, "tab.open.url", "not an absolute http or https URL"),
        ({"dialog": {}}, "dialog.answer", "use ACCEPT or DISMISS"),
        (
            {"dialog": {"answer": "DIALOG_ANSWER_DISMISS", "text": {"literal": "a"}}},
            "dialog.text",
            "is for a prompt that is accepted",
        ),
        ({"dialog": {"answer": "DIALOG_ANSWER_ACCEPT", "text": {"parameter": "a"}}}, "dialog.text", "only workflows"),
        ({"dialog": {"answer": "DIALOG_ANSWER_ACCEPT", "text": {}}}, "dialog.text", "set text.literal"),
        (
            {"dialog": {"answer": "DIALOG_ANSWER_ACCEPT", "text": {"credential": {"part": 2}}}},
            "dialog.text",
            "known before",
        ),
    ],
)
async def test_a_wrong_action_is_refused_with_its_field_and_what_is_possible(api, action, field, words):
    given = json_format.ParseDict(action, actions_pb2.Action())
    refusal = await refused(api.runs.RunTask(runs_pb2.RunTaskRequest(actions=[given])))
    assert words in refusal.fields[f"actions[0].{field}"]


async def test_the_tabs_and_troubles_that_a_host_reports_are_shown_until_the_session_is_closed(api, host):
    session = await created(api)
    launch = await host.launch()
    whose = {"browser_session_id": session.browser_session_id, "fence": launch.fence}
    pages = [
        {"page_id": "page-1", "url": "https://a.example/", "title": "A"},
        {"page_id": "page-2", "url": "https://b.example/", "opener_page_id": "page-1", "current": True},
    ]
    crashed = {"type": "PAGE_CRASHED", "since_time": {"seconds": 1_000_000_000}, "message": "a page crashed"}
    forged = {"type": "HOST_DRAINING", "message": "not a host's to say here"}
    watch = api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=session.browser_session_id)
    )
    await watch.read()
    await host.send(page_report={**whose, "url": "u", "tab_count": 2, "pages": pages, "conditions": [crashed, forged]})
    while (now := (await watch.read()).browser_session).current_url != "u":
        pass
    assert [(one.type, one.since_time.seconds, one.message) for one in now.conditions] == [
        ("PAGE_CRASHED", 1_000_000_000, "a page crashed")
    ]
    request = pb.ListPagesRequest(browser_session_id=session.browser_session_id)
    assert list((await api.sessions.ListPages(request)).pages) == [pb.BrowserPage(**one) for one in pages]

    await api.sessions.CloseBrowserSession(pb.CloseBrowserSessionRequest(browser_session_id=session.browser_session_id))
    assert not (await api.sessions.ListPages(request)).pages
    assert not (await got(api, session)).conditions
    refusal = await refused(api.sessions.ListPages(pb.ListPagesRequest(browser_session_id="pbs_none")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")


async def test_a_crash_that_ends_the_session_closes_it_with_its_reason_and_fails_its_run(api, host):
    options = pb.PageOptions(on_crash=pb.CRASH_POLICY_CLOSE_SESSION)
    session = await created(api, page_options=options)
    launch = await host.launch()
    request = runs_pb2.RunTaskRequest(prompt="go back", browser_session_id=session.browser_session_id)
    run = (await api.runs.RunTask(request)).run
    await host.command("start_run")
    await host.send(
        tombstone={
            "browser_session_id": session.browser_session_id,
            "fence": launch.fence,
            "reason": pb.CLOSE_REASON_PAGE_CRASHED,
            "message": "the process of a page of a.example crashed",
        }
    )
    wait = runs_pb2.GetRunRequest(run_id=run.run_id)
    wait.wait_timeout.FromSeconds(30)
    ended = (await api.runs.GetRun(wait)).run
    assert ended.failure_reason == runs_pb2.FAILURE_REASON_PAGE_CRASHED
    closed = await got(api, session)
    assert (closed.close_reason, closed.close_message) == (
        pb.CLOSE_REASON_PAGE_CRASHED,
        "the process of a page of a.example crashed",
    )
