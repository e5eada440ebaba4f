"""When a live session's state is taken and brought, and what becomes of one that cannot be; in virtual time."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from browser_host import messages
from browser_host.host import Host, Means
from browser_host.leases import Leases
from browser_host.messages import CancelRun, CaptureState, Close, Command, Launch, Placement, StartRun
from browser_host.open_browser import ProfileUnusable
from browser_host.outbox import Outbox
from browser_host.states import GIVE_UP_SECONDS, StateNotFetched, States
from browser_host.uploads import UploadFailed, UploadRefused
from tests.host_fakes import FakeLauncher, LoopClock, a_launch, an_identity, virtual_time
from tests.waiting import until

ONE = Placement("pbs_1", 7)


class FakeLink:
    """The way to a control plane that answers as the test says."""

    def __init__(self) -> None:
        self.put: list[messages.TakenState] = []
        self.fails: list[Exception] = []
        self.state: bytes | Exception = b"state"
        self.fetches = 0

    async def get_state(self, placement: Placement) -> bytes:
        self.fetches += 1
        if self.fails:
            raise self.fails.pop(0)
        if isinstance(self.state, Exception):
            raise self.state
        return self.state

    async def put_state(self, taken: messages.TakenState, age: timedelta) -> None:
        await asyncio.sleep(0.01)
        if self.fails:
            raise self.fails.pop(0)
        self.put.append(taken)


class Parts:
    """A host whose sessions may save, on fakes."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.link = FakeLink()
        self.states = States(self.link, self.clock, random.Random(1))
        self.launcher = FakeLauncher(self.clock)
        means = Means(self.launcher, None, None, self.clock, states=self.states)
        self.host = Host(an_identity(), means, Leases(self.clock), Outbox())
        self.host.leases.set_lengths(timedelta(hours=9), timedelta(hours=9))
        self.host.leases.acknowledged(self.host.leases.send_heartbeat())

    def command(self, command_id: int, kind: Launch | Close | StartRun | CancelRun) -> None:
        self.host.receive(Command(command_id, ONE, "", kind))

    def results(self) -> list[messages.CommandResult]:
        return [one for one in self.host.take_unsent() if isinstance(one, messages.CommandResult)]

    async def said(self) -> None:
        """Until something was brought."""
        await until(lambda: self.link.put, "what is said")

    async def live(self, state: bytes = b"{}", **launch: object):
        """A session whose browser gives `state`."""
        self.command(1, replace(a_launch(), **{"save_state": True, **launch}))
        (browser,) = await until(lambda: self.launcher.browsers, "the browser")
        browser.state = state
        return browser


@asynccontextmanager
async def running():
    parts = Parts()
    tasks = [asyncio.create_task(parts.host.run()), asyncio.create_task(parts.states.run())]
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        yield parts
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@virtual_time
async def test_a_session_brings_its_state_each_minute_and_at_its_end_before_its_browser_is_gone():
    async with running() as parts:
        browser = await parts.live()
        await asyncio.sleep(125)
        assert [taken.last for taken in parts.link.put] == [False, False]
        browser.state = b"at the end"
        parts.command(2, Close())
        await until(lambda: parts.host.session_count() == 0, "the end")
        await until(lambda: not parts.states.pending, "the last state")
        last = parts.link.put[-1]
        assert (last.last, last.content, last.failure) == (True, b"at the end", "")
        assert [taken.state_no for taken in parts.link.put] == [1, 2, 3]
        assert browser.states_taken == [False, False, True]


@virtual_time
async def test_a_checkpoint_comes_shortly_before_the_deadline():
    async with running() as parts:
        browser = await parts.live(timeout=timedelta(seconds=30))
        await asyncio.sleep(24)
        assert browser.states_taken == []
        await asyncio.sleep(2)
        assert browser.states_taken == [False]
        await until(lambda: parts.host.session_count() == 0, "the end")
        assert browser.states_taken == [False, True]


@virtual_time
async def test_a_browser_that_crashed_is_not_asked_and_why_is_said():
    async with running() as parts:
        browser = await parts.live()
        browser.crash()
        await until(lambda: parts.link.put, "what is said")
        assert [taken.last for taken in parts.link.put] == [True]
        assert "could not be asked at the end: killed by the test" in parts.link.put[0].failure
        assert parts.link.put[0].content == b""


