"""Requests and answers as a proxy passes them on: their heads, and how their bodies end.

A connection goes on only after an answer whose end nobody can read in another way: with one length and no coding, or
with the one coding "chunked" and no length. After any other it ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from urllib.parse import urlsplit

from browser_host.network.egress_policy import normal
from browser_host.network.line import LONGEST_HEAD

_HOP_BY_HOP = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"proxy-authorization", b"te", b"upgrade", b"host"]
)
_ENDS = frozenset([b"connection", b"keep-alive", b"proxy-connection", b"upgrade"])
_WHOLE_URL = re.compile(r"http://(?P<authority>[^/?#]+)(?P<path>.*)")
_LONGEST_AUTHORITY = 300
"""A host's name has at most 253 letters."""
_METHOD = re.compile(rb"[A-Z]{1,20}")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")


class _Chunk(Enum):
    """What comes next that is not a chunk's bytes."""

    SIZE = "the next one's size"
    END = "the line's end behind its bytes"
    TRAILERS = "the trailers, and the empty line behind them"


@dataclass(slots=True)
class Request:
    """A request as a proxy gets it: CONNECT, or a whole URL."""

    method: bytes
    host: str
    port: int
    tunnel: bool
    path: str = ""
    fields: tuple[bytes, ...] = ()
    body_length: int | None = 0
    """None: chunked, as long as it lasts."""
    keep: bool = False
    """The client would say another request on this connection."""
    absolute: bool = False
    """To be sent to another proxy, with its whole URL."""
    authorization: str = ""

    @classmethod
    def read(cls, head: bytes) -> Request:
        """Read it.

        Raises:
            ValueError: it is none that a browser sends to a proxy.
        """
        line, *fields = head.rstrip(b"\r\n").split(b"\r\n")
        method, target, version = line.split(b" ")
        if not _METHOD.fullmatch(method) or version not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise ValueError("no request")
        text = target.decode("ascii")
        if method == b"CONNECT":
            name, _, number = text.rpartition(":")
            return cls(method, normal(name), _port(number), tunnel=True)
        found = _WHOLE_URL.fullmatch(text)
        if found is None:
            raise ValueError("no whole URL")
        host, port = _origin(found["authority"])
        named = [_named(one) for one in fields]
        length = _length(named)
        chunked = any(name == b"transfer-encoding" for name, _ in named)
        if chunked and length is not None:
            raise ValueError("a body of two lengths")
        path = found["path"]
        return cls(
            method,
            host,
            port,
            tunnel=False,
            path=path if path.startswith("/") else "/" + path,
            fields=tuple(one for one, (name, _) in zip(fields, named, strict=True) if name not in _HOP_BY_HOP),
            body_length=None if chunked else length or 0,
            keep=version == b"HTTP/1.1" and not chunked and not _says_close(named),
        )

    def head(self) -> bytes:
        """As it is sent on: to its server, or to the session's proxy. Host is where it goes, whatever it said."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == 80 else f"{host}:{self.port}"
        target = f"http://{authority}{self.path}" if self.absolute else self.path
        ours = [f"Host: {authority}".encode(), *self.fields]
        if not self.keep or self.absolute:
            ours.append(b"Connection: close")
        if self.authorization:
            ours.append(f"Proxy-Authorization: {self.authorization}".encode())
        return b"%s %s HTTP/1.1\r\n%s\r\n\r\n" % (self.method, target.encode("ascii"), b"\r\n".join(ours))


@dataclass(slots=True)
class Answer:
    """The head of a server's answer."""

    status: int
    reason: str
    line: bytes
    fields: tuple[bytes, ...]
    length: int | None
    """Of its body; None: chunked, or as long as the connection lasts."""
    chunked: bool
    certain: bool
    """Its end can be told, in one way only."""
    keep: bool
    """It is certain, and the server takes another request on this connection."""

    @classmethod
    def read(cls, head: bytes, method: bytes) -> Answer:
        """Read the answer to a request with this method.

        Raises:
            ValueError: it is no HTTP.
        """
        status, reason = status_of(head)
        line, *fields = head.rstrip(b"\r\n").split(b"\r\n")
        named, certain = [], line.startswith(b"HTTP/1.1 ")
        for one in fields:
            try:
                named.append(_named(one))
            except ValueError:
                certain = False
        codings = [value.lower() for name, value in named if name == b"transfer-encoding"]
        chunked = bool(codings) and codings[-1].rpartition(b",")[2].strip() == b"chunked"
        try:
            length = _length(named)
        except ValueError:
            length, certain = None, False
        if status < 200 or status in (204, 304) or method == b"HEAD":
            length, chunked = 0, False
        elif codings:
            certain = certain and length is None and codings == [b"chunked"]
            length = None
        certain = certain and (chunked or length is not None)
        kept = tuple(one for one in fields if one.partition(b":")[0].strip().lower() not in _ENDS)
        return cls(status, reason, line, kept, length, chunked, certain, certain and not _says_close(named))

    def head(self, *, keep: bool) -> bytes:
        """As it is passed on to the browser, whose connection goes on after it, or ends with it."""
        return b"\r\n".join([self.line, *self.fields, *([] if keep else [b"Connection: close"]), b"", b""])


