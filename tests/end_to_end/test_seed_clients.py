"""The published Python SDK against the real thing, and what its programs in docs/http.md do on the demo site.

The seed's own snippets are in test_seed_snippets.py. What came of it the demo site's log says.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from tabkeep import Client

from demo.site import DemoSite
from tests.end_to_end.seed_programs import SITE, Programs, programs_under, published_sdk
from tests.waiting import until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stack

pytestmark = pytest.mark.timeout(300)  # the SDK's one-time installation is among it


@pytest.fixture
async def programs(stack: Stack, tmp_path: Path) -> Programs:
    return Programs(stack.http_url, stack.api_key, await published_sdk(), tmp_path)


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": stack.api_key}
    async with httpx.AsyncClient(base_url=stack.http_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


async def said_by(programs: Programs, heading: str, site: DemoSite, typed: str = "") -> str:
    """What the Python program under a heading of docs/http.md wrote, with this site for its own."""
    (program,) = programs_under(heading, "python")
    ended = await programs.run("python", program, typed=typed, given={SITE: site.url})
    assert ended.status == 0, ended.err
    return ended.out


async def test_the_sdk_logs_in_searches_waits_for_a_person_and_buys(programs: Programs, site: DemoSite):
    said = await said_by(programs, "On the demo site", site, "yes\n")
    assert "Login: completed" in said
    assert "Customer: Casey Morgan" in said
    assert "Order placed: TK-" in said
    assert site.log.count("login") == 1
    assert site.log.count("customer_search") == 1
    assert site.log.count("added_to_cart") == 1
    assert site.log.count("order_placed") == 1
    assert site.log.count("order_resubmitted") == 0
    assert len({entry.visitor for entry in site.log.events("login", "added_to_cart", "order_placed")}) == 1


@pytest.mark.parametrize(("typed", "orders", "status"), [("yes\n", 1, "completed"), ("no\n", 0, "terminated")])
async def test_a_workflow_that_pauses_is_continued_or_rejected_through_the_sdk(
    programs: Programs, site: DemoSite, typed: str, orders: int, status: str
):
    said = await said_by(programs, "A workflow that asks", site, typed)
    assert "It asks: Place the order for what is in the cart?" in said
    assert f"Workflow: {status}" in said
    assert site.log.count("order_placed") == orders
    assert site.log.count("order_resubmitted") == 0


async def test_a_profile_of_a_session_saves_the_next_one_its_login(programs: Programs, site: DemoSite):
    assert "Without another login: Casey Morgan" in await said_by(programs, "A profile for later", site)
    assert site.log.count("login") == 1


WAITS = r"""
import asyncio, json, time
from skyvern import Skyvern
from skyvern.client.errors import NotFoundError, UnprocessableEntityError
from skyvern.client.types import NonEmptyPasswordCredential

