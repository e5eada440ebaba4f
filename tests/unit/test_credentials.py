from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from control_plane.entities.credentials import one_time_code, origin_of, totp_key

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    # RFC 6238, appendix B: the last six of its eight digits.
    assert one_time_code(RFC_SECRET, datetime.fromtimestamp(seconds, UTC)) == code


def test_a_seed_may_be_written_as_sites_print_it() -> None:
    assert totp_key("gezd gnbv-gy3t qojq gezd gnbv gy3t qojq") == b"12345678901234567890"


@pytest.mark.parametrize("seed", ["", "1", "not base32!", "GEZDGNBV"])
def test_a_seed_that_is_none_is_refused(seed: str) -> None:
    with pytest.raises(ValueError, match=r"base32|short"):
        totp_key(seed)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example.com/login?x=1", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://user:pw@shop.example.com/", "https://shop.example.com"),
        ("ftp://shop.example.com", ""),
        ("shop.example.com", ""),
        ("https://", ""),
        ("https://x:99999/", ""),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin
