"""How prompts become steps: the protocol between the runner and whoever plans."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from browser_host.task.values import Parameters
from browser_host.task.workspace import Intent


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt that was understood whole."""

    intents: tuple[Intent, ...]
    secrets: tuple[str, ...]
    """Texts of the prompt that must never be shown."""
    planner: str
    """What events call whoever planned it: "rules", "model", or both."""
    texts: tuple[str, ...] = ()
    """The words of the prompt that each intent was read from."""

    @property
    def clauses(self) -> Iterable[str]:
        """Its parts in the planner's own words."""
        return [intent.words for intent in self.intents]


class Planner(Protocol):
    """Understands prompts."""

    def plan(self, prompt: str, parameters: Parameters) -> Plan:
        """Understand a prompt whole, before anything is done.

        Raises:
            Failed: NEEDS_MODEL, a part of it is not understood; MISSING_INPUT, a parameter has no value;
                CREDENTIAL_REQUIRED.
        """
