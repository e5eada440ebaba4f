"""Every move of a host itself: it attaches, falls silent, is drained, leaves. Within one transaction each.

What it says of its sessions is moved in `host_reports`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Concatenate, ParamSpec, TypeVar

from control_plane.clock import Clock
from control_plane.entities import hosts, sessions
from control_plane.entities.hosts import Host, HostEvent, HostState
from control_plane.entities.records import CommandKind, CommandRow
from control_plane.entities.sessions import CloseReason, SessionState
from control_plane.errors import NotFound, PreconditionFailed, StreamReplaced
from control_plane.live.host_links import Link
from control_plane.live.host_messages import (
    Command,
    CommandResultAck,
    Drain,
    EventAck,
    Hello,
    StopRun,
    Tombstone,
    TombstoneAck,
    Verdict,
    Welcome,
)
from control_plane.moves import host_reports, host_standing, restart_clock, session_moves
from control_plane.moves.effects import Attached, Detached, Due, Log, Send, Wake
from control_plane.moves.forgery import NUMBERS_PER_EPOCH
from control_plane.moves.host_standing import save_host
from control_plane.moves.turns import save_session
from control_plane.store import Transaction

PROTOCOL = 1

P = ParamSpec("P")
T = TypeVar("T")


def find(tx: Transaction, host_id: str) -> Host:
    """The host.

    Raises:
        NotFound: there is none.
    """
    host = tx.hosts.get(host_id)
    if host is None:
        raise NotFound(f"host {host_id} does not exist", reason="HOST_NOT_FOUND", host_id=host_id)
    return host


def said_on_stream(
    tx: Transaction,
    host_id: str,
    stream_no: int,
    move: Callable[Concatenate[Transaction, str, P], T],
    *arguments: P.args,
    **options: P.kwargs,
) -> T:
    """Make the move of something that a host said, if the stream on which it came is the host's newest.

    Checked within the transaction: what an older stream brought in may still wait for its commit when a newer one is
    taken in, and the host then says it again on that.

    Raises:
        StreamReplaced: there is a newer one; nothing was moved.
    """
    newest = tx.hosts.stream_no(host_id)
    if newest != stream_no:
        raise StreamReplaced(f"host {host_id} has stream {newest} by now: stream {stream_no} counts no more")
    return move(tx, host_id, *arguments, **options)


def attach(tx: Transaction, hello: Hello, link: Link, epoch: int) -> None:
    """Take a host in: settle what it holds against what is stored, then tell it all it has to do.

    Raises:
        PreconditionFailed: PROTOCOL_VERSION, no version in common.
    """
    if not hello.protocol_min <= PROTOCOL <= hello.protocol_max:
        raise PreconditionFailed(
            f"host {hello.host_id} speaks versions {hello.protocol_min} to {hello.protocol_max}, this control plane "
            f"{PROTOCOL}: upgrade the older of both",
            reason="PROTOCOL_VERSION",
        )
    with host_standing.watching_for_mass_loss(tx):
        host = _taken_in(tx, hello, epoch)
    for result in hello.command_results:
        host_reports.command_result(tx, host.host_id, result, acknowledge=False)
    for tombstone in hello.tombstones:
        host_reports.bury(tx, host.host_id, tombstone, acknowledge=False)
    verdicts = _settle_inventory(tx, host, hello)
    acks, stops = [], []
    for run_id in hello.run_ids:
        run = tx.runs.get(run_id)
        if run is None or run.status.final:
            stops.append(StopRun(run_id))
        else:
            acks.append(EventAck(run_id, run.last_seq))
    welcome = Welcome(hello.heartbeat_no, verdicts, tuple(acks))
    tx.effects.add(Attached(link, host.stream_no, welcome))
    # What is sent to the host before this point would go to its old stream, if it has one.
    for stored in hello.command_results:
        tx.effects.add(Send(host.host_id, CommandResultAck(stored.command_id)))
    for stone in hello.tombstones:
        tx.effects.add(Send(host.host_id, TombstoneAck(stone.browser_session_id, stone.fence)))
    for stop in stops:
        tx.effects.add(Send(host.host_id, stop))
    for row in tx.hosts.pending_commands(host.host_id):
        if message := _command(tx, row):
            tx.effects.add(Send(host.host_id, message))
    if host.state is HostState.DRAINING and (host.drain_expire_time or not hello.draining):
        # A host that was out of reach until the drain's time was over has not heard of it yet.
        left = host.drain_expire_time - tx.now if host.drain_expire_time else timedelta()
        tx.effects.add(Send(host.host_id, Drain(max(timedelta(), left))))
    session_moves.place_pending(tx)


def _command(tx: Transaction, row: CommandRow) -> Command | None:
    session = tx.sessions.get(row.browser_session_id)
    run_id = row.arguments.get("run_id")
    run = tx.runs.get(run_id) if run_id else None
    return Command(row, session, run) if session else None


def _taken_in(tx: Transaction, hello: Hello, epoch: int) -> Host:
    """The host's row as this Hello makes it; a new process of the host has none of the old one's browsers."""
    old = tx.hosts.get(hello.host_id)
    if old is None:
        old = hosts.new(hello.host_id, tx.now, epoch * NUMBERS_PER_EPOCH)
        tx.hosts.insert(old)
    if old.incarnation not in ("", hello.incarnation):
        lose_browsers(tx, old, f"host {old.host_id} was started again")
        old = find(tx, old.host_id)
    draining = hello.draining or old.state is HostState.DRAINING or old.drain_expire_time is not None
    if old.incarnation != hello.incarnation:
        draining = hello.draining
    # What was counted against an old process says nothing about the new one.
    judged = old if old.incarnation == hello.incarnation else host_standing.unblemished(old)
    if hello.fault:
        judged = replace(judged, quarantine_message=hello.fault)
    event, message = HostEvent.ATTACH, ""
    if draining:
        event = HostEvent.ATTACH_DRAINING
    elif judged.quarantine_message:
        event, message = HostEvent.ATTACH_QUARANTINED, judged.quarantine_message
    moved = hosts.moved(judged, event, tx.now, message)
    host = save_host(
        tx,
        old,
        replace(
            moved,
            incarnation=hello.incarnation,
            boot_id=hello.boot_id,
            stream_no=old.stream_no + 1,
            capacity=hello.capacity,
            browsers=hello.browsers,
            build=hello.build,
            sandboxed=hello.sandboxed,
            extensions=hello.extensions,
            isolation=hello.isolation,
            attach_time=tx.now if old.incarnation != hello.incarnation else old.attach_time,
            heartbeat_time=tx.now,
            drain_expire_time=old.drain_expire_time if draining else None,
            silent_time=None,
        ),
    )
    if host.state is not old.state or old.silent_time:
        _wake_sessions(tx, host)
    return host


def _settle_inventory(tx: Transaction, host: Host, hello: Hello) -> tuple[Verdict, ...]:
    """Keep the browsers that are placed here, close all others; end the sessions whose browsers are not there."""
    placed = {session.browser_session_id: session for session in tx.sessions.placed_on(host.host_id)}
    verdicts, held = [], set()
    for item in hello.inventory:
        session = placed.get(item.browser_session_id)
        keep = session is not None and session.fence == item.fence and session.open
        verdicts.append(Verdict(item.browser_session_id, item.fence, keep))
        held.add((item.browser_session_id, item.fence))
        if not keep or session is None or not item.live:
            continue
        if session.state is SessionState.LAUNCHING:
            session_moves.launched(tx, session, item.age, session.browser_version)
        elif session.state is SessionState.RUNNING:
            save_session(tx, session, sessions.restarted_clock(session, item.age, tx.now))
    launching = {
        row.browser_session_id for row in tx.hosts.pending_commands(host.host_id) if row.kind is CommandKind.LAUNCH
    }
    for session in placed.values():
        if (session.browser_session_id, session.fence) in held:
            continue
        if session.state is SessionState.LAUNCHING and session.browser_session_id in launching:
            continue
        message = "the host no longer has its browser"
        stone = Tombstone(session.browser_session_id, session.fence, CloseReason.BROWSER_CRASHED, message)
        host_reports.bury(tx, host.host_id, stone, acknowledge=False)
    return tuple(verdicts)


def lose_browsers(tx: Transaction, host: Host, message: str) -> None:
    """Whatever the host held is gone or fenced: free its places, end or place again its sessions."""
    tx.hosts.drop_commands_of_host(host.host_id)
    for session in tx.sessions.placed_on(host.host_id):
        session_moves.release(tx, session.browser_session_id, session.fence)
        if session.state in (SessionState.LAUNCHING, SessionState.ABORTING):
            save_session(tx, session, sessions.launch_lost(session, tx.now))
        elif session.open:
            session_moves.close(tx, session, CloseReason.HOST_LOST, message)


def fall_silent(tx: Transaction, host_id: str, stream_no: int, silent_for: timedelta) -> None:
    """A host did not renew its action lease on this stream; nothing, if it was taken in anew before this commit."""
    host = find(tx, host_id)
    if host.stream_no != stream_no or host.silent_time:
        return
    if host.state in (HostState.READY, HostState.QUARANTINED):
        message = f"no heartbeat for {silent_for.total_seconds():.0f}s"
        with host_standing.watching_for_mass_loss(tx):
            moved = hosts.moved(host, HostEvent.FALL_SILENT, tx.now, message)
            save_host(tx, host, replace(moved, silent_time=tx.now))
        _wake_sessions(tx, host)
    elif host.state is HostState.DRAINING:  # it goes on draining, and is out of reach meanwhile
        save_host(tx, host, replace(host, silent_time=tx.now))
        fields: dict[str, object] = {
            "host_id": host_id,
            "reason": f"no heartbeat for {silent_for.total_seconds():.0f}s",
        }
        tx.effects.add(Log("draining host silent", fields, logging.WARNING))
        _wake_sessions(tx, host)


def speak(tx: Transaction, host_id: str) -> None:
    """A host that was silent renewed its lease."""
    host = find(tx, host_id)
    if host.state is HostState.DRAINING and host.silent_time:
        save_host(tx, host, replace(host, silent_time=None, heartbeat_time=tx.now))
        _wake_sessions(tx, host)
    elif host.state is HostState.SUSPECT:
        event = HostEvent.SPEAK_QUARANTINED if host.quarantine_message else HostEvent.SPEAK
        moved = hosts.moved(host, event, tx.now, host.quarantine_message)
        with host_standing.watching_for_mass_loss(tx):
            save_host(tx, host, replace(moved, heartbeat_time=tx.now, silent_time=None))
        _wake_sessions(tx, host)
        session_moves.place_pending(tx)


def _wake_sessions(tx: Transaction, host: Host) -> None:
    for session in tx.sessions.placed_on(host.host_id):
        if session.open:
            save_session(tx, session, replace(session, update_time=tx.now))
        if session.active_run_id:
            tx.effects.add(Wake(session.active_run_id))


def lease_over(tx: Transaction, host_id: str, stream_no: int, silent_for: timedelta) -> bool:
    """A host did not renew its holding lease on this stream: by its own clock it has ended its browsers.

    False, and nothing is done, if it was taken in anew before this commit: what it launches from then on is alive.
    """
    host = find(tx, host_id)
    if host.state not in hosts.ATTACHED or host.stream_no != stream_no:
        return False
    message = f"host {host_id} was silent for {silent_for.total_seconds():.0f}s"
    lose_browsers(tx, host, message)
    host = find(tx, host_id)
    with host_standing.watching_for_mass_loss(tx):
        lost = hosts.moved(host, HostEvent.LEASE_OVER, tx.now, message)
        save_host(tx, host, replace(lost, drain_expire_time=None, silent_time=None))
    tx.effects.add(Detached(host_id))
    session_moves.place_pending(tx)
    return True


def goodbye(tx: Transaction, host_id: str, reason: str) -> None:
    """A host leaves in order; it holds no browser."""
    host = find(tx, host_id)
    lose_browsers(tx, host, f"host {host_id} left")
    host = find(tx, host_id)
    gone = hosts.moved(host, HostEvent.GOODBYE, tx.now, reason)
    save_host(tx, host, replace(gone, drain_expire_time=None, silent_time=None))
    tx.effects.add(Detached(host_id))
    session_moves.place_pending(tx)


def drains_itself(tx: Transaction, host_id: str) -> None:
    """A host says that it takes no new sessions."""
    host = find(tx, host_id)
    if host.state in (HostState.READY, HostState.SUSPECT, HostState.QUARANTINED):
        save_host(tx, host, hosts.moved(host, HostEvent.DRAIN, tx.now, "the host is being stopped"))
        _wake_sessions(tx, host)


def drain(tx: Transaction, host_id: str, drain_timeout: timedelta) -> Host:
    """Take a host out of service.

    Raises:
        NotFound: no such host.
        PreconditionFailed: HOST_NOT_ATTACHED.
    """
    host = find(tx, host_id)
    if host.state not in hosts.ATTACHED:
        raise PreconditionFailed(
            f"host {host_id} is {host.state.value}: it holds no sessions to drain",
            reason="HOST_NOT_ATTACHED",
            host_id=host_id,
        )
    due = tx.now + drain_timeout
    new = hosts.moved(host, HostEvent.DRAIN, tx.now, "drained by an operator")
    host = save_host(tx, host, replace(new, drain_expire_time=due))
    tx.effects.add(Send(host_id, Drain(drain_timeout)))
    tx.effects.add(Due(due))
    _wake_sessions(tx, host)
    return host


def release(tx: Transaction, host_id: str) -> Host:
    """End a host's quarantine; one that is in none is returned as it is.

    Raises:
        NotFound: no such host.
    """
    host = find(tx, host_id)
    if host.quarantine_message:
        host = save_host(tx, host, host_standing.released(host, tx.now))
        session_moves.place_pending(tx)
    return host


def drain_over(tx: Transaction, host: Host) -> None:
    """A drain's time is over: what is still open on the host closes."""
    for session in tx.sessions.placed_on(host.host_id):
        if session.state in (SessionState.LAUNCHING, SessionState.RUNNING):
            session_moves.close(tx, session, CloseReason.HOST_DRAINED, f"host {host.host_id} was drained")
    host = find(tx, host.host_id)
    save_host(tx, host, replace(host, drain_expire_time=None))


def recover(tx: Transaction, clock: Clock) -> tuple[int, dict[str, int]]:
    """The control plane has started: a new epoch, and every host that was attached has its holding lease to return.

    Returns the epoch, and the stream_no of each such host.
    """
    step = restart_clock.step(tx, clock)
    epoch = max(int(tx.meta.get("control_epoch") or 0) + 1, tx.config.minimum_control_epoch)
    tx.meta.put("control_epoch", str(epoch))
    # After a restore from a backup, what was given out since then is not known here, but the hosts remember it.
    tx.sessions.number_fences_from(epoch * NUMBERS_PER_EPOCH)
    tx.hosts.number_commands_from(epoch * NUMBERS_PER_EPOCH)
    tx.meta.put("clock", tx.now.isoformat())
    attached = tx.hosts.in_states(*sorted(hosts.ATTACHED))
    for host in attached:
        save_host(tx, host, hosts.moved(host, HostEvent.RESTART, tx.now, "the control plane was started again"))
    if step is None:
        restart_clock.wait_for_hosts(tx, attached)
    elif step:
        restart_clock.shift(tx, step)
    return epoch, {host.host_id: host.stream_no for host in attached}
