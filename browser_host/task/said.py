"""What a page says: messages of trouble and of success, and whether they mean that what was sent to it was refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TROUBLE = re.compile(
    r"\b(incorrect|invalid|wrong|denied|declined|failed|failure|not (?:recogni[sz]ed|valid|correct|accepted|match)|"
    r"(?:does|do)(?:n['\u2019]t| not) match|could(?:n['\u2019]t| not)|can(?:not|['\u2019]t)|unable|try again|"
    r"locked|blocked|expired|"
    r"suspended|error|out of stock|sold out|unavailable|refused|rejected|too many|required|must be|is empty|"
    r"no longer)\b",
    re.IGNORECASE,
)
"""Words by which a text says that something went wrong."""
_STANDS = re.compile(r"\b(?:is|are) (?:now |currently )?empty\b|\bno longer\b", re.IGNORECASE)
"""Of those, words for how things stand, which is trouble to who wants to buy, and may be what a press was for."""
LONGEST_LINE = 160
"""Characters of a line that may be a message."""
_MOST_LINES = 3
"""New lines of a page without marked messages that may be its answer; more are its contents."""

Message = tuple[str, str]
"""A message's kind - error, alert, success or notice - and its text."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a page says at a moment, and what it shows of a form that is or was to be sent."""

    url: str
    document: float
    """When its document began: another one has another time."""
    text: str
    messages: tuple[Message, ...]
    faint: frozenset[Message]
    """Those of the errors that may be only in the colour of errors."""
    invalid: bool
    """A field is marked as wrong."""
    there: bool
    """The form is there."""
    emptied: bool
    """Nothing stands in the form's fields for text."""

    @classmethod
    def of(cls, found: dict[str, Any]) -> Said:
        """Out of the script's answer."""
        messages = [((one["kind"], one["text"]), one["faint"]) for one in found["messages"]]
        return cls(
            url=found["url"],
            document=found["document"],
            text=found["text"],
            messages=tuple(message for message, _ in messages),
            faint=frozenset(message for message, faint in messages if faint),
            invalid=found["invalid"],
            there=found["there"],
            emptied=found["emptied"],
        )

    def succeeds(self, before: Said) -> bool:
        """Whether it says now that something succeeded."""
        return any(kind == "success" and (kind, text) not in before.messages for kind, text in self.messages)

    def refusal(self, before: Said, known: frozenset[Message]) -> str:
        """Why it does not take what was sent, in its own words; "" where it does not say so.

        `before` is what it said before; messages that are `known` are no answer.
        """
        unknown = [one for one in self.messages if one not in known]
        new = [one for one in unknown if (one[0] == "error" and one not in self.faint) or _refuses(one[1])]
        errors = [one for one in new if one[0] == "error"]
        if self.succeeds(before) and not errors:
            return ""
        elsewhere = urlsplit(self.url).path != urlsplit(before.url).path
        said = complaint(new) or ("" if elsewhere else self._line(before))
        if elsewhere and not self.invalid and not _refuses(said):
            return ""  # another page has its own colours
        return said

    def _line(self, before: Said) -> str:
        """Its one new line, or one of very few, that says in plain text what went wrong."""
        old = set(lines_of(before.text))
        new = [line for line in lines_of(self.text) if line not in old]
        trouble = [line for line in new if len(line) <= LONGEST_LINE and _refuses(line)]
        return trouble[0] if trouble and len(new) <= _MOST_LINES else ""


def complaint(messages: Iterable[Message]) -> str:
    """What messages say went wrong, errors first; "" for nothing."""
    listed = list(messages)
    for kinds in (("error",), ("alert", "notice")):
        said = [text for kind, text in listed if kind in kinds and (kind == "error" or _means_it(text))]
        if said:
            return " ".join(dict.fromkeys(_without_parts(said)))[:300]
    return ""


def lines_of(text: str) -> Iterator[str]:
    """A page's text line by line."""
    return (line for line in (" ".join(raw.split()) for raw in text.splitlines()) if line)


def _means_it(text: str) -> bool:
    return TROUBLE.search(text) is not None


def _refuses(text: str) -> bool:
    return _means_it(_STANDS.sub(" ", text))


def _without_parts(texts: list[str]) -> list[str]:
    """Messages without those that are only a part of another, as nested elements give them."""
    return [text for text in texts if not any(text != other and text in other for other in texts)]
