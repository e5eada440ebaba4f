"""The runs of one session: one at a time has its turn with the page, and each ends with one last event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tabkeep import telemetry
from tabkeep.host.v1.host_pb2 import StartRun
from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunFinished

from browser_host import run_records
from browser_host.browser import Browser, BrowserGone
from browser_host.cdp_guest import CdpGuest
from browser_host.clock import Clock
from browser_host.downloads import Downloads
from browser_host.messages import Done, EndReason, Failure, Outcome, Placement, ResolveApproval, RunProgress
from browser_host.open_browser import OpenBrowser
from browser_host.outbox import RunStopped
from browser_host.run_journal import RunJournal, RunOver
from browser_host.run_records import RunRecords
from browser_host.task.journal import ApprovalAnswer, Journal, TurnNotBack

logger = logging.getLogger(__name__)

CANCEL_SECONDS = 5.0
"""How long a cancelled run may take to reach a step boundary."""
WIND_UP_SECONDS = 0.5
"""How long a run may take to end by itself when its browser is gone, or after it was stopped."""

CarryOut = Callable[[StartRun, Browser, Journal, Clock], Awaitable[None]]
NewJournal = Callable[[Placement, str], RunJournal]

_RUN_ENDS = {
    EndReason.REQUESTED: (runs_pb2.RUN_STATUS_CANCELED, runs_pb2.FAILURE_REASON_SESSION_CLOSED),
    EndReason.TIMED_OUT: (runs_pb2.RUN_STATUS_TIMED_OUT, runs_pb2.FAILURE_REASON_SESSION_TIMED_OUT),
    EndReason.BROWSER_CRASHED: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_BROWSER_CRASHED),
    EndReason.HOST_LOST: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_HOST_LOST),
    EndReason.HOST_DRAINED: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_HOST_DRAINED),
    EndReason.LAUNCH_FAILED: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_LAUNCH_FAILED),
    EndReason.PROXY_FAILED: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_PROXY_FAILED),
    EndReason.PAGE_CRASHED: (runs_pb2.RUN_STATUS_FAILED, runs_pb2.FAILURE_REASON_PAGE_CRASHED),
}
"""How the run of a session ends when the session ends under it."""


@dataclass(slots=True)
class ActiveRun:
    """A run whose task has not ended."""

    run_id: str
    journal: RunJournal
    task: asyncio.Task[None]
    force_cancel: asyncio.TimerHandle | None = None


class SessionRuns:
    """The run a session is on, and what it asks of it."""

    def __init__(
        self,
        placement: Placement,
        end: asyncio.Future[tuple[EndReason, str]],
        guest: CdpGuest,
        downloads: Downloads | None,
        *,
        carry_out: CarryOut,
        new_journal: NewJournal,
        clock: Clock,
        viewport: tuple[int, int],
        over: Callable[[], None],
    ) -> None:
        """`end` is the session's, done when it begins to end; `over` is called after each run."""
        self._placement = placement
        self._end = end
        self._guest = guest
        self._downloads = downloads
        self._carry_out = carry_out
        self._new_journal = new_journal
        self._clock = clock
        self._viewport = viewport
        self._over = over
        self._run: ActiveRun | None = None
        self._begun: set[str] = set()

    def start(self, start: StartRun, browser: OpenBrowser | None, traceparent: str) -> Outcome:
        """Begin a run, after the one under way, if any, has ended.

        One run at a time has its turn, so the one under way is over as far as the control plane is concerned; if it
        was never told so, it is now. The new one touches the page only when the old one's task has ended.
        """
        if browser is None:
            return Failure("UNKNOWN_SESSION", f"session {self._placement.browser_session_id} has no live browser here")
        if start.run_id in self._begun:
            return Done()
        if self._end.done():
            # The tombstone is on its way; this way the run ends with the session's own reason.
            self._begun.add(start.run_id)
            self._new_journal(self._placement, start.run_id).record_end(self._ended())
            return Done()
        before = self._run
        if before is not None and not before.journal.finished:
            logger.warning("run superseded", extra={"run_id": before.run_id, "by": start.run_id})
            self.stop(before.run_id)
        self._begun.add(start.run_id)
        journal = self._new_journal(self._placement, start.run_id)
        journal.lend_turn = self._guest.lent
        leaving = self._guest.send_away("a run begins")
        task = asyncio.create_task(
            self._perform(start, browser, journal, traceparent, before.task if before else None, leaving)
        )
        self._run = run = ActiveRun(start.run_id, journal, task)
        task.add_done_callback(lambda _: self._run_over(run))
        return Done()

    @property
    def task(self) -> asyncio.Task[None] | None:
        """That of the newest run, which may be just ending; None when it has ended."""
        return self._run.task if self._run is not None else None

    @property
    def under_way(self) -> ActiveRun | None:
        """The run that has not ended yet, if any."""
        return self._run if self._run is not None and not self._run.journal.finished else None

    def progress(self) -> RunProgress | None:
        """How far the run under way is, if any."""
        run = self.under_way
        return None if run is None else RunProgress(run.run_id, run.journal.last_seq)

    def cancel(self, run_id: str) -> None:
        """Ask a run to end at the next step boundary, and end it after 5 seconds in any case."""
        run = self._run
        if run is None or run.run_id != run_id or run.force_cancel is not None:
            return
        run.journal.cancel_requested.set()
        run.force_cancel = asyncio.get_running_loop().call_later(CANCEL_SECONDS, run.task.cancel)

    def stop(self, run_id: str) -> None:
        """End a run at once; what it still says is not wanted."""
        run = self._run
        if run is not None and run.run_id == run_id:
            run.journal.stop()
            run.task.cancel()

    def resolve_approval(self, answer: ResolveApproval) -> None:
        """Hand a person's answer to the run that waits for it."""
        run = self._run
        if run is not None and run.run_id == answer.run_id:
            run.journal.resolve_approval(answer.approval_id, ApprovalAnswer(answer.approved, answer.comment))

    async def end(self, reason: EndReason, message: str) -> None:
        """Have the run under way end, because its session does; one that does not in time is recorded as ended."""
        run = self._run
        if run is None:
            return
        if reason in (EndReason.BROWSER_CRASHED, EndReason.PAGE_CRASHED):
            # The engine learns of it from its next call and can say which step was under way.
            await asyncio.wait({run.task}, timeout=WIND_UP_SECONDS)
        if not run.task.done():
            run.task.cancel()
            await asyncio.wait({run.task}, timeout=WIND_UP_SECONDS)
        if not run.task.done():
            logger.error("run does not end", extra={"run_id": run.run_id})
            run.journal.record_end(_run_end(reason, message))

    def abandon(self) -> None:
        """End the newest run's task, whatever it is at."""
        if self._run is not None:
            self._run.task.cancel()

    async def _perform(
        self,
        start: StartRun,
        browser: OpenBrowser,
        journal: RunJournal,
        traceparent: str,
        before: asyncio.Task[None] | None,
        leaving: asyncio.Task[None] | None,
    ) -> None:
        """Carry out a run, after the one before and without a CDP client; its last event is always RunFinished."""
        fields = {"browser_session_id": self._placement.browser_session_id, "run_id": start.run_id}
        logger.info("run started", extra=fields)
        began = self._clock.monotonic()
        records: RunRecords | None = None
        try:
            await self._guest.gone(leaving)
            if before is not None:
                await asyncio.wait({before}, timeout=CANCEL_SECONDS)
                before.cancel()
                await asyncio.wait({before})
            records = await self._begin_records(start, browser, journal)
            with telemetry.tracer().start_as_current_span(
                "host.run", context=telemetry.extract(traceparent), attributes=fields
            ):
                await self._carry_out(start, browser, journal, self._clock)
            if not journal.finished:
                logger.error("run ended without a last event", extra=fields)
                journal.record_end(_internal(start.run_id, "the task engine returned without an end"))
        except asyncio.CancelledError:
            journal.record_end(self._cancelled())
        except (RunStopped, RunOver):
            logger.info("run stopped", extra=fields)
        except TurnNotBack as error:
            logger.error("cdp client stays", extra=fields)
            journal.record_end(
                RunFinished(
                    status=runs_pb2.RUN_STATUS_FAILED,
                    failure_reason=runs_pb2.FAILURE_REASON_CDP_CLIENT_STAYED,
                    failure_message=str(error),
                )
            )
        except BrowserGone as error:
            journal.record_end(
                self._ended() if self._end.done() else _run_end(EndReason.BROWSER_CRASHED, str(error) or "browser gone")
            )
        except Exception as error:
            logger.exception("run failed unexpectedly", extra=fields)
            # A browser that ended makes calls fail in many ways, a moment before its end is seen.
            await asyncio.wait({self._end}, timeout=WIND_UP_SECONDS)
            journal.record_end(self._ended() if self._end.done() else _internal(start.run_id, type(error).__name__))
        finally:
            if records is not None:
                records.end_soon(journal.scrub)
            duration_ms = round((self._clock.monotonic() - began) * 1000)
            logger.info("run ended", extra={**fields, "duration_ms": duration_ms})

    async def _begin_records(self, start: StartRun, browser: OpenBrowser, journal: RunJournal) -> RunRecords | None:
        """Begin the records that the run is to have; its end waits for them to be stored, as for its pictures."""
        if not run_records.wanted(start) or self._downloads is None:
            return None
        records = RunRecords(self._placement, start, browser, self._downloads, self._clock, self._viewport)

        async def end() -> None:
            try:
                for name, settled in await records.end(journal.scrub):
                    journal.await_file(name, settled, record=True)
            except Exception:
                logger.exception("records not kept", extra={"run_id": start.run_id})

        journal.before_end = end
        await records.begin()
        return records

    def _run_over(self, run: ActiveRun) -> None:
        run.journal.record_end(self._cancelled())  # only if its task was cancelled before it began
        if run.force_cancel is not None:
            run.force_cancel.cancel()
        if self._run is run:
            self._run = None
        self._over()

    def _cancelled(self) -> RunFinished:
        if self._end.done():
            return self._ended()
        return RunFinished(
            status=runs_pb2.RUN_STATUS_CANCELED,
            failure_reason=runs_pb2.FAILURE_REASON_CANCELED,
            failure_message="canceled; the step under way did not end in time and was broken off",
        )

    def _ended(self) -> RunFinished:
        return _run_end(*self._end.result())


def _run_end(reason: EndReason, message: str) -> RunFinished:
    status, failure_reason = _RUN_ENDS[reason]
    return RunFinished(status=status, failure_reason=failure_reason, failure_message=message)


def _internal(incident_id: str, what: str) -> RunFinished:
    return RunFinished(
        status=runs_pb2.RUN_STATUS_FAILED,
        failure_reason=runs_pb2.FAILURE_REASON_INTERNAL,
        failure_message=f"a fault in the browser host ({what}); its log has the cause under {incident_id}",
    )
