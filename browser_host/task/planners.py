"""Which planner a run gets: the rules, the model, or the rules with the model for what they do not understand."""

from __future__ import annotations

import re

from tabkeep.v1 import runs_pb2

from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.model import Model
from browser_host.task.model_clause import Brief, Budget, ByModel
from browser_host.task.planner import Plan, Planner
from browser_host.task.rules import RulesPlanner
from browser_host.task.values import Parameters
from browser_host.task.workspace import MODEL

_SECRET = re.compile(
    r"\b(?P<what>pass(?:word|phrase|code)?|pwd|pin|secret|token|cvv|cvc|security code|card number|api key)\b"
    r"(?P<link>\s*(?:is|are|with|=|:|of)?\s*)"
    r"(?P<value>\"[^\"\n]+\"|'[^'\n]+'|\u201c[^\u201d\n]+\u201d|\u2018[^\u2019\n]+\u2019|`[^`\n]+`|"
    r"(?!\{\{)(?=\S*[^\sA-Za-z])\S{4,}(?<![.,;:!?]))",
    re.IGNORECASE,
)
"""A secret in a sentence: quoted, or a word that no sentence would have."""


def planner_for(choice: runs_pb2.Planner, model: Model | None) -> Planner:
    """The planner of one run."""
    if choice == runs_pb2.PLANNER_RULES or (model is None and choice != runs_pb2.PLANNER_MODEL):
        return RulesPlanner()
    if model is None:
        return _NoModel()
    return _WithModel(model, whole=choice == runs_pb2.PLANNER_MODEL)


class _NoModel:
    """The caller wants a model, and there is none."""

    def plan(self, prompt: str, parameters: Parameters) -> Plan:
        raise Failed(
            NEEDS_MODEL,
            "the run asks for the model planner, and this browser host has no model: set TABKEEP_MODEL_BASE_URL and "
            "TABKEEP_MODEL there; nothing was done",
        )


class _WithModel:
    """The rules first, unless the whole prompt is the model's."""

    def __init__(self, model: Model, *, whole: bool) -> None:
        self._model = model
        self._whole = whole
        self._budget = Budget(model.token_budget)

    def plan(self, prompt: str, parameters: Parameters) -> Plan:
        """Understand what the rules can; the rest is the model's."""
        if self._whole:
            return self._by_model(prompt)
        try:
            return RulesPlanner().plan(prompt, parameters)
        except Failed as failed:
            if failed.reason != NEEDS_MODEL:
                raise
        shown, hidden = hide_secrets(prompt)
        mixed = RulesPlanner().plan_with(prompt, parameters, lambda part: self._intent(part, shown, hidden))
        if mixed is None or not any(not isinstance(intent, ByModel) for intent in mixed.intents):
            return self._by_model(prompt)
        return Plan(mixed.intents, (*mixed.secrets, *hidden.values()), mixed.planner)

    def _by_model(self, prompt: str) -> Plan:
        shown, hidden = hide_secrets(prompt)
        return Plan((ByModel(Brief(shown, shown, hidden), self._model, self._budget),), tuple(hidden.values()), MODEL)

    def _intent(self, part: str, prompt: str, hidden: dict[str, str]) -> ByModel:
        for name, secret in hidden.items():
            part = part.replace(f"'{secret}'", f"{{{{{name}}}}}").replace(secret, f"{{{{{name}}}}}")
        return ByModel(Brief(part, prompt, hidden), self._model, self._budget)


def hide_secrets(prompt: str) -> tuple[str, dict[str, str]]:
    """The prompt with {{secret_1}} and so on for the secrets in it, and what these stand for."""
    hidden: dict[str, str] = {}

    def hide(found: re.Match[str]) -> str:
        value = found["value"]
        bare = value[1:-1] if value[0] in "\"'`\u201c\u2018" else value
        name = next((name for name, text in hidden.items() if text == bare), f"secret_{len(hidden) + 1}")
        hidden[name] = bare
        return f"{found['what']}{found['link']}{{{{{name}}}}}"

    return _SECRET.sub(hide, prompt), hidden
