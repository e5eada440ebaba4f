"""Human in the loop: a shopping bot that pauses for a person's approval before it buys."""

from __future__ import annotations

import asyncio

from site_address import site_address
from tabkeep import Client


async def main(site: str) -> None:
    """Fill the cart, ask on the terminal, and check out only if the answer is yes."""
    async with Client() as client:
        session = await client.create_browser_session(timeout=15)
        session_id = session.browser_session_id
        try:
            # The shop checks out members with a saved address and card.
            login = await client.run_task(
                prompt="Login with username 'shopper@example.com' and password 'shop-till-drop'",
                url=f"{site}/login",
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            login.raise_for_failure()

            # Step 1: add to cart
            cart = await client.run_task(
                prompt="Find wireless headphones under $100, add top result to cart",
                url=site,
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            print(f"In the cart: {cart.raise_for_failure().output}")

            # Step 2: wait for a person; the browser keeps the cart meanwhile
            approval = await asyncio.to_thread(input, "Approve purchase? (yes/no): ")

            if approval.strip().lower() == "yes":
                # Step 3: checkout (the cart persists from step 1)
                result = await client.run_task(
                    prompt="Complete checkout and confirm order",
                    browser_session_id=session_id,
                    wait_for_completion=True,
                )
                print(f"Order placed: {result.raise_for_failure().output}")
            else:
                print("Purchase cancelled")
        finally:
            await client.close_browser_session(browser_session_id=session_id)


if __name__ == "__main__":
    asyncio.run(main(site_address()))
