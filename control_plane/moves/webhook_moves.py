"""Every move of a webhook delivery: within one transaction each."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from control_plane.entities import webhooks
from control_plane.entities.runs import Run
from control_plane.entities.webhooks import Attempt, Delivery, DeliveryState
from control_plane.errors import NotFound, PreconditionFailed
from control_plane.live.feed import WEBHOOKS_DUE
from control_plane.moves.effects import Log, Wake
from control_plane.store import Transaction


def not_found(webhook_delivery_id: str) -> NotFound:
    """The answer for a delivery that is not there, or is not the caller's."""
    return NotFound(
        f"webhook delivery {webhook_delivery_id} does not exist",
        reason="WEBHOOK_DELIVERY_NOT_FOUND",
        webhook_delivery_id=webhook_delivery_id,
    )


def ask(tx: Transaction, run: Run, sealed: bytes) -> None:
    """Store, with a new run, who is to be told of its end."""
    tx.webhooks.insert(
        Delivery(
            webhook_delivery_id=tx.new_id("whd"),
            organization_id=run.organization_id,
            run_id=run.run_id,
            state=DeliveryState.WAITING,
            replay=False,
            sealed=sealed,
            attempt_count=0,
            create_time=tx.now,
            due_time=None,
        )
    )


def replay(tx: Transaction, run: Run, sealed: bytes) -> Delivery:
    """Tell the end of a run again.

    Raises:
        PreconditionFailed: RUN_NOT_FINAL.
    """
    if not run.status.final:
        raise PreconditionFailed(
            f"run {run.run_id} is {run.status.value}: its webhook is sent when it is final",
            reason="RUN_NOT_FINAL",
            run_id=run.run_id,
            status=run.status.value.upper(),
        )
    delivery = Delivery(
        webhook_delivery_id=tx.new_id("whd"),
        organization_id=run.organization_id,
        run_id=run.run_id,
        state=DeliveryState.PENDING,
        replay=True,
        sealed=sealed,
        attempt_count=0,
        create_time=tx.now,
        due_time=tx.now,
    )
    tx.webhooks.insert(delivery)
    tx.effects.add(Wake(WEBHOOKS_DUE))
    return delivery


def attempted(
    tx: Transaction,
    webhook_delivery_id: str,
    attempt: Attempt,
    *,
    final: bool,
    next_pause: timedelta,
    sealed_without_key: bytes,
) -> None:
    """Store how an attempt went. Once the delivery is over, the key that signed it is forgotten."""
    delivery = tx.webhooks.get(webhook_delivery_id)
    if delivery is None or delivery.state is not DeliveryState.PENDING:
        return
    new = webhooks.attempted(delivery, attempt, final=final, next_pause=next_pause, now=tx.now)
    if new.state is not DeliveryState.PENDING:
        new = replace(new, sealed=sealed_without_key)
    tx.webhooks.add_attempt(attempt)
    tx.webhooks.update(delivery, new)
    tx.effects.add(Wake(webhook_delivery_id))
    tx.effects.add(Wake(WEBHOOKS_DUE))
    if new.state is not DeliveryState.PENDING:
        tx.effects.add(
            Log(
                f"webhook {new.state.value}",
                {
                    "webhook_delivery_id": webhook_delivery_id,
                    "run_id": delivery.run_id,
                    "attempt": new.attempt_count,
                    "code": attempt.status_code,
                },
            )
        )