@virtual_time
async def test_a_state_that_cannot_be_taken_at_the_end_is_said_and_one_too_large_too():
    for state, why in ((b"", "the test says no"), (b"x" * (33 * 2**20), "33 MiB, more than the 32 kept")):
        async with running() as parts:
            await parts.live(state)
            parts.command(2, Close())
            await parts.said()
            assert why in parts.link.put[0].failure


@virtual_time
async def test_a_session_that_does_not_save_is_never_asked_but_for_somebody_who_waits():
    async with running() as parts:
        browser = await parts.live(save_state=False)
        await asyncio.sleep(200)
        assert browser.states_taken == []
        parts.host.receive(CaptureState(Placement("pbs_1", 6), "stale"))
        parts.host.receive(CaptureState(ONE, "c1"))
        await until(lambda: parts.link.put, "the state")
        assert [(taken.capture_id, taken.content) for taken in parts.link.put] == [("c1", b"{}")]
        parts.command(2, Close())
        await until(lambda: parts.host.session_count() == 0, "the end")
        assert browser.states_taken == [False]


@virtual_time
async def test_what_the_control_plane_does_not_take_is_tried_again_and_given_up_when_refused_or_after_two_minutes():
    async with running() as parts:
        await parts.live()
        parts.link.fails = [UploadFailed("away")] * 3
        parts.host.receive(CaptureState(ONE, "c1"))
        await until(lambda: parts.link.put, "the state", 30)
        parts.link.fails = [UploadRefused("no")]
        parts.host.receive(CaptureState(ONE, "c2"))
        await asyncio.sleep(5)
        assert [taken.capture_id for taken in parts.link.put] == ["c1"]
        parts.link.fails = [UploadFailed("away")] * 1000
        parts.command(2, Close())
        await until(lambda: parts.states.pending, "the last state")
        await until(lambda: not parts.states.pending, "the end of trying", GIVE_UP_SECONDS + 20)
        assert len(parts.link.put) == 1


@virtual_time
async def test_an_older_state_gives_way_to_a_newer_one():
    async with running() as parts:
        await parts.live()
        parts.link.fails = [UploadFailed("away")] * 60
        await asyncio.sleep(62)
        parts.command(2, Close())
        await until(lambda: parts.host.session_count() == 0, "the end")
        parts.link.fails = []
        await until(lambda: not parts.states.pending, "the last state", 60)
        assert [taken.last for taken in parts.link.put] == [True]


@virtual_time
async def test_a_drained_host_waits_until_the_last_states_are_brought():
    async with running() as parts:
        await parts.live()
        parts.link.fails = [UploadFailed("away")] * 3
        parts.host.drain(timedelta(0))
        await until(lambda: parts.host.session_count() == 0, "the end")
        for taken in parts.host.take_unsent():
            if isinstance(taken, messages.CommandResult):
                parts.host.receive(messages.CommandResultAck(taken.command_id))
            elif isinstance(taken, messages.Tombstone):
                parts.host.receive(messages.TombstoneAck(taken.placement))
        assert not parts.host.drained.is_set()
        async with asyncio.timeout(10):
            await parts.host.drained.wait()
        assert [taken.last for taken in parts.link.put] == [True]


@virtual_time
async def test_a_launch_from_a_state_hands_it_to_the_browser_and_tries_until_it_comes():
    async with running() as parts:
        parts.link.fails = [StateNotFetched("away")] * 3
        browser = await parts.live(from_state=True)
        assert browser.request.state == b"state"
        assert parts.link.fetches == 4
        assert "state" not in repr(browser.request)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ProfileUnusable("damaged"), "PROFILE_UNUSABLE"),
        (StateNotFetched("stale", final=True), "LAUNCH_FAILED"),
        (StateNotFetched("away"), "LAUNCH_FAILED"),
    ],
)
def test_a_launch_whose_state_cannot_be_had_fails_without_a_browser(error, reason):
    @virtual_time
    async def body():
        async with running() as parts:
            parts.link.state = error
            parts.command(1, replace(a_launch(), from_state=True))
            outcomes = []

            def answered() -> bool:
                outcomes.extend(result.outcome for result in parts.results())
                return bool(outcomes)

            await until(answered, "the answer", 60)
            assert outcomes[0].reason == reason
            assert parts.launcher.browsers == []

    body()
