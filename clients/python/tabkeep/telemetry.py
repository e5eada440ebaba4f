"""Logs, traces and metrics of every Tabkeep process, set up in one place.

Logs are JSON lines on stderr. Traces and metrics are OpenTelemetry's; they leave the process only when
`OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, and cost next to nothing otherwise. The SDK and the exporters are
imported by `configure` and only then. Never give a log call prompts, page text, cookies, keys or URLs with queries.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Callable

SHUTDOWN_SECONDS = 5.0
"""The longest `shutdown` waits for the collector to take what is left."""

_SCOPE = "tabkeep"
_logger = logging.getLogger(__name__)
_PROPAGATOR = TraceContextTextMapPropagator()
_write_json = json.JSONEncoder(default=str, ensure_ascii=False).encode
_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_closers: list[Callable[[], object]] = []


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: fixed fields first, then what the call gave as `extra`."""

    def __init__(self, service_name: str) -> None:
        super().__init__()
        self._service_name = service_name

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end; values that JSON does not know are written as their text."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "service": self._service_name,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((name, value) for name, value in record.__dict__.items() if name not in _RECORD_FIELDS)
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
            line["span_id"] = trace.format_span_id(span.span_id)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _write_json(line)


def configure(service_name: str, *, log_level: int | str = logging.INFO) -> None:
    """Send this process's logs to stderr as JSON and, when a collector is configured, its traces and metrics to it.

    Called once, at a program's start; libraries never call it. A second call replaces the first one's log handler
    and leaves traces and metrics as they are. Sampling follows OTEL_TRACES_SAMPLER, parent-based by default.

    Raises:
        ValueError: `log_level` names no level.
    """
    _configure_logs(service_name, log_level)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") and not _closers:
        _configure_export(service_name)


def log_what_is_held_on_request() -> None:
    """Let SIGUSR1 make the running loop's process log how many asyncio tasks and threads it has, for hunting leaks.

    `kinds` has the number of tasks by what they carry out.
    """
    loop = asyncio.get_running_loop()

    def log() -> None:
        tasks = asyncio.all_tasks(loop)
        kinds = Counter(getattr(task.get_coro(), "__qualname__", "?") for task in tasks)
        held = {"tasks": len(tasks), "threads": threading.active_count(), "kinds": dict(sorted(kinds.items()))}
        _logger.warning("what is held", extra=held)

    loop.add_signal_handler(signal.SIGUSR1, log)


def tracer() -> trace.Tracer:
    """Return Tabkeep's tracer; its spans cost nothing when no SDK is configured."""
    return trace.get_tracer(_SCOPE)


def meter() -> metrics.Meter:
    """Return Tabkeep's meter; instruments made before `configure` work after it too."""
    return metrics.get_meter(_SCOPE)


def tracing() -> bool:
    """Whether somebody takes spans; without that, spans need not be opened."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def inject() -> str:
    """Return the current span as a W3C traceparent, or "" when there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def extract(traceparent: str) -> Context:
    """Return a context whose current span is the one that `traceparent` names; an empty one when it names none."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=Context())


def shutdown() -> None:
    """Hand what is left to the collector, for at most SHUTDOWN_SECONDS, and stop exporting."""
    closers = _closers.copy()
    _closers.clear()
    if not closers:
        return

    def close() -> None:
        for closer in closers:
            closer()

    # The exporters retry an unreachable collector for longer than a process may take to end.
    thread = threading.Thread(target=close, name="tabkeep-telemetry-shutdown", daemon=True)
    thread.start()
    thread.join(SHUTDOWN_SECONDS)


def _configure_logs(service_name: str, log_level: int | str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service_name))
    root = logging.getLogger()
    root.setLevel(log_level.upper() if isinstance(log_level, str) else log_level)
    for old in root.handlers.copy():
        if isinstance(old.formatter, JsonFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(True)
    # What the lines do not show need not be found out for each of them: thread, process, and the place in the code.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def _configure_export(service_name: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or service_name})
    traces = TracerProvider(resource=resource, shutdown_on_exit=False)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    numbers = MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    metrics.set_meter_provider(numbers)
    _closers.extend((traces.shutdown, numbers.shutdown))
