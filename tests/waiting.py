"""Waits for a fact that nothing tells of; the only place where the tests look again and again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def until(fact: Callable[[], Awaitable[T | None]], what: str, seconds: float = 10.0) -> T: ...


@overload
async def until(fact: Callable[[], Any], what: str, seconds: float = 10.0) -> Any: ...


async def until(fact: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """Wait until `fact`, which may be awaitable, is true, which it must be soon; returns what it says."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + seconds
    while True:
        value = fact()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert loop.time() < give_up_at, f"did not happen within {seconds:g} s: {what}"
        await asyncio.sleep(0.01)
