"""What a model is told of a page: each thing that can be acted on, in page order, and the page's text in part.

A line has one thing, or several of one role that have nothing but a name: then only the first is called by its role.
Element numbers (e12) stay the same as long as the document lives, so that later observations need only tell what has
changed. Secret texts never leave the host: the caller scrubs what is written here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from browser_host.task.survey import Item, Survey

MOST_LINES = 250
"""Elements that are listed at once; the model is told how many more there are."""
_MOST_IN_LINE = 8
_NAME = 90
_VALUE = 120
_CONTEXT = 60
_TEXT = 1500
_NEW_TEXT = 800


@dataclass(frozen=True, slots=True)
class Observation:
    """A page as it was told."""

    url: str
    lines: tuple[str, ...]
    """One for each thing."""
    texts: frozenset[str]
    """All lines of the page's text."""
    items: dict[str, Item]
    """What each element number stands for."""
    words: str
    """What the model reads."""


def observe(survey: Survey, before: Observation | None = None) -> Observation:
    """Put a survey into words; after an observation of the same document only what is new or gone."""
    shown = [item for item in survey.items if item.type != "hidden"]
    alike = Counter((item.role, item.name) for item in shown)
    lines = [_line(item, alike[item.role, item.name] > 1) for item in shown]
    texts = list(survey.lines())
    head = [f"url: {survey.url}", f"title: {survey.title[:200]}"]
    head += [f"{kind}: {text[:300]}" for kind, text in dict.fromkeys(survey.messages)][:6]
    if before is not None and _same_document(before, survey, lines):
        words = _difference(head, lines, texts, before)
    else:
        told = {survey.title, *(text for item in shown for text in (item.name, item.value, _where(item)))}
        words = _whole(head, _in_few_lines(shown[:MOST_LINES], lines), len(shown), texts, told)
    return Observation(survey.url, tuple(lines), frozenset(texts), {f"e{item.id}": item for item in shown}, words)


def _same_document(before: Observation, survey: Survey, lines: list[str]) -> bool:
    """Whether most of what was there is there still; otherwise the whole page is shorter to read."""
    if before.url.split("#")[0].split("?")[0] != survey.url.split("#")[0].split("?")[0]:
        return False
    return len(set(before.lines) & set(lines)) * 2 >= max(len(before.lines), len(lines), 1)


def _whole(head: list[str], lines: list[str], count: int, texts: list[str], told: set[str]) -> str:
    rest = count - MOST_LINES
    more = [f"({rest} more elements: scroll, or use read_page)"] if rest > 0 else []
    prose = [text for text in texts if text not in told]
    return "\n".join([*head, "elements:", *lines, *more, "text:", _cut(prose, _TEXT)])


def _in_few_lines(shown: list[Item], lines: list[str]) -> list[str]:
    """Put neighbours of one role that have nothing but their names into one line."""
    found: list[list[str]] = []
    role = ""
    for item, line in zip(shown, lines, strict=False):
        number, _, rest = line.partition(" ")
        plain = item.role != "" and rest == f"{item.role} {_called(item)}"
        if plain and role == item.role and len(found[-1]) < _MOST_IN_LINE:
            found[-1].append(f"{number} {_called(item)}")
        else:
            found.append([line])
        role = item.role if plain else ""
    return [", ".join(parts) for parts in found]


def _difference(head: list[str], lines: list[str], texts: list[str], before: Observation) -> str:
    known = set(before.lines)
    new = [line for line in lines if line not in known]
    there = set(lines)
    gone = [line.split(" ", 1)[0] for line in before.lines if line not in there]
    changed = {line.split(" ", 1)[0] for line in new}
    gone = [number for number in gone if number not in changed]
    parts = [*head]
    if new:
        parts += ["new or changed elements:", *new[:MOST_LINES]]
    if gone:
        parts.append(f"gone: {' '.join(gone[:60])}")
    prose = [text for text in texts if text not in before.texts]
    if prose:
        parts += ["new text:", _cut(prose, _NEW_TEXT)]
    if not (new or gone or prose):
        parts.append("nothing else changed")
    return "\n".join(parts)


def _line(item: Item, alike: bool) -> str:
    words = [f"e{item.id}", item.role or "element", _called(item)]
    if item.sign:
        words.append(f"({item.sign})")
    if item.type == "password":
        words.append("(password)")
    if item.value and item.role not in ("button", "link", "option"):
        words.append(f'= "{item.value[:_VALUE]}"')
    elif item.filled and item.secret:
        words.append("= (filled)")
    if item.checked:
        words.append("checked")
    if item.expanded:
        words.append("expanded" if item.expanded == "true" else "collapsed")
    words += [word for word, true in (("required", item.required), ("invalid", item.invalid)) if true]
    words += [word for word, true in (("disabled", item.disabled), ("in a dialog", item.dialog)) if true]
    if item.frame:
        words.append(f'in frame "{item.frame[:_CONTEXT]}"')
    if alike and (where := _where(item)):
        words.append(f'in "{where}"')
    return " ".join(words)


def _called(item: Item) -> str:
    """Its name, with no quotes in it: a page's words cannot look like another element."""
    name = (item.name or item.text or _weak(item))[:_NAME]
    return '"{}"'.format(name.replace('"', "'"))


def _where(item: Item) -> str:
    """The part of the page that it is in, where that says more than its name."""
    return next((where[:_CONTEXT] for where in (item.part, item.context) if where not in ("", item.name)), "")


def _weak(item: Item) -> str:
    return next(iter(item.names), "")


def _cut(texts: list[str], most: int) -> str:
    text = "\n".join(dict.fromkeys(texts))
    return text if len(text) <= most else f"{text[:most]}\n(cut: use read_page for the rest of {len(text)} characters)"
