"""What clauses mean that drag, repeat, wait for a number, set a slider by name, or depend on what the page shows."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.plain_clauses import OneAction, one_action
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.choosing_rules import parsed_date
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import NAME, ROLES, THE
from browser_host.task.scene import folded
from browser_host.task.wording import condition_words
from browser_host.task.workspace import Intent, Workspace

GESTURE_RULES: list[Rule] = []
rule = rule_adder(GESTURE_RULES)

_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_COUNT = rf"(?:\d{{1,2}}|100|{'|'.join(_COUNTS)})"
_PLACES = {"onto": "onto", "on": "onto", "to": "onto", "into": "onto", "over": "onto", "before": "before",
           "above": "before", "after": "after", "below": "after"}  # fmt: skip
_IN_A_WHILE = 600


@rule(rf"drag {THE}(?P<what>{V}) (?P<how>{'|'.join(_PLACES)}) {THE}(?P<where>{V})")
def _drag(reader: Reader, match: re.Match[str]) -> Intent:
    drag = actions_pb2.Drag(target=actions_pb2.Target(name=reader.value(match["what"])))
    getattr(drag, _PLACES[match["how"].lower()]).name = reader.value(match["where"])
    return one_action(actions_pb2.Action(drag=drag))


@rule(rf"(?P<click>(?:click|press|tap|push)(?: on)? [^\uf8ff]+?),? (?:(?P<count>{_COUNT}) times|twice)")
def _times(reader: Reader, match: re.Match[str]) -> Intent:
    clicked = reader.read(match["click"])
    if not isinstance(clicked, OneAction) or clicked.action.WhichOneof("kind") != "click":
        raise NotUnderstood
    count = (match["count"] or "2").lower()
    action = actions_pb2.Action()
    action.CopyFrom(clicked.action)
    action.click.times = _COUNTS.get(count) or int(count)
    if not 1 <= action.click.times <= 100 or action.click.click_count > 1:
        raise NotUnderstood
    return one_action(action)


@rule(
    rf"(?:click|press|tap|push)(?: on)? (?:all|each|every)(?: of)?(?: the)? (?P<name>{V})(?: (?P<kind>button|link"
    rf"|icon|checkbox|tab|option|item))?s?"
)
def _every(reader: Reader, match: re.Match[str]) -> Intent:
    kind = ROLES[match["kind"].lower()] if match["kind"] else ""
    target = actions_pb2.Target(role=kind, name=reader.value(match["name"]))
    return one_action(actions_pb2.Action(click=actions_pb2.Click(target=target, every=True)))


@rule(
    rf"wait (?:until|till) {THE}(?P<label>{V}|[a-z]+(?: [a-z]+){{0,2}}) is (?P<how>less|lower|greater|higher|more)"
    rf" than (?P<n>{V}|[$€£]?-?\d+)"
)
def _wait_number(reader: Reader, match: re.Match[str]) -> Intent:
    number = actions_pb2.NumberIs(label=reader.name(match["label"], most_words=3))
    if match["how"].lower() in ("less", "lower"):
        number.less_than = reader.amount(match["n"])
    else:
        number.greater_than = reader.amount(match["n"])
    condition = actions_pb2.Expect(number=number)
    action = actions_pb2.Action(wait=actions_pb2.Wait(condition=condition))
    action.timeout.FromSeconds(_IN_A_WHILE)
    return OneAction(f"wait until {condition_words(condition)}", action)


@rule(rf"(?:set|move|drag|adjust) {THE}(?P<name>{NAME}) (?P<kind>slider|spinner) to (?P<value>-?\d+|{V})")
def _range(reader: Reader, match: re.Match[str]) -> Intent:
    role = "slider" if match["kind"].lower() == "slider" else "spinbutton"
    target = actions_pb2.Target(role=role, name=reader.name(match["name"], most_words=4))
    try:
        value = float(reader.value(match["value"]))
    except ValueError:
        raise NotUnderstood from None
    return one_action(actions_pb2.Action(set_range=actions_pb2.SetRange(target=target, value=value)))


@rule(
    rf"(?:set|choose|pick|select) (?:the )?date (?P<date>{V}|\d{{1,2}}/\d{{1,2}}/\d{{4}}|\d{{4}}-\d\d-\d\d) (?:in"
    rf"|for|as|into) {THE}(?P<name>{V})"
)
def _date(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.value(match["name"]))
    day = parsed_date(reader.value(match["date"]))
    return one_action(actions_pb2.Action(set_date=actions_pb2.SetDate(target=target, date=day)))


@rule(rf"scroll (?:down |up )?to {THE}(?P<name>{V})(?: (?:button|link|heading|section|field))?")
def _scroll_to(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.value(match["name"]))
    return one_action(actions_pb2.Action(scroll=actions_pb2.Scroll(target=target)))


@dataclass(frozen=True, slots=True)
class Depending:
    """One clause or another, by whether the page shows a text now."""

    text: str
    shown: bool
    then: Intent
    otherwise: Intent | None

    @property
    def words(self) -> str:
        """The clause."""
        rest = f", else {self.otherwise.words}" if self.otherwise else ""
        return f'if the page {"shows" if self.shown else "does not show"} "{self.text}": {self.then.words}{rest}'

    async def carry_out(self, workspace: Workspace) -> None:
        """Look once the page is loaded, then do what follows."""
        page = await workspace.steps.page()
        await page.loaded(timeout=30.0)
        survey = await workspace.survey()
        if (folded(self.text) in folded(survey.text)) is self.shown:
            await self.then.carry_out(workspace)
        elif self.otherwise is not None:
            await self.otherwise.carry_out(workspace)


@rule(
    rf"if (?:the page (?:shows|says) (?P<says>{V})|(?:the text )?(?P<text>{V}) is (?P<no>not )?(?:shown|visible"
    rf"|displayed|there|on the page))"
    rf"(?:{CUT}|,? )(?:then )?(?P<then>[^\uf8ff]+?)(?:(?:{CUT}|[,;]? )(?:else|otherwise),?(?:{CUT}| )"
    rf"(?P<else>[^\uf8ff]+))?"
)
def _if(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["says"] or match["text"])
    then = reader.read(match["then"])
    otherwise = reader.read(match["else"]) if match["else"] else None
    if then is None or (match["else"] and otherwise is None):
        raise NotUnderstood
    if isinstance(then, Depending) or isinstance(otherwise, Depending):
        raise NotUnderstood
    return Depending(text, match["no"] is None, then, otherwise)
