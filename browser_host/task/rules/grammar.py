"""The grammar's frame: what reads a clause, and the list of rules that understand clauses.

A rule is a pattern over a clause in which every value is a single mark (`prompt_text`), and what the clause means.
Values are quoted whole or not at all. Without quotes they must be plain words; words that refer, compare or hedge
("my", "that", "unless", "any") are understood by no rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from browser_host.task.prompt_text import CUT, PromptText, V
from browser_host.task.rules.usual_words import in_usual_words
from browser_host.task.values import Parameters
from browser_host.task.workspace import Intent

_NOT_PLAIN = frozenset(
    [
        "that",
        "which",
        "who",
        "whose",
        "whom",
        "where",
        "when",
        "while",
        "until",
        "unless",
        "if",
        "because",
        "so",
        "or",
        "not",
        "no",
        "but",
        "every",
        "each",
        "all",
        "any",
        "some",
        "my",
        "your",
        "his",
        "her",
        "their",
        "our",
        "same",
        "its",
        "it",
        "this",
        "these",
        "those",
        "them",
        "they",
        "he",
        "she",
        "we",
        "you",
        "i",
        "me",
        "us",
        "whatever",
        "whichever",
        "appropriate",
        "random",
        "valid",
        "correct",
        "relevant",
        "best",
        "suitable",
        "except",
        "without",
        "both",
        "either",
        "neither",
        "like",
        "about",
        "using",
        "via",
        "how",
        "why",
        "what",
        "whether",
        "than",
        "else",
        "otherwise",
        "and",
        "tell",
        "if",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "do",
        "does",
        "did",
        "can",
        "could",
        "should",
        "would",
        "summarise",
        "summarize",
        "explain",
        "describe",
        "compare",
        "decide",
        "think",
        "write",
        "everything",
        "anything",
        "something",
        "nothing",
        "times",
        "twice",
        "thrice",
        "repeatedly",
        "say",
    ]
)


_PAGE_NAMES = re.compile(r"\b(?:About|Contact) (?:us|me)\b")
"""Names that pages have everywhere; "us" refers to nobody in them."""


def _leaves_open(word: str) -> bool:
    """Whether a word refers, compares or hedges; one in mixed case, as "hE", is a name."""
    return word.lower() in _NOT_PLAIN and word in (word.lower(), word.upper(), word.capitalize())


class NotUnderstood(Exception):
    """A rule's pattern fits, but what stands in it does not."""


class Reader:
    """Reads the clauses of one prompt."""

    def __init__(self, text: PromptText, parameters: Parameters, rules: Sequence[Rule]) -> None:
        self.text = text
        self.parameters = parameters
        self.secrets: list[str] = []
        self._rules = rules

    def read(self, clause: str) -> Intent | None:
        """What a clause means, as it is or else in usual words; None if no rule understands it."""
        intent = self._read(clause)
        if intent is None and (usual := in_usual_words(clause)) != clause:
            intent = self._read(usual)
        return intent

    def _read(self, clause: str) -> Intent | None:
        for rule in self._rules:
            match = rule.pattern.fullmatch(clause)
            if match:
                known = len(self.secrets)
                try:
                    return rule.meaning(self, match)
                except NotUnderstood:
                    # What it took for a password on the way may be any word of the prompt.
                    del self.secrets[known:]
        return None

    def value(self, part: str | None, *, most_words: int = 8) -> str:
        """The text of a value, its holes filled; without quotes it must be plain words."""
        if part is None:
            raise NotUnderstood
        part = part.strip()
        marked = self.text.value(part)
        if marked is not None:
            return self.parameters.fill(marked.text)
        self._plain_words(part, most_words)
        return self.parameters.fill(self.text.plain(part))

    def name(self, part: str | None, *, most_words: int = 6) -> str:
        """The name of something on the page: quoted, or plain words."""
        part = re.sub(r"^(?:the|an?|on|your|my|his|her|its|their) ", "", (part or "").strip(), flags=re.IGNORECASE)
        return self.value(part, most_words=most_words)

    def amount(self, part: str) -> float:
        """The one number of a price or a length of time."""
        digits = re.fullmatch(r"\D*?(\d+(?:[.,]\d+)*)\D*", self.value(part, most_words=3))
        if digits is None:
            raise NotUnderstood
        text = digits[1]
        if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
            text = text.replace(",", "")
        return float(text.replace(",", "."))

    def secret(self, text: str) -> str:
        """A text that must never be shown."""
        self.secrets.append(text)
        return text

    def _plain_words(self, part: str, most: int) -> None:
        words = re.findall(r"[^\W_]+(?:['\u2019-][^\W_]+)*", _PAGE_NAMES.sub("page", re.sub(V, " ", part)))
        marks = re.findall(V, part)
        if not words and not marks:
            raise NotUnderstood
        if any(marked is not None and marked.kind == "quoted" for marked in map(self.text.value, marks)):
            # What stands beside the quotes says something about the value, and the rule has not understood it.
            raise NotUnderstood
        if len(words) + len(marks) > most or CUT in part or any(map(_leaves_open, words)):
            raise NotUnderstood

    def url(self, part: str) -> str:
        """An absolute URL."""
        marked = self.text.value(part)
        if marked is None:
            raise NotUnderstood
        text = self.parameters.fill(marked.text)
        if re.match(r"https?://", text, re.IGNORECASE):
            return text
        if marked.kind == "site":
            local = re.match(r"localhost\b|\d", text) is not None
            return f"{'http' if local else 'https'}://{text}"
        raise NotUnderstood


Meaning = Callable[[Reader, "re.Match[str]"], Intent]


@dataclass(frozen=True)
class Rule:
    """What the clauses of one form mean."""

    form: str
    meaning: Meaning

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The form, compiled when the first clause asks: all of them take 0.3 s, too long for each start of a host."""
        return re.compile(self.form, re.IGNORECASE)


def rule_adder(rules: list[Rule]) -> Callable[..., Callable[[Meaning], Meaning]]:
    """A decorator that adds what a clause means to `rules`, under the patterns it is given."""

    def rule(*patterns: str) -> Callable[[Meaning], Meaning]:
        def add(meaning: Meaning) -> Meaning:
            rules.extend(Rule(pattern, meaning) for pattern in patterns)
            return meaning

        return add

    return rule
