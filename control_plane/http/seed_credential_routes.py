"""The seed's routes of stored logins, and the one that logs in with one."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from tabkeep.v1 import credentials_pb2 as pb

from control_plane.http import seed_credentials, seed_runs, seed_schemas
from control_plane.http.answers import Refused
from control_plane.http.endpoint import Ask, Resource
from control_plane.http.seed_answers import key_of, operation
from control_plane.http.seed_body import Body
from control_plane.http.seed_links import Links
from control_plane.http.seed_queries import PAGING, paging, query_text, query_words

_SERVICE = "tabkeep.v1.CredentialService/"
_VAULTS = ("skyvern", "bitwarden", "1password", "azure_vault")
"""Where the seed's API takes a login from; only the first is here."""


class CredentialRoutes:
    """Store, list, get, delete, log in."""

    def __init__(self, links: Links) -> None:
        self._links = links

    def resources(self) -> list[Resource]:
        """The routes."""
        one = seed_schemas.CREDENTIAL
        return [
            Resource(
                "/v1/credentials",
                GET=operation(
                    _list, "List the stored logins, without their secrets.", seed_schemas.array(one),
                    query=(
                        *PAGING, ("vault_type", {"enum": list(seed_credentials.VAULT_TYPES)}),
                        ("credential_type", {"enum": list(seed_credentials.CREDENTIAL_TYPES)}),
                        ("search", {"type": "string"}),
                    ),
                ),
                POST=operation(
                    _create, "Store a login for the origin of tested_url.", one, status=201,
                    body=seed_schemas.CREATE_CREDENTIAL, refused=(400, 409, 503), locate=seed_credentials.place,
                ),
            ),
            Resource(
                "/v1/credentials/{credential_id}",
                GET=operation(_get, "Get a stored login, without its secrets.", one, refused=(404,)),
            ),
            Resource(
                "/v1/credentials/{credential_id}/delete",
                POST=operation(_delete, "Delete a stored login.", None, refused=(404, 503)),
            ),
            Resource(
                "/v1/run/tasks/login",
                POST=operation(
                    self._login, "Run a task that logs in with a stored login.", seed_schemas.RUN,
                    body=seed_schemas.LOGIN, refused=(400, 404, 409, 410, 429, 503),
                ),
            ),
        ]  # fmt: skip

    async def _login(self, ask: Ask) -> Any:
        body = Body(ask.json())
        if not body.has("credential_type"):
            body.wrong("credential_type", "missing", "must be given")
        vault = body.word("credential_type", _VAULTS)
        body.raise_if_wrong()
        if vault != seed_credentials.OWN_VAULT:
            detail = f"credential_type: this server reads no {vault}: store the login with POST /v1/credentials"
            raise Refused(400, "NOT_OFFERED", detail)
        credential_id = body.text("credential_id", 200, required=True)
        body.raise_if_wrong()
        request = seed_runs.login_request(body, await _found(ask, credential_id), key_of(ask))
        run = (await ask.call("tabkeep.v1.RunService/RunTask", request)).run
        shown = seed_runs.run(run, self._links.session(ask.request, run.browser_session_id))
        return shown | {"run_with": "agent", "ai_fallback": False, "script_id": None}


async def _create(ask: Ask) -> Any:
    request = seed_credentials.create_request(Body(ask.json()), key_of(ask))
    return seed_credentials.credential((await ask.call(_SERVICE + "CreateCredential", request)).credential)


async def _all(ask: Ask) -> list[pb.Credential]:
    return list((await ask.call(_SERVICE + "ListCredentials", pb.ListCredentialsRequest())).credentials)


async def _list(ask: Ask) -> Any:
    skip, size = paging(ask)
    of_type = {word: word == "password" for word in seed_credentials.CREDENTIAL_TYPES}
    in_vault = {word: word == seed_credentials.OWN_VAULT for word in seed_credentials.VAULT_TYPES}
    if not all(query_words(ask, "credential_type", of_type) + query_words(ask, "vault_type", in_vault)):
        return []  # there are none of that kind here
    words = query_text(ask, "search").casefold()
    found = [one for one in await _all(ask) if words in seed_credentials.name(one).casefold()]
    return [seed_credentials.credential(one) for one in found[skip : skip + size]]


async def _found(ask: Ask, credential_id: str) -> pb.Credential:
    for one in await _all(ask):
        if one.credential_id == credential_id:
            return one
    raise Refused(404, "CREDENTIAL_NOT_FOUND", f"credential {credential_id} does not exist")


async def _get(ask: Ask) -> Any:
    return seed_credentials.credential(await _found(ask, ask.path["credential_id"]))


async def _delete(ask: Ask) -> Any:
    await ask.call(_SERVICE + "DeleteCredential", pb.DeleteCredentialRequest(credential_id=ask.path["credential_id"]))
    return Response(status_code=204)
