"""Which planner a run gets: the rules, the model, or the rules with the model for what they do not understand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tabkeep.v1 import runs_pb2

from browser_host.task.by_model.model import Model
from browser_host.task.by_model.model_clause import Brief, Budget, ByModel
from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.planner import Plan, Planner
from browser_host.task.rules.rules import RulesPlanner
from browser_host.task.values import Parameters
from browser_host.task.workspace import MODEL


def planner_for(choice: runs_pb2.Planner, model: Model | None, secrets: Sequence[str]) -> Planner:
    """The planner of one run; `secrets` are the texts of its prompts that no model may be told."""
    if choice == runs_pb2.PLANNER_RULES or (model is None and choice != runs_pb2.PLANNER_MODEL):
        return RulesPlanner()
    if model is None:
        return _NoModel()
    return _WithModel(model, secrets, whole=choice == runs_pb2.PLANNER_MODEL)


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

    def __init__(self, model: Model, secrets: Sequence[str], *, whole: bool) -> None:
        self._model = model
        self._hidden = {f"secret_{number}": text for number, text in enumerate(secrets, 1)}
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
        mixed = RulesPlanner().plan_with(prompt, parameters, lambda part: self._intent(part, prompt))
        if mixed is None or not any(not isinstance(intent, ByModel) for intent in mixed.intents):
            return self._by_model(prompt)
        return mixed

    def _by_model(self, prompt: str) -> Plan:
        return Plan((self._intent(prompt, prompt),), (), MODEL, (prompt,))

    def _intent(self, part: str, prompt: str) -> ByModel:
        brief = Brief(hide(part, self._hidden), hide(prompt, self._hidden), self._hidden)
        return ByModel(brief, self._model, self._budget)


def hide(text: str, hidden: Mapping[str, str]) -> str:
    """The text with {{secret_1}} and so on in place of its secrets, and of the quotes around them."""
    for name, secret in sorted(hidden.items(), key=lambda one: len(one[1]), reverse=True):
        quoted = rf"[\"'`\u201c\u2018]{re.escape(secret)}[\"'`\u201d\u2019]|{re.escape(secret)}"
        text = re.sub(quoted, f"{{{{{name}}}}}", text)
    return text
