"""`python -m browser_host` with failpoints, a wall clock that can be set, and a shorter rule of silence.

The points, in the order of a run's life:

    command received    before anything is done about it
    command begun       it is in the ledger, nothing else was done
    browser launched    the browser is up, nobody was told
    event made          it is in the outbox, it was not sent
    event sent          gRPC took it
    event acknowledged  the ack was read, the step that waits for it was not told
    step begins         its start is stored and acknowledged, the mouse was not pressed
    step done           the mouse was pressed, nothing of it is recorded
    step reported       its end was sent
    result sent         of a command
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

from browser_host import attachment
from browser_host.__main__ import main
from browser_host.chromium.playwright_launcher import PlaywrightLauncher
from browser_host.chromium.playwright_page import PlaywrightPage
from browser_host.clock import SystemClock
from browser_host.control_link import GrpcConnection
from browser_host.host import Host
from browser_host.ledger import CommandLedger
from browser_host.messages import Command, CommandResult, EventBatch
from browser_host.outbox import Outbox
from tests.chaos.failpoints import Failpoints, after, after_awaiting, before, moved

SILENCE = "CHAOS_SILENCE_SECONDS"


def install() -> None:
    """Wrap what the points are at."""
    points = Failpoints()

    def received(_: Host, message: Any) -> None:
        if isinstance(message, Command):
            points.reached("command received")

    def began(*_: Any) -> None:
        points.reached("command begun")

    def sent(_: GrpcConnection, message: Any, __: int) -> None:
        match message:
            case EventBatch(events):
                points.reached("event sent")
                if any(hosted.event.HasField("step_finished") for hosted in events):
                    points.reached("step reported")
            case CommandResult():
                points.reached("result sent")

    before(Host, "receive", received)
    after(CommandLedger, "begin", began)
    after_awaiting(PlaywrightLauncher, "launch", lambda *_: points.reached("browser launched"))
    after(Outbox, "add", lambda *_: points.reached("event made"))
    after_awaiting(GrpcConnection, "send", sent)
    before(Outbox, "acknowledged", lambda *_: points.reached("event acknowledged"))
    before(PlaywrightPage, "mouse_click", lambda *_, **__: points.reached("step begins"))
    after_awaiting(PlaywrightPage, "mouse_click", lambda *_, **__: points.reached("step done"))
    SystemClock.now = lambda _: moved(datetime.now(UTC))  # type: ignore[method-assign]
    if seconds := os.environ.get(SILENCE):
        attachment.SILENCE_SECONDS = float(seconds)


if __name__ == "__main__":
    install()
    sys.exit(main())
