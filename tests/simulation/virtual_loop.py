"""One event loop for a whole world: virtual time, and processes that can be stopped, continued and killed.

Every callback runs in a context, and the context says whose it is. A stopped process's callbacks wait, and a killed
one's wait for the end of the world: nothing of it runs any more, not even a `finally`, as after SIGKILL. Each
process lives on a machine whose clock runs a little too fast or too slow; the loop's time is, inside a process, its
machine's time.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import heapq
import selectors
from collections import deque
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
        self.suspended = False
        self.awake_since = 0.0
        """True time of the end of its last suspension."""

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
        self.died_at = 0.0
        """True time."""
        self.held = False
        """Stopped or dead: nothing of it is called."""
        self.waiting: list[_Callback] = []
        self.context = contextvars.copy_context()
        self.context.run(_OWNER.set, self)

    def __repr__(self) -> str:
        return self.name

    @property
    def runs(self) -> bool:
        return not self.held


_OWNER: contextvars.ContextVar[Process | None] = contextvars.ContextVar("owner", default=None)
_NOBODY = contextvars.Context()


def current_process() -> Process | None:
    """Whose callback is running."""
    return _OWNER.get()


class _Callback(list[Any]):
    """A handle: when, a number, the context, the callback, its arguments.

    There are tens of thousands in every world, so it is made and compared without a line of Python.
    """

    __slots__ = ()

    def cancel(self) -> None:
        self[3] = None

    def cancelled(self) -> bool:
        return self[3] is None

    def when(self) -> float:
        time: float = self[0]
        return time


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
        self._due: deque[_Callback] = deque()
        self._timers: list[_Callback] = []
        """By time, and of one time in the order of their making."""
        self._made = 0
        SimulatedTask.made = 0
        super().__init__(_NoSelector())
        self.set_task_factory(_make_task)
        # Without a line of Python each, as they are asked for with every future.
        self.create_future = functools.partial(asyncio.Future, loop=self)  # type: ignore[method-assign]
        self.get_debug = functools.partial(bool)  # type: ignore[method-assign]
        self.set_exception_handler(lambda _, context: self.faults.append(f"{context.get('message')}: {context!r}"))

    def time(self) -> float:
        owner = _OWNER.get()
        return self.true_time if owner is None else owner.machine.local(self.true_time)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> _Callback:
        current = _OWNER.get()
        if current is not None:
            when = current.machine.true(when)
        return self._schedule(when, callback, args, contextvars.copy_context() if context is None else context)

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> _Callback:
        current = _OWNER.get()
        when = self.true_time + (delay if current is None else delay / current.machine.rate)
        return self._schedule(when, callback, args, contextvars.copy_context() if context is None else context)

    def at(self, true_time: float, callback: Callable[..., object], *args: Any) -> None:
        """Call back at a true time, as part of no process, whoever asked."""
        self._schedule(true_time, callback, args, _NOBODY)

    def _schedule(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], context: contextvars.Context
    ) -> _Callback:
        self._made += 1
        timer = _Callback((when, self._made, context, callback, args))
        heapq.heappush(self._timers, timer)
        return timer

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> _Callback:
        handle = _Callback((0.0, 0, contextvars.copy_context() if context is None else context, callback, args))
        self._due.append(handle)
        return handle

    def _run_once(self) -> None:
        """All rounds until the loop is stopped: what is due is called, and then the time of the next timer comes."""
        due, timers = self._due, self._timers
        while not self._stopping:
            self.true_time += ROUND_SECONDS
            if not due:
                while timers and timers[0][3] is None:
                    heapq.heappop(timers)
                if not timers:
                    raise RuntimeError("nothing is left that could ever happen")
                self.true_time = max(self.true_time, timers[0][0])
            while timers and timers[0][0] <= self.true_time:
                due.append(heapq.heappop(timers))
            for _ in range(len(due)):
                handle = due.popleft()
                _, _, context, callback, arguments = handle
                if callback is None:
                    continue
                owner = context.get(_OWNER)
                if owner is not None and owner.held:
                    owner.waiting.append(handle)
                    continue
                try:
                    context.run(callback, *arguments)
                except (SystemExit, KeyboardInterrupt):
                    raise
                except BaseException as error:
                    self.call_exception_handler({"message": f"exception in {callback!r}", "exception": error})

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

    def freeze(self, process: Process) -> None:
        """Stop a process as SIGSTOP does."""
        process.stopped = process.held = True

    def kill(self, process: Process) -> None:
        """End a process as SIGKILL does."""
        process.dead = process.held = True
        process.died_at = self.true_time
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
        process.held = process.dead
        waiting, process.waiting = process.waiting, []
        self._due.extend(waiting)


def _make_task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    return SimulatedTask(work, loop=loop, **options)


class _NoSelector(selectors.SelectSelector):
    """Waits for no file."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        raise AssertionError("the simulation has come to wait for the real world")
