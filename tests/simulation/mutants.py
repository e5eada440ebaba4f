"""Rules of the protocol, each of which can be removed to see that a checker notices; the product has no switch."""

from __future__ import annotations
import __future__

import asyncio
import contextlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from browser_host.attachment import Attachment
from browser_host.host import Host
from browser_host.kernel.guardian import Covers
from browser_host.leases import Leases
from browser_host.ledger import CommandLedger
from browser_host.live_session import LiveSession
from browser_host.outbox import Outbox
from browser_host.run_journal import RunJournal
from browser_host.session_runs import SessionRuns
from browser_host.unacknowledged import Unacknowledged
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from control_plane.entities import sessions
from control_plane.entities.sessions import SessionEvent, SessionState
from control_plane.moves import event_moves, host_moves, host_reports, session_moves
from control_plane.store import Database
from tests.simulation.guardians import GuardianProgram
from tests.simulation.inline_database import Locks


@dataclass(frozen=True)
class Mutant:
    """One rule, and how to do without it."""

    rule: str
    removed: Callable[[], AbstractContextManager[Any]]
    argument: str = ""
    """Why the simulation does not notice, where it cannot."""
    test: str = ""
    """The test that shows such a rule directly."""
    faults: tuple[str, ...] = ()
    """The kinds of faults of the worlds it is tried in; empty: a random few, as in any world."""
    caught_by: tuple[int, ...] = ()
    """Seeds that noticed it once, tried first."""


def edited(where: Any, name: str, old: str, new: str) -> Callable[[], AbstractContextManager[Any]]:
    """Replace a piece of a function's own source; fails when the piece is not there any more."""

    def patch() -> AbstractContextManager[Any]:
        function = getattr(where, name)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(old) == 1, f"{name} has no single {old!r} any more: write this mutant anew"
        flags = __future__.annotations.compiler_flag
        code = compile(source.replace(old, new), f"<mutant of {name}>", "exec", flags=flags, dont_inherit=True)
        made: dict[str, Any] = {}
        exec(code, function.__globals__, made)
        return mock.patch.object(where, name, made[name])

    return patch


def both(*patches: Callable[[], AbstractContextManager[Any]]) -> Callable[[], AbstractContextManager[Any]]:
    """Several changes that are one mutant."""

    @contextlib.contextmanager
    def patch() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for one in patches:
                stack.enter_context(one())
            yield

    return patch


def _act_before_ack() -> AbstractContextManager[Any]:
    async def stored(self: Outbox, run_id: str, seq: int) -> None:
        return None

    return mock.patch.object(Outbox, "stored", stored)


def _no_ledger() -> AbstractContextManager[Any]:
    def begin(self: CommandLedger, command_id: int) -> bool:
        self._running.add(command_id)
        return True

    return mock.patch.object(CommandLedger, "begin", begin)


def _no_action_lease() -> AbstractContextManager[Any]:
    return mock.patch.object(RunJournal, "allow_action", return_value=10.0)


def _no_fence() -> AbstractContextManager[Any]:
    return mock.patch.object(Leases, "remaining_until_fence", return_value=1.0)


def _late_fence() -> AbstractContextManager[Any]:
    return mock.patch.object(Leases, "remaining_until_fence", Leases.remaining_holding)


def _lease_from_receipt() -> AbstractContextManager[Any]:
    acknowledged = Leases.acknowledged

    def renewed(self: Leases, heartbeat_no: int) -> bool:
        known = acknowledged(self, heartbeat_no)
        if known:
            self._renewed_at = self._clock.monotonic()
        return known

    return mock.patch.object(Leases, "acknowledged", renewed)


def _lost_after_action_lease() -> AbstractContextManager[Any]:
    return mock.patch.object(Config, "silent_for_lost", lambda self: self.action_lease + timedelta(seconds=2))


def _no_grace_after_restart() -> AbstractContextManager[Any]:
    start = Coordinator.start

    async def hurried(self: Coordinator) -> None:
        await start(self)
        for pulse in self.pulses.values():
            pulse.heard_at -= (self.config.holding_lease - self.config.action_lease).total_seconds()

    return mock.patch.object(Coordinator, "start", hurried)


