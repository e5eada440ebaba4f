"""Prompts, carried out by the rules: what the site saw is the truth, not what the run says of itself."""

from __future__ import annotations

import pytest

from browser_host.task.journal import Credential
from demo.site import DemoSite
from tests.integration.task_fixtures import Desk, ListJournal

LOGIN = "Login with username 'support@company.com' and password 'headphones-4-all'"
HEADPHONES = "Find wireless headphones under $100, add top result to cart"
CHECKOUT = "Complete checkout and confirm order"


async def test_the_documents_four_prompts_in_one_browser(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    login = await shop.run(prompt=LOGIN)
    assert login.status == "COMPLETED", login
    found = await shop.run(prompt="Find customer with email 'customer@example.com'")
    assert found.status == "COMPLETED", found
    assert (found.output["email"], found.output["name"]) == ("customer@example.com", "Casey Morgan")
    await shop.open("/")
    added = await shop.run(prompt=HEADPHONES)
    assert added.status == "COMPLETED", added
    assert (added.output["name"], added.output["price"]) == ("Cove Wireless Headphones", 79.99)
    bought = await shop.run(prompt=CHECKOUT)
    assert bought.status == "COMPLETED", bought
    order = site.log.last("order_placed")
    assert order is not None
    assert order.user == "support@company.com"
    assert order.details["products"] == {"cove-wireless-headphones": 1}
    assert bought.output == {"order_number": order.details["order_number"], "total": 79.99}
    assert [site.log.count(event) for event in ("login", "added_to_cart", "order_placed")] == [1, 1, 1]


async def test_every_step_of_a_prompt_is_recorded_and_its_password_nowhere(shop: Desk) -> None:
    await shop.open("/login")
    outcome = await shop.run(prompt=LOGIN)
    journal = outcome.journal
    [plan] = journal.of("plan_made")
    assert (plan.planner, list(plan.clauses)) == ("rules", ['log in as "support@company.com" with the password given'])
    assert [one.source for one in journal.of("step_started")] == ["rules"] * 3
    assert journal.of("step_started")[2].action.click.target.name == "Sign in"
    assert "headphones-4-all" not in journal.text


@pytest.mark.parametrize("password", ["wrong", "Headphones-4-all", ""])
async def test_a_wrong_password_is_refused_in_the_pages_words(shop: Desk, site: DemoSite, password: str) -> None:
    await shop.open("/login")
    for _ in range(2):  # the second time the page already shows the refusal of the first
        outcome = await shop.run(prompt=f"Log in as 'support@company.com' with password '{password}'")
        if password:
            assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome
            assert "Wrong username or password." in outcome.message
        else:
            assert outcome.reason == "CREDENTIAL_REQUIRED"
    assert site.log.count("login") == 0


async def test_a_login_without_a_password_uses_the_credential_stored_for_the_page(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    journal = ListJournal()
    journal.credentials[shop.url] = [Credential("support@company.com", "headphones-4-all", "")]
    journal.credentials["https://elsewhere.example"] = [Credential("support@company.com", "another", "")]

    outcome = await shop.run(prompt="Login with username 'support@company.com'", journal=journal)

    assert outcome.status == "COMPLETED", outcome
    assert site.log.count("login") == 1
    assert "headphones-4-all" not in journal.text


async def test_a_login_names_nobody_where_there_is_one_credential(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    journal = ListJournal()
    journal.credentials[shop.url] = [Credential("support@company.com", "headphones-4-all", "")]

    outcome = await shop.run(prompt="Log in", journal=journal)

    assert outcome.status == "COMPLETED", outcome


async def test_a_login_without_a_password_does_nothing(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    outcome = await shop.run(prompt="Login with username 'support@company.com'")
    assert (outcome.status, outcome.reason, outcome.steps) == ("FAILED", "CREDENTIAL_REQUIRED", [])
    assert site.log.count("login_failed") == 0


async def test_a_login_that_is_already_done_is_done(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    await shop.run(prompt=LOGIN)
    await shop.open("/")
    again = await shop.run(prompt=LOGIN)
    assert (again.status, again.reason) == ("FAILED", "NOT_FOUND"), again  # the shop shows a name, not the username
    assert site.log.count("login") == 1


async def test_a_login_link_is_followed_to_the_form(shop: Desk, site: DemoSite) -> None:
    await shop.open("/")
    assert (await shop.run(prompt=LOGIN)).status == "COMPLETED"
    assert site.log.count("login") == 1


async def test_the_same_search_twice_is_answered_twice(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login?next=/desk")
    await shop.run(prompt=LOGIN)
    for _ in range(2):
        assert (await shop.run(prompt="Find customer with email 'customer@example.com'")).status == "COMPLETED"
    assert site.log.count("customer_search") == 2


@pytest.mark.parametrize("email", ["customer@example.net", "ustomer@example.com", "customer@example.co"])
async def test_a_customer_who_nearly_fits_is_not_the_one(shop: Desk, email: str) -> None:
    await shop.open("/login")
    await shop.run(prompt=LOGIN)
    outcome = await shop.run(prompt=f"Find customer with email '{email}'")
    assert (outcome.status, outcome.reason, outcome.output) == ("FAILED", "NOT_FOUND", None), outcome


async def test_a_customers_record_in_the_shape_asked_for(shop: Desk) -> None:
    await shop.open("/login")
    await shop.run(prompt=LOGIN)
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "orders": {"type": "integer"}, "plan": {"enum": ["Plus", "Basic"]}},
        "required": ["name", "orders"],
    }
    outcome = await shop.run(prompt="Find customer with email 'customer@example.com'", schema=schema)
    assert outcome.output == {"name": "Casey Morgan", "orders": 3, "plan": "Plus"}


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("Find wireless headphones under $20, add top result to cart", "NOT_FOUND"),
        ("Find golden teapots, add top result to cart", "NOT_FOUND"),
        ("Find wireless headphones between $59 and $60, add top result to cart", "REJECTED_BY_PAGE"),
        ("Search for 'headphones', then add 'Nimbus Wireless Headphones' to cart", "REJECTED_BY_PAGE"),
        ("Search for 'headphones', then add 'Wireless Headphones' to cart", "AMBIGUOUS"),
    ],
)
async def test_what_does_not_fit_or_is_sold_out_is_not_bought(
    shop: Desk, site: DemoSite, prompt: str, reason: str
) -> None:
    await shop.open("/")
    outcome = await shop.run(prompt=prompt)
    assert (outcome.status, outcome.reason) == ("FAILED", reason), outcome
    assert site.log.count("added_to_cart") == 0


@pytest.mark.parametrize(
    ("prompt", "slug"),
    [
        ("Find wireless headphones, add the cheapest to cart", "pebble-wireless-headphones"),
        ("Find wireless headphones, add the most expensive one to cart", "aurora-wireless-headphones"),
        ("Search for 'mug' and add 'Stoneware Mug' to my basket", "stoneware-mug"),
        ("Open 'Quill Mechanical Keyboard' and add it to the cart", "quill-keyboard"),
    ],
)
async def test_what_is_added_is_what_was_meant(shop: Desk, site: DemoSite, prompt: str, slug: str) -> None:
    await shop.open("/")
    outcome = await shop.run(prompt=prompt)
    assert outcome.status == "COMPLETED", outcome
    assert [entry.details["product"] for entry in site.log.events("added_to_cart")] == [slug]


async def test_a_declined_payment_is_no_order(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    await shop.run(prompt=LOGIN)
    await shop.open("/search?q=gift")
    outcome = await shop.run(prompt=f"Add 'Gift card (payment test)' to cart. {CHECKOUT}.")
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE"), outcome
    assert "Payment declined" in outcome.message
    assert site.log.count("payment_declined") == 1
    assert site.log.count("order_placed") == 0


async def test_a_checkout_names_what_it_lacks_and_takes_what_it_is_given(shop: Desk, site: DemoSite) -> None:
    await shop.open("/search?q=mug")
    lacking = await shop.run(prompt=f"Add 'Stoneware Mug' to cart. {CHECKOUT}")
    assert (lacking.status, lacking.reason) == ("FAILED", "MISSING_INPUT"), lacking
    assert all(f'"{name}"' in lacking.message for name in ("Full name", "Email", "Address", "City", "Postcode"))
    given = (
        "Complete checkout with full name 'Ada', email 'ada@example.com', address '1 Way', city 'Town', "
        "postcode '12345', card number '4242 4242 4242 4242', expiry '12/30' and CVC '123' and confirm order"
    )
    outcome = await shop.run(prompt=given)
    assert outcome.status == "COMPLETED", outcome
    assert "4242 4242" not in outcome.journal.text
    [order] = site.log.events("order_placed")
    assert order.details["email"] == "ada@example.com"


async def test_an_empty_cart_cannot_be_checked_out(shop: Desk) -> None:
    await shop.open("/")
    outcome = await shop.run(prompt=CHECKOUT)
    assert (outcome.status, outcome.reason) == ("FAILED", "REJECTED_BY_PAGE")
    assert "Your cart is empty" in outcome.message


async def test_a_prompt_understood_in_part_does_nothing(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    outcome = await shop.run(prompt=f"{LOGIN}, then summarise the reviews")
    assert (outcome.status, outcome.reason, outcome.steps) == ("FAILED", "NEEDS_MODEL", [])
    assert "summarise the reviews" in outcome.message
    assert outcome.journal.of("plan_made") == []
    assert site.log.count("login") == 0


@pytest.mark.parametrize(("password", "status"), [("right", "COMPLETED"), ("wrong", "FAILED")])
async def test_a_login_in_two_steps_whose_form_goes_away_while_it_asks(desk: Desk, password: str, status: str) -> None:
    await desk.open("/two_step_login.html")
    outcome = await desk.run(prompt=f"Sign in with username 'a@b.c' and password '{password}'")
    assert outcome.status == status, outcome
    if status == "FAILED":
        assert outcome.reason == "REJECTED_BY_PAGE"
        assert "That password is not right" in outcome.message


@pytest.mark.parametrize(
    ("email", "status", "reason"),
    [
        ("ann@example.com", "COMPLETED", "UNSPECIFIED"),
        ("bob@example.com", "FAILED", "AMBIGUOUS"),
        ("ann@example.co", "FAILED", "NOT_FOUND"),
    ],
)
async def test_a_record_is_found_in_a_table_of_several_pages(desk: Desk, email: str, status: str, reason: str) -> None:
    await desk.open("/members.html")
    outcome = await desk.run(prompt=f"Find the member with email {email}")
    assert (outcome.status, outcome.reason) == (status, reason), outcome
    if status == "COMPLETED":
        assert outcome.output == {"member_id": "M-4", "name": "Ann", "e_mail": "ann@example.com"}


async def test_plain_clauses_fill_a_form(desk: Desk) -> None:
    await desk.open("/form.html")
    outcome = await desk.run(
        prompt=(
            "Fill Full name with {{who}}. Enter 'x@y.z' into the Email field, set Colour to 'Blue', choose 'Express', "
            "check Newsletter and fill Notes with 'say {{who}}, then click Send'"
        ),
        parameters={"who": "Ada, then go back"},
    )
    assert outcome.status == "COMPLETED", outcome
    page = await desk.browser.current_page()
    state = "() => [...new FormData(document.forms[0]).entries()].map((one) => one.join('=')).join(';')"
    values = str(await page.evaluate(state, timeout=2)).split(";")
    assert {"name=Ada, then go back", "email=x@y.z", "colour=b", "delivery=exp", "news=on"} <= set(values)
    assert "notes=say Ada, then go back, then click Send" in values
