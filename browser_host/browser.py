"""What the task engine needs of a browser, and nothing more.

The engine (`browser_host.task`) sees only these protocols; `playwright_browser` and `playwright_page` implement
them. Every call is bounded by its `timeout` in seconds, also on a page that hangs in an endless loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from browser_host.pages import Dialogs, OpenPage, PageLog


class BrowserError(Exception):
    """A call to the browser failed; the subclasses say how."""


class BrowserGone(BrowserError):
    """The browser's process has ended, or is being closed."""


class PageCrashed(BrowserError):
    """The page's process has ended; the browser lives on."""


class PageClosed(BrowserError):
    """The tab was closed; the browser lives on."""


class PageUnresponsive(BrowserError):
    """The page did not answer within the timeout."""


class DocumentReplaced(BrowserError):
    """The page moved to another document during the call, so the call's answer is lost."""


class NavigationFailed(BrowserError):
    """A page could not be loaded; the message has the browser's own words."""


class NavigationBlocked(NavigationFailed):
    """The session's egress policy does not let the browser there; the message says what and why."""


class NavigationProxyFailed(NavigationFailed):
    """The session's proxy did not let the browser through; the message has what it said."""


class ScriptFailed(BrowserError):
    """A function that ran in the page threw; the message has the exception."""


class FilesNotPlaced(BrowserError):
    """Files could not be put where the browser reads them; the message says why."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that the host holds for a page, for a moment."""

    path: Path
    file_name: str
    """What pages see."""
    size: int


@dataclass(frozen=True, slots=True)
class Navigation:
    """How loading a page ended."""

    url: str
    status: int | None
    """HTTP status of the main document; None for pages that have none (about:blank, same-document moves)."""


class Requests(Protocol):
    """What a page's scripts ask of servers while it is entered: what begins at once, and what follows from it."""

    count: int
    """How many requests there were."""
    refused: bool
    """One of them was answered with a status of 400 or more."""

    def under_way(self) -> bool:
        """Whether one of them has no answer yet."""

    def __enter__(self) -> Requests: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None: ...


class Document(Protocol):
    """What a script can run in: the main frame of a tab, or a frame that the main frame's scripts cannot reach."""

    async def evaluate(self, function: str, argument: Any = None, *, timeout: float) -> Any:
        """Like `Page.evaluate`, in this document."""

    async def loaded(self, *, timeout: float) -> bool:
        """Wait while it is between two documents."""

    async def frames(self, function: str, *, timeout: float) -> Sequence[Frame]:
        """The frames whose elements `function` brings as an array, in its order.

        Raises:
            DocumentReplaced.
        """

    async def listens(self, function: str, *, timeout: float) -> bool:
        """Whether anything listens to presses on one of the nodes that `function` brings as an array, or on the window.

        The first node counts with all that is in it. True where it cannot be told.
        """

    async def hand_listeners(self, function: str, *, timeout: float) -> None:
        """Call `function` with the elements that listen to presses themselves and were not handed over before.

        At most 200 at a time: the rest comes with the next calls. Without effect where they cannot be told.
        """


class Frame(Document, Protocol):
    """A document inside a page, of another origin, in the page's process or in one of its own.

    Its calls raise DocumentReplaced when it is gone; the page lives on.
    """

    parent: Document
    """The document that it is in."""
    number: int
    """From 1; it keeps it as long as the page lives."""


