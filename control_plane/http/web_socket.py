"""One WebSocket of the gateway: uvicorn's, with a bound on how long it may lie unread, and without URLs in the log."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from control_plane.http.limits import Limits

_quiet = logging.getLogger(f"{__name__}.quiet")
_quiet.setLevel(logging.ERROR)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that keeps to the limits; `of` makes the class for some limits."""

    limits = Limits()

    @classmethod
    def of(cls, limits: Limits) -> type[BoundedWebSocket]:
        """The class of WebSockets with these limits."""
        return type("BoundedWebSocket", (cls,), {"limits": limits})

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.logger = _quiet  # it would write URLs down
        self._unread: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        super().connection_lost(exc)
        self._end_timer()

    def pause_writing(self) -> None:
        """The peer does not read."""
        super().pause_writing()
        self._end_timer()
        self._unread = self.loop.call_later(self.limits.unread_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The peer reads again."""
        super().resume_writing()
        self._end_timer()

    def _end_timer(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
