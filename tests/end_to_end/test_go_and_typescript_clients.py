"""The examples of clients/go and clients/typescript, built and run as a user would, against the real thing."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn, Protocol

import grpc
import pytest
from tabkeep.v1 import browser_sessions_pb2, browser_sessions_pb2_grpc

from demo.site.site import DemoSite

CLIENTS = Path(__file__).resolve().parents[2] / "clients"

pytestmark = pytest.mark.timeout(300)  # a first build of gRPC for Go takes a minute on a busy machine


class Stack(Protocol):
    """What the fixture `stack` gives: a running control plane with a host, and a key for it."""

    grpc_address: str
    api_key: str


@pytest.fixture(scope="module", params=["go", "typescript"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the example two_tasks, freshly built."""
    if request.param == "go":
        return [_build_go(tmp_path_factory.mktemp("go") / "two_tasks")]
    return ["node", _build_typescript()]


async def test_an_example_runs_two_tasks_in_one_session(stack: Stack, example: list[str]) -> None:
    async with DemoSite() as site:
        status, output, errors = await _run(example, stack.grpc_address, stack.api_key, site.url)

        assert (status, errors) == (0, "")
        assert len(re.findall(r"^  step \d+: .+: done$", output, re.MULTILINE)) >= 2, output
        assert output.count("  completed: ") == 2
        assert "Casey Morgan" in output
        [login] = site.log.events("login")
        [search, *_] = site.log.events("customer_search")
        assert (search.visitor, search.user) == (login.visitor, login.user)
    session_id = re.search(r"^session (pbs_\w+)$", output, re.MULTILINE)
    assert session_id is not None, output
    session = await _session(stack, session_id[1])
    assert session.state == browser_sessions_pb2.BROWSER_SESSION_STATE_CLOSED
    assert session.close_reason == browser_sessions_pb2.CLOSE_REASON_REQUESTED


async def test_an_example_prints_the_reason_of_an_error(stack: Stack, example: list[str]) -> None:
    status, output, errors = await _run(example, stack.grpc_address, "not-a-key", "http://127.0.0.1:9")

    assert (status, output) == (1, "")
    assert errors.startswith("two_tasks: ")
    assert errors.endswith("(Unauthenticated/KEY_INVALID)\n")


def _build_go(program: Path) -> str:
    if shutil.which("go") is None:
        _not_installed("go")
    _build(["go", "vet", "./..."], CLIENTS / "go")
    _build(["go", "build", "-o", str(program), "./examples/two_tasks"], CLIENTS / "go")
    return str(program)


def _build_typescript() -> str:
    """Build into dist/, beside the node_modules that the compiled program needs."""
    if shutil.which("node") is None:
        _not_installed("node")
    compiler = CLIENTS / "typescript/node_modules/.bin/tsc"
    if not compiler.exists():
        pytest.fail("clients/typescript/node_modules is missing: run `make setup`, or `npm install` there")
    _build([str(compiler)], CLIENTS / "typescript")
    return str(CLIENTS / "typescript/dist/examples/two_tasks.js")


def _not_installed(language: str) -> NoReturn:
    if "CI" in os.environ:
        pytest.fail(f"{language} is not installed, and CI must not pass without it")
    pytest.skip(f"{language} is not installed")


def _build(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


async def _run(example: list[str], address: str, key: str, site: str) -> tuple[int | None, str, str]:
    """Run an example to its end; returns its exit status and what it wrote to standard output and error."""
    process = await asyncio.create_subprocess_exec(
        *example,
        site,
        env={**os.environ, "TABKEEP_ADDRESS": address, "TABKEEP_API_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode(), errors.decode()


async def _session(stack: Stack, browser_session_id: str) -> browser_sessions_pb2.BrowserSession:
    async with grpc.aio.insecure_channel(stack.grpc_address) as channel:
        sessions = browser_sessions_pb2_grpc.BrowserSessionServiceStub(channel)
        request = browser_sessions_pb2.GetBrowserSessionRequest(browser_session_id=browser_session_id)
        response: browser_sessions_pb2.GetBrowserSessionResponse = await sessions.GetBrowserSession(
            request, metadata=[("x-api-key", stack.api_key)]
        )
    return response.browser_session
