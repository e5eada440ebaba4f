"""Loads extensions into a running browser, over Playwright's own pipe: so it works on Chromium and on branded Chrome
and Edge, which load none from their command line any more. An extension that is said to be loaded is in force.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import BrowserContext, Error

from browser_host import extensions
from browser_host.extensions import Extension, ExtensionInvalid
from browser_host.open_browser import LaunchFailed

LOAD_SECONDS = 15.0
POLL_SECONDS = 0.02


class ExtensionNotLoaded(Exception):
    """The browser did not take an extension; the text has its own words."""


class OfferedExtensions:
    """Those that the operator has put on this host."""

    def __init__(self, offered: Sequence[Extension]) -> None:
        self._extensions = {extension.name: extension for extension in offered}

    def beforehand(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these that may be loaded into a browser before there is a session that asks for them."""
        offered = [self._extensions[name] for name in names if name in self._extensions]
        return tuple(one.name for one in offered if not one.has_scripts)

    async def load(
        self, names: Sequence[str], context: BrowserContext, loaded: list[str], directory: Path, user: int
    ) -> None:
        """Load those that are not among the `loaded` yet, and add them to these.

        Into a browser that has no page yet; their files are copied below its `directory` and are its user's.

        Raises:
            LaunchFailed: one of them is not offered here, or is not in force.
        """
        for name in names:
            if name in loaded:
                continue
            extension = self._extensions.get(name)
            if extension is None:
                offered = ", ".join(sorted(self._extensions)) or "none"
                raise LaunchFailed(f"this host offers no extension {name}; offered are: {offered}")
            try:
                copied = await asyncio.to_thread(extensions.copy, extension, directory / "extensions", user)
                await load(context, name, copied, has_rules=extension.has_rules)
            except (ExtensionInvalid, ExtensionNotLoaded, OSError) as error:
                raise LaunchFailed(str(error)) from None
            loaded.append(name)


async def load(context: BrowserContext, name: str, directory: Path, *, has_rules: bool) -> None:
    """Load the unpacked extension in `directory`, and see that it is on and, if it has rules, that they are.

    Raises:
        ExtensionNotLoaded.
    """
    try:
        async with asyncio.timeout(LOAD_SECONDS):
            extension_id = await _load(context, name, directory)
            if has_rules:
                await _wait_for_rules(context, extension_id)
    except TimeoutError:
        raise ExtensionNotLoaded(f"extension {name} was not in force within {LOAD_SECONDS:g} s") from None
    except Error as error:
        raise ExtensionNotLoaded(f"extension {name} was not loaded: {error.message.splitlines()[0]}") from None


async def _load(context: BrowserContext, name: str, directory: Path) -> str:
    browser = context.browser
    if browser is None:
        raise ExtensionNotLoaded(f"extension {name} was not loaded: the browser has no session for it")
    session = await browser.new_browser_cdp_session()
    try:
        loaded = await session.send("Extensions.loadUnpacked", {"path": str(directory)})
        # An id is answered also for one that is then not on.
        listed = await session.send("Extensions.getExtensions")
        here = [one for one in listed["extensions"] if one["id"] == loaded["id"]]
        if not here or not here[0].get("enabled") or Path(here[0].get("path", "")) != directory:
            raise ExtensionNotLoaded(f"extension {name} was taken by the browser and is not on: {here}")
        return str(loaded["id"])
    finally:
        await session.detach()


async def _wait_for_rules(context: BrowserContext, extension_id: str) -> None:
    """Return when the static rules are in force; that of an extension without any that are on, at once."""
    page = await context.new_page()
    try:
        await page.goto(f"chrome-extension://{extension_id}/manifest.json")
        wanted = await page.evaluate(
            "async () => (await (await fetch('manifest.json')).json()).declarative_net_request.rule_resources"
            ".filter((ruleset) => ruleset.enabled).map((ruleset) => ruleset.id)"
        )
        give_up_at = time.monotonic() + LOAD_SECONDS
        while time.monotonic() < give_up_at:
            on = await page.evaluate("() => chrome.declarativeNetRequest.getEnabledRulesets()")
            if set(wanted) <= set(on):
                return
            await asyncio.sleep(POLL_SECONDS)
        raise TimeoutError
    finally:
        await page.close()