def _no_silence_rule() -> AbstractContextManager[Any]:
    async def watch(self: Attachment) -> None:
        await asyncio.Event().wait()

    return mock.patch.object(Attachment, "_watch_for_silence", watch)


def _no_host_deadline() -> AbstractContextManager[Any]:
    async def never(self: LiveSession) -> None:
        await asyncio.Event().wait()

    return mock.patch.object(LiveSession, "_end_at_deadline", never)


def _closed_sessions_move() -> AbstractContextManager[Any]:
    everything = dict.fromkeys(SessionEvent, SessionState.CLOSED)
    return mock.patch.dict(sessions.TRANSITIONS, {SessionState.CLOSED: everything})


def _always_open() -> AbstractContextManager[Any]:
    return mock.patch.object(sessions.Session, "open", property(lambda self: True))


def _no_guardian() -> AbstractContextManager[Any]:
    return mock.patch.object(GuardianProgram, "end_what_is_due", return_value=float("inf"))


def _guardian_without_lease() -> AbstractContextManager[Any]:
    return edited(Covers, "kill_at", "min(cover.deadline + CLOSE_GRACE_SECONDS, self._hold_until)", "cover.deadline")()


def _guardian_stays_calm() -> AbstractContextManager[Any]:
    return edited(Covers, "kill_at", "if self.host_gone:", "if False:")()


def _no_epoch_check() -> AbstractContextManager[Any]:
    return mock.patch.object(Attachment, "_check_epoch", return_value=None)


def _nobody_is_outlived() -> AbstractContextManager[Any]:
    return mock.patch.object(Coordinator, "_refuse_if_outlived", return_value=None)


def _pauses_are_not_given_back() -> AbstractContextManager[Any]:
    def notice(self: Coordinator) -> None:
        self._awake_at = asyncio.get_running_loop().time()

    return mock.patch.object(Coordinator, "_notice_pause", notice)


def _no_lock() -> AbstractContextManager[Any]:
    return mock.patch.object(Locks, "flock", return_value=None)


def _no_stop() -> AbstractContextManager[Any]:
    return mock.patch.object(Host, "_stop_run", return_value=None)


_SILENCE = ("late, then cut", "cut both ways", "cut one way", "host stop")
_STANDSTILL = ("host stop", "host suspend")
_LOST_MESSAGES = ("reset storm", "reset", "slow network")
_OTHERS = ("control plane replaced", "control plane restart", "reset storm")

