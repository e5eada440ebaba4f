"""Programs written for the seed's API against the real thing: cURL, the published Python SDK, JavaScript.

What they do stands in docs/http.md and is run from there as it stands; the demo site's own log says what came of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from tabkeep import Client, RunStatus

from demo.site import DemoSite
from tests.waiting import until

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stack

ROOT = Path(__file__).resolve().parents[2]
REPORT = """
version: 1
title: Export the monthly report
blocks:
  - wait: 100ms
  - extract: {id: report}
"""

pytestmark = pytest.mark.timeout(300)  # the SDK's one-time installation is among it


def blocks(language: str, mark: str | None = None) -> list[str]:
    """The blocks of docs/http.md in a language; those with one mark, or with none."""
    text = (ROOT / "docs" / "http.md").read_text()
    found = re.findall(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", text, re.M | re.S)
    return [body for of, said, body in found if (of, said or None) == (language, mark)]


@dataclass(frozen=True)
class Ended:
    """A program that ended."""

    status: int | None
    out: str
    err: str

    def answers(self) -> list[Any]:
        """The JSON documents on its standard output."""
        decoder, text, found = json.JSONDecoder(), self.out, []
        while (start := text.find("{")) >= 0:
            document, end = decoder.raw_decode(text[start:])
            found.append(document)
            text = text[start + end :]
        return found


class Programs:
    """Starts programs that know the stack's URL and key by their environment."""

    def __init__(self, stack: Stack, site: DemoSite) -> None:
        self.url, self.key = stack.http_url, stack.api_key
        self._environment = {**os.environ, "TABKEEP_URL": self.url, "SKYVERN_API_KEY": self.key, "SITE": site.url}

    async def run(self, *command: str, typed: str = "", **variables: str) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**self._environment, **variables},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(typed.encode()), 120)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Ended(process.returncode, out.decode(), err.decode())

    async def bash(self, text: str, **variables: str) -> Ended:
        return await self.run("bash", "-c", text, **variables)


