"""Calls of the services in this process: the same methods, with the same things around them, as calls over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, NoReturn

from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from control_plane.entities.keys import Key
from control_plane.errors import TabkeepError
from control_plane.interceptors import CallInterceptor, Handler, status_of


class CallFailed(Exception):
    """A call ended with another status than OK; this is that status, taken apart."""

    def __init__(self, status: Any) -> None:
        """`status` is a grpc.Status, as `interceptors` makes them."""
        super().__init__(f"{status.code.name}: {status.details}")
        self.code: str = status.code.name
        """gRPC's name of it, for example NOT_FOUND."""
        self.message: str = status.details
        self.reason = self.code
        """A stable word, for example SESSION_CLOSED."""
        self.metadata: dict[str, str] = {}
        """The variable parts of the message, for programs."""
        self.violations: list[tuple[str, str]] = []
        """The fields of the request that were wrong, each with what was wrong with it."""
        self.retry_after: timedelta | None = None
        """When the same call may succeed."""
        for detail in _details(status):
            self._take(detail)

    def _take(self, detail: Any) -> None:
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            self.violations = [(violation.field, violation.description) for violation in bad.field_violations]
        elif detail.Unpack(retry):
            self.retry_after = retry.retry_delay.ToTimedelta()


def _details(status: Any) -> list[Any]:
    packed = dict(status.trailing_metadata or ()).get("grpc-status-details-bin", b"")
    return list(status_pb2.Status.FromString(packed).details)


def failure(error: TabkeepError) -> CallFailed:
    """An error of ours as a call would end with it."""
    return CallFailed(status_of(error))


class Calls:
    """The services' methods by their names, "tabkeep.v1.RunService/GetRun"."""

    def __init__(self, interceptor: CallInterceptor, handlers: Mapping[str, Handler]) -> None:
        """`handlers` are those that gRPC serves."""
        self._interceptor = interceptor
        self._handlers = handlers

    @property
    def names(self) -> list[str]:
        """All methods that can be called."""
        return list(self._handlers)

    def check(self, key: str | None) -> Key:
        """The key with this text, good for some call or other.

        Raises:
            Unauthenticated: there is none.
        """
        return self._interceptor.keys.check(key)

    async def call(self, method: str, request: Message | AsyncIterator[Message], metadata: Mapping[str, str]) -> Any:
        """The answer of a method that has one, to one request or to all of them.

        Raises:
            CallFailed: it ended with an error.
        """
        behavior = self._interceptor.around(f"/{method}", dict(metadata), self._handlers[method])
        return await behavior(request, _Context())

    def stream(self, method: str, request: Message, metadata: Mapping[str, str]) -> AsyncIterator[Any]:
        """The answers of a method that has many; iterating raises CallFailed when it ends with an error."""
        behavior = self._interceptor.around(f"/{method}", dict(metadata), self._handlers[method])
        answers: AsyncIterator[Any] = behavior(request, _Context())
        return answers


class _Context:
    """What a method and what is around it may ask of a call in this process."""

    async def abort_with_status(self, status: Any) -> NoReturn:
        """End the call."""
        raise CallFailed(status)
