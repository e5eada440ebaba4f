from __future__ import annotations

import pytest
from tabkeep.v1 import runs_pb2

from browser_host.task.failures import BLOCKED_BY_POLICY, Failed
from browser_host.task.gate import Irreversible, NeedsApproval, OnSite, act_of, acts_named
from browser_host.task.planners import hide
from browser_host.task.prompt_text import sites_in

UNSPECIFIED = runs_pb2.IRREVERSIBLE_POLICY_UNSPECIFIED
ALLOW = runs_pb2.IRREVERSIBLE_POLICY_ALLOW
APPROVE = runs_pb2.IRREVERSIBLE_POLICY_APPROVE
DENY = runs_pb2.IRREVERSIBLE_POLICY_DENY


@pytest.mark.parametrize(
    ("name", "act"),
    [
        ("Place order", "order"),
        ("Place your order", "order"),
        ("Buy now", "order"),
        ("Pay $12.00", "pay"),
        ("Confirm payment", "pay"),
        ("Delete", "delete"),
        ("Permanently delete this file", "delete"),
        ("Close my account", "delete"),
        ("Send", "send"),
        ("Send message", "send"),
        ("Reply", "send"),
        ("Publish", "publish"),
        ("Post comment", "publish"),
        ("Transfer funds", "transfer"),
    ],
)
def test_buttons_that_cannot_be_undone_are_known_by_their_names(name: str, act: str) -> None:
    assert act_of(name) == act


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Search",
        "Add to cart",
        "Continue to checkout",
        "Save",
        "PayPal",
        "Payment methods",
        "Orders",
        "My order history",
        "Blog posts",
        "Deleted items",
        "Cancel",
        "Close",
        "Log in",
        "Sender",
        "Shared with me",
    ],
)
def test_other_buttons_are_not_taken_for_them(name: str) -> None:
    assert act_of(name) == ""


@pytest.mark.parametrize(
    ("prompt", "acts"),
    [
        ("Delete the draft", {"delete"}),
        ("Tidy up the drafts", set()),
        ("Jot down 'buy milk' and \"delete the logs\"", set()),
        ("Click the 'Delete' button", {"delete"}),
        ("Tidy up, but do not delete anything", set()),
        ("Tidy up without deleting. Then send the report", {"send"}),
        ("Go to the last page, don't place an order", set()),
    ],
)
def test_a_prompt_names_an_act_unless_it_forbids_it(prompt: str, acts: set[str]) -> None:
    assert acts_named(prompt) == acts


def test_without_a_policy_what_was_asked_for_is_done_and_the_rest_needs_a_person() -> None:
    gate = Irreversible(UNSPECIFIED, frozenset({"send"}))

    gate.press("Send", "")
    with pytest.raises(NeedsApproval, match='"Delete" would delete something'):
        gate.press("Delete", "")


def test_a_persons_yes_holds_for_one_act_and_one_step() -> None:
    gate = Irreversible(APPROVE)
    with pytest.raises(NeedsApproval) as asked:
        gate.press("Delete", "")

    gate.approved(asked.value)
    gate.press("Delete", "")
    with pytest.raises(NeedsApproval):
        gate.press("Delete everything", "")
    gate.step_over()
    with pytest.raises(NeedsApproval):
        gate.press("Delete", "")


def test_what_is_denied_is_refused_also_where_it_was_asked_for() -> None:
    with pytest.raises(Failed) as refused:
        Irreversible(DENY).press("Place order", "")
    assert refused.value.reason == BLOCKED_BY_POLICY
    Irreversible(DENY).press("Add to cart", "")
    Irreversible(ALLOW, frozenset()).press("Place order", "")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://shop.example/cart", True),
        ("https://www.shop.example/cart", True),
        ("about:blank", True),
        ("https://shop.example.evil.test/", False),
        ("https://notshop.example/", False),
        ("https://user:shop.example@evil.test/", False),
        ("file:///etc/passwd", False),
        ("data:text/html,shop.example", False),
    ],
)
def test_a_site_is_a_host_and_what_lies_under_it(url: str, allowed: bool) -> None:
    assert OnSite(Irreversible(ALLOW), frozenset({"shop.example"})).allows(url) is allowed


def test_the_sites_of_a_prompt_are_the_hosts_that_it_names() -> None:
    prompt = "Open https://Shop.example:8443/a?b=c, compare with other.test/x and mail me at ada@mail.test"
    assert sites_in(prompt) == {"shop.example", "other.test"}


def test_secrets_of_a_prompt_become_holes() -> None:
    hidden = {"secret_1": "a b", "secret_2": "a b c"}

    assert hide("password 'a b c', then pin “a b”; a b", hidden) == (
        "password {{secret_2}}, then pin {{secret_1}}; {{secret_1}}"
    )


@pytest.mark.parametrize("question", ["Delete Ada?", "This cannot be undone. Go on?", "Remove the user Ada for ever?"])
def test_a_dialog_that_asks_whether_it_is_meant_is_an_act_by_its_words(question: str) -> None:
    with pytest.raises(NeedsApproval, match="cannot be undone"):
        Irreversible(APPROVE).accept(question)
    with pytest.raises(Failed, match="the dialog was dismissed"):
        Irreversible(DENY).accept(question)
    Irreversible(ALLOW).accept(question)
    Irreversible(UNSPECIFIED).accept(question)
    Irreversible(APPROVE).accept("Leave without saving?")


def test_who_agreed_to_a_button_agreed_to_its_question_in_that_step_and_to_no_other() -> None:
    gate = Irreversible(APPROVE)
    with pytest.raises(NeedsApproval) as asked:
        gate.press("Delete", "")
    gate.approved(asked.value)
    gate.press("Delete", "")
    gate.accept("Delete Ada for ever?")
    with pytest.raises(NeedsApproval):
        gate.accept("Send the message?")
    gate.step_over()
    with pytest.raises(NeedsApproval):
        gate.accept("Delete Ada for ever?")
