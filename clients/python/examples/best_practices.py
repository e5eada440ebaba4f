"""Best practices: fitting timeouts, workflows for fixed sequences, the right browser."""

from __future__ import annotations

import asyncio

from run_workflow_with_a_session import stored_workflow
from site_address import site_address
from tabkeep import BrowserNotOffered, Client, Run


async def set_appropriate_timeouts(client: Client) -> None:
    """Match the timeout to the use; a session that nobody closes ends with it."""
    # Quick multi-step task (2-3 tasks back to back)
    quick = await client.create_browser_session(timeout=10)
    # Human in the loop, with time for the approval
    patient = await client.create_browser_session(timeout=60)
    # Long-running agent that monitors a dashboard
    watching = await client.create_browser_session(timeout=480)  # 8 hours
    for session in (quick, patient, watching):
        print(f"{session.browser_session_id}: {session.timeout}")
        await client.close_browser_session(session.browser_session_id)


async def use_workflows_for_predetermined_sequences(client: Client, site: str) -> None:
    """Steps without pauses between them are one workflow: its blocks share one browser."""
    # Less efficient: several tasks in a session (each waits its turn)
    async with client.browser_session() as session:
        await client.run_task(
            prompt=f"Go to {site}", browser_session_id=session.browser_session_id, wait_for_completion=True
        )
        await client.run_task(
            prompt=f"Go to {site}/cart", browser_session_id=session.browser_session_id, wait_for_completion=True
        )

    # More efficient: a single workflow. Without a session it gets a browser of its own, closed after it. This one
    # needs a login, so it pauses and asks for a person; nobody is here, so it is given up.
    run = await client.run_workflow(workflow_id=await stored_workflow(client), parameters={"site": site})
    async for update in client.watch_run(run.run_id):
        if isinstance(update, Run):
            run = update
            if run.pending_approval is not None:
                print(run.pending_approval.message)
                await client.cancel_run(run.run_id)
    print(f"{run.run_id}: {run.status} {run.failure_reason or ''} {run.failure_message}")


async def choose_the_right_browser_type(client: Client) -> None:
    """Chrome has the widest compatibility; Edge is for sites that require it."""
    for browser_type in ("chrome", "msedge"):
        try:
            session = await client.create_browser_session(browser_type=browser_type)
        except BrowserNotOffered as error:
            print(error.message)
        else:
            print(f"{session.browser_session_id}: {session.browser_type}")
            await client.close_browser_session(session.browser_session_id)


async def main(site: str) -> None:
    """Show all of them."""
    async with Client() as client:
        await set_appropriate_timeouts(client)
        await use_workflows_for_predetermined_sequences(client, site)
        await choose_the_right_browser_type(client)


if __name__ == "__main__":
    asyncio.run(main(site_address()))
