"""django-oscar: a shop and its dashboard. Its database says what is in a basket, ordered, written."""

from __future__ import annotations

import re
import urllib.request

from tabkeep.v1 import actions_pb2

from bench.applications.application import Judges, Look, Place, click, differs, fill, goto
from bench.applications.django_sites import DjangoSite, has_password, signed_in

_PASSWORDS = {"dora.jones@mail.example": "Maple-Tree-88", "keeper@shop.example": "Quay-Lantern-3"}
_ORDERS_BEFORE = ["100041", "100042"]

judge = Judges()


class Oscar(DjangoSite):
    """The shop of `sites/shop`."""

    judges = judge.table

    def __init__(self) -> None:
        super().__init__("shop")

    def sign_in(self, url: str, who: str) -> list[actions_pb2.Action]:
        return [
            goto(f"{url}/accounts/login/"),
            fill("#id_login-username", who),
            fill("#id_login-password", _PASSWORDS[who]),
            click("button[name=login_submit]"),
        ]


def basket(place: Place) -> list[tuple[str, int]]:
    """What is in open baskets: title and quantity, by title."""
    return place.rows(
        "SELECT p.title, l.quantity FROM basket_line l JOIN basket_basket b ON b.id = l.basket_id"
        " JOIN catalogue_product p ON p.id = l.product_id WHERE b.status = 'Open' ORDER BY p.title"
    )


def holds(look: Look, *wanted: tuple[str, int]) -> str:
    return differs("in the basket", basket(look.place), sorted(wanted))


def new_orders(place: Place) -> list[tuple[str, str, str, str]]:
    """Orders made since the copy was: guest's address, goods, city, postcode."""
    return place.rows(
        "SELECT o.guest_email, (SELECT group_concat(l.title || ' x' || l.quantity) FROM order_line l"
        " WHERE l.order_id = o.id), a.line4, a.postcode FROM order_order o"
        " LEFT JOIN order_shippingaddress a ON a.id = o.shipping_address_id WHERE o.number NOT IN (?, ?)",
        *_ORDERS_BEFORE,
    )


@judge
def oscar_headphones_under_100(look: Look) -> str:
    with urllib.request.urlopen(f"{look.place.url}/search/?q=wireless+headphones") as answer:
        page = answer.read().decode()
    cheap = ("Pebble wireless headphones", "Nimbus wireless headphones")
    top = min(cheap, key=page.index)
    return holds(look, (top, 1))


@judge
def oscar_cheapest_teapot(look: Look) -> str:
    return holds(look, ("Ceramic teapot", 1))


@judge
def oscar_two_watering_cans(look: Look) -> str:
    return holds(look, ("Watering can", 2))


@judge
def oscar_price_of_hose(look: Look) -> str:
    return "" if "24.00" in look.answer else f"the answer is {look.answer}"


@judge
def oscar_guest_checkout(look: Look) -> str:
    wanted = [("robin@post.example", "USB-C charging cable x1", "Leeds", "LS1 4DT")]
    return differs("orders", new_orders(look.place), wanted)


@judge
def oscar_guest_checkout_numbered(look: Look) -> str:
    wanted = [("pat@post.example", "Merino wool socks x1", "Bristol", "BS1 4DJ")]
    return differs("orders", new_orders(look.place), wanted)


@judge
def oscar_three_socks_by_category(look: Look) -> str:
    return holds(look)


@judge
def oscar_out_of_stock(look: Look) -> str:
    return holds(look)


@judge
def oscar_nothing_matches(look: Look) -> str:
    return holds(look)


@judge
def oscar_register(look: Look) -> str:
    right = has_password(look.place, "email", "nina@post.example", "Quiet-River-77")
    return "" if right else "there is no such account with that password"


@judge
def oscar_wrong_password(look: Look) -> str:
    return differs("signed in", signed_in(look.place), [])


@judge
def oscar_log_in(look: Look) -> str:
    return differs("signed in", signed_in(look.place), ["dora.jones"])


@judge
def oscar_take_out_again(look: Look) -> str:
    return holds(look, ("Garden hose 20 m", 1))


@judge
def oscar_empty_checkout(look: Look) -> str:
    return differs("orders", new_orders(look.place), [])


@judge
def oscar_checkout_without_address(look: Look) -> str:
    return differs("orders", new_orders(look.place), [])


@judge
def oscar_review(look: Look) -> str:
    rows = look.place.rows(
        "SELECT p.title, r.score, r.title, r.body, u.email FROM reviews_productreview r"
        " JOIN catalogue_product p ON p.id = r.product_id JOIN auth_user u ON u.id = r.user_id"
    )
    wanted = [("Ceramic teapot", 5, "Lovely pot", "Pours without dripping", "dora.jones@mail.example")]
    return differs("reviews", [(*row[:3], row[3].rstrip("."), row[4]) for row in rows], wanted)


