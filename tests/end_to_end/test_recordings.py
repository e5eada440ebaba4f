"""Recordings through the whole stack: made, replayed, listed, exported, and nowhere a secret."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
import yaml
from tabkeep import Client, NotFound, RecordingState, Run, RunEvent, RunStatus, StepStarted

from demo.site import DemoSite
from tests.end_to_end.conftest import Stack
from tests.integration.task_fixtures import chromium_path

STAFF = ("support@company.com", "headphones-4-all")
SHOPPER = ("shopper@example.com", "shop-till-drop")
LOGIN = "Login with username '{}' and password '{}'"
BLOCK = """
version: 1
title: Log in
parameters:
  email: {{type: string}}
  password: {{type: string, secret: true}}
blocks:
  - goto: {}/login
  - task: "Login with username '{{{{ email }}}}' and password '{{{{ password }}}}'"
"""


async def sources(client: Client, run: Run) -> set[str]:
    events = [update async for update in client.watch_run(run.run_id) if isinstance(update, RunEvent)]
    return {event.detail.source for event in events if isinstance(event.detail, StepStarted)}


async def login(client: Client, site: DemoSite, who: tuple[str, str], **options: str) -> Run:
    return await client.run_task(LOGIN.format(*who), url=f"{site.url}/login", wait_for_completion=True, **options)


async def test_a_task_is_recorded_replayed_exported_and_forgotten(
    client: Client, site: DemoSite, stack: Stack, tmp_path: Path
):
    planned = [await login(client, site, STAFF), await login(client, site, SHOPPER)]
    assert [await sources(client, run) for run in planned] == [{"caller", "rules"}] * 2
    [listed] = [one async for one in client.list_recordings(origin=site.url)]
    assert (listed.state, listed.success_count) == (RecordingState.TRUSTED, 2)
    assert not listed.task.parts

    replayed = await login(client, site, STAFF)
    assert replayed.status is RunStatus.COMPLETED
    assert await sources(client, replayed) == {"caller", "replay"}
    block = await client.create_workflow(BLOCK.format(site.url))
    given = {"email": SHOPPER[0], "password": SHOPPER[1]}
    by_block = await client.run_workflow(block.workflow_id, parameters=given, wait_for_completion=True)
    assert by_block.status is RunStatus.COMPLETED, by_block
    assert await sources(client, by_block) == {"workflow", "replay"}
    recording = await client.get_recording(listed.recording_id)
    assert recording.success_count == 4
    assert [step.action.WhichOneof("kind") for step in recording.task.parts[0].steps] == ["fill", "fill", "click"]

    workflow = await client.export_recording(recording.recording_id)
    stored = await client.create_workflow(workflow.content)
    values = {"value_1": SHOPPER[0], "secret_1": SHOPPER[1]}
    done = await client.run_workflow(stored.workflow_id, parameters=values, wait_for_completion=True)
    assert done.status is RunStatus.COMPLETED, done
    refused = {"value_1": SHOPPER[0], "secret_1": "wrong-pass-1"}
    hasty = await client.create_workflow(with_timeout(workflow.content, "2s"))
    failed = await client.run_workflow(hasty.workflow_id, parameters=refused, wait_for_completion=True)
    assert failed.status is RunStatus.FAILED

    script = await client.export_recording(recording.recording_id, "playwright_python")
    assert await run_script(tmp_path, script.content, STAFF) == 0
    assert await run_script(tmp_path, script.content, (STAFF[0], "wrong-pass-1")) != 0
    assert [event.user for event in site.log.events("login")] == [
        STAFF[0], SHOPPER[0], STAFF[0], SHOPPER[0], SHOPPER[0], STAFF[0]
    ]  # fmt: skip

    secrets = [STAFF[1].encode(), SHOPPER[1].encode()]
    for text in (workflow.content, script.content, str(recording)):
        assert not any(secret in text.encode() for secret in secrets)
    for file in stack.data_dir.rglob("tabkeep.db*"):
        stored_bytes = await asyncio.to_thread(file.read_bytes)
        assert not any(secret in stored_bytes for secret in secrets), file

    await client.delete_recording(recording.recording_id)
    with pytest.raises(NotFound):
        await client.get_recording(recording.recording_id)


def with_timeout(definition: str, timeout: str) -> str:
    """The definition with an end for its last step, which else looks for what it expects for 15 s."""
    content = yaml.safe_load(definition)
    content["blocks"][-1]["actions"]["steps"][-1]["timeout"] = timeout
    return str(yaml.safe_dump(content))


async def run_script(directory: Path, content: str, who: tuple[str, str]) -> int:
    """The exit status of an exported script, run with Playwright alone."""
    path = directory / "recording.py"
    await asyncio.to_thread(path.write_text, content, encoding="utf-8")
    given = ["--value-1", who[0]]
    if chromium := chromium_path():
        given += ["--browser", chromium]
    environment = {**os.environ, "SECRET_1": who[1], "PYTHONPATH": ""}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", str(path), *given, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0 or b"Locator expected" in said or b"Page URL expected" in said, said.decode()
    return process.returncode or 0
