"""How prompts say fields with their values: "LABEL: value", "LABEL is value", "LABEL value", one or several."""

from __future__ import annotations

import re

from tabkeep.v1 import actions_pb2

from browser_host.task.clauses.form_fields import Part
from browser_host.task.prompt_text import V
from browser_host.task.rules.grammar import NotUnderstood, Reader
from browser_host.task.rules.vocabulary import LABEL, THAT
from browser_host.task.wording import names_a_secret

_AGAIN = re.compile(
    r"(?:and )?(?:the )?same (?:password )?(?:again|twice)?|(?:and )?(?:the )?same password(?: again)?", re.IGNORECASE
)
_TWICE = re.compile(r"\s*\((?:type|enter|write|put) it twice\)|,? twice$", re.IGNORECASE)


def literal(reader: Reader, text: str) -> str:
    """A text exactly as the person wrote it, its values back in their places."""
    marked = reader.text.value(text.strip())
    return reader.parameters.fill(marked.text if marked is not None else reader.text.plain(text).strip())


def part_of(reader: Reader, text: str, *, labelled: bool = False, listed: bool = False) -> Part:
    """One "LABEL: value", "LABEL is value", "LABEL value"; `labelled`: only the first, `listed`: one of a list.

    Raises:
        NotUnderstood: it has no value, or its words hedge.
    """
    text = re.sub(rf"^(?:(?:with|and|set|{THAT}|an?|new)\s+)+", "", text.strip(), flags=re.IGNORECASE)
    sure = re.fullmatch(rf"(?P<field>{LABEL})\s*(?::|=)\s*(?P<value>[^\uf8ff]+)", text)
    said = re.fullmatch(rf"(?P<field>{LABEL})\s+(?:is|should be|to be|to)\s+(?P<value>[^\uf8ff]+)", text)
    quoted = re.fullmatch(rf"(?P<field>{LABEL})\s+(?P<value>{V})", text)
    for match in (sure, said, quoted):
        if match:
            # A colon says where the label ends, whatever its words: "Who paid: Emil".
            field = verbatim(reader, match["field"]) if match is sure else reader.value(match["field"], most_words=5)
            value = verbatim(reader, match["value"]) if match is not said else plain_value(reader, match["value"])
            return made(reader, field, value)
    if labelled or len(text.split()) < 2:
        raise NotUnderstood
    if listed and re.match(r"\d+\w? [A-Z]", text):
        return made(reader, "address", verbatim(reader, text))
    return made(reader, "", verbatim(reader, text) if listed else plain_value(reader, text))


_HEDGED = re.compile(
    r"\b(?:unless|if|except|until|whichever|whatever|appropriate|random|suitable|relevant|valid|any|something|"
    r"anything)\b",
    re.IGNORECASE,
)


def verbatim(reader: Reader, text: str) -> str:
    """A text that a colon or a list sets apart, whatever its words, as long as they do not leave open what it is."""
    if reader.text.value(text.strip()) is None and _HEDGED.search(text):
        raise NotUnderstood
    return literal(reader, text)


def made(reader: Reader, field: str, value: str) -> Part:
    named = field or " ".join(value.split()[:3])
    secret = is_secret(named) or is_secret(named.split()[0])
    if secret:
        reader.secret(value if field else value.split()[-1])
    return Part(field, value, secret)


def is_secret(field: str) -> bool:
    """Whether what goes into a field of this name is for no one to see."""
    return names_a_secret(actions_pb2.Target(name=field))


def phrase(reader: Reader, text: str) -> str:
    """A text of plain words at the end of a clause, where "and" joins nothing but its own words."""
    plain_value(reader, re.sub(r"\band\b", " ", text))
    return literal(reader, text)


def plain_value(reader: Reader, text: str) -> str:
    """A text of plain words and values."""
    if reader.text.value(text.strip()) is not None:
        return literal(reader, text)
    words = re.sub(V, " ", text)
    if words.strip():
        reader.value(re.sub(r"[^\w' -]", " ", words).strip(), most_words=12)
    return literal(reader, text)


def parts_of(reader: Reader, text: str, *, listed: bool = False) -> tuple[Part, ...]:
    text = _TWICE.sub("", text)
    pieces: list[str] = []
    # "and" joins fields, or stands in a value: it joins where what follows it looks like a field with its value.
    for piece in re.split(r"\s*,\s*(?:and\s+)?", text.strip(" ,")):
        field_follows = (
            rf"\s+and\s+(?=(?:{THAT}\s+|an?\s+)?[a-z][a-z-]*(?:\s+[a-z-]+)?\s*(?::|=|\s(?:is|to)\s)"
            rf"|(?:{THAT}\s+|an?\s+)?[a-z-]+\s+(?:[A-Z0-9\ue000-\uf8fe]|\S*\d)|{THAT}\s+[a-z-]+\s+\S+$)"
        )
        pieces += re.split(field_follows, piece)
    parts = [part_of(reader, piece, listed=listed) for piece in pieces if piece and not _AGAIN.fullmatch(piece)]
    if not parts:
        raise NotUnderstood
    return tuple(parts)
