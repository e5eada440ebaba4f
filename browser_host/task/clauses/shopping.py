""" "Find … under $100" and "add top result to cart": reads product cards, filters them, and proves what was added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from tabkeep.v1 import actions_pb2

from browser_host.task import extract
from browser_host.task.clauses.plain_clauses import search, search_box
from browser_host.task.failures import AMBIGUOUS, EXPECTATION_FAILED, NOT_FOUND, REJECTED_BY_PAGE, Failed
from browser_host.task.survey import CART, Item, Survey
from browser_host.task.workspace import Subject, Workspace

_ADD = re.compile(
    r"\badd\b.*\b(cart|basket|bag|trolley)\b|^\s*add( it)?\s*$|\bput in (cart|basket|bag)\b", re.IGNORECASE
)
_OUT = re.compile(r"out of stock|sold out|(currently )?unavailable|not available|notify me|back ?order", re.IGNORECASE)
_QUANTITY = re.compile(r"\b(?:quantity|qty|how many)\b", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_ADDED = re.compile(r"\badded\b|\bin your (cart|basket|bag)\b", re.IGNORECASE)
_NO_RESULTS = re.compile(
    r"\bno (\w+ ){0,3}(results?|products?|items?|match(es)?)\b|nothing (was )?found", re.IGNORECASE
)
_RESULT_PATIENCE = 5.0
_MOST_PRESSES = 9
"""How often one button is pressed to add several of a product, where no field says how many."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a product may cost; None is no bound."""

    least: float | None = None
    most: float | None = None
    below: float | None = None
    above: float | None = None

    def allow(self, price: float | None) -> bool:
        """Whether a price fits; one that is not known fits only where any does."""
        if self == Bounds():
            return True
        return (
            price is not None
            and (self.least is None or price >= self.least)
            and (self.most is None or price <= self.most)
            and (self.below is None or price < self.below)
            and (self.above is None or price > self.above)
        )

    @property
    def words(self) -> str:
        """The bounds in words, with a space before them."""
        parts = [
            f" {word} {amount:g}"
            for word, amount in (
                ("at least", self.least),
                ("at most", self.most),
                ("under", self.below),
                ("over", self.above),
            )
            if amount is not None
        ]
        return " and".join(parts)


@dataclass(frozen=True, slots=True)
class Product:
    """A product card."""

    title: str
    price: float | None
    price_text: str
    url: str
    in_stock: bool

    def as_output(self) -> dict[str, Any]:
        """The product as a run's output."""
        shown = {"name": self.title, "price": self.price, "price_text": self.price_text, "url": self.url}
        return {name: value for name, value in shown.items() if value not in (None, "")} | {"in_stock": self.in_stock}


@dataclass(frozen=True, slots=True)
class FindProducts:
    """Find products by the words of their names and by price."""

    names_subject: ClassVar[bool] = True
    noun: str
    bounds: Bounds = Bounds()
    order: str = ""
    """"" as the page has them, "cheapest" or "dearest"."""

    @property
    def words(self) -> str:
        """The clause."""
        return f'find {self.order + " " if self.order else ""}products named "{self.noun}"{self.bounds.words}'

    async def carry_out(self, workspace: Workspace) -> None:
        """Search for them; what fits is the output, and there for the next clause."""
        survey, _ = await workspace.until(lambda page: search_box(page) is not None, timeout=_RESULT_PATIENCE)
        if search_box(survey) is not None:
            await search(workspace, self.noun)
        products = await self.shown(workspace)
        fitting = [product for product in products if self._fits(product)]
        if not fitting:
            seen = "; ".join(f"{one.title} ({one.price_text or 'no price'})" for one in products[:8])
            raise Failed(
                NOT_FOUND, f'nothing on the page fits "{self.noun}"{self.bounds.words}; seen: {seen or "no products"}'
            )
        if self.order:
            fitting.sort(key=lambda one: one.price or 0.0, reverse=self.order == "dearest")
        workspace.products = fitting
        first = fitting[0]
        workspace.subject = Subject(first.title, "product", first.url) if len(fitting) == 1 or self.order else None
        workspace.output = [product.as_output() for product in fitting]

    async def shown(self, workspace: Workspace) -> list[Product]:
        """The cards that the page shows, once there are some or it says that there are none."""
        end = workspace.steps.clock.monotonic() + _RESULT_PATIENCE
        while True:
            found = await workspace.read()
            products = products_of(found)
            if products or _NO_RESULTS.search(found["text"]) or workspace.steps.clock.monotonic() >= end:
                return products
            await workspace.pause()
            workspace.steps.check()

    def _fits(self, product: Product) -> bool:
        words = _stems(product.title)
        return all(word in words for word in _stems(self.noun)) and self.bounds.allow(product.price)


