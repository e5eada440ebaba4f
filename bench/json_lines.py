"""How the bench's own processes talk to the one that started them: JSON lines on standard input and output."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import uvloop


def say(**line: Any) -> None:
    """Write one line."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def requests() -> AsyncIterator[dict[str, Any]]:
    """What is asked, until standard input ends or SIGTERM comes: then the process is to end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, reader.feed_eof)
    while line := await reader.readline():
        yield json.loads(line)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process of the bench on the loop the control plane uses."""
    uvloop.run(main)
