"""The host's side of the guardian process (see `guardian`): starts it, tells it what it guards, keeps it alive.

No guardian, no browsers: one that ends is replaced within a second, and told everything anew; when that does not
work, `run` raises and the host gives up its browsers. One that is stuck is killed and replaced like one that ended.

What waits to be told is a set of keys and not of messages: the newest state of a key is written when there is room
for it, so a guardian that does not read holds nothing up and nothing grows. The owner starts `run` in a task of its
own; `open`, before everything else the host does, and `close`, after all browsers are gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

from browser_host.kernel import guardian
from browser_host.kernel.guardian import Cover
from browser_host.messages import Placement

logger = logging.getLogger(__name__)

PING_SECONDS = 0.5
STUCK_PINGS = 6
"""Without an answer for so many pings the guardian is stuck. Counted, not timed: while this process is stopped it
does not ping."""
RESTART_SECONDS = 1.0
"""For so long a new guardian is tried again and again; it is there after 0.1 s."""
START_SECONDS = 3.0
"""How long a new guardian may take to answer on a machine that is busy."""
CONFIRM_SECONDS = 5.0
"""How long a launch waits for a guardian that covers it; as long as a stuck one takes to be replaced."""
FAREWELL_SECONDS = 3.0
_HOLD = "hold"


class GuardianLost(Exception):
    """There is no guardian and none can be started, so this host may hold no browser."""


class Guard(Protocol):
    """Ends browsers in time though this process cannot."""

    def hold_until(self, at: float) -> None:
        """All browsers may live until `at`, on the host's monotonic clock, whatever becomes of this process."""

    async def cover(
        self,
        placement: Placement,
        deadline: float | None,
        directories: list[Path],
        cgroup: str,
        *,
        user: int = 0,
        leased: bool = True,
    ) -> None:
        """Guard whatever uses these directories; returns when it is guarded, so that it may be started.

        `user` is the number of a user that nothing else runs as. Not `leased` is a browser that is kept for a session
        to come: it may live as long as this process does.

        Raises:
            GuardianLost.
        """

    def identify(self, placement: Placement, pid: int) -> None:
        """The main process of a placement that is covered; it leads a process group."""

    def set_deadline(self, placement: Placement, at: float) -> None:
        """Another deadline for a placement; nothing when it is not covered."""

    def killed_for(self, placement: Placement) -> str:
        """guardian.DEADLINE or guardian.LEASE when that was over and the browser was killed for it; else empty."""

    def release(self, placement: Placement) -> None:
        """Nothing of the placement is left."""

    def cover_cgroup(self, cgroup: Path) -> None:
        """End whatever is in this cgroup of the host's, and remove it, when this process is gone."""

    def cover_helper(self, pid: int) -> None:
        """End this process, and its group if it leads one, when this process is gone."""

    def release_helper(self, pid: int) -> None:
        """The helper has ended."""


class Unguarded:
    """Guards nothing: for browsers that are no processes, as in tests of the host's logic."""

    def hold_until(self, at: float) -> None: ...

    async def cover(
        self,
        placement: Placement,
        deadline: float | None,
        directories: list[Path],
        cgroup: str,
        *,
        user: int = 0,
        leased: bool = True,
    ) -> None: ...

    def identify(self, placement: Placement, pid: int) -> None: ...

    def set_deadline(self, placement: Placement, at: float) -> None: ...

    def killed_for(self, placement: Placement) -> str:
        return ""

    def release(self, placement: Placement) -> None: ...

    def cover_cgroup(self, cgroup: Path) -> None: ...

    def cover_helper(self, pid: int) -> None: ...

    def release_helper(self, pid: int) -> None: ...


