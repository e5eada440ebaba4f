"""Encrypts what callers trust us with and we must be able to read again, such as a webhook's URL and key."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from control_plane.errors import DataLoss

_NONCE_BYTES = 12


class Seals:
    """AES-256-GCM under a key of its own for each purpose, derived from the installation's secret.

    What was sealed for one organization does not open for another.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._aead = AESGCM(hmac.digest(secret, f"tabkeep seal v1\0{purpose}".encode(), hashlib.sha256))

    def seal(self, organization_id: str, plain: bytes) -> bytes:
        """Encrypt; the same text is sealed differently each time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, plain, organization_id.encode())

    def open(self, organization_id: str, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            DataLoss: it is damaged, or was sealed for another organization or under another secret.
        """
        try:
            return self._aead.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], organization_id.encode())
        except (InvalidTag, ValueError) as error:
            raise DataLoss("a sealed value cannot be opened: it is damaged", reason="SEAL_BROKEN") from error
