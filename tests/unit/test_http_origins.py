"""Which web pages may call the gateway: its own, as a browser names them, also behind a proxy."""

import pytest
from starlette.requests import HTTPConnection

from control_plane.http.answers import Refused
from control_plane.http.origins import refuse_other_origin


def call(origin: str | None, host: str = "127.0.0.1:7331") -> HTTPConnection:
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    return HTTPConnection({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("origin", "http_url"),
    [
        ("http://127.0.0.1:7331", ""),
        ("https://127.0.0.1:7331", ""),
        ("https://keep.example", "https://keep.example"),
        ("https://keep.example", "https://keep.example/"),
    ],
)
def test_a_page_of_this_server_may(origin: str, http_url: str) -> None:
    refuse_other_origin(call(origin), http_url, needed=True)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:7332",
        "http://keep.example",
        "https://keep.example:8443",
        "https://keep.example.evil.example",
        "https://evil.example",
    ],
)
def test_a_page_of_another_may_not(origin: str) -> None:
    with pytest.raises(Refused) as refused:
        refuse_other_origin(call(origin), "https://keep.example")
    assert refused.value.code == "ORIGIN_NOT_ALLOWED"


def test_who_says_no_origin_is_no_page_and_may_call_but_not_attach() -> None:
    refuse_other_origin(call(None), "https://keep.example")
    with pytest.raises(Refused):
        refuse_other_origin(call(None), "https://keep.example", needed=True)
