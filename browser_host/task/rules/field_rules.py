"""What clauses mean that set fields by their names, in everyday words."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import Part, SetParts
from browser_host.task.clauses.page_body import EditBody
from browser_host.task.clauses.pick_lists import PutInto
from browser_host.task.clauses.plain_clauses import SetField, one_action
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.field_words import is_secret, literal, made, part_of, parts_of, phrase, plain_value
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import LABEL, THAT, TOKEN, VALUE
from browser_host.task.wording import names_a_secret
from browser_host.task.workspace import Intent

FIELD_RULES: list[Rule] = []
rule = rule_adder(FIELD_RULES)


@rule(
    rf"(?:fill (?:in|out) (?:the |"
    rf"this )?(?:[\w-]+ )?form{CUT})?(?P<parts>{LABEL}\s*[:=]\s*[^\uf8ff]+(?:{CUT}{LABEL}\s*[:=]\s*[^\uf8ff]+)*)"
)
def _fields(reader: Reader, match: re.Match[str]) -> Intent:
    """ "First name: Ada, Last name: Byron": each field said with a colon."""
    pieces = [
        piece for clause in match["parts"].split(CUT) for piece in re.split(rf"\s*,\s*(?={LABEL}\s*[:=])", clause)
    ]
    fields = [part_of(reader, piece, labelled=True) for piece in pieces]
    verbs = (
        r"(?:click|press|go|open|select|choose|add|create|edit|find|search|check|tick|step|note|warning|todo|"
        r"fill|enter|"
        r"type|write|set|put|use|log|sign|filter|sort|narrow)s?\b"
    )
    if any(re.match(verbs, part.field, re.IGNORECASE) for part in fields):
        raise NotUnderstood
    return SetParts(tuple(fields))


@rule(
    rf"(?:my|the|her|his|its|their) (?P<parts>{LABEL} (?:is|should be) [^\uf8ff]+)",
    rf"confirm (?:it )?(?:with|by) (?:my |the |your )?(?P<parts>(?:current |old )?password {TOKEN})",
)
def _said(reader: Reader, match: re.Match[str]) -> Intent:
    return SetParts(parts_of(reader, match["parts"]))


_FIELD = r"[A-Za-z][\w-]*(?: [\w-]+){0,3}?"
_AND = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+)"


@rule(rf"(?:set|change|update) (?P<parts>(?:{THAT} )?{_FIELD} to [^\uf8ff]+)")
def _set_several(reader: Reader, match: re.Match[str]) -> Intent:
    """ "Set the priority to urgent and the status to testing": none is set before all fields were found."""
    pieces = re.split(rf"{_AND}(?=(?:{THAT}\s+)?{_FIELD}\s+to\s)", match["parts"])
    if len(pieces) < 2:
        raise NotUnderstood
    return SetParts(
        tuple(_pair(reader, rf"(?:{THAT} )?(?P<field>{_FIELD}) to (?P<value>[^\uf8ff]+)", one) for one in pieces)
    )


@rule(rf"(?:enter|type|put|use|write) (?P<parts>{VALUE} as {THAT}? ?{_FIELD}(?:{_AND}{VALUE} as {THAT}? ?{_FIELD})+)")
def _several_as(reader: Reader, match: re.Match[str]) -> Intent:
    """ "Enter rosa as the username and x-1 as the password"."""
    pieces = re.split(rf"{_AND}(?={VALUE} as )", match["parts"])
    return SetParts(
        tuple(_pair(reader, rf"(?P<value>{VALUE}) as (?:{THAT} )?(?P<field>{_FIELD})", one) for one in pieces)
    )


def _pair(reader: Reader, pattern: str, text: str) -> Part:
    pair = re.fullmatch(pattern, text.strip(), re.IGNORECASE)
    if pair is None:
        raise NotUnderstood
    return made(reader, reader.value(pair["field"], most_words=4), plain_value(reader, pair["value"]))


@rule(
    rf"(?:write|add|leave|post|enter) (?:the |an? )?(?P<field>comment|note|remark|message)(?: there| on it)?"
    rf"(?::| saying| that says)? (?P<value>{V})"
)
def _comment(reader: Reader, match: re.Match[str]) -> Intent:
    return SetParts((made(reader, match["field"].lower(), literal(reader, match["value"])),))


_SETS = r"groups?|roles?|teams?|categories|category|permissions?|tags?|departments?|labels?"


@rule(
    rf"(?:put|add|move) (?:him|her|it|them|the user|this user|the account) (?:in|into|to) (?:the )?(?P<of>{_SETS}) "
    rf"(?P<names>[^\uf8ff]+)",
    rf"(?:put|add|move) (?:him|her|it|them|the user|this user|the account) (?:in|into|to) (?:the )?(?P<names>{VALUE}) "
    rf"(?P<of>group|role|team|category|department)",
    r"(?:select|choose|pick|add) (?P<names>[^\uf8ff]+?) (?:under|from|in) (?:the )?available "
    r"(?P<of>[a-z]+(?: [a-z]+)?)",
)
def _put_into(reader: Reader, match: re.Match[str]) -> Intent:
    names = tuple(reader.name(one) for one in re.split(_AND, match["names"]))
    return PutInto(match["of"].lower(), names)


@rule(rf"(?:change|set|update|edit) {THAT}? ?(?P<field>{LABEL}) (?:to|as) (?P<value>[^\uf8ff;]+)")
def _change(reader: Reader, match: re.Match[str]) -> Intent:
    field = reader.value(match["field"], most_words=4)
    if re.search(r"\btext$|^(?:text|content|body)\b", field, re.IGNORECASE):
        return EditBody(phrase(reader, match["value"]))
    text = phrase(reader, match["value"])
    secret = is_secret(field)
    if secret:
        reader.secret(text)
    value = actions_pb2.Value(literal=text, sensitive=secret)
    shown = "•••" if secret else f'"{text}"'
    return SetField(f'set "{field}" to {shown}', field, text, value)


@rule(r"give (?:him|her|it|them|the user) (?:the )?(?P<what>[a-z]+(?: [a-z]+)?)")
def _give(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.value(match["what"]))
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True)))


@rule(rf"put (?P<value>{VALUE}) (?:in|into|as) {THAT}? ?(?P<field>{LABEL})")
def _put(reader: Reader, match: re.Match[str]) -> Intent:
    if re.search(r"\b(?:cart|basket|bag|trolley)\b", match["field"], re.IGNORECASE):
        raise NotUnderstood
    return SetParts((made(reader, reader.value(match["field"], most_words=4), plain_value(reader, match["value"])),))


@rule(rf"(?:type|enter|write|put) (?P<value>{V}) (?:in|into) the (?P<field>[^\uf8ff]{{2,60}}\?) (?:field|box|input)")
def _into_a_question(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=literal(reader, match["field"]))
    text = literal(reader, match["value"])
    secret = names_a_secret(target)
    if secret:
        reader.secret(text)
    value = actions_pb2.Value(literal=text, sensitive=secret)
    return one_action(actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=value)))
