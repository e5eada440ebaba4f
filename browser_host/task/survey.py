"""What a page offers at a moment, as planners see it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from browser_host.task.documents import Inner
from browser_host.task.said import LONGEST_LINE, TROUBLE, complaint, lines_of

CART = re.compile(
    r"^\W*((view|see|open|go to|show|my|your|the|shopping)\s+)*(cart|basket|bag|trolley)\W*(\d+\W*(items?|"
    r"products?)?)?\W*$|"
    r"^\W*\d+\W*(items?|products?)?\W*(in )?((my|your|the|shopping)\s+)*(cart|basket|bag|trolley)\W*$",
    re.IGNORECASE,
)
"""The name of a link or button that leads to the cart, with or without how much is in it."""
IN_FRAME = 100_000
"""A frame's items have its number times this added to their own numbers."""
BUTTONS = frozenset({"button", "link", "menuitem", "tab"})
OUTSIDE = frozenset({"header", "banner", "footer", "contentinfo", "nav", "navigation", "search"})
"""Parts of a page that are the same on every page of the site."""
TEXT_FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton"})


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be acted on."""

    ref: int
    """Its number in this survey."""
    id: int
    """Its number as long as its document lives."""
    role: str
    name: str
    type: str
    value: str
    filled: bool
    """It has text or a choice in it; known also where the value itself is secret."""
    secret: bool
    required: bool
    disabled: bool
    readonly: bool
    checked: bool | None
    group: str
    href: str
    form: int
    """Which form of the page it is in; -1 for none."""
    dialog: bool
    landmark: str
    context: str
    invalid: bool
    names: tuple[str, ...]
    """All words by which it may be meant: its name, other visible ones, and those of its attributes."""
    frame: str = ""
    """The frame of another origin that it is in."""
    text: str = ""
    """What stands in it, where it has no role: such a thing has no name of its own."""
    part: str = ""
    """The title of the row, card or group that it is in."""
    sign: str = ""
    """By what a thing without a role shows that it can be pressed: "pointer" (the cursor over it) or "listener"."""
    expanded: str = ""
    """ "true" or "false" where it opens and closes something."""

    @property
    def is_field(self) -> bool:
        """Text can be put into it."""
        return self.role in TEXT_FIELDS and not self.disabled and not self.readonly and self.type != "select-one"


_UNSAID: dict[str, Any] = {
    **dict.fromkeys(("role", "name", "type", "value", "group", "href", "landmark", "context"), ""),
    **dict.fromkeys(("filled", "secret", "required", "disabled", "readonly", "dialog", "invalid"), False),
    "checked": None,
}
"""What the script leaves out."""
_SAID = frozenset(Item.__dataclass_fields__) - {"names", "frame"}


@dataclass(frozen=True, slots=True)
class Survey:
    """A page at a moment."""

    url: str
    title: str
    text: str
    items: tuple[Item, ...]
    messages: tuple[tuple[str, str], ...]
    """What the page says in messages, each with its kind: error, alert, success or notice."""
    closed_frames: int = 0
    """Frames of other origins in it, which tell for themselves what they show."""

    @classmethod
    def of(cls, found: dict[str, Any]) -> Survey:
        """Out of the script's answer."""
        items = tuple(
            Item(
                **{**_UNSAID, **{name: value for name, value in one.items() if name in _SAID}},
                names=tuple(
                    dict.fromkeys(
                        name for name in (one.get("name"), *one.get("others", ()), *one.get("weak", ())) if name
                    )
                ),
            )
            for one in found["items"]
        )
        # A link that is red because it deletes is no message.
        names = {item.name for item in items}
        messages = tuple((one["kind"], one["text"]) for one in found["messages"] if one["text"] not in names)
        return cls(found["url"], found["title"], found["text"], items, messages, found["closedFrames"])

    def own(self) -> Survey:
        """Without what is in frames of other origins: a password for this page is not for them."""
        return replace(self, items=tuple(item for item in self.items if not item.frame))

    def with_frames(self, surveys: Sequence[tuple[Inner, Survey]]) -> Survey:
        """This page with what its frames of other origins show; their numbers begin where the page's end."""
        if not surveys:
            return self
        items, messages, texts = list(self.items), list(self.messages), [self.text]
        for inner, survey in surveys:
            base = inner.document.number
            items += [
                replace(
                    item,
                    ref=base * IN_FRAME + item.ref,
                    id=base * IN_FRAME + item.id,
                    form=item.form if item.form < 0 else base * IN_FRAME + item.form,
                    frame=inner.label,
                )
                for item in survey.items
            ]
            messages += survey.messages
            texts.append(survey.text)
        return replace(self, items=tuple(items), messages=tuple(messages), text="\n".join(texts))

    def buttons(self, pattern: re.Pattern[str], without: re.Pattern[str] | None = None) -> list[Item]:
        """Enabled buttons and links whose name matches."""
        return [
            item
            for item in self.items
            if item.role in BUTTONS
            and not item.disabled
            and pattern.search(item.name)
            and not (without and without.search(item.name))
        ]

    def fields(self, wanted: Callable[[Item], bool]) -> list[Item]:
        """Fields for text that fit."""
        return [item for item in self.items if item.is_field and wanted(item)]

    def trouble(self, before: Survey | None = None) -> str:
        """What the page says went wrong, in its own words; only what it did not say `before`; "" for nothing."""
        if said := self.complaint(before):
            return said
        old_lines = set(before.lines()) if before else set()
        for line in self.lines():
            if line not in old_lines and len(line) <= LONGEST_LINE and before is not None and TROUBLE.search(line):
                return line
        return ""

    def complaint(self, before: Survey | None = None) -> str:
        """What of that it says in messages, not in its plain text."""
        known = set(before.messages) if before else set()
        return complaint(message for message in self.messages if message not in known)

    def lines(self) -> Iterator[str]:
        """The page's text line by line."""
        return lines_of(self.text)
