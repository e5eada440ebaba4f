"""What is a browser state and what is not: every field of an upload, and what a host brings."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest

from browser_host.chromium.playwright_state import BrowserState
from browser_host.open_browser import ProfileUnusable
from control_plane.entities import browser_states
from control_plane.fields import Fields

COOKIE = {"name": "a", "value": "b", "domain": "shop.example"}
DATABASE = {"name": "d", "version": 1, "stores": [{"name": "s", "records": [], "indexes": []}]}


def test_a_storage_state_is_taken_and_given_back():
    fields = Fields()
    whole = {"path": "/", "expires": -1, "httpOnly": False, "secure": False, "sameSite": "Lax"}
    given = {
        "cookies": [{**COOKIE, **whole}],
        "origins": [
            {"origin": "https://shop.example", "localStorage": [{"name": "k", "value": "ü"}], "indexedDB": [DATABASE]}
        ],
    }
    content = browser_states.uploaded(fields, "storage_state", json.dumps(given))
    assert not fields.violations
    assert browser_states.summary(content) == browser_states.Summary("", 1, 1)
    assert json.loads(browser_states.exported(content)) == given


def test_what_playwright_leaves_out_has_its_default():
    fields = Fields()
    content = browser_states.uploaded(fields, "storage_state", json.dumps({"cookies": [COOKIE]}))
    (cookie,) = json.loads(content)["cookies"]
    assert (cookie["path"], cookie["expires"], cookie["sameSite"], cookie["secure"]) == ("/", -1, "Lax", False)


def test_text_that_is_no_unicode_is_kept():
    content = browser_states.uploaded(
        Fields(), "s", '{"origins":[{"origin":"http://a","localStorage":[{"name":"k","value":"\\ud800"}]}]}'
    )
    assert json.loads(browser_states.exported(content))["origins"][0]["localStorage"][0]["value"] == "\ud800"


@pytest.mark.parametrize(
    ("state", "field"),
    [
        ("{", "storage_state"),
        ("[" * 100_000, "storage_state"),
        ("[]", "storage_state"),
        (" " * (browser_states.MAX_UPLOADED_BYTES + 1), "storage_state"),
        ({"cookies": {}}, "storage_state.cookies"),
        ({"cookies": ["a=b"]}, "storage_state.cookies[0]"),
        ({"cookies": [COOKIE, {**COOKIE, "domain": ""}]}, "storage_state.cookies[1].domain"),
        ({"cookies": [{**COOKIE, "value": 1}]}, "storage_state.cookies[0].value"),
        ({"cookies": [{**COOKIE, "path": "shop"}]}, "storage_state.cookies[0].path"),
        ({"cookies": [{**COOKIE, "expires": "soon"}]}, "storage_state.cookies[0].expires"),
        ({"cookies": [{**COOKIE, "expires": True}]}, "storage_state.cookies[0].expires"),
        ({"cookies": [{**COOKIE, "secure": "yes"}]}, "storage_state.cookies[0].secure"),
        ({"cookies": [{**COOKIE, "sameSite": "no_restriction"}]}, "storage_state.cookies[0].sameSite"),
        ({"cookies": [{**COOKIE, "hostOnly": True}]}, "storage_state.cookies[0].hostOnly"),
        ({"credentials": []}, "storage_state.credentials"),
        ({"origins": [{"origin": "shop.example"}]}, "storage_state.origins[0].origin"),
        ({"origins": [{"origin": "file:///etc"}]}, "storage_state.origins[0].origin"),
        ({"origins": [{"origin": "https://shop.example/"}]}, "storage_state.origins[0].origin"),
        ({"origins": [{"origin": "https://me:secret@shop.example"}]}, "storage_state.origins[0].origin"),
        ({"origins": [{"origin": "https://shop.example:99999"}]}, "storage_state.origins[0].origin"),
        ({"origins": [{"origin": "http://a", "opfs": []}]}, "storage_state.origins[0].opfs"),
        ({"origins": [{"origin": "http://a", "localStorage": [1]}]}, "storage_state.origins[0].localStorage"),
        (
            {"origins": [{"origin": "http://a", "localStorage": [{"name": "k"}]}]},
            "storage_state.origins[0].localStorage[0].value",
        ),
        (
            {"origins": [{"origin": "http://a", "indexedDB": [{**DATABASE, "version": 0}]}]},
            "storage_state.origins[0].indexedDB[0].version",
        ),
        (
            {"origins": [{"origin": "http://a", "indexedDB": [{**DATABASE, "stores": None}]}]},
            "storage_state.origins[0].indexedDB[0].stores",
        ),
    ],
)
def test_a_mistake_is_named_by_its_field(state, field):
    fields = Fields()
    text = state if isinstance(state, str) else json.dumps(state)
    assert browser_states.uploaded(fields, "storage_state", text) == b""
    assert [violation.field for violation in fields.violations] == [field]


def test_a_flood_of_mistakes_is_cut_short():
    fields = Fields()
    browser_states.uploaded(fields, "s", json.dumps({"cookies": [{}] * 10_000}))
    assert len(fields.violations) < 30


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b'{"format":2}',
        b'{"format":1,"service_workers":[{}]}',
        b'{"format":1,"permissions":[{"origin":"http://a","name":"camera","state":"maybe"}]}',
    ],
)
def test_what_a_host_brings_is_checked_too(content):
    with pytest.raises(browser_states.StateInvalid):
        browser_states.summary(content)


@pytest.mark.parametrize("content", [b"not json", b"[]", b"{}", b'{"format":2,"cookies":[],"origins":[]}'])
async def test_a_host_refuses_a_state_of_a_form_it_does_not_know(content):
    with pytest.raises(ProfileUnusable):
        await BrowserState(None, nullcontext, "").restore(content)
