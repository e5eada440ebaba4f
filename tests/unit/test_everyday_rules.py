"""What prompts in everyday words mean, and where they are left to a model all the same."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2

from browser_host.task.clauses.cart_lines import AddAll, RemoveFromCart
from browser_host.task.clauses.changing import ChangeOf, UseCode, Within
from browser_host.task.clauses.checkout import Checkout
from browser_host.task.clauses.deleting import DeleteRecord
from browser_host.task.clauses.form_fields import Part, SetParts
from browser_host.task.clauses.named_records import EditNamed, EditWhere, OpenNamed
from browser_host.task.clauses.new_records import AddEntries, NewRecord
from browser_host.task.clauses.page_body import AppendBody, EditBody, RunQuery
from browser_host.task.clauses.pick_lists import PutInto
from browser_host.task.clauses.questions import Ask, CountOf
from browser_host.task.clauses.results import FindNamed, OpenResult
from browser_host.task.clauses.saving import Save, SaveChanges
from browser_host.task.clauses.shopping import AddToCart
from browser_host.task.clauses.sign_in import SignIn
from browser_host.task.clauses.sign_out import SignOut
from browser_host.task.clauses.table_questions import AskTable
from browser_host.task.clauses.table_views import FilterBy, NarrowTo, OfFirstRow, SortTable
from browser_host.task.failures import NEEDS_MODEL, Failed
from browser_host.task.planner import Plan
from browser_host.task.rules.references import DeleteIt
from browser_host.task.rules.rules import RulesPlanner
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
        ("Open order 100041", OpenNamed("100041", "order")),
        ("Open the page about bread", OpenNamed("bread")),
        ("Edit the row of Anna Berg", EditNamed("Anna Berg", "row")),
        ("Delete the row of Tom Field", DeleteRecord("Tom Field", "row")),
        ("Delete the user igor. Yes, delete it.", DeleteRecord("igor", "user")),
        (
            "Set the priority to urgent and the status to in progress",
            SetParts((Part("priority", "urgent"), Part("status", "in progress"))),
        ),
        (
            "Enter rosa as the username and x-41 as the password",
            SetParts((Part("username", "rosa"), Part("password", "x-41", secret=True))),
        ),
        ("Write the comment 'On order'", SetParts((Part("comment", "On order"),))),
        ("Put him in the groups Editors and Support", PutInto("groups", ("Editors", "Support"))),
        ("Choose Editors under available groups", PutInto("groups", ("Editors",))),
        ("Filter the list by status: Open", FilterBy("status Open")),
        ("Sort the table by population in descending order", SortTable("population", descending=True)),
        ("Tell me the name of the first city", OfFirstRow("name")),
        ("Add eggs and flour to my list", AddEntries("item", ("eggs", "flour"))),
        ("What is gina's last name?", Ask("last name", "gina")),
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
    ("prompt", "meaning"),
    [
        ("Could you erase the user igor for me?", DeleteRecord("igor", "user")),
        ("I'd like you to set up a new group called Reviewers, please", NewRecord("group", "Reviewers", ())),
        ("Nadia is joining the trip, so please add her as a participant.", NewRecord("participant", "Nadia", ())),
        ("Toss the mug into my cart", AddToCart("mug")),
        ("Make sure to store the changes", Save()),
        ("Change carol's email address to c@x.example",
         ChangeOf(Part("email address", "c@x.example"), "carol", save=True)),
        ("Set the status of issue 'Lamp' to resolved",
         ChangeOf(Part("status", "resolved"), "Lamp", "issue", save=True)),
        ("Rename the column city to town", ChangeOf(Part("name", "town"), "city", "column", save=True, verb="rename")),
        ("Open the one called About us", OpenNamed("About us", "record")),
        ("Open jana's page", OpenNamed("jana", "record")),
        ("Find the watering can and open it", FindNamed("watering can")),
        ("Edit the order whose amount is 31", EditWhere("amount", "31", "order")),
        ("Delete the bill for the museum. If it asks whether you are sure, confirm.", DeleteRecord("museum", "bill")),
        ("Add the line 'The end.' at the bottom", AppendBody("The end.")),
        ("Apply the voucher code SPRING10", UseCode("SPRING10")),
        (
            "Put 'x-1' in the password box and Ada Byron in the full name box",
            SetParts((Part("password", "x-1", secret=True), Part("full name", "Ada Byron"))),
        ),
        (
            "Add a new address. First name Dora, 4 Chapel Row, city Bath. Save it.",
            NewRecord("address", "", (Part("", "First name Dora"), Part("address", "4 Chapel Row"),
                                      Part("", "city Bath"))),
        ),
        ("Who paid for the train?", AskTable("paid for the train", "who")),
        ("Which cities are in Sweden? I only want their names.",
         AskTable("are in Sweden", "which", "cities", "name")),
        ("Log in to the project lisbon, the private code is x-9", SignIn("lisbon", "x-9")),
        ("Show only the cities in Norway", NarrowTo("Norway")),
    ],
)  # fmt: skip
def test_the_same_in_other_words(prompt: str, meaning: Any) -> None:
    assert plan(prompt).intents == (meaning,)


@pytest.mark.parametrize("prompt", ["Open a document titled 'Budget'", "Open a page called 'Budget'"])
def test_what_may_be_there_already_is_not_made_by_who_opens_it(prompt: str) -> None:
    with pytest.raises(Failed) as refused:
        plan(prompt)
    assert refused.value.reason == NEEDS_MODEL
    assert plan("Open an issue titled 'Budget'").intents == (NewRecord("issue", "Budget", ()),)


def test_where_something_is_done_may_be_said_first() -> None:
    made = plan("Under Stock and pricing change the price to 16.00, then save.").intents
    assert made[0] == Within("Stock and pricing")
    assert made[-1] == Save()


@pytest.mark.parametrize(
    "prompt",
    [
        "Which of these should I buy?",
        "Who is the best author and why?",
        "Which customers have orders over 100?",
        "Find mugs and mark the other one as done",
        "Add a new user. Click the blue thing that shines",
    ],
)
def test_other_words_that_leave_open_what_is_meant_need_a_model(prompt: str) -> None:
    with pytest.raises(Failed) as refused:
        plan(prompt)
    assert refused.value.reason == NEEDS_MODEL


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


@pytest.mark.parametrize(
    ("prompt", "last"),
    [
        ("Open the user bob and change the email to b@x.example", SaveChanges()),
        ("Open 'Lamp' and set its status to testing", SaveChanges()),
        ("Open the group Editors, rename it to Writers", SaveChanges()),
        ("Open the user bob, change his email to b@x.example and save", Save()),
    ],
)
def test_a_record_that_was_changed_is_saved_once(prompt: str, last: Any) -> None:
    made = plan(prompt).intents
    assert made[-1] == last
    assert sum(isinstance(one, Save | SaveChanges) for one in made) == 1


@pytest.mark.parametrize("prompt", ["Set Quantity to 2", "Open the product Mug and set quantity to 2"])
def test_what_is_set_on_other_pages_is_left_unsent(prompt: str) -> None:
    assert not any(isinstance(one, Save | SaveChanges) for one in plan(prompt).intents)


def test_it_is_what_a_clause_before_has_named() -> None:
    made = plan("Search for fred, open it and delete it. Confirm the deletion.").intents
    assert made == (OpenResult("fred"), DeleteIt())
    for prompt in ("Delete it", "Open it", "Click 'Save' and delete it", "Delete it, then open the user bob"):
        with pytest.raises(Failed) as refused:
            plan(prompt)
        assert refused.value.reason == NEEDS_MODEL


def test_a_password_among_the_fields_is_known_for_a_secret_and_shown_nowhere() -> None:
    made = plan("Add a user named erin with the password Copper-Field-31 (type it twice) and save.")
    assert set(made.secrets) == {"Copper-Field-31"}
    assert "Copper" not in "".join(made.clauses)


def test_only_what_was_meant_for_a_password_is_kept_as_a_secret() -> None:
    assert set(plan("Password: a-1, Password confirmation: a-1").secrets) == {"a-1"}
