"""AES-256-GCM as everything that is stored sealed uses it: a new nonce each time, in front of the ciphertext."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class Damaged(Exception):
    """The bytes are not those that were sealed, or were sealed under another key or for another context."""


def encrypt(key: bytes, content: bytes, context: bytes) -> bytes:
    """Seal `content`, bound to `context`, which is not stored; the same text is sealed differently each time."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, context)


def decrypt(key: bytes, ciphertext: bytes, context: bytes) -> bytes:
    """What was sealed under the same key for the same context.

    Raises:
        Damaged.
    """
    try:
        return AESGCM(key).decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        raise Damaged from None
