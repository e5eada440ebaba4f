"""Sends webhooks that are due, until each is delivered or given up. The only part of the control plane that dials out.

What is due stands in the database, so a restart goes on where the last one ended; an attempt whose outcome was not
stored is made again. A name is resolved once for each attempt, every address that it has must be allowed, and the
address that was checked is the one that is dialled. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import random
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from tabkeep import telemetry

from control_plane import webhook_addresses
from control_plane.coordinator import Coordinator
from control_plane.entities import webhooks
from control_plane.entities.runs import Run
from control_plane.entities.webhooks import Attempt, Delivery, Destination
from control_plane.errors import DataLoss
from control_plane.live.feed import WEBHOOKS_DUE
from control_plane.moves import webhook_moves
from control_plane.sealing.seals import Seals
from control_plane.webhook_addresses import Address

logger = logging.getLogger(__name__)
_ATTEMPTS = telemetry.meter().create_counter("tabkeep.webhook.attempts", description="Attempts to send webhooks.")

_ATTEMPT_SECONDS = 10.0
_AT_ONCE = 64
_AT_ONCE_PER_ORGANIZATION = 8
"""So that one organization's slow receivers do not hold up the others'."""
_ANSWER_BYTES = 2048
_LOOK_AGAIN_SECONDS = 60.0
_AFTER_FAILED_STORE_SECONDS = 5.0
_LONGEST_ASKED = timedelta(hours=1)


class _NotTried(Exception):
    """An attempt that was not made, or brought no answer; the text is for the caller."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class WebhookDeliverer:
    """Runs while `serve` does. `body_of` makes the body of a final run."""

    def __init__(self, coordinator: Coordinator, seals: Seals, pepper: bytes, body_of: Callable[[Run], bytes]) -> None:
        self._coordinator = coordinator
        self._seals = seals
        self._pepper = pepper
        self._body_of = body_of
        self._chance = random.Random()
        self._in_flight: dict[str, str] = {}
        """Organization ids by delivery id."""

    async def serve(self) -> None:
        """Send what is due, until cancelled; what is being sent then is sent again after the next start."""
        # No connection is kept: they are told apart by address only, and two names at one address must not share one.
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=0)
        async with (
            httpx.AsyncClient(
                verify=ssl.create_default_context(),
                trust_env=False,
                follow_redirects=False,
                limits=limits,
                timeout=None,
            ) as client,
            asyncio.TaskGroup() as sending,
        ):
            with self._coordinator.feed.watch(WEBHOOKS_DUE) as stored:
                while not self._coordinator.feed.closing:
                    stored.clear()
                    try:
                        seconds = await self._begin_what_is_due(client, sending)
                    except Exception:
                        logger.exception("webhooks not read")
                        seconds = _AFTER_FAILED_STORE_SECONDS
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await stored.wait()

    async def _begin_what_is_due(self, client: httpx.AsyncClient, sending: asyncio.TaskGroup) -> float:
        """Start an attempt for what is due and has room; returns the seconds until there is more."""
        now = self._coordinator.clock.now()
        counts = Counter(self._in_flight.values())
        busy = [organization for organization, count in counts.items() if count >= _AT_ONCE_PER_ORGANIZATION]
        room, without = _AT_ONCE - len(self._in_flight), list(self._in_flight)
        due, next_time = await self._coordinator.database.read(
            lambda tables: (
                tables.webhooks.due(now, room, without=without, busy=busy),
                tables.webhooks.next_due_time(now),
            )
        )
        for delivery in due:
            if counts[delivery.organization_id] >= _AT_ONCE_PER_ORGANIZATION:
                continue
            counts[delivery.organization_id] += 1
            self._in_flight[delivery.webhook_delivery_id] = delivery.organization_id
            sending.create_task(self._deliver(client, delivery), name=f"webhook {delivery.webhook_delivery_id}")
        wait = (next_time - self._coordinator.clock.now()).total_seconds() if next_time else _LOOK_AGAIN_SECONDS
        return min(max(wait, 0.0), _LOOK_AGAIN_SECONDS)

    async def _deliver(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        try:
            await self._attempt(client, delivery)
        except Exception:
            # Not stored: it is due still, and will be sent again. Not at once, the fault may last.
            logger.exception("webhook attempt not stored", extra={"webhook_delivery_id": delivery.webhook_delivery_id})
            await asyncio.sleep(_AFTER_FAILED_STORE_SECONDS)
        finally:
            self._in_flight.pop(delivery.webhook_delivery_id, None)
            self._coordinator.feed.wake(WEBHOOKS_DUE)

    async def _attempt(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        clock = self._coordinator.clock
        begun, since = clock.now(), clock.monotonic()
        status_code, error, answer, final, asked = 0, "", "", False, timedelta()
        try:
            destination = webhooks.opened(self._seals, delivery)
        except DataLoss as broken:
            destination, error, final = Destination("", ""), broken.message, True
        else:
            try:
                async with asyncio.timeout(_ATTEMPT_SECONDS):
                    response, answer = await self._send(client, delivery, destination)
                status_code, error = response.status_code, _refused(response)
                asked = _asked_to_wait(response, clock.now())
            except TimeoutError:
                error = f"no complete answer within {_ATTEMPT_SECONDS:g}s"
            except _NotTried as reason:
                error, final = str(reason), reason.final
            except httpx.HTTPError as failure:
                error = f"no answer: {type(failure).__name__}: {failure}"[:500]
            except Exception:
                # It counts like the others: what is wrong with this one would be wrong with it for ever.
                logger.exception("webhook not sent", extra={"webhook_delivery_id": delivery.webhook_delivery_id})
                error = "not sent: a fault of the control plane, its log has the cause"
        attempt = Attempt(
            webhook_delivery_id=delivery.webhook_delivery_id,
            attempt=delivery.attempt_count + 1,
            create_time=begun,
            duration=timedelta(seconds=clock.monotonic() - since),
            status_code=status_code,
            error=error,
            response_body=answer,
        )
        _ATTEMPTS.add(1, {"delivered": not error})
        pause = webhooks.pause(self._coordinator.config.webhook_first_pause, attempt.attempt, self._chance.random())
        await self._coordinator.move(
            webhook_moves.attempted,
            delivery.webhook_delivery_id,
            attempt,
            final=final,
            next_pause=max(pause, asked),
            sealed_without_key=Destination(destination.url, "").sealed(self._seals, delivery.organization_id),
        )

    async def _send(
        self, client: httpx.AsyncClient, delivery: Delivery, destination: Destination
    ) -> tuple[httpx.Response, str]:
        run = await self._coordinator.database.read(lambda tables: tables.runs.get(delivery.run_id))
        if run is None:
            raise _NotTried(f"run {delivery.run_id} does not exist any more", final=True)
        try:
            url = httpx.URL(destination.url)
        except httpx.InvalidURL as error:
            raise _NotTried(f"not sent: the URL is none: {error}", final=True) from error
        address = await self._address(destination.url, url)
        body = self._body_of(run)
        secret = webhooks.secret_of(self._pepper, delivery.organization_id)
        headers = webhooks.headers(
            delivery.webhook_delivery_id, self._coordinator.clock.now(), body, destination.api_key, secret
        )
        pinned = client.stream(
            "POST",
            url.copy_with(host=str(address)),
            content=body,
            headers={**headers, "host": url.netloc.decode("ascii"), "user-agent": "tabkeep-webhooks"},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        answer = b""
        async with pinned as response:
            with contextlib.suppress(httpx.HTTPError):  # the status was said; a body that breaks off changes nothing
                async for piece in response.aiter_raw(_ANSWER_BYTES):
                    answer += piece
                    if len(answer) >= _ANSWER_BYTES:
                        break
            return response, answer[:_ANSWER_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")

    async def _address(self, text: str, url: httpx.URL) -> Address:
        """The address to dial: the first one of the URL's name, all of them being allowed."""
        allowed = self._coordinator.config.webhook_networks
        if refusal := webhook_addresses.url_refusal(text, allowed):
            raise _NotTried(f"not sent: {refusal}", final=True)
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self._resolve(url.raw_host.decode("ascii"), port)
        for address in addresses:
            if refusal := webhook_addresses.refusal(address, port, allowed):
                raise _NotTried(f"not sent: {refusal}", final=True)
        return addresses[0]

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise _NotTried(f"{host} cannot be resolved: {error.strerror or error}") from error
        except UnicodeError as error:
            raise _NotTried(f"{host[:300]} is not a name that can be resolved", final=True) from error
        return [ipaddress.ip_address(str(target[0]).partition("%")[0]) for *_, target in found]


def _refused(response: httpx.Response) -> str:
    """Why an answer does not count; "" if it does."""
    if response.is_success:
        return ""
    if response.has_redirect_location:
        return f"answered {response.status_code}: redirects are not followed, give the final URL"
    return f"answered {response.status_code}"


def _asked_to_wait(response: httpx.Response, now: datetime) -> timedelta:
    """What a receiver asks for with Retry-After, in seconds or as a date: at most an hour."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        asked = timedelta(seconds=int(text[:10]))
    else:
        try:
            asked = parsedate_to_datetime(text).replace(tzinfo=UTC) - now
        except (ValueError, OverflowError):
            asked = timedelta()
    return min(max(asked, timedelta()), _LONGEST_ASKED)
