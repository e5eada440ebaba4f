"""The live streams to hosts: one bounded outgoing queue per attached host.

Nothing here is remembered: a host that attaches again is told everything again from the store.
"""

from __future__ import annotations

import asyncio

from control_plane.errors import StreamReplaced, TabkeepError, Unavailable
from control_plane.live.host_messages import EventAcks, ToHost

_MAX_QUEUE = 10_000


class Link:
    """One attached stream. At the bound of its queue it is ended: the host attaches again and is told all."""

    def __init__(self, host_id: str, incarnation: str, *, takes_event_acks: bool = False) -> None:
        self._takes_event_acks = takes_event_acks
        self.host_id = host_id
        self.incarnation = incarnation
        self.stream_no = 0
        """Set when the host was taken in."""
        self.said_draining = False
        self._outgoing: asyncio.Queue[ToHost | None] = asyncio.Queue(_MAX_QUEUE + 1)
        """None wakes the writer without a message; there is always room for one."""
        self.ended: asyncio.Future[TabkeepError] = asyncio.get_running_loop().create_future()
        """Set with the error to end the stream with, when it is to end from our side."""

    def send(self, message: ToHost) -> None:
        """Queue a message; never waits."""
        if isinstance(message, EventAcks) and not self._takes_event_acks:
            for ack in message.acks:
                self.send(ack)
            return
        if self._outgoing.qsize() < _MAX_QUEUE:
            self._outgoing.put_nowait(message)
        else:
            self.end(Unavailable("the host reads too slowly: attach again", reason="SLOW_CONSUMER"))

    async def next(self) -> ToHost | None:
        """The next message; None, after all that were queued before, once the link was ended or woken."""
        return await self._outgoing.get()

    def wake(self) -> None:
        """Let `next` return None."""
        if not self._outgoing.full():
            self._outgoing.put_nowait(None)

    def end(self, error: TabkeepError) -> None:
        """End the stream with `error`."""
        if not self.ended.done():
            self.ended.set_result(error)
            self.wake()


class HostLinks:
    """The newest link of each attached host."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def get(self, host_id: str) -> Link | None:
        return self._links.get(host_id)

    def put(self, link: Link) -> None:
        """Take in a link; an older one of the same host ends."""
        old = self._links.get(link.host_id)
        self._links[link.host_id] = link
        if old is not None and old is not link:
            old.end(StreamReplaced("a newer stream of this host exists"))

    def remove(self, link: Link) -> None:
        """Forget a link whose stream has ended."""
        if self._links.get(link.host_id) is link:
            del self._links[link.host_id]

    def send(self, host_id: str, message: ToHost) -> None:
        """Queue a message for a host; dropped when it is not attached, which loses nothing."""
        if link := self._links.get(host_id):
            link.send(message)

    def end_all(self, error: TabkeepError) -> None:
        """End every stream."""
        for link in self._links.values():
            link.end(error)
