"""A browser's tabs and dialogs, apart from how they are driven: what is open, how dialogs are answered, what happened.

`playwright_browser` fills these; the task engine and the session read them. Nothing here waits for a browser.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

MOST_EVENTS = 100
"""Kept until a run takes them; of more than these only the number is."""
LONGEST_URL, LONGEST_TITLE, LONGEST_MESSAGE = 2048, 200, 1000


@dataclass(frozen=True, slots=True)
class OpenPage:
    """An open tab."""

    page_id: str
    url: str
    title: str
    """Empty until it is known."""
    opener_page_id: str = ""
    """The tab whose page opened it, while that is open."""
    recency: int = 0
    """0: it is in front; 1: it was before that; and so on."""

    @property
    def current(self) -> bool:
        """It is in front."""
        return self.recency == 0


class CloseCause(Enum):
    """Why a tab is not there any more."""

    CLOSED = "closed"
    CRASHED = "crashed"
    TOO_MANY = "too_many"
    DIALOG_FLOOD = "dialog_flood"
    UNRESPONSIVE = "unresponsive"


@dataclass(frozen=True, slots=True)
class DialogShown:
    """A dialog was shown and answered."""

    kind: str
    """alert, confirm, prompt or beforeunload."""
    message: str
    accepted: bool
    by_action: bool
    page_id: str
    url: str


@dataclass(frozen=True, slots=True)
class PageOpened:
    """A tab was opened."""

    page_id: str
    opener_page_id: str


@dataclass(frozen=True, slots=True)
class PageGone:
    """A tab is not there any more."""

    page_id: str
    cause: CloseCause
    url: str
    replaced_by_page_id: str = ""


PageEvent = DialogShown | PageOpened | PageGone


class PageLog:
    """What happened to tabs and dialogs since somebody asked; bounded to `MOST_EVENTS`, of the rest it counts."""

    def __init__(self) -> None:
        self._events: deque[PageEvent] = deque()
        self._left_out = 0

    def add(self, event: PageEvent) -> None:
        """Note an event."""
        if len(self._events) < MOST_EVENTS:
            self._events.append(event)
        else:
            self._left_out += 1

    def take(self) -> tuple[list[PageEvent], int]:
        """What there is, in order, and how many more there were; afterwards there is nothing."""
        events, left_out = list(self._events), self._left_out
        self._events.clear()
        self._left_out = 0
        return events, left_out


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that pages have done to the session and that is worth knowing as long as it lives."""

    kind: str
    """PAGE_CRASHED or PAGES_CLOSED."""
    message: str


# Dialogs


@dataclass(frozen=True, slots=True)
class Reply:
    """How a dialog is answered."""

    accept: bool
    text: str | None = None
    """For a prompt; None: what the prompt proposes."""
    by_action: bool = False


@dataclass(slots=True, eq=False)
class WantedAnswer:
    """How an action wants the next dialog answered, and what came of it."""

    accept: bool
    text: str | None = field(default=None, repr=False)
    message: str = ""
    """What the dialog's text must have in it."""
    shown: asyncio.Future[DialogShown] = field(init=False)
    """Done when a dialog was answered for this; another one than `message` says was dismissed."""

    def __post_init__(self) -> None:
        self.shown = asyncio.get_running_loop().create_future()

    def means(self, kind: str, message: str) -> bool:
        """Whether a dialog of this kind with this text is the one: a text is for a prompt."""
        return self.message.casefold() in message.casefold() and (self.text is None or kind == "prompt")


class Dialogs:
    """Answers the dialogs of one browser: as the run's next actions want, else as the session's policy says."""

    def __init__(self) -> None:
        self.accept_by_default = False
        self.may_accept: Callable[[str, str], bool] | None = None
        """Asked before a dialog is accepted, with its kind and text; where it says no, the dialog is dismissed.

        What was wanted is still wanted of the next one then.
        """
        self._wanted: deque[WantedAnswer] = deque()

    def expect(self, answers: Iterable[WantedAnswer]) -> None:
        """Answer the next dialogs so, in this order; what was expected before is not any more."""
        self._wanted = deque(answers)

    def answer(self, kind: str, message: str, page_id: str, url: str) -> tuple[Reply, DialogShown]:
        """How to answer a dialog that is shown now, and the record of it."""
        wanted = self._wanted.popleft() if self._wanted else None
        if wanted is None:
            # Nobody is there to stay on the page that the run, or its site, wants to leave.
            reply = Reply(self.accept_by_default or kind in ("alert", "beforeunload"))
        elif wanted.means(kind, message):
            reply = Reply(wanted.accept, wanted.text if kind == "prompt" else None, by_action=True)
        else:
            reply = Reply(accept=False, by_action=True)
        if reply.accept and self.may_accept is not None and not self.may_accept(kind, message):
            reply = Reply(accept=False)
            if wanted is not None:
                self._wanted.appendleft(wanted)
                wanted = None
        shown = DialogShown(
            kind,
            "" if kind == "beforeunload" else message[:LONGEST_MESSAGE],
            reply.accept,
            reply.by_action,
            page_id,
            url[:LONGEST_URL],
        )
        if wanted is not None:
            wanted.shown.set_result(shown)
        return reply, shown
