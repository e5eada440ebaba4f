"""How sure it is that a property asked for and a label that a page shows mean the same."""

from __future__ import annotations

import re

_SYNONYMS: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split("|"))
    for group in (
        "email|e mail|mail|email address|e mail address",
        "phone|telephone|tel|mobile|phone number",
        "name|full name|customer|customer name",
        "name|product|product name|item|title",
        "price|cost|unit price|amount",
        "total|grand total|order total|total amount|amount due|total price|sum",
        "quantity|qty|unit|count",
        "order number|order no|order id|order|order reference|confirmation number|number",
        "id|customer id|number|no|identifier",
        "date|day|order date|created",
        "url|link|href",
        "status|state",
        "since|customer since|member since",
    )
)
_ALWAYS_THE_SAME = _SYNONYMS[:2]
"""What may stand for another also behind other words: "customer email" and "E-mail", never "phone number" and "ID"."""


def likeness(asked: str, label: str) -> int:
    """100 equal, 70 synonyms, less where one says more than the other, 0 no."""
    ours, theirs = words_of(asked), words_of(label)
    if not ours or not theirs:
        return 0
    if ours == theirs:
        return 100
    if set(ours) == set(theirs):
        return 95
    if _synonyms(ours, theirs, _SYNONYMS):
        return 70
    # What a phrase is about is its last word: "customer email" may be an "Email", never a "Customer".
    if ours[-1] == theirs[-1] and (set(ours) < set(theirs) or set(theirs) < set(ours)):
        return 68 - 3 * abs(len(ours) - len(theirs))
    if any(_synonyms(ours[start:], theirs, _ALWAYS_THE_SAME) for start in range(1, len(ours))):
        return 55
    if any(_synonyms(ours, theirs[start:], _ALWAYS_THE_SAME) for start in range(1, len(theirs))):
        return 54
    return 0


def words_of(text: str) -> list[str]:
    """The words of a name or a label, in lower case and singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return [_stem(word) for word in re.findall(r"[^\W_]+", spaced.lower())]


def _synonyms(ours: list[str], theirs: list[str], groups: tuple[frozenset[str], ...]) -> bool:
    return any(" ".join(ours) in group and " ".join(theirs) in group for group in groups)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
