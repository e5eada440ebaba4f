"""Credentials: logins for one origin each. Their secrets are sealed in the vault; nothing here logs or shows them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from control_plane.errors import DataLoss
from control_plane.sealing.vault import Damaged, KeyMissing, Sealed, Vault

_STEP_SECONDS = 30
_DIGITS = 6
_OWN_PORTS = {"http": 80, "https": 443}
MOST = 10_000
"""Credentials of one organization."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A login as it is stored."""

    credential_id: str
    organization_id: str
    origin: str
    username: str
    has_totp: bool
    key_id: str
    """Of the master key."""
    wrapped_key: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)
    create_time: datetime

    @property
    def context(self) -> bytes:
        """What the seal is bound to: in another row it does not open."""
        return "\0".join(("credential", self.organization_id, self.origin, self.username)).encode()


@dataclass(frozen=True, slots=True)
class Login:
    """A login's secrets."""

    password: str = field(repr=False)
    totp_secret: str = field(repr=False)

    def sealed_in(self, vault: Vault, credential: Credential) -> Credential:
        """The credential with these secrets sealed in it."""
        sealed = vault.seal(json.dumps([self.password, self.totp_secret]).encode(), credential.context)
        return replace(credential, key_id=sealed.key_id, wrapped_key=sealed.wrapped_key, ciphertext=sealed.ciphertext)


def opened(vault: Vault, credential: Credential) -> Login:
    """The secrets of a stored credential.

    Raises:
        DataLoss: CREDENTIAL_DAMAGED, it does not open, or its master key is missing.
    """
    sealed = Sealed(credential.ciphertext, credential.key_id, credential.wrapped_key)
    try:
        return Login(*json.loads(vault.open(sealed, credential.context)))
    except Damaged:
        why = "it is damaged"
    except KeyMissing:
        why = f"master key {credential.key_id} is missing"
    raise DataLoss(
        f"credential {credential.credential_id} cannot be opened: {why}; delete it and store it again",
        reason="CREDENTIAL_DAMAGED",
        credential_id=credential.credential_id,
    )


def origin_of(url: str) -> str:
    """The origin of an http or https URL, without the scheme's own port; "" for other texts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _OWN_PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, _OWN_PORTS[parts.scheme]) else "")


def totp_key(secret: str) -> bytes:
    """The key that a base32 seed means; blanks, dashes and lower case are how sites print it.

    Raises:
        ValueError: it is no base32.
    """
    text = "".join(secret.split()).replace("-", "").upper().rstrip("=")
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except binascii.Error as error:
        raise ValueError("not base32") from error
    if len(key) < 10:
        raise ValueError("too short")
    return key


def one_time_code(secret: str, now: datetime) -> str:
    """The code of this moment (RFC 6238 with SHA-1, 6 digits, 30 seconds)."""
    counter = int(now.timestamp()) // _STEP_SECONDS
    digest = hmac.digest(totp_key(secret), counter.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**_DIGITS).zfill(_DIGITS)
