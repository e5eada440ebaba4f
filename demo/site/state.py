"""Everything one running site remembers; nothing outlives it and no two sites share it."""

import asyncio
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from demo.site.accounts import SignIns
from demo.site.cart import Cart
from demo.site.log import SiteLog
from demo.site.orders import Checkout, OrderBook

MOST_VISITS = 10_000


@dataclass
class Visit:
    """What the site keeps for one browser; `notice` is shown on its next page and then forgotten."""

    visitor: str
    cart: Cart = field(default_factory=Cart)
    checkout: Checkout | None = None
    notice: str = ""

    def take_notice(self) -> str:
        """Return the waiting notice and forget it."""
        notice, self.notice = self.notice, ""
        return notice


class Visits:
    """The browsers that came by, by the id in the visitor cookie; past the bound the oldest is forgotten."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()

    def of(self, visitor: str) -> Visit:
        """Return the visit with this id, begun now if it is new; an id not of our making is replaced.

        Cookies do not tell ports apart, so an id that another site of ours gave is taken over as it is: a browser
        that visits two sites is one visitor in both logs.
        """
        if not re.fullmatch(r"v-[0-9a-f]{16}", visitor):
            visitor = f"v-{secrets.token_hex(8)}"
        visit = self._visits.setdefault(visitor, Visit(visitor))
        if len(self._visits) > MOST_VISITS:
            self._visits.popitem(last=False)
        return visit


@dataclass
class SiteState:
    """The memory of one site; `closing` is set when it begins to stop."""

    log: SiteLog
    visits: Visits = field(default_factory=Visits)
    sign_ins: SignIns = field(default_factory=SignIns)
    orders: OrderBook = field(default_factory=OrderBook)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
