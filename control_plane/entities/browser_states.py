"""The state of a browser as data: what a profile holds, checked field by field. Pure.

JSON in UTF-8, an object of
    format            1
    cookies           as Playwright's storage state has them, session cookies (expires -1) among them
    origins           likewise: origin, localStorage, indexedDB
    service_workers   scope, script: registered again from the site when a session starts
    permissions       origin, name, state: those that differ from what a fresh browser says
    browser_version   of the browser it was taken from, if it was

It holds nothing of the browser's own files, so any build on any system takes it, and there is no archive to unpack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from control_plane.errors import HostProtocolError
from control_plane.fields import Fields

FORMAT = 1
MAX_BYTES = 32 * 1024 * 1024
MAX_UPLOADED_BYTES = 3 * 1024 * 1024
"""A message may have 4 MiB."""
_MOST_MISTAKES = 20
_SAME_SITE = ("Strict", "Lax", "None")


class StateInvalid(HostProtocolError):
    """What a host brought is no browser state."""

    reason = "BLOB_INVALID"


@dataclass(frozen=True, slots=True)
class Summary:
    """What a state holds, for people."""

    browser_version: str
    cookie_count: int
    origin_count: int


def blank() -> bytes:
    """The state of a fresh browser."""
    return _written({"cookies": [], "origins": []})


def summary(content: bytes) -> Summary:
    """What a state that a host brought, or that is stored, holds.

    Raises:
        StateInvalid: it is none.
    """
    fields = Fields()
    state = _object(fields, content)
    if not fields.violations:
        _check(fields, state, "")
        if state.get("format") != FORMAT:
            fields.wrong("format", f"is not {FORMAT}")
    if fields.violations:
        first = fields.violations[0]
        raise StateInvalid(f"not a browser state: {first.field}: {first.description}")
    version = state.get("browser_version", "")
    return Summary(str(version)[:200], len(state["cookies"]), len(state["origins"]))


def exported(content: bytes) -> bytes:
    """A state as Playwright's storage state, which has no place for service workers and permissions."""
    state = json.loads(content)
    return _json({"cookies": state["cookies"], "origins": state["origins"]})


def uploaded(fields: Fields, name: str, text: str) -> bytes:
    """A storage state in Playwright's form as a state; what is wrong with it is noted in `fields`, b"" then."""
    before = len(fields.violations)
    content = text.encode(errors="replace")
    if len(content) > MAX_UPLOADED_BYTES:
        fields.wrong(name, f"{len(content)} bytes are more than the maximum of {MAX_UPLOADED_BYTES}")
        return b""
    state = _object(fields, content, name)
    if len(fields.violations) == before:
        for key in sorted(set(state) - {"cookies", "origins"}):
            fields.wrong(f"{name}.{key[:80]}", "is not kept in a profile: use cookies and origins")
        _check(fields, state, f"{name}.")
    return b"" if len(fields.violations) > before else _written(state)


def _written(state: dict[str, Any]) -> bytes:
    whole = {"service_workers": [], "permissions": [], "browser_version": ""}
    return _json({"format": FORMAT, **whole, "cookies": state.get("cookies", []), "origins": state.get("origins", [])})


def _json(value: Any) -> bytes:
    # Lone halves of surrogate pairs, which pages may store, are written as escapes and not as UTF-8.
    return json.dumps(value, separators=(",", ":")).encode()


def _object(fields: Fields, content: bytes, name: str = "state") -> dict[str, Any]:
    try:
        state = json.loads(content)
    except (ValueError, RecursionError) as error:
        fields.wrong(name, f"is not JSON: {error}"[:300])
        return {}
    if not isinstance(state, dict):
        fields.wrong(name, "is not a JSON object")
        return {}
    return state


def _check(fields: Fields, state: dict[str, Any], prefix: str) -> None:
    """Note what is wrong with the parts of a state, at most 20 mistakes."""
    parts: tuple[tuple[str, Callable[[Fields, str, dict[str, Any]], None]], ...] = (
        ("cookies", _check_cookie),
        ("origins", _check_origin),
        ("service_workers", _check_worker),
        ("permissions", _check_permission),
    )
    for part, check in parts:
        items = state.setdefault(part, []) if part in ("cookies", "origins") else state.get(part, [])
        if not isinstance(items, list):
            fields.wrong(f"{prefix}{part}", "must be an array")
            continue
        for index, item in enumerate(items):
            field = f"{prefix}{part}[{index}]"
            if len(fields.violations) >= _MOST_MISTAKES:
                return
            if isinstance(item, dict):
                check(fields, field, item)
            else:
                fields.wrong(field, "must be an object")