@pytest.fixture
def programs(stack: Stack, site: DemoSite) -> Programs:
    return Programs(stack, site)


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"x-api-key": stack.api_key}
    async with httpx.AsyncClient(base_url=stack.http_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def curl() -> None:
    """cURL and jq are there; make sets up what it can, and CI must not pass without them."""
    for tool in ("bash", "curl", "jq"):
        if shutil.which(tool) is None:
            (pytest.fail if "CI" in os.environ else pytest.skip)(f"{tool} is not installed")


@pytest.fixture(scope="session")
async def skyvern() -> str:
    """The Python that has the published SDK; installed once, under .tools."""
    place = ROOT / ".tools" / "skyvern"
    version = re.search(r"^SKYVERN_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert version is not None
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "scripts" / "set_up_skyvern.sh"), str(place), version[1],
        cwd=ROOT, env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip
    assert await process.wait() == 0
    return str(place / "bin" / "python")


async def close_all(http: httpx.AsyncClient, answers: list[Any]) -> None:
    for answer in answers:
        if "browser_session_id" in answer and "run_id" not in answer:
            await http.post(f"/v1/browser_sessions/{answer['browser_session_id']}/close")


# cURL


async def test_the_snippets_that_open_sessions_open_them(curl: None, programs: Programs, http: httpx.AsyncClient):
    seen = []
    for snippet in blocks("bash"):
        if "/v1/run/" in snippet:
            continue
        ended = await programs.bash(snippet)
        assert ended.status == 0, ended.err
        answers = ended.answers()
        await close_all(http, answers)
        seen += answers
    opened = [answer for answer in seen if "status" in answer]
    assert [answer["timeout"] for answer in opened[:4]] == [60, 10, 60, 480]
    assert {answer["status"] for answer in opened} == {"running"}
    assert all(answer["app_url"].startswith(programs.url) for answer in opened)
    # Edge is there or it is not; then the answer says what is.
    assert all(answer["code"] == "BROWSER_NOT_OFFERED" for answer in seen if "code" in answer)
    assert len(seen) == 6


async def test_the_snippets_that_ask_for_what_is_not_offered_are_told_so(
    curl: None, programs: Programs, http: httpx.AsyncClient
):
    for snippet in blocks("bash", "refused"):
        answers = (await programs.bash(snippet)).answers()
        assert len(answers) == snippet.count("curl ")
        assert {answer["code"] for answer in answers} <= {"PROXY_LOCATION_NOT_CONFIGURED", "EXTENSION_NOT_OFFERED"}


async def test_the_snippet_that_closes_a_session_closes_it(curl: None, programs: Programs, http: httpx.AsyncClient):
    session = (await http.post("/v1/browser_sessions", json={"timeout": 5})).json()
    (snippet,) = blocks("bash", "close")
    for _ in range(2):
        ended = await programs.bash(snippet, SESSION_ID=session["browser_session_id"])
        assert (ended.status, ended.answers()) == (0, [{"message": "Browser session closed"}])
    after = (await http.get(f"/v1/browser_sessions/{session['browser_session_id']}")).json()
    assert after["status"] == "closed"


async def test_the_polling_loops_end_and_what_follows_runs(
    curl: None, programs: Programs, http: httpx.AsyncClient, client: Client
):
    body = {"yaml_definition": REPORT, "workflow_id": "wf_export_monthly_report"}
    stored = await http.post("/v1/workflows", json=body)
    assert stored.status_code in (200, 409), stored.text
    if stored.status_code == 409:  # the examples of the Python client store another one under this name
        await client.update_workflow("wf_export_monthly_report", REPORT)
    (tasks,) = [snippet for snippet in blocks("bash") if "/v1/run/tasks" in snippet]
    (workflow,) = blocks("bash", "workflow")

    ended = await asyncio.gather(programs.bash(tasks), programs.bash(workflow))

    for one, run_type in zip(ended, ("task_v1", "workflow_run"), strict=True):
        assert one.status == 0, one.err
        second, closed = one.answers()
        assert "run_type" in second, second
        assert (second["run_type"], closed) == (run_type, {"message": "Browser session closed"})
        session = await client.get_browser_session(second["browser_session_id"])
        assert session.state == "closed"
        runs = [run async for run in client.list_runs(browser_session_id=session.browser_session_id)]
        assert len(runs) == 2
        assert runs[1].status is RunStatus.FAILED  # the login; without a password, at an address that leads nowhere
        assert runs[0].is_final


# The published Python SDK


async def test_the_sdk_logs_in_searches_waits_for_a_person_and_buys(skyvern: str, programs: Programs, site: DemoSite):
    (program,) = blocks("python")
    ended = await programs.run(skyvern, "-c", program, typed="yes\n")
    assert ended.status == 0, ended.err
    assert "Login: completed" in ended.out
    assert "Customer: Casey Morgan" in ended.out
    assert "Order placed: TK-" in ended.out
    assert site.log.count("login") == 1
    assert site.log.count("customer_search") == 1
    assert site.log.count("added_to_cart") == 1
    assert site.log.count("order_placed") == 1
    assert site.log.count("order_resubmitted") == 0
    assert len({entry.visitor for entry in site.log.events("login", "added_to_cart", "order_placed")}) == 1


@pytest.mark.parametrize(("typed", "orders", "status"), [("yes\n", 1, "completed"), ("no\n", 0, "terminated")])
async def test_a_workflow_that_pauses_is_continued_or_rejected_through_the_sdk(
    skyvern: str, programs: Programs, site: DemoSite, typed: str, orders: int, status: str
):
    (program,) = blocks("python", "workflow")
    ended = await programs.run(skyvern, "-c", program, typed=typed)
    assert ended.status == 0, ended.err
    assert "It asks: Place the order for what is in the cart?" in ended.out
    assert f"Workflow: {status}" in ended.out
    assert site.log.count("order_placed") == orders
    assert site.log.count("order_resubmitted") == 0


async def test_a_profile_of_a_session_saves_the_next_one_its_login(skyvern: str, programs: Programs, site: DemoSite):
    (program,) = blocks("python", "profile")
    ended = await programs.run(skyvern, "-c", program)
    assert ended.status == 0, ended.err
    assert "Without another login: Casey Morgan" in ended.out
    assert site.log.count("login") == 1


WAITS = r"""
import asyncio, json, os, time
from skyvern import Skyvern
from skyvern.client.errors import NotFoundError, UnprocessableEntityError

async def main():
    client = Skyvern(api_key=os.environ["SKYVERN_API_KEY"], base_url=os.environ["TABKEEP_URL"])
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
    skyvern: str, programs: Programs
):
    ended = await programs.run(skyvern, "-c", WAITS)
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
    }
    assert said == {
        "status": "completed",
        "run_type": "task_v1",
        "refused": [[404, "RUN_NOT_FOUND"], [422, "FIELD_INVALID"]],
        "listed": True,
        "closed": "closed",
        "screenshots": 1,
    }


# JavaScript


async def test_both_shapes_of_a_typescript_call_arrive(programs: Programs):
    if shutil.which("node") is None:
        (pytest.fail if "CI" in os.environ else pytest.skip)("node is not installed")
    (program,) = blocks("javascript")
    ended = await programs.run("node", "--input-type=module", "-e", program)
    assert ended.status == 0, ended.err
    lines = re.findall(r"^(tsk_\w+): completed in (pbs_\w+)$", ended.out, re.M)
    assert len(lines) == 2
    assert len({session for _, session in lines}) == 1


# The page


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
