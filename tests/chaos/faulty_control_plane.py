"""`python -m control_plane` with failpoints, a wall clock that can be set, and sessions of a few seconds.

The points:

    event received      before its transaction
    event committed     it is on the disk, its acknowledgement was not sent
    event acknowledged  the acknowledgement is on its way
    command committed   a command is on the disk, it was not sent
    command sent        it is on its way
    result committed    a command's result is on the disk, the host was not told
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from control_plane import clock
from control_plane.__main__ import main
from control_plane.coordinator import Coordinator
from control_plane.fields import Fields
from control_plane.live.host_messages import Command, CommandResultAck, EventAcks
from control_plane.moves.effects import Send
from control_plane.services.host_control_service import _Stream
from tests.chaos.failpoints import Failpoints, after, before, moved

SHORTEST_TIMEOUT = "CHAOS_SHORTEST_TIMEOUT_SECONDS"
"""Of a session, in place of five minutes."""


def install() -> None:
    """Wrap what the points are at."""
    points = Failpoints()
    kinds = {EventAcks: "event", Command: "command", CommandResultAck: "result"}

    def told(effects: Any) -> set[str]:
        messages = [effect.message for effect in effects.items if isinstance(effect, Send)]
        return {kinds[type(message)] for message in messages if type(message) in kinds}

    def committed(_: Coordinator, effects: Any) -> None:
        for kind in sorted(told(effects)):
            points.reached(f"{kind} committed")

    def published(_: Coordinator, effects: Any) -> None:
        kinds_told = told(effects)
        if "event" in kinds_told:
            points.reached("event acknowledged")
        if "command" in kinds_told:
            points.reached("command sent")

    def received(_: Any, request: Any) -> None:
        if request.WhichOneof("message") == "event_batch":
            points.reached("event received")

    before(Coordinator, "_publish", committed)
    after(Coordinator, "_publish", published)
    before(_Stream, "_dispatch", received)
    if seconds := os.environ.get(SHORTEST_TIMEOUT):
        _allow_short_sessions(timedelta(seconds=float(seconds)))

    class MovedDatetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moved(datetime.now(tz or UTC))

    clock.datetime = MovedDatetime  # type: ignore[misc]


def _allow_short_sessions(shortest: timedelta) -> None:
    duration = Fields.duration

    def shorter(fields: Fields, request: Any, name: str, lowest: timedelta, *rest: Any) -> timedelta:
        return duration(fields, request, name, shortest if lowest == timedelta(minutes=5) else lowest, *rest)

    Fields.duration = shorter  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    install()
    sys.exit(main())
