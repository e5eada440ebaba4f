"""Values that several records share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What JSON can say, as Python's own types; whole numbers are ints. Not spelled out, so that callers need no casts."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is true now of a session or run and worth knowing, beside its state."""

    type: str
    since_time: datetime | None
    message: str
