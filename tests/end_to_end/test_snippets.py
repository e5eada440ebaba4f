"""The snippets of docs/http.md for Skyvern's API, each in its three languages, as they stand: they do what they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tabkeep import Client, Run, RunStatus
from tabkeep.records.sessions import BrowserSession

from demo.site import DemoSite
from tests.conftest import passable_directory
from tests.end_to_end.snippet_world import World, snippet_world
from tests.end_to_end.snippets import LANGUAGES, SESSION_ID, Programs, programs_under, published_sdk

pytestmark = pytest.mark.timeout(300)  # the SDK's one-time installation is among it

in_each_language = pytest.mark.parametrize("language", LANGUAGES)
in_both_sdks = pytest.mark.parametrize("language", LANGUAGES[:2])


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    with pytest.MonkeyPatch.context() as monkeypatch, passable_directory() as directory:
        async with snippet_world(directory, monkeypatch) as running:
            yield running


@pytest.fixture
async def site(world: World, site: DemoSite) -> DemoSite:
    """The site that all names lead to."""
    world.front.show(site)
    return site


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with Client(api_key=world.stack.api_key, address=world.stack.grpc_address) as opened:
        yield opened


@pytest.fixture
async def programs(world: World, tmp_path: Path) -> Programs:
    return Programs(world.stack.http_url, world.stack.api_key, await published_sdk(), tmp_path)


@pytest.fixture
async def sessions(client: Client) -> AsyncIterator[Sessions]:
    """Those that the test's programs opened; closed at its end, as far as they are open."""
    before = {session.browser_session_id async for session in client.list_browser_sessions()}
    made = Sessions(client, before)
    yield made
    for session in await made.all():
        await client.close_browser_session(session.browser_session_id)


class Sessions:
    """The sessions that were not there before."""

    def __init__(self, client: Client, before: set[str]) -> None:
        self._client = client
        self._before = before

    async def all(self) -> list[BrowserSession]:
        """All of them, in the order of their creation."""
        found = [session async for session in self._client.list_browser_sessions()]
        return [session for session in reversed(found) if session.browser_session_id not in self._before]

    async def only(self) -> BrowserSession:
        """The one that there is."""
        (session,) = await self.all()
        return session

    async def runs(self) -> list[Run]:
        """The runs in the one that there is, in their order."""
        browser_session_id = (await self.only()).browser_session_id
        return [run async for run in self._client.list_runs(browser_session_id=browser_session_id)][::-1]


async def run(programs: Programs, heading: str, language: str, **options: object) -> str:
    """Run all programs of a language under a heading; what they wrote."""
    found = programs_under(heading, language)
    assert found
    said = []
    for text in found:
        ended = await programs.run(language, text, **options)  # type: ignore[arg-type]
        assert ended.status == 0, ended.err
        said.append(ended.out)
    return "".join(said)


@in_each_language
async def test_create_a_session(
    programs: Programs, sessions: Sessions, client: Client, site: DemoSite, world: World, language: str
):
    asked_before = len(world.residential.asked)
    said = await run(programs, "Create a session", language)
    session = await sessions.only()
    assert session.browser_session_id in said
    assert re.search(r"status\"?: ?\"?running", said, re.I)
    assert (session.timeout.total_seconds(), session.browser_type, session.proxy_location, session.extensions) == (
        3600, "chrome", "RESIDENTIAL", ("ad-blocker",),
    )  # fmt: skip
    opened = await client.run_task(
        "Go to https://shop.example.com/",
        browser_session_id=session.browser_session_id,
        wait_for_completion=True,
    )
    assert opened.status is RunStatus.COMPLETED
    assert "shop.example.com:443" in world.residential.asked[asked_before:]


@in_each_language
async def test_run_tasks_with_a_session(programs: Programs, sessions: Sessions, site: DemoSite, language: str):
    said = await run(programs, "Run tasks with a session", language)
    login, search = await sessions.runs()
    assert login.status is RunStatus.COMPLETED
    assert [entry.user for entry in site.log.events("login")] == ["support@company.com"]
    if language == "bash":  # it closes the session without waiting for the search
        assert search.is_final
    else:
        assert search.status is RunStatus.COMPLETED
        assert "Casey Morgan" in said
        assert site.log.count("customer_search") == 1
    assert (await sessions.only()).state == "closed"


