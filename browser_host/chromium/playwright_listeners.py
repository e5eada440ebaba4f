"""What in one tab listens for presses: only the browser can tell."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Error

from browser_host.browser import DocumentReplaced, PageUnresponsive
from browser_host.chromium import playwright_scripts
from browser_host.chromium.playwright_line import PlaywrightLine
from browser_host.chromium.playwright_scripts import HANDLES

_MOUSE_EVENTS = re.compile("(dbl)?click|(mouse|pointer)(down|up)|touch(start|end)")
_PRESS_EVENTS = re.compile("(dbl)?click|(mouse|pointer|key)(down|up)|touch(start|end)|submit|change|input")
_MOST_HANDED = 200
"""Elements that are handed over at once: each is a call to the browser, of about 0.2 ms."""


class PlaywrightListeners:
    """The listeners in the main frame of one tab."""

    def __init__(self, line: PlaywrightLine) -> None:
        self._line = line
        self._handed_in: int | None = None
        self._handed: set[int] = set()
        """The DOM's own numbers of the elements that were handed over as listening, in that world."""

    async def any_at(self, function: str, world: int | None, timeout: float) -> bool:
        """Whether any of the nodes that `function` brings listens; ours, on the window in our own world, are left out.

        The first node alone is asked with all that is in it. True where it cannot be told.
        """
        try:
            nodes = [] if world is None else await self._nodes(function, world, timeout)
            main = await self._line.send("Runtime.evaluate", {"expression": "window"}, timeout)
            asked = [(node, -1 if number == 0 else 1) for number, node in enumerate(nodes)]
            answers = await asyncio.gather(
                self._line.send("DOMDebugger.getEventListeners", {"objectId": main["result"]["objectId"]}, timeout),
                *(
                    self._line.send(
                        "DOMDebugger.getEventListeners", {"objectId": node, "depth": depth, "pierce": True}, timeout
                    )
                    for node, depth in asked
                ),
            )
        except (Error, DocumentReplaced, PageUnresponsive):
            return True
        return any(_PRESS_EVENTS.fullmatch(one["type"]) for answer in answers for one in answer["listeners"])

    async def _nodes(self, function: str, world: int, timeout: float) -> list[str]:
        return await playwright_scripts.nodes(
            lambda method, arguments: self._line.send(method, arguments, timeout), function, world
        )

    async def hand(self, function: str, world: int, timeout: float) -> None:
        """Call `function` with the elements that listen for the mouse and were not handed over in this world yet."""
        try:
            await self._line.bounded(self._hand(function, world), timeout)
        except (Error, DocumentReplaced, PageUnresponsive):
            pass  # what is not known to listen is still seen where its cursor or role tells

    async def _hand(self, function: str, world: int) -> None:
        """Ask the browser for all listeners of the document at once, then for the elements that are new, by number."""
        if self._handed_in != world:
            self._handed_in, self._handed = world, set()
        send = self._line.session.send
        in_world = {"contextId": world, "objectGroup": HANDLES}
        document = await send("Runtime.evaluate", {"expression": "document", **in_world})
        tree = {"objectId": document["result"]["objectId"], "depth": -1, "pierce": True}
        found = (await send("DOMDebugger.getEventListeners", tree))["listeners"]
        listening = {one["backendNodeId"] for one in found if _MOUSE_EVENTS.fullmatch(one["type"])}
        new = sorted(listening - self._handed)[:_MOST_HANDED]
        self._handed.update(new)
        place = {"executionContextId": world, "objectGroup": HANDLES}
        nodes = await asyncio.gather(
            *(send("DOM.resolveNode", {"backendNodeId": one, **place}) for one in new),
            return_exceptions=True,  # some are gone by now, or are in a frame of another world
        )
        arguments = [{"objectId": node["object"]["objectId"]} for node in nodes if isinstance(node, dict)]
        if arguments:
            call = {"functionDeclaration": function, "executionContextId": world, "arguments": arguments}
            await send("Runtime.callFunctionOn", call)
        await send("Runtime.releaseObjectGroup", {"objectGroup": HANDLES})
