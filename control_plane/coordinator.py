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
from typing import Any, Concatenate, ParamSpec, TypeVar

from tabkeep import telemetry

from control_plane.config import Config
from control_plane.entities.keys import Key, KeyBook, refuse_other_host
from control_plane.errors import AttachRate, HostIdTaken, HostProtocolError, TabkeepError, Unavailable
from control_plane.live.attach_admission import AttachAdmission
from control_plane.live.feed import Feed
from control_plane.live.host_links import HostLinks, Link
from control_plane.live.host_messages import Heartbeat, HeartbeatAck, Hello
from control_plane.moves import host_moves, host_standing, key_moves, profile_saves, run_moves, session_moves
from control_plane.moves.effects import Attached, Detached, Due, KeyChanged, Log, Send, Wake
from control_plane.store import Database, Effects, Transaction

logger = logging.getLogger(__name__)
_MOVES = telemetry.meter().create_counter(
    "tabkeep.moves", description="Moves of sessions, runs and hosts, by what they became and why."
)
P = ParamSpec("P")
T = TypeVar("T")

_DUE_AT_ONCE = 200
_LOOK_AT_LEAST_EVERY = timedelta(seconds=5)
_LOOK_FOR_PAUSES_EVERY = 0.5
_PAUSE = 2.0
"""Seconds the loop may be late before this process counts as having been paused."""
_HEAR_FIRST = 0.2
"""Seconds after a pause in which nothing falls due: the answer to what seems overdue may wait in a socket."""
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
        self.gateway_url = ""
        """How the HTTP server is reached, once it listens; empty: there is none."""
        self.draining = False
        """The control plane is being stopped: no new sessions and runs."""
        self._admission = AttachAdmission(config.attaches_per_second, self.clock.monotonic())
        self._welcomed: set[str] = set()
        """Incarnations of hosts that this control plane took in since it was started."""
        self._awake_at = self._judges_from = asyncio.get_running_loop().time()
        self._sooner = asyncio.Event()
        self._next_look = self._earliest_due = _FAR_AWAY
        database.on_commit(self._publish)

    async def start(self) -> None:
        """Begin a new control epoch; every host that was attached gets its whole holding lease to come back."""
        self.control_epoch, streams = await self.move(host_moves.recover, self.clock)
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
        # Asked each time, which takes microseconds: a disk that others fill is full within a moment.
        if shutil.disk_usage(self.config.data_dir).free < self.config.minimum_free_bytes:
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
                case Log(message, fields, level):
                    logger.log(level, message, extra=fields)
                    _MOVES.add(1, {"move": message, "reason": str(fields.get("reason", ""))})
                case Attached(link, stream_no, welcome):
                    link.stream_no = stream_no
                    self._welcomed.add(link.incarnation)
                    self.pulses[link.host_id] = Pulse(self.clock.monotonic(), stream_no)
                    self.links.put(link)
                    link.send(welcome)
                case Detached(host_id):
                    self.pulses.pop(host_id, None)
                case KeyChanged(key):
                    self.keys.put(key)

    # Hosts

    async def attach(self, hello: Hello, link: Link, token: Key | None = None) -> None:
        """Take a host in; from here on `link` is its stream, and `token` this host's.

        Raises:
            ScopeMissing: HOST_TOKEN_BOUND, the token is another host's.
            AttachRate: too many hosts attach just now.
            HostProtocolError: CONTROL_EPOCH, the host has seen a control plane that came after this one.
            HostIdTaken: another process with this host_id is alive.
        """
        if token is not None:
            refuse_other_host(token, hello.host_id)
        if wait := self._admission.admit(self.clock.monotonic()):
            raise AttachRate(
                f"more than {self.config.attaches_per_second} hosts attach per second: come again in "
                f"{wait.total_seconds():.2f}s",
                retry_after=wait,
            )
        self._refuse_if_outlived(hello)
        current, pulse = self.links.get(hello.host_id), self.pulses.get(hello.host_id)
        if current and pulse and current.incarnation != hello.incarnation:
            silent_for = self.clock.monotonic() - pulse.heard_at
            if silent_for < 2.5 * self.config.heartbeat_interval.total_seconds():
                raise HostIdTaken(
                    f"host_id {hello.host_id} is taken by another live process ({current.incarnation}): give each host "
                    "an id of its own",
                    host_id=hello.host_id,
                )
        await self.move(_attach, hello, link, self.control_epoch, token.key_id if token else "")

    def _refuse_if_outlived(self, hello: Hello) -> None:
        """Raise if the host has seen another control plane under a higher epoch than this one's, or under the same.

        Either that one was started after this one, which comes back and must not win; or the database here was
        restored from a backup and this one is to win. Nothing in the numbers tells the two apart, and to be wrong the
        one way closes every browser of a healthy control plane. So it takes an operator's word: the setting that lifts
        the epoch.
        """
        seen = hello.highest_control_epoch
        if seen < self.control_epoch or (seen == self.control_epoch and hello.incarnation in self._welcomed):
            return
        message = (
            f"host {hello.host_id} has seen another control plane under control epoch {seen}, this one is at "
            f"{self.control_epoch}: it runs on an old copy of the database. If that was restored from a backup and the "
            f"other control plane is stopped for good, start this one with TABKEEP_MINIMUM_CONTROL_EPOCH={seen + 1}"
        )
        logger.error("control plane outlived", extra={"host_id": hello.host_id, "reason": message})
        raise HostProtocolError(message, reason="CONTROL_EPOCH", host_id=hello.host_id, control_epoch=str(seen))

    async def hear(
        self,
        link: Link,
        move: Callable[Concatenate[Transaction, str, P], T],
        /,
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        """Run the move of something that a host said on `link`.

        Raises:
            StreamReplaced: the host has a newer stream.
        """
        said: Any = host_moves.said_on_stream
        result: T = await self.move(said, link.host_id, link.stream_no, move, *arguments, **options)
        return result

    async def violated(self, link: Link, error: HostProtocolError) -> None:
        """A host broke the protocol on its stream; the third time puts it into quarantine."""
        logger.warning(
            "protocol violated",
            extra={"host_id": link.host_id, "stream_no": link.stream_no, "reason": error.reason, "error": str(error)},
        )
        await self.move(host_standing.violated, link.host_id, link.incarnation, error.message)

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
            await self.hear(link, host_moves.speak)
        if heartbeat.draining and not link.said_draining:
            link.said_draining = True
            await self.hear(link, host_moves.drains_itself)
        link.send(HeartbeatAck(heartbeat.heartbeat_no))

    def _notice_pause(self) -> None:
        """Give all hosts the time for which this process was stopped or stuck: it could not hear them.

        Their heartbeats may wait in its sockets unread. To wait longer is always safe, because the hosts' leases end by
        their own clocks.
        """
        now = asyncio.get_running_loop().time()
        paused_for = now - self._awake_at
        self._awake_at = now
        if paused_for < _PAUSE:
            return
        self._judges_from = now + _HEAR_FIRST
        for pulse in self.pulses.values():
            pulse.heard_at = min(pulse.heard_at + paused_for, self.clock.monotonic())
        logger.warning("paused", extra={"duration_ms": round(paused_for * 1000), "hosts": len(self.pulses)})

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
            self._notice_pause()
            await asyncio.sleep(max(0.0, self._judges_from - asyncio.get_running_loop().time()))
            try:
                seconds = await self.expire_due()
            except Exception:
                logger.exception("deadlines failed")
                seconds = _LOOK_AGAIN_AFTER_FAILURE
            self._next_look = min(self.clock.now() + timedelta(seconds=seconds), self._earliest_due)
            await self._until_next_look()

    async def _until_next_look(self) -> None:
        """Wait until it is time to look, or something is due sooner; notice meanwhile when the process was paused."""
        while (remaining := (self._next_look - self.clock.now()).total_seconds()) > 0:
            try:
                async with asyncio.timeout(min(remaining, _LOOK_FOR_PAUSES_EVERY)):
                    await self._sooner.wait()
                    return
            except TimeoutError:
                self._notice_pause()


def _attach(tx: Transaction, hello: Hello, link: Link, epoch: int, key_id: str) -> None:
    """Take a host in, and bind its token in the same transaction."""
    if key_id:
        key_moves.bind(tx, key_id, hello.host_id)
    host_moves.attach(tx, hello, link, epoch)


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
    saves_left = profile_saves.expire(tx, _DUE_AT_ONCE)
    tx.requests.forget_before(tx.now - tx.config.request_retention, _DUE_AT_ONCE)
    tx.meta.put("clock", tx.now.isoformat())
    return saves_left or len(sessions) == _DUE_AT_ONCE or len(runs) == _DUE_AT_ONCE
