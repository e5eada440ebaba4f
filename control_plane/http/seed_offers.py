"""What the seed's API knows and this server does not offer. A request for it is refused and says so; never ignored.

The one place to change when the server learns one of them.
"""

from __future__ import annotations

from typing import Any

from control_plane.http.seed_body import Body

NOT_OFFERED: dict[str, str] = {
    "proxy_location": "this server keeps no proxy with a profile: give it to the session",
    "proxy_session_id": "this server keeps no address of a proxy from session to session: leave it out",
    "needs_live_view": "this server streams no live view: leave it out, and open app_url",
    "browser_address": "this server runs its own browsers and connects to no others: leave it out",
    "cdp_connect_headers": "this server connects to no browsers of others: leave it out",
    "extra_http_headers": "this server sends no headers of yours with the browser's requests: leave it out",
    "totp_identifier": "this server fetches no one-time codes: leave it out",
    "totp_url": "this server fetches no one-time codes: leave it out",
    "error_code_mapping": "this server has its own failure codes, in failure_code: leave it out",
    "start_fresh_browser": "a run without browser_session_id always has a fresh browser here: leave it out",
    "publish_workflow": "this server makes no workflows of tasks: leave it out",
    "reuse_browser_session": "give browser_session_id instead",
    "credential_type": "this server stores logins only: give password",
    "vault_type": "this server has no vault but its own: leave it out",
    "totp_type": "this server makes one-time codes of a seed only: give it as totp, or leave both out",
    "retention_days": "this server keeps files until they are deleted: leave it out",
    "rotate_proxy_session_id": "this server keeps no address of a proxy with a login: leave it out",
}
_NOTHING: tuple[Any, ...] = (None, False, "", [], {}, "NONE")


class NotOffered(Exception):
    """The request asks for what this server cannot do; the text names the field and what would work."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: {NOT_OFFERED[field]}")
        self.field = field


def refuse_what_is_not_offered(body: Body, *fields: str) -> None:
    """Raise NotOffered for the first of these fields that asks for something."""
    for field in fields:
        if not any(body.raw(field) is nothing or body.raw(field) == nothing for nothing in _NOTHING):
            raise NotOffered(field)
