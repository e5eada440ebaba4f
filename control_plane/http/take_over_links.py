"""Links with which a person takes over a session's browser: made for a key, for one session, for some minutes.

An API key never stands in a URL. What does is a token that says which key made it and until when; it is good while
that key is, opens nothing but this session, and is none of those that `app_url` carries.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from control_plane.clock import Clock
from control_plane.entities.keys import Key, KeyBook, refuse_without_hands
from control_plane.errors import Unauthenticated

SHORTEST, LONGEST, USUAL = timedelta(minutes=1), timedelta(hours=1), timedelta(minutes=15)
_TOKEN = re.compile(r"([0-9a-f]{1,10})-([a-z2-7]{16})-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Who came by a link: in the name of the key that it was made with."""

    key: Key
    expire_time: datetime


class TakeOverLinks:
    """Makes links and checks them."""

    def __init__(self, secret: bytes, keys: KeyBook, clock: Clock) -> None:
        """`secret` is the installation's."""
        self._secret = hmac.digest(secret, b"tabkeep take-over links v1", hashlib.sha256)
        self._keys = keys
        self._clock = clock

    def make(self, browser_session_id: str, key: Key, lifetime: timedelta) -> tuple[str, datetime]:
        """Path and fragment of a link, and when it ends.

        Raises:
            ScopeMissing: the key may not attach.
        """
        refuse_without_hands(key)
        expiry = int((self._clock.now() + lifetime).timestamp())
        token = f"{expiry:x}-{key.key_id}-{self._mac(browser_session_id, key.key_id, expiry)}"
        # Behind the "#": a browser sends it to nobody by itself, so no log and no referrer has it.
        return f"/take-over/{browser_session_id}#{token}", datetime.fromtimestamp(expiry, UTC)

    def admit(self, token: str, browser_session_id: str) -> TakeOver:
        """Whoever shows a token, if it opens this session now.

        Raises:
            Unauthenticated: LINK_INVALID, LINK_EXPIRED, KEY_INVALID.
            ScopeMissing.
        """
        matched = _TOKEN.fullmatch(token)
        expiry, key_id = (int(matched[1], 16), matched[2]) if matched else (0, "")
        right = self._mac(browser_session_id, key_id, expiry)
        if matched is None or not hmac.compare_digest(matched[3], right):
            raise Unauthenticated("this link does not open the session", reason="LINK_INVALID")
        if self._clock.now().timestamp() >= expiry:
            raise Unauthenticated("the link has ended: `tabkeep session take-over` makes one", reason="LINK_EXPIRED")
        key = self._keys.valid(key_id)
        refuse_without_hands(key)
        return TakeOver(key, datetime.fromtimestamp(expiry, UTC))

    def _mac(self, browser_session_id: str, key_id: str, expiry: int) -> str:
        text = f"{browser_session_id}\0{key_id}\0{expiry}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()
