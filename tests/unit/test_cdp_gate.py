"""What a CDP client may ask of a browser, and what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from browser_host.cdp_gate import Answer, CdpGate, Forward, NotCdp


def verdict(gate: CdpGate, method: str, session_id: str = "", **params: Any) -> Forward | Answer:
    message: dict[str, Any] = {"id": 7, "method": method, "params": params}
    return gate.to_browser(json.dumps({**message, "sessionId": session_id} if session_id else message))


def attached(session_id: str, url: str) -> str:
    target = {"targetId": "t", "type": "page", "url": url}
    return json.dumps(
        {"method": "Target.attachedToTarget", "params": {"sessionId": session_id, "targetInfo": target}},
        separators=(",", ":"),
    )


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Page.navigate", {"url": "https://example.com/"}),
        ("Page.navigate", {"url": "HTTP://example.com/"}),
        ("Page.navigate", {"url": "data:text/html,x"}),
        ("Page.navigate", {"url": "about:blank#x"}),
        ("Target.createTarget", {"url": ""}),
        ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}),
        ("Target.setAutoAttach", {"autoAttach": False, "waitForDebuggerOnStart": False}),
        ("Target.attachToTarget", {"targetId": "t", "flatten": True}),
        ("Fetch.continueRequest", {"requestId": "r"}),
        ("Input.dispatchDragEvent", {"type": "drop", "data": {"items": [], "dragOperationsMask": 1}}),
        ("Runtime.evaluate", {"expression": "location.href"}),
        ("Storage.getCookies", {}),
    ],
)
def test_what_a_client_needs_is_forwarded_as_it_is(method: str, params: dict[str, Any]) -> None:
    forwarded = verdict(CdpGate(), method, "s", **params)
    assert isinstance(forwarded, Forward)
    assert json.loads(forwarded.text) == {"id": 7, "method": method, "params": params, "sessionId": "s"}


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Browser.close", {}),
        ("Browser.crash", {}),
        ("Browser.executeBrowserCommand", {"commandId": "x"}),
        ("Target.createBrowserContext", {}),
        ("Target.disposeBrowserContext", {"browserContextId": "x"}),
        ("Target.exposeDevToolsProtocol", {"targetId": "t"}),
        ("Target.sendMessageToTarget", {"message": '{"id":1,"method":"Browser.close"}', "sessionId": "s"}),
        ("Target.setRemoteLocations", {"locations": [{"host": "10.0.0.1", "port": 9}]}),
        ("Target.attachToTarget", {"targetId": "t"}),
        ("Target.attachToTarget", {"targetId": "t", "flatten": 1}),
        ("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False}),
        ("Extensions.loadUnpacked", {"path": "/etc"}),
        ("SystemInfo.getProcessInfo", {}),
        ("Tethering.bind", {"port": 9222}),
        ("Tracing.start", {}),
        ("Network.loadNetworkResource", {"url": "file:///etc/passwd", "options": {}}),
        ("Page.setDownloadBehavior", {"behavior": "allow", "downloadPath": "/etc"}),
        ("Page.crash", {}),
        ("DOM.setFileInputFiles", {"files": ["/etc/passwd"]}),
        ("Input.dispatchDragEvent", {"type": "drop", "data": {"files": ["/etc/passwd"]}}),
        ("Page.navigate", {"url": "file:///etc/passwd"}),
        ("Page.navigate", {"url": " file:///etc/passwd"}),
        ("Page.navigate", {"url": "fi\tle:///etc/passwd"}),
        ("Page.navigate", {"url": "view-source:https://example.com/"}),
        ("Page.navigate", {"url": "chrome://settings"}),
        ("Page.navigate", {"url": "about:version"}),
        ("Page.navigate", {"url": ["file:///etc/passwd"]}),
        ("Target.createTarget", {"url": "chrome-extension://abc/page.html"}),
        ("Fetch.continueRequest", {"requestId": "r", "url": "file:///etc/passwd"}),
        ("page.navigate", {"url": "https://example.com/"}),
        ("NoSuch.method", {}),
    ],
)
def test_what_could_harm_is_refused_and_the_browser_hears_nothing_of_it(method: str, params: dict[str, Any]) -> None:
    answer = verdict(CdpGate(), method, "s", **params)
    assert isinstance(answer, Answer)
    assert answer.refused == method
    told = json.loads(answer.text)
    assert (told["id"], told["sessionId"], told["error"]["code"]) == (7, "s", -32000)
    assert "not allowed here" in told["error"]["message"]


def test_what_clients_always_ask_for_is_answered_and_not_done() -> None:
    answer = verdict(CdpGate(), "Browser.setDownloadBehavior", behavior="allow", downloadPath="/etc")
    assert isinstance(answer, Answer)
    assert json.loads(answer.text) == {"id": 7, "result": {}}
    assert answer.refused == ""


def test_the_browser_gets_what_was_looked_at_and_nothing_beside_it() -> None:
    gate = CdpGate()
    twice = '{"id":1,"method":"Browser.close","method":"Page.enable","extra":1}'
    forwarded = gate.to_browser(twice)
    assert isinstance(forwarded, Forward)
    assert json.loads(forwarded.text) == {"id": 1, "method": "Page.enable", "params": {}}
    assert "Browser.close" not in forwarded.text
    assert isinstance(gate.to_browser('{"id":1,"method":"Page.enable","method":"Browser.close"}'), Answer)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "1", '{"method":"Page.enable"}', '{"id":"1","method":"Page.enable"}', '{"id":1}',
        '{"id":true,"method":"Page.enable"}', '{"id":1,"method":"Page.enable","params":[]}',
        '{"id":1,"method":"Page.enable","sessionId":1}', '{"id":1,"method":"Page.enable","params":{"a":NaN}}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_cdp_ends_the_conversation(text: str) -> None:
    with pytest.raises(NotCdp):
        CdpGate().to_browser(text)


@pytest.mark.parametrize(
    "url", ["chrome-extension://abc/worker.js", "chrome://omnibox-popup", "devtools://x", "blob:chrome-extension://a/1"]
)
def test_the_browsers_own_pages_can_be_let_go_on_and_nothing_else(url: str) -> None:
    gate = CdpGate()
    assert gate.to_client(attached("own", url)) == attached("own", url)
    gate.to_client(attached("web", "https://example.com/?chrome://"))
    assert isinstance(verdict(gate, "Runtime.evaluate", "own", expression="1"), Answer)
    assert isinstance(verdict(gate, "Runtime.runIfWaitingForDebugger", "own"), Forward)
    assert isinstance(verdict(gate, "Runtime.evaluate", "web", expression="1"), Forward)
