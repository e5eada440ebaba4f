"""What clauses mean that choose or set something by kind, place or looks: lists, boxes, sliders, dates, colours."""

from __future__ import annotations

import re
from datetime import date

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.choosing import (
    ChooseInOnly,
    ChooseNothing,
    ChooseSeveral,
    ChooseShades,
    ClickAnyKind,
    ClickColour,
    ClickKind,
    CloseDialog,
    EnterSuggested,
    FillOnly,
    FocusField,
    PickColour,
    Resize,
    ScrollInside,
    Send,
    SetRanges,
    SetTheDate,
)
from browser_host.task.clauses.colours import COLOUR
from browser_host.task.clauses.plain_clauses import Fills, InTurn, one_action
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import NTH, THE, nth_of
from browser_host.task.wording import names_a_secret
from browser_host.task.workspace import Intent

CHOOSING_RULES: list[Rule] = []
rule = rule_adder(CHOOSING_RULES)

WHEN_DONE = r"(?: (?:when|once) (?:you are |you're )?(?:done|finished|ready))?"
BELOW = r"(?: (?:below|above|shown|on the (?:page|left|right)))?"
TEXT_FIELD = r"(?:input )?(?:text ?box|text ?field|text ?input|input(?: ?field| ?box)?|text ?area)"
_NUMBER = rf"(?:[-\u2212]?\d+|{V})"
_DATE = rf"(?:\d{{1,2}}/\d{{1,2}}/\d{{4}}|\d{{4}}-\d\d-\d\d|{V})"
_TIME = r"\d{1,2}:\d\d(?: ?[ap]\.?m\.?)?"
_ITEM = rf"(?:{V}|[^\s,;\uf8ff]+)"
_LIST = (
    rf"(?:scroll(?:ing)? |drop-?down )?(?:list|drop-?down(?: list| menu)?|select(?:ion)? box|options|combo ?box){BELOW}"
)
_KINDS = r"button|check ?box|radio button|text ?area|link|drop-?down|menu item|tab"
_ONE_OF_A_KIND = (
    r"textarea|text area|text ?box|text ?field|input|button|checkbox|radio(?: button)?|link|text|slider|spinner"
)


def _number(reader: Reader, part: str) -> float:
    marked = reader.text.value(part)
    try:
        return float((marked.text if marked else part).replace("\u2212", "-").replace(",", ""))
    except ValueError:
        raise NotUnderstood from None


@rule(
    rf"(?:select|choose|pick|check|tick|mark) (?P<first>{_ITEM})(?P<more>(?:\s*,\s*(?:and )?{_ITEM}"
    rf"|\s+and\s+{_ITEM})+)"
    rf"(?: (?:from|in) {THE}(?:{_LIST}|check ?boxes{BELOW}))?"
)
def _several(reader: Reader, match: re.Match[str]) -> Intent:
    parts = [match["first"], *re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["more"])]
    options = [reader.value(part, most_words=1) for part in parts if part]
    return ChooseSeveral(f"choose {', '.join(options)}", tuple(options))


@rule(r"(?:select|choose|pick|check|tick) (?:nothing|none(?: of (?:them|these|the (?:options|boxes)))?)")
def _nothing(reader: Reader, match: re.Match[str]) -> Intent:
    return ChooseNothing()


@rule(rf"(?:select|choose|pick) (?P<value>{V}|[^\uf8ff,;]+?) (?:from|in) {THE}(?:(?P<nth>{NTH}) )?{_LIST}")
def _from_the_list(reader: Reader, match: re.Match[str]) -> Intent:
    option = reader.name(match["value"])
    return ChooseInOnly(f'choose "{option}" in the list', option, nth_of(match["nth"]))


# Sliders, dates, colours


