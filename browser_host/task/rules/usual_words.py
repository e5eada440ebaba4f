"""Brings clauses that no rule reads as they are into the words that rules know: wishes, asides, and synonyms.

Only what a clause begins and ends with is touched, never what stands in a value.
"""

from __future__ import annotations

import re

from browser_host.task.prompt_text import CUT, V

_WISH = re.compile(
    r"(?:(?:so|then|and|well|ok(?:ay)?|there|in the end|lastly|as a last step)\b,?\s+"
    r"|(?:once|when|after) (?:you|that|it)(?: (?:are|is)|['\u2019](?:re|s)) (?:there|done|open|loaded)\b,?\s+"
    r"|(?:i|we)(?: would|['\u2019]d)? (?:like|love|want|need)(?: (?:you|it))? to\s+"
    r"|(?:could|can|would|will) you(?: please)?\s+|you (?:should|need to|have to|can|may)\s+"
    r"|let['\u2019]?s\s+|(?:try|make sure|be sure|remember|go ahead and|do)(?: to)?\s+|please\s+|just\s+|simply\s+)",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r",?\s+(?:please|afterwards|for me|as well|too|right away|right now|if you (?:can|would|will)|thanks|thank you|"
    r"(?:on|in|of) (?:this|the|that) (?:page|site|website|screen))$",
    re.IGNORECASE,
)
_BECAUSE = re.compile(
    rf"(?P<who>{V}|[A-Z][\w-]*(?: [A-Z][\w-]*)?) (?:is|has|wants|needs|will|would)\b[^\uf8ff]*?,? so (?:please )?"
    r"(?P<rest>[^\uf8ff]*?\b)(?:him|her|them|it)\b(?P<end>[^\uf8ff]*)"
)
"""Somebody, why, and what is to be done about them."""


def _synonyms(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rf"{pattern}(?!\w)", re.IGNORECASE), usual) for pattern, usual in pairs)


_CART = r"(?=[^\uf8ff]*\b(?:cart|basket|bag|trolley)$)"
_VERBS = _synonyms(
    (r"(?:erase|wipe|get rid of|throw (?:away|out)|discard|trash|scrap)(?= \w)", "delete"),
    (r"(?:amend|alter|adjust|revise|correct|modify)", "change"),
    (r"(?:make|set up|start)(?: me)?(?= (?:an?|another|one|a new|the new) )", "create"),
    # Who opens a document wants to see one; of these, and of what is new, there is none yet.
    (r"open(?: me)?(?= (?:(?:a|another|the) new |(?:an?|another) (?:account|bug|case|issue|ticket)\b))", "create"),
    (r"(?:key in|punch in|jot down|note down)", "type"),
    (r"(?:locate|hunt for|track down|look for|look up|bring up|pull up)", "find"),
    (r"(?:view|look at|have a look at|take (?:me|us) to|show(?: me| us)?|visit|inspect|display)", "open"),
    (r"(?:head(?: over)?|jump|move|get|return|come back|navigate|browse|switch|change over)(?: back)? to", "go to"),
    (r"(?:unmark|deselect|clear the check ?box(?: for| of)?)", "uncheck"),
    (rf"(?:place|throw|toss|stick|pop|drop|include|move){_CART}", "put"),
    (r"(?:store|keep|apply|commit|update)(?= (?:it|this|them|changes|(?:the|your|my|these|those|all) "
     r"(?:changes?|edits?))$)", "save"),
    (r"(?:sign|log) me (?=in|out)", "log "),
    (r"(?:get in|log on|sign on)(?= to| with| as|$)", "log in"),
)  # fmt: skip


def in_usual_words(clauses: str) -> str:
    """Clauses, joined by cuts, each in the words that rules know; as they are where nothing is to be changed."""
    return CUT.join(_usual(clause) for clause in clauses.split(CUT))


def _usual(clause: str) -> str:
    reason = _BECAUSE.fullmatch(clause)
    if reason:
        clause = f"{reason['rest']}{reason['who']}{reason['end']}"
    while (wish := _WISH.match(clause)) and wish.end() < len(clause):
        clause = clause[wish.end() :]
    while aside := _ASIDE.search(clause):
        clause = clause[: aside.start()]
    for pattern, usual in _VERBS:
        found = pattern.match(clause)
        if found:
            return f"{usual}{clause[found.end() :]}"
    return clause
