"""API keys and host tokens: how they are made, told apart and checked. Only an HMAC of a key is ever kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from control_plane.errors import ScopeMissing, Unauthenticated


class Scope(StrEnum):
    """What a key may do; OPERATOR includes CDP, and CDP includes API."""

    API = "api"
    CDP = "cdp"
    OPERATOR = "operator"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class Key:
    """A key as stored."""

    key_id: str
    organization_id: str
    """Empty for host tokens."""
    scope: Scope
    hmac: bytes
    display_name: str
    create_time: datetime
    revoke_time: datetime | None
    host_id: str = ""
    """Of a host token: the host it is for, ANY_HOST, or empty until the first host has attached with it."""


ANY_HOST = "*"
"""In place of a host_id: whichever host shows the token."""


def make(
    pepper: bytes, organization_id: str, scope: Scope, display_name: str, now: datetime, host_id: str = ""
) -> tuple[Key, str]:
    """A new key and its text, "tk_live_" or "tk_host_", an id, 256 random bits and a checksum."""
    key_id = b32encode(secrets.token_bytes(10)).decode().lower()
    secret = urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    body = f"tk_{'host' if scope is Scope.HOST else 'live'}_{key_id}_{secret}"
    text = body + _checksum(body)
    return Key(key_id, organization_id, scope, _digest(pepper, text), display_name, now, None, host_id), text


def refuse_without_hands(key: Key) -> None:
    """Raise unless the key may take a session's browser into its holder's own hands.

    Raises:
        ScopeMissing.
    """
    if key.scope not in (Scope.CDP, Scope.OPERATOR):
        raise ScopeMissing(
            f"this key has the scope {key.scope.value}: to attach needs one with the scope cdp "
            "(`tabkeep key create --scope cdp`) or operator"
        )


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _digest(pepper: bytes, text: str) -> bytes:
    return hmac.digest(pepper, text.encode(), hashlib.sha256)


def refuse_other_host(key: Key, host_id: str) -> None:
    """Raise unless the host token is this host's, or nobody's yet.

    Raises:
        ScopeMissing: HOST_TOKEN_BOUND.
    """
    if key.host_id in ("", ANY_HOST, host_id):
        return
    raise ScopeMissing(
        f"host token {key.key_id} belongs to host {key.host_id}: host {host_id} needs one of its own, made with "
        f"`tabkeep key create --scope host --host {host_id}`",
        reason="HOST_TOKEN_BOUND",
        key_id=key.key_id,
        token_host_id=key.host_id,
        host_id=host_id,
    )


class KeyBook:
    """All keys by id, for the check at every call. The coordinator is the only one that changes it."""

    def __init__(self, pepper: bytes, keys: Iterable[Key] = ()) -> None:
        # Copied for each check: hmac.digest lets go of the interpreter's lock, and here that takes ten times as long.
        self._mac = hmac.new(pepper, digestmod=hashlib.sha256)
        self._keys = {key.key_id: key for key in keys}

    def put(self, key: Key) -> None:
        """Take in a new or changed key."""
        self._keys[key.key_id] = key

    def valid(self, key_id: str) -> Key:
        """The key with this id.

        Raises:
            Unauthenticated: there is none, or it was revoked.
        """
        key = self._keys.get(key_id)
        if key is None or key.revoke_time is not None:
            raise Unauthenticated(f"key {key_id} is revoked", key_id=key_id)
        return key

    def check(self, text: str | None) -> Key:
        """The key with this text.

        Raises:
            Unauthenticated: there is none, or it was revoked. Says nothing about which part was wrong.
        """
        if not text:
            raise Unauthenticated("x-api-key is missing: send an API key in the metadata", reason="KEY_MISSING")
        parts = text.strip().split("_", 3)
        key = self._keys.get(parts[2]) if len(parts) == 4 else None
        mac = self._mac.copy()
        mac.update(text.strip().encode())
        matches = hmac.compare_digest(mac.digest(), key.hmac if key else bytes(32))
        if key is None or not matches or key.revoke_time is not None:
            raise Unauthenticated("x-api-key is not a valid key: it is unknown, incomplete or revoked")
        return key
