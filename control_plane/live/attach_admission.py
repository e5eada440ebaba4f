"""How many hosts are taken in per second: a token bucket, and for those refused a time at which to come again.

After a restart of the control plane all its hosts come at once. Each attach is a transaction with all that the host
holds; taken in evenly, they all are READY soon and the calls of users get their turns in between.
"""

from __future__ import annotations

from datetime import timedelta

_LONGEST_WAIT = timedelta(seconds=30)
_ROUNDING = 1e-6
"""Of a token: whoever comes exactly when told is not sent away for the last bit of a sum."""


class AttachAdmission:
    """A bucket of `per_second` tokens that refills at that rate; times are seconds on one monotonic clock."""

    def __init__(self, per_second: int, now: float) -> None:
        self._per_second = per_second
        self._tokens = float(per_second)
        self._told_to_wait = 0.0
        """How many of those refused have not had their time yet."""
        self._seen_at = now

    def admit(self, now: float) -> timedelta | None:
        """None when the caller may attach; otherwise how long it is to wait, each refused one longer than the last."""
        earned = (now - self._seen_at) * self._per_second
        self._seen_at = now
        self._tokens = min(self._tokens + earned, float(self._per_second))
        self._told_to_wait = max(self._told_to_wait - earned, 0.0)
        if self._tokens >= 1 - _ROUNDING:
            self._tokens = max(self._tokens - 1, 0.0)
            return None
        self._told_to_wait += 1
        return min(timedelta(seconds=self._told_to_wait / self._per_second), _LONGEST_WAIT)
