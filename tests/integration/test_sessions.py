"""Sessions through the public API, with a host that speaks the real protocol and has no browsers."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from tabkeep.v1 import browser_sessions_pb2 as pb
from tabkeep.v1 import hosts_pb2

from tests.fake_host import FakeHost


def minutes(count: float) -> Duration:
    return Duration(seconds=int(count * 60))


async def test_a_new_session_is_answered_before_its_browser_is_up_and_runs_after_the_launch(api, host):
    created = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    assert created.state == pb.BROWSER_SESSION_STATE_LAUNCHING
    assert not created.HasField("expire_time")

    await host.launch(age=timedelta(seconds=2))

    session = await get(api, created.browser_session_id)
    assert session.state == pb.BROWSER_SESSION_STATE_RUNNING
    assert session.host_id == "host-a"
    assert session.expire_time.ToDatetime() - session.start_time.ToDatetime() == timedelta(minutes=60)
    assert session.create_time.ToDatetime() - session.start_time.ToDatetime() == timedelta(seconds=2)
    assert session.browser_version == "Chromium 1.2.3"


async def get(api, browser_session_id):
    answer = await api.sessions.GetBrowserSession(pb.GetBrowserSessionRequest(browser_session_id=browser_session_id))
    return answer.browser_session


async def running_session(api, host, **fields):
    created = await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(**fields))
    launch = await host.launch()
    assert launch.browser_session_id == created.browser_session.browser_session_id
    return launch


async def test_a_closed_session_tells_its_host_and_is_gone_when_the_host_says_so(api, host):
    launch = await running_session(api, host)
    request = pb.CloseBrowserSessionRequest(browser_session_id=launch.browser_session_id)

    closed = (await api.sessions.CloseBrowserSession(request)).browser_session

    assert (closed.state, closed.close_reason) == (pb.BROWSER_SESSION_STATE_CLOSED, pb.CLOSE_REASON_REQUESTED)
    assert not closed.HasField("browser_gone_time")
    await host.done(await host.command("close"))
    await host.bury(launch)
    assert (await get(api, launch.browser_session_id)).HasField("browser_gone_time")


async def test_closing_a_closed_session_returns_it_unchanged(api, host):
    launch = await running_session(api, host)
    request = pb.CloseBrowserSessionRequest(browser_session_id=launch.browser_session_id)
    first = await api.sessions.CloseBrowserSession(request)
    second = await api.sessions.CloseBrowserSession(request)
    assert first == second


async def test_a_session_closes_timed_out_at_its_deadline(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    await advance(timedelta(minutes=4, seconds=59))
    assert (await get(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING

    await advance(timedelta(seconds=1))

    session = await get(api, launch.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_TIMED_OUT
    assert session.close_message == "timed out after 5m"
    assert (await host.command("close")).fence == launch.fence


async def test_an_extended_session_lives_on_and_its_host_learns_the_new_timeout(api, host, advance):
    launch = await running_session(api, host, timeout=minutes(5))
    request = pb.ExtendBrowserSessionRequest(browser_session_id=launch.browser_session_id, timeout=minutes(10))

    extended = (await api.sessions.ExtendBrowserSession(request)).browser_session

    assert extended.expire_time.ToDatetime() - extended.start_time.ToDatetime() == timedelta(minutes=10)
    assert (await host.command("set_timeout")).set_timeout.timeout == minutes(10)
    await advance(timedelta(minutes=6))
    assert (await get(api, launch.browser_session_id)).state == pb.BROWSER_SESSION_STATE_RUNNING


async def test_a_session_waits_for_a_host_with_room_and_gets_the_first_free_place(api, host, control_plane, host_token):
    small = FakeHost(control_plane.address, host_token, "host-b", capacity=0)
    host_full = [await running_session(api, host) for _ in range(4)]
    waiting = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    assert waiting.state == pb.BROWSER_SESSION_STATE_PENDING

    await api.sessions.CloseBrowserSession(
        pb.CloseBrowserSessionRequest(browser_session_id=host_full[0].browser_session_id)
    )
    assert (await get(api, waiting.browser_session_id)).state == pb.BROWSER_SESSION_STATE_PENDING
    await host.bury(host_full[0])

    assert (await get(api, waiting.browser_session_id)).state == pb.BROWSER_SESSION_STATE_LAUNCHING
    assert (await host.command("launch")).browser_session_id == waiting.browser_session_id
    await small.vanish()


async def test_a_session_without_a_host_closes_no_capacity_and_says_what_the_hosts_were_doing(api, host, advance):
    for _ in range(4):
        await running_session(api, host)
    waiting = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session

    await advance(timedelta(seconds=60))

    session = await get(api, waiting.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_NO_CAPACITY
    assert session.close_message == "no host had room for chrome within 60s (host-a: ready, 4 of 4 taken)"


async def test_a_browser_that_no_attached_host_offers_is_refused_with_what_is_offered(api, host):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(browser_type=pb.BROWSER_TYPE_MSEDGE))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert refused.value.details().startswith("no host offers msedge; offered are: host-a: chrome; a host offers ")


async def test_a_failed_launch_is_tried_on_another_host_before_the_session_closes(api, host, control_plane, host_token):
    other = FakeHost(control_plane.address, host_token, "host-b")
    await other.attach()
    created = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    await host.fail(await host.command("launch"), "LAUNCH_FAILED", "no chromium here")

    second = await other.command("launch")
    assert second.browser_session_id == created.browser_session_id
    await other.fail(second, "LAUNCH_FAILED", "no chromium here either")
    third = await host.command("launch")
    assert third.fence > second.fence
    await host.fail(third, "LAUNCH_FAILED", "still none")

    session = await get(api, created.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_LAUNCH_FAILED
    assert session.close_message == "the browser could not be started: still none"
    await other.vanish()


async def test_a_launch_that_takes_too_long_is_aborted_and_its_place_owed_until_the_host_confirms(api, host, advance):
    created = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    launch = await host.command("launch")
    await advance(timedelta(seconds=30))
    assert (await get(api, created.browser_session_id)).state == pb.BROWSER_SESSION_STATE_LAUNCHING
    assert (await host.command("close")).fence == launch.fence
    await host.bury(launch, pb.CLOSE_REASON_LAUNCH_FAILED)
    session = await get(api, created.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_LAUNCH_FAILED
    assert session.HasField("browser_gone_time")


async def test_a_browser_that_died_closes_its_session_crashed(api, host):
    launch = await running_session(api, host)
    await host.bury(launch, pb.CLOSE_REASON_BROWSER_CRASHED)
    session = await get(api, launch.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_BROWSER_CRASHED
    assert session.HasField("browser_gone_time")


async def test_the_same_request_id_returns_the_same_session_and_another_body_is_refused(api, host):
    request = pb.CreateBrowserSessionRequest(request_id="r-1", timeout=minutes(5))
    first = await api.sessions.CreateBrowserSession(request)
    second = await api.sessions.CreateBrowserSession(request)
    assert first.browser_session.browser_session_id == second.browser_session.browser_session_id

    request.timeout.CopyFrom(minutes(6))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.sessions.CreateBrowserSession(request)
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    listed = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())
    assert len(listed.browser_sessions) == 1


@pytest.mark.parametrize(
    ("request_fields", "message"),
    [
        ({"timeout": Duration(seconds=299)}, "timeout: 299s is below the minimum of 5m"),
        ({"timeout": Duration(seconds=86401)}, "timeout: 86401s is above the maximum of 24h"),
        ({"url": "file:///etc/passwd"}, "url: 'file:///etc/passwd' is not an absolute http or https URL"),
        ({"browser_type": 9}, "browser_type: 9 is unknown: use CHROME or MSEDGE"),
        ({"viewport": pb.Viewport(width=1, height=800)}, "viewport.width: 1 is not within 320 to 7680"),
        ({"queue_timeout": Duration(seconds=-1)}, "queue_timeout: -1s is below the minimum of 0s"),
        ({"request_id": "x" * 129}, "request_id: 129 characters are more than the maximum of 128"),
    ],
)
async def test_bad_input_names_the_field_and_the_bound_and_stores_nothing(api, host, request_fields, message):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(**request_fields))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.value.details() == message
    assert not (await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest())).browser_sessions


async def test_lists_come_in_pages_newest_first_and_filtered_by_state_and_labels(api, host):
    ids = []
    for number in range(5):
        labels = {"team": "a" if number % 2 else "b"}
        answer = await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(labels=labels))
        ids.append(answer.browser_session.browser_session_id)

    first = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(page_size=2))
    rest = await api.sessions.ListBrowserSessions(
        pb.ListBrowserSessionsRequest(page_size=3, page_token=first.next_page_token)
    )
    listed = [one.browser_session_id for one in (*first.browser_sessions, *rest.browser_sessions)]
    assert listed == ids[::-1]
    assert rest.next_page_token == ""
    of_team = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(labels={"team": "a"}))
    assert [one.browser_session_id for one in of_team.browser_sessions] == [ids[3], ids[1]]
    pending = await api.sessions.ListBrowserSessions(
        pb.ListBrowserSessionsRequest(states=[pb.BROWSER_SESSION_STATE_PENDING])
    )
    assert [one.browser_session_id for one in pending.browser_sessions] == [ids[4]]


async def test_a_page_token_of_another_filter_is_refused(api, host):
    for _ in range(3):
        await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())
    first = await api.sessions.ListBrowserSessions(pb.ListBrowserSessionsRequest(page_size=1))
    other = pb.ListBrowserSessionsRequest(page_token=first.next_page_token, labels={"a": "b"})
    with pytest.raises(grpc.aio.AioRpcError, match="page_token: was not made for this list"):
        await api.sessions.ListBrowserSessions(other)


async def test_a_watcher_sees_the_state_the_page_a_warning_and_the_end(api, host, advance):
    created = (
        await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest(timeout=minutes(5)))
    ).browser_session
    watch = api.sessions.WatchBrowserSession(
        pb.WatchBrowserSessionRequest(browser_session_id=created.browser_session_id)
    )
    assert (await watch.read()).change == pb.BROWSER_SESSION_CHANGE_SNAPSHOT
    launch = await host.launch()
    assert (await watch.read()).browser_session.state == pb.BROWSER_SESSION_STATE_RUNNING

    await host.send(
        page_report={
            "browser_session_id": launch.browser_session_id,
            "fence": launch.fence,
            "url": "https://shop.example/cart",
            "title": "Cart",
            "tab_count": 2,
        }
    )
    page = await watch.read()
    assert page.change == pb.BROWSER_SESSION_CHANGE_PAGE
    assert (page.browser_session.current_url, page.browser_session.tab_count) == ("https://shop.example/cart", 2)

    await advance(timedelta(minutes=4))
    await host.send(
        page_report={
            "browser_session_id": launch.browser_session_id,
            "fence": launch.fence,
            "url": "https://shop.example/",
            "title": "Shop",
            "tab_count": 1,
        }
    )
    seen = []
    while pb.BROWSER_SESSION_CHANGE_EXPIRY_WARNING not in seen:
        seen.append((await watch.read()).change)
    await advance(timedelta(minutes=1))
    while (last := await watch.read()).browser_session.state != pb.BROWSER_SESSION_STATE_CLOSED:
        pass
    assert await watch.read() is grpc.aio.EOF
    assert last.browser_session.close_reason == pb.CLOSE_REASON_TIMED_OUT


async def test_a_host_that_never_answers_an_aborted_launch_lets_the_session_close_but_owes_the_place(
    api, host, advance
):
    created = (await api.sessions.CreateBrowserSession(pb.CreateBrowserSessionRequest())).browser_session
    await advance(timedelta(seconds=30))
    await advance(timedelta(seconds=30))
    session = await get(api, created.browser_session_id)
    assert session.close_reason == pb.CLOSE_REASON_LAUNCH_FAILED
    assert "does not answer" in session.close_message
    [shown] = (await api.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
    assert shown.sessions == 1
