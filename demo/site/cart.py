"""The cart of one visitor."""

from dataclasses import dataclass

from demo.site.catalogue import BY_SLUG, Product


@dataclass(frozen=True)
class CartLine:
    """So many of one product."""

    product: Product
    quantity: int

    @property
    def total_cents(self) -> int:
        """What the line costs."""
        return self.product.price_cents * self.quantity


class Cart:
    """Products and quantities in the order they were added; a line never exceeds the product's `most`."""

    def __init__(self) -> None:
        self._quantities: dict[str, int] = {}

    @property
    def lines(self) -> tuple[CartLine, ...]:
        """What is in the cart."""
        return tuple(CartLine(BY_SLUG[slug], quantity) for slug, quantity in self._quantities.items())

    @property
    def count(self) -> int:
        """How many things are in the cart."""
        return sum(self._quantities.values())

    @property
    def subtotal_cents(self) -> int:
        """What everything costs together."""
        return sum(line.total_cents for line in self.lines)

    def quantity(self, product: Product) -> int:
        """How many of the product are in the cart."""
        return self._quantities.get(product.slug, 0)

    def change(self, product: Product, quantity: int) -> int:
        """Set how many of the product are wanted, as far as stock allows, and return the difference made."""
        before = self.quantity(product)
        after = min(max(quantity, 0), product.most)
        self._quantities[product.slug] = after
        if after == 0:
            del self._quantities[product.slug]
        return after - before

    def clear(self) -> None:
        """Take everything out."""
        self._quantities.clear()
