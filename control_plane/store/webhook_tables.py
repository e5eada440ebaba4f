"""The questions asked of the tables of webhook deliveries and their attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from control_plane.entities.webhooks import Attempt, Delivery, DeliveryState
from control_plane.store.rows import Table, time_text

_DELIVERIES = Table(Delivery, "webhook_deliveries", ["webhook_delivery_id"], guard="state")
_ATTEMPTS = Table(Attempt, "webhook_attempts", ["webhook_delivery_id", "attempt"])


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries a list holds."""

    run_id: str = ""
    states: tuple[DeliveryState, ...] = ()


class Webhooks:
    """The table of deliveries and that of their attempts."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, webhook_delivery_id: str) -> Delivery | None:
        return _DELIVERIES.one(self._connection, "WHERE webhook_delivery_id = ?", (webhook_delivery_id,))

    def of_organization(self, organization_id: str, webhook_delivery_id: str) -> Delivery | None:
        delivery = self.get(webhook_delivery_id)
        return delivery if delivery and delivery.organization_id == organization_id else None

    def insert(self, delivery: Delivery) -> None:
        _DELIVERIES.insert(self._connection, delivery)

    def update(self, old: Delivery, new: Delivery) -> None:
        """Write `new` over `old`. Raises Conflict when the state is not `old`'s any more."""
        _DELIVERIES.update(self._connection, old, new)

    def newest_of_run(self, run_id: str) -> Delivery | None:
        return _DELIVERIES.one(
            self._connection, "WHERE run_id = ? ORDER BY webhook_delivery_id DESC LIMIT 1", (run_id,)
        )

    def release(self, run_id: str, now: datetime) -> bool:
        """The run is final: what waited for that is due now. False when nothing did."""
        cursor = self._connection.execute(
            "UPDATE webhook_deliveries SET state = 'pending', due_time = ? WHERE run_id = ? AND state = 'waiting'",
            (time_text(now), run_id),
        )
        return cursor.rowcount > 0

    def due(self, now: datetime, limit: int, *, without: Collection[str], busy: Collection[str]) -> list[Delivery]:
        """What is due, the longest first, but for the deliveries `without` and the organizations `busy`."""
        return _DELIVERIES.all(
            self._connection,
            "WHERE due_time IS NOT NULL AND due_time <= ?"
            f" AND webhook_delivery_id NOT IN ({', '.join('?' * len(without))})"
            f" AND organization_id NOT IN ({', '.join('?' * len(busy))}) ORDER BY due_time LIMIT ?",
            (time_text(now), *without, *busy, limit),
        )

    def next_due_time(self, after: datetime) -> datetime | None:
        """When the next one is due that is not due yet."""
        (text,) = self._connection.execute(
            "SELECT min(due_time) FROM webhook_deliveries WHERE due_time IS NOT NULL AND due_time > ?",
            (time_text(after),),
        ).fetchone()
        return datetime.fromisoformat(text) if text else None

    def page(self, organization_id: str, matching: DeliveryFilter, before: str, limit: int) -> list[Delivery]:
        """Newest first, those older than `before` ("" for all)."""
        where, arguments = ["organization_id = ?"], [organization_id]
        if before:
            where.append("webhook_delivery_id < ?")
            arguments.append(before)
        if matching.run_id:
            where.append("run_id = ?")
            arguments.append(matching.run_id)
        if matching.states:
            where.append(f"state IN ({', '.join('?' * len(matching.states))})")
            arguments += [state.value for state in matching.states]
        return _DELIVERIES.all(
            self._connection,
            f"WHERE {' AND '.join(where)} ORDER BY webhook_delivery_id DESC LIMIT ?",
            (*arguments, limit),
        )

    def add_attempt(self, attempt: Attempt) -> None:
        _ATTEMPTS.insert(self._connection, attempt)

    def attempts_of(self, webhook_delivery_id: str) -> list[Attempt]:
        """The oldest first."""
        return _ATTEMPTS.all(self._connection, "WHERE webhook_delivery_id = ? ORDER BY attempt", (webhook_delivery_id,))
