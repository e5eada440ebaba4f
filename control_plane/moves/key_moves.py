"""Every move of a key: within one transaction each."""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities import keys
from control_plane.entities.keys import Key, Scope
from control_plane.errors import NotFound, PreconditionFailed
from control_plane.moves.effects import KeyChanged, Log
from control_plane.store import Transaction


def add(tx: Transaction, key: Key) -> None:
    """Store a new key."""
    tx.keys.insert(key)
    tx.effects.add(KeyChanged(key))


def bind(tx: Transaction, key_id: str, host_id: str) -> None:
    """A host shows its token: from now on it is this host's, unless it is for any host.

    Raises:
        ScopeMissing: HOST_TOKEN_BOUND, it is another host's.
    """
    key = tx.keys.get(key_id)
    assert key is not None, "keys are revoked, never deleted"
    keys.refuse_other_host(key, host_id)
    if not key.host_id:
        bound = replace(key, host_id=host_id)
        tx.keys.update(key, bound)
        tx.effects.add(KeyChanged(bound))
        tx.effects.add(Log("host token bound", {"key_id": key_id, "host_id": host_id}))


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
