"""Rules of the protocol, each of which can be removed to see that a checker notices; the product has no switch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest import mock

from browser_host.leases import Leases
from browser_host.ledger import CommandLedger
from browser_host.outbox import Outbox
from browser_host.run_journal import RunJournal
from control_plane.config import Config
from control_plane.coordinator import Coordinator
from tests.simulation.programs import HostProgram


@dataclass(frozen=True)
class Mutant:
    """One rule, and how to do without it."""

    rule: str
    removed: Callable[[], AbstractContextManager[Any]]
    not_caught: str = ""
    """Why the simulation does not notice, where it cannot; such a rule is tested directly."""


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


def _no_guardian() -> AbstractContextManager[Any]:
    return mock.patch.object(HostProgram, "guard", return_value=None)


MUTANTS: dict[str, Mutant] = {
    "act before the ack": Mutant("a step acts only once its step_started is stored", _act_before_ack),
    "no command ledger": Mutant("a host carries a command out once", _no_ledger),
    "no action lease": Mutant("a host asks its action lease right before it acts", _no_action_lease),
    "no self-fencing": Mutant("a host ends its browsers when its holding lease is over", _no_fence),
    "fence at the lease's end": Mutant("a host begins to end its browsers early enough", _late_fence),
    "lease from receipt": Mutant("leases count from the sending of the heartbeat", _lease_from_receipt),
    "lost after the action lease": Mutant("a host is lost only after the holding lease", _lost_after_action_lease),
    "no grace after a restart": Mutant("after a restart every host has its holding lease", _no_grace_after_restart),
    "no guardian": Mutant("browsers of a stopped host end on time", _no_guardian),
}
