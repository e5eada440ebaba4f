"""Recordings of tasks: what is stored of one, and how far it is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

MOST = 1_000
"""Recordings of one organization; beyond, the one that was not used for the longest time goes."""
MOST_FOR_ONE_RUN = 3
_TRUSTED_FROM = 2
"""Runs that did the same steps."""
_DEMOTED_FROM = 2
"""Replays in a row that found the site changed."""


class RecordingState(StrEnum):
    """How far a recording is trusted."""

    CANDIDATE = "candidate"
    TRUSTED = "trusted"
    DEMOTED = "demoted"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it is stored."""

    recording_id: str
    organization_id: str
    origin: str
    template_key: bytes = field(repr=False)
    template: str = field(repr=False)
    state: RecordingState
    version: int
    run_id: str
    success_count: int
    failure_count: int
    task: bytes = field(repr=False)
    """A serialized RecordedTask."""
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """A host reports that a task is recorded, or that its recording was confirmed or mended."""

    recording_id: str
    confirmed: bool
    mended: bool
    origin: str = ""
    template_key: bytes = field(default=b"", repr=False)
    template: str = field(default="", repr=False)
    task: bytes = field(default=b"", repr=False)
    """Empty: it stays as it was."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A host reports how a recording fared."""

    recording_id: str
    version: int
    verified: bool
    stale: bool


def recorded_anew(recording: Recording, report: Recorded, run_id: str, now: datetime) -> Recording:
    """Another run did the task otherwise, or the recording was given up: it begins again."""
    return replace(
        recording,
        state=RecordingState.CANDIDATE,
        version=recording.version + 1,
        run_id=run_id,
        success_count=1,
        failure_count=0,
        task=report.task,
        template=report.template,
        update_time=now,
    )


def confirmed(recording: Recording, report: Recorded, run_id: str, now: datetime) -> Recording:
    """Another run did the same steps; what it saw otherwise is left out from now on."""
    return _succeeded(_changed(recording, report, run_id, now), now)


def mended(recording: Recording, report: Recorded, run_id: str, now: datetime) -> Recording:
    """A replay found elements changed."""
    return _changed(recording, report, run_id, now)


def replayed(recording: Recording, report: Replayed, now: datetime) -> Recording:
    """A replay is over; one of an earlier version says nothing of this one's faults."""
    if report.verified:
        return _succeeded(recording, now)
    if not report.stale or report.version != recording.version:
        return recording
    failures = recording.failure_count + 1
    state = RecordingState.DEMOTED if failures >= _DEMOTED_FROM else recording.state
    return replace(recording, failure_count=failures, state=state, update_time=now)


def _changed(recording: Recording, report: Recorded, run_id: str, now: datetime) -> Recording:
    if not report.task or report.task == recording.task:
        return recording
    return replace(recording, task=report.task, version=recording.version + 1, run_id=run_id, update_time=now)


def _succeeded(recording: Recording, now: datetime) -> Recording:
    successes = recording.success_count + 1
    state = RecordingState.TRUSTED if successes >= _TRUSTED_FROM else recording.state
    return replace(recording, success_count=successes, failure_count=0, state=state, update_time=now)
