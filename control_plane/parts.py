"""What services and gateway are made of, one of each in a process."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.coordinator import Coordinator
from control_plane.http.take_over_links import TakeOverLinks
from control_plane.keeping.artifact_keeping import ArtifactKeeping
from control_plane.keeping.blobs import Blobs
from control_plane.keeping.state_keeping import StateKeeping
from control_plane.live.captures import Captures
from control_plane.live.tunnels import Tunnels
from control_plane.networks import Networks
from control_plane.page_options import PageSettings
from control_plane.page_tokens import PageTokens
from control_plane.sealing.seals import Seals
from control_plane.sealing.vault import Vault


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running control plane that more than one service or the gateway needs."""

    coordinator: Coordinator
    secret: bytes
    """The installation's pepper, from which all short-lived keys are derived."""
    vault: Vault
    networks: Networks
    page_settings: PageSettings
    states: StateKeeping
    artifacts: ArtifactKeeping
    files: Blobs
    webhook_seals: Seals
    plan_seals: Seals
    page_tokens: PageTokens
    captures: Captures
    tunnels: Tunnels
    take_overs: TakeOverLinks
