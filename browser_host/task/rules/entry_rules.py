"""What clauses mean that do something with entries of lists: messages, posts, contacts, results, things to order."""

from __future__ import annotations

import re

from browser_host.task.clauses.entries import (
    AnswerMessage,
    ClickProperty,
    ClickResult,
    OrderItems,
    PressInEntries,
    PressInEntry,
)
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import NTH, nth_of
from browser_host.task.workspace import Intent

ENTRY_RULES: list[Rule] = []
rule = rule_adder(ENTRY_RULES)

_AND = rf"(?:{CUT}|,? and |, )"
_PLACE = r"(?: (?:in|from|of) (?:the |my |this )?(?:primary|inbox|(?:e-?mail|inbox|mail)(?: app)?)(?: folder| inbox)?)?"
_MAIL = rf"(?:latest |last |most recent |recent |primary |new )?(?:e-?mail(?: message)?|message|mail){_PLACE}"
_A_MAIL = rf"(?:(?:the|an?|my|this|that|any) )?{_MAIL}"
_WHO = rf"(?:{V}|@?[\w-]+?)"
_LIKE = (
    r"(?:(?:i(?: would|['\u2019]d) like|i (?:want|need)|let me|(?:will|would|could|can|may|must|should) you"
    r"|you (?:can|must|should)|just|simply)(?: you)?(?: please)?(?: to)? )?"
)
_FIND = r"(?:find|open|locate|look for|go to|pull up|navigate to|search for|select|take)"
_SEEK = rf"(?:in my (?:inbox|e-?mail)(?:{CUT}|,) ?)?{_LIKE}{_FIND}"
_THEIRS = (
    rf"(?:{_A_MAIL} (?:(?:written |sent )(?:to me )?)?(?:by|from|of) (?P<by>{_WHO})"
    rf"|{_A_MAIL} (?:that )?(?:you|i) (?:got|received|have) from (?P<got>{_WHO})"
    rf"|{_A_MAIL} (?:that )?(?P<sent>{_WHO}) (?:sent|wrote)(?: to)?(?: me| you)?"
    rf"|(?P<owner>{_WHO})['\u2019]s {_MAIL}(?: to me)?){_PLACE}"
)
_WHOSE = ("by", "got", "sent", "owner")
_NEEDS = r"(?:should|must|has to|needs to)(?: be)?"
_IT = r"(?:it|that|this|that (?:e-?mail|message)|the (?:e-?mail|message))"
_PLEASE = r"(?:,? please)?"
_TO = rf"(?:(?:on|over|along) )?to (?P<to>{_WHO}){_PLEASE}"
_NOBODY = frozenset({
    "me", "you", "it", "them", "her", "him", "the", "everyone", "somebody", "all", "every", "each", "any", "my", "your",
    "our", "their", "his", "today", "yesterday", "first", "last", "latest", "recent", "unread", "read", "new",
})  # fmt: skip
"""Words in a name's place that name nobody."""


def _who(reader: Reader, match: re.Match[str]) -> str:
    groups = match.groupdict()
    return _somebody(reader, next(groups[name] for name in _WHOSE if groups.get(name)))


def _somebody(reader: Reader, part: str) -> str:
    who = reader.value(part, most_words=1)
    if who.lower() in _NOBODY:
        raise NotUnderstood
    return who


@rule(
    rf"{_LIKE}(?:forward|send|pass) {_THEIRS} {_TO}",
    rf"{_LIKE}(?:forward|send|pass|give|e-?mail)(?: to)? (?P<to>{_WHO}) (?:a copy of )?{_THEIRS}{_PLEASE}",
    rf"(?P<to>{_WHO}) (?:wants|needs) {_THEIRS}",
    rf"{_SEEK} {_THEIRS}{_AND}(?:forward|send|pass|give)(?: {_IT})? {_TO}",
    rf"{_THEIRS} {_NEEDS} (?:forwarded|sent) {_TO}",
    rf"{_THEIRS},? (?:will|could|can|would) you forward (?:that|it) {_TO}",
)
def _forward(reader: Reader, match: re.Match[str]) -> Intent:
    who, to = _who(reader, match), _somebody(reader, match["to"])
    return AnswerMessage(f'forward the message of "{who}" to "{to}"', who, "forward", to)


_REPLY = r"(?:reply|respond|answer|write back)"
_SAYING = (
    rf"(?:(?:with|saying|by saying|and (?:say|write|tell (?:her|him|them)(?: that)?)(?: that)?(?: it)?)"
    rf"(?: the (?:text|words?|message))?[,:]?|[,:])? ?(?P<text>{V})"
)


@rule(
    rf"{_SEEK} {_THEIRS}{_AND}{_REPLY}(?: to (?:it|them|her|him))? ?{_SAYING}",
    rf"{_LIKE}(?:reply to|respond to|answer) {_THEIRS} ?{_SAYING}",
    rf"{_LIKE}(?:reply|respond)(?: with)?(?: the message)? (?P<text>{V}) to {_THEIRS}",
    rf"{_LIKE}send a reply saying (?P<text>{V}) to {_THEIRS}",
    rf"{_LIKE}(?:(?:reply|respond)|(?:send|write) a reply) to (?P<name>{_WHO}) ?{_SAYING}",
    rf"{_LIKE}(?:reply|respond)(?: with)? (?P<text>{V}) to (?P<name>{_WHO})",
)
def _reply(reader: Reader, match: re.Match[str]) -> Intent:
    name = match.groupdict().get("name")
    who, text = _somebody(reader, name) if name else _who(reader, match), reader.value(match["text"])
    if name and not who[:1].isupper():
        raise NotUnderstood  # "the comment" is no person
    return AnswerMessage(f'reply to the message of "{who}" with "{text[:60]}"', who, "reply", text)


