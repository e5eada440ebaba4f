"""An endpoint that speaks the wire protocol of chat completions, and says what a test's script computes.

It is no model. Each turn of the script is a function of the request that was really sent: it looks up "the element
called Login" in what the system told it, and fails the test when that was not told. Whatever was sent is kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

Turn = Callable[["Asked"], dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """One request."""

    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "\n".join(_text(message) for message in self.body["messages"])

    def element(self, words: str) -> str:
        """The number of the only element that was told last as beginning with these words."""
        found: dict[str, str] = {}
        for line in self.text.splitlines():
            role = ""
            for part in re.split(r", (?=e\d+ \")", line):  # neighbours of one role in one line
                match = re.match(r"(e\d+) (.*)", part)
                if match is None:
                    break
                role = role or match[2].partition(" ")[0] + " "
                found[match[1]] = match[2] if match[2].startswith(role) else role + match[2]
        numbers = [number for number, line in found.items() if line.startswith(words)]
        assert len(numbers) == 1, f"{words!r} names {numbers} of {found}"
        return numbers[0]


def _text(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return str(content)


def tool(name: str, **arguments: Any) -> dict[str, Any]:
    """A turn's answer: one call."""
    return calls((name, arguments))


def calls(*wanted: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """A turn's answer: several calls."""
    made = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for number, (name, arguments) in enumerate(wanted)
    ]
    return {"message": {"role": "assistant", "content": None, "tool_calls": made}}


def say(text: str, finish: str = "stop") -> dict[str, Any]:
    """A turn's answer: prose."""
    return {"message": {"role": "assistant", "content": text}, "finish": finish}


def status(code: int, message: str = "scripted", **headers: str) -> dict[str, Any]:
    """A turn's answer: an HTTP error."""
    return {"status": code, "error": message, "headers": headers}


DROP: dict[str, Any] = {"drop": True}
"""A turn's answer: the connection breaks."""


class ModelStub:
    """The endpoint. Its script's turns are taken one after another; the last one stays."""

    def __init__(self, turns: Sequence[Turn | dict[str, Any]]) -> None:
        self.turns = list(turns)
        self.asked: list[Asked] = []
        self.base_url = ""
        self.problems: list[str] = []

    def leaked(self, *texts: str) -> list[str]:
        """Which of the texts were sent to the endpoint."""
        sent = [json.dumps(one.body) for one in self.asked]
        return [text for text in texts if any(text in body for body in sent)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = json.loads(await reader.readexactly(int(fields["content-length"])))
                asked = Asked(body, fields)
                self.asked.append(asked)
                turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
                try:
                    answer = turn(asked) if callable(turn) else turn
                except AssertionError as problem:
                    self.problems.append(str(problem))
                    answer = status(418, f"the test's script failed: {problem}")
                if answer.get("drop"):
                    return
                self._write(writer, body, answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _write(self, writer: asyncio.StreamWriter, body: dict[str, Any], answer: dict[str, Any]) -> None:
        code, headers = 200, {}
        if "status" in answer:
            code, headers = answer["status"], answer["headers"]
            said: dict[str, Any] = {"error": {"message": answer["error"], "type": "scripted"}}
        else:
            message = answer["message"]
            finish = answer.get("finish") or ("tool_calls" if message.get("tool_calls") else "stop")
            said = {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": finish}],
                "usage": answer.get("usage", {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}),
            }
        content = json.dumps(said).encode()
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {code} x\r\ncontent-type: application/json\r\n{lines}content-length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)


@asynccontextmanager
async def model_stub(*turns: Turn | dict[str, Any]) -> AsyncIterator[ModelStub]:
    """Serve a script on loopback."""
    stub = ModelStub(turns)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0)
    stub.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield stub
    finally:
        server.close()
    assert not stub.problems, stub.problems
