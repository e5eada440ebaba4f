"""Prepares a prompt for the grammar: values become single marks, and the places where clauses may end are marked.

Whatever is quoted, a URL, an address, a number with decimals or a {{hole}} is one mark, so nothing in a value can be
taken for grammar. Marks are characters of the private use area; prompts that have such characters are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.values import HOLE

CUT = "\uf8ff"
"""Stands where a clause may end."""
V = "[\ue000-\uf8fe]"
"""Matches one value mark."""
_FIRST = 0xE000
_MOST = 0x1800

_QUOTED = re.compile(
    r"\"(?P<a>[^\"\n]*)\"|\u201c(?P<b>[^\u201d\n]*)\u201d|\u2018(?P<c>[^\u2019\n]*)\u2019(?!\w)|\u2039"
    r"(?P<d>[^\u203a\n]*)\u203a|\u00ab(?P<e>[^\u00bb\n]*)\u00bb|`(?P<f>[^`\n]*)`|"
    r"(?<![\w'])'(?P<g>(?:[^'\n]|(?<=\w)'(?=\w))*)'(?!\w)"
)
_URL = re.compile(r"\bhttps?://[^\s\"'<>]+?(?=[.,;:!?)]*(?:\s|$|[\ue000-\uf8ff]))", re.IGNORECASE)
_TOKEN_WITH_HOLE = re.compile(r"[^\s,;]*\{\{[^{}\n]*\}\}[^\s,;]*?(?=[.,;:!?)]*(?:\s|$))")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SITE = re.compile(
    r"\b(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,})(?::\d+)?"
    r"(?:/[^\s,;]*?)?(?=[.,;:!?)]*(?:\s|$))",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])[$€£]?\d+(?:[.,]\d+)+(?![\w])")

VERBS = (
    "go|navigate|open|visit|browse|load|log|login|sign|find|search|look|shop|show|click|double-click|press|push|tap|hit|"
    "enter|type|fill|set|input|write|clear|select|choose|pick|check|uncheck|tick|untick|enable|disable|wait|extract|"
    "get|read|return|scrape|list|add|put|complete|finish|checkout|proceed|place|confirm|submit|scroll|hover|reload|"
    "refresh|turn|save|submit|create|insert|delete|drop|edit|change|update|replace|register|mark|tell|send|run|execute|"
    "upload|attach|rename|expand|copy|paste|highlight|drag|resize|sort|solve|focus|buy|book|use|remove|view|assign|"
    "erase|discard|untick|unmark|apply|do the same|move (?:it|him|her|them|the)|"
    "make (?:an?|the|me|him|her|it)|give (?:it|him|her|them|me)|"
    # Words that end names of buttons too ("Save and close"): only with what makes them a clause.
    "switch(?: back)? to|change to|accept (?:the|this)|dismiss (?:the|this)|decline (?:the|this)|answer|"
    "close (?:the|this)|cancel (?:the|this)"
)
_DOING = (
    "click|press|open|change|set|choose|select|pick|enter|type|fill|check|tick|uncheck|find|search|delete|remove|add|"
    "edit|rename|create"
)
"""Verbs that are hardly anything else."""
_POLITE = (
    r"(?:please|kindly|also|now|next|finally|first(?! name)|afterwards|after (?:that|this)|can you|could you)\s*,?\s*"
)


def sites_in(prompt: str) -> frozenset[str]:
    """The host names that a prompt names, in URLs or bare."""
    urls = [urlsplit(found[0]).hostname or "" for found in _URL.finditer(prompt)]
    bare = [found[0].split("/")[0].rsplit(":", 1)[0] for found in _SITE.finditer(_ADDRESS.sub(" ", prompt))]
    return frozenset(host.lower() for host in (*urls, *bare) if host)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a prompt, without its quotes; holes are still open."""

    kind: str
    """quoted, url, address, site, number or hole."""
    text: str


