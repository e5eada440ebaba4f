""" "Complete checkout and confirm order": goes from page to page to the order's confirmation.

It fills only what the prompt gives, presses the button that places the order once, and believes only a confirmation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from browser_host.task import extract
from browser_host.task.clauses.form_fields import set_item, settable
from browser_host.task.failures import (
    CREDENTIAL_REQUIRED,
    EXPECTATION_FAILED,
    MISSING_INPUT,
    NOT_FOUND,
    REJECTED_BY_PAGE,
    STALLED,
    Failed,
)
from browser_host.task.likeness import field_likeness
from browser_host.task.survey import CART, OUTSIDE, Item, Survey
from browser_host.task.workspace import Workspace

_PLACE = re.compile(
    r"\b(place|confirm|submit|complete|finish|finali[sz]e)( your| my| the)? (order|purchase)\b|\bpay now\b|"
    r"\border now\b|"
    r"\bconfirm (and|&) pay\b|^\s*pay\b(?!pal)|^\s*(confirm|purchase)\s*$",
    re.IGNORECASE,
)
_GO_ON = re.compile(
    r"^\s*(continue|next|proceed|review)\b|\bsave and continue\b|\buse this address\b|\bdeliver to this\b|"
    r"\bgo to (payment|review|delivery|shipping)\b",
    re.IGNORECASE,
)
_CHECK_OUT = re.compile(r"\bcheck ?out\b", re.IGNORECASE)
_NEVER = re.compile(
    r"shopping|browse|\bback\b|cancel|remove|coupon|promo|gift|paypal|google|apple|amazon|express|edit|change|"
    r"\badd\b|empty|update|apply|sign|log ?in|newsletter|subscribe|delete|return",
    re.IGNORECASE,
)
_LADDER = (_PLACE, _GO_ON, _CHECK_OUT, CART)
_CONFIRMED = re.compile(
    r"\bthank(s| you)\b.{0,30}\b(order|purchase)|\border\b.{0,30}\b(is|has been|was)?\s*(confirmed|placed|"
    r"received|complete[d]?)\b|"
    r"\border confirmation\b|\bconfirmation of your order\b",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"(cart|basket|bag|trolley) is (currently )?empty|no items in (your )?(cart|basket|bag)", re.IGNORECASE
)
_ADDRESS_LINE = ("first line of address", "street address", "address 1", "line 1", "street", "address")
"""Other names of the field for an address's first line."""
_SURELY = 90
_MOST_PAGES = 15
_PLACED_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Checkout:
    """Complete the checkout and place the order."""

    given: dict[str, str] = field(default_factory=dict)
    """What the prompt gives for fields, by their names."""

    @property
    def words(self) -> str:
        """The clause."""
        with_ = f" with {', '.join(self.given)}" if self.given else ""
        return f"complete the checkout{with_} and place the order"

    async def carry_out(self, workspace: Workspace) -> None:
        """Go on page by page; the output is the order's number and total."""
        been: set[tuple[str, str, str]] = set()
        total: float | None = None
        for _ in range(_MOST_PAGES):
            survey, _ = await workspace.until(
                lambda page: bool(_rung(page)) or bool(_EMPTY.search(page.text)), timeout=5.0
            )
            button = self._next(survey)
            if _rung(survey) is not CART:
                await self._fill_given(workspace, survey, button)
                survey = await workspace.survey()
                button = self._next(survey)
                _require_filled(survey, button)
            shown = _total(await workspace.read())
            total = shown if shown is not None else total
            survey = await workspace.survey()
            button = self._next(survey)
            step = (survey.url, button.name, survey.text)
            if step in been:
                raise Failed(STALLED, f'"{button.name}" was pressed and the page is as it was')
            been.add(step)
            await workspace.click(button, judged=False)
            if _PLACE.search(button.name):
                workspace.output = await self._confirmed(workspace, survey, total)
                return
            await self._accepted(workspace, survey, button)
        raise Failed(STALLED, f"{_MOST_PAGES} pages of checkout, and no end of it")

    def _next(self, survey: Survey) -> Item:
        """The button that leads on.

        Raises:
            Failed: the cart is empty, a login is asked for, or nothing leads on.
        """
        if _EMPTY.search(survey.text) and not any(survey.buttons(rung, _NEVER) for rung in _LADDER[:3]):
            line = next((line for line in survey.lines() if _EMPTY.search(line)), "the cart is empty")
            raise Failed(REJECTED_BY_PAGE, line)
        rung = _rung(survey)
        if rung is None or (rung is CART and _is_cart_page(survey)):
            if any(item.type == "password" for item in survey.items):
                raise Failed(CREDENTIAL_REQUIRED, "the checkout asks for a login, which the task does not give")
            raise Failed(NOT_FOUND, f"nothing on the page leads on in a checkout: {_offered(survey)}")
        return _best(survey, rung)

    async def _fill_given(self, workspace: Workspace, survey: Survey, button: Item) -> None:
        for name, value in self.given.items():
            fields = [item for item in settable(survey) if item.landmark not in OUTSIDE]
            called = [item for item in fields if _named(item, name)]
            for other in (name, *(_ADDRESS_LINE if name.lower() == "address line 1" else ())):
                called = called or [item for item in fields if field_likeness(other, item.name) >= _SURELY]
            fields = called
            if len(fields) == 1 and fields[0].value != value:
                await set_item(workspace, fields[0], value, secret=False)
                survey = await workspace.survey()

    async def _accepted(self, workspace: Workspace, before: Survey, button: Item) -> None:
        """See that the page went on.

        Raises:
            Failed: MISSING_INPUT or REJECTED_BY_PAGE, with what the page says.
        """
        after, _ = await workspace.until(lambda page: page.url != before.url or page.text != before.text, timeout=5.0)
        trouble = after.trouble(before)
        if not trouble:
            return
        lacking = [item for item in after.items if item.invalid and not item.filled]
        if lacking:
            raise Failed(MISSING_INPUT, f"the checkout needs {_list(lacking)}, which the task does not give: {trouble}")
        if after.url == before.url or any(item.invalid for item in after.items):
            raise Failed(REJECTED_BY_PAGE, f"the checkout refused to go on: {trouble}")

    async def _confirmed(self, workspace: Workspace, before: Survey, total: float | None) -> dict[str, Any]:
        """See the confirmation.

        Raises:
            Failed: REJECTED_BY_PAGE, or EXPECTATION_FAILED when the page says nothing either way.
        """
        after, _ = await workspace.until(
            lambda page: _confirms(page, before) or bool(page.trouble(before)), timeout=_PLACED_PATIENCE
        )
        if not _confirms(after, before):
            trouble = after.trouble(before) or after.trouble()
            if trouble:
                raise Failed(REJECTED_BY_PAGE, f"the order was refused: {trouble}")
            raise Failed(
                EXPECTATION_FAILED,
                "the order was sent, but the page shows neither a confirmation nor a refusal: look before trying again",
            )
        found = await workspace.read()
        number = extract.order_number(found["text"])
        final = _total(found)
        output: dict[str, Any] = {"order_number": number, "total": final if final is not None else total}
        return {name: value for name, value in output.items() if value is not None}


