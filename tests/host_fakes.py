"""Fakes for the browser host: virtual time, a browser, a launcher, a control plane, a task engine.

They stand at the host's edges; everything between them is the real host.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host import messages
from browser_host.attachment import Attachment, StreamLost
from browser_host.browser import Browser, BrowserGone, Page
from browser_host.cdp_guest import CdpChannel, TunnelLink
from browser_host.clock import Clock
from browser_host.epochs import Epochs
from browser_host.guard import Guard, Unguarded
from browser_host.host import Host, Means
from browser_host.kernel.isolation import UNKNOWN, Isolation
from browser_host.leases import Leases
from browser_host.messages import (
    BrowserType,
    Close,
    Command,
    EventAck,
    FromControlPlane,
    FromHost,
    HostedEvent,
    Identity,
    Launch,
    Placement,
    Received,
    Welcome,
)
from browser_host.open_browser import Download, LaunchFailed, LaunchRequest, Shown, StateNotTaken
from browser_host.outbox import Outbox
from browser_host.pages import Dialogs, OpenPage, PageLog, Trouble
from browser_host.run_journal import RunJournal
from browser_host.task.journal import Credential, CredentialMissing, Journal
from browser_host.uploads import Upload, Uploads
from tests.waiting import until

# Virtual time.


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        self.virtual_time = 1000.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.virtual_time


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Every round takes a moment, as in life: otherwise a wait of less than the clock can tell would never end.
        self._loop.virtual_time += 1e-7
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen: the test waits for ever")
        self._loop.virtual_time += timeout
        return []


def virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test on a VirtualLoop: a minute takes no time, and every run takes the same course."""

    @functools.wraps(test)
    def run() -> None:
        loop = VirtualLoop()
        try:
            loop.run_until_complete(test())
            leftover = asyncio.all_tasks(loop)
            assert not leftover, f"tasks were left behind: {leftover}"
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    return run


class LoopClock:
    """A clock that runs with the event loop; `suspend` is what only a clock that counts suspend sees."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._suspended = 0.0

    def monotonic(self) -> float:
        return self._loop.time() + self._suspended

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def suspend(self, seconds: float) -> None:
        self._suspended += seconds


# Browsers.


class FakeBrowser:
    """A browser that does what the test says."""

    version = "Fake 1.0"
    isolation = UNKNOWN
    warm_start = False

    def __init__(self, request: LaunchRequest, launch_time: float) -> None:
        self.request = request
        self.launch_time = launch_time
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.alive = True
        self.close_seconds = 0.1
        self.page = Shown(request.url or "about:blank", "a page", 1)
        self._changed: Callable[[], None] = lambda: None
        self.networks = [request.network]
        self.page_options = [request.page_options]
        self.dialogs = Dialogs()
        self.page_log = PageLog()
        self.trouble: tuple[Trouble, ...] = ()
        self.state_notes = ""
        self.state = b""
        """What it gives when asked; empty: it does not answer."""
        self.states_taken: list[bool] = []
        """For each time it was asked, whether for the last one."""

    async def take_state(self, *, timeout: float, last: bool = False) -> bytes:
        self.states_taken.append(last)
        if not self.state or not self.alive:
            raise StateNotTaken("the test says no")
        return self.state

    def on_download(self, begun: Callable[[Download], None]) -> None:
        self.download_begun = begun

    def on_change(self, callback: Callable[[], None]) -> None:
        self._changed = callback

    def show(self, shown: Shown) -> None:
        self.page = shown
        self._changed()

    async def shown(self) -> Shown:
        return self.page

    def set_network(self, network: messages.Network) -> None:
        self.networks.append(network)

    def change_page_options(self, options: messages.PageOptions) -> None:
        self.page_options.append(options)

    async def current_page(self) -> Page:
        if not self.alive:
            raise BrowserGone("killed")
        raise NotImplementedError("the fake engine asks for no page")

    async def pages(self) -> list[OpenPage]:
        return []

    async def show_page(self, page_id: str) -> None:
        """It has no tabs."""

    async def open_page(self) -> None:
        """It has no tabs."""

    async def close_page(self, page_id: str) -> None:
        """It has no tabs."""

    def on_fatal_crash(self, callback: Callable[[str], None]) -> None:
        self.fatal_crash = callback

    def troubles(self) -> tuple[Trouble, ...]:
        return self.trouble

    async def open_cdp(self) -> CdpChannel:
        raise BrowserGone("a fake browser speaks no CDP")

    def crash(self) -> None:
        self.alive = False
        self.gone.set_result("killed by the test")

    async def close(self) -> None:
        if self.alive:
            await asyncio.sleep(self.close_seconds)
        self.alive = False
        if not self.gone.done():
            self.gone.set_result("closed")


class FakeLauncher:
    """Starts FakeBrowsers after `launch_seconds`, or fails with `fail_with`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.launch_seconds = 0.4
        self.fail_with = ""
        self.failure: type[LaunchFailed] = LaunchFailed
        self.browsers: list[FakeBrowser] = []
        self.abandoned = 0
        self.too_late_to_cancel = False

    def alive(self) -> list[FakeBrowser]:
        return [browser for browser in self.browsers if browser.alive]

    async def launch(self, request: LaunchRequest) -> FakeBrowser:
        launch_time = self._clock.monotonic()
        try:
            await asyncio.sleep(self.launch_seconds)
        except asyncio.CancelledError:
            if not self.too_late_to_cancel:
                self.abandoned += 1
                raise
        if self.fail_with:
            raise self.failure(self.fail_with)
        browser = FakeBrowser(request, launch_time)
        self.browsers.append(browser)
        return browser


