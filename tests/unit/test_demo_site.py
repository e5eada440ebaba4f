"""The demo site keeps its promises: what a browser does there is what its log says."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from demo.site import DemoSite, SiteLog
from demo.site.catalogue import BY_SLUG, PRODUCTS, SortOrder, search

COVE = "cove-wireless-headphones"
GIFT_CARD = "gift-card-payment-test"
DELIVERY = {
    "name": "Gus Guest",
    "email": "gus@example.com",
    "address": "1 High Street",
    "city": "Townsville",
    "postcode": "12345",
}
CARD = {"card_number": "4111 1111 1111 1111", "expiry": "04/31", "cvc": "123"}


class Browser(httpx.AsyncClient):
    """A browser without scripts: it keeps cookies and follows redirects."""

    def __init__(self, site: DemoSite) -> None:
        transport = httpx.ASGITransport(site.app)
        super().__init__(transport=transport, base_url="http://shop.test", follow_redirects=True)

    async def sign_in(self, username: str, password: str, **more: str) -> httpx.Response:
        return await self.post("/login", data={"username": username, "password": password, **more})

    async def add(self, slug: str, quantity: int = 1) -> httpx.Response:
        return await self.post("/cart/add", data={"product": slug, "quantity": quantity})

    async def reach_review(self, slug: str = COVE) -> str:
        """Go as far as the review and return the token in its form."""
        await self.add(slug)
        await self.post("/checkout", data=DELIVERY)
        review = await self.post("/checkout/payment", data=CARD)
        assert review.url.path == "/checkout/review"
        found = re.search(r'name="token" value="([^"]+)"', review.text)
        assert found
        return found[1]


@pytest.fixture
def site() -> DemoSite:
    return DemoSite()


@pytest.fixture
async def browser(site: DemoSite) -> AsyncIterator[Browser]:
    async with Browser(site) as browser:
        yield browser


def alerts(response: httpx.Response) -> list[str]:
    return [unescape(text) for text in re.findall(r'role="alert">([^<]*)<', response.text)]


def row(response: httpx.Response, text: str) -> list[str]:
    """Return the cells of the first table row that has `text` as a whole cell."""
    for html in re.findall(r"<tr>(.*?)</tr>", response.text, re.DOTALL):
        cells = [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?>(.*?)</td>", html, re.DOTALL)]
        if text in cells:
            return cells
    return []


# The catalogue


def test_the_first_hits_for_wireless_headphones_are_not_the_right_answer_under_100_dollars():
    found = search("wireless headphones")
    assert [found[0].price_cents, found[1].in_stock] == [24900, False]
    right = [product for product in found if product.price_cents < 10000 and product.in_stock]
    assert right[0].slug == COVE
    assert right[0].price_cents == 7999


def test_the_catalogue_has_enough_of_everything():
    headphones = [product for product in PRODUCTS if product.kind == "headphones"]
    assert len(PRODUCTS) >= 14
    assert len(headphones) >= 5
    assert any("Wired" in product.name for product in headphones)
    assert len(BY_SLUG) == len(PRODUCTS)


def test_results_sort_by_price_both_ways():
    up = [product.price_cents for product in search("headphones", SortOrder.PRICE_UP)]
    down = [product.price_cents for product in search("headphones", SortOrder.PRICE_DOWN)]
    assert up == sorted(up)
    assert down == sorted(down, reverse=True)


async def test_a_search_is_logged_with_its_words_and_hits(site, browser):
    page = await browser.get("/search", params={"q": "wireless headphones"})
    assert "$79.99" in page.text
    assert site.log.last("product_search").details == {
        "query": "wireless headphones",
        "sort": "relevance",
        "results": 6,
    }


async def test_a_search_without_hits_says_so(browser):
    assert "No products match" in (await browser.get("/search?q=zeppelin")).text


# The cart


async def test_adding_without_scripts_leads_to_the_cart(site, browser):
    page = await browser.add(COVE, 2)
    assert page.url.path == "/cart"
    assert "Added to cart" in page.text
    assert "$159.98" in page.text
    assert 'Cart (<span id="cart-count">2</span>)' in page.text
    assert site.log.last("added_to_cart").details["quantity"] == 2


async def test_adding_by_script_answers_with_the_new_count(site, browser):
    answer = await browser.post("/cart/add", data={"product": COVE}, headers={"accept": "application/json"})
    assert answer.json() == {"message": "Added to cart", "cart_count": 1}
    assert site.log.count("added_to_cart") == 1


async def test_what_is_out_of_stock_cannot_be_added(site, browser):
    page = await browser.get("/products/nimbus-wireless-headphones")
    assert "<button disabled>Out of stock</button>" in page.text
    refused = await browser.add("nimbus-wireless-headphones")
    assert "is out of stock" in refused.text
    assert site.log.count("added_to_cart") == 0


@pytest.mark.parametrize("quantity", ["0", "-1", "11", "1e3", "²", "9" * 5000, "", "one"])
async def test_a_quantity_that_makes_no_sense_adds_nothing(site, browser, quantity):
    page = await browser.post("/cart/add", data={"product": COVE, "quantity": quantity})
    assert "Choose a quantity between 1 and 10" in page.text
    assert site.log.count("added_to_cart") == 0


async def test_a_cart_line_is_changed_and_removed(site, browser):
    await browser.add(COVE, 3)
    await browser.post("/cart/update", data={"product": COVE, "quantity": 1})
    emptied = await browser.post("/cart/remove", data={"product": COVE})
    assert [entry.details["quantity"] for entry in site.log.events("removed_from_cart")] == [2, 1]
    assert "Your cart is empty" in emptied.text
    assert "Proceed to checkout" not in emptied.text


async def test_an_empty_cart_has_no_checkout(site, browser):
    assert (await browser.get("/checkout")).url.path == "/cart"
    assert (await browser.get("/checkout/review")).url.path == "/cart"
    assert site.log.count("checkout_started") == 0


# Checkout


async def test_a_guest_checks_out(site, browser):
    token = await browser.reach_review()
    page = await browser.post("/checkout/review", data={"token": token})
    assert page.url.path == "/orders/TK-100001"
    assert "Thank you, your order is confirmed" in page.text
    assert "Order number: <strong>TK-100001</strong>" in page.text
    (order,) = site.orders
    assert (order.total_cents, order.delivery.email, order.payment) == (7999, "gus@example.com", "Card ending 1111")
    assert site.log.last("order_placed").details["products"] == {COVE: 1}
    assert site.log.count("checkout_started") == 1


async def test_a_signed_in_user_finds_the_forms_filled_in(site, browser):
    await browser.sign_in("shopper", "shop-till-drop")
    await browser.add(COVE)
    delivery = await browser.get("/checkout")
    assert 'value="18 Willow Lane"' in delivery.text
    payment = await browser.post("/checkout", data=DELIVERY)
    assert 'value="saved" checked> Visa ending 4242' in payment.text
    review = await browser.post("/checkout/payment", data={"card": "saved"})
    assert review.url.path == "/checkout/review"


async def test_missing_delivery_fields_are_named_and_nothing_is_lost(site, browser):
    await browser.add(COVE)
    page = await browser.post("/checkout", data=DELIVERY | {"email": "gus", "city": "  "})
    assert alerts(page) == ["Enter a valid email address.", "Enter your city."]
    assert 'value="Gus Guest"' in page.text
    assert (await browser.get("/checkout/payment")).url.path == "/checkout"


async def test_a_guest_cannot_pay_without_a_card(browser):
    await browser.add(COVE)
    await browser.post("/checkout", data=DELIVERY)
    assert len(alerts(await browser.post("/checkout/payment", data={"card": "saved"}))) == 3
    assert (await browser.get("/checkout/review")).url.path == "/checkout/payment"


async def test_the_gift_card_is_declined_and_no_order_is_made(site, browser):
    token = await browser.reach_review(GIFT_CARD)
    page = await browser.post("/checkout/review", data={"token": token})
    assert alerts(page) == ["Payment declined. Your card was not charged and no order was placed."]
    assert "Thank you" not in page.text
    assert site.log.count("payment_declined") == 1
    assert site.orders == ()


async def test_the_same_order_sent_twice_is_one_order(site, browser):
    token = await browser.reach_review()
    first = await browser.post("/checkout/review", data={"token": token})
    await browser.add(COVE)
    second = await browser.post("/checkout/review", data={"token": token})
    assert second.url == first.url
    assert len(site.orders) == 1
    assert site.log.last("order_resubmitted").details == {"order_number": "TK-100001"}


async def test_the_same_order_sent_at_the_same_moment_is_one_order(site, browser):
    token = await browser.reach_review()
    await asyncio.gather(*(browser.post("/checkout/review", data={"token": token}) for _ in range(5)))
    assert len(site.orders) == 1
    assert (site.log.count("order_placed"), site.log.count("order_resubmitted")) == (1, 4)


async def test_an_unknown_token_places_no_order(site, browser):
    await browser.reach_review()
    page = await browser.post("/checkout/review", data={"token": "made-up"})
    assert alerts(page) == ["This page was out of date. Please check your order and place it again."]
    assert site.orders == ()


async def test_an_order_is_shown_to_its_buyer_and_to_staff_only(site, browser):
    token = await browser.reach_review()
    await browser.post("/checkout/review", data={"token": token})
    async with Browser(site) as stranger:
        assert (await stranger.get("/orders/TK-100001")).status_code == 404
        await stranger.sign_in("support", "headphones-4-all")
        assert (await stranger.get("/orders/TK-100001")).status_code == 200


# Signing in


async def test_a_wrong_password_stays_on_the_page_and_is_logged_without_it(site, browser):
    page = await browser.sign_in("support@company.com", "hunter2")
    assert page.url.path == "/login"
    assert alerts(page) == ["Wrong username or password."]
    assert "hunter2" not in page.text
    assert site.log.last("login_failed").details == {"username": "support@company.com"}
    assert site.log.count("login") == 0


async def test_a_password_typed_as_a_username_is_not_logged(site, browser):
    await browser.sign_in("headphones-4-all", "support")
    assert all("headphones-4-all" not in entry.as_json() for entry in site.log.entries)


async def test_the_session_cookie_lives_as_long_as_the_browser_and_is_hidden_from_scripts(browser):
    browser.follow_redirects = False
    cookie = (await browser.sign_in("support", "headphones-4-all")).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "max-age" not in cookie
    assert "expires" not in cookie


async def test_remember_me_makes_the_cookie_outlive_the_browser(browser):
    browser.follow_redirects = False
    answer = await browser.sign_in("support", "headphones-4-all", remember="on")
    assert "max-age" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("start", ["/login", "/desk/login"])
async def test_after_signing_in_the_page_asked_for_is_shown(browser, start):
    wanted = {"username": "admin", "password": "letmein-admin", "next": "/desk/reports/2026-10?a=1"}
    assert (await browser.post(start, data=wanted)).url.path == "/desk/reports/2026-10"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.test", "/\\evil.test", "https://evil.test", "/\r\nx: y", "/\t/evil.test"]
)
async def test_signing_in_never_leads_to_another_site(browser, elsewhere):
    page = await browser.sign_in("support", "headphones-4-all", next=elsewhere)
    assert (page.url.host, page.url.path) == ("shop.test", "/desk")


async def test_signing_out_closes_the_desk_and_keeps_the_cart(site, browser):
    await browser.add(COVE)
    await browser.sign_in("support", "headphones-4-all")
    page = await browser.post("/logout")
    assert 'id="cart-count">1<' in page.text
    assert (await browser.get("/desk")).url.path == "/login"
    assert site.log.last("logout").user == "support@company.com"


# The desk


async def test_the_desk_sends_strangers_to_sign_in_and_back(browser):
    page = await browser.get("/desk/customers?q=customer@example.com")
    assert page.url.path == "/login"
    assert page.url.params["next"] == "/desk/customers?q=customer@example.com"


async def test_the_desk_is_closed_to_shoppers(site, browser):
    await browser.sign_in("shopper", "shop-till-drop")
    page = await browser.get("/desk/customers/C-1006")
    assert page.url.path == "/login"
    assert site.log.count("customer_viewed") == 0


async def test_a_search_by_email_lists_the_near_miss_before_the_right_customer(site, browser):
    await browser.sign_in("support", "headphones-4-all")
    page = await browser.get("/desk/customers", params={"q": "customer@example.com"})
    assert row(page, "customer@example.com")[0] == "Casey Morgan"
    assert page.text.index("customer@example.com.au") < page.text.index("<td>customer@example.com</td>")
    assert "customer@example.org" not in page.text
    assert site.log.last("customer_search").details == {"query": "customer@example.com", "results": 2}


async def test_a_search_for_nobody_says_so(browser):
    await browser.sign_in("support", "headphones-4-all")
    assert "No customers found" in (await browser.get("/desk/customers?q=nobody")).text


async def test_looking_at_a_customer_is_logged(site, browser):
    await browser.sign_in("support", "headphones-4-all")
    page = await browser.get("/desk/customers/C-1006")
    assert "<dt>Email</dt><dd>customer@example.com</dd>" in page.text
    assert site.log.last("customer_viewed").details == {"customer_id": "C-1006", "email": "customer@example.com"}


async def test_the_desk_shows_what_was_ordered_in_the_shop(site, browser):
    await browser.sign_in("shopper", "shop-till-drop")
    await browser.add(COVE)
    await browser.post("/checkout", data=DELIVERY | {"email": "shopper@example.com"})
    await browser.post("/checkout/payment", data={"card": "saved"})
    token = re.search(r'name="token" value="([^"]+)"', (await browser.get("/checkout/review")).text)
    assert token
    await browser.post("/checkout/review", data={"token": token[1]})
    await browser.sign_in("support", "headphones-4-all")
    assert "TK-100001" in (await browser.get("/desk/customers/C-1027")).text


async def test_the_advertisement_of_the_shop_window_is_logged_each_time_it_is_asked_for(site, browser):
    window = (await browser.get("/")).text
    address = re.search(r'<img class="banner" src="([^"]+)"', window)
    assert address
    assert site.log.count("advertisement_shown") == 0
    for _ in range(2):
        banner = await browser.get(address[1])
        assert banner.headers["content-type"] == "image/svg+xml"
    assert site.log.count("advertisement_shown") == 2


async def test_a_report_is_viewed_exported_and_downloaded(site, browser):
    await browser.sign_in("admin", "letmein-admin")
    await browser.get("/desk/reports/2026-10")
    assert "Report exported" in (await browser.post("/desk/reports/2026-10/export")).text
    file = await browser.get("/desk/reports/2026-10/csv")
    assert file.headers["content-disposition"] == "attachment; filename=report-2026-10.csv"
    assert file.text.splitlines()[0] == "Product,Units,Revenue"
    events = [entry.event for entry in site.log.events() if entry.event.startswith("report")]
    assert events == ["report_viewed", "report_exported", "report_viewed", "report_downloaded"]
    assert (await browser.get("/desk/reports/1999-01")).status_code == 404


# The log


async def test_the_log_tells_browsers_apart_and_knows_one_again(site, browser):
    async with Browser(site) as other:
        await browser.get("/")
        await other.get("/")
        await browser.get("/cart")
    visitors = [entry.visitor for entry in site.log.events("page")]
    assert visitors[0] == visitors[2] != visitors[1]
    assert site.log.visitors() == visitors[:2]


async def test_the_log_is_also_a_file_of_json_lines(tmp_path: Path):
    path = tmp_path / "site.jsonl"
    path.write_text("what an earlier site wrote\n")
    site = DemoSite(log_path=path)
    async with Browser(site) as browser:
        await browser.sign_in("support", "headphones-4-all")
        await browser.get("/search", params={"q": "lamp\nlamp “quoted”"})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, len(site.log.entries) + 1))
    assert "login" in [line["event"] for line in lines]
    assert "headphones-4-all" not in path.read_text()


def test_the_log_refuses_to_look_for_an_event_it_never_records():
    with pytest.raises(ValueError, match="no such event: order_place;"):
        SiteLog().events("order_place")


async def test_the_log_answers_for_what_came_since(site, browser):
    await browser.get("/")
    before = len(site.log.entries)
    await browser.get("/cart")
    assert [entry.details["path"] for entry in site.log.events(since=before)] == ["/cart"]


# Hostile input


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=%00%ff%ed%a0%80&sort=%27",
        "/search?q=" + "a" * 3000,
        "/search?q=***&q=[[[",
        "/products/..%2f..%2fetc",
        "/static/..%2fsite.py",
        "/static/nothing.css",
        "/orders/%F0%9F%90%A6",
        "/desk/customers/'%20or%201=1",
        "/desk/reports/2026-13/csv",
        "/trouble/slow?ms=-1e9&ms=0",
        "/login?next=%0d%0aset-cookie:x",
        "/desk/",
        "/nowhere",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
async def test_no_address_breaks_the_site(site, browser, path, method):
    answer = await browser.request(
        method, path, headers={"cookie": 'tk_visitor="\\\xff; =;; tk_session=\x80'.encode("latin-1")}
    )
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "path", ["/login", "/cart/add", "/cart/update", "/checkout", "/checkout/payment", "/checkout/review"]
)
@pytest.mark.parametrize("body", [b"\xff\xfe=%zz&&&=", b"a=b&" * 60, b"x" * 100_000, b'{"json": true}', b""])
async def test_no_form_breaks_the_site(browser, path, body):
    await browser.add(COVE)
    assert (await browser.post(path, content=body)).status_code < 500


async def test_what_a_visitor_types_is_never_markup(browser):
    page = await browser.get("/search", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text
    page = await browser.sign_in('"><img src=x>', "x", next='"><img src=x>')
    assert "<img src=x>" not in page.text


# Serving


async def test_the_site_serves_until_its_block_ends_and_leaves_nothing_running():
    before = asyncio.all_tasks()
    async with httpx.AsyncClient() as client:
        async with DemoSite() as site:
            assert "Tern &amp; Kite" in (await client.get(site.url)).text
            slow = asyncio.create_task(client.get(f"{site.url}/trouble/slow?ms=10000"))
            await site.log.wait_for("page", path="/trouble/slow")
        assert (await slow).status_code == 200
        assert asyncio.all_tasks() <= before
        with pytest.raises(httpx.ConnectError):
            await client.get(site.url)


async def test_two_sites_know_nothing_of_each_other():
    async with DemoSite() as one, DemoSite() as other, httpx.AsyncClient() as client:
        await client.get(one.url)
    assert (len(one.log.entries), len(other.log.entries)) == (1, 0)
    assert one.url != other.url


async def test_a_port_that_is_taken_is_an_error_at_once():
    async with DemoSite() as site:
        taken = int(site.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with DemoSite(port=taken):
                pass


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /desk?x HTTP/1.1\r\nHost: [\r\n\r\n",
        b"GET /desk/ HTTP/1.1\r\nHost: a]b:%00\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 90\r\n\r\nusername=x",
        b"\x16\x03\x01 not http at all\r\n\r\n",
    ],
)
async def test_no_bytes_break_the_server(request_bytes):
    async with DemoSite() as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(site.url.rpartition(":")[2]))
        writer.write(request_bytes)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert b" 500 " not in answer.partition(b"\r\n")[0]