class GuardianProcess:
    """A guardian, and its successors; implements `Guard`."""

    def __init__(self, command: tuple[str, ...] = (sys.executable, "-I", "-S", guardian.__file__)) -> None:
        """`command` starts a guardian; the number of its socket is added. Isolated, so that it starts in a moment."""
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._hold_until = 0.0
        self._covers: dict[str, Cover] = {}
        self._killed: dict[str, str] = {}
        """Keys of covers that a guardian has killed, and for what."""
        self._unsaid: dict[str, None] = {}
        """Keys whose newest state the guardian does not know; in the order in which they changed."""
        self._said: dict[str, int] = {}
        """The number of the line that last told a key's state."""
        self._rest = b""
        self._unread = b""
        self._no = 0
        self._seen = 0
        self._changed = asyncio.Event()
        """Set when the guardian has answered or is gone; whoever waits looks again."""

    @property
    def pid(self) -> int:
        """Of the process; 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    # Guard.

    def hold_until(self, at: float) -> None:
        self._hold_until = at
        self._tell(_HOLD)

    async def cover(
        self,
        placement: Placement,
        deadline: float | None,
        directories: list[Path],
        cgroup: str,
        *,
        user: int = 0,
        leased: bool = True,
    ) -> None:
        key = _key(placement)
        self._covers[key] = Cover(
            key,
            placement.browser_session_id,
            placement.fence,
            deadline=deadline,
            leased=leased,
            directories=tuple(str(directory) for directory in directories),
            cgroup=cgroup,
            user=user,
        )
        self._tell(key)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                while key in self._unsaid or self._said.get(key, 0) > self._seen:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self.release(placement)
            raise GuardianLost(f"the guardian did not answer within {CONFIRM_SECONDS:g} s") from None

    def identify(self, placement: Placement, pid: int) -> None:
        self._change(_key(placement), pid=pid, started=guardian.started(pid))

    def set_deadline(self, placement: Placement, at: float) -> None:
        self._change(_key(placement), deadline=at)

    def killed_for(self, placement: Placement) -> str:
        # The guardian says it before it kills, but whoever saw the death may come before the loop reads the channel.
        if self._channel is not None:
            self._read()
        return self._killed.get(_key(placement), "")

    def release(self, placement: Placement) -> None:
        self._release(_key(placement))

    def cover_cgroup(self, cgroup: Path) -> None:
        key = f"cgroup-{cgroup}"
        self._covers[key] = Cover(key, leased=False, cgroup=str(cgroup))
        self._tell(key)

    def cover_helper(self, pid: int) -> None:
        key = f"helper-{pid}"
        self._covers[key] = Cover(key, leased=False, pid=pid, started=guardian.started(pid))
        self._tell(key)

    def release_helper(self, pid: int) -> None:
        self._release(f"helper-{pid}")

    def _change(self, key: str, **changes: object) -> None:
        cover = self._covers.get(key)
        if cover is not None:
            self._covers[key] = replace(cover, **changes)  # type: ignore[arg-type]
            self._tell(key)

    def _release(self, key: str) -> None:
        self._killed.pop(key, None)
        if self._covers.pop(key, None) is not None:
            self._tell(key)

    # The process.

    async def open(self) -> None:
        """Start the guardian.

        Raises:
            GuardianLost: it cannot be started on this machine.
        """
        await self._start()

    async def run(self) -> None:
        """Keep a guardian alive until cancelled.

        Raises:
            GuardianLost: the one that was there is gone, and no other could be started.
        """
        unanswered = 0
        while True:
            seen = self._seen
            self._tell(_HOLD)
            await self._wait_until_gone(PING_SECONDS)
            unanswered = 0 if self._seen > seen else unanswered + 1
            if self._channel is not None and unanswered < STUCK_PINGS:
                continue
            logger.error("guardian lost", extra={"pid": self.pid, "stuck": self._channel is not None})
            unanswered = 0
            await self._restart()

    async def close(self) -> None:
        """Let the guardian go; it ends by itself once nothing is left to guard."""
        self._disconnect()
        process, self._process = self._process, None
        if process is None:
            return
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + FAREWELL_SECONDS
        while process.poll() is None and loop.time() < give_up_at:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if process.returncode is None:
            left = sum(bool(cover.directories) for cover in self._covers.values())
            logger.error("guardian does not end", extra={"pid": process.pid, "covers": left})
            if not left:
                process.kill()  # it is stuck, with nothing to guard
                process.wait()

    async def _restart(self) -> None:
        self._disconnect()
        process, self._process = self._process, None
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + RESTART_SECONDS
        if process is not None:
            process.kill()
            while process.poll() is None and loop.time() < give_up_at:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        while True:
            try:
                await self._start()
                break
            except GuardianLost:
                if loop.time() >= give_up_at:
                    raise
                await asyncio.sleep(0.1)
        logger.warning("guardian restarted", extra={"pid": self.pid, "covers": len(self._covers)})

    async def _start(self) -> None:
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise GuardianLost(f"the guardian process cannot be started: {error}") from None
        try:
            # A session of its own: a signal that is meant for the host's group must not reach it.
            self._process = subprocess.Popen(  # noqa: ASYNC220 (returns after some milliseconds)
                [*self._command, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise GuardianLost(f"the guardian process cannot be started: {error}") from None
        finally:
            theirs.close()
        ours.setblocking(False)
        self._channel = ours
        asyncio.get_running_loop().add_reader(ours, self._read)
        self._unsaid = dict.fromkeys((_HOLD, *self._covers))
        self._said.clear()
        before = self._no
        self._flush()
        try:
            async with asyncio.timeout(START_SECONDS):
                while self._seen <= before and self._channel is not None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._disconnect()
        if self._channel is None:
            self._process.kill()
            self._process.wait()
            raise GuardianLost("the guardian process does not answer: its words, if any, are above")

    def _disconnect(self) -> None:
        if self._channel is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._channel)
        loop.remove_writer(self._channel)
        self._channel.close()
        self._channel = None
        self._rest = self._unread = b""
        self._changed.set()

    async def _wait_until_gone(self, seconds: float) -> None:
        """Return when the guardian is gone, or after `seconds`."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self._channel is not None and (left := until - loop.time()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(left):
                    await self._changed.wait()
            except TimeoutError:
                return

    # What is said.

    def _tell(self, key: str) -> None:
        self._unsaid[key] = None
        self._flush()

    def _flush(self) -> None:
        """Write as much as there is room for; the rest goes on when there is more."""
        channel = self._channel
        if channel is None:
            return
        try:
            while self._rest or self._unsaid:
                if not self._rest:
                    self._rest = self._next_line()
                self._rest = self._rest[channel.send(self._rest) :]
        except BlockingIOError:
            asyncio.get_running_loop().add_writer(channel, self._flush)
            return
        except OSError:
            self._disconnect()
            return
        asyncio.get_running_loop().remove_writer(channel)

    def _next_line(self) -> bytes:
        key = next(iter(self._unsaid))
        del self._unsaid[key]
        self._no += 1
        line: dict[str, object] = {"no": self._no}
        if key == _HOLD:
            line["hold_until"] = self._hold_until
        elif (cover := self._covers.get(key)) is not None:
            self._said[key] = self._no
            told = asdict(cover)
            line |= {"cover": told.pop("key"), **told}
        else:
            self._said.pop(key, None)
            line["release"] = key
        return json.dumps(line).encode() + b"\n"

    def _read(self) -> None:
        assert self._channel is not None
        try:
            received = self._channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._disconnect()
            return
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            self._seen = answer["seen"]
            if answer.get("kills") in self._covers:
                self._killed[answer["kills"]] = answer["for"]
            self._changed.set()


def _key(placement: Placement) -> str:
    return f"{placement.browser_session_id}/{placement.fence}"
