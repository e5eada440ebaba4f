"""How sure it is that words asked for and a label that a page shows mean the same: for data to be read, for fields."""

from __future__ import annotations

import re


def _groups(*groups: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group.split("|")) for group in groups)


_ALWAYS_THE_SAME = _groups(
    "email|e mail|mail|email address|e mail address",
    "phone|telephone|tel|mobile|phone number",
    "postcode|post code|post zip code|zip|zipcode|zip code|zip postcode|postal code",
)
"""What may stand for another also behind other words: "customer email" and "E-mail", never "phone number" and "ID"."""
_OF_FIELDS = _groups(
    "username|user name|user|login|login name",
    "title|display name|displayname",
    "first name|given name|forename",
    "last name|surname|family name",
    "city|town|town city|city town|town or city",
    "comment|note|remark|message",
    "number|num",
    "address|street|street address|address line 1|first line of address|line 1",
    "assigned to|assignee|responsible|owner|assign",
)
"""What a form's field may be called by other words."""
_SYNONYMS = (
    *_ALWAYS_THE_SAME,
    *_OF_FIELDS,
    *_groups(
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
    ),
)
_FIRST_OF_GROUP = {phrase: group[0] for group in (*_ALWAYS_THE_SAME, *_OF_FIELDS) for phrase in group}
_PHRASE = re.compile(rf"\b(?:{'|'.join(sorted(_FIRST_OF_GROUP, key=len, reverse=True))})\b")


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


def field_likeness(asked: str, label: str) -> int:
    """How sure it is that a field is meant: 100 equal, 90 by other words, less where its label says more, 0 no.

    Unlike data, a field may be meant by any of its label's words: by "line 1" the "First line of address (line 1)".
    """
    ours, theirs = words_of(asked), words_of(re.sub(r"\(.*?\)|[*:]", " ", label))
    if not ours or not theirs:
        return 0
    if ours == theirs or "".join(ours) == "".join(theirs):
        return 100
    said, shown = _in_usual_words(ours), _in_usual_words(theirs)
    if said == shown:
        return 90
    return 60 - 5 * min(len(shown) - len(said), 6) if said < shown else 0


def _in_usual_words(words: list[str]) -> set[str]:
    usual = _PHRASE.sub(lambda found: _FIRST_OF_GROUP[found[0]], " ".join(words))
    return set(usual.split()) - {"the"}


def words_of(text: str) -> list[str]:
    """The words of a name or a label, in lower case and singular."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return [_stem(word) for word in re.findall(r"[^\W_]+", spaced.lower())]


def _synonyms(ours: list[str], theirs: list[str], groups: tuple[tuple[str, ...], ...]) -> bool:
    return any(" ".join(ours) in group and " ".join(theirs) in group for group in groups)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
