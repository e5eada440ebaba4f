"""What clauses mean that name a thing and change one value of it, and those that say where something is done."""

from __future__ import annotations

import re

from browser_host.task.clauses.changing import ChangeOf, CheckOther, UseCode, Within
from browser_host.task.clauses.form_fields import Part, SetParts
from browser_host.task.clauses.named_records import KIND, EditWhere, ExpandNamed, OpenNamed
from browser_host.task.clauses.new_records import AddEntries, NewRecord
from browser_host.task.clauses.page_body import AppendBody
from browser_host.task.clauses.results import FindNamed
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.field_words import is_secret, literal, made, phrase, plain_value
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.references import ClickIt
from browser_host.task.rules.vocabulary import LABEL, NAME, THAT, TOKEN, VALUE, WORDS
from browser_host.task.workspace import Intent

CHANGE_RULES: list[Rule] = []
rule = rule_adder(CHANGE_RULES)

_CHANGE = r"(?:change|set|update|edit|make)"
_WHO = rf"(?:{V}|[\w.@-]+(?: [\w.@-]+){{0,2}}?)"


# Values of a thing that is named


@rule(
    rf"{_CHANGE} (?:the )?(?:(?P<kind>{KIND}) )?(?P<name>{_WHO})['\u2019]s? (?P<field>{LABEL}) (?:to|into) "
    rf"(?P<value>[^\uf8ff]+)",
    rf"{_CHANGE} (?:the )?(?P<field>[a-z][a-z-]*(?: [a-z-]+){{0,2}}?) (?:of|for) (?:the )?(?:(?P<kind>{KIND}) )?"
    rf"(?:called |named |titled |about (?:the )?)?(?P<name>{_WHO}) (?:to|into) (?P<value>[^\uf8ff,]+)",
)
def _change_of(reader: Reader, match: re.Match[str]) -> Intent:
    if re.fullmatch(r"(?:it|her|him|them|that|this|one|page|(?:this|the) page)", match["name"], re.IGNORECASE):
        raise NotUnderstood
    field = reader.value(match["field"], most_words=4)
    part = made(reader, field, phrase(reader, match["value"]))
    return ChangeOf(part, reader.name(match["name"]), (match["kind"] or "").lower())


@rule(
    rf"rename (?:the )?(?P<kind>[a-z]+) (?P<name>{_WHO}) (?:to|as|into) (?P<value>{VALUE})",
)
def _rename_in_list(reader: Reader, match: re.Match[str]) -> Intent:
    """A kind that has no page of its own: the list has what renames it."""
    if re.fullmatch(KIND, match["kind"], re.IGNORECASE):
        raise NotUnderstood
    to = made(reader, "name", plain_value(reader, match["value"]))
    return ChangeOf(to, reader.name(match["name"]), match["kind"].lower(), verb="rename")


@rule(rf"assign (?:it|this|them|(?:the )?(?P<kind>{KIND}) (?P<name>{NAME})) to (?:the user )?(?P<who>{NAME})")
def _assign(reader: Reader, match: re.Match[str]) -> Intent:
    part = Part("assigned to", reader.name(match["who"]))
    return ChangeOf(part, reader.name(match["name"]), match["kind"].lower()) if match["name"] else SetParts((part,))


@rule(
    rf"(?:edit|open|change|modify) (?:the )?(?P<kind>[a-z]+) (?:whose|with(?: the| an?)?|where(?: the)?) "
    rf"(?P<label>[a-z][a-z -]*?)(?: is| of|:|=| equals)? (?P<value>{V}|\S*\d\S*|(?<= is ){NAME})"
)
def _edit_where(reader: Reader, match: re.Match[str]) -> Intent:
    label = reader.value(match["label"], most_words=3)
    return EditWhere(label, literal(reader, match["value"]), match["kind"].lower())


# Opening what is named


@rule(
    rf"(?:open|go to|view|edit) (?:the )?(?:one|{KIND}) (?:that is |that['\u2019]s |which is )?(?:called|named|titled)"
    rf" (?:the )?(?P<name>{NAME})",
    rf"(?:open|go to|view|edit) (?:the )?(?P<name>{_WHO})['\u2019]s? (?:own )?(?:page|record|profile|entry|details|"
    r"account|form)",
)
def _open_called(reader: Reader, match: re.Match[str]) -> Intent:
    return OpenNamed(reader.name(match["name"]), "record")


_FIND_ABOUT = (
    rf"(?:find|search for) (?:the |an? )?(?P<kind>{KIND}) (?:about|on|titled|saying|that says) (?:the )?"
    rf"(?P<name>{NAME})"
)


@rule(
    rf"{_FIND_ABOUT}{CUT}open (?:it|that|this)",
    _FIND_ABOUT,
    rf"find (?:the |an? )?(?:(?P<kind>{KIND}) )?(?P<name>{V}|[\w'-]+(?: [\w'-]+){{0,4}}?){CUT}open (?:it|that|this)",
)
def _find_named(reader: Reader, match: re.Match[str]) -> Intent:
    name = match["name"]
    if re.match(r"(?:first|second|last|cheapest|most|least|with|named|called)\b", name, re.IGNORECASE):
        raise NotUnderstood
    if reader.text.value(name) is None:
        reader.value(re.sub(r"(?<=\w) cans?$", "", name), most_words=5)
    return FindNamed(literal(reader, name), (match["kind"] or "").lower())


