"""What the task engine's tests share: a real Chromium, a journal in a list, a server for `tests/pages`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from google.protobuf import json_format, struct_pb2
from playwright.async_api import Browser as Chromium
from playwright.async_api import BrowserContext, async_playwright
from tabkeep.host.v1 import host_pb2
from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import BrowserError, HeldFile, Page
from browser_host.chromium.playwright_page import PlaywrightPage
from browser_host.clock import SystemClock
from browser_host.pages import Dialogs, OpenPage, PageLog, Reply
from browser_host.task import runner
from browser_host.task.by_model.model import Model
from browser_host.task.journal import ActionLeaseOver, ApprovalAnswer, Credential, CredentialMissing, FileMissing
from demo.site import DemoSite

PAGES = Path(__file__).parents[1] / "pages"


def chromium_path() -> str | None:
    """Where a browser is installed; None leaves it to Playwright's own."""
    places = [os.environ.get("TABKEEP_CHROMIUM"), "/usr/lib/chromium/chromium", shutil.which("google-chrome")]
    return next((place for place in places if place and Path(place).exists()), None)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Chromium]:
    async with async_playwright() as playwright:
        flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=flags)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
async def shared_browser(chromium: Chromium) -> AsyncIterator[OneTab]:
    context = await chromium.new_context(viewport={"width": 1280, "height": 720})
    yield OneTab(context)
    await context.close()


