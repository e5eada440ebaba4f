"""The request ids by which callers repeat a call without doing it twice."""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.message import Message

from control_plane.fields import Fields
from control_plane.moves.requests import Request


def request_id(fields: Fields, organization_id: str, method: str, request: Any) -> Request | None:
    """What makes a retry of this call safe, if the caller asked for it."""
    if not request.request_id:
        return None
    fields.text("request_id", request.request_id, 128)
    return Request(organization_id, method, request.request_id, fingerprint(request))


def fingerprint(request: Message) -> bytes:
    """A digest of a request's body, the request_id left out."""
    body = type(request)()
    body.CopyFrom(request)
    body.ClearField("request_id")
    return hashlib.sha256(body.SerializeToString(deterministic=True)).digest()
