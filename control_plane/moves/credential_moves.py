"""Every move of a credential: within one transaction each."""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities.credentials import MOST, Credential
from control_plane.errors import AlreadyExists, NotFound, PreconditionFailed
from control_plane.moves import run_moves
from control_plane.moves.effects import Log
from control_plane.moves.requests import Request, answered, remember
from control_plane.sealing.vault import Damaged, KeyMissing, Vault
from control_plane.store import Tables, Transaction


def create(tx: Transaction, credential: Credential, request: Request | None) -> Credential:
    """Store a login; its id and time are set here.

    Raises:
        AlreadyExists: CREDENTIAL_EXISTS or REQUEST_ID_REUSED.
        PreconditionFailed: TOO_MANY_CREDENTIALS.
    """
    if earlier := answered(tx, request):
        found = tx.credentials.get(credential.organization_id, earlier)
        if found is not None:
            return found
    same = tx.credentials.of_origin(credential.organization_id, credential.origin)
    if any(one.username == credential.username for one in same):
        raise AlreadyExists(
            f"there is a credential for {credential.origin} and this username: delete it first",
            reason="CREDENTIAL_EXISTS",
        )
    if tx.credentials.count(credential.organization_id) >= MOST:
        raise PreconditionFailed(
            f"the organization has {MOST} credentials, which is the most: delete some", reason="TOO_MANY_CREDENTIALS"
        )
    made = replace(credential, credential_id=tx.new_id("cred"), create_time=tx.now)
    tx.credentials.insert(made)
    remember(tx, request, made.credential_id)
    tx.effects.add(Log("credential stored", {"credential_id": made.credential_id}))
    return made


def delete(tx: Transaction, organization_id: str, credential_id: str) -> None:
    """Forget a login.

    Raises:
        NotFound.
    """
    if tx.credentials.get(organization_id, credential_id) is None:
        raise NotFound(
            f"credential {credential_id} does not exist", reason="CREDENTIAL_NOT_FOUND", credential_id=credential_id
        )
    tx.credentials.delete(credential_id)
    tx.effects.add(Log("credential deleted", {"credential_id": credential_id}))


def rewrap(tx: Transaction, vault: Vault) -> int:
    """Wrap all data keys by the current master key; returns how many could not be unwrapped."""
    unreadable = 0
    for credential in tx.credentials.sealed_under_others(vault.current):
        try:
            wrapped = vault.rewrap(credential.key_id, credential.wrapped_key, credential.context)
        except (Damaged, KeyMissing):
            unreadable += 1
            continue
        tx.credentials.update(credential, replace(credential, key_id=vault.current, wrapped_key=wrapped))
    if unreadable:
        tx.effects.add(Log("credentials unreadable: their master key is missing", {"credentials": unreadable}))
    return unreadable


def for_run(
    tables: Tables, host_id: str, browser_session_id: str, fence: int, run_id: str, origin: str, username: str
) -> Credential:
    """The login that the run of a host may use on a page of this origin.

    Raises:
        PreconditionFailed: STALE_FENCE.
        NotFound: CREDENTIAL_NOT_FOUND.
    """
    run = run_moves.active_on(tables, host_id, browser_session_id, fence, run_id)
    found = tables.credentials.of_origin(run.organization_id, origin)
    if username:
        found = [one for one in found if one.username == username]
    if len(found) != 1:
        many = f"{len(found)} credentials: the run has to name the username" if found else "no credential"
        raise NotFound(f"for {origin} the organization has {many}", reason="CREDENTIAL_NOT_FOUND")
    return found[0]