# The task engine.


@dataclass
class FakeEngine:
    """Carries out runs of `steps` steps: started (durable), acts, finished; records what it did."""

    steps: int = 1
    step_seconds: float = 0.0
    acted: list[tuple[str, int]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """When given, a run waits here inside its first step."""
    break_with: Exception | None = None
    lends: bool = False
    """Whether a run that waits has lent its turn."""

    async def carry_out(self, start: StartRun, browser: Browser, journal: Journal, clock: Clock) -> None:
        await journal.record(RunEvent(run_started=runs_pb2.RunStarted()))
        for step in range(1, self.steps + 1):
            if journal.cancel_requested.is_set():
                await journal.record(RunEvent(run_finished=runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_CANCELED)))
                return
            await journal.record_durably(RunEvent(step_started=runs_pb2.StepStarted(step=step)))
            journal.allow_action()
            if self.break_with is not None:
                raise self.break_with
            self.acted.append((start.run_id, step))
            await asyncio.sleep(self.step_seconds)
            if self.hold is not None:
                async with journal.lend_turn() if self.lends else contextlib.nullcontext():
                    await self.hold.wait()
            await journal.record(
                RunEvent(
                    step_finished=runs_pb2.StepFinished(
                        step=step,
                        outcome=runs_pb2.STEP_OUTCOME_DONE,
                        screenshot_artifact_id=journal.keep_screenshot(b"jpeg"),
                    )
                )
            )
        await journal.record_durably(RunEvent(run_finished=runs_pb2.RunFinished(status=runs_pb2.RUN_STATUS_COMPLETED)))


# The host, put together.


@dataclass
class HostParts:
    """A host on fakes; `start` and `stop` it."""

    clock: LoopClock
    launcher: FakeLauncher
    engine: FakeEngine
    uploads: Uploads
    host: Host
    pictures: list[messages.Picture]
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self.host.run()), asyncio.create_task(self.uploads.run())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def a_host(
    *,
    capacity: int = 4,
    put: Callable[[Upload], Awaitable[None]] | None = None,
    outbox: Outbox | None = None,
    guard: Guard | None = None,
    tunnels: TunnelLink | None = None,
) -> HostParts:
    """A host with fake edges and virtual or real time, as the running loop has it."""
    clock = LoopClock()
    leases, outbox = Leases(clock), outbox or Outbox()
    pictures: list[messages.Picture] = []

    async def keep(picture: Upload) -> None:
        assert isinstance(picture, messages.Picture)
        pictures.append(picture)

    uploads = Uploads(put or keep, clock, random.Random(1))
    numbers = iter(range(1, 1_000_000))

    async def no_credential(placement: Placement, run_id: str, origin: str, username: str) -> Credential:
        raise CredentialMissing(f"none for {origin}")

    def new_journal(placement: Placement, run_id: str) -> RunJournal:
        return RunJournal(
            placement,
            run_id,
            outbox=outbox,
            leases=leases,
            uploads=uploads,
            clock=clock,
            new_artifact_id=lambda: f"art_{next(numbers)}",
            credentials=no_credential,
        )

    launcher, engine = FakeLauncher(clock), FakeEngine()

    async def carry_out(start: StartRun, browser: Browser, journal: Journal, clock: Clock) -> None:
        await engine.carry_out(start, browser, journal, clock)

    identity = an_identity(capacity)
    means = Means(launcher, carry_out, new_journal, clock, guard or Unguarded(), tunnels=tunnels)
    host = Host(identity, means, leases, outbox)
    return HostParts(clock, launcher, engine, uploads, host, pictures)


