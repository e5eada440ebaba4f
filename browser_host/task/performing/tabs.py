"""Carries out the actions on the browser's tabs and dialogs, and tells what happened to these."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tabkeep.v1 import actions_pb2, runs_pb2
from tabkeep.v1.runs_pb2 import RunEvent

from browser_host.browser import Browser, Page, PageClosed
from browser_host.clock import Clock
from browser_host.pages import CloseCause, DialogShown, OpenPage, PageEvent, PageGone, PageOpened, WantedAnswer
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, Failed, Stopped
from browser_host.task.gate import Gate, NeedsApproval
from browser_host.task.values import Parameters, Secrets
from browser_host.task.wording import which_tab

MOST_TOLD = 100
"""Events of tabs and dialogs of one run."""
LONGEST_QUESTION = 300
"""Characters of a dialog's text that are looked at for what it would do, and shown to a person."""
_POLL = 0.1
_LISTED = 10
_CAUSES = {
    CloseCause.CLOSED: runs_pb2.PAGE_CLOSE_CAUSE_CLOSED,
    CloseCause.CRASHED: runs_pb2.PAGE_CLOSE_CAUSE_CRASHED,
    CloseCause.TOO_MANY: runs_pb2.PAGE_CLOSE_CAUSE_TOO_MANY,
    CloseCause.DIALOG_FLOOD: runs_pb2.PAGE_CLOSE_CAUSE_DIALOG_FLOOD,
    CloseCause.UNRESPONSIVE: runs_pb2.PAGE_CLOSE_CAUSE_UNRESPONSIVE,
}


