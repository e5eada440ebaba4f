"""One path of the gateway, its operations by method, and what is done before and after each of them."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from control_plane.errors import TabkeepError
from control_plane.http.answers import JSON, Locate, Refused, in_body, refusal
from control_plane.http.calls import CallFailed, Calls, failure
from control_plane.http.limits import Limits

logger = logging.getLogger(__name__)

_FIELD = re.compile(r"{(\w+)}")
_CHARSETS = ("", "utf-8", "utf8", "us-ascii")
_MOST_IN_QUERY = 1000


class Ask:
    """A request that a route's function answers."""

    def __init__(self, request: Request, body: bytes, metadata: Mapping[str, str], calls: Calls) -> None:
        self.request = request
        self.body = body
        self.metadata = metadata
        """What its calls carry: the key, and the caller's span."""
        self._calls = calls

    @property
    def path(self) -> dict[str, str]:
        """The fields of the path."""
        return self.request.path_params

    @cached_property
    def query(self) -> list[tuple[str, str]]:
        """The query in the order it was written."""
        text = self.request.scope["query_string"].decode("latin-1")
        try:
            return parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_IN_QUERY, errors="strict")
        except UnicodeDecodeError:
            wrong = "it is not percent-encoded UTF-8"
        except ValueError:
            wrong = f"it has more than {_MOST_IN_QUERY} fields"
        raise Refused(422, "QUERY_MALFORMED", f"the query cannot be read: {wrong}")

    def json(self) -> Any:
        """The body's JSON; an empty object when there is no body.

        Raises:
            Refused: it is not JSON.
        """
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body.decode(), parse_constant=_no_such_number, object_pairs_hook=_object)
        except RecursionError:
            message, position = "the JSON is nested too deeply", 0
        except UnicodeDecodeError as error:
            message, position = "the body is not UTF-8", error.start
        except json.JSONDecodeError as error:
            marked = error.doc.startswith("\ufeff")
            said = "a byte order mark, which JSON has not," if marked else error.msg.removesuffix(" at")
            message, position = f"not JSON: {said} at line {error.lineno}, column {error.colno}", error.pos
        except _NoJson as error:
            message, position = f"not JSON: {error}", 0
        except ValueError:
            message, position = "not JSON: a number has thousands of digits", 0
        wrong = {"type": "json_invalid", "loc": ["body", position], "msg": message}
        raise Refused(422, "JSON_INVALID", [wrong])

    async def call(self, method: str, request: Message | AsyncIterator[Message]) -> Any:
        """The answer of a service's method, "tabkeep.v1.RunService/GetRun"; of some, to many requests.

        Raises:
            CallFailed: it ended with an error.
        """
        return await self._calls.call(method, request, self.metadata)

    def stream(self, method: str, request: Message) -> AsyncIterator[Any]:
        """The answers of a service's method that has many."""
        return self._calls.stream(method, request, self.metadata)


class _NoJson(ValueError):
    """What Python would read as JSON, and others would not, or not alike."""


