"""What every route of the seed's API shares: its errors in the seed's words, its place in the document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.responses import Response

from control_plane.http.answers import Locate, Refused, json_answer
from control_plane.http.calls import CallFailed
from control_plane.http.endpoint import Ask, Operation
from control_plane.http.seed_body import BodyInvalid, request_id
from control_plane.http.seed_offers import NotOffered

Answer = Callable[[Ask], Awaitable[Any]]
"""Answers with what becomes JSON, or with a Response."""

_STATUS_OF_REASON = {
    "NOT_OFFERED": 400,
    "SESSION_CLOSED": 410,
    "BROWSER_NOT_OFFERED": 400,
    "EXTENSION_NOT_OFFERED": 400,
    "PROXY_LOCATION_NOT_CONFIGURED": 400,
}
"""Where the seed's API says it by another status than ours does."""


def operation(
    answer: Answer,
    summary: str,
    schema: Mapping[str, Any] | None,
    *,
    body: Mapping[str, Any] | None = None,
    refused: tuple[int, ...] = (),
    media: str = "application/json",
    query: tuple[tuple[str, Mapping[str, Any]], ...] = (),
    status: int = 200,
    locate: Locate | None = None,
) -> Operation:
    """One operation; `schema` is its answer's (None: it has no body), `status` the answer's where it has one, `refused`
    are the statuses that it gives beside those of every route. `locate` says where a field of our request stood in
    the seed's, if not under the same name."""
    done: dict[str, Any] = {"204": {"description": "Done."}}
    if schema is not None:
        done = {str(status): {"description": "Done.", "content": {media: {"schema": dict(schema)}}}}
    document: dict[str, Any] = {
        "summary": summary,
        "tags": ["compatibility"],
        "responses": {
            **done,
            **{str(status): REFUSALS[status] for status in refused},
        },
    }
    if query:
        document["parameters"] = [{"name": name, "in": "query", "schema": dict(one)} for name, one in query]
    if body is not None:
        document["requestBody"] = {"content": {"application/json": {"schema": dict(body)}}}

    async def answered(ask: Ask) -> Response:
        try:
            content = await answer(ask)
        except BodyInvalid as invalid:
            raise Refused(422, "FIELD_INVALID", invalid.details) from None
        except NotOffered as missing:
            raise Refused(400, "NOT_OFFERED", str(missing)) from None
        except CallFailed as failed:
            if other := _STATUS_OF_REASON.get(failed.reason):
                raise Refused(other, failed.reason, failed.message) from None
            raise
        return content if isinstance(content, Response) else json_answer(status, content)

    return Operation(answered, document=document, takes_body=body is not None, locate=locate or _place)


def _refusal(description: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["detail", "code"],
        "properties": {"detail": {}, "code": {"type": "string"}},
    }
    return {"description": description, "content": {"application/json": {"schema": schema}}}


REFUSALS = {
    400: _refusal("This server does not offer what is asked for; the detail says what would work."),
    404: _refusal("There is no such thing in the caller's organization."),
    409: _refusal("Not in its present state; the detail has it."),
    410: _refusal("The browser session is closed: create a new one."),
    422: _refusal("A field is wrong; the detail lists them."),
    429: _refusal("Too much waits already."),
    503: _refusal("Not now: try again, when retry-after says."),
}


def _place(field: str) -> list[str | int]:
    """Where a field of our request stood in the seed's: labels[title] came as title."""
    name = field.removeprefix("browser_session.")
    if name.startswith("proxy."):
        return ["body", "proxy_location", name.removeprefix("proxy.")]
    if name.startswith("labels["):
        return ["body", name[len("labels[") :].rstrip("]")]
    return ["body", *name.split(".")]


def key_of(ask: Ask) -> str:
    """The request's Idempotency-Key as a request_id.

    Raises:
        BodyInvalid: it is not 1 to 255 visible ASCII characters.
    """
    header = ask.request.headers.get("idempotency-key")
    if header is None:
        return ""
    if not (0 < len(header) <= 255 and header.isascii() and header.isprintable() and " " not in header):
        message = "must be 1 to 255 visible ASCII characters"
        raise BodyInvalid([{"type": "value_error", "loc": ["header", "idempotency-key"], "msg": message}])
    return request_id(header)


_PAGES = 40
"""How many of our pages are looked through for one of theirs: 20,000 records."""


async def listed(
    ask: Ask,
    method: str,
    request: Any,
    field: str,
    skip: int,
    size: int,
    only: Callable[[Any], bool] = lambda one: True,
) -> list[Any]:
    """Some of what a listing method lists, whose pages are longer than those of the seed's API."""
    found: list[Any] = []
    request.page_size = 500
    for _ in range(_PAGES):
        answer = await ask.call(method, request)
        found += filter(only, getattr(answer, field))
        if len(found) >= skip + size or not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return found[skip : skip + size]
