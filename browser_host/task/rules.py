"""The rules planner: a controlled English that needs no model. A prompt is understood whole or not at all."""

from __future__ import annotations

import re

from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.grammar import Reader
from browser_host.task.page_rules import PAGE_RULES
from browser_host.task.planner import Plan
from browser_host.task.prompt_text import CUT, PromptText
from browser_host.task.sign_in import SignIn, credential_required
from browser_host.task.site_rules import SITE_RULES
from browser_host.task.values import Parameters
from browser_host.task.workspace import Intent

_MOST_JOINED = 6
"""Neighbouring parts that one rule may take together."""
_SECRET_WORD = re.compile(
    r"pass(word|phrase|code)?\b|\bpwd\b|\bpin\b|secret|\bcvv\b|\bcvc\b|card number|token|credential", re.IGNORECASE
)


class RulesPlanner:
    """Implements `planner.Planner` by the grammar of this module."""

    name = "rules"

    def plan(self, prompt: str, parameters: Parameters) -> Plan:
        """Understand a prompt whole."""
        text = PromptText(prompt)
        reader = Reader(text, parameters, [*SITE_RULES, *PAGE_RULES])
        intents = self._understand(text, reader)
        missing = next((intent for intent in intents if isinstance(intent, SignIn) and not intent.password), None)
        if missing is not None:
            raise credential_required(missing.username)
        return Plan(tuple(intents), tuple(reader.secrets))

    def _understand(self, text: PromptText, reader: Reader) -> list[Intent]:
        """Read the clauses, joining neighbours where a rule takes them together; the fewest clauses win.

        Raises:
            Failed: NEEDS_MODEL.
        """
        parts = text.clauses
        best: list[list[Intent] | None] = [None] * len(parts) + [[]]
        for start in range(len(parts) - 1, -1, -1):
            for end in range(len(parts), start, -1):
                rest = best[end]
                if rest is None or end - start > _MOST_JOINED:
                    continue
                intent = reader.read(CUT.join(parts[start:end]))
                shorter = best[start]
                if intent is not None and (shorter is None or len(rest) + 1 < len(shorter)):
                    best[start] = [intent, *rest]
        whole = best[0]
        if whole is None:
            raise self._needs_model(text, reader)
        return whole

    def _needs_model(self, text: PromptText, reader: Reader) -> Failed:
        hide = any(_SECRET_WORD.search(part) for part in text.clauses)
        for number, part in enumerate(text.clauses, 1):
            if reader.read(part) is None:
                shown = text.shown(part, hide)
                return Failed(
                    NEEDS_MODEL,
                    f'this prompt needs a model: part {number}, "{shown[:200]}", is not understood by the rules; '
                    "nothing was done. Put names and values in quotes, say it in simpler words, or use typed actions",
                )
        return Failed(NEEDS_MODEL, "this prompt needs a model: its parts do not fit together; nothing was done")
