"""Run tasks with a session: each goes on where the last one ended, with the same page, cookies and form data."""

from __future__ import annotations

import asyncio

from site_address import site_address
from tabkeep import Client


async def main(site: str) -> None:
    """Log in, then find a customer in the same, logged-in browser."""
    async with Client() as client:
        session = await client.create_browser_session(timeout=30)
        session_id = session.browser_session_id
        try:
            # Task 1: login (wait for completion before continuing)
            login = await client.run_task(
                prompt="Login with username 'support@company.com' and password 'headphones-4-all'",
                url=f"{site}/desk/login",
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            login.raise_for_failure()

            # Task 2: search (already logged in from task 1)
            result = await client.run_task(
                prompt="Find customer with email 'customer@example.com'",
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            print(f"Customer: {result.raise_for_failure().output}")
        finally:
            # Always close when done
            await client.close_browser_session(browser_session_id=session_id)


if __name__ == "__main__":
    asyncio.run(main(site_address()))
