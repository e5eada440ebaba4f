"""Finds passwords and the like in a prompt, so that nobody is shown them again.

The host gets them beside the prompt and keeps them out of events, messages and models. What is stored
of the prompt for people has a mask in their place; what the host gets is sealed while it waits.
"""

from __future__ import annotations

import re

MASK = "•••"
_WHAT = r"(?:pass(?:word|phrase|code)?|pwd|pin|secret|token|cvv|cvc|security code|card number|api key)"
_QUOTED = r"\"[^\"\n]+\"|'[^'\n]+'|\u201c[^\u201d\n]+\u201d|\u2018[^\u2019\n]+\u2019|`[^`\n]+`"
_BARE = r"(?!\{\{)(?=\S*[^\sA-Za-z.,;:!?])\S{4,}(?<![.,;:!?])"
"""A word that no sentence would have; a hole stands for what is no secret of this text."""
_AFTER = re.compile(
    rf"\b{_WHAT}\b(?:\s+field)?\s*(?:is|are|with|to|of|=|:)?\s*(?P<value>{_QUOTED}|{_BARE})", re.IGNORECASE
)
_BEFORE = re.compile(
    rf"(?P<value>{_QUOTED}|(?<!\S){_BARE})\s+(?:in|into|as|for)\s+(?:(?:the|my|your|his|her|new|old|current)\s+)*{_WHAT}\b",
    re.IGNORECASE,
)


def secrets_in(prompt: str) -> list[str]:
    """The secret texts of a prompt, without their quotes, each once, in their order."""
    found = [
        (match.start("value"), match["value"]) for pattern in (_AFTER, _BEFORE) for match in pattern.finditer(prompt)
    ]
    texts = [value[1:-1] if value[0] in "\"'`\u201c\u2018" else value for _, value in sorted(found)]
    return list(dict.fromkeys(text for text in texts if not re.fullmatch(r"\{\{.*\}\}", text)))


def without_secrets(prompt: str, secrets: list[str]) -> str:
    """The prompt as people are shown it."""
    for secret in sorted(secrets, key=len, reverse=True):
        prompt = prompt.replace(secret, MASK)
    return prompt
