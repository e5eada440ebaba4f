"""One span and one measurement for each step of a run, read off the events that the run records."""

from __future__ import annotations

from opentelemetry.trace import Span, StatusCode
from tabkeep import telemetry
from tabkeep.v1 import runs_pb2

_DURATION = telemetry.meter().create_histogram(
    "tabkeep.step.duration", unit="s", description="How long steps took, from the moment they were allowed to act."
)


class StepTelemetry:
    """Of one run; its spans are children of the span that is current when a step starts."""

    def __init__(self) -> None:
        self._span: Span | None = None
        self._action = ""

    def saw(self, event: runs_pb2.RunEvent) -> None:
        """Take note of an event; values and texts of pages are left out."""
        match event.WhichOneof("kind"):
            case "step_started":
                self._action = event.step_started.action.WhichOneof("kind") or ""
                self._span = telemetry.tracer().start_span(
                    "host.step",
                    attributes={"run_id": event.run_id, "step": event.step_started.step, "action": self._action},
                )
            case "step_finished":
                self._finished(event.step_finished)
            case "run_finished":
                self._end()

    def _finished(self, finished: runs_pb2.StepFinished) -> None:
        done = finished.outcome == runs_pb2.STEP_OUTCOME_DONE
        reason = "" if done else runs_pb2.FailureReason.Name(finished.failure_reason).removeprefix("FAILURE_REASON_")
        seconds = finished.duration.ToTimedelta().total_seconds()
        _DURATION.record(seconds, {"action": self._action, "reason": reason})
        if self._span is not None and not done:
            self._span.set_status(StatusCode.ERROR, reason)
        self._end()

    def _end(self) -> None:
        if self._span is not None:
            self._span.end()
            self._span = None
