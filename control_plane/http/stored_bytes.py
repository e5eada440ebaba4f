"""Bytes that are stored, as an answer: all of them, or the part that a Range asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from control_plane.http.answers import JSON, Pieces, Refused

_ONE_RANGE = re.compile(r"bytes=(?P<first>\d{0,18})-(?P<last>\d{0,18})", re.IGNORECASE)

_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.-]+)*", re.ASCII)
_UNKNOWN = "application/octet-stream"
_RANGE = {
    "name": "Range",
    "in": "header",
    "description": "One range of bytes: `bytes=0-499`, `bytes=500-`, `bytes=-500`. Anything else is not looked at.",
    "schema": {"type": "string"},
}
_RESPONSES = {
    "206": {"description": "The part that `Range` asked for.", "content": {"*/*": {}}},
    "416": {
        "description": "`Range` begins beyond the end; `content-range` has the size.",
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    },
}


def documented(operation: Mapping[str, Any]) -> dict[str, Any]:
    """The document of an operation that answers so, from one that says only what its 200 is."""
    return {
        **operation,
        "parameters": [*operation.get("parameters", ()), _RANGE],
        "responses": {**operation["responses"], **_RESPONSES},
    }


async def of_call(messages: AsyncIterator[Any]) -> tuple[Any, AsyncGenerator[bytes, None]]:
    """A service's stream of stored bytes, taken apart: the record in its first message, and the bytes of the others."""
    first = await anext(messages)
    return getattr(first, first.WhichOneof("part")), _chunks(messages)


async def _chunks(messages: AsyncIterator[Any]) -> AsyncGenerator[bytes, None]:
    try:
        async for message in messages:
            yield message.chunk
    finally:
        if isinstance(messages, AsyncGenerator):
            await messages.aclose()


async def answer(
    request: Request,
    pieces: AsyncIterator[bytes],
    *,
    size: int,
    sha256: str,
    media_type: str,
    headers: Mapping[str, str],
) -> Response:
    """The answer with these bytes, whose length and checksum are known.

    One range is understood; of several, or of what is none, nothing is, and the answer has all bytes. `media_type` is
    what was said of them: what is no media type is not passed on. What is wrong with the bytes is raised here, before
    the answer begins.

    Raises:
        Refused: RANGE_NOT_SATISFIABLE.
    """
    tag = f'"{sha256}"'
    headers = {**headers, "accept-ranges": "bytes", "etag": tag}
    first, end, status = 0, size, 200
    if request.method == "GET" and request.headers.get("if-range", tag) == tag:
        wanted = _range(request.headers.get("range", ""), size)
        if wanted is not None:
            (first, end), status = wanted, 206
            headers["content-range"] = f"bytes {first}-{end - 1}/{size}"
    headers["content-length"] = str(end - first)
    beginning = await anext(pieces, b"")
    known = media_type if _MEDIA_TYPE.fullmatch(media_type) else _UNKNOWN
    return Pieces(_part(beginning, pieces, first, end), known, headers, status)


async def saved(
    request: Request,
    pieces: AsyncIterator[bytes],
    file_name: str,
    *,
    size: int,
    sha256: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The same for bytes that a browser saves and never shows: a site, or who knows who, wrote them."""
    disposition = f"attachment; filename*=UTF-8''{quote(file_name, safe='')}"
    return await answer(
        request,
        pieces,
        size=size,
        sha256=sha256,
        media_type=_UNKNOWN,
        headers={**(headers or {}), "content-disposition": disposition},
    )


def _range(header: str, size: int) -> tuple[int, int] | None:
    """The part of so many bytes that a header asks for, without the last one's successor; None: it asks for none."""
    matched = _ONE_RANGE.fullmatch(header.strip())
    if matched is None or not (matched["first"] or matched["last"]):
        return None
    if not matched["first"]:
        first, end = max(0, size - int(matched["last"])), size
    else:
        first = int(matched["first"])
        end = min(size, int(matched["last"]) + 1) if matched["last"] else size
        if matched["last"] and int(matched["last"]) < first:
            return None  # is no range
    if first >= end:
        detail = f"the range {header[:100]} is beyond the end: there are {size} bytes"
        raise Refused(416, "RANGE_NOT_SATISFIABLE", detail, {"content-range": f"bytes */{size}"})
    return first, end


async def _part(beginning: bytes, rest: AsyncIterator[bytes], first: int, end: int) -> AsyncGenerator[bytes, None]:
    """The bytes from `first` to before `end`."""
    try:
        place, piece = 0, beginning
        while place < end:
            if wanted := piece[max(0, first - place) : end - place]:
                yield wanted
            place += len(piece)
            if not (piece := await anext(rest, b"")):
                return
    finally:
        if isinstance(rest, AsyncGenerator):
            await rest.aclose()
