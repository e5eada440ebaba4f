"""What clauses about a site mean, in the order they are asked in: going somewhere, logging in, finding, buying."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.checkout import Checkout
from browser_host.task.clauses.plain_clauses import (
    SearchFor,
    one_action,
)
from browser_host.task.clauses.records import FindRecord
from browser_host.task.clauses.shopping import AddToCart, Bounds, FindProducts
from browser_host.task.clauses.sign_in import SignIn
from browser_host.task.prompt_text import CUT, V
from browser_host.task.rules.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.rules.vocabulary import (
    A_NUMBER_OF,
    COMPARISONS,
    NAME,
    NOT_A_PRODUCT,
    ORDINAL,
    OTHER_LOGINS,
    PRICE,
    THE,
    TOKEN,
)
from browser_host.task.wording import names_a_secret
from browser_host.task.workspace import Intent

SITE_RULES: list[Rule] = []
rule = rule_adder(SITE_RULES)


# Moving about


@rule(
    rf"(?:go|navigate|browse)(?: back)? to {THE}(?:url |page |site |website )?(?P<to>{NAME})(?: page| tab| section)?",
    rf"(?:open|visit|load) {THE}(?:url |page |site |website |link )?(?P<to>{NAME})(?: page| tab| link)?",
)
def _go_to(reader: Reader, match: re.Match[str]) -> Intent:
    to = match["to"].strip()
    marked = reader.text.value(to)
    if marked is not None and (marked.kind in ("url", "site") or re.match(r"https?://|\{\{", marked.text)):
        url = reader.url(to) if marked.kind != "hole" else reader.value(to)
        return one_action(actions_pb2.Action(goto=actions_pb2.Goto(url=url)))
    name = reader.name(to, most_words=4)
    if marked is None and re.match(rf"(?:{ORDINAL}|last|new|previous)\b", name, re.IGNORECASE):
        raise NotUnderstood
    return one_action(actions_pb2.Action(click=actions_pb2.Click(target=actions_pb2.Target(role="link", name=name))))


@rule(r"(?:go )?back(?: one page)?|go (?:back )?to the previous page")
def _back(reader: Reader, match: re.Match[str]) -> Intent:
    return one_action(actions_pb2.Action(back=actions_pb2.Back()))


@rule(r"(?:reload|refresh)(?: (?:the|this) page)?")
def _reload(reader: Reader, match: re.Match[str]) -> Intent:
    return one_action(actions_pb2.Action(reload=actions_pb2.Reload()))


@rule(
    r"scroll (?P<way>up|down)(?: by)?(?: (?P<px>\d{1,5}) ?(?:px|pixels))?",
    r"scroll to (?P<end>the (?:top|bottom|end)(?: of the page)?)",
)
def _scroll(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    if groups.get("end"):
        delta = -1_000_000 if "top" in groups["end"].lower() else 1_000_000
    else:
        delta = int(groups["px"] or 600) * (-1 if groups["way"].lower() == "up" else 1)
    return one_action(actions_pb2.Action(scroll=actions_pb2.Scroll(delta_y=delta)))


# Logging in

_USER_WORD = r"(?:the )?(?:user ?name|user|e-?mail(?: address)?|login|account|id)(?: is|:|=)?"
_PASS_WORD = r"(?:the |its |my )?(?:password|pass|pwd|passphrase|(?:private |access |pass ?)code|pin)(?: is|:|=)?"


@rule(
    rf"(?:log ?-?in|sign ?-?in)(?: ?(?:to|at|on) (?:(?P<url>{V})|(?:the |this )?(?:site|website|page|app|shop|"
    rf"store|dashboard)|(?:the |my )?(?:existing )?(?:project|account|workspace|team)(?= {TOKEN})))?"
    rf"(?: (?:with|as|using))?(?: (?:the )?(?:user|credentials))?(?: {_USER_WORD})? (?P<user>{TOKEN})"
    rf"(?:(?:,? and|,|\s*/|,? with|,? using|{CUT})? (?:the )?{_PASS_WORD} (?P<password>{TOKEN}))?"
)
def _sign_in(reader: Reader, match: re.Match[str]) -> Intent:
    user = reader.value(match["user"], most_words=1)
    if match["user"].lower() in OTHER_LOGINS:
        raise NotUnderstood
    url = reader.url(match["url"]) if match["url"] else ""
    password = match["password"]
    if password is None:
        return SignIn(user, "", url)
    marked = reader.text.value(password)
    text = reader.parameters.fill(marked.text if marked is not None else password)
    return SignIn(user, reader.secret(text), url)


@rule(
    rf"(?:log ?-?in|sign ?-?in)(?: ?(?:to|at|on) (?:(?P<url>{V})|(?:the |this )?(?:site|website|page|app|shop|"
    rf"store|dashboard)))?"
)
def _sign_in_as_nobody(reader: Reader, match: re.Match[str]) -> Intent:
    return SignIn("", "", reader.url(match["url"]) if match["url"] else "")


# Finding

_FIND = r"(?:find|look ?up|search for|show|show me|get)"


@rule(
    rf"{_FIND} {THE}(?P<noun>[a-z]+(?: [a-z]+)?) (?:with|by|whose|having)(?: the| an?)? "
    rf"(?P<label>[a-z][a-z -]{{0,29}}?)"
    rf"(?: is|:|=| of| equal to)? (?P<value>{V}|[^\s,;\uf8ff]*[\d@][^\s,;\uf8ff]*)",
    rf"{_FIND} {THE}(?P<noun>[a-z]+(?: [a-z]+)?) (?P<label>named|called) (?P<value>{V})",
)
def _find_record(reader: Reader, match: re.Match[str]) -> Intent:
    noun = reader.value(match["noun"], most_words=2)
    if COMPARISONS.search(match["label"]):
        raise NotUnderstood
    label = "name" if match["label"].lower() in ("named", "called") else reader.value(match["label"], most_words=3)
    return FindRecord(noun.lower(), label.lower(), reader.value(match["value"]))


@rule(rf"{_FIND} {THE}(?P<noun>[a-z]+(?: [a-z]+)?) (?P<value>{V})")
def _find_record_by_address(reader: Reader, match: re.Match[str]) -> Intent:
    marked = reader.text.value(match["value"])
    if marked is None or marked.kind != "address":
        raise NotUnderstood
    return FindRecord(reader.value(match["noun"], most_words=2).lower(), "email", marked.text)


@rule(rf"(?:search|look) (?:the (?:site|page|shop|store) )?for (?P<text>{V})", rf"search (?P<text>{V})")
def _search(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["text"])
    return SearchFor(f'search for "{text}"', text)


@rule(
    rf"(?:find|search for|look for|shop for|show|show me) (?:me )?(?:the |an? )?(?P<order>cheapest |"
    rf"least expensive |lowest[- ]priced |most expensive )?"
    rf"(?P<noun>{V}|[\w'-]+(?: [\w'-]+){{0,4}}?)"
    rf"(?: (?:that costs? |priced |for )?(?:(?P<how>under|below|less than|cheaper than|up to|at most|"
    rf"no more than|over|above|more than|at least) (?P<price>{PRICE})"
    rf"|between (?P<from>{PRICE}) and (?P<till>{PRICE})))?"
)
def _find_products(reader: Reader, match: re.Match[str]) -> Intent:
    noun = reader.value(match["noun"], most_words=5)
    if NOT_A_PRODUCT.search(noun) and not re.fullmatch(V, match["noun"]):
        raise NotUnderstood
    order = (match["order"] or "").strip().lower()
    order = "" if not order else "dearest" if order.startswith("most") else "cheapest"
    return FindProducts(noun, _bounds(reader, match), order)


def _bounds(reader: Reader, match: re.Match[str]) -> Bounds:
    if match["from"]:
        return Bounds(least=reader.amount(match["from"]), most=reader.amount(match["till"]))
    if not match["how"]:
        return Bounds()
    price = reader.amount(match["price"])
    how = match["how"].lower()
    if how in ("under", "below", "less than", "cheaper than"):
        return Bounds(below=price)
    if how in ("up to", "at most", "no more than"):
        return Bounds(most=price)
    return Bounds(above=price) if how in ("over", "above", "more than") else Bounds(least=price)


@rule(
    rf"(?:add|put) (?P<what>{V}|[\w-]+(?: [\w-]+){{0,6}}?)(?: to| into| in) (?:the |my |your )?(?:shopping )?"
    rf"(?:cart|basket|bag|trolley)"
)
def _add_to_cart(reader: Reader, match: re.Match[str]) -> Intent:
    what = match["what"].strip()
    if reader.text.value(what) is not None:
        return AddToCart(reader.value(what))
    plain = re.sub(r"^the ", "", what, flags=re.IGNORECASE).lower()
    ranked = re.fullmatch(
        r"(top|first|cheapest|least expensive|most expensive)(?: (?:search )?(?:result|one|match|product|item|hit))?",
        plain,
    )
    if ranked:
        return AddToCart({"top": "top", "first": "top", "most expensive": "dearest"}.get(ranked[1], "cheapest"))
    if plain in ("it", "this", "this product", "this item", "product", "that"):
        return AddToCart("it")
    if A_NUMBER_OF.fullmatch(plain):
        raise NotUnderstood
    return AddToCart(reader.value(re.sub(r"^(?:the|an?) ", "", what, flags=re.IGNORECASE), most_words=6))


@rule(
    rf"(?:(?:complete|finish|do|perform)(?: the| my)? ?)?check ?out(?: process)?(?: with (?P<pairs>[^\uf8ff]+?))?"
    rf"(?:(?:{CUT}| and |, )(?:confirm|place|submit|complete|finish)(?: the| my)? (?:order|purchase))?",
    r"(?:place|confirm|submit|complete|finish) (?:the |my )?(?:order|purchase)(?: with (?P<pairs>[^\uf8ff]+?))?",
)
def _checkout(reader: Reader, match: re.Match[str]) -> Intent:
    given: dict[str, str] = {}
    if match["pairs"]:
        for part in re.split(r"\s*,\s*(?:and )?|\s+and\s+", match["pairs"].strip()):
            pair = re.fullmatch(
                rf"(?:the )?(?P<name>[a-z][a-z0-9 -]*?)(?: is|:|=)? (?P<value>{V}|[^\s]*\d[^\s]*)", part, re.IGNORECASE
            )
            if pair is None:
                raise NotUnderstood
            name = reader.value(pair["name"], most_words=4)
            given[name] = reader.value(pair["value"])
            if names_a_secret(actions_pb2.Target(name=name)) or "card" in name.lower():
                reader.secret(given[name])
    return Checkout(given)
