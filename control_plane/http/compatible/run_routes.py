"""The compatible API's routes of runs: tasks, runs of workflows, and what a person says to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tabkeep.v1 import artifacts_pb2, browser_sessions_pb2, runs_pb2, webhooks_pb2

from control_plane.http import stored_bytes
from control_plane.http.answers import Refused
from control_plane.http.calls import CallFailed
from control_plane.http.compatible import filters, run_json, schemas, value_json
from control_plane.http.compatible.body import Body
from control_plane.http.compatible.links import Links
from control_plane.http.compatible.operations import key_of, listed, operation
from control_plane.http.compatible.queries import paging, query_number
from control_plane.http.endpoint import Ask, Resource

_SERVICE = "tabkeep.v1.RunService/"
_HELD_SECONDS = 25
"""How long a poll of a published SDK is held: they ask every 10 s, and give a request up after 60."""
_MOST_HELD_SECONDS = 50
"""Short enough for every proxy and client on the way; most give up after 60."""


class RunRoutes:
    """Start, get, list, cancel, answer."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def resources(self) -> list[Resource]:
        """The routes. What the document calls a workflow, later clients call an agent."""
        one, many = schemas.RUN, schemas.array(schemas.RUN)
        starting = (400, 404, 409, 410, 429, 503)
        start_workflow = operation(
            self._run_workflow, "Run a workflow.", one, body=schemas.RUN_WORKFLOW, refused=starting
        )
        go_on = operation(
            self._approve, "Say yes to what a paused run asks.", schemas.NULL,
            body=schemas.ANSWER, refused=(404, 409, 503),
        )  # fmt: skip
        content = operation(self._content, "An artifact's bytes.", schemas.BYTES, refused=(404,), media="*/*")
        return [
            Resource(
                "/v1/run/tasks",
                POST=operation(self._run_task, "Run a task.", one, body=schemas.RUN_TASK, refused=starting),
            ),
            Resource("/v1/run/workflows", POST=start_workflow),
            Resource("/v1/run/agents", POST=start_workflow),
            Resource(
                "/v1/runs",
                GET=operation(
                    self._list, "List runs, newest first, a page at a time.", many,
                    query=filters.RUNS,
                ),
            ),
            Resource(
                "/v1/runs/cancel",
                POST=operation(
                    self._cancel_many, "Cancel several runs.", schemas.CANCELED,
                    body=schemas.CANCEL_RUNS, refused=(503,),
                ),
            ),
            Resource(
                "/v1/runs/{run_id}",
                GET=operation(
                    self._get, "Get a run, held until it is final if asked.", one, refused=(404,),
                    query=(("wait", {"type": "integer", "minimum": 0, "maximum": _MOST_HELD_SECONDS}),),
                ),
            ),
            Resource(
                "/v1/runs/{run_id}/cancel",
                POST=operation(self._cancel, "Cancel a run.", schemas.NULL, refused=(404, 503)),
            ),
            Resource(
                "/v1/runs/{run_id}/artifacts",
                GET=operation(
                    self._artifacts, "List what a run left behind.", schemas.array(schemas.ARTIFACT),
                    refused=(404,), query=filters.ARTIFACTS,
                ),
            ),
            Resource(
                "/v1/runs/{run_id}/retry_webhook",
                POST=operation(
                    self._retry_webhook, "Tell a run's end again.", schemas.WEBHOOK,
                    body=schemas.RETRY_WEBHOOK, refused=(404, 409, 503),
                ),
            ),
            Resource(
                "/v1/artifacts/{artifact_id}/content",
                GET=replace(content, document=stored_bytes.documented(content.document)),
            ),
            Resource("/v1/runs/{run_id}/approve", POST=go_on),
            Resource(
                "/v1/runs/{run_id}/reject",
                POST=operation(
                    self._reject, "Say no to what a paused run asks.", schemas.NULL,
                    body=schemas.ANSWER, refused=(404, 409, 503),
                ),
            ),
            *(
                Resource(f"/v1/{family}/runs/{{run_id}}/continue", POST=go_on)
                for family in ("workflows", "agents")
            ),
            *(
                Resource(
                    f"/v1/{family}/runs",
                    GET=operation(
                        self._list_of_workflows, "List runs of workflows, newest first.", many, query=filters.RUNS
                    ),
                )
                for family in ("workflows", "agents")
            ),
            Resource(
                "/v1/browser_sessions/{browser_session_id}/workflow_runs",
                GET=operation(
                    self._list_of_session, "List a session's runs of workflows, newest first.", many, refused=(404,),
                    query=filters.RUNS,
                ),
            ),
            *(
                Resource(
                    f"/v1/{family}/{{workflow_id}}/runs",
                    GET=operation(
                        self._list, "List a workflow's runs, newest first.", many, query=filters.RUNS
                    ),
                )
                for family in ("workflows", "agents")
            ),
        ]  # fmt: skip

    async def _run_task(self, ask: Ask) -> Any:
        request = run_json.task_request(Body(ask.json()), key_of(ask))
        return self._shown(ask, (await ask.call(_SERVICE + "RunTask", request)).run)

    async def _run_workflow(self, ask: Ask) -> Any:
        steps = ask.request.headers.get("x-max-steps-override", "")
        request = run_json.workflow_request(Body(ask.json()), key_of(ask), steps)
        return self._shown(ask, (await ask.call(_SERVICE + "RunWorkflow", request)).run)

    def _shown(
        self, ask: Ask, run: runs_pb2.Run, artifacts: Sequence[artifacts_pb2.Artifact] | None = None
    ) -> dict[str, Any]:
        shown = run_json.run(run, self._links.session(ask.request, run.browser_session_id))
        return shown | self._files(ask, artifacts) if artifacts is not None else shown

    def _files(self, ask: Ask, artifacts: Sequence[artifacts_pb2.Artifact]) -> dict[str, Any]:
        """What a run left behind, where a run's answer has a place for it; the newest pictures first."""
        of: dict[str, list[artifacts_pb2.Artifact]] = defaultdict(list)
        for one in artifacts:
            of[run_json.ARTIFACT_TYPES.get(one.artifact_type, "")].append(one)
        recordings = [self._links.artifact(ask.request, one) for one in of["recording"]]
        return {
            "screenshot_urls": [self._links.artifact(ask.request, one) for one in reversed(of["screenshot"])],
            "recording_url": recordings[-1] if recordings else None,
            "downloaded_files": [self._links.file_info(ask.request, one) for one in of["download"]],
        }

    async def _get(self, ask: Ask) -> Any:
        seconds = query_number(ask, "wait", _HELD_SECONDS if _polls(ask) else 0, 0, _MOST_HELD_SECONDS)
        request = runs_pb2.GetRunRequest(run_id=ask.path["run_id"], or_paused=True)
        request.wait_timeout.seconds = seconds
        run = (await ask.call(_SERVICE + "GetRun", request)).run
        return self._shown(ask, run, await self._stored(ask, run.run_id))

    async def _stored(self, ask: Ask, run_id: str) -> list[artifacts_pb2.Artifact]:
        request = artifacts_pb2.ListArtifactsRequest(run_id=run_id)
        answer = await ask.call("tabkeep.v1.ArtifactService/ListArtifacts", request)
        return [one for one in answer.artifacts if one.state == artifacts_pb2.ARTIFACT_STATE_STORED]

    async def _list(self, ask: Ask, browser_session_id: str = "", run_type: int = 0) -> Any:
        """The runs that the query asks for: a session's only, or of one type only, where these are said."""
        request = runs_pb2.ListRunsRequest(
            workflow_id=ask.path.get("workflow_id", ""),
            browser_session_id=browser_session_id,
            statuses=filters.run_statuses(ask),
        )
        asked_for = filters.of_runs(ask)
        found = await listed(
            ask, _SERVICE + "ListRuns", request, "runs", *paging(ask),
            only=lambda run: run_type in (0, run.run_type) and asked_for(run),
        )  # fmt: skip
        return [self._shown(ask, run) for run in found]

    async def _list_of_workflows(self, ask: Ask) -> Any:
        return await self._list(ask, run_type=runs_pb2.RUN_TYPE_WORKFLOW)

    async def _list_of_session(self, ask: Ask) -> Any:
        session_id = ask.path["browser_session_id"]
        request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=session_id)
        await ask.call("tabkeep.v1.BrowserSessionService/GetBrowserSession", request)  # 404 where there is none
        return await self._list(ask, session_id, runs_pb2.RUN_TYPE_WORKFLOW)

    async def _cancel(self, ask: Ask) -> Any:
        await ask.call(_SERVICE + "CancelRun", runs_pb2.CancelRunRequest(run_id=ask.path["run_id"]))

    async def _cancel_many(self, ask: Ask) -> Any:
        body = Body(ask.json())
        run_ids = body.texts("run_ids", 100)
        body.raise_if_wrong()
        cancelled, failed = [], []
        for run_id in dict.fromkeys(run_ids):
            try:
                await ask.call(_SERVICE + "CancelRun", runs_pb2.CancelRunRequest(run_id=run_id))
                cancelled.append(run_id)
            except CallFailed as error:
                failed.append({"run_id": run_id, "detail": error.message, "code": error.reason})
        return {"cancelled": cancelled, "failed": [one["run_id"] for one in failed], "errors": failed}

    async def _approve(self, ask: Ask) -> Any:
        await self._answer(ask, approved=True)

    async def _reject(self, ask: Ask) -> Any:
        await self._answer(ask, approved=False)

    async def _answer(self, ask: Ask, *, approved: bool) -> None:
        """Answer the question that the run asks now; nobody has to name it."""
        body = Body(ask.json())
        comment = body.text("comment", 1000)
        body.raise_if_wrong()
        run = (await ask.call(_SERVICE + "GetRun", runs_pb2.GetRunRequest(run_id=ask.path["run_id"]))).run
        if not run.HasField("pending_approval"):
            shown = run_json.status(run)
            raise Refused(409, "NO_APPROVAL_PENDING", f"run {run.run_id} is {shown}: it waits for nobody's answer")
        request = runs_pb2.ResolveApprovalRequest(
            run_id=run.run_id, approval_id=run.pending_approval.approval_id, approved=approved, comment=comment
        )
        await ask.call(_SERVICE + "ResolveApproval", request)

    async def _artifacts(self, ask: Ask) -> Any:
        asked_for = filters.of_artifacts(ask)
        run = (await ask.call(_SERVICE + "GetRun", runs_pb2.GetRunRequest(run_id=ask.path["run_id"]))).run
        return [
            {
                "artifact_id": artifact.artifact_id,
                "artifact_type": run_json.ARTIFACT_TYPES.get(artifact.artifact_type, "unknown"),
                "uri": f"/v1/tabkeep/artifacts/{artifact.artifact_id}",
                "signed_url": self._links.artifact(ask.request, artifact),
                "run_id": run.run_id,
                "organization_id": run.organization_id,
                "content_type": artifact.content_type,
                "file_size": artifact.size,
                "checksum": artifact.sha256,
                "created_at": value_json.time(artifact, "create_time"),
                "modified_at": value_json.time(artifact, "create_time"),
            }
            for artifact in filter(asked_for, await self._stored(ask, run.run_id))
        ]

    async def _content(self, ask: Ask) -> Any:
        request = artifacts_pb2.GetArtifactRequest(artifact_id=ask.path["artifact_id"])
        artifact, pieces = await stored_bytes.of_call(ask.stream("tabkeep.v1.ArtifactService/GetArtifact", request))
        headers = {"x-content-type-options": "nosniff"}
        if artifact.artifact_type != artifacts_pb2.ARTIFACT_TYPE_SCREENSHOT:
            headers["content-disposition"] = "attachment"  # a site wrote it
        return await stored_bytes.answer(
            ask.request,
            pieces,
            size=artifact.size,
            sha256=artifact.sha256,
            media_type=artifact.content_type,
            headers=headers,
        )

    async def _retry_webhook(self, ask: Ask) -> Any:
        body = Body(ask.json())
        url = body.text("webhook_url", 8192)
        body.raise_if_wrong()
        run = (await ask.call(_SERVICE + "GetRun", runs_pb2.GetRunRequest(run_id=ask.path["run_id"]))).run
        request = webhooks_pb2.ReplayWebhookRequest(run_id=run.run_id, webhook_url=url)
        request.wait_timeout.seconds = 15
        answer = await ask.call("tabkeep.v1.WebhookService/ReplayWebhook", request)
        delivery: webhooks_pb2.WebhookDelivery = answer.webhook_delivery
        first = delivery.attempts[0] if delivery.attempts else None
        return {
            "webhook_delivery_id": delivery.webhook_delivery_id,
            "run_id": run.run_id,
            "run_type": run_json.run_type(run),
            "target_webhook_url": delivery.webhook_url,
            "payload": run_json.webhook_body(run, self._links.base).decode(),
            "headers": {"content-type": "application/json", "webhook-id": delivery.webhook_delivery_id},
            "state": value_json.word(webhooks_pb2.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_", delivery.state),
            "status_code": (first.status_code or None) if first else None,
            "latency_ms": round(first.duration.ToTimedelta().total_seconds() * 1000) if first else None,
            "response_body": first.response_body if first else None,
            "error": (first.error or None) if first else None,
        }


def _polls(ask: Ask) -> bool:
    """Whether a published SDK asks: it would ask again in 10 s only, however soon the run ends."""
    headers = ask.request.headers
    return "x-fern-language" in headers or headers.get("user-agent", "").startswith("skyvern/")
