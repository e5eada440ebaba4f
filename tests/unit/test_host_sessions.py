"""The host's logic on a fake browser, a fake control plane and virtual time: launches, ends, fences, capacity."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from browser_host.messages import (
    Close,
    Command,
    CommandResult,
    Done,
    EndReason,
    Failure,
    Launched,
    Network,
    PageOptions,
    PageReport,
    Placement,
    Proxy,
    SetNetwork,
    SetPageOptions,
    SetTimeout,
    Unsupported,
)
from browser_host.open_browser import ProxyUnusable, Shown
from browser_host.pages import Trouble
from tests.host_fakes import a_host, a_launch, attached, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)


@virtual_time
async def test_a_launch_answers_launched_with_the_age_and_the_version() -> None:
    async with attached() as (parts, control_plane):
        outcome = await control_plane.launch(ONE)
        assert outcome == Launched(timedelta(seconds=0.4), "Fake 1.0")
        assert len(parts.launcher.alive()) == 1


@virtual_time
async def test_a_command_that_comes_again_is_carried_out_once_and_answered_the_same() -> None:
    async with attached() as (parts, control_plane):
        launch = control_plane.command(ONE, a_launch())
        again = Command(launch, ONE, "", a_launch())
        control_plane.send(again)
        first = await control_plane.result(launch)
        control_plane.send(again)
        await control_plane.close(ONE)
        control_plane.send(again)
        await asyncio.sleep(5)
        assert isinstance(first, Launched)
        assert len(parts.launcher.browsers) == 1
        answers = [message for message in control_plane.received if message == CommandResult(launch, first)]
        assert answers
        assert not [
            message
            for message in control_plane.received
            if isinstance(message, CommandResult) and message.command_id == launch and message.outcome != first
        ]


@virtual_time
async def test_a_closed_session_leaves_a_tombstone_and_no_browser() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        tombstone = await control_plane.close(ONE)
        assert tombstone.reason is EndReason.REQUESTED
        assert parts.launcher.alive() == []
        await until(lambda: not parts.host.has_unacknowledged(), "all acks")
        assert parts.host.session_count() == 0


@virtual_time
async def test_the_tombstone_comes_after_the_browser_is_gone() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.launcher.browsers[0].close_seconds = 2.0
        command_id = control_plane.command(ONE, Close())
        assert await control_plane.result(command_id) == Done()
        await asyncio.sleep(1.9)
        assert ONE not in control_plane.tombstones
        await control_plane.tombstone(ONE)
        assert not parts.launcher.browsers[0].alive


@virtual_time
async def test_a_failed_launch_says_why_and_frees_its_place() -> None:
    async with attached(a_host(capacity=1)) as (parts, control_plane):
        parts.launcher.fail_with = "no such browser"
        assert await control_plane.launch(ONE) == Failure("LAUNCH_FAILED", "no such browser")
        assert (await control_plane.tombstone(ONE)).reason is EndReason.LAUNCH_FAILED
        parts.launcher.fail_with = ""
        assert isinstance(await control_plane.launch(Placement("pbs_2", 8)), Launched)


@virtual_time
async def test_closing_a_session_that_launches_abandons_the_launch() -> None:
    async with attached() as (parts, control_plane):
        launch = control_plane.command(ONE, a_launch())
        await asyncio.sleep(0.1)
        control_plane.command(ONE, Close())
        assert (await control_plane.tombstone(ONE)).reason is EndReason.REQUESTED
        outcome = await control_plane.result(launch)
        assert isinstance(outcome, Failure)
        assert outcome.reason == "LAUNCH_FAILED"
        assert parts.launcher.abandoned == 1
        assert parts.launcher.browsers == []


@virtual_time
async def test_a_launch_failure_is_told_only_when_no_browser_is_left() -> None:
    async with attached() as (parts, control_plane):
        # The browser comes up in spite of the cancellation, and takes its time to go again.
        parts.launcher.too_late_to_cancel = True
        launch = control_plane.command(ONE, a_launch())
        await asyncio.sleep(0.1)
        control_plane.command(ONE, Close())
        await until(lambda: parts.launcher.browsers, "the browser")
        assert parts.launcher.browsers[0].alive
        assert launch not in control_plane.results
        outcome = await control_plane.result(launch)
        assert isinstance(outcome, Failure)
        assert not parts.launcher.browsers[0].alive


@virtual_time
async def test_a_command_under_another_fence_is_stale() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        for kind in (Close(), a_launch(), SetTimeout(timedelta(minutes=9))):
            outcome = await control_plane.result(control_plane.command(Placement("pbs_1", 8), kind))
            assert isinstance(outcome, Failure)
            assert outcome.reason == "STALE_FENCE"
        assert len(parts.launcher.alive()) == 1


@virtual_time
async def test_a_session_that_is_not_here_is_unknown_also_to_a_close_so_that_its_place_is_given_back() -> None:
    async with attached() as (_, control_plane):
        for kind in (Close(), SetTimeout(timedelta(minutes=9))):
            outcome = await control_plane.result(control_plane.command(ONE, kind))
            assert isinstance(outcome, Failure)
            assert outcome.reason == "UNKNOWN_SESSION"


@virtual_time
async def test_a_command_of_an_unknown_kind_is_answered_unsupported() -> None:
    async with attached() as (_, control_plane):
        outcome = await control_plane.result(control_plane.command(ONE, Unsupported("fly")))
        assert outcome == Failure("UNSUPPORTED", "fly")


@virtual_time
async def test_no_browser_is_launched_without_a_holding_lease() -> None:
    async with attached() as (parts, control_plane):
        parts.clock.suspend(200)
        outcome = await control_plane.launch(ONE)
        assert isinstance(outcome, Failure)
        assert outcome.reason == "LEASE_EXPIRED"
        assert parts.launcher.browsers == []


@virtual_time
async def test_a_full_host_refuses_another_session() -> None:
    async with attached(a_host(capacity=1)) as (parts, control_plane):
        await control_plane.launch(ONE)
        outcome = await control_plane.launch(Placement("pbs_2", 8))
        assert isinstance(outcome, Failure)
        assert outcome.reason == "BUSY"
        assert len(parts.launcher.browsers) == 1


@virtual_time
async def test_a_session_closes_at_its_deadline_without_the_control_plane() -> None:
    async with attached() as (parts, control_plane):
        control_plane.holding_lease = timedelta(hours=2)
        assert control_plane.connection is not None
        control_plane.connection.lose()
        await until(lambda: control_plane.stream_no == 2, "the second stream")
        await control_plane.launch(ONE, a_launch(timeout=timedelta(minutes=10)))
        launch_time = parts.launcher.browsers[0].launch_time
        control_plane.reachable = False
        control_plane.connection.lose()
        await until(lambda: not parts.launcher.alive(), "the end of the browser", 700)
        lived = parts.clock.monotonic() - launch_time
        assert 600 <= lived <= 603
        control_plane.reachable = True
        assert (await control_plane.tombstone(ONE)).reason is EndReason.TIMED_OUT


@virtual_time
async def test_set_timeout_moves_the_deadline_both_ways() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE, a_launch(timeout=timedelta(minutes=5)))
        launch_time = parts.launcher.browsers[0].launch_time
        command_id = control_plane.command(ONE, SetTimeout(timedelta(minutes=20)))
        assert await control_plane.result(command_id) == Done()
        await asyncio.sleep(600)
        assert parts.launcher.alive()
        control_plane.command(ONE, SetTimeout(timedelta(minutes=11)))
        await control_plane.tombstone(ONE)
        assert 660 <= parts.clock.monotonic() - launch_time <= 663


@virtual_time
async def test_a_suspended_machine_closes_overdue_sessions_within_a_second_of_waking() -> None:
    async with attached() as (parts, control_plane):
        control_plane.action_lease, control_plane.holding_lease = timedelta(minutes=15), timedelta(hours=2)
        assert control_plane.connection is not None
        control_plane.connection.lose()
        await until(lambda: control_plane.stream_no == 2, "the second stream")
        await control_plane.launch(ONE, a_launch(timeout=timedelta(minutes=5)))
        parts.clock.suspend(3600)
        await asyncio.sleep(1.2)
        assert not parts.launcher.alive()
        assert (await control_plane.tombstone(ONE)).reason is EndReason.TIMED_OUT


@virtual_time
async def test_a_crashed_browser_leaves_a_tombstone_within_two_seconds() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.launcher.browsers[0].crash()
        tombstone = await control_plane.tombstone(ONE, seconds=2)
        assert tombstone.reason is EndReason.BROWSER_CRASHED
        assert tombstone.message == "killed by the test"


@virtual_time
async def test_all_browsers_end_when_the_holding_lease_is_over() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE, a_launch(timeout=timedelta(hours=1)))
        await control_plane.launch(Placement("pbs_2", 8), a_launch(timeout=timedelta(hours=1)))
        control_plane.reachable = False
        assert control_plane.connection is not None
        control_plane.connection.lose()
        last_renewal = parts.clock.monotonic()
        await asyncio.sleep(170)
        assert len(parts.launcher.alive()) == 2
        await until(lambda: not parts.launcher.alive(), "self-fencing", 15)
        assert parts.clock.monotonic() - last_renewal <= 180 + 1.2
        control_plane.reachable = True
        assert (await control_plane.tombstone(ONE)).reason is EndReason.HOST_LOST


@virtual_time
async def test_page_reports_come_on_change_and_at_most_four_times_a_second() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        browser = parts.launcher.browsers[0]
        await asyncio.sleep(1)
        control_plane.received.clear()
        for number in range(100):
            browser.show(Shown(f"http://site/{number}", "t", 1))
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        reports = [message for message in control_plane.received if isinstance(message, PageReport)]
        assert 2 <= len(reports) <= 6
        assert reports[-1] == PageReport(ONE, "http://site/99", "t", 1)


@virtual_time
async def test_a_page_that_does_not_change_is_not_reported_again() -> None:
    async with attached() as (_, control_plane):
        await control_plane.launch(ONE)
        await asyncio.sleep(60)
        reports = [message for message in control_plane.received if isinstance(message, PageReport)]
        assert len(reports) == 1


@virtual_time
async def test_a_trouble_is_reported_with_since_when_and_a_fatal_crash_ends_the_session() -> None:
    async with attached() as (parts, control_plane):
        options = PageOptions(crash_ends_session=True)
        await control_plane.launch(ONE, replace(a_launch(), page_options=options))
        browser = parts.launcher.browsers[0]
        assert browser.request.page_options == options
        since = []
        for message in ("one", "two"):
            await asyncio.sleep(5)
            browser.trouble = (Trouble("PAGES_CLOSED", message),)
            browser.show(Shown("http://site/", "t", 1))
            await asyncio.sleep(1)
            report = [one for one in control_plane.received if isinstance(one, PageReport)][-1]
            [(trouble, when)] = report.troubles
            assert trouble.message == message
            since.append(when)
        assert since[0] == since[1]
        browser.fatal_crash("the process of a page of site crashed")
        tombstone = await control_plane.tombstone(ONE)
        assert (tombstone.reason, tombstone.message) == (
            EndReason.PAGE_CRASHED,
            "the process of a page of site crashed",
        )


@virtual_time
async def test_a_drain_waits_for_sessions_then_says_goodbye() -> None:
    fixture = attached()
    async with fixture as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.host.drain(timedelta(minutes=10))
        await asyncio.sleep(60)
        assert parts.launcher.alive()
        outcome = await control_plane.launch(Placement("pbs_2", 8))
        assert isinstance(outcome, Failure)
        assert outcome.reason == "BUSY"
        await control_plane.close(ONE)
        assert fixture.task is not None
        await asyncio.wait_for(fixture.task, 10)
        assert type(control_plane.received[-1]).__name__ == "Goodbye"
        assert not parts.host.has_unacknowledged()


@virtual_time
async def test_a_drain_closes_what_is_open_when_its_time_is_over() -> None:
    fixture = attached()
    async with fixture as (parts, control_plane):
        await control_plane.launch(ONE, a_launch(timeout=timedelta(hours=1)))
        parts.host.drain(timedelta(minutes=1))
        assert fixture.task is not None
        await asyncio.wait_for(fixture.task, 70)
        assert control_plane.tombstones[ONE].reason is EndReason.HOST_DRAINED
        assert type(control_plane.received[-1]).__name__ == "Goodbye"


@virtual_time
async def test_a_draining_host_says_so_with_its_next_heartbeat() -> None:
    async with attached() as (parts, control_plane):
        await control_plane.launch(ONE)
        parts.host.drain(timedelta(minutes=1))
        await until(
            lambda: getattr(control_plane.received[-1], "draining", False), "a heartbeat that says it", seconds=0.2
        )


@virtual_time
async def test_a_drained_host_ends_also_when_nobody_hears_its_goodbye() -> None:
    fixture = attached()
    async with fixture as (parts, control_plane):
        control_plane.reachable = False
        assert control_plane.connection is not None
        control_plane.connection.lose()
        parts.host.drain(timedelta(0))
        await asyncio.wait_for(parts.host.drained.wait(), 10)
        assert fixture.task is not None
        await asyncio.wait_for(fixture.task, 30)


@virtual_time
async def test_a_proxy_that_fails_the_launch_is_told_as_such() -> None:
    async with attached() as (parts, control_plane):
        parts.launcher.fail_with, parts.launcher.failure = "the proxy refused the user and password", ProxyUnusable
        outcome = await control_plane.launch(ONE)
        assert outcome == Failure("PROXY_FAILED", "the proxy refused the user and password")
        assert (await control_plane.tombstone(ONE)).reason is EndReason.PROXY_FAILED


@virtual_time
async def test_another_network_reaches_a_live_browser_and_one_that_is_being_started() -> None:
    first, second = Network(Proxy("http://one.test:1")), Network(blocked_domains=("b.test",))
    async with attached() as (parts, control_plane):
        launching = control_plane.command(ONE, a_launch())
        await asyncio.sleep(0.1)
        assert await control_plane.result(control_plane.command(ONE, SetNetwork(first))) == Done()
        await control_plane.result(launching)
        assert await control_plane.result(control_plane.command(ONE, SetNetwork(second))) == Done()
        (browser,) = parts.launcher.alive()
        assert browser.networks == [a_launch().network, first, second]


@virtual_time
async def test_other_page_options_reach_a_live_browser_and_one_that_is_being_started() -> None:
    first, second = PageOptions(max_pages=1), PageOptions(max_pages=2)
    async with attached() as (parts, control_plane):
        launching = control_plane.command(ONE, a_launch())
        await asyncio.sleep(0.1)
        assert await control_plane.result(control_plane.command(ONE, SetPageOptions(first))) == Done()
        await control_plane.result(launching)
        assert await control_plane.result(control_plane.command(ONE, SetPageOptions(second))) == Done()
        (browser,) = parts.launcher.alive()
        assert browser.page_options == [a_launch().page_options, first, second]
