"""The rules planner: a controlled English that needs no model. A prompt is understood whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable

from browser_host.task.clauses.choosing import FillOnly, SendIfAlone
from browser_host.task.clauses.form_fields import SetName, SetParts
from browser_host.task.clauses.moved_shapes import DragInto
from browser_host.task.clauses.named_records import KINDS_OF_RECORDS, EditNamed, OpenNamed
from browser_host.task.clauses.orderings import SortByDragging
from browser_host.task.clauses.pick_lists import PutInto
from browser_host.task.clauses.plain_clauses import InTurn, OneAction, SetField
from browser_host.task.clauses.saving import SaveChanges
from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.planner import Plan
from browser_host.task.prompt_text import CUT, PromptText
from browser_host.task.rules.choosing_rules import CHOOSING_RULES
from browser_host.task.rules.derived_rules import DERIVED_RULES
from browser_host.task.rules.entry_rules import ENTRY_RULES
from browser_host.task.rules.everyday_rules import EVERYDAY_RULES
from browser_host.task.rules.field_rules import FIELD_RULES
from browser_host.task.rules.gesture_rules import GESTURE_RULES, Depending
from browser_host.task.rules.grammar import Reader
from browser_host.task.rules.ordering_rules import ORDERING_RULES
from browser_host.task.rules.page_rules import PAGE_RULES
from browser_host.task.rules.record_rules import RECORD_RULES
from browser_host.task.rules.references import EditIt
from browser_host.task.rules.revealing_rules import REVEALING_RULES
from browser_host.task.rules.shape_rules import SHAPE_RULES
from browser_host.task.rules.site_rules import SITE_RULES
from browser_host.task.rules.styling import STYLING_RULES, StyleText
from browser_host.task.rules.tab_rules import TAB_RULES
from browser_host.task.values import Parameters
from browser_host.task.workspace import MODEL, RULES, Intent, NamesSubject, RefersToSubject

_BOUND_TO_OTHERS = re.compile(
    r"\b(if|unless|but|only|except|instead|otherwise|else|until|without|not|never|before|while|whenever|whether|"
    r"make sure|ensure|verify|repeat|again|each|every|both|whichever|should|must|n['\u2019]t)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
"""Words by which a part of a prompt may say something about other parts."""
RULES_IN_ORDER = (
    *TAB_RULES,
    *GESTURE_RULES,
    *STYLING_RULES,
    *ENTRY_RULES,
    *ORDERING_RULES,
    *REVEALING_RULES,
    *DERIVED_RULES,
    *CHOOSING_RULES,
    *SHAPE_RULES,
    *FIELD_RULES,
    *RECORD_RULES,
    *EVERYDAY_RULES,
    *SITE_RULES,
    *PAGE_RULES,
)
"""In the order in which they are asked; what is said by kind and place comes before what is said by name."""
_BY_MODEL = 1000
"""What a part costs that goes to the model, where a rule costs 1."""
_MOST_JOINED = 6
"""Neighbouring parts that one rule may take together."""
_SECRET_WORD = re.compile(
    r"pass(word|phrase|code)?\b|\bpwd\b|\bpin\b|secret|\bcvv\b|\bcvc\b|card number|token|credential", re.IGNORECASE
)

_Read = tuple[Intent, str]
"""An intent, and the part of the prompt that it was read from."""


class RulesPlanner:
    """Implements `planner.Planner` by the grammar of this module."""

    def plan(self, prompt: str, parameters: Parameters) -> Plan:
        """Understand a prompt whole."""
        text = PromptText(prompt)
        reader = Reader(text, parameters, RULES_IN_ORDER)
        intents = _fewest(text, reader, None)
        if intents is None or any(isinstance(intent, Depending) for intent, _ in intents[:-1]):
            # How far a condition reaches, is not said where more follows it.
            raise self._needs_model(text, reader)
        self._referring(text, intents)
        return _plan([*intents, *_sent([intent for intent, _ in intents]), *_saved(intents)], reader, text, RULES)

    def plan_with(self, prompt: str, parameters: Parameters, otherwise: Callable[[str], Intent]) -> Plan | None:
        """Understand a prompt with the help of another planner: `otherwise` takes the text of parts that no rule reads.

        None where the parts cannot be told apart: a part that bounds or conditions another one must be read with it.

        Raises:
            Failed: MISSING_INPUT.
        """
        try:
            text = PromptText(prompt)
        except Failed:
            return None
        if any(_BOUND_TO_OTHERS.search(part) for part in text.clauses):
            return None
        reader = Reader(text, parameters, RULES_IN_ORDER)
        intents = _fewest(text, reader, lambda part: otherwise(text.shown(part, hide=False)))
        return None if intents is None else _plan([*intents, *_saved(intents)], reader, text, f"{RULES}, {MODEL}")

    def _referring(self, text: PromptText, intents: list[_Read]) -> None:
        """See that whatever says "it" comes behind what names it.

        Raises:
            Failed: NEEDS_MODEL.
        """
        for at, (intent, part) in enumerate(intents):
            named = any(isinstance(before, NamesSubject) for before, _ in intents[:at])
            if isinstance(intent, RefersToSubject) and not named:
                raise Failed(NEEDS_MODEL, f'"{text.shown(part, hide=True)[:200]}": no part before it says what that is')

    def _needs_model(self, text: PromptText, reader: Reader) -> Failed:
        hide = any(_SECRET_WORD.search(part) for part in text.clauses)
        for number, part in enumerate(text.clauses, 1):
            if reader.read(part) is None:
                shown = text.shown(part, hide)
                return Failed(
                    NEEDS_MODEL,
                    f'this prompt needs a model: part {number}, "{shown[:200]}", is not understood by the rules; '
                    "nothing was done. Put names and values in quotes, say it in simpler words, use typed actions, or "
                    "give the browser host a model (TABKEEP_MODEL_BASE_URL and TABKEEP_MODEL)",
                )
        return Failed(NEEDS_MODEL, "this prompt needs a model: its parts do not fit together; nothing was done")


def _sent(intents: list[Intent]) -> list[_Read]:
    """What answers the page is sent: put by its number into a field without a name, sorted, styled, put into boxes.

    Only on pages with no other button, and only where the prompt presses nothing itself.
    """
    last = intents[-1]
    answers = isinstance(last, SortByDragging | StyleText | DragInto) or (isinstance(last, FillOnly) and last.nth)
    presses = any(
        isinstance(one, OneAction) and one.action.WhichOneof("kind") in ("click", "press_key") for one in intents
    )
    return [(SendIfAlone(), "")] if answers and not presses else []


def _saved(read: list[_Read]) -> list[_Read]:
    """A record that was opened and changed is saved, where the prompt says no more than the change."""
    last, text = read[-1]
    sets = isinstance(last, SetField | SetParts | PutInto) or (
        isinstance(last, OneAction) and last.action.WhichOneof("kind") in ("fill", "select", "set_checked")
    )
    opened = any(
        isinstance(one, EditNamed | EditIt) or (isinstance(one, OpenNamed) and one.kind in KINDS_OF_RECORDS)
        for one, _ in read[:-1]
    )
    theirs = re.search(r"\b(?:its|his|her|their)\b", text, re.IGNORECASE) is not None and len(read) > 1
    renames = isinstance(last.parts[-1] if isinstance(last, InTurn) else last, SetName)
    return [(SaveChanges(), "")] if renames or (sets and (opened or theirs)) else []


def _plan(read: list[_Read], reader: Reader, text: PromptText, planner: str) -> Plan:
    texts = tuple(text.shown(part, hide=False) for _, part in read)
    return Plan(tuple(intent for intent, _ in read), tuple(reader.secrets), planner, texts)


def _fewest(text: PromptText, reader: Reader, otherwise: Callable[[str], Intent] | None) -> list[_Read] | None:
    """Read the clauses, joining neighbours where a rule takes them together; the fewest intents win.

    Each comes with the text that it was read from.

    What no rule reads goes to `otherwise`, as little of it as possible; None where that is not given.
    """
    parts = text.clauses
    best: list[tuple[int, list[_Read]] | None] = [None] * len(parts) + [(0, [])]
    for start in range(len(parts) - 1, -1, -1):
        for end in range(len(parts), start, -1):
            rest = best[end]
            if rest is None:
                continue
            joined = CUT.join(parts[start:end])
            intent = reader.read(joined) if end - start <= _MOST_JOINED else None
            cost = 1
            if intent is None and otherwise is not None:
                intent, cost = otherwise(joined), _BY_MODEL * (end - start + 1)
            known = best[start]
            if intent is not None and (known is None or rest[0] + cost < known[0]):
                best[start] = (rest[0] + cost, [(intent, joined), *rest[1]])
    return None if best[0] is None else best[0][1]
