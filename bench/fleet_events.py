"""The events that a fleet sends: made from the run and the number alone, so that what is stored can be compared."""

from __future__ import annotations

from tabkeep.v1 import runs_pb2

_URL = "https://shop.example/customers/4711/addresses"


def event(run_id: str, seq: int) -> runs_pb2.RunEvent:
    """Event `seq` of a run whose steps begin and end one after another."""
    step = (seq + 1) // 2
    made = runs_pb2.RunEvent(run_id=run_id, seq=seq)
    made.create_time.seconds = 1_767_225_600 + seq
    if seq % 2:
        begun = made.step_started
        begun.step, begun.source, begun.url = step, "rules", _URL
        begun.description = f'click button "Save address {step}"'
    else:
        ended = made.step_finished
        ended.step, ended.outcome, ended.url = step, runs_pb2.STEP_OUTCOME_DONE, _URL
        ended.title, ended.target = "Addresses - Shop", f'button "Save address {step}"'
        ended.duration.nanos = 412_000_000
    return made


def stored(run_id: str, seq: int) -> bytes:
    """The same as the control plane keeps it."""
    return event(run_id, seq).SerializeToString(deterministic=True)
