"""KeyService: convert, move or read, convert back."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import keys_pb2 as pb
from tabkeep.v1 import keys_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import keys
from control_plane.entities.hosts import HOST_ID
from control_plane.entities.keys import Key, Scope
from control_plane.fields import Fields
from control_plane.moves import key_moves
from control_plane.wire.enums import EnumPair
from control_plane.wire.times import set_time

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_SCOPE = EnumPair(pb.KeyScope, "KEY_SCOPE_")
_ORGANIZATION_ID = re.compile(r"o_[a-z0-9_]{1,60}")


class KeyService(pb_grpc.KeyServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, pepper: bytes) -> None:
        self._coordinator = coordinator
        self._pepper = pepper

    async def CreateKey(self, request: pb.CreateKeyRequest, context: Context) -> pb.CreateKeyResponse:
        fields = Fields()
        scope = _scope(fields, request.scope)
        if scope is Scope.HOST and request.organization_id:
            fields.wrong("organization_id", "must be empty for a host token")
        if scope is not Scope.HOST and not _ORGANIZATION_ID.fullmatch(request.organization_id):
            fields.wrong("organization_id", "must be 'o_' and 1 to 60 lower-case letters, digits or '_'")
        if request.host_id and scope is not Scope.HOST:
            fields.wrong("host_id", "is for host tokens only")
        elif request.host_id and request.host_id != keys.ANY_HOST and not HOST_ID.fullmatch(request.host_id):
            fields.wrong("host_id", "must be 1 to 100 letters, digits, '.', '_' or '-', or '*' for any host")
        fields.text("display_name", request.display_name, 200)
        fields.raise_if_wrong()
        key, secret = keys.make(
            self._pepper,
            request.organization_id,
            scope,
            request.display_name,
            self._coordinator.clock.now(),
            request.host_id,
        )
        await self._coordinator.admit(key_moves.add, key)
        return pb.CreateKeyResponse(key=_shown(key), secret=secret)

    async def ListKeys(self, request: pb.ListKeysRequest, context: Context) -> pb.ListKeysResponse:
        found = await self._coordinator.database.read(lambda tables: tables.keys.all())
        return pb.ListKeysResponse(keys=[_shown(key) for key in found])

    async def RevokeKey(self, request: pb.RevokeKeyRequest, context: Context) -> pb.RevokeKeyResponse:
        key = await self._coordinator.move(key_moves.revoke, request.key_id)
        return pb.RevokeKeyResponse(key=_shown(key))


def _scope(fields: Fields, value: int) -> Scope:
    """A key's scope; API when not given."""
    name = _SCOPE.name(value)
    if value and not name:
        fields.wrong("scope", f"{value} is unknown: use API, CDP, OPERATOR or HOST")
    return Scope(name or "api")


def _shown(key: Key) -> pb.Key:
    """A key without its text."""
    proto = pb.Key(
        key_id=key.key_id,
        organization_id=key.organization_id,
        scope=_SCOPE.value(key.scope.value),
        display_name=key.display_name,
        host_id=key.host_id,
    )
    proto.create_time.FromDatetime(key.create_time)
    set_time(proto.revoke_time, key.revoke_time)
    return proto
