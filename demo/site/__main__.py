"""Runs the demo site by hand: `python -m demo.site --port 8090 --log site.jsonl`."""

import argparse
import asyncio
import signal
from pathlib import Path

from demo.site.site import DemoSite


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m demo.site", description="Run the demo shop and customer desk.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8090, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the site's log here as JSON Lines")
    return parser.parse_args()


async def run(host: str, port: int, log_path: Path | None) -> None:
    """Serve the site until the process is told to stop."""
    stop = asyncio.Event()
    for stopping in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stopping, stop.set)
    async with DemoSite(host=host, port=port, log_path=log_path) as site:
        print(f"demo site: {site.url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    given = arguments()
    asyncio.run(run(given.host, given.port, given.log))
