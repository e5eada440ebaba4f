"""Calls about hosts, keys, stored logins, usage and webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

from tabkeep import wire
from tabkeep.client.connection import PAGE_SIZE, Connection, new_request_id
from tabkeep.records.administration import (
    CreatedKey,
    Credential,
    Host,
    Key,
    KeyScope,
    Usage,
    WebhookDelivery,
    WebhookDeliveryState,
)
from tabkeep.v1 import (
    credentials_pb2,
    hosts_pb2,
    keys_pb2,
    usage_pb2,
    webhooks_pb2,
)


class AdministrationCalls(Connection):
    """Calls about hosts, keys, stored logins, usage and webhooks."""

    async def list_hosts(self) -> list[Host]:
        """Return all hosts that ever attached and were not gone for more than 24 hours."""
        answer = await self._calls.unary(
            "HostService/ListHosts", hosts_pb2.ListHostsRequest(), hosts_pb2.ListHostsResponse
        )
        return [wire.host(host) for host in answer.hosts]

    async def get_host(self, host_id: str) -> Host:
        """Return one host; NotFound when it never attached."""
        request = hosts_pb2.GetHostRequest(host_id=host_id)
        answer = await self._calls.unary("HostService/GetHost", request, hosts_pb2.GetHostResponse)
        return wire.host(answer.host)

    async def drain_host(self, host_id: str, *, drain_timeout: timedelta | None = None) -> Host:
        """Take a host out of service; its sessions may go on for `drain_timeout`, 10 minutes when not given.

        Raises:
            HostNotAttached: it is lost or gone.
        """
        request = hosts_pb2.DrainHostRequest(host_id=host_id)
        if drain_timeout is not None:
            request.drain_timeout.CopyFrom(wire.to_duration(drain_timeout, "drain_timeout"))
        answer = await self._calls.unary("HostService/DrainHost", request, hosts_pb2.DrainHostResponse)
        return wire.host(answer.host)

    async def release_host(self, host_id: str) -> Host:
        """End a host's quarantine; one that is in none is returned as it is. NotFound when it never attached."""
        request = hosts_pb2.ReleaseHostRequest(host_id=host_id)
        answer = await self._calls.unary("HostService/ReleaseHost", request, hosts_pb2.ReleaseHostResponse)
        return wire.host(answer.host)

    async def create_key(
        self,
        *,
        organization_id: str | None = None,
        scope: KeyScope | str = KeyScope.API,
        display_name: str = "",
        host_id: str | None = None,
    ) -> CreatedKey:
        """Make a key; its text is in the answer and shown nowhere else. A host token has no organization.

        `host_id` names the host that a host token is for, "*" any; without, it is the first one's that attaches with
        it.
        Not repeated when the connection breaks: that would make another key.
        """
        request = keys_pb2.CreateKeyRequest(
            organization_id=organization_id or "",
            scope=wire.enum_to_proto(KeyScope, scope),
            display_name=display_name,
            host_id=host_id or "",
        )
        answer = await self._calls.unary("KeyService/CreateKey", request, keys_pb2.CreateKeyResponse)
        return wire.created_key(answer)

    async def list_keys(self) -> list[Key]:
        """Return all keys without their texts, newest first."""
        answer = await self._calls.unary("KeyService/ListKeys", keys_pb2.ListKeysRequest(), keys_pb2.ListKeysResponse)
        return [wire.key(key) for key in answer.keys]

    async def revoke_key(self, key_id: str) -> Key:
        """Revoke a key: calls with it are refused from now on.

        Raises:
            LastOperatorKey: nobody could make keys any more.
        """
        request = keys_pb2.RevokeKeyRequest(key_id=key_id)
        answer = await self._calls.unary("KeyService/RevokeKey", request, keys_pb2.RevokeKeyResponse)
        return wire.key(answer.key)

    async def create_credential(
        self,
        origin: str,
        username: str,
        password: str,
        *,
        totp_secret: str | None = None,
        request_id: str | None = None,
    ) -> Credential:
        """Store a login for the origin of a URL; nobody can read its password again.

        `totp_secret` is the base32 seed of its one-time codes, if it has any.

        Raises:
            InvalidArgument: a field is wrong.
            AlreadyExists: there is one for this origin and username.
        """
        request = credentials_pb2.CreateCredentialRequest(
            origin=origin,
            username=username,
            password=password,
            totp_secret=totp_secret or "",
            request_id=request_id or new_request_id(),
        )
        answer = await self._calls.unary(
            "CredentialService/CreateCredential", request, credentials_pb2.CreateCredentialResponse
        )
        return wire.credential(answer.credential)

    async def list_credentials(self, origin: str | None = None) -> list[Credential]:
        """Return the stored logins, or those for the origin of a URL."""
        request = credentials_pb2.ListCredentialsRequest(origin=origin or "")
        answer = await self._calls.unary(
            "CredentialService/ListCredentials", request, credentials_pb2.ListCredentialsResponse
        )
        return [wire.credential(one) for one in answer.credentials]

    async def delete_credential(self, credential_id: str) -> None:
        """Delete a stored login.

        Raises:
            NotFound: no such credential in the caller's organization.
        """
        request = credentials_pb2.DeleteCredentialRequest(credential_id=credential_id)
        await self._calls.unary("CredentialService/DeleteCredential", request, credentials_pb2.DeleteCredentialResponse)

    async def get_usage(self, month: str | None = None, *, organization_id: str | None = None) -> Usage:
        """Return what an organization used in a month ("2026-11", in UTC; the present one unless told).

        Raises:
            InvalidArgument: not a month.
            PermissionDenied: another organization's usage, asked for without the operator scope.
        """
        request = usage_pb2.GetUsageRequest(month=month or "", organization_id=organization_id or "")
        answer = await self._calls.unary("UsageService/GetUsage", request, usage_pb2.GetUsageResponse)
        return wire.usage(answer.usage)

    async def list_webhook_deliveries(
        self,
        *,
        run_id: str | None = None,
        states: Iterable[WebhookDeliveryState | str] = (),
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[WebhookDelivery]:
        """Yield the organization's webhook deliveries without their attempts, newest first."""
        request = webhooks_pb2.ListWebhookDeliveriesRequest(
            page_size=page_size,
            run_id=run_id or "",
            states=[wire.enum_to_proto(WebhookDeliveryState, state) for state in states],
        )
        while True:
            page = await self._calls.unary(
                "WebhookService/ListWebhookDeliveries", request, webhooks_pb2.ListWebhookDeliveriesResponse
            )
            for delivery in page.webhook_deliveries:
                yield wire.webhook_delivery(delivery)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def get_webhook_delivery(self, webhook_delivery_id: str) -> WebhookDelivery:
        """Return a delivery with all its attempts.

        Raises:
            NotFound: no such delivery in the caller's organization.
        """
        request = webhooks_pb2.GetWebhookDeliveryRequest(webhook_delivery_id=webhook_delivery_id)
        answer = await self._calls.unary(
            "WebhookService/GetWebhookDelivery", request, webhooks_pb2.GetWebhookDeliveryResponse
        )
        return wire.webhook_delivery(answer.webhook_delivery)

    async def replay_webhook(
        self, run_id: str, *, webhook_url: str | None = None, wait_timeout: timedelta | None = None
    ) -> WebhookDelivery:
        """Tell the end of a run again, where its last delivery went unless `webhook_url` says otherwise.

        With `wait_timeout` (at most 30 s) the answer has the first attempt in it.

        Raises:
            FailedPrecondition: the run is not final, or has no webhook.
        """
        request = webhooks_pb2.ReplayWebhookRequest(run_id=run_id, webhook_url=webhook_url or "")
        if wait_timeout is not None:
            request.wait_timeout.CopyFrom(wire.to_duration(wait_timeout, "wait_timeout"))
        answer = await self._calls.unary(
            "WebhookService/ReplayWebhook",
            request,
            webhooks_pb2.ReplayWebhookResponse,
            extra_seconds=wait_timeout.total_seconds() if wait_timeout else 0.0,
        )
        return wire.webhook_delivery(answer.webhook_delivery)

    async def get_webhook_secret(self) -> str:
        """Return the secret under which the organization's webhooks carry `webhook-signature`."""
        answer = await self._calls.unary(
            "WebhookService/GetWebhookSecret",
            webhooks_pb2.GetWebhookSecretRequest(),
            webhooks_pb2.GetWebhookSecretResponse,
        )
        return answer.secret
