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
from browser_host.task.rules.vocabulary import NTH, THE, nth_of
from browser_host.task.workspace import Intent

ENTRY_RULES: list[Rule] = []
rule = rule_adder(ENTRY_RULES)

_AND = rf"(?:{CUT}|,? and |, )"
_MAIL = r"(?:latest |last |primary )?(?:e-?mail|message|mail)(?: in (?:the )?(?:primary|inbox))?"
_WHO = rf"(?:{V}|@?[\w-]+?)"
_SEEK = r"(?:will you |could you |can you )?(?:find|open|locate|look for|go to|pull up|navigate to|search for)"
_LIKE = r"(?:i(?: would|['\u2019]d) like to |i want to |i need to )?"
_THEIRS = (
    rf"(?:{THE}|that |any ){_MAIL} (?:by|from|of) (?P<who>{_WHO})"
    rf"|{THE}{_MAIL} (?:that )?(?P<who_>{_WHO}) (?:sent|wrote)(?: to)?(?: me| you)?"
    rf"|(?P<who__>{_WHO})['\u2019]s {_MAIL}"
)
_IT = r"(?:it|that|this|that (?:e-?mail|message)|the (?:e-?mail|message))"
_TO = rf"(?:on )?to (?P<to>{_WHO})"


def _who(reader: Reader, match: re.Match[str]) -> str:
    groups = match.groupdict()
    who = reader.value(next(groups[name] for name in ("who", "who_", "who__") if groups.get(name)), most_words=1)
    if who.lower() in ("me", "you", "it", "them", "her", "him", "the", "everyone", "somebody"):
        raise NotUnderstood
    return who


@rule(
    rf"{_LIKE}(?:forward|send|pass) (?:{_THEIRS}) {_TO}",
    rf"{_LIKE}(?:forward|send|pass|give) (?:to )?(?P<to>{_WHO}) (?:{THE}{_MAIL} (?:from|by) (?P<who>{_WHO})|"
    rf"{THE}{_MAIL} (?:that )?(?:you|i) (?:got|received|have) from (?P<who_>{_WHO})|"
    rf"{THE}{_MAIL} (?P<who__>{_WHO}) sent (?:you|me))",
    rf"(?P<to>{_WHO}) (?:wants|needs) {THE}{_MAIL} (?:(?:that )?(?:you|i) (?:got|received|have) )?from (?P<who>{_WHO})",
    rf"{_SEEK} (?:{_THEIRS}){_AND}(?:forward|send|pass)(?: {_IT})? {_TO}",
    rf"(?:{_THEIRS}) (?:should|must|has to|needs to) be (?:forwarded|sent) {_TO}",
    rf"(?:{_THEIRS}),? (?:will|could|can|would) you forward (?:that|it) {_TO}",
)
def _forward(reader: Reader, match: re.Match[str]) -> Intent:
    who, to = _who(reader, match), reader.value(match["to"], most_words=1)
    if to.lower() in ("me", "them", "everyone", "it", "her", "him"):
        raise NotUnderstood
    return AnswerMessage(f'forward the message of "{who}" to "{to}"', who, "forward", to)


_SAYING = (
    rf"(?:with|saying|and (?:say|write|tell (?:her|him|them)(?: that)?)(?: that)?(?: it)?)(?: the (?:text|words?"
    rf"|message))?,? ?(?P<text>{V})"
)


@rule(
    rf"{_SEEK} (?:{_THEIRS}){_AND}(?:reply|respond|answer)(?: to (?:it|them|her|him))? {_SAYING}",
    rf"(?:will you |could you |can you )?(?:reply|respond) to (?:{_THEIRS}) {_SAYING}",
)
def _reply(reader: Reader, match: re.Match[str]) -> Intent:
    who, text = _who(reader, match), reader.value(match["text"])
    return AnswerMessage(f'reply to the message of "{who}" with "{text[:60]}"', who, "reply", text)


@rule(
    rf"(?:open (?:the )?(?:e-?mail|mail|inbox){_AND})?(?:delete|trash|remove|bin) (?:{_THEIRS})",
    rf"{_SEEK} (?:{_THEIRS}){_AND}(?:delete|trash|remove|bin) {_IT}",
    rf"{_SEEK} (?:{_THEIRS}){_AND}click (?:on )?the (?:trash|bin|delete) (?:icon|button)(?: to delete {_IT})?",
)
def _delete(reader: Reader, match: re.Match[str]) -> Intent:
    who = _who(reader, match)
    return PressInEntry(f'delete the message of "{who}"', who, ("trash", "delete", "bin", "remove"))


@rule(
    rf"(?:star|flag) (?:{_THEIRS})",
    rf"mark (?:{_THEIRS}) as (?:important|starred)",
    rf"{_SEEK} (?:{_THEIRS}){_AND}(?:(?:star|flag) {_IT}|mark {_IT} as (?:important|starred))",
    rf"{_SEEK} (?:{_THEIRS}){_AND}click (?:on )?the star (?:icon|button)(?: to mark {_IT} as (?:important|starred))?",
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