def _no_such_number(name: str) -> float:
    raise _NoJson(f"{name} is no JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = Counter(name for name, _ in pairs)
        raise _NoJson(f"the name {names.most_common(1)[0][0][:100]!r} is given more than once in one object")
    return found


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method of one path does."""

    answer: Callable[[Ask], Awaitable[Response]]
    document: Mapping[str, Any] = field(default_factory=dict)
    """Its OpenAPI operation; what is the same for all is added where the document is made."""
    takes_body: bool = False
    """It reads a JSON body; an operation that does not ignores what comes as one."""
    reads_body: bool = False
    """It reads the body itself, whatever it is, piece by piece."""
    open: bool = False
    """It needs no key."""
    locate: Locate = in_body
    """Where a field of the service's request stands in the HTTP request."""


class Resource(Route):
    """One path and what can be done with it, by HTTP method."""

    def __init__(self, path: str, *, schemas: Mapping[str, Any] | None = None, **operations: Operation) -> None:
        """`operations` are named GET, POST, PATCH, PUT or DELETE; `schemas` are what their documents refer to."""
        super().__init__(path, endpoint=self._unserved)
        pattern = "".join(
            part if place % 2 == 0 else f"(?P<{part}>[^/:]+)" for place, part in enumerate(_escaped(_FIELD.split(path)))
        )
        self.path_regex = re.compile(pattern + r"\Z")  # a colon begins a custom method, so no id has one
        self.methods = None
        self.app = self._serve
        self.schemas = schemas or {}
        self.operations = operations
        self._calls: Calls
        self._limits: Limits

    def open(self, calls: Calls, limits: Limits) -> None:
        """Say what its operations call, and within which bounds."""
        self._calls, self._limits = calls, limits

    async def _unserved(self, request: Request) -> Response:
        raise NotImplementedError("Resource serves its operations itself")

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        operation = self.operations.get("GET" if request.method == "HEAD" else request.method)
        try:
            response = await self._answer(operation, request)
        except ClientDisconnect:
            return
        except Exception as error:
            response = self._refused(error, operation, request).answer()
        await response(scope, receive, send)

    async def _answer(self, operation: Operation | None, request: Request) -> Response:
        if operation is None:
            allowed = ", ".join(self.operations)
            raise Refused(
                405, "METHOD_NOT_ALLOWED", f"{request.method} does not work here: use {allowed}", {"allow": allowed}
            )
        metadata = _metadata(request)
        if not operation.open:
            if "x-api-key" not in metadata:
                raise Refused(403, "KEY_MISSING", "Invalid credentials: send an API key in the header x-api-key")
            self._calls.check(metadata["x-api-key"])
        body = b""
        if operation.takes_body:
            body = await _read(request, self._limits)
            if body:
                _check_media_type(request)
        if body or operation.reads_body:
            _check_coding(request)
        return await operation.answer(Ask(request, body, metadata, self._calls))

    def _refused(self, error: Exception, operation: Operation | None, request: Request) -> Refused:
        """What went wrong as an answer; what nobody expected becomes an incident in the log."""
        if isinstance(error, TabkeepError):
            error = failure(error)
        if isinstance(error, CallFailed):
            error = refusal(error, operation.locate if operation else in_body)
        if not isinstance(error, Refused):
            incident = secrets.token_hex(6)
            logger.error("http request broke", extra={"route": self.path, "incident": incident}, exc_info=error)
            detail = f"a fault of the control plane, incident {incident}: its log has the cause"
            error = Refused(500, "INTERNAL", detail)
        fields = {"method": request.method, "route": self.path, "status": error.status, "code": error.code}
        logger.info("http request refused", extra=fields)
        return error


def _escaped(parts: list[str]) -> list[str]:
    return [part if place % 2 else re.escape(part) for place, part in enumerate(parts)]


def _metadata(request: Request) -> dict[str, str]:
    """What a call over gRPC would carry: the key, written as the published clients may write it, and the span."""
    headers = request.headers
    metadata = {}
    key = headers.get("x-api-key") or headers.get("authorization") or ""
    if key := re.sub(r"\Abearer ", "", key.strip(" \"'"), flags=re.IGNORECASE).strip():
        metadata["x-api-key"] = key
    if traceparent := headers.get("traceparent"):
        metadata["traceparent"] = traceparent
    return metadata


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    kind, _, parameters = given.partition(";")
    charset = re.search(r"charset=\"?([\w-]*)", parameters.lower())
    if kind.strip().lower() != JSON or (charset[1] if charset else "") not in _CHARSETS:
        shown = f"{given[:100]!r} is not understood" if given else "the body has no content-type"
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", f"{shown}: send content-type: {JSON}, in UTF-8", {"accept": JSON})


def _check_coding(request: Request) -> None:
    coding = request.headers.get("content-encoding", "identity")
    if coding.strip().lower() != "identity":
        detail = f"the content-encoding {coding[:100]!r} is not understood: send the body as it is"
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", detail, {"accept-encoding": "identity"})


async def _read(request: Request, limits: Limits) -> bytes:
    """The whole body."""
    length = request.headers.get("content-length", "")
    too_large = Refused(
        413,
        "BODY_TOO_LARGE",
        f"the body is larger than the maximum of {limits.body_bytes} bytes",
        {"connection": "close"},
    )
    if length.isdigit() and int(length) > limits.body_bytes and "100-continue" in request.headers.get("expect", ""):
        raise too_large
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limits.body_bytes:
                    body += chunk
                elif size > limits.discarded_bytes:
                    break
    except TimeoutError:
        seconds = limits.body_seconds
        raise Refused(
            408, "BODY_TOO_SLOW", f"the body was not there after {seconds:g} s: send it faster", {"connection": "close"}
        ) from None
    if size > limits.body_bytes:
        raise too_large
    return bytes(body)
