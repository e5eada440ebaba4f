"""Whether sessions are placed on hosts at all: the quarantine of one host, and the brake when most fall silent at once.

A host in quarantine keeps what it has: ending sessions because their host is at fault would harm those who use them.
The brake is not stored: it is on while what the hosts' rows say is a mass loss, so it needs nobody to take it off.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from control_plane.entities import hosts
from control_plane.entities.hosts import Host, HostEvent, HostState
from control_plane.moves.effects import Log
from control_plane.store import Tables, Transaction


def save_host(tx: Transaction, old: Host, new: Host) -> Host:
    """Write a host, and a line for the log when its state is another."""
    tx.hosts.update(old, new)
    if old.state is not new.state:
        alarm = new.state in (HostState.LOST, HostState.QUARANTINED)
        tx.effects.add(
            Log(
                f"host {new.state.value}",
                {
                    "host_id": new.host_id,
                    "state_from": old.state.value,
                    "state_to": new.state.value,
                    "reason": new.state_message,
                },
                logging.WARNING if alarm else logging.INFO,
            )
        )
    return new


# Quarantine


def launch_worked(tx: Transaction, host_id: str) -> None:
    """A browser came up on the host: earlier failures are no row of failures any more."""
    host = tx.hosts.get(host_id)
    if host is not None and host.launch_failures:
        save_host(tx, host, replace(host, launch_failures=0))


def launch_failed(tx: Transaction, host_id: str, message: str) -> None:
    """A browser did not come up on the host."""
    host = tx.hosts.get(host_id)
    if host is None:
        return
    failures = host.launch_failures + 1
    new = replace(host, launch_failures=failures)
    if failures >= tx.config.quarantine_after_launch_failures and not host.quarantine_message:
        new = _quarantined(new, f"{failures} launches failed in a row, the last one: {message}", tx.now)
    save_host(tx, host, new)


def violated(tx: Transaction, host_id: str, incarnation: str, message: str) -> None:
    """This process of the host broke a rule of the protocol, for which its stream was ended."""
    host = tx.hosts.get(host_id)
    if host is None or host.incarnation != incarnation:
        return
    violations = host.violations + 1
    new = replace(host, violations=violations)
    if violations >= tx.config.quarantine_after_violations and not host.quarantine_message:
        new = _quarantined(new, f"the protocol was broken {violations} times, the last time: {message}", tx.now)
    save_host(tx, host, new)


def _quarantined(host: Host, message: str, now: datetime) -> Host:
    """The host in quarantine; where another state matters more, it turns QUARANTINED when it would be READY again."""
    host = replace(host, quarantine_message=message[:500])
    if host.state is not HostState.READY:
        return host
    return hosts.moved(host, HostEvent.QUARANTINE, now, host.quarantine_message)


def released(host: Host, now: datetime) -> Host:
    """The host out of its quarantine."""
    if host.state is HostState.QUARANTINED:
        host = hosts.moved(host, HostEvent.RELEASE, now, "released by an operator")
    return unblemished(host)


def unblemished(host: Host) -> Host:
    """The host with nothing counted against it."""
    return replace(host, quarantine_message="", launch_failures=0, violations=0)


# The brake


def mass_loss(tables: Tables, within: timedelta) -> str:
    """Why nothing is placed just now, or "": two hosts or more, and most of the attached ones, fell silent at once.

    That is rather the network's or this program's fault than theirs, and to move their work onto the few that are
    left would break those too. When half of them speak again it is over; what is still silent then is a host's loss.
    """
    times = tables.hosts.suspect_times()
    if len(times) < 2:
        return ""
    together, attached = _most_within(times, within), tables.hosts.count_attached()
    if together < 2 or together * 2 <= attached:
        return ""
    return (
        f"{together} of {attached} attached hosts fell silent within {within.total_seconds():g}s: nothing is placed "
        "until half of them are back or lost"
    )


def _most_within(times: Sequence[datetime], within: timedelta) -> int:
    """The most of the sorted `times` that lie within so long."""
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] > within:
            first += 1
        most = max(most, last - first + 1)
    return most


@contextlib.contextmanager
def watching_for_mass_loss(tx: Transaction) -> Iterator[None]:
    """Log when the brake goes on or off by what is done within."""
    before = mass_loss(tx, tx.config.action_lease)
    yield
    after = mass_loss(tx, tx.config.action_lease)
    if after and not before:
        tx.effects.add(Log("placing stopped", {"reason": after}, logging.ERROR))
    elif before and not after:
        tx.effects.add(Log("placing goes on", {"reason": "half of the hosts are back or lost"}, logging.WARNING))
