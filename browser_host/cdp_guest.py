"""The CDP client of a caller, in one session: let in by the control plane, sent away when a run is started or goes on.

One at a time, and never beside a run that acts: a client comes in when the run before it has ended, or waits for a
person to take over; a run begins, or goes on, when the client's connection to the browser is closed. The control plane
sees to their turns; here it is made sure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from browser_host.browser import BrowserGone
from browser_host.cdp_gate import Answer, CdpGate, Forward, NotCdp
from browser_host.messages import Placement
from browser_host.task.journal import TurnNotBack

logger = logging.getLogger(__name__)

BEFORE_SECONDS = 4.0
"""How long a client waits for the run, or the client, before it to end; the control plane waits longer for both."""
TUNNEL_SECONDS = 5.0
"""How long the control plane may take to hear of a client that was let in or refused."""
FAREWELL_SECONDS = 1.0
"""How long a client that is sent away may take to be told why."""
GONE_SECONDS = 20.0
"""How long a client may take to be gone: more than all that it may be in the midst of, which is bounded."""


class TunnelLost(Exception):
    """The tunnel has ended, or could not be opened."""


class Tunnel(Protocol):
    """The way to one client; every call but `close` may raise TunnelLost."""

    async def open(self, failure: str = "") -> None:
        """Say that the browser takes the client, or why not."""

    async def send(self, text: str) -> None:
        """Say a message to the client; waits while it does not read."""

    async def receive(self) -> str:
        """What the client says next."""

    async def end(self, cause: str) -> None:
        """Say why it ends; nothing may be sent after it."""

    async def close(self) -> None:
        """End it, after what was sent."""


class TunnelLink(Protocol):
    """The way to the control plane."""

    def dial_tunnel(self, placement: Placement, tunnel_id: str) -> Tunnel:
        """A tunnel that is not opened yet."""


class CdpChannel(Protocol):
    """A connection to a browser; `send` and `receive` raise BrowserGone."""

    async def send(self, text: str) -> None:
        """Say a message to the browser."""

    async def receive(self) -> str:
        """What the browser says next."""

    async def close(self) -> None:
        """Disconnect; in bounded time, and without raising."""


class CdpBrowser(Protocol):
    """What a client needs of a browser."""

    async def open_cdp(self) -> CdpChannel:
        """Connect to it. Raises BrowserGone."""


@dataclass(slots=True, eq=False)
class _Visit:
    tunnel_id: str
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""
    """Why it is to leave."""
    task: asyncio.Task[None] | None = None


class CdpGuest:
    """The clients of one placement; its only task is the visit of the newest one, which waits for the one before."""

    def __init__(self, placement: Placement, link: TunnelLink | None) -> None:
        """Without a `link` nobody is let in."""
        self._placement = placement
        self._link = link
        self._visit: _Visit | None = None
        self._lent = False
        self._fields = placement.log_fields

    def let_in(self, browser: CdpBrowser, tunnel_id: str, run: asyncio.Task[None] | None) -> None:
        """Begin a visit: after the one under way, and after the `run` that is just ending unless it lends its turn."""
        if self._link is None:
            return
        before: set[asyncio.Task[None]] = {run} if run is not None and not self._lent else set()
        if (leaving := self.send_away("another client comes in")) is not None:
            before.add(leaving)
        visit = _Visit(tunnel_id)
        visit.task = asyncio.create_task(self._receive(visit, browser, self._link, before))
        self._visit = visit

    def send_away(self, why: str) -> asyncio.Task[None] | None:
        """End the visit under way; returns the task that is over when the client can do nothing any more."""
        visit = self._visit
        if visit is None or visit.task is None or visit.task.done():
            return None
        visit.why = visit.why or why
        visit.leave.set()
        return visit.task

    async def gone(self, leaving: asyncio.Task[None] | None) -> None:
        """Return when a client that was sent away can do nothing any more.

        Raises:
            TurnNotBack: after 20 seconds it still can.
        """
        if leaving is not None and not (await asyncio.wait({leaving}, timeout=GONE_SECONDS))[0]:
            raise TurnNotBack(f"a CDP client could not be made to leave the browser within {GONE_SECONDS:g} s")

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Let clients in beside the run under way, which does nothing meanwhile; leaving it, they are gone.

        Raises:
            TurnNotBack.
        """
        self._lent = True
        why = "the run that asked for a person ends"
        try:
            yield
            why = "the run has its turn back"
        finally:
            self._lent = False
            leaving = self.send_away(why)
            # A task that is cancelled does nothing any more; what comes after it waits for the client.
            current = asyncio.current_task()
            if current is None or not current.cancelling():
                await self.gone(leaving)

    async def _receive(
        self, visit: _Visit, browser: CdpBrowser, link: TunnelLink, before: set[asyncio.Task[None]]
    ) -> None:
        tunnel = link.dial_tunnel(self._placement, visit.tunnel_id)
        cause = ""
        try:
            if before:
                await asyncio.wait(before, timeout=BEFORE_SECONDS)
            if visit.leave.is_set() or not all(task.done() for task in before):
                await self._bounded(tunnel.open(visit.why or "a run has the session's turn"))
                return
            try:
                channel = await browser.open_cdp()
            except BrowserGone as error:
                await self._bounded(tunnel.open(str(error)))
                return
            try:
                await self._bounded(tunnel.open())
                logger.info("cdp client let in", extra=self._fields)
                cause = await self._converse(visit, tunnel, channel)
            finally:
                await channel.close()
        except TunnelLost as lost:
            cause = str(lost)
        except Exception:
            logger.exception("cdp client failed unexpectedly", extra=self._fields)
        finally:
            await tunnel.close()
            logger.info("cdp client gone", extra={**self._fields, "reason": cause})

    async def _bounded(self, call: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(TUNNEL_SECONDS):
                await call
        except TimeoutError:
            raise TunnelLost("the control plane does not answer") from None

    async def _converse(self, visit: _Visit, tunnel: Tunnel, channel: CdpChannel) -> str:
        """Carry messages until one side ends or the client is sent away; returns why."""
        gate = CdpGate()
        sending = asyncio.Lock()
        parts = [
            asyncio.create_task(self._to_browser(gate, tunnel, channel, sending)),
            asyncio.create_task(self._to_client(gate, tunnel, channel, sending)),
            asyncio.create_task(visit.leave.wait()),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if visit.leave.is_set():
                await self._farewell(visit, tunnel, sending)
        finally:
            for part in parts:
                part.cancel()
            ends = await asyncio.gather(*parts, return_exceptions=True)
        if visit.leave.is_set():
            return visit.why
        for end in ends:
            if isinstance(end, TunnelLost | BrowserGone | NotCdp):
                return str(end)
            if isinstance(end, Exception):
                raise end
        return ""

    async def _farewell(self, visit: _Visit, tunnel: Tunnel, sending: asyncio.Lock) -> None:
        """Say why the client is sent away, unless it does not read; what it still says is of no use to it."""
        try:
            async with asyncio.timeout(FAREWELL_SECONDS), sending:
                await tunnel.end(visit.why)
        except (TimeoutError, TunnelLost):
            pass

    async def _to_browser(self, gate: CdpGate, tunnel: Tunnel, channel: CdpChannel, sending: asyncio.Lock) -> None:
        while True:
            match gate.to_browser(await tunnel.receive()):
                case Forward(text):
                    await channel.send(text)
                case Answer(text, refused):
                    if refused:
                        logger.warning("cdp method refused", extra={**self._fields, "method": refused[:100]})
                    async with sending:
                        await tunnel.send(text)

    async def _to_client(self, gate: CdpGate, tunnel: Tunnel, channel: CdpChannel, sending: asyncio.Lock) -> None:
        while True:
            text = gate.to_client(await channel.receive())
            async with sending:
                await tunnel.send(text)
