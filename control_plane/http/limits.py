"""The bounds of the gateway: what a connection, a request's head and its body may be and take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Each bound; at it, the request is answered with an error that names it, or the connection ends."""

    connections: int = 2_000
    """At once, held polls and streams included. Above it a request is answered 503; above twice it, a connection ends
    without an answer."""

    head_bytes: int = 16 * 1024
    """Request line and headers together; above it 431."""

    head_seconds: float = 10.0
    """From a connection's beginning, or a request's first byte, until its headers are there; then 408."""

    body_bytes: int = 4 * 1024 * 1024
    """As much as a message over gRPC; above it 413."""

    discarded_bytes: int = 16 * 1024 * 1024
    """A body too large is read this far and thrown away, so that its sender comes to read the answer."""

    body_seconds: float = 30.0
    """From the headers until the body is there; then 408."""

    idle_seconds: float = 75.0
    """How long a connection may wait between requests."""

    unread_seconds: float = 30.0
    """How long an answer may wait because its reader does not read; then the connection ends."""

    message_bytes: int = 32 * 1024 * 1024
    """Of one message on a WebSocket; above it the socket ends."""

    ping_seconds: float = 10.0
    """How often the peer of a WebSocket is asked for a sign of life, and how long it may take to give one."""
