"""Every move of a key: within one transaction each."""

from __future__ import annotations

from dataclasses import replace

from control_plane.effects import KeyChanged
from control_plane.errors import NotFound, PreconditionFailed
from control_plane.keys import Key, Scope
from control_plane.store import Transaction


def add(tx: Transaction, key: Key) -> None:
    """Store a new key."""
    tx.keys.insert(key)
    tx.effects.add(KeyChanged(key))


def revoke(tx: Transaction, key_id: str) -> Key:
    """Take a key out of use; a revoked one is returned unchanged.

    Raises:
        NotFound: no such key.
        PreconditionFailed: LAST_OPERATOR_KEY.
    """
    key = tx.keys.get(key_id)
    if key is None:
        raise NotFound(f"key {key_id} does not exist", reason="KEY_NOT_FOUND", key_id=key_id)
    if key.revoke_time is not None:
        return key
    operators = [one for one in tx.keys.all() if one.scope is Scope.OPERATOR and one.revoke_time is None]
    if operators == [key]:
        raise PreconditionFailed(
            f"key {key_id} is the last one with the operator scope: make another one first",
            reason="LAST_OPERATOR_KEY",
            key_id=key_id,
        )
    revoked = replace(key, revoke_time=tx.now)
    tx.keys.update(key, revoked)
    tx.effects.add(KeyChanged(revoked))
    return revoked