def _check_cookie(fields: Fields, field: str, cookie: dict[str, Any]) -> None:
    for name in ("name", "value", "domain"):
        _text(fields, f"{field}.{name}", cookie.get(name), required=name == "domain")
    path = cookie.setdefault("path", "/")
    if not isinstance(path, str) or not path.startswith("/"):
        fields.wrong(f"{field}.path", "must be a text that begins with '/'")
    expires = cookie.setdefault("expires", -1)
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not (expires == -1 or expires > 0):
        fields.wrong(f"{field}.expires", "must be -1 for a session cookie, or seconds since 1970")
    for name in ("httpOnly", "secure"):
        if not isinstance(cookie.setdefault(name, False), bool):
            fields.wrong(f"{field}.{name}", "must be true or false")
    if cookie.setdefault("sameSite", "Lax") not in _SAME_SITE:
        fields.wrong(f"{field}.sameSite", f"must be {', '.join(_SAME_SITE)}")
    known = {"name", "value", "domain", "path", "expires", "httpOnly", "secure", "sameSite", "partitionKey"}
    for name in sorted(set(cookie) - known - {"_crHasCrossSiteAncestor"}):
        fields.wrong(f"{field}.{name[:80]}", "is not a field of a cookie in Playwright's form")


def _check_origin(fields: Fields, field: str, origin: dict[str, Any]) -> None:
    if not is_origin(origin.get("origin")):
        fields.wrong(f"{field}.origin", "must be scheme, host and port of an http or https site, and nothing more")
    for name in sorted(set(origin) - {"origin", "localStorage", "indexedDB"}):
        fields.wrong(f"{field}.{name[:80]}", "is not kept in a profile: use localStorage and indexedDB")
    for index, item in enumerate(_array(fields, f"{field}.localStorage", origin.setdefault("localStorage", []))):
        for name in ("name", "value"):
            _text(fields, f"{field}.localStorage[{index}].{name}", item.get(name))
    for index, database in enumerate(_array(fields, f"{field}.indexedDB", origin.setdefault("indexedDB", []))):
        _check_database(fields, f"{field}.indexedDB[{index}]", database)


def _check_database(fields: Fields, field: str, database: dict[str, Any]) -> None:
    _text(fields, f"{field}.name", database.get("name"), required=True)
    version = database.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        fields.wrong(f"{field}.version", "must be a whole number from 1 on")
    for index, store in enumerate(_array(fields, f"{field}.stores", database.get("stores"))):
        _text(fields, f"{field}.stores[{index}].name", store.get("name"))
        _array(fields, f"{field}.stores[{index}].records", store.get("records"))
        _array(fields, f"{field}.stores[{index}].indexes", store.get("indexes"))


def _check_worker(fields: Fields, field: str, worker: dict[str, Any]) -> None:
    for name in ("scope", "script"):
        _text(fields, f"{field}.{name}", worker.get(name), required=True)


def _check_permission(fields: Fields, field: str, permission: dict[str, Any]) -> None:
    if not is_origin(permission.get("origin")):
        fields.wrong(f"{field}.origin", "must be an origin")
    _text(fields, f"{field}.name", permission.get("name"), required=True)
    if permission.get("state") not in ("granted", "denied", "prompt"):
        fields.wrong(f"{field}.state", "must be granted, denied or prompt")


def is_origin(value: Any) -> bool:
    """Whether it is the origin of an http or https site, as browsers write it."""
    if not isinstance(value, str) or len(value) > 2000:
        return False
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and value == f"{parts.scheme}://{parts.netloc}"
            and "@" not in parts.netloc
            and (parts.port is None or parts.port > 0)
            and not any(map(str.isspace, value))
        )
    except ValueError:
        return False


def _array(fields: Fields, field: str, value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        fields.wrong(field, "must be an array of objects")
        return []
    return value


def _text(fields: Fields, field: str, value: Any, *, required: bool = False) -> None:
    if not isinstance(value, str):
        fields.wrong(field, "must be a text")
    elif required and not value:
        fields.wrong(field, "must not be empty")
