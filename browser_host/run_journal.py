"""The journal of one run: numbers its events, asks the leases, takes its pictures and its answers.

Once RunFinished is recorded nothing more is: that is always a run's last event.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from tabkeep.v1 import runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent, RunFinished

from browser_host.browser import HeldFile
from browser_host.clock import Clock
from browser_host.leases import Leases
from browser_host.messages import Picture, Placement
from browser_host.outbox import EventTooLarge, Outbox
from browser_host.step_telemetry import StepTelemetry
from browser_host.task.journal import ActionLeaseOver, ApprovalAnswer, Credential, FileMissing
from browser_host.uploads import Uploads

logger = logging.getLogger(__name__)

PICTURES_SECONDS = 10.0
"""How long the end of a run waits for its pictures and downloads to arrive."""


FindCredential = Callable[[Placement, str, str, str], Awaitable[Credential]]
"""Asks the control plane for a login: placement, run, origin, username. Raises CredentialMissing."""


HoldFiles = Callable[[Placement, str, Sequence[str]], AbstractAsyncContextManager[list[HeldFile]]]
"""Holds files for a step: placement, run, their ids or names. Entering it raises FileMissing."""


class RunOver(Exception):
    """An event came after the run's last one."""


class RunJournal:
    """Implements `browser_host.task.journal.Journal` on the outbox and the leases."""

    def __init__(
        self,
        placement: Placement,
        run_id: str,
        *,
        outbox: Outbox,
        leases: Leases,
        uploads: Uploads,
        clock: Clock,
        new_artifact_id: Callable[[], str],
        credentials: FindCredential,
        files: HoldFiles | None = None,
    ) -> None:
        self.cancel_requested = asyncio.Event()
        self.scrub: Callable[[str], str] = lambda text: text
        self.lend_turn: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext
        self.finished = False
        """RunFinished is recorded."""
        self.before_end: Callable[[], Awaitable[None]] | None = None
        """Awaited once, before the last event, when the engine brings the run to its end."""
        self._placement = placement
        self._run_id = run_id
        self._outbox = outbox
        self._leases = leases
        self._uploads = uploads
        self._clock = clock
        self._new_artifact_id = new_artifact_id
        self._credentials = credentials
        self._hold_files = files
        self._telemetry = StepTelemetry()
        self._seq = 0
        self._pictures: dict[str, asyncio.Future[str]] = {}
        self._files: list[tuple[str, str, asyncio.Future[str]]] = []
        self._answers: dict[str, asyncio.Future[ApprovalAnswer]] = {}

    async def record(self, event: RunEvent) -> None:
        """Queue an event; before the last one, wait for the run's pictures and say which did not arrive.

        Raises:
            EventTooLarge: nothing was queued.
            RunOver: the run's last event was recorded before.
        """
        if event.WhichOneof("kind") == "run_finished":
            if self.before_end is not None:
                before_end, self.before_end = self.before_end, None
                await before_end()
            await self._settle_pictures()
        await self._outbox.wait_for_room()
        self._add(event)

    async def record_durably(self, event: RunEvent) -> None:
        """Like `record`, and return when the control plane has stored the event."""
        await self.record(event)
        await self._outbox.stored(self._run_id, event.seq)

    def record_end(self, finished: RunFinished) -> None:
        """Record the run's last event at once, also when the outbox is full; nothing if it is recorded already."""
        if self.finished:
            return
        try:
            self._add(RunEvent(run_finished=finished))
        except EventTooLarge:
            finished.ClearField("output")
            self._add(RunEvent(run_finished=finished))

    @property
    def last_seq(self) -> int:
        """Of the last event that was recorded; 0 for none."""
        return self._seq

    def stop(self) -> None:
        """Take nothing more: the control plane does not want it. Recording raises RunOver from now on."""
        self.finished = True

    def allow_action(self) -> float:
        """How many seconds an action may still take.

        Raises:
            ActionLeaseOver.
        """
        remaining = self._leases.remaining_action()
        if remaining <= 0:
            raise ActionLeaseOver(f"the action lease was over {-remaining:.1f} s ago")
        return remaining

    def keep_screenshot(self, jpeg: bytes) -> str:
        """Bring a picture to the control plane in the background; returns its artifact_id at once."""
        artifact_id = self._new_artifact_id()
        picture = Picture(self._placement, self._run_id, artifact_id, jpeg)
        self._pictures[artifact_id] = self._uploads.add(picture)
        return artifact_id

    def await_file(self, file_name: str, settled: asyncio.Future[str], *, record: bool = False) -> None:
        """A file of this run is on its way: the run's end waits for it as for pictures, and says if it is missing."""
        code, what = ("RECORD_MISSING", "record") if record else ("DOWNLOAD_MISSING", "download")
        self._files.append((code, f"{what} {file_name!r}", settled))

    async def credential(self, origin: str, username: str) -> Credential:
        """The stored login for pages of an origin.

        Raises:
            CredentialMissing.
        """
        return await self._credentials(self._placement, self._run_id, origin, username)

    def files(self, names: Sequence[str]) -> AbstractAsyncContextManager[list[HeldFile]]:
        """The organization's files of these ids or names, on this host's disk as long as the context lasts."""
        if self._hold_files is None:
            raise FileMissing("this host has no way to fetch files")
        return self._hold_files(self._placement, self._run_id, names)

    async def approval(self, approval_id: str) -> ApprovalAnswer:
        """Wait for a person's answer; one that came before the question was asked counts."""
        return await asyncio.shield(self._answer(approval_id))

    def resolve_approval(self, approval_id: str, answer: ApprovalAnswer) -> None:
        """Hand over a person's answer; the first one counts."""
        future = self._answer(approval_id)
        if not future.done():
            future.set_result(answer)

    def _answer(self, approval_id: str) -> asyncio.Future[ApprovalAnswer]:
        if approval_id not in self._answers:
            self._answers[approval_id] = asyncio.get_running_loop().create_future()
        return self._answers[approval_id]

    def _add(self, event: RunEvent) -> None:
        if self.finished:
            raise RunOver(f"run {self._run_id} has ended: {event.WhichOneof('kind')} came after its last event")
        event.run_id = self._run_id
        event.seq = self._seq + 1
        event.create_time.FromDatetime(self._clock.now())
        self._outbox.add(self._placement, event)
        self._telemetry.saw(event)
        self._seq += 1
        self.finished = event.WhichOneof("kind") == "run_finished"

    async def _settle_pictures(self) -> None:
        waited_for = [("SCREENSHOT_MISSING", f"screenshot {one}", settled) for one, settled in self._pictures.items()]
        waited_for += self._files
        if not waited_for:
            return
        await asyncio.wait([settled for _, _, settled in waited_for], timeout=PICTURES_SECONDS)
        for code, what, settled in waited_for:
            why = settled.result() if settled.done() else "it has not arrived yet"
            if why:
                await self._outbox.wait_for_room()
                self._add(RunEvent(warning=runs_pb2.Warning(code=code, message=f"{what} is missing: {why}")))
        self._pictures.clear()
        self._files.clear()
