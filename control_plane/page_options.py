"""How a session's tabs and dialogs are dealt with: asked for, kept, shown, and told to its host.

Kept like its network: what everybody may see, and all of it, passwords included, sealed for its organization. Closing
the session forgets the latter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from google.protobuf.field_mask_pb2 import FieldMask
from tabkeep.v1 import browser_sessions_pb2 as pb

from control_plane.destinations import destination
from control_plane.entities.sessions import Session
from control_plane.fields import Fields
from control_plane.moves.session_moves import SessionSpec
from control_plane.sealing.seals import Seals

MOST_PAGES, USUAL_PAGES = 100, 20
MOST_PERMISSIONS, MOST_CREDENTIALS = 50, 20
LONGEST_CREDENTIAL = 255
_WHOLE = "page_options"
CHANGEABLE = (_WHOLE, *(f"{_WHOLE}.{field.name}" for field in pb.PageOptions.DESCRIPTOR.fields))
PERMISSIONS = (
    "camera",
    "clipboard-read",
    "clipboard-write",
    "geolocation",
    "local-fonts",
    "microphone",
    "midi",
    "notifications",
    "screen-wake-lock",
    "storage-access",
)


class PageSettings:
    """The page options of all sessions."""

    def __init__(self, secret: bytes) -> None:
        """`secret` is the installation's pepper."""
        self._seals = Seals(secret, "page options of sessions")

    def of_new(
        self, fields: Fields, spec: SessionSpec, request: pb.CreateBrowserSessionRequest, prefix: str = ""
    ) -> SessionSpec:
        """`spec` with the page options that a request asks for; the defaults are filled in."""
        options = _checked(fields, request.page_options, prefix + "page_options.")
        sealed = self._sealed(spec.organization_id, options) if request.HasField("page_options") else b""
        return replace(spec, page_options=_shown(options), page_options_sealed=sealed)

    def changed(
        self, fields: Fields, session: Session, request: pb.UpdateBrowserSessionRequest, paths: Sequence[str]
    ) -> Session:
        """An open session once a request has changed these fields of its page options, if any of them belong to it.

        Raises:
            DataLoss: what was kept cannot be read.
        """
        if not set(paths) & set(CHANGEABLE):
            return session
        asked = pb.PageOptions()
        if _WHOLE in paths:
            asked.CopyFrom(request.page_options)
        else:
            asked.CopyFrom(self.of(session) or pb.PageOptions())
            mask = FieldMask(paths=[path.removeprefix(_WHOLE + ".") for path in paths if path in CHANGEABLE])
            for path in mask.paths:
                asked.ClearField(path)
            mask.MergeMessage(request.page_options, asked)
        options = _checked(fields, asked, _WHOLE + ".")
        sealed = self._sealed(session.organization_id, options)
        return replace(session, page_options=_shown(options), page_options_sealed=sealed)

    def _sealed(self, organization_id: str, options: pb.PageOptions) -> bytes:
        return self._seals.seal(organization_id, options.SerializeToString())

    def of(self, session: Session) -> pb.PageOptions | None:
        """What a session's host is told; None when it is nothing but the default.

        Raises:
            DataLoss: it cannot be read: the database or the pepper is not what it was.
        """
        if not session.page_options_sealed:
            return None
        return pb.PageOptions.FromString(self._seals.open(session.organization_id, session.page_options_sealed))


NO_PAGE_SETTINGS = PageSettings(b"")
"""For a control plane whose sessions ask for nothing of the kind."""


def _shown(options: pb.PageOptions) -> bytes:
    """Them without user and password."""
    shown = pb.PageOptions()
    shown.CopyFrom(options)
    for credential in shown.http_credentials:
        credential.username = credential.password = ""
    return shown.SerializeToString(deterministic=True)


def _checked(fields: Fields, asked: pb.PageOptions, prefix: str) -> pb.PageOptions:
    options = pb.PageOptions(
        dialogs=asked.dialogs or pb.DIALOG_POLICY_DISMISS,
        on_crash=asked.on_crash or pb.CRASH_POLICY_RELOAD,
        max_pages=fields.number(prefix + "max_pages", asked.max_pages, 1, MOST_PAGES, USUAL_PAGES),
    )
    if options.dialogs not in pb.DialogPolicy.values():
        fields.wrong(prefix + "dialogs", f"{asked.dialogs} is no policy: use DISMISS or ACCEPT")
    if options.on_crash not in pb.CrashPolicy.values():
        fields.wrong(prefix + "on_crash", f"{asked.on_crash} is no policy: use RELOAD or CLOSE_SESSION")
    _add_permissions(fields, asked, options, prefix + "permissions")
    _add_credentials(fields, asked, options, prefix + "http_credentials")
    return options


def _add_permissions(fields: Fields, asked: pb.PageOptions, options: pb.PageOptions, field: str) -> None:
    if len(asked.permissions) > MOST_PERMISSIONS:
        fields.wrong(field, f"{len(asked.permissions)} grants are more than the maximum of {MOST_PERMISSIONS}")
        return
    for place, grant in enumerate(asked.permissions):
        if grant.permission not in PERMISSIONS:
            what = f"{grant.permission[:100]!r} cannot be granted: use one of {', '.join(PERMISSIONS)}"
            fields.wrong(f"{field}[{place}].permission", what)
        where = _origin(fields, f"{field}[{place}].origin", grant.origin) if grant.origin else ""
        options.permissions.add(permission=grant.permission, origin=where)


def _add_credentials(fields: Fields, asked: pb.PageOptions, options: pb.PageOptions, field: str) -> None:
    if len(asked.http_credentials) > MOST_CREDENTIALS:
        count = len(asked.http_credentials)
        fields.wrong(field, f"{count} credentials are more than the maximum of {MOST_CREDENTIALS}")
        return
    seen: set[str] = set()
    for place, credential in enumerate(asked.http_credentials):
        here = f"{field}[{place}]."
        where = _origin(fields, here + "origin", credential.origin)
        if where and where in seen:
            fields.wrong(here + "origin", f"{where} has credentials already: one for each origin")
        seen.add(where)
        # Their text is never repeated: it may be in the wrong field.
        if not credential.username:
            fields.wrong(here + "username", "must not be empty")
        if ":" in credential.username:
            fields.wrong(here + "username", "must not contain ':', which ends it in HTTP's own form")
        for name, text in (("username", credential.username), ("password", credential.password)):
            if len(text.encode()) > LONGEST_CREDENTIAL:
                fields.wrong(here + name, f"more than the maximum of {LONGEST_CREDENTIAL} bytes")
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
                fields.wrong(here + name, "must not contain control characters")
        options.http_credentials.add(origin=where, username=credential.username, password=credential.password)


def _origin(fields: Fields, field: str, text: str) -> str:
    """An origin in the form in which browsers write it; "" when it is none."""
    what = "is not an origin: use a form like https://example.com or http://example.com:8080"
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
        plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
        if parts.scheme not in ("http", "https") or not host or not plain or re.search(r"[\s*?]", text):
            raise ValueError(text)
        name = destination(f"[{host}]" if ":" in host else host)
    except ValueError:
        # What stands before an "@" may be a password.
        shown = repr(text[:100]) + " " if text and "@" not in text else ""
        fields.wrong(field, f"{shown}{what}")
        return ""
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, usual) else "")