@rule(rf"(?:expand|unfold) {THAT}? ?(?P<name>{NAME})(?: (?:section|folder|menu|node|group|tree|panel))?")
def _expand(reader: Reader, match: re.Match[str]) -> Intent:
    return ExpandNamed(reader.name(match["name"], most_words=4))


@rule(r"(?P<twice>double[- ]?)?click(?: on)? (?:it|that one)")
def _click_it(reader: Reader, match: re.Match[str]) -> Intent:
    return ClickIt(twice=bool(match["twice"]))


@rule(rf"(?:add|register|create|enter) (?P<name>{NAME}) as (?:an? )?(?:new )?(?P<noun>[a-z]+(?: [a-z]+)?)")
def _new_as(reader: Reader, match: re.Match[str]) -> Intent:
    """ "Add Nadia as a participant"; a value "as" a field has no article."""
    if not re.search(r" as an? ", match[0], re.IGNORECASE):
        raise NotUnderstood
    return NewRecord(match["noun"].lower(), reader.name(match["name"]), ())


# Where something is done

_PART = r"page|tab|section|menu|area|part|panel|screen|form|table|view|list"


@rule(
    rf"(?:go|switch|change|move) to (?:the )?(?P<name>{WORDS}) (?P<kind>tab|section|panel|part)",
    rf"(?:under|in|on|at|inside) (?:the )?(?P<before>{_PART}) (?P<name>{NAME})",
    rf"(?:under|in|on|at|inside) (?:the |my )?(?P<name>{NAME})(?: (?P<kind>{_PART}))?",
)
def _within(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    kind = (groups.get("kind") or groups.get("before") or "").lower()
    literal_name = reader.text.value(match["name"].strip())
    if literal_name is None:
        reader.value(re.sub(r"\band\b", " ", match["name"]), most_words=5)
    return Within(literal(reader, match["name"]), kind if kind in ("table", "list") else "")


# Texts, codes and entries


_PAGE = r"(?: (?:to|of) (?:it|the (?:page|text|article)|this page))?"
_END = rf",? (?:at|to|on) (?:the|its) (?:end|bottom){_PAGE}"


@rule(
    r"(?:add|append|write|put|insert) (?:the |an? )?(?:line|text|sentence|paragraph|words?|note)"
    rf"(?: saying| that says|:)? (?P<text>{V}){_END}",
    rf"(?:add|append|write|put) (?P<text>{V}){_END}",
    rf"append (?P<text>{V}){_PAGE}",
)
def _append(reader: Reader, match: re.Match[str]) -> Intent:
    return AppendBody(literal(reader, match["text"]))


@rule(
    rf"(?:use|apply|redeem|enter|add|try) (?:the |my |an? )?(?:voucher|coupon|promo(?:tion(?:al)?)?|discount|gift)"
    rf"(?: card)?(?: code)?:? (?P<code>{TOKEN})"
)
def _use_code(reader: Reader, match: re.Match[str]) -> Intent:
    code = literal(reader, match["code"])
    if not re.search(r"\d|[A-Z]{3}", code) and reader.text.value(match["code"]) is None:
        raise NotUnderstood
    return UseCode(code)


@rule(
    r"(?:mark|tick|check)(?: off)? the (?:other|remaining)(?: one| todo| item| task| entry)?"
    r"(?: as (?:done|completed?))?"
)
def _other(reader: Reader, match: re.Match[str]) -> Intent:
    return CheckOther()


@rule(r"add (?P<list>[^\uf8ff]+?) (?:in )?the same way")
def _same_way(reader: Reader, match: re.Match[str]) -> Intent:
    return AddEntries("item", (plain_value(reader, match["list"]),))


# Several fields at once

_FIELD = r"[A-Za-z][\w-]*(?: [\w-]+){0,3}?"
_BOX = r"(?: (?:field|box|input))?"
_AND = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+)"


@rule(
    rf"(?:enter|type|put|write|fill in) (?P<parts>{VALUE} (?:in|into) {THAT}? ?{_FIELD}{_BOX}"
    rf"(?:{_AND}{VALUE} (?:in|into) {THAT}? ?{_FIELD}{_BOX})+)"
)
def _several_in(reader: Reader, match: re.Match[str]) -> Intent:
    """ "Put rosa in the username box and x-1 in the password box"."""
    parts = []
    for piece in re.split(rf"{_AND}(?={VALUE} (?:in|into) )", match["parts"]):
        pair = re.fullmatch(
            rf"(?P<value>{VALUE}) (?:in|into) (?:{THAT} )?(?P<field>{_FIELD}){_BOX}", piece.strip(), re.IGNORECASE
        )
        if pair is None or re.search(r"\b(?:cart|basket|bag|trolley|list)\b", pair["field"], re.IGNORECASE):
            raise NotUnderstood
        parts.append(made(reader, reader.value(pair["field"], most_words=4), plain_value(reader, pair["value"])))
    if len(parts) < 2:
        raise NotUnderstood
    return SetParts(tuple(parts))


@rule(rf"(?P<field>what [a-z]+ [a-z ]+?|who [a-z]+|how much) is (?P<value>{V}|[a-z][^\uf8ff,;?]*)")
def _question_is(reader: Reader, match: re.Match[str]) -> Intent:
    """A field whose label is a question: "What needs to be done is …"."""
    field = reader.text.plain(match["field"])
    if is_secret(field):
        raise NotUnderstood
    return SetParts((Part(field, plain_value(reader, match["value"])),))
