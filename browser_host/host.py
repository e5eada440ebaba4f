"""The host: commands in, live sessions; what it holds, and what the control plane must still hear of.

Knows neither gRPC nor Playwright: `attachment` brings it messages and takes what is unsent, a Launcher starts its
browsers. Every method that takes a message is synchronous; what takes time happens in tasks of its TaskGroup.
Nothing is queued for sending beyond what must be repeated anyway, so nothing can overflow: results and tombstones
wait in tables until they are acknowledged, events in the outbox, and of page reports only the newest of each session.

Tasks: one life for each session, `_fence` (closes all browsers when the holding lease is over), `_drain` and the
leases' pause detector. Each is started in `run` and ends with it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from tabkeep.host.v1.host_pb2 import StartRun

from browser_host.cdp_guest import TunnelLink
from browser_host.clock import Clock
from browser_host.downloads import Downloads
from browser_host.guard import Guard, Unguarded
from browser_host.leases import Leases
from browser_host.ledger import CommandLedger
from browser_host.live_session import LEASE_OVER, LONGEST_SLEEP, LiveSession
from browser_host.messages import (
    CancelRun,
    CapturePage,
    CaptureState,
    Close,
    Command,
    CommandResultAck,
    Done,
    Drain,
    EndReason,
    EventAck,
    EventAcks,
    Failure,
    FromControlPlane,
    FromHost,
    HeartbeatAck,
    Hello,
    Identity,
    Launch,
    OpenTunnel,
    Outcome,
    PageReport,
    Placement,
    Resend,
    ResolveApproval,
    RunProgress,
    SetNetwork,
    SetPageOptions,
    SetTimeout,
    StopRun,
    Tombstone,
    TombstoneAck,
    Unsupported,
    Verdict,
    Welcome,
)
from browser_host.open_browser import Launcher
from browser_host.outbox import Outbox
from browser_host.session_runs import CarryOut, NewJournal
from browser_host.states import States
from browser_host.unacknowledged import Unacknowledged

logger = logging.getLogger(__name__)

UNACKNOWLEDGED_SECONDS = 5.0
"""How long an ending host waits for the control plane to hear of its last browsers, once they are gone."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a host works with."""

    launcher: Launcher
    carry_out: CarryOut
    new_journal: NewJournal
    clock: Clock
    guard: Guard = field(default_factory=Unguarded)
    states: States = field(default_factory=States)
    tunnels: TunnelLink | None = None
    """None: no session takes CDP clients."""
    downloads: Downloads | None = None
    """None: what pages download goes with their session."""


