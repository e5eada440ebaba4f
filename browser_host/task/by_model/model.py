"""What the task engine needs of a language model: one question, one answer. `chat_completions` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Tool:
    """Something the model may ask for."""

    name: str
    description: str
    parameters: dict[str, Any]
    """A JSON Schema of its arguments."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks for. Its arguments are what the model wrote: nothing in them is checked yet."""

    call_id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: str
    """system, user, assistant or tool."""
    text: str
    calls: tuple[ToolCall, ...] = ()
    """Of the assistant."""
    call_id: str = ""
    """Of a tool: the call that it answers."""
    picture: bytes = field(default=b"", repr=False)
    """Of the user: a JPEG picture of the page."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said; usually calls and no text."""

    calls: tuple[ToolCall, ...]
    text: str
    model: str
    """As the endpoint names it."""
    input_tokens: int
    output_tokens: int


class ModelError(Exception):
    """There is no usable answer; the text says why, for people, without any key."""

    def __init__(self, message: str, *, again_after: float | None = None, counts: bool = True) -> None:
        """`again_after` is when to try again, in seconds; None: trying again is in vain. What does not count is not
        the endpoint's fault, such as learning what it can do."""
        super().__init__(message)
        self.again_after = again_after
        self.counts = counts


class Model(Protocol):
    """A language model behind an endpoint."""

    @property
    def name(self) -> str:
        """As it is asked for."""

    @property
    def sees_pictures(self) -> bool:
        """Pictures of pages may be sent to it."""

    @property
    def token_budget(self) -> int:
        """The most tokens of questions and answers together that one run may use."""

    async def answer(self, messages: Sequence[Message], tools: Sequence[Tool], *, timeout: float) -> Answer:
        """Ask once, without trying again.

        Raises:
            ModelError.
        """