def an_identity(capacity: int = 4, host_id: str = "host-1") -> Identity:
    return Identity(
        host_id=host_id,
        incarnation="a" * 32,
        boot_id="boot",
        build="0.1.0",
        capacity=capacity,
        browsers=((BrowserType.CHROME, "Chromium 1.0"),),
        isolation=Isolation(sandboxed=True, user_per_session=False),
    )


def a_launch(url: str = "", timeout: timedelta = timedelta(minutes=5)) -> Launch:
    return Launch(BrowserType.CHROME, url, 1280, 720, timeout, timedelta(seconds=30))


# The control plane, in memory.


class FakeControlPlane:
    """The other end of `Connection`: keeps what it was told, answers as a control plane would unless told not to."""

    def __init__(self) -> None:
        self.control_epoch = 1
        self.stream_no = 0
        self.heartbeat_interval = timedelta(seconds=3)
        self.action_lease = timedelta(seconds=15)
        self.holding_lease = timedelta(seconds=180)
        self.answers_heartbeats = True
        self.answers_events = True
        self.reachable = True
        self.keeps = True
        """Verdict over what a host brings along."""
        self.over: set[str] = set()
        """Runs that are over here, whatever the host thinks."""
        self.hellos: list[messages.Hello] = []
        self.received: list[FromHost] = []
        self.events: dict[str, list[RunEvent]] = {}
        self.results: dict[int, messages.CommandResult] = {}
        self.tombstones: dict[Placement, messages.Tombstone] = {}
        self.refuse_with: Exception | None = None
        self.connection: FakeConnection | None = None
        self._command_id = 0

    async def dial(self) -> FakeConnection:
        if not self.reachable:
            raise StreamLost("unreachable")
        if self.connection is not None:
            self.connection.lose("replaced")
        self.stream_no += 1
        self.connection = FakeConnection(self, self.stream_no)
        return self.connection

    def send(self, message: FromControlPlane) -> None:
        if self.connection is not None:
            self.connection.deliver(message)

    def command(self, placement: Placement, kind: Any, *, traceparent: str = "") -> int:
        self._command_id += 1
        self.send(Command(self._command_id, placement, traceparent, kind))
        return self._command_id

    async def result(self, command_id: int, seconds: float = 60.0) -> messages.Outcome:
        await until(lambda: command_id in self.results, f"the result of command {command_id}", seconds)
        return self.results[command_id].outcome

    async def launch(self, placement: Placement, launch: Launch | None = None) -> messages.Outcome:
        return await self.result(self.command(placement, launch or a_launch()))

    async def close(self, placement: Placement) -> messages.Tombstone:
        self.command(placement, Close())
        return await self.tombstone(placement)

    async def tombstone(self, placement: Placement, seconds: float = 600.0) -> messages.Tombstone:
        await until(lambda: placement in self.tombstones, f"the tombstone of {placement}", seconds)
        return self.tombstones[placement]

    async def finished(self, run_id: str, seconds: float = 60.0) -> runs_pb2.RunFinished:
        def last() -> RunEvent | None:
            events = self.events.get(run_id)
            return events[-1] if events and events[-1].HasField("run_finished") else None

        event: RunEvent = await until(last, f"the end of run {run_id}", seconds)
        return event.run_finished

    def take(self, message: FromHost) -> None:
        """What a control plane does with a message: store it once, acknowledge it always."""
        self.received.append(message)
        match message:
            case messages.Hello():
                self.hellos.append(message)
                for tombstone in message.tombstones:
                    self.tombstones.setdefault(tombstone.placement, tombstone)
                for result in message.command_results:
                    self.results.setdefault(result.command_id, result)
                self.send(self._welcome(message))
                for tombstone in message.tombstones:
                    self.send(messages.TombstoneAck(tombstone.placement))
                for result in message.command_results:
                    self.send(messages.CommandResultAck(result.command_id))
            case messages.Heartbeat(heartbeat_no):
                if self.answers_heartbeats:
                    self.send(messages.HeartbeatAck(heartbeat_no))
            case messages.EventBatch(events):
                if self.answers_events:
                    for hosted in events:
                        self._take_event(hosted)
            case messages.CommandResult(command_id):
                assert self.results.setdefault(command_id, message) == message, "another result for the same command"
                self.send(messages.CommandResultAck(command_id))
            case messages.Tombstone(placement):
                self.tombstones.setdefault(placement, message)
                self.send(messages.TombstoneAck(placement))
            case _:
                pass

    def _take_event(self, hosted: HostedEvent) -> None:
        stored = self.events.setdefault(hosted.event.run_id, [])
        seq = hosted.event.seq
        if seq <= len(stored):
            assert stored[seq - 1] == hosted.event, "another event under the same seq"
        elif seq == len(stored) + 1:
            stored.append(hosted.event)
        else:
            self.send(messages.Resend(hosted.event.run_id, len(stored) + 1))
            return
        self.send(EventAck(hosted.event.run_id, len(stored)))

    def _welcome(self, hello: messages.Hello) -> Welcome:
        return Welcome(
            heartbeat_no=hello.heartbeat_no,
            heartbeat_interval=self.heartbeat_interval,
            action_lease=self.action_lease,
            holding_lease=self.holding_lease,
            verdicts=tuple(messages.Verdict(item.placement, self.keeps) for item in hello.inventory),
            event_acks=tuple(
                EventAck(run.run_id, len(self.events.get(run.run_id, [])))
                for run in hello.runs
                if run.run_id not in self.over
            ),
        )


