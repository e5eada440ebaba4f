"""Everything that a page shows at a moment: what can be acted on, texts, coloured boxes, icons, in page order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from browser_host.task.failures import AMBIGUOUS, NOT_FOUND, Failed

_TEXT_TYPES = frozenset({"", "text", "search", "email", "tel", "url", "number", "password", "textarea"})
_TO_SEND = re.compile(
    r"^\W*(submit|send|ok(ay)?|go|search|find|log ?in|sign ?in|continue|next|done|save|apply|confirm)\b", re.IGNORECASE
)
"""Names of buttons that send what was filled in."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that shows."""

    ref: int
    """Its number in this scene."""
    id: int
    """Its number as long as its document lives."""
    role: str
    tag: str
    type: str
    name: str
    text: str
    value: str
    words: str
    """The words of its class attribute."""
    acts: bool
    """It can be acted on."""
    own: bool
    """It has text of its own."""
    icon: bool
    opens: bool
    """Pressing it shows more: a collapsed part, another tab, a menu."""
    checked: bool | None
    disabled: bool
    readonly: bool
    secret: bool
    editable: bool
    color: str
    fore: str
    multiple: bool
    options: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    covered: bool
    """Something else lies over its middle."""
    home: str
    """The words of the class attribute of the element it lies in."""
    list: int
    """The `id` of the element it lies in."""
    dialog: bool
    landmark: str

    @property
    def called(self) -> str:
        """Its name or else its text."""
        return self.name or self.text

    @property
    def is_text_field(self) -> bool:
        """Text can be typed into it."""
        return self.editable and not self.disabled and not self.readonly and self.type in _TEXT_TYPES


@dataclass(frozen=True, slots=True)
class Scene:
    """A page at a moment."""

    url: str
    title: str
    things: tuple[Thing, ...]
    text: str

    @classmethod
    def of(cls, found: dict[str, Any]) -> Scene:
        """Out of the script's answer."""
        things = tuple(Thing(**{**one, "options": tuple(one["options"])}) for one in found["things"])
        return cls(found["url"], found["title"], things, found["text"])

    def all(self, wanted: Callable[[Thing], bool]) -> list[Thing]:
        """Those that fit, in page order."""
        return [thing for thing in self.things if wanted(thing)]

    def text_fields(self, *, large: bool | None = None) -> list[Thing]:
        """Fields for text; only those of many lines with `large`, only those of one line without."""
        return self.all(lambda one: one.is_text_field and large in (None, one.tag == "textarea"))

    def named(self, words: str) -> list[Thing]:
        """What can be acted on and is called exactly so."""
        wanted = folded(words)
        return self.all(lambda one: one.acts and not one.disabled and folded(one.called) == wanted)

    def sender(self, words: str) -> Thing:
        """The button that sends: the one called so, else the only one whose name says that it sends.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        buttons = self.all(lambda one: one.role == "button" and not one.disabled)
        exactly = [one for one in buttons if folded(one.called) == folded(words)]
        sending = [one for one in buttons if _TO_SEND.search(one.called)]
        if not exactly and not sending:
            # A page may draw its button with what is none.
            drawn = self.all(lambda one: one.acts and not one.role and not one.editable and not one.disabled)
            exactly = [one for one in drawn if folded(one.text) == folded(words)]
            sending = [one for one in drawn if _TO_SEND.search(one.text) and len(one.text) <= 30]
        return only(exactly or sending or buttons, f'button to "{words}" with')


def folded(text: str) -> str:
    """A text to compare: without case and needless space."""
    return " ".join(text.split()).lower()


def only(things: Sequence[Thing], what: str) -> Thing:
    """The one that there is.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    if not things:
        raise Failed(NOT_FOUND, f"there is no {what} on the page")
    if len(things) > 1:
        raise Failed(AMBIGUOUS, f"{len(things)} things may be the {what}: {listed(things)}")
    return things[0]


def the_nth(things: Sequence[Thing], nth: int, what: str) -> Thing:
    """The n-th from 1, from the end where it is negative; 0 for the only one.

    Raises:
        Failed: NOT_FOUND, AMBIGUOUS.
    """
    if not nth:
        return only(things, what)
    if abs(nth) > len(things):
        raise Failed(NOT_FOUND, f"there is no {what} number {nth} on the page: there are {len(things)}")
    return things[nth - 1 if nth > 0 else nth]


def listed(things: Iterable[Thing]) -> str:
    """Things in words, the first six."""
    words = [f'{one.role or one.tag} "{one.called[:40]}"' for one in things]
    return ", ".join(words[:6]) + (" …" if len(words) > 6 else "")
