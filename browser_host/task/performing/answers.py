"""How a page answers what a press has sent to it: a refusal is found, also where it comes a moment later.

A press that sends nothing is not looked at any further. One that does is looked at as long as its own requests are
under way, and a moment longer, so that what the page shows of their answers is seen.
"""

from __future__ import annotations

import re
from types import TracebackType
from typing import Any

from browser_host.browser import Document, DocumentReplaced, Page, PageClosed
from browser_host.clock import Clock
from browser_host.task.page_script import look
from browser_host.task.said import Message, Said

_LONGEST = 3.0
"""Seconds in which a page is waited for that is to answer."""
_BY_TIMER = 1.5
"""Seconds for one that left itself a timer, or sends over a web socket: how long that takes cannot be seen."""
_SHOWS_WITHIN = 0.3
"""Seconds in which a page shows what it was answered."""
_LOOK_AGAIN = 0.25


class Answer:
    """The answer to one press."""

    def __init__(
        self, page: Page, document: Document, clock: Clock, sends: dict[str, Any], said: dict[str, Any]
    ) -> None:
        """`sends` and `said` are what the page's script tells of the form, and of what the page said before."""
        self._page = page
        self._document = document
        self._clock = clock
        self._form = sends
        self._before = Said.of(said)
        self._known: frozenset[Message] = frozenset(self._before.messages)
        self._requests = page.requests()
        self._socket_messages = page.sends_so_far()

    def __enter__(self) -> Answer:
        """The press comes now."""
        self._requests.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Its answer matters no more."""
        self._requests.__exit__(kind, error, where)

    async def refusal(self, seen: dict[str, Any], left: float) -> str:
        """Why the page does not take what the press has sent, in its own words; "" where nothing says so.

        `seen` is the effect of the press, and `left` the seconds that its action may still take.

        Raises:
            BrowserError: the page does not answer.
        """
        try:
            return await self._refusal(seen, min(left, _LONGEST))
        except (DocumentReplaced, PageClosed):
            return ""  # it goes on and on, or went away

    async def _refusal(self, seen: dict[str, Any], patience: float) -> str:
        began = self._clock.monotonic()
        text, changed, since = None, False, began
        while True:
            said = Said.of(await look(self._document, "saying", {"form": self._form["form"]}, timeout=0))
            now = self._clock.monotonic()
            anew = said.document != self._before.document
            if not self._sent(anew, seen):
                return ""
            if words := self._refused(said, anew):
                return words
            under_way = self._requests.under_way()
            if text is None or under_way or _unlike(said.text, text):
                text, changed, since = said.text, text is not None, now
            if now - began >= patience:
                return ""
            if not under_way and (self._went_on(said) or not self._owes(seen, anew, changed, now - began, now - since)):
                return ""
            await look(self._page, "pause", timeout=_LOOK_AGAIN)

    def _sent(self, anew: bool, seen: dict[str, Any]) -> bool:
        """Whether the press has sent anything: a form, or a request where fields were filled in, or by its own name."""
        if self._requests.count or seen.get("submitted") or self._form["named"]:
            return True
        return bool(anew and self._form["submits"])

    def _refused(self, said: Said, anew: bool) -> str:
        # What goes away by the press and comes back is new.
        self._known &= frozenset(said.messages)
        posts = self._form["form"].startswith("post,")
        # The same form with the same error is the same refusal once more.
        again = self._requests.refused or (anew and posts and said.there and said.url == self._before.url)
        return said.refusal(self._before, frozenset() if again else self._known)

    def _went_on(self, said: Said) -> bool:
        """Whether the page shows by more than words that it took what was sent."""
        return said.url != self._before.url or not said.there or said.emptied or said.succeeds(self._before)

    def _owes(self, seen: dict[str, Any], anew: bool, changed: bool, waited: float, still: float) -> bool:
        """Whether something of an answer may come yet: seconds since the press, and since the page changed last."""
        if anew or changed or self._requests.count:
            return still < _SHOWS_WITHIN
        by_itself = seen.get("timed") or self._page.sends_so_far() > self._socket_messages
        return bool(by_itself) and waited < _BY_TIMER


def _unlike(text: str, other: str) -> bool:
    """Whether two texts differ in more than numbers, as a clock's do."""
    return re.sub(r"[\d:.,]+", "#", text) != re.sub(r"[\d:.,]+", "#", other)
