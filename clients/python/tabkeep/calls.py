"""Making calls: channel, metadata, deadlines, spans, and retries where the proto file says a retry is safe."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from opentelemetry import trace

from tabkeep import telemetry
from tabkeep.endpoint import Endpoint
from tabkeep.errors import DeadlineExceeded, ResourceExhausted, TabkeepError, Unavailable, from_rpc_error

_R = TypeVar("_R", bound=Message)

logger = logging.getLogger(__name__)

PACKAGE = "tabkeep.v1"

RETRY_SAFE = {
    "BrowserSessionService/CreateBrowserSession": True,  # with a request_id, which this client always sends
    "BrowserSessionService/GetBrowserSession": True,
    "BrowserSessionService/ListBrowserSessions": True,
    "BrowserSessionService/WatchBrowserSession": True,
    "BrowserSessionService/ExtendBrowserSession": True,
    "BrowserSessionService/UpdateBrowserSession": True,
    "BrowserSessionService/ListPages": True,
    "BrowserSessionService/CreateTakeOverLink": True,  # a link that nobody has heard of ends by itself
    "BrowserSessionService/CloseBrowserSession": True,
    "BrowserProfileService/CreateBrowserProfile": True,  # with a request_id, which this client always sends
    "BrowserProfileService/GetBrowserProfile": True,
    "BrowserProfileService/ListBrowserProfiles": True,
    "BrowserProfileService/UpdateBrowserProfile": True,
    "BrowserProfileService/DeleteBrowserProfile": True,
    "BrowserProfileService/ExportBrowserProfile": True,
    "RunService/RunTask": True,
    "RunService/RunWorkflow": True,
    "RunService/GetRun": True,
    "RunService/ListRuns": True,
    "RunService/WatchRun": True,
    "RunService/CancelRun": True,
    "RunService/ResolveApproval": True,
    "WorkflowService/CreateWorkflow": True,
    "WorkflowService/GetWorkflow": True,
    "WorkflowService/ListWorkflows": True,
    "WorkflowService/UpdateWorkflow": False,  # only with expected_version; the client says so for such a call
    "WorkflowService/DeleteWorkflow": True,
    "ArtifactService/GetArtifact": True,
    "ArtifactService/CapturePage": False,  # makes another artifact
    "ArtifactService/ListArtifacts": True,
    "FileService/UploadFile": True,  # with a request_id, which this client always sends
    "FileService/GetFile": True,
    "FileService/ListFiles": True,
    "FileService/DeleteFile": True,
    "HostService/ListHosts": True,
    "HostService/GetHost": True,
    "HostService/DrainHost": True,
    "HostService/ReleaseHost": True,
    "KeyService/CreateKey": False,  # makes another key
    "KeyService/ListKeys": True,
    "KeyService/RevokeKey": True,
    "CredentialService/CreateCredential": True,
    "CredentialService/ListCredentials": True,
    "CredentialService/DeleteCredential": True,
    "RecordingService/ListRecordings": True,
    "RecordingService/GetRecording": True,
    "RecordingService/DeleteRecording": True,
    "RecordingService/ExportRecording": True,
    "UsageService/GetUsage": True,
    "WebhookService/ListWebhookDeliveries": True,
    "WebhookService/GetWebhookDelivery": True,
    "WebhookService/ReplayWebhook": False,  # makes another delivery
    "WebhookService/GetWebhookSecret": True,
}
"""Every method of the public API: whether the same request may be sent twice. A test holds it against the protos."""

_CHANNEL_OPTIONS = (
    # A lost control plane is tried again soon; the default would wait up to two minutes between attempts.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 3_000),
    # Finds a peer that vanished without a word while a watch is open.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
)

_BROKEN_STREAM_CODES = frozenset({"UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how soon a safe call is tried again after UNAVAILABLE, or RESOURCE_EXHAUSTED with RetryInfo."""

    max_attempts: int = 6
    """Tries of one call in all; 1 switches retries off."""
    initial_backoff: timedelta = timedelta(milliseconds=200)
    """The longest wait after the first failure; it doubles with each further one. Half of it is random."""
    max_backoff: timedelta = timedelta(seconds=5)
    watch_patience: timedelta = timedelta(minutes=2)
    """How long a watch tries to come back without receiving anything before it gives up."""

    def backoff_seconds(self, failures: int, chance: float) -> float:
        """Return the wait after the `failures`-th failure in a row; `chance` in [0, 1) spreads the callers."""
        longest = self.initial_backoff.total_seconds() * 2.0 ** min(failures - 1, 32)
        return min(longest, self.max_backoff.total_seconds()) * (0.5 + chance / 2)


