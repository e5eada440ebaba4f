"""What all calls share: the connection, and what a call is given that names nothing."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import TracebackType
from typing import Self

from tabkeep import endpoint
from tabkeep.calls import Calls, RetryPolicy

DEFAULT_CALL_TIMEOUT = timedelta(seconds=30)
PAGE_SIZE = 100
"""How many things a list asks for at once, unless told otherwise."""


class Connection:
    """The connection to one control plane."""

    def __init__(
        self,
        api_key: str | None = None,
        address: str | None = None,
        *,
        tls: bool | None = None,
        root_certificates: bytes | None = None,
        call_timeout: timedelta = DEFAULT_CALL_TIMEOUT,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Take what is given, else TABKEEP_API_KEY or TABKEEP_API_KEY_FILE, and TABKEEP_ADDRESS (127.0.0.1:7330).

        `call_timeout` bounds each unary call, its retries included; watches have no bound. TLS is used when asked
        for, when `root_certificates` (PEM) are given, or when the address begins with https:// or grpcs://.

        Raises:
            AuthenticationError: KEY_MISSING, there is no key.
        """
        where = endpoint.resolve(api_key, address, tls=tls, root_certificates=root_certificates)
        self._calls = Calls(where, timeout=call_timeout, retry=retry or RetryPolicy())

    @property
    def address(self) -> str:
        """The control plane's address, as used."""
        return self._calls.endpoint.address

    async def __aenter__(self) -> Self:
        """Return the client; it connects with its first call."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; sessions and runs go on."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; sessions and runs go on."""
        await self._calls.close()


def new_request_id() -> str:
    """An id for a call that was given none, so that repeating it does nothing twice."""
    return str(uuid.uuid4())
