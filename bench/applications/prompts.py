"""The prompts, as they stand in the two files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from tabkeep.v1 import runs_pb2

HERE = Path(__file__).parent
FILES = {"before": HERE / "written_before.toml", "after": HERE / "written_after.toml"}
"""By when the prompts were written: before their author had read the planner's rules, or after."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task."""

    name: str
    """Also that of its judge."""
    written: str
    """A key of FILES."""
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
    prompts = [_prompt(written, entry) for written, file in FILES.items() for entry in _entries(file)]
    names = [prompt.name for prompt in prompts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"prompts with one name: {', '.join(sorted(twice))}")
    return prompts


def _entries(file: Path) -> list[dict[str, object]]:
    return list(tomllib.loads(file.read_text(encoding="utf-8")).get("prompt", [])) if file.exists() else []


def _prompt(written: str, entry: dict[str, object]) -> Prompt:
    wants = entry.pop("wants", [])
    assert isinstance(wants, list)
    reasons = frozenset(runs_pb2.FailureReason.Value(f"FAILURE_REASON_{reason}") for reason in wants)
    return Prompt(written=written, refusals=reasons, **entry)  # type: ignore[arg-type]
