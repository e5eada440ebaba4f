"""What the floors serve with: a grpc.aio server without interceptors and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from bench import json_lines


class _Services:
    """Adds services without registering each method: for every call grpc.aio waits on a task per registered one."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service_name: str, method_handlers: object) -> None:
        """Leave them out, as the control plane does: a floor must not be slower than it need be."""


async def serve(add_services: Callable[[Any], None]) -> None:
    """Serve on a free port, say which, until standard input ends or SIGTERM comes."""
    server = grpc.aio.server()
    add_services(_Services(server))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    json_lines.say(event="ready", grpc_address=f"127.0.0.1:{port}")
    async for _ in json_lines.requests():
        pass
    await server.stop(None)
