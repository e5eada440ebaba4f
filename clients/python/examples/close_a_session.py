"""Close a session: the browser shuts down at once. Three ways to be sure that it does."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from site_address import site_address
from tabkeep import Client, actions


async def main(site: str) -> None:
    """Close by hand, close in `finally`, and let a block close."""
    async with Client() as client:
        # By hand. Closing a closed session changes nothing.
        session = await client.create_browser_session()
        closed = await client.close_browser_session(browser_session_id=session.browser_session_id)
        print(f"{closed.browser_session_id}: {closed.status}, {closed.close_reason}")

        # With try and finally, also when a task fails.
        session = await client.create_browser_session(timeout=30)
        session_id = session.browser_session_id
        try:
            await client.run_task(
                actions=[actions.goto(site)],
                browser_session_id=session_id,
                wait_for_completion=True,
            )
        finally:
            closed = await client.close_browser_session(browser_session_id=session_id)
            print(f"{closed.browser_session_id}: {closed.status}, {closed.close_reason}")

        # With a block, which closes on errors and on cancellation too. Should this program be killed, the timeout
        # closes the session.
        async with client.browser_session(timeout=timedelta(minutes=5)) as session:
            pass
        closed = await client.get_browser_session(session.browser_session_id)
        print(f"{closed.browser_session_id}: {closed.status}, {closed.close_reason}")


if __name__ == "__main__":
    asyncio.run(main(site_address()))
