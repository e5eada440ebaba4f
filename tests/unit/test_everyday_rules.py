"""What prompts in everyday words mean, and where they are left to a model all the same."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from browser_host.task.cart_lines import AddAll, RemoveFromCart
from browser_host.task.checkout import Checkout
from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.fields import Part, SetParts
from browser_host.task.named_records import DeleteRecord, OpenNamed
from browser_host.task.new_records import AddEntries, NewRecord
from browser_host.task.page_body import EditBody, RunQuery
from browser_host.task.planner import Plan
from browser_host.task.questions import Ask, CountOf
from browser_host.task.results import OpenResult
from browser_host.task.rules import RulesPlanner
from browser_host.task.saving import Save
from browser_host.task.shopping import AddToCart
from browser_host.task.sign_in import SignIn
from browser_host.task.sign_out import SignOut
from browser_host.task.values import Parameters


def plan(prompt: str) -> Plan:
    return RulesPlanner().plan(prompt, Parameters(struct_pb2.Struct()))


@pytest.mark.parametrize(
    ("prompt", "meaning"),
    [
        ("Create a new group called Reviewers", NewRecord("group", "Reviewers", ())),
        (
            "Insert a new row with name Zoe Park and city Oslo, and save it",
            NewRecord("row", "", (Part("", "name Zoe Park"), Part("", "city Oslo"))),
        ),
        (
            "Add a page: URL /x/, title Hello there, content We ship on weekdays. Press Add.",
            NewRecord("page", "", (Part("", "URL /x/"), Part("", "title Hello there"),
                                   Part("", "content We ship on weekdays")), "Add"),
        ),
        (
            "First name: Pat, Last name: Lowe",
            SetParts((Part("First name", "Pat"), Part("Last name", "Lowe"))),
        ),
        ("My new email is a@b.example", SetParts((Part("email", "a@b.example"),))),
        ("Open the user alice", OpenNamed("alice", "user")),
        ("Under Sites, open example.com", OpenNamed("example.com", "sites")),
        ("Delete the group Support. Yes, I'm sure.", DeleteRecord("Support", "group")),
        ("Submit the changes", Save()),
        ("Log out", SignOut()),
        ("Log in. Login name: tess, password: x-9", SignIn("tess", "x-9")),
        ("Search the wiki for sourdough and open the page that is found", OpenResult("sourdough")),
        ("What is the email address of bob?", Ask("email address", "bob")),
        ("In which city does Ivan Petrov live?", Ask("city", "Ivan Petrov")),
        ("How many users are there?", CountOf("users")),
        ("Replace the text with Mix and bake", EditBody("Mix and bake")),
        ('Run the query "select 1"', RunQuery("select 1")),
        ("Add two todos: buy milk, call Sam", AddEntries("todo", ("buy milk", "call Sam"))),
        ("I want to buy two watering cans. Add them to the basket please.", AddToCart("watering cans", 2)),
        ("Add two mugs to cart", AddToCart("mugs", 2)),
        (
            "Add the watering can and the hose to the basket",
            AddAll((AddToCart("watering can"), AddToCart("hose"))),
        ),
        ("Take the watering can out again", RemoveFromCart("watering can")),
        (
            "Check out as a guest with email a@b.example. Ship it to Robin Marsh, 12 Mill Lane, Leeds, LS1 4DT, France",
            Checkout({"email": "a@b.example", "first name": "Robin", "last name": "Marsh", "city": "Leeds",
                      "address line 1": "12 Mill Lane", "postcode": "LS1 4DT", "country": "France"}),
        ),
    ],
)  # fmt: skip
def test_everyday_words(prompt: str, meaning: Any) -> None:
    assert plan(prompt).intents == (meaning,)


@pytest.mark.parametrize(
    "prompt",
    [
        "Open the user that signed up last",
        "Delete the item from the list",
        "Add a mug called 'Blue' to the cart",
        "Add three todos: buy milk, call Sam",
        "Create a user with an appropriate name",
        "What is the highest price of all products?",
        "What is the name of the one with the lowest price?",
        "Change the title to something suitable",
        "Tell me the best ones",
        "Take the first one out again",
        "Warning: do not press the button",
    ],
)
def test_what_leaves_open_what_is_meant_needs_a_model(prompt: str) -> None:
    with pytest.raises(Failed) as refused:
        plan(prompt)
    assert refused.value.reason == NEEDS_MODEL


def test_a_password_among_the_fields_is_known_for_a_secret_and_shown_nowhere() -> None:
    made = plan("Add a user named erin with the password Copper-Field-31 (type it twice) and save.")
    assert set(made.secrets) == {"Copper-Field-31"}
    assert "Copper" not in "".join(made.clauses)


def test_only_what_was_meant_for_a_password_is_kept_as_a_secret() -> None:
    assert set(plan("Password: a-1, Password confirmation: a-1").secrets) == {"a-1"}
