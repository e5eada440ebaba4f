"""Run a workflow with a session: a stored workflow goes on from the browser's present state."""

from __future__ import annotations

import asyncio
from pathlib import Path

from site_address import site_address
from tabkeep import Client, NotFound

WORKFLOW_ID = "wf_export_monthly_report"
DEFINITION = Path(__file__).with_name("export_monthly_report.yaml")


async def stored_workflow(client: Client) -> str:
    """Store the workflow unless it is there already, and return its id."""
    try:
        workflow = await client.get_workflow(WORKFLOW_ID)
    except NotFound:
        workflow = await client.create_workflow(DEFINITION.read_text(encoding="utf-8"), workflow_id=WORKFLOW_ID)
    return workflow.workflow_id


async def main(site: str) -> None:
    """Log in by a task, then export the month's report by a workflow in the same browser."""
    async with Client() as client:
        workflow_id = await stored_workflow(client)
        session = await client.create_browser_session(timeout=60)
        session_id = session.browser_session_id
        try:
            # First, log in by a task
            login = await client.run_task(
                prompt="Login with username 'admin@company.com' and password 'letmein-admin'",
                url=f"{site}/desk/login",
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            login.raise_for_failure()

            # Then run a workflow in the same session (already logged in)
            result = await client.run_workflow(
                workflow_id=workflow_id,
                parameters={"site": site},
                browser_session_id=session_id,
                wait_for_completion=True,
            )
            print(f"Workflow completed: {result.raise_for_failure().status}")
        finally:
            await client.close_browser_session(browser_session_id=session_id)


if __name__ == "__main__":
    asyncio.run(main(site_address()))