@dataclass(frozen=True, slots=True)
class AddToCart:
    """Put a product into the cart: one that was found before, or one that is named."""

    which: str
    """ "top", "cheapest" or "dearest" of what was found; "it" for what the page shows; else a product's name."""
    quantity: int = 1

    @property
    def words(self) -> str:
        """The clause."""
        named = {"top": "the top result", "cheapest": "the cheapest result", "dearest": "the most expensive result"}
        times = f"{self.quantity} times " if self.quantity > 1 else ""
        return f"add {times}{named.get(self.which, self.which if self.which == 'it' else repr(self.which))} to the cart"

    async def carry_out(self, workspace: Workspace) -> None:
        """Press the product's own button, and see it arrive in the cart."""
        product = await self._choose(workspace)
        before = await workspace.survey()
        target = await self._button(workspace, product) if self.quantity == 1 else None
        if target is None:
            before, target = await self._open(workspace, product)
        field = _quantity_field(before)
        presses = 1 if field is not None else self.quantity
        if presses > _MOST_PRESSES:
            raise Failed(NOT_FOUND, f"there is no field for how many of {product.title} to add")
        if field is not None and self.quantity > 1:
            await workspace.fill(field, str(self.quantity))
            before = await workspace.survey()
            field = _quantity_field(before)
        quantity = int(field.value) if field is not None and field.value.isdigit() else self.quantity
        for press in range(presses):
            if press:
                before, target = await self._again(workspace, product)
            await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=target)), judged=False)
            count = await _prove(workspace, product, before)
        output = {name: value for name, value in product.as_output().items() if name != "in_stock"}
        output["quantity"] = quantity
        workspace.output = output | ({"cart_count": count} if count is not None else {})

    async def _again(self, workspace: Workspace, product: Product) -> tuple[Survey, actions_pb2.Target]:
        """The page and the button as they are after the product was added once."""
        before = await workspace.survey()
        target = await self._button(workspace, product)
        if target is None:
            raise Failed(NOT_FOUND, f"{product.title} was added, and the page has no button to add another one")
        return before, target

    async def _choose(self, workspace: Workspace) -> Product:
        if self.which in ("top", "cheapest", "dearest", "it") and workspace.products:
            found: list[Product] = workspace.products
        else:
            found = await self._searched(workspace)
        available = [product for product in found if product.in_stock]
        if not available:
            listed = "; ".join(f"{one.title} ({one.price_text})" for one in found[:5])
            raise Failed(REJECTED_BY_PAGE, f"out of stock: {listed}")
        if self.which == "it" and len(available) > 1 and len(found) > 1:
            raise Failed(AMBIGUOUS, f'"it" may be any of {", ".join(one.title for one in available[:6])}')
        if self.which in ("cheapest", "dearest"):
            return sorted(available, key=lambda one: one.price or 0.0, reverse=self.which == "dearest")[0]
        return available[0]

    async def _searched(self, workspace: Workspace) -> list[Product]:
        """The products that are meant: on this page, else where the site's search shows them."""
        try:
            return await self._named(workspace)
        except Failed as failed:
            if failed.reason != NOT_FOUND or self.which in ("top", "cheapest", "dearest", "it"):
                raise
            if search_box(await workspace.survey()) is None:
                raise
        await search(workspace, self.which)
        await FindProducts(self.which).shown(workspace)
        return await self._named(workspace)

    async def _named(self, workspace: Workspace) -> list[Product]:
        """The products on the page that are meant, without a search before.

        Raises:
            Failed: NOT_FOUND, AMBIGUOUS.
        """
        found = await workspace.read()
        products = products_of(found)
        if self.which not in ("top", "cheapest", "dearest", "it"):
            equal = [one for one in products if one.title.lower() == self.which.lower()]
            products = equal or [one for one in products if set(_stems(self.which)) <= set(_stems(one.title))]
            if len({one.title for one in products}) > 1:
                raise Failed(
                    AMBIGUOUS,
                    f'several products are meant by "{self.which}": {", ".join(one.title for one in products[:6])}',
                )
        if not products and self.which not in ("top", "cheapest", "dearest"):
            # The best of none is not what the page is about.
            page_product = self._page_product(found)
            products = [page_product] if page_product else []
        if not products:
            raise Failed(NOT_FOUND, f'no product on the page is meant by "{self.which}"')
        return products

    def _page_product(self, found: dict[str, Any]) -> Product | None:
        """The product whose own page this is."""
        title = found["headings"][0] if found["headings"] else ""
        named = self.which == "it" or set(_stems(self.which)) <= set(_stems(title))
        return Product(title, None, "", found["url"], not _OUT.search(found["text"])) if title and named else None

    async def _button(self, workspace: Workspace, product: Product) -> actions_pb2.Target | None:
        """The button of the product's card, or the only one of the page; None if the card has none."""
        found = await workspace.read()
        for card in found["cards"]:
            if card["title"] == product.title:
                for button in card["buttons"]:
                    if _ADD.search(button["name"]) and not button["disabled"]:
                        return await workspace.target_of(button["ref"], button["name"])
        if product.url == found["url"]:
            adding = (await workspace.survey()).buttons(_ADD)
            if adding:
                return await workspace.target(adding[0])
        return None

    async def _open(self, workspace: Workspace, product: Product) -> tuple[Survey, actions_pb2.Target]:
        """Open the product's own page and find the button there."""
        link = actions_pb2.Target(role="link", name=product.title)
        await workspace.do(actions_pb2.Action(click=actions_pb2.Click(target=link)))
        survey, shown = await workspace.until(lambda page: bool(page.buttons(_ADD)), timeout=_RESULT_PATIENCE)
        if not shown:
            words = next((line for line in survey.lines() if _OUT.search(line)), "")
            reason = REJECTED_BY_PAGE if words else NOT_FOUND
            raise Failed(reason, words or f"there is no button to add {product.title} to the cart")
        return survey, await workspace.target(survey.buttons(_ADD)[0])


