"""What must be true, checked against the truth: every row change at its commit, every browser, every effect.

The control plane's changes come from triggers on its own writing connection, so a checker sees what was committed
and nothing else; the browsers and effects come from the simulated site, the clients' view from the clients.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.messages import Placement
from control_plane.entities.runs import FINAL
from tests.simulation.browsers import BrowserProcess, Effect
from tests.simulation.virtual_loop import Process

if TYPE_CHECKING:
    from tests.simulation.programs import HostProgram
    from tests.simulation.world import World

_TRIGGERS = """
CREATE TEMP TABLE changes (n INTEGER PRIMARY KEY, what TEXT, id TEXT, a, b, c, d, e, f);
CREATE TEMP TRIGGER s1 AFTER INSERT ON main.sessions BEGIN INSERT INTO changes (what, id, a, b, c, d, e, f)
  VALUES ('session', new.browser_session_id, '', new.state, '', new.expire_time, new.timeout,
          new.host_id || '/' || new.fence); END;
CREATE TEMP TRIGGER s2 AFTER UPDATE ON main.sessions BEGIN INSERT INTO changes (what, id, a, b, c, d, e, f)
  VALUES ('session', new.browser_session_id, old.state || ':' || coalesce(old.close_reason, ''),
          new.state || ':' || coalesce(new.close_reason, ''), '', new.expire_time, new.timeout,
          new.host_id || '/' || new.fence); END;
CREATE TEMP TRIGGER s3 AFTER DELETE ON main.sessions BEGIN INSERT INTO changes (what, id)
  VALUES ('deleted', old.browser_session_id); END;
CREATE TEMP TRIGGER r1 AFTER INSERT ON main.runs BEGIN INSERT INTO changes (what, id, a, b, c, d)
  VALUES ('run', new.run_id, '', new.status, new.browser_session_id, new.last_seq); END;
CREATE TEMP TRIGGER r2 AFTER UPDATE ON main.runs BEGIN INSERT INTO changes (what, id, a, b, c, d)
  VALUES ('run', new.run_id, old.status, new.status, new.browser_session_id, new.last_seq); END;
CREATE TEMP TRIGGER r3 AFTER DELETE ON main.runs BEGIN INSERT INTO changes (what, id)
  VALUES ('deleted', old.run_id); END;
CREATE TEMP TRIGGER e1 AFTER INSERT ON main.run_events BEGIN INSERT INTO changes (what, id, a, b)
  VALUES ('event', new.run_id, new.seq, new.body); END;
CREATE TEMP TRIGGER e2 AFTER UPDATE ON main.run_events BEGIN INSERT INTO changes (what, id)
  VALUES ('deleted', old.run_id || ':' || old.seq); END;
CREATE TEMP TRIGGER e3 AFTER DELETE ON main.run_events BEGIN INSERT INTO changes (what, id)
  VALUES ('deleted', old.run_id || ':' || old.seq); END;
CREATE TEMP TRIGGER p1 AFTER UPDATE ON main.placements BEGIN INSERT INTO changes (what, id, a)
  VALUES ('released', new.browser_session_id, new.fence); END;
CREATE TEMP TRIGGER h1 AFTER UPDATE ON main.hosts BEGIN INSERT INTO changes (what, id, a, b)
  VALUES ('host', new.host_id, old.state, new.state); END;
"""


PROMPT_SECONDS = 10.0
"""How soon things must happen while a host and the control plane hear each other."""


ORPHAN_SECONDS = 3.6
"""How long a browser may live after its host's process has died: three seconds, and the look at it every half."""
WAKING_SECONDS = 4.0
"""How long after its machine has woken up a browser may take to end: one that hangs takes three."""


@dataclass
class SessionRecord:
    """A session as it was last committed."""

    browser_session_id: str
    created_at: float
    state: str = ""
    reason: str = ""
    placement: str = ""
    expire_time: datetime | None = None
    longest_timeout: float = 0.0
    closed_at: float | None = None


@dataclass
class RunRecord:
    """A run as it was last committed."""

    run_id: str
    browser_session_id: str
    status: str = ""
    last_seq: int = 0
    turn_at: float = 0.0
    ended_at: float | None = None
    events: list[bytes] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return self.status in _FINAL


