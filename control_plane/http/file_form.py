"""A form that brings a file, multipart/form-data (RFC 7578), read as it comes: the file is handed on in pieces."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from control_plane.errors import FieldInvalid, FieldViolation
from control_plane.http.answers import Refused

MEDIA_TYPE = "multipart/form-data"
_quiet = logging.getLogger(f"{__name__}.quiet")
_quiet.setLevel(logging.ERROR)
_MOST_BESIDE = 64 * 1024
"""Bytes of everything in the form that is not the file: other fields, heads and boundaries."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a form says of its file."""

    file_name: str
    content_type: str


class FileForm:
    """One form; its file is the part `field`. A form that is not as it must be raises FieldInvalid, wherever that is
    found out: an end that does not come is found out at the end, so nothing may be stored before `content` is over."""

    def __init__(self, body: AsyncIterator[bytes], content_type: str, field: str) -> None:
        """Begin; nothing is read yet.

        Raises:
            Refused: the body is no form, or too much of one.
        """
        kind, options = parse_options_header(content_type)
        if kind != MEDIA_TYPE.encode() or not options.get(b"boundary"):
            detail = f"{content_type[:100]!r} is not understood: send {MEDIA_TYPE} with a boundary"
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", detail, {"accept": MEDIA_TYPE})
        self._body = body
        self._field = field
        self.fields: dict[str, bytes] = {}
        """What else it has, as far as it was read."""
        self._file: FileHead | None = None
        self._pieces: deque[bytes] = deque()
        self._beside = 0
        self._ended = False
        self._head: dict[str, bytes] = {}
        self._header_name, self._header_value = bytearray(), bytearray()
        self._part = ""
        self._in_file = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._head.clear,
                    "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
                    "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise _wrong(field, f"the form cannot be read: {error}") from None
        self._parser.logger = _quiet  # it would warn of every form that it cannot read; the sender is told

    async def head(self) -> FileHead:
        """Read up to the file.

        Raises:
            FieldInvalid: there is none.
        """
        while self._file is None:
            if not await self._advance():
                raise _wrong(self._field, "the form has no such file: send one, with its file name")
        return self._file

    async def content(self) -> AsyncIterator[bytes]:
        """The file's bytes; what follows it is read too.

        Raises:
            FieldInvalid: the form breaks off, or has another file.
        """
        more = True
        while more or self._pieces:
            while self._pieces:
                yield self._pieces.popleft()
            more = await self._advance()

    async def _advance(self) -> bool:
        """Take in the next piece of the body; False at its end."""
        piece = await anext(self._body, None)
        if piece is None:
            if not self._ended:
                raise _wrong(self._field, "the form breaks off before its closing boundary")
            return False
        self._beside += len(piece)
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _wrong(self._field, f"the form cannot be read: {error}") from None
        if self._beside > _MOST_BESIDE:
            raise _wrong(self._field, f"the form has more than {_MOST_BESIDE} bytes beside the file")
        return True

    def _on_header_end(self) -> None:
        self._head[self._header_name.decode("latin-1").lower()] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._head.get("content-disposition", b""))
        self._part = options.get(b"name", b"").decode(errors="replace")
        self._in_file = self._part == self._field
        if not self._in_file:
            return
        if b"filename" not in options:
            raise _wrong(self._field, "came as a text: send it as a file, with its file name")
        if self._file is not None:
            raise _wrong(self._field, "there is more than one: send them in forms of their own")
        try:
            name = options[b"filename"].decode()
        except UnicodeDecodeError:
            raise _wrong(self._field, "its file name is not UTF-8") from None
        self._file = FileHead(name, self._head.get("content-type", b"").decode("latin-1"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._beside -= end - start
            self._pieces.append(data[start:end])
        else:
            self.fields[self._part] = self.fields.get(self._part, b"") + data[start:end]

    def _on_end(self) -> None:
        self._ended = True


def _wrong(field: str, description: str) -> FieldInvalid:
    return FieldInvalid([FieldViolation(field, description)])
