"""What clauses in everyday words mean: log out, search, buy two, check out as a guest."""

from __future__ import annotations

import re

from browser_host.task.clauses.cart_lines import AddAll, RemoveFromCart
from browser_host.task.clauses.checkout import Checkout
from browser_host.task.clauses.named_records import KIND
from browser_host.task.clauses.plain_clauses import InTurn, SearchFor
from browser_host.task.clauses.postal_address import postal_address
from browser_host.task.clauses.results import OpenResult
from browser_host.task.clauses.shopping import AddToCart
from browser_host.task.clauses.sign_in import SignIn
from browser_host.task.clauses.sign_out import SignOut
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.field_words import literal, part_of
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import LABEL, TOKEN, VALUE
from browser_host.task.workspace import Intent

EVERYDAY_RULES: list[Rule] = []
rule = rule_adder(EVERYDAY_RULES)


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
    return SignIn(literal(reader, match["user"]), reader.secret(literal(reader, match["password"])))


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
    return literal(reader, name)


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


@rule(
    rf"(?:find|look for|search for|get) (?P<a>{V}|[\w'-]+(?: [\w'-]+){{0,4}}?){CUT}(?:add|put) it (?:to|into|in) "
    rf"{_CART}{CUT}do the same (?:with|for) (?P<b>{V}|[\w'-]+(?: [\w'-]+){{0,4}}?)"
)
def _the_same_with(reader: Reader, match: re.Match[str]) -> Intent:
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
        given |= postal_address(literal(reader, match["to"]))
    return Checkout(given)


_EMAIL_IS = r"(?:the |my )?e-?mail(?: address)?(?: is|:)?"


@rule(
    rf"(?:i(?: would|['\u2019]d)? (?:want|like) to (?:buy|order)|i (?:want|need)|buy|order) (?:the |an? |some |one )?"
    rf"(?P<what>{V}|{_GOODS})(?: as (?:a )?guest)?{CUT}{_EMAIL_IS} (?P<email>{V})"
    rf"{CUT}(?:deliver|ship|send) (?:it |them |this |the order )?to:? (?P<to>[^\uf8ff]+)"
    rf"{CUT}(?:place|confirm) (?:the|my) order"
)
def _buy_as_guest(reader: Reader, match: re.Match[str]) -> Intent:
    given = {"email": reader.value(match["email"]), **postal_address(literal(reader, match["to"]))}
    return InTurn((AddToCart(_goods(reader, match["what"])), Checkout(given)))


@rule(
    rf"(?:go|proceed) to (?:the )?check ?out(?:{CUT}|,? and )(?:continue|check ?out|proceed|go on) as (?:a )?"
    rf"(?:new customer|guest)(?:,| with| using)? {_EMAIL_IS} ?(?P<email>{V}){CUT}(?P<parts>{LABEL}\s*:[^\uf8ff]+)"
    rf"{CUT}(?:continue|go on|proceed)(?: [^\uf8ff]*)?{CUT}place (?:it|the order|my order)"
)
def _guest_in_steps(reader: Reader, match: re.Match[str]) -> Intent:
    parts = [part_of(reader, one, labelled=True) for one in re.split(rf"\s*,\s*(?={LABEL}\s*:)", match["parts"])]
    return Checkout({"email": reader.value(match["email"]), **{part.field: part.text for part in parts}})
