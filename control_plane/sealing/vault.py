"""Encryption at rest: AES-256-GCM, one data key for each stored thing, wrapped by a master key.

What is sealed is bound to a context (whose it is, and which one): moved to another place, it does not open. The master
keys lie in a file of mode 0600, one in a line, 64 hexadecimal digits each: the first seals, all of them open.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from control_plane.errors import StoreUnusable
from control_plane.sealing import private_files
from control_plane.sealing.cipher import KEY_BYTES, Damaged, decrypt, encrypt

__all__ = ["Damaged", "KeyMissing", "Sealed", "Vault", "key_id", "load"]


class KeyMissing(Exception):
    """The master key they were sealed under is not in the file; the text is its id."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Something sealed."""

    ciphertext: bytes
    key_id: str
    """Of the master key."""
    wrapped_key: bytes
    """The data key, sealed by the master key for the same context."""


class Vault:
    """Seals and opens."""

    def __init__(self, keys: list[bytes]) -> None:
        """The first key is the current one."""
        self._keys = {key_id(key): key for key in keys}
        self.current = key_id(keys[0])
        """The id of the key that seals."""

    def seal(self, content: bytes, context: bytes) -> Sealed:
        """Encrypt `content` under a new data key."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return Sealed(encrypt(data_key, content, context), self.current, self._wrap(data_key, context))

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Decrypt what `seal` made for the same context.

        Raises:
            Damaged: it is not that.
            KeyMissing.
        """
        return decrypt(self._unwrap(sealed.key_id, sealed.wrapped_key, context), sealed.ciphertext, context)

    def rewrap(self, old_key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        """A wrapped data key, wrapped by the current master key instead; raises like `open`."""
        return self._wrap(self._unwrap(old_key_id, wrapped_key, context), context)

    def _wrap(self, data_key: bytes, context: bytes) -> bytes:
        return encrypt(self._keys[self.current], data_key, b"key\0" + context)

    def _unwrap(self, old_key_id: str, wrapped_key: bytes, context: bytes) -> bytes:
        master = self._keys.get(old_key_id)
        if master is None:
            raise KeyMissing(old_key_id)
        return decrypt(master, wrapped_key, b"key\0" + context)


def key_id(key: bytes) -> str:
    """A name for a master key that tells nothing of it."""
    return hashlib.sha256(b"tabkeep master key\0" + key).hexdigest()[:16]


def load(path: Path, *, make: bool) -> Vault:
    """The vault of a file of master keys; where there is none and `make` is set, one with a new key is made.

    Raises:
        StoreUnusable: the file is missing, damaged, or open to others.
    """
    if not path.exists():
        if not make:
            raise StoreUnusable(
                f"{path} is not there, and things are sealed under it: restore it from a backup of its own"
            )
        _write_new(path, secrets.token_hex(KEY_BYTES))
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").split()
        keys = [bytes.fromhex(line) for line in lines]
    except (OSError, ValueError) as error:
        raise StoreUnusable(f"{path} cannot be read ({type(error).__name__}): restore it from a backup") from error
    if mode & 0o077:
        raise StoreUnusable(f"{path} can be read by others than its owner (mode {mode & 0o777:o}): chmod 600 it")
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise StoreUnusable(f"{path} is damaged: it must have one key of {KEY_BYTES * 2} hexadecimal digits in a line")
    return Vault(keys)


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        private_files.write(path, text)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be written: {error.strerror}") from error
