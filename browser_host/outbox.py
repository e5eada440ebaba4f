"""Run events that the control plane has not acknowledged, in order for each run.

Bounded to 10,000 events and 32 MiB. When it is full the runs that want to record wait; nothing is dropped.

In memory, and that is enough: nobody could take what a file would keep. A host process that starts is a new
incarnation; by saying Hello it ends all sessions of the one before, and their runs with HOST_LOST and an unknown
outcome of the step that was begun. A run that has ended takes no more events, because a terminal state never
changes. What must survive this process is stored elsewhere before anything follows from it: an
effect has its StepStarted acknowledged, a browser is ended by the guardian or swept before Hello. Nor does the
backlog need a disk: without acknowledgements nothing begins, so it is one step's events for each run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.messages import EventAck, EventBatch, HostedEvent, Placement, RunProgress

MAX_EVENTS = 10_000
MAX_BYTES = 32 * 2**20
MAX_EVENT_BYTES = 2**20
"""One event; a larger one could fill a message of the stream and would then never arrive."""
MAX_BATCH_EVENTS = 256
MAX_BATCH_BYTES = 2**20


class EventTooLarge(Exception):
    """An event is larger than one message may carry."""


class RunStopped(Exception):
    """The control plane wants nothing more of this run."""


@dataclass(slots=True)
class _Queue:
    """The events of one run: unacknowledged ones, the first `sent` of which went out on this stream."""

    events: deque[HostedEvent] = field(default_factory=deque)
    sizes: deque[int] = field(default_factory=deque)
    last_seq: int = 0
    sent: int = 0
    stored: dict[int, asyncio.Future[None]] = field(default_factory=dict)


class Outbox:
    """All events not yet acknowledged. `wake` is called when there is something to send."""

    def __init__(self, *, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._runs: dict[str, _Queue] = {}
        self._events = 0
        self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self.wake: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return self._events

    async def wait_for_room(self) -> None:
        """Return when an event may be added; at once unless the outbox is full."""
        while not self._has_room():
            self._room.clear()
            await self._room.wait()

    def add(self, placement: Placement, event: RunEvent) -> None:
        """Queue an event that has its run_id and seq.

        Does not look at the bounds: callers wait for room first, except for the few events that end runs.

        Raises:
            EventTooLarge.
        """
        size = event.ByteSize()
        if size > MAX_EVENT_BYTES:
            kind = event.WhichOneof("kind")
            raise EventTooLarge(f"{kind} event of {size} bytes is over the bound of {MAX_EVENT_BYTES} bytes")
        queue = self._runs.setdefault(event.run_id, _Queue())
        queue.events.append(HostedEvent(placement, event))
        queue.sizes.append(size)
        queue.last_seq = event.seq
        self._events += 1
        self._bytes += size
        self.wake()

    async def stored(self, run_id: str, seq: int) -> None:
        """Return when the control plane has stored the run's events up to `seq`.

        Raises:
            RunStopped: it never will.
        """
        queue = self._runs.get(run_id)
        if queue is None or not queue.events or queue.events[0].event.seq > seq:
            return
        future = queue.stored.get(seq)
        if future is None:
            future = queue.stored[seq] = asyncio.get_running_loop().create_future()
        await asyncio.shield(future)

    def acknowledged(self, ack: EventAck) -> None:
        """Forget a run's events up to the acknowledged one."""
        queue = self._runs.get(ack.run_id)
        if queue is None:
            return
        while queue.events and queue.events[0].event.seq <= ack.seq:
            queue.events.popleft()
            self._bytes -= queue.sizes.popleft()
            self._events -= 1
            queue.sent = max(0, queue.sent - 1)
        for seq in [seq for seq in queue.stored if seq <= ack.seq]:
            future = queue.stored.pop(seq)
            if not future.done():
                future.set_result(None)
        if not queue.events:
            del self._runs[ack.run_id]
        if self._has_room():
            self._room.set()

    def resend(self, run_id: str, from_seq: int) -> None:
        """Send a run's events from this one on again."""
        queue = self._runs.get(run_id)
        if queue is None or not queue.events:
            return
        queue.sent = min(queue.sent, max(0, from_seq - queue.events[0].event.seq))
        self.wake()

    def resend_all(self) -> None:
        """Send everything again: what the last stream carried may not have arrived."""
        for queue in self._runs.values():
            queue.sent = 0
        self.wake()

    def drop(self, run_id: str) -> None:
        """Forget a run's events; whoever waits for one of them gets RunStopped."""
        queue = self._runs.pop(run_id, None)
        if queue is None:
            return
        self._events -= len(queue.events)
        self._bytes -= sum(queue.sizes)
        for future in queue.stored.values():
            if not future.done():
                future.set_exception(RunStopped(f"run {run_id} was stopped by the control plane"))
                future.exception()  # read once, so that a waiter that is gone does not make asyncio complain
        if self._has_room():
            self._room.set()

    def take_batch(self) -> EventBatch | None:
        """The next events that this stream has not carried, at most 256 and 1 MiB of them; None when there are none."""
        batch: list[HostedEvent] = []
        total = 0
        for queue in self._runs.values():
            while queue.sent < len(queue.events) and len(batch) < MAX_BATCH_EVENTS:
                total += queue.sizes[queue.sent]
                if batch and total > MAX_BATCH_BYTES:
                    return EventBatch(tuple(batch))
                batch.append(queue.events[queue.sent])
                queue.sent += 1
        return EventBatch(tuple(batch)) if batch else None

    def progress(self) -> tuple[RunProgress, ...]:
        """The last event made by every run that has unacknowledged ones."""
        return tuple(RunProgress(run_id, queue.last_seq) for run_id, queue in self._runs.items())

    def _has_room(self) -> bool:
        return self._events < self._max_events and self._bytes < self._max_bytes
