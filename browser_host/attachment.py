"""The host's side of HostControlService.Attach, without gRPC: who speaks when, and when to begin again.

One stream at a time. On it: one task writes (nothing else ever does), one reads, one watches for silence; the first
that ends ends the stream, and all three are started and ended by `_serve`. There is no send queue: the writer takes
from the host what is unsent, so what is not acknowledged is simply sent again on the next stream.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from browser_host.epochs import Epochs
from browser_host.host import Host
from browser_host.messages import FromHost, Goodbye, Heartbeat, HeartbeatAck, Received, Welcome

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 10.0
"""Without an acknowledged heartbeat for so long the stream is given up: a live connection does not prove that the
other side still knows us, and one new attempt must fit into the action lease."""
BACKOFF_FIRST, BACKOFF_MOST = 0.2, 5.0
"""Full jitter: any time between none and the bound, which doubles with each failure."""
GOODBYE_SECONDS = 2.0
"""How long the control plane may take to end the stream after Goodbye."""
HEARTBEAT_JITTER = 0.1


class StreamLost(Exception):
    """The stream ended or could not be opened; a new one may work, after `retry_after` seconds if that is given."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AttachRefused(Exception):
    """The control plane will never take this host in as it is; `reason` is its ErrorInfo's."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Connection(Protocol):
    """One stream."""

    async def send(self, message: FromHost, stream_no: int) -> None:
        """Write a message; never called twice at once. Raises StreamLost or AttachRefused."""

    async def receive(self) -> Received:
        """Read a message; never called twice at once. Raises StreamLost or AttachRefused, also at the end."""

    async def finish(self) -> None:
        """Say that nothing more will be sent."""

    async def close(self) -> None:
        """End the stream at once; safe at any time."""


Dial = Callable[[], Awaitable[Connection]]
"""Opens a stream; raises StreamLost or AttachRefused."""

Vitals = Callable[[], tuple[float, int]]
"""Load average over one minute, and free memory in bytes."""


class Attachment:
    """Keeps `host` attached to its control plane."""

    def __init__(self, host: Host, dial: Dial, vitals: Vitals, rng: random.Random, epochs: Epochs) -> None:
        self._host = host
        self._epochs = epochs
        self._dial = dial
        self._vitals = vitals
        self._rng = rng
        self._failures = 0
        self._stream_no = 0
        self._heartbeat_interval = 3.0
        self._acknowledged = asyncio.Event()
        self._goodbye_sent = False
        self._ended = asyncio.Event()
        self.attached = asyncio.Event()
        """Set while a stream is welcomed."""

    async def run(self) -> None:
        """Attach, and attach again whenever the stream is lost; returns after the goodbye of a drained host.

        Raises:
            AttachRefused: for good.
        """
        while True:
            try:
                await self._one_stream()
                return
            except AttachRefused:
                raise
            except StreamLost as lost:
                delay = self._delay(lost.retry_after)
                logger.warning("stream lost", extra={"reason": str(lost), "retry_s": round(delay, 2)})
            except Exception:
                # A fault of ours ends the stream and not the browsers: the next one starts from the whole state.
                delay = self._delay(None)
                logger.exception("stream broke", extra={"retry_s": round(delay, 2)})
            if self._host.drained.is_set() and self._failures > 1:
                return  # nothing is held any more; the control plane will find out by itself
            await asyncio.sleep(delay)

    def _delay(self, retry_after: float | None) -> float:
        most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(self._failures, 10))
        self._failures += 1
        return (retry_after or 0.0) + self._rng.uniform(0.0, most)

    async def _one_stream(self) -> None:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                connection = await self._dial()
        except TimeoutError:
            raise StreamLost(f"no connection within {SILENCE_SECONDS:g} s") from None
        try:
            await self._greet(connection)
            await self._serve(connection)
        finally:
            self.attached.clear()
            await connection.close()

    async def _greet(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await connection.send(self._host.hello(self._epochs.claimed), 0)
                received = await connection.receive()
        except TimeoutError:
            raise StreamLost(f"no welcome within {SILENCE_SECONDS:g} s") from None
        self._check_epoch(received)
        welcome = received.message
        if not isinstance(welcome, Welcome):
            raise StreamLost("the control plane did not begin with a welcome")
        self._stream_no = received.stream_no
        self._heartbeat_interval = max(0.05, welcome.heartbeat_interval.total_seconds())
        self._failures = 0
        logger.info("attached", extra={"control_epoch": received.control_epoch, "stream_no": self._stream_no})
        self._host.welcome(welcome)
        self.attached.set()

    async def _serve(self, connection: Connection) -> None:
        tasks = [
            asyncio.create_task(self._write(connection)),
            asyncio.create_task(self._read(connection)),
            asyncio.create_task(self._watch_for_silence()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        # A refusal says why the stream ended; that a write failed at the same moment only says that it did.
        errors = [error for task in done if (error := task.exception()) is not None]
        for error in sorted(errors, key=lambda error: not isinstance(error, AttachRefused)):
            raise error

    async def _write(self, connection: Connection) -> None:
        """Send heartbeats in time and everything else as it comes; returns after Goodbye and the stream's end."""
        loop = asyncio.get_running_loop()
        next_heartbeat = loop.time() + self._until_heartbeat()
        said_draining = False
        while True:
            self._host.wake.clear()
            if self._host.draining and not said_draining:
                said_draining = True
                next_heartbeat = loop.time()  # the control plane is to know it before it places another session
            for message in [None, *self._host.take_unsent()]:
                if loop.time() >= next_heartbeat:
                    await self._send_heartbeat(connection)
                    next_heartbeat = loop.time() + self._until_heartbeat()
                if message is not None:
                    await connection.send(message, self._stream_no)
            if self._host.drained.is_set():
                await self._say_goodbye(connection)
                return
            try:
                async with asyncio.timeout(max(0.0, next_heartbeat - loop.time())):
                    await self._host.wake.wait()
            except TimeoutError:
                continue

    async def _send_heartbeat(self, connection: Connection) -> None:
        load_average, available_memory = self._vitals()
        number = self._host.leases.send_heartbeat()
        heartbeat = Heartbeat(number, load_average, available_memory, self._host.draining)
        await connection.send(heartbeat, self._stream_no)

    def _until_heartbeat(self) -> float:
        return self._heartbeat_interval * self._rng.uniform(1 - HEARTBEAT_JITTER, 1 + HEARTBEAT_JITTER)

    async def _say_goodbye(self, connection: Connection) -> None:
        self._goodbye_sent = True
        await connection.send(Goodbye("drained"), self._stream_no)
        await connection.finish()
        logger.info("goodbye")
        # Closing at once could overtake the goodbye; the control plane ends the stream when it has read it.
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            pass

    async def _read(self, connection: Connection) -> None:
        while True:
            try:
                received = await connection.receive()
            except StreamLost:
                if self._goodbye_sent:
                    self._ended.set()
                    return
                raise
            self._check_epoch(received)
            if received.message is None:
                logger.warning("unknown message ignored")
                continue
            if received.stream_no != self._stream_no:
                raise StreamLost(f"a message for stream {received.stream_no} came on stream {self._stream_no}")
            if isinstance(received.message, HeartbeatAck):
                self._acknowledged.set()
            self._host.receive(received.message)

    def _check_epoch(self, received: Received) -> None:
        highest = self._epochs.highest
        if received.control_epoch < highest:
            raise StreamLost(
                f"control epoch {received.control_epoch} is older than {highest}, which this host has seen there; if "
                "its data was meant to be restored from a backup, start it with TABKEEP_MINIMUM_CONTROL_EPOCH"
            )
        self._epochs.saw(received.control_epoch)

    async def _watch_for_silence(self) -> None:
        seconds = max(SILENCE_SECONDS, 3 * self._heartbeat_interval)
        while True:
            self._acknowledged.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._acknowledged.wait()
            except TimeoutError:
                raise StreamLost(f"no heartbeat was acknowledged for {seconds:g} s") from None
