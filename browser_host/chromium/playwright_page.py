"""One tab on Playwright and the DevTools protocol.

Input, scripts and pictures go straight over one DevTools session: the three events of a click travel together,
scripts run in an isolated world, and a page that hangs can be stopped. Playwright itself loads pages, answers
dialogs and reports downloads and new tabs.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from playwright.async_api import CDPSession, Dialog, Error, Response, WebSocket
from playwright.async_api import Page as Tab

from browser_host.browser import (
    BrowserError,
    BrowserGone,
    DocumentReplaced,
    HeldFile,
    Navigation,
    NavigationBlocked,
    NavigationFailed,
    NavigationProxyFailed,
    PageClosed,
    PageCrashed,
    PageUnresponsive,
    ScriptFailed,
)
from browser_host.chromium.playwright_frames import PlaywrightFrame, PlaywrightFrames
from browser_host.chromium.playwright_requests import PlaywrightRequests
from browser_host.file_shelf import FileShelf
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import Refused, check_url
from browser_host.network.upstream import ProxyFailed
from browser_host.pages import Dialogs, Reply

_WORLD = "tabkeep"
_JPEG_QUALITY = 60
_DRAG_STEPS = 12
"""Moves of the pointer from one point of a drag to the next."""
_ERROR_PAGE = "chrome-error://"
_NOT_TUNNELED = "ERR_TUNNEL_CONNECTION_FAILED"
_ANSWERS_OF_OURS = (403, 502)
"""With which the egress proxy answers for a plain http page that it does not reach."""
_BRIEF = 1.0
"""Seconds to wait for a navigation that was announced to begin, and for calls that free a hung page."""
_CLOSE_GRACE = 0.3
"""Seconds within which a lost tab turns out to be a lost browser."""

AnswerDialog = Callable[[str, str], Reply]
_BY_ITSELF = frozenset({"metaTagRefresh", "httpHeaderRefresh"})
_BY_HAND = frozenset({"anchorClick", "formSubmissionGet", "formSubmissionPost"})
"""Why a frame goes to another page: what the page does after a while of its own accord, and what a press can do."""
_HANDLES = "tabkeep"
_MOUSE_EVENTS = re.compile("(dbl)?click|(mouse|pointer)(down|up)|touch(start|end)")
_MOST_HANDED = 200
"""Elements that are handed over at once: each is a call to the browser, of about 0.2 ms."""
_PRESS_EVENTS = re.compile("(dbl)?click|(mouse|pointer|key)(down|up)|touch(start|end)|submit|change|input")

T = TypeVar("T")


class PlaywrightPage:
    """A `browser_host.browser.Page`; made by `open`, which must be awaited before the tab is used."""

    def __init__(
        self, tab: Tab, session: CDPSession, egress: Egress | None, answer: AnswerDialog, shelf: FileShelf | None
    ) -> None:
        """Use `open` instead."""
        self._tab = tab
        self._answer_to = answer
        self._shelf = shelf
        self._chooser: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The DOM's own number of the field whose file chooser was opened."""
        self.suspect = False
        """It has not answered a call; nobody has looked since whether it does again."""
        self._egress = egress
        self._navigating_since = 0.0
        self._error_pages = 0
        self._session = session
        self._world: int | None = None
        self._handed_in: int | None = None
        self._handed: set[int] = set()
        """The DOM's own numbers of the elements that were handed over as listening, in that world."""
        self._main_frame = ""
        self._effects = 0
        self._sends = 0
        self._frames = PlaywrightFrames(tab, session)
        self._effect_waiters: list[asyncio.Future[None]] = []
        self._requested = False
        self._navigating = False
        self._opening = False
        self._moves_by_itself = False
        self._moved = asyncio.Event()
        self._lost: asyncio.Future[BrowserError] = asyncio.get_running_loop().create_future()
        self._context_closed = asyncio.Event()

    @classmethod
    async def open(
        cls,
        tab: Tab,
        egress: Egress | None = None,
        answer: AnswerDialog | None = None,
        shelf: FileShelf | None = None,
    ) -> PlaywrightPage:
        """Attach to a tab; costs about 20 ms once. From then on its dialogs are answered, its file choosers kept back.

        `egress` is the browser's way out, which knows why something was not reached. `answer` says, from a dialog's
        kind and text, how it is answered; without it, as by default. `shelf` is where its browser can read files;
        without one it reads them where they are.
        """
        session = await tab.context.new_cdp_session(tab)
        page = cls(tab, session, egress, answer or _answer_by_default, shelf)
        page._listen()
        await asyncio.gather(
            session.send("Page.enable"), session.send("Page.setInterceptFileChooserDialog", {"enabled": True})
        )
        await page._learn_main_frame()
        return page

    @property
    def tab(self) -> Tab:
        """The Playwright page behind it."""
        return self._tab

    @property
    def url(self) -> str:
        """The current URL."""
        return self._tab.url

    async def title(self, *, timeout: float) -> str:
        """The document's title."""
        while True:
            try:
                return str(await self.evaluate("() => document.title", timeout=timeout))
            except DocumentReplaced:
                await self.loaded(timeout=timeout)

    # Loading

    async def goto(self, url: str, *, timeout: float) -> Navigation:
        """Load `url` until DOMContentLoaded."""
        try:
            check_url(url)
        except Refused as error:
            raise NavigationBlocked(str(error)) from None
        going = self._tab.goto(url, wait_until="domcontentloaded", timeout=timeout * 1000)
        return self._navigation(await self._load(going, timeout, url))

    async def back(self, *, timeout: float) -> Navigation | None:
        """Go one page back."""
        history = await self._send("Page.getNavigationHistory", {}, timeout)
        if history["currentIndex"] == 0:
            return None
        going = self._tab.go_back(wait_until="domcontentloaded", timeout=timeout * 1000)
        return self._navigation(await self._load(going, timeout))

    async def reload(self, *, timeout: float) -> Navigation:
        """Load the page again."""
        going = self._tab.reload(wait_until="domcontentloaded", timeout=timeout * 1000)
        return self._navigation(await self._load(going, timeout))

    async def loaded(self, *, timeout: float) -> bool:
        """Wait while a navigation is under way, or a tab that this page opens."""
        if self._lost.done():
            raise await self._why_lost()
        waited = False
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        announced_until = loop.time() + _BRIEF
        while self._requested or self._navigating or self._opening:
            waited = True
            limit = end if self._navigating else min(end, announced_until)
            if loop.time() >= limit:
                if self._navigating:
                    raise NavigationFailed(f"the page did not load within {timeout:g} s")
                self._requested = self._opening = False
                break
            self._moved.clear()
            try:
                await self._bounded(self._moved.wait(), limit - loop.time())
            except PageUnresponsive:
                continue
        if self.url.startswith(_ERROR_PAGE):
            raise self._refused() or NavigationFailed("the browser could not load the page")
        if waited and isinstance(refused := self._refused(self.url), NavigationBlocked):
            # A plain http page shows why. Of the other errors, one of a picture would look the same as the page's own.
            raise refused
        return waited

    async def _load(
        self, going: Coroutine[Any, Any, Response | None], timeout: float, url: str = ""
    ) -> Response | None:
        self._navigating_since = asyncio.get_running_loop().time()
        seen = self._error_pages
        try:
            response = await self._bounded(going, timeout + _BRIEF)
        except PageUnresponsive:
            raise NavigationFailed(f"not loaded within {timeout:g} s") from None
        except Error as error:
            await self._error_page(error, seen)
            # After a redirect it is not the URL's own site that was refused, but what was refused last.
            if _NOT_TUNNELED in error.message and (refused := self._refused(url) or self._refused()):
                raise refused from None
            raise NavigationFailed(_first_line(error)) from None
        finally:
            self._world = None
        if response is not None and response.status in _ANSWERS_OF_OURS and (refused := self._refused(response.url)):
            raise refused
        return response

    async def _error_page(self, error: Error, seen: int) -> None:
        """Wait for the browser's error page, which comes after the error and would interrupt the next navigation."""
        if "net::ERR_" not in error.message or "net::ERR_ABORTED" in error.message:
            return
        try:
            async with asyncio.timeout(_BRIEF):
                while self._error_pages == seen and not self._lost.done():
                    await self.effect_after(self._effects)
        except TimeoutError:
            pass  # there is none

    def _refused(self, url: str = "") -> NavigationFailed | None:
        """Why the egress proxy did not reach where the navigation under way led; None when it did, or does not know."""
        refusal = self._egress.refusal(url, self._navigating_since) if self._egress is not None else None
        if refusal is None:
            return None
        kind = {Refused: NavigationBlocked, ProxyFailed: NavigationProxyFailed}.get(type(refusal), NavigationFailed)
        return kind(str(refusal))

    def _navigation(self, response: Response | None) -> Navigation:
        return Navigation(self._tab.url, response.status if response is not None else None)

    # Scripts

    async def evaluate(self, function: str, argument: Any = None, *, timeout: float) -> Any:
        """Call a function in the page's isolated world."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        try:
            while True:
                world = self._world
                if world is None:
                    world = await self._make_world(end - loop.time())
                call = {
                    "functionDeclaration": function,
                    "executionContextId": world,
                    "arguments": [{"value": argument}],
                    "returnByValue": True,
                    "awaitPromise": True,
                }
                try:
                    answer = await self._send("Runtime.callFunctionOn", call, end - loop.time())
                except Error as error:
                    self._world = None
                    if "Cannot find context" in error.message or "uniqueContextId not found" in error.message:
                        continue  # it never ran: the document was replaced before the call arrived
                    raise _document_replaced(error) from None
                return _result(answer)
        except PageUnresponsive:
            self.suspect = True
            await self.free()
            raise

    async def _make_world(self, timeout: float) -> int:
        """Make the isolated world of the document that is shown now."""
        for attempt in (1, 2, 3):
            try:
                made = await self._send(
                    "Page.createIsolatedWorld", {"frameId": self._main_frame, "worldName": _WORLD}, timeout
                )
                break
            except Error as error:
                if attempt == 3:
                    raise _document_replaced(error) from None
                await self._learn_main_frame()
        self._world = int(made["executionContextId"])
        return self._world

    async def _learn_main_frame(self) -> None:
        tree = await self._send("Page.getFrameTree", {}, _BRIEF * 5)
        self._main_frame = tree["frameTree"]["frame"]["id"]

    async def recovered(self, seconds: float) -> bool:
        """Whether a page that has not answered does so within `seconds`, if need be once its script was ended."""
        for _ in range(2):
            try:
                await self._send("Runtime.evaluate", {"expression": "1"}, seconds)
            except PageUnresponsive:
                await self.free()
            except (BrowserError, Error):
                break  # it is gone; who uses it next is told
            else:
                break
        else:
            return False
        self.suspect = False
        return True

    async def free(self) -> None:
        """End a script that holds the page in a loop, if there is one."""
        try:
            await self._send("Runtime.terminateExecution", {}, _BRIEF)
        except (BrowserError, Error):
            pass

    # Input

    async def mouse_move(self, x: float, y: float, *, timeout: float) -> None:
        """Move the pointer."""
        await self._input("Input.dispatchMouseEvent", [{"type": "mouseMoved", "x": x, "y": y}], timeout)

    async def mouse_click(self, x: float, y: float, *, click_count: int = 1, timeout: float) -> None:
        """Click; all its events are sent at once and the browser keeps their order."""
        events: list[dict[str, Any]] = [{"type": "mouseMoved", "x": x, "y": y}]
        for count in range(1, click_count + 1):
            at = {"x": x, "y": y, "button": "left", "clickCount": count}
            events.append({"type": "mousePressed", "buttons": 1, **at})
            events.append({"type": "mouseReleased", "buttons": 0, **at})
        await self._input("Input.dispatchMouseEvent", events, timeout)

    async def mouse_drag(self, path: Sequence[tuple[float, float]], *, timeout: float) -> None:
        """Drag; Playwright's own mouse knows how the browser's drag and drop begins and ends."""
        try:
            await self._bounded(self._drag(path), timeout)
        except PageUnresponsive:
            await self.free()
            raise
        except Error as error:
            raise _document_replaced(error) from None

    async def _drag(self, path: Sequence[tuple[float, float]]) -> None:
        mouse = self._tab.mouse
        await mouse.move(*path[0])
        await mouse.down()
        try:
            for x, y in path[1:]:
                await mouse.move(x, y, steps=_DRAG_STEPS)
            # Lists that make room for what is dragged look where the pointer is only when it moves.
            await mouse.move(path[-1][0] + 1, path[-1][1] + 1)
            await mouse.move(*path[-1])
        finally:
            await mouse.up()

    async def mouse_wheel(self, delta_x: float, delta_y: float, *, timeout: float) -> None:
        """Turn the wheel."""
        await self._bounded(self._tab.mouse.wheel(delta_x, delta_y), timeout)

    async def press_key(self, key: str, *, timeout: float) -> None:
        """Press a key or chord."""
        try:
            await self._bounded(self._tab.keyboard.press(key), timeout)
        except PageUnresponsive:
            self.suspect = True
            await self.free()
            raise
        except Error as error:
            if "Unknown key" in error.message:
                raise ValueError(f"no such key: {key}") from None
            raise

    async def insert_text(self, text: str, *, timeout: float) -> None:
        """Type text into what has the focus."""
        await self._input("Input.insertText", [{"text": text}], timeout)

    async def _input(self, method: str, events: list[dict[str, Any]], timeout: float) -> None:
        sending = asyncio.gather(*[self._session.send(method, event) for event in events])
        try:
            await self._bounded(_await(sending), timeout)
        except PageUnresponsive:
            self.suspect = True
            await self.free()
            raise
        except Error as error:
            # The page went away under the event, which is an effect and no failure of the input.
            if "navigated or closed" not in error.message:
                raise _document_replaced(error) from None

    async def screenshot(self, *, timeout: float) -> bytes:
        """A JPEG of the visible area."""
        picture = {"format": "jpeg", "quality": _JPEG_QUALITY, "optimizeForSpeed": True}
        try:
            answer = await self._send("Page.captureScreenshot", picture, timeout)
        except Error as error:
            raise _document_replaced(error) from None
        return base64.b64decode(answer["data"])

    async def pdf(self, *, timeout: float) -> bytes:
        """The whole page as it prints."""
        try:
            answer = await self._send("Page.printToPDF", {"printBackground": True}, timeout)
        except Error as error:
            raise _document_replaced(error) from None
        return base64.b64decode(answer["data"])

    # Files

    async def set_files(self, field: str, files: Sequence[HeldFile], *, timeout: float) -> None:
        """Give files to a file field."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        paths = [one.path for one in files] if self._shelf is None else await self._shelf.place(files)
        world = self._world or await self._make_world(end - loop.time())
        asked = {"functionDeclaration": field, "executionContextId": world, "arguments": []}
        try:
            found = (await self._send("Runtime.callFunctionOn", asked, end - loop.time()))["result"]
            if "objectId" not in found:
                raise DocumentReplaced("the file field is gone")
            given = {"files": [str(path) for path in paths], "objectId": found["objectId"]}
            await self._send("DOM.setFileInputFiles", given, end - loop.time())
        except Error as error:
            raise _document_replaced(error) from None

    async def file_chooser(self, keep: str, argument: Any, *, timeout: float) -> Any:
        """Hand over the field of a file chooser that the page opens."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        try:
            node = await self._bounded(_await(asyncio.shield(self._chooser)), timeout)
        except PageUnresponsive:
            return None
        world = self._world or await self._make_world(max(end - loop.time(), _BRIEF))
        try:
            resolved = {"backendNodeId": node, "executionContextId": world}
            found = await self._send("DOM.resolveNode", resolved, max(end - loop.time(), _BRIEF))
            call = {
                "functionDeclaration": f"function (argument) {{ return ({keep})(this, argument); }}",
                "objectId": found["object"]["objectId"],
                "arguments": [{"value": argument}],
                "returnByValue": True,
            }
            return _result(await self._send("Runtime.callFunctionOn", call, max(end - loop.time(), _BRIEF)))
        except Error as error:
            raise _document_replaced(error) from None

    def forget_file_chooser(self) -> None:
        """Begin to wait for another one."""
        if self._chooser.done():
            self._chooser = asyncio.get_running_loop().create_future()

    def _chooser_opened(self, event: dict[str, Any]) -> None:
        self.forget_file_chooser()
        if "backendNodeId" in event:
            self._chooser.set_result(event["backendNodeId"])
        self._effect()

    # Effects

    def effects_so_far(self) -> int:
        """How many effects there were."""
        return self._effects

    async def effect_after(self, seen: int) -> None:
        """Wait for the next effect."""
        while self._effects <= seen:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._effect_waiters.append(waiter)
            await waiter

    def _effect(self, *_: Any) -> None:
        self._effects += 1
        waiters, self._effect_waiters = self._effect_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def sends_so_far(self) -> int:
        """How many messages went out over web sockets."""
        return self._sends

    def requests(self) -> PlaywrightRequests:
        """What its scripts ask of servers."""
        return PlaywrightRequests(self._tab)

    def _socket_opened(self, socket: WebSocket) -> None:
        socket.on("framesent", self._message_sent)

    def _message_sent(self, *_: Any) -> None:
        self._sends += 1

    async def listens(self, function: str, *, timeout: float) -> bool:
        """Ask the browser for the listeners of nodes; ours are on the window, in a world of our own, and left out."""
        try:
            nodes = await self._nodes(function, timeout)
            main = await self._send("Runtime.evaluate", {"expression": "window"}, timeout)
            asked = [(node, -1 if number == 0 else 1) for number, node in enumerate(nodes)]
            answers = await asyncio.gather(
                self._send("DOMDebugger.getEventListeners", {"objectId": main["result"]["objectId"]}, timeout),
                *(
                    self._send(
                        "DOMDebugger.getEventListeners", {"objectId": node, "depth": depth, "pierce": True}, timeout
                    )
                    for node, depth in asked
                ),
            )
        except (Error, DocumentReplaced, PageUnresponsive):
            return True
        return any(_PRESS_EVENTS.fullmatch(one["type"]) for answer in answers for one in answer["listeners"])

    async def hand_listeners(self, function: str, *, timeout: float) -> None:
        """Ask the browser for all listeners of the document at once, then for the elements that are new, by number."""
        world = self._world
        if world is None:
            return
        try:
            await self._bounded(self._hand_listeners(function, world), timeout)
        except (Error, DocumentReplaced, PageUnresponsive):
            pass  # what is not known to listen is still seen where its cursor or role tells

    async def _hand_listeners(self, function: str, world: int) -> None:
        if self._handed_in != world:
            self._handed_in, self._handed = world, set()
        in_world = {"contextId": world, "objectGroup": _HANDLES}
        document = await self._session.send("Runtime.evaluate", {"expression": "document", **in_world})
        tree = {"objectId": document["result"]["objectId"], "depth": -1, "pierce": True}
        found = (await self._session.send("DOMDebugger.getEventListeners", tree))["listeners"]
        listening = {one["backendNodeId"] for one in found if _MOUSE_EVENTS.fullmatch(one["type"])}
        new = sorted(listening - self._handed)[:_MOST_HANDED]
        self._handed.update(new)
        place = {"executionContextId": world, "objectGroup": _HANDLES}
        nodes = await asyncio.gather(
            *(self._session.send("DOM.resolveNode", {"backendNodeId": one, **place}) for one in new),
            return_exceptions=True,  # some are gone by now, or are in a frame of another world
        )
        arguments = [{"objectId": node["object"]["objectId"]} for node in nodes if isinstance(node, dict)]
        if arguments:
            call = {"functionDeclaration": function, "executionContextId": world, "arguments": arguments}
            await self._session.send("Runtime.callFunctionOn", call)
        await self._session.send("Runtime.releaseObjectGroup", {"objectGroup": _HANDLES})

    async def frames(self, function: str, *, timeout: float) -> list[PlaywrightFrame]:
        """The frames of other origins whose elements a function in the isolated world brings."""
        if self._world is None:
            return []
        return await self._bounded(self._frames.inside(self, self._world, self._session, function), timeout)

    async def _nodes(self, function: str, timeout: float) -> list[str]:
        """Handles of the nodes that a function in the isolated world brings."""
        if self._world is None:
            return []
        call = {"functionDeclaration": function, "executionContextId": self._world, "objectGroup": _HANDLES}
        array = (await self._send("Runtime.callFunctionOn", call, timeout))["result"]["objectId"]
        listed = await self._send("Runtime.getProperties", {"objectId": array, "ownProperties": True}, timeout)
        return [one["value"]["objectId"] for one in listed["result"] if one["name"].isdigit()]

    def _listen(self) -> None:
        tab, session = self._tab, self._session
        tab.on("websocket", self._socket_opened)
        tab.on("crash", lambda *_: self._lose(PageCrashed("the page's process has crashed")))
        tab.on("close", lambda *_: self._lose(PageClosed("the tab was closed")))
        tab.context.on("close", lambda *_: self._context_closed.set())
        tab.on("dialog", self._answer)
        tab.on("download", self._effect)
        tab.context.on("page", self._tab_opened)
        session.on("Page.windowOpen", self._tab_opening)
        session.on("Page.fileChooserOpened", self._chooser_opened)
        session.on("Page.frameRequestedNavigation", self._navigation_requested)
        session.on("Page.frameStartedNavigating", self._navigation_started)
        session.on("Page.frameNavigated", self._frame_navigated)
        session.on("Page.navigatedWithinDocument", self._moved_within_document)
        session.on("Page.domContentEventFired", self._navigation_over)
        session.on("Page.frameStoppedLoading", self._stopped_loading)

    async def _answer(self, dialog: Dialog) -> None:
        """At once: a dialog holds its page, and every call to it, for as long as it is shown."""
        self._effect()
        reply = self._answer_to(dialog.type, dialog.message)
        try:
            if not reply.accept:
                await dialog.dismiss()
            elif dialog.type == "prompt":
                await dialog.accept(dialog.default_value if reply.text is None else reply.text)
            else:
                await dialog.accept()
        except Error:
            pass  # the page went away and took its dialog along

    def _tab_opening(self, *_: Any) -> None:
        self._opening = True
        self._effect()

    def _tab_opened(self, *_: Any) -> None:
        if self._opening:
            self._opening = False
            self._moved.set()

    def _navigation_requested(self, event: dict[str, Any]) -> None:
        leaves = event["url"].split(":", 1)[0] in ("http", "https", "data", "blob", "about")
        if event["frameId"] == self._main_frame and event["disposition"] == "currentTab" and leaves:
            self._requested = True
            self._navigating_since = asyncio.get_running_loop().time() - _BRIEF
            self._moves_by_itself = event["reason"] in _BY_ITSELF
            self._document_moves()
        elif event["reason"] in _BY_HAND:
            self._effect()  # a link or form that leads into a frame

    def _document_moves(self) -> None:
        if not self._moves_by_itself:
            self._effect()

    def _navigation_started(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self._main_frame and event["navigationType"] != "sameDocument":
            if not self._requested:
                self._navigating_since = asyncio.get_running_loop().time() - _BRIEF
            self._requested, self._navigating = True, True
            self._moved.set()
            self._document_moves()

    def _frame_navigated(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self._main_frame = event["frame"]["id"]
            self._world = None
            if event["frame"]["url"].startswith(_ERROR_PAGE):
                self._error_pages += 1
            self._document_moves()
            self._moves_by_itself = False

    def _moved_within_document(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self._main_frame:
            self._effect()

    def _stopped_loading(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self._main_frame:
            self._navigation_over()

    def _navigation_over(self, *_: Any) -> None:
        self._requested, self._navigating = False, False
        self._moved.set()

    # Bounds

    def _lose(self, why: BrowserError) -> None:
        if not self._lost.done():
            self._lost.set_result(why)
        self._effect()

    async def _send(self, method: str, arguments: dict[str, Any], timeout: float) -> Any:
        return await self._bounded(self._session.send(method, arguments), timeout)

    async def _bounded(self, call: Coroutine[Any, Any, T], timeout: float) -> T:
        """Await `call` until it answers, the tab is lost or the time is over."""
        calling = asyncio.ensure_future(call)
        waited_for: set[asyncio.Future[Any]] = {calling, self._lost}
        try:
            await asyncio.wait(waited_for, timeout=max(timeout, 0), return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                return calling.result()
            if self._lost.done():
                raise await self._why_lost()
            raise PageUnresponsive(f"the page did not answer within {timeout:.3g} s")
        except Error as error:
            if _target_lost(error):
                raise await self._why_lost() from None
            raise
        finally:
            if not calling.done():
                calling.cancel()
            elif not calling.cancelled():
                calling.exception()  # read, so that asyncio does not complain when this call was itself cancelled

    async def _why_lost(self) -> BrowserError:
        """Tell a closed tab from a browser that is gone: the latter is seen a moment later."""
        if self._lost.done() and isinstance(self._lost.result(), PageCrashed):
            return self._lost.result()
        try:
            async with asyncio.timeout(_CLOSE_GRACE):
                await self._context_closed.wait()
        except TimeoutError:
            return self._lost.result() if self._lost.done() else PageClosed("the tab was closed")
        return BrowserGone("the browser has ended")


def _answer_by_default(kind: str, message: str) -> Reply:
    return Dialogs().answer(kind, message, "", "")[0]


async def _await(future: asyncio.Future[Any]) -> Any:
    return await future


def _target_lost(error: Error) -> bool:
    return type(error).__name__ == "TargetClosedError" or "Target crashed" in error.message


def _first_line(error: Error) -> str:
    line = error.message.splitlines()[0]
    return line.split(": ", 1)[-1] if line.startswith("Page.") else line


def _document_replaced(error: Error) -> BrowserError:
    return DocumentReplaced(error.message.splitlines()[0])


def _result(answer: dict[str, Any]) -> Any:
    """The value of a call's answer.

    Raises:
        ScriptFailed: the function threw.
    """
    if "exceptionDetails" in answer:
        thrown = answer["exceptionDetails"].get("exception", {})
        raise ScriptFailed(str(thrown.get("description") or answer["exceptionDetails"].get("text")))
    return answer["result"].get("value")
