"""The pages from the cart to the confirmed order: delivery, payment, review, confirmation.

A checkout becomes one order at most: its token is in the last form, and posting that form again only shows the order
that it made the first time. A cart with the gift card in it is declined.
"""

import re
import secrets
from dataclasses import asdict
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.site.catalogue import DECLINED_SLUG
from demo.site.orders import Checkout, Delivery, Order
from demo.site.pages import go, page, read_form
from demo.site.visits import Caller, caller_of

DELIVERY_LABELS = {
    "name": "Full name",
    "email": "Email",
    "address": "Address",
    "city": "City",
    "postcode": "Postcode",
}
DECLINED = "Payment declined. Your card was not charged and no order was placed."
OUT_OF_DATE = "This page was out of date. Please check your order and place it again."


async def delivery(request: Request) -> Response:
    """Show step 1, filled in for a signed-in user or with what was given before."""
    caller = caller_of(request)
    if not caller.visit.cart.count:
        return go("/cart")
    checkout = _begun(caller)
    known = caller.user.delivery if caller.user else Delivery()
    return _delivery_page(request, asdict(checkout.delivery or known), {})


async def give_delivery(request: Request) -> Response:
    """Take step 1, or show it again with what is missing."""
    caller = caller_of(request)
    form = await read_form(request)
    if not caller.visit.cart.count:
        return go("/cart")
    values = {name: form.get(name, "") for name in DELIVERY_LABELS}
    errors = _delivery_errors(values)
    if errors:
        return _delivery_page(request, values, errors)
    _begun(caller).delivery = Delivery(**values)
    return go("/checkout/payment")


async def payment(request: Request) -> Response:
    """Show step 2."""
    caller = caller_of(request)
    if _delivery_of(caller) is None:
        return go("/checkout")
    return page(request, "payment.html", card=_first_card(caller), errors={})


async def give_payment(request: Request) -> Response:
    """Take step 2, keeping of a card only its last four digits, or show it again with what is missing."""
    caller = caller_of(request)
    form = await read_form(request)
    if _delivery_of(caller) is None:
        return go("/checkout")
    if caller.user and form.get("card") == "saved":
        _begun(caller).payment = caller.user.saved_card
        return go("/checkout/review")
    number = re.sub(r"[ -]", "", form.get("card_number", ""))
    errors = _card_errors(number, form.get("expiry", ""), form.get("cvc", ""))
    if errors:
        return page(request, "payment.html", card="new", errors=errors)
    _begun(caller).payment = f"Card ending {number[-4:]}"
    return go("/checkout/review")


async def review(request: Request) -> Response:
    """Show step 3."""
    caller = caller_of(request)
    if not _is_complete(caller):
        return go("/checkout/payment")
    return _review_page(request, "")


async def place_order(request: Request) -> Response:
    """Make an order of the checkout, or show the order it has already become."""
    caller = caller_of(request)
    token = (await read_form(request)).get("token", "")
    placed = caller.site.orders.with_token(token)
    if placed is not None and placed.visitor == caller.visit.visitor:
        caller.record("order_resubmitted", order_number=placed.number)
        return go(f"/orders/{placed.number}")
    if not _is_complete(caller):
        return go("/checkout/payment")
    if token != _begun(caller).token:
        return _review_page(request, OUT_OF_DATE)
    if any(line.product.slug == DECLINED_SLUG for line in caller.visit.cart.lines):
        caller.record("payment_declined", total_cents=caller.visit.cart.subtotal_cents)
        return _review_page(request, DECLINED)
    return go(f"/orders/{_place(caller).number}")


async def order(request: Request) -> Response:
    """Show an order to whoever placed it and to the desk."""
    caller = caller_of(request)
    found = caller.site.orders.with_number(request.path_params["number"])
    if found is None or not _may_see(caller, found):
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return page(request, "order.html", order=found)


def _begun(caller: Caller) -> Checkout:
    """Return the caller's checkout, begun now if there is none."""
    visit = caller.visit
    if visit.checkout is None:
        visit.checkout = Checkout(secrets.token_urlsafe(16))
        caller.record("checkout_started", items=visit.cart.count, total_cents=visit.cart.subtotal_cents)
    return visit.checkout


def _delivery_of(caller: Caller) -> Delivery | None:
    """Return where the cart shall go, once that is known and the cart has something in it."""
    checkout = caller.visit.checkout
    return checkout.delivery if checkout and caller.visit.cart.count else None


def _is_complete(caller: Caller) -> bool:
    """Whether the caller's checkout lacks nothing but the last press."""
    return _delivery_of(caller) is not None and _begun(caller).payment is not None


def _delivery_page(request: Request, values: dict[str, str], errors: dict[str, str]) -> Response:
    """Render step 1."""
    return page(request, "delivery.html", labels=DELIVERY_LABELS, values=values, errors=errors)


def _review_page(request: Request, problem: str) -> Response:
    """Render step 3."""
    return page(request, "review.html", checkout=caller_of(request).visit.checkout, problem=problem)


def _delivery_errors(values: dict[str, str]) -> dict[str, str]:
    """Say what is wrong with each field of step 1."""
    errors = {name: f"Enter your {DELIVERY_LABELS[name].lower()}." for name, value in values.items() if not value}
    if values["email"] and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", values["email"]):
        errors["email"] = "Enter a valid email address."
    return errors


def _card_errors(number: str, expiry: str, cvc: str) -> dict[str, str]:
    """Say what is wrong with each field of a card."""
    errors = {}
    if not re.fullmatch(r"[0-9]{13,19}", number):
        errors["card_number"] = "Enter the number on your card."
    if not re.fullmatch(r"(0[1-9]|1[0-2]) ?/ ?[0-9]{2}", expiry):
        errors["expiry"] = "Enter the expiry date as MM/YY."
    if not re.fullmatch(r"[0-9]{3,4}", cvc):
        errors["cvc"] = "Enter the code of 3 or 4 digits."
    return errors


def _first_card(caller: Caller) -> str:
    """Choose what step 2 selects at first: the saved card, or a new one for a guest."""
    return "saved" if caller.user else "new"


def _place(caller: Caller) -> Order:
    """Make an order of a complete checkout and empty the cart."""
    visit, orders = caller.visit, caller.site.orders
    checkout = _begun(caller)
    assert checkout.delivery is not None
    assert checkout.payment is not None
    entry = caller.record(
        "order_placed",
        order_number=orders.next_number(),
        total_cents=visit.cart.subtotal_cents,
        email=checkout.delivery.email,
        products={line.product.slug: line.quantity for line in visit.cart.lines},
    )
    placed = Order(
        number=entry.details["order_number"],
        token=checkout.token,
        visitor=visit.visitor,
        user=entry.user,
        time=entry.time,
        delivery=checkout.delivery,
        payment=checkout.payment,
        lines=visit.cart.lines,
    )
    orders.add(placed)
    visit.cart.clear()
    visit.checkout = None
    return placed


def _may_see(caller: Caller, order: Order) -> bool:
    """Whether the caller placed the order, here or in another browser, or works at the desk."""
    user = caller.user
    mine = order.visitor == caller.visit.visitor or (user is not None and user.email == order.user)
    return mine or (user is not None and user.is_staff)


ROUTES = [
    Route("/checkout", delivery),
    Route("/checkout", give_delivery, methods=["POST"]),
    Route("/checkout/payment", payment),
    Route("/checkout/payment", give_payment, methods=["POST"]),
    Route("/checkout/review", review),
    Route("/checkout/review", place_order, methods=["POST"]),
    Route("/orders/{number}", order),
]
