"""Whether one browser lives, and what goes on in it meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from playwright.async_api import Error

from browser_host.browser import BrowserError, BrowserGone

logger = logging.getLogger(__name__)


class BrowserLife:
    """The life of one browser; the tasks that are its own end with it at the latest."""

    def __init__(self, fields: dict[str, object]) -> None:
        self.fields = fields
        """By which the log names the browser."""
        self.gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done, with the cause in words, when it has ended."""
        self.closing = False
        """It is being closed, or was."""
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def over(self) -> bool:
        """It has ended, or is about to."""
        return self.gone.done() or self.closing

    def refuse_over(self) -> None:
        """Raise BrowserGone when its life is over."""
        if self.over:
            raise BrowserGone(self.gone.result() if self.gone.done() else "the browser is being closed")

    def start(self, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `call` in a task of this browser's; its failure is whoever's that awaits it, else nobody's."""
        task = asyncio.create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._task_over)
        return task

    def _task_over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, Error | BrowserError | TimeoutError):
            logger.error("browser task failed", exc_info=error, extra=self.fields)

    async def race(self, call: Coroutine[Any, Any, Any] | asyncio.Future[Any], seconds: float) -> Any:
        """What `call` brings, or None when it fails, takes longer than `seconds`, or the browser ends first."""
        calling = asyncio.ensure_future(call)
        waited_for: set[asyncio.Future[Any]] = {calling, self.gone}
        try:
            await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not calling.done() or calling.cancelled() or calling.exception() is not None:
                return None
            return calling.result()
        finally:
            calling.cancel()

    def end_tasks(self) -> None:
        """Cancel what still goes on."""
        for task in list(self._tasks):
            task.cancel()
