"""What all pages share: templates, forms, redirects, assets and the page for what went wrong."""

from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from demo.site.money import dollars
from demo.site.visits import caller_of

_FOLDER = Path(__file__).parent
_ASSETS = {path.name: path.read_bytes() for path in (_FOLDER / "static").iterdir()}
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_CACHED = {"cache-control": "max-age=300"}
LARGEST_FORM = 16 * 1024  # bytes
MOST_FIELDS = 50

_templates = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["dollars"] = dollars


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a template for the caller; a form that comes back with errors is a 200, as on most sites."""
    caller = caller_of(request)
    shared = {"visit": caller.visit, "user": caller.user, "notice": caller.visit.take_notice(), "query": ""}
    html = _templates.get_template(template).render(shared | {"path": request.scope["path"]} | context)
    return HTMLResponse(html, status)


def go(path: str) -> RedirectResponse:
    """Send the browser to another page of the site, as an answer to a form or a link."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)


async def read_form(request: Request) -> dict[str, str]:
    """Read the fields of a posted form, without the space around them.

    Raises:
        HTTPException: 413 or 400, the form is too large, has too many fields or ends too soon.
    """
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_FORM:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except (ValueError, ClientDisconnect):
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    return {name: value.strip() for name, value in fields}


async def wrong(request: Request, error: Exception) -> Response:
    """Show the page for a request that the site cannot serve."""
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    response = page(request, "wrong.html", status=error.status_code, title=phrase)
    response.headers.update(error.headers or {})
    return response


async def asset(request: Request) -> Response:
    """Serve a stylesheet, a script or the icon."""
    name = request.path_params.get("name", "icon.svg")
    if name not in _ASSETS:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return asset_response(name, cached=True)


def asset_response(name: str, *, cached: bool) -> Response:
    """One of the files that belong to the site."""
    headers = _CACHED if cached else {"cache-control": "no-store"}
    return Response(_ASSETS[name], media_type=_MEDIA_TYPES[Path(name).suffix], headers=headers)


ROUTES = [Route("/static/{name}", asset), Route("/favicon.ico", asset)]
