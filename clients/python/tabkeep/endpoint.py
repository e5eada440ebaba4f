"""Where the control plane is and with which key to call it, from arguments or the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tabkeep.errors import AuthenticationError

DEFAULT_ADDRESS = "127.0.0.1:7330"
DEFAULT_PORT = 7330
DEFAULT_HTTP_ADDRESS = "127.0.0.1:7331"
"""Where `tabkeep up` serves HTTP/JSON."""

_SECURE_SCHEMES = ("https://", "grpcs://")
_PLAIN_SCHEMES = ("http://", "grpc://")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One control plane and the key to call it with."""

    address: str
    """host:port, or what else gRPC can resolve ("unix:/path", "dns:///name:port")."""
    api_key: str = field(repr=False)
    tls: bool = False
    root_certificates: bytes | None = None
    """PEM of the authorities to trust; None: those of the system."""


def resolve(
    api_key: str | None = None,
    address: str | None = None,
    *,
    tls: bool | None = None,
    root_certificates: bytes | None = None,
) -> Endpoint:
    """Complete what was given from TABKEEP_API_KEY, TABKEEP_API_KEY_FILE and TABKEEP_ADDRESS.

    TLS is used when asked for, when certificates are given, or when the address begins with https:// or grpcs://.

    Raises:
        AuthenticationError: KEY_MISSING, no key is given or the key's file cannot be read.
        ValueError: the address contradicts `tls`.
    """
    target, scheme_tls = _split_scheme(address or os.environ.get("TABKEEP_ADDRESS") or DEFAULT_ADDRESS)
    if tls is not None and scheme_tls is not None and tls != scheme_tls:
        raise ValueError(f"address {address} contradicts tls={tls}: drop one of both")
    wanted = next((choice for choice in (tls, scheme_tls) if choice is not None), root_certificates is not None)
    return Endpoint(target, api_key or _key_from_environment(), wanted, root_certificates)


def _split_scheme(address: str) -> tuple[str, bool | None]:
    for schemes, tls in ((_SECURE_SCHEMES, True), (_PLAIN_SCHEMES, False)):
        for scheme in schemes:
            if address.startswith(scheme):
                return _with_port(address.removeprefix(scheme).rstrip("/"), 443 if tls else DEFAULT_PORT), tls
    return _with_port(address, DEFAULT_PORT), None


def _with_port(target: str, port: int) -> str:
    bare_name = ":" not in target and "/" not in target
    return f"{target}:{port}" if bare_name or target.endswith("]") else target


def _key_from_environment() -> str:
    if key := os.environ.get("TABKEEP_API_KEY", "").strip():
        return key
    if name := os.environ.get("TABKEEP_API_KEY_FILE"):
        return read_key(Path(name))
    raise AuthenticationError(
        "no API key: give api_key, or set TABKEEP_API_KEY or TABKEEP_API_KEY_FILE",
        code="UNAUTHENTICATED",
        reason="KEY_MISSING",
    )


def read_key(path: Path) -> str:
    """Return the key that a file holds, without the line's end.

    Raises:
        AuthenticationError: KEY_MISSING, the file cannot be read or is empty.
    """
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        message = f"API key file {path} cannot be read: {why}"
        raise AuthenticationError(message, code="UNAUTHENTICATED", reason="KEY_MISSING") from error
    if not key:
        message = f"API key file {path} is empty"
        raise AuthenticationError(message, code="UNAUTHENTICATED", reason="KEY_MISSING")
    return key
