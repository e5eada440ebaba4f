"""Work that must not be left half-way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

_T = TypeVar("_T")


async def to_the_end(work: Awaitable[_T], *, undo: Any = None) -> _T:
    """Await `work` to its end even when the caller is cancelled meanwhile, then let the cancellation go on.

    `undo` is called with the result in that case. Calls are bounded by their timeouts, so this is too.
    """
    task = asyncio.ensure_future(work)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancellation = error
        except BaseException:
            break
    if cancellation is None:
        return task.result()
    if undo is not None and not task.cancelled() and task.exception() is None:
        await to_the_end(undo(task.result()))
    raise cancellation
