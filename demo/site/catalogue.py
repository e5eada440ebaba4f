"""What the shop sells, and how it is searched.

The first hit for "wireless headphones" costs $249.00 and the second is sold out, so whoever wants a pair under $100
has to read the cards: the right top result is `cove-wireless-headphones` at $79.99.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

MOST_PER_LINE = 10
DECLINED_SLUG = "gift-card-payment-test"


@dataclass(frozen=True)
class Product:
    """One thing for sale; `kind` also chooses its picture and `tint` the colour behind it."""

    slug: str
    name: str
    kind: str
    price_cents: int
    rating: float
    reviews: int
    stock: int
    tint: str
    description: str

    @property
    def in_stock(self) -> bool:
        """Whether it can be bought."""
        return self.stock > 0

    @property
    def most(self) -> int:
        """How many fit in one cart line."""
        return min(self.stock, MOST_PER_LINE)

    @property
    def stock_note(self) -> str:
        """What the card says about stock."""
        if not self.in_stock:
            return "Out of stock"
        return f"Only {self.stock} left" if self.stock <= 3 else "In stock"


class SortOrder(StrEnum):
    """The orders that search results come in."""

    RELEVANCE = "relevance"
    PRICE_UP = "price-up"
    PRICE_DOWN = "price-down"


# fmt: off
PRODUCTS: tuple[Product, ...] = (
    Product("aurora-wireless-headphones", "Aurora Wireless Headphones", "headphones", 24900, 4.8, 1204, 24, "night",
            "Our flagship over-ear pair: deep noise cancelling, forty hours on a charge and leather that ages well."),
    Product("nimbus-wireless-headphones", "Nimbus Wireless Headphones", "headphones", 5999, 4.6, 873, 0, "sky",
            "Feather-light over-ear pair with soft cushions and a fold-flat frame. Loved a little too much lately."),
    Product("meridian-wireless-headphones", "Meridian Wireless Studio Headphones", "headphones", 12999, 4.7, 412, 9,
            "clay", "Reference sound without the cable: balanced drivers, replaceable pads and a two-device switch."),
    Product("cove-wireless-headphones", "Cove Wireless Headphones", "headphones", 7999, 4.5, 640, 18, "sea",
            "Everyday over-ear pair with thirty hours of play, clear calls and a quiet hinge that does not creak."),
    Product("pebble-wireless-headphones", "Pebble Wireless Headphones", "headphones", 4999, 4.1, 298, 3, "moss",
            "Small on-ear pair for the walk to work. Charges in an hour and folds into a coat pocket."),
    Product("linden-wired-headphones", "Linden Wired Headphones", "headphones", 3999, 4.3, 517, 40, "sand",
            "A simple pair with a braided cable and no battery to think about, ever."),
    Product("halden-wired-headphones", "Halden Wired Studio Headphones", "headphones", 15900, 4.9, 188, 6, "plum",
            "Open-back studio pair with velvet pads and a detachable three-metre cable."),
    Product("skiff-wireless-earbuds", "Skiff Wireless Earbuds", "earbuds", 6999, 4.4, 731, 27, "sea",
            "Pocket-sized earbuds with a tide-smooth case and eight hours between charges."),
    Product("oak-headphone-stand", "Oak Headphone Stand", "stand", 2499, 4.6, 95, 14, "sand",
            "Solid oak, oiled by hand. Holds wired and wireless pairs alike and keeps the desk tidy."),
    Product("harbour-speaker", "Harbour Bluetooth Speaker", "speaker", 8900, 4.6, 356, 11, "night",
            "A room-filling speaker in woven cloth that is happy on a shelf or by the sea."),
    Product("lantern-radio", "Lantern Kitchen Radio", "speaker", 12400, 4.5, 142, 5, "clay",
            "FM, internet radio and one big dial. It starts where it stopped."),
    Product("quill-keyboard", "Quill Mechanical Keyboard", "keyboard", 11900, 4.7, 269, 16, "plum",
            "A compact board with quiet switches, dye-printed caps and a body of recycled aluminium."),
    Product("drift-wireless-mouse", "Drift Wireless Mouse", "mouse", 3499, 4.2, 433, 31, "moss",
            "Soft to hold, silent to click, and three months on one charge."),
    Product("braided-usb-c-cable", "Braided USB-C Cable", "cable", 1299, 4.4, 902, 120, "sky",
            "Two metres, a hundred watts and a braid that does not fray."),
    Product("dune-desk-lamp", "Dune Desk Lamp", "lamp", 5400, 4.8, 211, 8, "sand",
            "Warm light on a weighted base, with a dimmer you turn instead of tap."),
    Product("stoneware-mug", "Stoneware Mug", "mug", 1800, 4.9, 1530, 64, "clay",
            "Thrown in small batches, glazed by hand, and safe in the dishwasher all the same."),
    Product("canvas-day-bag", "Canvas Day Bag", "bag", 7200, 4.5, 327, 2, "moss",
            "Waxed canvas, a padded laptop sleeve and a strap that sits where it should."),
    Product("pocket-notebooks", "Pocket Notebooks, Set of 3", "notebook", 1400, 4.7, 684, 75, "sky",
            "Ruled, dotted and plain. Forty-eight pages each, sewn so that they lie flat."),
    Product(DECLINED_SLUG, "Gift card (payment test)", "gift", 5000, 4.0, 12, 999, "plum",
            "A card for someone who has everything. Every payment for it is declined, so nobody gets it."),
)
FAVOURITES = ("aurora-wireless-headphones", "quill-keyboard", "stoneware-mug", "dune-desk-lamp",
              "harbour-speaker", "canvas-day-bag", "skiff-wireless-earbuds", "pocket-notebooks")
# fmt: on
BY_SLUG: dict[str, Product] = {product.slug: product for product in PRODUCTS}

_SORTS: dict[SortOrder, Callable[[Product], int]] = {
    SortOrder.PRICE_UP: lambda product: product.price_cents,
    SortOrder.PRICE_DOWN: lambda product: -product.price_cents,
}


def search(query: str, order: SortOrder = SortOrder.RELEVANCE) -> list[Product]:
    """Return the products that match every word of the query; an empty query matches all of them."""
    words = _words(query)
    if query.strip() and not words:
        return []
    scored = [(_score(product, words), product) for product in PRODUCTS]
    found = [product for score, product in sorted(scored, key=lambda pair: -pair[0]) if score > 0 or not words]
    return sorted(found, key=_SORTS[order]) if order in _SORTS else found


def _score(product: Product, words: list[str]) -> int:
    """Add up where each word is found, name before kind before description; 0 if any word is missing."""
    places = ((3, _words(product.name)), (2, _words(product.kind)), (1, _words(product.description)))
    scores = [sum(weight for weight, text in places if any(t.startswith(word) for t in text)) for word in words]
    return sum(scores) if all(scores) else 0


def _words(text: str) -> list[str]:
    """Split text into lower-case words without the s of a plural."""
    return [word.removesuffix("s") for word in re.findall(r"\w+", text.lower())]
