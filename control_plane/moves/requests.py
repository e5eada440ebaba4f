"""Safe retries: the same request_id with the same body gets the same answer."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.errors import AlreadyExists
from control_plane.store import Tables, Transaction


@dataclass(frozen=True, slots=True)
class Request:
    """A mutating call that carries a request_id."""

    organization_id: str
    method: str
    request_id: str
    fingerprint: bytes
    """A digest of the body."""


def answered(tables: Tables, request: Request | None) -> str:
    """The id of what an earlier call with this request_id made; "" when there was none.

    Raises:
        AlreadyExists: the request_id was used with another body.
    """
    if request is None:
        return ""
    earlier = tables.requests.get(request.organization_id, request.method, request.request_id)
    if earlier is None:
        return ""
    fingerprint, resource_id = earlier
    if fingerprint != request.fingerprint:
        raise AlreadyExists(
            f"request_id {request.request_id} was used for {resource_id} with another body: use a new one",
            reason="REQUEST_ID_REUSED",
            request_id=request.request_id,
        )
    return resource_id


def remember(tx: Transaction, request: Request | None, resource_id: str) -> None:
    """Store what this call made, in the same transaction."""
    if request is not None:
        tx.requests.insert(
            request.organization_id, request.method, request.request_id, request.fingerprint, resource_id, tx.now
        )
