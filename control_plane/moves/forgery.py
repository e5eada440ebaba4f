"""What a host says of placements that it was never given."""

from __future__ import annotations

from control_plane.errors import HostProtocolError
from control_plane.store import Transaction

NUMBERS_PER_EPOCH = 2**32
"""Fences and command ids of one control epoch."""


def refuse_forged(tx: Transaction, host_id: str, browser_session_id: str, fence: int) -> None:
    """Raise unless the host was given this placement, now or earlier; what was is merely late and moves nothing.

    Placements of earlier control epochs are let pass: this database may have been restored and not know them.

    Raises:
        HostProtocolError: it never was.
    """
    epoch = int(tx.meta.get("control_epoch") or 0)
    if fence >= epoch * NUMBERS_PER_EPOCH and not tx.sessions.was_placed(browser_session_id, fence, host_id):
        raise HostProtocolError(
            f"host {host_id} reports on session {browser_session_id} under fence {fence}, which it was never given",
            browser_session_id=browser_session_id,
        )