@judge
def oscar_find_customer(look: Look) -> str:
    right = "Frank" in look.answer and "Hill" in look.answer and "Miller" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def oscar_find_nobody(look: Look) -> str:
    return ""


@judge
def oscar_order_total(look: Look) -> str:
    right = "66.00" in look.answer and "14.50" not in look.answer
    return "" if right else f"the answer is {look.answer}"


@judge
def oscar_password_reset(look: Look) -> str:
    mails = [file.read_text() for file in (look.place.data / "mail").glob("*")]
    told = [re.findall(r"^To: (.*)$", mail, re.MULTILINE) for mail in mails]
    if told != [["dora.jones@mail.example"]]:
        return f"mails went to {told}"
    return "" if "password" in mails[0].lower() else "the mail is about something else"


@judge
def oscar_socks_and_shears(look: Look) -> str:
    return holds(look, ("Merino wool socks", 1), ("Pruning shears", 1))


@judge
def oscar_most_expensive_teapot(look: Look) -> str:
    return holds(look, ("Cast iron teapot", 1))


@judge
def oscar_status_of_order(look: Look) -> str:
    return "" if "Pending" in look.answer else f"the answer is {look.answer}"


@judge
def oscar_two_jackets(look: Look) -> str:
    return holds(look, ("Waxed rain jacket", 2))


@judge
def oscar_guest_checkout_sentences(look: Look) -> str:
    wanted = [("lena@post.example", "Pruning shears x1", "Hull", "HU1 2AB")]
    return differs("orders", new_orders(look.place), wanted)


@judge
def oscar_process_order(look: Look) -> str:
    orders = look.place.rows("SELECT number, status FROM order_order ORDER BY number")
    return differs("orders", orders, [("100041", "Being processed"), ("100042", "Pending")])


@judge
def oscar_wish_list(look: Look) -> str:
    rows = look.place.rows(
        "SELECT p.title, u.email FROM wishlists_line l JOIN wishlists_wishlist w ON w.id = l.wishlist_id"
        " JOIN catalogue_product p ON p.id = l.product_id JOIN auth_user u ON u.id = w.owner_id"
    )
    return differs("on wish lists", rows, [("Glass teapot", "dora.jones@mail.example")])


@judge
def oscar_change_last_name(look: Look) -> str:
    names = look.place.rows("SELECT first_name, last_name FROM auth_user WHERE email = 'dora.jones@mail.example'")
    return differs("her name", names, [("Dora", "Jones-Reed")])


@judge
def oscar_in_and_out(look: Look) -> str:
    return holds(look)


@judge
def oscar_sign_in_and_rename(look: Look) -> str:
    names = look.place.rows("SELECT first_name, last_name FROM auth_user WHERE email = 'wei.li@mail.example'")
    return differs("his name", names, [("Way", "Lee")])


@judge
def oscar_raise_price(look: Look) -> str:
    prices = look.place.rows(
        "SELECT p.title, s.price FROM partner_stockrecord s JOIN catalogue_product p ON p.id = s.product_id"
        " WHERE s.price IN (14.5, 16) ORDER BY p.title"
    )
    return differs("prices", prices, [("Watering can", 16)])


@judge
def oscar_no_such_voucher(look: Look) -> str:
    vouchers = look.place.rows("SELECT count(*) FROM basket_basket_vouchers")
    return holds(look, ("Pruning shears", 1)) or differs("vouchers", vouchers, [0])


@judge
def oscar_address_book(look: Look) -> str:
    rows = look.place.rows(
        "SELECT u.email, a.first_name, a.last_name, a.line1, a.line4, a.postcode, a.country_id"
        " FROM address_useraddress a JOIN auth_user u ON u.id = a.user_id"
    )
    wanted = [("dora.jones@mail.example", "Dora", "Jones", "4 Chapel Row", "Bath", "BA1 1AA", "GB")]
    return differs("addresses", rows, wanted)


@judge
def oscar_dashboard_stock(look: Look) -> str:
    rows = look.place.rows(
        "SELECT s.num_in_stock, s.price FROM partner_stockrecord s JOIN catalogue_product p ON p.id = s.product_id"
        " WHERE p.title = 'Glass teapot'"
    )
    return differs("stock and price", rows, [(7, 33)])


@judge
def oscar_handbook_and_tea(look: Look) -> str:
    return holds(look, ("The Shellcoder's Handbook", 1), ("A History of Tea", 1))