_REMOVE = r"(?:delete|trash|remove|bin|get rid of|throw away)"


@rule(
    rf"(?:open (?:the )?(?:e-?mail|mail|inbox){_AND})?{_LIKE}{_REMOVE} {_THEIRS}{_PLEASE}",
    rf"{_SEEK} {_THEIRS}{_AND}{_REMOVE}(?: {_IT})?{_PLEASE}",
    rf"{_SEEK}{_AND}{_REMOVE} {_THEIRS}{_PLEASE}",
    rf"{_SEEK} {_THEIRS}{_AND}click (?:on )?the (?:trash|bin|delete) (?:icon|button)(?: to delete {_IT})?",
    rf"{_THEIRS} {_NEEDS} deleted(?: from (?:the|my) inbox)?{_PLEASE}",
)
def _delete(reader: Reader, match: re.Match[str]) -> Intent:
    who = _who(reader, match)
    return PressInEntry(f'delete the message of "{who}"', who, ("trash", "delete", "bin", "remove"))


_IMPORTANT = rf"(?:(?:as )?(?:important|starred)|an important (?:e-?mail|message)){_PLEASE}"
_MARK = r"(?:mark|flag|tag|star|label|make)"


@rule(
    rf"{_LIKE}(?:star|flag) {_THEIRS}{_PLEASE}",
    rf"{_LIKE}put a star on {_THEIRS}{_PLEASE}",
    rf"(?:in my inbox )?{_LIKE}{_MARK} {_THEIRS} {_IMPORTANT}",
    rf"{_SEEK} {_THEIRS}{_AND}(?:star|flag) {_IT}",
    rf"{_SEEK} {_THEIRS}{_AND}{_MARK}(?: {_IT})? {_IMPORTANT}",
    rf"{_SEEK} {_THEIRS}{_AND}click (?:on )?the star (?:icon|button)(?: to mark {_IT} as (?:important|starred))?",
    rf"{_THEIRS} {_NEEDS} (?:marked|flagged|set) {_IMPORTANT}",
)
def _star(reader: Reader, match: re.Match[str]) -> Intent:
    who = _who(reader, match)
    return PressInEntry(f'star the message of "{who}"', who, ("star", "important"))


# Posts, contacts, results


@rule(
    rf"(?:for|of) (?:the )?(?:user|person|account|customer|post by) (?P<who>{V}|@?[\w.-]+){_AND}(?:click|press|tap)"
    rf"(?: on)? (?:the )?(?P<name>{V})(?: button| icon| link)?"
)
def _for_somebody(reader: Reader, match: re.Match[str]) -> Intent:
    who, name = reader.value(match["who"], most_words=1), reader.value(match["name"])
    # It is somebody that is named, and no entry: the first of theirs is one.
    return PressInEntry(f'press "{name}" in the first entry of "{who}"', who, (name,), nth=1)


@rule(
    rf"(?:click|press|tap)(?: on)? (?:the )?(?P<name>{V})(?: button| icon| link)? (?:on|in|of|for) (?:(?P<all>all"
    rf"|each|every)(?: of the)?|(?P<count>\d{{1,3}})) (?:posts?|entries|entry|tweets?|messages?|comments?|rows?"
    rf"|items?) (?:by|from|of) (?P<who>{V}|@?[\w.-]+)"
)
def _in_entries(reader: Reader, match: re.Match[str]) -> Intent:
    who, name = reader.value(match["who"], most_words=1), reader.value(match["name"])
    count = int(match["count"] or 0)
    if not count and not match["all"]:
        raise NotUnderstood
    return PressInEntries(f'press "{name}" in {count or "all"} entries of "{who}"', who, name, count)


@rule(
    rf"find (?P<who>{V}|[\w-]+) in the (?:contact|phone|address) ?(?:book|list)s?{_AND}(?:click|press|open)(?: on)? "
    rf"(?:their|his|her|the) (?P<label>phone|e-?mail|address|name)(?: number| address)?"
)
def _contact(reader: Reader, match: re.Match[str]) -> Intent:
    who, label = reader.value(match["who"], most_words=1), match["label"].lower().replace("-", "")
    return ClickProperty(f'find "{who}" and click the {label}', who, label)


@rule(rf"(?:find{_AND})?(?:click|open)(?: on)? the (?P<nth>{NTH}) (?:search )?result")
def _result(reader: Reader, match: re.Match[str]) -> Intent:
    nth = nth_of(match["nth"])
    if nth < 1 or not re.search(r"search|find", match[0], re.IGNORECASE):
        raise NotUnderstood
    return ClickResult(f"click search result number {nth}", nth)


@rule(
    r"order one of each(?: item)?(?: of)?: ?(?P<names>[^\uf8ff]+)",
    rf"order (?P<count>\d{{1,2}}) (?:items|things|dishes|products) that are (?P<kind>{V}|[\w-]+)",
)
def _order(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    if groups.get("names"):
        parts = re.split(r"\s*,\s*(?:and )?", groups["names"].strip())
        names = tuple(
            reader.name(part, most_words=8) if " and " not in part else reader.text.plain(part)
            for part in parts
            if part
        )
        return OrderItems(f"order one of each: {', '.join(names)}", names)
    kind, count = reader.value(groups["kind"], most_words=1), int(groups["count"])
    return OrderItems(f"order {count} that are {kind}", (), count, kind)
