"""WebhookService: convert, move or read, convert back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from tabkeep.v1 import webhooks_pb2 as pb
from tabkeep.v1 import webhooks_pb2_grpc as pb_grpc

from control_plane.coordinator import Coordinator
from control_plane.entities import webhooks
from control_plane.entities.webhooks import Attempt, Delivery, DeliveryState
from control_plane.errors import PreconditionFailed
from control_plane.fields import Fields
from control_plane.interceptors import caller
from control_plane.moves import run_moves, webhook_moves
from control_plane.page_tokens import PageTokens
from control_plane.sealing.seals import Seals
from control_plane.store import DeliveryFilter, Tables
from control_plane.webhook_destinations import sealed_webhook
from control_plane.wire.enums import EnumPair, statuses
from control_plane.wire.times import set_time

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_STATE = EnumPair(pb.WebhookDeliveryState, "WEBHOOK_DELIVERY_STATE_")


class WebhookService(pb_grpc.WebhookServiceServicer):
    """See the proto for what each call does."""

    def __init__(self, coordinator: Coordinator, page_tokens: PageTokens, seals: Seals, pepper: bytes) -> None:
        self._coordinator = coordinator
        self._database = coordinator.database
        self._page_tokens = page_tokens
        self._seals = seals
        self._pepper = pepper

    async def ListWebhookDeliveries(
        self, request: pb.ListWebhookDeliveriesRequest, context: Context
    ) -> pb.ListWebhookDeliveriesResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        size = fields.page_size(request.page_size)
        matching = DeliveryFilter(request.run_id, statuses(fields, "states", _STATE, DeliveryState, request.states))
        before = self._page_tokens.read(fields, request, organization_id)
        fields.raise_if_wrong()
        found = await self._database.read(
            lambda tables: tables.webhooks.page(organization_id, matching, before, size + 1)
        )
        last = found[size - 1].webhook_delivery_id if len(found) > size else ""
        return pb.ListWebhookDeliveriesResponse(
            webhook_deliveries=[self._shown(delivery) for delivery in found[:size]],
            next_page_token=self._page_tokens.make(request, organization_id, last),
        )

    async def GetWebhookDelivery(
        self, request: pb.GetWebhookDeliveryRequest, context: Context
    ) -> pb.GetWebhookDeliveryResponse:
        return pb.GetWebhookDeliveryResponse(webhook_delivery=await self._read(request.webhook_delivery_id))

    async def ReplayWebhook(self, request: pb.ReplayWebhookRequest, context: Context) -> pb.ReplayWebhookResponse:
        fields, organization_id = Fields(), caller.get().organization_id
        wait = fields.duration(request, "wait_timeout", timedelta(), timedelta(seconds=30), timedelta())

        def query(tables: Tables) -> Delivery | None:
            run_moves.find(tables, organization_id, request.run_id)
            return tables.webhooks.newest_of_run(request.run_id)

        last = await self._database.read(query)
        url = request.webhook_url or (webhooks.opened(self._seals, last).url if last else "")
        sealed = sealed_webhook(fields, url, self._coordinator, self._seals)
        fields.raise_if_wrong()
        if not sealed:
            raise PreconditionFailed(
                f"run {request.run_id} was started without webhook_url: say where to send it",
                reason="NO_WEBHOOK",
                run_id=request.run_id,
            )
        delivery = await self._coordinator.admit(
            lambda tx: webhook_moves.replay(tx, run_moves.find(tx, organization_id, request.run_id), sealed)
        )
        return pb.ReplayWebhookResponse(webhook_delivery=await self._first_attempt(delivery.webhook_delivery_id, wait))

    async def _first_attempt(self, webhook_delivery_id: str, wait: timedelta) -> pb.WebhookDelivery:
        """The delivery once it was tried, or as it is when `wait` is over."""
        until = self._coordinator.clock.monotonic() + wait.total_seconds()
        with self._coordinator.feed.watch(webhook_delivery_id) as changed:
            while True:
                changed.clear()
                delivery = await self._read(webhook_delivery_id)
                remaining = until - self._coordinator.clock.monotonic()
                if delivery.attempt_count or remaining <= 0 or self._coordinator.feed.closing:
                    return delivery
                try:
                    async with asyncio.timeout(remaining):
                        await changed.wait()
                except TimeoutError:
                    continue

    async def GetWebhookSecret(
        self, request: pb.GetWebhookSecretRequest, context: Context
    ) -> pb.GetWebhookSecretResponse:
        secret = webhooks.secret_of(self._pepper, caller.get().organization_id)
        return pb.GetWebhookSecretResponse(secret=webhooks.secret_text(secret))

    async def _read(self, webhook_delivery_id: str) -> pb.WebhookDelivery:
        organization_id = caller.get().organization_id

        def query(tables: Tables) -> tuple[Delivery, list[Attempt]]:
            delivery = tables.webhooks.of_organization(organization_id, webhook_delivery_id)
            if delivery is None:
                raise webhook_moves.not_found(webhook_delivery_id)
            return delivery, tables.webhooks.attempts_of(webhook_delivery_id)

        return self._shown(*await self._database.read(query))

    def _shown(self, delivery: Delivery, attempts: list[Attempt] | None = None) -> pb.WebhookDelivery:
        proto = pb.WebhookDelivery(
            webhook_delivery_id=delivery.webhook_delivery_id,
            run_id=delivery.run_id,
            webhook_url=webhooks.opened(self._seals, delivery).url,
            state=_STATE.value(delivery.state.value),
            replay=delivery.replay,
            attempt_count=delivery.attempt_count,
        )
        set_time(proto.create_time, delivery.create_time)
        set_time(proto.next_attempt_time, delivery.due_time)
        set_time(proto.end_time, delivery.end_time)
        for attempt in attempts or ():
            added = proto.attempts.add(
                attempt=attempt.attempt,
                status_code=attempt.status_code,
                error=attempt.error,
                response_body=attempt.response_body,
            )
            set_time(added.create_time, attempt.create_time)
            added.duration.FromTimedelta(attempt.duration)
        return proto
