"""Where a client calls and with which key, from arguments and the environment."""

from __future__ import annotations

from pathlib import Path

import pytest
from tabkeep import AuthenticationError, Client, endpoint


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TABKEEP_API_KEY", "TABKEEP_API_KEY_FILE", "TABKEEP_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_this_machine_in_plain_text() -> None:
    assert endpoint.resolve("tk_a") == endpoint.Endpoint("127.0.0.1:7330", "tk_a", tls=False)


def test_the_environment_completes_what_is_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "api-key"
    file.write_text("tk_file\n")
    monkeypatch.setenv("TABKEEP_ADDRESS", "control.example:7000")
    monkeypatch.setenv("TABKEEP_API_KEY_FILE", str(file))
    assert endpoint.resolve() == endpoint.Endpoint("control.example:7000", "tk_file")
    monkeypatch.setenv("TABKEEP_API_KEY", "tk_variable")
    assert endpoint.resolve().api_key == "tk_variable"
    assert endpoint.resolve("tk_given", "other:1") == endpoint.Endpoint("other:1", "tk_given")


@pytest.mark.parametrize(
    ("address", "target", "tls"),
    [
        ("https://control.example", "control.example:443", True),
        ("grpcs://control.example:7331/", "control.example:7331", True),
        ("http://127.0.0.1:7330", "127.0.0.1:7330", False),
        ("control.example", "control.example:7330", False),
        ("[::1]", "[::1]:7330", False),
        ("unix:/run/tabkeep.sock", "unix:/run/tabkeep.sock", False),
    ],
)
def test_an_address_says_its_port_and_whether_it_is_secured(address: str, target: str, tls: bool) -> None:
    found = endpoint.resolve("tk_a", address)
    assert (found.address, found.tls) == (target, tls)


def test_tls_is_used_when_asked_for_or_when_authorities_are_given() -> None:
    assert endpoint.resolve("tk_a", tls=True).tls
    assert endpoint.resolve("tk_a", root_certificates=b"pem").tls
    with pytest.raises(ValueError, match="contradicts"):
        endpoint.resolve("tk_a", "https://control.example", tls=False)


def test_no_key_at_all_is_said_with_what_would_help() -> None:
    with pytest.raises(AuthenticationError, match="set TABKEEP_API_KEY or TABKEEP_API_KEY_FILE") as raised:
        Client()
    assert raised.value.reason == "KEY_MISSING"


@pytest.mark.parametrize(("content", "why"), [(None, "No such file"), (b"\n", "is empty"), (b"\xff\xfe", "not text")])
def test_a_key_file_that_holds_no_key_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "api-key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("TABKEEP_API_KEY_FILE", str(file))
    with pytest.raises(AuthenticationError, match=why) as raised:
        Client()
    assert str(file) in str(raised.value)


def test_the_key_is_not_in_an_endpoint_s_text() -> None:
    assert "tk_a" not in repr(endpoint.resolve("tk_a"))