class OneTab:
    """A `Browser` that follows the newest tab, as the host does."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self._pages: dict[Any, PlaywrightPage] = {}
        self.dialogs = Dialogs()
        self.page_log = PageLog()

    async def pages(self) -> list[OpenPage]:
        return []

    async def show_page(self, page_id: str) -> None:
        """It has no tabs."""

    async def open_page(self) -> None:
        """It has no tabs."""

    async def close_page(self, page_id: str) -> None:
        """It has no tabs."""

    async def current_page(self) -> Page:
        tab = self.context.pages[-1] if self.context.pages else await self.context.new_page()
        if tab not in self._pages:
            self._pages[tab] = await PlaywrightPage.open(tab, answer=self._answer)
        return self._pages[tab]

    def _answer(self, kind: str, message: str) -> Reply:
        return self.dialogs.answer(kind, message, "page-1", "")[0]

    async def fresh(self) -> None:
        """Begin again: one tab, nothing in it, no cookies."""
        for tab in self.context.pages[1:]:
            await tab.close()
        await self.context.clear_cookies()
        page = await self.current_page()
        if page.url == "about:blank":
            return
        try:
            await page.goto("about:blank", timeout=5)
        except BrowserError:
            await self.context.pages[-1].close()


class ListJournal:
    """A journal that keeps everything and, where told so, answers."""

    def __init__(self) -> None:
        self.cancel_requested = asyncio.Event()
        self.events: list[RunEvent] = []
        self.pictures: list[bytes] = []
        self.log: list[str] = []
        self.answers: dict[str, asyncio.Future[ApprovalAnswer]] = {}
        self.credentials: dict[str, list[Credential]] = {}
        self.held: dict[str, HeldFile] = {}
        self.scrub: Callable[[str], str] = str
        self.lend_turn: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        self.lease_over = 0
        self.changed = asyncio.Event()

    async def record(self, event: RunEvent) -> None:
        kind = str(event.WhichOneof("kind"))
        assert not (self.events and self.events[-1].HasField("run_finished")), "an event after the last one"
        self.log.append(kind)
        kept = RunEvent()
        kept.CopyFrom(event)
        self.events.append(kept)
        self.changed.set()

    async def record_durably(self, event: RunEvent) -> None:
        await self.record(event)
        await asyncio.sleep(0)
        self.log.append("stored")

    def allow_action(self) -> float:
        if self.lease_over:
            self.lease_over -= 1
            self.log.append("lease over")
            raise ActionLeaseOver("the lease is over")
        self.log.append("allowed")
        return 15.0

    def keep_screenshot(self, jpeg: bytes) -> str:
        self.pictures.append(jpeg)
        return f"art_{len(self.pictures)}"

    def answer(self, approval_id: str) -> asyncio.Future[ApprovalAnswer]:
        return self.answers.setdefault(approval_id, asyncio.get_running_loop().create_future())

    async def approval(self, approval_id: str) -> ApprovalAnswer:
        return await asyncio.shield(self.answer(approval_id))

    async def credential(self, origin: str, username: str) -> Credential:
        found = self.credentials.get(origin, [])
        matching = [one for one in found if username in ("", one.username)]
        if len(matching) != 1:
            raise CredentialMissing(f"for {origin} the organization has no credential")
        return matching[0]

    @asynccontextmanager
    async def files(self, names: Sequence[str]) -> AsyncIterator[list[HeldFile]]:
        for name in names:
            if name not in self.held:
                raise FileMissing(f"the organization has no file {name!r}")
        yield [self.held[name] for name in names]

    async def until(self, kind: str, count: int = 1) -> RunEvent:
        """The count-th event of a kind, as soon as it is recorded."""
        while True:
            found = [event for event in self.events if event.WhichOneof("kind") == kind]
            if len(found) >= count:
                return found[count - 1]
            self.changed.clear()
            await self.changed.wait()

    def of(self, kind: str) -> list[Any]:
        return [getattr(event, kind) for event in self.events if event.WhichOneof("kind") == kind]

    @property
    def end(self) -> runs_pb2.RunFinished:
        assert len(self.of("run_finished")) == 1
        assert self.events[-1].HasField("run_finished")
        return self.events[-1].run_finished

    @property
    def text(self) -> str:
        """All that was recorded, as text."""
        return "\n".join(str(event) for event in self.events)


class Desk:
    """Runs tasks in one browser context."""

    def __init__(self, browser: OneTab, url: str) -> None:
        self.browser = browser
        self.context = browser.context
        self.url = url

    async def open(self, path: str) -> Page:
        page = await self.browser.current_page()
        await page.goto(path if path.startswith("http") else self.url + path, timeout=10)
        return page

    async def run(
        self,
        *actions: actions_pb2.Action,
        prompt: str = "",
        blocks: Iterable[host_pb2.Block] = (),
        journal: ListJournal | None = None,
        schema: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        model: Model | None = None,
        recordings: host_pb2.Recordings | None = None,
        **fields: Any,
    ) -> Outcome:
        """Carry out actions, a prompt or blocks, and return what was recorded."""
        start = host_pb2.StartRun(run_id="tsk_test", screenshots=runs_pb2.SCREENSHOT_MODE_NONE)
        for name, value in fields.items():
            if name == "timeout":
                start.timeout.FromNanoseconds(int(value * 1e9))
            elif name in ("secrets", "secret_parameters"):
                getattr(start, name).extend(value)
            else:
                setattr(start, name, value)
        if actions:
            start.blocks.append(host_pb2.Block(block_id="main", actions=host_pb2.ActionsBlock(actions=actions)))
        if prompt:
            task = host_pb2.TaskBlock(prompt=prompt, recordings=recordings)
            if schema is not None:
                task.data_extraction_schema.CopyFrom(struct(schema))
            start.blocks.append(host_pb2.Block(block_id="main", task=task))
        elif schema is not None:
            start.data_extraction_schema.CopyFrom(struct(schema))
        start.blocks.extend(blocks)
        if parameters:
            start.parameters.CopyFrom(struct(parameters))
        journal = journal or ListJournal()
        await runner.carry_out(start, self.browser, journal, SystemClock(), model=model)
        return Outcome(journal)


@contextmanager
def impatient() -> Iterator[None]:
    """Meanwhile the engine waits half as long for what may show late: for runs in which it never shows."""
    with pytest.MonkeyPatch.context() as patch:
        for module in [module for name, module in sys.modules.items() if name.startswith("browser_host.task.")]:
            for name, seconds in list(vars(module).items()):
                if name.endswith("_PATIENCE") and isinstance(seconds, float):
                    patch.setattr(module, name, seconds / 2)
        yield


class Outcome:
    """How a run ended, in plain words."""

    def __init__(self, journal: ListJournal) -> None:
        self.journal = journal
        end = journal.end
        self.status = runs_pb2.RunStatus.Name(end.status).removeprefix("RUN_STATUS_")
        self.reason = runs_pb2.FailureReason.Name(end.failure_reason).removeprefix("FAILURE_REASON_")
        self.message = end.failure_message
        self.output = json_format.MessageToDict(end.output) if end.HasField("output") else None
        self.steps = journal.of("step_finished")

    def __repr__(self) -> str:
        return f"{self.status} {self.reason} {self.message!r} {self.output!r}"


def struct(value: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


def act(kind: str, /, timeout: float | None = None, **extra: Any) -> actions_pb2.Action:
    """An action from its JSON-like fields: act("click", target={...})."""
    action = json_format.ParseDict({kind: extra}, actions_pb2.Action())
    if timeout is not None:
        action.timeout.FromNanoseconds(int(timeout * 1e9))
    return action


class PageServer:
    """Serves `tests/pages`: /NAME.html; /status/CODE; /slow/MS; /text?body=HTML. Counts what was asked for."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            method, target = head.split(" ")[:2]
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            self.requests.append(f"{method} {target}")
            if method == "POST":
                self.forms.append(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            status, html = await self._answer(urlsplit(target).path, dict(parse_qsl(urlsplit(target).query)))
            content = html.encode()
            writer.write(
                f"HTTP/1.1 {status} x\r\ncontent-type: text/html; charset=utf-8\r\nconnection: close\r\n"
                f"content-length: {len(content)}\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, query: dict[str, str]) -> tuple[int, str]:
        if path.startswith("/status/"):
            return int(path.rsplit("/", 1)[1]), "<title>Trouble</title><h1>Trouble</h1>"
        if path.startswith("/slow/"):
            await asyncio.sleep(int(path.rsplit("/", 1)[1]) / 1000)
            return 200, "<title>Slow</title><h1>Slow page</h1>"
        if path == "/text":
            return 200, query["body"]
        file = PAGES / path.lstrip("/")
        return (200, file.read_text(encoding="utf-8")) if file.is_file() else (404, "not found")


@pytest.fixture(scope="session")
async def page_server() -> AsyncIterator[PageServer]:
    pages = PageServer()
    server = await asyncio.start_server(pages.serve, "127.0.0.1", 0)
    pages.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield pages
    server.close()
    await server.wait_closed()


@pytest.fixture
async def desk(shared_browser: OneTab, page_server: PageServer) -> Desk:
    page_server.requests.clear()
    page_server.forms.clear()
    await shared_browser.fresh()
    return Desk(shared_browser, page_server.url)


@pytest.fixture
async def site() -> AsyncIterator[DemoSite]:
    """The demo shop, as it is before anybody was there."""
    async with DemoSite() as site:
        yield site


@pytest.fixture
async def shop(shared_browser: OneTab, site: DemoSite) -> Desk:
    """A desk in it."""
    await shared_browser.fresh()
    return Desk(shared_browser, site.url.rstrip("/"))
