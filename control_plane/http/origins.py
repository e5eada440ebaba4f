"""Which web pages may call: those that came from here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from control_plane.http.answers import Refused


def refuse_other_origin(request: HTTPConnection, http_url: str, *, needed: bool = False) -> None:
    """Raise for a call of a web page that did not come from this server; `needed`: and for one that does not say so.

    `http_url` is how the server is reached from outside, where a proxy stands before it; else the request's own host
    counts, which the gateway has found among those that the operator allows.

    Raises:
        Refused: ORIGIN_NOT_ALLOWED.
    """
    origin = request.headers.get("origin")
    if origin is None and not needed:
        return
    given, outside = urlsplit(origin or ""), urlsplit(http_url)
    # Behind a proxy that ends TLS the page's scheme is another than the request's, so only the host is compared.
    if given.netloc and given.netloc == request.headers["host"]:
        return
    if given.netloc and given[:2] == outside[:2]:
        return
    raise Refused(403, "ORIGIN_NOT_ALLOWED", "web pages of other sites may not call: open the link itself")
