"""The state of a browser as data: taken from a live Chromium, and put into one that runs already.

Nothing here touches the browser's files, so any build takes what any other gave, and a browser that was started
beforehand takes a state as well as a fresh one. The form is JSON:
    format 1; cookies and origins as Playwright's storage state has them, IndexedDB included; service_workers (scope,
    script); permissions (origin, name, state); browser_version.
Playwright gathers cookies, localStorage and IndexedDB; service workers come from the DevTools protocol, permissions
from the pages' own answers. Not kept: sessionStorage, CacheStorage, the origin private file system, HTTP caches, open
tabs; of IndexedDB, values that are no data (keys of WebCrypto that cannot be exported, blobs).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, CDPSession, Error, Route
from playwright.async_api import Page as Tab

from browser_host.open_browser import ProfileUnusable, StateNotTaken

FORMAT = 1
FREE_AFTER_SECONDS = 0.5
"""A page that has not answered by then is taken to be in an endless loop."""
WORKER_SECONDS = 5.0
"""How long a service worker may take to register again."""
LIST_SECONDS = 1.0
PERMISSION_SECONDS = 0.5
"""With less time than this left at the end, no permissions are asked any more."""
_REST_SECONDS = 0.1
MOST_ORIGINS = 200
"""Of which permissions are asked."""
_PERMISSIONS = (
    "geolocation",
    "notifications",
    "camera",
    "microphone",
    "midi",
    "clipboard-read",
    "clipboard-write",
    "persistent-storage",
    "background-sync",
    "idle-detection",
    "window-management",
    "local-fonts",
    "payment-handler",
    "screen-wake-lock",
)
_ASK = """async names => {
    const answers = {};
    for (const name of names) {
        try { answers[name] = (await navigator.permissions.query({ name })).state; } catch { }
    }
    return JSON.stringify(answers);
}"""
_REGISTER = """async ([script, scope, seconds]) => {
    const container = navigator.serviceWorker;
    if (!container) return "the page has no service workers";
    const late = new Promise(resolve => setTimeout(() => resolve("it was not active in time"), seconds * 1000));
    const register = async type => {
        const registration = await container.register(script, { scope, type });
        const worker = registration.active || registration.waiting || registration.installing;
        if (!worker) return "it ended at once";
        while (worker.state !== "activated") {
            if (worker.state === "redundant") return "its installation failed";
            await new Promise(resolve => worker.addEventListener("statechange", resolve, { once: true }));
        }
        return "";
    };
    const either = async () => {
        try { return await register("classic"); }
        catch (error) {
            try { return await register("module"); } catch { return String(error.message || error); }
        }
    };
    return Promise.race([either(), late]);
}"""
_RANKS = {"activated": 4, "activating": 3, "installed": 2, "installing": 1}
_FRESH = {"https": "https://fresh.invalid", "http": "http://fresh.invalid"}
"""Sites that nobody has: their permissions are those of a fresh browser."""

OwnTab = Callable[[], AbstractAsyncContextManager[Tab]]
"""Opens a tab that is the host's own and that nobody sees."""


