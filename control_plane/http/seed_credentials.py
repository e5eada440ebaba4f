"""Logins as the seed's API stores and shows them. Pure mappings from and to our protos.

Ours belong to one origin, which theirs do not say but by the page that the login was tried on.
"""

from __future__ import annotations

from typing import Any

from tabkeep.v1 import credentials_pb2 as pb

from control_plane.http.seed_body import Body
from control_plane.http.seed_offers import NotOffered, refuse_what_is_not_offered

CREDENTIAL_TYPES = ("password", "credit_card", "secret")
VAULT_TYPES = ("skyvern", "bitwarden", "azure_vault", "gcp", "custom")
OWN_VAULT = "skyvern"
"""Their word for the vault of the server itself."""
_TOTP_TYPES = ("authenticator", "email", "text", "passkey", "none")
_PLACES: dict[str, list[str | int]] = {
    "origin": ["body", "tested_url"],
    "username": ["body", "credential", "username"],
    "password": ["body", "credential", "password"],
    "totp_secret": ["body", "credential", "totp"],
}


def place(field: str) -> list[str | int]:
    """Where a field of our request stood in theirs."""
    return _PLACES.get(field, ["body", field])


def create_request(body: Body, request_id: str) -> pb.CreateCredentialRequest:
    """What a request to store a login asks for.

    Raises:
        BodyInvalid, NotOffered: nothing was stored.
    """
    body.text("name", 1000, required=True)
    if not body.has("credential_type"):
        body.wrong("credential_type", "missing", "must be given")
    credential_type = body.word("credential_type", CREDENTIAL_TYPES)
    vault_type = body.word("vault_type", VAULT_TYPES)
    body.raise_if_wrong()
    if credential_type != "password":
        raise NotOffered("credential_type")
    if vault_type not in ("", OWN_VAULT):
        raise NotOffered("vault_type")
    login = body.secret_part("credential")
    username, password = login.text("username", 500, required=True), login.text("password", 1000, required=True)
    totp, totp_type = login.text("totp", 1000), login.word("totp_type", _TOTP_TYPES)
    origin = body.text("tested_url", 8192)
    if not origin:
        message = "must be given: the URL of the login page, since a login is used on pages of its origin only"
        body.wrong("tested_url", "missing", message)
    body.raise_if_wrong()
    if totp_type in ("email", "text", "passkey"):
        raise NotOffered("totp_type")
    refuse_what_is_not_offered(login, "totp_identifier")
    refuse_what_is_not_offered(body, "proxy_location", "proxy_session_id", "rotate_proxy_session_id")
    return pb.CreateCredentialRequest(
        origin=origin, username=username, password=password, totp_secret=totp, request_id=request_id
    )


def credential(shown: pb.Credential) -> dict[str, Any]:
    """A login without its secrets. It has no name of its own: its username and origin are its name."""
    return {
        "credential_id": shown.credential_id,
        "organization_id": shown.organization_id,
        "name": name(shown),
        "credential_type": "password",
        "credential": {
            "username": shown.username,
            "totp_type": "authenticator" if shown.has_totp else "none",
            "totp_identifier": None,
        },
        "vault_type": OWN_VAULT,
        "tested_url": shown.origin,
        "browser_profile_id": None,
    }


def name(shown: pb.Credential) -> str:
    """What tells a login from the others."""
    return f"{shown.username} at {shown.origin}"
