"""Why a browser did not start, in words for the person who can do something about it."""

from __future__ import annotations

from browser_host.kernel import isolation, session_directory
from browser_host.kernel.isolation import NotIsolated
from browser_host.launch import FoundBrowser
from browser_host.open_browser import LaunchFailed

NO_SANDBOX_SIGNS = ("No usable sandbox", "sandbox_host_linux", "Running as root without --no-sandbox", "credentials.cc")
LONGEST_MESSAGE = 2000
LAST_LINES = 10


class IsolationFailed(LaunchFailed):
    """A browser is not as apart as it should be here, or was not let be so; another try ends no other way."""


def explained(found: FoundBrowser, error: Exception, seconds: float, *, own_user: bool) -> LaunchFailed:
    """What an error in the start of a browser means; the start had `seconds`, and ran as a user of its own or not."""
    if isinstance(error, TimeoutError):
        return LaunchFailed(f"{found.name} did not start within {seconds:g} s")
    said = words(error)
    if isinstance(error, NotIsolated):
        return IsolationFailed(f"{found.name} is not isolated here: {said}")
    if any(sign in str(error) for sign in NO_SANDBOX_SIGNS):
        remedy = f"its sandbox cannot start: {isolation.HOW_TO_ALLOW_USER_NAMESPACES}"
        return IsolationFailed(f"{found.name} could not be started: {remedy}: {said}")
    if own_user and not session_directory.others_can_reach(found.executable.resolve()):
        remedy = "install it where all can (PLAYWRIGHT_BROWSERS_PATH=/opt/browsers playwright install chromium)"
        return IsolationFailed(f"the users of sessions cannot get to {found.executable}: {remedy}: {said}")
    return LaunchFailed(f"{found.name} could not be started: {said}")


def words(error: BaseException) -> str:
    """An error's own words, and what the browser itself wrote, without the rest of Playwright's log."""
    lines = str(error).splitlines()
    first = lines[0].removeprefix("BrowserType.launch_persistent_context: ") if lines else ""
    # "[pid=7][err] cannot open display"; from the end, because a browser complains of much before it says why it ends.
    written = [line.partition("[err]")[2].strip() for line in lines if "[err]" in line]
    words = [first or type(error).__name__, *written[-LAST_LINES:]]
    return " | ".join(word for word in words if word)[:LONGEST_MESSAGE]
