"""Around every RPC: who calls, what went wrong in the words of the wire, one log line and one span."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from typing import Any, Self, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from opentelemetry.trace import Span, SpanKind
from tabkeep import telemetry

from control_plane import errors
from control_plane.clock import Clock
from control_plane.entities.keys import Key, KeyBook, Scope

logger = logging.getLogger(__name__)
_DURATION = telemetry.meter().create_histogram(
    "tabkeep.rpc.duration", unit="s", description="How long calls took; of streams, how long they lived."
)

caller: ContextVar[Key] = ContextVar("caller")
"""The key of the call being handled."""

caller_text: ContextVar[str] = ContextVar("caller_text")
"""That key's text, for what must be signed with it later; nothing else may keep it."""

_CODES: tuple[tuple[type[errors.TabkeepError], grpc.StatusCode], ...] = (
    (errors.FieldInvalid, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.HostProtocolError, grpc.StatusCode.INVALID_ARGUMENT),
    (errors.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (errors.ScopeMissing, grpc.StatusCode.PERMISSION_DENIED),
    (errors.NotFound, grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (errors.HostIdTaken, grpc.StatusCode.ALREADY_EXISTS),
    (errors.PreconditionFailed, grpc.StatusCode.FAILED_PRECONDITION),
    (errors.Conflict, grpc.StatusCode.ABORTED),
    (errors.QueueFull, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.QuotaFull, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.AttachRate, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (errors.OutOfRange, grpc.StatusCode.OUT_OF_RANGE),
    (errors.Unavailable, grpc.StatusCode.UNAVAILABLE),
    (errors.DataLoss, grpc.StatusCode.DATA_LOSS),
    (errors.TabkeepError, grpc.StatusCode.ABORTED),
)
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_MAKERS: dict[tuple[bool, bool], Callable[..., Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By whether the request and the response stream."""

HEAR_OUT_SECONDS, HEAR_OUT_BYTES = 5.0, 64 * 1024 * 1024
"""How long, and how much, a caller that streams may still say before it is refused."""

_OPEN = ("/grpc.health.", "/grpc.reflection.")
_HOST = "/tabkeep.host.v1."
_OPERATOR = ("/tabkeep.v1.HostService/", "/tabkeep.v1.KeyService/")


def code_of(error: errors.TabkeepError) -> grpc.StatusCode:
    """The gRPC code of an error's class."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def status_of(error: errors.TabkeepError) -> grpc.Status:
    """The error as a gRPC status with google.rpc details."""
    status = status_pb2.Status(code=code_of(error).value[0], message=error.message)
    metadata = {name: value for name, value in error.metadata.items() if value}
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain="tabkeep", metadata=metadata))
    if isinstance(error, errors.FieldInvalid):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        _add(status, error_details_pb2.BadRequest(field_violations=violations))
    if isinstance(error, (errors.Unavailable, errors.AttachRate, errors.QueueFull)):
        info = error_details_pb2.RetryInfo()
        info.retry_delay.FromTimedelta(error.retry_after)
        _add(status, info)
    converted: grpc.Status = rpc_status.to_status(status)
    return converted


def _add(status: status_pb2.Status, detail: Message) -> None:
    packed = AnyMessage()
    packed.Pack(detail)
    status.details.append(packed)


def check_scope(method: str, key: Key) -> None:
    """Raise ScopeMissing unless the key may call the method."""
    if method.startswith(_HOST):
        allowed, needed = key.scope is Scope.HOST, "a host token"
    elif method.startswith(_OPERATOR):
        allowed, needed = key.scope is Scope.OPERATOR, "a key with the operator scope"
    else:
        allowed, needed = key.scope is not Scope.HOST, "an API key"
    if not allowed:
        raise errors.ScopeMissing(f"this key has the scope {key.scope.value}: the call needs {needed}")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Checks the key, turns errors into statuses, writes the log line, opens the span."""

    def __init__(self, keys: KeyBook, clock: Clock) -> None:
        self.keys = keys
        self._clock = clock

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wrap the handler of one call."""
        handler = await continuation(details)
        method = str(details.method)
        if handler is None or method.startswith(_OPEN):
            return handler
        metadata: dict[str, Any] = dict(details.invocation_metadata or ())
        make = _MAKERS[bool(handler.request_streaming), bool(handler.response_streaming)]
        made: Handler = make(
            self.around(method, metadata, handler), handler.request_deserializer, handler.response_serializer
        )
        return made

    def around(self, method: str, metadata: dict[str, Any], handler: Handler) -> Callable[..., Any]:
        """What the handler does, with everything that is around a call; also for calls that come over HTTP."""
        behavior = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
        assert behavior is not None
        wrap = self._streaming if handler.response_streaming else self._unary
        return wrap(method, metadata, behavior)

    def _unary(self, method: str, metadata: dict[str, Any], behavior: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with _Call(method, context, self._clock) as call:
                caller.set(self._admit(method, metadata))
                with _span(method, metadata) as call.span:
                    try:
                        return await behavior(request, context)
                    except errors.TabkeepError:
                        if isinstance(request, AsyncIterator):
                            await _hear_out(request)
                        raise

        return handle

    def _streaming(self, method: str, metadata: dict[str, Any], behavior: Callable[..., Any]) -> Callable[..., Any]:
        async def handle(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with _Call(method, context, self._clock):
                key = self._admit(method, metadata)
                caller.set(key)
                async with contextlib.aclosing(behavior(request, context)) as responses:
                    async for response in responses:
                        if key.scope is not Scope.HOST:  # a host that is at work goes on with its stream
                            self.keys.valid(key.key_id)
                        yield response

        return handle

    def _admit(self, method: str, metadata: dict[str, Any]) -> Key:
        key = self.keys.check(metadata.get("x-api-key"))
        check_scope(method, key)
        caller_text.set(str(metadata["x-api-key"]).strip())
        return key


async def _hear_out(request: AsyncIterator[Any]) -> None:
    """Read the rest of what a caller streams, within bounds, before it is refused.

    A status that overtakes the caller's own messages may reach it as a broken stream, INTERNAL, without its words.
    """
    heard = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_OUT_SECONDS):
            async for message in request:
                heard += message.ByteSize()
                if heard > HEAR_OUT_BYTES:
                    return


class _Call:
    """Around one call: whatever it raises leaves as a status, and it leaves one log line."""

    def __init__(self, method: str, context: grpc.aio.ServicerContext[Any, Any], clock: Clock) -> None:
        self._method = method
        self._context = context
        self._clock = clock
        self._started = clock.monotonic()
        self._code = "OK"
        self._fields: dict[str, Any] = {}
        self.span: Span | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        try:
            if isinstance(error, Exception):
                await self._fail(error)
            elif error is not None:
                self._code = "CANCELLED"
        finally:
            self._log()

    async def _fail(self, error: Exception) -> None:
        """End the call with the status of `error`; what is not of our tree becomes an incident in the log."""
        if isinstance(error, (grpc.aio.AbortError, grpc.RpcError)):
            return
        if isinstance(error, errors.TabkeepError):
            self._code, self._fields = code_of(error).name, {"reason": error.reason}
            await self._context.abort_with_status(status_of(error))
        incident = secrets.token_hex(6)
        logger.error("call broke", extra={"method": self._method, "incident": incident}, exc_info=error)
        self._code, self._fields = "INTERNAL", {"incident": incident}
        message = f"a fault of the control plane, incident {incident}: its log has the cause"
        status = status_pb2.Status(code=grpc.StatusCode.INTERNAL.value[0], message=message)
        _add(status, error_details_pb2.ErrorInfo(reason="INTERNAL", domain="tabkeep", metadata={"incident": incident}))
        await self._context.abort_with_status(rpc_status.to_status(status))

    def _log(self) -> None:
        """Write the call's line, and count how long it took."""
        milliseconds = round((self._clock.monotonic() - self._started) * 1000, 2)
        fields = {"method": self._method, "code": self._code, "duration_ms": milliseconds, **self._fields}
        if key := caller.get(None):
            fields["organization_id"], fields["key_id"] = key.organization_id, key.key_id
        logger.info("call", extra=fields)
        _DURATION.record(milliseconds / 1000, {"method": self._method, "code": self._code})
        if self.span is not None and self._code != "OK":
            self.span.set_attribute("rpc.grpc.status_code", self._code)


def _span(method: str, metadata: dict[str, Any]) -> contextlib.AbstractContextManager[Span | None]:
    """The call's span; nothing where nobody takes spans and the caller has none."""
    traceparent = str(metadata.get("traceparent", ""))
    return _opened(method, traceparent) if traceparent or telemetry.tracing() else contextlib.nullcontext()


@contextlib.contextmanager
def _opened(method: str, traceparent: str) -> Iterator[Span]:
    parent = telemetry.extract(traceparent)
    service, _, name = method.lstrip("/").partition("/")
    with telemetry.tracer().start_as_current_span(
        f"{service}/{name}",
        context=parent,
        kind=SpanKind.SERVER,
        attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
    ) as span:
        yield span
