"""HostSecretService: hands the login for a page to the host that carries out the run."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from tabkeep.host.v1 import host_pb2
from tabkeep.host.v1 import host_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import credentials, keys
from control_plane.interceptors import caller
from control_plane.moves import credential_moves
from control_plane.sealing.vault import Vault

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class HostSecretService(pb_grpc.HostSecretServiceServicer):
    """See the proto for what the call does."""

    def __init__(self, coordinator: Coordinator, vault: Vault) -> None:
        self._coordinator = coordinator
        self._vault = vault

    async def GetCredential(
        self, request: host_pb2.GetCredentialRequest, context: Context
    ) -> host_pb2.GetCredentialResponse:
        keys.refuse_other_host(caller.get(), request.host_id)
        credential = await self._coordinator.database.read(
            lambda tables: credential_moves.for_run(
                tables,
                request.host_id,
                request.browser_session_id,
                request.fence,
                request.run_id,
                credentials.origin_of(request.origin),
                request.username,
            )
        )
        login = credentials.opened(self._vault, credential)
        now = self._coordinator.clock.now()
        code = credentials.one_time_code(login.totp_secret, now) if login.totp_secret else ""
        return host_pb2.GetCredentialResponse(username=credential.username, password=login.password, one_time_code=code)
