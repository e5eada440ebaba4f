"""Logs are JSON lines with the same fields everywhere; traces and metrics leave only when a collector is named."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from opentelemetry import context, trace
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from tabkeep import telemetry

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """The log lines so far; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers.copy(), root.level
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    logging.captureWarnings(False)
    root.setLevel(level)
    for handler in root.handlers.copy():
        if handler not in handlers:
            root.removeHandler(handler)


def test_a_log_line_has_fixed_fields_and_what_the_call_gave(written: Written) -> None:
    telemetry.configure("tabkeep-test", log_level="info")
    logger = logging.getLogger("tabkeep.test")
    logger.debug("not wanted")
    logger.info("session closed", extra={"browser_session_id": "pbs_1", "duration_ms": 12, "where": {1}})
    (line,) = written()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "service": "tabkeep-test",
        "logger": "tabkeep.test",
        "message": "session closed",
        "browser_session_id": "pbs_1",
        "duration_ms": 12,
        "where": "{1}",
    }


def test_configuring_twice_does_not_write_twice(written: Written) -> None:
    telemetry.configure("one")
    telemetry.configure("two", log_level=logging.WARNING)
    logging.getLogger("tabkeep.test").warning("disk nearly full")
    assert [line["service"] for line in written()] == ["two"]


def test_a_wrong_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        telemetry.configure("x", log_level="loud")


def test_a_log_line_within_a_trace_names_it(written: Written) -> None:
    telemetry.configure("tabkeep-test")
    token = context.attach(telemetry.extract(TRACEPARENT))
    try:
        logging.getLogger("tabkeep.test").info("step finished")
    finally:
        context.detach(token)
    (line,) = written()
    assert [line["trace_id"], line["span_id"]] == TRACEPARENT.split("-")[1:3]


def test_an_exception_is_one_line_too(written: Written) -> None:
    telemetry.configure("tabkeep-test")
    try:
        raise LookupError("no such\nthing")
    except LookupError:
        logging.getLogger("tabkeep.test").exception("call failed")
    (line,) = written()
    assert "LookupError: no such\nthing" in line["error"]


@pytest.mark.parametrize("text", ["", "garbage", "00-0-0-00"])
def test_a_traceparent_that_names_nothing_gives_no_span(text: str) -> None:
    extracted = telemetry.extract(text)
    assert not trace.get_current_span(extracted).get_span_context().is_valid


def test_a_traceparent_goes_through() -> None:
    assert telemetry.inject() == ""
    token = context.attach(telemetry.extract(TRACEPARENT))
    try:
        assert telemetry.inject() == TRACEPARENT
    finally:
        context.detach(token)


def run_python(program: str, **environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_without_a_collector_neither_the_sdk_nor_the_client_is_loaded() -> None:
    program = (
        "import sys; from tabkeep import telemetry; telemetry.configure('x')\n"
        "with telemetry.tracer().start_as_current_span('a'): telemetry.meter().create_counter('n').add(1)\n"
        "telemetry.shutdown()\n"
        "print([m for m in ('opentelemetry.sdk', 'grpc', 'tabkeep.client', 'google.protobuf') if m in sys.modules])\n"
    )
    assert run_python(program) == "[]\n"


class Collector:
    """A real OTLP endpoint that keeps what it is sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: list[Any] = []
        self.resources: list[dict[str, str]] = []
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(2))
        exports = (
            ("trace.v1.TraceService", self._take_spans, trace_pb.ExportTraceServiceRequest),
            ("metrics.v1.MetricsService", self._take_metrics, metrics_pb.ExportMetricsServiceRequest),
        )
        for service, take, request in exports:
            handler: Any = grpc.unary_unary_rpc_method_handler(_answering(take), request.FromString, lambda answer: b"")
            name = f"opentelemetry.proto.collector.{service}"
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": handler}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self) -> None:
        self._server.stop(None).wait()

    def _take_spans(self, request: Any) -> None:
        with self._lock:
            for resource in request.resource_spans:
                self._take_resource(resource.resource)
                self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)

    def _take_metrics(self, request: Any) -> None:
        with self._lock:
            for resource in request.resource_metrics:
                self.metrics.extend(metric for scope in resource.scope_metrics for metric in scope.metrics)

    def _take_resource(self, resource: Any) -> None:
        self.resources.append({pair.key: pair.value.string_value for pair in resource.attributes})


def _answering(take: Any) -> Any:
    def export(request: Any, context: grpc.ServicerContext) -> str:
        take(request)
        return "taken"  # serialized as the empty message, which says the same

    return export


def test_a_collector_gets_spans_and_metrics_and_the_parent_s_trace_goes_on() -> None:
    collector = Collector()
    program = (
        "from opentelemetry import context\n"
        "from tabkeep import telemetry\n"
        "telemetry.configure('tabkeep-test')\n"
        f"context.attach(telemetry.extract('{TRACEPARENT}'))\n"
        "with telemetry.tracer().start_as_current_span('step'):\n"
        "    print(telemetry.inject())\n"
        "telemetry.meter().create_counter('steps').add(3)\n"
        "telemetry.shutdown()\n"
    )
    try:
        said = run_python(program, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}")
    finally:
        collector.close()
    (span,) = collector.spans
    assert span.name == "step"
    assert span.trace_id.hex() == TRACEPARENT.split("-")[1]
    assert span.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert said.split("-")[2] == span.span_id.hex()
    assert collector.resources[0]["service.name"] == "tabkeep-test"
    (metric,) = collector.metrics
    assert metric.name == "steps"
    assert metric.sum.data_points[0].as_int == 3


def test_a_trace_that_its_parent_did_not_sample_is_not_sent() -> None:
    collector = Collector()
    program = (
        "from opentelemetry import context\n"
        "from tabkeep import telemetry\n"
        "telemetry.configure('tabkeep-test')\n"
        f"context.attach(telemetry.extract('{TRACEPARENT[:-2]}00'))\n"
        "with telemetry.tracer().start_as_current_span('step'): pass\n"
        "telemetry.shutdown()\n"
    )
    try:
        run_python(program, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}")
    finally:
        collector.close()
    assert collector.spans == []


def test_a_collector_that_is_not_there_delays_the_end_by_seconds_only() -> None:
    program = (
        "import time\n"
        "from tabkeep import telemetry\n"
        "telemetry.SHUTDOWN_SECONDS = 0.3\n"
        "telemetry.configure('tabkeep-test', log_level='critical')\n"
        "with telemetry.tracer().start_as_current_span('step'): pass\n"
        "began = time.monotonic(); telemetry.shutdown(); print(time.monotonic() - began < 2)\n"
    )
    assert run_python(program, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1") == "True\n"
