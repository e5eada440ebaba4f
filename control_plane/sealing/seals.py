"""Encrypts what lives hours, and whose loss a caller can mend: a webhook's URL and key, a proxy's password, a plan.

What must open again in years, such as profiles and credentials, is in the vault, under keys of its own.
"""

from __future__ import annotations

import hashlib
import hmac

from control_plane.errors import DataLoss
from control_plane.sealing import cipher


class Seals:
    """A key of its own for each purpose, derived from the installation's secret.

    What was sealed for one organization does not open for another.
    """

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, f"tabkeep seal v1\0{purpose}".encode(), hashlib.sha256)

    def seal(self, organization_id: str, plain: bytes) -> bytes:
        """Encrypt; the same text is sealed differently each time."""
        return cipher.encrypt(self._key, plain, organization_id.encode())

    def open(self, organization_id: str, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            DataLoss: it is damaged, or was sealed for another organization or under another secret.
        """
        try:
            return cipher.decrypt(self._key, sealed, organization_id.encode())
        except cipher.Damaged as error:
            raise DataLoss("a sealed value cannot be opened: it is damaged", reason="SEAL_BROKEN") from error
