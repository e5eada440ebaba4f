"""Hosts, keys, credentials, usage and webhooks."""

from __future__ import annotations

from tabkeep.records.administration import (
    BrowserOffer,
    CreatedKey,
    Credential,
    ExtensionOffer,
    Host,
    HostIsolation,
    HostState,
    Key,
    KeyScope,
    Usage,
    WebhookAttempt,
    WebhookDelivery,
    WebhookDeliveryState,
)
from tabkeep.records.sessions import BrowserType
from tabkeep.v1 import credentials_pb2, hosts_pb2, keys_pb2, usage_pb2, webhooks_pb2
from tabkeep.wire.enums import enum_of
from tabkeep.wire.values import optional_timestamp, timestamp


def host(message: hosts_pb2.Host) -> Host:
    """Return a host."""
    return Host(
        host_id=message.host_id,
        state=enum_of(HostState, message.state),
        state_message=message.state_message,
        capacity=message.capacity,
        sessions=message.sessions,
        browsers=tuple(BrowserOffer(enum_of(BrowserType, b.browser_type), b.version) for b in message.browsers),
        build=message.build,
        incarnation=message.incarnation,
        attach_time=optional_timestamp(message, "attach_time"),
        heartbeat_time=optional_timestamp(message, "heartbeat_time"),
        drain_expire_time=optional_timestamp(message, "drain_expire_time"),
        sandboxed=message.sandboxed,
        extensions=tuple(ExtensionOffer(e.name, e.version, e.sha256) for e in message.extensions),
        isolation=HostIsolation(
            user_per_session=message.isolation.user_per_session,
            session_memory_limit_bytes=message.isolation.session_memory_limit_bytes,
            session_task_limit=message.isolation.session_task_limit,
            session_cpu_percent_limit=message.isolation.session_cpu_percent_limit,
        ),
        load_average=message.load_average,
        available_memory_bytes=message.available_memory_bytes,
    )


def key(message: keys_pb2.Key) -> Key:
    """Return a key without its text."""
    return Key(
        key_id=message.key_id,
        organization_id=message.organization_id or None,
        scope=enum_of(KeyScope, message.scope),
        display_name=message.display_name,
        create_time=timestamp(message.create_time),
        revoke_time=optional_timestamp(message, "revoke_time"),
        host_id=message.host_id or None,
    )


def credential(message: credentials_pb2.Credential) -> Credential:
    """Return a stored login."""
    return Credential(
        credential_id=message.credential_id,
        organization_id=message.organization_id,
        origin=message.origin,
        username=message.username,
        has_totp=message.has_totp,
        create_time=timestamp(message.create_time),
    )


def created_key(message: keys_pb2.CreateKeyResponse) -> CreatedKey:
    """Return a new key with its text."""
    return CreatedKey(key(message.key), message.secret)


def usage(message: usage_pb2.Usage) -> Usage:
    """Return what was used."""
    return Usage(
        organization_id=message.organization_id,
        month=message.month,
        session_time=message.session_time.ToTimedelta(),
        session_minutes=message.session_minutes,
        session_count=message.session_count,
        open_session_count=message.open_session_count,
    )


def webhook_delivery(message: webhooks_pb2.WebhookDelivery) -> WebhookDelivery:
    """Return a delivery with what it holds of its attempts."""
    return WebhookDelivery(
        webhook_delivery_id=message.webhook_delivery_id,
        run_id=message.run_id,
        webhook_url=message.webhook_url,
        state=enum_of(WebhookDeliveryState, message.state),
        replay=message.replay,
        attempt_count=message.attempt_count,
        create_time=timestamp(message.create_time),
        next_attempt_time=optional_timestamp(message, "next_attempt_time"),
        end_time=optional_timestamp(message, "end_time"),
        attempts=tuple(
            WebhookAttempt(
                attempt=attempt.attempt,
                create_time=timestamp(attempt.create_time),
                duration=attempt.duration.ToTimedelta(),
                status_code=attempt.status_code or None,
                error=attempt.error or None,
                response_body=attempt.response_body,
            )
            for attempt in message.attempts
        ),
    )
