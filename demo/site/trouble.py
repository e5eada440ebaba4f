"""Pages that misbehave, for tests of what a session does about it."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.site.pages import page
from demo.site.visits import caller_of

SLOWEST_MS = 10_000


async def index(request: Request) -> Response:
    """List the pages."""
    return page(request, "trouble/index.html")


async def hang(request: Request) -> Response:
    """Show a page whose script never ends, at once with ?now=1."""
    return page(request, "trouble/hang.html", now=request.query_params.get("now") == "1")


async def slow(request: Request) -> Response:
    """Answer after ?ms= milliseconds, or as soon as the site stops."""
    asked = request.query_params.get("ms", "")
    milliseconds = min(int(asked), SLOWEST_MS) if asked.isdecimal() and len(asked) <= 6 else 2_000
    closing = caller_of(request).site.closing
    try:
        async with asyncio.timeout(milliseconds / 1000):
            await closing.wait()
    except TimeoutError:
        pass
    return page(request, "trouble/slow.html", milliseconds=milliseconds)


async def dead_button(request: Request) -> Response:
    """Show a button without any effect."""
    return page(request, "trouble/dead_button.html")


async def alert(request: Request) -> Response:
    """Show a button that opens an alert."""
    return page(request, "trouble/alert.html")


async def popup(request: Request) -> Response:
    """Show a button that opens a new tab."""
    return page(request, "trouble/popup.html")


async def opened(request: Request) -> Response:
    """Show what the new tab holds."""
    return page(request, "trouble/opened.html")


async def error(request: Request) -> Response:
    """Fail."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return page(request, "wrong.html", status=status, title=status.phrase)


async def late(request: Request) -> Response:
    """Show a button that comes 700 ms after the page."""
    return page(request, "trouble/late.html")


async def pressed(request: Request) -> Response:
    """Show what the late button leads to."""
    return page(request, "trouble/pressed.html")


ROUTES = [
    Route("/trouble", index),
    Route("/trouble/hang", hang),
    Route("/trouble/slow", slow),
    Route("/trouble/dead-button", dead_button),
    Route("/trouble/alert", alert),
    Route("/trouble/popup", popup),
    Route("/trouble/popup/opened", opened),
    Route("/trouble/error", error),
    Route("/trouble/late", late),
    Route("/trouble/late/pressed", pressed),
]