async def main():
    client = Skyvern(api_key="YOUR_API_KEY", base_url="http://127.0.0.1:7331")
    session = await client.create_browser_session(timeout=5, browser_type="chrome")
    listed = await client.get_browser_sessions()
    one = await client.get_browser_session(session.browser_session_id)
    await client.run_task(prompt="Wait 100 ms", browser_session_id=one.browser_session_id, wait_for_completion=True)
    begun = time.monotonic()
    run = await client.run_task(
        prompt="Wait 2 seconds", browser_session_id=one.browser_session_id, wait_for_completion=True
    )
    took = time.monotonic() - begun
    shown = await client.get_run(run.run_id)
    artifacts = await client.get_run_artifacts(run.run_id)
    definition = "version: 1\ntitle: Wait\nblocks:\n  - wait: 50ms\n"
    workflow = await client.create_workflow(yaml_definition=definition)
    second = await client.update_workflow(workflow.workflow_permanent_id, yaml_definition=definition)
    in_workflow = await client.run_workflow(
        workflow_id=workflow.workflow_permanent_id, browser_session_id=one.browser_session_id, wait_for_completion=True
    )
    of_workflow = await client.get_workflow_runs_by_id(workflow.workflow_permanent_id)
    waits = await client.run_task(prompt="Wait 60 seconds", browser_session_id=one.browser_session_id)
    await client.cancel_run(waits.run_id)
    bulk = await client.bulk_cancel_runs(run_ids=[waits.run_id, "tsk_none"])
    longer = await client.extend_browser_session(one.browser_session_id, additional_minutes=5)
    models = {
        "runs": {each.task_run_id for each in await client.get_runs_v2()} >= {run.run_id, in_workflow.run_id},
        "workflow_runs": (await client.get_workflow_runs())[0].workflow_run_id == in_workflow.run_id,
        "runs_of_workflow": [each.workflow_run_id for each in of_workflow] == [in_workflow.run_id],
        "workflows": workflow.workflow_id in [each.workflow_id for each in await client.get_workflows()],
        "version": second.version,
        "bulk": [bulk.cancelled == [waits.run_id], bulk.failed],
        "timeout": longer.timeout,
        "in_workflow": in_workflow.status,
    }
    again = await client.retry_workflow_run(in_workflow.run_id)
    versions = await client.get_workflow_versions(workflow.workflow_permanent_id)
    login = NonEmptyPasswordCredential(username="ada", password="correct horse 9")
    stored = await client.create_credential(
        name="desk", credential_type="password", credential=login, tested_url="https://dashboard.example.com/login"
    )
    before = await client.run_task(prompt="Wait 60 seconds", browser_session_id=one.browser_session_id)
    logs_in = await client.login(
        credential_type="skyvern", credential_id=stored.credential_id, browser_session_id=one.browser_session_id
    )
    await client.cancel_run(logs_in.run_id)
    await client.cancel_run(before.run_id)
    models |= {
        "server": list(await client.get_version()),
        "timeline": [
            [entry.block.block_type, entry.block.status, [each.status for each in entry.block.actions]]
            for each in (run, in_workflow) for entry in await client.get_run_timeline(each.run_id)
        ],
        "versions": [each.version for each in versions],
        "first": (await client.get_workflow(workflow.workflow_permanent_id, version=1)).version,
        "again": [again.run_id != in_workflow.run_id, again.run_request == in_workflow.run_request],
        "login": [each.credential.username for each in await client.get_credentials()],
        "logged_in": (await client.get_run(logs_in.run_id)).status,
        "credential": (await client.get_credential(stored.credential_id)).name,
        "filters": [
            waits.run_id in [each.run_id for each in await client.get_runs_v2(status=["canceled"], run_type="task_v1")],
            await client.get_workflow_runs_by_id(
                workflow.workflow_permanent_id, created_at_end=in_workflow.created_at, status="completed"
            ),
            await client.get_run_artifacts(run.run_id, artifact_type="recording"),
        ],
    }
    await client.delete_credential(stored.credential_id)
    await client.delete_workflow(workflow.workflow_permanent_id)
    refused = []
    for call, kind in (
        (client.get_run("tsk_none"), NotFoundError),
        (client.create_browser_session(timeout=1), UnprocessableEntityError),
    ):
        try:
            await call
        except kind as error:
            refused.append([error.status_code, error.body["code"]])
    await client.close_browser_session(browser_session_id=session.browser_session_id)
    closed = await client.get_browser_session(session.browser_session_id)
    print(json.dumps({
        "models": models, "took": took, "status": run.status, "run_type": shown.run_type, "refused": refused,
        "listed": session.browser_session_id in [each.browser_session_id for each in listed],
        "closed": closed.status, "screenshots": len(shown.screenshot_urls),
    }))

asyncio.run(main())
"""


async def test_the_sdks_own_waiting_is_answered_when_the_run_ends_and_its_models_take_every_answer(
    programs: Programs,
):
    ended = await programs.run("python", WAITS)
    assert ended.status == 0, ended.err
    (said,) = ended.answers()
    assert said.pop("took") < 9.5  # unheld polls come every 10 s; the figure itself is the bench's
    assert said.pop("models") == {
        "runs": True,
        "workflow_runs": True,
        "runs_of_workflow": True,
        "workflows": True,
        "version": 2,
        "bulk": [True, ["tsk_none"]],
        "timeout": 10,
        "in_workflow": "completed",
        "server": ["version"],
        "timeline": [["task", "completed", ["completed"]], ["wait", "completed", ["completed"]]],
        "versions": [2, 1],
        "first": 1,
        "again": [True, True],
        "login": ["ada"],
        "logged_in": "canceled",
        "credential": "ada at https://dashboard.example.com",
        "filters": [True, [], []],
    }
    assert said == {
        "status": "completed",
        "run_type": "task_v1",
        "refused": [[404, "RUN_NOT_FOUND"], [422, "FIELD_INVALID"]],
        "listed": True,
        "closed": "closed",
        "screenshots": 1,
    }


async def test_the_page_behind_app_url_shows_the_pictures_of_the_steps(
    http: httpx.AsyncClient, client: Client, site: DemoSite
):
    run = await client.run_task(f"Go to {site.url}", wait_for_completion=True)
    shown = (await http.get(f"/v1/runs/{run.run_id}")).json()
    async with httpx.AsyncClient(trust_env=False) as stranger:

        async def on_the_page() -> list[str]:
            return re.findall(r'<img src="([^"]+)"', (await stranger.get(shown["app_url"])).text)

        pictures = await until(on_the_page, "a picture on the page")
        picture = await stranger.get(httpx.URL(shown["app_url"]).join(pictures[0]))
        other = await stranger.get(shown["screenshot_urls"][0])
    artifact_id = (await client.list_artifacts(run.run_id))[0].artifact_id
    with_key = await http.get(f"/v1/artifacts/{artifact_id}/content")
    assert picture.headers["content-type"] in ("image/jpeg", "image/png")
    assert picture.content == other.content == with_key.content == await client.get_artifact(artifact_id)