class Calls:
    """One channel to a control plane, made in the loop that uses it first."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: timedelta,
        retry: RetryPolicy,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint = endpoint
        self.retry = retry
        self.timeout_seconds = timeout.total_seconds()
        self._chance = chance
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unary_methods: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._closed = False

    async def close(self) -> None:
        """End all calls and the connection; calls after this raise RuntimeError. May be called twice."""
        self._closed = True
        channel, self._channel = self._channel, None
        if channel is not None and self._loop is asyncio.get_running_loop():
            await channel.close()

    async def unary(
        self,
        method: str,
        request: Message,
        answer: type[_R],
        *,
        extra_seconds: float = 0.0,
        safe: bool | None = None,
    ) -> _R:
        """Call a unary method, again if that is safe, until it answers or its time is over.

        `extra_seconds` are added to the call's timeout, for calls that the server holds. `safe` overrides RETRY_SAFE.

        Raises:
            TabkeepError: the typed error of the last try.
        """
        with telemetry.tracer().start_as_current_span(
            f"{PACKAGE}.{method}",
            kind=trace.SpanKind.CLIENT,
            attributes={"rpc.system": "grpc", "rpc.service": f"{PACKAGE}.{method.split('/')[0]}", "rpc.method": method},
        ) as span:
            try:
                return await self._unary(method, request, answer, extra_seconds, safe)
            except TabkeepError as error:
                span.set_attribute("rpc.grpc.status", error.code)
                raise

    async def stream(self, method: str, request: Message, answer: type[_R]) -> AsyncGenerator[_R, None]:
        """Call a streaming method once and yield what it sends; the call ends with the generator.

        Raises:
            TabkeepError: the typed error with which the stream ended.
        """
        multi = self._open().unary_stream(
            f"/{PACKAGE}.{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        call = multi(request, metadata=self._metadata())
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as error:
            raise self._typed(error) from error
        finally:
            call.cancel()

    async def upload(self, method: str, requests: Callable[[], AsyncIterator[Message]], answer: type[_R]) -> _R:
        """Call a method that takes many requests, again if that is safe; `requests` makes them anew for each try.

        Raises:
            TabkeepError: the typed error of the last try.
        """
        failures = 0
        while True:
            multi: Callable[..., Awaitable[_R]] = self._open().stream_unary(
                f"/{PACKAGE}.{method}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=answer.FromString,
            )
            try:
                return await multi(requests(), metadata=self._metadata())
            except grpc.aio.AioRpcError as rpc_error:
                failures += 1
                error = self._typed(rpc_error)
                if not RETRY_SAFE[method] or not self.broken(error) or failures >= self.retry.max_attempts:
                    raise error from rpc_error
            await self.pause(failures, error)

    def broken(self, error: TabkeepError) -> bool:
        """Whether a stream ended because of its connection or its server, so that watching again makes sense."""
        if isinstance(error, ResourceExhausted):
            return error.reason == "WATCHER_TOO_SLOW" or error.retry_delay is not None
        # A reason is the control plane's own word; without one the transport speaks.
        return isinstance(error, Unavailable) or (error.code in _BROKEN_STREAM_CODES and not error.reason)

    async def pause(self, failures: int, error: TabkeepError | None) -> None:
        """Wait before the next try, as long as the policy says and at least as long as the server asked."""
        await asyncio.sleep(self._delay(failures, error))

    async def _unary(
        self, method: str, request: Message, answer: type[_R], extra_seconds: float, safe: bool | None
    ) -> _R:
        multi = self._unary_method(method, type(request), answer)
        may_repeat = RETRY_SAFE[method] if safe is None else safe
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout_seconds + extra_seconds
        failures = 0
        last: TabkeepError | None = None
        while True:
            try:
                return await multi(request, timeout=max(deadline - loop.time(), 0.001), metadata=self._metadata())
            except grpc.aio.AioRpcError as rpc_error:
                failures += 1
                error = self._typed(rpc_error)
                if isinstance(error, DeadlineExceeded) and last is not None:
                    # The last tries' cause says more than that no time is left.
                    raise last from rpc_error
                delay = self._delay(failures, error)
                again = may_repeat and _worth_repeating(error) and failures < self.retry.max_attempts
                if not again or loop.time() + delay >= deadline:
                    raise error from rpc_error
                last = error
            logger.debug("call repeated", extra={"method": method, "attempt": failures + 1, "code": last.code})
            await asyncio.sleep(delay)

    def _unary_method(self, method: str, request: type[Message], answer: type[_R]) -> Callable[..., Awaitable[_R]]:
        channel = self._open()
        known = self._unary_methods.get(method)
        if known is None:
            known = self._unary_methods[method] = channel.unary_unary(
                f"/{PACKAGE}.{method}",
                request_serializer=request.SerializeToString,
                response_deserializer=answer.FromString,
            )
        return known

    def _delay(self, failures: int, error: TabkeepError | None) -> float:
        delay = self.retry.backoff_seconds(failures, self._chance())
        asked = error.retry_delay.total_seconds() if error is not None and error.retry_delay else 0.0
        # Callers that were sent away together must not come back together.
        return max(delay, asked + delay / 4) if asked else delay

    def _typed(self, rpc_error: grpc.aio.AioRpcError) -> TabkeepError:
        error = from_rpc_error(rpc_error)
        if isinstance(error, Unavailable) and not error.reason:
            error.message = f"no answer from the control plane at {self.endpoint.address}: {error.message}"
            error.reason = "UNREACHABLE"
        return error

    def _metadata(self) -> list[tuple[str, str]]:
        pairs = [("x-api-key", self.endpoint.api_key)]
        if traceparent := telemetry.inject():
            pairs.append(("traceparent", traceparent))
        return pairs

    def _open(self) -> grpc.aio.Channel:
        loop = asyncio.get_running_loop()
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._channel is not None and self._loop is loop:
            return self._channel
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError("the client belongs to another event loop: make one client for each loop")
        self._loop = loop
        self._unary_methods.clear()
        self._channel = _connect(self.endpoint)
        return self._channel


def _connect(endpoint: Endpoint) -> grpc.aio.Channel:
    options: list[tuple[str, Any]] = [*_CHANNEL_OPTIONS, ("grpc.primary_user_agent", f"tabkeep-python/{version()}")]
    if not endpoint.tls:
        return grpc.aio.insecure_channel(endpoint.address, options=options)
    credentials = grpc.ssl_channel_credentials(endpoint.root_certificates)
    return grpc.aio.secure_channel(endpoint.address, credentials, options=options)


def _worth_repeating(error: TabkeepError) -> bool:
    return isinstance(error, Unavailable) or (isinstance(error, ResourceExhausted) and error.retry_delay is not None)


def version() -> str:
    """Return the installed version of Tabkeep, or "0" when it runs from a bare source tree."""
    try:
        return metadata.version("tabkeep")
    except metadata.PackageNotFoundError:
        return "0"
