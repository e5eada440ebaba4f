"""How a call was refused, read whole: code, text, and google.rpc details."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2


@dataclass(frozen=True)
class Refusal:
    """A status that is not OK."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """BadRequest: field to description."""
    retry_seconds: float | None = None
    details: bytes = b""
    """grpc-status-details-bin as sent."""

    @staticmethod
    def of(error: grpc.aio.AioRpcError) -> Refusal:
        """What an error says."""
        trailing = dict(error.trailing_metadata() or ())
        details: Any = trailing.get("grpc-status-details-bin", b"")
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        has_retry = False
        for detail in status_pb2.Status.FromString(details).details:
            detail.Unpack(info) or detail.Unpack(bad)
            has_retry = detail.Unpack(retry) or has_retry
        return Refusal(
            error.code(),
            error.details() or "",
            info.reason,
            info.domain,
            dict(info.metadata),
            {violation.field: violation.description for violation in bad.field_violations},
            retry.retry_delay.ToTimedelta().total_seconds() if has_retry else None,
            details,
        )

    def __str__(self) -> str:
        return f"{self.code.name}/{self.reason}"


async def refused(call: Awaitable[Any]) -> Refusal:
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return Refusal.of(raised.value)
