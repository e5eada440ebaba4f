"""Goes to pages and between tabs, and waits for the browser's dialogs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tabkeep.v1 import actions_pb2

from browser_host.browser import Navigation
from browser_host.task.failures import EXPECTATION_FAILED, NAVIGATION, Failed
from browser_host.task.performing.acting import Acting, Done


class Travel(Acting):
    """Loading pages, tabs, dialogs."""

    async def _goto(self, goto: actions_pb2.Goto) -> Done:
        url = goto.url
        _refuse_other_than_http(url)
        self._gate.go(url)
        allowed = await self._allowed()
        return self._arrived(await self._page.goto(url, timeout=allowed), goto.allow_error_status)

    async def _load(self, load: Callable[..., Awaitable[Navigation | None]]) -> Navigation:
        allowed = await self._allowed()
        navigation = await load(timeout=allowed)
        if navigation is None:
            raise Failed(NAVIGATION, "there is no earlier page")
        return navigation

    def _arrived(self, navigation: Navigation, error_status_is_fine: bool = False) -> Done:
        status = navigation.status
        if status is not None and status >= 400 and not error_status_is_fine:
            raise Failed(NAVIGATION, f"the server answered {status}")
        return Done(message=f"status {status}" if status is not None else "")

    async def _tab(self, tab: actions_pb2.Tab) -> Done:
        what = tab.WhichOneof("what")
        if what == "open":
            return await self._open_tab(tab.open.url)
        which = tab.switch_to if what == "switch_to" else tab.close
        found = await self._tabs.find(which, self._clock, self._deadline)
        await self._allowed()
        await (self._tabs.show(found) if what == "switch_to" else self._tabs.close(found))
        self._page = await self._tabs.current()
        await self._page.loaded(timeout=self._left())
        return Done(f'{found.page_id} "{found.title}"')

    async def _open_tab(self, url: str) -> Done:
        if url:
            _refuse_other_than_http(url)
            self._gate.go(url)
        await self._allowed()
        await self._tabs.open()
        self._page = await self._tabs.current()
        return self._arrived(await self._page.goto(url, timeout=await self._allowed())) if url else Done()

    async def _dialog(self, action: actions_pb2.Action) -> Done:
        """Wait for the dialog, which is answered the moment it is shown."""
        wanted = self._tabs.wanted(action)
        await asyncio.wait({wanted.shown}, timeout=self._left())
        if not wanted.shown.done():
            raise Failed(EXPECTATION_FAILED, f"no dialog was shown within {self._timeout:g} s")
        shown = wanted.shown.result()
        label = f'{shown.kind} "{shown.message}"'
        if not wanted.means(shown.kind, shown.message):
            raise Failed(EXPECTATION_FAILED, f"another dialog was shown, and dismissed: {label}", target=label)
        await self._followed()
        return Done(label, "accepted" if shown.accepted else "dismissed")


def _refuse_other_than_http(url: str) -> None:
    if not url.lower().startswith(("http://", "https://")):
        raise Failed(NAVIGATION, f"not an absolute http or https URL: {url}")