@dataclass(frozen=True)
class Emitted:
    """An event as a host made it."""

    process: Process
    placement: Placement
    body: bytes
    time: float
    step: int
    """Of a StepStarted; 0 for other events."""
    last: bool
    """It is a RunFinished."""


_FINAL = {status.value for status in FINAL}


@dataclass(frozen=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    text: str


class Checkers:
    """All invariants; `first` is the first one that was broken."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first: Violation | None = None
        self.sessions: dict[str, SessionRecord] = {}
        self.runs: dict[str, RunRecord] = {}
        self.host_states: dict[str, str] = {}
        self.events = 0
        self.open_sessions: dict[str, SessionRecord] = {}
        self.active_runs: dict[str, RunRecord] = {}
        """Those that are not final."""
        self._emitted: dict[str, dict[int, Emitted]] = {}
        self._durable_steps: set[tuple[str, int]] = set()
        self._done_steps: set[tuple[str, int]] = set()
        self._acked: dict[str, str] = {}
        """What a client was told: ids, and the state it may not fall behind any more."""
        self._connection: sqlite3.Connection | None = None
        self._seen = 0
        self._changes = 0
        self._slow_until = 0.0
        self._in_touch_since: dict[str, tuple[int, float]] = {}
        """Of each host: the stream that is in order, and since when."""

    def fail(self, invariant: str, text: str) -> None:
        self.world.trace(f"VIOLATION {invariant}: {text}")
        if self.first is None and not self.world.over:
            self.first = Violation(invariant, text)

    # At every commit.

    def watch(self, connection: sqlite3.Connection) -> None:
        """A control plane has opened the database: what was committed must all be there; then see every change."""
        self._compare(connection)
        connection.executescript(_TRIGGERS)
        self._connection, self._seen, self._changes = connection, 0, 0

    def _compare(self, connection: sqlite3.Connection) -> None:
        sessions = dict(connection.execute("SELECT browser_session_id, state FROM sessions").fetchall())
        runs = {row[0]: row[1:] for row in connection.execute("SELECT run_id, status, last_seq FROM runs").fetchall()}
        for session in self.sessions.values():
            if sessions.get(session.browser_session_id) != session.state:
                self.fail("I11", f"session {session.browser_session_id} was {session.state} before the restart")
        for run in self.runs.values():
            if runs.get(run.run_id) != (run.status, run.last_seq):
                self.fail("I11", f"run {run.run_id} was {run.status} at {run.last_seq} before the restart")

    def commits(self) -> None:
        """Look at what was committed since the last time."""
        connection = self._connection
        if connection is None or connection.in_transaction or connection.total_changes == self._changes:
            return
        self._changes = connection.total_changes
        for n, what, key, a, b, c, d, e, f in connection.execute(
            "SELECT * FROM temp.changes WHERE n > ? ORDER BY n", (self._seen,)
        ).fetchall():
            self._seen = n
            match what:
                case "session":
                    self._session(key, a, b, d, e, f)
                case "run":
                    self._run(key, a, b, c, d)
                case "event":
                    self._event(key, a, b)
                case "released":
                    self._released(key, a)
                case "host":
                    self.host_states[key] = b
                    if a != b:
                        self.world.trace(f"db {key} {a} -> {b}")
                case _:
                    self.fail("I2", f"a stored row was changed or deleted: {key}")

    def gone(self) -> None:
        """The control plane's process has ended."""
        self._connection = None

    def _session(self, key: str, old: str, new: str, expire: str | None, timeout: int, placement: str) -> None:
        record = self.sessions.setdefault(key, SessionRecord(key, self.world.loop.true_time))
        if old.startswith("closed") and new != old:
            self.fail("I2", f"session {key} went from {old} to {new}")
        state, _, reason = new.partition(":")
        if state != record.state:
            self.world.trace(f"db session {key[-6:]} {record.state} -> {new} {placement}")
        if state == "closed" and record.closed_at is None:
            record.closed_at = self.world.loop.true_time
        if state == "closed":
            self.open_sessions.pop(key, None)
        else:
            self.open_sessions[key] = record
        record.state, record.reason, record.placement = state, reason, placement
        record.expire_time = datetime.fromisoformat(expire) if expire else None
        record.longest_timeout = max(record.longest_timeout, timeout / 1000)

    def _run(self, key: str, old: str, new: str, session: str, last_seq: int) -> None:
        record = self.runs.setdefault(key, RunRecord(key, session))
        if old in _FINAL and new != old:
            self.fail("I2", f"run {key} went from {old} to {new}")
        if new != record.status:
            self.world.trace(f"db run {key[-6:]} {record.status} -> {new}")
        if new == "running" and record.status != new:
            record.turn_at = self.world.loop.true_time
        record.status, record.last_seq = new, last_seq
        if new in _FINAL:
            self.active_runs.pop(key, None)
        else:
            self.active_runs[key] = record
        if new in _FINAL and record.ended_at is None:
            record.ended_at = self.world.loop.true_time

    def _event(self, key: str, seq: int, body: bytes) -> None:
        run = self.runs[key]
        self.events += 1
        if seq != len(run.events) + 1:
            self.fail("I3", f"run {key} stored event {seq} after {len(run.events)}")
        emitted = self._emitted.get(key, {}).get(seq)
        if emitted is None or emitted.body != body:
            self.fail("I3", f"run {key} stored an event {seq} that its host did not make")
        else:
            placement = f"{emitted.process.machine.name}/{emitted.placement.fence}"
            if placement != self.sessions[run.browser_session_id].placement:
                self.fail("I9", f"run {key} stored event {seq} of the stale placement {placement}")
            if emitted.step:
                self._durable_steps.add((key, emitted.step))
        run.events.append(body)

    def _released(self, key: str, fence: int) -> None:
        for browser in self.world.site.alive():
            if browser.placement == Placement(key, fence) and not self._asleep(browser):
                self.fail("I10", f"the place of {browser} was given free while it lives")

    # On the hosts.

    def emitted(self, process: Process, placement: Placement, event: RunEvent) -> None:
        known = self._emitted.setdefault(event.run_id, {})
        if event.seq not in known:
            body = event.SerializeToString(deterministic=True)
            step, last = event.step_started.step, event.HasField("run_finished")
            known[event.seq] = Emitted(process, placement, body, self.world.loop.true_time, step, last)

    def started(self, browser: BrowserProcess) -> None:
        session = browser.placement.browser_session_id
        alive = self.world.site.alive()
        others = [
            other
            for other in alive
            if other is not browser and other.placement.browser_session_id == session and not self._asleep(other)
        ]
        if others:
            self.fail("I1", f"{browser} and {others[0]} live at once")
        here = [other for other in alive if other.host.machine is browser.host.machine]
        if len(here) > self.world.capacity:
            self.fail("I10", f"{len(here)} browsers on {browser.host.machine.name}, {self.world.capacity} places")

    def acted(self, effect: Effect) -> None:
        key = (effect.run_id, effect.step)
        if key not in self._durable_steps:
            self.fail("I4", f"run {effect.run_id} did step {effect.step} before its step_started was stored")
        if key in self._done_steps:
            self.fail("I5", f"run {effect.run_id} did step {effect.step} twice")
        self._done_steps.add(key)
        run = self.runs[effect.run_id]
        session = self.sessions[run.browser_session_id]
        limit = self.world.control_plane.config.silent_for_suspect().total_seconds()
        for what, end in (("its session was closed", session.closed_at), ("it was final", run.ended_at)):
            if end is not None and effect.time > end + limit:
                self.fail("I6", f"run {effect.run_id} acted {effect.time - end:.1f} s after {what}")

    # As clients see it.

    def told(self, key: str, state: str) -> None:
        """A client was told that something is stored."""
        record = self.sessions.get(key) or self.runs.get(key)
        if record is None:
            self.fail("I11", f"a client was told of {key}, which is not stored")
        elif state == "closed" and self.sessions[key].state != "closed":
            self.fail("I11", f"a client was told that {key} is closed; it is {self.sessions[key].state}")

    def watched(self, run_id: str, after: int, seq: int, body: bytes) -> None:
        """A client that has seen the events up to `after` has got another one."""
        if seq != after + 1:
            self.fail("I14", f"a client that saw event {after} of run {run_id} got {seq}")
        run = self.runs[run_id]
        if seq > len(run.events) or (body != run.events[seq - 1] and not _alike(body, run.events[seq - 1])):
            self.fail("I14", f"a client got an event {seq} of run {run_id} that is not stored")

    # Now and then.

    def tick(self) -> None:
        now = self.world.loop.true_time
        if self.world.control_plane.disk.troubled:
            self._slow_until = now + 10.0
        for host in self.world.hosts:
            if host.stands_still:
                host.machine.awake_since = now
        awake: dict[str, BrowserProcess] = {}
        for browser in self.world.site.alive():
            if self._asleep(browser):
                continue
            if browser.host.dead and now - browser.host.died_at > ORPHAN_SECONDS:
                self.fail("I16", f"{browser} lives {now - browser.host.died_at:.1f} s after its host's end")
            other = awake.setdefault(browser.placement.browser_session_id, browser)
            if other is not browser:
                self.fail("I1", f"{browser} and {other} live at once")
            session = self.sessions.get(browser.placement.browser_session_id)
            timeout = session.longest_timeout if session else 0.0
            if now - browser.started_at > timeout * 1.01 + 3.6:
                self.fail("I7", f"{browser} lives for {now - browser.started_at:.1f} s, its timeout is {timeout:g} s")
        control_plane = self.world.control_plane
        ready_for = now - control_plane.ready_since if control_plane.ready_since else 0.0
        if control_plane.serving and control_plane.clock and now > self._slow_until and ready_for > 1.5:
            clock_now = control_plane.clock.now()
            for record in self.open_sessions.values():
                if record.state == "running" and record.expire_time is not None:
                    late = (clock_now - record.expire_time).total_seconds()
                    if late > 1.0:
                        self.fail("I8", f"session {record.browser_session_id} is open {late:.1f} s past its end")

        for host in self.world.hosts:
            self._in_touch(host, now)

    def _in_touch(self, host: HostProgram, now: float) -> None:
        """What must happen soon while a host and the control plane hear each other."""
        stream_no = self._stream_in_order(host)
        known, since = self._in_touch_since.get(host.host_id, (0, now))
        if stream_no != known or stream_no == 0:
            known, since = stream_no, now
        self._in_touch_since[host.host_id] = known, since
        if now - since < PROMPT_SECONDS:
            return
        for browser in self.world.site.alive():
            if browser.host is not host.process or self._asleep(browser):
                continue
            closed_at = self.sessions[browser.placement.browser_session_id].closed_at
            if closed_at is not None and now - closed_at > PROMPT_SECONDS:
                self.fail("I16", f"{browser} lives {now - closed_at:.1f} s after its session was closed")
        for run in self.active_runs.values():
            if run.status != "running" or run.events or now - run.turn_at <= PROMPT_SECONDS:
                continue
            if self.sessions[run.browser_session_id].placement.startswith(f"{host.host_id}/"):
                self.fail("L4", f"run {run.run_id} has its turn for {now - run.turn_at:.1f} s and does not begin")
        assert host.host is not None
        for run_id, queue in host.host.outbox._runs.items():
            seq = queue.events[0].event.seq
            if now - self._emitted[run_id][seq].time > PROMPT_SECONDS:
                self.fail("I3b", f"event {seq} of run {run_id} was made and is not acknowledged")

    def _asleep(self, browser: BrowserProcess) -> bool:
        """Whether its machine sleeps, or has just woken up: what is over then ends in a moment, and nothing acts."""
        machine = browser.host.machine
        return machine.suspended or self.world.loop.true_time < machine.awake_since + WAKING_SECONDS

    def in_touch(self, host: HostProgram) -> bool:
        """Whether the host and the control plane have heard each other for some time."""
        stream_no, since = self._in_touch_since.get(host.host_id, (0, 0.0))
        return stream_no != 0 and self.world.loop.true_time - since > 2.0 and self._stream_in_order(host) == stream_no

    def _stream_in_order(self, host: HostProgram) -> int:
        """The number of the host's stream on which everything comes through; 0 for none."""
        control_plane, network, process = self.world.control_plane, self.world.network, host.process
        coordinator, attachment = control_plane.coordinator, host.attachment
        if not control_plane.serving or coordinator is None or control_plane.disk.troubled:
            return 0
        if process is None or not process.runs or attachment is None or not attachment.attached.is_set():
            return 0
        link = coordinator.links.get(host.host_id)
        if link is None or link.stream_no != attachment._stream_no or network.hinders(process):
            return 0
        return link.stream_no

    def _ready(self, host: HostProgram) -> bool:
        """Whether it takes sessions, or is kept from that by a row of launches that really failed."""
        state = self.host_states.get(host.host_id)
        if state != "quarantined" or self._connection is None:
            return state == "ready"
        why = "SELECT quarantine_message FROM hosts WHERE host_id = ?"
        return "launches failed in a row" in self._connection.execute(why, (host.host_id,)).fetchone()[0]

    def soon_after_healing(self) -> None:
        for host in self.world.hosts:
            state = self.host_states.get(host.host_id)
            if host.lost_for_good:
                continue
            draining = host.host is not None and host.host.draining
            if not self._ready(host) and not draining and state not in ("draining", "gone"):
                self.fail("L6", f"{host.host_id} is {state} 15 s after all faults were healed")

    def at_rest(self) -> bool:
        """Whether every session and run has ended, every place is free, and every host that lives is READY."""
        if self.active_runs or self.open_sessions or self.world.site.living or self._connection is None:
            return False
        for host in self.world.hosts:
            if not host.lost_for_good and not self._ready(host):
                return False
        held = "SELECT 1 FROM placements WHERE release_time IS NULL LIMIT 1"
        return self._connection.execute(held).fetchone() is None

    def at_the_end(self) -> None:
        """After the quiet time: nothing is stuck, nothing is left."""
        now, healed_at = self.world.loop.true_time, self.world.healed_at
        holding = self.world.control_plane.config.holding_lease.total_seconds()
        for session in self.sessions.values():
            if session.state in ("pending", "launching", "aborting") and now - session.created_at > 180:
                self.fail("L1", f"session {session.browser_session_id} is stuck in {session.state}")
        assert self._connection is not None
        for key, fence in self._connection.execute(
            "SELECT browser_session_id, fence FROM placements WHERE release_time IS NULL"
        ).fetchall():
            closed_at = self.sessions[key].closed_at
            if closed_at is not None and now - closed_at > holding + 40:
                self.fail("L2", f"the place {fence} of the closed session {key} was never given free")
        for run in self.runs.values():
            session = self.sessions[run.browser_session_id]
            if not run.final and session.state == "closed":
                self.fail("L3", f"run {run.run_id} is {run.status} on a closed session")
            elif not run.final and session.state == "running":
                self.fail("L4", f"run {run.run_id} is {run.status} {now - healed_at:g} s after all faults were healed")
            self._tail(run, healed_at)
        for browser in self.world.site.alive():
            closed_at = self.sessions[browser.placement.browser_session_id].closed_at
            if closed_at is not None and now - closed_at > holding + 20:
                self.fail("L5", f"{browser} lives {now - closed_at:.0f} s after its session was closed")
        for host in self.world.hosts:
            if not self._ready(host) and not host.lost_for_good:
                self.fail("L6", f"{host.host_id} is {self.host_states.get(host.host_id)} at the end")

    def _tail(self, run: RunRecord, healed_at: float) -> None:
        """A host that lived and came back has lost no end of a run."""
        emitted = self._emitted.get(run.run_id, {})
        if not emitted:
            return
        last = emitted[max(emitted)]
        if not last.last or last.process.dead:
            return
        overruled = run.ended_at is not None and run.ended_at < max(last.time, healed_at) + 30.0
        if len(run.events) < len(emitted) and not overruled:
            self.fail("I3b", f"run {run.run_id} has {len(run.events)} events, its host made {len(emitted)}")


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two bodies say the same event, however they were written down."""
    return bool(RunEvent.FromString(one) == RunEvent.FromString(other))
