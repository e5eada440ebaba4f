"""Who uses the control plane during the soak: they open sessions, run a task in each, wait, close, and keep an account.

An answer that may come later is asked for again under the same request_id; anything else that is not expected is a
problem, and problems fail the soak.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import dataclass, field
from typing import Any

import grpc
from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1 import browser_sessions_pb2 as pb

from bench.site import Site
from tests.api_calls import minutes
from tests.conftest import Api
from tests.refusals import Refusal

_LATER = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
_FINAL = {
    runs_pb2.RUN_STATUS_COMPLETED,
    runs_pb2.RUN_STATUS_FAILED,
    runs_pb2.RUN_STATUS_TERMINATED,
    runs_pb2.RUN_STATUS_CANCELED,
    runs_pb2.RUN_STATUS_TIMED_OUT,
}


@dataclass
class Account:
    """What was acknowledged to all callers, and how it went."""

    sessions: dict[str, str] = field(default_factory=dict)
    """request_id to browser_session_id."""
    closed: set[str] = field(default_factory=set)
    runs: dict[str, Any] = field(default_factory=dict)
    """The last record of each run, by run_id."""
    visits: dict[str, str] = field(default_factory=dict)
    """The visit to the site that each run in a real browser makes, by run_id."""
    problems: list[str] = field(default_factory=list)
    repeated: int = 0
    """Calls that had to be made again."""


class Caller:
    """One of them."""

    def __init__(self, api: Api, account: Account, site: Site | None, pause: float) -> None:
        """With a `site` it uses real browsers, otherwise simulated ones."""
        self._api = api
        self._account = account
        self._site = site
        self._pause = pause
        self.over = False

    async def run(self) -> None:
        """Go on until `over`; what has begun is ended first."""
        while not self.over:
            await self.once()
            await asyncio.sleep(self._pause)

    async def once(self) -> None:
        """One session from its creation to its close."""
        account = self._account
        wanted = pb.BROWSER_TYPE_CHROME if self._site else pb.BROWSER_TYPE_MSEDGE
        request = pb.CreateBrowserSessionRequest(
            request_id=str(uuid.uuid4()), browser_type=wanted, timeout=minutes(60), queue_timeout=minutes(5)
        )
        created = await self._until_answered(self._api.sessions.CreateBrowserSession, request)
        if created is None:
            return
        session_id = created.browser_session.browser_session_id
        account.sessions[request.request_id] = session_id
        task, visit = runs_pb2.RunTaskRequest(request_id=str(uuid.uuid4()), browser_session_id=session_id), ""
        if self._site:
            visit = uuid.uuid4().hex
            task.actions.add(goto=actions_pb2.Goto(url=self._site.url(visit)))
            task.actions.add(click=actions_pb2.Click(target=actions_pb2.Target(role="button", name="Save")))
        else:
            task.prompt = "Open the shop"
        started = await self._until_answered(self._api.runs.RunTask, task)
        if started is not None:
            run = started.run
            account.runs[run.run_id] = run
            if visit:
                account.visits[run.run_id] = visit
            while run.status not in _FINAL:
                waiting = runs_pb2.GetRunRequest(run_id=run.run_id, wait_timeout=minutes(1 / 6))
                answer = await self._until_answered(self._api.runs.GetRun, waiting)
                if answer is None:  # a problem, and written down as one
                    return
                account.runs[run.run_id] = run = answer.run
        closing = pb.CloseBrowserSessionRequest(browser_session_id=session_id)
        if await self._until_answered(self._api.sessions.CloseBrowserSession, closing):
            account.closed.add(session_id)

    async def _until_answered(self, call: Any, request: Any) -> Any:
        """The answer, however often it has to be asked for; None when the session closed or no host offers it."""
        while True:
            try:
                return await call(request, timeout=20)
            except grpc.aio.AioRpcError as error:
                refusal = Refusal.of(error)
                if error.code() in _LATER:
                    self._account.repeated += 1
                    await asyncio.sleep(refusal.retry_seconds or 0.3)
                elif str(refusal) in ("FAILED_PRECONDITION/SESSION_CLOSED", "FAILED_PRECONDITION/BROWSER_NOT_OFFERED"):
                    return None
                else:
                    problem = f"{type(request).__name__}: {refusal}: {refusal.message}"
                    print(problem, file=sys.stderr, flush=True)
                    self._account.problems.append(problem)
                    return None
