"""The only writer. A move is one transaction with one `now`; what it asks for happens once it is on the disk.

The moves themselves are functions in the `*_moves` modules. Here is what they cannot hold: the hosts' last signs of
life, which are counted on this process's own clock, and the effects.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

from tabkeep import telemetry

from control_plane import host_moves, run_moves, session_moves
from control_plane.config import Config
from control_plane.effects import Attached, Detached, Due, KeyChanged, Log, Send, Wake
from control_plane.errors import HostIdTaken, TabkeepError, Unavailable
from control_plane.feed import Feed
from control_plane.host_links import HostLinks, Link
from control_plane.host_messages import Heartbeat, HeartbeatAck, Hello
from control_plane.keys import KeyBook
from control_plane.store import Database, Effects, Transaction

logger = logging.getLogger(__name__)
_MOVES = telemetry.meter().create_counter(
    "tabkeep.moves", description="Moves of sessions, runs and hosts, by what they became and why."
)
P = ParamSpec("P")
T = TypeVar("T")

_DUE_AT_ONCE = 200
_LOOK_AT_LEAST_EVERY = timedelta(seconds=5)
_LOOK_AGAIN_AFTER_FAILURE = 1.0
"""Seconds until what is due is looked at again after the store refused."""
_FAR_AWAY = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Pulse:
    """A host's last sign of life."""

    heard_at: float
    """On the clock's `monotonic`."""
    stream_no: int
    """Of the stream that is listened to."""
    suspect: bool = False
    load_average: float = 0.0
    available_memory_bytes: int = 0


