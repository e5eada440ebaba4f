"""Values that go into pages: parameters, the holes in texts that they fill, and texts that must never be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from google.protobuf import json_format, struct_pb2
from tabkeep.v1 import actions_pb2

from browser_host.task.failures import MISSING_INPUT, Failed

HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")
MASK = "•••"
_SHORTEST_SECRET = 4
"""Characters; shorter secrets are left out where they are used, but not looked for in other texts."""


class Parameters:
    """The run's parameters by name."""

    def __init__(self, given: struct_pb2.Struct) -> None:
        """Take them from a StartRun."""
        self._values: dict[str, Any] = json_format.MessageToDict(given)
        self.actions: list[Any] = []
        """What the actions of the list that is carried out brought, each in its place; None for nothing."""
        self.blocks: Mapping[str, Any] = {}
        """What the blocks before this one brought, by their ids."""

    def add(self, name: str, text: str) -> None:
        """One more: a value of the prompt that a recording has a hole for."""
        self._values[name] = text

    def text(self, name: str) -> str:
        """A parameter as a page gets it.

        Raises:
            Failed: MISSING_INPUT, there is no such parameter.
        """
        if name not in self._values or self._values[name] is None:
            raise Failed(MISSING_INPUT, f'the run has no parameter "{name}"')
        value = self._values[name]
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    def fill(self, text: str) -> str:
        """Put the parameters into the text's {{name}} holes.

        Raises:
            Failed: MISSING_INPUT.
        """
        return HOLE.sub(lambda hole: self.text(hole[1]), text)

    def value(self, value: actions_pb2.Value) -> str:
        """The text of a Value; a literal is used as it stands.

        Raises:
            Failed: MISSING_INPUT.
        """
        match value.WhichOneof("source"):
            case "parameter":
                return self.text(value.parameter)
            case "from_step":
                return self._brought(value.from_step)
        return value.literal

    def _brought(self, source: actions_pb2.StepOutput) -> str:
        """What an earlier step brought, as a text.

        Raises:
            Failed: MISSING_INPUT.
        """
        if source.action:
            who = f"action {source.action}"
            known = source.action <= len(self.actions)
            output = self.actions[source.action - 1] if known else None
        else:
            who, output = f'block "{source.block_id}"', self.blocks.get(source.block_id)
        for name in source.path.split(".") if source.path else ():
            if isinstance(output, list) and name.isdigit() and int(name) < len(output):
                output = output[int(name)]
            else:
                output = output.get(name) if isinstance(output, dict) else None
        if isinstance(output, bool):
            return "true" if output else "false"
        if isinstance(output, float) and output.is_integer():
            return str(int(output))
        if isinstance(output, str | int | float):
            return str(output)
        what = f'nothing at "{source.path}"' if source.path else "nothing"
        if output is not None:
            what = f"no single text at {source.path!r}" if source.path else "no single text"
        raise Failed(MISSING_INPUT, f"{who} brought {what} that could be filled in")


class Secrets:
    """The texts of this run that must not be shown anywhere, and how they are taken out of what is shown."""

    def __init__(self) -> None:
        """Know none."""
        self._texts: set[str] = set()
        self._short: set[str] = set()

    @property
    def known(self) -> bool:
        """Whether there are any."""
        return bool(self._texts or self._short)

    @property
    def all(self) -> list[str]:
        """Each of them as it is, and as it looks in a URL; with those too short to be looked for in texts."""
        return sorted(self._texts | self._short)

    def add(self, text: str) -> None:
        """Never show this text from now on, as it is nor as it looks in a URL."""
        if len(text) >= _SHORTEST_SECRET:
            self._texts |= {text, quote(text), quote(text, safe=""), quote_plus(text)}
        elif text:
            self._short.add(text)

    def scrub(self, text: str) -> str:
        """The text without the secrets in it."""
        for secret in sorted(self._texts, key=len, reverse=True):
            text = text.replace(secret, MASK)
        return text

    def scrub_value(self, value: Any) -> Any:
        """A JSON value without the secrets in it."""
        if not self._texts:
            return value
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, list):
            return [self.scrub_value(one) for one in value]
        if isinstance(value, dict):
            return {self.scrub(name): self.scrub_value(one) for name, one in value.items()}
        return value


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def to_value(output: Any) -> struct_pb2.Value:
    """A JSON value as a message."""
    return json_format.ParseDict(output, struct_pb2.Value())


def to_schema(schema: struct_pb2.Struct) -> dict[str, Any]:
    """A JSON Schema out of its message; numbers that are whole stay whole."""
    return dict(json_format.MessageToDict(schema))
