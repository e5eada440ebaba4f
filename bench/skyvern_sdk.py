"""Calls made with the published Python SDK of Skyvern's API, in the virtualenv that has it: it pins its own versions.

Speaks JSON lines: the first says that it is ready; then each request {"prompt", "browser_session_id"} is a task that
the SDK waits for, answered with {"seconds", "status"}. TABKEEP_URL and SKYVERN_API_KEY say where and with which key.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time

from skyvern import Skyvern  # type: ignore[import-not-found]


def say(**line: object) -> None:
    print(json.dumps(line), flush=True)


async def main() -> None:
    """Serve requests until standard input ends."""
    client = Skyvern(api_key=os.environ["SKYVERN_API_KEY"], base_url=os.environ["TABKEEP_URL"])
    say(ready=True)
    for line in sys.stdin:
        begin = time.monotonic()
        run = await client.run_task(**json.loads(line), wait_for_completion=True)
        say(seconds=time.monotonic() - begin, status=run.status)


asyncio.run(main())