def _rung(survey: Survey) -> re.Pattern[str] | None:
    return next((rung for rung in _LADDER if survey.buttons(rung, _NEVER)), None)


def _best(survey: Survey, rung: re.Pattern[str]) -> Item:
    """The button of this rung: in the page's main part before its header, a button before a link."""
    buttons = survey.buttons(rung, _NEVER)
    return min(buttons, key=lambda item: (not item.dialog, item.landmark in OUTSIDE, item.role != "button", item.ref))


def _is_cart_page(survey: Survey) -> bool:
    return bool(re.search(r"/(cart|basket|bag)\b", survey.url, re.IGNORECASE))


def _require_filled(survey: Survey, button: Item) -> None:
    """Stop before a form that asks for what nobody gave.

    Raises:
        Failed: MISSING_INPUT.
    """
    asked = [item for item in survey.items if item.required and not item.disabled and item.landmark not in OUTSIDE]
    ours = [item for item in asked if item.form == button.form] if button.form >= 0 else asked
    chosen = {item.group for item in survey.items if item.group and item.checked}
    lacking = [
        item
        for item in ours
        if (item.role == "radio" and item.group not in chosen)
        or (item.role in ("checkbox", "switch") and not item.checked)
        or (item.role not in ("radio", "checkbox", "switch") and not item.filled)
    ]
    if lacking:
        raise Failed(MISSING_INPUT, f"the checkout needs {_list(lacking)}, which the task does not give")


def _list(items: list[Item]) -> str:
    return ", ".join(dict.fromkeys(f'"{item.name or item.names[0] if item.names else item.role}"' for item in items))


def _named(item: Item, name: str) -> bool:
    wanted = name.lower()
    return any(wanted == known.lower() for known in item.names) or wanted in item.name.lower().split()


def _total(found: dict[str, Any]) -> float | None:
    """What the page says the order costs: the grand total before the total before the subtotal."""
    facts = extract.facts_of(found)
    for wanted in (r"^(order|grand) total$|^total (due|to pay)$|^amount due$", r"^total\b", r"^subtotal\b"):
        for label, value in facts:
            if re.search(wanted, label.strip(), re.IGNORECASE) and (amount := extract.amount(value)) is not None:
                return amount
    return None


def _confirms(page: Survey, before: Survey) -> bool:
    known = set(before.lines())
    new = [line for line in page.lines() if line not in known]
    says_so = any(_CONFIRMED.search(line) and len(line) <= 300 for line in new)
    numbered = page.url != before.url and any(extract.ORDER_NUMBER.search(line) for line in new)
    still_asked = bool(page.buttons(_PLACE, _NEVER))
    return (says_so or numbered) and not still_asked


def _offered(survey: Survey) -> str:
    names = [item.name for item in survey.items if item.role == "button" and item.name]
    return ", ".join(dict.fromkeys(names[:8])) or "no buttons"