class FakeConnection:
    """One stream in memory; implements `attachment.Connection`."""

    def __init__(self, control_plane: FakeControlPlane, stream_no: int) -> None:
        self._control_plane = control_plane
        self._stream_no = stream_no
        self._inbound: asyncio.Queue[Received | Exception] = asyncio.Queue()
        self._lost: str | None = None
        self.black_hole = False
        """Nothing arrives any more, in either direction, and nobody is told."""
        self.finished = False

    def deliver(self, message: FromControlPlane) -> None:
        if not self.black_hole:
            self._inbound.put_nowait(Received(self._control_plane.control_epoch, self._stream_no, message))

    def lose(self, why: str = "reset") -> None:
        """Break the stream; what was on its way to the host is lost."""
        if self._lost is None:
            self._lost = why
            while not self._inbound.empty():
                self._inbound.get_nowait()
            self._inbound.put_nowait(StreamLost(why))

    def fail(self, error: Exception) -> None:
        self._lost = str(error)
        self._inbound.put_nowait(error)

    async def send(self, message: FromHost, stream_no: int) -> None:
        await asyncio.sleep(0)
        if self._lost is not None:
            raise StreamLost(self._lost)
        if self.black_hole:
            return
        if self._control_plane.refuse_with is not None:
            self.fail(self._control_plane.refuse_with)
            return
        assert stream_no == (0 if isinstance(message, messages.Hello) else self._stream_no)
        self._control_plane.take(message)

    async def receive(self) -> Received:
        received = await self._inbound.get()
        if isinstance(received, Exception):
            raise received
        return received

    async def finish(self) -> None:
        self.finished = True
        self.lose("ended by the control plane")

    async def close(self) -> None:
        if self._lost is None:
            self._lost = "closed"


def an_attachment(parts: HostParts, control_plane: FakeControlPlane) -> Attachment:
    return Attachment(parts.host, control_plane.dial, lambda: (0.5, 2**30), random.Random(7), Epochs())


class attached:  # noqa: N801
    """`async with attached() as (parts, control_plane)`: a host that runs and is attached."""

    def __init__(self, parts: HostParts | None = None, control_plane: FakeControlPlane | None = None) -> None:
        self.parts = parts or a_host()
        self.control_plane = control_plane or FakeControlPlane()
        self.attachment = an_attachment(self.parts, self.control_plane)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> tuple[HostParts, FakeControlPlane]:
        self.parts.start()
        self.task = asyncio.create_task(self.attachment.run())
        await until(self.attachment.attached.is_set, "the attachment")
        return self.parts, self.control_plane

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.parts.stop()
