"""The site as a server that runs inside the caller's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from demo.site import checkout, desk, pages, shop, sign_in, trouble
from demo.site.accounts import user_named
from demo.site.customers import CUSTOMERS, Customer
from demo.site.log import SiteLog
from demo.site.orders import Order
from demo.site.state import SiteState
from demo.site.visits import SESSION_COOKIE, VisitMiddleware

GRACE_SECONDS = 1  # for responses under way when the site stops


def build_app(state: SiteState) -> Starlette:
    """Build the application that shows one site's state."""
    routes = pages.ROUTES + shop.ROUTES + checkout.ROUTES + sign_in.ROUTES + desk.ROUTES + trouble.ROUTES
    middleware = [Middleware(VisitMiddleware, site=state)]
    return Starlette(routes=routes, middleware=middleware, exception_handlers={HTTPException: pages.wrong})


class DemoSite:
    """A shop and customer desk of its own, served while the `async with` block lasts.

    `app` may also be called directly, without a server.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, log_path: Path | str | None = None) -> None:
        """Make a site that will listen on host and port, 0 being any free one."""
        self.log = SiteLog(Path(log_path) if log_path is not None else None)
        self._state = SiteState(self.log)
        self.app = build_app(self._state)
        self._address = (host, port)

    @property
    def url(self) -> str:
        """Where the running site is, without a slash at the end."""
        host, port = self._address
        return f"http://{host}:{port}"

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every order placed so far, oldest first."""
        return tuple(self._state.orders)

    @property
    def customers(self) -> tuple[Customer, ...]:
        """Every customer the desk knows, by name."""
        return CUSTOMERS

    def cookie_of(self, username: str) -> str:
        """Sign a user in and return the cookie that says so, as a `Cookie` header has it."""
        user = user_named(username)
        assert user is not None, f"no account {username!r}"
        return f"{SESSION_COOKIE}={self._state.sign_ins.begin(user)}"

    async def __aenter__(self) -> "DemoSite":
        """Start serving; the site answers when this returns.

        Raises:
            OSError: the port is taken.
        """
        listener = socket.create_server(self._address)
        # Or a body in a second packet waits 40 ms for the acknowledgement of its head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._address = (self._address[0], listener.getsockname()[1])
        config = uvicorn.Config(
            self.app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="demo site")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving; slow pages are answered at once."""
        self._state.closing.set()
        self._server.should_exit = True
        await self._serving


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the program it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
