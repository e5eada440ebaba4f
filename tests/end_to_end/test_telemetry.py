"""One run is one trace, from the caller's span to each step on the host; logs hold no secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from tabkeep import RunStatus
from tabkeep.v1 import runs_pb2

from demo.site import DemoSite
from tests.conftest import api_on
from tests.end_to_end import programs

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
PASSWORD = "headphones-4-all"


class Collector:
    """What came over OTLP."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []
        self.metrics: set[tuple[str, str]] = set()


class _Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            service = _service(resource.resource)
            for scope in resource.scope_spans:
                self._collector.spans += [(service, span) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


class _Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    async def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_metrics:
            service = _service(resource.resource)
            for scope in resource.scope_metrics:
                self._collector.metrics |= {(service, metric.name) for metric in scope.metrics}
        return metrics_service_pb2.ExportMetricsServiceResponse()


def _service(resource: Any) -> str:
    [name] = [pair.value.string_value for pair in resource.attributes if pair.key == "service.name"]
    return str(name)


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    """A collector and its endpoint."""
    collector, server = Collector(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Traces(collector), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(_Metrics(collector), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield collector, f"http://127.0.0.1:{port}"
    await server.stop(None)


async def test_a_run_is_one_trace_and_no_log_line_holds_a_secret(
    collector, tmp_path: Path, site: DemoSite, monkeypatch: pytest.MonkeyPatch
):
    taken, endpoint = collector
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    logs = tmp_path / "logs"
    with logs.open("wb") as log:
        async with programs.local(tmp_path / "data", stderr=log) as both, both.client() as client:
            key = (tmp_path / "data" / "api-key").read_text().strip()
            async with grpc.aio.insecure_channel(both.address) as channel:
                request = runs_pb2.RunTaskRequest(
                    prompt=f"Login with username 'support@company.com' and password '{PASSWORD}'",
                    url=f"{site.url}/desk/login",
                )
                answer = await api_on(channel, key, ("traceparent", TRACEPARENT)).runs.RunTask(request)
            run = await client.wait_for_run(answer.run.run_id)

    assert run.status is RunStatus.COMPLETED
    of_trace = [(service, span) for service, span in taken.spans if span.trace_id.hex() == TRACE_ID]
    names = [(service, span.name) for service, span in of_trace]
    assert ("tabkeep-control-plane", "tabkeep.v1.RunService/RunTask") in names
    assert ("tabkeep-host", "host.run") in names
    steps = [span for service, span in of_trace if span.name == "host.step"]
    assert len(steps) == run.step_count
    ids = {span.span_id for _, span in of_trace}
    assert all(span.parent_span_id in ids for span in steps)
    assert ("tabkeep-control-plane", "tabkeep.rpc.duration") in taken.metrics
    assert ("tabkeep-host", "tabkeep.step.duration") in taken.metrics

    text = logs.read_text()
    assert "run completed" in text
    for secret in (PASSWORD, key, "support@company.com", "Login with"):
        assert secret not in text
