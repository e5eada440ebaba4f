"""Every move of a file that callers bring: within one transaction each."""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities.records import File
from control_plane.errors import DataLoss, NotFound, QuotaFull
from control_plane.moves import run_moves
from control_plane.moves.effects import Log
from control_plane.moves.requests import Request, answered, remember
from control_plane.store import Tables, Transaction

MOST = 10_000
"""Files of one organization."""


def begin(tx: Transaction, organization_id: str, size: int, arriving: int) -> str:
    """The id for a file of at least `size` bytes that is about to come, `arriving` others of it being under way.

    Raises:
        QuotaFull.
    """
    check_room(tx, organization_id, size + arriving)
    return tx.new_id("file")


def check_room(tables: Transaction, organization_id: str, size: int) -> None:
    """Raise unless so many bytes more fit into the organization's quota.

    Raises:
        QuotaFull: FILE_QUOTA_FULL.
    """
    count, used = tables.files.usage(organization_id)
    quota = tables.config.file_quota_bytes
    if count >= MOST:
        raise QuotaFull(f"the organization has {count} files, which is the most: delete some", reason="FILE_QUOTA_FULL")
    if used + size > quota:
        raise QuotaFull(
            f"the organization's files take {used} bytes of {quota}, and {size} more do not fit in: delete some",
            reason="FILE_QUOTA_FULL",
            used_bytes=str(used),
            quota_bytes=str(quota),
        )


def keep(tx: Transaction, file: File, request: Request | None) -> File:
    """Store the record of a file whose bytes are there; returns the earlier one where the request was answered before.

    Raises:
        QuotaFull.
        AlreadyExists: REQUEST_ID_REUSED.
    """
    if earlier := answered(tx, request):
        found = tx.files.get(file.organization_id, earlier)
        if found is not None:
            return found
    check_room(tx, file.organization_id, file.size)
    file = replace(file, create_time=tx.now)
    tx.files.insert(file)
    if not earlier:
        remember(tx, request, file.file_id)
    tx.effects.add(Log("file stored", {"file_id": file.file_id, "size": file.size}))
    return file


def damaged(file: File) -> DataLoss:
    """The answer for a file whose bytes are gone or others."""
    return DataLoss(
        f"file {file.file_id} is damaged on the control plane's disk", reason="FILE_DAMAGED", file_id=file.file_id
    )


def delete(tx: Transaction, organization_id: str, file_id: str) -> None:
    """Forget a file; its bytes are removed afterwards.

    Raises:
        NotFound.
    """
    find(tx, organization_id, file_id)
    tx.files.delete(file_id)
    tx.effects.add(Log("file deleted", {"file_id": file_id}))


def find(tables: Tables, organization_id: str, file_id: str) -> File:
    """The organization's file.

    Raises:
        NotFound: FILE_NOT_FOUND.
    """
    found = tables.files.get(organization_id, file_id)
    if found is None:
        raise NotFound(f"file {file_id[:300]} does not exist", reason="FILE_NOT_FOUND", file_id=file_id[:300])
    return found


def named(tables: Tables, organization_id: str, name: str) -> File:
    """The file that an action names: by its id, else by a name that only one has.

    Raises:
        NotFound: FILE_NOT_FOUND, none has it, or several.
    """
    by_id = tables.files.get(organization_id, name)
    found = [by_id] if by_id else tables.files.named(organization_id, name, 4)
    if len(found) == 1:
        return found[0]
    if not found:
        text = f"the organization has no file {name[:300]!r}, neither by id nor by name"
    else:
        ids = ", ".join(one.file_id for one in found[:3]) + (" and more" if len(found) > 3 else "")
        text = f"several files of the organization are named {name[:300]!r}: {ids}; name one by its id"
    raise NotFound(text, reason="FILE_NOT_FOUND", file=name[:300])


def for_run(tables: Tables, host_id: str, browser_session_id: str, fence: int, run_id: str, name: str) -> File:
    """The file that the run of a host may give to a page.

    Raises:
        PreconditionFailed: STALE_FENCE.
        NotFound: FILE_NOT_FOUND.
    """
    run = run_moves.active_on(tables, host_id, browser_session_id, fence, run_id)
    return named(tables, run.organization_id, name)
