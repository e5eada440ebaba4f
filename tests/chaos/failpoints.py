"""What the test programs `faulty_host` and `faulty_control_plane` are told through their environment.

None of this is in the programs that users run: the test programs wrap their functions from outside.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

DIE_AT = "CHAOS_DIE_AT"
"""POINT:N: kill -9 of this process when it is there for the Nth time."""
WALL_CLOCK = "CHAOS_WALL_CLOCK"
"""A file with the seconds by which the process's wall clock differs from the machine's; read at each look."""


class Failpoints:
    """Kills this process at the point that the environment names."""

    def __init__(self) -> None:
        point, _, count = os.environ.get(DIE_AT, "").partition(":")
        self._point = point
        self._left = int(count or 1)

    def reached(self, point: str) -> None:
        """The process is at a point; does not return from the one it is to die at."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def before(owner: type, name: str, look: Callable[..., None]) -> None:
    """Call `look` with a method's arguments before the method is."""
    method = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        look(*arguments, **options)
        return method(*arguments, **options)

    setattr(owner, name, wrapped)


def after(owner: type, name: str, look: Callable[..., None]) -> None:
    """Call `look` with a method's arguments when it has returned; not when it raised."""
    method = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        result = method(*arguments, **options)
        look(*arguments, **options)
        return result

    setattr(owner, name, wrapped)


def after_awaiting(owner: type, name: str, look: Callable[..., None]) -> None:
    """The same for a coroutine method."""
    method = getattr(owner, name)

    async def wrapped(*arguments: Any, **options: Any) -> Any:
        result = await method(*arguments, **options)
        look(*arguments, **options)
        return result

    setattr(owner, name, wrapped)


def moved(wall: datetime) -> datetime:
    """The wall clock's time as this process is to see it."""
    path = os.environ.get(WALL_CLOCK)
    if not path:
        return wall
    try:
        return wall + timedelta(seconds=float(Path(path).read_text() or 0))
    except FileNotFoundError:
        return wall