class Host:
    """All sessions of this host."""

    def __init__(self, identity: Identity, means: Means, leases: Leases, outbox: Outbox) -> None:
        self.identity = identity
        self.leases = leases
        self.outbox = outbox
        self.wake = asyncio.Event()
        """Set whenever there may be something to send."""
        self.drained = asyncio.Event()
        """Set when the host was drained, holds no browser and has nothing left to say."""
        outbox.wake = self.wake.set
        means.states.settled = lambda: self._drain_changed.set()
        if means.downloads is not None:
            means.downloads.settled = lambda: self._drain_changed.set()
        self._means = means
        self._clock = means.clock
        self._named_runs: frozenset[str] = frozenset()
        """The runs of the last Hello."""
        self._sessions: dict[str, LiveSession] = {}
        self._ledger = CommandLedger()
        self._tombstones: Unacknowledged[Placement, Tombstone] = Unacknowledged()
        self._reports: dict[Placement, PageReport] = {}
        self._drain_at: float | None = None
        self._drain_changed = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Do the host's own work until cancelled; all browsers are closed by then."""
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._fence())
            self._tasks.create_task(self._drain())
            self._tasks.create_task(self.leases.pauses.run())

    @property
    def draining(self) -> bool:
        """It takes no new sessions."""
        return self._drain_at is not None

    def session_count(self) -> int:
        """Sessions that launch, run, or end."""
        return len(self._sessions)

    def drain(self, timeout: timedelta) -> None:
        """Take no new sessions; close those still open when `timeout` is over, then end. The last call counts."""
        logger.info("drain", extra={"timeout_s": timeout.total_seconds(), "sessions": len(self._sessions)})
        self._drain_at = self._clock.monotonic() + timeout.total_seconds()
        self._drain_changed.set()
        self.wake.set()

    def give_up(self, message: str) -> None:
        """End all sessions now and this host after them: it can go on with none."""
        for session in self._sessions.values():
            session.end(EndReason.HOST_LOST, message)
        self.drain(timedelta(0))

    # What the stream asks.

    def hello(self, highest_control_epoch: int) -> Hello:
        """All this host holds, for the start of a stream; its heartbeat counts as sent now."""
        return Hello(
            identity=self.identity,
            highest_control_epoch=highest_control_epoch,
            heartbeat_no=self.leases.send_heartbeat(),
            inventory=tuple(session.inventory_item() for session in self._sessions.values()),
            runs=self._runs(),
            tombstones=self._tombstones.take_all(),
            command_results=self._ledger.results.take_all(),
            draining=self.draining,
        )

    def _runs(self) -> tuple[RunProgress, ...]:
        """What is not all acknowledged, and what is under way: it may have been canceled while nobody could say so."""
        progress = {run.run_id: run for run in self.outbox.progress()}
        for session in self._sessions.values():
            run = session.runs.progress()
            if run is not None:
                progress.setdefault(run.run_id, run)
        self._named_runs = frozenset(progress)
        return tuple(progress.values())

    def _stop_what_is_over(self, going_on: set[str]) -> None:
        """End the runs that Hello named and Welcome does not: a moment later the lease would let them act again."""
        for session in self._sessions.values():
            run = session.runs.progress()
            if run is not None and run.run_id in self._named_runs and run.run_id not in going_on:
                logger.info("run stopped", extra={**session.placement.log_fields, "run_id": run.run_id})
                session.runs.stop(run.run_id)

    def welcome(self, welcome: Welcome) -> None:
        """Take the control plane's verdicts and acks, renew the leases, and send again what it has not stored."""
        self._stop_what_is_over({ack.run_id for ack in welcome.event_acks})
        self.leases.set_lengths(welcome.action_lease, welcome.holding_lease)
        self._renew(welcome.heartbeat_no)
        for verdict in welcome.verdicts:
            self._judge(verdict)
        for ack in welcome.event_acks:
            self.outbox.acknowledged(ack)
        self.outbox.resend_all()
        for session in self._sessions.values():
            session.report_again()

    def take_unsent(self) -> list[FromHost]:
        """What this stream has not carried yet, in order; it counts as sent from now on.

        Results come before the events of the runs they began, events before the tombstone of their session.
        """
        unsent: list[FromHost] = [*self._ledger.results.take_unsent()]
        while (batch := self.outbox.take_batch()) is not None:
            unsent.append(batch)
        unsent.extend(self._tombstones.take_unsent())
        unsent.extend(self._reports.values())
        self._reports.clear()
        return unsent

    def receive(self, message: FromControlPlane) -> None:
        """Do what a message after Welcome says."""
        match message:
            case Command():
                self._carry_out(message)
            case EventAck():
                self.outbox.acknowledged(message)
            case EventAcks(acks):
                for ack in acks:
                    self.outbox.acknowledged(ack)
            case HeartbeatAck(heartbeat_no):
                self._renew(heartbeat_no)
            case CommandResultAck(command_id):
                self._ledger.acknowledged(command_id)
            case TombstoneAck(placement):
                self._tombstones.acknowledged(placement)
            case Resend(run_id, from_seq):
                logger.warning("events sent again", extra={"run_id": run_id, "seq": from_seq})
                self.outbox.resend(run_id, from_seq)
            case StopRun(run_id):
                self._stop_run(run_id)
            case CaptureState(placement, capture_id):
                self._capture(placement, capture_id)
            case OpenTunnel(placement, tunnel_id):
                self._open_tunnel(placement, tunnel_id)
            case CapturePage():
                self._capture_page(message)
            case Drain(drain_timeout):
                self.drain(drain_timeout)
            case Welcome():
                logger.warning("second welcome on a stream ignored")
        self._drain_changed.set()

    def has_unacknowledged(self) -> bool:
        """Whether the control plane must still hear of something."""
        unsaid = len(self._tombstones) or len(self._ledger.results) or len(self.outbox)
        downloads = self._means.downloads
        return bool(unsaid or self._means.states.pending or (downloads is not None and downloads.pending))

    def _renew(self, heartbeat_no: int) -> None:
        if self.leases.acknowledged(heartbeat_no):
            self._means.guard.hold_until(self.leases.hold_until())

    # Commands.

    def _carry_out(self, command: Command) -> None:
        if not self._ledger.begin(command.command_id):
            self.wake.set()
            return
        outcome = self._outcome(command)
        if outcome is not None:
            self._finish(command, outcome)

    def _outcome(self, command: Command) -> Outcome | None:
        """How the command ended; None when that shows later."""
        placement, kind = command.placement, command.kind
        if isinstance(kind, Unsupported):
            return Failure("UNSUPPORTED", kind.what)
        session = self._sessions.get(placement.browser_session_id)
        if session is not None and session.placement.fence != placement.fence:
            return Failure(
                "STALE_FENCE",
                f"session {placement.browser_session_id} is here under fence {session.placement.fence}, "
                f"not {placement.fence}",
            )
        if isinstance(kind, Launch):
            return self._launch(command, kind)
        if session is None:
            return Failure("UNKNOWN_SESSION", f"session {placement.browser_session_id} is not on this host")
        match kind:
            case Close():
                session.end(EndReason.REQUESTED, "closed on request")
            case StartRun():
                return session.start_run(kind, command.traceparent)
            case CancelRun(run_id):
                session.runs.cancel(run_id)
            case ResolveApproval():
                session.runs.resolve_approval(kind)
            case SetTimeout(timeout):
                session.set_timeout(timeout)
            case SetNetwork(network):
                return session.set_network(network)
            case SetPageOptions(page_options):
                session.set_page_options(page_options)
        return Done()

    def _launch(self, command: Command, launch: Launch) -> Outcome | None:
        placement = command.placement
        refusal = self._refusal(placement)
        if refusal is not None:
            return refusal
        means = self._means
        session = LiveSession(
            placement,
            launch,
            launcher=means.launcher,
            carry_out=means.carry_out,
            new_journal=means.new_journal,
            report=self._report,
            clock=self._clock,
            guard=means.guard,
            lease_over=lambda: self.leases.remaining_holding() <= 0,
            downloads=means.downloads,
            states=means.states,
            tunnels=means.tunnels,
            traceparent=command.traceparent,
        )
        self._sessions[placement.browser_session_id] = session
        assert self._tasks is not None, "the host does not run"
        self._tasks.create_task(self._life(session, command))
        return None

    def _refusal(self, placement: Placement) -> Failure | None:
        if placement.browser_session_id in self._sessions:
            return Failure("BUSY", f"session {placement.browser_session_id} is already here under this fence")
        if self.leases.remaining_until_fence() <= 0:
            return Failure("LEASE_EXPIRED", "this host's holding lease is over: it may hold no browser")
        if self.draining:
            return Failure("BUSY", "this host is being drained and takes no new sessions")
        if len(self._sessions) >= self.identity.capacity:
            return Failure("BUSY", f"{len(self._sessions)} of {self.identity.capacity} places of this host are taken")
        return None

    async def _life(self, session: LiveSession, launch: Command) -> None:
        """Carry a session from its launch to its tombstone; a fault in it ends this session and no other."""
        placement = session.placement

        def launched(outcome: Outcome) -> None:
            self._finish(launch, outcome)
            if not isinstance(outcome, Failure):
                logger.info("session launched", extra=placement.log_fields)

        try:
            tombstone = await session.live(launched)
        except Exception:
            logger.exception("session failed unexpectedly", extra=placement.log_fields)
            tombstone = Tombstone(placement, EndReason.BROWSER_CRASHED, "a fault in the browser host; see its log")
            self._finish_if_open(launch)
        del self._sessions[placement.browser_session_id]
        self._reports.pop(placement, None)
        self._tombstones.add(placement, tombstone)
        logger.info(
            "session ended", extra={**placement.log_fields, "reason": tombstone.reason.value, "text": tombstone.message}
        )
        self.wake.set()
        self._drain_changed.set()

    def _finish(self, command: Command, outcome: Outcome) -> None:
        fields = {**command.placement.log_fields, "command_id": command.command_id, "kind": type(command.kind).__name__}
        if isinstance(outcome, Failure):
            logger.warning("command failed", extra={**fields, "code": outcome.reason, "text": outcome.message})
        else:
            logger.info("command done", extra=fields)
        self._ledger.finish(command.command_id, outcome)
        self.wake.set()

    def _finish_if_open(self, command: Command) -> None:
        if self._ledger.is_open(command.command_id):
            self._finish(command, Failure("LAUNCH_FAILED", "a fault in the browser host; see its log"))

    def _judge(self, verdict: Verdict) -> None:
        session = self._sessions.get(verdict.placement.browser_session_id)
        if session is None or session.placement != verdict.placement or verdict.keep:
            return
        logger.info("session closed by verdict", extra=verdict.placement.log_fields)
        session.end(EndReason.REQUESTED, "the control plane does not hold this browser any more")

    def _capture(self, placement: Placement, capture_id: str) -> None:
        """Let a session bring its state; for one that is not here nothing is said, and whoever waits gives up."""
        session = self._sessions.get(placement.browser_session_id)
        if session is not None and session.placement == placement and self._tasks is not None:
            self._tasks.create_task(self._captured(session, capture_id))

    async def _captured(self, session: LiveSession, capture_id: str) -> None:
        try:
            await session.capture(capture_id)
        except Exception:
            logger.exception("capture failed unexpectedly", extra=session.placement.log_fields)

    def _open_tunnel(self, placement: Placement, tunnel_id: str) -> None:
        """Let a CDP client in; to one for a session that is not here nothing is said, and it gives up."""
        session = self._sessions.get(placement.browser_session_id)
        if session is not None and session.placement == placement:
            session.let_in(tunnel_id)

    def _capture_page(self, asked: CapturePage) -> None:
        """Let a session bring its page; for one that is not here nothing is said, and whoever waits gives up."""
        session = self._sessions.get(asked.placement.browser_session_id)
        if session is not None and session.placement == asked.placement and self._tasks is not None:
            self._tasks.create_task(self._page_captured(session, asked))

    async def _page_captured(self, session: LiveSession, asked: CapturePage) -> None:
        try:
            await session.capture_page(asked.artifact_id, pdf=asked.pdf)
        except Exception:
            logger.exception("page not captured", extra=session.placement.log_fields)

    def _stop_run(self, run_id: str) -> None:
        for session in self._sessions.values():
            session.runs.stop(run_id)
        self.outbox.drop(run_id)

    def _report(self, report: PageReport) -> None:
        self._reports[report.placement] = report
        self.wake.set()

    # The host's own work.

    async def _fence(self) -> None:
        """End all browsers before the holding lease is over, with or without a control plane.

        The guardian kills them at the same moment; what is done here is the host's own bookkeeping.
        """
        while True:
            remaining = self.leases.remaining_until_fence()
            if remaining <= 0:
                for session in self._sessions.values():
                    if not session.ending():
                        logger.warning("session fenced", extra=session.placement.log_fields)
                    session.end(EndReason.HOST_LOST, LEASE_OVER)
            await asyncio.sleep(remaining if 0 < remaining < LONGEST_SLEEP else LONGEST_SLEEP)

    async def _drain(self) -> None:
        """Once draining: wait for the sessions, close them when time is over, then wait for the last acks."""
        while self._drain_at is None or self._sessions:
            self._drain_changed.clear()
            wait = LONGEST_SLEEP
            if self._drain_at is not None:
                remaining = self._drain_at - self._clock.monotonic()
                if remaining <= 0:
                    for session in self._sessions.values():
                        session.end(EndReason.HOST_DRAINED, "its host was drained and the drain timeout was over")
                else:
                    wait = min(wait, remaining)
            await self._wait_for_change(wait)
        give_up_at = self._clock.monotonic() + UNACKNOWLEDGED_SECONDS
        while self.has_unacknowledged() and self._clock.monotonic() < give_up_at:
            self._drain_changed.clear()
            await self._wait_for_change(give_up_at - self._clock.monotonic())
        if self.has_unacknowledged():
            logger.warning("host ends before the control plane has heard everything")
        self.drained.set()
        self.wake.set()

    async def _wait_for_change(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._drain_changed.wait()
        except TimeoutError:
            pass
