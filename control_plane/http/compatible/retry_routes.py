"""The compatible API's routes that start a workflow's run once more."""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import browser_sessions_pb2, runs_pb2, webhooks_pb2, workflows_pb2

from control_plane.http.answers import Refused
from control_plane.http.compatible import retries, run_json, schemas
from control_plane.http.compatible.body import Body
from control_plane.http.compatible.links import Links
from control_plane.http.compatible.operations import key_of, operation
from control_plane.http.endpoint import Ask, Resource

_RUNS = "tabkeep.v1.RunService/"


class RetryRoutes:
    """Retry, under both names."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def resources(self) -> list[Resource]:
        """The routes."""
        retry = operation(
            self._retry, "Run a workflow again as an earlier run did, in a new run.", schemas.RUN,
            refused=(400, 404, 409, 410, 429, 503),
        )  # fmt: skip
        return [Resource(f"/v1/{family}/runs/{{run_id}}/retry", POST=retry) for family in ("workflows", "agents")]

    async def _retry(self, ask: Ask) -> Any:
        key, headers = key_of(ask), Body({}, "header")
        steps = run_json.steps_override(headers, ask.request.headers.get("x-max-steps-override", ""))
        headers.raise_if_wrong()
        run = (await ask.call(_RUNS + "GetRun", runs_pb2.GetRunRequest(run_id=ask.path["run_id"]))).run
        _refuse_others(run)
        asked = await self._asked(ask, run)
        asked.request_id, asked.max_steps = key, steps or asked.max_steps
        made = (await ask.call(_RUNS + "RunWorkflow", asked)).run
        return run_json.run(made, self._links.session(ask.request, made.browser_session_id))

    async def _asked(self, ask: Ask, run: runs_pb2.Run) -> runs_pb2.RunWorkflowRequest:
        """What the run was started with, as far as it is kept."""
        version = workflows_pb2.GetWorkflowRequest(workflow_id=run.workflow_id, version=run.workflow_version)
        workflow = await ask.call("tabkeep.v1.WorkflowService/GetWorkflow", version)
        where = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=run.browser_session_id)
        session = await ask.call("tabkeep.v1.BrowserSessionService/GetBrowserSession", where)
        told = webhooks_pb2.ListWebhookDeliveriesRequest(run_id=run.run_id, page_size=500)
        deliveries = await ask.call("tabkeep.v1.WebhookService/ListWebhookDeliveries", told)
        try:
            return retries.again(run, workflow.workflow, session.browser_session, list(deliveries.webhook_deliveries))
        except retries.CannotRetry as why:
            detail = f"run {run.run_id} {why}: start it with POST /v1/run/workflows"
            raise Refused(400, "NOT_REPEATABLE", detail) from None


def _refuse_others(run: runs_pb2.Run) -> None:
    if run.run_type != runs_pb2.RUN_TYPE_WORKFLOW:
        detail = f"run {run.run_id} is no workflow's, and secrets of its prompt are not kept: use POST /v1/run/tasks"
        raise Refused(400, "NOT_REPEATABLE", detail)
    if run.status not in run_json.FINAL:
        detail = f"run {run.run_id} is {run_json.status(run)}: wait until it has ended, or cancel it"
        raise Refused(409, "RUN_NOT_FINAL", detail)
