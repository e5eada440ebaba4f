"""Checkouts under way and the orders that came of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from demo.site.cart import CartLine

FIRST_NUMBER = 100001


@dataclass(frozen=True)
class Delivery:
    """Who gets the parcel, and where."""

    name: str = ""
    email: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""


@dataclass
class Checkout:
    """A visitor's unfinished order; its token lets it become one order at most."""

    token: str
    delivery: Delivery | None = None
    payment: str | None = None


@dataclass(frozen=True)
class Order:
    """An order that was placed; `payment` names the card by its last four digits only."""

    number: str
    token: str
    visitor: str
    user: str | None
    time: datetime
    delivery: Delivery
    payment: str
    lines: tuple[CartLine, ...]

    @property
    def total_cents(self) -> int:
        """What the order costs."""
        return sum(line.total_cents for line in self.lines)


class OrderBook:
    """Every order placed on the site, numbered in the order of placing."""

    def __init__(self) -> None:
        self._by_number: dict[str, Order] = {}
        self._by_token: dict[str, Order] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(self._by_number.values())

    def next_number(self) -> str:
        """Return the number of the next order."""
        return f"TK-{FIRST_NUMBER + len(self._by_number)}"

    def add(self, order: Order) -> None:
        """Keep an order."""
        self._by_number[order.number] = order
        self._by_token[order.token] = order

    def with_number(self, number: str) -> Order | None:
        """Find an order by its number."""
        return self._by_number.get(number)

    def with_token(self, token: str) -> Order | None:
        """Find the order that a checkout became."""
        return self._by_token.get(token)

    def of_email(self, email: str) -> list[Order]:
        """Find the orders placed with an email address."""
        return [order for order in self if order.delivery.email.lower() == email.lower()]
