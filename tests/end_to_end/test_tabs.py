"""Tabs, dialogs, logins by HTTP and a crash, from the command line to a real browser and back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from tabkeep import Client, CloseReason, FailureReason, RunEvent, RunStatus, actions

from tests.end_to_end.conftest import Stack, gone
from tests.integration.test_tabs_and_dialogs import PASSWORD, USER, Site, site

__all__ = ["site"]


async def tabkeep(stack: Stack, *arguments: str) -> Any:
    """What the command line says, as JSON."""
    environ = {**os.environ, "TABKEEP_API_KEY": stack.api_key, "TABKEEP_ADDRESS": stack.grpc_address}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tabkeep", *arguments, "--json", env=environ, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, arguments
    return json.loads(said)


async def test_a_session_with_page_options_from_its_creation_to_the_crash_that_ends_it(
    stack: Stack, client: Client, site: Site, tmp_path: Path
):
    logins = tmp_path / "logins.json"
    logins.write_text(json.dumps([{"origin": site.url, "username": USER, "password": PASSWORD}]))
    made = await tabkeep(
        stack, "session", "create", "--dialogs", "accept", "--on-crash", "close_session", "--max-pages", "5",
        "--grant", "notifications", "--http-credentials", str(logins), "--wait",
    )  # fmt: skip
    session_id = made["browser_session_id"]
    assert PASSWORD not in json.dumps(made)

    run = await client.run_task(
        f"Go to {site.url}/private/, click 'More', wait for 'more of it', go back to the first tab, "
        f"go to {site.url}/dialogs, click 'Delete', wait for 'said true', click 'Name' and answer 'Ada' to the dialog",
        browser_session_id=session_id,
        wait_for_completion=True,
    )
    assert run.status is RunStatus.COMPLETED, run
    kinds, details = [], []
    async for update in client.watch_run(run.run_id):
        if isinstance(update, RunEvent):
            kinds.append(update.kind)
            details.append(update.detail)
    assert (kinds.count("page_opened"), kinds.count("dialog_shown")) == (1, 2)
    assert PASSWORD not in str(details)

    async with asyncio.timeout(20):
        while len(pages := await tabkeep(stack, "session", "pages", session_id)) != 2 or not pages[0]["current"]:
            pass
    assert [page["opener_page_id"] for page in pages] == [None, pages[0]["page_id"]]

    waiting = await client.run_task(
        actions=[actions.wait_for(actions.expect_text("never"))], browser_session_id=session_id
    )
    async for update in client.watch_run(waiting.run_id):
        if isinstance(update, RunEvent) and update.kind == "step_started":
            break
    # A browser that ends with its session takes its other processes along meanwhile.
    for process in [child for browser in stack.browsers() for child in [browser, *browser.children(recursive=True)]]:
        with suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()
    ended = await client.wait_for_run(waiting.run_id)
    assert (ended.status, ended.failure_reason) == (RunStatus.FAILED, FailureReason.PAGE_CRASHED), ended
    session = await gone(client, session_id)
    assert (session.close_reason, "crashed" in session.close_message) == (CloseReason.PAGE_CRASHED, True)
    written = [path for path in stack.data_dir.rglob("*") if path.is_file()]
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]
    assert psutil.pid_exists(stack.host_pid)
