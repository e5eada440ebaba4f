"""Shows a run as it happens: on a terminal with a mark and colour per step, in a pipe one plain line per event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import click
from rich.status import Status
from rich.text import Text

from tabkeep.cli import durations, failures
from tabkeep.cli.output import Output, clean, coloured, show, to_json
from tabkeep.records.run_events import (
    ApprovalRequested,
    ApprovalResolved,
    BlockFinished,
    BlockStarted,
    DialogShown,
    ModelCall,
    PageClosed,
    PageOpened,
    PlanMade,
    Replayed,
    RunEvent,
    RunStarted,
    RunUpdate,
    RunWarning,
    StepFinished,
    StepHealed,
    StepOutcome,
    StepStarted,
    TaskRecorded,
)
from tabkeep.records.runs import Run, RunStatus


async def follow(output: Output, updates: AsyncIterator[RunUpdate]) -> int:
    """Write each update as it comes and, at the end, how the run ended; return the exit status.

    Raises:
        TabkeepError: what the watch raises.
    """
    view = _LiveView(output) if output.is_live else _PlainView(output)
    final: Run | None = None
    try:
        async for update in updates:
            if output.as_json:
                output.json_line({"event": update} if isinstance(update, RunEvent) else {"run": update})
            elif isinstance(update, RunEvent):
                view.event(update)
            else:
                view.run(update)
            if isinstance(update, Run):
                final = update
    finally:
        view.end()
    if final is not None and final.is_final and not output.as_json:
        show_end(output, final)
    return exit_status(final)


def exit_status(run: Run | None) -> int:
    """Return 1 for a run that is over and not completed, else 0."""
    return failures.FAILED if run is not None and run.is_final and run.status is not RunStatus.COMPLETED else 0


def show_end(output: Output, run: Run) -> None:
    """Write how a run ended: its status, why not completed, and what it brought."""
    length = f" in {durations.show(run.end_time - run.start_time)}" if run.end_time and run.start_time else ""
    steps = "1 step" if run.step_count == 1 else f"{run.step_count} steps"
    output.line(Text.assemble(f"{run.run_id} ", coloured(run.status.value), f"  {steps}{length}"))
    if run.failure_reason:
        output.line(Text.assemble((run.failure_reason.value, "red"), f": {clean(run.failure_message)}"))
    if run.output is not None:
        if output.console.is_terminal:
            output.console.print_json(json.dumps(run.output, ensure_ascii=True))
        else:
            click.echo(f"output {json.dumps(to_json(run.output), ensure_ascii=False)}")


class _PlainView:
    """One line per event, for pipes and logs; columns may be cut out, nothing is rewritten."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._descriptions: dict[int, str] = {}

    def run(self, run: Run) -> None:
        """Write a change of the run's status."""
        if not run.is_final:
            self._write(f"run {run.run_id} {run.status.value}")

    def event(self, event: RunEvent) -> None:
        """Write what happened; a step when it is over."""
        match event.detail:
            case StepStarted() as started:
                self._descriptions[started.step] = started.description
            case StepFinished() as finished:
                self._write(" ".join(step_words(finished, self._descriptions.pop(finished.step, ""))))
            case detail:
                if text := event_text(detail):
                    self._write(text)

    def end(self) -> None:
        """Nothing to put back."""

    def _write(self, text: str) -> None:
        self._output.line(text)