class PromptText:
    """A prompt whose values are marks; `clauses` are its smallest possible parts."""

    def __init__(self, prompt: str) -> None:
        """Mark values and cuts.

        Raises:
            Failed: NEEDS_MODEL, the quotes do not match, or the prompt is empty.
        """
        if re.search(r"[\ue000-\uf8ff]", prompt):
            raise Failed(NEEDS_MODEL, "the prompt has private-use characters, which have no meaning here")
        self._values: list[Value] = []
        text = prompt.replace("\r\n", "\n")
        text = _QUOTED.sub(
            lambda match: self._mark("quoted", next(one for one in match.groups() if one is not None)), text
        )
        for kind, pattern in (
            ("hole", _TOKEN_WITH_HOLE),
            ("url", _URL),
            ("address", _ADDRESS),
            ("number", _NUMBER),
            ("site", _SITE),
        ):
            text = pattern.sub(lambda match, kind=kind: self._mark(kind, match[0]), text)  # type: ignore[misc]
        if re.search(r"[\"\u201c\u201d\u2039\u203a\u00ab\u00bb`]|(?<!\w)'|'(?!\w)", text):
            raise Failed(NEEDS_MODEL, "the quotes of the prompt do not match; nothing was done")
        self.clauses = [_bare(part) for part in _cut(text).split(CUT)]
        self.clauses = [part for part in self.clauses if part]
        if not self.clauses:
            raise Failed(NEEDS_MODEL, "the prompt says nothing to do")

    def _mark(self, kind: str, text: str) -> str:
        if len(self._values) >= _MOST:
            raise Failed(NEEDS_MODEL, f"the prompt has more than {_MOST} values")
        # Marks within a value, such as a URL in quotes, are put back first: a value is one text.
        self._values.append(Value(kind, self.plain(text)))
        return chr(_FIRST + len(self._values) - 1)

    def value(self, mark: str) -> Value | None:
        """The value that a text is, if it is a single mark."""
        return self._values[ord(mark) - _FIRST] if re.fullmatch(V, mark) else None

    def plain(self, text: str) -> str:
        """The text with its values back in their places, without quotes."""
        return re.sub(V, lambda match: self._values[ord(match[0]) - _FIRST].text, text).replace(CUT, " ")

    def shown(self, text: str, hide: bool) -> str:
        """The text as the person wrote it, more or less; its values hidden if they may be secret."""
        return re.sub(V, lambda match: self._shown(self._values[ord(match[0]) - _FIRST], hide), text).replace(CUT, ", ")

    def _shown(self, value: Value, hide: bool) -> str:
        if hide and value.kind not in ("url", "site", "hole"):
            return "•••"
        return f"'{value.text}'" if value.kind == "quoted" else value.text

    def has_hole(self, text: str) -> bool:
        """Whether a parameter stands in the text."""
        return HOLE.search(self.plain(text)) is not None


def _cut(text: str) -> str:
    """Put a cut wherever a clause may end."""
    text = re.sub(r"(?m)^\s*(?:\d{1,2}[.)]|[-*•])\s+", CUT, text)
    text = re.sub(r"\s*\n+\s*", CUT, text)
    # "the What needs to be done? box": a question that is a field's name ends nothing.
    text = re.sub(r"\s*(?:[.;!]+|\?+(?!\s+(?:field|box|input|question)\b))(?=\s|$)\s*", CUT, text)
    text = re.sub(
        rf"(?i)\b((?:edit|update) (?:this|the|my) \w+|(?:edit|open) [^:;.,\uf8ff]{{3,60}}(?=:\s+(?:{VERBS})\b)"
        r"|(?:edit|open) [^:;.,\uf8ff]{3,60}(?=:\s+(?:the|its|his|her)\s[\w ]+\s(?:is|should be|to)\s)):\s+",
        rf"\1{CUT}",
        text,
    )
    # "In the table orders, find …": where something is done, said first.
    text = re.sub(
        rf"(?i)(^|{CUT})((?:under|in|on|at|inside) (?!which|what|how|case)[^,;{CUT}]{{2,40}}?)(?:,\s*|\s+)"
        rf"(?=(?:{_DOING})\s)",
        rf"\1\2{CUT}",
        text,
    )
    text = re.sub(r"(?i)\s*,?\s+(?:and\s+)?(?:then|after that|afterwards)\b\s*,?\s*", CUT, text)
    return re.sub(rf"(?i)(?:\s*,\s*and\s+|\s*,\s*|\s+and\s+|\s+&\s+)(?=(?:{_POLITE})*(?:{VERBS})\b)", CUT, text)


def _bare(clause: str) -> str:
    clause = " ".join(clause.split()).strip(" ,.;:!")
    return (
        re.sub(rf"(?i)^(?:(?:and|then|{_POLITE})\s*)+(?=\S)", "", clause)
        if re.match(
            r"(?i)(and|then|please|kindly|also|now|next|finally|first|afterwards|after (?:that|this)|can you|could you"
            r")\b",
            clause,
        )
        else clause
    )
