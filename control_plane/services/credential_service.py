"""CredentialService: convert, move or read, convert back. Secrets go in and never out."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import credentials_pb2 as pb
from tabkeep.v1 import credentials_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import credentials
from control_plane.entities.credentials import Credential, Login
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.moves import credential_moves
from control_plane.sealing.vault import Vault
from control_plane.wire.request_ids import request_id
from control_plane.wire.times import NO_TIME, set_time

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class CredentialService(pb_grpc.CredentialServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, vault: Vault) -> None:
        self._coordinator = coordinator
        self._vault = vault

    async def CreateCredential(
        self, request: pb.CreateCredentialRequest, context: Context
    ) -> pb.CreateCredentialResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        origin = _origin(fields, request.origin, required=True)
        fields.text("username", request.username, 500, required=True)
        fields.text("password", request.password, 1000)
        if not request.password:
            fields.wrong("password", "must not be empty")
        if request.totp_secret:
            try:
                credentials.totp_key(request.totp_secret)
            except ValueError as error:
                fields.wrong("totp_secret", f"{error}: give the base32 seed that the site shows, 16 characters or more")
        again = request_id(fields, organization_id, "CreateCredential", request)
        fields.raise_if_wrong()
        empty = Credential(
            credential_id="",
            organization_id=organization_id,
            origin=origin,
            username=request.username,
            has_totp=bool(request.totp_secret),
            key_id="",
            wrapped_key=b"",
            ciphertext=b"",
            create_time=NO_TIME,
        )
        credential = Login(request.password, request.totp_secret).sealed_in(self._vault, empty)
        made = await self._coordinator.admit(credential_moves.create, credential, again)
        return pb.CreateCredentialResponse(credential=_shown(made))

    async def ListCredentials(self, request: pb.ListCredentialsRequest, context: Context) -> pb.ListCredentialsResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        origin = _origin(fields, request.origin, required=False)
        fields.raise_if_wrong()

        found = await self._coordinator.database.read(
            lambda tables: (
                tables.credentials.of_origin(organization_id, origin)
                if origin
                else tables.credentials.of_organization(organization_id)
            )
        )
        return pb.ListCredentialsResponse(credentials=[_shown(one) for one in found])

    async def DeleteCredential(
        self, request: pb.DeleteCredentialRequest, context: Context
    ) -> pb.DeleteCredentialResponse:
        await self._coordinator.move(credential_moves.delete, caller.get().organization_id, request.credential_id)
        return pb.DeleteCredentialResponse()


def _origin(fields: Fields, url: str, *, required: bool) -> str:
    if not url and not required:
        return ""
    origin = credentials.origin_of(url)
    if not origin:
        fields.wrong("origin", f"{url[:100]!r} is no http or https URL: give the login page's, for example")
    return origin


def _shown(credential: Credential) -> pb.Credential:
    proto = pb.Credential(
        credential_id=credential.credential_id,
        organization_id=credential.organization_id,
        origin=credential.origin,
        username=credential.username,
        has_totp=credential.has_totp,
    )
    set_time(proto.create_time, credential.create_time)
    return proto
