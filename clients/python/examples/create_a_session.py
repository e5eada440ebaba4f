"""Create a session: open a browser with options and see it come up."""

from __future__ import annotations

import asyncio

from site_address import site_address
from tabkeep import Client


async def main(site: str) -> None:
    """Open a session on the shop's front page, follow it until its browser is up, close it."""
    async with Client() as client:
        session = await client.create_browser_session(
            timeout=60,  # minutes; 5 to 1440
            browser_type="chrome",  # or "msedge"
            url=site,  # the page to open first
            labels={"example": "create-a-session"},
        )
        print(f"Session ID: {session.browser_session_id}")
        print(f"Status: {session.status} ({session.state})")
        try:
            async for update in client.watch_browser_session(session.browser_session_id):
                now = update.browser_session
                print(f"{now.state}  {now.current_url or ''}")
                if now.state in ("running", "closed"):
                    break
        finally:
            await client.close_browser_session(browser_session_id=session.browser_session_id)


if __name__ == "__main__":
    asyncio.run(main(site_address()))
