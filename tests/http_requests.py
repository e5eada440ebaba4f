"""Requests made up from the gateway's own document: mostly such as it describes, with every kind of mistake in them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes

_TEXTS = [
    "",
    "x",
    "0",
    "-1",
    "true",
    "null",
    "\u00e9",
    "\U0001f600",
    "\u0000",
    "a" * 300,
    "../..",
    "%2e",
    "'\";--",
    "$ref",
]
_NUMBERS = [0, 1, -1, 5, 500, 2**31, -(2**31) - 1, 2**63, 10**40, 0.5, -0.0, 1e308]
_LENGTHS = ["300s", "3600s", "86400s", "0s", "-1s", "1s", "0.5s", "99999999s", "5m", "s", "1e3s", "315576000001s"]
_WAITS = ["0s", "0.01s", "-1s", "9999s", "1", "1m", ""]
"""Of a held poll: nothing that is held for long."""
_TIMES = ["2026-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "2026-01-01", "9999-12-31T23:59:59.999999999Z"]
_WANTED = ("prompt",)
"""Without them hardly anything is done, though no schema can say so: one of several is needed."""
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "PROPFIND"]
_MEDIA_TYPES = ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", "", "/", "json"]


@dataclass(frozen=True, slots=True)
class Made:
    """One request, and the operation of the document that it was made from."""

    method: str
    target: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    operation: Mapping[str, Any] | None
    """None for what is on no route, or not like one."""

    def as_bytes(self) -> bytes:
        """The request on the wire."""
        lines = [self.method.encode() + b" " + self.target + b" HTTP/1.1"]
        lines += [f"{name}: {value}".encode() for name, value in self.headers]
        if self.body is not None:
            lines.append(b"content-length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + (self.body or b"")


class Maker:
    """Makes requests, the same ones for the same seed and document."""

    def __init__(self, document: Mapping[str, Any], ids: Mapping[str, Sequence[str]], keys: Sequence[str], seed: int):
        """`ids` are some that exist, by the path's name for them; the first of `keys` is used most."""
        self._document = document
        self._ids = ids
        self._keys = keys
        self._dice = random.Random(seed)
        self._fullness = 0.35
        self._operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def request(self) -> Made:
        """The next one."""
        dice = self._dice
        headers = self._headers()
        if dice.random() < 0.05:
            target = "/" + "/".join(self._text_in_path() for _ in range(dice.randrange(5)))
            return Made(dice.choice(_METHODS), target.encode(), headers, None, None)
        method, path, operation = dice.choice(self._operations)
        target = path
        for parameter in operation["parameters"]:
            if parameter["in"] == "path":
                target = target.replace("{" + parameter["name"] + "}", self._id(parameter["name"]))
        if query := self._query(operation):
            target += "?" + query
        body = None
        if "requestBody" in operation or dice.random() < 0.03:
            body, headers = self._body(operation, headers)
        if dice.random() < 0.02:
            return Made(dice.choice(_METHODS), target.encode(), headers, body, None)
        return Made(method, target.encode(), headers, body, operation)

    def _headers(self) -> tuple[tuple[str, str], ...]:
        dice = self._dice
        found = [("host", "localhost" if dice.random() > 0.01 else "evil.example")]
        if dice.random() > 0.03:
            key = self._keys[0] if dice.random() > 0.1 else dice.choice([*self._keys, "tk_live_x", "x", "\u00e9"])
            found.append(("x-api-key", key))
        if dice.random() < 0.1:
            found.append(("idempotency-key", dice.choice(["once", "twice", "k" * 200, "\u00e9", ""])))
        if dice.random() < 0.1:
            found.append(("last-event-id", dice.choice(["0", "1", "99", "-1", "x", "", "1" * 30])))
        if dice.random() < 0.03:
            found.append((dice.choice(["traceparent", "accept", "range", "x-http-method-override"]), "00-0-0-0"))
        return tuple(found)

    def _id(self, name: str) -> str:
        dice = self._dice
        known = self._ids.get(name, ())
        if known and dice.random() < 0.7:
            return dice.choice(known)
        return self._text_in_path() or "-"

    def _text_in_path(self) -> str:
        dice = self._dice
        if dice.random() < 0.5:
            return quote(dice.choice(_TEXTS), safe="")
        return quote_from_bytes(dice.randbytes(dice.randrange(1, 12)), safe=dice.choice(["", ":", "/:@"]))

    def _query(self, operation: Mapping[str, Any]) -> str:
        dice = self._dice
        parts = []
        for parameter in operation["parameters"]:
            if parameter["in"] != "query" or dice.random() > 0.3:
                continue
            name, schema = parameter["name"], parameter["schema"]
            if parameter.get("style") == "deepObject":
                name += f"[{quote(dice.choice(_TEXTS))}]"
                schema = schema["additionalProperties"]
            for _ in range(dice.choice([1, 1, 1, 2])):
                value = dice.choice(_WAITS) if "wait" in name.lower() else self._value(schema.get("items", schema), 3)
                parts.append(f"{name}={quote(str(value), errors='surrogatepass')}")
        if dice.random() < 0.05:
            parts.append(dice.choice(["a=b", "%ff=1", "=", "&&", "a.b.c=1", "a[b]=1", "labels[[]=1", "run_id=1"]))
        return "&".join(parts)

    def _body(
        self, operation: Mapping[str, Any], headers: tuple[tuple[str, str], ...]
    ) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        dice = self._dice
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        kind = "application/json" if dice.random() > 0.04 else dice.choice(_MEDIA_TYPES)
        headers = (*headers, ("content-type", kind))
        odd = dice.random()
        if odd < 0.03:
            return dice.randbytes(dice.randrange(60)), headers
        if odd < 0.05:
            return b"[" * dice.randrange(2, 3_000), headers
        if odd < 0.08:
            return b"", headers
        self._fullness = dice.choice([0.06, 0.12, 0.35])  # what has few fields is right more often
        text = json.dumps(self._value(schema, 0))
        if odd < 0.1:
            text = text[: dice.randrange(len(text) + 1)]
        return text.encode(), headers

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:
        """Something that the schema describes, or nearly, or not at all."""
        dice = self._dice
        if dice.random() < 0.04:
            return self._anything(depth)
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            return self._value(dice.choice(schema["anyOf"]), depth)
        if "enum" in schema:
            return dice.choice(schema["enum"])
        kind = schema.get("type")
        kind = dice.choice(kind) if isinstance(kind, list) else kind
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                count = dice.choice([0, 1, 1, 2]) if depth < 6 else 0
                return [self._value(schema.get("items", {}), depth + 1) for _ in range(count)]
            case "string":
                return self._text(schema)
            case "integer" | "number":
                return dice.choice([0, 1, 5, 60, 300, 1000, *_NUMBERS])
            case "boolean":
                return dice.choice([True, False])
            case "null":
                return None
        return self._anything(depth)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        dice = self._dice
        found = {}
        for name, one in schema.get("properties", {}).items():
            likely = 0.9 if name in schema.get("required", ()) else 0.5 if name in _WANTED else self._fullness
            if dice.random() < likely and depth < 6:
                found[name] = self._value(one, depth + 1)
        if isinstance(more := schema.get("additionalProperties"), Mapping):
            found |= {dice.choice(["team", "a.b", *_TEXTS]): self._value(more, depth + 1) for _ in range(2)}
        if dice.random() < 0.03:
            found[dice.choice(["unknown", "runID", "", "__proto__"])] = self._anything(depth)
        for name, known in self._ids.items():
            spelt = next((one for one in found if one.replace("_", "").lower() == name.replace("_", "")), None)
            if spelt and dice.random() < 0.8:
                found[spelt] = dice.choice([*known, ""])
        return found

    def _text(self, schema: Mapping[str, Any]) -> str:
        dice = self._dice
        if schema.get("format") == "date-time":
            return dice.choice(_TIMES)
        if "s$" in schema.get("pattern", ""):
            return dice.choice(_LENGTHS)
        if "[0-9]" in schema.get("pattern", ""):
            return str(dice.choice(_NUMBERS))
        return dice.choice(
            [
                "https://shop.example/",
                "Go to https://shop.example/",
                "version: 1\ntitle: T\nblocks:\n  - goto: x",
                *_TEXTS,
            ]
        )

    def _anything(self, depth: int) -> Any:
        dice = self._dice
        deeper = [] if depth > 6 else [[self._anything(depth + 1)], {dice.choice(_TEXTS): self._anything(depth + 1)}]
        return dice.choice([None, True, dice.choice(_NUMBERS), dice.choice([*_TEXTS, "\ud800"]), *deeper, [], {}])


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    media_type: str
    body: bytes | None
    """None for a stream, which is left at once."""


class Connection:
    """One connection, opened again when it has ended."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, made: Made) -> Answered:
        """Send a request and read its answer.

        Raises:
            asyncio.IncompleteReadError: there was none.
        """
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(made.as_bytes())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status, kind = int(first.split()[1]), headers.get("content-type", "")
        body: bytes | None = b""
        if kind == "text/event-stream" and status == 200:
            body = None
            await self.close()
        elif made.method != "HEAD":
            body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            await self.close()
        return Answered(status, kind, body)

    async def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
