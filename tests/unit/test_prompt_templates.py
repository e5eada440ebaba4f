"""Prompts of workflows are taken apart like those of tasks: a parameter is a value where it stands."""

from __future__ import annotations

import pytest

from control_plane.prompt_secrets import secrets_in
from control_plane.prompt_templates import PromptTemplate, taken_apart

GIVEN = {"email": "ada@example.com", "password": "pw-1 x", "max": "100", "name": "Ada Lovelace", "again": "100"}


def taken(prompt: str, given: dict[str, str] | None = None) -> PromptTemplate | None:
    return taken_apart(prompt, secrets_in(prompt), GIVEN if given is None else given, ["password"])


@pytest.mark.parametrize(
    ("prompt", "same_as"),
    [
        (
            "Login with username '{{ email }}' and password '{{password}}'",
            "Login with username 'ada@example.com' and password 'pw-1 x'",
        ),
        ("Find headphones under ${{ max }}, add top result", "Find headphones under $100, add top result"),
        ("Find customer with email {{email}}", "Find customer with email ada@example.com"),
        ("Fill Note with 'Hello {{name}}'", "Fill Note with 'Hello Ada Lovelace'"),
        ("Go to https://shop.example.com/orders/{{max}}", "Go to https://shop.example.com/orders/100"),
        ("Set A to '{{max}}' and B to '{{again}}'", "Set A to '100' and B to '100'"),
        ("Set A to 'x' and B to {{max}}", "Set A to 'x' and B to 100"),
    ],
)
def test_a_prompt_with_parameters_is_the_task_that_has_their_values(prompt: str, same_as: str):
    assert taken(prompt) == taken_apart(same_as, secrets_in(same_as)) is not None


def test_a_parameter_without_quotes_is_a_value_too():
    found = taken("Fill Name with {{name}} and Pin with {{password}}")
    assert found is not None
    assert found.text == "Fill Name with {{value_1}} and Pin with {{secret_1}}"
    assert [(one.text, one.secret) for one in found.values] == [("pw-1 x", True), ("Ada Lovelace", False)]


def test_a_parameter_in_the_place_of_a_password_is_secret_though_nobody_says_so():
    found = taken("Login with username 'x' and password '{{name}}'")
    assert found is not None
    assert {one.text for one in found.values if one.secret} == {"Ada Lovelace"}


@pytest.mark.parametrize(
    ("prompt", "given"),
    [
        ("Fill Name with {{nobody}}", GIVEN),
        ("Fill Name with {{name}}", {"name": " "}),
        ("Fill Name with {{ no hole", GIVEN),
        ("Fill Name with '{{name}}'", {"name": "has {{ in it"}),
        ("Fill Name with '{{value_2}}'", {"value_1": "another", "value_2": "Ada"}),
        ("Fill Name with '{{name}}'", {"name": "a mark \x01"}),
    ],
)
def test_what_cannot_be_told_apart_again_has_no_template(prompt: str, given: dict[str, str]):
    assert taken(prompt, given) is None


def test_parameters_that_are_called_like_the_holes_are_fine_where_they_are_the_same():
    found = taken("Fill Name with '{{value_1}}'", {"value_1": "Ada"})
    assert found is not None
    assert found.text == "Fill Name with '{{value_1}}'"