class Coordinator:
    """Runs moves, publishes their effects, and makes what is due happen."""

    def __init__(self, database: Database, keys: KeyBook, config: Config) -> None:
        self.database = database
        self.keys = keys
        self.config = config
        self.clock = database.clock
        self.links = HostLinks()
        self.feed = Feed()
        self.pulses: dict[str, Pulse] = {}
        self.control_epoch = 0
        self.draining = False
        """The control plane is being stopped: no new sessions and runs."""
        self._storage_low = False
        self._sooner = asyncio.Event()
        self._next_look = self._earliest_due = _FAR_AWAY
        database.on_commit(self._publish)

    async def start(self) -> None:
        """Begin a new control epoch; every host that was attached gets its whole holding lease to come back."""
        self.control_epoch, streams = await self.database.write(host_moves.recover)
        heard_at = self.clock.monotonic()
        self.pulses = {host_id: Pulse(heard_at, stream_no) for host_id, stream_no in streams.items()}
        logger.info("control plane started", extra={"control_epoch": self.control_epoch, "hosts": len(streams)})

    async def move(
        self, move: Callable[Concatenate[Transaction, P], T], /, *arguments: P.args, **options: P.kwargs
    ) -> T:
        """Run a move in a transaction of its own; returns when it is on the disk and its effects are on their way."""
        return await self.database.write(lambda tx: move(tx, *arguments, **options))

    async def admit(
        self, move: Callable[Concatenate[Transaction, P], T], /, *arguments: P.args, **options: P.kwargs
    ) -> T:
        """`move`, for new work: refused while the disk is nearly full or the control plane stops.

        Raises:
            Unavailable: STORAGE_FULL or DRAINING.
        """
        if self.draining:
            raise Unavailable("the control plane is being stopped: try again soon", reason="DRAINING")
        if self._storage_low:
            raise Unavailable(
                f"less than {self.config.minimum_free_bytes >> 20} MiB are free on the control plane's disk: "
                "closing sessions still works",
                reason="STORAGE_FULL",
                retry_after=timedelta(seconds=30),
            )
        return await self.move(move, *arguments, **options)

    def _publish(self, effects: Effects) -> None:
        for effect in effects.items:
            match effect:
                case Send(host_id, message):
                    self.links.send(host_id, message)
                case Wake(topic):
                    self.feed.wake(topic)
                case Due(time):
                    self._earliest_due = min(self._earliest_due, time)
                    if time < self._next_look:
                        self._sooner.set()
                case Log(message, fields):
                    logger.info(message, extra=fields)
                    _MOVES.add(1, {"move": message, "reason": str(fields.get("reason", ""))})
                case Attached(link, stream_no, welcome):
                    link.stream_no = stream_no
                    self.pulses[link.host_id] = Pulse(self.clock.monotonic(), stream_no)
                    self.links.put(link)
                    link.send(welcome)
                case Detached(host_id):
                    self.pulses.pop(host_id, None)
                case KeyChanged(key):
                    self.keys.put(key)

    # Hosts

    async def attach(self, hello: Hello, link: Link) -> None:
        """Take a host in; from here on `link` is its stream.

        Raises:
            HostIdTaken: another process with this host_id is alive.
        """
        current, pulse = self.links.get(hello.host_id), self.pulses.get(hello.host_id)
        if current and pulse and current.incarnation != hello.incarnation:
            silent_for = self.clock.monotonic() - pulse.heard_at
            if silent_for < 2.5 * self.config.heartbeat_interval.total_seconds():
                raise HostIdTaken(
                    f"host_id {hello.host_id} is taken by another live process ({current.incarnation}): give each host "
                    "an id of its own",
                    host_id=hello.host_id,
                )
        await self.move(host_moves.attach, hello, link, self.control_epoch)

    async def heartbeat(self, link: Link, heartbeat: Heartbeat) -> None:
        """A host is alive: its leases count anew from the moment it sent this."""
        pulse = self.pulses.get(link.host_id)
        if pulse is None or self.links.get(link.host_id) is not link:
            return
        pulse.heard_at = self.clock.monotonic()
        pulse.load_average = heartbeat.load_average
        pulse.available_memory_bytes = heartbeat.available_memory_bytes
        if pulse.suspect:
            pulse.suspect = False
            await self.move(host_moves.speak, link.host_id)
        if heartbeat.draining and not link.said_draining:
            link.said_draining = True
            await self.move(host_moves.drains_itself, link.host_id)
        link.send(HeartbeatAck(heartbeat.heartbeat_no))

    async def _judge_silence(self) -> float:
        """Move the hosts that were silent for too long; returns the seconds until the next one may be."""
        suspect_after = self.config.silent_for_suspect()
        lost_after = self.config.silent_for_lost()
        nearest = _LOOK_AT_LEAST_EVERY.total_seconds()
        for host_id, pulse in list(self.pulses.items()):
            silent_for = timedelta(seconds=self.clock.monotonic() - pulse.heard_at)
            if silent_for >= lost_after:
                lost = await self.move(host_moves.lease_over, host_id, pulse.stream_no, silent_for)
                if lost and (link := self.links.get(host_id)) and link.stream_no == pulse.stream_no:
                    link.end(
                        TabkeepError("no heartbeat came for the holding lease: attach again", reason="HOST_SILENT")
                    )
            elif silent_for >= suspect_after and not pulse.suspect:
                pulse.suspect = True
                await self.move(host_moves.fall_silent, host_id, pulse.stream_no, silent_for)
            limit = lost_after if pulse.suspect else suspect_after
            nearest = min(nearest, (limit - silent_for).total_seconds())
        return max(nearest, 0.0)

    # Deadlines

    async def expire_due(self) -> float:
        """Make everything happen that is due; returns the seconds until something may be due again."""
        self._storage_low = shutil.disk_usage(self.config.data_dir).free < self.config.minimum_free_bytes
        while await self.database.write(_expire):
            pass
        nearest = await self._judge_silence()
        next_due: datetime | None = await self.database.read(lambda tables: tables.next_due_time())
        if next_due is not None:
            nearest = min(nearest, (next_due - self.clock.now()).total_seconds())
        return max(nearest, 0.0)

    async def serve_deadlines(self) -> None:
        """Sleep until the earliest deadline, or until an earlier one is stored; until cancelled.

        A store that refuses (a full disk) does not end it: the deadlines are kept as soon as it takes them.
        """
        while True:
            self._sooner.clear()
            self._earliest_due = _FAR_AWAY  # what is stored while this looks may come too late to be seen
            try:
                seconds = await self.expire_due()
            except Exception:
                logger.exception("deadlines failed")
                seconds = _LOOK_AGAIN_AFTER_FAILURE
            self._next_look = min(self.clock.now() + timedelta(seconds=seconds), self._earliest_due)
            pause = max((self._next_look - self.clock.now()).total_seconds(), 0.0)
            try:
                await asyncio.wait_for(self._sooner.wait(), timeout=pause)
            except TimeoutError:
                continue


def _expire(tx: Transaction) -> bool:
    """Move what is due; True when there may be more."""
    sessions = tx.sessions.due(tx.now, _DUE_AT_ONCE)
    for session in sessions:
        if (current := tx.sessions.get(session.browser_session_id)) and current.due_time == session.due_time:
            session_moves.fall_due(tx, current)
    runs = tx.runs.due(tx.now, _DUE_AT_ONCE)
    for run in runs:
        if (now := tx.runs.get(run.run_id)) and now.due_time == run.due_time:
            run_moves.fall_due(tx, now)
    for host in tx.hosts.drained_by(tx.now):
        host_moves.drain_over(tx, host)
    tx.requests.forget_before(tx.now - tx.config.request_retention, _DUE_AT_ONCE)
    tx.meta.put("clock", tx.now.isoformat())
    return len(sessions) == _DUE_AT_ONCE or len(runs) == _DUE_AT_ONCE
