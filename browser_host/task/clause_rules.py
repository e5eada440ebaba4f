"""What each clause of the controlled English means, in the order in which they are asked: `RULES`."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.checkout import Checkout
from browser_host.task.grammar import NotUnderstood, Reader, Rule, rule_adder
from browser_host.task.plain_clauses import Choose, OneAction, SearchFor, SetField, extract_action
from browser_host.task.prompt_text import CUT, V
from browser_host.task.records import FindRecord
from browser_host.task.shopping import AddToCart, Bounds, FindProducts
from browser_host.task.sign_in import SignIn
from browser_host.task.values import HOLE
from browser_host.task.wording import condition_words, describe, names_a_secret, value_words
from browser_host.task.workspace import Intent, seconds

_WORDS = r"[^\uf8ff,;]+?"
_VALUE = rf"(?:{V}|{_WORDS})"
_TOKEN = rf"(?:{V}|[^\s,;\uf8ff]+)"
_NAME = rf"(?:{V}|[^\uf8ff,;]+?)"
_FIELD_KIND = r"(?: (?:field|box|input|text ?box|text ?area|drop-?down|list|menu|select|selector))?"
_ROLES = {
    "button": "button",
    "link": "link",
    "tab": "tab",
    "checkbox": "checkbox",
    "option": "option",
    "icon": "",
    "menu item": "menuitem",
    "radio button": "radio",
    "item": "",
    "field": "textbox",
    "heading": "heading",
}
_ROLE_WORDS = "|".join(sorted(_ROLES, key=len, reverse=True))
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "1st": 1,
    "2nd": 2,
    "3rd": 3,
    "4th": 4,
    "5th": 5,
}
_ORDINAL = "|".join(_ORDINALS)
_KEYS = {
    "enter": "Enter",
    "return": "Enter",
    "tab": "Tab",
    "escape": "Escape",
    "esc": "Escape",
    "backspace": "Backspace",
    "delete": "Delete",
    "del": "Delete",
    "space": "Space",
    "spacebar": "Space",
    "home": "Home",
    "end": "End",
    "page up": "PageUp",
    "pageup": "PageUp",
    "page down": "PageDown",
    "pagedown": "PageDown",
    "up": "ArrowUp",
    "down": "ArrowDown",
    "left": "ArrowLeft",
    "right": "ArrowRight",
    "arrow up": "ArrowUp",
    "arrow down": "ArrowDown",
    "arrow left": "ArrowLeft",
    "arrow right": "ArrowRight",
    "up arrow": "ArrowUp",
    "down arrow": "ArrowDown",
}
_KEY_NAMES = "|".join(sorted(_KEYS, key=len, reverse=True)) + "|f[1-9]|f1[0-2]"
_CHORD = r"(?:(?:ctrl|control|alt|shift|meta|cmd|command)\s*\+\s*)+(?:[a-z0-9]|" + _KEY_NAMES + ")"
_MODIFIERS = {
    "ctrl": "Control",
    "control": "Control",
    "alt": "Alt",
    "shift": "Shift",
    "meta": "Meta",
    "cmd": "Meta",
    "command": "Meta",
}
_PRICE = rf"(?:{V}|[$€£]?\s?\d+(?:\s?(?:€|\$|£|dollars?|euros?|pounds?|usd|eur|gbp))?)"
_THE = r"(?:the |an? )?"

RULES: list[Rule] = []
rule = rule_adder(RULES)


def _one(action: actions_pb2.Action) -> OneAction:
    return OneAction(describe(action), action)


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


# Moving about


@rule(
    rf"(?:go|navigate|browse)(?: back)? to {_THE}(?:url |page |site |website )?(?P<to>{_NAME})(?: page| tab| section)?",
    rf"(?:open|visit|load) {_THE}(?:url |page |site |website |link )?(?P<to>{_NAME})(?: page| tab| link)?",
)
def _go_to(reader: Reader, match: re.Match[str]) -> Intent:
    to = match["to"].strip()
    marked = reader.text.value(to)
    if marked is not None and (marked.kind in ("url", "site") or re.match(r"https?://|\{\{", marked.text)):
        url = reader.url(to) if marked.kind != "hole" else reader.value(to)
        return _one(actions_pb2.Action(goto=actions_pb2.Goto(url=url)))
    name = reader.name(to, most_words=4)
    return _one(actions_pb2.Action(click=actions_pb2.Click(target=actions_pb2.Target(role="link", name=name))))


@rule(r"(?:go )?back(?: one page)?|go to the previous page")
def _back(reader: Reader, match: re.Match[str]) -> Intent:
    return _one(actions_pb2.Action(back=actions_pb2.Back()))


@rule(r"(?:reload|refresh)(?: (?:the|this) page)?")
def _reload(reader: Reader, match: re.Match[str]) -> Intent:
    return _one(actions_pb2.Action(reload=actions_pb2.Reload()))


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
    return _one(actions_pb2.Action(scroll=actions_pb2.Scroll(delta_y=delta)))


# Logging in

_USER_WORD = r"(?:the )?(?:user ?name|user|e-?mail(?: address)?|login|account|id)(?: is|:|=)?"
_PASS_WORD = r"(?:the )?(?:password|pass|pwd|passphrase)(?: is|:|=)?"


@rule(
    rf"(?:log ?-?in|sign ?-?in)(?: (?:to|at|on) (?:(?P<url>{V})|(?:the |this )?(?:site|website|page|app|shop|"
    rf"store|dashboard)))?"
    rf"(?: (?:with|as|using))?(?: (?:the )?(?:user|credentials))?(?: {_USER_WORD})? (?P<user>{_TOKEN})"
    rf"(?:(?:,? and|,|\s*/|,? with|{CUT})? (?:the )?{_PASS_WORD} (?P<password>{_TOKEN}))?"
)
def _sign_in(reader: Reader, match: re.Match[str]) -> Intent:
    user = reader.value(match["user"], most_words=1)
    url = reader.url(match["url"]) if match["url"] else ""
    password = match["password"]
    if password is None:
        return SignIn(user, "", url)
    marked = reader.text.value(password)
    text = reader.parameters.fill(marked.text if marked is not None else password)
    return SignIn(user, reader.secret(text), url)


@rule(
    rf"(?:log ?-?in|sign ?-?in)(?: (?:to|at|on) (?:(?P<url>{V})|(?:the |this )?(?:site|website|page|app|shop|"
    rf"store|dashboard)))?"
)
def _sign_in_as_nobody(reader: Reader, match: re.Match[str]) -> Intent:
    return SignIn("", "", reader.url(match["url"]) if match["url"] else "")


# Finding

_FIND = r"(?:find|look ?up|search for|show|show me|get)"


@rule(
    rf"{_FIND} {_THE}(?P<noun>[a-z]+(?: [a-z]+)?) (?:with|by|whose|having)(?: the| an?)? "
    rf"(?P<label>[a-z][a-z -]{{0,29}}?)"
    rf"(?: is|:|=| of| equal to)? (?P<value>{V}|[^\s,;\uf8ff]*[\d@][^\s,;\uf8ff]*)",
    rf"{_FIND} {_THE}(?P<noun>[a-z]+(?: [a-z]+)?) (?P<label>named|called) (?P<value>{V})",
)
def _find_record(reader: Reader, match: re.Match[str]) -> Intent:
    noun = reader.value(match["noun"], most_words=2)
    label = "name" if match["label"].lower() in ("named", "called") else reader.value(match["label"], most_words=3)
    return FindRecord(noun.lower(), label.lower(), reader.value(match["value"]))


@rule(rf"(?:search|look) (?:the (?:site|page|shop|store) )?for (?P<text>{V})", rf"search (?P<text>{V})")
def _search(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.value(match["text"])
    return SearchFor(f'search for "{text}"', text)


@rule(
    rf"(?:find|search for|look for|shop for|show|show me) (?:me )?(?:the |an? )?(?P<order>cheapest |"
    rf"least expensive |lowest[- ]priced |most expensive )?"
    rf"(?P<noun>{V}|[\w-]+(?: [\w-]+){{0,4}}?)"
    rf"(?: (?:that costs? |priced |for )?(?:(?P<how>under|below|less than|cheaper than|up to|at most|"
    rf"no more than|over|above|more than|at least) (?P<price>{_PRICE})"
    rf"|between (?P<from>{_PRICE}) and (?P<till>{_PRICE})))?"
)
def _find_products(reader: Reader, match: re.Match[str]) -> Intent:
    noun = reader.value(match["noun"], most_words=5)
    if re.search(
        r"\b(top|first|last|result|results|cart|basket|order|with|by)\b", noun, re.IGNORECASE
    ) and not re.fullmatch(V, match["noun"]):
        raise NotUnderstood
    order = (match["order"] or "").strip().lower()
    order = "" if not order else "dearest" if order.startswith("most") else "cheapest"
    return FindProducts(noun, _bounds(reader, match), order)


def _bounds(reader: Reader, match: re.Match[str]) -> Bounds:
    if match["from"]:
        return Bounds(least=_amount(reader, match["from"]), most=_amount(reader, match["till"]))
    if not match["how"]:
        return Bounds()
    price = _amount(reader, match["price"])
    how = match["how"].lower()
    if how in ("under", "below", "less than", "cheaper than"):
        return Bounds(below=price)
    if how in ("up to", "at most", "no more than"):
        return Bounds(most=price)
    return Bounds(above=price) if how in ("over", "above", "more than") else Bounds(least=price)


def _amount(reader: Reader, part: str) -> float:
    digits = re.fullmatch(r"\D*?(\d+(?:[.,]\d+)*)\D*", reader.value(part, most_words=3))
    if digits is None:
        raise NotUnderstood
    text = digits[1]
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    return float(text.replace(",", "."))


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
                rf"(?:the )?(?P<name>[a-z][a-z0-9 -]*?)(?: is|:|=)? (?P<value>{V})", part, re.IGNORECASE
            )
            if pair is None:
                raise NotUnderstood
            name = reader.value(pair["name"], most_words=4)
            given[name] = reader.value(pair["value"])
            if names_a_secret(actions_pb2.Target(name=name)) or "card" in name.lower():
                reader.secret(given[name])
    return Checkout(given)


# Fields


@rule(rf"(?:fill|fill in|fill out|complete) {_THE}(?P<field>{_NAME}){_FIELD_KIND} with (?P<value>{_VALUE})")
@rule(
    rf"(?:enter|type|input|write|put|fill in|fill) (?P<value>{_VALUE}) (?:in|into|in to|as|for) {_THE}"
    rf"(?P<field>{_NAME}){_FIELD_KIND}"
)
@rule(rf"(?:enter|type|input|fill in) {_THE}(?P<field>[a-z][a-z0-9 -]*?){_FIELD_KIND}(?: as|:|=)? (?P<value>{V})")
def _fill(reader: Reader, match: re.Match[str]) -> Intent:
    field = reader.name(match["field"], most_words=5)
    value = _field_value(reader, match["value"], field)
    fill = actions_pb2.Fill(target=actions_pb2.Target(name=field), value=value)
    return _one(actions_pb2.Action(fill=fill))


@rule(rf"clear {_THE}(?P<field>{_NAME}){_FIELD_KIND}")
def _clear(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.name(match["field"], most_words=5))
    return _one(actions_pb2.Action(fill=actions_pb2.Fill(target=target, value=actions_pb2.Value(literal=""))))


@rule(rf"set {_THE}(?P<field>{_NAME}){_FIELD_KIND} to (?P<value>{_VALUE})")
def _set(reader: Reader, match: re.Match[str]) -> Intent:
    field = reader.name(match["field"], most_words=5)
    value = _field_value(reader, match["value"], field)
    return SetField(f'set "{field}" to {value_words(value)}', field, reader.value(match["value"]), value)


@rule(rf"(?:select|choose|pick) (?P<value>{_VALUE}) (?:from|in|for|as) {_THE}(?P<field>{_NAME}){_FIELD_KIND}")
def _select(reader: Reader, match: re.Match[str]) -> Intent:
    option = actions_pb2.Value(literal=reader.name(match["value"]))
    target = actions_pb2.Target(name=reader.name(match["field"], most_words=5))
    return _one(actions_pb2.Action(select=actions_pb2.Select(target=target, option=option)))


@rule(rf"(?:select|choose|pick) {_THE}(?P<value>{_NAME})(?: option| radio button)?")
def _choose(reader: Reader, match: re.Match[str]) -> Intent:
    option = reader.name(match["value"])
    return Choose(f'choose "{option}"', option)


@rule(rf"(?P<un>un)?(?:check|tick) {_THE}(?P<name>{_NAME})(?: (?:check ?)?box| option)?")
@rule(rf"(?P<on>enable|disable|turn on|turn off) {_THE}(?P<name>{_NAME})(?: (?:check ?)?box| switch| toggle| option)?")
def _check(reader: Reader, match: re.Match[str]) -> Intent:
    groups = match.groupdict()
    word = (groups.get("on") or "").lower()
    checked = not (groups.get("un") or word in ("disable", "turn off"))
    target = actions_pb2.Target(name=reader.name(match["name"]))
    return _one(actions_pb2.Action(set_checked=actions_pb2.SetChecked(target=target, checked=checked)))


# Keys and clicks


@rule(
    rf"(?:press|hit|push)(?: the)? (?P<key>{_CHORD}|{_KEY_NAMES})(?: key)?(?: (?:in|on) {_THE}"
    rf"(?P<field>{_NAME}){_FIELD_KIND})?"
)
def _press_key(reader: Reader, match: re.Match[str]) -> Intent:
    press = actions_pb2.PressKey(key=_key(match["key"]))
    if match["field"]:
        press.target.name = reader.name(match["field"])
    return _one(actions_pb2.Action(press_key=press))


def _key(words: str) -> str:
    parts = [part.strip().lower() for part in words.split("+")]
    last = _KEYS.get(parts[-1], parts[-1].upper())
    return "+".join([_MODIFIERS[part] for part in parts[:-1]] + [last])


@rule(
    rf"(?P<twice>double[- ]?)?(?:click|press|push|tap|hit)(?: on)? {_THE}(?:(?P<nth>{_ORDINAL}) )?"
    rf"(?P<name>{_NAME})(?: (?P<kind>{_ROLE_WORDS}))?"
    rf"(?: (?:in|of|for|within|inside) {_THE}(?:(?:row|card|dialog|form|section|list item)(?: of| for| with|"
    rf" named| titled)? )?(?P<within>{_NAME})(?: (?:row|card|dialog|form|section))?)?"
)
def _click(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(
        role=_ROLES[(match["kind"] or "icon").lower()],
        nth=_ORDINALS[match["nth"].lower()] if match["nth"] else 0,
        within=reader.name(match["within"]) if match["within"] else "",
    )
    name = match["name"].strip()
    if not match["kind"] and name.lower() in _ROLES and _ROLES[name.lower()]:
        target.role = _ROLES[name.lower()]
    else:
        target.name = reader.name(name)
    click = actions_pb2.Click(target=target, click_count=2 if match["twice"] else 0)
    return _one(actions_pb2.Action(click=click))


@rule(rf"hover (?:over|on) {_THE}(?P<name>{_NAME})")
def _hover(reader: Reader, match: re.Match[str]) -> Intent:
    target = actions_pb2.Target(name=reader.name(match["name"]))
    return _one(actions_pb2.Action(hover=actions_pb2.Hover(target=target)))


# Waiting and reading


@rule(rf"wait(?: for)? (?P<n>\d{{1,4}}|{V}) ?(?P<unit>seconds?|secs?|s|milliseconds?|ms|minutes?|min)")
def _wait_time(reader: Reader, match: re.Match[str]) -> Intent:
    unit = match["unit"].lower()
    scale = 0.001 if unit.startswith(("milli", "ms")) else 60.0 if unit.startswith("min") else 1.0
    length = seconds(_amount(reader, match["n"]) * scale)
    return _one(actions_pb2.Action(wait=actions_pb2.Wait(duration=length)))


@rule(
    rf"wait (?:for|until|till) {_THE}(?:text |message )?(?P<text>{_NAME}) (?:(?:is|to be) )?(?P<gone>gone|"
    rf"hidden|disappears?|to disappear|goes away|to go away)",
    rf"wait (?:for|until|till) {_THE}(?:text |message )?(?P<text>{_NAME})(?: (?:(?:is |to be )?(?:shown|"
    rf"visible|displayed|there)|appears?|to appear|shows(?: up)?))?",
)
def _wait_for(reader: Reader, match: re.Match[str]) -> Intent:
    text = reader.name(match["text"])
    gone = "gone" in match.groupdict()
    condition = actions_pb2.Expect(text_gone=text) if gone else actions_pb2.Expect(text=text)
    return OneAction(
        f"wait until {condition_words(condition)}", actions_pb2.Action(wait=actions_pb2.Wait(condition=condition))
    )


_ALL_OF_IT = re.compile(r"(?:(?:page )?(?:data|contents?|tables?|lists?|results|rows|cards))", re.IGNORECASE)


@rule(
    rf"(?:extract|get|read|return|scrape|list|give me)(?: me)? (?P<what>{_THE}[^\uf8ff]+?)(?: (?:from|in|of) "
    rf"(?:the )?(?P<within>{V}|page)(?: (?:section|table|card|row|part))?)?",
    r"what (?:is|are) the (?P<what>[^\uf8ff?]+)\??",
)
def _extract(reader: Reader, match: re.Match[str]) -> Intent:
    within = match.groupdict().get("within") or ""
    within = "" if within.lower() == "page" else reader.value(within) if within else ""
    parts = [
        re.sub(r"^(?:the|an?|all|all the) ", "", part.strip(), flags=re.IGNORECASE)
        for part in re.split(r"\s*,\s*(?:and )?|\s+and\s+", match["what"])
    ]
    if len(parts) == 1 and _ALL_OF_IT.fullmatch(parts[0]):
        return _one(extract_action([], within))
    names = [reader.value(part, most_words=4) for part in parts if part]
    return OneAction(f"extract {', '.join(names)}", extract_action(names, within))
