"""Identifiers: short, unguessable, and in the order of their making."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from control_plane.clock import Clock

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 80


class Ids:
    """Makes ids of 26 letters and digits: 48 bits of milliseconds, then 80 random bits.

    Ids of one process strictly increase, also within a millisecond, so that sorting by id is sorting by creation.
    """

    def __init__(self, clock: Clock, randbits: Callable[[int], int] = secrets.randbits) -> None:
        self.clock = clock
        self._randbits = randbits
        self._last = 0

    def new(self, prefix: str) -> str:
        """A new id such as "pbs_01jd…"; `prefix` comes without the underscore."""
        milliseconds = int(self.clock.now().timestamp() * 1000)
        value = milliseconds << _RANDOM_BITS | self._randbits(_RANDOM_BITS)
        if value <= self._last:
            value = self._last + 1 + self._randbits(32)
        self._last = value
        return f"{prefix}_{_base32(value)}"


def _base32(value: int) -> str:
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
