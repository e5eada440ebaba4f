"""The `webhook_url` of a request: checked, and sealed together with the caller's key."""

from __future__ import annotations

from control_plane import webhook_addresses
from control_plane.coordinator import Coordinator
from control_plane.entities.webhooks import Destination
from control_plane.fields import Fields
from control_plane.interceptors import caller, caller_text
from control_plane.sealing.seals import Seals


def sealed_webhook(fields: Fields, url: str, coordinator: Coordinator, seals: Seals) -> bytes:
    """The destination that a request's webhook_url names, sealed with the caller's key; empty for none."""
    if not url:
        return b""
    before = len(fields.violations)
    fields.url("webhook_url", url)
    if len(fields.violations) > before:
        return b""
    if refusal := webhook_addresses.url_refusal(url, coordinator.config.webhook_networks):
        fields.wrong("webhook_url", refusal)
    return Destination(url, caller_text.get("")).sealed(seals, caller.get().organization_id)
