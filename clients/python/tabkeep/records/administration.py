"""Hosts, keys, credentials, usage and webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tabkeep.records.sessions import BrowserType


class HostState(StrEnum):
    """Where a host is in its life."""

    READY = "ready"
    SUSPECT = "suspect"
    LOST = "lost"
    DRAINING = "draining"
    GONE = "gone"
    RECOVERING = "recovering"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"


class KeyScope(StrEnum):
    """What a key may do."""

    API = "api"
    CDP = "cdp"
    OPERATOR = "operator"
    HOST = "host"
    UNKNOWN = "unknown"


class WebhookDeliveryState(StrEnum):
    """Where a webhook delivery is."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class BrowserOffer:
    """A browser that a host can run."""

    browser_type: BrowserType
    version: str


@dataclass(frozen=True, slots=True)
class ExtensionOffer:
    """An extension that a host can load into a session's browser."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostIsolation:
    """How a host keeps the browsers of its sessions apart, beside Chromium's sandbox; a limit of 0 is none."""

    user_per_session: bool
    session_memory_limit_bytes: int
    session_task_limit: int
    session_cpu_percent_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine that runs browsers."""

    host_id: str
    state: HostState
    state_message: str
    capacity: int
    sessions: int
    browsers: tuple[BrowserOffer, ...]
    build: str
    incarnation: str
    attach_time: datetime | None
    heartbeat_time: datetime | None
    drain_expire_time: datetime | None
    sandboxed: bool
    extensions: tuple[ExtensionOffer, ...]
    isolation: HostIsolation
    load_average: float
    available_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A stored login without its secrets."""

    credential_id: str
    organization_id: str
    origin: str
    username: str
    has_totp: bool
    create_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key without its text."""

    key_id: str
    organization_id: str | None
    scope: KeyScope
    display_name: str
    create_time: datetime
    revoke_time: datetime | None
    host_id: str | None = None
    """Of a host token: the host it is for, "*" for any; None until the first host has attached with it."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its text, which is shown only here."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out, so that it does not end up in logs."""
        return f"CreatedKey(key={self.key!r}, secret='***')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one organization used in one calendar month, in UTC."""

    organization_id: str
    month: str
    session_time: timedelta
    session_minutes: int
    session_count: int
    open_session_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAttempt:
    """One try to send a delivery."""

    attempt: int
    create_time: datetime
    duration: timedelta
    status_code: int | None
    error: str | None
    response_body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One telling of one run's end; in lists without its attempts."""

    webhook_delivery_id: str
    run_id: str
    webhook_url: str
    state: WebhookDeliveryState
    replay: bool
    attempt_count: int
    create_time: datetime
    next_attempt_time: datetime | None
    end_time: datetime | None
    attempts: tuple[WebhookAttempt, ...]
