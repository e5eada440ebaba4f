"""The prompts, as they stand in the files of their rounds."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tabkeep.v1 import runs_pb2

HERE = Path(__file__).parent
ROUNDS = {number: HERE / f"round_{number}.toml" for number in range(1, 7)}
"""In the order in which they were written; each file says what its author had read, and whether rules were mended
for its prompts after they were first tried."""
BEFORE_THE_RULES = frozenset({1, 3, 5})
"""Rounds whose authors had not read the planner's rules."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task."""

    name: str
    """Also that of its judge."""
    round: int
    """A key of ROUNDS."""
    application: str
    at: str
    """Path of the page it begins on; empty: it goes on where signing in ended."""
    text: str
    truth: str
    """What must hold in the application then, in words."""
    signed_in: str = ""
    """Who is signed in when it begins."""
    refusals: frozenset[int] = frozenset()
    """Of a task that cannot be done: the FailureReasons with which a run may end. Empty: it can be done."""


def read_prompts() -> list[Prompt]:
    """All of them, in the order of the files.

    Raises:
        ValueError: a name occurs twice, or a reason is none.
    """
    prompts = [_prompt(number, entry) for number, file in ROUNDS.items() for entry in _entries(file)]
    names = [prompt.name for prompt in prompts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"prompts with one name: {', '.join(sorted(twice))}")
    return prompts


def _entries(file: Path) -> list[dict[str, object]]:
    return list(tomllib.loads(file.read_text(encoding="utf-8"))["prompt"])


def _prompt(number: int, entry: dict[str, object]) -> Prompt:
    wants = entry.pop("wants", [])
    assert isinstance(wants, list)
    reasons = frozenset(runs_pb2.FailureReason.Value(f"FAILURE_REASON_{reason}") for reason in wants)
    return Prompt(round=number, refusals=reasons, **entry)  # type: ignore[arg-type]
