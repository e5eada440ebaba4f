"""A real gRPC server on a free port that serves the whole public API with answers that a test writes down.

It has no behaviour of its own: each call takes the next answer of its method, the last one again and again. It runs
in threads, so asynchronous clients, the synchronous one and command lines can all call it from one process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, message_factory
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc
from grpc_status import rpc_status
from tabkeep.v1 import (
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)

API_KEY = "tk_test_scripted"
PUBLIC_FILES = (
    artifacts_pb2,
    browser_profiles_pb2,
    browser_sessions_pb2,
    credentials_pb2,
    files_pb2,
    hosts_pb2,
    keys_pb2,
    recordings_pb2,
    runs_pb2,
    usage_pb2,
    webhooks_pb2,
    workflows_pb2,
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is an error; without a reason it is a bare status, like the transport's own."""

    code: grpc.StatusCode
    reason: str = ""
    message: str = "scripted failure"
    metadata: dict[str, str] = field(default_factory=dict)
    fields: tuple[tuple[str, str], ...] = ()
    retry_delay: timedelta | None = None


class Hang:
    """An answer that never comes: the call lasts until its client goes."""


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that is given when the test lets it go."""

    message: Message
    let_go: threading.Event = field(default_factory=threading.Event)


HANG = Hang()
BROKEN = Failure(grpc.StatusCode.UNAVAILABLE, message="Socket closed")


@dataclass(frozen=True, slots=True)
class Received:
    """One call as it arrived."""

    method: str
    request: Any
    metadata: dict[str, str]
    seconds_left: float | None


class ScriptedControlPlane:
    """Serves from its construction on; close it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._scripts: dict[str, list[Any]] = {}
        self._closing = threading.Event()
        self._arrived = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(16, thread_name_prefix="scripted"))
        for file in PUBLIC_FILES:
            for service in file.DESCRIPTOR.services_by_name.values():
                handlers = {method.name: self._handler(service.name, method) for method in service.methods}
                self._server.add_generic_rpc_handlers(
                    (grpc.method_handlers_generic_handler(service.full_name, handlers),)
                )
        health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def answers(self, method: str, *script: Message | Failure | Hang | Held) -> None:
        """Write down the answers of a unary method, in order; the last one is given from then on."""
        self._scripts[method] = list(script)

    def streams(self, method: str, *scripts: Sequence[Message | Failure | Hang | Held]) -> None:
        """Write down what a streaming method sends: one script for each call, the last one from then on."""
        self._scripts[method] = list(scripts)

    def requests(self, method: str) -> list[Any]:
        """Return the requests that a method received."""
        return [call.request for call in self.received if call.method == method]

    def wait_for(self, method: str, calls: int = 1) -> None:
        """Return when a method was called that often; at most 10 s."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests(method)) >= calls, timeout=10), method

    def close(self) -> None:
        """End all calls and the server."""
        self._closing.set()
        self._server.stop(None).wait()

    def _handler(self, service: str, method: Any) -> Any:
        name = f"{service}/{method.name}"
        request_type = message_factory.GetMessageClass(method.input_type)

        def unary(request: Message, context: grpc.ServicerContext) -> Message:
            return self._give(self._next(name, request, context), context)

        def stream(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
            for step in self._next(name, request, context):
                yield self._give(step, context)

        def many(requests: Iterator[Message], context: grpc.ServicerContext) -> Message:
            first, *_ = requests
            return self._give(self._next(name, first, context), context)

        parse, serialize = request_type.FromString, lambda message: message.SerializeToString()
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(stream, parse, serialize)
        if method.client_streaming:
            return grpc.stream_unary_rpc_method_handler(many, parse, serialize)
        return grpc.unary_unary_rpc_method_handler(unary, parse, serialize)

    def _next(self, name: str, request: Message, context: grpc.ServicerContext) -> Any:
        metadata = {name: str(value) for name, value in context.invocation_metadata()}
        with self._arrived:
            self.received.append(Received(name, request, metadata, context.time_remaining()))
            self._arrived.notify_all()
            script = self._scripts.get(name)
            if not script:
                context.abort(grpc.StatusCode.UNIMPLEMENTED, f"the test wrote down no answer for {name}")
            return script.pop(0) if len(script) > 1 else script[0]

    def _give(self, step: Any, context: grpc.ServicerContext) -> Message:
        if isinstance(step, Failure):
            if step.reason or step.fields or step.retry_delay:
                context.abort_with_status(rpc_status.to_status(status(step)))
            context.abort(step.code, step.message)
        if isinstance(step, Hang):
            gone = threading.Event()
            context.add_callback(gone.set)
            while not gone.wait(0.02) and not self._closing.is_set():
                pass
            context.abort(grpc.StatusCode.CANCELLED, "gone")
        if isinstance(step, Held):
            assert step.let_go.wait(timeout=10)
            return step.message
        message: Message = step
        return message


def status(failure: Failure) -> status_pb2.Status:
    """Return a failure the way the control plane sends it."""
    number = failure.code.value[0]
    assert number in code_pb2.Code.values()
    result = status_pb2.Status(code=number, message=failure.message)
    if failure.reason:
        info = error_details_pb2.ErrorInfo(reason=failure.reason, domain="tabkeep", metadata=failure.metadata)
        _add(result, info)
    if failure.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=name, description=text) for name, text in failure.fields
        ]
        _add(result, error_details_pb2.BadRequest(field_violations=violations))
    if failure.retry_delay is not None:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(failure.retry_delay)
        _add(result, error_details_pb2.RetryInfo(retry_delay=delay))
    return result


def _add(result: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    result.details.append(packed)


def a_session(**fields: Any) -> browser_sessions_pb2.BrowserSession:
    """Return a session's message; a running one unless told."""
    values: dict[str, Any] = {
        "browser_session_id": "pbs_1",
        "organization_id": "o_default",
        "state": browser_sessions_pb2.BROWSER_SESSION_STATE_RUNNING,
        "browser_type": browser_sessions_pb2.BROWSER_TYPE_CHROME,
    }
    return browser_sessions_pb2.BrowserSession(**(values | fields))


def a_run(status: str = "RUNNING", **fields: Any) -> runs_pb2.Run:
    """Return a run's message."""
    values: dict[str, Any] = {
        "run_id": "tsk_1",
        "organization_id": "o_default",
        "run_type": runs_pb2.RUN_TYPE_TASK,
        "status": runs_pb2.RunStatus.Value(f"RUN_STATUS_{status}"),
        "browser_session_id": "pbs_1",
        "max_steps": 50,
    }
    return runs_pb2.Run(**(values | fields))


def a_warning(seq: int) -> runs_pb2.WatchRunResponse:
    """Return a watch's message with the simplest event there is."""
    warning = runs_pb2.Warning(code="TEST", message=f"event {seq}")
    return runs_pb2.WatchRunResponse(event=runs_pb2.RunEvent(run_id="tsk_1", seq=seq, warning=warning))


def shows(run: runs_pb2.Run) -> runs_pb2.WatchRunResponse:
    """Return a watch's message with the run as it is."""
    return runs_pb2.WatchRunResponse(run=run)
