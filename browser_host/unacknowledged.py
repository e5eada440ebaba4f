"""Things that are sent again on every stream until the control plane says that it has stored them."""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Unacknowledged(Generic[Key, Value]):
    """Values by key, in the order of their adding, each sent once on a stream.

    Unbounded by itself: whoever adds bounds it. Command results are at most as many as the commands the control
    plane keeps open for this host, tombstones as many as browsers ended since it was last attached.
    """

    def __init__(self) -> None:
        self._values: dict[Key, Value] = {}
        self._unsent: dict[Key, Value] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """What is kept under `key`, if it is not acknowledged yet."""
        return self._values.get(key)

    def add(self, key: Key, value: Value) -> None:
        """Keep `value` until it is acknowledged."""
        self._values[key] = value
        self._unsent[key] = value

    def send_again(self, key: Key) -> None:
        """Send what is kept under `key` once more on this stream."""
        if key in self._values:
            self._unsent[key] = self._values[key]

    def acknowledged(self, key: Key) -> None:
        """Forget what was kept under `key`."""
        self._values.pop(key, None)
        self._unsent.pop(key, None)

    def take_unsent(self) -> list[Value]:
        """What this stream has not carried yet; it counts as sent from now on."""
        values = list(self._unsent.values())
        self._unsent.clear()
        return values

    def take_all(self) -> tuple[Value, ...]:
        """Everything, for the first message of a new stream; it counts as sent on that."""
        self._unsent.clear()
        return tuple(self._values.values())