class BrowserState:
    """Takes and restores the state of one browser."""

    def __init__(self, context: BrowserContext, own_tab: OwnTab, browser_version: str) -> None:
        self._context = context
        self._own_tab = own_tab
        self._browser_version = browser_version
        self._fresh: dict[str, dict[str, str]] = {}
        self._permissions: dict[str, dict[str, str]] = {}
        """By origin, those that differ from a fresh browser's."""
        self._to_ask: dict[str, None] = {}
        """Origins that were visited since their permissions were asked."""
        self._restored_permissions: list[dict[str, str]] = []
        self._overrides: CDPSession | None = None
        self._turn = asyncio.Lock()

    def visited(self, url: str) -> None:
        """A tab shows this page now."""
        if (origin := _origin(url)) and len(self._to_ask) < MOST_ORIGINS:
            self._to_ask[origin] = None

    # Taking.

    async def take(self, *, timeout: float, free: Callable[[], None] | None) -> bytes:
        """The state as it is now; `free` ends scripts that hold pages in loops, and is called when one seems to.

        Raises:
            StateNotTaken.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + timeout
        try:
            async with asyncio.timeout(timeout), self._turn:
                workers = asyncio.ensure_future(self._list_workers())
                try:
                    stored = await self._storage(free)
                    found = await workers
                finally:
                    workers.cancel()
                if free is None:
                    await self._ask_permissions()
                else:
                    await self._ask_permissions_until(give_up_at - _REST_SECONDS)
        except TimeoutError:
            raise StateNotTaken(f"the browser did not give its state within {timeout:g} s") from None
        except Error as error:
            raise StateNotTaken(f"the browser did not give its state: {_words(error)}") from None
        origins = sorted(stored["origins"], key=lambda origin: str(origin["origin"]))
        permissions = [
            {"origin": origin, "name": name, "state": state}
            for origin, answers in sorted(self._permissions.items())
            for name, state in sorted(answers.items())
        ]
        state = {
            "format": FORMAT,
            "browser_version": self._browser_version,
            "cookies": stored["cookies"],
            "origins": [origin for origin in origins if _origin(origin["origin"])],
            "service_workers": found,
            "permissions": permissions,
        }
        return json.dumps(state, separators=(",", ":")).encode()

    async def _storage(self, free: Callable[[], None] | None) -> dict[str, Any]:
        asking = asyncio.ensure_future(self._context.storage_state(indexed_db=True))
        try:
            if free is not None:
                await asyncio.wait({asking}, timeout=FREE_AFTER_SECONDS)
                if not asking.done():
                    free()
            stored: Any = await asking
            return dict(stored)
        finally:
            asking.cancel()

    async def _list_workers(self) -> list[dict[str, str]]:
        """The service workers of http and https sites: scope and script of each."""
        if not self._context.pages:
            async with self._own_tab() as tab:
                return await self._list_workers_of(tab)
        return await self._list_workers_of(self._context.pages[0])

    async def _list_workers_of(self, tab: Tab) -> list[dict[str, str]]:
        session = await self._context.new_cdp_session(tab)
        scopes: dict[str, str] = {}
        scripts: dict[str, tuple[int, str]] = {}
        changed = asyncio.Event()
        heard: set[str] = set()

        def registered(event: dict[str, Any]) -> None:
            for one in event["registrations"]:
                if one["isDeleted"]:
                    scopes.pop(one["registrationId"], None)
                elif _origin(one["scopeURL"]):
                    scopes[one["registrationId"]] = one["scopeURL"]
            heard.add("registrations")
            changed.set()

        def updated(event: dict[str, Any]) -> None:
            for one in event["versions"]:
                rank = (_RANKS.get(one["status"], 0), one["scriptURL"])
                scripts[one["registrationId"]] = max(scripts.get(one["registrationId"], (0, "")), rank)
            changed.set()

        session.on("ServiceWorker.workerRegistrationUpdated", registered)
        session.on("ServiceWorker.workerVersionUpdated", updated)
        try:
            await session.send("ServiceWorker.enable")
            async with asyncio.timeout(LIST_SECONDS):
                while not heard or not set(scopes) <= set(scripts):
                    changed.clear()
                    await changed.wait()
        finally:
            await _detach(session)
        workers = [(scope, scripts[number]) for number, scope in scopes.items()]
        return [{"scope": scope, "script": script} for scope, (rank, script) in sorted(workers) if rank]

    async def _ask_permissions_until(self, time: float) -> None:
        """Ask as far as there is time; what was known before counts for the rest, as the last checkpoint has it."""
        seconds = time - asyncio.get_running_loop().time()
        if seconds < PERMISSION_SECONDS:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._ask_permissions()
        except (TimeoutError, Error):
            return

    async def _ask_permissions(self) -> None:
        """Bring what is known of permissions up to date."""
        for tab in self._context.pages:
            self.visited(tab.url)
        if not self._to_ask:
            return
        async with self._own_tab() as tab:
            await _answer_blank(tab)
            for origin in list(self._to_ask):
                if (scheme := _trusted_as(origin)) not in self._fresh:
                    self._fresh[scheme] = await _ask(tab, _FRESH[scheme])
                answers, fresh = await _ask(tab, origin), self._fresh[scheme]
                differing = {name: state for name, state in answers.items() if state != fresh.get(name)}
                self._permissions.pop(origin, None)
                if differing:
                    self._permissions[origin] = differing
                self._to_ask.pop(origin, None)

    # Restoring.

    async def restore(self, content: bytes) -> str:
        """Put a state into the browser; returns what of its service workers could not be.

        Raises:
            ProfileUnusable: the browser refused it, or it is of a form that this version does not know.
            playwright.Error: the browser is gone.
        """
        try:
            state = json.loads(content)
            known = state["format"] == FORMAT
        except (ValueError, KeyError, TypeError):
            raise ProfileUnusable("the browser state is damaged") from None
        if not known:
            raise ProfileUnusable(f"the browser state is of form {state['format']!r}, this host knows {FORMAT}")
        async with self._turn:
            try:
                await self._context.set_storage_state({"cookies": state["cookies"], "origins": state["origins"]})
                self._restored_permissions = state.get("permissions", [])
                await self.restore_permissions()
            except Error as error:
                if type(error).__name__ == "TargetClosedError":
                    raise
                raise ProfileUnusable(f"the browser refused the state of its profile: {_words(error)}") from None
            return await self._register_workers(state.get("service_workers", []))

    async def restore_permissions(self) -> None:
        """Set the permissions of the state that was put into the browser, again if something else undid them."""
        browser, permissions = self._context.browser, self._restored_permissions
        if not permissions or browser is None:
            return
        # Never detached: what a session has set goes with it.
        self._overrides = session = self._overrides or await browser.new_browser_cdp_session()
        for one in permissions:
            asked = {"permission": {"name": one["name"]}, "setting": one["state"], "origin": one["origin"]}
            await session.send("Browser.setPermission", asked)
            self._permissions.setdefault(one["origin"], {})[one["name"]] = one["state"]

    async def _register_workers(self, workers: list[dict[str, str]]) -> str:
        if not workers:
            return ""
        notes = []
        async with self._own_tab() as tab:
            await _answer_blank(tab)
            for worker in workers:
                try:
                    async with asyncio.timeout(WORKER_SECONDS + 1):
                        await tab.goto(_origin(worker["scope"]) + "/", wait_until="commit")
                        failure = await tab.evaluate(_REGISTER, [worker["script"], worker["scope"], WORKER_SECONDS])
                except TimeoutError:
                    failure = "the page did not answer"
                except Error as error:
                    if type(error).__name__ == "TargetClosedError":
                        raise
                    failure = _words(error)
                if failure:
                    notes.append(f"service worker of {worker['scope']} not registered again: {str(failure)[:200]}")
        return "; ".join(notes)[:2000]


async def _answer_blank(tab: Tab) -> None:
    """Let the tab's documents be blank pages of whatever site, without asking the site or its service workers."""
    session = await tab.context.new_cdp_session(tab)
    await session.send("Network.enable")
    await session.send("Network.setBypassServiceWorker", {"bypass": True})

    async def answer(route: Route) -> None:
        try:
            if route.request.is_navigation_request():
                await route.fulfill(body="<html></html>", content_type="text/html")
            else:
                await route.continue_()
        except Error:
            pass  # the tab was closed

    await tab.route("**/*", answer)


async def _ask(tab: Tab, origin: str) -> dict[str, str]:
    await tab.goto(origin + "/", wait_until="commit")
    answers: dict[str, str] = json.loads(await tab.evaluate(_ASK, list(_PERMISSIONS)))
    return answers


async def _detach(session: CDPSession) -> None:
    try:
        await session.detach()
    except Error:
        pass  # the browser or the tab is gone


def _trusted_as(origin: str) -> str:
    """The scheme whose permissions a site has: those of this machine count as secure whatever theirs is."""
    parts = urlsplit(origin)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1") or (parts.hostname or "").endswith(".localhost")
    return "https" if local else parts.scheme


def _origin(url: str) -> str:
    """The origin of a page of an http or https site; "" of anything else."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def _words(error: Error) -> str:
    """The first line of an error: none of the lines has values of cookies or storage, but a later one may be long."""
    return (error.message.splitlines() or [type(error).__name__])[0][:300]
