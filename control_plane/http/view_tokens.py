"""Tokens that open the page of one session, or one file, for a while: in its URL, so that a person can follow a link.

An API key never stands in a URL. A token shows what is named by one id, changes nothing, and ends by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import re

LIFETIME_SECONDS = 3600
_STEP_SECONDS = 900
_TOKEN = re.compile(r"([0-9a-f]{1,10})-([0-9a-f]{40})")


class ViewTokens:
    """Makes and checks tokens; `now` is in seconds since 1970."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"tabkeep view tokens v1", hashlib.sha256)

    def make(self, opened: str, now: float) -> str:
        """A token that works for an hour; the same one for some minutes, so that a page's links stay the same."""
        expiry = (int(now) // _STEP_SECONDS + 1) * _STEP_SECONDS + LIFETIME_SECONDS
        return f"{expiry:x}-{self._mac(opened, expiry)}"

    def good(self, token: str, opened: str, now: float) -> bool:
        """Whether the token opens this, by its id, now."""
        matched = _TOKEN.fullmatch(token)
        if matched is None:
            return False
        expiry = int(matched[1], 16)
        right = hmac.compare_digest(matched[2], self._mac(opened, expiry))
        return right and now < expiry

    def _mac(self, opened: str, expiry: int) -> str:
        text = f"{opened}\0{expiry}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:40]
