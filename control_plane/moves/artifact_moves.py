"""How artifacts are kept, and how long: within one transaction each.

An artifact expires when its time is over, or when it is its organization's oldest and a newer one needs the place. Its
record stays and says which; its file is removed after that is stored.
"""

from __future__ import annotations

from dataclasses import replace

from control_plane.entities.records import Artifact, ArtifactState
from control_plane.errors import HostProtocolError, PreconditionFailed
from control_plane.moves.effects import Log, Wake
from control_plane.store import Tables, Transaction


def check(tables: Tables, artifact: Artifact, host_id: str, fence: int) -> Artifact:
    """The artifact with its session's organization.

    Raises:
        PreconditionFailed: STALE_FENCE, its session is not placed on this host under this fence, or the run is none of
            the session's.
        HostProtocolError: the artifact_id is that of another file.
    """
    session = tables.sessions.get(artifact.browser_session_id)
    run = tables.runs.get(artifact.run_id) if artifact.run_id else None
    if (
        session is None
        or (session.host_id, session.fence) != (host_id, fence)
        or (artifact.run_id and (run is None or run.browser_session_id != artifact.browser_session_id))
    ):
        raise PreconditionFailed(
            f"session {artifact.browser_session_id} is not placed on host {host_id} under fence {fence}",
            reason="STALE_FENCE",
        )
    earlier = tables.artifacts.get(artifact.artifact_id)
    if earlier is not None and _what(earlier) != _what(artifact):
        raise HostProtocolError(f"artifact {artifact.artifact_id} is another file already", reason="BLOB_INVALID")
    return replace(artifact, organization_id=session.organization_id)


def _what(artifact: Artifact) -> tuple[str, str, str]:
    return artifact.browser_session_id, artifact.run_id, artifact.sha256


def keep(tx: Transaction, artifact: Artifact, host_id: str, fence: int) -> bool:
    """Store an artifact whose bytes, if it has any, are on the disk; one with this id that is there already stays.

    Returns whether others had to go for it.
    """
    artifact = check(tx, artifact, host_id, fence)
    if tx.artifacts.get(artifact.artifact_id) is not None:
        return False
    stored = artifact.state is ArtifactState.STORED
    expire_time = tx.now + tx.config.artifact_retention if stored else None
    tx.artifacts.insert(replace(artifact, create_time=tx.now, expire_time=expire_time, on_disk=stored))
    tx.effects.add(Wake(artifact.run_id or artifact.browser_session_id))
    return stored and _make_room(tx, artifact)


def _make_room(tx: Transaction, newest: Artifact) -> bool:
    quota, gone = tx.config.artifact_quota_bytes, 0
    while tx.artifacts.size_of_organization(newest.organization_id) > quota:
        oldest = tx.artifacts.oldest(newest.organization_id)
        if oldest is None or oldest.artifact_id == newest.artifact_id:
            break
        tx.artifacts.expire(oldest, f"the organization's quota of {quota >> 20} MiB was full, and this was the oldest")
        gone += 1
    if gone:
        fields = {"organization_id": newest.organization_id, "artifacts": gone}
        tx.effects.add(Log("artifacts expired: the quota is full", fields))
    return gone > 0


def expire(tx: Transaction, limit: int) -> bool:
    """Expire those whose time is over; True when there may be more."""
    due = tx.artifacts.due(tx.now, limit)
    for artifact in due:
        days = (tx.now - artifact.create_time).total_seconds() / 86400
        tx.artifacts.expire(artifact, f"it was kept for {days:.4g} days, as long as artifacts are")
    return len(due) == limit


def removed(tx: Transaction, artifacts: list[Artifact]) -> None:
    """Their files are gone."""
    for artifact in artifacts:
        tx.artifacts.removed(artifact)
