"""Fixtures of the client's and the command line's tests; a test module imports those it uses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from tabkeep import Client, RetryPolicy

from tests.scripted_control_plane import API_KEY, ScriptedControlPlane

QUICK = RetryPolicy(
    max_attempts=4,
    initial_backoff=timedelta(milliseconds=2),
    max_backoff=timedelta(milliseconds=10),
    watch_patience=timedelta(milliseconds=300),
)


@pytest.fixture
def plane() -> Iterator[ScriptedControlPlane]:
    """A control plane that answers as the test writes down."""
    scripted = ScriptedControlPlane()
    yield scripted
    scripted.close()


@pytest.fixture
async def client(plane: ScriptedControlPlane) -> AsyncIterator[Client]:
    """A client of that control plane, which does not wait long between tries."""
    async with Client(API_KEY, plane.address, retry=QUICK) as opened:
        yield opened
