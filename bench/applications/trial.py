"""Gives each prompt to a fresh copy of its application, through the public gRPC API, and has the application judge."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from playwright.async_api import async_playwright
from tabkeep.v1 import browser_sessions_pb2, keys_pb2, keys_pb2_grpc, runs_pb2

from bench.applications.application import Application, ApplicationWithLogin, Look, Place
from bench.applications.browser_sites import kitchen_sink, todomvc
from bench.applications.budget import Budget
from bench.applications.django_admin import DjangoAdmin
from bench.applications.dokuwiki import DokuWiki
from bench.applications.installing import Installation
from bench.applications.judging import Outcome, judged
from bench.applications.oscar import Oscar
from bench.applications.prompts import Prompt
from bench.applications.radicale import Radicale
from bench.applications.roundup import Roundup
from bench.applications.serving import free_port, served
from bench.applications.sqlite_sites import datasette, sqlite_web
from bench.browsing import Product
from bench.programs import Workshop

APPLICATIONS: Mapping[str, Application] = {
    "oscar": Oscar(),
    "django_admin": DjangoAdmin(),
    "dokuwiki": DokuWiki(),
    "kitchen_sink": kitchen_sink(),
    "todomvc": todomvc(),
    "sqlite_web": sqlite_web(),
    "radicale": Radicale(),
    "roundup": Roundup(),
    "datasette": datasette(),
    "budget": Budget(),
}
RUN_SECONDS = 180
_PATIENCE = 60.0


class NotPrepared(Exception):
    """The bench's own part of a prompt did not work; nothing is said of the prompt then."""


@dataclass
class Trial:
    """What is needed to try prompts: a host to run them, and the applications."""

    installation: Installation
    product: Product
    keys: Any
    folder: Path
    """For copies of applications; each is removed when its prompt is judged, and its log stays."""
    verbose: bool = False

    async def judge(self, prompt: Prompt) -> Outcome:
        """Try one prompt.

        Raises:
            NotPrepared, NotServed.
        """
        application = APPLICATIONS[prompt.application]
        async with self._copy(application, prompt) as place:
            session_id = await self.product.open_session()
            try:
                return await self._judge(application, prompt, place, session_id)
            finally:
                await self.product.close_session(session_id)

    async def _judge(self, application: Application, prompt: Prompt, place: Place, session_id: str) -> Outcome:
        if prompt.signed_in:
            if not isinstance(application, ApplicationWithLogin):
                raise NotPrepared(f"nobody can be signed in to {prompt.application}")
            steps = runs_pb2.RunTaskRequest(actions=application.sign_in(place.url, prompt.signed_in))
            prepared = await self._run(session_id, steps)
            if prepared.status != runs_pb2.RUN_STATUS_COMPLETED:
                raise NotPrepared(f"{prompt.signed_in} could not be signed in: {prepared.failure_message}")
        began = time.monotonic()
        url = place.url + prompt.at if prompt.at else ""
        task = runs_pb2.RunTaskRequest(prompt=prompt.text, url=url, planner=runs_pb2.PLANNER_RULES)
        run = await self._run(session_id, task)
        seconds = time.monotonic() - began
        if self.verbose:
            await self._tell(run)
        page = await self._page(session_id, application.page_script) if application.page_script else {}
        answer = json.dumps(json_format.MessageToDict(run.output), ensure_ascii=False) if run.HasField("output") else ""
        disagreement = application.judges[prompt.name](Look(place, run, answer, page))
        return judged(prompt, run, disagreement, seconds)

    async def _run(self, session_id: str, request: runs_pb2.RunTaskRequest) -> runs_pb2.Run:
        request.browser_session_id = session_id
        request.screenshots = runs_pb2.SCREENSHOT_MODE_NONE
        request.timeout.FromSeconds(RUN_SECONDS)
        made = await self.product.runs.RunTask(request, metadata=self.product.metadata)
        get = runs_pb2.GetRunRequest(run_id=made.run.run_id)
        get.wait_timeout.FromSeconds(RUN_SECONDS + 30)
        run: runs_pb2.Run = (await self.product.runs.GetRun(get, metadata=self.product.metadata)).run
        return run

    async def _tell(self, run: runs_pb2.Run) -> None:
        """Print what a run did."""
        watch = runs_pb2.WatchRunRequest(run_id=run.run_id)
        async for response in self.product.runs.WatchRun(watch, metadata=self.product.metadata):
            event, kind = response.event, response.event.WhichOneof("kind")
            if kind == "plan_made":
                print("    plan:", list(event.plan_made.clauses))
            elif kind == "step_started":
                print("    step:", event.step_started.description, "on", event.step_started.url)
            elif kind == "step_finished":
                done = event.step_finished
                reason = runs_pb2.FailureReason.Name(done.failure_reason) if done.failure_reason else "done"
                print("     ", reason, done.target, done.message[:300])
        if run.HasField("output"):
            print("    output:", json_format.MessageToJson(run.output, indent=None)[:600])

    async def _page(self, session_id: str, script: str) -> Mapping[str, Any]:
        """What a script gives in the session's page, asked with a CDP client of the bench's own."""
        get = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=session_id)
        session = (await self.product.sessions.GetBrowserSession(get, metadata=self.product.metadata)).browser_session
        ask = keys_pb2.CreateKeyRequest(organization_id=session.organization_id, scope=keys_pb2.KEY_SCOPE_CDP)
        key = (await self.keys.CreateKey(ask, metadata=self.product.metadata)).secret
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(session.cdp_url, headers={"x-api-key": key})
            try:
                state: Mapping[str, Any] = await browser.contexts[0].pages[0].evaluate(script)
                return state
            finally:
                await browser.close()

    @contextlib.asynccontextmanager
    async def _copy(self, application: Application, prompt: Prompt) -> AsyncIterator[Place]:
        made = self.folder / "made" / prompt.application
        if not made.exists():
            half = made.with_suffix(".half")
            half.mkdir(parents=True)
            await asyncio.to_thread(application.prepare, self.installation, half)
            half.rename(made)
        data, log = self.folder / prompt.name, self.folder / f"{prompt.name}.log"
        shutil.copytree(made, data, symlinks=True)
        port = free_port()
        command = application.command(self.installation, data, port)
        environ = application.environ(self.installation, data, port)
        try:
            async with served(command, port, log=log, folder=data, environ=environ):
                yield Place(f"http://127.0.0.1:{port}", data, log)
        finally:
            shutil.rmtree(data, ignore_errors=True)


@contextlib.asynccontextmanager
async def trial(folder: Path, installation: Installation, *, verbose: bool) -> AsyncIterator[Trial]:
    """A control plane and a host of the bench's own, whose browsers may reach this machine."""
    workshop = Workshop(folder, quick=False)
    async with (
        workshop.control_plane(TABKEEP_HTTP_ADDRESS="127.0.0.1:0") as control_plane,
        workshop.browser_host(control_plane, capacity=2, TABKEEP_MODEL="", TABKEEP_MODEL_BASE_URL=""),
        grpc.aio.insecure_channel(control_plane.address) as channel,
    ):
        product = Product(channel, control_plane.api_key)
        keys: Any = keys_pb2_grpc.KeyServiceStub(channel)
        yield Trial(installation, product, keys, folder / "applications", verbose)