MUTANTS: dict[str, Mutant] = {
    # The host.
    "act before the ack": Mutant("a step acts only once its step_started is stored", _act_before_ack),
    "no command ledger": Mutant("a host carries a command out once", _no_ledger),
    "no ledger, no memory of runs": Mutant(
        "a host carries a command out once, and begins a run once",
        both(_no_ledger, edited(SessionRuns, "start", "if start.run_id in self._begun:", "if False:")),
    ),
    "no action lease": Mutant(
        "a host asks its action lease right before it acts", _no_action_lease, faults=_STANDSTILL
    ),
    "no self-fencing": Mutant(
        "a host ends its browsers when its holding lease is over",
        _no_fence,
        "its guardian kills them at the same moment",
        "tests/unit/test_host_sessions.py::test_all_browsers_end_when_the_holding_lease_is_over",
    ),
    "no self-fencing, no lease for the guardian": Mutant(
        "the host or its guardian ends browsers when the holding lease is over",
        both(_no_fence, _guardian_without_lease),
        faults=_SILENCE,
    ),
    "fence at the lease's end": Mutant(
        "a host begins to end its browsers early enough",
        _late_fence,
        "what still lives when the lease is over is killed by the guardian",
        "tests/unit/test_host_found_by_simulation.py::test_a_browser_that_hangs_is_gone_when_the_holding_lease_is_over",
    ),
    "no lease for the guardian": Mutant(
        "the guardian ends browsers when the holding lease is over", _guardian_without_lease, faults=_STANDSTILL
    ),
    "the guardian does not mind its host's end": Mutant(
        "the guardian ends all browsers when its host is gone",
        _guardian_stays_calm,
        faults=("host crash", "host drain"),
    ),
    "lease from receipt": Mutant(
        "leases count from the sending of the heartbeat", _lease_from_receipt, faults=_SILENCE
    ),
    "no epoch check": Mutant(
        "a host does not listen to a control plane older than one it has seen",
        both(_no_epoch_check, _nobody_is_outlived),
        "not noticed in 28 worlds: a host meets the old one there too seldom, and for too short a time",
        "tests/unit/test_host_attachment.py::test_a_control_plane_older_than_one_already_seen_is_not_listened_to",
        faults=_OTHERS,
    ),
    "no silence rule": Mutant(
        "a host leaves a stream on which nothing is acknowledged", _no_silence_rule, faults=("forget",)
    ),
    "no deadline on the host": Mutant(
        "a host ends a session at its deadline by itself",
        both(_no_host_deadline, edited(Covers, "kill_at", "cover.deadline + CLOSE_GRACE_SECONDS", "float('inf')")),
        faults=_SILENCE,
    ),
    "no guardian": Mutant("browsers of a stopped host end on time", _no_guardian, faults=_STANDSTILL),
    "no resending of events": Mutant(
        "events that are not acknowledged are sent again on the next stream",
        edited(Outbox, "resend_all", "queue.sent = 0", "pass"),
        faults=_LOST_MESSAGES,
    ),
    "no resending of tombstones": Mutant(
        "tombstones and results that are not acknowledged are sent again on the next stream",
        edited(Unacknowledged, "take_all", "return tuple(self._values.values())", "return ()"),
        "what a Hello does not name as alive is buried, and a command without a result is sent again and answered",
        "tests/unit/test_host_attachment.py::"
        "test_results_and_tombstones_that_were_not_acknowledged_come_with_the_next_hello",
    ),
    "verdicts ignored": Mutant(
        "a host ends the browsers that the control plane does not hold",
        edited(Host, "_judge", "or verdict.keep:", "or True:"),
        "every close is also a command that is sent again, and a host that was lost has fenced itself",
        "tests/unit/test_host_attachment.py::test_a_browser_that_is_not_to_be_kept_is_closed",
    ),
    "StopRun ignored": Mutant(
        "a run that is over for the control plane is stopped, and its events are dropped",
        _no_stop,
        faults=("cut both ways", "stall", "host stop"),
    ),
    "any fence will do on the host": Mutant(
        "a host refuses commands of another placement",
        edited(Host, "_outcome", "session.placement.fence != placement.fence", "False"),
        "commands of an earlier placement are dropped with it, and a stream carries all in order",
        "tests/unit/test_host_sessions.py::test_a_command_under_another_fence_is_stale",
        faults=_LOST_MESSAGES,
    ),
    # The control plane.
    "lost after the action lease": Mutant(
        "a host is lost only after the holding lease", _lost_after_action_lease, faults=_SILENCE
    ),
    "no grace after a restart": Mutant(
        "after a restart every host has its holding lease",
        _no_grace_after_restart,
        faults=(*_SILENCE, "control plane crash"),
    ),
    "pauses are not given back": Mutant(
        "a control plane that was stopped gives its hosts that time",
        _pauses_are_not_given_back,
        "a host that heard nothing for its holding lease has ended its browsers; without the rule it is lost too soon",
        "tests/integration/test_found_by_simulation.py::test_a_control_plane_that_was_stopped_gives_its_hosts_that_time",
        faults=("control plane stop",),
    ),
    "a double is taken in": Mutant(
        "a host_id belongs to the process that is alive",
        edited(Coordinator, "attach", "if silent_for < 2.5", "if silent_for < 0.0"),
        faults=("host double",),
    ),
    "no lock on the database": Mutant("a database has one control plane", _no_lock, faults=("second control plane",)),
    "effects of a failed commit": Mutant(
        "what a move asks for happens only when it is on the disk",
        edited(Database, "_commit", "if error is None and pending.effects", "if pending.effects"),
        faults=("full disk", "failed fsync"),
    ),
    "old streams count": Mutant(
        "what an older stream brought in is refused within the transaction",
        edited(host_moves, "said_on_stream", "if newest != stream_no:", "if False:"),
        "what it brings is checked against the stored placement and sequence as well",
        "tests/integration/test_host_brakes.py::"
        "test_what_an_older_stream_brings_in_moves_nothing_once_a_newer_one_is_taken_in",
    ),
    "silence judged late": Mutant(
        "silence judged before an attach does not move the host after it",
        both(
            edited(host_moves, "lease_over", "or host.stream_no != stream_no", ""),
            edited(host_moves, "fall_silent", "host.stream_no != stream_no or ", ""),
        ),
        "the silence and the attach must meet between a judgement and its commit: not noticed in 36 worlds",
        "tests/integration/test_found_by_simulation.py::"
        "test_a_lease_judged_over_before_an_attach_takes_nothing_from_the_host_after_it",
    ),
    "a late launch is not waited for": Mutant(
        "a session is placed anew only when its earlier browser is gone",
        edited(
            session_moves,
            "fall_due",
            "save_session(tx, session, sessions.launch_overdue(session, tx.now, tx.now + tx.config.launch_timeout))",
            "launch_failed(tx, session, 'overdue')",
        ),
    ),
    "closed sessions are closed again": Mutant(
        "a closed session stays as it is", both(_closed_sessions_move, _always_open)
    ),
    "closing tells the host nothing": Mutant(
        "closing a session commands its host in the same transaction",
        edited(session_moves, "close", "if tx.sessions.place_of(session.browser_session_id):", "if False:"),
    ),
    "commands are not sent again": Mutant(
        "commands without a result are sent again at every attach",
        edited(host_moves, "attach", "tx.hosts.pending_commands(host.host_id)", "[]"),
        faults=_LOST_MESSAGES,
    ),
    "runs outlive their session": Mutant(
        "runs end with their session, in the same transaction",
        edited(session_moves, "close", "[*([active] if active else []), *waiting]", "[]"),
    ),
    "no deadline on the control plane": Mutant(
        "a session is closed at its deadline",
        edited(
            session_moves,
            "fall_due",
            'close(tx, session, CloseReason.TIMED_OUT, f"timed out after {_minutes(session.timeout)}")',
            "pass",
        ),
    ),
    "events of ended runs are stored": Mutant(
        "a run that is final takes no more events",
        edited(event_moves._Recording, "take", "elif not run.status.active:", "elif False:"),
        caught_by=(4,),
    ),
    "duplicate events are not known": Mutant(
        "an event that is stored already is acknowledged again",
        edited(event_moves._Recording, "take", "elif event.seq <= run.last_seq:", "elif False:"),
        "the Welcome acknowledges all that is stored before anything is sent again, and older streams are refused",
        "tests/integration/test_runs.py::test_an_event_that_comes_again_is_acknowledged_again_and_stored_once",
    ),
    "gaps are stored": Mutant(
        "an event is stored only right after the one before it",
        edited(event_moves._Recording, "take", "elif event.seq != run.last_seq + 1:", "elif False:"),
        "within a stream nothing overtakes, and each stream begins with the first event that is not acknowledged",
        "tests/integration/test_runs.py::test_a_gap_is_answered_with_one_resend_and_nothing_after_it_is_stored",
    ),
    "any fence will do in a tombstone": Mutant(
        "a tombstone counts for its own placement only",
        edited(host_reports, "bury", "(session.host_id, session.fence) != (host_id, tombstone.fence)", "False"),
        caught_by=(4,),
    ),
    "a lost host keeps its sessions": Mutant(
        "the sessions of a lost host end or are placed anew",
        edited(host_moves, "lease_over", "lose_browsers(tx, host, message)", "pass"),
        caught_by=(7,),
    ),
    "a new process keeps the old one's sessions": Mutant(
        "a new incarnation proves that the old one's browsers are gone",
        edited(host_moves, "_taken_in", 'if old.incarnation not in ("", hello.incarnation):', "if False:"),
        "the first Hello of a new process names no browser, so its sessions are buried or launched by the new one",
        "tests/integration/test_hosts.py::"
        "test_a_new_process_of_a_host_has_none_of_the_old_ones_sessions_and_launching_ones_are_placed_again",
    ),
}
