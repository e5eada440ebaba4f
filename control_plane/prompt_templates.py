"""Takes a prompt apart into a template and the values of its holes: tasks that differ in values only are the same.

A value is what stands in quotes, a mail address, a number, or in the place of a workflow's parameter; a secret is one
wherever it stands. Equal values share a hole. What is not a value belongs to the template: words without quotes make
another task.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from control_plane.prompt_secrets import secrets_in

MOST_VALUES = 50
_VALUE = re.compile(
    r"(?P<q>\"(?P<a>[^\"\n]+)\"|\u201c(?P<b>[^\u201d\n]+)\u201d|\u2018(?P<c>[^\u2019\n]+)\u2019(?!\w)|`(?P<d>[^`\n]+)`|"
    r"(?<![\w'])'(?P<e>(?:[^'\n]|(?<=\w)'(?=\w))+)'(?!\w))|"
    r"(?P<url>\bhttps?://\S+)|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|"
    r"(?P<filled>\x01y+\x01)|"
    r"(?P<listed>(?m:^\s*)\d{1,2}[.)]\s)|(?P<number>(?<![\w.,-])\d+(?:[.,]\d+)*(?![\w-]))"
)
"""URLs and the numbers of a list belong to the template."""
_HOLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")
_FILLED = re.compile("\x01(y+)\x01")


@dataclass(frozen=True, slots=True)
class PromptValue:
    """A value of a prompt, by the name of its hole."""

    name: str
    text: str
    secret: bool


@dataclass(frozen=True, slots=True)
class PromptTemplate:
    """A prompt taken apart."""

    text: str
    """The prompt with {{name}} for each value; values that stood in quotes have single ones around their holes."""
    values: tuple[PromptValue, ...]


def template_key(template: str) -> bytes:
    """The same for templates that differ in nothing but case, spaces and the mark at their end."""
    return hashlib.sha256(" ".join(template.split()).casefold().rstrip(" .!").encode()).digest()


def taken_apart(
    prompt: str, secrets: Sequence[str], parameters: Mapping[str, str] | None = None, secret_names: Sequence[str] = ()
) -> PromptTemplate | None:
    """The template of a prompt; None where it has holes that no parameter fills, or too many values.

    `parameters` are a workflow's, of which those of `secret_names` are secret. None also where one has the name of a
    hole of the template and is another text: a run has one value for each name.
    """
    given = parameters or {}
    if any(mark in text for mark in "\x00\x01" for text in (prompt, *given.values())):
        return None
    names = list(dict.fromkeys(_HOLE.findall(prompt)))
    if any(not given.get(name, "").strip() or "{{" in given[name] for name in names) or "{{" in _HOLE.sub("", prompt):
        return None
    whole = _HOLE.sub(lambda hole: given[hole[1]], prompt)
    said_secret = secrets_in(whole) if names else []
    hidden = [name for name in names if name in secret_names or given[name] in said_secret]
    plain = [given[name] for name in names if name not in hidden]

    def mark(hole: re.Match[str]) -> str:
        return given[hole[1]] if hole[1] in hidden else f"\x01{'y' * (plain.index(given[hole[1]]) + 1)}\x01"

    found = _taken_apart(_HOLE.sub(mark, prompt), [*secrets, *(given[name] for name in hidden)], plain)
    if found is not None and any(given.get(value.name, value.text) != value.text for value in found.values):
        return None
    return found


def _taken_apart(prompt: str, secrets: Sequence[str], filled: Sequence[str]) -> PromptTemplate | None:
    """Take a prompt apart in which marks stand for the texts of `filled`."""
    values: dict[str, PromptValue] = {}
    for number, text in enumerate(dict.fromkeys(secrets), 1):
        values[text] = PromptValue(f"secret_{number}", text, secret=True)
    marked = prompt
    for number, text in enumerate(sorted(values, key=len, reverse=True)):
        marked = marked.replace(text, f"\x00{number}\x00")
    by_mark = sorted(values, key=len, reverse=True)

    def with_filled(text: str) -> str:
        return _FILLED.sub(lambda match: filled[len(match[1]) - 1], text)

    def hole(match: re.Match[str]) -> str:
        if match["url"] or match["listed"]:
            return match[0]
        quoted = next((match[name] for name in "abcde" if match[name] is not None), None)
        text = with_filled(quoted if quoted is not None else match["mail"] or match["number"] or match["filled"])
        if "\x00" in text:
            return f"'{text}'" if quoted is not None else text
        if text not in values:
            plain = sum(not value.secret for value in values.values())
            values[text] = PromptValue(f"value_{plain + 1}", text, secret=False)
        held = f"{{{{{values[text].name}}}}}"
        return f"'{held}'" if quoted is not None else held

    # A mark's own number is no value: it is hidden in letters while values are looked for.
    marked = re.sub("\x00(\\d+)\x00", lambda match: f"\x00{'x' * (int(match[1]) + 1)}\x00", marked)
    text = _VALUE.sub(hole, marked)
    text = re.sub("\x00(x+)\x00", lambda match: f"{{{{{values[by_mark[len(match[1]) - 1]].name}}}}}", text)
    text = with_filled(text)
    if len(values) > MOST_VALUES or "{{" in re.sub(r"\{\{(value|secret)_\d+\}\}", "", text):
        return None
    return PromptTemplate(" ".join(text.split()), tuple(values.values()))
