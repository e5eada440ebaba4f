"""Server-Sent Events: a call's stream of messages as `text/event-stream`, with ids to go on from."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict

from control_plane.http.answers import Locate, Pieces, refusal
from control_plane.http.calls import CallFailed

MEDIA_TYPE = "text/event-stream"

_SILENCE = 15.0
"""Seconds without a message after which a line that says nothing is sent, so that nobody takes the silence for a
connection that is lost."""
_FIRST = 1.0
"""How long an error may take to come that is still answered with a status of its own."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a message becomes an event."""

    choice: str = ""
    """The oneof whose chosen field names the event."""
    seq: tuple[str, str] | None = None
    """The field, and the field in it, whose number is the event's id: ("event", "seq")."""

    def event(self, message: Any) -> bytes:
        """The event's lines."""
        lines = []
        if self.choice and (chosen := message.WhichOneof(self.choice)):
            lines.append(f"event: {chosen}")
        if self.seq and message.HasField(self.seq[0]):
            lines.append(f"id: {getattr(getattr(message, self.seq[0]), self.seq[1])}")
        lines.append(f"data: {as_text(message)}")
        return ("\n".join(lines) + "\n\n").encode()


def as_json(message: Any) -> dict[str, Any]:
    """A message in protobuf's JSON, with all of its fields."""
    found: dict[str, Any] = MessageToDict(message, always_print_fields_with_no_presence=True)
    return found


def as_text(message: Any) -> str:
    """The same in one line."""
    return json.dumps(as_json(message), ensure_ascii=False, separators=(",", ":"))


async def answer(messages: AsyncIterator[Any], form: Form, locate: Locate) -> Pieces:
    """The stream as an answer.

    Raises:
        CallFailed: the call ended with an error before its first message.
    """
    source = _Source(messages)
    try:
        first = await source.next(_FIRST)
    except StopAsyncIteration:
        first = _END
    except BaseException:
        await source.close()
        raise
    return Pieces(_events(source, first, form, locate), MEDIA_TYPE, {"x-accel-buffering": "no"})


_END = object()


async def _events(source: _Source, first: Any, form: Form, locate: Locate) -> AsyncGenerator[bytes, None]:
    try:
        message = first
        while message is not _END:
            yield form.event(message) if message is not None else b": still here\n\n"
            message = await source.next(_SILENCE)
    except StopAsyncIteration:
        return
    except CallFailed as failed:
        refused = refusal(failed, locate)
        said = json.dumps({"detail": refused.detail, "code": refused.code}, ensure_ascii=False)
        yield f"event: error\ndata: {said}\n\n".encode()
    finally:
        await source.close()


class _Source:
    """Takes messages from a stream, with a bound on how long it waits for each.

    A stream that is asked for a message must not be interrupted, or it ends; so the asking is a task that outlives
    the waiting. All of its tasks share one context, as if one task went through the stream.
    """

    def __init__(self, messages: AsyncIterator[Any]) -> None:
        self._messages = messages
        self._context = contextvars.copy_context()
        self._asked: asyncio.Task[Any] | None = None

    async def next(self, seconds: float) -> Any:
        """The next message; None when there is none within `seconds`.

        Raises:
            StopAsyncIteration: the stream has ended.
        """
        if self._asked is None:
            self._asked = self._task(_taken(self._messages))
        done, _ = await asyncio.wait({self._asked}, timeout=seconds)
        if not done:
            return None
        asked, self._asked = self._asked, None
        found = asked.result()
        if found is _END:
            raise StopAsyncIteration
        return found

    async def close(self) -> None:
        """End the stream."""
        if self._asked is not None:
            self._asked.cancel()
            await asyncio.wait({self._asked})
        if isinstance(self._messages, AsyncGenerator):
            await self._task(self._messages.aclose())

    def _task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work, context=self._context)


async def _taken(messages: AsyncIterator[Any]) -> Any:
    return await anext(messages, _END)
