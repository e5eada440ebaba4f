"""The life of a webhook delivery, what an attempt makes of it, and how it is signed. Pure; no I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from control_plane.sealing.seals import Seals


class DeliveryState(StrEnum):
    """Where a delivery is; the meaning of each is the proto's."""

    WAITING = "waiting"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as stored."""

    webhook_delivery_id: str
    organization_id: str
    run_id: str
    state: DeliveryState
    replay: bool
    sealed: bytes
    """A sealed Destination."""
    attempt_count: int
    create_time: datetime
    due_time: datetime | None
    end_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to send a delivery."""

    webhook_delivery_id: str
    attempt: int
    create_time: datetime
    duration: timedelta
    status_code: int
    """0: no answer."""
    error: str
    """Empty: delivered."""
    response_body: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a delivery goes, and under which key `x-skyvern-signature` is made."""

    url: str
    api_key: str
    """The text of the key that the run was started with; empty once the delivery is over."""

    def sealed(self, seals: Seals, organization_id: str) -> bytes:
        """The destination as it is stored: encrypted, because both parts are secrets of the caller."""
        return seals.seal(organization_id, json.dumps([self.url, self.api_key]).encode())


def opened(seals: Seals, delivery: Delivery) -> Destination:
    """The destination of a delivery."""
    url, api_key = json.loads(seals.open(delivery.organization_id, delivery.sealed))
    return Destination(url, api_key)


MAX_ATTEMPTS = 10
_LONGEST_PAUSE = timedelta(hours=4)
_ANSWERS_WORTH_ANOTHER_TRY = (403, 408, 425, 429)


def pause(first: timedelta, attempts: int, chance: float) -> timedelta:
    """How long to wait after this many attempts: `first`, then three times as long each time, up to 4 hours.

    `chance` in [0, 1) adds up to a quarter, so that what failed together does not come again together.
    """
    return min(first * 3.0 ** (attempts - 1), _LONGEST_PAUSE) * (1 + chance / 4)


def worth_another_try(attempt: Attempt) -> bool:
    """Whether the same request may be taken later: no answer, an overloaded receiver, or one that is not up yet."""
    return attempt.status_code == 0 or attempt.status_code in _ANSWERS_WORTH_ANOTHER_TRY or attempt.status_code >= 500


def attempted(delivery: Delivery, attempt: Attempt, *, final: bool, next_pause: timedelta, now: datetime) -> Delivery:
    """The delivery after an attempt; `final` is said of a failure that no later try can mend."""
    count = delivery.attempt_count + 1
    if not attempt.error:
        return replace(delivery, state=DeliveryState.DELIVERED, attempt_count=count, due_time=None, end_time=now)
    if final or count >= MAX_ATTEMPTS or not worth_another_try(attempt):
        return replace(delivery, state=DeliveryState.FAILED, attempt_count=count, due_time=None, end_time=now)
    return replace(delivery, attempt_count=count, due_time=now + next_pause)


def secret_of(pepper: bytes, organization_id: str) -> bytes:
    """The 32 bytes under which the organization's deliveries carry `webhook-signature`."""
    return hmac.digest(pepper, f"tabkeep webhook secret v1\0{organization_id}".encode(), hashlib.sha256)


def secret_text(secret: bytes) -> str:
    """The secret as Standard Webhooks writes it."""
    return "whsec_" + b64encode(secret).decode()


def headers(webhook_delivery_id: str, now: datetime, body: bytes, api_key: str, secret: bytes) -> dict[str, str]:
    """The headers of an attempt at `now`, both signatures among them.

    `webhook-signature` covers the id, the time and the body, as Standard Webhooks has it: an old request that is sent
    again can be told. `x-skyvern-signature` covers the body alone, as the clients that know it expect.
    """
    seconds = str(int(now.timestamp()))
    signed = b".".join((webhook_delivery_id.encode(), seconds.encode(), body))
    return {
        "content-type": "application/json",
        "webhook-id": webhook_delivery_id,
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode(),
        "x-skyvern-timestamp": seconds,
        "x-skyvern-signature": hmac.new(api_key.encode(), body, hashlib.sha256).hexdigest(),
    }
