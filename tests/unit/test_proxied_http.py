"""Where the body of an answer ends, however what its server says is cut into pieces."""

from __future__ import annotations

import pytest

from browser_host.network.proxied_http import Answer, Body

CHUNKED = b"4;x=y\r\nhell\r\n1\r\no\r\n0\r\nAfter: all\r\n\r\n"


def a_body(fields: bytes) -> Body:
    return Body(Answer.read(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n", b"GET"))


@pytest.mark.parametrize(
    ("fields", "said"), [(b"Transfer-Encoding: chunked", CHUNKED), (b"Content-Length: 11", b"hello world")]
)
def test_a_body_ends_at_the_same_byte_in_whatever_pieces_it_comes(fields, said):
    for size in range(1, len(said) + 6):
        body, taken, following = a_body(fields), 0, said + b"HTTP/1.1"
        while not body.ended:
            taken += body.take(following[taken : taken + size])
        assert taken == len(said)
        assert body.take(following[taken:]) == 0


def test_a_body_without_a_length_takes_whatever_comes():
    body = a_body(b"X: y")
    assert body.ends_with_connection
    assert body.take(CHUNKED) == len(CHUNKED)
    assert not body.ended


def test_a_body_of_no_length_has_ended_before_it_begins():
    assert a_body(b"Content-Length: 0").ended


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"x\r\n", "no chunk"),
        (b"5\nhello\r\n0\r\n\r\n", "no chunk"),
        (b"-1\r\n", "no chunk"),
        (b"4\r\nhello\r\n", "longer than it said"),
        (b"5\r\nhello\n0\r\n\r\n", "longer than it said"),
        (b"0\r\nAfter: all\n\r\n", "no trailer"),
        (b"0\r\n" + b"After: all\r\n" * 7000, "no trailer"),
        (b"0" * 70_000, "too long"),
    ],
)
def test_chunks_that_others_may_read_in_another_way_are_none(said, words):
    with pytest.raises(ValueError, match=words):
        a_body(b"Transfer-Encoding: chunked").take(said)