class Page(Document, Protocol):
    """One open tab.

    Every call may raise BrowserGone, PageCrashed, PageClosed, and PageUnresponsive when its time is over.
    """

    @property
    def url(self) -> str:
        """The current URL; known without asking the page."""

    async def title(self, *, timeout: float) -> str:
        """The document's title."""

    async def goto(self, url: str, *, timeout: float) -> Navigation:
        """Load `url` and wait until its document is ready (DOMContentLoaded).

        Raises:
            NavigationFailed: no server, no such name, aborted, or not loaded in time; NavigationBlocked,
                NavigationProxyFailed.
        """

    async def back(self, *, timeout: float) -> Navigation | None:
        """Go one page back; None when there is no earlier page. Raises like `goto`."""

    async def reload(self, *, timeout: float) -> Navigation:
        """Load the page again; raises like `goto`."""

    async def evaluate(self, function: str, argument: Any = None, *, timeout: float) -> Any:
        """Call the JavaScript `function` (source text of a function of one argument) in the main frame.

        It runs in a world of its own: it shares the document with the page, but no globals, so the page can
        neither see nor change what it uses; globals that it sets stay until the document goes. The answer is what
        it returns or resolves to, JSON-typed; return `JSON.stringify(...)` for large answers.

        Raises:
            DocumentReplaced: the document went away; the function may have run.
            PageUnresponsive: no answer in time; a loop that held the page was ended if that was possible.
            ScriptFailed: the function threw.
        """

    async def mouse_move(self, x: float, y: float, *, timeout: float) -> None:
        """Move the pointer to a point of the visible area, in CSS pixels."""

    async def mouse_click(self, x: float, y: float, *, click_count: int = 1, timeout: float) -> None:
        """Move to a point and click there with the left button."""

    async def mouse_drag(self, path: Sequence[tuple[float, float]], *, timeout: float) -> None:
        """Press the left button at the first point, go through the others in small steps, let go at the last."""

    async def mouse_wheel(self, delta_x: float, delta_y: float, *, timeout: float) -> None:
        """Turn the wheel at the pointer's place."""

    async def press_key(self, key: str, *, timeout: float) -> None:
        """Press a key or chord in DOM names, for example "Enter" or "Control+A".

        Raises:
            ValueError: there is no such key.
        """

    async def insert_text(self, text: str, *, timeout: float) -> None:
        """Type `text` into what has the focus, as one input."""

    async def set_files(self, field: str, files: Sequence[HeldFile], *, timeout: float) -> None:
        """Give copies of `files` to the file field that the JavaScript function `field` returns, for what it has.

        It runs where `evaluate` does. The field fires `input` and `change` as if a person had chosen.

        Raises:
            DocumentReplaced: there is no such field any more.
            FilesNotPlaced.
        """

    async def file_chooser(self, keep: str, argument: Any, *, timeout: float) -> Any:
        """Wait for a page to open a file chooser, hand its field to the JavaScript function `keep`, with `argument`.

        Choosers are never shown. One that opened before `forget_file_chooser` does not count. Returns what `keep` does;
        None when none was opened within the time.

        Raises:
            DocumentReplaced: its field cannot be reached from the main frame's document.
        """

    def forget_file_chooser(self) -> None:
        """A file chooser that was opened before now is nobody's."""

    async def screenshot(self, *, timeout: float) -> bytes:
        """A JPEG picture of the visible area."""

    async def pdf(self, *, timeout: float) -> bytes:
        """The whole page as it prints, with its backgrounds, as a PDF."""

    def effects_so_far(self) -> int:
        """A number that grows with each download, dialog, new tab and navigation this page has caused.

        The engine compares it before and after a click to see effects that the document does not show.
        """

    async def effect_after(self, seen: int) -> None:
        """Return as soon as `effects_so_far()` is larger than `seen`; the caller bounds it."""

    def sends_so_far(self) -> int:
        """A number that grows with each message that the page sends over a web socket."""

    def requests(self) -> Requests:
        """The requests of its scripts, once it is entered."""

    async def loaded(self, *, timeout: float) -> bool:
        """Wait while a navigation of the main frame is under way, until its document is ready; and for a new tab.

        Returns whether there was one to wait for; at once, when there is none.

        Raises:
            NavigationFailed: not loaded in time, or it ended on the browser's own error page.
        """


class Browser(Protocol):
    """A live browser of one session."""

    @property
    def dialogs(self) -> Dialogs:
        """How its dialogs are answered."""

    @property
    def page_log(self) -> PageLog:
        """What happened to its tabs and dialogs."""

    async def pages(self) -> list[OpenPage]:
        """The open tabs, in the order of their opening; a title as last known when its page does not answer in 1 s."""

    async def show_page(self, page_id: str) -> None:
        """Bring a tab to the front; nothing when it is not there any more.

        Raises:
            BrowserGone.
        """

    async def open_page(self) -> None:
        """Open a blank tab, which is in front then.

        Raises:
            BrowserGone.
            PageClosed: there are as many as there may be.
        """

    async def close_page(self, page_id: str) -> None:
        """Close a tab, without asking its page; nothing when it is not there any more. Returns when it is gone.

        Raises:
            BrowserGone.
            PageUnresponsive: it is still there.
        """

    async def current_page(self) -> Page:
        """The tab in front; a new blank one when none is left or the last one crashed.

        Raises:
            BrowserGone.
        """
