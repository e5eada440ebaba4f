"""The events of runs, as hosts report them: stored once and in order, and what they move.

Most events only have to be stored, thousands a second; of their runs the few columns are read and written that say how
far they are, once for all events of a batch. Those that move a run are rare and take its whole row.
"""

from __future__ import annotations

from control_plane.entities import runs
from control_plane.entities.recordings import Recorded, Replayed
from control_plane.entities.runs import RunStatus
from control_plane.errors import HostProtocolError
from control_plane.live.host_messages import EventAck, EventAcks, EventKind, ReportedEvent, Resend, StopRun
from control_plane.moves import recording_moves, run_moves
from control_plane.moves.effects import Send, Wake
from control_plane.moves.forgery import refuse_forged
from control_plane.moves.turns import save_run
from control_plane.store import Progress, Transaction

_MOVING = frozenset(
    {
        EventKind.APPROVAL_REQUESTED,
        EventKind.APPROVAL_RESOLVED,
        EventKind.RUN_FINISHED,
        EventKind.TASK_RECORDED,
        EventKind.REPLAYED,
    }
)


def record_events(tx: Transaction, host_id: str, events: tuple[ReportedEvent, ...]) -> None:
    """Store run events: each once, in order, only of runs that have their turn on this host.

    Raises:
        HostProtocolError: an event is not the one that was stored under its seq, or of a placement that this host
            was never given.
    """
    recording = _Recording(tx, host_id)
    for event in events:
        recording.take(event)
    recording.write()
    if recording.acks:
        acks = tuple(EventAck(run_id, seq) for run_id, seq in recording.acks.items())
        tx.effects.add(Send(host_id, EventAcks(acks)))
    for run_id, seq in recording.gaps.items():
        tx.effects.add(Send(host_id, Resend(run_id, seq)))
    for run_id in recording.unwanted:
        tx.effects.add(Send(host_id, StopRun(run_id)))


class _Recording:
    """One batch of events on its way into the tables."""

    def __init__(self, tx: Transaction, host_id: str) -> None:
        self._tx = tx
        self._host_id = host_id
        self._progress: dict[str, Progress | None] = {}
        """Of the runs seen so far, events not yet written included."""
        self._unwritten: list[tuple[str, int, bytes]] = []
        self._gone_on: dict[str, Progress] = {}
        """The runs of the unwritten events."""
        self.acks: dict[str, int] = {}
        self.gaps: dict[str, int] = {}
        self.unwanted: dict[str, None] = {}

    def take(self, event: ReportedEvent) -> None:
        """Take in one event."""
        run_id = event.run_id
        if run_id not in self._progress:
            self._progress[run_id] = self._tx.runs.progress(run_id)
        run = self._progress[run_id]
        if (
            run is None
            or run.browser_session_id != event.browser_session_id
            or (run.host_id, run.fence) != (self._host_id, event.fence)
        ):
            refuse_forged(self._tx, self._host_id, event.browser_session_id, event.fence)
            self.unwanted[run_id] = None
        elif event.seq <= run.last_seq:
            self._compare(event)
            self.acks[run_id] = run.last_seq
        elif not run.status.active:
            self.unwanted[run_id] = None
        elif event.seq != run.last_seq + 1:
            self.gaps[run_id] = run.last_seq + 1
        else:
            self._append(run, event)
            self.acks[run_id] = event.seq

    def _compare(self, event: ReportedEvent) -> None:
        self.write()
        if self._tx.runs.event(event.run_id, event.seq) != event.body:
            raise HostProtocolError(
                f"host {self._host_id} sent another event {event.seq} of run {event.run_id} than before",
                run_id=event.run_id,
            )

    def _append(self, run: Progress, event: ReportedEvent) -> None:
        self._unwritten.append((event.run_id, event.seq, event.body))
        self._gone_on[event.run_id] = run
        run.last_seq = event.seq
        run.step_count = max(run.step_count, event.step)
        if event.kind is EventKind.STEP_STARTED:
            run.step_open = True
        elif event.kind is EventKind.STEP_FINISHED:
            run.step_open = False
        elif event.kind in _MOVING:
            self.write()
            self._progress.clear()  # what ends a run may move others of its session
            _move(self._tx, event)

    def write(self) -> None:
        """Store what was taken in until now."""
        if not self._unwritten:
            return
        self._tx.runs.record(self._unwritten, self._gone_on.values())
        for run_id in self._gone_on:
            self._tx.effects.add(Wake(run_id))
        self._unwritten, self._gone_on = [], {}


def _move(tx: Transaction, event: ReportedEvent) -> None:
    """Move a run, or a recording, as its event, which is stored, says."""
    run = tx.runs.get(event.run_id)
    assert run is not None
    if event.kind is EventKind.APPROVAL_REQUESTED and run.status is RunStatus.RUNNING:
        save_run(tx, run, runs.paused(run, event.approval_id, event.approval, tx.now, turn_lent=event.lends_turn))
    elif event.kind is EventKind.APPROVAL_RESOLVED and run.status is RunStatus.PAUSED:
        save_run(tx, run, runs.resumed(run, tx.now))
    elif isinstance(event.recording, Recorded):
        recording_moves.take_recorded(tx, run, event.recording)
    elif isinstance(event.recording, Replayed):
        recording_moves.take_replayed(tx, run, event.recording)
    elif event.kind is EventKind.RUN_FINISHED and event.status is not None:
        run_moves.finish(
            tx, run, event.status, reason=event.failure_reason, message=event.failure_message, output=event.output
        )
