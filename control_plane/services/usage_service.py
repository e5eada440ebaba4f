"""UsageService: read and convert."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import usage_pb2 as pb
from tabkeep.v1 import usage_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities.keys import Scope
from control_plane.errors import ScopeMissing
from control_plane.fields import Fields
from control_plane.interceptors import caller

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")


class UsageService(pb_grpc.UsageServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        fields, key = Fields(), caller.get()
        organization_id = fields.text("organization_id", request.organization_id, 100) or key.organization_id
        now = self._coordinator.clock.now()
        start, end = _month(fields, request.month or f"{now:%Y-%m}")
        fields.raise_if_wrong()
        if organization_id != key.organization_id and key.scope is not Scope.OPERATOR:
            raise ScopeMissing(
                f"this key is one of {key.organization_id}: the usage of another organization needs a key with the "
                "operator scope"
            )
        used = await self._coordinator.database.read(
            lambda tables: tables.usage.of_sessions(organization_id, start, end, now)
        )
        usage = pb.Usage(
            organization_id=organization_id,
            month=f"{start:%Y-%m}",
            session_minutes=math.ceil(used.session_time / timedelta(minutes=1)),
            session_count=used.session_count,
            open_session_count=used.open_session_count,
        )
        usage.session_time.FromTimedelta(used.session_time)
        return pb.GetUsageResponse(usage=usage)


def _month(fields: Fields, text: str) -> tuple[datetime, datetime]:
    """The month's first moment and the next month's."""
    matched = _MONTH.fullmatch(text)
    if matched is None:
        fields.wrong("month", f"{text[:50]!r} is not a month: write it like 2026-11")
        return datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    year, month = int(matched[1]), int(matched[2])
    return (
        datetime(year, month, 1, tzinfo=UTC),
        datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC),
    )
