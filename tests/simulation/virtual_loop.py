"""One event loop for a whole world: virtual time, and processes that can be stopped, continued and killed.

Every callback runs in a context, and the context says whose it is. A stopped process's callbacks wait, and a killed
one's wait for the end of the world: nothing of it runs any more, not even a `finally`, as after SIGKILL. Each
process lives on a machine whose clock runs a little too fast or too slow; the loop's time is, inside a process, its
machine's time.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any

ROUND_SECONDS = 1e-7
"""Every round of the loop takes a moment, as in life: a wait shorter than the clock can tell would never end."""


class Machine:
    """Where processes run: its clocks, which survive them."""

    def __init__(self, name: str, rate: float, offset: float) -> None:
        self.name = name
        self.rate = rate
        self.offset = offset
        self.wall_step = 0.0
        """By how much its wall clock was set, in seconds."""

    def local(self, true_time: float) -> float:
        return true_time * self.rate + self.offset

    def true(self, local_time: float) -> float:
        return (local_time - self.offset) / self.rate


class Process:
    """One life of a program."""

    def __init__(self, name: str, machine: Machine) -> None:
        self.name = name
        self.machine = machine
        self.stopped = False
        self.dead = False
        self.waiting: list[_Callback] = []
        self.context = contextvars.copy_context()
        self.context.run(_OWNER.set, self)

    def __repr__(self) -> str:
        return self.name

    @property
    def runs(self) -> bool:
        return not self.stopped and not self.dead


_OWNER: contextvars.ContextVar[Process | None] = contextvars.ContextVar("owner", default=None)


class _Callback(asyncio.Handle):
    """A callback that belongs to a process."""

    __slots__ = ("owner",)
    owner: Process | None

    def _run(self) -> None:
        if not _is_held(self):
            super()._run()  # type: ignore[misc]


class _Timer(asyncio.TimerHandle):
    __slots__ = ("owner",)
    owner: Process | None

    def _run(self) -> None:
        if not _is_held(self):
            super()._run()  # type: ignore[misc]


def _is_held(callback: Any) -> bool:
    owner = callback.owner
    if owner is None or owner.runs:
        return False
    owner.waiting.append(callback)
    return True


class SimulatedTask(asyncio.Task[Any]):
    """A task whose place in a set depends on when it was made, not on where it lies in memory."""

    made = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        SimulatedTask.made += 1
        self._number = SimulatedTask.made
        self.owner = (options.get("context") or contextvars.copy_context()).get(_OWNER)
        super().__init__(*arguments, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop; nothing in it waits for the real world."""

    def __init__(self) -> None:
        self.true_time = 1000.0
        self.faults: list[str] = []
        """What would have been logged as an exception that nobody handled."""
        self._buried: list[asyncio.Task[Any]] = []
        SimulatedTask.made = 0
        super().__init__(_NoSelector(self))
        self.set_task_factory(_make_task)
        self.set_exception_handler(lambda _, context: self.faults.append(f"{context.get('message')}: {context!r}"))

    def time(self) -> float:
        owner = _OWNER.get()
        return self.true_time if owner is None else owner.machine.local(self.true_time)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        current = _OWNER.get()
        if current is not None:
            when = current.machine.true(when)
        context = context or contextvars.copy_context()
        timer = _Timer(when, callback, args, self, context)
        timer.owner = context.get(_OWNER)
        self._schedule(timer)
        return timer

    def _schedule(self, timer: asyncio.TimerHandle) -> None:
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]

    def _call_soon(self, callback: Any, args: Any, context: contextvars.Context | None) -> asyncio.Handle:
        context = context or contextvars.copy_context()
        handle = _Callback(callback, args, self, context)
        handle.owner = context.get(_OWNER)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_soon_threadsafe(self, *arguments: Any, **options: Any) -> Any:  # type: ignore[override]
        raise AssertionError("a thread has come into the simulation")

    def run_in_executor(self, executor: Executor | None, function: Any, *args: Any) -> Any:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    # Processes.

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` as part of `process`."""
        return self.create_task(work, context=process.context.copy())

    def post(self, process: Process, callback: Callable[..., object], *args: Any) -> None:
        """Call back as part of `process`: at once, or once it goes on, or never if it is dead."""
        self.call_soon(callback, *args, context=process.context.copy())

    def kill(self, process: Process) -> None:
        """End a process as SIGKILL does."""
        process.dead = True
        # Kept: a coroutine that is collected as garbage would run its `finally` blocks.
        self._buried.extend(task for task in asyncio.all_tasks(self) if getattr(task, "owner", None) is process)

    def dismantle(self, processes: list[Process]) -> None:
        """The world is over: let every task end by being cancelled, so that nothing is left."""
        for process in processes:
            process.dead = False
            self.resume(process)
        for _ in range(100):
            tasks = asyncio.all_tasks(self)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.run_until_complete(asyncio.wait(tasks, timeout=5.0))
        self._buried.clear()
        self.close()

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """Leave it: what is collected when must not change the course of things."""

    def resume(self, process: Process) -> None:
        """Let a stopped process go on with all that has come meanwhile, in order."""
        process.stopped = False
        waiting, process.waiting = process.waiting, []
        self._ready.extend(callback for callback in waiting if not callback.cancelled())  # type: ignore[attr-defined]


def _make_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    return SimulatedTask(work, loop=loop, **options)


class _NoSelector(selectors.SelectSelector):
    """Waits for no file; turns the clock to the next timer instead."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.true_time += ROUND_SECONDS
        if timeout is None:
            raise RuntimeError("nothing is left that could ever happen")
        self._loop.true_time += max(timeout, 0.0)
        return []
