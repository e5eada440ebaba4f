"""The words of the grammar: keys, kinds of elements, ordinals, and words that mean more than the rules can do."""

from __future__ import annotations

import re

from browser_host.task.prompt_text import V

WORDS = r"[^\uf8ff,;]+?"
VALUE = rf"(?:{V}|{WORDS})"
TOKEN = rf"(?:{V}|[^\s,;\uf8ff]+)"
NAME = rf"(?:{V}|[^\uf8ff,;]+?)"
FIELD_KIND = r"(?: (?:field|box|input|text ?box|text ?area|drop-?down|list|menu|select|selector))?"
PRICE = rf"(?:{V}|[$€£]?\s?\d+(?:\s?(?:€|\$|£|dollars?|euros?|pounds?|usd|eur|gbp))?)"
THE = r"(?:the |an? )?"
THAT = r"(?:the|this|my|your|his|her|its|their|that)"
LABEL = r"[A-Za-z][\w/ -]{0,39}?"

ROLES = {
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
ROLE_WORDS = "|".join(sorted(ROLES, key=len, reverse=True))
ORDINALS = {
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
ORDINAL = "|".join(ORDINALS)
NTH = rf"{ORDINAL}|sixth|seventh|eighth|ninth|tenth|\d{{1,3}}(?:st|nd|rd|th)|last"
_TENTHS = {"sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "last": -1}


def nth_of(word: str | None) -> int:
    """The place that an ordinal says, -1 for the last, 0 for none."""
    if not word:
        return 0
    word = word.lower()
    return ORDINALS.get(word) or _TENTHS.get(word) or int(re.sub(r"\D", "", word))


KEYS = {
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
KEY_NAMES = "|".join(sorted(KEYS, key=len, reverse=True)) + "|f[1-9]|f1[0-2]"
CHORD = r"(?:(?:ctrl|control|alt|shift|meta|cmd|command)\s*\+\s*)+(?:[a-z0-9]|" + KEY_NAMES + ")"
MODIFIERS = {
    "ctrl": "Control",
    "control": "Control",
    "alt": "Alt",
    "shift": "Shift",
    "meta": "Meta",
    "cmd": "Meta",
    "command": "Meta",
}
ALSO_ON_BUTTONS = frozenset({"delete", "del", "home", "end", "space", "up", "down", "left", "right"})
"""Keys whose names buttons have too: without the word "key" it is not known which is meant."""

COUNTS = r"two|three|four|five|six|seven|eight|nine|ten|several|few|many|both"
RANKS = re.compile(
    r"\b(newest|latest|oldest|highest|lowest|biggest|largest|smallest|cheapest|dearest|nearest|most|least|top|"
    r"last (?!name|login|seen|updated?|changed|modified)|first (?!name|seen)|average)\b",
    re.IGNORECASE,
)
"""Words that choose one of several by looking at all of them."""
COMPARISONS = re.compile(
    r"\b(under|over|below|above|less|more|least|most|between|around|up to|than|before|after)\b", re.IGNORECASE
)
NOT_A_PRODUCT = re.compile(
    rf"\b(only|top|first|last|second|third|result|results|cart|basket|orders?|with|by|named|called|page|newest|latest|"
    rf"oldest|highest|lowest|{COUNTS})\b",
    re.IGNORECASE,
)
A_NUMBER_OF = re.compile(rf"(?:\d+|{COUNTS})\b.*|.*\b(?:results?|second|third|last)\b.*", re.IGNORECASE)
OTHER_LOGINS = frozenset(
    {"google", "facebook", "apple", "github", "microsoft", "linkedin", "twitter", "sso", "saml", "passkey", "email",
     "username", "credentials", "account"}
)  # fmt: skip