class _LiveView:
    """The running step with a spinner, each finished one as a line above it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._spinner: Status | None = None
        self._descriptions: dict[int, str] = {}

    def run(self, run: Run) -> None:
        """Show where the run is, until its first step."""
        if run.is_final or run.status is RunStatus.PAUSED:
            self._spin(None)
        elif not self._descriptions:
            self._spin(f"{run.run_id} {run.status.value}")

    def event(self, event: RunEvent) -> None:
        """Write what happened."""
        match event.detail:
            case StepStarted() as started:
                self._descriptions[started.step] = started.description
                self._spin(f"{started.step:>3}  {clean(started.description)}")
            case StepFinished() as finished:
                self._spin(None)
                self._output.line(step_line(finished, self._descriptions.get(finished.step, "")))
            case ApprovalRequested():
                self._spin(None)
                self._output.line(Text(event_text(event.detail), style="bold yellow"))
                self._output.line(Text(f"     tabkeep run approve {event.run_id}", style="yellow"))
            case detail:
                if text := event_text(detail):
                    self._output.line(Text(f"     {text}", style="yellow" if isinstance(detail, RunWarning) else "dim"))

    def end(self) -> None:
        """Take the spinner away."""
        self._spin(None)

    def _spin(self, text: str | None) -> None:
        if text is None:
            if self._spinner is not None:
                self._spinner.stop()
                self._spinner = None
        elif self._spinner is None:
            self._spinner = self._output.console.status(Text(text))
            self._spinner.start()
        else:
            self._spinner.update(Text(text))


def step_words(step: StepFinished, description: str) -> list[str]:
    """Return a finished step as plain words."""
    words = ["step", str(step.step), step.outcome.value, clean(description)]
    if step.failure_reason:
        words.append(f"{step.failure_reason.value}: {clean(step.message)}")
    words.append(f"({durations.show(step.duration)})")
    words.append(clean(step.url))
    return [word for word in words if word]


def step_line(step: StepFinished, description: str) -> Text:
    """Return a finished step as a line for a terminal."""
    done = step.outcome is StepOutcome.DONE
    line = Text.assemble(
        f"{step.step:>3}  ",
        ("✓ ", "green") if done else ("✗ ", "bold red"),
        clean(description),
        (f"  {durations.show(step.duration)}", "dim"),
        (f"  {clean(step.url)}", "dim"),
    )
    if step.failure_reason:
        line.append(f"\n       {step.failure_reason.value}: {clean(step.message)}", style="red")
    return line


def event_text(detail: object) -> str:
    """Return what happened beside steps as one line, or "" for what the end shows."""
    match detail:
        case RunStarted():
            return f"started on {clean(detail.url)}" if detail.url else "started"
        case PlanMade() if detail.recording_id:
            return f"replay of {detail.recording_id}: " + "; ".join(clean(clause) for clause in detail.clauses)
        case StepHealed():
            return f"step {detail.step} healed by {detail.by}: {clean(detail.recorded)} is now {clean(detail.found)}"
        case Replayed() if detail.stale:
            return f"recording {detail.recording_id} does not fit any more: {clean(detail.message)}"
        case TaskRecorded():
            what = "mended" if detail.mended else "confirmed" if detail.confirmed else "recorded"
            return f"task {what}{f': {detail.recording_id}' if detail.recording_id else ''}"
        case PlanMade():
            return "plan: " + "; ".join(clean(clause) for clause in detail.clauses)
        case BlockStarted():
            return f"block {clean(detail.block_id)} ({clean(detail.block_type)})"
        case BlockFinished():
            brought = f": {show(detail.output)}" if detail.output is not None else ""
            return f"block {clean(detail.block_id)} {detail.outcome.value}{brought}"
        case ApprovalRequested():
            until = f" (until {show(detail.approval.expire_time)})" if detail.approval.expire_time else ""
            return f"waits for approval {detail.approval.approval_id}: {clean(detail.approval.message)}{until}"
        case ApprovalResolved():
            answer = "approved" if detail.approved else "timed out" if detail.timed_out else "rejected"
            return f"approval {detail.approval_id} {answer} {clean(detail.comment)}".rstrip()
        case ModelCall() if detail.error:
            return f"model {clean(detail.model)}, attempt {detail.attempt}: {clean(detail.error)}"
        case ModelCall():
            seconds = detail.duration.total_seconds()
            return f"model {clean(detail.model)}: {detail.input_tokens}+{detail.output_tokens} tokens, {seconds:.1f} s"
        case DialogShown():
            answer = "accepted" if detail.accepted else "dismissed"
            return f"{detail.dialog_type} {answer}: {clean(detail.message)}"
        case PageOpened():
            opener = f" by {clean(detail.opener_page_id)}" if detail.opener_page_id else ""
            return f"tab {clean(detail.page_id)} opened{opener}"
        case PageClosed():
            replaced = f", {clean(detail.replaced_by_page_id)} in its place" if detail.replaced_by_page_id else ""
            return f"tab {clean(detail.page_id)} closed ({detail.cause.value}){replaced}"
        case RunWarning():
            return f"warning {detail.code}: {clean(detail.message)}"
    return ""
