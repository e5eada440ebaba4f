"""What a run's pages ask of the network, as HAR 1.2: bounded, without bodies, and without what would let others in.

Cookies and headers and query values that carry secrets by their names are replaced, as are the run's own secrets
wherever they stand; an archive is made to be handed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

MOST_ENTRIES = 5_000
MOST_BYTES = 8 * 2**20
"""Of addresses and headers together."""
REDACTED = "[redacted]"
_LONGEST_URL = 8_192
_LONGEST_HEADER = 4_096
_SECRET_HEADER = re.compile(
    r"cookie|authoriz|authenticat|auth\b|auth-|token|secret|api-?key|password|session|csrf|xsrf|signature|credential",
    re.IGNORECASE,
)
_SECRET_QUERY = re.compile(
    r"token|secret|pass(word|wd)?$|pwd|api-?_?key|^key$|auth|credential|sig(nature)?$|session|^sid$|^code$|otp|jwt",
    re.IGNORECASE,
)
_HAS_REDACTED = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")


@dataclass(slots=True)
class Exchange:
    """One request, and what came of it."""

    start: datetime
    method: str
    url: str
    headers: Mapping[str, str]
    resource_type: str
    duration: float = 0.0
    """In seconds."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """As Playwright measures them, in milliseconds from the start; -1 where there was none."""
    status: int = 0
    """0: there was no answer."""
    status_text: str = ""
    http_version: str = ""
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    server_address: str = ""
    failure: str = ""
    ended: bool = False

    def weight(self) -> int:
        """What it takes of the log's bound, in bytes."""
        headers = (*self.headers.items(), *self.answer_headers.items())
        return 400 + len(self.url) + sum(len(name) + len(value) for name, value in headers)


class NetworkLog:
    """The requests of one run."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._bytes = 0
        self.left_out = 0

    def add(self, exchange: Exchange) -> bool:
        """Keep a request that begins; False when there is no room for it. What is filled in later counts too."""
        if len(self._exchanges) >= MOST_ENTRIES or self._bytes + exchange.weight() > MOST_BYTES:
            self.left_out += 1
            return False
        self._bytes += exchange.weight()
        self._exchanges.append(exchange)
        return True

    def answered(self, exchange: Exchange) -> None:
        """Its answer has come; headers that find no room are left out."""
        more = sum(len(name) + len(value) for name, value in exchange.answer_headers.items())
        if self._bytes + more > MOST_BYTES:
            exchange.answer_headers = {}
        else:
            self._bytes += more

    @property
    def truncation(self) -> str:
        """What is missing, in words."""
        if not self.left_out:
            return ""
        return f"the log was full: {self.left_out} more requests are left out"

    def archive(self, version: str, browser: str, scrub: Callable[[str], str]) -> bytes:
        """The archive as JSON in UTF-8."""
        log: dict[str, Any] = {
            "version": "1.2",
            "creator": {"name": "Tabkeep", "version": version},
            "browser": {"name": browser.rpartition(" ")[0] or browser, "version": browser.rpartition(" ")[2]},
            "pages": [],
            "entries": [_entry(exchange, scrub) for exchange in self._exchanges],
        }
        if self.truncation:
            log["comment"] = f"truncated: {self.truncation}"
        return json.dumps({"log": log}, ensure_ascii=False, indent=1).encode(errors="replace")


def _entry(exchange: Exchange, scrub: Callable[[str], str]) -> dict[str, Any]:
    sizes, url = exchange.sizes, scrub(_url(exchange.url))
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    timings = _timings(exchange)
    version = exchange.http_version or "unknown"
    answer = {name.lower(): value for name, value in exchange.answer_headers.items()}
    length = answer.get("content-length", "")
    size = sizes.get("responseBodySize", int(length) if length.isascii() and length.isdigit() else 0)
    entry: dict[str, Any] = {
        "startedDateTime": exchange.start.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "time": round(sum(value for value in timings.values() if value > 0), 3),
        "request": {
            "method": exchange.method,
            "url": url,
            "httpVersion": version,
            "cookies": [],
            "headers": _headers(exchange.headers, scrub),
            "queryString": [{"name": name, "value": value} for name, value in query],
            "headersSize": sizes.get("requestHeadersSize", -1),
            "bodySize": sizes.get("requestBodySize", -1),
        },
        "response": {
            "status": exchange.status,
            "statusText": exchange.status_text,
            "httpVersion": version,
            "cookies": [],
            "headers": _headers(exchange.answer_headers, scrub),
            "content": {
                "size": max(size, 0),
                "mimeType": answer.get("content-type", "x-unknown"),
                "comment": "bodies are not kept",
            },
            "redirectURL": scrub(_url(answer.get("location", ""))),
            "headersSize": sizes.get("responseHeadersSize", -1),
            "bodySize": sizes.get("responseBodySize", -1),
        },
        "cache": {},
        "timings": timings,
        "_resourceType": exchange.resource_type,
    }
    if exchange.server_address:
        entry["serverIPAddress"] = exchange.server_address
    comment = exchange.failure if exchange.ended else "it had not ended when the run did"
    if comment:
        entry["comment"] = scrub(comment)
    return entry


def _timings(exchange: Exchange) -> dict[str, float]:
    """The phases in milliseconds; those that are not known are -1 where HAR allows it, else 0."""
    at = exchange.timings
    sent, first, last = (at.get(name, -1.0) for name in ("requestStart", "responseStart", "responseEnd"))

    def between(begin: str, end: str) -> float:
        known = at.get(begin, -1.0) >= 0 and at.get(end, -1.0) >= at.get(begin, -1.0)
        return round(at[end] - at[begin], 3) if known else -1

    found = {
        "dns": between("domainLookupStart", "domainLookupEnd"),
        "connect": between("connectStart", "connectEnd"),
        "ssl": between("secureConnectionStart", "connectEnd"),
    }
    if 0 <= sent <= first:
        receive = max(last - first, 0.0)
        return {**found, "blocked": -1, "send": 0.0, "wait": round(first - sent, 3), "receive": round(receive, 3)}
    return {**found, "blocked": -1, "send": 0.0, "wait": round(exchange.duration * 1000, 3), "receive": 0.0}


def _headers(headers: Mapping[str, str], scrub: Callable[[str], str]) -> list[dict[str, str]]:
    return [
        {"name": name, "value": REDACTED if _SECRET_HEADER.search(name) else scrub(_header_value(name, value))}
        for name, value in headers.items()
    ]


def _header_value(name: str, value: str) -> str:
    shown = _url(value) if name.lower() in ("referer", "location", "content-location") else value
    return shown[:_LONGEST_HEADER]


def _url(url: str) -> str:
    """An address without its password, and without the values of its query that are secret by their names."""
    if url.startswith(("data:", "blob:")):
        return url[:100]
    url = url[:_LONGEST_URL]
    try:
        parts = urlsplit(url)
        if "@" in parts.netloc:
            url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        return url.partition("?")[0]
    return _HAS_REDACTED.sub(
        lambda match: f"{match[1]}{match[2]}={REDACTED if _SECRET_QUERY.search(match[2]) else match[3]}", url
    )
