"""The synchronous client: the same methods without await; here with typed actions and each step as it happens."""

from __future__ import annotations

from site_address import site_address
from tabkeep import RunEvent, StepFinished, actions
from tabkeep.sync import Client


def main(site: str) -> None:
    """Search the shop and print each step as it happens."""
    with Client() as client, client.browser_session(timeout=10, url=site) as session:
        run = client.run_task(
            actions=[
                actions.fill("headphones", role="searchbox", submit=True),
                actions.wait_for(actions.expect_url("*/search*")),
                actions.extract(),
            ],
            browser_session_id=session.browser_session_id,
        )
        for update in client.watch_run(run.run_id):
            if isinstance(update, RunEvent) and isinstance(update.detail, StepFinished):
                print(f"{update.seq}: {update.detail.outcome} {update.detail.url}")
        print(client.get_run(run.run_id).raise_for_failure().output)


if __name__ == "__main__":
    main(site_address())
