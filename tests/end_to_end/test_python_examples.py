"""Every example of the Python client runs as its reader would run it, and the demo site saw what it says."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from demo.site import DemoSite

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stack

EXAMPLES = Path(__file__).parents[2] / "clients" / "python" / "examples"

Example = Callable[..., Awaitable[str]]


@pytest.fixture
def example(stack: Stack, site: DemoSite) -> Example:
    """Runs an example against the stack and the site, and returns what it wrote."""

    async def run(name: str, answer: str = "") -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / name),
            site.url,
            env=os.environ | {"TABKEEP_ADDRESS": stack.grpc_address, "TABKEEP_API_KEY": stack.api_key},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(answer.encode()), 90)
        assert process.returncode == 0, err.decode()
        return out.decode()

    return run


async def test_create_a_session(example: Example) -> None:
    said = await example("create_a_session.py")
    assert "Session ID: pbs_" in said
    assert "Status: running" in said
    assert said.splitlines()[-1].startswith("running")


async def test_run_tasks_with_a_session(example: Example, site: DemoSite) -> None:
    assert "Casey Morgan" in await example("run_tasks_with_a_session.py")
    assert site.log.count("customer_search") == 1


async def test_run_workflow_with_a_session(example: Example, site: DemoSite) -> None:
    assert "Workflow completed: completed" in await example("run_workflow_with_a_session.py")
    assert site.log.count("report_exported") == 1


async def test_close_a_session(example: Example) -> None:
    lines = (await example("close_a_session.py")).splitlines()
    assert [line.partition(": ")[2] for line in lines] == ["closed, REQUESTED"] * 3


@pytest.mark.parametrize(("answer", "orders", "said"), [("yes\n", 1, "Order placed: "), ("no\n", 0, "cancelled")])
async def test_human_in_the_loop(example: Example, site: DemoSite, answer: str, orders: int, said: str) -> None:
    assert said in await example("human_in_the_loop.py", answer)
    assert site.log.count("order_placed") == orders


async def test_best_practices(example: Example) -> None:
    said = await example("best_practices.py")
    assert ": 8:00:00" in said
    assert "led to a login at" in said
    assert "the run was canceled" in said
    assert ": chrome" in said


async def test_without_asyncio(example: Example) -> None:
    assert "/search" in await example("without_asyncio.py")
