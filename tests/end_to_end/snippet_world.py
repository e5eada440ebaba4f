"""A world in which the snippets' own addresses lead somewhere: https://shop.example.com and the like are the demo site.

The host goes out through a proxy that leads every name under example.com to a TLS front of the demo site. It has what
they ask for: an Edge (a Chromium stands in its place), a proxy called RESIDENTIAL, both extensions.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from tabkeep import Client

from browser_host import launch
from browser_host.messages import BrowserType
from demo.site import DemoSite
from tests.end_to_end.conftest import Stack, running_stack
from tests.network_site import a_certificate
from tests.proxies import TestProxy, http_proxy

NAMES = ("dashboard.example.com", "app.example.com", "shop.example.com")
LOGINS = {
    "https://dashboard.example.com": ("support@company.com", "headphones-4-all"),
    "https://app.example.com": ("admin@company.com", "letmein-admin"),
}
"""What the prompts leave out."""
WORKFLOWS = {
    "wf_export_monthly_report": """
version: 1
title: Export the monthly report
blocks:
  - goto: https://app.example.com/desk/reports/2026-10
  - actions:
      steps:
        - click: {role: button, name: Export report}
          expect: [{text: Report exported}]
""",
    "wf_abc": """
version: 1
title: Look into the shop
blocks:
  - goto: https://shop.example.com/
""",
}


class Front:
    """Answers for all names with the site of the moment. Whoever asks for the shop is known there, as behind a single
    sign-on: the snippets' shopper gives no name and no address, and checks out."""

    def __init__(self) -> None:
        self._site: DemoSite | None = None
        self._shopper = b""

    def show(self, site: DemoSite) -> None:
        """Answer with this site from now on."""
        self._site, self._shopper = site, site.cookie_of("shopper").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert self._site is not None
        headers = dict(scope["headers"])
        if headers[b"host"] == b"shop.example.com":
            headers[b"cookie"] = b"; ".join(filter(None, [headers.get(b"cookie"), self._shopper]))
        await self._site.app({**scope, "headers": list(headers.items())}, receive, send)


@asynccontextmanager
async def _served(front: Front, certificate: Path) -> AsyncIterator[int]:
    """Serve it over TLS; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            front, ssl_certfile=certificate, ws="none", lifespan="off", log_config=None, access_log=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = uvicorn.Server(config)
        # Not `serve`, which takes the process's signals.
        serving = asyncio.create_task(server._serve(sockets=[listener]), name="front of the demo site")
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@dataclass
class World:
    """It, while it runs."""

    stack: Stack
    front: Front
    residential: TestProxy
    """Has noted what it was asked for."""


@asynccontextmanager
async def snippet_world(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Let it run."""
    _, _, digest = a_certificate(directory, *NAMES)
    front = Front()
    async with (
        _served(front, directory / "certificate.pem") as port,
        http_proxy(TestProxy({443: port}, ending=".example.com")) as way_out,
        http_proxy(TestProxy({443: port}, ending=".example.com")) as residential,
    ):
        (directory / "locations.yaml").write_text(
            f'RESIDENTIAL: {{servers: [{{url: "http://127.0.0.1:{residential.port}"}}]}}\n'
        )
        extensions = [f"{name}={_extension(directory / name)}" for name in ("ad-blocker", "captcha-solver")]
        chromium = next(one for one in launch.find_browsers() if one.browser_type is BrowserType.CHROME)
        for variable, value in {
            "TABKEEP_CHROME": _trusting(directory / "chrome", chromium.executable, digest),
            "TABKEEP_MSEDGE": _trusting(directory / "msedge", chromium.executable, digest),
            "TABKEEP_PROXY_LOCATIONS": str(directory / "locations.yaml"),
            "TABKEEP_EXTENSIONS": ";".join(extensions),
            "HTTPS_PROXY": f"http://127.0.0.1:{way_out.port}",
        }.items():
            monkeypatch.setenv(variable, value)
        async with running_stack(directory / "data") as stack:
            async with Client(api_key=stack.api_key, address=stack.grpc_address) as client:
                for origin, (username, password) in LOGINS.items():
                    await client.create_credential(origin, username, password)
                for workflow_id, definition in WORKFLOWS.items():
                    await client.create_workflow(definition, workflow_id=workflow_id)
            yield World(stack, front, residential)


def _trusting(path: Path, browser: Path, digest: str) -> str:
    """A browser that takes the front's certificate for a good one."""
    path.write_text(f'#!/bin/sh\nexec {browser} --ignore-certificate-errors-spki-list={digest} "$@"\n')
    path.chmod(0o755)
    return str(path)


def _extension(directory: Path) -> Path:
    """One that does nothing: what is looked at is that a session gets those that it asks for."""
    directory.mkdir()
    manifest = {"manifest_version": 3, "name": directory.name, "version": "1.0"}
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory
