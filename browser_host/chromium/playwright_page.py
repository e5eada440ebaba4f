"""One tab on Playwright and the DevTools protocol.

Input, scripts and pictures go straight over one DevTools session: the three events of a click travel together,
scripts run in an isolated world, and a page that hangs can be stopped. Playwright itself loads pages, answers
dialogs and reports downloads and new tabs.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from playwright.async_api import CDPSession, Dialog, Error, Response, WebSocket
from playwright.async_api import Page as Tab

from browser_host.browser import (
    BrowserError,
    DocumentReplaced,
    HeldFile,
    Navigation,
    NavigationBlocked,
    NavigationFailed,
    NavigationProxyFailed,
    PageUnresponsive,
)
from browser_host.chromium import playwright_scripts
from browser_host.chromium.playwright_effects import PlaywrightEffects
from browser_host.chromium.playwright_frames import PlaywrightFrame, PlaywrightFrames
from browser_host.chromium.playwright_line import PlaywrightLine
from browser_host.chromium.playwright_listeners import PlaywrightListeners
from browser_host.chromium.playwright_navigations import ANNOUNCED_SECONDS, ERROR_PAGE, PlaywrightNavigations
from browser_host.chromium.playwright_requests import PlaywrightRequests
from browser_host.chromium.playwright_scripts import document_replaced
from browser_host.file_shelf import FileShelf
from browser_host.network.egress import Egress
from browser_host.network.egress_policy import Refused, check_url
from browser_host.network.upstream import ProxyFailed
from browser_host.pages import Dialogs, Reply

_JPEG_QUALITY = 60
_DRAG_STEPS = 12
"""Moves of the pointer from one point of a drag to the next."""
_NOT_TUNNELED = "ERR_TUNNEL_CONNECTION_FAILED"
_ANSWERS_OF_OURS = (403, 502)
"""With which the egress proxy answers for a plain http page that it does not reach."""
_BRIEF = 1.0
"""Seconds for calls that free a hung page."""
_MAIN_FRAME_SECONDS = 5.0

AnswerDialog = Callable[[str, str], Reply]


class PlaywrightPage:
    """A `browser_host.browser.Page`; made by `open`, which must be awaited before the tab is used."""

    def __init__(
        self, tab: Tab, session: CDPSession, egress: Egress | None, answer: AnswerDialog, shelf: FileShelf | None
    ) -> None:
        """Use `open` instead."""
        self._tab = tab
        self._session = session
        self._answer_to = answer
        self._egress = egress
        self._shelf = shelf
        self._effects = PlaywrightEffects()
        self._line = PlaywrightLine(tab, session, self._effects)
        self._navigations = PlaywrightNavigations(tab, self._line, self._effects, self._document_replaced)
        self._listeners = PlaywrightListeners(self._line)
        self._frames = PlaywrightFrames(tab, session)
        self._world: int | None = None
        self._chooser: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """The DOM's own number of the field whose file chooser was opened."""
        self.suspect = False
        """It has not answered a call; nobody has looked since whether it does again."""
        self._sends = 0
        tab.on("websocket", self._socket_opened)
        tab.on("dialog", self._answer)
        tab.on("download", self._effects.tell)
        session.on("Page.fileChooserOpened", self._chooser_opened)

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
        await asyncio.gather(
            session.send("Page.enable"), session.send("Page.setInterceptFileChooserDialog", {"enabled": True})
        )
        await page._navigations.learn_main_frame(_MAIN_FRAME_SECONDS)
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
        history = await self._line.send("Page.getNavigationHistory", {}, timeout)
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
        if self._line.lost:
            raise await self._line.why_lost()
        waited = await self._navigations.over(timeout)
        if self.url.startswith(ERROR_PAGE):
            raise self._refused() or NavigationFailed("the browser could not load the page")
        if waited and isinstance(refused := self._refused(self.url), NavigationBlocked):
            # A plain http page shows why. Of the other errors, one of a picture would look the same as the page's own.
            raise refused
        return waited

    async def _load(
        self, going: Coroutine[Any, Any, Response | None], timeout: float, url: str = ""
    ) -> Response | None:
        begun = self._navigations.begin()
        try:
            response = await self._line.bounded(going, timeout + ANNOUNCED_SECONDS)
        except PageUnresponsive:
            raise NavigationFailed(f"not loaded within {timeout:g} s") from None
        except Error as error:
            if "net::ERR_" in error.message and "net::ERR_ABORTED" not in error.message:
                await self._navigations.error_page(begun)
            # After a redirect it is not the URL's own site that was refused, but what was refused last.
            if _NOT_TUNNELED in error.message and (refused := self._refused(url) or self._refused()):
                raise refused from None
            raise NavigationFailed(_first_line(error)) from None
        finally:
            self._world = None
        if response is not None and response.status in _ANSWERS_OF_OURS and (refused := self._refused(response.url)):
            raise refused
        return response

    def _refused(self, url: str = "") -> NavigationFailed | None:
        """Why the egress proxy did not reach where the navigation under way led; None when it did, or does not know."""
        refusal = self._egress.refusal(url, self._navigations.since) if self._egress is not None else None
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
                call = playwright_scripts.call(function, argument, world)
                try:
                    answer = await self._line.send("Runtime.callFunctionOn", call, end - loop.time())
                except Error as error:
                    self._world = None
                    if playwright_scripts.never_ran(error):
                        continue
                    raise document_replaced(error) from None
                return playwright_scripts.result(answer)
        except PageUnresponsive:
            self.suspect = True
            await self.free()
            raise

    async def _make_world(self, timeout: float) -> int:
        """Make the isolated world of the document that is shown now."""
        for attempt in (1, 2, 3):
            try:
                wanted = {"frameId": self._navigations.main_frame, "worldName": playwright_scripts.WORLD}
                made = await self._line.send("Page.createIsolatedWorld", wanted, timeout)
                break
            except Error as error:
                if attempt == 3:
                    raise document_replaced(error) from None
                await self._navigations.learn_main_frame(_MAIN_FRAME_SECONDS)
        self._world = int(made["executionContextId"])
        return self._world

    def _document_replaced(self) -> None:
        self._world = None

    async def recovered(self, seconds: float) -> bool:
        """Whether a page that has not answered does so within `seconds`, if need be once its script was ended."""
        for _ in range(2):
            try:
                await self._line.send("Runtime.evaluate", {"expression": "1"}, seconds)
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
            await self._line.send("Runtime.terminateExecution", {}, _BRIEF)
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
            await self._line.bounded(self._drag(path), timeout)
        except PageUnresponsive:
            await self.free()
            raise
        except Error as error:
            raise document_replaced(error) from None

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
        await self._line.bounded(self._tab.mouse.wheel(delta_x, delta_y), timeout)

    async def press_key(self, key: str, *, timeout: float) -> None:
        """Press a key or chord."""
        try:
            await self._line.bounded(self._tab.keyboard.press(key), timeout)
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
            await self._line.bounded(_await(sending), timeout)
        except PageUnresponsive:
            self.suspect = True
            await self.free()
            raise
        except Error as error:
            # The page went away under the event, which is an effect and no failure of the input.
            if "navigated or closed" not in error.message:
                raise document_replaced(error) from None

    async def screenshot(self, *, timeout: float) -> bytes:
        """A JPEG of the visible area."""
        picture = {"format": "jpeg", "quality": _JPEG_QUALITY, "optimizeForSpeed": True}
        try:
            answer = await self._line.send("Page.captureScreenshot", picture, timeout)
        except Error as error:
            raise document_replaced(error) from None
        return base64.b64decode(answer["data"])

    async def pdf(self, *, timeout: float) -> bytes:
        """The whole page as it prints."""
        try:
            answer = await self._line.send("Page.printToPDF", {"printBackground": True}, timeout)
        except Error as error:
            raise document_replaced(error) from None
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
            found = (await self._line.send("Runtime.callFunctionOn", asked, end - loop.time()))["result"]
            if "objectId" not in found:
                raise DocumentReplaced("the file field is gone")
            given = {"files": [str(path) for path in paths], "objectId": found["objectId"]}
            await self._line.send("DOM.setFileInputFiles", given, end - loop.time())
        except Error as error:
            raise document_replaced(error) from None

    async def file_chooser(self, keep: str, argument: Any, *, timeout: float) -> Any:
        """Hand over the field of a file chooser that the page opens."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout
        try:
            node = await self._line.bounded(_await(asyncio.shield(self._chooser)), timeout)
        except PageUnresponsive:
            return None
        world = self._world or await self._make_world(max(end - loop.time(), _BRIEF))
        try:
            resolved = {"backendNodeId": node, "executionContextId": world}
            found = await self._line.send("DOM.resolveNode", resolved, max(end - loop.time(), _BRIEF))
            call = {
                "functionDeclaration": f"function (argument) {{ return ({keep})(this, argument); }}",
                "objectId": found["object"]["objectId"],
                "arguments": [{"value": argument}],
                "returnByValue": True,
            }
            return playwright_scripts.result(
                await self._line.send("Runtime.callFunctionOn", call, max(end - loop.time(), _BRIEF))
            )
        except Error as error:
            raise document_replaced(error) from None

    def forget_file_chooser(self) -> None:
        """Begin to wait for another one."""
        if self._chooser.done():
            self._chooser = asyncio.get_running_loop().create_future()

    def _chooser_opened(self, event: dict[str, Any]) -> None:
        self.forget_file_chooser()
        if "backendNodeId" in event:
            self._chooser.set_result(event["backendNodeId"])
        self._effects.tell()

    # Effects

    def effects_so_far(self) -> int:
        """How many effects there were."""
        return self._effects.so_far()

    async def effect_after(self, seen: int) -> None:
        """Wait for the next effect."""
        await self._effects.after(seen)

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
        return await self._listeners.any_at(function, self._world, timeout)

    async def hand_listeners(self, function: str, *, timeout: float) -> None:
        """Ask the browser for all listeners of the document at once, then for the elements that are new, by number."""
        if self._world is not None:
            await self._listeners.hand(function, self._world, timeout)

    async def frames(self, function: str, *, timeout: float) -> list[PlaywrightFrame]:
        """The frames of other origins whose elements a function in the isolated world brings."""
        if self._world is None:
            return []
        return await self._line.bounded(self._frames.inside(self, self._world, self._session, function), timeout)

    async def _answer(self, dialog: Dialog) -> None:
        """At once: a dialog holds its page, and every call to it, for as long as it is shown."""
        self._effects.tell()
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


def _answer_by_default(kind: str, message: str) -> Reply:
    return Dialogs().answer(kind, message, "", "")[0]


async def _await(future: asyncio.Future[Any]) -> Any:
    return await future


def _first_line(error: Error) -> str:
    line = error.message.splitlines()[0]
    return line.split(": ", 1)[-1] if line.startswith("Page.") else line
