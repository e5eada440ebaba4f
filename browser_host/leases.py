"""The two leases under which a host acts and holds browsers, counted from the sending of acknowledged heartbeats.

The control plane counts the same lengths, with a margin, from the receipt of the same heartbeats. Receipt is later
than sending, so the host is always done before it is called lost; no wall clock is compared across machines.

After a pause of this process the action lease counts as over until a heartbeat that was sent since is acknowledged:
what was decided in the meantime is on its way and must be heard before anything is done.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from browser_host.clock import Clock
from browser_host.pauses import PauseDetector

ENDING_SECONDS = 3.5
"""How long the end of a session may take: half a second for its run, three for a browser that hangs."""

_REMEMBERED = 1000
"""Sendings that may wait for an ack; the oldest are forgotten first and then renew nothing."""


class Leases:
    """How long this host may still begin actions, and hold browsers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.pauses = PauseDetector(clock)
        self._heartbeat_no = 0
        self._sent_at: OrderedDict[int, float] = OrderedDict()
        self._renewed_at: float | None = None
        self._action = 0.0
        self._holding = 0.0

    def send_heartbeat(self) -> int:
        """The number of a heartbeat that is about to be sent; its lease counts from this call."""
        self._heartbeat_no += 1
        self._sent_at[self._heartbeat_no] = self._clock.monotonic()
        if len(self._sent_at) > _REMEMBERED:
            self._sent_at.popitem(last=False)
        return self._heartbeat_no

    def set_lengths(self, action_lease: timedelta, holding_lease: timedelta) -> None:
        """Take the lengths that the control plane gave in its Welcome."""
        self._action = action_lease.total_seconds()
        self._holding = holding_lease.total_seconds()

    def acknowledged(self, heartbeat_no: int) -> bool:
        """Renew both leases from the sending of this heartbeat; False when it is unknown and renews nothing."""
        sent_at = self._sent_at.get(heartbeat_no)
        if sent_at is None:
            return False
        # An ack also covers all earlier ones; a late one must not take anything back.
        for number in [number for number in self._sent_at if number <= heartbeat_no]:
            del self._sent_at[number]
        if self._renewed_at is None or sent_at > self._renewed_at:
            self._renewed_at = sent_at
        return True

    def remaining_action(self) -> float:
        """Seconds in which an action may still begin; 0 or less: none may."""
        resumed_at = self.pauses.resumed_at()
        if resumed_at is not None and self._renewed_at is not None and self._renewed_at < resumed_at:
            return min(0.0, self._remaining(self._action))
        return self._remaining(self._action)

    def remaining_holding(self) -> float:
        """Seconds for which browsers may still live; 0 or less: none may."""
        return self._remaining(self._holding)

    def remaining_until_fence(self) -> float:
        """Seconds until all browsers must begin to end; the slowest of them is then gone when the holding lease is.

        A lease under 14 seconds is too short for that; there a quarter of it is kept for the end.
        """
        return self.remaining_holding() - min(ENDING_SECONDS, self._holding / 4)

    def hold_until(self) -> float:
        """When no browser may live any more, on the host's monotonic clock."""
        return self._clock.monotonic() if self._renewed_at is None else self._renewed_at + self._holding

    def _remaining(self, length: float) -> float:
        if self._renewed_at is None:
            return 0.0
        return self._renewed_at + length - self._clock.monotonic()