@rule(
    rf"(?:select|set|choose|pick|enter) (?P<value>{_NUMBER}) (?:with|on|using|in) {THE}(?P<kind>slider|spinner)",
    rf"(?:set|move|drag|turn|put|adjust) {THE}(?P<kind>slider|spinner) to {THE}(?:number |value )?(?P<value>{_NUMBER})",
)
def _range(reader: Reader, match: re.Match[str]) -> Intent:
    value = _number(reader, match["value"])
    kind = match["kind"].lower()
    return SetRanges(f"set the {kind} to {value:g}", kind, (value,))


@rule(
    rf"(?:set|move|adjust) {THE}(?P<kind>slider|spinner)s to (?:the (?:combination|values?|numbers?) )?\[?"
    rf"(?P<values>[^\uf8ff\]]+)\]?"
)
def _ranges(reader: Reader, match: re.Match[str]) -> Intent:
    marked = reader.text.value(match["values"].strip())
    parts = re.split(r"\s*,\s*(?:and )?|\s+and\s+", marked.text if marked else match["values"].strip())
    values = tuple(_number(reader, part) for part in parts)
    return SetRanges(f"set the sliders to {', '.join(f'{value:g}' for value in values)}", match["kind"].lower(), values)


@rule(
    rf"(?:enter|select|choose|pick|set|use|type|input) (?P<date>{_DATE}) (?:as|for|in|into) {THE}date(?: field)?",
    rf"(?:set|change) {THE}date to (?P<date>{_DATE})",
)
def _date(reader: Reader, match: re.Match[str]) -> Intent:
    day = parsed_date(reader.value(match["date"]))
    return SetTheDate(f"set the date to {day}", day)


def parsed_date(text: str) -> str:
    """A date as people write it (month first), as ISO has it.

    Raises:
        NotUnderstood.
    """
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text.strip())
    try:
        if found:
            return date(int(found[3]), int(found[1]), int(found[2])).isoformat()
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise NotUnderstood from None


@rule(
    rf"(?:enter|select|choose|pick|set|use|type|input) (?P<time>{_TIME}) (?:as|for|in|into) {THE}time(?: field)?",
    rf"(?:set|change) {THE}time to (?P<time>{_TIME})",
)
def _time(reader: Reader, match: re.Match[str]) -> Intent:
    hour, minute, half = re.fullmatch(r"(\d+):(\d+)\s*([ap])?\.?m?\.?", match["time"].lower()).groups()  # type: ignore[union-attr]
    if not 0 <= int(minute) < 60 or not 0 <= int(hour) < 24 or (half and not 1 <= int(hour) <= 12):
        raise NotUnderstood
    hours = int(hour) if not half else int(hour) % 12 + (12 if half == "p" else 0)
    return SetTheDate(f"set the time to {hours:02}:{minute}", f"{hours:02}:{minute}")


_PICKER = r"(?:with|using|in|on|from) (?:the |a )?colou?r ?(?:picker|wheel|field|chooser)"


@rule(
    rf"(?:select|choose|pick|set) (?:the colou?r )?(?P<colour>{COLOUR}) {_PICKER}",
    rf"(?:select|choose|pick) the (?:following|shown) colou?r {_PICKER}",
)
def _colour(reader: Reader, match: re.Match[str]) -> Intent:
    colour = (match.groupdict().get("colour") or "").lower()
    return PickColour(f"choose the colour {colour or 'that is shown'}", colour)