@in_each_language
async def test_run_workflows_with_a_session(programs: Programs, sessions: Sessions, site: DemoSite, language: str):
    said = await run(programs, "Run workflows with a session", language)
    login, workflow = await sessions.runs()
    assert login.status is RunStatus.COMPLETED
    assert [entry.user for entry in site.log.events("login")] == ["admin@company.com"]
    assert workflow.workflow_id == "wf_export_monthly_report"
    if language == "bash":  # it closes the session without waiting for the workflow
        assert workflow.is_final
    else:
        assert "Workflow completed: completed" in said
        assert site.log.count("report_exported") == 1
    assert (await sessions.only()).state == "closed"


@in_each_language
async def test_close_a_session(programs: Programs, sessions: Sessions, client: Client, site: DemoSite, language: str):
    session = await client.create_browser_session(timeout=5)
    await run(programs, "Close a session", language, given={SESSION_ID: session.browser_session_id})
    made = await sessions.all()
    assert {one.state for one in made} == {"closed"}
    assert {one.close_reason for one in made} == {"REQUESTED"}
    assert len(made) == (1 if language == "bash" else 2)  # the other one is of the program with `finally`


@pytest.mark.parametrize(
    ("language", "typed", "orders", "words"),
    [("python", "yes\n", 1, "Order placed: {"), ("typescript", "no\n", 0, "Purchase cancelled")],
)
async def test_human_in_the_loop(
    programs: Programs, sessions: Sessions, site: DemoSite, language: str, typed: str, orders: int, words: str
):
    said = await run(programs, "Human in the loop", language, typed=typed)
    assert words in said
    assert site.log.count("added_to_cart") == 1
    assert site.log.count("order_placed") == orders
    assert len({entry.visitor for entry in site.log.events("added_to_cart", "order_placed")}) == 1
    assert (await sessions.only()).state == "closed"


@in_each_language
async def test_set_appropriate_timeouts(programs: Programs, sessions: Sessions, language: str):
    await run(programs, "Set appropriate timeouts", language)
    assert [session.timeout.total_seconds() / 60 for session in await sessions.all()] == [10, 60, 480]


@in_both_sdks
async def test_use_workflows_for_predetermined_sequences(
    programs: Programs, sessions: Sessions, client: Client, site: DemoSite, language: str
):
    await run(programs, "Use workflows for predetermined sequences", language)
    ran = Counter[tuple[str, str]]()
    for session in await sessions.all():
        async for one in client.list_runs(browser_session_id=session.browser_session_id):
            ran[one.prompt or one.workflow_id, one.failure_reason or one.status] += 1
    assert ran == {("Step 1", "NEEDS_MODEL"): 1, ("Step 2", "NEEDS_MODEL"): 1, ("wf_abc", "completed"): 1}


@in_each_language
async def test_choose_the_right_browser_type(programs: Programs, sessions: Sessions, language: str):
    await run(programs, "Choose the right browser type", language)
    assert [session.browser_type for session in await sessions.all()] == ["chrome", "msedge"]


@in_each_language
async def test_use_extensions_strategically(programs: Programs, sessions: Sessions, language: str):
    await run(programs, "Use extensions strategically", language)
    assert [session.extensions for session in await sessions.all()] == [("ad-blocker",), ("captcha-solver",)]


async def test_a_body_within_a_body_is_understood(
    programs: Programs, sessions: Sessions, site: DemoSite, monkeypatch: pytest.MonkeyPatch
):
    """As later versions of the TypeScript SDK send what the snippets were written for earlier ones."""
    monkeypatch.setitem(programs.environment, "SKYVERN_CLIENT", "later")
    assert "Workflow completed: completed" in await run(programs, "Run workflows with a session", "typescript")
    assert site.log.count("report_exported") == 1
