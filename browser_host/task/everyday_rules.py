"""What clauses in everyday words mean: open the user X, a new group called Y, save it, delete Z, how many are there."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.cart_lines import AddAll, RemoveFromCart
from browser_host.task.checkout import Checkout
from browser_host.task.fields import ChooseFrom, Part, SetParts
from browser_host.task.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.named_records import KIND, DeleteRecord, OpenNamed, PressWords
from browser_host.task.new_records import AddEntries, NewRecord
from browser_host.task.page_body import EditBody, RunQuery
from browser_host.task.plain_clauses import SearchFor, SetField, extract_action, one_action
from browser_host.task.postal_address import postal_address
from browser_host.task.prompt_text import CUT, V
from browser_host.task.questions import Ask, CountOf
from browser_host.task.results import OpenResult
from browser_host.task.saving import Save
from browser_host.task.shopping import AddToCart
from browser_host.task.sign_in import SignIn
from browser_host.task.sign_out import SignOut
from browser_host.task.vocabulary import NAME, RANKS, TOKEN, VALUE
from browser_host.task.wording import names_a_secret
from browser_host.task.workspace import Intent

EVERYDAY_RULES: list[Rule] = []
rule = rule_adder(EVERYDAY_RULES)

_THAT = r"(?:the|this|my|your|his|her|its|their|that)"
_LABEL = r"[A-Za-z][\w/ -]{0,39}?"
_AGAIN = re.compile(
    r"(?:and )?(?:the )?same (?:password )?(?:again|twice)?|(?:and )?(?:the )?same password(?: again)?", re.IGNORECASE
)
_TWICE = re.compile(r"\s*\((?:type|enter|write|put) it twice\)|,? twice$", re.IGNORECASE)


# Fields by their names


def _literal(reader: Reader, text: str) -> str:
    """A text exactly as the person wrote it, its values back in their places."""
    marked = reader.text.value(text.strip())
    return reader.parameters.fill(marked.text if marked is not None else reader.text.plain(text).strip())


def _part(reader: Reader, text: str, *, labelled: bool = False, listed: bool = False) -> Part:
    """One "LABEL: value", "LABEL is value", "LABEL value"; `labelled`: only the first, `listed`: one of a list.

    Raises:
        NotUnderstood: it has no value, or its words hedge.
    """
    text = re.sub(rf"^(?:(?:with|and|set|{_THAT}|an?|new)\s+)+", "", text.strip(), flags=re.IGNORECASE)
    sure = re.fullmatch(rf"(?P<field>{_LABEL})\s*(?::|=)\s*(?P<value>[^\uf8ff]+)", text)
    said = re.fullmatch(rf"(?P<field>{_LABEL})\s+(?:is|should be|to be|to)\s+(?P<value>[^\uf8ff]+)", text)
    quoted = re.fullmatch(rf"(?P<field>{_LABEL})\s+(?P<value>{V})", text)
    for match in (sure, said, quoted):
        if match:
            field = reader.value(match["field"], most_words=5)
            value = _verbatim(reader, match["value"]) if match is not said else _plain_value(reader, match["value"])
            return _made(reader, field, value)
    if labelled or len(text.split()) < 2:
        raise NotUnderstood
    return _made(reader, "", _verbatim(reader, text) if listed else _plain_value(reader, text))


_HEDGED = re.compile(
    r"\b(?:unless|if|except|until|whichever|whatever|appropriate|random|suitable|relevant|valid|any|something|"
    r"anything)\b",
    re.IGNORECASE,
)


def _verbatim(reader: Reader, text: str) -> str:
    """A text that a colon or a list sets apart, whatever its words, as long as they do not leave open what it is."""
    if reader.text.value(text.strip()) is None and _HEDGED.search(text):
        raise NotUnderstood
    return _literal(reader, text)


def _made(reader: Reader, field: str, value: str) -> Part:
    named = field or " ".join(value.split()[:3])
    secret = _is_secret(named) or _is_secret(named.split()[0])
    if secret:
        reader.secret(value if field else value.split()[-1])
    return Part(field, value, secret)


def _is_secret(field: str) -> bool:
    """Whether what goes into a field of this name is for no one to see."""
    return names_a_secret(actions_pb2.Target(name=field))


def _plain_value(reader: Reader, text: str) -> str:
    """A text of plain words and values."""
    if reader.text.value(text.strip()) is not None:
        return _literal(reader, text)
    words = re.sub(V, " ", text)
    if words.strip():
        reader.value(re.sub(r"[^\w' -]", " ", words).strip(), most_words=12)
    return _literal(reader, text)


def _parts(reader: Reader, text: str, *, listed: bool = False) -> tuple[Part, ...]:
    text = _TWICE.sub("", text)
    pieces: list[str] = []
    # "and" joins fields, or stands in a value: it joins where what follows it looks like a field with its value.
    for piece in re.split(r"\s*,\s*(?:and\s+)?", text.strip(" ,")):
        field_follows = (
            rf"\s+and\s+(?=(?:{_THAT}\s+|an?\s+)?[a-z][a-z-]*(?:\s+[a-z-]+)?\s*(?::|=|\s(?:is|to)\s)"
            rf"|(?:{_THAT}\s+|an?\s+)?[a-z-]+\s+(?:[A-Z0-9\ue000-\uf8fe]|\S*\d)|{_THAT}\s+[a-z-]+\s+\S+$)"
        )
        pieces += re.split(field_follows, piece)
    parts = [_part(reader, piece, listed=listed) for piece in pieces if piece and not _AGAIN.fullmatch(piece)]
    if not parts:
        raise NotUnderstood
    return tuple(parts)


@rule(
    rf"(?:fill (?:in|out) (?:the |"
    rf"this )?(?:[\w-]+ )?form{CUT})?(?P<parts>{_LABEL}\s*[:=]\s*[^\uf8ff]+(?:{CUT}{_LABEL}\s*[:=]\s*[^\uf8ff]+)*)"
)
def _fields(reader: Reader, match: re.Match[str]) -> Intent:
    """ "First name: Ada, Last name: Byron": each field said with a colon."""
    pieces = [
        piece for clause in match["parts"].split(CUT) for piece in re.split(rf"\s*,\s*(?={_LABEL}\s*[:=])", clause)
    ]
    fields = [_part(reader, piece, labelled=True) for piece in pieces]
    verbs = (
        r"(?:click|press|go|open|select|choose|add|create|edit|find|search|check|tick|step|note|warning|todo|"
        r"fill|enter|"
        r"type|write|set|put|use|log|sign)s?\b"
    )
    if any(re.match(verbs, part.field, re.IGNORECASE) for part in fields):
        raise NotUnderstood
    return SetParts(tuple(fields))


@rule(
    rf"(?:my|the|her|his|its|their) (?P<parts>{_LABEL} (?:is|should be) [^\uf8ff]+)",
    rf"confirm (?:it )?(?:with|by) (?:my |the |your )?(?P<parts>(?:current |old )?password {TOKEN})",
)
def _said(reader: Reader, match: re.Match[str]) -> Intent:
    return SetParts(_parts(reader, match["parts"]))


@rule(rf"(?:change|set|update|edit) {_THAT}? ?(?P<field>{_LABEL}) (?:to|as) (?P<value>{VALUE})")
def _change(reader: Reader, match: re.Match[str]) -> Intent:
    field = reader.value(match["field"], most_words=4)
    if re.search(r"\btext$|^(?:text|content|body)\b", field, re.IGNORECASE):
        return EditBody(_plain_value(reader, match["value"]))
    text = _plain_value(reader, match["value"])
    secret = _is_secret(field)
    if secret:
        reader.secret(text)
    value = actions_pb2.Value(literal=text, sensitive=secret)
    shown = "•••" if secret else f'"{text}"'
    return SetField(f'set "{field}" to {shown}', field, text, value)


@rule(r"give (?:him|her|it|them|the user) (?:the )?(?P<what>[a-z]+(?: [a-z]+)?)")
def _give(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.value(match["what"]))
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True)))


@rule(rf"put (?P<value>{VALUE}) (?:in|into|as) {_THAT}? ?(?P<field>{_LABEL})")
def _put(reader: Reader, match: re.Match[str]) -> Intent:
    if re.search(r"\b(?:cart|basket|bag|trolley)\b", match["field"], re.IGNORECASE):
        raise NotUnderstood
    return SetParts((_made(reader, reader.value(match["field"], most_words=4), _plain_value(reader, match["value"])),))


@rule(rf"(?:type|enter|write|put) (?P<value>{V}) (?:in|into) the (?P<field>[^\uf8ff]{{2,60}}\?) (?:field|box|input)")
def _into_a_question(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=_literal(reader, match["field"]))
    text = _literal(reader, match["value"])
    secret = names_a_secret(target)
    if secret:
        reader.secret(text)
    value = actions_pb2.Value(literal=text, sensitive=secret)
    return one_action(actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=value)))


# The page's own text


@rule(
    rf"(?:(?:edit|open) (?:this|the) page(?:{CUT}| and ))?(?:replace|change) (?:the|its) (?:whole )?(?:text|"
    rf"content|body) (?:with|by|to) "
    r"(?P<text>[^\uf8ff]+)",
    rf"(?:(?:edit|create) (?:this|the) page(?:{CUT}| and ))?write (?P<text>{V}) (?:in|into|on) (?:it|the page|"
    rf"this page)",
)
def _body(reader: Reader, match: re.Match[str]) -> Intent:
    first = match[0].split(" ", 1)[0].lower()
    return EditBody(_verbatim(reader, match["text"]), first if first in ("edit", "create") else "")


@rule(
    rf"run (?:the |this )?(?:sql )?query:? (?P<text>{V})",
    rf"(?:enter|type|write|run) (?:the |this )?(?:sql )?query: (?P<text>select\b[^\uf8ff]+)(?:{CUT}(?:run|"
    rf"execute|submit) (?:it|the query))?",
)
def _query(reader: Reader, match: re.Match[str]) -> Intent:
    return RunQuery(_literal(reader, match["text"]))


@rule(
    r"(?:edit|create|print|rename) (?:this|the) (?:page|article|wiki page|document)",
    r"update my profile|edit my profile|open my profile",
)
def _press_phrase(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords(match[0].lower().replace(" my ", " ").replace("open ", ""))


@rule(r"show (?:me )?(?:the )?(?P<what>(?:recent|latest|all|old) [a-z]+)")
def _show(reader: Reader, match: re.Match[str]) -> Intent:
    if match["what"].lower().startswith(("latest", "recent")) and not match["what"].lower().endswith("changes"):
        raise NotUnderstood
    return PressWords(match["what"].lower())


@rule(r"send (?:him|her|them|it|the (?:user|customer)) (?:an? |the )?(?P<what>[a-z-]+(?: [a-z-]+){1,4})")
def _send(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords(f"send {reader.value(match['what'])}")


# Opening, making, saving, deleting


@rule(
    rf"(?:open|go to|select|edit|view) {_THAT} (?P<kind>{KIND}) (?:called |named |about (?:the )?|"
    rf"titled )?(?P<name>{NAME})",
    rf"(?:open|go to|select|edit|view) {_THAT} (?P<kind>[a-z]+) (?:called |named |titled )?(?P<name>{V})",
    rf"under {_THAT}? ?(?P<kind>[A-Za-z]+(?: [a-z]+)?){CUT}(?:open|select|click) (?:the )?(?P<name>{NAME})",
)
def _open(reader: Reader, match: re.Match[str]) -> Intent:
    name = match["name"].strip()
    marked = reader.text.value(name)
    under = match[0].lower().startswith("under")
    if match["kind"].lower() in ("link", "button", "tab", "url", "page", "site", "website", "icon") and not under:
        raise NotUnderstood
    if marked is not None and marked.kind in ("url", "hole") + (() if under else ("site",)):
        raise NotUnderstood
    if re.match(r"(?:that|which|with|of|in|on|for|from|whose)\b", name, re.IGNORECASE):
        raise NotUnderstood
    return OpenNamed(_literal(reader, name) if marked is not None else reader.value(name), match["kind"].lower())


@rule(rf"(?:open|go to) {_THAT}? ?(?P<name>[A-Za-z][\w'-]*(?: [\w'-]+){{0,3}}?) (?P<kind>{KIND}|admin page)")
def _open_before(reader: Reader, match: re.Match[str]) -> Intent:
    name = match["name"].lower()
    if re.match(r"(?:first|second|third|last|new|next|previous|top|this|that|previous|login|home)\b", name):
        raise NotUnderstood
    return OpenNamed(reader.value(match["name"]), "menu" if match["kind"].lower() == "menu" else "")


_SENT = (
    rf"(?:(?:{CUT}| and |, )(?:(?:save|submit|send|create|add) (?:it|them|the \w+)|save|submit|(?:press|"
    rf"click|hit) (?P<press>{NAME})))?"
)


@rule(
    r"add (?:these |the )?(?:(?:two|three|four|five|six|\d+) )?(?P<noun>todos|tasks|items|notes|entries)"
    r": (?P<list>[^\uf8ff]+)"
)
def _entries(reader: Reader, match: re.Match[str]) -> Intent:
    entries = [_plain_value(reader, one) for one in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match["list"]) if one]
    said = re.search(r"\b(two|three|four|five|six|\d+)\b", match[0].split(":")[0])
    counts = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
    if said and counts.get(said[1], 0) != len(entries) and said[1] != str(len(entries)):
        raise NotUnderstood
    return AddEntries({"entries": "entry"}.get(match["noun"], match["noun"][:-1]), tuple(entries))


@rule(
    rf"(?:please )?(?:create|add|insert|register) (?:me )?(?:an? |another |"
    rf"one )?(?:new )?(?P<noun>[a-z]+(?: [a-z]+)?)(?: there)?"
    rf" (?:called|named|titled|entitled) (?P<name>{V}|[^\uf8ff,:;]+?)"
    rf"(?:,? (?:with|of) (?P<parts>[^\uf8ff]+?))?(?: to (?:this|the) [a-z]+)?{_SENT}",
    rf"(?:please )?(?:create|add|insert|register) (?:me )?(?:an? |another |"
    rf"one )?(?:new )?(?P<noun>[a-z]+(?: [a-z]+)?)(?: there)?"
    rf"(?P<listed>:| with:?|, with) (?P<parts>[^\uf8ff]+?)(?: to (?:this|the) [a-z]+)?{_SENT}",
)
def _new(reader: Reader, match: re.Match[str]) -> Intent:
    noun = match["noun"].lower()
    if re.search(
        r"\b(?:two|three|four|five|six|several|many|result|one|cart|basket|bag|top|it|them|all|some|any|first)\b", noun
    ):
        raise NotUnderstood
    if re.search(r"\bto (?:the|my|this) (?:shopping )?(?:cart|basket|bag|trolley)\b", match[0], re.IGNORECASE):
        raise NotUnderstood
    groups = match.groupdict()
    name = _plain_value(reader, groups["name"]) if groups.get("name") else ""
    listed = ":" in (groups.get("listed") or "")
    parts = _parts(reader, groups["parts"], listed=listed) if groups.get("parts") else ()
    press = reader.name(groups["press"]) if groups.get("press") else ""
    return NewRecord(noun, name, parts, press)


@rule(
    rf"(?:select|choose|pick) (?P<option>{VALUE}) (?:from|in) the (?:drop-?down |list|menu)(?: ?list)? ?(?:of|"
    rf"for) (?P<of>[a-z]+)"
)
def _choose_from(reader: Reader, match: re.Match[str]) -> Intent:
    return ChooseFrom(reader.name(match["option"]), reader.value(match["of"]))


@rule(
    rf"mark (?:the )?(?:{KIND} )?(?P<name>{NAME}) as (?:done|completed?|finished)",
    rf"tick off (?:the )?(?P<name>{NAME})",
)
def _mark(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(role="checkbox", within=reader.name(match["name"]))
    return one_action(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=True)))


@rule(r"clear (?:the |all )?(?:completed|done)(?: ones| todos| tasks| items)?")
def _clear_done(reader: Reader, match: re.Match[str]) -> Intent:
    return PressWords("clear completed")


@rule(rf"(?:save|submit)(?: (?:it|this|them|(?:the|your|my) (?:changes?|form|page|edits?|{KIND})))?")
def _save(reader: Reader, match: re.Match[str]) -> Intent:
    return Save()


@rule(
    rf"(?:delete|drop|remove) (?:the )?(?P<kind>{KIND}) (?:called |named )?(?P<name>{NAME})"
    rf"(?:{CUT}yes, i['\u2019]?m sure|{CUT}yes)?"
)
def _delete(reader: Reader, match: re.Match[str]) -> Intent:
    if re.search(r"\bfrom\b|\bin\b", match["name"]):
        raise NotUnderstood
    return DeleteRecord(reader.name(match["name"]), match["kind"].lower())


# Signing in and out


@rule(r"(?:log|sign) ?(?:me )?(?:out|off)")
def _sign_out(reader: Reader, match: re.Match[str]) -> Intent:
    return SignOut()


@rule(
    rf"(?:log|sign) ?-?in{CUT}(?:the )?(?:login name|login|user ?name|user|e-?mail)(?::| is) ?(?P<user>{TOKEN})"
    rf",? (?:and )?"
    rf"(?:the )?password(?::| is) ?(?P<password>{TOKEN})"
)
def _sign_in_with(reader: Reader, match: re.Match[str]) -> Intent:
    return SignIn(_literal(reader, match["user"]), reader.secret(_literal(reader, match["password"])))


# Searching


@rule(
    rf"(?:search|look through) (?:the |this )?(?:wiki|site|page|website|documentation|docs|shop|store|forum|"
    rf"tracker) for (?P<text>{VALUE})"
)
def _search_in(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["text"])
    return SearchFor(f'search for "{text}"', text)


@rule(
    rf"(?:search|look) (?:(?:the |this )?(?:wiki|site|page|website|docs|shop|store|forum|tracker)"
    rf" )?for (?P<text>{VALUE})(?:{CUT}| and )"
    rf"open (?:it|that|the (?:first |top )?(?:result|hit|match|one|{KIND})(?: that is found| found)?)"
)
def _search_and_open(reader: Reader, match: re.Match[str]) -> Intent:
    return OpenResult(reader.name(match["text"]))


# Buying

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NUMBER = rf"(?:{'|'.join(_NUMBERS)}|[1-9]\d?)"
_CART = r"(?:the |my |your )?(?:shopping )?(?:cart|basket|bag|trolley)"
_GOODS = r"[a-z][\w-]*(?: [\w-]+){0,4}?"


def _goods(reader: Reader, text: str) -> str:
    """The name of a product; a can is one, at the end of it."""
    name = re.sub(r"^(?:the|an?) ", "", text.strip(), flags=re.IGNORECASE)
    if re.match(r"(?:first|second|third|last|top|other|cheapest|one)\b", name, re.IGNORECASE):
        raise NotUnderstood
    if reader.text.value(name) is None:
        reader.value(re.sub(r"(?<=\w) cans?$", "", name), most_words=6)
    return _literal(reader, name)


def _number(word: str) -> int:
    return _NUMBERS.get(word.lower()) or int(word)


@rule(
    rf"(?:i(?: would|['\u2019]d)? (?:want|like) to (?:buy|order)|i (?:want|need)|buy|order) (?P<n>{_NUMBER})"
    rf" (?P<what>{V}|{_GOODS})"
    rf"(?:{CUT}|,? and )(?:add|put) (?:them|these) (?:to|into|in) {_CART}(?: please)?",
    rf"(?:add|put) (?P<n>{_NUMBER}) (?:pairs of |pieces of |x )?(?P<what>{V}|{_GOODS}) (?:to|into|in) {_CART}",
)
def _several(reader: Reader, match: re.Match[str]) -> Intent:
    what = _goods(reader, match["what"])
    if re.search(r"\b(?:top|first|last|results?|cheapest|best|of)\b", what, re.IGNORECASE):
        raise NotUnderstood
    return AddToCart(what, _number(match["n"]))


@rule(rf"(?:add|put) (?P<a>{V}|(?:the |an? ){_GOODS}) and (?P<b>{V}|(?:the |an? ){_GOODS}) (?:to|into|in) {_CART}")
def _both(reader: Reader, match: re.Match[str]) -> Intent:
    return AddAll(tuple(AddToCart(_goods(reader, match[group])) for group in ("a", "b")))


@rule(rf"(?:add|put) (?:it )?(?:to|into|in) {_CART}")
def _add_this(reader: Reader, match: re.Match[str]) -> Intent:
    return AddToCart("it")


@rule(
    rf"(?:remove|delete) (?P<what>{V}|(?:the )?{_GOODS}) from {_CART}",
    rf"take (?P<what>{V}|(?:the )?{_GOODS}) (?:out of {_CART}|out)(?: again)?",
)
def _take_out(reader: Reader, match: re.Match[str]) -> Intent:
    return RemoveFromCart(_goods(reader, match["what"]))


@rule(
    rf"(?:(?:complete|finish|do) (?:the |"
    rf"my )?)?check ?out as (?:a )?guest (?:with (?:the )?(?:e-?mail )?)?(?P<email>{V})"
    rf"(?:{CUT}ship (?:it|them|the order) to:? (?P<to>[^\uf8ff]+))?(?:{CUT}(?:place|confirm) (?:the|my) order)?"
)
def _guest(reader: Reader, match: re.Match[str]) -> Intent:
    given = {"email": reader.value(match["email"])}
    if match["to"]:
        given |= postal_address(_literal(reader, match["to"]))
    return Checkout(given)


# Questions


@rule(
    r"tell me (?:what )?(?:the |its )?(?P<column>[a-z]+(?: [a-z]+)?)(?: is)?",
    r"what(?: is|['\u2019]s) (?:its|the) (?P<column>price|total|name|title|status)\??",
)
def _tell(reader: Reader, match: re.Match[str]) -> Intent:
    column = reader.value(match["column"])
    if RANKS.search(column) or re.search(r"(?<![su])s$|\b(?:all|more|story|truth)\b", column):
        raise NotUnderstood
    return one_action(extract_action([column], ""))


@rule(r"what does (?:it|this|that|the query) (?:return|show|give|say)\??")
def _what_came(reader: Reader, match: re.Match[str]) -> Intent:
    return one_action(extract_action([], ""))


@rule(
    rf"what(?: is|['\u2019]s) (?:the |his |her )?(?P<column>[a-z][a-z -]*?) of (?:the )?(?:(?P<kind>{KIND})"
    rf" )?(?P<subject>{NAME})\??",
    rf"tell me the (?P<column>[a-z][a-z -]*?) of (?:the )?(?:(?P<kind>{KIND}) )?(?P<subject>{NAME})",
    rf"(?:in|on|at|to) which (?P<column>[a-z]+) (?:does|do|is|are) (?P<subject>{NAME})(?: (?:live|lives|work|"
    rf"belong|located|based|in|to))?\??",
)
def _ask(reader: Reader, match: re.Match[str]) -> Intent:
    column = reader.value(match["column"], most_words=4)
    subject = reader.name(match["subject"])
    if RANKS.search(f"{column} {subject}") or re.search(r"\b(?:one|ones|all|each|every)\b", subject):
        raise NotUnderstood
    return Ask(column, subject)


@rule(
    rf"tell me the (?P<column>[a-z]+(?: [a-z]+)?) of the one (?:with|whose) (?P<under>[a-z]+) (?:is |"
    rf"of )?(?P<subject>{NAME})"
)
def _ask_where(reader: Reader, match: re.Match[str]) -> Intent:
    return Ask(reader.value(match["column"]), reader.name(match["subject"]), reader.value(match["under"]))


@rule(
    r"how (?:much|many) (?P<subject>[a-z]+) (?:is|are) (?:needed|required|used|in it)(?: according to the table|"
    r" in the table)?\??"
)
def _ask_amount(reader: Reader, match: re.Match[str]) -> Intent:
    return Ask("amount", reader.value(match["subject"]))


@rule(r"how many (?P<noun>[a-z]+) are (?:there|listed|shown)\??")
def _count(reader: Reader, match: re.Match[str]) -> Intent:
    return CountOf(reader.value(match["noun"]))
