"""What a CDP client may ask of a session's browser. Pure: messages in, messages out.

Every message of a client is read and written anew, so that the browser gets what was looked at and nothing else: two
readers of one text may understand it differently. What is not on the lists is refused. Refused are, above all, what
would end the browser or open another one, what reads or writes files of the host, what listens or dials, what loads
other pages than those of the web, and everything in the browser's own pages and those of its extensions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST_MESSAGE = 32 * 2**20
"""Bytes of a message to the browser."""

_DOMAINS = {
    "Accessibility", "Animation", "Audits", "CSS", "CacheStorage", "Console", "DOM", "DOMDebugger", "DOMSnapshot",
    "DOMStorage", "Debugger", "Emulation", "Fetch", "IO", "IndexedDB", "Input", "LayerTree", "Log", "Media", "Network",
    "Overlay", "Page", "Performance", "PerformanceTimeline", "Profiler", "Runtime", "Schema", "Security",
    "ServiceWorker", "Storage", "WebAudio",
}  # fmt: skip
"""Allowed but for `_REFUSED`; of other domains only `_ALLOWED`."""
_ALLOWED = {
    "Browser.getVersion",
    "Browser.getWindowForTarget",
    "Browser.grantPermissions",
    "Browser.resetPermissions",
    "Browser.setPermission",
    "Target.activateTarget",
    "Target.attachToBrowserTarget",
    "Target.attachToTarget",
    "Target.closeTarget",
    "Target.createTarget",
    "Target.detachFromTarget",
    "Target.getBrowserContexts",
    "Target.getTargetInfo",
    "Target.getTargets",
    "Target.setAutoAttach",
    "Target.setDiscoverTargets",
}
_REFUSED = {
    # These take paths of the host's files, or write such.
    "DOM.setFileInputFiles",
    "DOM.getFileInfo",
    "Page.setDownloadBehavior",
    # It loads what is on no page, and may read files.
    "Network.loadNetworkResource",
    # Playwright can never use the page again.
    "Page.crash",
}
_ANSWERED: dict[str, dict[str, Any]] = {"Browser.setDownloadBehavior": {}, "Browser.setWindowBounds": {}}
"""Taken and not done: clients ask for them without being told to. Downloads stay where the host puts them."""
_URLS = {"Page.navigate", "Target.createTarget", "Fetch.continueRequest", "Network.continueInterceptedRequest"}
"""Their parameter `url` is a page to load."""
_FLAT = {"Target.attachToTarget", "Target.setAutoAttach"}
"""Otherwise messages would come inside of messages, past this gate."""
_WEB = re.compile(r"(?:https?:|blob:|data:)|about:(?:blank|srcdoc)(?:[?#]|\Z)", re.IGNORECASE)
_OWN_PAGES = re.compile(r"(?:blob:|filesystem:|view-source:)*(?:chrome|devtools|edge|isolated-app)", re.IGNORECASE)
"""How the addresses begin of the browser's own pages and of extensions."""
_IN_OWN_PAGES = {"Runtime.runIfWaitingForDebugger", "Target.detachFromTarget"}
_ATTACHED = "Target.attachedToTarget"
_REFUSAL = -32000


@dataclass(frozen=True, slots=True)
class Forward:
    """A message for the browser."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the client; the browser hears nothing of what it asked."""

    text: str
    refused: str = ""
    """The method, when the client may not use it so."""


class NotCdp(Exception):
    """A client sent what is no CDP message; the text says what is wrong."""


class CdpGate:
    """The gate of one client."""

    def __init__(self) -> None:
        self._own_pages: set[str] = set()
        """The CDP sessions of pages that are the browser's own, or an extension's."""

    def to_browser(self, text: str) -> Forward | Answer:
        """What becomes of a client's message.

        Raises:
            NotCdp.
        """
        message = _read(text)
        method, params, session_id = message["method"], message.get("params", {}), message.get("sessionId", "")
        why = self._why_not(method, params, session_id)
        if why:
            error = {"code": _REFUSAL, "message": f"{method} is not allowed here: {why}"}
            return Answer(_answer(message, error=error), refused=method)
        if method in _ANSWERED:
            return Answer(_answer(message, result=_ANSWERED[method]))
        return Forward(json.dumps(message, separators=(",", ":")))

    def to_client(self, text: str) -> str:
        """What the client gets of what the browser says: all, for now; the gate learns which pages there are."""
        # The browser's own words begin so; what pages say comes later in a message.
        if _ATTACHED in text[:60]:
            message = json.loads(text)
            if message.get("method") == _ATTACHED:
                url = str(message["params"]["targetInfo"].get("url", ""))
                if _OWN_PAGES.match(url):
                    self._own_pages.add(message["params"]["sessionId"])
        return text

    def _why_not(self, method: str, params: dict[str, Any], session_id: str) -> str:
        """Why a client may not do this; empty: it may."""
        if session_id in self._own_pages and method not in _IN_OWN_PAGES:
            return "this page is the browser's own"
        if method in _REFUSED or (
            method.partition(".")[0] not in _DOMAINS and method not in _ALLOWED and method not in _ANSWERED
        ):
            return "it could harm the session or its host"
        if method in _FLAT and params.get("flatten") is not True and params.get("autoAttach") is not False:
            return "set flatten"
        if method in _URLS and not _is_web(params.get("url", "")):
            return "of pages only those of the web can be opened (http, https, data, blob, about:blank)"
        data = params.get("data")
        if method == "Input.dispatchDragEvent" and isinstance(data, dict) and data.get("files"):
            return "files of the host cannot be dropped"
        return ""


def _is_web(url: object) -> bool:
    return isinstance(url, str) and (not url or _WEB.match(url) is not None)


def _read(text: str) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise NotCdp(f"a message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise NotCdp("a message is not a JSON object")
    number, method = message.get("id"), message.get("method")
    params, session_id = message.get("params", {}), message.get("sessionId", "")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(method, str):
        raise NotCdp("a message needs a number `id` and a text `method`")
    if not isinstance(params, dict) or not isinstance(session_id, str):
        raise NotCdp("`params` must be an object, and `sessionId` a text")
    read: dict[str, Any] = {"id": number, "method": method, "params": params}
    return {**read, "sessionId": session_id} if session_id else read


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _answer(message: dict[str, Any], **outcome: Any) -> str:
    session = {"sessionId": message["sessionId"]} if "sessionId" in message else {}
    return json.dumps({"id": message["id"], **outcome, **session}, separators=(",", ":"))
