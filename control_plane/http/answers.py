"""The answers of the gateway, and the one place where errors become HTTP: `{"detail": ..., "code": ...}`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from control_plane.http.calls import CallFailed

JSON = "application/json"

_STATUSES = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 422,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 409,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    # The published SDKs know a wrong key by 403.
    "UNAUTHENTICATED": 403,
}
"""HTTP's status for each code of gRPC; 500 for the others."""

Locate = Callable[[str], list[str | int]]
"""Where a field of the service's request stood in the HTTP request: ["body", "timeout"]."""


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, code: str, detail: str | list[dict[str, Any]], headers: Mapping[str, str] | None = None
    ) -> None:
        """`code` is stable, for programs; `detail` says to a person what would work."""
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers or {}

    def answer(self) -> Response:
        """The answer to send."""
        return json_answer(self.status, {"detail": self.detail, "code": self.code}, self.headers)


def json_answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate, which JSON can spell and UTF-8 cannot, is only ever the caller's own, given back.
    return Response(text.encode(errors="replace"), status, headers=headers, media_type=JSON)


class Pieces(Response):
    """An answer whose body comes in pieces, as fast as its reader takes them.

    It ends with the connection, which cancels the task that answers; what makes the pieces is closed then.
    """

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str], status: int = 200
    ) -> None:
        super().__init__(None, status, headers={**headers, "content-type": media_type})
        if "content-length" not in headers:
            del self.headers["content-length"]
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with contextlib.aclosing(self._pieces):
            async for piece in self._pieces:
                if scope["method"] == "HEAD":
                    break
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await asyncio.sleep(0)  # neither pieces nor a sender that are always ready keep everybody else waiting
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def refusal(failed: CallFailed, locate: Locate) -> Refused:
    """What the failure of a call is in HTTP."""
    headers = {}
    if failed.retry_after is not None:
        headers["retry-after"] = str(max(1, round(failed.retry_after.total_seconds())))
    detail: str | list[dict[str, Any]] = failed.message
    if failed.code == "UNAUTHENTICATED":
        detail = f"Invalid credentials: {failed.message}"
    elif failed.violations:
        detail = [
            {"type": "value_error", "loc": locate(field), "msg": description}
            for field, description in failed.violations
        ]
    return Refused(_STATUSES.get(failed.code, 500), failed.reason, detail, headers)


def in_body(field: str) -> list[str | int]:
    """The place of a field whose request is the body: `browser_session.queue_timeout`, `labels[team]`."""
    return ["body", *places(field)]


def places(field: str) -> list[str | int]:
    """A field's path in parts, as JSON spells them: `actions[0].url`; other words in brackets are the caller's own."""
    found: list[str | int] = []
    for name, key in re.findall(r"([^.\[\]]+)|\[([^\]]*)\]", field):
        found.append(json_name(name) if name else int(key) if re.fullmatch("[0-9]{1,9}", key) else key)
    return found


def json_name(name: str) -> str:
    """A field's name in protobuf's JSON: `run_id` is `runId`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
