"""What clauses about a page's own elements mean, in the order they are asked in: fields, keys, clicks, reading."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.plain_clauses import (
    Choose,
    Fills,
    OneAction,
    PageLoaded,
    SetField,
    extract_action,
    one_action,
)
from browser_host.task.prompt_text import V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import (
    ALSO_ON_BUTTONS,
    CHORD,
    FIELD_KIND,
    KEY_NAMES,
    KEYS,
    MODIFIERS,
    NAME,
    ORDINAL,
    ORDINALS,
    RANKS,
    ROLE_WORDS,
    ROLES,
    THE,
    VALUE,
    WORDS,
)
from browser_host.task.values import HOLE
from browser_host.task.wording import condition_words, names_a_secret, value_words
from browser_host.task.workspace import Intent, seconds

_PART = r"(?:row|card|dialog|form|section|list item)"
_PLACE = (
    rf"(?: (?:in|of|for|within|inside) {THE}(?:{_PART}(?: of| for| with| named| titled)? )?"
    rf"(?P<within>{NAME})(?: {_PART})?)?"
)
"""Where something is, after a name that has ended for sure: in quotes, or with the kind of the element."""
_SURE_PLACE = (
    rf" (?:in|of|for|within|inside) {THE}(?:{_PART}(?: of| for| with| named| titled)? (?P<within>{NAME})|"
    rf"(?P<within_>{V})(?: {_PART})?|(?P<within__>{WORDS}) {_PART})"
)
"""The same after plain words, where "in" and "of" may as well belong to the name: "Sign in", "Terms of Service"."""

PAGE_RULES: list[Rule] = []
rule = rule_adder(PAGE_RULES)


def _field_value(reader: Reader, part: str, field: str) -> actions_pb2.Value:
    """What goes into a field; a parameter stays one, so that events show its name and not what is in it."""
    text = reader.value(part)
    sensitive = names_a_secret(actions_pb2.Target(name=field))
    if sensitive:
        reader.secret(text)
    marked = reader.text.value(part.strip())
    hole = HOLE.fullmatch(marked.text.strip()) if marked is not None else None
    if hole is not None:
        return actions_pb2.Value(parameter=hole[1], sensitive=sensitive)
    return actions_pb2.Value(literal=text, sensitive=sensitive)


# Fields


@rule(rf"(?:fill(?: in| out)?|complete) {THE}(?P<field>{NAME}){FIELD_KIND} with (?P<value>{VALUE})")
@rule(
    rf"(?:enter|type|input|write|put|fill in|fill) (?P<value>{VALUE}) (?:in|into|in to|as|for) {THE}"
    rf"(?P<field>{NAME}){FIELD_KIND}"
)
@rule(rf"(?:enter|type|input|fill in) {THE}(?P<field>[a-z][a-z0-9 -]*?){FIELD_KIND}(?: as|:|=)? (?P<value>{V})")
def _fill(reader: Reader, match: re.Match[str]) -> Intent:
    return _filled(reader, match["field"], match["value"])


def _filled(reader: Reader, named: str, text: str) -> OneAction:
    if re.match(r"(?:the |your )?(?:total|number|sum|answer|result|count)\b", text.strip(), re.IGNORECASE):
        raise NotUnderstood  # what is to be found out, not what is to be typed
    field = reader.name(named, most_words=5)
    if reader.text.value(named.strip()) is None and re.search(
        r"(?:^|\s)(?:form|checkout|order|purchase|out|in)$", field, re.IGNORECASE
    ):
        raise NotUnderstood
    fill = actions_pb2.Fill(target=actions_pb2.Target(name=field), value=_field_value(reader, text, field))
    return one_action(actions_pb2.Action(fill=fill))


@rule(r"(?:fill(?: in| out)?|complete) (?:the |this )?(?:[\w-]+ ){0,3}?form with (?P<form>[^\uf8ff]+)")
@rule(r"(?:enter|type|input|fill(?: in| out)?) (?P<pairs>[^\uf8ff]+)")
def _fill_several(reader: Reader, match: re.Match[str]) -> Intent:
    """Fields with their values: "username 'bob' and password 'x'", "Email with a@b.c and Name with Ada"."""
    groups = match.groupdict()
    parts = re.split(r"\s*,\s*(?:and )?|\s+and\s+", (groups.get("form") or match[1]).strip())
    if len(parts) < 2 and not groups.get("form"):
        raise NotUnderstood
    fills = []
    for part in parts:
        pair = re.fullmatch(
            rf"{THE}(?P<field>{NAME}){FIELD_KIND}(?: with |: |=)(?P<value>{VALUE})", part, re.IGNORECASE
        ) or re.fullmatch(
            rf"{THE}(?P<field>{V}|[a-z][a-z0-9 -]*?){FIELD_KIND}(?: is|:|=| as)? (?P<value>{V})", part, re.IGNORECASE
        )
        if pair is None:
            raise NotUnderstood
        fills.append(_filled(reader, pair["field"], pair["value"]))
    return Fills(tuple(fills))


@rule(rf"clear {THE}(?P<field>{NAME}){FIELD_KIND}")
def _clear(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.name(match["field"], most_words=5))
    return one_action(actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=actions_pb2.Value(literal=""))))


@rule(rf"set {THE}(?P<field>{NAME}){FIELD_KIND} to (?P<value>{VALUE})")
def _set(reader: Reader, match: re.Match[str]) -> Intent:
    field = reader.name(match["field"], most_words=5)
    value = _field_value(reader, match["value"], field)
    return SetField(f'set "{field}" to {value_words(value)}', field, reader.value(match["value"]), value)


def _option(reader: Reader, part: str) -> str:
    option = reader.name(part)
    if re.match(rf"(?:{ORDINAL}|last)\b", option, re.IGNORECASE) and reader.text.value(part.strip()) is None:
        raise NotUnderstood
    return option


@rule(rf"(?:select|choose|pick) (?P<value>{VALUE}) (?:from|in|for|as) {THE}(?P<field>{NAME}){FIELD_KIND}")
def _select(reader: Reader, match: re.Match[str]) -> Intent:
    option = actions_pb2.Value(literal=_option(reader, match["value"]))
    target = actions_pb2.Target(name=reader.name(match["field"], most_words=5))
    return one_action(actions_pb2.Action(select=actions_pb2.Select(target=target, option=option)))


@rule(rf"(?:select|choose|pick) {THE}(?P<value>{NAME})(?: option| radio button)?")
def _choose(reader: Reader, match: re.Match[str]) -> Intent:
    option = _option(reader, match["value"])
    return Choose(f'choose "{option}"', option)


_BOX_FOR = r"(?:(?:check ?)?box (?:(?:for|next to|beside|called|of) (?:the )?)?)?"


@rule(rf"(?P<un>un)?(?:check|tick) {THE}{_BOX_FOR}(?P<name>{NAME})(?: (?:check ?)?box| option)?")
@rule(rf"(?P<on>enable|disable|turn on|turn off) {THE}(?P<name>{NAME})(?: (?:check ?)?box| switch| toggle| option)?")
def _check(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    word = (groups.get("on") or "").lower()
    checked = not (groups.get("un") or word in ("disable", "turn off"))
    target = actions_pb2.Target(name=reader.name(match["name"]))
    if re.match(r"out\b", match["name"], re.IGNORECASE):
        raise NotUnderstood
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=checked)))


# Files


@rule(
    rf"(?:upload|attach)(?: the)?(?: file)? (?P<file>{V}|[\w.-]+)"
    rf"(?: (?:to|in|into|as|for) {THE}(?P<field>{NAME}){FIELD_KIND})?"
)
def _upload(reader: Reader, match: re.Match[str]) -> Intent:
    upload = actions_pb2.Upload(files=[reader.value(match["file"], most_words=1)])
    if match["field"]:
        upload.target.name = reader.name(re.sub(r" (?:file|upload)$", "", match["field"]), most_words=5)
    return one_action(actions_pb2.Action(upload=upload))


# Keys and clicks


@rule(
    rf"(?:press|hit|push)(?: the)? (?P<key>{CHORD}|{KEY_NAMES}|{V})(?P<said> key)?(?: (?:in|on) {THE}"
    rf"(?P<field>{NAME}){FIELD_KIND})?"
)
def _press_key(reader: Reader, match: re.Match[str]) -> Intent:
    marked = reader.text.value(match["key"])
    key = marked.text.lower() if marked is not None else match["key"].lower()
    if (key in ALSO_ON_BUTTONS or (marked is not None and key not in KEYS)) and not match["said"]:
        raise NotUnderstood
    if marked is not None and not re.fullmatch(f"{CHORD}|{KEY_NAMES}", key, re.IGNORECASE):
        raise NotUnderstood
    press = actions_pb2.PressKey(key=_key(key))
    if match["field"]:
        press.target.name = reader.name(match["field"])
    return one_action(actions_pb2.Action(press_key=press))


def _key(words: str) -> str:
    parts = [part.strip().lower() for part in words.split("+")]
    last = KEYS.get(parts[-1], parts[-1].upper())
    return "+".join([MODIFIERS[part] for part in parts[:-1]] + [last])


@rule(
    rf"(?P<twice>double[- ]?)?(?P<verb>click|press|push|tap|hit)(?: on)? {THE}(?:(?P<nth>{ORDINAL}) )?"
    rf"(?:(?P<before>{ROLE_WORDS}) )?(?P<name>{V})(?: (?P<kind>{ROLE_WORDS}))?{_PLACE}",
    rf"(?P<twice>double[- ]?)?(?P<verb>click|press|push|tap|hit)(?: on)? {THE}(?:(?P<nth>{ORDINAL}) )?"
    rf"(?P<before>button|link) (?:labell?ed |named |called |with the (?:text|label) )?"
    rf"(?P<name>{V}|[^\s,;\uf8ff]+)",
    rf"(?P<twice>double[- ]?)?(?P<verb>click|press|push|tap|hit)(?: on)? {THE}(?:(?P<nth>{ORDINAL}) )?"
    rf"(?P<name>{WORDS}) (?P<kind>{ROLE_WORDS}){_PLACE}",
    rf"(?P<twice>double[- ]?)?(?P<verb>click|press|push|tap|hit)(?: on)? {THE}(?:(?P<nth>{ORDINAL}) )?"
    rf"(?P<name>{WORDS}){_SURE_PLACE}",
    rf"(?P<twice>double[- ]?)?(?P<verb>click|press|push|tap|hit)(?: on)? {THE}(?:(?P<nth>{ORDINAL}) )?"
    rf"(?P<name>{WORDS})",
)
def _click(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    kind = groups.get("kind") or groups.get("before") or ""
    place = next((groups[name] for name in ("within", "within_", "within__") if groups.get(name)), "")
    target = actions_pb2.Target(
        role=ROLES[kind.lower().replace("check box", "checkbox")] if kind else "",
        nth=ORDINALS[match["nth"].lower()] if match["nth"] else 0,
        within=reader.name(re.sub(r"['\u2019]s$", "", place)) if place else "",
    )
    name = match["name"].strip()
    if reader.text.value(name) is None:
        _plainly_named(match, name.lower(), kind)
    if not kind and ROLES.get(name.lower()):
        target.role = ROLES[name.lower()]
    else:
        target.name = reader.name(name)
    click = actions_pb2.Click(target=target, click_count=2 if match["twice"] else 0)
    return one_action(actions_pb2.Action(click=click))


def _plainly_named(match: re.Match[str], name: str, kind: str) -> None:
    """A name without quotes must not mean something else than what it says.

    Raises:
        NotUnderstood: "press Delete" may be the key or the button; "last" and "the first result" are places.
    """
    if re.search(r"\b(?:click|tap|press)(?: on)? an? ", match[0], re.IGNORECASE):
        raise NotUnderstood  # any of a kind: no name
    if re.search(r"\bas possible\b|\bin the order\b|\bcoordinates?\b|\bcent(?:er|re) of\b", name):
        raise NotUnderstood
    if name in ALSO_ON_BUTTONS and not kind and match["verb"].lower() in ("press", "hit", "push"):
        raise NotUnderstood
    if name.startswith("last ") or (kind and name in ("last", *ORDINALS)):
        raise NotUnderstood
    if re.match(r"(?:button|link|checkbox|radio button|menu item) \S", name):
        raise NotUnderstood
    if match["nth"] and name in ("result", "one", "product", "item", "match", "row", "entry", "hit", "option"):
        raise NotUnderstood


@rule(rf"hover (?:over|on) {THE}(?P<name>{NAME})")
def _hover(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.name(match["name"]))
    return one_action(actions_pb2.Action(hover=actions_pb2.Hover(target=target)))


# Waiting and reading


@rule(rf"wait(?: for)? (?P<n>\d{{1,4}}|{V}) ?(?P<unit>seconds?|secs?|s|milliseconds?|ms|minutes?|min)")
def _wait_time(reader: Reader, match: re.Match[str]) -> Intent:
    unit = match["unit"].lower()
    scale = 0.001 if unit.startswith(("milli", "ms")) else 60.0 if unit.startswith("min") else 1.0
    length = seconds(reader.amount(match["n"]) * scale)
    return one_action(actions_pb2.Action(wait=actions_pb2.Wait(duration=length)))


@rule(
    r"wait (?:for|until|till) (?:the )?(?:page|site|website)(?: (?:is|has))?(?: (?:to|been))? "
    r"(?:load|loads|loaded|ready|finish(?:ed)? loading|be loaded)(?: completely| fully)?",
    r"wait for (?:the )?page load",
)
def _wait_for_page(reader: Reader, match: re.Match[str]) -> Intent:
    return PageLoaded()


_GONE = r"(?:(?:is|to be) )?(?P<gone>gone|hidden|disappears?|to disappear|goes away|to go away)"
_SHOWN = r"(?: (?:(?:is |to be )?(?:shown|visible|displayed|there)|appears?|to appear|shows(?: up)?))?"


@rule(
    rf"wait (?:for|until|till) {THE}(?P<name>{NAME}) (?P<kind>{ROLE_WORDS}) {_GONE}",
    rf"wait (?:for|until|till) {THE}(?P<name>{NAME}) (?P<kind>{ROLE_WORDS}){_SHOWN}",
)
def _wait_for_element(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(role=ROLES[match["kind"].lower()], name=reader.name(match["name"]))
    gone = "gone" in match.groupdict()
    return _waiting(actions_pb2.Expect(hidden=target) if gone else actions_pb2.Expect(visible=target))


@rule(
    rf"wait (?:for|until|till) {THE}(?:text |message )?(?P<text>{NAME}) {_GONE}",
    rf"wait (?:for|until|till) (?:the )?page (?:shows|to show|says|to say|has|displays|to display) {THE}"
    rf"(?:text |message )?(?P<text>{NAME})",
    rf"wait (?:for|until|till) {THE}(?:text |message )?(?P<text>{NAME}){_SHOWN}",
)
def _wait_for(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.name(match["text"])
    if reader.text.value(match["text"].strip()) is None and re.search(r"\bto\b|\bloads?\b", text, re.IGNORECASE):
        raise NotUnderstood
    gone = "gone" in match.groupdict()
    return _waiting(actions_pb2.Expect(text_gone=text) if gone else actions_pb2.Expect(text=text))


def _waiting(condition: actions_pb2.Expect) -> OneAction:
    return OneAction(
        f"wait until {condition_words(condition)}", actions_pb2.Action(wait=actions_pb2.Wait(condition=condition))
    )


_ALL_OF_IT = re.compile(
    r"(?:all )?(?:of )?(?:the )?(?:page )?(?:data|contents?|tables?|lists?|results|rows|cards)", re.IGNORECASE
)
_NOT_A_PROPERTY = re.compile(
    r"\b(the|an?|as|from|in|on|for|to|with|by|at)\b|^table\b|^list\b|(?<![su])s$", re.IGNORECASE
)
"""More than a name: "price of the mug", "total as JSON"; and plurals, which are many values and no text."""


def _property(reader: Reader, part: str) -> str:
    name = reader.value(part, most_words=4)
    if reader.text.value(part.strip()) is None and (_NOT_A_PROPERTY.search(name) or RANKS.search(name)):
        raise NotUnderstood
    return name


@rule(
    rf"(?:extract|get|read|return|scrape|list|give me)(?: me)? (?P<what>{THE}[^\uf8ff]+?)(?: (?:from|in|of) "
    rf"(?:the )?(?P<within>{V}|page)(?: (?:section|table|card|row|part))?)?",
    r"what (?:is|are) the (?P<what>[^\uf8ff?]+)\??",
)
def _extract(reader: Reader, match: re.Match[str]) -> Intent:
    within = match.groupdict().get("within") or ""
    within = "" if within.lower() == "page" else reader.value(within) if within else ""
    if _ALL_OF_IT.fullmatch(match["what"]):
        return one_action(extract_action([], within))
    parts = re.split(r"\s*,\s*(?:and )?|\s+and\s+", match["what"])
    names = [_property(reader, re.sub(r"^(?:the|an?) ", "", part, flags=re.IGNORECASE)) for part in parts if part]
    return OneAction(f"extract {', '.join(names)}", extract_action(names, within))