@rule(
    rf"(?:click|press|tap|select|choose)(?: on)? {THE}(?P<colour>{COLOUR})(?:[ -]colou?red)? (?:box|square|tile"
    rf"|swatch|patch|colou?r)"
)
def _click_colour(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickColour(f"click the {match['colour'].lower()} box", match["colour"].lower())


@rule(rf"(?:select|choose|click|pick)(?: on)? (?:all )?(?:of )?(?:the )?shades of (?P<colour>{COLOUR})")
def _shades(reader: Reader, match: re.Match[str]) -> Intent:
    return ChooseShades(f"click all shades of {match['colour'].lower()}", match["colour"].lower())


# Fields by kind and place


@rule(
    rf"(?:use {THE}{TEXT_FIELD} to )?(?:enter|type|input|write|put) (?:the )?(?:text |number |name |word |value )?"
    rf"(?P<value>{V})(?: (?:in|into|in to) {THE}(?:(?P<nth>{NTH}) )?{TEXT_FIELD}{BELOW})"
)
@rule(rf"use {THE}{TEXT_FIELD}{BELOW} to (?:enter|type|input|write) (?P<value>{V})")
def _into_the_field(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["value"])
    nth = nth_of(match.groupdict().get("nth"))
    return FillOnly(f'fill the {f"text field number {nth}" if nth else "text field"} with "{text[:60]}"', text, nth)


@rule(
    rf"(?:enter|type|input|write|put) (?P<value>{V}) in (?:all )?(?P<case>upper|lower|capital) ?(?:case )?(?:letters )?"
    rf"(?:in|into|in to) {THE}{TEXT_FIELD}"
)
def _in_case(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["value"])
    text = text.lower() if match["case"].lower() == "lower" else text.upper()
    return FillOnly(f'fill the text field with "{text[:60]}"', text)


@rule(
    rf"(?:enter|type|input|write|put) (?:the )?(?P<what>password |text |name )?(?P<value>{V}) (?:in|into|in to) "
    rf"(?:both|all)(?: the| of the)? (?:text |password |input )*(?:fields|boxes|inputs|text ?boxes)"
)
def _into_all(reader: Reader, match: re.Match[str]) -> Intent:
    secret = (match["what"] or "").strip().lower() == "password"
    text = reader.value(match["value"])
    if secret:
        reader.secret(text)
    return FillOnly(f"fill all {'password' if secret else 'text'} fields", text, every=True, secret=secret)


@rule(
    rf"(?:enter|type|input|fill in) (?P<pairs>{THE}[a-z][a-z ]*? {V}(?:(?:,| and|, and) {THE}[a-z][a-z ]*? {V})+) "
    rf"(?:in|into|in to) (?:the )?(?:text |input |form )*(?:fields|boxes|form|inputs)"
)
def _pairs_into_fields(reader: Reader, match: re.Match[str]) -> Intent:
    fills = []
    for name, value in re.findall(rf"(?:the |an? )?([a-z][a-z ]*?) ({V})", match["pairs"], re.IGNORECASE):
        label = reader.name(re.sub(r"^(?:and |,)+", "", name.strip()), most_words=4)
        text = reader.value(value)
        sensitive = names_a_secret(actions_pb2.Target(name=label))
        if sensitive:
            reader.secret(text)
        filled = actions_pb2.Value(literal=text, sensitive=sensitive)
        fill = actions_pb2.Fill(target=actions_pb2.Target(name=label), value=filled)
        fills.append(one_action(actions_pb2.Action(fill=fill)))
    return Fills(tuple(fills))


@rule(rf"(?:focus|click)(?: on| into| in)? {THE}(?:(?P<nth>{NTH}) )?{TEXT_FIELD}{BELOW}")
@rule(rf"(?:put|place|set) the (?:cursor|focus) (?:in|into|on) {THE}(?:(?P<nth>{NTH}) )?{TEXT_FIELD}")
def _focus(reader: Reader, match: re.Match[str]) -> Intent:
    nth = nth_of(match["nth"])
    return FocusField(f"click into the {f'text field number {nth}' if nth else 'text field'}", nth)


@rule(rf"(?:click|press|check|tick|select|choose)(?: on)? {THE}(?P<nth>{NTH}) (?P<kind>{_KINDS})")
def _nth_kind(reader: Reader, match: re.Match[str]) -> Intent:
    kind, nth = match["kind"].lower(), nth_of(match["nth"])
    return ClickKind(f"click {kind} number {nth}", re.sub(r"^checkbox$", "check box", kind), nth)


@rule(r"(?:click|press|push|tap)(?: on)? (?:the|that|this) (?P<kind>button|link|check ?box)")
def _the_only(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickKind(f"click the {match['kind'].lower()}", match["kind"].lower())


@rule(rf"(?:click|press|tap)(?: on)? an? (?P<kind>{V}|{_ONE_OF_A_KIND}) (?:widget|control|element)")
def _any_kind(reader: Reader, match: re.Match[str]) -> Intent:
    kind = reader.value(match["kind"], most_words=2).lower()
    if not re.fullmatch(_ONE_OF_A_KIND, kind):
        raise NotUnderstood
    return ClickAnyKind(f"click a {kind}", {"radio": "radio button"}.get(kind, kind))


@rule(
    rf"(?:(?:press|click|hit|push|tap)(?: on)? )?(?:the )?(?P<name>submit)(?: (?:the|your) (?:form|answer))?(?:"
    rf" button)?{WHEN_DONE}",
    rf"(?:press|click|hit|push|tap)(?: on)? (?:the )?(?P<name>log ?in|sign ?in)(?: button)?{WHEN_DONE}",
    rf"(?:press|click|hit|push|tap)(?: on)? (?:the )?(?P<name>submit)(?: button)?{WHEN_DONE}",
)
def _send(reader: Reader, match: re.Match[str]) -> Intent:
    return Send(f"press {match['name'].lower()}", match["name"])


@rule(
    rf"(?:enter|type|input|choose|select|pick) an? (?:item|entry|option|word|value|tag) (?:that|which) (?:starts"
    rf"|begins) with "
    rf"(?P<begins>{V})(?: and (?:that )?ends with (?P<ends>{V}))?"
)
def _suggested(reader: Reader, match: re.Match[str]) -> Intent:
    begins = reader.value(match["begins"])
    ends = reader.value(match["ends"]) if match["ends"] else ""
    words = f'enter what begins with "{begins}"' + (f' and ends with "{ends}"' if ends else "")
    return EnterSuggested(words, begins, ends)


# Dialogs, sizes, scrolling inside


@rule(
    rf"(?:close|dismiss) the (?:dialog|pop-?up|modal)(?: ?box| window)?(?:(?:{CUT}| ?,)? ?by (?:clicking|pressing)"
    rf"(?: on)? (?:the )?(?P<name>{V})(?: button)?)?",
    rf"(?:click|press)(?: on)? the button in the (?:dialog|pop-?up|modal)(?: ?box)? (?:labell?ed|named|called) "
    rf"(?P<name>{V})",
)
def _close_dialog(reader: Reader, match: re.Match[str]) -> Intent:
    name = reader.value(match["name"]) if match["name"] else ""
    return CloseDialog(f'press "{name or "close"}" in the dialog', name)


@rule(
    r"resize the (?:text ?area|text ?box|box|field) so that (?:the|its) (?P<dimension>height|width) is "
    r"(?P<how>larger|bigger|greater|smaller|less) than (?:its |the )?(?:initial|original|current)(?: size| height|"
    r" width)?"
)
def _resize(reader: Reader, match: re.Match[str]) -> Intent:
    larger = match["how"].lower() not in ("smaller", "less")
    dimension = match["dimension"].lower()
    return Resize(f"make the {dimension} {'larger' if larger else 'smaller'}", dimension, larger)


@rule(
    r"scroll (?:the )?text ?area to the (?P<end>top|bottom)(?: of (?:the|its) text)?(?P<send> (?:and )?(?:hit|press"
    r"|click) submit)?",
    r"scroll to the (?P<end>top|bottom) of the text ?area(?P<send> (?:and )?(?:hit|press|click) submit)?",
)
def _scroll_inside(reader: Reader, match: re.Match[str]) -> Intent:
    end = match["end"].lower()
    scroll = ScrollInside(f"scroll the text area to its {end}", end)
    return scroll if not match["send"] else InTurn((scroll, Send("press submit", "submit")))