class Tabs:
    """The tabs and dialogs of a run's browser."""

    def __init__(self, browser: Browser, parameters: Parameters, secrets: Secrets, gate: Gate) -> None:
        """What happened before the run is none of its events; `gate` is asked before a dialog is accepted."""
        self._gate = gate
        self._refused: Failed | NeedsApproval | None = None
        self._browser = browser
        self._parameters = parameters
        self._secrets = secrets
        self._wanted: list[tuple[actions_pb2.Action, WantedAnswer]] = []
        self._told = 0
        self._left_out = False
        browser.page_log.take()
        browser.dialogs.expect(())
        browser.dialogs.may_accept = self._may_accept

    def leave(self) -> None:
        """The run is over: what dialogs are shown from now on are none of its acts."""
        self._browser.dialogs.expect(())
        self._browser.dialogs.may_accept = None

    # Tabs

    async def pages(self) -> list[OpenPage]:
        """The open tabs."""
        return await self._browser.pages()

    async def find(self, which: actions_pb2.WhichTab, clock: Clock, deadline: float) -> OpenPage:
        """The tab that is meant, once it is there.

        Raises:
            Failed: NOT_FOUND at the deadline, AMBIGUOUS.
        """
        while True:
            pages = await self._browser.pages()
            found = matching(pages, which)
            if len(found) == 1:
                return found[0]
            if len(found) > 1:
                raise Failed(AMBIGUOUS, f"{which_tab(which)} is not one but {len(found)}: {_listed(found)}")
            if clock.monotonic() >= deadline:
                raise Failed(NOT_FOUND, f"{which_tab(which)} is not there; open are {_listed(pages)}")
            await asyncio.sleep(_POLL)

    async def current(self) -> Page:
        """The tab in front."""
        return await self._browser.current_page()

    async def show(self, page: OpenPage) -> None:
        """Bring a tab to the front."""
        await self._browser.show_page(page.page_id)

    async def close(self, page: OpenPage) -> None:
        """Close a tab."""
        await self._browser.close_page(page.page_id)

    async def open(self) -> None:
        """Open a tab.

        Raises:
            Failed: there are as many as there may be.
        """
        try:
            await self._browser.open_page()
        except PageClosed as error:
            raise Failed(EXPECTATION_FAILED, str(error)) from None

    # Dialogs

    def expect_dialogs(self, actions: Iterable[actions_pb2.Action]) -> None:
        """The run's next action is followed by these: those that answer dialogs do so for what it brings.

        Raises:
            Failed: an answer's text is not given.
        """
        wanted = []
        for action in actions:
            if action.WhichOneof("kind") != "dialog":
                break
            wanted.append((action, self._answer(action.dialog)))
        self._wanted = wanted
        self._browser.dialogs.expect(answer for _, answer in wanted)

    @contextmanager
    def gated(self, gate: Gate) -> Iterator[None]:
        """Ask `gate` before a dialog is accepted, as long as a step lasts.

        Raises:
            Failed, NeedsApproval: it refused one, which was dismissed.
        """
        before, self._gate, self._refused = self._gate, gate, None
        try:
            yield
        except Failed as failed:
            if self._refused is None or isinstance(failed, Stopped):
                raise
        finally:
            self._gate = before
        if self._refused is not None:
            raise self._refused

    def _may_accept(self, kind: str, message: str) -> bool:
        if kind not in ("confirm", "prompt"):
            return True  # an alert asks nothing, and leaving a page undoes nothing that is done
        try:
            self._gate.accept(self._secrets.scrub(message)[:LONGEST_QUESTION])
        except (Failed, NeedsApproval) as refused:
            self._refused = refused
            return False
        return True

    def wanted(self, action: actions_pb2.Action) -> WantedAnswer:
        """What an action wants answered, which may be answered already."""
        if self._wanted and self._wanted[0][0] == action:
            return self._wanted.pop(0)[1]
        wanted = self._answer(action.dialog)
        self._browser.dialogs.expect([wanted])
        return wanted

    def _answer(self, dialog: actions_pb2.Dialog) -> WantedAnswer:
        text = None
        if dialog.HasField("text"):
            text = self._parameters.value(dialog.text)
            if dialog.text.sensitive:
                self._secrets.add(text)
        accept = dialog.answer == actions_pb2.DIALOG_ANSWER_ACCEPT
        return WantedAnswer(accept, text, dialog.message)

    # Events

    def events(self) -> list[RunEvent]:
        """What happened since this was asked last; of a run no more than `MOST_TOLD` things, then a warning."""
        happened, left_out = self._browser.page_log.take()
        told = happened[: MOST_TOLD - self._told]
        self._told += len(told)
        events = [self._event(one) for one in told]
        if (left_out or len(told) < len(happened)) and not self._left_out:
            self._left_out = True
            message = f"more than {MOST_TOLD} tabs and dialogs were opened and closed: not all of them are told"
            events.append(RunEvent(warning=runs_pb2.Warning(code="PAGE_EVENTS_LEFT_OUT", message=message)))
        return events

    def _event(self, happened: PageEvent) -> RunEvent:
        scrub = self._secrets.scrub
        match happened:
            case DialogShown():
                return RunEvent(
                    dialog_shown=runs_pb2.DialogShown(
                        dialog_type=happened.kind,
                        message=scrub(happened.message),
                        answer=actions_pb2.DIALOG_ANSWER_ACCEPT
                        if happened.accepted
                        else actions_pb2.DIALOG_ANSWER_DISMISS,
                        by_action=happened.by_action,
                        page_id=happened.page_id,
                        url=scrub(happened.url),
                    )
                )
            case PageOpened():
                opened = runs_pb2.PageOpened(page_id=happened.page_id, opener_page_id=happened.opener_page_id)
                return RunEvent(page_opened=opened)
            case PageGone():
                return RunEvent(
                    page_closed=runs_pb2.PageClosed(
                        page_id=happened.page_id,
                        cause=_CAUSES[happened.cause],
                        url=scrub(happened.url),
                        replaced_by_page_id=happened.replaced_by_page_id,
                    )
                )


def matching(pages: Sequence[OpenPage], which: actions_pb2.WhichTab) -> list[OpenPage]:
    """The tabs that are meant."""
    match which.WhichOneof("by"):
        case "index":
            place = which.index - 1 if which.index > 0 else len(pages) + which.index
            return [pages[place]] if 0 <= place < len(pages) else []
        case "title":
            return titled(pages, which.title)
        case "url":
            glob = re.compile(".*".join(map(re.escape, which.url.split("*"))), re.DOTALL)
            return [page for page in pages if glob.fullmatch(page.url)]
        case "page_id":
            return [page for page in pages if page.page_id == which.page_id]
        case "previous":
            return [page for page in pages if page.recency == 1]
    return [page for page in pages if page.current]


def titled(pages: Iterable[OpenPage], title: str) -> list[OpenPage]:
    """The tabs with this title, else those with this in their title; case and blanks are folded."""
    wanted, exact, partly = _folded(title), [], []
    for page in pages:
        shown = _folded(page.title)
        if shown == wanted:
            exact.append(page)
        elif wanted and wanted in shown:
            partly.append(page)
    return exact or partly


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _listed(pages: Sequence[OpenPage]) -> str:
    words = [f'{page.page_id} "{page.title[:60]}" ({page.url[:100]})' for page in pages[:_LISTED]]
    more = f" and {len(pages) - _LISTED} more" if len(pages) > _LISTED else ""
    return (", ".join(words) or "none") + more
