"""What clauses mean that fill fields with what the page says, and those that select its text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import Send
from browser_host.task.clauses.derived_texts import (
    FillByLabels,
    FillFromPage,
    computed,
    copied,
    shown_text,
    value_of,
    word,
)
from browser_host.task.clauses.plain_clauses import InTurn
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.choosing_rules import BELOW, TEXT_FIELD, WHEN_DONE
from browser_host.task.rules.grammar import Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import NTH, THE, nth_of
from browser_host.task.scene import the_nth
from browser_host.task.workspace import Intent, Workspace

DERIVED_RULES: list[Rule] = []
rule = rule_adder(DERIVED_RULES)

_AND = rf"(?:{CUT}|,? and |, )"
_INTO = rf"(?:in|into|in to) {THE}{TEXT_FIELD}{BELOW}"
_PASSAGE = r"(?:paragraph|text ?area|text|passage)"


@rule(
    rf"copy (?:the )?(?:text|content|contents) (?:in|from|of) {THE}(?:(?P<nth>{NTH}) )?text ?area{BELOW}{_AND}paste "
    rf"(?:it|that|the text) {_INTO}"
)
def _copy(reader: Reader, match: re.Match[str]) -> Intent:
    nth = nth_of(match["nth"])
    which = f"text area number {nth}" if nth else "text area"
    return FillFromPage(f"copy the text of the {which} into the text field", copied(nth))


@rule(
    rf"find the (?P<nth>{NTH}) word (?:in|of) the {_PASSAGE}{BELOW}{_AND}(?:enter|type|put|write) (?:it|that|that"
    rf" word|the word) {_INTO}",
    rf"(?:enter|type|put|write) the (?P<nth>{NTH}) word (?:in|of) the {_PASSAGE}{BELOW} {_INTO}",
)
def _word(reader: Reader, match: re.Match[str]) -> Intent:
    nth = nth_of(match["nth"])
    return FillFromPage(f"put word number {nth} of the text into the text field", word(nth))


@rule(rf"(?:enter|type|put|copy|write) the text (?:below|above|shown) {_INTO}")
def _shown(reader: Reader, match: re.Match[str]) -> Intent:
    return FillFromPage("put the text that the page shows into the text field", shown_text())


@rule(rf"(?:enter|type|put|copy|write) the value (?:of|for) (?P<label>{V}|[\w -]+?) {_INTO}")
def _value(reader: Reader, match: re.Match[str]) -> Intent:
    label = reader.name(match["label"], most_words=5)
    return FillFromPage(f'put the value of "{label}" into the text field', value_of(label))


@rule(
    rf"(?:enter|type|put|fill in) the values? that (?:corresponds?|belongs?) (?:with|to) each (?:label|field) (?:in"
    rf"|into) {THE}form(?P<send> and submit{WHEN_DONE})?"
)
def _by_labels(reader: Reader, match: re.Match[str]) -> Intent:
    return FillByLabels() if not match["send"] else InTurn((FillByLabels(), Send("press submit", "submit")))


@rule(
    rf"solve the (?:math(?:s|ematical)? )?(?:problem|sum|exercise)(?: below)?{_AND}(?:enter|type|put|write) (?:your"
    rf"|the) (?:answer|result|solution) {_INTO}"
)
def _sum(reader: Reader, match: re.Match[str]) -> Intent:
    return FillFromPage("put the result of the sum into the text field", computed())


@rule(
    rf"solve (?:the equation )?for (?P<unknown>[a-z]){_AND}(?:enter|type|put|write) (?:your|the) (?:answer|result"
    rf"|solution) {_INTO}"
)
def _equation(reader: Reader, match: re.Match[str]) -> Intent:
    unknown = match["unknown"]
    return FillFromPage(f"put what {unknown} is into the text field", computed(unknown))


@dataclass(frozen=True, slots=True)
class SelectParagraph:
    """Select the text of the only paragraph, or of the n-th."""

    words: str
    nth: int

    async def carry_out(self, workspace: Workspace) -> None:
        """Select it, and see that it is what is selected."""
        scene = await workspace.scene()
        texts = scene.all(lambda one: one.tag == "p" and bool(one.text)) or scene.all(
            lambda one: one.own and not one.acts and one.tag != "label" and bool(one.text)
        )
        one = the_nth(texts, self.nth, "paragraph")
        target = await workspace.target_of(one.ref, "the paragraph")
        await workspace.do(actions_pb2.Action(select_text=actions_pb2.SelectText(target=target)))


@rule(rf"(?:highlight|select|mark) the (?:text (?:in|of) the )?(?:(?P<nth>{NTH}) )?paragraph{BELOW}")
def _highlight(reader: Reader, match: re.Match[str]) -> Intent:
    nth = nth_of(match["nth"])
    return SelectParagraph(f"select the text of paragraph number {nth}" if nth else "select the paragraph", nth)
