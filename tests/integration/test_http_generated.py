"""Tens of thousands of made-up requests: each is answered as the document describes, and never with a fault."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tabkeep.v1 import keys_pb2

from control_plane.config import Config
from control_plane.server import ControlPlane
from tests.api_calls import get_session, run_task
from tests.http_requests import Answered, Connection, Made, Maker

REQUESTS = 20_000
CONNECTIONS = 24
WORKFLOW = "version: 1\ntitle: Visit\nblocks:\n  - goto: https://shop.example/\n"


@pytest.fixture
def config(config: Config) -> Config:
    """Settings of a control plane that also serves HTTP."""
    return replace(config, http_address="127.0.0.1:0")


@pytest.fixture
async def http(control_plane: ControlPlane, api_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it, with the first key."""
    url = f"http://{control_plane.http_address}"
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": api_key}, timeout=30) as opened:
        yield opened


async def some_ids(http: httpx.AsyncClient, api: Any) -> dict[str, list[str]]:
    """Ids of things that are there, open and over, by what paths call them."""
    sessions = []
    for number in range(4):
        session = (await http.post("/v1/tabkeep/browserSessions", json={"labels": {"n": str(number)}})).json()
        sessions.append(session["browserSessionId"])
    runs = [(await run_task(api, sessions[0])).run_id for _ in range(4)]
    await http.post(f"/v1/tabkeep/runs/{runs[0]}:cancel")
    await http.post(f"/v1/tabkeep/browserSessions/{sessions[1]}:close")
    await http.post("/v1/tabkeep/workflows", json={"definition": WORKFLOW, "workflowId": "wf_visit"})
    return {"browser_session_id": sessions, "run_id": runs, "workflow_id": ["wf_visit"], "host_id": ["host-a"]}


def complaint(made: Made, answered: Answered) -> str:
    """What is wrong with an answer; nothing when it is one that the document describes."""
    if answered.status >= 500:
        return "a fault of the server"
    if made.operation is not None and str(answered.status) not in made.operation["responses"]:
        return "a status that is not documented"
    if made.method == "HEAD" or (answered.status < 300 and made.operation is None):
        return ""
    kind = answered.media_type.partition(";")[0]
    if answered.status >= 400 and kind == "application/json":
        body = json.loads(answered.body or b"null")
        if not isinstance(body, dict) or not body.get("detail") or not body.get("code"):
            return "an error without detail and code"
    elif made.operation is not None:
        content = made.operation["responses"][str(answered.status)].get("content", {})
        if content and not {answered.media_type, kind, "*/*"} & content.keys():
            return "a media type that is not documented"
    return ""


@pytest.mark.timeout(600)
async def test_no_made_up_request_is_answered_with_a_fault_or_with_what_is_not_documented(
    http, api, host, control_plane, api_key
):
    other = await api.keys.CreateKey(keys_pb2.CreateKeyRequest(organization_id="o_other"))
    document = (await http.get("/openapi.json")).json()
    for path in [path for path in document["paths"] if path.endswith(("{key_id}:revoke", "/delete"))]:
        del document["paths"][path]  # takes away from all the others what they need
    del document["paths"]["/v1/tabkeep/workflows/{workflow_id}"]["delete"]
    ids = await some_ids(http, api)
    seed = int(os.environ.get("TABKEEP_TEST_SEED", "1"))
    makers = [Maker(document, ids, (api_key, other.secret), seed * 1_000 + number) for number in range(CONNECTIONS)]
    statuses: Counter[int] = Counter()
    reached: Counter[str] = Counter()
    wrong: list[str] = []

    async def ask(maker: Maker, count: int) -> None:
        connection = Connection(control_plane.http_address)
        for _ in range(count):
            made = maker.request()
            try:
                answered = await asyncio.wait_for(connection.ask(made), 60)
            except (TimeoutError, asyncio.IncompleteReadError) as error:
                wrong.append(f"{type(error).__name__}: {made}")
                await connection.close()
                continue
            statuses[answered.status] += 1
            if answered.status == 200 and made.operation is not None:
                reached[made.operation["operationId"]] += 1
            if found := complaint(made, answered):
                wrong.append(f"{found}: {answered} to {made}")
        await connection.close()

    await asyncio.gather(*(ask(maker, REQUESTS // CONNECTIONS + 1) for maker in makers))

    assert not wrong, "\n".join(wrong[:10])
    assert statuses.total() >= REQUESTS
    # They were not all turned away at the door: every kind of answer came, and what can be done was done.
    assert {200, 403, 404, 405, 409, 415, 421, 422} <= set(statuses)
    assert statuses[200] > REQUESTS // 10
    of_ours = {"CreateBrowserSession", "GetRun", "ListRuns", "WatchRun", "RunTask", "RunWorkflow", "CancelRun"}
    assert of_ours <= set(reached)
    assert (await get_session(api, ids["browser_session_id"][0])).browser_session_id


@pytest.mark.timeout(600)
async def test_schemathesis_finds_no_fault_and_no_answer_that_is_not_documented(http, host, control_plane, tmp_path):
    program = shutil.which("schemathesis", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert program, "schemathesis is not installed: make setup"
    checks = [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "unsupported_method",
        "allow_header_conformance",
    ]
    process = await asyncio.create_subprocess_exec(
        *[program, "run", f"http://{control_plane.http_address}/openapi.json"],
        *["--header", f"x-api-key: {http.headers['x-api-key']}"],
        *["--checks", ",".join(checks), "--phases", "coverage,fuzzing", "--max-examples", "5", "--seed", "1"],
        *["--request-timeout", "10", "--warnings", "off", "--no-color", "--exclude-operation-id", "RevokeKey"],
        # With one worker: Python 3.11's ast.parse, which hypothesis calls, breaks now and then in two threads at once.
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-8_000:]
    assert b"No issues found" in output
