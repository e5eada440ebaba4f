from __future__ import annotations

import pytest

from control_plane.prompt_secrets import secrets_in, without_secrets


@pytest.mark.parametrize(
    ("prompt", "secrets"),
    [
        ("Login with username 'bob' and password 'a b c'", ["a b c"]),
        ("log in as bob, password: hunter-2!", ["hunter-2"]),
        ("Fill in the username with bob and the password with 'secret 1'", ["secret 1"]),
        ("Set Password to 'x1 y2' and PIN to 4711", ["x1 y2", "4711"]),
        ("Enter 'open sesame' into the password field", ["open sesame"]),
        ("card number 4242424242424242, expiry '12/30', cvc '123'", ["4242424242424242", "123"]),
        (
            "Enter rosa as the user, Tower-41 as the password and Tower-42 as the password confirmation, and save",
            ["Tower-41", "Tower-42"],
        ),
        ("put hunter-2 into my new password, then save", ["hunter-2"]),
        ("change my password on the settings page", []),
        ("fill password with {{pw}} and token '{{token}}'", []),
        ("Find customer with email 'a@b.c'", []),
        ("password 'one1', password 'one1'", ["one1"]),
    ],
)
def test_secrets_are_found_where_a_prompt_names_them(prompt: str, secrets: list[str]) -> None:
    assert secrets_in(prompt) == secrets


def test_a_prompt_is_shown_with_masks_in_their_place() -> None:
    prompt = "Login with username 'bob' and password 'a b c'"

    assert without_secrets(prompt, secrets_in(prompt)) == "Login with username 'bob' and password '•••'"
