"""Every move of a recording: within one transaction each."""

from __future__ import annotations

from control_plane.entities import recordings
from control_plane.entities.recordings import MOST, Recorded, Recording, RecordingState, Replayed
from control_plane.entities.runs import Run
from control_plane.errors import NotFound
from control_plane.moves.effects import Log
from control_plane.store import Tables, Transaction


def find(tables: Tables, organization_id: str, recording_id: str) -> Recording:
    """The organization's recording.

    Raises:
        NotFound.
    """
    recording = tables.recordings.get(organization_id, recording_id)
    if recording is None:
        raise NotFound(
            f"recording {recording_id} does not exist", reason="RECORDING_NOT_FOUND", recording_id=recording_id
        )
    return recording


def take_recorded(tx: Transaction, run: Run, report: Recorded) -> None:
    """A run of the organization recorded its task; a recording that was deleted meanwhile stays so."""
    if report.recording_id:
        known = tx.recordings.get(run.organization_id, report.recording_id)
        if known is None:
            return
        move = recordings.confirmed if report.confirmed else recordings.mended
        _save(tx, known, move(known, report, run.run_id, tx.now))
        return
    known = tx.recordings.of_task(run.organization_id, report.origin, report.template_key)
    if known is not None:
        _save(tx, known, recordings.recorded_anew(known, report, run.run_id, tx.now))
        return
    if tx.recordings.count(run.organization_id) >= MOST:
        tx.recordings.delete_oldest(run.organization_id)
    made = Recording(
        recording_id=tx.new_id("rec"),
        organization_id=run.organization_id,
        origin=report.origin,
        template_key=report.template_key,
        template=report.template,
        state=RecordingState.CANDIDATE,
        version=1,
        run_id=run.run_id,
        success_count=1,
        failure_count=0,
        task=report.task,
        create_time=tx.now,
        update_time=tx.now,
    )
    tx.recordings.insert(made)
    tx.effects.add(Log("task recorded", {"recording_id": made.recording_id, "run_id": run.run_id}))


def take_replayed(tx: Transaction, run: Run, report: Replayed) -> None:
    """A run of the organization replayed a recording."""
    known = tx.recordings.get(run.organization_id, report.recording_id)
    if known is not None:
        _save(tx, known, recordings.replayed(known, report, tx.now))


def delete(tx: Transaction, organization_id: str, recording_id: str) -> None:
    """Forget a recording.

    Raises:
        NotFound.
    """
    find(tx, organization_id, recording_id)
    tx.recordings.delete(recording_id)
    tx.effects.add(Log("recording deleted", {"recording_id": recording_id}))


def _save(tx: Transaction, old: Recording, new: Recording) -> None:
    tx.recordings.update(old, new)
    if old.state is not new.state:
        tx.effects.add(Log("recording moved", {"recording_id": new.recording_id, "state": new.state.value}))