class Body:
    """Where the body of an answer ends, in what its server says."""

    def __init__(self, answer: Answer) -> None:
        self._left = answer.length
        """Bytes of the body, or of the chunk, that are still to come; None: whatever comes."""
        self._chunk = _Chunk.SIZE if answer.chunked else None
        self._line = b""
        self._trailers = 0
        self.ended = self._left == 0
        """All of it was there."""
        if answer.chunked:
            self._left = 0

    @property
    def ends_with_connection(self) -> bool:
        """Nothing else says where it ends."""
        return self._left is None

    def take(self, data: bytes) -> int:
        """How many bytes of `data`, from its first on, are of the body.

        Raises:
            ValueError: it is in no chunks.
        """
        at = 0
        while at < len(data) and not self.ended:
            if self._left is None:
                return len(data)
            if self._left > 0:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                self.ended = self._left == 0 and self._chunk is None
            else:
                end = data.find(b"\n", at) + 1 or len(data)
                self._line += data[at:end]
                at = end
                if len(self._line) > LONGEST_HEAD:
                    raise ValueError("a line is too long")
                if self._line.endswith(b"\n"):
                    line, self._line = self._line, b""
                    self._read(line)
        return at

    def _read(self, line: bytes) -> None:
        """A line between the chunks' bytes."""
        if self._chunk is _Chunk.SIZE:
            found = _CHUNK_SIZE.fullmatch(line)
            if found is None:
                raise ValueError("no chunk")
            self._left = int(found[1], 16)
            self._chunk = _Chunk.END if self._left else _Chunk.TRAILERS
        elif self._chunk is _Chunk.END:
            if line != b"\r\n":
                raise ValueError("a chunk is longer than it said")
            self._chunk = _Chunk.SIZE
        else:
            self._trailers += len(line)
            if not line.endswith(b"\r\n") or self._trailers > LONGEST_HEAD:
                raise ValueError("what is after the last chunk is no trailer")
            self.ended = line == b"\r\n"


def status_of(head: bytes) -> tuple[int, str]:
    """Status and reason phrase of an answer.

    Raises:
        ValueError: it is none.
    """
    found = re.match(rb"HTTP/1\.[01] ([1-5]\d\d)(?: ([^\r\n]*))?", head)
    if found is None:
        raise ValueError("what it said is no HTTP")
    reason = (found[2] or b"").decode("latin-1")
    return int(found[1]), "".join(letter for letter in reason if letter.isprintable())[:100]


@lru_cache(1024)
def _origin(authority: str) -> tuple[str, int]:
    """Host, as it is judged, and port of a plain URL."""
    parts = urlsplit(f"http://{authority}")
    if not parts.hostname or len(authority) > _LONGEST_AUTHORITY:
        raise ValueError("no whole URL")
    return normal(parts.hostname), parts.port or 80


def _named(field: bytes) -> tuple[bytes, bytes]:
    name, colon, value = field.partition(b":")
    if not colon or field[:1] in b" \t":
        raise ValueError("no header field")
    return name.strip().lower(), value.strip()


def _length(named: list[tuple[bytes, bytes]]) -> int | None:
    lengths = {value for name, value in named if name == b"content-length"}
    if not lengths:
        return None
    if len(lengths) > 1 or not _LENGTH.fullmatch(length := lengths.pop()):
        raise ValueError("no length")
    return int(length)


def _says_close(named: list[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"connection", b"proxy-connection") and b"close" in value.lower() for name, value in named)


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError("no port")
    return port
