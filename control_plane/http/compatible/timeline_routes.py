"""The compatible API's route of what a run did: its blocks and their steps."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tabkeep.v1 import runs_pb2

from control_plane.http.compatible import schemas, timeline_json
from control_plane.http.compatible.operations import operation
from control_plane.http.endpoint import Ask, Resource

_SERVICE = "tabkeep.v1.RunService/"


def resources() -> list[Resource]:
    """The route."""
    shown = schemas.array(schemas.TIMELINE)
    return [
        Resource(
            "/v1/runs/{run_id}/timeline",
            GET=operation(_timeline, "Show the blocks of a run and their steps, newest first.", shown, refused=(404,)),
        )
    ]


async def _timeline(ask: Ask) -> Any:
    run = (await ask.call(_SERVICE + "GetRun", runs_pb2.GetRunRequest(run_id=ask.path["run_id"]))).run
    return timeline_json.timeline(run, await _events(ask, run))


async def _events(ask: Ask, run: runs_pb2.Run) -> list[runs_pb2.RunEvent]:
    """The events that the run has now; those to come are not waited for."""
    found: list[runs_pb2.RunEvent] = []
    if not run.last_seq:
        return found
    updates = ask.stream(_SERVICE + "WatchRun", runs_pb2.WatchRunRequest(run_id=run.run_id))
    try:
        async for update in updates:
            if update.HasField("event"):
                found.append(update.event)
                if update.event.seq >= run.last_seq:
                    break
    finally:
        if isinstance(updates, AsyncGenerator):
            await updates.aclose()
    return found
