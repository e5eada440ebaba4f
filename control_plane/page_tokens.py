"""Page tokens: where a list goes on, bound to the filter and the caller they were made for."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from control_plane.fields import Fields

_MAC_BYTES = 12


class PageTokens:
    """Makes and reads tokens; a token of another filter, of another caller or made up is refused."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, request: Any, organization_id: str, position: str) -> str:
        """The token for the page after `position`; "" when there is none."""
        if not position:
            return ""
        return urlsafe_b64encode(self._mac(request, organization_id, position) + position.encode()).decode()

    def read(self, fields: Fields, request: Any, organization_id: str) -> str:
        """The position of the request's token; "" for the first page."""
        if not request.page_token:
            return ""
        try:
            raw = urlsafe_b64decode(request.page_token.encode())
            position = raw[_MAC_BYTES:].decode()
        except ValueError:
            raw, position = b"", ""
        if not hmac.compare_digest(raw[:_MAC_BYTES], self._mac(request, organization_id, position)):
            fields.wrong("page_token", "was not made for this list: start again without one, with the same filter")
            return ""
        return position

    def _mac(self, request: Any, organization_id: str, position: str) -> bytes:
        filter_only = type(request)()
        filter_only.CopyFrom(request)
        filter_only.ClearField("page_token")
        filter_only.ClearField("page_size")
        text = "\0".join((type(request).__name__, organization_id, position)).encode()
        body = text + b"\0" + filter_only.SerializeToString(deterministic=True)
        return hmac.digest(self._secret, body, hashlib.sha256)[:_MAC_BYTES]