def _quantity_field(survey: Survey) -> Item | None:
    """The field for how many to add, in the form of the button that adds."""
    adding = survey.buttons(_ADD)
    fields = [
        item
        for item in survey.items
        if item.is_field and any(_QUANTITY.search(name) for name in item.names)
        and adding and item.form == adding[0].form
    ]  # fmt: skip
    return fields[0] if len(fields) == 1 else None


async def _prove(workspace: Workspace, product: Product, before: Survey) -> int | None:
    """See that the cart has it now; how many things it says it holds, if it says so.

    Raises:
        Failed: REJECTED_BY_PAGE, EXPECTATION_FAILED.
    """
    count_before = cart_count(before)

    def decided(page: Survey) -> bool:
        return _grew(page, count_before) or bool(_said(page, before)) or bool(page.trouble(before))

    after, shown = await workspace.until(decided)
    trouble = after.trouble(before)
    if trouble and not _grew(after, count_before) and not _ADDED.search(trouble):
        raise Failed(REJECTED_BY_PAGE, f"the page refused to add {product.title}: {trouble}")
    if shown and (_grew(after, count_before) or count_before is None):
        return cart_count(after)
    links = after.buttons(CART)
    if links:
        await workspace.click(links[0])
        cart, there = await workspace.until(lambda page: product.title.lower() in page.text.lower())
        if there and count_before in (None, 0):
            return cart_count(cart)
    raise Failed(EXPECTATION_FAILED, f"the cart does not show that {product.title} was added")


def cart_count(survey: Survey) -> int | None:
    """How many things the page says are in the cart."""
    for item in survey.items:
        if item.role in ("link", "button") and CART.search(item.name):
            counted = _DIGITS.search(item.name)
            if counted:
                return int(counted[0])
    return None


def _grew(page: Survey, count_before: int | None) -> bool:
    count = cart_count(page)
    return count is not None and count > (count_before or 0) and count_before is not None


def _said(page: Survey, before: Survey) -> str:
    """The page's new words that something was added."""
    known = set(before.lines())
    return next((line for line in page.lines() if line not in known and len(line) <= 160 and _ADDED.search(line)), "")


def products_of(found: dict[str, Any]) -> list[Product]:
    """The product cards of a page, in its order."""
    products = []
    for card in found["cards"]:
        disabled = [
            button
            for button in card["buttons"]
            if button["disabled"] and (_ADD.search(button["name"]) or _OUT.search(button["name"]))
        ]
        enabled = [button for button in card["buttons"] if not button["disabled"] and _ADD.search(button["name"])]
        out = bool(_OUT.search(card["text"])) or (bool(disabled) and not enabled)
        products.append(Product(card["title"], extract.amount(card["price"]), card["price"], card["url"], not out))
    return products


def _stems(text: str) -> list[str]:
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in re.findall(r"\w+", text.lower())
    ]
