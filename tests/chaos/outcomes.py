"""How often each fault was tried and survived, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field


class NotPossibleHere(Exception):
    """This machine cannot make the fault; the text says what is missing."""


@dataclass
class Outcome:
    """What came of one fault."""

    fault: str
    tried: int = 0
    survived: int = 0
    notes: list[str] = field(default_factory=list)
    """Figures of those survived, and what went wrong in the others."""

    @property
    def note(self) -> str:
        """The last two notes, the worst to know first."""
        return "; ".join(self.notes[-2:])


def table(outcomes: list[Outcome]) -> str:
    """The outcomes in Markdown."""
    rows = [("fault", "tried", "survived", "last"), ("---", "---:", "---:", "---")]
    rows += [(one.fault, str(one.tried), str(one.survived), one.note.replace("\n", " ")[:200]) for one in outcomes]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
