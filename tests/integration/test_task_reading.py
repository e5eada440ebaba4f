"""Reading data: what counts as a fact of the page, what is one thing of several, and what is never made up."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest

from demo.site import DemoSite
from tests.integration.task_fixtures import Desk, Outcome, act, struct

LOGIN = "Login with username 'support@company.com' and password 'headphones-4-all'"
FIND = "Find customer with email 'customer@example.com'"
CHECKOUT = "Complete checkout and confirm order"


def wanted(required: list[str], **properties: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": required,
    }


async def on(desk: Desk, html: str, prompt: str) -> Outcome:
    """Carry out a prompt on a page of this HTML."""
    await desk.open(f"/text?body={quote(f'<!doctype html><title>Page</title>{html}')}")
    return await desk.run(prompt=prompt)


def refused(outcome: Outcome, *words: str) -> bool:
    assert (outcome.status, outcome.reason, outcome.output) == ("FAILED", "EXTRACT", None), outcome
    assert all(word in outcome.message for word in words), outcome
    return True


# What somebody looks for is no fact of the page


@pytest.mark.parametrize("box", ['type="search"', 'name="q"', 'placeholder="Find by email"', 'id="customer-filter"'])
async def test_what_stands_in_a_search_box_is_no_fact_of_the_page(desk: Desk, box: str) -> None:
    page = f'<label>Search customers <input {box} value="customer@example.com"></label><p>Plan: Plus</p>'
    for name in ("name", "customer", "email"):
        assert refused(await on(desk, page, f"Extract the {name}"), name)
    whole = await on(desk, page, "Extract all data")
    assert whole.output == {"pairs": {"Plan": "Plus"}}


async def test_an_address_that_only_the_answer_to_a_search_repeats_is_no_fact(desk: Desk) -> None:
    page = "<main><p>No results for customer@example.com</p></main>"
    assert refused(await on(desk, page, "Extract the email"), "email")


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Phone number", "customer_id"),
        ("Product", "customer"),
        ("Product", "customer_name"),
        ("Delivery cost", "price"),
    ],
)
async def test_a_label_of_another_thing_is_not_taken(desk: Desk, label: str, name: str) -> None:
    await desk.open(f"/text?body={quote(f'<p>{label}: 555-0115</p>')}")
    outcome = await desk.run(act("extract", schema=wanted([name], **{name: "string"})))
    assert refused(outcome, name)


# What a prompt found, in the shape asked for


async def test_a_record_comes_in_the_shape_asked_for_although_the_search_box_is_filled(shop: Desk) -> None:
    await shop.open("/desk/login")
    await shop.run(prompt=LOGIN)
    outcome = await shop.run(prompt=FIND, schema=wanted(["name", "orders"], name="string", orders="integer"))
    assert (outcome.status, outcome.output) == ("COMPLETED", {"name": "Casey Morgan", "orders": 3}), outcome
    assert not [step for step in outcome.steps if step.HasField("output")]  # nothing was left to read


async def test_a_property_that_is_nowhere_fails_and_says_what_was_found(shop: Desk) -> None:
    await shop.open("/desk/login")
    await shop.run(prompt=LOGIN)
    outcome = await shop.run(prompt=FIND, schema=wanted(["name", "iban"], name="string", iban="string"))
    assert (outcome.status, outcome.reason) == ("FAILED", "EXTRACT"), outcome
    assert "not on the page: iban" in outcome.message
    assert "name = 'Casey Morgan'" in outcome.message
    assert outcome.output["name"] == "Casey Morgan"
    assert set(outcome.output or {}) >= {"name", "email"}
    assert "iban" not in (outcome.output or {})


async def test_what_a_prompt_does_not_bring_is_read_beside_what_it_brings(desk: Desk) -> None:
    rows = "<tr><td>Ann</td><td>ann@example.com</td></tr><tr><td>Bob</td><td>bob@example.com</td></tr>"
    table = f"<table><thead><tr><th>Name</th><th>Email</th></tr></thead><tbody>{rows}</tbody></table>"
    await desk.open(f"/text?body={quote(f'<main>{table}<p>Team: North</p></main>')}")
    schema = wanted(["name", "team"], name="string", team="string")
    outcome = await desk.run(prompt="Find member with email 'bob@example.com'", schema=schema)
    assert (outcome.status, outcome.output) == ("COMPLETED", {"name": "Bob", "team": "North"}), outcome


async def test_what_a_prompt_found_is_not_replaced_by_what_else_the_page_shows(desk: Desk) -> None:
    rows = "<tr><td>Bob</td><td>bob@example.com</td><td>many</td></tr>"
    table = f"<table><thead><tr><th>Name</th><th>Email</th><th>Orders</th></tr></thead><tbody>{rows}</tbody></table>"
    await desk.open(f"/text?body={quote(f'<main>{table}<p>orders: 7</p></main>')}")
    outcome = await desk.run(
        prompt="Find member with email 'bob@example.com'", schema=wanted(["orders"], orders="integer")
    )
    assert (outcome.status, outcome.reason) == ("FAILED", "EXTRACT"), outcome
    assert '"many"' in outcome.message


async def test_products_that_a_prompt_found_come_in_the_shape_asked_for(shop: Desk) -> None:
    await shop.open("/")
    one = wanted(["name", "price"], name="string", price="number")
    schema = {"type": "object", "properties": {"products": {"type": "array", "items": one}}, "required": ["products"]}
    outcome = await shop.run(prompt="Find wireless headphones under $100", schema=schema)
    assert outcome.status == "COMPLETED", outcome
    assert {"name": "Cove Wireless Headphones", "price": 79.99} in outcome.output["products"]
    assert all(set(product) == {"name", "price"} for product in outcome.output["products"])


# Order numbers


async def test_the_order_number_is_read_off_a_confirmation(shop: Desk, site: DemoSite) -> None:
    await shop.open("/login")
    await shop.run(prompt=LOGIN)
    await shop.open("/search?q=mug")
    bought = await shop.run(prompt=f"Add 'Stoneware Mug' to cart. {CHECKOUT}")
    assert bought.status == "COMPLETED", bought
    placed = site.log.last("order_placed")
    assert placed is not None
    outcome = await shop.run(prompt="Extract the order number and total")
    assert outcome.status == "COMPLETED", outcome
    assert outcome.output == {"order number": placed.details["order_number"], "total": "$18.00"}


@pytest.mark.parametrize(
    "page",
    [
        "<p>Order number: TK-100001</p><p>Before that: order TK-100000</p>",
        "<p>Order TK-100001 is confirmed. Order TK-100000 is on its way.</p>",
        "<dl><dt>Order number</dt><dd>TK-100001</dd><dt>Order number</dt><dd>TK-100000</dd></dl>",
        "<table><thead><tr><th>Order</th></tr></thead><tr><td>TK-100001</td></tr><tr><td>TK-100000</td></tr></table>",
    ],
)
async def test_of_several_order_numbers_none_is_taken_and_all_are_named(desk: Desk, page: str) -> None:
    assert refused(await on(desk, page, "Extract the order number"), "TK-100001", "TK-100000")


async def test_the_same_order_number_twice_is_one(desk: Desk) -> None:
    page = "<h1>Thank you</h1><p>Order #TK-100001</p><p>Order number: <b>TK-100001</b></p><p>Track order tk-100001</p>"
    outcome = await on(desk, page, "Extract the order number")
    assert outcome.output == {"order number": "TK-100001"}, outcome


# Prices and totals


async def test_the_price_is_read_off_a_products_own_page(shop: Desk) -> None:
    await shop.open("/products/stoneware-mug")
    outcome = await shop.run(prompt="Extract the name and price")
    assert outcome.output == {"name": "Stoneware Mug", "price": "$18.00"}, outcome


async def test_the_price_of_one_of_many_cards_is_asked_for_by_its_name(shop: Desk) -> None:
    await shop.open("/search")
    outcome = await shop.run(prompt="Get the price from 'Stoneware Mug'")
    assert outcome.output == {"price": "$18.00"}, outcome
    assert refused(await shop.run(prompt="Extract the price"), "price")


CARDS = (
    "<div><div><div><h3>Stoneware Mug</h3></div><div><s>$25.00</s> <b>$18.00</b></div></div>"
    "<div><div><h3>Stoneware Mug Large</h3></div><div><b>$24.00</b></div></div></div>"
)


async def test_a_part_is_the_whole_card_and_not_its_heading_alone(desk: Desk) -> None:
    for title, price in (("Stoneware Mug", "$18.00"), ("Stoneware Mug Large", "$24.00")):
        outcome = await on(desk, CARDS, f"Get the price from '{title}'")
        assert outcome.output == {"price": price}, outcome


async def test_a_part_that_may_be_any_of_several_is_not_chosen(desk: Desk) -> None:
    await desk.open(f"/text?body={quote(CARDS)}")
    outcome = await desk.run(act("extract", timeout=0.5, within="Stoneware"))
    assert (outcome.status, outcome.reason) == ("FAILED", "AMBIGUOUS"), outcome
    assert "Stoneware Mug Large" in outcome.message


@pytest.mark.parametrize(
    "price",
    [
        '<p class="price">$79.99</p>',
        "<div>$79.99</div>",
        '<p><s>$99.00</s> <span itemprop="price">$79.99</span></p><p>$10 off!</p>',
    ],
)
async def test_a_price_that_stands_for_itself_is_the_products(desk: Desk, price: str) -> None:
    others = "<ul><li><h3>Case</h3><b>$9.00</b></li><li><h3>Cable</h3><b>$5.00</b></li></ul>"
    page = f"<main><div><h1>Cove</h1>{price}<p>Free delivery over $50</p></div><section>{others}</section></main>"
    outcome = await on(desk, page, "Extract the price")
    assert outcome.output == {"price": "$79.99"}, outcome


@pytest.mark.parametrize(
    "body",
    [
        "<h1>Delivery</h1><p>Free delivery over <b>$50.00</b></p>",
        "<h1>Cart</h1><div><span>Subtotal</span><span class='price'>$50.00</span></div>",
        "<h1>Cart</h1><div class='cart-total'>$50.00</div>",
        "<h1>Cove</h1><p class='price'>$50.00</p><p class='price'>$60.00</p>",
        "<h1>All</h1><p>$50.00</p><ul><li><h3>Case</h3><b>$9.00</b></li><li><h3>Cable</h3><b>$5.00</b></li></ul>",
    ],
)
async def test_an_amount_that_may_be_something_else_is_no_price(desk: Desk, body: str) -> None:
    assert refused(await on(desk, f"<main>{body}</main>", "Extract the price"), "price")


@pytest.mark.parametrize("count", [1, 2])
async def test_the_total_is_read_off_the_cart(shop: Desk, count: int) -> None:
    await shop.open("/search?q=mug")
    assert (await shop.run(prompt="Add 'Stoneware Mug' to cart")).status == "COMPLETED"
    if count == 2:
        await shop.open("/search?q=headphones")
        assert (await shop.run(prompt="Add 'Cove Wireless Headphones' to cart")).status == "COMPLETED"
    await shop.open("/cart")
    outcome = await shop.run(prompt="Extract the total")
    assert outcome.output == {"total": "$18.00" if count == 1 else "$97.99"}, outcome
    if count == 2:
        outcome = await shop.run(prompt="Get the total from 'Stoneware Mug'")
        assert outcome.output == {"total": "$18.00"}, outcome


LINE = "<table><thead><tr><th>Product</th><th>Total</th></tr></thead><tr><td>Mug</td><td>$18.00</td></tr></table>"


@pytest.mark.parametrize(
    "sums",
    [
        "<p>Subtotal: $18.00</p><div><span>Shipping</span><span>$5.00</span></div>",
        "<p>Subtotal: $18.00</p><p>Taxes and shipping calculated at checkout</p>",
        "<p>Subtotal: $20.00</p>",
    ],
)
async def test_a_subtotal_on_which_more_may_come_is_no_total(desk: Desk, sums: str) -> None:
    assert refused(await on(desk, f"<main><h1>Cart</h1>{LINE}{sums}</main>", "Extract the total"), "total")


async def test_the_pages_total_comes_before_the_one_of_its_only_line(desk: Desk) -> None:
    outcome = await on(
        desk, f"<main>{LINE}<p>Shipping: $5.00</p><p>Order total: $23.00</p></main>", "Extract the total"
    )
    assert outcome.output == {"total": "$23.00"}, outcome


# Cards' secrets


@pytest.mark.parametrize(
    "prompt",
    [
        "Fill 'Card number' with '4242 4242 4242 4242' and fill CVC with '987'",
        "Enter '4242 4242 4242 4242' into the card number field and enter '987' into the cvc field",
        "Set Card number to '4242 4242 4242 4242' and set CVC to '987'",
        "Fill in the payment form with card number '4242 4242 4242 4242' and CVC '987'",
    ],
)
async def test_a_cards_number_and_code_are_in_no_event(desk: Desk, prompt: str) -> None:
    page = '<form><label>Card number <input name="one"></label><label>CVC <input name="two"></label></form>'
    outcome = await on(desk, page, f"{prompt}, then extract all data")
    values = await (await desk.browser.current_page()).evaluate(
        "() => [...document.querySelectorAll('input')].map((one) => one.value).join()", timeout=2
    )
    assert values == "4242 4242 4242 4242,987", outcome
    assert outcome.status == "COMPLETED"
    assert "4242 4242" not in outcome.journal.text
    assert not re.search(r"\b987\b", outcome.journal.text)  # a duration may hold these digits, as part of others


async def test_a_typed_fill_of_a_card_number_is_in_no_event(desk: Desk) -> None:
    await desk.open(f"/text?body={quote('<label>Card number <input></label>')}")
    fill = act("fill", target={"name": "Card number"}, value={"literal": "4242 4242 4242 4242"})
    outcome = await desk.run(fill, act("extract"))
    assert outcome.status == "COMPLETED", outcome
    assert "4242 4242" not in outcome.journal.text


LINKED = """<title>Shop</title><h1>Kettle</h1><p>Colour: Red</p>
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
 {"@type": "BreadcrumbList", "itemListElement": [{"name": "Home"}, {"name": "Kitchen"}]},
 {"@type": "Product", "name": "Kettle 2000", "sku": "K-17", "color": "blue",
  "brand": {"@type": "Brand", "name": "Boiler"},
  "offers": [{"@type": "Offer", "price": 39.5, "priceCurrency": "EUR"}]}]}</script>"""


async def test_what_a_page_says_of_itself_to_programs_is_read_where_it_shows_nothing(desk: Desk) -> None:
    await desk.open(f"/text?body={quote(LINKED)}")
    text = {"type": "string"}
    properties = {"sku": text, "brand": text, "colour": text, "price": {"type": "number"}}
    extract = act("extract")
    extract.extract.schema.CopyFrom(struct({"type": "object", "properties": properties, "required": list(properties)}))

    outcome = await desk.run(extract)

    assert outcome.status == "COMPLETED", outcome
    assert outcome.output == {"sku": "K-17", "brand": "Boiler", "colour": "Red", "price": 39.5}
    places = {one.path: one.selector for one in outcome.journal.end.provenance}
    assert places["sku"].endswith("script")
    assert places["colour"].endswith("p")


async def test_things_that_a_page_lists_for_programs_are_rows(desk: Desk) -> None:
    thing = '{"@type": "ListItem", "item": {"@type": "Product", "name": "N", "offers": {"price": "P"}}}'
    both = ", ".join(thing.replace("N", name).replace('"P"', price) for name, price in (("Cup", "3"), ("Pot", "9.5")))
    body = f'<script type="application/ld+json">{{"@type": "ItemList", "itemListElement": [{both}]}}</script>Shop'
    await desk.open(f"/text?body={quote(body)}")
    item = {"type": "object", "properties": {"name": {"type": "string"}, "price": {"type": "number"}}}
    extract = act("extract")
    extract.extract.schema.CopyFrom(struct({"type": "array", "items": {**item, "required": ["name", "price"]}}))

    outcome = await desk.run(extract)

    assert outcome.status == "COMPLETED", outcome
    rows: Any = outcome.output
    assert rows == [{"name": "Cup", "price": 3}, {"name": "Pot", "price": 9.5}]
